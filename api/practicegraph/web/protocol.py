"""The SPARQL 1.1 Protocol for queries: what a request asks (https://www.w3.org/TR/sparql11-protocol/)."""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qsl

from fastapi import Request

from ..store import QueryRefusedError
from .service import TooLargeError, UnsupportedError

FORM = "application/x-www-form-urlencoded"
QUERY = "application/sparql-query"
_MOST = 1 << 20
_LEAST = 0.1
"""Seconds below which no deadline is set: each query that passes one costs its process."""


@dataclass(frozen=True)
class Asked:
    """A request's query, the dataset that it names, and the deadline and form it wishes for."""

    query: str
    default: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    seconds: float | None = None
    form: str = ""


async def asked(request: Request) -> Asked | None:
    """Read a request by GET, form or direct POST; None where it asks nothing (section 2.1).

    Raises QueryRefusedError, UnsupportedError or TooLargeError.
    """
    address = _pairs(request.scope["query_string"])
    if request.method != "POST":
        return _asked(address) if _has(address, "query") or _has(address, "update") else None
    media_type, _, parameters = request.headers.get("content-type", "").partition(";")
    if not is_utf_8(parameters):
        raise UnsupportedError(request.headers["content-type"])
    content = await body(request)
    if media_type.strip().lower() == FORM:
        return _asked([*address, *_pairs(content)])
    if media_type.strip().lower() == QUERY:
        return _asked([*address, ("query", _text(content))])
    raise UnsupportedError(media_type or "?")


def _asked(pairs: list[tuple[str, str]]) -> Asked:
    if _has(pairs, "update"):
        raise QueryRefusedError("Updates are not taken here.")
    queries = [value for name, value in pairs if name == "query"]
    if len(queries) != 1:
        raise QueryRefusedError(f"A request has one query; this one has {len(queries)}.")
    return Asked(
        query=queries[0],
        default=tuple(value for name, value in pairs if name == "default-graph-uri"),
        named=tuple(value for name, value in pairs if name == "named-graph-uri"),
        seconds=seconds(pairs),
        form=next((value for name, value in pairs if name == "format"), ""),
    )


def _has(pairs: list[tuple[str, str]], name: str) -> bool:
    return any(name == other for other, _ in pairs)


def seconds(pairs: Iterable[tuple[str, str]]) -> float | None:
    """Return the deadline that parameters wish for; raises QueryRefusedError."""
    return min((_seconds(value) for name, value in pairs if name == "timeout"), default=None)


def _seconds(value: str) -> float:
    try:
        found = float(value)
    except ValueError:
        found = 0.0
    if not found > 0:
        raise QueryRefusedError(f"timeout is a number of seconds above 0, not “{value}”.")
    return max(found, _LEAST)


async def body(request: Request, most: int = _MOST) -> bytes:
    """Give the body of a request; raises TooLargeError above so many bytes, 1 MiB if not said."""
    content = bytearray()
    async for part in request.stream():
        content += part
        if len(content) > most:
            raise TooLargeError(str(most))
    return bytes(content)


def _pairs(content: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            content.decode("ascii"), keep_blank_values=True, encoding="utf-8", errors="strict"
        )
    except UnicodeDecodeError as error:
        raise QueryRefusedError("The request is not in UTF-8.") from error


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise QueryRefusedError(f"The query is not in UTF-8: byte {error.start}.") from error


def is_utf_8(parameters: str) -> bool:
    """Tell whether the parameters of a media type name no character set but UTF-8."""
    return _charset(parameters) in ("", "utf-8", "utf8")


def _charset(parameters: str) -> str:
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip('"').lower()
    return ""
