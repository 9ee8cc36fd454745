"""What stands at an IRI of the catalogue, and how it is written in each RDF syntax."""

from collections.abc import Sequence
from dataclasses import dataclass

from pyoxigraph import (
    NamedNode,
    Quad,
    RdfFormat,
    Triple,
    serialize,
)

from .. import jsonld
from ..catalogue import Catalogue
from ..store import with_lasting_names
from .negotiation import JSON_LD, TURTLE, Form

_IMPORTS = NamedNode("http://www.w3.org/2002/07/owl#imports")
_VERSION = "http://www.w3.org/2002/07/owl#versionIRI"
_WITH_GRAPHS = (RdfFormat.TRIG, RdfFormat.N_QUADS)


@dataclass(frozen=True)
class Addresses:
    """The way from paths to IRIs and back, whatever host serves them."""

    catalogue: Catalogue
    start: str = "catalog"

    def iri(self, path: str) -> str | None:
        """Give the IRI that a path, without its extension, stands for; None where nothing does."""
        if path == self.start:
            return self.catalogue.base
        if not path or "#" in path:
            return None
        scheme, _, notation = path.partition("/")
        found = self.catalogue.vocabularies.by_key.get(scheme)
        if found and (concept := found.at(notation)):
            return concept.iri
        iri = self.catalogue.base + path
        versions = self.catalogue.store.subjects(_VERSION, _node(iri)) if _node(iri) else []
        if versions:
            return versions[0].value
        return iri if _node(iri) and self.catalogue.store.holds(iri) else None

    def path(self, iri: str) -> str | None:
        """Give the path, without an extension, of an IRI; None where it is not ours to serve."""
        known = iri in self.catalogue.vocabularies.concepts
        return self.path_of(iri) if known or self._ours(iri) else None

    def path_of(self, iri: str) -> str:
        """Give the path, without an extension, of an IRI that is ours to serve."""
        if concept := self.catalogue.vocabularies.concepts.get(iri):
            key = self.catalogue.vocabularies.scheme(concept.scheme).key
            return f"{key}/{concept.notation}"
        document, _, _ = iri.partition("#")
        return document.removeprefix(self.catalogue.base) or self.start

    def _ours(self, iri: str) -> bool:
        return iri.startswith(self.catalogue.base) and self.catalogue.store.holds(iri)


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

    quads = sorted(with_lasting_names(quads), key=place)
    if form.rdf in _WITH_GRAPHS:
        return _serialised(quads, form.rdf)
    return serialised(catalogue, _triples(quads), form, *topics)


def serialised(catalogue: Catalogue, triples: list[Triple], form: Form, *topics: str) -> bytes:
    """Write triples in a form; in Turtle and JSON-LD, the topics first."""
    if form == JSON_LD:
        return jsonld.document(triples, catalogue.context, *topics)
    if form == TURTLE:
        return catalogue.writer.write(triples, *topics).encode()
    assert form.rdf
    return _serialised(triples, form.rdf)


def about(catalogue: Catalogue, iri: str) -> list[Quad]:
    """Give what is said about an IRI: its own graph and the parts it imports, or its statements."""
    graph = catalogue.store.graph(iri)
    if not graph:
        return catalogue.store.statements(iri)
    parts = [quad.object for quad in graph if quad.predicate == _IMPORTS]
    names = [part.value for part in parts if isinstance(part, NamedNode)]
    return [*graph, *(quad for name in names for quad in catalogue.store.graph(name))]


def _triples(quads: list[Quad]) -> list[Triple]:
    return list(dict.fromkeys(quad.triple for quad in quads))


def _in_order(quads: list[Quad]) -> list[Quad]:
    """Give quads in the one order, and with the names, to which any store leads."""
    return sorted(with_lasting_names(quads), key=str)


def _serialised(what: Sequence[Quad] | Sequence[Triple], form: RdfFormat) -> bytes:
    content = serialize(what, format=form)
    assert isinstance(content, bytes)
    return content


def _node(iri: str) -> NamedNode | None:
    try:
        return NamedNode(iri)
    except ValueError:
        return None
