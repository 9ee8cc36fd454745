"""Comparing graphs with the change log and writing the events of those that differ.

All events of one start have one moment. When a log begins, each graph has the moment that it states
itself, in order, so that the log of a catalogue is the same wherever it begins.
"""

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache

from pyoxigraph import Literal, NamedNode, Quad, Triple

from ..rdf import terms
from ..rdf.namespaces import AS, DCT, RDF, RDFS, SKOS
from ..rdf.terms import TYPE
from . import change_log
from .change_log import CREATED, CURRENT, DELETED, TOMBSTONE, UPDATED, ChangeLog, Event

CLASSES = (RDF + "type", AS + "formerType")
"""The properties with the classes of a resource, and with those of a tombstone."""
_DATES = (DCT + "modified", DCT + "issued")
_TITLES = (DCT + "title", SKOS + "prefLabel", RDFS + "label")
_STEP = timedelta(milliseconds=1)
_CACHE = 1 << 14  # dates, of which a large file has few
_PIECES = "CREATE TEMP TABLE pieces (topic TEXT, content TEXT, rank INTEGER, moment TEXT)"
_GRAPHS = """
SELECT topic, group_concat(content, ''), min(coalesce(moment, ?1), ?1) AS moment, min(rank)
FROM pieces
GROUP BY topic
"""


def record_changes(
    log: ChangeLog,
    release: str,
    pieces: Iterable[tuple[str, Sequence[Quad]]],
    topics: Set[str],
) -> None:
    """Log graphs that differ from the log, and which of its topics are no longer there.

    A graph may come in several pieces. This is called inside a transaction of the state file.
    Raises what reading the pieces raises.
    """
    batch = _Batch(log, release, log.count)
    order = "min(pieces.rowid)" if batch.number else "moment, topic"
    log.state.execute(_PIECES)
    log.state.executemany("INSERT INTO pieces VALUES (?, ?, ?, ?)", map(_piece, pieces))
    graphs = log.state.execute(f"{_GRAPHS} ORDER BY {order}", batch.moment)
    is_first = not batch.number
    for topic, content, moment, _ in graphs:
        batch.add(topic, content.encode(), moment if is_first else batch.moment)
    log.state.execute("DROP TABLE pieces")
    gone = (number for topic, number in log.topics().items() if topic not in topics)
    for number in sorted(gone):
        batch.add_deleted(log.event(number))
    log.state.execute("UPDATE release SET logged = ?", release)


def record_change(log: ChangeLog, release: str, topic: str, triples: Iterable[Triple]) -> None:
    """Log the new graph of a topic inside a transaction of the state file."""
    batch = _Batch(log, release, log.count)
    batch.add(topic, terms.write_n_triples(triples), batch.moment)
    log.state.execute("UPDATE release SET logged = ?", release)


@dataclass
class _Batch:
    """The events of one start or write, numbered from the last one on."""

    log: ChangeLog
    release: str
    number: int

    @cached_property
    def moment(self) -> str:
        """Return the present moment, after that of the last event even if a clock was set back."""
        now = datetime.now(tz=UTC)
        if not self.number:
            return _text(now)
        last = datetime.fromisoformat(self.log.event(self.number).moment)
        return _text(max(now, last + _STEP))

    def add(self, topic: str, content: bytes, moment: str) -> None:
        """Add the event of a graph, if it differs from the last one of its topic."""
        content, before = terms.canonical_n_triples(content), self.log.last_event(topic)
        digest = terms.content_hash(content)
        if before and before.digest == digest:
            return
        status = change_log.status_of(topic, content.decode())
        kind = UPDATED if before else CREATED
        if status != CURRENT and not (before and before.status == status):
            kind = status
        # Pages hold many graphs, whose blank nodes are not each other's.
        self._append(
            topic, kind, moment, digest, terms.relabel_blank_nodes(content, self.number + 1)
        )

    def add_deleted(self, former: Event) -> None:
        """Add the event of a topic that is no longer there."""
        content = terms.sort_lines(terms.write_n_triples(tombstone(former.topic, former.triples)))
        self._append(former.topic, DELETED, self.moment, "", content)

    def _append(self, topic: str, kind: str, moment: str, digest: str, content: bytes) -> None:
        self.number += 1
        event = Event(self.number, moment, self.release, topic, kind, digest, content.decode())
        self.log.append([event])


def tombstone(iri: str, former: Iterable[Triple]) -> Iterator[Triple]:
    """Yield what stays of a deleted resource: its former types and its titles."""
    topic, tombstone_class = NamedNode(iri), NamedNode(TOMBSTONE)
    yield Triple(topic, TYPE, tombstone_class)
    for triple in former:
        name, value = triple.predicate.value, triple.object
        if triple.subject == topic and name in _TITLES:
            yield Triple(topic, NamedNode(_TITLES[0]), value)
        elif triple.subject == topic and name in CLASSES and value != tombstone_class:
            yield Triple(topic, NamedNode(CLASSES[1]), value)


def _piece(run: tuple[str, Sequence[Quad]]) -> tuple[str, str, int, str | None]:
    """Return a piece of a graph as a row, with the moment that it states.

    The last change counts before the date of issue, and has the lower rank.
    """
    topic, quads = run
    content = terms.write_n_triples(quad.triple for quad in quads).decode()
    node = NamedNode(topic)
    dates = {
        quad.predicate.value: quad.object.value
        for quad in quads
        if quad.predicate.value in _DATES
        and isinstance(quad.object, Literal)
        and quad.subject == node
    }
    for rank, name in enumerate(_DATES):
        if name in dates:
            return topic, content, rank, _moment(dates[name])
    return topic, content, len(_DATES), None


@lru_cache(_CACHE)
def _moment(date: str) -> str | None:
    """Return the moment of a date or time, or None where it is none."""
    try:
        moment = datetime.fromisoformat(date)
        return _text(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return None


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
