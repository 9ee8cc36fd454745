"""Pages of the log as Atom (RFC 4287), as pages and archives of a feed (RFC 5005).

Written with the standard library: of the packages for feeds, none knows archives.

Pages of the log as a Linked Data Event Stream (https://w3id.org/ldes/specification).

The stream and its members keep the published base; nodes have the address at which they were asked
for, so that a client can follow them there (https://w3id.org/tree/specification). A member is the
name of a graph that holds its topic's graph of then. A syntax without graphs cannot hold several
versions of the same statements, so there a member has what was said of the topic alone.
Nothing is ever taken away from the stream, so there is no retention policy.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from pyoxigraph import BlankNode, Literal, NamedNode, Quad, Triple, serialize

from ...catalogue.change_log import CREATED, DELETED, MOVED, PAGE, Event
from ...rdf.namespaces import AS, DCAT, DCT, LDES, PROV, RDF, SCHEMA, TREE, XSD
from ...rdf.terms import Term, in_graph
from ..http.negotiation import JSON_LD, N_QUADS, TRIG, Form
from ..http.responses import Link

_ATOM = "http://www.w3.org/2005/Atom"
_HISTORY = "http://purl.org/syndication/history/1.0"
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
# What a literal may hold and XML may not (XML 1.0, section 2.2).
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
ElementTree.register_namespace("", _ATOM)
ElementTree.register_namespace("fh", _HISTORY)


@dataclass(frozen=True)
class Entry:
    """A change as a feed tells it: its lasting IRI, the moment in UTC (RFC 3339), its links."""

    iri: str
    title: str
    language: str
    moment: str
    summary: str
    category: str
    links: Sequence[Link]


@dataclass(frozen=True)
class Feed:
    """A feed or an archived page of it; the newest entries first."""

    iri: str
    title: str
    language: str
    moment: str
    authors: Sequence[str]
    archived: bool
    links: Sequence[Link]
    entries: Sequence[Entry]


def written(feed: Feed) -> bytes:
    """Give a feed as XML."""
    root = Element(_atom("feed"), {_LANG: feed.language})
    _text(root, "id", feed.iri)
    _text(root, "title", feed.title)
    _text(root, "updated", feed.moment)
    for name in feed.authors:
        _text(SubElement(root, _atom("author")), "name", name)
    if feed.archived:
        SubElement(root, f"{{{_HISTORY}}}archive")
    _link(root, feed.links)
    for entry in feed.entries:
        _entry(SubElement(root, _atom("entry")), entry)
    ElementTree.indent(root, "")
    content: bytes = ElementTree.tostring(root, "utf-8", xml_declaration=True)
    return content


def _entry(element: Element, entry: Entry) -> None:
    _text(element, "id", entry.iri)
    title = _text(element, "title", entry.title)
    if entry.language:
        title.set(_LANG, entry.language)
    _text(element, "updated", entry.moment)
    SubElement(element, _atom("category"), {"term": entry.category})
    _link(element, entry.links)
    _text(element, "summary", entry.summary)


def _link(element: Element, links: Sequence[Link]) -> None:
    for link in links:
        kind = {"type": link.type} if link.type else {}
        SubElement(element, _atom("link"), {"rel": link.rel, **kind, "href": link.href})


def _text(element: Element, name: str, text: str) -> Element:
    found = SubElement(element, _atom(name))
    found.text = _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)
    return found


def _atom(name: str) -> str:
    return f"{{{_ATOM}}}{name}"


_MOMENT = PROV + "generatedAtTime"
_PLACE = SCHEMA + "position"
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
# What an event is, for those who copy the stream: what was moved or withdrawn goes on to be said.
_ACTIVITIES = {CREATED: ("Create",), DELETED: ("Delete",), MOVED: ("Update", "Move")}
_WITH_GRAPHS = (TRIG, N_QUADS, JSON_LD)


@dataclass(frozen=True)
class Node:
    """A page at the address asked for, and the address of the next one."""

    address: str
    following: str
    events: Sequence[Event]

    @property
    def is_full(self) -> bool:
        """Tell whether it never changes again."""
        return len(self.events) == PAGE


@dataclass(frozen=True)
class Stream:
    """The stream of a catalogue, whose base is given; the root is the address that opens it."""

    base: str
    root: str

    @property
    def iri(self) -> str:
        """Give the IRI of the stream."""
        return f"{self.base}changes#stream"

    def member(self, event: Event) -> str:
        """Give the IRI of an event, which leads to the page on which it stands."""
        return f"{self.base}changes/{event.page}#{event.number}"

    def opening(self, first: str, events: Sequence[Event], form: Form) -> bytes:
        """Give the root: what the stream is, and the way to its first page."""
        stream, root = NamedNode(self.iri), NamedNode(self.root)
        said = [
            Triple(stream, _node(RDF + "type"), _node(LDES + "EventStream")),
            Triple(stream, _node(DCT + "isPartOf"), _node(self.base)),
            Triple(stream, _node(LDES + "timestampPath"), _node(_MOMENT)),
            Triple(stream, _node(LDES + "sequencePath"), _node(_PLACE)),
            Triple(stream, _node(LDES + "versionOfPath"), _node(_VERSION_OF)),
            *(
                Triple(stream, _node(f"{LDES}version{name}Object"), _node(AS + name))
                for name in ("Create", "Update", "Delete")
            ),
            Triple(stream, _node(TREE + "view"), root),
            Triple(root, _node(RDF + "type"), _node(TREE + "Node")),
            *_relation(self.root, first, events[:1]),
        ]
        return _written((Quad(*triple) for triple in said), form)

    def page(self, node: Node, form: Form) -> bytes:
        """Give a page: its members in their order, and the way to the next one if it is full."""
        stream, page = NamedNode(self.iri), NamedNode(node.address)
        said = [
            Triple(stream, _node(RDF + "type"), _node(LDES + "EventStream")),
            Triple(stream, _node(TREE + "view"), _node(self.root)),
            Triple(page, _node(RDF + "type"), _node(TREE + "Node")),
        ]
        if node.is_full:
            said.append(Triple(page, _node(LDES + "immutable"), _TRUE))
            said += _relation(node.address, node.following, node.events[-1:])
        quads = [Quad(*triple) for triple in said]
        for event in node.events:
            quads += self._member(event, form in _WITH_GRAPHS)
        return _written(quads, form)

    def _member(self, event: Event, with_graphs: bool) -> Iterator[Quad]:
        member, topic = NamedNode(self.member(event)), NamedNode(event.topic)
        yield Quad(NamedNode(self.iri), _node(TREE + "member"), member)
        for name in _ACTIVITIES.get(event.kind, ("Update",)):
            yield Quad(member, _node(RDF + "type"), _node(AS + name))
        yield Quad(member, _node(_VERSION_OF), topic)
        yield Quad(member, _node(_MOMENT), _moment(event))
        number = Literal(str(event.number), datatype=_node(XSD + "integer"))
        yield Quad(member, _node(_PLACE), number)
        yield Quad(member, _node(_VERSION), Literal(event.release))
        if with_graphs and event.kind != DELETED:
            yield from in_graph(event.triples, member.value)
        else:
            yield from (Quad(*triple) for triple in _versioned(event, topic, member))


_TRUE = Literal("true", datatype=NamedNode(XSD + "boolean"))


def _relation(page: str, following: str, bound: Sequence[Event]) -> Iterator[Triple]:
    """Give the way to a page of which all members are as new as an event, or newer."""
    relation = BlankNode("relation")
    yield Triple(NamedNode(page), _node(TREE + "relation"), relation)
    if not bound:
        yield Triple(relation, _node(RDF + "type"), _node(TREE + "Relation"))
    for event in bound:
        kind = _node(TREE + "GreaterThanOrEqualToRelation")
        yield Triple(relation, _node(RDF + "type"), kind)
        yield Triple(relation, _node(TREE + "path"), _node(_MOMENT))
        yield Triple(relation, _node(TREE + "value"), _moment(event))
    yield Triple(relation, _node(TREE + "node"), _node(following))


def _versioned(event: Event, topic: NamedNode, member: NamedNode) -> Iterator[Triple]:
    """Give what is said of a topic, and of the blank nodes that this leads to, as of the member."""
    statements: dict[Term, list[Triple]] = {}
    for triple in event.triples:
        statements.setdefault(triple.subject, []).append(triple)
    wanted: list[Term] = [topic]
    while wanted:
        for triple in statements.pop(wanted.pop(), []):
            subject = member if triple.subject == topic else triple.subject
            yield Triple(subject, triple.predicate, triple.object)
            if isinstance(triple.object, BlankNode):
                wanted.append(triple.object)


def _moment(event: Event) -> Literal:
    return Literal(event.moment, datatype=NamedNode(XSD + "dateTime"))


def _node(iri: str) -> NamedNode:
    return NamedNode(iri)


def _written(quads: Iterable[Quad], form: Form) -> bytes:
    """Write quads; with prefixes of its own, so that no edit of the catalogue changes a page."""
    assert form.rdf
    listed = list(quads)
    if form in _WITH_GRAPHS:
        content = serialize(listed, format=form.rdf, prefixes=_PREFIXES)
    else:
        triples = dict.fromkeys(quad.triple for quad in listed)
        content = serialize(triples, format=form.rdf, prefixes=_PREFIXES)
    assert isinstance(content, bytes)
    return content
