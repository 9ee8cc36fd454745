"""The metadata of documents: what a document states about itself and the IRIs that it mentions.

A document has one IRI in all its representations, `{base}practice/1788#document`. It is neither the
IRI of its topic nor that of one representation, so the graph is the same in every syntax. It names
the graph of the metadata in syntaxes that have graphs; the topic's own graph is as in the store.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from pyoxigraph import Literal, NamedNode, Quad, Triple

from ..application.services import Services
from ..catalogue.catalogue import Catalogue
from ..rdf.namespaces import DCAT, DCT, FOAF, RDF, RDFS, SKOS, VOID, XSD
from ..rdf.terms import DATE_LENGTH, Term, in_graph, integer, starts_with_date
from ..schema.ontology import LABEL
from ..schema.text import Labels
from .urls import Addresses

MODIFIED = DCT + "modified"
LICENCE = DCT + "license"
_TITLE = DCT + "title"
_VERSION = DCAT + "version"
_SEE_ALSO = RDFS + "seeAlso"
_MAX_INCOMING = 1000
_INCOMING = """
SELECT DISTINCT ?subject ?property
WHERE {{ ?subject ?property {node} }}
ORDER BY ?subject ?property
LIMIT {limit}
"""


@dataclass(frozen=True)
class DocumentMetadata:
    """Builds the metadata of documents."""

    services: Services
    addresses: Addresses

    @property
    def catalogue(self) -> Catalogue:
        """Return the catalogue."""
        return self.services.catalogue

    def document_iri(self, iri: str) -> str:
        """Return the IRI of the document about an IRI of the catalogue."""
        return f"{self.catalogue.base}{self.addresses.path_of(iri)}#document"

    def quads(self, iri: str, quads: Sequence[Quad], derived: Iterable[Triple] = ()) -> list[Quad]:
        """Return the metadata of the document with the quads about an IRI, in a graph of its own.

        `derived` are triples that follow from the catalogue; their IRIs are labelled too.
        """
        document = self.document_iri(iri)
        stated = {quad.triple for quad in quads}
        triples = [*self._of_document(document, iri, stated), *derived]
        if iri == self.catalogue.base:
            triples += self._release(iri)
            triples += self.services.dataset.link_sets
        if iri in self.catalogue.vocabularies.concepts:
            triples += self._incoming(iri)
        added = [triple for triple in dict.fromkeys(triples) if triple not in stated]
        labels = self.labels([*stated, *added])
        added += [triple for triple in labels if triple not in stated]
        return list(in_graph(added, document))

    def modified(self, iri: str, values: Iterable[Term]) -> str:
        """Return the day of the last change by the values of an IRI (ISO 8601), or "".

        For the catalogue and schemes, whose documents depend on others, it is the newest of all.
        """
        texts = (term.value for term in values if isinstance(term, Literal))
        days = [text[:DATE_LENGTH] for text in texts if starts_with_date(text)]
        vocabularies = self.catalogue.vocabularies
        is_collection = iri == self.catalogue.base or iri in vocabularies.schemes
        return self.services.dataset.newest if is_collection or not days else max(days)

    def _of_document(self, document: str, iri: str, stated: set[Triple]) -> Iterator[Triple]:
        topic = NamedNode(iri)
        values = {
            name: [t.object for t in stated if t.subject == topic and t.predicate.value == name]
            for name in (MODIFIED, LICENCE)
        }
        yield _triple(document, RDF + "type", NamedNode(FOAF + "Document"))
        yield _triple(document, FOAF + "primaryTopic", topic)
        yield _triple(document, VOID + "inDataset", NamedNode(self.catalogue.base))
        own = [term.value for term in values[LICENCE] if isinstance(term, NamedNode)]
        if licence := next(iter(own), self.services.dataset.licence):
            yield _triple(document, LICENCE, NamedNode(licence))
        if day := self.modified(iri, values[MODIFIED]):
            yield _triple(document, MODIFIED, Literal(day, datatype=NamedNode(XSD + "date")))
        yield from self._release(document)

    def _release(self, iri: str) -> Iterator[Triple]:
        if release := self.catalogue.release:
            yield _triple(iri, _VERSION, Literal(release))

    def _incoming(self, iri: str) -> Iterator[Triple]:
        """Yield the triples whose object is a concept, and the count of a search for it."""
        node = NamedNode(iri)
        for row in self.catalogue.store.select(_INCOMING.format(node=node, limit=_MAX_INCOMING)):
            subject, predicate = row["subject"], row["property"]
            if isinstance(subject, NamedNode) and isinstance(predicate, NamedNode):
                yield Triple(subject, predicate, node)
        concept = self.catalogue.vocabularies.concepts[iri]
        for field in self.catalogue.shapes.entry_shape.facets:
            if field.scheme == concept.scheme and not concept.deprecation:
                query = urlencode({field.key: concept.notation})
                search = f"{self.catalogue.base.rstrip('/')}{self.addresses.search}?{query}"
                count = self.services.search.counts(field).get(node, 0)
                yield _triple(iri, _SEE_ALSO, NamedNode(search))
                yield _triple(search, RDF + "type", NamedNode(VOID + "Dataset"))
                yield _triple(search, VOID + "entities", integer(count))

    def labels(self, triples: Iterable[Triple]) -> Iterator[Triple]:
        """Yield the labels of all schemes, concepts, classes and properties in triples."""
        mentioned = dict.fromkeys(
            term.value
            for triple in triples
            for term in (triple.subject, triple.predicate, triple.object)
            if isinstance(term, NamedNode)
        )
        for iri in sorted(mentioned):
            for name, labels in self._labels(iri):
                for language, label in labels.items():
                    yield _triple(iri, name, Literal(label, language=language))

    def _labels(self, iri: str) -> Iterator[tuple[str, Labels]]:
        vocabularies = self.catalogue.vocabularies
        if concept := vocabularies.concepts.get(iri):
            yield SKOS + "prefLabel", concept.labels
        if scheme := vocabularies.schemes.get(iri):
            yield _TITLE, scheme.titles
        if labels := self.catalogue.ontology.labels.get(iri):
            yield LABEL, labels


def _triple(subject: str, name: str, value: Term) -> Triple:
    return Triple(NamedNode(subject), NamedNode(name), value)
