"""Documents in RDF syntaxes, with the same bytes each time, and their JSON-LD context.

The context has a permanent URL, and one URL for each version, which never changes. A document
refers to the permanent URL on the host that serves the document, so that its clients can retrieve
it. Old documents keep their meaning, since no term is redefined. A client can request the expanded
profile instead (JSON-LD 1.1, section 6). Results of searches and queries are read offline, so they
contain the context.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from fastapi import Request, Response
from pyoxigraph import NamedNode, Quad, RdfFormat, Triple, serialize

from ..catalogue.catalogue import Catalogue
from ..errors import RequestError
from ..rdf import jsonld
from ..rdf.namespaces import OWL
from ..rdf.terms import canonicalize
from .http import conditional, responses
from .http.negotiation import JSON_LD, TURTLE, MediaType
from .urls import CONTEXT, CONTEXT_VERSION

_IMPORTS = NamedNode(OWL + "imports")
_WITH_GRAPHS = (RdfFormat.TRIG, RdfFormat.N_QUADS)
_EXPANDED = "http://www.w3.org/ns/json-ld#expanded"


def serialize_quads(
    catalogue: Catalogue, quads: list[Quad], media_type: MediaType, topic: str = ""
) -> bytes:
    """Return quads in a syntax, as triples in one without graphs."""
    quads = _sorted(quads)
    if media_type.rdf in _WITH_GRAPHS:
        return _serialize(quads, media_type.rdf)
    return serialize_triples(catalogue, _triples(quads), media_type, topic)


def distinct_triples(quads: list[Quad]) -> list[Triple]:
    """Return the triples of quads, each once, with canonical names for blank nodes."""
    return _triples(_sorted(quads))


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
    return serialize_triples(catalogue, _triples(quads), media_type, *topics)


def serialize_triples(
    catalogue: Catalogue, triples: list[Triple], media_type: MediaType, *topics: str
) -> bytes:
    """Return triples in a syntax; in Turtle and JSON-LD, the topics come first."""
    if media_type == JSON_LD:
        return jsonld.write_document(triples, catalogue.context, *topics)
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


def _triples(quads: list[Quad]) -> list[Triple]:
    return list(dict.fromkeys(quad.triple for quad in quads))


def _sorted(quads: list[Quad]) -> list[Quad]:
    """Return quads in an order and with blank node names that are the same for any store."""
    return sorted(canonicalize(quads), key=str)


def _serialize(statements: Sequence[Quad] | Sequence[Triple], syntax: RdfFormat) -> bytes:
    content = serialize(statements, format=syntax)
    assert isinstance(content, bytes)
    return content


@dataclass(frozen=True)
class ContextEndpoint:
    """Answers with the JSON-LD context of a catalogue."""

    catalogue: Catalogue

    def respond(self, request: Request) -> Response:
        """Return the current context, with the URL of its version (Content-Location)."""
        url = responses.root(request) + CONTEXT_VERSION.format(name=self._name)
        validators = conditional.Validators(f'"{self._name}"')
        return conditional.answer(request, validators, {"Content-Location": url}, self._response)

    def respond_version(self, request: Request, name: str) -> Response:
        """Return a version of the context; raise RequestError for all but the current one."""
        if name != self._name:
            raise RequestError("notFound")
        validators = conditional.Validators(f'"{self._name}"')
        return conditional.answer(request, validators, conditional.LASTING, self._response)

    def urls(self, root: str) -> set[str]:
        """Return the URLs of the current context of a service at a base URL."""
        starts = (root, self.catalogue.base.rstrip("/"))
        paths = (CONTEXT, CONTEXT_VERSION.format(name=self._name))
        return {start + path for start in starts for path in paths}

    def _response(self) -> Response:
        return Response(self._text, media_type=JSON_LD.content_type)

    @cached_property
    def _text(self) -> bytes:
        document = {"@context": self.catalogue.context}
        return json.dumps(document, ensure_ascii=False, indent=1).encode()

    @cached_property
    def _name(self) -> str:
        return hashlib.sha256(self._text).hexdigest()[:12]


def json_ld_response(
    request: Request, catalogue: Catalogue, triples: Sequence[Triple], topic: str
) -> Response:
    """Return triples as JSON-LD that refers to the context, or expanded on request."""
    if wants_expanded(request):
        content = serialize(triples, format=RdfFormat.JSON_LD)
        return Response(content, media_type=f'{JSON_LD.name};profile="{_EXPANDED}"')
    context_url = responses.root(request) + CONTEXT
    content = jsonld.write_document(triples, catalogue.context, topic, context_url=context_url)
    return Response(content, media_type=JSON_LD.content_type)


def wants_expanded(request: Request) -> bool:
    """Return whether a request asks for expanded JSON-LD, by its profile."""
    return any(_EXPANDED in header for header in request.headers.getlist("accept"))
