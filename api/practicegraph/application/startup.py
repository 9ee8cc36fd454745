"""Opening a folder as a catalogue: to serve it, to load it into a store elsewhere, to read it."""

import errno
import hashlib
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import chain
from pathlib import Path

from ..catalogue import documents, loading
from ..catalogue.catalogue import (
    WORK_FOLDER,
    Catalogue,
    NoCatalogueError,
    open_in_memory,
    open_snapshot,
    open_store,
    read_prefixes,
    require_catalogue,
)
from ..catalogue.change_log import ChangeLog, StateFile
from ..catalogue.documents import UnreadableError
from ..catalogue.loading import Progress, no_progress
from ..editing.editor import EntryEditor, EntryWriter, Replica
from ..search import index as search_index
from ..search.index import Index
from ..search.index_data import IndexFile
from ..storage import files as storage_files
from ..storage.oxigraph import OxigraphStore, Snapshots
from ..storage.remote import Endpoint, RemoteStore
from .services import Services, index_of

_STATE = "state.db"
_INDEX = "index-{segment}.db"


def open_for_serving(root: Path, progress: Progress = no_progress) -> Services:
    """Open a catalogue with its store on disk, brought in step with the folder.

    Of a file that is unreadable, or has the topic of another one, the store keeps the last whole
    version; `Catalogue.unreadable` lists these files. Raises NoCatalogueError.
    """
    catalogue, store, state = _open_folder(root, progress)
    work = _work_folder(root)
    snapshots = Snapshots(store, work / "snapshots")
    files = () if catalogue.unreadable else tuple(documents.list_files(root))
    return _with_index(catalogue, snapshots, ChangeLog(state, store), work, files)


def entry_editor(services: Services) -> EntryEditor:
    """Return the editor of a catalogue that `open_for_serving` has opened."""
    return EntryEditor(services.catalogue, services.validator, EntryWriter(replica_of(services)))


def replica_of(services: Services, number: int = 0) -> Replica:
    """Return the store and the indexes of a catalogue, in step with an event of its change log."""
    assert services.log
    indexes = [each.search for each in services.of_kinds]
    return Replica(services.catalogue, services.log, indexes, number)


def copy_for_worker(services: Services, writer: EntryWriter, folder: Path) -> int:
    """Copy the store, by hard links, and the indexes; return the number of the last event there.

    Nothing is written meanwhile. Raises OSError.
    """
    assert isinstance(services.catalogue.store, OxigraphStore)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with writer.lock:
        services.catalogue.store.snapshot(folder / "store")
        for segment, index in services.indexes.items():
            path = folder / _INDEX.format(segment=segment)
            try:
                with index.update_lock, closing(sqlite3.connect(path)) as copied:
                    index.file.connection.backup(copied)
            except sqlite3.Error as error:
                raise OSError(errno.EIO, str(error)) from error
        return writer.log.count


def open_copy(root: Path, folder: Path) -> Services:
    """Open the copy of a catalogue's store and indexes that a worker has, with the change log."""
    store = OxigraphStore(folder / "store")
    log = ChangeLog(StateFile(_work_folder(root) / _STATE), store)
    snapshots = Snapshots(store, folder / "snapshots")
    return _with_index(open_store(root, store), snapshots, log, folder)


def load_store(root: Path, endpoint: Endpoint, progress: Progress = no_progress) -> str:
    """Bring a store elsewhere in step with the folder and return the release.

    Goes on where it broke off before. Raises NoCatalogueError, UnreadableError, CatalogueError
    or StoreError.
    """
    require_catalogue(root)
    state = StateFile(_remote_work_folder(root, endpoint) / _STATE)
    return loading.synchronise(root, RemoteStore(endpoint, OxigraphStore()), state, progress)


def open_remote_for_serving(root: Path, endpoint: Endpoint) -> Services:
    """Open a catalogue whose entries are in a store elsewhere; it is only read.

    Raises NoCatalogueError, UnreadableError or StoreError.
    """
    require_catalogue(root)
    domain_files = documents.list_files(root, documents.FOLDERS[:-1])
    catalogue = open_in_memory(map(documents.read_document, domain_files), root)
    assert isinstance(catalogue.store, OxigraphStore)
    store = RemoteStore(endpoint, catalogue.store)
    release = store.release()
    if release.partition("-")[0] != loading.domain_release(root):
        content = f"release {release}" if release else "no whole catalogue"
        raise NoCatalogueError(
            f"{endpoint.url} holds {content}, not what this folder says; "
            "`practicegraph load` brings it in step"
        )
    logs = _remote_logs(root, store)
    own = next(logs)
    log = next((log for log in chain([own], logs) if log.is_at(release)), own)
    work = _remote_work_folder(root, endpoint)
    return _with_index(replace(catalogue, store=store), endpoint, log, work)


def open_for_reading(root: Path, progress: Progress = no_progress) -> Catalogue:
    """Open a catalogue to read all of it, even while a service has it open.

    If that service has the store and the folder has changed since it started, the files are read
    into memory. Raises NoCatalogueError, UnreadableError or CatalogueError.
    """
    release = loading.folder_release(root)
    snapshot = _work_folder(root) / "snapshots" / release
    if snapshot.is_dir():
        return open_snapshot(root, snapshot, read_prefixes(root))
    try:
        catalogue, *_ = _open_folder(root, progress)
        return catalogue
    except NoCatalogueError:
        paths = documents.list_files(root)
        catalogue = open_in_memory(map(documents.read_document, paths), root)
        catalogue.store.set_release(release)
        return catalogue


def open_remote_for_reading(root: Path, endpoint: Endpoint) -> Catalogue:
    """Open a catalogue whose entries are in a store elsewhere, to read all of it.

    Raises NoCatalogueError, UnreadableError or StoreError.
    """
    catalogue = open_remote_for_serving(root, endpoint).catalogue
    assert isinstance(catalogue.store, RemoteStore)
    # The graph that states the release is read from memory, as all that the folder holds.
    catalogue.store.local.set_release(catalogue.release)
    return catalogue


def _open_folder(root: Path, progress: Progress) -> tuple[Catalogue, OxigraphStore, StateFile]:
    """Return a catalogue with its store on disk and its state, brought in step with the folder."""
    require_catalogue(root)
    work = _work_folder(root)
    try:
        work.mkdir(exist_ok=True)
        store = OxigraphStore(work / "store")
        state = StateFile(work / _STATE)
    except OSError as error:
        raise NoCatalogueError(f"{work}: the store is in use, or no store: {error}") from error
    storage_files.remove_partial_files(root / documents.FOLDERS[-1])
    unreadable: list[UnreadableError] = []
    loading.synchronise(root, store, state, progress, unreadable)
    return replace(open_store(root, store), unreadable=tuple(unreadable)), store, state


def _work_folder(root: Path) -> Path:
    """Return the folder of the store, which does not follow its process to another folder."""
    return (root / WORK_FOLDER).resolve()


def _with_index(
    catalogue: Catalogue,
    source: Endpoint | Snapshots,
    log: ChangeLog,
    work: Path,
    files: Sequence[Path] = (),
) -> Services:
    """Return the services of a catalogue with the indexes in a folder, brought in step.

    If one is built, it may read the files that the store was filled from. Raises UnreadableError.
    """
    indexes: dict[str, Index] = {}
    for segment in catalogue.shapes.kinds:
        file = IndexFile.open(work / _INDEX.format(segment=segment))
        index = indexes[segment] = index_of(catalogue.of_kind(segment), file)
        before = index.release
        search_index.try_synchronise(index, catalogue.release, log, files)
        is_new = files and index.release != before
        if is_new and loading.folder_release(catalogue.folder) != index.release:
            index.build((), **index.metadata)  # a file was edited while it was read
    return Services(catalogue, source, log, indexes)


def _remote_work_folder(root: Path, endpoint: Endpoint) -> Path:
    """Return the folder of the state and the index of a store elsewhere."""
    name = hashlib.sha256(endpoint.url.encode()).hexdigest()[:16]
    return root / WORK_FOLDER / "stores" / name


def _remote_logs(root: Path, store: RemoteStore) -> Iterator[ChangeLog]:
    """Yield the log of a store elsewhere, then others: who loads it may use another address."""
    own = _remote_work_folder(root, store.endpoint)
    yield ChangeLog(StateFile(own / _STATE), store)
    others = sorted(own.parent.glob(f"*/{_STATE}"))
    yield from (ChangeLog(StateFile(path), store) for path in others if path.parent != own)
