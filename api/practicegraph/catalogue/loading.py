"""Bringing a store in step with the folder: named graph by named graph, only what has changed.

A changed file is read as a stream, since it may be larger than the memory: once to see that it is
readable and which of its graphs differ from those in the store, once for the change log, and once
to put these graphs in. The quads of the first files, up to a limit, are kept in the memory. In one
transaction, the events are logged and the graphs that change lose their digests in the state file;
each gets one when it is in place. So whatever breaks off, the next start goes on from there. The
store states its release, and none while it is not whole.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Protocol, TypeVar

from pyoxigraph import Quad, RdfFormat, serialize

from ..storage.base import Store
from . import change_log, documents
from .change_log import BLANK_MARK, ChangeLog, StateFile
from .documents import UnreadableError

Digests = Mapping[str, str | None]
"""Digests of graphs by name; None where it is not certain what the store holds."""

_PUT_GRAPH = "INSERT OR REPLACE INTO graphs VALUES (?, ?, ?)"
_PUT_FILE = "INSERT OR REPLACE INTO files VALUES (?, ?)"
_MAX_KEPT = 100_000  # quads, of about 600 bytes
_Item = TypeVar("_Item")
_Run = tuple[str, str, Sequence[Quad]]
"""A file's name, the name of a graph, and quads of it."""


class Progress(Protocol):
    """Yields items as they are worked on, and shows how many are done."""

    def __call__(self, label: str, items: list[_Item], /) -> Iterable[_Item]:
        """Yield the items."""


@dataclass(frozen=True)
class LoadedFile:
    """A file in the store: its checksum once all of its graphs are in place, and the graphs."""

    checksum: str | None
    graphs: Digests


@dataclass(frozen=True)
class LoadedFiles:
    """The files in a store by name, and the release of which it is a whole copy.

    After a write was broken off, the store may still be at the previous release.
    """

    release: str = ""
    files: Mapping[str, LoadedFile] = field(default_factory=dict)
    previous: str = ""

    @property
    def checksums(self) -> dict[str, str]:
        """Return the checksums of the files that are in place, by name."""
        return {name: file.checksum for name, file in self.files.items() if file.checksum}


@dataclass(frozen=True)
class FileGraphs:
    """The graphs of a file: their digests by name, and which ones come in several pieces.

    `pieces` are the names and quads of all of them, where these are kept.
    """

    digests: Mapping[str, str]
    scattered: Set[str]
    pieces: Sequence[tuple[str, Sequence[Quad]]] = ()


@dataclass(frozen=True)
class _Transition:
    """From the files before to the files after, with the graphs of those that were read for it."""

    before: LoadedFiles
    after: LoadedFiles
    read: Mapping[str, FileGraphs]

    @cached_property
    def added(self) -> set[str]:
        """Return the names of the graphs to be put in."""
        new = ((t, d) for graphs in self.read.values() for t, d in graphs.digests.items())
        return {topic for topic, digest in new if self._old_digests.get(topic) != digest}

    @cached_property
    def removed(self) -> set[str]:
        """Return the names of the graphs to be taken out, those that come among them."""
        remaining_graphs = (graphs.digests for graphs in self.read.values())
        return self.added | set(self._old_digests).difference(*remaining_graphs)

    @property
    def deleted_files(self) -> list[str]:
        """Return the names of the files that are no longer there."""
        return [name for name in self.before.files if name not in self.after.files]

    @property
    def uncertain(self) -> Iterator[tuple[str, str, str | None]]:
        """Yield the graphs of all these files with their digests, None where they come or go."""
        for name in (*self.read, *self.deleted_files):
            old = self.before.files[name].graphs if name in self.before.files else {}
            new = self.read[name].digests if name in self.read else {}
            for topic in {**old, **new}:
                if topic in self.removed:
                    yield name, topic, None
                elif topic in new:
                    yield name, topic, self._old_digests[topic]

    @cached_property
    def _old_digests(self) -> dict[str, str | None]:
        names = (*self.read, *self.deleted_files)
        files = (self.before.files[name] for name in names if name in self.before.files)
        return {topic: digest for file in files for topic, digest in file.graphs.items()}


def no_progress(_label: str, items: list[_Item], /) -> Iterable[_Item]:
    """Return the items and show nothing."""
    return items


def synchronise(
    root: Path,
    store: Store,
    state: StateFile,
    progress: Progress = no_progress,
    unreadable: list[UnreadableError] | None = None,
) -> str:
    """Bring the store and the change log in step with the folder; return the release.

    Raises UnreadableError, and then changes nothing. Where a list for these
    errors is given, they are put there instead: of such a file, the store keeps the last whole
    version, which then counts for the release; where it has none, the file is left out.
    """
    before, present = _loaded_and_present(store, state)
    paths = {path.relative_to(root).as_posix(): path for path in documents.list_files(root)}
    checksums = _checksums(root, paths.values())
    read, errors = _read_changed(paths, checksums, before, progress)
    new = {name: LoadedFile(checksums[name], graphs.digests) for name, graphs in read.items()}
    files = {name: new.get(name, before.files.get(name)) for name in paths}
    whole = {name: file for name, file in files.items() if file and file.checksum}
    if _have_duplicates(whole):
        whole, reasons = _without_duplicates(whole, before.files)
        read = {name: graphs for name, graphs in read.items() if name not in reasons}
        errors += [UnreadableError(paths[name], reason) for name, reason in reasons.items()]
    if errors and unreadable is None:
        raise errors[0]
    if unreadable is not None:
        unreadable += errors
    release = compute_release({name: file.checksum or "" for name, file in whole.items()})
    after = LoadedFiles(release, whole)
    if (after.release, after.files) != (before.release, before.files):
        _change(root, store, state, _Transition(before, after, read), present, progress)
    if store.release() != release:
        store.set_release(release)
        store.flush()
    return release


def record_write(
    state: StateFile, name: str, checksum: str, topic: str, digest: str, release: str
) -> None:
    """Enter a file with one graph inside a transaction, before the store has that graph."""
    state.execute("DELETE FROM graphs WHERE file = ?", name)
    state.execute(_PUT_GRAPH, name, topic, digest)
    state.execute(_PUT_FILE, name, checksum)
    state.execute("UPDATE release SET previous = store, store = ?", release)


def read_loaded_files(state: StateFile) -> LoadedFiles:
    """Return the files that the state file lists."""
    ((release, previous),) = state.select("SELECT store, previous FROM release")
    graphs: dict[str, dict[str, str | None]] = {}
    for name, topic, digest in state.select("SELECT file, name, digest FROM graphs"):
        graphs.setdefault(name, {})[topic] = digest
    rows = state.select("SELECT name, checksum FROM files")
    files = {name: LoadedFile(checksum, graphs.get(name, {})) for name, checksum in rows}
    return LoadedFiles(release, files, previous)


def read_file_graphs(path: Path, limit: int = 0) -> FileGraphs:
    """Return the graphs of a file, of which at most so many quads are kept; raise UnreadableError.

    Blank nodes get other names at each reading. So graphs that may share one never pass for
    unchanged, and are put in together.
    """
    digests: dict[str, str] = {}
    scattered: set[str] = set()
    pieces: list[tuple[str, list[Quad]]] = []
    for topic, quads in documents.read_graphs(path):
        limit -= len(quads)
        if limit >= 0:
            pieces.append((topic, quads))
        before = digests.get(topic, "")
        if before:
            scattered.add(topic)
        digests[topic] = graph_digest(quads, before)
    return FileGraphs(digests, scattered, pieces if limit >= 0 else ())


def graph_digest(quads: Sequence[Quad], before: str = "") -> str:
    """Return the digest of a graph as it was read, or of the next piece after those before."""
    content = serialize(quads, format=RdfFormat.N_QUADS)
    assert isinstance(content, bytes)
    mark = BLANK_MARK if b"_:" in content or before.startswith(BLANK_MARK) else ""
    return mark + hashlib.blake2b(before.encode() + content, digest_size=12).hexdigest()


def folder_release(root: Path) -> str:
    """Return the release of a folder."""
    return compute_release(_checksums(root, documents.list_files(root)))


def domain_release(root: Path) -> str:
    """Return the first half of a release: a hash of the ontology, shapes and stored queries."""
    return _hash(_checksums(root, documents.list_files(root, documents.FOLDERS[:-1])))


def compute_release(checksums: Mapping[str, str]) -> str:
    """Return the release of files by their checksums: the hash of the domain and that of entries.

    So a release says of which of them a change is.
    """
    data = documents.FOLDERS[-1] + "/"
    entries = {name: checksum for name, checksum in checksums.items() if name.startswith(data)}
    return f"{_hash({n: c for n, c in checksums.items() if n not in entries})}-{_hash(entries)}"


def _hash(checksums: Mapping[str, str]) -> str:
    lines = "".join(f"{checksum}  {name}\n" for name, checksum in sorted(checksums.items()))
    return hashlib.sha256(lines.encode()).hexdigest()[:8]


def _checksums(root: Path, paths: Iterable[Path]) -> dict[str, str]:
    return {path.relative_to(root).as_posix(): documents.checksum(path) for path in paths}


def _loaded_and_present(store: Store, state: StateFile) -> tuple[LoadedFiles, Set[str]]:
    """Return what the state file lists, and the graphs in the store; lost ones have no digest.

    Nobody else changes a store that is derived from the folder: where it states the release of the
    list, its graphs, which may be a million, are those of the list.
    """
    loaded, version = read_loaded_files(state), store.release()
    if version and version == loaded.previous:
        loaded = replace(loaded, files=dict(_without_last_write(state, loaded.files)))
    elif version not in ("", loaded.release):
        if store.is_derived:
            store.clear()
        loaded = LoadedFiles()
        with state.transaction():
            state.execute("DELETE FROM graphs")
            state.execute("DELETE FROM files")
    elif version and store.is_derived:
        return loaded, {topic for file in loaded.files.values() for topic in file.graphs}
    elif loaded.files and store.is_derived:
        store.repair()
    present = store.graph_names()
    files = {name: _without_lost(file, present) for name, file in loaded.files.items()}
    return replace(loaded, files=files), present


def _without_last_write(
    state: StateFile, files: Mapping[str, LoadedFile]
) -> Iterator[tuple[str, LoadedFile]]:
    """Yield files, without the digest of the graph that the last event is of."""
    ((topic,),) = state.select("SELECT topic FROM events ORDER BY number DESC LIMIT 1")
    for name, file in files.items():
        is_of_topic = topic in file.graphs
        yield name, LoadedFile(None, {**file.graphs, topic: None}) if is_of_topic else file


def _without_lost(file: LoadedFile, present: Set[str]) -> LoadedFile:
    lost = file.graphs.keys() - present
    return LoadedFile(None, {**file.graphs, **dict.fromkeys(lost)}) if lost else file


def _read_changed(
    paths: Mapping[str, Path],
    checksums: Mapping[str, str],
    before: LoadedFiles,
    progress: Progress,
) -> tuple[dict[str, FileGraphs], list[UnreadableError]]:
    """Return the graphs of the files that have changed, and the errors of unreadable ones."""
    loaded = before.checksums
    changed = [name for name in paths if loaded.get(name) != checksums[name]]
    graphs: dict[str, FileGraphs] = {}
    errors: list[UnreadableError] = []
    limit = _MAX_KEPT
    steps = progress("Reading", [paths[name] for name in changed])
    for name, path in zip(changed, steps, strict=True):
        try:
            graphs[name] = read_file_graphs(path, limit)
            limit -= sum(len(quads) for _, quads in graphs[name].pieces)
        except UnreadableError as error:
            errors.append(error)
    return graphs, errors


def _have_duplicates(files: Mapping[str, LoadedFile]) -> bool:
    topics = [file.graphs for file in files.values()]
    return sum(map(len, topics)) > len(set[str]().union(*topics))


def _without_duplicates(
    files: Mapping[str, LoadedFile], before: Mapping[str, LoadedFile]
) -> tuple[dict[str, LoadedFile], dict[str, str]]:
    """Return the files without those that others take precedence of, and the reasons by name.

    A topic stays in the file that it was in; else the file with more topics takes precedence.
    """
    homes: dict[str, str] = {}
    for name in files.keys() & before.keys():
        unchanged = files[name].graphs.keys() & before[name].graphs.keys()
        homes |= dict.fromkeys(unchanged, name)
    for name in sorted(files, key=lambda name: (-len(files[name].graphs), name)):
        homes = dict.fromkeys(files[name].graphs, name) | homes
    remaining: dict[str, LoadedFile] = {}
    reasons: dict[str, str] = {}
    for name, file in files.items():
        duplicate = next((topic for topic in file.graphs if homes[topic] != name), None)
        if duplicate is None:
            remaining[name] = file
            continue
        reasons[name] = f"{duplicate} is described in {homes[duplicate]} too"
        former = before.get(name)
        if former and former.checksum and all(homes.get(t, name) == name for t in former.graphs):
            remaining[name] = former
    return remaining, reasons


def _change(
    root: Path,
    store: Store,
    state: StateFile,
    change: _Transition,
    present: Set[str],
    progress: Progress,
) -> None:
    """Log the events, take out what goes, then put in what comes, part by part."""
    log, release = ChangeLog(state, store), change.after.release
    digests = {t: d or "" for file in change.after.files.values() for t, d in file.graphs.items()}
    pieces = ((topic, digests[topic], quads) for _, topic, quads in _added_graphs(root, change))
    begins = not log.count
    with state.transaction():
        if not begins:
            change_log.record_changes(log, release, pieces, digests.keys())
        for name in (*change.read, *change.deleted_files):
            state.execute("DELETE FROM graphs WHERE file = ?", name)
            state.execute(_PUT_FILE, name, None)
        state.executemany(_PUT_GRAPH, change.uncertain)
    store.set_release("")
    store.remove_graphs(present & change.removed)
    _put_all(root, store, state, change, progress)
    with state.transaction():
        _enter_whole(state, change)
        if begins:
            change_log.begin_log(log, release, digests.items())


def _added_graphs(root: Path, change: _Transition) -> Iterator[_Run]:
    """Yield the graphs that come, as they stand in their files."""
    for name, graphs in change.read.items():
        if not change.added.isdisjoint(graphs.digests):
            for topic, quads in graphs.pieces or documents.read_graphs(root / name):
                if topic in change.added:
                    yield name, topic, quads


def _put_all(
    root: Path, store: Store, state: StateFile, change: _Transition, progress: Progress
) -> None:
    """Put in what comes, in parts of the size that suits the store."""
    steps = iter(progress("Loading", list(change.added)) if change.added else ())
    added = _added_graphs(root, change)
    while True:
        batch: dict[tuple[str, str], str | None] = {}
        store.add(_take_batch(store.batch_size, added, change, batch, steps))
        if not batch:
            break
        store.flush()
        with state.transaction():
            state.executemany(_PUT_GRAPH, ((*place, digest) for place, digest in batch.items()))
    for _ in steps:
        pass  # a progress bar ends with its last step


def _take_batch(
    size: int,
    added: Iterator[_Run],
    change: _Transition,
    batch: dict[tuple[str, str], str | None],
    steps: Iterator[str],
) -> Iterator[Quad]:
    """Yield about so many quads, and enter their graphs in the part.

    A graph that comes in several pieces gets its digest when all is in place.
    """
    for name, topic, quads in added:
        next(steps, None)
        graphs = change.read[name]
        batch[name, topic] = None if topic in graphs.scattered else graphs.digests[topic]
        yield from quads
        size -= len(quads)
        if size <= 0:
            return


def _enter_whole(state: StateFile, change: _Transition) -> None:
    """Enter files that are in place now, and the release."""
    for name in change.deleted_files:
        state.execute("DELETE FROM files WHERE name = ?", name)
    for name, graphs in change.read.items():
        scattered = ((name, topic, graphs.digests[topic]) for topic in graphs.scattered)
        state.executemany(_PUT_GRAPH, scattered)
        state.execute(_PUT_FILE, name, change.after.files[name].checksum)
    state.execute("DELETE FROM graphs WHERE digest IS NULL")
    state.execute("UPDATE release SET store = ?, previous = ''", change.after.release)
