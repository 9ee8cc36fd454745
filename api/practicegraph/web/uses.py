"""What uses a concept: entries that have it or a narrower one, counted, and the first by name."""

from collections.abc import Iterator
from dataclasses import dataclass

from pyoxigraph import NamedNode

from ..catalogue import Catalogue
from ..kinds import Field
from ..records import Record
from ..search import Counts
from ..store import plain
from ..vocabularies import Concept

_MOST = 10
_FIRST = """
SELECT DISTINCT ?entry
WHERE {{
    ?entry {path} {node} ;
        a {kind} .
}}
ORDER BY ?entry
LIMIT {most}
"""


@dataclass(frozen=True)
class Use:
    """A field in which entries have a concept: how many find it, and those that name it itself."""

    field: Field
    value: str
    count: int
    narrower: tuple[tuple[Concept, int], ...]
    entries: tuple[Record, ...]


@dataclass(frozen=True)
class Uses:
    """Tells by which fields concepts are used."""

    catalogue: Catalogue

    def counts(self, scheme: str) -> Counts:
        """Give how many entries have each concept of a scheme."""
        facets = (field for field in self._fields(scheme) if field.facet)
        return next((self.catalogue.search.counts(field) for field in facets), {})

    def of(self, iri: str) -> list[Use]:
        """Give the uses of a concept; of what is none, or no longer current, nothing."""
        concept = self.catalogue.vocabularies.concepts.get(iri)
        if concept is None or concept.retirement:
            return []
        found = [self._use(field, concept) for field in self._fields(concept.scheme)]
        return [use for use in found if use.field.facet or use.entries]

    def _use(self, field: Field, concept: Concept) -> Use:
        counts = self.catalogue.search.counts(field) if field.facet else {}
        below = self.catalogue.vocabularies.scheme(concept.scheme).below.get(concept.iri, [])
        return Use(
            field=field,
            value=concept.notation,
            count=counts.get(NamedNode(concept.iri), 0),
            narrower=tuple((lower, counts.get(NamedNode(lower.iri), 0)) for lower in below),
            entries=tuple(self._entries(field, concept.iri)),
        )

    def _entries(self, field: Field, iri: str) -> list[Record]:
        kind = self.catalogue.shapes.record
        query = _FIRST.format(
            path=field.path, node=NamedNode(iri), kind=NamedNode(kind.classes[0]), most=_MOST
        )
        entries = [plain(row["entry"]) for row in self.catalogue.store.select(query)]
        return self.catalogue.reader.records(kind, entries)

    def _fields(self, scheme: str) -> Iterator[Field]:
        fields = self.catalogue.shapes.record.fields
        return (field for field in fields if field.scheme == scheme)
