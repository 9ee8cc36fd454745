"""The page of a search: its entries, its facets, its active filters and its orders."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from fastapi import Request, Response

from ...search.engine import SearchResult
from ...search.request import COUNT, FROM, NOT, NOT_STATED, RELEVANCE, TO, SearchRequest
from ..context import Site, View
from ..http.negotiation import HTML, LISTS
from ..urls import COVERAGE
from .explanation import explain_search, explanatory_queries
from .facets import Facet, facets, field_label
from .links import SearchLinks, search_links
from .snippets import SearchSnippets, suggest_words

_NO_FILTERS = ("lang", "sort", "size", "zeros")
_FILTER_PHRASES = {NOT: "excludedValue", FROM: "fromValue", TO: "toValue"}


@dataclass(frozen=True)
class SearchPage:
    """A search with its result, how long that took, and the URLs of the pages around it."""

    search_request: SearchRequest
    result: SearchResult
    milliseconds: float
    urls: Mapping[str, str]


class LinkedText(NamedTuple):
    """A text and the URL to which it leads."""

    text: str
    href: str


def search_page(site: Site, request: Request, page: SearchPage) -> Response:
    """Return the page of a search."""
    catalogue, view = site.catalogue, site.view(request)
    shown = facets(view, page.result, page.search_request)
    links = search_links(request, site.services.request_parser)
    return site.html(
        request,
        "search.html",
        records=catalogue.reader.read_records(catalogue.shapes.entry_shape, page.result.entries),
        snippets=SearchSnippets(view, page.search_request),
        suggestion=_suggestion(view, page, links),
        result=page.result,
        search_request=page.search_request,
        facets=shown,
        search_links=links,
        filters=list(_active_filters(view, shown, links)),
        sorts=list(_sorts(view, page.search_request)),
        pages=page.urls,
        explanation=_explanation(view, shown, page) if page.search_request.explain else None,
        not_stated=NOT_STATED,
        coverage=view.root + COVERAGE,
        explanation_url=links.to([*links.parameters, *_paging(request), ("explain", "true")]),
        formats=[
            (f.extension, links.to(links.parameters, f"{links.path}.{f.extension}"))
            for f in LISTS
            if f != HTML
        ],
        start=links.to(links.only("lang")),
    )


def _paging(request: Request) -> list[tuple[str, str]]:
    parameters = request.query_params
    return [(name, parameters[name]) for name in ("after", "before") if name in parameters]


def _suggestion(view: View, page: SearchPage, links: SearchLinks) -> LinkedText | None:
    words = suggest_words(view, page.search_request, page.result)
    return LinkedText(words, links.to([*links.without("q"), ("q", words)])) if words else None


def _active_filters(view: View, shown: Sequence[Facet], links: SearchLinks) -> Iterator[LinkedText]:
    """Yield the filters of a search, each with the URL of the search without it."""
    for name, value in links.parameters:
        if name not in _NO_FILTERS:
            others = [pair for pair in links.parameters if pair != (name, value)]
            yield LinkedText(_filter_text(view, shown, name, value), links.to(others))


def _filter_text(view: View, shown: Sequence[Facet], name: str, value: str) -> str:
    if name == "q":
        return f"“{value}”"
    key, _, suffix = name.partition(".")
    facet = next(facet for facet in shown if facet.field.key == key)
    label = next((known.label for known in facet.values if known.value == value), value)
    label = view.say("notStated") if value == NOT_STATED else label
    text = view.say(_FILTER_PHRASES[f".{suffix}"], value=label) if suffix else label
    return f"{facet.label}: {text}"


def _sorts(view: View, search_request: SearchRequest) -> Iterator[tuple[str, str, bool]]:
    """Yield the orders to choose from: parameter, label, whether it is the present one."""
    kind = view.catalogue.shapes.entry_shape
    labels = {RELEVANCE: view.say("relevance")} if search_request.query.strip() else {}
    labels["title"] = view.say("sortByTitle")
    for field in kind.fields:
        if field.is_ordered and not field.is_repeatable:
            labels[f"-{field.key}"] = f"{view.best(field.names)} ↓"
            labels[field.key] = f"{view.best(field.names)} ↑"
    for facet in kind.facets:
        if facet.is_repeatable and facet.has_options:
            labels[f"-{facet.key}{COUNT}"] = view.say(
                "mostFrequentValues", name=field_label(view, facet)
            )
    present = search_request.sort or next(iter(labels))
    labels.setdefault(present, present)
    yield from ((name, label, name == present) for name, label in labels.items())


def _explanation(view: View, shown: Sequence[Facet], page: SearchPage) -> dict[str, Any]:
    explanation = explain_search(view, page.search_request, page.milliseconds)
    labels = {"list": view.say("entriesOfPage"), "total": view.say("allEntries")}
    for facet in shown:
        place = f"facets.{facet.field.key}"
        labels[f"{place}.values"] = facet.label
        labels[f"{place}.notStated"] = f"{facet.label}: {view.say('notStated')}"
    return explanation | {"queries": explanatory_queries(view, explanation, labels)}
