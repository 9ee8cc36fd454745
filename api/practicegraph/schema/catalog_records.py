"""The catalogue record of an entry: what the catalogue says of its own description (DCAT 3).

The entry is the work described. Its record, `…#record`, stands in the same graph and refers to the
entry by `foaf:primaryTopic`: source, dates, licence and history are those of the description. See
https://www.w3.org/TR/vocab-dcat-3/#Class:Catalog_Record.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from pyoxigraph import BlankNode, NamedNode, Quad, Triple

from ..rdf.terms import DCAT, DCT, FOAF, PROV, TYPE, date_literal
from .fields import Field, NodeShape

PRIMARY_TOPIC = NamedNode(FOAF + "primaryTopic")
SOURCE = NamedNode(DCT + "source")
ISSUED, MODIFIED = NamedNode(DCT + "issued"), NamedNode(DCT + "modified")
GENERATED = NamedNode(PROV + "wasGeneratedBy")
_CLASS = NamedNode(DCAT + "CatalogRecord")
_LICENCE, _CONFORMS_TO = NamedNode(DCT + "license"), NamedNode(DCT + "conformsTo")

Place = tuple[NamedNode, NamedNode]
"""A subject and a property."""


@dataclass(frozen=True)
class CatalogRecords:
    """The records of the entries of a shape; new ones have a licence.

    Of a shape without fields of records, the entries have what records would have.
    """

    shape: NodeShape
    licence: str | None

    def subject(self, entry: NamedNode) -> NamedNode:
        """Return the IRI of what has the source, the dates and the history of an entry."""
        return NamedNode(self.shape.record_iri(entry.value))

    def place(self, field: Field, entry: NamedNode) -> Place | None:
        """Return the subject and the property of a field's values, if no longer path has them."""
        subject, name = self.subject(entry) if field.via else entry, field.value_predicate
        return (subject, NamedNode(name)) if name else None

    def complete(self, entry: NamedNode, triples: Sequence[Triple]) -> list[Triple]:
        """Return triples in which an entry has a record.

        A record without an IRI gets it. What was said of entries before they had records, such as
        their source, is said of the record. A licence and a shape that the record names stay.
        """
        record = self.subject(entry)
        if record == entry:
            return list(triples)
        after = [*self._moved(entry, triples), Triple(record, TYPE, _CLASS)]
        after.append(Triple(record, PRIMARY_TOPIC, entry))
        stated = {triple.predicate for triple in after if triple.subject == record}
        for name, value in ((_LICENCE, self.licence), (_CONFORMS_TO, self.shape.iri)):
            if value and name not in stated:
                after.append(Triple(record, name, NamedNode(value)))
        return list(dict.fromkeys(after))

    def dated(self, entry: NamedNode, triples: Iterable[Triple], today: date) -> list[Triple]:
        """Return triples in which an entry was modified today, and issued today if not before."""
        subject, day = self.subject(entry), date_literal(today)
        after = [t for t in triples if (t.subject, t.predicate) != (subject, MODIFIED)]
        if not any((t.subject, t.predicate) == (subject, ISSUED) for t in after):
            after.append(Triple(subject, ISSUED, day))
        return list(dict.fromkeys([*after, Triple(subject, MODIFIED, day)]))

    def _moved(self, entry: NamedNode, triples: Sequence[Triple]) -> Iterator[Triple]:
        """Yield triples, with what belongs to the record of an entry on it."""
        record = self.subject(entry)
        unnamed = {n for n in records_of(entry, triples) if isinstance(n, BlankNode)}
        moved = {name for _, name in self.shape.keys_by_via} - self.shape.keys_by_predicate.keys()
        for triple in triples:
            is_moved = triple.subject == entry and triple.predicate.value in moved
            if is_moved or triple.subject in unnamed:
                yield Triple(record, triple.predicate, triple.object)
            else:
                yield triple


def is_generated(field: Field) -> bool:
    """Return whether the program sets the values of a field by itself."""
    return field.value_predicate in (GENERATED.value, ISSUED.value, MODIFIED.value)


def records_of(node: NamedNode, triples: Iterable[Triple | Quad]) -> set[object]:
    """Return the subjects of triples that have a node as their primary topic."""
    return {t.subject for t in triples if (t.predicate, t.object) == (PRIMARY_TOPIC, node)}
