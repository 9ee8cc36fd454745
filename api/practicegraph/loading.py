"""The store kept in step with the folder: only files that have changed are read again.

Beside the store stands a list of the files that it holds, with their checksums. A file is struck
from the list before its graphs change and entered when they are on disk, so that whatever breaks
off in between is read again at the next start.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from . import folder
from .folder import Document
from .store import Store

Watch = Callable[[list[Path]], Iterable[Path]]
_FORM = 1


class SameTopicError(ValueError):
    """Two files that are about the same thing."""


@dataclass(frozen=True)
class Loaded:
    """A file in the store: its checksum (none while its graphs change) and its topics."""

    checksum: str | None
    topics: tuple[str, ...]


def synchronise(root: Path, store: Store, listing: Path, watch: Watch = list) -> str:
    """Bring the store in step with the folder and give the release: a hash of all its files.

    Raises UnreadableError or SameTopicError, and then changes nothing.
    """
    before = _read(listing)
    if before is None:
        store.clear()
        before = {}
    found = {str(path.relative_to(root)): path for path in folder.files(root)}
    sums = {name: folder.checksum(path) for name, path in found.items()}
    changed = {n: p for n, p in found.items() if n not in before or before[n].checksum != sums[n]}
    documents = {path: folder.read(path) for path in watch(list(changed.values()))}
    after = {name: loaded for name, loaded in before.items() if name in found}
    after |= {name: Loaded(sums[name], documents[path].topics) for name, path in changed.items()}
    _refuse_same_topics(after)
    if changed or before.keys() != after.keys():
        stale = {name for name in before if name in changed or name not in found}
        _change(store, listing, before, after, stale, documents.values())
    return _release(after)


def _change(
    store: Store,
    listing: Path,
    before: Mapping[str, Loaded],
    after: Mapping[str, Loaded],
    stale: Iterable[str],
    documents: Iterable[Document],
) -> None:
    struck = {name: Loaded(None, before[name].topics) for name in stale}
    _write(listing, {**before, **struck})
    old = [topic for loaded in struck.values() for topic in loaded.topics]
    new = [topic for document in documents for topic in document.topics]
    store.replace({*old, *new}, (quad for document in documents for quad in document.quads))
    store.flush()
    _write(listing, after)


def _refuse_same_topics(files: Mapping[str, Loaded]) -> None:
    homes: dict[str, str] = {}
    for name, loaded in files.items():
        for topic in loaded.topics:
            if homes.setdefault(topic, name) != name:
                raise SameTopicError(f"{name}: {topic} is described in {homes[topic]} too")


def _release(files: Mapping[str, Loaded]) -> str:
    lines = "".join(f"{loaded.checksum}  {name}\n" for name, loaded in sorted(files.items()))
    return hashlib.sha256(lines.encode()).hexdigest()[:12]


def _read(listing: Path) -> dict[str, Loaded] | None:
    """Give the list, or None where there is none that this program can read."""
    try:
        listed = json.loads(listing.read_text())
    except (OSError, ValueError):
        return None
    if listed.get("form") != _FORM:
        return None
    return {name: Loaded(sums, tuple(topics)) for name, (sums, topics) in listed["files"].items()}


def _write(listing: Path, files: Mapping[str, Loaded]) -> None:
    rows = {name: [loaded.checksum, loaded.topics] for name, loaded in sorted(files.items())}
    text = json.dumps({"form": _FORM, "files": rows}, indent=0)
    part = listing.with_suffix(".part")
    part.write_text(text)
    part.replace(listing)
