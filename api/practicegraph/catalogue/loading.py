"""A store kept in step with the folder: only what has changed is put in again, graph by graph.

A file that has changed is read twice, as a stream, since a set may be larger than the memory: to
see that it can be read and which graphs are others than those in the store, then to put these in.
Graphs are struck from the list of what the store holds before they change and entered when they are
in place, part by part, so that whatever breaks off in between goes on from there the next time. The
store itself says which release it holds, and says none while it holds no whole one.

The list of the graphs that a store holds, beside it, with the files that they come from.

It is written whole before a change, with all that the change takes out or puts in struck, and after
it. In between, what is in place is added line by line, so that whatever breaks off in between goes
on from there: a line that was half-written by a killed process is as if it were not there. The
change of one graph adds lines alone, before it and after it.

The way from the graphs that a store holds to those that it is to hold.

Graphs are told apart by digests, so that of a large set in which little has changed, little is put
in again.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, Protocol, TypeVar

from pyoxigraph import Quad, RdfFormat, serialize

from ..storage.base import Store
from . import change_recorder, documents
from .change_log import ChangeLog
from .change_recorder import Present
from .documents import UnreadableError

_FORM = 4
_LINE = 10_000  # graphs

Digests = Mapping[str, str | None]
"""Graphs by name, each with what tells its content from others; none where it is not known."""


@dataclass(frozen=True)
class Held:
    """A file in the store: its graphs, and its checksum once they are all in place."""

    checksum: str | None
    graphs: Digests


@dataclass(frozen=True)
class Listing:
    """The files that a store holds by name, and the release that it was at when it was whole.

    While one graph is changed, `coming` is the release that this leads to.
    """

    release: str = ""
    files: Mapping[str, Held] = field(default_factory=dict)
    coming: str = ""


def read_listing(path: Path) -> Listing | None:
    """Give the list, or None where there is none that this program can read."""
    try:
        with path.open("rb") as stream:
            lines = (json.loads(line) for line in stream if line.endswith(b"\n"))
            head: dict[str, Any] = next(lines, {})
            return _listing(head["release"], lines) if head.get("form") == _FORM else None
    except (OSError, ValueError):
        return None


def write(path: Path, listing: Listing) -> None:
    """Write the list anew."""
    part = path.with_suffix(".part")
    with part.open("wb") as stream:
        head = {"form": _FORM, "release": listing.release}
        stream.write(json.dumps(head).encode() + b"\n")
        for name, held in listing.files.items():
            stream.writelines(json.dumps(row).encode() + b"\n" for row in _rows(name, held))
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(path)


def add(path: Path, files: Mapping[str, Digests]) -> None:
    """Enter graphs that are in place now, by the files that they come from."""
    _append(
        path, (row for name, graphs in files.items() for row in _rows(name, Held(None, graphs)))
    )


def begin(path: Path, name: str, topic: str, release: str) -> None:
    """Strike the graph of a file that is about to change, which leads to a release."""
    _append(path, [[name, None, {topic: None}], {"coming": release}])


def end(path: Path, name: str, held: Held, release: str) -> None:
    """Enter a file whose graph has changed, and the release that the store is at."""
    _append(path, [[name, held.checksum, held.graphs], {"release": release, "coming": ""}])


def _append(path: Path, rows: Iterable[Any]) -> None:
    with path.open("ab") as stream:
        stream.writelines(json.dumps(row).encode() + b"\n" for row in rows)
        stream.flush()
        os.fsync(stream.fileno())


def _listing(release: str, lines: Iterable[Any]) -> Listing:
    checksums: dict[str, str | None] = {}
    graphs: dict[str, dict[str, str | None]] = {}
    at = {"release": release, "coming": ""}
    for line in lines:
        if isinstance(line, dict):
            at |= line
        else:
            name, checksum, some = line
            checksums[name] = checksum
            graphs.setdefault(name, {}).update(some)
    files = {name: Held(checksums[name], graphs[name]) for name in checksums}
    return Listing(at["release"], files, at["coming"])


def _rows(name: str, held: Held) -> Iterator[list[Any]]:
    graphs = iter(held.graphs.items())
    while some := dict(islice(graphs, _LINE)):
        yield [name, held.checksum, some]


@dataclass(frozen=True)
class Graphs:
    """The graphs of a file by name, with their digests; those whose quads do not stand together."""

    digests: Mapping[str, str]
    apart: Set[str]


@dataclass(frozen=True)
class Transition:
    """From what is listed before to what is listed after, over the files read for it by name."""

    before: Listing
    after: Listing
    read: Mapping[str, Graphs]

    @cached_property
    def coming(self) -> set[str]:
        """Give the graphs to be put in."""
        new = ((t, d) for graphs in self.read.values() for t, d in graphs.digests.items())
        return {topic for topic, digest in new if self._old.get(topic) != digest}

    @cached_property
    def going(self) -> set[str]:
        """Give the graphs to be taken out where the store has them, those that come among them."""
        kept = (graphs.digests for graphs in self.read.values())
        return self.coming | set(self._old).difference(*kept)

    def struck(self) -> Listing:
        """Give the list for the time of the change: nothing is said of what goes and comes."""
        files = dict(self.before.files)
        for name in self._stale:
            old = files[name].graphs if name in files else {}
            topics = {**old, **self.read[name].digests} if name in self.read else old
            said = {t: None if t in self.going else self._old[t] for t in topics}
            files[name] = Held(None, said)
        return replace(self.before, files=files)

    @cached_property
    def _old(self) -> dict[str, str | None]:
        files = (self.before.files[name] for name in self._stale if name in self.before.files)
        return {topic: digest for held in files for topic, digest in held.graphs.items()}

    @property
    def _stale(self) -> list[str]:
        gone = [name for name in self.before.files if name not in self.after.files]
        return [*self.read, *gone]


def read_graphs(path: Path) -> Graphs:
    """Read a file and tell its graphs apart; raises UnreadableError.

    Blank nodes are called otherwise at each reading. So graphs that may share one never pass for
    unchanged, and are put in together.
    """
    digests: dict[str, str] = {}
    apart: set[str] = set()
    for topic, quads in documents.read_graphs(path):
        before = digests.get(topic, "")
        if before:
            apart.add(topic)
        content = serialize(quads, format=RdfFormat.N_QUADS)
        assert isinstance(content, bytes)
        digests[topic] = hashlib.blake2b(before.encode() + content, digest_size=12).hexdigest()
    return Graphs(digests, apart)


_Item = TypeVar("_Item")
_Run = tuple[str, str, list[Quad]]
"""A file's name, a topic, and quads of its graph."""


class Progress(Protocol):
    """Gives the items as they are worked on, and shows how far that is."""

    def __call__(self, label: str, items: list[_Item], /) -> Iterable[_Item]:
        """Give the items."""


class DuplicateGraphError(ValueError):
    """Two files that are about the same thing."""


@dataclass
class _Part:
    """What is put in between two entries in the list: how many quads, which graphs of files."""

    size: int = 0
    files: dict[str, dict[str, str]] = field(default_factory=dict)


def no_progress(_label: str, items: list[_Item], /) -> Iterable[_Item]:
    """Give the items, with nothing shown of how far the work on them is."""
    return items


def synchronise(
    root: Path,
    store: Store,
    path: Path,
    progress: Progress = no_progress,
    log: ChangeLog | None = None,
    left: list[UnreadableError] | None = None,
) -> str:
    """Bring the store in step with the folder and give the release, a hash of all its files.

    The list of what the store holds stands at the path; what has changed is logged at last. Raises
    UnreadableError or SameTopicError, and then changes nothing. Where a list for those errors is
    given, they are put there instead: of such a file, the store keeps the last whole state that it
    has, of which the release is made, too; where it has none, the file is left out.
    """
    before, present = _known(store, path)
    found = {str(file.relative_to(root)): file for file in documents.list_files(root)}
    sums = _sums(root, found.values())
    held = before.files
    changed = [n for n in found if n not in held or held[n].checksum != sums[n]]
    read: dict[str, Graphs] = {}
    for name, file in zip(changed, progress("Reading", [found[n] for n in changed]), strict=True):
        try:
            read[name] = read_graphs(file)
        except UnreadableError as error:
            if left is None:
                raise
            left.append(error)
    new = {n: Held(sums[n], read[n].digests) for n in read}
    files = {n: new.get(n, held.get(n)) for n in found}
    kept = {n: one for n, one in files.items() if one and one.checksum}
    if left is None:
        _refuse_same_topics(kept)
    elif _have_same_topics(kept):
        kept, doubled = _without_same_topics(kept, held)
        read = {n: graphs for n, graphs in read.items() if n not in doubled}
        left += [UnreadableError(found[n], reason) for n, reason in doubled.items()]
    sums = {n: one.checksum for n, one in kept.items() if one.checksum}
    after = Listing(release_of(sums), kept)
    if after != before:
        _change(root, store, path, Transition(before, after, read), present, progress)
    _finish(store, path, before, after)
    if log:
        topics = frozenset(topic for one in kept.values() for topic in one.graphs)
        change_recorder.record(log, Present(root, after.release, sums, topics))
    return after.release


def folder_release(root: Path) -> str:
    """Give the release that the folder is at."""
    return release_of(_sums(root, documents.list_files(root)))


def domain_release(root: Path) -> str:
    """Give the first half of a release: a hash of the folder's ontology, shapes and questions."""
    return _hash(_sums(root, documents.list_files(root, documents.FOLDERS[:-1])))


def _sums(root: Path, paths: Iterable[Path]) -> dict[str, str]:
    """Give the checksums of files by their names in the folder."""
    return {str(path.relative_to(root)): documents.checksum(path) for path in paths}


def _known(store: Store, path: Path) -> tuple[Listing, Set[str]]:
    """Give the list of what the store holds, and all its graphs; what it has lost is struck.

    From a store that is made of the folder alone nobody else takes anything: where it says that it
    is whole, its graphs, which may be a million, are those in the list.
    """
    listed, version = read_listing(path), store.version()
    if listed is None or version not in ("", listed.release, listed.coming):
        if store.derived:
            store.clear()
        listed = Listing()
    elif version and store.derived:
        return listed, {topic for held in listed.files.values() for topic in held.graphs}
    present = store.graphs()
    files = {name: _left(held, present) for name, held in listed.files.items()}
    return replace(listed, files=files), present


def _left(held: Held, present: Set[str]) -> Held:
    lost = held.graphs.keys() - present
    return Held(None, {**held.graphs, **dict.fromkeys(lost)}) if lost else held


def _have_same_topics(files: Mapping[str, Held]) -> bool:
    topics = [held.graphs for held in files.values()]
    return sum(map(len, topics)) > len(set[str]().union(*topics))


def _refuse_same_topics(files: Mapping[str, Held]) -> None:
    if not _have_same_topics(files):
        return
    homes: dict[str, str] = {}
    for name, held in files.items():
        for topic in held.graphs:
            if homes.setdefault(topic, name) != name:
                raise DuplicateGraphError(f"{name}: {topic} is described in {homes[topic]} too")


def _without_same_topics(
    files: Mapping[str, Held], before: Mapping[str, Held]
) -> tuple[dict[str, Held], dict[str, str]]:
    """Give the files without those that others go before, and the reasons of these by name.

    A topic stays in the file that it was in; else the file with more topics goes before others.
    """
    homes: dict[str, str] = {}
    for name in files.keys() & before.keys():
        stay = files[name].graphs.keys() & before[name].graphs.keys()
        homes |= dict.fromkeys(stay, name)
    for name in sorted(files, key=lambda name: (-len(files[name].graphs), name)):
        homes = dict.fromkeys(files[name].graphs, name) | homes
    left: dict[str, Held] = {}
    reasons: dict[str, str] = {}
    for name, held in files.items():
        lost = next((topic for topic in held.graphs if homes[topic] != name), None)
        if lost is None:
            left[name] = held
            continue
        reasons[name] = f"{lost} is described in {homes[lost]} too"
        known = before.get(name)
        if known and known.checksum and all(homes.get(t, name) == name for t in known.graphs):
            left[name] = known
    return left, reasons


def _change(
    root: Path, store: Store, path: Path, change: Transition, present: Set[str], progress: Progress
) -> None:
    """Take out what is to go, then put in what is to come, part by part."""
    store.set_version("")
    write(path, change.struck())
    store.remove(present & change.going)
    coming = _coming(root, change, progress)
    while (part := _put(store, change, coming)).size:
        store.flush()
        add(path, part.files)


def _coming(root: Path, change: Transition, progress: Progress) -> Iterator[_Run]:
    """Give what is to be put in of each file."""
    steps = iter(progress("Loading", list(change.coming)) if change.coming else ())
    for name, graphs in change.read.items():
        if not change.coming.isdisjoint(graphs.digests):
            for topic, quads in documents.read_graphs(root / name):
                if topic in change.coming:
                    next(steps, None)
                    yield name, topic, quads
    for _ in steps:
        pass  # a bar ends with its last step


def _put(store: Store, change: Transition, coming: Iterator[_Run]) -> _Part:
    """Put in a part of what comes; a graph that does not stand together is entered at the end."""
    part = _Part()

    def quads() -> Iterator[Quad]:
        for name, topic, run in coming:
            graphs = change.read[name]
            if topic not in graphs.apart:
                part.files.setdefault(name, {})[topic] = graphs.digests[topic]
            part.size += len(run)
            yield from run
            if part.size >= store.portion:
                return

    store.add(quads())
    return part


def _finish(store: Store, path: Path, before: Listing, after: Listing) -> None:
    """Enter what is whole now in the list, then in the store."""
    if after != before:
        write(path, after)
    if store.version() != after.release:
        store.set_version(after.release)
        store.flush()


def release_of(sums: Mapping[str, str]) -> str:
    """Give the release of files by their checksums: two hashes, so that a change tells of what.

    The first is that of what things are, the second that of the entries.
    """
    data = documents.FOLDERS[-1] + "/"
    entries = {name: checksum for name, checksum in sums.items() if name.startswith(data)}
    return f"{_hash({n: c for n, c in sums.items() if n not in entries})}-{_hash(entries)}"


def _hash(sums: Mapping[str, str]) -> str:
    lines = "".join(f"{checksum}  {name}\n" for name, checksum in sorted(sums.items()))
    return hashlib.sha256(lines.encode()).hexdigest()[:8]
