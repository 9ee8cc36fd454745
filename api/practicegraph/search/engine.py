"""Search engines: one interface, its implementation by SPARQL, explanations and similar entries.

The SPARQL engine runs the definition in the store. The index is quicker and gives the same. An
explanation is the SPARQL that gives each number of a result again. A query of words is run by the
text index: the entries that match it enter the SPARQL as values with their scores, as long as there
are not too many.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from pyoxigraph import Literal, NamedNode

from ..errors import CatalogueError
from ..rdf.terms import Term, as_text
from ..schema.fields import Field, NodeShape, get_scale, list_steps
from ..schema.records import Record, RecordReader
from ..schema.vocabularies import Vocabularies
from ..storage.base import Solution, Store
from .request import ALL_ENTRIES, RELEVANCE, Cursor, SearchRequest
from .sparql import CountAxis, QueryBuilder, order_clause

MAX_HITS = 1000
"""The entries matching a query that SPARQL can list."""

Counts = Mapping[Term | None, int]
"""The counts of a facet by value; under None, of entries that state none."""


@dataclass(frozen=True)
class SearchResult:
    """The number of matching entries, a page of them by their cursors, the counts of all facets.

    `ignored` are the words of the query that were set aside, since nothing has them; in a doubtful
    query a word may be misspelt.
    """

    total: int
    cursors: tuple[Cursor, ...]
    counts: Mapping[str, Counts]
    has_previous: bool = False
    has_next: bool = False
    ignored: tuple[str, ...] = field(default=(), compare=False)
    is_doubtful: bool = field(default=False, compare=False)

    @property
    def entries(self) -> tuple[str, ...]:
        """Return the IRIs of the entries of the page."""
        return tuple(cursor.iri for cursor in self.cursors)


@dataclass(frozen=True)
class ContingencyTable:
    """The counts of entries by the values of two facets.

    Under None are those that state none; pairs that no entry has are absent.
    """

    total: int
    rows: Counts
    columns: Counts
    cells: Mapping[tuple[Term | None, Term | None], int]


@dataclass(frozen=True)
class Similarity:
    """The similarity of an entry: the concepts that both have, and those that either has."""

    iri: str
    shared: int
    either: int

    @property
    def score(self) -> float:
        """Return the share of their concepts that both have (Jaccard index)."""
        return self.shared / self.either


class SearchEngine(ABC):
    """Answers searches over the entries of one kind, with titles by the reader's languages."""

    @abstractmethod
    def search(
        self,
        request: SearchRequest,
        languages: Sequence[str],
        facets: Iterable[Field] | None = None,
    ) -> SearchResult:
        """Return a page of entries with counts; no facet's filters narrow its own counts."""

    @abstractmethod
    def counts(self, facet: Field, request: SearchRequest = ALL_ENTRIES) -> Counts:
        """Return how many of the matching entries have each value of a facet."""

    @abstractmethod
    def cross_tabulate(
        self, rows: Field, columns: Field, request: SearchRequest
    ) -> ContingencyTable:
        """Count the matching entries by the values of two facets."""

    @abstractmethod
    def similar(self, entry: str, limit: int) -> list[Similarity]:
        """Return the entries most similar to one, by the concepts that they share."""


@dataclass(frozen=True)
class SparqlEngine(SearchEngine):
    """Answers as searches are defined, by SPARQL in the store."""

    store: Store
    kind: NodeShape
    vocabularies: Vocabularies

    @property
    def queries(self) -> QueryBuilder:
        """Return the builder of queries, with the present steps of dates and numbers."""
        ordered = [facet for facet in self.kind.facets if facet.is_ordered]
        builder = QueryBuilder(self.kind, self.vocabularies, {})
        steps = {f.key: _steps(f, next(self._select(builder.select_bounds(f)))) for f in ordered}
        return QueryBuilder(self.kind, self.vocabularies, steps)

    def search(
        self,
        request: SearchRequest,
        languages: Sequence[str],
        facets: Iterable[Field] | None = None,
    ) -> SearchResult:
        """Return a page of entries with counts; no facet's filters narrow its own counts."""
        assert request.scores is not None or not request.query.strip(), "a text index has to run it"
        queries = self.queries
        rows = self._select(queries.list_entries(request, languages, request.size + 1))
        cursors = list(map(_cursor, rows))
        counts = {
            facet.key: self._count_values(queries, facet, request.without(facet))
            for facet in (self.kind.facets if facets is None else facets)
        }
        total, has_more = self._count(queries, request), len(cursors) > request.size
        return make_result(request, total, cursors[: request.size], has_more, counts)

    def counts(self, facet: Field, request: SearchRequest = ALL_ENTRIES) -> Counts:
        """Return how many of the matching entries have each value of a facet."""
        return self._count_values(self.queries, facet, request.without(facet))

    def cross_tabulate(
        self, rows: Field, columns: Field, request: SearchRequest
    ) -> ContingencyTable:
        """Count the matching entries by the values of two facets."""
        queries = self.queries
        cells: dict[tuple[Term | None, Term | None], int] = {}
        for row_stated in (True, False):
            for column_stated in (True, False):
                axes = (
                    CountAxis(rows, "row", row_stated),
                    CountAxis(columns, "column", column_stated),
                )
                for row in self._select(queries.count_entries(request, *axes)):
                    if count := _number(row):
                        cells[row.get("row"), row.get("column")] = count
        total = self._count(queries, request)
        by_row, by_column = (self._count_values(queries, f, request) for f in (rows, columns))
        return ContingencyTable(total, by_row, by_column, cells)

    def similar(self, entry: str, limit: int) -> list[Similarity]:
        """Return the entries most similar to one, by the concepts that they share."""
        rows = self._select(self.queries.list_similar(entry, limit))
        return [
            Similarity(as_text(r["other"]), int(as_text(r["shared"])), int(as_text(r["either"])))
            for r in rows
        ]

    def _count_values(self, queries: QueryBuilder, facet: Field, request: SearchRequest) -> Counts:
        counts: dict[Term | None, int] = {
            row["value"]: _number(row)
            for row in self._select(queries.count_entries(request, CountAxis(facet, "value")))
        }
        not_stated = self._count(queries, request, CountAxis(facet, "value", is_stated=False))
        return counts | ({None: not_stated} if not_stated else {})

    def _count(self, queries: QueryBuilder, request: SearchRequest, *axes: CountAxis) -> int:
        return next(_number(row) for row in self._select(queries.count_entries(request, *axes)))

    def _select(self, query: str) -> Iterator[Solution]:
        return iter(self.store.select(query))


def make_result(
    request: SearchRequest,
    total: int,
    cursors: Sequence[Cursor],
    has_more: bool,
    counts: Mapping[str, Counts],
) -> SearchResult:
    """Return the result of a page given in the direction of reading, and whether more follow."""
    if not request.size:
        return SearchResult(total, (), counts)
    if request.is_backward:
        return SearchResult(total, tuple(reversed(cursors)), counts, has_more, bool(cursors))
    return SearchResult(total, tuple(cursors), counts, request.after is not None, has_more)


def _steps(facet: Field, bounds: Solution) -> range:
    if "least" not in bounds:
        return range(0)
    order = get_scale(facet)
    least, greatest = (as_text(bounds[name]).rstrip("~") for name in ("least", "greatest"))
    return list_steps(order.step(order.lower_bound(least)), order.step(order.upper_bound(greatest)))


def _number(row: Solution) -> int:
    return int(as_text(row["count"]))


def _cursor(row: Solution) -> Cursor:
    level = row.get("level")
    assert level is None or isinstance(level, Literal)
    return Cursor(int(level.value) if level else None, as_text(row["text"]), as_text(row["entry"]))


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


class SharedConcept(NamedTuple):
    """A concept that two entries have in the same field, or for which both count."""

    key: str
    concept: str


@dataclass(frozen=True)
class SimilarEntry:
    """A similar entry, with the narrowest concepts that it shares, the rarest first."""

    similarity: Similarity
    record: Record
    shared: tuple[SharedConcept, ...]


@dataclass(frozen=True)
class SimilarityFinder:
    """Finds similar entries and the concepts that they share."""

    engine: SearchEngine
    reader: RecordReader

    def find(self, record: Record, limit: int) -> list[SimilarEntry]:
        """Return the entries most similar to one, the most similar first."""
        similarities = self.engine.similar(record.iri, limit)
        records = self.reader.read_records(
            record.shape, [similarity.iri for similarity in similarities]
        )
        own = self._concepts(record)
        shared = [self._narrowest(own & self._concepts(other)) for other in records]
        ranks = self._ranks(record.shape, set().union(*shared))
        return [
            SimilarEntry(similarity, other, tuple(sorted(concepts, key=ranks.__getitem__)))
            for similarity, other, concepts in zip(similarities, records, shared, strict=True)
        ]

    def _concepts(self, record: Record) -> set[SharedConcept]:
        return {
            SharedConcept(facet.key, concept)
            for facet in record.shape.facets
            if facet.scheme
            for field in record.shape.fields_of_facet(facet)
            for term in record.values.get(field.key, ())
            if isinstance(term, NamedNode)
            for concept in self._with_broader(term.value)
        }

    def _with_broader(self, iri: str) -> Sequence[str]:
        vocabularies = self.reader.vocabularies
        concept = vocabularies.concepts.get(iri)
        return vocabularies.scheme(concept.scheme).ancestors.get(iri, ()) if concept else (iri,)

    def _narrowest(self, concepts: set[SharedConcept]) -> set[SharedConcept]:
        broader = {
            SharedConcept(shared.key, iri)
            for shared in concepts
            for iri in self._with_broader(shared.concept)
            if iri != shared.concept
        }
        return concepts - broader

    def _ranks(
        self, kind: NodeShape, concepts: set[SharedConcept]
    ) -> dict[SharedConcept, tuple[int, str]]:
        """Return the keys by which concepts are sorted: those of fewer entries say more."""
        keys, facets = {concept.key for concept in concepts}, kind.facets_by_key
        counts = {key: self.engine.counts(facets[key]) for key in keys}
        return {c: (counts[c.key].get(NamedNode(c.concept), 0), c.concept) for c in concepts}
