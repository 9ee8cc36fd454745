"""Range requests for files (RFC 9110, section 14): invalid ranges are ignored."""

import os
from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send
from werkzeug.http import parse_range_header

from ...errors import RequestError


class Ranges:
    """Middleware that removes a header without a valid range of bytes (section 14.2)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on without an invalid range."""
        if scope["type"] == "http" and not _starts(Headers(scope=scope)):
            headers = [pair for pair in scope["headers"] if pair[0] != b"range"]
            scope = {**scope, "headers": headers}
        await self._app(scope, receive, send)


class Files(StaticFiles):
    """Static files; a range beyond the end of a file is an error."""

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        """Return a file or 304; raise RequestError (416) for a range beyond its end."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        if isinstance(response, FileResponse):
            check_range(Headers(scope=scope), response.headers, stat_result.st_size)
        return response


def check_range(request: Headers, headers: Mapping[str, str], size: int) -> None:
    """Raise RequestError (416) for a range beyond a file of that size and with those headers.

    A range of another version of the file is not checked (If-Range, section 13.1.5).
    """
    if request.get("if-range") not in (None, headers["ETag"], headers["Last-Modified"]):
        return
    starts = _starts(request)
    if any((start if start >= 0 else max(size + start, 0)) >= size for start in starts):
        headers = {"Content-Range": f"bytes */{size}"}
        raise RequestError("rangeNotSatisfiable", headers=headers, size=size)


def _starts(request: Headers) -> list[int]:
    """Return the starts of the requested ranges; below zero, they count from the end."""
    header = parse_range_header(request.get("range"))
    return [start for start, _ in header.ranges] if header and header.units == "bytes" else []
