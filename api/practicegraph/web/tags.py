"""Entity tags (RFC 9110, section 8.8.3): one a representation, its content coding included."""

import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .methods import DUMP

_TAG = re.compile(r'(?:W/)?"[^"]*"')
_CODED = '-gzip"'


def matches(header: str, tag: str) -> bool:
    """Tell whether an If-None-Match header names the tag, in whichever coding, or any (13.1.2)."""
    named = {found.removeprefix("W/").replace(_CODED, '"') for found in _TAG.findall(header)}
    return header.strip() == "*" or tag in named


class Coding(GZipMiddleware):
    """Codes answers with gzip, but not dumps, whose readers expect the length that is published."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and code the answer."""
        if scope["type"] == "http" and scope["path"].startswith(DUMP):
            await self.app(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


class CodedTags:
    """Gives a coded answer a tag of its own, since its bytes are others."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and mark the tag of a coded answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        asked = _CODED in Headers(scope=scope).get("if-none-match", "")

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                coded = "content-encoding" in headers or (asked and message["status"] == 304)
                if "etag" in headers and coded:
                    headers["etag"] = headers["etag"].removesuffix('"') + _CODED
            await send(message)

        await self._app(scope, receive, marked)
