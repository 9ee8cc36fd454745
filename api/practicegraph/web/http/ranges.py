"""Ranges of files (RFC 9110, section 14): what is none is ignored, one beyond a file is 416."""

import os
from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send
from werkzeug.http import parse_range_header

from ...errors import RequestError


class Ranges:
    """Takes out of requests what is no range of bytes: a server ignores it (section 14.2)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on without a range that is not understood."""
        if scope["type"] == "http" and not _starts(Headers(scope=scope)):
            headers = [pair for pair in scope["headers"] if pair[0] != b"range"]
            scope = {**scope, "headers": headers}
        await self._app(scope, receive, send)


class Files(StaticFiles):
    """Static files, of which a range beyond one is refused as it is everywhere."""

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        """Return a file, or with 304; raises RequestError."""
        found = super().file_response(full_path, stat_result, scope, status_code)
        if isinstance(found, FileResponse):
            refuse_beyond(Headers(scope=scope), found.headers, stat_result.st_size)
        return found


def refuse_beyond(asked: Headers, headers: Mapping[str, str], size: int) -> None:
    """Raise RequestError (416) for a range beyond a file of that size and with those headers.

    One that is asked for of another state of the file is not looked at (section 13.1.5).
    """
    if asked.get("if-range") not in (None, headers["ETag"], headers["Last-Modified"]):
        return
    if any((start if start >= 0 else max(size + start, 0)) >= size for start in _starts(asked)):
        headers = {"Content-Range": f"bytes */{size}"}
        raise RequestError("notInRange", headers=headers, size=size)


def _starts(asked: Headers) -> list[int]:
    """Return where the ranges begin that a request asks for, from the end where below zero."""
    found = parse_range_header(asked.get("range"))
    return [start for start, _ in found.ranges] if found and found.units == "bytes" else []
