"""The builder of an index: all entries in batches, read by processes beside this one where many.

Entries are read out of the files that the store was filled from, which takes a fraction of the
time of a large store; the store is asked where the statements about an entry lie apart.
"""

import gc
from array import array
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain, cycle, groupby, islice
from multiprocessing import get_context
from multiprocessing.connection import Connection
from operator import attrgetter
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

import numpy as np
from pyoxigraph import Literal, NamedNode, Quad, RdfFormat, parse

from ..catalogue import documents
from ..catalogue.documents import UnreadableError
from ..schema.fields import NodeShape
from .entries import EntryExtractor, EntryReader, EntryRow, IndexedEntry, Statements, Value, Ways
from .facets import FacetBatch, group_entries
from .text.tokenizer import AnalysedTexts, Analyser, Tokenizer

_CHUNK_SIZE = 1 << 22  # bytes
_MIN_FILE_ENTRIES = 5_000  # fewer are read from the store before the processes have started
_BATCH_SIZE = 1_000
_PROCESSES = 2  # each has more work than the process that takes in the batches
_BATCHES_AHEAD = 32  # so that no process waits while postings are written

_Item = TypeVar("_Item")


@dataclass(frozen=True)
class EntryBatch:
    """Entries as an index takes them in: rows, facets and texts.

    `subjects` are the topic and the other subjects of each run of statements that was read. The
    entries `to_reread` were in an earlier batch, without some of their statements.
    """

    rows: list[EntryRow]
    facets: FacetBatch
    texts: AnalysedTexts
    subjects: Sequence[tuple[str, set[str]]] = ()
    to_reread: Sequence[str] = ()


@dataclass(frozen=True)
class FileChunk:
    """Whole lines of a file of N-Quads, and the number of the first one."""

    path: Path
    line: int
    content: bytes


@dataclass(frozen=True)
class GraphRun:
    """Consecutive statements of one graph: those about its topic, and their other subjects.

    These include what other subjects refer to as resources with fields whose values they have.
    """

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


def read_batches(reader: EntryReader, files: Sequence[Path]) -> Iterator[EntryBatch]:
    """Yield all current entries; many are read out of the files that the store was filled from.

    Raises UnreadableError.
    """
    maker, total = _BatchMaker(reader.extractor), reader.count()
    if not files or reader.extractor.paths or total < _MIN_FILE_ENTRIES:
        yield from maker.batches(_from_store(reader, reader.iris()))
        return
    tracker = SubjectTracker()
    for batch in _prefetch(_from_files(files, maker), _BATCHES_AHEAD):
        if tracker.add([row.iri for row in batch.rows], batch.subjects):
            yield batch
    to_reread = tracker.described_apart()
    if to_reread or len(tracker.entries) < total:
        missing = (iri for iri in reader.iris() if iri not in tracker.entries)
        yield from maker.batches(_from_store(reader, missing))
    yield replace(maker.batch(()), to_reread=to_reread)


def chunks(path: Path) -> Iterator[FileChunk] | None:
    """Yield the chunks of a set of N-Quads, or return None for any other file.

    A chunk ends where a graph does, unless the graph is longer. Raises UnreadableError.
    """
    if path.name.endswith((".nq", ".nq.gz")) and _has_graph_names(path):
        return _chunks(path)
    return None


def chunk_runs(
    chunk: FileChunk, properties: Set[str], ways: Ways = MappingProxyType({})
) -> Iterator[GraphRun]:
    """Yield the runs of a chunk; raise UnreadableError with the line where parsing ends."""
    try:
        with documents.reading_errors(chunk.path):
            quads = parse(chunk.content, RdfFormat.N_QUADS)
            for _, quads_of_run in groupby(quads, attrgetter("graph_name")):
                run = list(quads_of_run)
                yield _run(documents.graph_name(chunk.path, run[0]), run, properties, ways)
    except UnreadableError as error:
        line = chunk.line + error.line - 1
        raise UnreadableError(chunk.path, error.reason, line, error.column) from error


def file_runs(
    path: Path, properties: Set[str], ways: Ways = MappingProxyType({})
) -> Iterator[GraphRun]:
    """Yield the runs of a file in any syntax; raise UnreadableError."""
    return (_run(topic, quads, properties, ways) for topic, quads in documents.read_graphs(path))


def _run(topic: str, quads: Iterable[Quad], properties: Set[str], ways: Ways) -> GraphRun:
    node = NamedNode(topic)
    statements: dict[str, list[Value]] = defaultdict(list)
    others: dict[str, list[tuple[str, Value]]] = defaultdict(list)
    for quad in quads:
        subject, name = quad.subject, quad.predicate.value
        values = [quad.object] if isinstance(quad.object, NamedNode | Literal) else []
        if subject == node:
            if name in properties:
                statements[name] += values
        elif isinstance(subject, NamedNode):
            others[subject.value] += [(name, value) for value in values]
    subjects = set(others)
    for link in dict.fromkeys(link for link, _ in ways):
        for described in others.values():
            topics = [value for name, value in described if name == link]
            subjects.update(other.value for other in topics if other != node)
            for name, value in described if node in topics else ():
                if iri := ways.get((link, name)):
                    statements[iri].append(value)
    return GraphRun(topic, statements, subjects)


def _has_graph_names(path: Path) -> bool:
    """Return whether the first statement has a named graph; in a file about one topic none need."""
    with documents.reading_errors(path), documents.open_file(path) as stream:
        first = next(parse(stream, RdfFormat.N_QUADS), None)
    return first is not None and isinstance(first.graph_name, NamedNode)


def _chunks(path: Path) -> Iterator[FileChunk]:
    with documents.reading_errors(path), documents.open_file(path) as stream:
        remainder, line = b"", 1
        while block := stream.read(_CHUNK_SIZE):
            content = remainder + block
            end = _last_boundary(content)
            if end:
                yield FileChunk(path, line, content[:end])
            line += content.count(b"\n", 0, end)
            remainder = content[end:]
        yield FileChunk(path, line, remainder)


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

    def batches(self, entries: Iterable[IndexedEntry]) -> Iterator[EntryBatch]:
        """Yield entries in batches."""
        yield from map(self.batch, _batched(entries))

    def batch(self, entries: Sequence[IndexedEntry]) -> EntryBatch:
        """Return entries as a batch."""
        texts = self._analyser.analyse(entry.texts for entry in entries)
        return EntryBatch([entry.row for entry in entries], group_entries(entries), texts)

    def run_batches(self, runs: Iterable[GraphRun]) -> Iterator[EntryBatch]:
        """Yield the entries of runs."""
        yield from map(self.run_batch, _batched(runs))

    def run_batch(self, runs: Iterable[GraphRun]) -> EntryBatch:
        """Return the entries of runs as a batch."""
        assert not self.extractor.paths
        entries, subjects = [], []
        for run in runs:
            subjects.append((run.topic, run.other_subjects))
            if entry := self.extractor.extract(run.topic, run.statements):
                entries.append(entry)
        return replace(self.batch(entries), subjects=subjects)

    @cached_property
    def properties(self) -> frozenset[str]:
        """Return the properties whose values are needed."""
        return frozenset(self.extractor.properties)

    @cached_property
    def _analyser(self) -> Analyser:
        return Analyser(Tokenizer(self.extractor.languages))


def _from_store(reader: EntryReader, iris: Iterable[str]) -> Iterator[IndexedEntry]:
    for several in _batched(iris):
        yield from reader.read(several)


def _from_files(files: Sequence[Path], maker: _BatchMaker) -> Iterator[EntryBatch]:
    """Yield the entries of files; chunks of large sets are read by other processes."""
    sets = {path: in_chunks for path in files if (in_chunks := chunks(path))}
    runs = (
        file_runs(path, maker.properties, maker.extractor.ways)
        for path in files
        if path not in sets
    )
    yield from maker.run_batches(chain.from_iterable(runs))
    if not sets:
        return
    with ExitStack() as stack:
        workers = [stack.enter_context(_worker(maker.extractor)) for _ in range(_PROCESSES)]
        prefetched = _prefetch(chain.from_iterable(sets.values()), _PROCESSES)
        yield from _distribute(prefetched, workers)


def _prefetch(items: Iterator[_Item], count: int) -> Iterator[_Item]:
    """Yield items, of which a thread gets so many in advance."""
    with ThreadPoolExecutor(1) as pool:
        futures = deque(pool.submit(next, items, None) for _ in range(count))
        while (item := futures.popleft().result()) is not None:
            futures.append(pool.submit(next, items, None))
            yield item


def _distribute(
    file_chunks: Iterable[FileChunk], workers: Sequence[Connection]
) -> Iterator[EntryBatch]:
    """Yield what processes read of the chunks, in the order of the chunks."""
    busy: deque[Connection] = deque()
    for chunk, worker in zip(file_chunks, cycle(workers), strict=False):
        received = [_receive(busy.popleft())] if len(busy) == len(workers) else []
        worker.send(chunk)
        busy.append(worker)
        yield from received
    yield from map(_receive, busy)


def _receive(worker: Connection) -> EntryBatch:
    result: EntryBatch | UnreadableError = worker.recv()
    if isinstance(result, UnreadableError):
        raise result
    return result


@contextmanager
def _worker(extractor: EntryExtractor) -> Iterator[Connection]:
    """Start a process that reads chunks, and yield the connection to it."""
    spawning = get_context("spawn")
    connection, in_worker = spawning.Pipe()
    arguments = in_worker, extractor.kind, extractor.languages
    process = spawning.Process(target=_read_chunks, args=arguments, daemon=True)
    process.start()
    in_worker.close()
    with connection:
        yield connection
    process.join()


def _read_chunks(connection: Connection, kind: NodeShape, languages: Sequence[str]) -> None:
    """Answer chunks with their entries until the connection ends."""
    gc.disable()  # much is allocated for a moment, and nothing refers to itself
    maker = _BatchMaker(EntryExtractor(kind, languages))
    ways = maker.extractor.ways
    with suppress(EOFError, BrokenPipeError, KeyboardInterrupt):
        while True:
            chunk = connection.recv()
            try:
                connection.send(maker.run_batch(chunk_runs(chunk, maker.properties, ways)))
            except UnreadableError as error:
                connection.send(error)


def _batched(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    remaining = iter(items)
    while batch := list(islice(remaining, _BATCH_SIZE)):
        yield batch
