"""Middleware that changes requests before the routes: methods, codings, queries, proxies.

HEAD and OPTIONS follow RFC 9110, sections 9.3.2 and 9.3.7. Proxies state the URL and the address of
the client in `Forwarded` (RFC 7239), or in `X-Forwarded-Proto`, `-Host`, `-Prefix` and `-For`. Only
trusted proxies are believed. Of several values the last one counts: the trusted proxy adds it, and
earlier ones come from the client.
"""

import re
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from werkzeug.http import parse_options_header

from ..urls import DUMP, RECONCILE, SPARQL, STATUS, VALIDATE
from .negotiation import accepts_gzip

Network = IPv4Network | IPv6Network
_WITH_POST = "GET, HEAD, POST, OPTIONS"
_ALLOWED = {
    SPARQL: _WITH_POST,
    RECONCILE: _WITH_POST,
    VALIDATE: _WITH_POST,
    STATUS: "POST, OPTIONS",
}
_GZIP_SUFFIX = b'-gzip"'
_MIN_CODED = 1000  # bytes of a response that is coded
_STATUSES_WITHOUT_CONTENT = (304, 412)
_HOST_AND_PORT = re.compile(r"\[([^]]*)\](?::\d+)?|([0-9.]+):\d+")
_FORWARDED_VALUES = {
    "proto": re.compile(r"https?"),
    "host": re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?"),
    "prefix": re.compile(r"(/[A-Za-z0-9._~-]+)+"),
}
_NOT_IN_QUERIES = re.compile(rb"%(?![0-9A-Fa-f]{2})|[^A-Za-z0-9._~!$&'()*+,;=:@/?%-]")


def allowed(path: str) -> str:
    """Return the methods that are allowed at a path, as in the header Allow."""
    return _ALLOWED.get(path.rstrip("/"), "GET, HEAD, OPTIONS")


class Methods:
    """Middleware that answers HEAD as GET without content, and OPTIONS with the allowed methods."""

    def __init__(self, app: ASGIApp, allowed: Callable[[str], str] = allowed) -> None:
        self._app, self._allowed = app, allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer OPTIONS."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["method"] == "HEAD":
            # Dumps answer HEAD themselves, without reading the file.
            method = "HEAD" if _path(scope).startswith(DUMP) else "GET"
            await self._app({**scope, "method": method}, receive, _without_content(send))
        elif scope["method"] == "OPTIONS" and not _is_preflight(scope):
            headers = MutableHeaders({"Allow": self._allowed(_path(scope))})
            await send({"type": "http.response.start", "status": 204, "headers": headers.raw})
            await send({"type": "http.response.body", "body": b""})
        else:
            await self._app(scope, receive, send)


def _path(scope: Scope) -> str:
    """Return the path without the prefix of a proxy."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


def _is_preflight(scope: Scope) -> bool:
    return "access-control-request-method" in Headers(scope=scope)


def _without_content(send: Send) -> Send:
    """Return a function that sends the head of a response, and marks the response as complete."""
    is_complete = False

    async def send_head(message: Message) -> None:
        nonlocal is_complete
        if is_complete:
            return
        if message["type"] == "http.response.body":
            message = {**message, "body": b"", "more_body": False}
            is_complete = True
        await send(message)

    return send_head


class ContentCoding:
    """Middleware that codes responses with gzip for clients that accept it (section 8.4).

    A coded response has its own entity tag (section 8.8.3.3): that of the response with a suffix,
    which preconditions do not see. Dumps are not coded; they keep their published length.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app, self._gzip = app, GZipMiddleware(app, _MIN_CODED, compresslevel=5)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and code its response."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        raw = [(name, _without_suffix(name, value)) for name, value in scope["headers"]]
        names_coded = raw != scope["headers"]
        headers = MutableHeaders(raw=raw)
        is_accepted = accepts_gzip(headers.get("accept-encoding", ""))
        headers["accept-encoding"] = "gzip" if is_accepted else "identity"
        app = self._app if _path(scope).startswith(DUMP) else self._gzip

        async def send_tagged(message: Message) -> None:
            if message["type"] == "http.response.start":
                response = MutableHeaders(scope=message)
                is_bare = message["status"] in _STATUSES_WITHOUT_CONTENT
                is_coded = "content-encoding" in response or (names_coded and is_bare)
                if "etag" in response and is_coded:
                    response["etag"] = response["etag"].removesuffix('"') + _GZIP_SUFFIX.decode()
            await send(message)

        await app({**scope, "headers": headers.raw}, receive, send_tagged)


def _without_suffix(name: bytes, value: bytes) -> bytes:
    return value.replace(_GZIP_SUFFIX, b'"') if name == b"if-none-match" else value


class QueryEncoding:
    """Middleware that percent-encodes octets that the query of a URI cannot have (section 3.4).

    Browsers do so too. HTTP servers let these octets through, and they are not valid in an IRI.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with a valid query."""
        if scope["type"] == "http":
            query = _NOT_IN_QUERIES.sub(
                lambda match: b"%%%02X" % match[0][0], scope["query_string"]
            )
            scope = {**scope, "query_string": query}
        await self._app(scope, receive, send)


class Shortcut:
    """Middleware that answers plain GET requests of some paths before routes and other middleware.

    These would change nothing of such a request, but code its response, if that is large, and match
    routes one by one, which takes longer than answering. Functions do not raise known errors.
    """

    def __init__(
        self, app: ASGIApp, functions: Mapping[str, Callable[[Request], Awaitable[Response]]]
    ) -> None:
        self._app, self._functions = app, functions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        respond = self._functions.get(_path(scope)) if scope["type"] == "http" else None
        if respond is None or not _is_plain(scope):
            await self._app(scope, receive, send)
            return
        try:
            response = await respond(Request(scope, receive))
        except ClientDisconnect:
            return
        body = getattr(response, "body", None)  # streams have none
        is_small = body is not None and len(body) < _MIN_CODED
        await (response if is_small else ContentCoding(response))(scope, receive, send)


def _is_plain(scope: Scope) -> bool:
    return (
        scope["method"] == "GET"
        and not any(name == b"if-none-match" for name, _ in scope["headers"])
        and not _NOT_IN_QUERIES.search(scope["query_string"])
    )


class PlainRoute(APIRoute):
    """A route whose asynchronous function gets the request before anything of it is read."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the function."""
        return self.endpoint


class Proxies:
    """Middleware that sets URL and client of a request as a trusted proxy states them."""

    def __init__(self, app: ASGIApp, trusted: Sequence[Network]) -> None:
        self._app = app
        self._trusted = trusted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on as the client has sent it."""
        if scope["type"] == "http" and self._is_trusted(scope):
            headers = Headers(scope=scope)
            scope = {**scope, "client": self._client(headers)}
            scope = _with_url(scope, dict(_forwarded_values(headers)))
        await self._app(scope, receive, send)

    def _is_trusted(self, scope: Scope) -> bool:
        address = _parse_address((scope.get("client") or ("", 0))[0])
        return address is not None and self._is_proxy(address)

    def _is_proxy(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self._trusted)

    def _client(self, headers: Headers) -> tuple[str, int] | None:
        """Return the last address that is not of a trusted proxy; None if it is unknown."""
        for host in reversed(list(_forwarded_hosts(headers))):
            address = _parse_address(host)
            if not address or not self._is_proxy(address):
                return (str(address), 0) if address else None
        return None


def client(scope: Scope) -> str:
    """Return the address of the client, or its /64 network in IPv6, to tell clients apart.

    It is "" for loopback and for an unknown address, since a proxy that is not trusted may be
    there, with many clients behind it.
    """
    return _network((scope.get("client") or ("", 0))[0])


@lru_cache(maxsize=1024)
def _network(host: str) -> str:
    address = _parse_address(host)
    if not address or address.is_loopback:
        return ""
    is_long = isinstance(address, IPv6Address)
    return str(IPv6Network((address, 64), strict=False)) if is_long else str(address)


def _parse_address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


def _forwarded_hosts(headers: Headers) -> Iterator[str]:
    """Yield the addresses of the client and of the proxies, without ports."""
    hops = ",".join(headers.getlist("forwarded")).split(",")
    hosts = [parse_options_header(f"x;{hop}")[1].get("for", "") for hop in hops]
    if not any(hosts):
        hosts = ",".join(headers.getlist("x-forwarded-for")).split(",")
    for host in map(str.strip, hosts):
        match = _HOST_AND_PORT.fullmatch(host)
        yield match[1] or match[2] if match else host


def _forwarded_values(headers: Headers) -> Iterator[tuple[str, str]]:
    """Yield protocol, host and prefix from the headers, without malformed values."""
    forwarded = ",".join(headers.getlist("forwarded")).rpartition(",")[2]
    _, parameters = parse_options_header(f"x;{forwarded}")
    for name, pattern in _FORWARDED_VALUES.items():
        others = ",".join(headers.getlist(f"x-forwarded-{name}"))
        value = parameters.get(name, others.rpartition(",")[2]).strip()
        if name == "prefix":
            value = value.rstrip("/")
        if pattern.fullmatch(value):
            yield name, value


def _with_url(scope: Scope, values: dict[str, str]) -> Scope:
    changed: dict[str, Any] = {}
    if "proto" in values:
        changed["scheme"] = values["proto"]
    if "host" in values:
        others = [(name, value) for name, value in scope["headers"] if name != b"host"]
        changed["headers"] = [*others, (b"host", values["host"].encode())]
    if "prefix" in values:
        changed["root_path"] = values["prefix"]
        if not scope["path"].startswith(values["prefix"] + "/"):
            changed["path"] = values["prefix"] + scope["path"]
            changed["raw_path"] = quote(changed["path"]).encode()
    return {**scope, **changed}
