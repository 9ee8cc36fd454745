"""Answers that come in parts: small ones go out whole, others as they come.

Those are broken off for a reader who takes too little, since each of them occupies a process.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from fastapi import Response
from fastapi.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from ..frames import SMALL
from . import breaks, connections

_RATE = 16_000
_PATIENCE = 10.0


async def response(
    parts: AsyncGenerator[bytes, None],
    headers: Mapping[str, str],
    media_type: str,
    path: str,
    query: str,
) -> Response:
    """Give the parts as the answer to a query at a path; raises what making the first raises."""
    first = b""
    async for part in parts:
        first += part
        if len(first) >= SMALL:
            rest = breaks.named(first, parts, path, query)
            slow = breaks.broken_off(path, query, f"read at less than {_RATE // 1000} kB/s")
            return _Streamed(rest, headers, media_type, slow)
    return Response(first, headers=headers, media_type=media_type)


async def whole(parts: AsyncGenerator[bytes, None]) -> bytes:
    """Give all parts as one."""
    return b"".join([part async for part in parts])


class _Streamed(StreamingResponse):
    """Parts on their way; they are let go when all are out, or when the reader has left."""

    def __init__(
        self,
        parts: AsyncGenerator[bytes, None],
        headers: Mapping[str, str],
        media_type: str,
        slow: breaks.BrokenOffError,
    ) -> None:
        super().__init__(parts, headers=headers, media_type=media_type)
        self._parts, self._slow = parts, slow

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(self._parts):
            try:
                await super().__call__(scope, receive, _Paced(send))
            except _SlowError:
                connections.abort(scope)  # to close it would be to wait for the reader
                raise self._slow from None


class _SlowError(Exception):
    """A reader who takes less than an answer must be taken at."""


class _Paced:
    """Passes an answer on as its reader takes it; raises _SlowError below `_RATE` bytes a second.

    Each part may take its time at that rate, and all of them `_PATIENCE` seconds more, which
    readers get back by reading faster.
    """

    def __init__(self, send: Send) -> None:
        self._send, self._left = send, _PATIENCE

    async def __call__(self, message: Message) -> None:
        left = self._left + len(message.get("body", b"")) / _RATE
        start = time.monotonic()
        try:
            async with asyncio.timeout(left):
                await self._send(message)
        except TimeoutError:
            raise _SlowError from None
        self._left = min(_PATIENCE, left - time.monotonic() + start)
