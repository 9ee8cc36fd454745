"""The change log, in the SQLite file that also lists what the store holds.

A log is a numbered list of events, each with a graph as it then was. Readers get it in pages of a
hundred events; a full page never changes. All events of one start have one moment. When a log
begins, each graph has the moment that it states itself, in order, so that the log of a catalogue is
the same wherever it begins. The graphs of these events are those of the store; the log takes over
the one of a topic before it changes there, and until then has "" in its place.

The file is in WAL mode (https://www.sqlite.org/wal.html). A transaction is on disk when it ends
(`synchronous=FULL`), and leaves nothing if it is broken off.
"""

import errno
import logging
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from pathlib import Path
from sqlite3 import Connection, Cursor
from threading import RLock
from typing import Any

from pyoxigraph import Literal, NamedNode, Quad, RdfFormat, Triple, parse

from ..rdf import terms
from ..rdf.terms import AS, DCT, RDF, RDFS, SKOS, TYPE
from ..schema.catalog_records import ISSUED, MODIFIED
from ..schema.lifecycle import DEPRECATED, IS_REPLACED_BY
from ..storage.base import Store

LOG = logging.getLogger("practicegraph")
PAGE = 100
"""The events of a full page."""
CREATED, UPDATED, MOVED, WITHDRAWN, DELETED = "created", "updated", "moved", "withdrawn", "deleted"
"""The kinds of events."""
CURRENT = "current"
"""The status of what is neither moved nor withdrawn."""
TOMBSTONE = AS + "Tombstone"
CLASSES = (RDF + "type", AS + "formerType")
"""The properties with the classes of a resource, and with those of a tombstone."""
_VERSION = 2  # of the schema below
_BUSY_TIMEOUT = 60.0  # seconds to wait for another process that writes
_SCHEMA = """
BEGIN;
CREATE TABLE release (store TEXT NOT NULL, previous TEXT NOT NULL, logged TEXT NOT NULL);
INSERT INTO release VALUES ('', '', '');
CREATE TABLE files (name TEXT PRIMARY KEY, checksum TEXT) WITHOUT ROWID;
CREATE TABLE graphs (file TEXT, name TEXT, digest TEXT, PRIMARY KEY (file, name)) WITHOUT ROWID;
CREATE INDEX graphs_by_name ON graphs (name);
CREATE TABLE events (
    number INTEGER PRIMARY KEY, moment TEXT NOT NULL, release TEXT NOT NULL, topic TEXT NOT NULL,
    kind TEXT NOT NULL, digest TEXT NOT NULL, graph TEXT NOT NULL
);
CREATE INDEX events_by_topic ON events (topic, number, kind);
PRAGMA user_version = 2;
COMMIT;
"""
_TITLES = (DCT + "title", SKOS + "prefLabel", RDFS + "label")
_STEP = timedelta(milliseconds=1)
_LAST_CHARACTER = "\U0010ffff"
_CACHE = 1 << 14  # dates, of which a large file has few
_MOMENT = """
SELECT last.moment FROM events AS last, events AS first
WHERE last.number = (SELECT max(number) FROM events) AND first.number = 1
    AND last.release = ? AND last.release <> first.release
"""
_PIECES = "CREATE TEMP TABLE pieces (topic TEXT, digest TEXT, content TEXT)"
_GRAPHS = """
SELECT topic, digest, group_concat(content, '') FROM pieces GROUP BY topic ORDER BY min(rowid)
"""
BLANK_MARK = "_"
"""With this begins the digest of a graph with blank nodes in its file, another one each time."""


class StateFile:
    """The state file at a path; it is created where there is none."""

    def __init__(self, path: Path) -> None:
        self._lock = RLock()
        self._connection = _open(path)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit all statements inside, or none of them; raise OSError where that fails."""
        with self._lock:
            try:
                with self._connection:
                    self._connection.execute("BEGIN IMMEDIATE")
                    yield
            except sqlite3.Error as error:
                raise OSError(errno.EIO, str(error)) from error

    def execute(self, statement: str, *values: Any) -> Cursor:
        """Execute a statement inside a transaction."""
        return self._connection.execute(statement, values)

    def executemany(self, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Execute a statement inside a transaction, once for each row of values."""
        self._connection.executemany(statement, rows)

    def select(self, query: str, *values: Any) -> list[Any]:
        """Return the rows of a query."""
        with self._lock:
            return self._connection.execute(query, values).fetchall()


@dataclass(frozen=True)
class Event:
    """A change of a named graph: its number from 1, the moment in UTC, the graph as N-Triples.

    The digest is one of the canonical graph, or of a first one in its file. The graph of a deleted
    topic is a tombstone.
    """

    number: int
    moment: str
    release: str
    topic: str
    kind: str
    digest: str
    graph: str

    @property
    def page(self) -> int:
        """Return the number of its page."""
        return page_of(self.number)

    @property
    def triples(self) -> list[Triple]:
        """Return the graph."""
        return [quad.triple for quad in parse(self.graph, RdfFormat.N_TRIPLES)]

    @property
    def status(self) -> str:
        """Return the status of the topic, as `status_of` does."""
        return status_of(self.topic, self.graph)


@dataclass(frozen=True)
class ChangeLog:
    """The change log in a state file, of the graphs of a store."""

    state: StateFile
    store: Store

    @property
    def release(self) -> str:
        """Return the release up to which everything is logged, or "" where there is none."""
        ((release,),) = self.state.select("SELECT logged FROM release")
        assert isinstance(release, str)
        return release

    def moment_of(self, release: str) -> datetime | None:
        """Return the moment of the change that led to a release, where it is the last one.

        The events of which a log was made have the moments that graphs state, not those of changes.
        """
        rows = self.state.select(_MOMENT, release)
        return datetime.fromisoformat(rows[0][0]) if rows else None

    def is_at(self, release: str) -> bool:
        """Return whether everything up to a release is logged, and nothing after it."""
        return self.release == release

    @property
    def open_page(self) -> int:
        """Return the number of the page of the next event."""
        return page_of(self.count + 1)

    @property
    def count(self) -> int:
        """Return the number of events."""
        return self.state.select("SELECT max(number) FROM events")[0][0] or 0

    def page(self, number: int) -> list[Event]:
        """Return the events of a page in their order; none where there is no such page."""
        start = (number - 1) * PAGE
        return self._events("number > ? AND number <= ? ORDER BY number", start, start + PAGE)

    def event(self, number: int) -> Event:
        """Return the event of a number."""
        return self._events("number = ?", number)[0]

    def since(self, number: int) -> Iterator[Event]:
        """Yield the events after a number, in order."""
        for page in range(page_of(number + 1), self.open_page + 1):
            yield from (event for event in self.page(page) if event.number > number)

    def events_of(self, topic: str, limit: int) -> list[Event]:
        """Return the last events of a topic, the newest first."""
        return self._events("topic = ? ORDER BY number DESC LIMIT ?", topic, limit)

    def newest_below(self, prefix: str, limit: int) -> list[Event]:
        """Return the last events of topics whose IRIs begin with a prefix, in order."""
        condition = "topic >= ? AND topic < ? ORDER BY number DESC LIMIT ?"
        return self._events(condition, prefix, prefix + _LAST_CHARACTER, limit)[::-1]

    def has_topic(self, topic: str) -> bool:
        """Return whether there is an event of a topic, deleted ones included."""
        return bool(self.state.select("SELECT 1 FROM events WHERE topic = ? LIMIT 1", topic))

    def was_deprecated(self, topic: str) -> bool:
        """Return whether a topic is, or ever was, moved, withdrawn or deleted."""
        query = "SELECT 1 FROM events WHERE topic = ? AND kind IN (?, ?, ?) LIMIT 1"
        return bool(self.state.select(query, topic, MOVED, WITHDRAWN, DELETED))

    def last_event(self, topic: str) -> Event | None:
        """Return the last event of a topic, or None where there is none or it was deleted."""
        events = self._events("topic = ? ORDER BY number DESC LIMIT 1", topic)
        return events[0] if events and events[0].kind != DELETED else None

    def topics(self) -> dict[str, int]:
        """Return the topics that are not deleted, with the numbers of their last events."""
        rows = self.state.select("SELECT topic, max(number), kind FROM events GROUP BY topic")
        return {topic: number for topic, number, kind in rows if kind != DELETED}

    def append(self, events: Iterable[Event]) -> None:
        """Write events inside a transaction of the state file."""
        rows = (tuple(vars(event).values()) for event in events)
        self.state.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)", rows)

    def keep_graph(self, event: Event) -> None:
        """Take over the graph of an event before the store changes it; a lost one is empty."""
        update = "UPDATE events SET graph = ? WHERE number = ?"
        self.state.execute(update, event.graph or "# lost\n", event.number)

    def _events(self, condition: str, *values: object) -> list[Event]:
        rows = self.state.select(f"SELECT * FROM events WHERE {condition}", *values)  # noqa: S608
        return [self._with_graph(Event(*row)) for row in rows]

    def _with_graph(self, event: Event) -> Event:
        """Return an event with its graph, from the store if the log has not taken it over yet."""
        if event.graph:
            return event
        content = _write(self.store.stated_quads(event.topic))
        graph = terms.relabel_blank_nodes(terms.canonical_n_triples(content), event.number)
        # A writer who has changed the graph since has put the one before here.
        ((kept,),) = self.state.select("SELECT graph FROM events WHERE number = ?", event.number)
        return replace(event, graph=kept or graph.decode())


def page_of(number: int) -> int:
    """Return the number of an event's page."""
    return (number - 1) // PAGE + 1


def status_of(topic: str, graph: str) -> str:
    """Return `moved`, `withdrawn` or `current`, by what a graph in N-Triples says of its topic."""
    if DEPRECATED not in graph:
        return CURRENT
    triples = (quad.triple for quad in parse(graph, RdfFormat.N_TRIPLES))
    return lifecycle_status(topic, triples)


def lifecycle_status(topic: str, triples: Iterable[Triple]) -> str:
    """Return `moved`, `withdrawn` or `current`, by what triples say of a topic."""
    node = NamedNode(topic)
    statements = {(t.predicate.value, t.object) for t in triples if t.subject == node}
    properties = {predicate for predicate, _ in statements}
    if DEPRECATED not in properties:
        return CURRENT
    is_tombstone = (RDF + "type", NamedNode(TOMBSTONE)) in statements
    return MOVED if IS_REPLACED_BY in properties and not is_tombstone else WITHDRAWN


def begin_log(log: ChangeLog, release: str, digests: Iterable[tuple[str, str]]) -> None:
    """Log graphs of the store, each with the digest of its file, in order of their moments.

    Inside a transaction of the state file.
    """
    log.append(_first_events(log.store, release, digests))
    log.state.execute("UPDATE release SET logged = ?", release)


def _first_events(
    store: Store, release: str, digests: Iterable[tuple[str, str]]
) -> Iterator[Event]:
    now, moments = _text(datetime.now(tz=UTC)), _stated_moments(store)
    deprecated = {name for name, _ in _quads_by_graph(store, NamedNode(DEPRECATED))}
    ordered = sorted((min(moments.get(topic) or now, now), topic, key) for topic, key in digests)
    for number, (moment, topic, digest) in enumerate(ordered, 1):
        kind = CREATED
        if digest.startswith(BLANK_MARK) or topic in deprecated:
            content = terms.canonical_n_triples(_write(store.stated_quads(topic)))
            digest, status = terms.content_hash(content), status_of(topic, content.decode())
            kind = CREATED if status == CURRENT else status
        yield Event(number, moment, release, topic, kind, digest, "")


def _stated_moments(store: Store) -> dict[str, str | None]:
    """Return the last moments that topics, or parts of them, state, by topic.

    The last change counts before the date of issue.
    """
    moments: dict[str, str | None] = {}
    for name in (ISSUED, MODIFIED):
        stated: dict[str, list[str]] = defaultdict(list)
        for topic, quad in _quads_by_graph(store, name):
            subject = quad.subject.value if isinstance(quad.subject, NamedNode) else ""
            if isinstance(quad.object, Literal) and subject.partition("#")[0] == topic:
                stated[topic].append(quad.object.value)
        moments |= {topic: _moment(max(dates)) for topic, dates in stated.items()}
    return moments


def _quads_by_graph(store: Store, predicate: NamedNode) -> Iterator[tuple[str, Quad]]:
    for quad in store.quads(None, predicate):
        if isinstance(quad.graph_name, NamedNode):
            yield quad.graph_name.value, quad


def record_changes(
    log: ChangeLog,
    release: str,
    pieces: Iterable[tuple[str, str, Sequence[Quad]]],
    topics: Set[str],
) -> None:
    """Log graphs that differ from the log, and which of its topics are no longer there.

    A graph, with the digest of its file, may come in several pieces. This is called inside a
    transaction of the state file, before the store changes. Raises what reading the pieces raises.
    """
    batch = _Batch(log, release, log.count)
    log.state.execute(_PIECES)
    rows = ((topic, digest, _write(quads).decode()) for topic, digest, quads in pieces)
    log.state.executemany("INSERT INTO pieces VALUES (?, ?, ?)", rows)
    for topic, digest, content in log.state.execute(_GRAPHS):
        batch.add(topic, content.encode(), digest)
    log.state.execute("DROP TABLE pieces")
    deleted = (number for topic, number in log.topics().items() if topic not in topics)
    for number in sorted(deleted):
        batch.add_deleted(log.event(number))
    log.state.execute("UPDATE release SET logged = ?", release)


def _write(quads: Iterable[Quad]) -> bytes:
    return terms.write_n_triples(quad.triple for quad in quads)


def record_change(log: ChangeLog, release: str, topic: str, triples: Iterable[Triple]) -> None:
    """Log the new graph of a topic inside a transaction, before the store has that graph."""
    batch = _Batch(log, release, log.count)
    batch.add(topic, terms.write_n_triples(triples))
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

    def add(self, topic: str, content: bytes, file_digest: str = "") -> None:
        """Add the event of a graph, if it differs from the last one of its topic."""
        content, before = terms.canonical_n_triples(content), self.log.last_event(topic)
        digest = terms.content_hash(content)
        if before:
            if before.digest in (file_digest, digest) or digest == terms.content_hash(
                terms.canonical_n_triples(before.graph.encode())
            ):
                return
            self.log.keep_graph(before)
        status = status_of(topic, content.decode())
        kind = UPDATED if before else CREATED
        if status != CURRENT and not (before and before.status == status):
            kind = status
        # Pages hold many graphs, whose blank nodes are not each other's.
        self._append(topic, kind, digest, terms.relabel_blank_nodes(content, self.number + 1))

    def add_deleted(self, former: Event) -> None:
        """Add the event of a topic that is no longer there."""
        self.log.keep_graph(former)
        content = terms.sort_lines(terms.write_n_triples(tombstone(former.topic, former.triples)))
        self._append(former.topic, DELETED, "", content)

    def _append(self, topic: str, kind: str, digest: str, content: bytes) -> None:
        moment, text = self.moment, content.decode()
        self.number += 1
        self.log.append([Event(self.number, moment, self.release, topic, kind, digest, text)])


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


def _open(path: Path) -> Connection:
    """Open the file; one that is no state file of this version is set aside."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        return _connect(path)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise OSError(errno.EIO, f"{path}: {error}") from error
        LOG.warning("%s: %s; the change log begins anew", path, error)
        for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
            if path.with_name(name).exists():
                path.with_name(name).replace(path.with_name(f"unreadable-{name}"))
        return _connect(path)


def _connect(path: Path) -> Connection:
    connection = sqlite3.connect(
        path, timeout=_BUSY_TIMEOUT, isolation_level=None, check_same_thread=False
    )
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version not in (0, _VERSION):
        connection.close()
        raise sqlite3.DatabaseError(f"version {version}, not {_VERSION}")
    if not version:
        connection.executescript(_SCHEMA)
    return connection
