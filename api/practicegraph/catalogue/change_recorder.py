"""What is to be logged: where the folder says other things than the log.

It follows from these two alone, whatever store is kept in step and wherever that breaks off: the
log tells which graphs it holds and of which files, so what is missing is logged the next time, and
nothing twice. All that one start finds has one moment. When a log begins, each graph has the moment
that it says itself, in order, so that the log of a catalogue is the same wherever it begins.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from itertools import chain, groupby
from pathlib import Path
from typing import NamedTuple

from pyoxigraph import Literal, NamedNode, Quad, Triple

from ..rdf import terms
from ..rdf.namespaces import AS, DCT, RDF, RDFS, SKOS
from ..schema.lifecycle import DEPRECATED
from . import change_log, documents
from .change_log import (
    CREATED,
    CURRENT,
    DELETED,
    PAGE,
    TOMBSTONE,
    UPDATED,
    ChangeLog,
    Event,
    LastEvent,
    Spool,
    State,
    page_of,
)

_CLASSES = (RDF + "type", AS + "formerType")
_DAYS = (DCT + "modified", DCT + "issued")
_TITLES = (DCT + "title", SKOS + "prefLabel", RDFS + "label")
_STEP = timedelta(milliseconds=1)
_MANY = 1 << 14  # days, of which a large set says few


class _Moment(NamedTuple):
    """A moment that a graph says, if it can be read; the first place is that which counts most."""

    place: int
    said: datetime | None


_UNSAID = _Moment(len(_DAYS), None)


@dataclass(frozen=True)
class Present:
    """A folder at a release: the checksums of its files by name, and all topics of them."""

    root: Path
    release: str
    sums: Mapping[str, str]
    topics: frozenset[str]


def record(log: ChangeLog, present: Present) -> None:
    """Log what the files say and the log does not; raises UnreadableError."""
    if log.is_at(present.release):
        return
    state = log.state()
    other = {name: s for name, s in present.sums.items() if state.files.get(name) != s}
    stale = [name for name, checksum in other.items() if _has(present.root / name, checksum)]
    # A file that is another one again, or that cannot be read, is logged at a later start.
    sums = {n: s for n, s in present.sums.items() if n not in other or n in stale}
    gone = sorted(state.topics.keys() - present.topics)
    last = log.event(state.count).moment if state.count else "0001-01-01T00:00:00Z"
    batch = _Batch(
        log, present.release, datetime.fromisoformat(last), state.count, dict(state.topics)
    )
    log.folder.mkdir(parents=True, exist_ok=True)
    with Spool(log.folder) as graphs:
        moments = _put_aside(graphs, (present.root / name for name in stale))
        changed = batch.changed(graphs) if state.release else batch.beginning(graphs, moments)
        log.append(chain(changed, batch.deleted(gone)))
    log.keep(State(present.release, log.count, sums, batch.topics))


def _has(path: Path, checksum: str) -> bool:
    return path.is_file() and documents.checksum(path) == checksum


@dataclass(frozen=True)
class Changed:
    """The one file that has changed since a release, with its topic's triples before and after."""

    since: str
    release: str
    name: str
    checksum: str
    topic: str
    before: Sequence[Triple]
    after: Sequence[Triple]


def advance(log: ChangeLog, changed: Changed) -> bool:
    """Log a change where everything before it is logged; tell whether that was so."""
    if not log.is_at(changed.since):
        return False
    topic, count = changed.topic, log.count
    known: dict[str, LastEvent] = {}
    if changed.before:
        content = terms.canonical_n_triples(terms.write_n_triples(changed.before))
        known[topic] = LastEvent(count, terms.content_hash(content), _fate(topic, content))
    last = datetime.fromisoformat(log.event(count).moment)
    batch = _Batch(log, changed.release, last, count, known)
    events = list(batch.changed_one(topic, terms.write_n_triples(changed.after), batch.moment))
    log.advance(changed.release, changed.name, changed.checksum, events)
    return True


@dataclass
class _Batch:
    """The events of one start, numbered on; the topics as they are after them."""

    log: ChangeLog
    release: str
    last: datetime
    number: int
    topics: dict[str, LastEvent]

    @cached_property
    def moment(self) -> datetime:
        """Give the present moment, after that of the last event even if a clock was set back."""
        return max(datetime.now(tz=UTC), self.last + _STEP)

    def changed(self, graphs: Spool) -> Iterator[Event]:
        """Give the events of graphs that are others than they were."""
        for topic in graphs:
            yield from self.changed_one(topic, graphs.lines(topic), self.moment)

    def beginning(self, graphs: Spool, moments: Mapping[str, _Moment]) -> Iterator[Event]:
        """Give the events with which a log begins, each at the moment that the graph says."""
        said = {topic: moments[topic].said or self.moment for topic in graphs}
        for topic in sorted(graphs, key=lambda topic: (said[topic], topic)):
            moment = max(self.last, min(said[topic], self.moment))
            yield from self.changed_one(topic, graphs.lines(topic), moment)

    def deleted(self, gone: Iterable[str]) -> Iterator[Event]:
        """Give the events of topics that are there no more."""
        numbers = sorted(self.topics[topic].number for topic in gone)
        for page, listed in groupby(numbers, page_of):
            formers = self.log.page(page)
            for number in listed:
                former = formers[(number - 1) % PAGE]
                content = terms.sort_lines(
                    terms.write_n_triples(tombstone(former.topic, former.triples))
                )
                yield self._event(former.topic, DELETED, self.moment, "", content)
                del self.topics[former.topic]

    def changed_one(self, topic: str, content: bytes, moment: datetime) -> Iterator[Event]:
        """Give the event of a graph, if it is another one than it was."""
        content, before = terms.canonical_n_triples(content), self.topics.get(topic)
        digest = terms.content_hash(content)
        if before and before.digest == digest:
            return
        fate = _fate(topic, content)
        kind = UPDATED if before else CREATED
        if fate != CURRENT and not (before and before.fate == fate):
            kind = fate
        # Pages hold many graphs, whose blank nodes are not each other's.
        content = terms.relabel_blank_nodes(content, self.number + 1)
        yield self._event(topic, kind, moment, digest, content)
        self.topics[topic] = LastEvent(self.number, digest, fate)

    def _event(self, topic: str, kind: str, moment: datetime, digest: str, content: bytes) -> Event:
        self.number += 1
        graph = content.decode()
        return Event(self.number, _text(moment), self.release, topic, kind, digest, graph)


def _put_aside(graphs: Spool, paths: Iterable[Path]) -> dict[str, _Moment]:
    """Put the graphs of files aside and give the moment of each."""
    moments: dict[str, _Moment] = {}
    for path in paths:
        for topic, quads in documents.read_graphs(path):
            graphs.add(topic, terms.write_n_triples(quad.triple for quad in quads))
            said, before = _said(topic, quads), moments.get(topic, _UNSAID)
            moments[topic] = said if said.place <= before.place else before
    return moments


def _said(topic: str, quads: Iterable[Quad]) -> _Moment:
    """Give the moment at which a topic says that it was last changed, else issued."""
    days = {
        quad.predicate.value: quad.object.value
        for quad in quads
        if quad.predicate.value in _DAYS
        and isinstance(quad.object, Literal)
        and quad.subject == NamedNode(topic)
    }
    found = (_moment(place, days[name]) for place, name in enumerate(_DAYS) if name in days)
    return next(found, _UNSAID)


@lru_cache(_MANY)
def _moment(place: int, day: str) -> _Moment:
    try:
        said = datetime.fromisoformat(day)
    except ValueError:
        return _Moment(place, None)
    return _Moment(place, said if said.tzinfo else said.replace(tzinfo=UTC))


def _fate(topic: str, content: bytes) -> str:
    known = DEPRECATED.encode() in content
    return change_log.fate(topic, terms.parse_n_triples(content)) if known else CURRENT


def tombstone(iri: str, former: Iterable[Triple]) -> Iterator[Triple]:
    """Give what is left of a thing: what it was, and what it was called."""
    topic, grave = NamedNode(iri), NamedNode(TOMBSTONE)
    yield Triple(topic, NamedNode(RDF + "type"), grave)
    for triple in former:
        name, value = triple.predicate.value, triple.object
        if triple.subject == topic and name in _TITLES:
            yield Triple(topic, NamedNode(_TITLES[0]), value)
        elif triple.subject == topic and name in _CLASSES and value != grave:
            yield Triple(topic, NamedNode(_CLASSES[1]), value)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
