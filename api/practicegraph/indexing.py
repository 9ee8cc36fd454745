"""All entries read and analysed for an index, by a process beside it where there are many."""

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from . import facets, orders, shelf
from .analysis import Analysed, Analyst
from .facets import Gathered
from .facts import FactFinder, FactReader, Facts
from .folder import UnreadableError
from .kinds import Kind
from .passing import Passing
from .shelf import Row, Written
from .words import Words

_MANY = 5_000  # entries: reading fewer takes less time than starting a process
_BATCH = 1_000


@dataclass(frozen=True)
class Batch:
    """Entries as an index takes them up: their rows, facets, texts, and what they are sorted by.

    Those to be read `again` were in a batch before, with less than is said of them.
    """

    rows: list[Written]
    gathered: Gathered
    texts: list[tuple[int, Analysed]]
    columns: list[list[str]]
    again: Sequence[str] = ()


@dataclass(frozen=True)
class _Making:
    """What makes batches of facts."""

    analyst: Analyst
    sorted_by: Mapping[str, Callable[[Row], str]]

    @classmethod
    def of(cls, kind: Kind, languages: Sequence[str]) -> "_Making":
        """Give what makes them with the languages of a catalogue."""
        return cls(Analyst(Words(languages)), orders.texts(kind, languages))

    def batches(self, entries: Iterable[Facts], first: int = 0) -> Iterator[Batch]:
        """Give the entries in batches, numbered from a first number."""
        numbered = enumerate(entries, first)
        while several := list(islice(numbered, _BATCH)):
            yield self.batch(several)

    def batch(self, numbered: Sequence[tuple[int, Facts]], again: Sequence[str] = ()) -> Batch:
        """Give entries with their numbers as a batch."""
        rows = [(number, row_of(facts)) for number, facts in numbered]
        return Batch(
            [shelf.written(number, row) for number, row in rows],
            facets.gathered(numbered),
            [(number, self.analyst.analyse(facts.texts)) for number, facts in numbered],
            [[text(row) for _, row in rows] for text in self.sorted_by.values()],
            again,
        )


def read(reader: FactReader, languages: Sequence[str], files: Sequence[Path]) -> Iterator[Batch]:
    """Read all current entries, numbered from 0.

    Many are read out of the files that the store was filled from, where there are such. Raises
    UnreadableError.
    """
    making = _Making.of(reader.kind, languages)
    if files and not reader.finder.paths and reader.has_more_than(_MANY):
        return _read_beside(reader, making, languages, files)
    return making.batches(_listed(reader, reader.entries()))


def row_of(facts: Facts) -> Row:
    """Give what is kept of an entry."""
    return Row(facts.iri, facts.titles, facts.keys)


def _listed(reader: FactReader, iris: Iterable[str]) -> Iterator[Facts]:
    """Give the facts of those of the IRIs that are entries, out of the store."""
    waiting = iter(iris)
    while several := list(islice(waiting, _BATCH)):
        yield from reader.read(several)


def _read_beside(
    reader: FactReader, making: _Making, languages: Sequence[str], files: Sequence[Path]
) -> Iterator[Batch]:
    """Give what the files say of entries, and then what the store knows better."""
    told: set[str] = set()
    with _started(reader.kind, languages, files) as connection:
        while isinstance(batch := connection.recv(), Batch):
            told.update(iri for _, iri, _, _ in batch.rows)
            yield batch
    if isinstance(batch, UnreadableError):
        raise batch
    yield from making.batches(_listed(reader, sorted(batch - told)), len(told))
    yield making.batch((), sorted(batch & told))


@contextmanager
def _started(kind: Kind, languages: Sequence[str], files: Sequence[Path]) -> Iterator[Connection]:
    """Start a process that reads the files, and give where it tells."""
    spawning = get_context("spawn")
    ours, theirs = spawning.Pipe(duplex=False)
    arguments = (theirs, kind, languages, files)
    process = spawning.Process(target=_tell, args=arguments, daemon=True)
    process.start()
    theirs.close()
    with ours:
        yield ours
    process.join()


def _tell(
    connection: Connection, kind: Kind, languages: Sequence[str], files: Sequence[Path]
) -> None:
    """Tell what the files say batch by batch, and then of which things more is said."""
    gc.disable()  # it makes much that stays for a moment, and nothing that holds itself
    passing = Passing(FactFinder(kind), files)
    try:
        for batch in _Making.of(kind, languages).batches(passing.read()):
            connection.send(batch)
        connection.send(passing.others)
    except UnreadableError as error:
        connection.send(error)
    except (BrokenPipeError, KeyboardInterrupt):
        return
