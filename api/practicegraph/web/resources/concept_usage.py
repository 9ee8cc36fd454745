"""The usage of a concept by entries: the fields, the counts, and the first entries."""

from collections.abc import Iterator
from dataclasses import dataclass

from pyoxigraph import NamedNode

from ...application.services import Services
from ...rdf.terms import as_text
from ...schema.fields import Field
from ...schema.records import Record
from ...schema.vocabularies import Concept
from ...search.engine import Counts

_MAX_ENTRIES = 10
_FIRST_ENTRIES = """
SELECT DISTINCT ?entry
WHERE {{
    ?entry {path} {node} ;
        a {kind} .
}}
ORDER BY ?entry
LIMIT {limit}
"""


@dataclass(frozen=True)
class ConceptUse:
    """A field whose value is a concept: the count with narrower concepts, the first entries."""

    field: Field
    value: str
    count: int
    narrower: tuple[tuple[Concept, int], ...]
    entries: tuple[Record, ...]


@dataclass(frozen=True)
class ConceptUsage:
    """Finds the fields in which entries use concepts."""

    services: Services

    def counts(self, scheme: str) -> Counts:
        """Return how many entries have each concept of a scheme."""
        facets = (field for field in self._fields(scheme) if field.is_facet)
        return next((self.services.search.counts(field) for field in facets), {})

    def uses(self, iri: str) -> list[ConceptUse]:
        """Return the uses of a concept; an IRI that is no current concept has none."""
        concept = self.services.catalogue.vocabularies.concepts.get(iri)
        if concept is None or concept.deprecation:
            return []
        uses = [self._use(field, concept) for field in self._fields(concept.scheme)]
        return [use for use in uses if use.field.is_facet or use.entries]

    def _use(self, field: Field, concept: Concept) -> ConceptUse:
        counts = self.services.search.counts(field) if field.is_facet else {}
        scheme = self.services.catalogue.vocabularies.scheme(concept.scheme)
        narrower = scheme.narrower.get(concept.iri, [])
        return ConceptUse(
            field=field,
            value=concept.notation,
            count=counts.get(NamedNode(concept.iri), 0),
            narrower=tuple((lower, counts.get(NamedNode(lower.iri), 0)) for lower in narrower),
            entries=tuple(self._first_entries(field, concept.iri)),
        )

    def _first_entries(self, field: Field, iri: str) -> list[Record]:
        catalogue = self.services.catalogue
        kind = catalogue.shapes.entry_shape
        query = _FIRST_ENTRIES.format(
            path=field.path,
            node=NamedNode(iri),
            kind=NamedNode(kind.classes[0]),
            limit=_MAX_ENTRIES,
        )
        entries = [as_text(row["entry"]) for row in catalogue.store.select(query)]
        return catalogue.reader.read_records(kind, entries)

    def _fields(self, scheme: str) -> Iterator[Field]:
        fields = self.services.catalogue.shapes.entry_shape.fields
        return (field for field in fields if field.scheme == scheme)
