"""The result of a query on a page: labelled cells, and as bars, as a map or as a matrix.

A chart is offered where the columns allow it: the last column of numbers, by one column of values
or by two, each value or pair of which has one row. A value is a concept where its column has the
key of a scheme and it is a notation there.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import ceil

from pyoxigraph import Literal, NamedNode, Triple

from ...rdf.terms import XSD, Term, parse_integer
from ...schema.fields import NUMBERS
from ...schema.value_parser import InvalidParameterError
from ...storage.base import parse_term
from ..charts.maps import PlaceMap, draw_map, shade
from ..context import DisplayValue, View
from ..search.results import FacetValue

TABLE, BARS, MAP, MATRIX = VIEWS = ("table", "bars", "map", "matrix")
"""The views of a result, and the values of the parameter that chooses one."""
_MAX_BARS, _MAX_AXIS = 60, 60
_NUMBERS = NUMBERS | {XSD + name for name in ("int", "long", "float", "nonNegativeInteger")}


@dataclass(frozen=True)
class Matrix:
    """Numbers by the values of two columns; a cell has a number and a shade, or neither."""

    rows: tuple[DisplayValue, ...]
    columns: tuple[DisplayValue, ...]
    cells: tuple[tuple[tuple[int, int] | None, ...], ...]


@dataclass(frozen=True)
class ResultTable:
    """A query result on a page: names of columns, rows of cells, and a message.

    `numeric` are the names of the columns of numbers, `views` the ways in which it can be shown,
    `view` the chosen one, which has what it shows beside the rows. It is downloaded in `formats`.
    """

    names: Sequence[str] = ()
    rows: Sequence[Sequence[DisplayValue]] = ()
    message: str = ""
    numeric: frozenset[str] = frozenset()
    views: Sequence[str] = (TABLE,)
    view: str = TABLE
    bars: Sequence[tuple[DisplayValue, int]] = ()
    map: PlaceMap | None = None
    matrix: Matrix | None = None
    formats: Sequence[str] = ()


@dataclass(frozen=True)
class _Columns:
    """The data of a chart: the values of one column or two, and the numbers, row by row."""

    names: tuple[str, ...]
    values: tuple[tuple[DisplayValue, ...], ...]
    numbers: tuple[int, ...]

    @property
    def first(self) -> list[DisplayValue]:
        """Return the values of the first column."""
        return [row[0] for row in self.values]


def make_table(
    view: View, names: Sequence[str], texts: Iterable[Sequence[str | None]], chosen: str
) -> ResultTable:
    """Return rows of terms in N-Triples as a table, in a chosen view.

    Raise InvalidParameterError for a view that there is not.
    """
    if chosen not in VIEWS:
        raise InvalidParameterError("view", chosen, list(VIEWS))
    rows = [[None if text is None else parse_term(text) for text in row] for row in texts]
    numeric = [n for n in range(len(names)) if _is_numeric([row[n] for row in rows])]
    cells = [
        [display(view, name, term) for name, term in zip(names, row, strict=True)] for row in rows
    ]
    table = ResultTable(names, cells, numeric=frozenset(names[n] for n in numeric))
    columns = _columns(names, rows, cells, numeric)
    return _with_chart(view, table, columns, chosen) if columns else table


def display(view: View, name: str, term: Term | None) -> DisplayValue:
    """Return a term in a column: what is ours by its label, other IRIs by prefix and name."""
    if isinstance(term, NamedNode):
        return _display_iri(view, term.value)
    if isinstance(term, Literal):
        scheme = view.catalogue.vocabularies.schemes_by_key.get(name)
        concept = scheme.get(term.value) if scheme and not term.language else None
        if concept:
            href, label = view.href(concept.iri), view.text(concept.labels)
            return DisplayValue(label, href, note=term.value, iri=concept.iri)
        language = term.language or ""
        return DisplayValue(term.value, language="" if language == view.language else language)
    if isinstance(term, Triple):
        return DisplayValue(f"<<( {term} )>>")
    return DisplayValue("" if term is None else str(term))


def _display_iri(view: View, iri: str) -> DisplayValue:
    href = view.href(iri)
    if view.addresses.path(iri) is not None:
        return DisplayValue(view.name(iri) or iri, href, iri=iri)
    if (short := view.short_name(iri)) != iri:
        return DisplayValue(short, href, iri=iri)
    note = view.catalogue.reader.external_label(iri, view.languages)
    return DisplayValue(iri, href, iri=iri, note=note)


def _is_numeric(terms: Sequence[Term | None]) -> bool:
    """Return whether all terms of a column are numbers, and there are any."""
    stated = [term for term in terms if term is not None]
    return bool(stated) and all(
        isinstance(term, Literal) and term.datatype.value in _NUMBERS for term in stated
    )


def _whole_number(term: Term | None) -> int:
    """Return the number of a literal; -1 where it is not whole."""
    number = parse_integer(term.value) if isinstance(term, Literal) else 0
    return -1 if number is None else number


def _columns(
    names: Sequence[str],
    rows: Sequence[Sequence[Term | None]],
    cells: Sequence[Sequence[DisplayValue]],
    numeric: Sequence[int],
) -> _Columns | None:
    """Return what a chart is made of: linked columns if there are any, else those of texts.

    None without numbers, with one that is no count, or where several rows have the same values.
    """
    others = [n for n in range(len(names)) if n not in numeric]
    linked = [n for n in others if all(row[n].iri for row in cells)]
    axes = linked or others
    if not numeric or not 1 <= len(axes) <= 2:
        return None
    values = tuple(tuple(row[n] for n in axes) for row in cells)
    numbers = tuple(_whole_number(row[numeric[-1]]) for row in rows)
    if len(set(values)) < len(values) or min(numbers) < 0:
        return None
    return _Columns(tuple(names[n] for n in axes), values, numbers)


def _with_chart(view: View, table: ResultTable, columns: _Columns, chosen: str) -> ResultTable:
    """Return a table with the views that its columns allow, and what the chosen one shows."""
    if len(columns.names) == 2:
        matrix = _matrix(columns)
        views: tuple[str, ...] = (TABLE, MATRIX) if matrix else (TABLE,)
        shown = MATRIX if matrix and chosen == MATRIX else TABLE
        return replace(table, views=views, view=shown, matrix=matrix)
    bars = list(zip(columns.first, columns.numbers, strict=True))
    bars, drawn = bars if 1 < len(bars) <= _MAX_BARS else [], _map(view, columns)
    views = (TABLE, *([BARS] if bars else []), *([MAP] if drawn else []))
    shown = chosen if chosen in views else TABLE
    return replace(table, views=views, view=shown, bars=bars, map=drawn)


def _map(view: View, columns: _Columns) -> PlaceMap | None:
    """Return the map of values that are concepts of a scheme which the shapes put on one."""
    concepts = view.catalogue.vocabularies.concepts
    known = [concepts[cell.iri] for cell in columns.first if cell.iri in concepts]
    schemes = {concept.scheme for concept in known}
    kinds = view.catalogue.shapes.node_shapes
    fields = (field for kind in kinds for field in (*kind.combined_facets, *kind.fields))
    field = next((f for f in fields if f.is_on_map and {f.scheme} == schemes), None)
    if field is None or len(known) < len(columns.first):
        return None
    values = [
        FacetValue(concept.notation, concept.iri, cell.text, number, selected=False)
        for concept, cell, number in zip(known, columns.first, columns.numbers, strict=True)
    ]
    hrefs = {value.value: cell.href for value, cell in zip(values, columns.first, strict=True)}
    return draw_map(view.catalogue.vocabularies, field, values, lambda _, value: hrefs[value])


def _matrix(columns: _Columns) -> Matrix | None:
    """Return the numbers by two columns; None where either has too many values."""
    rows, headings = ({pair[n]: n for pair in columns.values} for n in (0, 1))
    if not 1 < max(len(rows), len(headings)) <= _MAX_AXIS:
        return None
    maximum = max(columns.numbers)
    numbers = dict(zip(columns.values, columns.numbers, strict=True))
    cells = tuple(
        tuple(_matrix_cell(numbers.get((row, column)), maximum) for column in headings)
        for row in rows
    )
    return Matrix(tuple(rows), tuple(headings), cells)


def _matrix_cell(number: int | None, maximum: int) -> tuple[int, int] | None:
    return None if number is None else (number, ceil(shade(number, maximum)))
