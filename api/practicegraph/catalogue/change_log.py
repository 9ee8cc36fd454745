"""The change log: a numbered list of events, each with a graph as it then was.

Readers get it in pages of a hundred events. A full page never changes.
"""

from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass

from pyoxigraph import NamedNode, RdfFormat, Triple, parse

from ..rdf.namespaces import AS, RDF
from ..schema.vocabularies import DEPRECATED, IS_REPLACED_BY
from .state import StateFile

PAGE = 100
"""The events of a full page."""

CREATED, UPDATED, MOVED, WITHDRAWN, DELETED = "created", "updated", "moved", "withdrawn", "deleted"
"""The kinds of events."""
CURRENT = "current"
"""The status of what is neither moved nor withdrawn."""
TOMBSTONE = AS + "Tombstone"


@dataclass(frozen=True)
class Event:
    """A change of a named graph: its number from 1, the moment in UTC, the graph as N-Triples.

    The digest is one of the canonical graph. The graph of a deleted topic is a tombstone.
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
    """The change log in a state file."""

    state: StateFile

    @property
    def release(self) -> str:
        """Return the release up to which everything is logged, or "" where there is none."""
        ((release,),) = self.state.select("SELECT logged FROM release")
        assert isinstance(release, str)
        return release

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

    def has_topic(self, topic: str) -> bool:
        """Return whether there is an event of a topic, deleted ones included."""
        return bool(self.state.select("SELECT 1 FROM events WHERE topic = ? LIMIT 1", topic))

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
        rows = (astuple(event) for event in events)
        self.state.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)", rows)

    def _events(self, condition: str, *values: object) -> list[Event]:
        rows = self.state.select(f"SELECT * FROM events WHERE {condition}", *values)  # noqa: S608
        return [Event(*row) for row in rows]


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
