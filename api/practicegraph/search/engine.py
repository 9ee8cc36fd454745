"""Searches answered: which entries choices leave, in which order, and how many have each value.

Two ways to answer have one interface: SPARQL in the store, which is the definition of what is
right, and an index, which is quick. They give the same.

Why entries are near to one another: the concepts that they share, the most telling first.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pyoxigraph import Literal, NamedNode

from ..rdf.terms import Term, plain
from ..schema.fields import Field, Kind, scale, steps_between
from ..schema.records import Reader, Record
from ..schema.vocabularies import Vocabularies
from ..storage.base import Row, Store
from .request import EVERYTHING, Choices, Place
from .sparql import Axis, Definition

Counts = Mapping[Term | None, int]
"""How many entries have each value of a facet; under None those that state none."""


@dataclass(frozen=True)
class Answer:
    """The entries of one page with their places, how many there are, the counts of every facet.

    There are more entries before the page, or after it, where these say so.
    """

    total: int
    places: tuple[Place, ...]
    counts: Mapping[str, Counts]
    more_before: bool = False
    more_after: bool = False

    @property
    def entries(self) -> tuple[str, ...]:
        """Give the IRIs of the entries of the page."""
        return tuple(place.iri for place in self.places)


@dataclass(frozen=True)
class Coverage:
    """How many entries have each value of one facet together with each value of another.

    Under None stand those that state none; pairs of values that none has are absent.
    """

    total: int
    rows: Counts
    columns: Counts
    cells: Mapping[tuple[Term | None, Term | None], int]


@dataclass(frozen=True)
class Neighbour:
    """An entry near to another: how many concepts they share, of how many that either has."""

    iri: str
    shared: int
    either: int

    @property
    def nearness(self) -> float:
        """Give the share of the concepts of the two that they share."""
        return self.shared / self.either


class Search(ABC):
    """Answers choices over the entries of one kind, with titles by the languages' order."""

    @abstractmethod
    def answer(self, choices: Choices, languages: Sequence[str]) -> Answer:
        """Give a page of entries with the counts; a facet's own choice leaves its counts alone."""

    @abstractmethod
    def counts(self, facet: Field, choices: Choices = EVERYTHING) -> Counts:
        """Give how many of the entries that choices leave have each value of a facet."""

    @abstractmethod
    def coverage(self, rows: Field, columns: Field, choices: Choices) -> Coverage:
        """Count the entries that choices leave by the values of two facets."""

    @abstractmethod
    def similar(self, entry: str, count: int) -> list[Neighbour]:
        """Give the entries that are nearest to one, by the concepts that they share."""


@dataclass(frozen=True)
class Defined(Search):
    """Answers as the definition says, by SPARQL in the store."""

    store: Store
    kind: Kind
    vocabularies: Vocabularies

    @property
    def definition(self) -> Definition:
        """Give what writes the queries, with the steps that dates and numbers have at present."""
        ordered = [facet for facet in self.kind.facets if facet.ordered]
        bare = Definition(self.kind, self.vocabularies, {})
        steps = {f.key: self._steps(f, next(self._rows(bare.ends(f)))) for f in ordered}
        return Definition(self.kind, self.vocabularies, steps)

    def answer(self, choices: Choices, languages: Sequence[str]) -> Answer:
        """Give a page of entries with the counts; a facet's own choice leaves its counts alone."""
        assert choices.found is not None or not choices.words.strip(), "words are found elsewhere"
        definition = self.definition
        query = definition.listing(choices, languages, choices.size + 1)
        places = list(map(_place, self._rows(query)))
        counts = {
            facet.key: self._by_value(definition, facet, choices.without(facet))
            for facet in self.kind.facets
        }
        total, more = self._number(definition, choices), len(places) > choices.size
        return page_of(choices, total, places[: choices.size], more, counts)

    def counts(self, facet: Field, choices: Choices = EVERYTHING) -> Counts:
        """Give how many of the entries that choices leave have each value of a facet."""
        return self._by_value(self.definition, facet, choices.without(facet))

    def coverage(self, rows: Field, columns: Field, choices: Choices) -> Coverage:
        """Count the entries that choices leave by the values of two facets."""
        definition = self.definition
        cells: dict[tuple[Term | None, Term | None], int] = {}
        for row_stated in (True, False):
            for column_stated in (True, False):
                axes = Axis(rows, "row", row_stated), Axis(columns, "column", column_stated)
                for found in self._rows(definition.number(choices, *axes)):
                    if count := _count(found):
                        cells[found.get("row"), found.get("column")] = count
        total = self._number(definition, choices)
        by_row, by_column = (
            self._by_value(definition, facet, choices) for facet in (rows, columns)
        )
        return Coverage(total, by_row, by_column, cells)

    def similar(self, entry: str, count: int) -> list[Neighbour]:
        """Give the entries that are nearest to one, by the concepts that they share."""
        rows = self._rows(self.definition.similar(entry, count))
        return [
            Neighbour(plain(r["other"]), int(plain(r["shared"])), int(plain(r["either"])))
            for r in rows
        ]

    def _by_value(self, definition: Definition, facet: Field, choices: Choices) -> Counts:
        found: dict[Term | None, int] = {
            row["value"]: _count(row)
            for row in self._rows(definition.number(choices, Axis(facet, "value")))
        }
        unstated = self._number(definition, choices, Axis(facet, "value", stated=False))
        return found | ({None: unstated} if unstated else {})

    def _number(self, definition: Definition, choices: Choices, *axes: Axis) -> int:
        return next(_count(row) for row in self._rows(definition.number(choices, *axes)))

    def _rows(self, query: str) -> Iterator[Row]:
        return iter(self.store.select(query))

    def _steps(self, facet: Field, ends: Row) -> range:
        if "least" not in ends:
            return range(0)
        order = scale(facet)
        least, most = (plain(ends[name]).rstrip("~") for name in ("least", "most"))
        return steps_between(order.step(order.low(least)), order.step(order.high(most)))


def page_of(
    choices: Choices,
    total: int,
    places: Sequence[Place],
    more: bool,
    counts: Mapping[str, Counts],
) -> Answer:
    """Give an answer by the places of its page in the direction of reading, and what is beyond."""
    if not choices.size:
        return Answer(total, (), counts)
    if choices.before is not None:
        return Answer(total, tuple(reversed(places)), counts, more, bool(places))
    return Answer(total, tuple(places), counts, choices.after is not None, more)


def _count(row: Row) -> int:
    return int(plain(row["count"]))


def _place(row: Row) -> Place:
    level = row.get("level")
    assert level is None or isinstance(level, Literal)
    return Place(int(level.value) if level else None, plain(row["text"]), plain(row["entry"]))


class Shared(NamedTuple):
    """A concept that two entries have in the same field, or that both count for."""

    key: str
    concept: str


@dataclass(frozen=True)
class Near:
    """An entry near to another, and why: the concepts that they share without the broader ones."""

    neighbour: Neighbour
    record: Record
    shared: tuple[Shared, ...]


@dataclass(frozen=True)
class Neighbours:
    """Tells which entries are near to one, and why."""

    search: Search
    reader: Reader

    def of(self, record: Record, count: int) -> list[Near]:
        """Give up to so many entries that are nearest to one, the nearest first."""
        found = self.search.similar(record.iri, count)
        records = self.reader.records(record.kind, [neighbour.iri for neighbour in found])
        mine = self._concepts(record)
        shared = [mine & self._concepts(other) for other in records]
        told = [[one for one in both if self._is_narrowest(one, both)] for both in shared]
        ranks = self._ranks(record.kind, {one for several in told for one in several})
        return [
            Near(neighbour, other, tuple(sorted(several, key=lambda one: ranks[one])))
            for neighbour, other, several in zip(found, records, told, strict=True)
        ]

    def _concepts(self, record: Record) -> set[Shared]:
        return {
            Shared(field.key, concept)
            for field in record.kind.facets
            for term in record.values.get(field.key, ())
            if field.scheme and isinstance(term, NamedNode)
            for concept in self._counted(term.value)
        }

    def _counted(self, iri: str) -> Sequence[str]:
        """Give the concepts for which one counts: itself, and what is above it."""
        vocabularies = self.reader.vocabularies
        concept = vocabularies.concepts.get(iri)
        return vocabularies.scheme(concept.scheme).counted.get(iri, ()) if concept else (iri,)

    def _is_narrowest(self, one: Shared, others: set[Shared]) -> bool:
        return not any(
            other.key == one.key and other != one and one.concept in self._counted(other.concept)
            for other in others
        )

    def _ranks(self, kind: Kind, told: set[Shared]) -> dict[Shared, tuple[int, str]]:
        """Give what concepts are sorted by: what fewer entries have tells more."""
        keys = {one.key for one in told}
        counts = {key: self.search.counts(kind.by_key[key]) for key in keys}
        return {one: (counts[one.key].get(NamedNode(one.concept), 0), one.concept) for one in told}
