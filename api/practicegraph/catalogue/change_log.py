"""The log of changes: what became of each graph, page after page of files that are only added to.

A page is a file of up to a hundred events, one a line, in JSON, with the graph as it then was. A
full page never changes. What a killed process left half-written is no event: it is cut off before
the next one is written, and nobody reads it.

Graphs put aside in a temporary file, to be given back in another order than they came in.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, Self

from pyoxigraph import NamedNode, RdfFormat, Triple, parse

from ..rdf.namespaces import AS, RDF
from ..schema.lifecycle import DEPRECATED, REPLACED

PAGE = 100
"""How many events a full page has."""

CREATED, UPDATED, MOVED, WITHDRAWN, DELETED = "created", "updated", "moved", "withdrawn", "deleted"
"""The kinds of events."""
CURRENT = "current"
"""The fate of what is neither moved nor withdrawn."""
TOMBSTONE = AS + "Tombstone"
_FORM = 2
_ROW = attrgetter("number", "digest", "fate")
_TAIL = 1 << 12  # bytes in which the last line stands, if it is one that was added


@dataclass(frozen=True)
class Event:
    """What became of a topic: the number from 1, the moment in UTC, its graph as N-Triples.

    The digest tells the graph from others. What was deleted has a tombstone for a graph.
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
        """Give the number of the page on which it stands."""
        return page_of(self.number)

    @property
    def triples(self) -> list[Triple]:
        """Give the graph."""
        return [quad.triple for quad in parse(self.graph, RdfFormat.N_TRIPLES)]


@dataclass(frozen=True, slots=True)
class LastEvent:
    """The last event of a topic: its number, the digest of its graph, and its fate."""

    number: int
    digest: str
    fate: str


@dataclass(frozen=True)
class State:
    """What the log comes to after so many events: the topics that are there, the files looked at.

    The release is that of the files once all that they say was logged, or "" until then.
    """

    release: str
    count: int
    files: Mapping[str, str]
    topics: Mapping[str, LastEvent]


@dataclass(frozen=True)
class ChangeLog:
    """The log in a folder, which need not exist yet."""

    folder: Path

    @property
    def release(self) -> str:
        """Give the release up to which everything is logged, or "" where there is none."""
        return self._head()[0]

    def is_at(self, release: str) -> bool:
        """Tell whether everything up to a release is logged, and nothing after it."""
        return self._head() == (release, self.count)

    @property
    def open_page(self) -> int:
        """Give the number of the page on which the next event will stand."""
        return page_of(self.count + 1)

    @property
    def count(self) -> int:
        """Count the events."""
        pages = sum(1 for _ in self.folder.glob("*.jsonl"))
        return (pages - 1) * PAGE + len(self._lines(pages)) if pages else 0

    def page(self, number: int) -> list[Event]:
        """Give the events of a page in their order; none where there is no such page."""
        return [Event(**json.loads(line)) for line in self._lines(number)]

    def event(self, number: int) -> Event:
        """Give an event that there is."""
        return self.page(page_of(number))[(number - 1) % PAGE]

    def since(self, number: int) -> Iterator[Event]:
        """Give the events after a number, in order."""
        for page in range(page_of(number + 1), page_of(self.count + 1) + 1):
            yield from (event for event in self.page(page) if event.number > number)

    def knows(self, topic: str) -> bool:
        """Tell whether a topic has ever been logged, by all pages."""
        named = f'"topic": {json.dumps(topic, ensure_ascii=False)},'.encode()
        return any(named in path.read_bytes() for path in self.folder.glob("*.jsonl"))

    def append(self, events: Iterable[Event]) -> None:
        """Write events, numbered on from the count, each page on disk before the next is begun."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._cut_off()
        number = 0
        lines: list[str] = []
        for event in events:
            if lines and event.page != number:
                self._add(self._path(number), lines)
                lines = []
            number = event.page
            lines.append(json.dumps(vars(event), ensure_ascii=False) + "\n")
        if lines:
            self._add(self._path(number), lines)

    def advance(self, release: str, name: str, checksum: str, events: Sequence[Event]) -> None:
        """Write the events of the one file that has changed, and that all is logged now."""
        self.append(events)
        topics = [(event.topic, *_ROW(logged(event))) for event in events]
        head = {"form": _FORM, "release": release, "count": self.count}
        self._add(
            self._listing, [json.dumps(head | {"files": {name: checksum}, "topics": topics}) + "\n"]
        )

    def state(self) -> State:
        """Give what the log comes to: what was kept of it, and the events since then."""
        kept, count = self._kept(), self.count
        if kept.count > count:
            kept = State("", 0, {}, {})
        topics = dict(kept.topics)
        for page in range(page_of(kept.count + 1), page_of(count + 1) + 1):
            for event in self.page(page):
                if event.number > kept.count and event.kind == DELETED:
                    topics.pop(event.topic, None)
                elif event.number > kept.count:
                    topics[event.topic] = logged(event)
        # Which files the events since then are of is not known, so all are to be looked at.
        return State(kept.release, count, kept.files if kept.count == count else {}, topics)

    def keep(self, state: State) -> None:
        """Keep what the log comes to, so that it need not be read again."""
        self.folder.mkdir(parents=True, exist_ok=True)
        head = {"form": _FORM, "release": state.release, "count": state.count}
        topics = ((topic, *_ROW(at)) for topic, at in state.topics.items())
        part = self._listing.with_suffix(".part")
        with part.open("w", encoding="utf-8") as stream:
            rows = chain([head, dict(state.files)], topics)
            stream.writelines(f"{json.dumps(row)}\n" for row in rows)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(self._listing)

    @property
    def _listing(self) -> Path:
        return self.folder / "logged.json"

    def _head(self) -> tuple[str, int]:
        """Give the release that was kept last and the count then; "" and 0 where there is none."""
        try:
            with self._listing.open("rb") as stream:
                head = json.loads(stream.readline())
                stream.seek(-min(_TAIL, self._listing.stat().st_size), os.SEEK_END)
                *_, last, _ = [b"", *stream.read().split(b"\n")]
            head = json.loads(last) if last.startswith(b'{"form"') else head
        except (OSError, ValueError):
            return "", 0
        return (head["release"], head["count"]) if head["form"] == _FORM else ("", 0)

    def _kept(self) -> State:
        release, count = self._head()
        if not release:
            return State("", 0, {}, {})
        with self._listing.open(encoding="utf-8") as stream:
            rows = (json.loads(line) for line in stream if line.endswith("\n"))
            _, files = next(rows), next(rows)
            known: dict[str, LastEvent] = {}
            for row in rows:
                added = isinstance(row, dict)
                files |= row["files"] if added else {}
                known |= {t: LastEvent(*at) for t, *at in (row["topics"] if added else [row])}
        return State(release, count, files, known)

    def _path(self, page: int) -> Path:
        return self.folder / f"{page:06}.jsonl"

    def _lines(self, page: int) -> list[str]:
        try:
            content = self._path(page).read_bytes()
        except OSError:
            return []
        whole = content[: content.rfind(b"\n") + 1]
        return whole.decode().split("\n")[:-1]

    def _add(self, path: Path, lines: Iterable[str]) -> None:
        with path.open("a", encoding="utf-8") as stream:
            stream.writelines(lines)
            stream.flush()
            os.fsync(stream.fileno())

    def _cut_off(self) -> None:
        """Take away what is half-written at the end of the last page."""
        for last in sorted(self.folder.glob("*.jsonl"))[-1:]:
            content = last.read_bytes()
            os.truncate(last, content.rfind(b"\n") + 1)


def page_of(number: int) -> int:
    """Give the number of the page on which an event stands."""
    return (number - 1) // PAGE + 1


def logged(event: Event) -> LastEvent:
    """Give what is known of a topic after an event."""
    return LastEvent(event.number, event.digest, fate(event.topic, event.triples))


def fate(topic: str, triples: Iterable[Triple]) -> str:
    """Give what has become of a topic by what its graph says: `moved`, `withdrawn`, `current`."""
    about = NamedNode(topic)
    said = {(t.predicate.value, t.object) for t in triples if t.subject == about}
    properties = {predicate for predicate, _ in said}
    if DEPRECATED not in properties:
        return CURRENT
    buried = (RDF + "type", NamedNode(TOMBSTONE)) in said
    return MOVED if REPLACED in properties and not buried else WITHDRAWN


_MEMORY = 1 << 25  # bytes for which there is no file


class Spool:
    """The lines of graphs by topic, those of each in the order in which they were added."""

    def __init__(self, folder: Path) -> None:
        """Put the file, which has no name and ends with the program, into the folder."""
        self._file: IO[bytes] = SpooledTemporaryFile(_MEMORY, dir=str(folder))  # noqa: SIM115 - closed at the exit
        self._places: dict[str, tuple[int, ...]] = {}

    def __enter__(self) -> Self:
        """Give the spool."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the file."""
        self._file.close()

    def __iter__(self) -> Iterator[str]:
        """Give the topics in the order in which they came first."""
        return iter(self._places)

    def add(self, topic: str, lines: bytes) -> None:
        """Put lines of a topic's graph aside."""
        start = self._file.tell()
        self._file.write(lines)
        self._places[topic] = (*self._places.get(topic, ()), start, len(lines))

    def lines(self, topic: str) -> bytes:
        """Give the lines of a topic's graph, after all were added."""
        places = self._places[topic]
        return b"".join(map(self._piece, places[::2], places[1::2]))

    def _piece(self, start: int, length: int) -> bytes:
        self._file.seek(start)
        return self._file.read(length)
