"""Connections with limits on size and time, so that no client blocks others (RFC 9112, section 9).

uvicorn limits neither the size of the head of a request nor the time in which a request arrives.
It signals a disconnect to the last request alone, and does not read beyond a pipelined request
(section 9.3.2). So it does not notice that the client of an earlier request has disconnected.
Work for a request ends with its connection. One whose client has closed the sending side counts as
ended, since it cannot be told from one that the client has left (section 9.6).
"""

import asyncio
import json
import logging
import resource
from asyncio import BaseTransport, TimerHandle, Transport
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum, auto
from functools import cache
from http import HTTPStatus
from typing import Any, TypeVar, cast

from fastapi import Request
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

_ABORT_KEY = "practicegraph.abort"
_MAX_PIPELINED = 16
_LOG = logging.getLogger("uvicorn.error")
_WATCH_DELAY = 0.1  # seconds before a connection is watched; most responses are ready earlier
_HINTS = {414: "Send a long query by POST: as a form, or as the body (application/sparql-query)."}
_Result = TypeVar("_Result")
_CHUNK_SIZE = 1 << 13  # bytes that are parsed before they are counted


def abort(scope: Scope) -> None:
    """Close the connection of a request at once; drop data that the client has not read."""
    abort_connection: Callable[[], None] | None = scope.get(_ABORT_KEY)
    if abort_connection:
        abort_connection()


async def run_until_disconnect(request: Request, work: Awaitable[_Result]) -> _Result:
    """Return the result of work; cancel it and raise ClientDisconnect if the client disconnects.

    The body of the request must have been read.
    """
    task = asyncio.current_task()
    assert task
    watchers: list[asyncio.Task[None]] = []

    def watch() -> None:
        watchers.append(asyncio.create_task(_cancel_at_disconnect(request.receive, task)))

    timer = asyncio.get_running_loop().call_later(_WATCH_DELAY, watch)
    try:
        return await work
    except asyncio.CancelledError:
        if any(watcher.done() for watcher in watchers) and not task.uncancel():
            raise ClientDisconnect from None
        raise
    finally:
        timer.cancel()
        for watcher in watchers:
            watcher.cancel()


async def _cancel_at_disconnect(receive: Receive, task: asyncio.Task[Any]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    task.cancel()


@dataclass(frozen=True)
class Bounds:
    """The limits of a connection, in bytes and seconds.

    `head` also limits trailers and the framing between two parts of a body. After the first
    `idle_seconds`, clients send a body and read a response at `pace` bytes a second or faster. The
    rest of a body is read for a while after its response, since a client that is still sending
    could otherwise lose the response (RFC 9112, section 9.6).
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
    """The next data from a client: a request, or the rest of a head, body or refused body."""

    IDLE, HEAD, BODY, REST = auto(), auto(), auto(), auto()


class _RefusedError(Exception):
    """A request is refused before the end of its head."""


class _JoiningTransport(Transport):
    """Writes the head of a response together with the first part of its body.

    The server would wake its client twice for one response. A head without a body waits no longer
    than for the end of this turn of the event loop.
    """

    def __init__(self, transport: Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._transport, self._loop = transport, loop
        self._head: bytes | None = None

    def write(self, data: "bytes | bytearray | memoryview[Any]") -> None:
        """Write data behind the head; keep the head."""
        if self._head is None:
            self._head = bytes(data)
            self._loop.call_soon(self._flush)
        elif self._head:
            head, self._head = self._head, b""
            self._transport.writelines((head, data))
        else:
            self._transport.write(data)

    def close(self) -> None:
        """Write the head, and close the connection."""
        self._flush()
        self._transport.close()

    def is_closing(self) -> bool:
        """Return whether the connection is being closed."""
        return self._transport.is_closing()

    def _flush(self) -> None:
        if self._head:
            head, self._head = self._head, b""
            self._transport.write(head)


class BoundedConnection(HttpToolsProtocol):
    """The connection of a client, with its open requests; it is closed beyond its limits."""

    bounds = Bounds()
    _status = HTTPStatus.BAD_REQUEST
    _pending = 0
    _open_cycles: "tuple[RequestResponseCycle, ...]" = ()

    def connection_made(self, transport: BaseTransport) -> None:
        """Start the timer of a connection; close others if there are too many."""
        super().connection_made(cast(Transport, transport))
        self._head_size = 0
        self._progress_time = self.loop.time()
        self._enter(_Phase.IDLE)
        self._timer: TimerHandle | None = None
        self._make_room()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timer, and signal the disconnect to all open requests."""
        if self._timer:
            self._timer.cancel()
        for cycle in self._open_cycles:
            cycle.disconnected = True
            cycle.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse data in chunks, so that a head that is too long is refused in time."""
        self._last = self.loop.time()
        for start in range(0, len(data), _CHUNK_SIZE):
            if self.transport.is_closing():
                return
            chunk = data[start : start + _CHUNK_SIZE]
            self._head_size += len(chunk)
            super().data_received(chunk)
            if self._head_size > self.bounds.head:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_message_begin(self) -> None:
        """Begin a head; let the application abort its connection."""
        super().on_message_begin()
        scope: dict[str, Any] = self.scope  # type: ignore[assignment]
        scope[_ABORT_KEY] = self.transport.abort
        self._enter(_Phase.HEAD)

    def on_url(self, url: bytes) -> None:
        """Add a part of the request target; refuse one that is too long."""
        super().on_url(url)
        if len(self.url) > self.bounds.target:
            self._status = HTTPStatus.REQUEST_URI_TOO_LONG
            raise _RefusedError

    def on_header(self, name: bytes, value: bytes) -> None:
        """Add a field of the head; drop those of trailers (RFC 9110, section 6.5.1)."""
        if self._phase is not _Phase.HEAD:
            return
        if len(self.headers) >= self.bounds.fields:
            self._status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            raise _RefusedError
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Start a request or queue it; read on unless the queue is full."""
        self._head_size = 0
        self._enter(_Phase.BODY)
        previous = self.cycle
        super().on_headers_complete()
        if self.cycle is not previous:
            self.cycle.transport = _JoiningTransport(self.transport, self.loop)
        cycles = (*self._open_cycles, self.cycle)
        self._open_cycles = tuple(
            cycle for cycle in cycles if cycle and not cycle.response_complete
        )
        if 0 < len(self.pipeline) < _MAX_PIPELINED:
            self.flow.resume_reading()

    def on_body(self, body: bytes) -> None:
        """Add a part of the body; abort beyond the limit for a refused one."""
        self._head_size = 0
        self._received += len(body)
        if self._phase is _Phase.REST and self._received > self.bounds.rest:
            self.transport.abort()
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Wait for the next request."""
        self._head_size = 0
        self._enter(_Phase.IDLE)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Wait for the client again, which may still be sending a refused body."""
        is_refused = self._phase is _Phase.BODY and self.cycle.response_complete
        self._enter(_Phase.REST if is_refused else self._phase)
        super().on_response_complete()

    def resume_writing(self) -> None:
        """Note that the client has read what was written."""
        self._progress_time = self.loop.time()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Refuse a request that the parser does not accept."""
        self._refuse(self._status)

    def _enter(self, phase: _Phase) -> None:
        self._phase, self._received = phase, 0
        self._since = self._last = self.loop.time()

    def _watch(self) -> None:
        """Close the connection if the client is late; else check again at its deadline."""
        now = self.loop.time()
        remaining = self._remaining(now)
        if self._is_stuck(now):
            self.transport.abort()
        elif remaining > 0 or self.transport.is_closing():
            seconds = min(max(remaining, 0.1), self.bounds.idle_seconds)
            self._timer = self.loop.call_later(seconds, self._watch)
        elif self._phase in (_Phase.HEAD, _Phase.BODY):
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
            self._watch()
        else:
            self.transport.close()
            self._watch()

    def _remaining(self, now: float) -> float:
        """Return the seconds until the deadline of the data that the client is to send."""
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
        """Whether the server waits for data from the client."""
        if self.cycle is None or self.cycle.response_complete:
            return True
        is_read = not (self.flow.read_paused or self.cycle.waiting_for_100_continue)
        return self._phase is _Phase.BODY and is_read

    def _is_stuck(self, now: float) -> bool:
        """Return whether the client has stopped reading its response."""
        pending = self.transport.get_write_buffer_size()
        seconds, read = now - self._progress_time, self._pending - pending
        if not 0 < pending <= self._pending or read >= self.bounds.pace * seconds:
            self._pending, self._progress_time = pending, now
        return now - self._progress_time > self.bounds.idle_seconds

    def _make_room(self) -> None:
        """Close the eighth that waits the longest if there are too many connections."""
        limit = min(self.bounds.connections, _max_open_files() * 3 // 4)
        if len(self.connections) <= limit:
            return
        _warn_full(limit)
        others = (c for c in self.connections if isinstance(c, BoundedConnection) and c is not self)
        waiting = sorted(
            (other for other in others if other._waits), key=lambda other: other._since
        )
        for other in waiting[: limit // 8 + 1]:
            self.connections.discard(other)
            other.transport.abort()

    def _refuse(self, status: HTTPStatus) -> None:
        """Send problem details (RFC 9457) unless another response is due; close the connection."""
        if self.transport.is_closing():
            return
        if self._is_next:
            details = {"type": "about:blank", "title": status.phrase, "status": status.value}
            details |= {"detail": status.description}
            details |= {"hint": _HINTS[status]} if status in _HINTS else {}
            content = json.dumps(details).encode()
            head = (
                b"content-type: application/problem+json\r\ncontent-length: %d\r\n"
                b"access-control-allow-origin: *\r\naccess-control-expose-headers: *\r\n"
                b"connection: close\r\n\r\n" % len(content)
            )
            self.transport.write(STATUS_LINE[status] + head + content)
        self.transport.close()

    @property
    def _is_next(self) -> bool:
        """Whether a response written now is read as that of the incoming request."""
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            return self._phase is not _Phase.REST
        is_last = self._phase is _Phase.BODY and not self.pipeline
        return is_last and not cycle.response_started


def _max_open_files() -> int:
    """Return the limit of open files of the process."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return soft if soft != resource.RLIM_INFINITY else 1 << 20


@cache
def _warn_full(limit: int) -> None:
    """Log once that the limit of connections is reached."""
    _LOG.warning(
        "%d connections are open, which is the most: those waiting the longest are closed.", limit
    )
