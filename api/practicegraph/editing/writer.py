"""Entries written to a catalogue that is served: the file first, and then all that is made of it.

The file is the truth. From the moment at which it stands in its place, the change is made; what a
killed process leaves undone of log, store and index is done at the next start. One is written at a
time, and nothing grows with the catalogue but the hash of a release, of the checksums of all files.
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
from ..catalogue.change_recorder import Changed, Present
from ..catalogue.documents import Document, UnreadableError
from ..catalogue.loading import Held
from ..search.index import Index, synchronise
from ..storage import files


class EditedError(ValueError):
    """A file that is another one than the server has read."""


class ElsewhereError(ValueError):
    """A file that says more than one entry, or is in a form in which none is written."""


@dataclass
class EntryWriter:
    """Writes entries; the list of what the store holds stands at a path."""

    catalogue: Catalogue
    listed: Path
    index: Index
    log: ChangeLog | None = None
    turn: Lock = field(default_factory=Lock)
    """Held by whoever reads an entry to write it anew."""

    def home(self, identifier: str, before: Sequence[Triple]) -> Path:
        """Give the file of an entry, that there is or will be; EditedError or ElsewhereError."""
        path = self.catalogue.entry_path(identifier)
        if not before:
            if path.exists():
                raise self._edited(path)
            return path
        topic = self.catalogue.entry_iri(identifier)
        if self._name(path) not in self._sums:
            path = self._found(topic)
        name = self._name(path)
        if not path.is_file() or documents.checksum(path) != self._sums[name]:
            raise self._edited(path)
        if path.suffix != ".ttl" or documents.read_document(path).topics != (topic,):
            raise ElsewhereError(name)
        return path

    def write(self, document: Document, before: Sequence[Triple]) -> None:
        """Put a document in the place of what there was before of its topic; raises OSError.

        When this returns, all is on disk, and readers are given it.
        """
        name, checksum = self._name(document.path), hashlib.sha256(document.content).hexdigest()
        sums = {**self._sums, name: checksum}
        release, topic = loading.release_of(sums), document.topics[0]
        triples = [quad.triple for quad in document.quads]
        since = self.catalogue.release
        files.write_text(document.path, document.content.decode())
        self._log(Changed(since, release, name, checksum, topic, before, triples), sums)
        held = Held(checksum, loading.read_graphs(document.path).digests)
        loading.begin(self.listed, name, topic, release)
        self.catalogue.store.exchange(topic, triples, release)
        loading.end(self.listed, name, held, release)
        self._sums = sums
        synchronise(self.index, release, self.log)

    def is_taken(self, identifier: str) -> bool:
        """Tell whether an entry has, or has ever had, an identifier."""
        iri, log = self.catalogue.entry_iri(identifier), self.log
        if self.catalogue.entry_path(identifier).exists() or self.catalogue.store.holds(iri):
            return True
        return log is not None and log.knows(iri)

    @cached_property
    def _sums(self) -> Mapping[str, str]:
        """Give the checksums of the files, by name, as they are in the store."""
        found = loading.read_listing(self.listed)
        assert found, self.listed
        return {name: held.checksum for name, held in found.files.items() if held.checksum}

    def _edited(self, path: Path) -> EditedError:
        """Give the error of a file that was edited, with the reason if it cannot be read now."""
        name = self._name(path)
        try:
            documents.read_document(path)
        except UnreadableError as error:
            return EditedError(f"{name}:{error.line}:{error.column}: {error.reason}")
        return EditedError(name)

    def _found(self, topic: str) -> Path:
        found = loading.read_listing(self.listed)
        assert found, self.listed
        name = next(name for name, held in found.files.items() if topic in held.graphs)
        return self.catalogue.folder / name

    def _name(self, path: Path) -> str:
        return str(path.relative_to(self.catalogue.folder))

    def _log(self, changed: Changed, sums: Mapping[str, str]) -> None:
        log = self.log
        if log and not change_recorder.advance(log, changed):
            topics = frozenset({*self.catalogue.store.graphs(), changed.topic})
            change_recorder.record(
                log, Present(self.catalogue.folder, changed.release, sums, topics)
            )
