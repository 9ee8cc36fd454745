"""Explanations: the SPARQL that gives each number of a search result again.

A query is run by the text index. The entries that match it enter the SPARQL as values with their
scores, as long as there are not too many.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..errors import CatalogueError
from ..rdf.terms import as_text
from ..schema.fields import Field, NodeShape, list_steps
from ..schema.vocabularies import Vocabularies
from .engine import SearchEngine
from .request import ALL_ENTRIES, RELEVANCE, SearchRequest
from .sparql import CountAxis, QueryBuilder, order_clause

MAX_HITS = 1000
"""The entries matching a query that SPARQL can list."""


class TooManyHitsError(CatalogueError):
    """A query that more entries match than SPARQL can list; `count` is how many."""

    def __init__(self, count: int) -> None:
        super().__init__(str(count))
        self.count = count


@dataclass(frozen=True)
class CountQueries:
    """The queries that count a facet's values, `?value` and `?count`, and entries without one."""

    values: str
    not_stated: str


@dataclass(frozen=True)
class ResultQueries:
    """The queries for a page of entries in order, the total, and the counts of all facets."""

    listing: str
    total: str
    facets: Mapping[str, CountQueries]


@dataclass(frozen=True)
class TableQueries:
    """The queries for a contingency table, `?row`, `?column` and `?count`.

    The values of one facet are counted apart for entries in which the other has none.
    """

    total: str
    rows: CountQueries
    columns: CountQueries
    cells: str
    rows_not_stated: str
    columns_not_stated: str
    both_not_stated: str


@dataclass(frozen=True)
class Explainer:
    """Explains the results of a search engine."""

    engine: SearchEngine
    kind: NodeShape
    vocabularies: Vocabularies

    def explain_search(self, request: SearchRequest, languages: Sequence[str]) -> ResultQueries:
        """Explain the result of a request; raise TooManyHitsError."""
        queries, request = self.queries, self._with_scores(request, languages)
        return ResultQueries(
            listing=_page(queries, request, languages),
            total=queries.count_entries(request),
            facets={
                facet.key: _count_values(queries, request.without(facet), facet)
                for facet in self.kind.facets
            },
        )

    def explain_table(
        self, rows: Field, columns: Field, request: SearchRequest, languages: Sequence[str]
    ) -> TableQueries:
        """Explain a table of two facets; raise TooManyHitsError."""
        queries, request = self.queries, self._with_scores(request, languages)

        def cells(row: bool, column: bool) -> str:
            return queries.count_entries(
                request, CountAxis(rows, "row", row), CountAxis(columns, "column", column)
            )

        return TableQueries(
            total=queries.count_entries(request),
            rows=_count_values(queries, request, rows),
            columns=_count_values(queries, request, columns),
            cells=cells(True, True),
            rows_not_stated=cells(False, True),
            columns_not_stated=cells(True, False),
            both_not_stated=cells(False, False),
        )

    @property
    def queries(self) -> QueryBuilder:
        """Return the builder of queries, with the present steps of dates and numbers."""
        ordered = [facet for facet in self.kind.facets if facet.is_ordered]
        steps = {facet.key: self._steps(facet) for facet in ordered}
        return QueryBuilder(self.kind, self.vocabularies, steps)

    def _steps(self, facet: Field) -> range:
        steps = [int(as_text(term)) for term in self.engine.counts(facet) if term is not None]
        return list_steps(min(steps), max(steps)) if steps else range(0)

    def _with_scores(self, request: SearchRequest, languages: Sequence[str]) -> SearchRequest:
        """Return the request with the scores of its query."""
        if request.scores is None and request.query.strip():
            hits = replace(ALL_ENTRIES, query=request.query, sort=RELEVANCE, size=MAX_HITS)
            result = self.engine.search(hits, languages)
            if result.total > MAX_HITS:
                raise TooManyHitsError(result.total)
            request = replace(request, scores={c.iri: c.level or 0 for c in result.cursors})
        return request


def _count_values(queries: QueryBuilder, request: SearchRequest, facet: Field) -> CountQueries:
    stated, not_stated = CountAxis(facet, "value"), CountAxis(facet, "value", is_stated=False)
    return CountQueries(
        queries.count_entries(request, stated), queries.count_entries(request, not_stated)
    )


def _page(queries: QueryBuilder, request: SearchRequest, languages: Sequence[str]) -> str:
    """Return the query for a page; one before a cursor is sorted back."""
    query = queries.list_entries(request, languages, request.size)
    if not request.is_backward:
        return query
    inner = "\n".join(f"        {line}" for line in query.splitlines())
    head, order = query.partition("\n")[0], order_clause(request.order)
    return f"{head}\nWHERE {{\n    {{\n{inner}\n    }}\n}}\n{order}"
