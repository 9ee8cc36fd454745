"""Values that were observed for the pairs of two facets: the measures of a data cube.

https://www.w3.org/TR/vocab-data-cube/, with the measure of SDMX: a kind of records with it, and
with fields that have the concepts of both facets, is such a cube.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from pyoxigraph import NamedNode

from ...rdf.terms import Term, as_text
from ...schema.fields import Field, NodeShape
from ...storage.base import ReleaseCache, Store
from ..context import View

_MEASURE = "http://purl.org/linked-data/sdmx/2009/measure#obsValue"
_MAX_VALUES = 2000
_MAX_CACHED = 20
_OBSERVATIONS = """
SELECT ?record ?row ?column (STR(?observed) AS ?value)
WHERE {{
    ?record a {kind} ;
        {row} ?row ;
        {column} ?column ;
        {measure} ?observed .
    FILTER (isIRI(?record))
}}
ORDER BY ?row ?column ?record
LIMIT {limit}
"""

Pair = tuple[Term, Term]


class ObservedValue(NamedTuple):
    """A value that was observed, and the record of its observation."""

    text: str
    record: str


class ObservedLink(NamedTuple):
    """An observed value on a page: its text, the title and the URL of its record."""

    text: str
    title: str
    href: str


@dataclass(frozen=True)
class Observations:
    """The observed values of a catalogue by two facets, read once at a release."""

    _cache: ReleaseCache[tuple[str, str], Mapping[Pair, list[ObservedValue]]] = field(
        default_factory=lambda: ReleaseCache(_MAX_CACHED)
    )

    def find(self, view: View, rows: Field, columns: Field) -> Mapping[Pair, list[ObservedLink]]:
        """Return the observed values of pairs of concepts, with links to their records."""
        catalogue = view.catalogue
        (values,) = self._cache.get_many(
            catalogue.store.release(),
            [(rows.iri, columns.iri)],
            lambda _: [_read(catalogue.store, catalogue.shapes.kinds.values(), rows, columns)],
        )
        return {
            pair: [
                ObservedLink(value.text, view.name(value.record), view.href(value.record))
                for value in observed
            ]
            for pair, observed in values.items()
        }


def _read(
    store: Store, kinds: Iterable[NodeShape], rows: Field, columns: Field
) -> Mapping[Pair, list[ObservedValue]]:
    values: dict[Pair, list[ObservedValue]] = defaultdict(list)
    for query in _queries(kinds, rows, columns):
        for row in store.select(query):
            value = ObservedValue(as_text(row["value"]), as_text(row["record"]))
            values[row["row"], row["column"]].append(value)
    return values


def _queries(kinds: Iterable[NodeShape], rows: Field, columns: Field) -> Iterator[str]:
    """Yield the queries for the cubes that have the concepts of both facets as dimensions."""
    for kind in kinds:
        measures = [own for own in kind.fields if own.predicate == _MEASURE]
        dimensions = {own.scheme: own for own in reversed(kind.fields) if own.scheme}
        row, column = (dimensions.get(axis.scheme or "") for axis in (rows, columns))
        if measures and row and column and row != column:
            yield _OBSERVATIONS.format(
                kind=NamedNode(kind.classes[0]),
                row=row.path,
                column=column.path,
                measure=measures[0].path,
                limit=_MAX_VALUES,
            )
