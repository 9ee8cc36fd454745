"""Answers that come in parts: small ones go out whole, others as they come."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from fastapi import Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from ..frames import SMALL
from . import breaks


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
            return _Streamed(rest, headers, media_type)
    return Response(first, headers=headers, media_type=media_type)


async def whole(parts: AsyncGenerator[bytes, None]) -> bytes:
    """Give all parts as one."""
    return b"".join([part async for part in parts])


class _Streamed(StreamingResponse):
    """Parts on their way; they are let go when all are out, or when the reader has left."""

    def __init__(
        self, parts: AsyncGenerator[bytes, None], headers: Mapping[str, str], media_type: str
    ) -> None:
        super().__init__(parts, headers=headers, media_type=media_type)
        self._parts = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(self._parts):
            await super().__call__(scope, receive, send)
