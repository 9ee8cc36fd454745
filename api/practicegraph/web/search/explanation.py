"""Explanations of results: the SPARQL queries that give each of their numbers again."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from msgspec import UNSET, UnsetType, field, to_builtins

from ...schema.fields import Field
from ...search.engine import MAX_HITS, CountQueries, TooManyHitsError
from ...search.request import SearchRequest
from ..context import View
from ..models import JsonObject

_MAX_URL_QUERY = 6000


class CountQueriesObject(JsonObject):
    """The SPARQL queries that count the values of a facet, and the entries without one."""

    values: str
    not_stated: str


class CellQueriesObject(JsonObject):
    """The SPARQL queries that count the cells of a table."""

    values: str
    rows_not_stated: str
    columns_not_stated: str
    both_not_stated: str


class ExplanationObject(JsonObject, kw_only=True):
    """The SPARQL queries that give the numbers again; a note where too many entries match words."""

    release: str
    milliseconds: float
    note: str = ""


class SearchExplanation(ExplanationObject, kw_only=True):
    """The SPARQL queries of a search."""

    entries: str = field(default="", name="list")
    total: str = ""
    facets: dict[str, CountQueriesObject] | UnsetType = UNSET


class TableExplanation(ExplanationObject, kw_only=True):
    """The SPARQL queries of a contingency table."""

    total: str = ""
    rows: CountQueriesObject | UnsetType = UNSET
    columns: CountQueriesObject | UnsetType = UNSET
    cells: CellQueriesObject | UnsetType = UNSET


class SimilarExplanation(ExplanationObject, kw_only=True):
    """The SPARQL query that lists similar entries."""

    entries: str = field(name="list")


class ExplanatoryQuery(NamedTuple):
    """A query of an explanation: its place in it, what it counts, its text, its editor's URL."""

    name: str
    label: str
    text: str
    editor: str


def explain_search(
    view: View, search_request: SearchRequest, milliseconds: float
) -> SearchExplanation:
    """Return the explanation of a search; a note stands in place of queries that are too long."""
    origin = _origin(view, milliseconds)
    try:
        queries = view.services.explainer.explain_search(search_request, view.languages)
    except TooManyHitsError as error:
        return SearchExplanation(**origin, note=_note(view, error))
    return SearchExplanation(
        **origin,
        entries=queries.listing,
        total=queries.total,
        facets={key: _count_queries(counts) for key, counts in queries.facets.items()},
    )


def explain_table(
    view: View, axes: tuple[Field, Field], search_request: SearchRequest, milliseconds: float
) -> TableExplanation:
    """Return the explanation of a contingency table."""
    origin = _origin(view, milliseconds)
    try:
        queries = view.services.explainer.explain_table(*axes, search_request, view.languages)
    except TooManyHitsError as error:
        return TableExplanation(**origin, note=_note(view, error))
    return TableExplanation(
        **origin,
        total=queries.total,
        rows=_count_queries(queries.rows),
        columns=_count_queries(queries.columns),
        cells=CellQueriesObject(
            queries.cells,
            queries.rows_not_stated,
            queries.columns_not_stated,
            queries.both_not_stated,
        ),
    )


def explain_similar(view: View, entry: str, size: int, milliseconds: float) -> SimilarExplanation:
    """Return the explanation of which entries are similar to one."""
    query = view.services.explainer.queries.list_similar(entry, size)
    return SimilarExplanation(**_origin(view, milliseconds), entries=query)


def explanatory_queries(
    view: View, explanation: ExplanationObject, labels: Mapping[str, str]
) -> list[ExplanatoryQuery]:
    """Return the queries of an explanation that have a label, by their dotted names."""
    queries: list[ExplanatoryQuery] = []
    for name, label in labels.items():
        text: Any = to_builtins(explanation)
        for key in name.split("."):
            text = text.get(key, {})
        if text:
            # A longer query would make a URL that servers refuse.
            url = view.link("/sparql", query=text) if len(text) < _MAX_URL_QUERY else ""
            queries.append(ExplanatoryQuery(name, label, text, url))
    return queries


def _count_queries(queries: CountQueries) -> CountQueriesObject:
    return CountQueriesObject(queries.values, queries.not_stated)


def _note(view: View, error: TooManyHitsError) -> str:
    return view.phrase("tooManyMatches", count=error.count, limit=MAX_HITS)


def _origin(view: View, milliseconds: float) -> dict[str, Any]:
    return {"release": view.services.search.release, "milliseconds": round(milliseconds, 2)}
