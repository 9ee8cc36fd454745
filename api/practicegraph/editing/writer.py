"""Writing an entry durably: its file first, then the change log, the store and the search index.

The file is the truth. Once it is in its place, the change is made; what a killed process leaves
undone of the rest is done at the next start. One entry is written at a time, and only the hash that
is the release, over the checksums of all files, takes longer in a larger catalogue.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Lock

from pyoxigraph import Triple

from ..catalogue import change_recorder, documents, loading
from ..catalogue.catalogue import Catalogue
from ..catalogue.change_log import ChangeLog
from ..catalogue.documents import Document, UnreadableError
from ..catalogue.state import StateFile
from ..errors import CatalogueError
from ..search.index import Index, synchronise
from ..storage import files


@dataclass
class EntryWriter:
    """Writes entries to the folder, the state file, the store and the search index."""

    catalogue: Catalogue
    state: StateFile
    index: Index
    lock: Lock = field(default_factory=Lock)
    """Held from reading an entry until it is written anew."""

    @cached_property
    def log(self) -> ChangeLog:
        """Return the change log."""
        return ChangeLog(self.state)

    def file_for(self, identifier: str, before: Sequence[Triple]) -> Path:
        """Return the file of an entry; raise CatalogueError."""
        path = self.catalogue.entry_path(identifier)
        if not before:
            if path.exists():
                raise self._edited(path)
            return path
        iri = self.catalogue.entry_iri(identifier)
        if self._name(path) not in self._checksums:
            path = self._find_file(iri)
        name = self._name(path)
        if not path.is_file() or documents.checksum(path) != self._checksums.get(name):
            raise self._edited(path)
        if path.suffix != ".ttl" or documents.read_document(path).topics != (iri,):
            raise CatalogueError(kind="fileNotWritable", path=name)
        return path

    def write(self, document: Document) -> None:
        """Replace the graph of a document's topic; raise OSError.

        When this returns, all is on disk, and readers see it.
        """
        name, checksum = self._name(document.path), hashlib.sha256(document.content).hexdigest()
        checksums = {**self._checksums, name: checksum}
        release, topic = loading.compute_release(checksums), document.topics[0]
        triples = [quad.triple for quad in document.quads]
        files.write_text(document.path, document.content.decode())
        digest = loading.graph_digest(document.quads)
        with self.state.transaction():
            change_recorder.record_change(self.log, release, topic, triples)
            loading.record_write(self.state, name, checksum, topic, digest, release)
        self.catalogue.store.replace_graph(topic, triples, release)
        self._checksums = checksums
        synchronise(self.index, release, self.log)

    def is_taken(self, identifier: str) -> bool:
        """Return whether an entry has, or has ever had, an identifier."""
        iri = self.catalogue.entry_iri(identifier)
        is_there = self.catalogue.entry_path(identifier).exists()
        return is_there or self.catalogue.store.is_subject(iri) or self.log.has_topic(iri)

    @cached_property
    def _checksums(self) -> Mapping[str, str]:
        """Return the checksums of the files that the store holds, by name."""
        return dict(self.state.select("SELECT name, checksum FROM files"))

    def _edited(self, path: Path) -> CatalogueError:
        """Return the error of a file that was edited, with the reason if it is unreadable now."""
        name = self._name(path)
        try:
            documents.read_document(path)
        except UnreadableError as error:
            name = f"{name}:{error.line}:{error.column}: {error.reason}"
        return CatalogueError(kind="fileChanged", path=name)

    def _find_file(self, iri: str) -> Path:
        rows = self.state.select("SELECT file FROM graphs WHERE name = ?", iri)
        return self.catalogue.folder / str(rows[0][0])

    def _name(self, path: Path) -> str:
        return str(path.relative_to(self.catalogue.folder))
