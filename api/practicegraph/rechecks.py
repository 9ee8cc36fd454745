"""A check of a folder that looks again only at what has changed since the last one.

What was checked is kept in a store of its own, with the names of the files in which something was
found. Looked at again are those, the files that have changed, and those that a change touches. What
cannot be told so, such as a change of the shapes, has everything looked at.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from itertools import chain
from pathlib import Path

from pyoxigraph import DefaultGraph, NamedNode

from . import folder, listing, loading, opening, shapes, validation
from .audits import Auditor
from .embedded import Embedded
from .findings import Checked, Reporter
from .folder import Document, UnreadableError
from .listing import Listing
from .loading import SameTopicError
from .opening import KEPT
from .store import Node, Store

_MOST = 0.5
"""The part of all files beyond which it is quicker to look at everything."""


def check(root: Path, language: str | None = None) -> Checked:
    """Check a catalogue's folder, with messages in the language or the fallback.

    Raises NoCatalogueError or UnknownLanguageError.
    """
    kept = _Kept(root, (root / KEPT / "checked").resolve())
    try:
        found = kept.again(language)
    except (OSError, UnreadableError, SameTopicError):  # the store is in use, or has to be made
        found = None
    if found is None:
        contents = opening.read(root)
        found = opening.check(root, contents, contents.paths, language)
        if not contents.unreadable:
            kept.anew(found)
    return found


@dataclass(frozen=True)
class _Kept:
    """What is kept of the last check of a folder."""

    root: Path
    place: Path

    def again(self, language: str | None) -> Checked | None:
        """Look again at what has changed, or give None where that is not known."""
        faulty, listed = self._faulty(), listing.read(self._list)
        if faulty is None or listed is None:
            return None
        store = Embedded(self.place / "store")
        names = self._touched(store, listed)
        if names is None or len(names | faulty) > _MOST * len(self._files):
            return None
        self._note.unlink()
        loading.synchronise(self.root, store, self._list)
        homes = _Homes(store, self.root, listing.read(self._list) or Listing())
        opened = opening.of_store(self.root, store)
        files, languages = self._files.values(), opened.preferring(language)
        auditor = Auditor(store, Reporter(opened.phrases, opened.reader, languages), homes, _same)
        audited = {finding.path for finding in auditor.findings(set(files), None)}
        wanted = [p for name, p in self._files.items() if name in names | faulty or p in audited]
        documents = list(map(folder.read, wanted))
        checked = opened.admission.checked(documents, languages, files, store)
        self._write(checked)
        return checked

    def anew(self, checked: Checked) -> None:
        """Keep what a check of everything has found, if the folder can be written to."""
        try:
            self._note.unlink(missing_ok=True)
            self.place.mkdir(parents=True, exist_ok=True)
            loading.synchronise(self.root, Embedded(self.place / "store"), self._list)
            self._write(checked)
        except (OSError, UnreadableError, SameTopicError):
            return

    @property
    def _note(self) -> Path:
        return self.place / "checked.json"

    @property
    def _list(self) -> Path:
        return self.place / "files.json"

    @cached_property
    def _files(self) -> dict[str, Path]:
        return {str(path.relative_to(self.root)): path for path in folder.files(self.root)}

    def _faulty(self) -> set[str] | None:
        """Give the names of the files in which the last check of this program found something."""
        try:
            note = json.loads(self._note.read_text())
        except (OSError, ValueError):
            return None
        return set(note["faulty"]) if note["program"] == _program() else None

    def _write(self, checked: Checked) -> None:
        names = {path: name for name, path in self._files.items()}
        faulty = {finding.path for finding in checked.findings}
        if faulty <= names.keys():
            note = {"program": _program(), "faulty": sorted(names[path] for path in faulty)}
            self._note.write_text(json.dumps(note))

    def _touched(self, store: Store, listed: Listing) -> set[str] | None:
        """Give the files that have changed and those that they touch, or None for all of them."""
        held = listed.files
        sums = {name: folder.checksum(path) for name, path in self._files.items()}
        changed = {name for name in sums if name not in held or held[name].checksum != sums[name]}
        left = sums.keys() - changed
        before = {topic for name in held.keys() - left for topic in held[name].graphs}
        kept = {topic: name for name in left for topic in held[name].graphs}
        documents = [folder.read(self._files[name]) for name in sorted(changed)]
        after = [topic for document in documents for topic in document.topics]
        if len({*after, *kept}) < len(after) + len(kept) or _has_shapes(store, before, documents):
            return None  # two files on one topic; other shapes
        if not before and not documents:
            return set()
        gone = Document(self.root, (), tuple(before.difference(after)), {})
        admission = opening.of_store(self.root, store).admission
        touched = chain.from_iterable(map(admission.touched, (*documents, gone)))
        return changed | {kept[graph] for graph in touched if graph in kept}


@dataclass(frozen=True)
class _Homes(Mapping[str, Path]):
    """The files in which things are described, by their IRIs, as the store and its list have it."""

    store: Store
    root: Path
    listed: Listing

    def __getitem__(self, thing: str) -> Path:
        graphs = {quad.graph_name for quad in self.store.quads(NamedNode(thing))}
        return min(self._files[graph] for graph in graphs)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return len(self.listed.files)

    @cached_property
    def _files(self) -> dict[Node | DefaultGraph, Path]:
        held = self.listed.files.items()
        return {NamedNode(graph): self.root / name for name, one in held for graph in one.graphs}


def _same(_subject: str, predicate: str) -> str:
    return predicate


def _has_shapes(store: Store, before: Iterable[str], after: Iterable[Document]) -> bool:
    """Tell whether anything of SHACL stands in graphs, or in documents."""
    old = (quad for graph in before for quad in store.graph(graph))
    new = (quad for document in after for quad in document.quads)
    return any(quad.predicate.value.startswith(shapes.SH) for quad in chain(old, new))


def _program() -> str:
    """Give what tells this program from others, which may find something else."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    content = b"".join(source.read_bytes() for source in sources)
    return f"{hashlib.sha256(content).hexdigest()} {validation.ENGINE} {version(validation.ENGINE)}"
