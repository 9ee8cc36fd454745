"""Documents in RDF syntaxes, with the same bytes each time, their metadata and JSON-LD context.

The context has a permanent URL, and one URL for each version, which never changes. A document
refers to the permanent URL on the host that serves the document, so that its clients can retrieve
it. Old documents keep their meaning, since no term is redefined. A client can request the expanded
profile instead (JSON-LD 1.1, section 6). Results of searches and queries are read offline, so they
contain the context.

A document has one IRI in all its representations, `{base}practice/1788#document`. It is neither the
IRI of its topic nor that of one representation, so the graph is the same in every syntax. It names
the graph of the metadata in syntaxes that have graphs; the topic's own graph is as in the store.
Links connect a resource, its page and its documents (https://signposting.org/FAIR/). They stand in
headers, in the heads of pages and in a link set (RFC 9264).
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import chain
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import Request, Response
from pyoxigraph import Literal, NamedNode, Quad, RdfFormat, Triple, serialize

from ..application.services import Services
from ..catalogue.catalogue import Catalogue
from ..errors import RequestError
from ..rdf.terms import (
    DATE_LENGTH,
    DCAT,
    DCT,
    FOAF,
    OWL,
    RDF,
    RDFS,
    SCHEMA,
    VOID,
    XSD,
    Term,
    canonicalize,
    escape_xml,
    in_graph,
    integer,
    starts_with_date,
)
from ..rdf.turtle import Block
from ..schema.catalog_records import PRIMARY_TOPIC, records_of
from .http import conditional, responses
from .http.negotiation import DOCUMENTS, HTML, JSON_LD, LINKSET, TURTLE, MediaType
from .http.responses import Link
from .urls import CONTEXT, CONTEXT_VERSION, Addresses, search_path

MODIFIED = DCT + "modified"
LICENCE = DCT + "license"
_PAGE = SCHEMA + "AboutPage"
_MAX_ITEMS = 20
_IMPORTS = NamedNode(OWL + "imports")
_WITH_GRAPHS = (RdfFormat.TRIG, RdfFormat.N_QUADS)
_EXPANDED = "http://www.w3.org/ns/json-ld#expanded"
_MAX_INCOMING = 100
_INCOMING = """
SELECT DISTINCT ?subject ?property
WHERE {{ ?subject ?property {node} }}
LIMIT {limit}
"""


@dataclass(frozen=True)
class DocumentGraph:
    """The statements of a document: the store's quads, and its metadata in the graph of its IRI.

    It has the same bytes for any store: in one order, with canonical names of blank nodes.
    The `blocks` are metadata too, of subjects that nothing else describes.
    """

    document: str
    stored: Sequence[Quad]
    metadata: Sequence[Triple] = ()
    blocks: Sequence[Block] = ()

    def serialize(self, catalogue: Catalogue, media_type: MediaType, topic: str = "") -> bytes:
        """Return the statements in a syntax, as triples in one without graphs."""
        if media_type == JSON_LD:
            return self.json_ld(catalogue, topic)
        if media_type == TURTLE:
            return catalogue.writer.write(self._triples, topic, blocks=self.blocks).encode()
        assert media_type.rdf
        labels = chain.from_iterable(self.blocks)
        if media_type.rdf in _WITH_GRAPHS:
            metadata = chain(sorted(self.metadata, key=str), labels)
            quads = [*_sorted(self.stored), *in_graph(metadata, self.document)]
            return _serialize(quads, media_type.rdf)
        return _serialize([*sorted(self._triples, key=str), *labels], media_type.rdf)

    def json_ld(self, catalogue: Catalogue, topic: str, context_url: str = "") -> bytes:
        """Return JSON-LD with the context in it, or with its URL."""
        triples = sorted(self._triples, key=str)
        return catalogue.compactor.write_document(
            triples, topic, blocks=self.blocks, context_url=context_url
        )

    @property
    def triples(self) -> list[Triple]:
        """Return all triples, each once."""
        return [*self._triples, *chain.from_iterable(self.blocks)]

    @property
    def _triples(self) -> list[Triple]:
        stored = (quad.triple for quad in canonicalize(self.stored))
        return list(dict.fromkeys(chain(stored, self.metadata)))


def serialize_in_order(
    catalogue: Catalogue, quads: list[Quad], media_type: MediaType, topics: Sequence[str]
) -> bytes:
    """Return quads in a syntax, those about the topics in the order of the topics."""
    positions = {topic: position for position, topic in enumerate(topics)}

    def position(quad: Quad) -> tuple[int, int, int, str]:
        parts = (quad.graph_name, quad.subject, quad.object)
        graph, subject, value = (
            positions.get(getattr(p, "value", ""), len(positions)) for p in parts
        )
        return graph, subject, value, str(quad)

    quads = sorted(canonicalize(quads), key=position)
    if media_type.rdf in _WITH_GRAPHS:
        return _serialize(quads, media_type.rdf)
    triples = list(dict.fromkeys(quad.triple for quad in quads))
    return serialize_triples(catalogue, triples, media_type, *topics)


def serialize_triples(
    catalogue: Catalogue, triples: list[Triple], media_type: MediaType, *topics: str
) -> bytes:
    """Return triples in a syntax; in Turtle and JSON-LD, the topics come first."""
    if media_type == JSON_LD:
        return catalogue.compactor.write_document(triples, *topics)
    if media_type == TURTLE:
        return catalogue.writer.write(triples, *topics).encode()
    assert media_type.rdf
    return _serialize(triples, media_type.rdf)


def statements_about(catalogue: Catalogue, iri: str) -> list[Quad]:
    """Return the graph of an IRI with the graphs that it imports, or the statements about it."""
    graph = catalogue.store.graph_quads(iri)
    if not graph:
        return catalogue.store.description(iri)
    parts = [quad.object for quad in graph if quad.predicate == _IMPORTS]
    names = [part.value for part in parts if isinstance(part, NamedNode)]
    return [*graph, *(quad for name in names for quad in catalogue.store.graph_quads(name))]


def triple(subject: str, predicate: str, value: Term) -> Triple:
    """Return a triple of IRIs and a term."""
    return Triple(NamedNode(subject), NamedNode(predicate), value)


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

    def describe(
        self, iri: str, stored: Sequence[Quad], derived: Iterable[Triple] = ()
    ) -> DocumentGraph:
        """Return the document with the quads about an IRI: they, and its metadata.

        `derived` are triples that follow from the catalogue; their IRIs are labelled too.
        """
        document = self.document_iri(iri)
        stated = {quad.triple for quad in stored}
        triples = [*self._of_document(document, iri, stated), *derived]
        if iri == self.catalogue.base:
            if release := self.catalogue.release:
                triples.append(triple(iri, DCAT + "version", Literal(release)))
            triples += self.services.dataset.link_sets
        if iri in self.catalogue.vocabularies.concepts:
            triples += self._incoming(iri)
        metadata = [triple for triple in dict.fromkeys(triples) if triple not in stated]
        subjects = {triple.subject for triple in (*stated, *metadata)}
        blocks = []
        for block in self.labels([*stated, *metadata]):
            if block[0].subject in subjects:
                metadata += (triple for triple in block if triple not in stated)
            else:
                blocks.append(block)
        return DocumentGraph(document, stored, list(dict.fromkeys(metadata)), blocks)

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
        values: dict[str, list[Term]] = {}
        subjects = {topic, *records_of(topic, stated)}
        for statement in stated:
            if statement.subject in subjects:
                values.setdefault(statement.predicate.value, []).append(statement.object)
        yield triple(document, RDF + "type", NamedNode(FOAF + "Document"))
        yield Triple(NamedNode(document), PRIMARY_TOPIC, topic)
        yield triple(document, VOID + "inDataset", NamedNode(self.catalogue.base))
        licences = [t.value for t in values.get(LICENCE, ()) if isinstance(t, NamedNode)]
        if licence := min(licences, default=self.services.dataset.licence):
            yield triple(document, LICENCE, NamedNode(licence))
        if day := self.modified(iri, values.get(MODIFIED, ())):
            yield triple(document, MODIFIED, Literal(day, datatype=NamedNode(XSD + "date")))

    def _incoming(self, iri: str) -> Iterator[Triple]:
        """Yield the triples whose object is a concept if they are few, and counts of searches."""
        node = NamedNode(iri)
        query = _INCOMING.format(node=node, limit=_MAX_INCOMING + 1)
        rows = list(self.catalogue.store.select(query))
        for row in rows if len(rows) <= _MAX_INCOMING else ():
            subject, predicate = row["subject"], row["property"]
            if isinstance(subject, NamedNode) and isinstance(predicate, NamedNode):
                yield Triple(subject, predicate, node)
        concept = self.catalogue.vocabularies.concepts[iri]
        for services in self.services.of_kinds:
            kind = services.catalogue.shapes.entry_shape
            for field in kind.facets:
                if field.scheme == concept.scheme and not concept.deprecation:
                    query = urlencode({field.key: concept.notation})
                    search = f"{self.catalogue.base.rstrip('/')}{search_path(kind)}?{query}"
                    count = services.search.counts(field).get(node, 0)
                    yield triple(iri, RDFS + "seeAlso", NamedNode(search))
                    yield triple(search, RDF + "type", NamedNode(VOID + "Dataset"))
                    yield triple(search, VOID + "entities", integer(count))

    def labels(self, triples: Iterable[Triple]) -> Iterator[Block]:
        """Yield the labels of each scheme, concept, class and property in triples."""
        mentioned = {
            term.value for statement in triples for term in statement if isinstance(term, NamedNode)
        }
        for iri in sorted(mentioned):
            if block := self.catalogue.label_triples(iri):
                yield block


@dataclass(frozen=True)
class DocumentLinks:
    """The links of the documents about a resource; its path has no extension.

    Their targets begin with the root, the base URL of the request.
    """

    services: Services
    root: str
    iri: str
    path: str

    @property
    def catalogue(self) -> Catalogue:
        """Return the catalogue."""
        return self.services.catalogue

    def brief(self, media_type: MediaType) -> list[Link]:
        """Return the links of the document in a media type, without a long list of items."""
        items = self._items()
        return [*self._own(media_type), *(items if len(items) <= _MAX_ITEMS else [])]

    def alternates(self) -> list[Link]:
        """Return the links to all documents, for a redirect from the IRI."""
        documents = [Link(self._at(other), "alternate", other.name) for other in DOCUMENTS]
        return [*documents, self._linkset]

    def linkset(self) -> dict[str, Any]:
        """Return all links of all documents, and those of a concept to others, as JSON.

        RFC 9264, section 4.2; the relations of SKOS are extension relation types (RFC 8288).
        """
        contexts = [
            _link_context(self._at(other), self._own(other) + self._items() * (other == HTML))
            for other in DOCUMENTS
        ]
        mappings = self.catalogue.vocabularies.mappings_of(self.iri)
        links = [Link(mapping.target, mapping.relation) for mapping in mappings]
        return {"linkset": [*contexts, *([_link_context(self.iri, links)] if links else [])]}

    def _own(self, media_type: MediaType) -> list[Link]:
        links = [Link(self.iri, "cite-as"), *self._about]
        links += [Link(_PAGE, "type")] if media_type == HTML else []
        for other in DOCUMENTS:
            if other != media_type:
                links.append(Link(self._at(other), _relations(media_type, other), other.name))
        return [*links, self._linkset]

    @cached_property
    def _about(self) -> list[Link]:
        dataset = self.services.dataset
        links = [Link(name, "type") for name in self.catalogue.schema_classes(self.iri)]
        links += [Link(name, "author") for name in dataset.creators]
        links += [Link(dataset.licence, "license")] if dataset.licence else []
        if self.services.log and self.services.log.release and self.iri == self.catalogue.base:
            links.append(Link(f"{self.root}/changes", "version-history"))
        concept = self.catalogue.vocabularies.concepts.get(self.iri)
        schemes = self.catalogue.vocabularies.schemes
        whole = concept.scheme if concept and concept.scheme in schemes else self.catalogue.base
        return links if self.iri == whole else [*links, Link(whole, "collection")]

    def _items(self) -> list[Link]:
        """Return the links to the concepts of a scheme, or to the schemes of the catalogue."""
        vocabularies = self.catalogue.vocabularies
        if self.iri == self.catalogue.base:
            return [Link(scheme, "item") for scheme in vocabularies.schemes]
        scheme = vocabularies.schemes.get(self.iri)
        concepts = scheme.concepts.values() if scheme else ()
        return [Link(concept.iri, "item") for concept in concepts]

    @property
    def _linkset(self) -> Link:
        return Link(self._at(LINKSET), "linkset", LINKSET.name)

    def _at(self, media_type: MediaType) -> str:
        return f"{self.root}/{quote(self.path)}.{media_type.extension}"


def _relations(media_type: MediaType, other: MediaType) -> str:
    """Return the relations from a document in one media type to that in another."""
    if media_type == HTML and other.is_rdf:
        return "alternate describedby"
    return "alternate describes" if other == HTML else "alternate"


def _link_context(anchor: str, links: Iterable[Link]) -> dict[str, Any]:
    context: dict[str, Any] = {"anchor": anchor}
    for link in links:
        target = {"href": link.href} | ({"type": link.type} if link.type else {})
        for relation in link.rel.split():
            context.setdefault(relation, []).append(target)
    return context


@dataclass(frozen=True)
class ContextEndpoint:
    """Answers with the JSON-LD context of a catalogue."""

    catalogue: Catalogue

    def respond(self, request: Request) -> Response:
        """Return the current context, with the URL of its version (Content-Location)."""
        url = responses.root(request) + CONTEXT_VERSION.format(name=self._name)
        return self._answer(request, {"Content-Location": url})

    def respond_version(self, request: Request, name: str) -> Response:
        """Return a version of the context; raise RequestError for all but the current one."""
        if name != self._name:
            raise RequestError("notFound")
        return self._answer(request, conditional.LASTING)

    def _answer(self, request: Request, headers: Mapping[str, str]) -> Response:
        validators = conditional.Validators(f'"{self._name}"')
        make = partial(Response, self._text, media_type=JSON_LD.content_type)
        return conditional.answer(request, validators, headers, make)

    @cached_property
    def _text(self) -> bytes:
        document = {"@context": self.catalogue.context}
        return json.dumps(document, ensure_ascii=False, indent=1).encode()

    @cached_property
    def _name(self) -> str:
        return hashlib.sha256(self._text).hexdigest()[:12]


def json_ld_response(
    request: Request, catalogue: Catalogue, graph: DocumentGraph, topic: str
) -> Response:
    """Return a document as JSON-LD that refers to the context, or expanded on request."""
    if wants_expanded(request):
        content = _serialize(sorted(graph.triples, key=str), RdfFormat.JSON_LD)
        return Response(content, media_type=f'{JSON_LD.name};profile="{_EXPANDED}"')
    content = graph.json_ld(catalogue, topic, responses.root(request) + CONTEXT)
    return Response(content, media_type=JSON_LD.content_type)


def wants_expanded(request: Request) -> bool:
    """Return whether a request asks for expanded JSON-LD, by its profile."""
    return any(_EXPANDED in header for header in request.headers.getlist("accept"))


def _sorted(quads: Sequence[Quad]) -> list[Quad]:
    """Return quads in an order and with blank node names that are the same for any store."""
    return sorted(canonicalize(quads), key=str)


def _serialize(statements: Sequence[Quad] | Sequence[Triple], syntax: RdfFormat) -> bytes:
    content = serialize(statements, format=syntax)
    assert isinstance(content, bytes)
    return escape_xml(content) if syntax == RdfFormat.RDF_XML else content
