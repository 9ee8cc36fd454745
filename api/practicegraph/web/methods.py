"""HEAD and OPTIONS on everything that answers GET (RFC 9110, sections 9.3.2 and 9.3.7)."""

from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SPARQL = "/sparql"
"""The path of the SPARQL endpoint, which also takes queries by POST."""
STATUS = "/status"
"""The path that tells what became of addresses, which takes nothing but POST."""
RECONCILE = "/reconcile"
"""The path of the reconciliation service, which takes queries by POST too."""
VALIDATE = "/validate"
"""The path of checks of what readers give."""
SERVICES = "/.well-known/api-catalog"
"""The path that leads programs to the services (RFC 9727)."""
_BOTH = "GET, HEAD, POST, OPTIONS"
_ALLOWED = {SPARQL: _BOTH, RECONCILE: _BOTH, VALIDATE: _BOTH, STATUS: "POST, OPTIONS"}

DUMP = ("/dump.", "/dump/")
"""What the paths of dumps begin with: files that are long, and of a length that is published."""


def allowed(path: str) -> str:
    """Give the methods that an address knows."""
    return _ALLOWED.get(path.rstrip("/"), "GET, HEAD, OPTIONS")


class Methods:
    """Answers HEAD as GET without content, and OPTIONS with the methods that are allowed."""

    def __init__(self, app: ASGIApp, allowed: Callable[[str], str] = allowed) -> None:
        self._app, self._allowed = app, allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["method"] == "HEAD":
            # A file is not read to be thrown away: dumps know HEAD themselves.
            method = "HEAD" if scope["path"].startswith(DUMP) else "GET"
            await self._app({**scope, "method": method}, receive, _without_content(send))
        elif scope["method"] == "OPTIONS" and not _is_preflight(scope):
            headers = MutableHeaders({"Allow": self._allowed(scope["path"])})
            await send({"type": "http.response.start", "status": 204, "headers": headers.raw})
            await send({"type": "http.response.body", "body": b""})
        else:
            await self._app(scope, receive, send)


def _is_preflight(scope: Scope) -> bool:
    return "access-control-request-method" in Headers(scope=scope)


def _without_content(send: Send) -> Send:
    """Pass on the head of an answer, which then is complete: whoever makes more learns of it."""
    is_complete = False

    async def passed(message: Message) -> None:
        nonlocal is_complete
        if is_complete:
            return
        if message["type"] == "http.response.body":
            message = {**message, "body": b"", "more_body": False}
            is_complete = True
        await send(message)

    return passed
