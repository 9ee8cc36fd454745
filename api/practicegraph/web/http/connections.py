"""Connections with bounds: what one client sends, or fails to send, holds up no other.

uvicorn limits neither the size of a request's head nor the time in which a request has to come.

Connections of the server: their end is told to every request on them, and they can be cut.

uvicorn tells the last request alone, and reads no further behind one that is pipelined (RFC 9112,
section 9.3.2), so that it never learns that the reader of an earlier one has gone.
"""

import json
import logging
import resource
from asyncio import BaseTransport, TimerHandle, Transport
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from functools import cache
from http import HTTPStatus
from typing import Any, cast

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

_ABORT = "practicegraph.abort"
_PIPELINED = 16


def abort(scope: Scope) -> None:
    """Close the connection of a request, without what its reader has not taken yet."""
    cut: Callable[[], None] | None = scope.get(_ABORT)
    if cut:
        cut()


_LOG = logging.getLogger("uvicorn.error")
_PIECE = 1 << 13  # bytes parsed at once, after which they are counted


@dataclass(frozen=True)
class Bounds:
    """What clients may send and how long they may take, in bytes and seconds.

    Trailers, and all that stands between two parts of a body, are limited as a head is. A body
    comes, and an answer is taken, at `pace` bytes a second at the least, beyond the first
    `idle_seconds`. What is left of a body after its answer is read for a while, since a client
    that is still sending may lose the answer otherwise (RFC 9112, 9.6).
    """

    head: int = 1 << 16
    target: int = 1 << 15
    fields: int = 256
    head_seconds: float = 15.0
    idle_seconds: float = 60.0
    pace: int = 1000
    rest: int = 1 << 24
    rest_seconds: float = 5.0
    connections: int = 4096


class _Phase(Enum):
    """What a client is to send: a request, the rest of a head, of a body, or of a refused body."""

    IDLE, HEAD, BODY, REST = auto(), auto(), auto(), auto()


class _RefusedError(Exception):
    """A request that is refused before its head has ended."""


class BoundedConnection(HttpToolsProtocol):
    """The connection of a client and its unanswered requests, closed beyond the bounds."""

    bounds = Bounds()
    _status = HTTPStatus.BAD_REQUEST
    _pending = 0
    _unanswered: "tuple[RequestResponseCycle, ...]" = ()

    def connection_made(self, transport: BaseTransport) -> None:
        """Begin to watch a connection, and make room for it where there are too many."""
        super().connection_made(cast(Transport, transport))
        self._uncounted = 0
        self._marked = self.loop.time()
        self._enter(_Phase.IDLE)
        self._timer: TimerHandle | None = None
        self._make_room()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """End the watch, and tell all requests that their reader has gone."""
        if self._timer:
            self._timer.cancel()
        for cycle in self._unanswered:
            cycle.disconnected = True
            cycle.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what has come, by pieces, so that a head without an end is seen in time."""
        self._last = self.loop.time()
        for start in range(0, len(data), _PIECE):
            if self.transport.is_closing():
                return
            piece = data[start : start + _PIECE]
            self._uncounted += len(piece)
            super().data_received(piece)
            if self._uncounted > self.bounds.head:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_message_begin(self) -> None:
        """Begin a head; the application can cut the connection on which it comes."""
        super().on_message_begin()
        scope: dict[str, Any] = self.scope  # type: ignore[assignment]
        scope[_ABORT] = self.transport.abort
        self._enter(_Phase.HEAD)

    def on_url(self, url: bytes) -> None:
        """Take a part of the request target."""
        super().on_url(url)
        if len(self.url) > self.bounds.target:
            self._status = HTTPStatus.REQUEST_URI_TOO_LONG
            raise _RefusedError

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field of the head; one of the trailers is dropped (RFC 9110, 6.5.1)."""
        if self._phase is not _Phase.HEAD:
            return
        if len(self.headers) >= self.bounds.fields:
            self._status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            raise _RefusedError
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Start a request or keep it for later; read on, unless many wait."""
        self._uncounted = 0
        self._enter(_Phase.BODY)
        super().on_headers_complete()
        cycles = (*self._unanswered, self.cycle)
        self._unanswered = tuple(each for each in cycles if each and not each.response_complete)
        if 0 < len(self.pipeline) < _PIPELINED:
            self.flow.resume_reading()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._uncounted = 0
        self._received += len(body)
        if self._phase is _Phase.REST and self._received > self.bounds.rest:
            self.transport.abort()
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Wait for the next request."""
        self._uncounted = 0
        self._enter(_Phase.IDLE)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Begin to wait for the client again; it may still be sending what was refused."""
        is_refused = self._phase is _Phase.BODY and self.cycle.response_complete
        self._enter(_Phase.REST if is_refused else self._phase)
        super().on_response_complete()

    def resume_writing(self) -> None:
        """Note that the client has taken what was written."""
        self._marked = self.loop.time()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Refuse what the parser does not read."""
        self._refuse(self._status)

    def _enter(self, phase: _Phase) -> None:
        self._phase, self._received = phase, 0
        self._since = self._last = self.loop.time()

    def _watch(self) -> None:
        """Close the connection if the client is late, or look again when it would be."""
        now = self.loop.time()
        left = self._left(now)
        if self._is_stuck(now):
            self.transport.abort()
        elif left > 0 or self.transport.is_closing():
            seconds = min(max(left, 0.1), self.bounds.idle_seconds)
            self._timer = self.loop.call_later(seconds, self._watch)
        elif self._phase in (_Phase.HEAD, _Phase.BODY):
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
            self._watch()
        else:
            self.transport.close()
            self._watch()

    def _left(self, now: float) -> float:
        """Return the seconds that the client has for what it is to send."""
        bounds = self.bounds
        if not self._waits:
            self._since = self._last = now
        if self._phase is _Phase.HEAD:
            return self._since + bounds.head_seconds - now
        if self._phase is _Phase.REST:
            return self._since + bounds.rest_seconds - now
        slow = self._since + self._received / bounds.pace
        return min(self._last, slow) + bounds.idle_seconds - now

    @property
    def _waits(self) -> bool:
        """Whether the client has something to send, and the service nothing to do for it."""
        if self.cycle is None or self.cycle.response_complete:
            return True
        is_read = not (self.flow.read_paused or self.cycle.waiting_for_100_continue)
        return self._phase is _Phase.BODY and is_read

    def _is_stuck(self, now: float) -> bool:
        """Return whether the client does not take its answer."""
        pending = self.transport.get_write_buffer_size()
        seconds, taken = now - self._marked, self._pending - pending
        if not 0 < pending <= self._pending or taken >= self.bounds.pace * seconds:
            self._pending, self._marked = pending, now
        return now - self._marked > self.bounds.idle_seconds

    def _make_room(self) -> None:
        """Where there are too many connections, close an eighth: those waited for the longest."""
        most = min(self.bounds.connections, _open_files() * 3 // 4)
        if len(self.connections) <= most:
            return
        _tell_full(most)
        others = (other for other in self.connections if isinstance(other, BoundedConnection))
        waiting = sorted((other for other in others if other._waits), key=lambda o: o._since)
        for other in waiting[: most // 8 + 1]:
            self.connections.discard(other)
            other.transport.abort()

    def _refuse(self, status: HTTPStatus) -> None:
        """Answer with problem details (RFC 9457) where no other answer is due, and close."""
        if self.transport.is_closing():
            return
        if self._is_next:
            details = {"type": "about:blank", "title": status.phrase, "status": status.value}
            content = json.dumps(details | {"detail": status.description}).encode()
            head = (
                b"content-type: application/problem+json\r\ncontent-length: %d\r\n"
                b"connection: close\r\n\r\n" % len(content)
            )
            self.transport.write(STATUS_LINE[status] + head + content)
        self.transport.close()

    @property
    def _is_next(self) -> bool:
        """Whether what is written now answers the request that is coming in."""
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            return self._phase is not _Phase.REST
        is_its = self._phase is _Phase.BODY and not self.pipeline
        return is_its and not cycle.response_started


def _open_files() -> int:
    """Return how many files the process may have open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return soft if soft != resource.RLIM_INFINITY else 1 << 20


@cache
def _tell_full(most: int) -> None:
    """Say in the log, once, that there are as many connections as there may be."""
    _LOG.warning(
        "%d connections are open, which is the most: those waiting the longest are closed.", most
    )
