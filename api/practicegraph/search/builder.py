"""All entries read and analysed for an index, by processes beside it where there are many.

Graphs of files as they pass by, with values in the place of terms.

Large sets are N-Quads, and nearly all of their lines have the usual form (N-Quads 1.1, section 5):
they are taken apart as text, in a fifth of the time that terms take. Oxigraph reads whatever looks
otherwise, and every other syntax.

Facts of entries out of files as they pass by, which takes a fraction of asking a large store.

An entry is taken as read where all that is said of it stands in one piece of the graph of its name.
"""

import gc
import re
from array import array
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, cycle, islice
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TypeVar

import numpy as np
from pyoxigraph import NamedNode, Quad, RdfFormat, parse

from ..catalogue import documents
from ..catalogue.documents import UnreadableError
from ..schema.fields import Kind
from . import facets, index_file
from .entries import FactFinder, FactReader, Facts, Value, value
from .facets import Gathered
from .index_file import Row, Written
from .text.analysis import Analysed, Analyst
from .text.tokenizer import Words

_AT_ONCE = 1 << 22  # bytes
_MOST_KNOWN = 100_000
_NO_LINE = b"\n"
_IRI = rb'[^<>"{}|^`\\\s]*'
_NAMED = re.compile(rb"<(%b)>" % _IRI)
_LITERAL = re.compile(rb'"([^"\\]*)"(?:@([A-Za-z]+(?:-[A-Za-z0-9]+)*)|\^\^<%b>)?' % _IRI)
_LINE = re.compile(rb'<(%b)> <(%b)> (<%b>|"[^"\\]*"\S*) <(%b)> \.' % (_IRI, _IRI, _IRI, _IRI))

_Statement = tuple[str, str, str, Value | None]
"""A graph, a subject ("" for a blank node), a property, a value (None for a blank node)."""


@dataclass(frozen=True)
class Piece:
    """What stands in one piece of a graph: of its topic by property, and of which other things."""

    topic: str
    said: dict[str, list[Value]] = field(default_factory=lambda: defaultdict(list))
    others: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Part:
    """Whole lines of a file of N-Quads, and the number of the first one."""

    path: Path
    number: int
    content: bytes


def parts_of(path: Path) -> Iterator[Part] | None:
    """Give a set of N-Quads in parts that end where a graph does, as far as that is seen.

    What is no such set is None. Raises UnreadableError.
    """
    if path.name.endswith((".nq", ".nq.gz")) and _names_graphs(path):
        return _parts(path)
    return None


def pieces(part: Part, properties: Set[str]) -> Iterator[Piece]:
    """Give the graphs of a part as they come, with those of the properties that their topics have.

    A graph whose statements lie apart comes in pieces. Raises UnreadableError where reading ends.
    """
    with documents.told(part.path):
        yield from _pieces(part, properties)


def _pieces(part: Part, properties: Set[str]) -> Iterator[Piece]:
    names, values = {f"<{name}>".encode(): name for name in properties}, _Values()
    piece, opening, closing = Piece(""), _NO_LINE, _NO_LINE
    said, start, end = piece.said, 0, 0
    for number, line in enumerate(_lines(part.content), part.number):
        if line.startswith(opening) and line.endswith(closing):
            name, _, term = line[start:end].partition(b" ")
            if name not in names:
                continue
            if one := values[term]:
                said[names[name]].append(one)
                continue
        for statement in _statements(part.path, line, number, values):
            if statement[0] != piece.topic:
                if piece.topic:
                    yield piece
                piece = Piece(statement[0])
                opening, closing = f"<{piece.topic}> ".encode(), f" <{piece.topic}> .".encode()
                said, start, end = piece.said, len(opening), -len(closing)
            _take(piece, statement, properties)
    if piece.topic:
        yield piece


def others(path: Path, properties: Set[str]) -> Iterator[Piece]:
    """Give the graphs of a file in whatever syntax, as `pieces` does."""
    for topic, quads in documents.runs(path):
        piece = Piece(topic)
        for quad in quads:
            _take(piece, _statement(path, quad), properties)
        yield piece


def _names_graphs(path: Path) -> bool:
    """Tell whether the first statement names its graph; a file of one thing need not."""
    with documents.told(path), documents.opened(path) as stream:
        first = next(parse(stream, RdfFormat.N_QUADS), None)
    return first is not None and isinstance(first.graph_name, NamedNode)


def _take(piece: Piece, statement: _Statement, properties: Set[str]) -> None:
    _, subject, name, one = statement
    if subject != piece.topic:
        piece.others.add(subject)
    elif one and name in properties:
        piece.said[name].append(one)


def _statements(path: Path, line: bytes, number: int, values: "_Values") -> Iterator[_Statement]:
    """Give the statements of a line; raises UnreadableError."""
    found = _LINE.fullmatch(line)
    one = values[found[3]] if found else None
    if found and one:
        yield found[4].decode(), found[1].decode(), found[2].decode(), one
        return
    try:
        for quad in parse(line, RdfFormat.N_QUADS):
            yield _statement(path, quad)
    except SyntaxError as error:
        raise UnreadableError(path, error.msg, number, error.offset or 1) from error


def _statement(path: Path, quad: Quad) -> _Statement:
    subject = quad.subject.value if isinstance(quad.subject, NamedNode) else ""
    return documents.graph(path, quad), subject, quad.predicate.value, value(quad.object)


class _Values(dict[bytes, Value | None]):
    """The values of terms in the usual form, None of any other; those of IRIs are kept."""

    def __missing__(self, term: bytes) -> Value | None:
        if not term.startswith(b"<"):
            return _literal(term)
        found = _NAMED.fullmatch(term)
        if len(self) >= _MOST_KNOWN:
            self.clear()
        self[term] = found and Value(found[1].decode())
        return self[term]


def _literal(term: bytes) -> Value | None:
    found = _LITERAL.fullmatch(term)
    if found is None:
        return None
    text, language = found.groups()
    tag = language.decode().lower() if language else None
    return Value(text.decode(), tag, is_literal=True)


def _parts(path: Path) -> Iterator[Part]:
    with documents.told(path), documents.opened(path) as stream:
        rest, number = b"", 1
        while read := stream.read(_AT_ONCE):
            content = rest + read
            end = _end(content)
            if end:
                yield Part(path, number, content[:end])
            number += content.count(b"\n", 0, end)
            rest = content[end:]
        yield Part(path, number, rest)


def _end(content: bytes) -> int:
    """Give where the last graph begins that may go on, or else where the last whole line ends."""
    whole = end = content.rfind(b"\n") + 1
    start = content.rfind(b"\n", 0, max(0, end - 1)) + 1
    closing = content[content.rfind(b" <", start, end) : end]
    while end and content.endswith(closing, 0, end):
        end = content.rfind(b"\n", 0, end - 1) + 1
    return end or whole


def _lines(content: bytes) -> list[bytes]:
    if b"\r" in content:
        content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return content.split(b"\n")


@dataclass(frozen=True)
class Passed:
    """What pieces of graphs say: facts of entries, all topics, and of which other things too."""

    facts: list[Facts]
    topics: list[str]
    others: list[str]


def pass_pieces(finder: FactFinder, pieces: Iterable[Piece]) -> Passed:
    """Read pieces; none of the finder's fields may stand further away than a property."""
    assert not finder.paths
    passed = Passed([], [], [])
    for piece in pieces:
        passed.topics.append(piece.topic)
        passed.others.extend(piece.others)
        if facts := finder.facts(piece.topic, piece.said):
            passed.facts.append(facts)
    return passed


@dataclass
class Told:
    """The entries that were told, and of what else anything was said."""

    entries: set[str] = field(default_factory=set)
    _topics: "array[int]" = field(default_factory=lambda: array("q"))
    _others: "array[int]" = field(default_factory=lambda: array("q"))

    def take(self, iris: Sequence[str], topics: Iterable[str], others: Iterable[str]) -> bool:
        """Take note of topics and other things, and of entries if all of them are new.

        Tells whether they are.
        """
        self._topics.extend(map(hash, topics))
        self._others.extend(map(hash, others))
        fresh = set(iris)
        if len(fresh) < len(iris) or not self.entries.isdisjoint(fresh):
            return False
        self.entries |= fresh
        return True

    def again(self) -> list[str]:
        """Give the entries of which something was said in another piece too, in order.

        Things are told apart by hashes; of two that have the same, one is given in vain.
        """
        topics = np.sort(np.frombuffer(self._topics, np.int64))
        doubtful = {*topics[1:][topics[1:] == topics[:-1]].tolist()}
        doubtful |= {*np.intersect1d(topics, np.frombuffer(self._others, np.int64)).tolist()}
        return sorted(iri for iri in self.entries if hash(iri) in doubtful) if doubtful else []


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
        return cls(FactFinder(kind), Analyst(Words(languages)), index_file.texts(kind, languages))

    def batches(self, entries: Iterable[Facts]) -> Iterator[Batch]:
        """Give the entries in batches."""
        yield from map(self.batch, _batched(entries))

    def batch(self, entries: Sequence[Facts], again: Sequence[str] = ()) -> Batch:
        """Give entries as a batch."""
        rows = list(map(row_of, entries))
        return Batch(
            list(map(index_file.written, rows)),
            facets.gathered(entries),
            self.analyst.analyse(facts.texts for facts in entries),
            [list(map(text, rows)) for text in self.sorted_by.values()],
            again,
        )

    def part(self, part: Part) -> _Read:
        """Read a part of a file; raises UnreadableError."""
        return self._read(pieces(part, self._wanted))

    def files(self, paths: Iterable[Path]) -> Iterator[_Read]:
        """Read files in whatever syntax; raises UnreadableError."""
        pieces = chain.from_iterable(others(path, self._wanted) for path in paths)
        yield from map(self._read, _batched(pieces))

    def _read(self, pieces: Iterable[Piece]) -> _Read:
        passed = pass_pieces(self.finder, pieces)
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
    sets = {path: parts for path in files if (parts := parts_of(path))}
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
