"""A folder opened as a catalogue: served, loaded into a store elsewhere, gathered, checked."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pyoxigraph import NamedNode

from . import (
    files,
    folder,
    following,
    loading,
    permanence,
    phrases,
    questions,
    shapes,
    vocabularies,
)
from .audits import Fetch
from .catalogue import Catalogue
from .changes import Log
from .checks import Checker
from .embedded import Embedded
from .endpoint import Endpoint
from .findings import Checked
from .folder import Contents, Document, UnreadableError
from .loading import Watch, unwatched
from .remote import Remote
from .shelf import Shelf
from .snapshots import Snapshots
from .store import RDF, Store
from .writing import Writing

KEPT = ".practicegraph"
"""The folder, in a catalogue's, of all that is made of its files."""
_DATASET = NamedNode("http://www.w3.org/ns/dcat#Catalog")
_SPACE = "http://rdfs.org/ns/void#uriSpace"
_LOG = "changes"
_INDEX = "index.db"
_FILES = "files.json"


class NoCatalogueError(ValueError):
    """A folder that holds no catalogue."""


def serve(root: Path, watch: Watch = unwatched) -> Catalogue:
    """Open a catalogue with its store on disk, brought in step with the folder.

    Of a file that cannot be read, or is about what another one is about, the store keeps what it
    has; the catalogue tells which files those are. Raises NoCatalogueError.
    """
    _refuse_others(root)
    kept = (root / KEPT).resolve()  # a store in use does not follow its process elsewhere
    try:
        kept.mkdir(exist_ok=True)
        store = Embedded(kept / "store")
    except OSError as error:
        raise NoCatalogueError(f"{kept}: the store is in use, or no store: {error}") from error
    log = Log(kept / _LOG)
    files.sweep(root / folder.PARTS[-1])
    left: list[UnreadableError] = []
    loading.synchronise(root, store, kept / _FILES, watch, log, left)
    snapshots = Snapshots(store, kept / "snapshots")
    opened = replace(of_store(root, store), source=snapshots, log=log, left=tuple(left))
    return _indexed(opened, kept, () if left else tuple(folder.files(root)))


def of_store(root: Path, store: Store) -> Catalogue:
    """Open a catalogue whose store is in step with the folder, but for what cannot be read."""
    heads = folder.contents(folder.files(root, folder.PARTS[:3])).documents
    return _catalogue(root, store, heads)


def writing(catalogue: Catalogue) -> Writing:
    """Give what writes to a catalogue that `serve` has opened."""
    return Writing(catalogue, (catalogue.folder / KEPT / _FILES).resolve())


def load(root: Path, endpoint: Endpoint, watch: Watch = unwatched) -> str:
    """Bring a store elsewhere in step with the folder and give the release.

    Goes on where it broke off before. Raises NoCatalogueError, UnreadableError, SameTopicError or
    StoreError.
    """
    _refuse_others(root)
    path = _listing(root, endpoint)
    path.parent.mkdir(parents=True, exist_ok=True)
    log = Log(path.with_suffix(f".{_LOG}"))
    return loading.synchronise(root, Remote(endpoint, Embedded()), path, watch, log)


def serve_elsewhere(root: Path, endpoint: Endpoint) -> Catalogue:
    """Open a catalogue whose entries are in a store elsewhere; it is only read.

    Raises NoCatalogueError, UnreadableError or StoreError.
    """
    _refuse_others(root)
    opened = gather(map(folder.read, folder.files(root, folder.PARTS[:-1])), root)
    assert isinstance(opened.store, Embedded)
    store = Remote(endpoint, opened.store)
    release = store.version()
    if release.partition("-")[0] != loading.domain(root):
        held = f"release {release}" if release else "no whole catalogue"
        raise NoCatalogueError(
            f"{endpoint.address} holds {held}, not what this folder says; "
            "`practicegraph load` brings it in step"
        )
    log, kept = _log_elsewhere(root, endpoint, release), _listing(root, endpoint).with_suffix("")
    return _indexed(replace(opened, store=store, source=endpoint, log=log), kept)


def of_snapshot(root: Path, snapshot: Path, prefixes: Mapping[str, str]) -> Catalogue:
    """Open a release to be read only, beside the service that has it; raises OSError."""
    opened = _catalogue(root, Embedded.of_snapshot(snapshot), ())
    return replace(opened, prefixes=prefixes, source=snapshot)


def prefixes(root: Path) -> dict[str, str]:
    """Give the prefixes of the ontology and the shapes; raises UnreadableError."""
    return _prefixes(folder.read(path) for path in folder.files(root, folder.PARTS[:2]))


def gather(documents: Iterable[Document], root: Path) -> Catalogue:
    """Open the documents as a catalogue in memory."""
    listed = list(documents)
    store = Embedded()
    store.add(quad for document in listed for quad in document.quads)
    return _catalogue(root, store, listed)


def read(root: Path, instead: Sequence[Path] = ()) -> Contents:
    """Read a folder's files; others given stand in the place of those on the same topic."""
    _refuse_others(root)
    given = {path.resolve() for path in instead}
    inside = folder.contents(path for path in folder.files(root) if path.resolve() not in given)
    others = folder.contents(instead)
    joined = inside.with_others(others.documents)
    return Contents(joined.documents, (*inside.unreadable, *others.unreadable))


def check(
    root: Path,
    contents: Contents,
    wanted: Iterable[Path],
    language: str | None = None,
    fetch: Fetch | None = None,
) -> Checked:
    """Check the wanted ones of the files, with messages in the language or the fallback.

    Addresses elsewhere are asked with `fetch`, or not at all. Raises UnknownLanguageError.
    """
    checker = checker_of(gather(contents.documents, root), language, fetch)
    return checker.check(contents.documents, contents.unreadable, wanted)


def checker_of(
    opened: Catalogue, language: str | None = None, fetch: Fetch | None = None
) -> Checker:
    """Give what checks a catalogue, with messages in the language; raises UnknownLanguageError."""
    return Checker(
        opened.store,
        opened.store,
        opened.rules,
        opened.shapes,
        opened.phrases,
        opened.reader,
        opened.permanence,
        opened.base,
        opened.preferring(language),
        opened.store,
        fetch,
    )


def _catalogue(root: Path, store: Store, heads: Sequence[Document]) -> Catalogue:
    """Give a catalogue: what the store says, with prefixes and questions as the files have them."""
    return Catalogue(
        folder=root,
        store=store,
        base=_base(root, store),
        shapes=shapes.read(store),
        phrases=phrases.read(store),
        vocabularies=vocabularies.read(store, permanence.read(store)),
        prefixes=_prefixes(heads),
        questions=questions.read(store, _texts(heads)),
    )


def _base(root: Path, store: Store) -> str:
    """Give what the addresses of a catalogue begin with: its own IRI, which it says to be that."""
    spaces = store.subjects(_SPACE)
    found = [node for node in store.subjects(RDF + "type", _DATASET) if node in spaces] or spaces
    found += store.subjects(RDF + "type", _DATASET)
    base = next((node.value for node in found if isinstance(node, NamedNode)), None)
    if base is None:
        raise NoCatalogueError(f"{root}: no dcat:Catalog says its void:uriSpace")
    return base


def _indexed(catalogue: Catalogue, kept: Path, files: Sequence[Path] = ()) -> Catalogue:
    """Give the catalogue with the index that is kept in a folder, brought in step.

    Where it is built, it may read the files that the store was filled from. Raises UnreadableError.
    """
    kept.mkdir(parents=True, exist_ok=True)
    index = catalogue.indexed(Shelf.at(kept / _INDEX))
    before = index.release
    following.follow(index, catalogue.release, catalogue.log, files)
    if files and index.release != before and loading.release(catalogue.folder) != index.release:
        index.build((), **index.said)  # a file was edited while it was read
    return replace(catalogue, index=index)


def _listing(root: Path, endpoint: Endpoint) -> Path:
    """Give where the list of what a store elsewhere holds stands."""
    name = hashlib.sha256(endpoint.address.encode()).hexdigest()[:16]
    return root / KEPT / "stores" / f"{name}.json"


def _log_elsewhere(root: Path, endpoint: Endpoint, release: str) -> Log:
    """Give the log of a store elsewhere, which may have another address for those who load it."""
    own = Log(_listing(root, endpoint).with_suffix(f".{_LOG}"))
    others = map(Log, sorted(own.folder.parent.glob(f"*.{_LOG}")))
    return next((log for log in (own, *others) if log.release == release), own)


def _texts(documents: Iterable[Document]) -> dict[str, str]:
    return {document.topics[0]: document.sparql for document in documents if document.sparql}


def _prefixes(documents: Iterable[Document]) -> dict[str, str]:
    found: dict[str, str] = {}
    for document in documents:
        for prefix, namespace in document.prefixes.items():
            found.setdefault(prefix, namespace)
    return found


def _refuse_others(root: Path) -> None:
    if not folder.is_catalogue(root):
        raise NoCatalogueError(f"{root}: no catalogue; it has no folders ontology/ and shapes/")
