"""Pages of the change log as a Linked Data Event Stream (https://w3id.org/ldes/specification).

The IRIs of the stream and its members have the published base. Nodes have the URL of the request,
so that a client can follow them there (https://w3id.org/tree/specification). A member names a graph
that holds its topic's graph as it was then. A syntax without graphs cannot hold several versions
of the same statements: there, a member has the statements about the topic alone. Nothing is ever
removed from the stream, so there is no retention policy.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pyoxigraph import BlankNode, Literal, NamedNode, Quad, Triple, serialize

from ...catalogue.change_log import CREATED, DELETED, MOVED, Event
from ...rdf.terms import (
    AS,
    DCAT,
    DCT,
    LDES,
    PROV,
    RDF,
    SCHEMA,
    TREE,
    TRUE,
    TYPE,
    XSD,
    Term,
    escape_xml,
    in_graph,
    integer,
)
from ..document import triple
from ..http.negotiation import JSON_LD, N_QUADS, RDF_XML, TRIG, MediaType

_MOMENT = PROV + "generatedAtTime"
_POSITION = SCHEMA + "position"
_VERSION_OF = DCT + "isVersionOf"
_PREFIXES = {
    "as": AS,
    "dcat": DCAT,
    "dct": DCT,
    "ldes": LDES,
    "prov": PROV,
    "schema": SCHEMA,
    "tree": TREE,
    "xsd": XSD,
}
# For clients that copy the stream, what was moved or withdrawn is updated: it still has triples.
_ACTIVITIES = {CREATED: ("Create",), DELETED: ("Delete",), MOVED: ("Update", "Move")}
_WITH_GRAPHS = (TRIG, N_QUADS, JSON_LD)


@dataclass(frozen=True)
class EventStream:
    """The event stream of a catalogue with a base; `root` is the URL of its root node."""

    base: str
    root: str

    @property
    def iri(self) -> str:
        """Return the IRI of the stream."""
        return f"{self.base}changes#stream"

    def member(self, event: Event) -> str:
        """Return the IRI of an event, which leads to its page."""
        return f"{self.base}changes/{event.page}#{event.number}"

    def root_node(self, first_url: str, events: Sequence[Event], media_type: MediaType) -> bytes:
        """Return the root node: the stream and the relation to its first page."""
        stream = self.iri
        triples = [
            triple(stream, RDF + "type", NamedNode(LDES + "EventStream")),
            triple(stream, DCT + "isPartOf", NamedNode(self.base)),
            triple(stream, LDES + "timestampPath", NamedNode(_MOMENT)),
            triple(stream, LDES + "sequencePath", NamedNode(_POSITION)),
            triple(stream, LDES + "versionOfPath", NamedNode(_VERSION_OF)),
            *(
                triple(stream, f"{LDES}version{name}Object", NamedNode(AS + name))
                for name in ("Create", "Update", "Delete")
            ),
            triple(stream, TREE + "view", NamedNode(self.root)),
            triple(self.root, RDF + "type", NamedNode(TREE + "Node")),
            *_relation(self.root, first_url, events[:1]),
        ]
        return _serialize((Quad(*statement) for statement in triples), media_type)

    def page_node(
        self, url: str, next_url: str, events: Sequence[Event], media_type: MediaType
    ) -> bytes:
        """Return a page: its members in order; if it is full, the relation to the next page.

        The next URL is "" for a page that is not full.
        """
        triples = [
            triple(self.iri, RDF + "type", NamedNode(LDES + "EventStream")),
            triple(self.iri, TREE + "view", NamedNode(self.root)),
            triple(url, RDF + "type", NamedNode(TREE + "Node")),
        ]
        if next_url:
            triples.append(triple(url, LDES + "immutable", TRUE))
            triples += _relation(url, next_url, events[-1:])
        quads = [Quad(*statement) for statement in triples]
        for event in events:
            quads += self._member(event, media_type in _WITH_GRAPHS)
        return _serialize(quads, media_type)

    def _member(self, event: Event, with_graphs: bool) -> Iterator[Quad]:
        member, topic = self.member(event), NamedNode(event.topic)
        triples = [
            triple(self.iri, TREE + "member", NamedNode(member)),
            *(
                triple(member, RDF + "type", NamedNode(AS + name))
                for name in _ACTIVITIES.get(event.kind, ("Update",))
            ),
            triple(member, _VERSION_OF, topic),
            triple(member, _MOMENT, _moment(event)),
            triple(member, _POSITION, integer(event.number)),
            triple(member, DCAT + "version", Literal(event.release)),
        ]
        yield from (Quad(*statement) for statement in triples)
        if with_graphs and event.kind != DELETED:
            yield from in_graph(event.triples, member)
        else:
            yield from (Quad(*t) for t in _version_triples(event, topic, NamedNode(member)))


def _relation(url: str, next_url: str, bound: Sequence[Event]) -> Iterator[Triple]:
    """Yield the relation to a page of which no member is older than an event."""
    relation = BlankNode("relation")
    kind = "GreaterThanOrEqualToRelation" if bound else "Relation"
    yield triple(url, TREE + "relation", relation)
    yield Triple(relation, TYPE, NamedNode(TREE + kind))
    for event in bound:
        yield Triple(relation, NamedNode(TREE + "path"), NamedNode(_MOMENT))
        yield Triple(relation, NamedNode(TREE + "value"), _moment(event))
    yield Triple(relation, NamedNode(TREE + "node"), NamedNode(next_url))


def _version_triples(event: Event, topic: NamedNode, member: NamedNode) -> Iterator[Triple]:
    """Yield the statements about a topic and its blank nodes, with the member as their subject."""
    statements: dict[Term, list[Triple]] = {}
    for statement in event.triples:
        statements.setdefault(statement.subject, []).append(statement)
    subjects: list[Term] = [topic]
    while subjects:
        for statement in statements.pop(subjects.pop(), []):
            subject = member if statement.subject == topic else statement.subject
            yield Triple(subject, statement.predicate, statement.object)
            if isinstance(statement.object, BlankNode):
                subjects.append(statement.object)


def _moment(event: Event) -> Literal:
    return Literal(event.moment, datatype=NamedNode(XSD + "dateTime"))


def _serialize(quads: Iterable[Quad], media_type: MediaType) -> bytes:
    """Return quads in a syntax, with prefixes that no edit of the catalogue changes."""
    assert media_type.rdf
    quads = list(quads)
    if media_type in _WITH_GRAPHS:
        content = serialize(quads, format=media_type.rdf, prefixes=_PREFIXES)
    else:
        triples = dict.fromkeys(quad.triple for quad in quads)
        content = serialize(triples, format=media_type.rdf, prefixes=_PREFIXES)
    assert isinstance(content, bytes)
    return escape_xml(content) if media_type == RDF_XML else content
