"""Whether a reader takes coded answers (RFC 9110, section 12.5.3)."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Receive, Scope, Send
from werkzeug.datastructures import Accept
from werkzeug.http import parse_accept_header

_HEADER = "accept-encoding"


class Codings:
    """Says gzip in Accept-Encoding to those behind it, or identity where gzip weighs nothing."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with the coding that it takes."""
        if scope["type"] == "http":
            headers = MutableHeaders(raw=list(scope["headers"]))
            accepted = parse_accept_header(headers.get(_HEADER), Accept)
            headers[_HEADER] = "gzip" if accepted.quality("gzip") > 0 else "identity"
            scope = {**scope, "headers": headers.raw}
        await self._app(scope, receive, send)
