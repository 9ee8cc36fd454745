"""A folder opened as a catalogue: served, loaded into a store elsewhere, gathered, checked."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..catalogue import catalogue as catalogue_catalogue
from ..catalogue import documents, loading
from ..catalogue.catalogue import (
    WORK_FOLDER,
    Catalogue,
    NoCatalogueError,
    open_in_memory,
    open_store,
    require_catalogue,
)
from ..catalogue.change_log import ChangeLog
from ..catalogue.documents import UnreadableError
from ..catalogue.loading import Progress, no_progress
from ..editing.writer import EntryWriter
from ..search import index as search_index
from ..search.index_file import IndexFile
from ..storage import files as storage_files
from ..storage.oxigraph import OxigraphStore, Snapshots
from ..storage.remote import Endpoint, RemoteStore
from .services import Services, index_of

_LOG = "changes"
_INDEX = "index.db"
_FILES = "files.json"


def open_for_serving(root: Path, progress: Progress = no_progress) -> Services:
    """Open a catalogue with its store on disk, brought in step with the folder.

    Of a file that cannot be read, or is about what another one is about, the store keeps what it
    has; the catalogue tells which files those are. Raises NoCatalogueError.
    """
    require_catalogue(root)
    kept = (root / WORK_FOLDER).resolve()  # a store in use does not follow its process elsewhere
    try:
        kept.mkdir(exist_ok=True)
        store = OxigraphStore(kept / "store")
    except OSError as error:
        raise NoCatalogueError(f"{kept}: the store is in use, or no store: {error}") from error
    log = ChangeLog(kept / _LOG)
    storage_files.remove_partial_files(root / documents.FOLDERS[-1])
    left: list[UnreadableError] = []
    loading.synchronise(root, store, kept / _FILES, progress, log, left)
    snapshots = Snapshots(store, kept / "snapshots")
    opened = replace(open_store(root, store), unreadable=tuple(left))
    return _indexed(opened, snapshots, log, kept, () if left else tuple(documents.list_files(root)))


def entry_writer(services: Services) -> EntryWriter:
    """Return the writer of a catalogue that `serve` has opened."""
    catalogue = services.catalogue
    listed = (catalogue.folder / WORK_FOLDER / _FILES).resolve()
    return EntryWriter(catalogue, listed, services.search, services.log)


def load_store(root: Path, endpoint: Endpoint, progress: Progress = no_progress) -> str:
    """Bring a store elsewhere in step with the folder and give the release.

    Goes on where it broke off before. Raises NoCatalogueError, UnreadableError, SameTopicError or
    StoreError.
    """
    require_catalogue(root)
    path = _listing(root, endpoint)
    path.parent.mkdir(parents=True, exist_ok=True)
    log = ChangeLog(path.with_suffix(f".{_LOG}"))
    return loading.synchronise(root, RemoteStore(endpoint, OxigraphStore()), path, progress, log)


def open_remote_for_serving(root: Path, endpoint: Endpoint) -> Services:
    """Open a catalogue whose entries are in a store elsewhere; it is only read.

    Raises NoCatalogueError, UnreadableError or StoreError.
    """
    require_catalogue(root)
    opened = open_in_memory(
        map(documents.read_document, documents.list_files(root, documents.FOLDERS[:-1])), root
    )
    assert isinstance(opened.store, OxigraphStore)
    store = RemoteStore(endpoint, opened.store)
    release = store.version()
    if release.partition("-")[0] != loading.domain_release(root):
        held = f"release {release}" if release else "no whole catalogue"
        raise NoCatalogueError(
            f"{endpoint.address} holds {held}, not what this folder says; "
            "`practicegraph load` brings it in step"
        )
    log, kept = _log_elsewhere(root, endpoint, release), _listing(root, endpoint).with_suffix("")
    return _indexed(replace(opened, store=store), endpoint, log, kept)


def _indexed(
    catalogue: Catalogue,
    source: Endpoint | Snapshots,
    log: ChangeLog,
    kept: Path,
    files: Sequence[Path] = (),
) -> Services:
    """Return the services of a catalogue with the index that a folder holds, brought in step.

    Where it is built, it may read the files that the store was filled from. Raises UnreadableError.
    """
    kept.mkdir(parents=True, exist_ok=True)
    index = index_of(catalogue, IndexFile.open(kept / _INDEX))
    before = index.release
    search_index.try_synchronise(index, catalogue.release, log, files)
    if (
        files
        and index.release != before
        and loading.folder_release(catalogue.folder) != index.release
    ):
        index.build((), **index.metadata)  # a file was edited while it was read
    return Services(catalogue, source, log, index)


def _listing(root: Path, endpoint: Endpoint) -> Path:
    """Give where the list of what a store elsewhere holds stands."""
    name = hashlib.sha256(endpoint.address.encode()).hexdigest()[:16]
    return root / WORK_FOLDER / "stores" / f"{name}.json"


def _log_elsewhere(root: Path, endpoint: Endpoint, release: str) -> ChangeLog:
    """Give the log of a store elsewhere, which may have another address for those who load it."""
    own = ChangeLog(_listing(root, endpoint).with_suffix(f".{_LOG}"))
    others = map(ChangeLog, sorted(own.folder.parent.glob(f"*.{_LOG}")))
    return next((log for log in (own, *others) if log.release == release), own)


def open_for_reading(root: Path, progress: Progress = no_progress) -> Catalogue:
    """Open a catalogue to read all of it, beside a service too.

    Where a service has the store and the folder has changed since it started, the files are read
    into memory. Raises NoCatalogueError, UnreadableError or SameTopicError.
    """
    release = loading.folder_release(root)
    snapshot = (root / WORK_FOLDER).resolve() / "snapshots" / release
    if snapshot.is_dir():
        return catalogue_catalogue.open_snapshot(
            root, snapshot, catalogue_catalogue.read_prefixes(root)
        )
    try:
        return open_for_serving(root, progress).catalogue
    except NoCatalogueError:
        found = catalogue_catalogue.open_in_memory(
            map(documents.read_document, documents.list_files(root)), root
        )
        found.store.set_version(release)
        return found


def open_remote_for_reading(root: Path, endpoint: Endpoint) -> Catalogue:
    """Open a catalogue whose entries are in a store elsewhere, to read all of it.

    Raises NoCatalogueError, UnreadableError or StoreError.
    """
    found = open_remote_for_serving(root, endpoint).catalogue
    assert isinstance(found.store, RemoteStore)
    # The graph that says the release is read from memory, as all that the folder holds.
    found.store.own.set_version(found.release)
    return found
