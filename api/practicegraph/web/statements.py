"""What a document says beside its topic's own statements: of itself, and of what it mentions.

A document has one IRI in all its forms, `{base}practice/1788#document`: it leads to the document by
the rule of every IRI, and it is neither the thing's IRI, nor one that only one form would have, so
that the graph is the same in every syntax. It names the graph of these statements, where a syntax
has graphs; the topic's own graph stays what it is in the store.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from pyoxigraph import Literal, NamedNode, Quad, Triple

from ..catalogue import Catalogue
from ..literals import DAY, is_day
from ..ontology import LABEL
from ..shapes import SKOS
from ..store import RDF, Term, named
from ..text import Labels
from ..turtle import XSD
from .documents import Addresses
from .leads import PATH

MODIFIED = "http://purl.org/dc/terms/modified"
LICENCE = "http://purl.org/dc/terms/license"
_TITLE = "http://purl.org/dc/terms/title"
_VERSION = "http://www.w3.org/ns/dcat#version"
_FOAF = "http://xmlns.com/foaf/0.1/"
_VOID = "http://rdfs.org/ns/void#"
_SEE_ALSO = "http://www.w3.org/2000/01/rdf-schema#seeAlso"
_MOST = 1000
_LEADING = """
SELECT DISTINCT ?thing ?property
WHERE {{ ?thing ?property {node} }}
ORDER BY ?thing ?property
LIMIT {most}
"""


@dataclass(frozen=True)
class Statements:
    """Says what documents add."""

    catalogue: Catalogue
    addresses: Addresses

    def document(self, iri: str) -> str:
        """Give the IRI of the document about a thing of ours, the same for all its forms."""
        return f"{self.catalogue.base}{self.addresses.path_of(iri)}#document"

    def beside(self, iri: str, quads: Sequence[Quad], more: Iterable[Triple] = ()) -> list[Quad]:
        """Give what the document about a thing adds to the quads, in a graph of its own.

        More that follows from the catalogue may be given; what it mentions is named, too.
        """
        document = self.document(iri)
        known = {quad.triple for quad in quads}
        found = [*self._of_document(document, iri, known), *more]
        if iri == self.catalogue.base:
            found += self._release(iri)
            found += self.catalogue.dataset.linksets()
        if iri in self.catalogue.vocabularies.concepts:
            found += self._leading_to(iri)
        added = [triple for triple in dict.fromkeys(found) if triple not in known]
        labels = self.labels([*known, *added])
        added += [triple for triple in labels if triple not in known]
        return list(named(added, document))

    def modified(self, iri: str, said: Iterable[Term]) -> str:
        """Give the day of a thing's newest change (ISO 8601), or "", from the values it says.

        What tells of other things, as a concept does of those that link to it, is as new as the
        newest of them.
        """
        texts = (term.value for term in said if isinstance(term, Literal))
        days = [text[:DAY] for text in texts if is_day(text)]
        vocabularies = self.catalogue.vocabularies
        whole = iri == self.catalogue.base or iri in vocabularies.schemes
        return self.catalogue.dataset.newest if whole or not days else max(days)

    def _of_document(self, document: str, iri: str, known: set[Triple]) -> Iterator[Triple]:
        topic = NamedNode(iri)
        said = {
            name: [t.object for t in known if t.subject == topic and t.predicate.value == name]
            for name in (MODIFIED, LICENCE)
        }
        yield _says(document, RDF + "type", NamedNode(_FOAF + "Document"))
        yield _says(document, _FOAF + "primaryTopic", topic)
        yield _says(document, _VOID + "inDataset", NamedNode(self.catalogue.base))
        own = [term.value for term in said[LICENCE] if isinstance(term, NamedNode)]
        if licence := next(iter(own), self.catalogue.dataset.licence):
            yield _says(document, LICENCE, NamedNode(licence))
        if day := self.modified(iri, said[MODIFIED]):
            yield _says(document, MODIFIED, Literal(day, datatype=NamedNode(XSD + "date")))
        yield from self._release(document)

    def _release(self, iri: str) -> Iterator[Triple]:
        if release := self.catalogue.release:
            yield _says(iri, _VERSION, Literal(release))

    def _leading_to(self, iri: str) -> Iterator[Triple]:
        """Give what leads to a concept, and how many entries a search for it finds."""
        node = NamedNode(iri)
        for row in self.catalogue.store.select(_LEADING.format(node=node, most=_MOST)):
            thing, name = row["thing"], row["property"]
            if isinstance(thing, NamedNode) and isinstance(name, NamedNode):
                yield Triple(thing, name, node)
        concept = self.catalogue.vocabularies.concepts[iri]
        for field in self.catalogue.shapes.record.facets:
            if field.scheme == concept.scheme and not concept.retirement:
                query = urlencode({field.key: concept.notation})
                found = f"{self.catalogue.base.rstrip('/')}{PATH}?{query}"
                count = self.catalogue.search.counts(field).get(node, 0)
                yield _says(iri, _SEE_ALSO, NamedNode(found))
                yield _says(found, RDF + "type", NamedNode(_VOID + "Dataset"))
                number = Literal(str(count), datatype=NamedNode(XSD + "integer"))
                yield _says(found, _VOID + "entities", number)

    def labels(self, triples: Iterable[Triple]) -> Iterator[Triple]:
        """Give the labels of all schemes, concepts, classes and properties that triples mention."""
        mentioned = dict.fromkeys(
            term.value
            for triple in triples
            for term in (triple.subject, triple.predicate, triple.object)
            if isinstance(term, NamedNode)
        )
        for iri in sorted(mentioned):
            for name, labels in self._known(iri):
                for language, label in labels.items():
                    yield _says(iri, name, Literal(label, language=language))

    def _known(self, iri: str) -> Iterator[tuple[str, Labels]]:
        vocabularies = self.catalogue.vocabularies
        if concept := vocabularies.concepts.get(iri):
            yield SKOS + "prefLabel", concept.labels
        if scheme := vocabularies.schemes.get(iri):
            yield _TITLE, scheme.titles
        if labels := self.catalogue.ontology.labels.get(iri):
            yield LABEL, labels


def _says(subject: str, name: str, value: Term) -> Triple:
    return Triple(NamedNode(subject), NamedNode(name), value)
