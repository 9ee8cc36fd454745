"""Responses: JSON, typed links in headers (RFC 8288), files, and streams that can break off.

A small result is sent whole, others are streamed. A stream that its client reads too slowly breaks
off, since it occupies a process. The client then sees an incomplete transfer, and the log gets one
line.
"""

import asyncio
import hashlib
import logging
import os
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import msgspec
from fastapi import Request, Response
from fastapi.responses import FileResponse, StreamingResponse
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.staticfiles import StaticFiles
from starlette.types import Message, Receive, Scope, Send
from werkzeug.http import parse_range_header

from ...errors import RequestError
from ...sparql.pool import ResultTooLargeError
from ...sparql.process import DeadlineExceededError, IncidentError
from ...sparql.protocol import SMALL_RESULT
from ...storage.base import QueryRefusedError
from ...storage.remote import StoreError
from . import connections

_FAILURES = (
    IncidentError,
    DeadlineExceededError,
    ResultTooLargeError,
    QueryRefusedError,
    StoreError,
)
_DISCONNECTIONS = (EOFError, OSError, ValueError)
# Messages of uvicorn about requests that are not HTTP, or ask for another protocol.
_CLIENT_ERRORS = ("Invalid HTTP request", "Unsupported upgrade", "No supported WebSocket")
_RATE = 16_000
_PATIENCE = 10.0


@dataclass(frozen=True)
class Link:
    """A link: its target, its relations (separated by spaces), and the target's type and title."""

    href: str
    rel: str
    type: str = ""
    title: str = ""

    def __str__(self) -> str:
        """Return the link as in a header; the title is encoded by RFC 8187."""
        kind = f'; type="{self.type}"' if self.type else ""
        title = f"; title*=UTF-8''{quote(self.title, safe='')}" if self.title else ""
        return f'<{self.href}>; rel="{self.rel}"{kind}{title}'


def root(request: Request) -> str:
    """Return the base URL of the service for a request, without a slash at the end."""
    return str(request.base_url).rstrip("/")


def prefix(request: Request) -> str:
    """Return the prefix of all paths in the base URL of the service, or ""."""
    path: str = request.scope.get("root_path", "")
    return path


def header(links: Sequence[Link]) -> dict[str, str]:
    """Return the links as a header (RFC 8288, section 3)."""
    return {"Link": ", ".join(map(str, links))} if links else {}


def json(value: Any, headers: Mapping[str, str] | None = None, media_type: str = "") -> Response:
    """Return a value as JSON."""
    content = msgspec.json.encode(value)
    return Response(content, headers=headers, media_type=media_type or "application/json")


class RangedFileResponse(FileResponse):
    """A file, or ranges of it; invalid ranges are ignored (RFC 9110, section 14.2)."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file; raise RequestError (416) for a range beyond its end."""
        headers = Headers(scope=scope)
        requested = parse_range_header(headers.get("range"))
        if requested is None or requested.units != "bytes":
            raw = [pair for pair in scope["headers"] if pair[0] != b"range"]
            scope = {**scope, "headers": raw}
        elif headers.get("if-range") in (None, self.headers["etag"], self.headers["last-modified"]):
            self._check([start for start, _ in requested.ranges])
        await super().__call__(scope, receive, send)

    def _check(self, starts: Sequence[int]) -> None:
        """Raise RequestError for a start beyond the end; below zero, they count from the end."""
        size = int(self.headers["content-length"])
        if any((start if start >= 0 else max(size + start, 0)) >= size for start in starts):
            headers = {"Content-Range": f"bytes */{size}"}
            raise RequestError("rangeNotSatisfiable", headers=headers, size=size)


class RangedStaticFiles(StaticFiles):
    """Static files, or ranges of them."""

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        """Return a file, or 304."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        is_file = isinstance(response, FileResponse)
        ranged = RangedFileResponse(full_path, status_code, stat_result=stat_result)
        return ranged if is_file else response


class BrokenOffError(Exception):
    """A response breaks off; the message states the path, the query and the reason."""


def filter_record(record: logging.LogRecord) -> bool:
    """Reduce the log record of a response that broke off to one line without a traceback.

    Return False for records about clients that disconnect early or do not send HTTP.
    """
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, ClientDisconnect) or record.msg.startswith(_CLIENT_ERRORS):
        return False
    if isinstance(error, BrokenOffError):
        record.msg, record.args, record.exc_info = "%s", (str(error),), None
    return True


async def stream(
    parts: AsyncGenerator[bytes, None],
    headers: Mapping[str, str],
    media_type: str,
    path: str,
    query: str,
) -> Response:
    """Return the response to a query at a path; raise the errors of its first parts."""
    first = b""
    async for part in parts:
        first += part
        if len(first) >= SMALL_RESULT:
            digest = hashlib.sha256(query.encode()).hexdigest()[:12]
            name = f"{path}: the answer to query {digest}"
            return _PacedResponse(name, first, parts, headers=headers, media_type=media_type)
    return Response(first, headers=headers, media_type=media_type)


class _PacedResponse(StreamingResponse):
    """A stream that is closed when it is complete, or when its client disconnects or is slow.

    It raises BrokenOffError for a failure, so that the server closes the connection without the
    last chunk.
    """

    def __init__(
        self, name: str, first: bytes, parts: AsyncGenerator[bytes, None], **arguments: Any
    ) -> None:
        super().__init__(self._content(first), **arguments)
        self._name, self._parts = name, parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(self._parts):
            try:
                await super().__call__(scope, receive, _PacedSend(send))
            except _SlowClientError:
                connections.abort(scope)  # closing would wait for the client
                slow = f"read at less than {_RATE // 1000} kB/s"
                raise BrokenOffError(f"{self._name} was broken off: {slow}") from None

    async def _content(self, first: bytes) -> AsyncGenerator[bytes, None]:
        yield first
        try:
            async for part in self._parts:
                yield part
        except (*_FAILURES, *_DISCONNECTIONS) as error:
            reason = str(error) or "its process has ended"
            raise BrokenOffError(f"{self._name} was broken off: {reason}") from error


class _SlowClientError(Exception):
    """A client reads more slowly than the minimum rate."""


class _PacedSend:
    """Sends a response; raises _SlowClientError if its client reads too slowly.

    Each part may take its time at `_RATE` bytes a second, and all parts together `_PATIENCE`
    seconds more. Clients regain these seconds by reading faster.
    """

    def __init__(self, send: Send) -> None:
        self._send, self._remaining = send, _PATIENCE

    async def __call__(self, message: Message) -> None:
        remaining = self._remaining + len(message.get("body", b"")) / _RATE
        start = time.monotonic()
        try:
            async with asyncio.timeout(remaining):
                await self._send(message)
        except TimeoutError:
            raise _SlowClientError from None
        self._remaining = min(_PATIENCE, remaining - time.monotonic() + start)
