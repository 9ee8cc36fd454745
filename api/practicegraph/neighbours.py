"""Why entries are near to one another: the concepts that they share, the most telling first."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pyoxigraph import NamedNode

from .kinds import Kind
from .records import Reader, Record
from .search import Neighbour, Search


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
