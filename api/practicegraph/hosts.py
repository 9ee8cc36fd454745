"""The hosts that readers' queries may call with SERVICE: none but those that are listed."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv6Address

_HOST = r"(?P<name>[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{1,5}))?"
_LISTED = re.compile(_HOST, re.IGNORECASE | re.ASCII)
# Nothing but a host and a port stands between the slashes: no user, no escape, no other script.
_ADDRESS = re.compile(rf"(?P<scheme>https?)://{_HOST}(?:[/?#].*)?", re.IGNORECASE | re.ASCII)
_PORTS = {"http": 80, "https": 443}


class UnknownHostError(ValueError):
    """A text that names no host."""


@dataclass(frozen=True)
class Host:
    """A host; without a port, every port of it."""

    name: str
    port: int | None = None

    def __str__(self) -> str:
        return self.name if self.port is None else f"{self.name}:{self.port}"


def listed(text: str) -> Host:
    """Read HOST or HOST:PORT, an IPv6 address in brackets; raises UnknownHostError."""
    found = _LISTED.fullmatch(text)
    if not found:
        raise UnknownHostError(f"{text}: not a host, such as example.org or example.org:8080")
    return Host(_name(found["name"]), int(found["port"]) if found["port"] else None)


def allows(hosts: Iterable[Host], iri: str) -> bool:
    """Tell whether an IRI is http or https, written in full, and of one of the hosts."""
    found = _ADDRESS.fullmatch(iri)
    if not found:
        return False
    try:
        name = _name(found["name"])
    except UnknownHostError:
        return False
    port = int(found["port"] or _PORTS[found["scheme"].lower()])
    return any(host.name == name and host.port in (None, port) for host in hosts)


def _name(text: str) -> str:
    """Give a name in small letters, an IPv6 address in its shortest form."""
    if not text.startswith("["):
        return text.lower()
    try:
        return f"[{IPv6Address(text[1:-1]).compressed}]"
    except ValueError as error:
        raise UnknownHostError(f"{text}: not an IPv6 address") from error
