"""A store kept in step with the folder: only files that have changed are read again.

Beside the store stands a list of the files that it holds, with their checksums. A file is struck
from the list before its graphs change and entered when they are in place, part by part, so that
whatever breaks off in between goes on from there the next time. The store itself says which release
it holds, and says none while it holds no whole one.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, TypeVar

from . import folder, recording
from .changes import Log
from .folder import Document
from .recording import Present
from .store import Store

_Item = TypeVar("_Item")
_FORM = 3
_QUADS = 50_000  # that are put into the store between two looks at the list


class Watch(Protocol):
    """Gives the items as they are worked on, and shows how far that is."""

    def __call__(self, label: str, items: list[_Item], /) -> Iterable[_Item]:
        """Give the items."""


class SameTopicError(ValueError):
    """Two files that are about the same thing."""


@dataclass(frozen=True)
class Loaded:
    """A file in the store: its checksum (none while its graphs change) and its topics."""

    checksum: str | None
    topics: tuple[str, ...]


@dataclass(frozen=True)
class Listing:
    """The files that a store holds by name, and the release that they make, if they are whole."""

    files: Mapping[str, Loaded]
    release: str = ""


def unwatched(_label: str, items: list[_Item], /) -> Iterable[_Item]:
    """Give the items, with nothing shown of how far the work on them is."""
    return items


def synchronise(
    root: Path, store: Store, path: Path, watch: Watch = unwatched, log: Log | None = None
) -> str:
    """Bring the store in step with the folder and give the release, a hash of all its files.

    The list of what the store holds stands at the path; what has changed is logged at last. Raises
    UnreadableError or SameTopicError, and then changes nothing.
    """
    before = _known(store, path)
    found = {str(file.relative_to(root)): file for file in folder.files(root)}
    sums = _sums(root, found.values())
    changed = [n for n in found if n not in before or before[n].checksum != sums[n]]
    read = map(folder.read, watch("Reading", [found[name] for name in changed]))
    documents = dict(zip(changed, read, strict=True))
    after = {name: loaded for name, loaded in before.items() if name in found}
    after |= {name: Loaded(sums[name], documents[name].topics) for name in changed}
    _refuse_same_topics(after)
    if documents or before.keys() != after.keys():
        store.set_version("")
        _change(store, path, before, after, documents, watch)
    release = _finish(store, path, Listing(after, _release(sums)))
    if log:
        topics = frozenset(topic for loaded in after.values() for topic in loaded.topics)
        recording.record(log, Present(root, release, sums, topics), documents)
    return release


def release(root: Path) -> str:
    """Give the release that the folder is at."""
    return _release(_sums(root, folder.files(root)))


def domain(root: Path) -> str:
    """Give the first half of a release: a hash of the folder's ontology, shapes and questions."""
    return _hash(_sums(root, folder.files(root, folder.PARTS[:-1])))


def _sums(root: Path, paths: Iterable[Path]) -> dict[str, str]:
    """Give the checksums of files by their names in the folder."""
    return {str(path.relative_to(root)): folder.checksum(path) for path in paths}


def _known(store: Store, path: Path) -> dict[str, Loaded]:
    """Give the files that the store holds; a file of which it has lost a graph has no checksum."""
    listing, version = _read(path), store.version()
    if listing is None or version not in ("", listing.release):
        if store.derived:
            store.clear()
        return {}
    graphs = store.graphs()
    return {
        name: loaded if graphs.issuperset(loaded.topics) else replace(loaded, checksum=None)
        for name, loaded in listing.files.items()
    }


def _change(
    store: Store,
    path: Path,
    before: Mapping[str, Loaded],
    after: Mapping[str, Loaded],
    documents: Mapping[str, Document],
    watch: Watch,
) -> None:
    """Take out what files no longer hold, then put in what they hold now, part by part."""
    stale = [name for name in {**before, **documents} if name in documents or name not in after]
    old, new = ({n: files[n].topics for n in stale if n in files} for files in (before, after))
    struck = {n: Loaded(None, (*{*old.get(n, ()), *new.get(n, ())},)) for n in stale}
    _write(path, Listing({**before, **struck}))
    store.replace({t for n, topics in old.items() for t in topics if t not in new.get(n, ())}, ())
    files = {**before, **struck}
    for part in _parts(documents, watch):
        topics = {topic for name in part for topic in new[name]}
        store.replace(topics, (quad for name in part for quad in documents[name].quads))
        store.flush()
        files |= {name: after[name] for name in part}
        _write(path, Listing(files))


def _parts(documents: Mapping[str, Document], watch: Watch) -> Iterator[list[str]]:
    part: list[str] = []
    size = 0
    for name in watch("Loading", list(documents)):
        part.append(name)
        size += len(documents[name].quads)
        if size >= _QUADS:
            yield part
            part, size = [], 0
    if part:
        yield part


def _finish(store: Store, path: Path, listing: Listing) -> str:
    if store.version() != listing.release:
        store.set_version(listing.release)
        store.flush()
    _write(path, listing)
    return listing.release


def _refuse_same_topics(files: Mapping[str, Loaded]) -> None:
    homes: dict[str, str] = {}
    for name, loaded in files.items():
        for topic in loaded.topics:
            if homes.setdefault(topic, name) != name:
                raise SameTopicError(f"{name}: {topic} is described in {homes[topic]} too")


def _release(sums: Mapping[str, str]) -> str:
    """Give the hash of what things are and the hash of the entries, so that a change tells."""
    data = folder.PARTS[-1] + "/"
    entries = {name: checksum for name, checksum in sums.items() if name.startswith(data)}
    return f"{_hash({n: c for n, c in sums.items() if n not in entries})}-{_hash(entries)}"


def _hash(sums: Mapping[str, str]) -> str:
    lines = "".join(f"{checksum}  {name}\n" for name, checksum in sorted(sums.items()))
    return hashlib.sha256(lines.encode()).hexdigest()[:8]


def _read(path: Path) -> Listing | None:
    """Give the list, or None where there is none that this program can read."""
    try:
        listed = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    if listed.get("form") != _FORM:
        return None
    files = {name: Loaded(sums, tuple(topics)) for name, (sums, topics) in listed["files"].items()}
    return Listing(files, listed["release"])


def _write(path: Path, listing: Listing) -> None:
    rows = {
        name: [loaded.checksum, loaded.topics] for name, loaded in sorted(listing.files.items())
    }
    text = json.dumps({"form": _FORM, "release": listing.release, "files": rows}, indent=0)
    part = path.with_suffix(".part")
    part.write_text(text)
    part.replace(path)
