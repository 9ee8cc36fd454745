"""Answers that come in parts: small ones go out whole, which saves threads, others as they come."""

from collections.abc import Generator, Mapping
from itertools import chain

from anyio import CancelScope, to_thread
from fastapi import Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from ..worker import SMALL
from . import breaks


def response(
    parts: Generator[bytes, None, None],
    headers: Mapping[str, str],
    media_type: str,
    path: str,
    query: str,
) -> Response:
    """Give the parts as the answer to a query at a path; raises what making the first raises."""
    first = b""
    for part in parts:
        first += part
        if len(first) >= SMALL:
            rest = breaks.named(parts, path, query)
            return _Streamed(first, rest, headers, media_type)
    return Response(first, headers=headers, media_type=media_type)


class _Streamed(StreamingResponse):
    """Parts on their way; they are let go when all are out, or when the reader has left."""

    def __init__(
        self,
        first: bytes,
        parts: Generator[bytes, None, None],
        headers: Mapping[str, str],
        media_type: str,
    ) -> None:
        super().__init__(chain([first], parts), headers=headers, media_type=media_type)
        self._parts = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            with CancelScope(shield=True):
                await to_thread.run_sync(self._parts.close)
