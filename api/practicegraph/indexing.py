"""All entries read and analysed for an index, by several processes where there are many."""

import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from . import facets, orders, shapes, shelf
from .analysis import Analysed, Analyst
from .embedded import Embedded
from .facets import Gathered
from .facts import FactReader, Facts
from .shelf import Row, Written
from .words import Words

_MANY = 5_000  # entries: reading fewer takes less time than starting a process
_BATCH = 1_000
_AHEAD = 3  # batches that each process may be ahead


@dataclass(frozen=True)
class Batch:
    """Entries as an index takes them up: their rows, facets, texts, and what they are sorted by."""

    rows: list[Written]
    gathered: Gathered
    texts: list[tuple[int, Analysed]]
    columns: list[list[str]]


@dataclass(frozen=True)
class _Part:
    """Entries to be read, whose numbers go on from a first one."""

    first: int
    iris: list[str]


@dataclass(frozen=True)
class _Reading:
    """What reads entries in one process."""

    reader: FactReader
    analyst: Analyst
    sorted_by: Mapping[str, Callable[[Row], str]]

    @classmethod
    def of(cls, reader: FactReader, languages: Sequence[str]) -> "_Reading":
        """Give what reads them with the languages of a catalogue."""
        texts = orders.texts(reader.kind, languages)
        return cls(reader, Analyst(Words(languages)), texts)

    def batch(self, part: _Part) -> Batch:
        """Read the entries of a part."""
        found = list(enumerate(self.reader.read(part.iris), part.first))
        rows = [(number, row_of(facts)) for number, facts in found]
        return Batch(
            [shelf.written(number, row) for number, row in rows],
            facets.gathered(found),
            [(number, self.analyst.analyse(facts.texts)) for number, facts in found],
            [[text(row) for _, row in rows] for text in self.sorted_by.values()],
        )


def read(reader: FactReader, languages: Sequence[str], snapshot: Path | None) -> Iterator[Batch]:
    """Read all current entries, numbered from 0 in order of their IRIs.

    Many are read out of the snapshot of the store, where there is one, by as many processes as
    there are processors.
    """
    iris = reader.entries()
    parts = [_Part(start, iris[start : start + _BATCH]) for start in range(0, len(iris), _BATCH)]
    if snapshot is None or len(iris) < _MANY:
        return map(_Reading.of(reader, languages).batch, parts)
    return _read_beside(parts, snapshot, os.cpu_count() or 1)


def row_of(facts: Facts) -> Row:
    """Give what is kept of an entry."""
    return Row(facts.iri, facts.titles, facts.keys)


def _read_beside(parts: Sequence[_Part], snapshot: Path, processes: int) -> Iterator[Batch]:
    """Give the batches in order, each read by one of the processes in turn."""
    with ExitStack() as stack:
        ours = [_start(stack, snapshot) for _ in range(processes)]
        waiting: deque[Connection] = deque()
        for number, part in enumerate(parts):
            if len(waiting) == _AHEAD * processes:
                yield waiting.popleft().recv()
            connection = ours[number % processes]
            connection.send(part)
            waiting.append(connection)
        for connection in waiting:
            yield connection.recv()


def _start(stack: ExitStack, snapshot: Path) -> Connection:
    """Start a process that ends with the stack."""
    spawning = get_context("spawn")
    ours, theirs = spawning.Pipe()
    process = spawning.Process(target=_answer, args=(theirs, snapshot), daemon=True)
    process.start()
    theirs.close()
    stack.callback(process.join)
    stack.enter_context(ours)
    return ours


def _answer(connection: Connection, snapshot: Path) -> None:
    """Read what is asked for, until nobody asks."""
    store = Embedded.of_snapshot(snapshot)
    found = shapes.read(store)
    reading = _Reading.of(FactReader(store, found.record), found.languages)
    try:
        while True:
            connection.send(reading.batch(connection.recv()))
    except (EOFError, BrokenPipeError, KeyboardInterrupt):
        return
