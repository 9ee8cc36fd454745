"""The address at which a reader has asked, as a proxy in front tells it (RFC 7239).

A proxy says it by `Forwarded`, or by `X-Forwarded-Proto`, `-Host` and `-Prefix`. Only proxies that
are trusted are believed, and of several values the last one: that is the trusted proxy's own, and
those before it are what it was told.
"""

import re
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send
from werkzeug.http import parse_options_header

Network = IPv4Network | IPv6Network
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
            scope = _addressed(scope, dict(_said(Headers(scope=scope))))
        await self._app(scope, receive, send)

    def _is_trusted(self, scope: Scope) -> bool:
        host, _ = scope.get("client") or ("", 0)
        try:
            address = ip_address(host)
        except ValueError:
            return False
        return any(address in network for network in self._trusted)


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
