"""URLs of searches: with a filter more or less, of the next page, with an explanation."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from urllib.parse import urlencode

from fastapi import Request

from ...search.engine import SearchResult
from ...search.request import FROM, NOT, TO, RequestParser, encode_cursor
from ...search.text.tokenizer import MAX_QUERY_LENGTH
from ..http import responses
from ..http.negotiation import JSON
from ..http.responses import Link
from ..urls import search_path

REPRESENTATION_PARAMETERS = ("lang", "format")
"""The parameters that choose a representation, and have no effect on the result."""
_PAGING = ("after", "before")

Parameters = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class SearchLinks:
    """Builds URLs that keep the parameters of a search, in short forms and from its first page."""

    root: str
    path: str
    parameters: tuple[tuple[str, str], ...]

    def to(self, parameters: Parameters, path: str = "") -> str:
        """Return the URL of a path, or of the search, with parameters."""
        return with_query(self.root + (path or self.path), parameters)

    def choosing(self, key: str, value: str) -> str:
        """Return the URL of the search with a value chosen."""
        return self._replacing(key, value, [(key, value)])

    def narrowing(self, key: str, value: str) -> str:
        """Return the URL of the search with a value chosen in place of others of its facet."""
        names = (key, key + FROM, key + TO)
        return self.to([*self.without(*names), (key, value)])

    def excluding(self, key: str, value: str) -> str:
        """Return the URL of the search with a value excluded."""
        return self._replacing(key, value, [(key + NOT, value)])

    def removing(self, key: str, value: str) -> str:
        """Return the URL of the search with a value neither chosen nor excluded."""
        return self._replacing(key, value, ())

    def without(self, *names: str) -> list[tuple[str, str]]:
        """Return the parameters except those with a name."""
        return without_names(self.parameters, names)

    def only(self, *names: str) -> list[tuple[str, str]]:
        """Return the parameters that have one of the names."""
        return [pair for pair in self.parameters if pair[0] in names]

    def _replacing(self, key: str, value: str, added: Parameters) -> str:
        """Return the URL without a value, and with parameters; a page has hundreds of these."""
        removed, query = {(key, value), (key + NOT, value)}, self._query
        if not removed.isdisjoint(self.parameters):
            query = urlencode([pair for pair in self.parameters if pair not in removed])
        query = "&".join(filter(None, (query, *(_encode(*pair) for pair in added))))
        return self.root + self.path + (f"?{query}" if query else "")

    @cached_property
    def _query(self) -> str:
        return urlencode(self.parameters)


def search_links(
    request: Request, parser: RequestParser, without: Iterable[str] = (), path: str = ""
) -> SearchLinks:
    """Return the URLs that continue a request, without paging and the parameters that are named.

    They are those of the search, or of a view of it at another path.
    """
    removed = {*_PAGING, "explain", "format", *without}
    parameters = request.query_params
    pairs = [
        (name, code)
        for name, value in parameters.multi_items()
        if name not in removed
        and (parser.repeats(name) or value == parameters[name])
        and (value or not _may_be_empty(name))
        for code in parser.codes(name, value[:MAX_QUERY_LENGTH])
    ]
    path = path or search_path(parser.kind)
    return SearchLinks(responses.prefix(request), path, tuple(dict.fromkeys(pairs)))


@lru_cache(10_000)
def _encode(name: str, value: str) -> str:
    """Return a parameter as it stands in a URL; pages have the same ones again and again."""
    return urlencode([(name, value)])


def with_query(path: str, parameters: Parameters) -> str:
    """Return the URL of a path with parameters."""
    return path + (f"?{urlencode(parameters)}" if parameters else "")


def without_names(
    parameters: Iterable[tuple[str, str]], names: Iterable[str]
) -> list[tuple[str, str]]:
    """Return parameters except those with one of the names."""
    removed = set(names)
    return [(name, value) for name, value in parameters if name not in removed]


def page_urls(request: Request, result: SearchResult) -> dict[str, str]:
    """Return the URLs of the next, previous and first page by link relation, where they exist."""
    parameters = without_names(request.query_params.multi_items(), _PAGING)
    cursors, path, urls = result.cursors, request.url.path, {}
    if cursors and result.has_next:
        urls["next"] = with_query(path, [*parameters, ("after", encode_cursor(cursors[-1]))])
    if cursors and result.has_previous:
        urls["prev"] = with_query(path, [*parameters, ("before", encode_cursor(cursors[0]))])
    if "after" in request.query_params or "before" in request.query_params:
        urls["first"] = with_query(path, parameters)
    return urls


def explanation_link(request: Request, path: str) -> Link:
    """Return the link from another representation to the JSON with the explanation (RFC 8288)."""
    parameters = without_names(request.query_params.multi_items(), ("format", "explain"))
    path = f"{responses.prefix(request)}{path}.{JSON.extension}"
    return Link(with_query(path, [*parameters, ("explain", "true")]), "describedby", JSON.name)


def _may_be_empty(name: str) -> bool:
    """Return whether a form sends a parameter even where its input is empty."""
    return name == "q" or name.endswith((FROM, TO))
