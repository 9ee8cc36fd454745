"""The matrix of two facets over a search: in each cell a bubble for each value of a third one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import sqrt
from typing import NamedTuple

from ...rdf.terms import Term, as_text
from ...schema.fields import Field
from ...search.engine import ContingencyTable, Counts
from ...search.request import NOT_STATED, FilterValue, Range, SearchRequest
from ..context import View
from ..search.results import facet_value, nested_terms, selectable_counts
from .cell_links import CellLinks, LinkedValue

MAX_ROWS, MAX_COLUMNS, MAX_COLOURS = 50, 24, 8
"""The values of a facet that a matrix shows, the most frequent ones; colours are `--chart-1…8`."""
_MAX_RADIUS = 13
_DIGIT, _RIM = 3.2, 3.5
"""Half the width of a digit, and the room beside the number of a bubble."""


@dataclass(frozen=True, slots=True)
class MatrixValue:
    """A value of an axis: its term, its depth in a tree, its label, its count, its filter."""

    term: Term | None
    depth: int
    label: str
    count: int
    linked: LinkedValue


class MatrixAxis(NamedTuple):
    """The rows, columns or colours of a matrix; `is_cut` where a facet has more values."""

    field: Field
    label: str
    values: tuple[MatrixValue, ...]
    is_cut: bool


@dataclass(frozen=True, slots=True)
class Bubble:
    """The entries with a row, a column and a colour; 0 is the colour of those with no other."""

    colour: int
    label: str
    count: int
    radius: float
    href: str

    @property
    def width(self) -> float:
        """Return the diameter."""
        return round(2 * self.radius, 1)


class MatrixRow(NamedTuple):
    """A row: its value, the URL of its entries, and for each column its bubbles by colour."""

    value: MatrixValue
    href: str
    cells: tuple[tuple[Bubble | None, ...], ...]


@dataclass(frozen=True)
class BubbleMatrix:
    """A matrix of bubbles, and its numbers."""

    rows: MatrixAxis
    columns: MatrixAxis
    colours: MatrixAxis | None
    lines: tuple[MatrixRow, ...]
    total: int
    maximum: int

    @cached_property
    def gaps(self) -> int:
        """Return how many cells have no bubble."""
        return sum(not any(cell) for line in self.lines for cell in line.cells)

    @property
    def radius(self) -> float:
        """Return the radius of the largest bubble."""
        return max_radius(self.maximum)

    @property
    def cells(self) -> int:
        """Return how many cells there are."""
        return len(self.rows.values) * len(self.columns.values)


class MatrixFields(NamedTuple):
    """The facets of a matrix; without colours all bubbles have one."""

    rows: Field
    columns: Field
    colours: Field | None


@dataclass(frozen=True)
class MatrixBuilder:
    """Builds the matrix of facets over a search, with the links of its bubbles.

    `with_zeros` says of rows and of columns whether those are shown that no entry has; `observed`
    has the pairs of terms that are shown in any case.
    """

    view: View
    fields: MatrixFields
    search_request: SearchRequest
    links: CellLinks
    with_zeros: tuple[bool, bool]
    observed: frozenset[tuple[Term, Term]]

    def build(self) -> BubbleMatrix:
        """Return the matrix."""
        rows_field, columns_field, _ = self.fields
        table = self._tabulate(self.search_request)
        with_rows, with_columns = self.with_zeros
        seen_rows, seen_columns = ({pair[side] for pair in self.observed} for side in (0, 1))
        rows = self._axis(rows_field, table.rows, with_rows, seen_rows, MAX_ROWS)
        columns = self._axis(columns_field, table.columns, with_columns, seen_columns, MAX_COLUMNS)
        colours = self._colours()
        parts = [self._tabulate(self._having(value)) for value in colours.values] if colours else []
        counts = [*(part.cells for part in parts)] or [table.cells]
        maximum = max((count for cells in counts for count in cells.values()), default=0)
        row_of = _RowBuilder(table, counts, columns, colours, self.links, maximum)
        lines = tuple(map(row_of.build, rows.values))
        return BubbleMatrix(rows, columns, colours, lines, table.total, maximum)

    def _tabulate(self, search_request: SearchRequest) -> ContingencyTable:
        rows, columns, _ = self.fields
        return self.view.services.search.cross_tabulate(rows, columns, search_request)

    def _having(self, value: MatrixValue) -> SearchRequest:
        """Return the search for the entries with a colour, one of those that are chosen."""
        assert self.fields.colours
        filters = {**self.search_request.filters, self.fields.colours.key: (value.term,)}
        return replace(self.search_request, filters=filters)

    def _axis(
        self, field: Field, counts: Counts, with_zeros: bool, seen: set[Term], limit: int
    ) -> MatrixAxis:
        """Return an axis: a scheme from the top down, what is not stated at the end."""
        depths: dict[Term | None, int] = {}
        for depth, term in nested_terms(self.view, field):
            depths.setdefault(term, depth)
        for term, _ in selectable_counts(self.view, field, counts):
            depths.setdefault(term, 0)
        depths |= {None: 0} if counts.get(None) else {}
        shown = [t for t in depths if counts.get(t) or t in seen or (with_zeros and t)]
        kept = set(sorted(shown, key=lambda term: -counts.get(term, 0))[:limit])
        values = [self._value(field, t, depths[t], counts.get(t, 0)) for t in shown if t in kept]
        label = self.view.text(field.names)
        return MatrixAxis(field, label, tuple(values), len(kept) < len(shown))

    def _value(self, field: Field, term: Term | None, depth: int, count: int) -> MatrixValue:
        if term is None:
            linked = self.links.value(field, NOT_STATED, "")
            return MatrixValue(None, depth, self.view.phrase("notStated"), count, linked)
        value = facet_value(self.view, field, term)
        linked = self.links.value(field, value.value, value.id)
        return MatrixValue(term, depth, value.label, count, linked)

    def _colours(self) -> MatrixAxis | None:
        """Return the most frequent top values, or those that the search has chosen."""
        field = self.fields.colours
        if field is None:
            return None
        counts = self.view.services.search.counts(field, self.search_request)
        chosen = _terms(self.search_request.filters.get(field.key, ()))
        tops = {term for depth, term in nested_terms(self.view, field) if not depth}
        terms = [t for t, _ in selectable_counts(self.view, field, counts) if t in (chosen or tops)]
        terms.sort(key=lambda term: (-counts[term], as_text(term)))
        values = [self._value(field, term, 0, counts[term]) for term in terms[:MAX_COLOURS]]
        return MatrixAxis(
            field, self.view.text(field.names), tuple(values), len(terms) > MAX_COLOURS
        )


@dataclass(frozen=True)
class _RowBuilder:
    """Builds the rows of a matrix out of the counts of each colour."""

    table: ContingencyTable
    counts: Sequence[Mapping[tuple[Term | None, Term | None], int]]
    columns: MatrixAxis
    colours: MatrixAxis | None
    links: CellLinks
    maximum: int

    def build(self, row: MatrixValue) -> MatrixRow:
        """Return a row; a cell whose entries have no colour has a bubble without one."""
        cells = tuple(self._cell(row, column) for column in self.columns.values)
        return MatrixRow(row, self.links.url(row.linked) if row.count else "", cells)

    def _cell(self, row: MatrixValue, column: MatrixValue) -> tuple[Bubble | None, ...]:
        place = row.term, column.term
        total = self.table.cells.get(place, 0)
        if not total:
            return ()
        colours: Sequence[MatrixValue] = self.colours.values if self.colours else ()
        bubbles = [
            self._bubble(number, colour, count, (row, column, colour))
            if (count := self.counts[number - 1].get(place, 0))
            else None
            for number, colour in enumerate(colours, 1)
        ]
        if any(bubbles):
            return tuple(bubbles)
        number = 0 if self.colours else 1
        return (self._bubble(number, None, total, (row, column)),)

    def _bubble(
        self, number: int, colour: MatrixValue | None, count: int, values: Sequence[MatrixValue]
    ) -> Bubble:
        href = self.links.url(*[value.linked for value in values])
        return Bubble(number, colour.label if colour else "", count, self._radius(count), href)

    def _radius(self, count: int) -> float:
        share = min(1.0, count / self.maximum) if self.maximum else 1.0
        return round(max(radius_of(count), self._largest * sqrt(share)), 1)

    @cached_property
    def _largest(self) -> float:
        return max_radius(self.maximum)


def radius_of(count: int) -> float:
    """Return the radius of a bubble that has room for its number."""
    return _DIGIT * len(str(count)) + _RIM


def max_radius(maximum: int) -> float:
    """Return the radius of the largest bubble, which has room for its number too."""
    return max(_MAX_RADIUS, radius_of(maximum))


def _terms(values: Sequence[FilterValue]) -> set[Term]:
    return {value for value in values if value is not None and not isinstance(value, Range)}
