"""What is to be logged: where the folder says other things than the log.

It follows from these two alone, whatever store is kept in step and wherever that breaks off: the
log tells which graphs it holds and of which files, so what is missing is logged the next time, and
nothing twice. All that one start finds has one moment. When a log begins, each graph has the moment
that it says itself, in order, so that the log of a catalogue is the same wherever it begins.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import chain, groupby
from pathlib import Path

from pyoxigraph import (
    BlankNode,
    Literal,
    NamedNode,
    Quad,
    RdfFormat,
    Triple,
    serialize,
)

from . import changes, folder
from .changes import (
    CREATED,
    CURRENT,
    DELETED,
    PAGE,
    TOMBSTONE,
    UPDATED,
    Event,
    Log,
    Logged,
    State,
    page_of,
)
from .folder import Document
from .shapes import RDFS, SKOS
from .store import RDF, with_lasting_names

_DCT = "http://purl.org/dc/terms/"
_CLASSES = (RDF + "type", "https://www.w3.org/ns/activitystreams#formerType")
_DAYS = (_DCT + "modified", _DCT + "issued")
_TITLES = (_DCT + "title", SKOS + "prefLabel", RDFS + "label")
_STEP = timedelta(milliseconds=1)

_Graph = tuple[str, Sequence[Quad]]
"""A topic, and the quads of its graph."""


@dataclass(frozen=True)
class Present:
    """A folder at a release: the checksums of its files by name, and all topics of them."""

    root: Path
    release: str
    sums: Mapping[str, str]
    topics: frozenset[str]


def record(log: Log, present: Present, documents: Mapping[str, Document]) -> None:
    """Log what the files say and the log does not; files that are not among the documents are read.

    Raises UnreadableError.
    """
    if log.is_at(present.release):
        return
    state = log.state()
    stale = [name for name, checksum in present.sums.items() if state.files.get(name) != checksum]
    gone = sorted(state.topics.keys() - present.topics)
    read = (documents.get(name) or folder.read(present.root / name) for name in stale)
    graphs = (graph for document in read for graph in _graphs(document))
    last = log.event(state.count).moment if state.count else "0001-01-01T00:00:00Z"
    batch = _Batch(
        log, present.release, datetime.fromisoformat(last), state.count, dict(state.topics)
    )
    changed = batch.changed(graphs) if state.release else batch.beginning(graphs)
    log.append(chain(changed, batch.deleted(gone)))
    log.keep(State(present.release, log.count, present.sums, batch.topics))


@dataclass
class _Batch:
    """The events of one start, numbered on; the topics as they are after them."""

    log: Log
    release: str
    last: datetime
    number: int
    topics: dict[str, Logged]

    @cached_property
    def moment(self) -> datetime:
        """Give the present moment, after that of the last event even if a clock was set back."""
        return max(datetime.now(tz=UTC), self.last + _STEP)

    def changed(self, graphs: Iterable[_Graph]) -> Iterator[Event]:
        """Give the events of graphs that are others than they were."""
        for topic, quads in graphs:
            yield from self._changed(topic, quads, self.moment)

    def beginning(self, graphs: Iterable[_Graph]) -> Iterator[Event]:
        """Give the events with which a log begins, each at the moment that the graph says."""
        dated = [(_said(*graph) or self.moment, *graph) for graph in graphs]
        for said, topic, quads in sorted(dated, key=lambda row: row[:2]):
            moment = max(self.last, min(said, self.moment))
            yield from self._changed(topic, quads, moment)

    def deleted(self, gone: Iterable[str]) -> Iterator[Event]:
        """Give the events of topics that are there no more."""
        numbers = sorted(self.topics[topic].number for topic in gone)
        for page, listed in groupby(numbers, page_of):
            formers = self.log.page(page)
            for number in listed:
                former = formers[(number - 1) % PAGE]
                lines = _lines(_tombstone(former))
                yield self._event(former.topic, DELETED, self.moment, "", lines)
                del self.topics[former.topic]

    def _changed(self, topic: str, quads: Iterable[Quad], moment: datetime) -> Iterator[Event]:
        triples, before = _canonical(quads), self.topics.get(topic)
        lines = _lines(triples)
        digest = hashlib.sha256(lines).hexdigest()[:32]
        if before and before.digest == digest:
            return
        fate = changes.fate(topic, triples)
        kind = UPDATED if before else CREATED
        if fate != CURRENT and not (before and before.fate == fate):
            kind = fate
        if any(map(_is_nameless, triples)):
            lines = _lines(_apart(triples, self.number + 1))
        yield self._event(topic, kind, moment, digest, lines)
        self.topics[topic] = Logged(self.number, digest, fate)

    def _event(self, topic: str, kind: str, moment: datetime, digest: str, lines: bytes) -> Event:
        self.number += 1
        graph = lines.decode()
        return Event(self.number, _text(moment), self.release, topic, kind, digest, graph)


def _graphs(document: Document) -> Iterator[_Graph]:
    if len(document.topics) == 1:
        yield document.topics[0], document.quads
        return
    found: dict[str, list[Quad]] = {}
    for quad in document.quads:
        assert isinstance(quad.graph_name, NamedNode)
        found.setdefault(quad.graph_name.value, []).append(quad)
    yield from found.items()


def _said(topic: str, quads: Iterable[Quad]) -> datetime | None:
    """Give the moment at which a topic says that it was last changed, else issued."""
    days = {
        quad.predicate.value: quad.object.value
        for quad in quads
        if quad.predicate.value in _DAYS
        and isinstance(quad.object, Literal)
        and quad.subject == NamedNode(topic)
    }
    try:
        said = datetime.fromisoformat(next(days[name] for name in _DAYS if name in days))
    except (StopIteration, ValueError):
        return None
    return said if said.tzinfo else said.replace(tzinfo=UTC)


def _canonical(quads: Iterable[Quad]) -> list[Triple]:
    """Give triples with the names that RDFC-1.0 gives to blank nodes."""
    bare = [Quad(quad.subject, quad.predicate, quad.object) for quad in quads]
    return [quad.triple for quad in with_lasting_names(bare)]


def _apart(triples: Iterable[Triple], number: int) -> Iterator[Triple]:
    """Give triples with names of blank nodes that no other event has, since pages hold many."""
    for triple in triples:
        subject, value = triple.subject, triple.object
        if isinstance(subject, BlankNode):
            subject = BlankNode(f"e{number}{subject.value}")
        if isinstance(value, BlankNode):
            value = BlankNode(f"e{number}{value.value}")
        yield Triple(subject, triple.predicate, value)


def _tombstone(former: Event) -> Iterator[Triple]:
    """Give what is left of what was deleted: what it was, and what it was called."""
    topic, grave = NamedNode(former.topic), NamedNode(TOMBSTONE)
    yield Triple(topic, NamedNode(RDF + "type"), grave)
    for triple in former.triples:
        name, value = triple.predicate.value, triple.object
        if triple.subject == topic and name in _TITLES:
            yield Triple(topic, NamedNode(_TITLES[0]), value)
        elif triple.subject == topic and name in _CLASSES and value != grave:
            yield Triple(topic, NamedNode(_CLASSES[1]), value)


def _is_nameless(triple: Triple) -> bool:
    return isinstance(triple.subject, BlankNode) or isinstance(triple.object, BlankNode)


def _lines(triples: Iterable[Triple]) -> bytes:
    content = serialize(triples, format=RdfFormat.N_TRIPLES)
    assert isinstance(content, bytes)
    return b"".join(sorted(content.splitlines(keepends=True)))


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
