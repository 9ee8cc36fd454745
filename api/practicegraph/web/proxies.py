"""The address at which a reader has asked, and the reader's own, as a proxy tells them (RFC 7239).

A proxy says them by `Forwarded`, or by `X-Forwarded-Proto`, `-Host`, `-Prefix` and `-For`. Only
proxies that are trusted are believed, and of several values the last one: that is the trusted
proxy's own, and those before it are what it was told.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send
from werkzeug.http import parse_options_header

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
    """Give the addresses of the reader and of the proxies passed, without ports."""
    hops = ",".join(headers.getlist("forwarded")).split(",")
    told = [parse_options_header(f"x;{hop}")[1].get("for", "") for hop in hops]
    if not any(told):
        told = ",".join(headers.getlist("x-forwarded-for")).split(",")
    for each in map(str.strip, told):
        found = _WITH_PORT.fullmatch(each)
        yield found[1] or found[2] if found else each


def _said(headers: Headers) -> Iterator[tuple[str, str]]:
    """Give what the headers say of protocol, host and prefix, where it is well formed."""
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
