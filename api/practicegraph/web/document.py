"""What stands at an IRI of the catalogue, and how it is written in each RDF syntax.

The JSON-LD context: one address that stays, and one a version that never changes.

A document refers to the address that stays, on the host that serves the document: what a reader
can reach there, the reader can reach here. Old documents keep their meaning, since a term is never
given another. Who wants no context asks for the expanded profile (JSON-LD 1.1, section 6). What
is taken away to be read offline, such as searches and results of queries, has the context in it.

What a document says beside its topic's own statements: of itself, and of what it mentions.

A document has one IRI in all its forms, `{base}practice/1788#document`: it leads to the document by
the rule of every IRI, and it is neither the thing's IRI, nor one that only one form would have, so
that the graph is the same in every syntax. It names the graph of these statements, where a syntax
has graphs; the topic's own graph stays what it is in the store.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlencode

from fastapi import Request, Response
from pyoxigraph import Literal, NamedNode, Quad, RdfFormat, Triple, serialize

from ..application.services import Services
from ..catalogue.catalogue import Catalogue
from ..rdf import jsonld
from ..rdf.namespaces import DCAT, DCT, FOAF, OWL, RDF, RDFS, SKOS, VOID, XSD
from ..rdf.terms import DATE_LENGTH, Term, canonicalize, in_graph, starts_with_date
from ..schema.ontology import LABEL
from ..schema.text import Labels
from .http import conditional, responses
from .http.errors import UnknownAddressError
from .http.negotiation import JSON_LD, TURTLE, Form
from .urls import CONTEXT, CONTEXT_VERSION, SEARCH, Addresses

_IMPORTS = NamedNode(OWL + "imports")


_WITH_GRAPHS = (RdfFormat.TRIG, RdfFormat.N_QUADS)


def written(catalogue: Catalogue, quads: list[Quad], form: Form, topic: str = "") -> bytes:
    """Write quads in a form, the same bytes each time; the forms without graphs get the triples."""
    quads = _in_order(quads)
    if form.rdf in _WITH_GRAPHS:
        return _serialised(quads, form.rdf)
    return serialised(catalogue, _triples(quads), form, topic)


def triples(quads: list[Quad]) -> list[Triple]:
    """Give the triples of quads, each once, with lasting names for blank nodes."""
    return _triples(_in_order(quads))


def listed(catalogue: Catalogue, quads: list[Quad], form: Form, topics: Sequence[str]) -> bytes:
    """Write quads in a form, what is about the topics in their order."""
    places = {topic: place for place, topic in enumerate(topics)}

    def place(quad: Quad) -> tuple[int, int, int, str]:
        parts = (quad.graph_name, quad.subject, quad.object)
        graph, subject, value = (places.get(getattr(p, "value", ""), len(places)) for p in parts)
        return graph, subject, value, str(quad)

    quads = sorted(canonicalize(quads), key=place)
    if form.rdf in _WITH_GRAPHS:
        return _serialised(quads, form.rdf)
    return serialised(catalogue, _triples(quads), form, *topics)


def serialised(catalogue: Catalogue, triples: list[Triple], form: Form, *topics: str) -> bytes:
    """Write triples in a form; in Turtle and JSON-LD, the topics first."""
    if form == JSON_LD:
        return jsonld.write_document(triples, catalogue.context, *topics)
    if form == TURTLE:
        return catalogue.writer.write(triples, *topics).encode()
    assert form.rdf
    return _serialised(triples, form.rdf)


def about(catalogue: Catalogue, iri: str) -> list[Quad]:
    """Give what is said about an IRI: its own graph and the parts it imports, or its statements."""
    graph = catalogue.store.graph_quads(iri)
    if not graph:
        return catalogue.store.description(iri)
    parts = [quad.object for quad in graph if quad.predicate == _IMPORTS]
    names = [part.value for part in parts if isinstance(part, NamedNode)]
    return [*graph, *(quad for name in names for quad in catalogue.store.graph_quads(name))]


def _triples(quads: list[Quad]) -> list[Triple]:
    return list(dict.fromkeys(quad.triple for quad in quads))


def _in_order(quads: list[Quad]) -> list[Quad]:
    """Give quads in the one order, and with the names, to which any store leads."""
    return sorted(canonicalize(quads), key=str)


def _serialised(what: Sequence[Quad] | Sequence[Triple], form: RdfFormat) -> bytes:
    content = serialize(what, format=form)
    assert isinstance(content, bytes)
    return content


_EXPANDED = "http://www.w3.org/ns/json-ld#expanded"


@dataclass(frozen=True)
class Contexts:
    """Answers with the context of a catalogue."""

    catalogue: Catalogue

    def newest(self, request: Request) -> Response:
        """Answer with the context of today, and the address of its version (Content-Location)."""
        place = responses.root(request) + CONTEXT_VERSION.format(name=self._name)
        known = conditional.Validators(f'"{self._name}"')
        return conditional.answer(request, known, {"Content-Location": place}, self._answer)

    def version(self, request: Request, name: str) -> Response:
        """Answer with a version of the context; raises UnknownAddressError but for today's."""
        if name != self._name:
            raise UnknownAddressError(name)
        known = conditional.Validators(f'"{self._name}"')
        return conditional.answer(request, known, conditional.LASTING, self._answer)

    def addresses(self, root: str) -> set[str]:
        """Give where today's context stands for those who reach the service at an address."""
        starts = (root, self.catalogue.base.rstrip("/"))
        paths = (CONTEXT, CONTEXT_VERSION.format(name=self._name))
        return {start + path for start in starts for path in paths}

    def _answer(self) -> Response:
        return Response(self._text, media_type=JSON_LD.content_type)

    @cached_property
    def _text(self) -> bytes:
        found = {"@context": self.catalogue.context}
        return json.dumps(found, ensure_ascii=False, indent=1).encode()

    @cached_property
    def _name(self) -> str:
        return hashlib.sha256(self._text).hexdigest()[:12]


def answer(
    request: Request, catalogue: Catalogue, triples: Sequence[Triple], topic: str
) -> Response:
    """Answer with triples as JSON-LD that refers to the context, or expanded where asked for."""
    if are_unwanted(request):
        content = serialize(triples, format=RdfFormat.JSON_LD)
        return Response(content, media_type=f'{JSON_LD.plain};profile="{_EXPANDED}"')
    address = responses.root(request) + CONTEXT
    content = jsonld.write_document(triples, catalogue.context, topic, context_url=address)
    return Response(content, media_type=JSON_LD.content_type)


def are_unwanted(request: Request) -> bool:
    """Tell whether a reader asks for JSON-LD without a context, by profile."""
    return any(_EXPANDED in header for header in request.headers.getlist("accept"))


MODIFIED = DCT + "modified"
LICENCE = DCT + "license"
_TITLE = DCT + "title"
_VERSION = DCAT + "version"
_SEE_ALSO = RDFS + "seeAlso"
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

    services: Services
    addresses: Addresses

    @property
    def catalogue(self) -> Catalogue:
        """Return the catalogue."""
        return self.services.catalogue

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
            found += self.services.dataset.linksets()
        if iri in self.catalogue.vocabularies.concepts:
            found += self._leading_to(iri)
        added = [triple for triple in dict.fromkeys(found) if triple not in known]
        labels = self.labels([*known, *added])
        added += [triple for triple in labels if triple not in known]
        return list(in_graph(added, document))

    def modified(self, iri: str, said: Iterable[Term]) -> str:
        """Give the day of a thing's newest change (ISO 8601), or "", from the values it says.

        What tells of other things, as a concept does of those that link to it, is as new as the
        newest of them.
        """
        texts = (term.value for term in said if isinstance(term, Literal))
        days = [text[:DATE_LENGTH] for text in texts if starts_with_date(text)]
        vocabularies = self.catalogue.vocabularies
        whole = iri == self.catalogue.base or iri in vocabularies.schemes
        return self.services.dataset.newest if whole or not days else max(days)

    def _of_document(self, document: str, iri: str, known: set[Triple]) -> Iterator[Triple]:
        topic = NamedNode(iri)
        said = {
            name: [t.object for t in known if t.subject == topic and t.predicate.value == name]
            for name in (MODIFIED, LICENCE)
        }
        yield _says(document, RDF + "type", NamedNode(FOAF + "Document"))
        yield _says(document, FOAF + "primaryTopic", topic)
        yield _says(document, VOID + "inDataset", NamedNode(self.catalogue.base))
        own = [term.value for term in said[LICENCE] if isinstance(term, NamedNode)]
        if licence := next(iter(own), self.services.dataset.licence):
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
        for field in self.catalogue.shapes.entry_shape.facets:
            if field.scheme == concept.scheme and not concept.deprecation:
                query = urlencode({field.key: concept.notation})
                found = f"{self.catalogue.base.rstrip('/')}{SEARCH}?{query}"
                count = self.services.search.counts(field).get(node, 0)
                yield _says(iri, _SEE_ALSO, NamedNode(found))
                yield _says(found, RDF + "type", NamedNode(VOID + "Dataset"))
                number = Literal(str(count), datatype=NamedNode(XSD + "integer"))
                yield _says(found, VOID + "entities", number)

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
