"""HEAD and OPTIONS on everything that answers GET (RFC 9110, sections 9.3.2 and 9.3.7).

The address at which a reader has asked, and the reader's own, as a proxy tells them (RFC 7239).

A proxy says them by `Forwarded`, or by `X-Forwarded-Proto`, `-Host`, `-Prefix` and `-For`. Only
proxies that are trusted are believed, and of several values the last one: that is the trusted
proxy's own, and those before it are what it was told.

Addresses as URIs (RFC 3986): octets that none has are percent-encoded, as browsers do it.

What servers of HTTP let through would else be no UTF-8 here, and no IRI in RDF.

Routes whose functions take the request as it is: nothing is read out of it before they run.
"""

import re
from collections.abc import Callable, Coroutine, Iterator, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from werkzeug.http import parse_options_header

from ..urls import DUMP, RECONCILE, SPARQL, STATUS, VALIDATE

_BOTH = "GET, HEAD, POST, OPTIONS"
_ALLOWED = {SPARQL: _BOTH, RECONCILE: _BOTH, VALIDATE: _BOTH, STATUS: "POST, OPTIONS"}


def allowed(path: str) -> str:
    """Return the methods that an address knows."""
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


Network = IPv4Network | IPv6Network
_WITH_PORT = re.compile(r"\[([^]]*)\](?::\d+)?|([0-9.]+):\d+")
_SAFE = {
    "proto": re.compile(r"https?"),
    "host": re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?"),
    "prefix": re.compile(r"(/[A-Za-z0-9._~-]+)+"),
}


class Proxies:
    """Puts what a trusted proxy says of the address into the request."""

    def __init__(self, app: ASGIApp, trusted: Sequence[Network]) -> None:
        self._app = app
        self._trusted = trusted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on as the reader has sent it."""
        if scope["type"] == "http" and self._is_trusted(scope):
            headers = Headers(scope=scope)
            told = {"client": self._client(headers)}
            scope = _addressed({**scope, **told}, dict(_said(headers)))
        await self._app(scope, receive, send)

    def _is_trusted(self, scope: Scope) -> bool:
        address = _address((scope.get("client") or ("", 0))[0])
        return address is not None and self._knows(address)

    def _knows(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self._trusted)

    def _client(self, headers: Headers) -> tuple[str, int] | None:
        """Return the last address told that is no trusted proxy's; None where that is unknown."""
        for told in reversed(list(_clients(headers))):
            address = _address(told)
            if not address or not self._knows(address):
                return (str(address), 0) if address else None
        return None


def client(scope: Scope) -> str:
    """Return who asks, to tell clients apart: an address, or the network that one has in IPv6.

    It is "" on this machine and where nothing is known, since a proxy may be there that is not
    trusted, and have many readers.
    """
    return _network((scope.get("client") or ("", 0))[0])


@lru_cache(maxsize=1024)
def _network(host: str) -> str:
    address = _address(host)
    if not address or address.is_loopback:
        return ""
    is_long = isinstance(address, IPv6Address)
    return str(IPv6Network((address, 64), strict=False)) if is_long else str(address)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found


def _clients(headers: Headers) -> Iterator[str]:
    """Yield the addresses of the reader and of the proxies passed, without ports."""
    hops = ",".join(headers.getlist("forwarded")).split(",")
    told = [parse_options_header(f"x;{hop}")[1].get("for", "") for hop in hops]
    if not any(told):
        told = ",".join(headers.getlist("x-forwarded-for")).split(",")
    for each in map(str.strip, told):
        found = _WITH_PORT.fullmatch(each)
        yield found[1] or found[2] if found else each


def _said(headers: Headers) -> Iterator[tuple[str, str]]:
    """Yield what the headers say of protocol, host and prefix, where it is well formed."""
    forwarded = ",".join(headers.getlist("forwarded")).rpartition(",")[2]
    _, told = parse_options_header(f"x;{forwarded}")
    for name, form in _SAFE.items():
        others = ",".join(headers.getlist(f"x-forwarded-{name}"))
        value = told.get(name, others.rpartition(",")[2]).strip()
        if name == "prefix":
            value = value.rstrip("/")
        if form.fullmatch(value):
            yield name, value


def _addressed(scope: Scope, said: dict[str, str]) -> Scope:
    changed: dict[str, Any] = {}
    if "proto" in said:
        changed["scheme"] = said["proto"]
    if "host" in said:
        others = [(name, value) for name, value in scope["headers"] if name != b"host"]
        changed["headers"] = [*others, (b"host", said["host"].encode())]
    if "prefix" in said:
        changed["root_path"] = said["prefix"]
        if not scope["path"].startswith(said["prefix"] + "/"):
            changed["path"] = said["prefix"] + scope["path"]
            changed["raw_path"] = quote(changed["path"]).encode()
    return {**scope, **changed}


_IN_NONE = re.compile(rb"%(?![0-9A-Fa-f]{2})|[^A-Za-z0-9._~!$&'()*+,;=:@/?%-]")


class Escapes:
    """Percent-encodes what no query of a URI has (section 3.4); what it says stays the same."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with a query that is one."""
        if scope["type"] == "http":
            query = _IN_NONE.sub(lambda found: b"%%%02X" % found[0][0], scope["query_string"])
            scope = {**scope, "query_string": query}
        await self._app(scope, receive, send)


class PlainRoute(APIRoute):
    """A route that is documented like the others, and answers with an asynchronous function."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the function."""
        return self.endpoint
