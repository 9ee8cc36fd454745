"""All entries read and analysed for an index, by processes beside it where there are many."""

import gc
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, cycle, islice
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TypeVar

from . import facets, nquads, orders, passing, shelf
from .analysis import Analysed, Analyst
from .facets import Gathered
from .facts import FactFinder, Facts
from .folder import UnreadableError
from .kinds import Kind
from .nquads import Part, Piece
from .passing import Told
from .readings import FactReader
from .shelf import Row, Written
from .words import Words

_Item = TypeVar("_Item")

_MANY = 5_000  # entries: reading fewer takes less time than starting processes
_BATCH = 1_000
_BESIDE = 2  # processes, which have more to do than the one that takes up what they read
_AHEAD = 32  # batches that wait, so that nobody does while a block of texts is entered


@dataclass(frozen=True)
class Batch:
    """Entries as an index takes them up: their rows, facets, texts, and what they are sorted by.

    Those to be read `again` were in a batch before, with less than is said of them.
    """

    rows: list[Written]
    gathered: Gathered
    texts: Analysed
    columns: list[list[str]]
    again: Sequence[str] = ()

    @property
    def iris(self) -> list[str]:
        """Give the IRIs of the entries."""
        return [iri for iri, _, _ in self.rows]


@dataclass(frozen=True)
class _Read:
    """A batch out of files, the topics of their graphs, and what else these describe."""

    batch: Batch
    topics: list[str]
    others: list[str]


@dataclass(frozen=True)
class _Making:
    """What makes batches of facts, and facts of files."""

    finder: FactFinder
    analyst: Analyst
    sorted_by: Mapping[str, Callable[[Row], str]]

    @classmethod
    def of(cls, kind: Kind, languages: Sequence[str]) -> "_Making":
        """Give what makes them with the languages of a catalogue."""
        return cls(FactFinder(kind), Analyst(Words(languages)), orders.texts(kind, languages))

    def batches(self, entries: Iterable[Facts]) -> Iterator[Batch]:
        """Give the entries in batches."""
        yield from map(self.batch, _batched(entries))

    def batch(self, entries: Sequence[Facts], again: Sequence[str] = ()) -> Batch:
        """Give entries as a batch."""
        rows = list(map(row_of, entries))
        return Batch(
            list(map(shelf.written, rows)),
            facets.gathered(entries),
            self.analyst.analyse(facts.texts for facts in entries),
            [list(map(text, rows)) for text in self.sorted_by.values()],
            again,
        )

    def part(self, part: Part) -> _Read:
        """Read a part of a file; raises UnreadableError."""
        return self._read(nquads.pieces(part, self._wanted))

    def files(self, paths: Iterable[Path]) -> Iterator[_Read]:
        """Read files in whatever syntax; raises UnreadableError."""
        pieces = chain.from_iterable(nquads.others(path, self._wanted) for path in paths)
        yield from map(self._read, _batched(pieces))

    def _read(self, pieces: Iterable[Piece]) -> _Read:
        passed = passing.read(self.finder, pieces)
        return _Read(self.batch(passed.facts), passed.topics, passed.others)

    @cached_property
    def _wanted(self) -> frozenset[str]:
        return frozenset(self.finder.properties)


def read(reader: FactReader, languages: Sequence[str], files: Sequence[Path]) -> Iterator[Batch]:
    """Read all current entries.

    Many are read out of the files that the store was filled from, where there are such. Raises
    UnreadableError.
    """
    making = _Making.of(reader.kind, languages)
    if not files or reader.finder.paths or not reader.has_more_than(_MANY):
        yield from making.batches(_listed(reader, reader.entries()))
        return
    told = Told()
    for found in _ahead(_out_of(files, making, languages), _AHEAD):
        if told.take(found.batch.iris, found.topics, found.others):
            yield found.batch
    again = told.again()
    if again or len(told.entries) < reader.count():
        others = (iri for iri in reader.entries() if iri not in told.entries)
        yield from making.batches(_listed(reader, others))
    yield making.batch((), again)


def row_of(facts: Facts) -> Row:
    """Give what is kept of an entry."""
    return Row(facts.iri, facts.titles, facts.keys)


def _listed(reader: FactReader, iris: Iterable[str]) -> Iterator[Facts]:
    """Give the facts of those of the IRIs that are entries, out of the store."""
    for several in _batched(iris):
        yield from reader.read(several)


def _out_of(files: Sequence[Path], making: _Making, languages: Sequence[str]) -> Iterator[_Read]:
    """Read files, large sets in parts by processes beside this one."""
    sets = {path: parts for path in files if (parts := nquads.parts(path))}
    yield from making.files(path for path in files if path not in sets)
    if not sets:
        return
    arguments = (making.finder.kind, languages)
    with ExitStack() as stack:
        connections = [stack.enter_context(_started(*arguments)) for _ in range(_BESIDE)]
        yield from _asked(connections, _ahead(chain.from_iterable(sets.values()), _BESIDE))


def _ahead(items: Iterator[_Item], count: int) -> Iterator[_Item]:
    """Give items of which a thread gets so many before they are asked for."""
    with ThreadPoolExecutor(1) as pool:
        waiting = deque(pool.submit(next, items, None) for _ in range(count))
        while (found := waiting.popleft().result()) is not None:
            waiting.append(pool.submit(next, items, None))
            yield found


def _asked(connections: Sequence[Connection], parts: Iterable[Part]) -> Iterator[_Read]:
    """Give what processes read of parts, in the order of these."""
    busy: deque[Connection] = deque()
    for part, connection in zip(parts, cycle(connections), strict=False):
        found = [_received(busy.popleft())] if len(busy) == len(connections) else []
        connection.send(part)
        busy.append(connection)
        yield from found
    yield from map(_received, busy)


def _received(connection: Connection) -> _Read:
    found: _Read | UnreadableError = connection.recv()
    if isinstance(found, UnreadableError):
        raise found
    return found


@contextmanager
def _started(kind: Kind, languages: Sequence[str]) -> Iterator[Connection]:
    """Start a process that reads parts, and give where it takes and tells."""
    spawning = get_context("spawn")
    ours, theirs = spawning.Pipe()
    process = spawning.Process(target=_tell, args=(theirs, kind, languages), daemon=True)
    process.start()
    theirs.close()
    with ours:
        yield ours
    process.join()


def _tell(connection: Connection, kind: Kind, languages: Sequence[str]) -> None:
    """Tell what the parts say that come, until no more can come."""
    gc.disable()  # it makes much that stays for a moment, and nothing that holds itself
    making = _Making.of(kind, languages)
    with suppress(EOFError, BrokenPipeError, KeyboardInterrupt):
        while True:
            part = connection.recv()
            try:
                connection.send(making.part(part))
            except UnreadableError as error:
                connection.send(error)


def _batched(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    waiting = iter(items)
    while several := list(islice(waiting, _BATCH)):
        yield several
