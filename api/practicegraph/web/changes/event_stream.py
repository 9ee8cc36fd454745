"""Pages of the change log as a Linked Data Event Stream (https://w3id.org/ldes/specification).

The IRIs of the stream and its members have the published base. Nodes have the URL of the request,
so that a client can follow them there (https://w3id.org/tree/specification). A member names a graph
that holds its topic's graph as it was then. A syntax without graphs cannot hold several versions
of the same statements: there, a member has the statements about the topic alone. Nothing is ever
taken out of the stream, so there is no retention policy.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pyoxigraph import BlankNode, Literal, NamedNode, Quad, Triple, serialize

from ...catalogue.change_log import CREATED, DELETED, MOVED, PAGE, Event
from ...rdf.namespaces import AS, DCAT, DCT, LDES, PROV, RDF, SCHEMA, TREE, XSD
from ...rdf.terms import TRUE, Term, in_graph
from ..http.negotiation import JSON_LD, N_QUADS, TRIG, MediaType

_MOMENT = PROV + "generatedAtTime"
_POSITION = SCHEMA + "position"
_VERSION = DCAT + "version"
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
class StreamNode:
    """A page at the URL of the request, and the URL of the next page."""

    url: str
    next_url: str
    events: Sequence[Event]

    @property
    def is_full(self) -> bool:
        """Return whether the page is full, and so never changes again."""
        return len(self.events) == PAGE


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
        stream, root = NamedNode(self.iri), NamedNode(self.root)
        triples = [
            Triple(stream, _node(RDF + "type"), _node(LDES + "EventStream")),
            Triple(stream, _node(DCT + "isPartOf"), _node(self.base)),
            Triple(stream, _node(LDES + "timestampPath"), _node(_MOMENT)),
            Triple(stream, _node(LDES + "sequencePath"), _node(_POSITION)),
            Triple(stream, _node(LDES + "versionOfPath"), _node(_VERSION_OF)),
            *(
                Triple(stream, _node(f"{LDES}version{name}Object"), _node(AS + name))
                for name in ("Create", "Update", "Delete")
            ),
            Triple(stream, _node(TREE + "view"), root),
            Triple(root, _node(RDF + "type"), _node(TREE + "Node")),
            *_relation(self.root, first_url, events[:1]),
        ]
        return _serialize((Quad(*triple) for triple in triples), media_type)

    def page_node(self, node: StreamNode, media_type: MediaType) -> bytes:
        """Return a page: its members in order, and the relation to the next page if it is full."""
        stream, page = NamedNode(self.iri), NamedNode(node.url)
        triples = [
            Triple(stream, _node(RDF + "type"), _node(LDES + "EventStream")),
            Triple(stream, _node(TREE + "view"), _node(self.root)),
            Triple(page, _node(RDF + "type"), _node(TREE + "Node")),
        ]
        if node.is_full:
            triples.append(Triple(page, _node(LDES + "immutable"), TRUE))
            triples += _relation(node.url, node.next_url, node.events[-1:])
        quads = [Quad(*triple) for triple in triples]
        for event in node.events:
            quads += self._member(event, media_type in _WITH_GRAPHS)
        return _serialize(quads, media_type)

    def _member(self, event: Event, with_graphs: bool) -> Iterator[Quad]:
        member, topic = NamedNode(self.member(event)), NamedNode(event.topic)
        yield Quad(NamedNode(self.iri), _node(TREE + "member"), member)
        for name in _ACTIVITIES.get(event.kind, ("Update",)):
            yield Quad(member, _node(RDF + "type"), _node(AS + name))
        yield Quad(member, _node(_VERSION_OF), topic)
        yield Quad(member, _node(_MOMENT), _moment(event))
        number = Literal(str(event.number), datatype=_node(XSD + "integer"))
        yield Quad(member, _node(_POSITION), number)
        yield Quad(member, _node(_VERSION), Literal(event.release))
        if with_graphs and event.kind != DELETED:
            yield from in_graph(event.triples, member.value)
        else:
            yield from (Quad(*triple) for triple in _version_triples(event, topic, member))


def _relation(url: str, next_url: str, bound: Sequence[Event]) -> Iterator[Triple]:
    """Yield the relation to a page of which no member is older than an event."""
    relation = BlankNode("relation")
    yield Triple(NamedNode(url), _node(TREE + "relation"), relation)
    if not bound:
        yield Triple(relation, _node(RDF + "type"), _node(TREE + "Relation"))
    for event in bound:
        kind = _node(TREE + "GreaterThanOrEqualToRelation")
        yield Triple(relation, _node(RDF + "type"), kind)
        yield Triple(relation, _node(TREE + "path"), _node(_MOMENT))
        yield Triple(relation, _node(TREE + "value"), _moment(event))
    yield Triple(relation, _node(TREE + "node"), _node(next_url))


def _version_triples(event: Event, topic: NamedNode, member: NamedNode) -> Iterator[Triple]:
    """Yield the statements about a topic and its blank nodes, with the member as their subject."""
    statements: dict[Term, list[Triple]] = {}
    for triple in event.triples:
        statements.setdefault(triple.subject, []).append(triple)
    subjects: list[Term] = [topic]
    while subjects:
        for triple in statements.pop(subjects.pop(), []):
            subject = member if triple.subject == topic else triple.subject
            yield Triple(subject, triple.predicate, triple.object)
            if isinstance(triple.object, BlankNode):
                subjects.append(triple.object)


def _moment(event: Event) -> Literal:
    return Literal(event.moment, datatype=NamedNode(XSD + "dateTime"))


def _node(iri: str) -> NamedNode:
    return NamedNode(iri)


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
    return content
