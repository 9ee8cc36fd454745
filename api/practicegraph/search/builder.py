"""The builder of an index: all entries in batches, read by processes beside this one where many.

Entries are read out of the files that the store was filled from, which takes a fraction of the
time of a large store; the store is asked where the statements about an entry lie apart.
"""

import gc
from array import array
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, cycle, groupby, islice
from multiprocessing import get_context
from multiprocessing.connection import Connection
from operator import attrgetter
from pathlib import Path
from typing import TypeVar

import numpy as np
from pyoxigraph import Literal, NamedNode, Quad, RdfFormat, parse

from ..catalogue import documents
from ..catalogue.documents import UnreadableError
from ..schema.fields import NodeShape
from .entries import EntryExtractor, EntryReader, IndexedEntry, Statements, Value
from .facets import FacetBatch, group_entries
from .index_file import EntryRow, StoredRow, encode_row, sort_texts
from .text.analysis import AnalysedTexts, Analyser
from .text.tokenizer import Tokenizer

_CHUNK_SIZE = 1 << 22  # bytes
_MIN_FILE_ENTRIES = 5_000  # fewer are read from the store before the processes have started
_BATCH_SIZE = 1_000
_PROCESSES = 2  # each has more work than the process that takes in the batches
_BATCHES_AHEAD = 32  # so that no process waits while postings are written

_Item = TypeVar("_Item")


@dataclass(frozen=True)
class EntryBatch:
    """Entries as an index takes them in: rows, facets, texts, and the texts they are sorted by.

    The entries `to_reread` were in an earlier batch, without some of their statements.
    """

    rows: list[StoredRow]
    facets: FacetBatch
    texts: AnalysedTexts
    columns: list[list[str]]
    to_reread: Sequence[str] = ()

    @property
    def iris(self) -> list[str]:
        """Return the IRIs of the entries."""
        return [iri for iri, _, _ in self.rows]


@dataclass(frozen=True)
class FileChunk:
    """Whole lines of a file of N-Quads, and the number of the first one."""

    path: Path
    line: int
    content: bytes


@dataclass(frozen=True)
class GraphRun:
    """Consecutive statements of one graph: those about its topic, and their other subjects."""

    topic: str
    statements: Statements
    other_subjects: set[str]


@dataclass
class SubjectTracker:
    """The entries read so far, and the hashes of all subjects of their graphs and of others."""

    entries: set[str] = field(default_factory=set)
    _topics: "array[int]" = field(default_factory=lambda: array("q"))
    _others: "array[int]" = field(default_factory=lambda: array("q"))

    def add(self, iris: Sequence[str], runs: Iterable[tuple[str, set[str]]]) -> bool:
        """Record runs by topic and other subjects, and entries; return whether all are new."""
        for topic, others in runs:
            self._topics.append(hash(topic))
            self._others.extend(map(hash, others))
        unique = set(iris)
        if len(unique) < len(iris) or not self.entries.isdisjoint(unique):
            return False
        self.entries |= unique
        return True

    def described_apart(self) -> list[str]:
        """Return in order the entries with statements in another run, or the hash of such a one."""
        topics = np.sort(np.frombuffer(self._topics, np.int64))
        hashes = {*topics[1:][topics[1:] == topics[:-1]].tolist()}
        hashes |= {*np.intersect1d(topics, np.frombuffer(self._others, np.int64)).tolist()}
        return sorted(iri for iri in self.entries if hash(iri) in hashes) if hashes else []


@dataclass(frozen=True)
class _FileBatch:
    """A batch read out of files, with the topic and the other subjects of each run."""

    batch: EntryBatch
    runs: list[tuple[str, set[str]]]


def read_batches(
    reader: EntryReader, languages: Sequence[str], files: Sequence[Path]
) -> Iterator[EntryBatch]:
    """Yield all current entries; many are read out of the files that the store was filled from.

    Raises UnreadableError.
    """
    maker, total = _BatchMaker.create(reader.kind, languages), reader.count()
    if not files or reader.extractor.paths or total < _MIN_FILE_ENTRIES:
        yield from maker.batches(_from_store(reader, reader.iris()))
        return
    tracker = SubjectTracker()
    for read in _prefetch(_from_files(files, maker, languages), _BATCHES_AHEAD):
        if tracker.add(read.batch.iris, read.runs):
            yield read.batch
    to_reread = tracker.described_apart()
    if to_reread or len(tracker.entries) < total:
        others = (iri for iri in reader.iris() if iri not in tracker.entries)
        yield from maker.batches(_from_store(reader, others))
    yield maker.batch((), to_reread)


def row_of(entry: IndexedEntry) -> EntryRow:
    """Return the row of an entry."""
    return EntryRow(entry.iri, entry.titles, entry.keys)


def chunks(path: Path) -> Iterator[FileChunk] | None:
    """Yield the chunks of a set of N-Quads, or return None for any other file.

    A chunk ends where a graph does, unless the graph is longer. Raises UnreadableError.
    """
    if path.name.endswith((".nq", ".nq.gz")) and _has_graph_names(path):
        return _chunks(path)
    return None


def chunk_runs(chunk: FileChunk, properties: Set[str]) -> Iterator[GraphRun]:
    """Yield the runs of a chunk; raise UnreadableError with the line where parsing ends."""
    try:
        with documents.reading_errors(chunk.path):
            quads = parse(chunk.content, RdfFormat.N_QUADS)
            for _, quads_of_run in groupby(quads, attrgetter("graph_name")):
                run = list(quads_of_run)
                yield _run(documents.graph_name(chunk.path, run[0]), run, properties)
    except UnreadableError as error:
        line = chunk.line + error.line - 1
        raise UnreadableError(chunk.path, error.reason, line, error.column) from error


def file_runs(path: Path, properties: Set[str]) -> Iterator[GraphRun]:
    """Yield the runs of a file in any syntax; raise UnreadableError."""
    return (_run(topic, quads, properties) for topic, quads in documents.read_graphs(path))


def _run(topic: str, quads: Iterable[Quad], properties: Set[str]) -> GraphRun:
    node = NamedNode(topic)
    statements: dict[str, list[Value]] = defaultdict(list)
    others = set()
    for quad in quads:
        subject = quad.subject
        if subject == node:
            name = quad.predicate.value
            if name in properties and isinstance(value := quad.object, NamedNode | Literal):
                statements[name].append(value)
        elif isinstance(subject, NamedNode):
            others.add(subject.value)
    return GraphRun(topic, statements, others)


def _has_graph_names(path: Path) -> bool:
    """Return whether the first statement has a named graph; in a file about one topic none need."""
    with documents.reading_errors(path), documents.open_file(path) as stream:
        first = next(parse(stream, RdfFormat.N_QUADS), None)
    return first is not None and isinstance(first.graph_name, NamedNode)


def _chunks(path: Path) -> Iterator[FileChunk]:
    with documents.reading_errors(path), documents.open_file(path) as stream:
        rest, line = b"", 1
        while read := stream.read(_CHUNK_SIZE):
            content = rest + read
            end = _last_boundary(content)
            if end:
                yield FileChunk(path, line, content[:end])
            line += content.count(b"\n", 0, end)
            rest = content[end:]
        yield FileChunk(path, line, rest)


def _last_boundary(content: bytes) -> int:
    """Return where the last graph begins, or where the last line ends if there is no other."""
    whole = end = content.rfind(b"\n") + 1
    start = content.rfind(b"\n", 0, max(0, end - 1)) + 1
    graph = content[content.rfind(b" <", start, end) : end]
    while end and content.endswith(graph, 0, end):
        end = content.rfind(b"\n", 0, end - 1) + 1
    return end or whole


@dataclass(frozen=True)
class _BatchMaker:
    """Makes batches of entries, and of the entries in files."""

    extractor: EntryExtractor
    analyser: Analyser
    sort_texts: Mapping[str, Callable[[EntryRow], str]]

    @classmethod
    def create(cls, kind: NodeShape, languages: Sequence[str]) -> "_BatchMaker":
        """Return the maker for the entries of a kind."""
        texts = sort_texts(kind, languages)
        return cls(EntryExtractor(kind), Analyser(Tokenizer(languages)), texts)

    def batches(self, entries: Iterable[IndexedEntry]) -> Iterator[EntryBatch]:
        """Yield entries in batches."""
        yield from map(self.batch, _batched(entries))

    def batch(self, entries: Sequence[IndexedEntry], to_reread: Sequence[str] = ()) -> EntryBatch:
        """Return entries as a batch."""
        rows = list(map(row_of, entries))
        return EntryBatch(
            list(map(encode_row, rows)),
            group_entries(entries),
            self.analyser.analyse(entry.texts for entry in entries),
            [list(map(text, rows)) for text in self.sort_texts.values()],
            to_reread,
        )

    def chunk_batch(self, chunk: FileChunk) -> _FileBatch:
        """Return the entries of a chunk; raise UnreadableError."""
        return self._file_batch(chunk_runs(chunk, self._properties))

    def file_batches(self, paths: Iterable[Path]) -> Iterator[_FileBatch]:
        """Yield the entries of files in any syntax; raise UnreadableError."""
        runs = chain.from_iterable(file_runs(path, self._properties) for path in paths)
        yield from map(self._file_batch, _batched(runs))

    @cached_property
    def _properties(self) -> frozenset[str]:
        return frozenset(self.extractor.properties)

    def _file_batch(self, runs: Iterable[GraphRun]) -> _FileBatch:
        assert not self.extractor.paths
        entries, subjects = [], []
        for run in runs:
            subjects.append((run.topic, run.other_subjects))
            if entry := self.extractor.extract(run.topic, run.statements):
                entries.append(entry)
        return _FileBatch(self.batch(entries), subjects)


def _from_store(reader: EntryReader, iris: Iterable[str]) -> Iterator[IndexedEntry]:
    for several in _batched(iris):
        yield from reader.read(several)


def _from_files(
    files: Sequence[Path], maker: _BatchMaker, languages: Sequence[str]
) -> Iterator[_FileBatch]:
    """Yield the entries of files; chunks of large sets are read by other processes."""
    sets = {path: parts for path in files if (parts := chunks(path))}
    yield from maker.file_batches(path for path in files if path not in sets)
    if not sets:
        return
    with ExitStack() as stack:
        connections = [
            stack.enter_context(_worker(maker.extractor.kind, languages)) for _ in range(_PROCESSES)
        ]
        every = chain.from_iterable(sets.values())
        yield from _distribute(_prefetch(every, _PROCESSES), connections)


def _prefetch(items: Iterator[_Item], count: int) -> Iterator[_Item]:
    """Yield items, of which a thread gets so many in advance."""
    with ThreadPoolExecutor(1) as pool:
        waiting = deque(pool.submit(next, items, None) for _ in range(count))
        while (item := waiting.popleft().result()) is not None:
            waiting.append(pool.submit(next, items, None))
            yield item


def _distribute(
    parts: Iterable[FileChunk], connections: Sequence[Connection]
) -> Iterator[_FileBatch]:
    """Yield what processes read of the chunks, in the order of the chunks."""
    busy: deque[Connection] = deque()
    for part, connection in zip(parts, cycle(connections), strict=False):
        done = [_receive(busy.popleft())] if len(busy) == len(connections) else []
        connection.send(part)
        busy.append(connection)
        yield from done
    yield from map(_receive, busy)


def _receive(connection: Connection) -> _FileBatch:
    result: _FileBatch | UnreadableError = connection.recv()
    if isinstance(result, UnreadableError):
        raise result
    return result


@contextmanager
def _worker(kind: NodeShape, languages: Sequence[str]) -> Iterator[Connection]:
    """Start a process that reads chunks, and yield the connection to it."""
    spawning = get_context("spawn")
    ours, theirs = spawning.Pipe()
    process = spawning.Process(target=_read_chunks, args=(theirs, kind, languages), daemon=True)
    process.start()
    theirs.close()
    with ours:
        yield ours
    process.join()


def _read_chunks(connection: Connection, kind: NodeShape, languages: Sequence[str]) -> None:
    """Answer chunks with their entries until the connection ends."""
    gc.disable()  # much is allocated for a moment, and nothing refers to itself
    maker = _BatchMaker.create(kind, languages)
    with suppress(EOFError, BrokenPipeError, KeyboardInterrupt):
        while True:
            chunk = connection.recv()
            try:
                connection.send(maker.chunk_batch(chunk))
            except UnreadableError as error:
                connection.send(error)


def _batched(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    remaining = iter(items)
    while batch := list(islice(remaining, _BATCH_SIZE)):
        yield batch
