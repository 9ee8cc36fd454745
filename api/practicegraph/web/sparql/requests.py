"""Requests of the SPARQL 1.1 Protocol (https://www.w3.org/TR/sparql11-protocol/, section 2.1)."""

from collections.abc import Iterable
from dataclasses import dataclass

from fastapi import Request

from ...storage.base import QueryRefusedError
from ..http import bodies

QUERY_MEDIA_TYPE = "application/sparql-query"
"""The media type of a query that is the body of a request (section 2.1.3)."""
_MIN_SECONDS = 0.1
"""The shortest deadline in seconds: a query beyond its deadline costs a worker process."""


@dataclass(frozen=True)
class QueryRequest:
    """The query of a request, its dataset, the requested deadline, format and view on a page."""

    query: str
    default: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    seconds: float | None = None
    format: str = ""
    view: str = "table"


async def parse_request(request: Request) -> QueryRequest | None:
    """Return the query by GET, form or direct POST; None without a query (section 2.1).

    Raise QueryRefusedError or RequestError.
    """
    url_pairs = _decode_pairs(request.scope["query_string"])
    if request.method != "POST":
        is_query = _has(url_pairs, "query") or _has(url_pairs, "update")
        return _parse_pairs(url_pairs) if is_query else None
    media_type = bodies.require_media_type(request, bodies.FORM, QUERY_MEDIA_TYPE)
    content = await bodies.read_body(request)
    is_form = media_type == bodies.FORM
    return _parse_pairs(
        [*url_pairs, *(_decode_pairs(content) if is_form else [("query", _decode(content))])]
    )


def _parse_pairs(pairs: list[tuple[str, str]]) -> QueryRequest:
    if _has(pairs, "update"):
        raise QueryRefusedError(hint="updateRefused")
    queries = [value for name, value in pairs if name == "query"]
    if len(queries) != 1:
        raise QueryRefusedError(hint="queryCount", count=len(queries))
    return QueryRequest(
        query=queries[0],
        default=tuple(value for name, value in pairs if name == "default-graph-uri"),
        named=tuple(value for name, value in pairs if name == "named-graph-uri"),
        seconds=parse_timeout(pairs),
        format=next((value for name, value in pairs if name == "format"), ""),
        view=next((value for name, value in pairs if name == "view"), QueryRequest.view),
    )


def _has(pairs: list[tuple[str, str]], name: str) -> bool:
    return any(name == other for other, _ in pairs)


def parse_timeout(pairs: Iterable[tuple[str, str]]) -> float | None:
    """Return the deadline in seconds that the parameters request; raise QueryRefusedError."""
    return min((_parse_seconds(value) for name, value in pairs if name == "timeout"), default=None)


def _parse_seconds(value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = 0.0
    if not seconds > 0:
        raise QueryRefusedError(hint="invalidTimeout", value=value)
    return max(seconds, _MIN_SECONDS)


def _decode_pairs(content: bytes) -> list[tuple[str, str]]:
    try:
        return bodies.parse_form(content)
    except UnicodeDecodeError as error:
        raise QueryRefusedError(hint="notUtf8") from error
    except ValueError as error:
        raise QueryRefusedError(hint="tooManyFields", limit=bodies.MAX_FIELDS) from error


def _decode(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise QueryRefusedError(hint="notUtf8") from error
