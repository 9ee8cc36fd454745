"""Creating, updating and withdrawing an entry: permission, precondition, validation, writing.

One edit is carried out at a time, from reading an entry until it is written anew. The file is the
truth: once it is in its place, the change is made, and what a killed process leaves undone of the
change log, the store and the search index is done at the next start. Only the hash that is the
release, over the checksums of all files, takes longer in a larger catalogue.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from threading import Lock

from pyoxigraph import Literal, NamedNode, Triple

from ..catalogue import change_log, comments, documents, loading
from ..catalogue.catalogue import Catalogue
from ..catalogue.change_log import ChangeLog
from ..catalogue.documents import Document, UnreadableError
from ..errors import CatalogueError
from ..rdf import terms
from ..search.index import Index, synchronise
from ..storage import files
from ..validation import reports
from ..validation.findings import Finding, ValidationReport
from ..validation.incremental import IncrementalValidator
from . import entry as entries
from .entry import Revision
from .tokens import CHANGE, CREATE, REMOVE, TokenHolder


class MissingPermissionError(CatalogueError):
    """A token without the permission that an edit requires."""

    def __init__(self, holder: TokenHolder, permission: str) -> None:
        text = f"{holder.name}: {permission}"
        super().__init__(text, kind="missingPermission", name=holder.name, permission=permission)
        self.holder, self.permission = holder, permission


class NotAdmittedError(CatalogueError):
    """An entry that the shapes do not admit, with the validation report."""

    def __init__(self, report: ValidationReport) -> None:
        extra = reports.to_json(report)
        super().__init__(report.summary, kind="notAdmitted", extra=extra)
        self.report = report


@dataclass(frozen=True)
class EditRequest:
    """Who requests an edit and how: the languages are those of the report.

    The precondition raises an error of its own for a digest of the entry's graph, "" for no graph.
    """

    holder: TokenHolder
    edit: Revision
    languages: Sequence[str]
    precondition: Callable[[str], None]


@dataclass(frozen=True)
class EntryBody:
    """The body of a write: `parse` returns its triples, from its IRI and those before.

    `turtle` returns the text if it is Turtle, else "", so that findings have positions in it.
    """

    parse: Callable[[NamedNode, Sequence[Triple]], Sequence[Triple]]
    turtle: Callable[[], str]


@dataclass(frozen=True)
class EditResult:
    """A written entry: its identifier, whether it is new, and the findings that are no violations.

    A write that changes nothing has no findings.
    """

    identifier: str
    is_new: bool
    findings: tuple[Finding, ...] = ()


@dataclass
class Replica:
    """A store and indexes, in step with the change log up to the event of a number.

    The process that writes puts in what it has just logged. Others read the log, and put in the
    last graph of each topic that has changed since, all in one transaction.
    """

    catalogue: Catalogue
    log: ChangeLog
    indexes: Sequence[Index]
    number: int = 0
    _release: str = field(init=False)
    _lock: Lock = field(default_factory=Lock, init=False)

    def __post_init__(self) -> None:
        """Begin at the release of the store."""
        self._release = self.catalogue.release

    def put(self, graphs: Mapping[str, Sequence[Triple]], release: str, number: int) -> None:
        """Replace graphs in the store, state the release, and bring the indexes up to date.

        `number` is that of the last event of the release. The indexes are locked meanwhile, so that
        no search builds them anew where the log is ahead.
        """
        catalogue = self.catalogue
        with ExitStack() as stack:
            for index in self.indexes:
                stack.enter_context(index.update_lock)
            _ = catalogue.vocabularies  # so that those of the release before are known
            catalogue.store.replace_graphs(graphs, release)
            listed = tuple(f"{catalogue.base}{s.segment}/" for s in catalogue.shapes.listed_kinds)
            if not any(topic.startswith(listed) for topic in graphs):
                catalogue.current.keep(release)
            for index in self.indexes:
                index.use(catalogue.vocabularies)
                synchronise(index, release, self.log, number)
        self.number, self._release = number, release

    @property
    def is_behind(self) -> bool:
        """Return whether the log is at another release, which takes microseconds."""
        return not self.log.is_at(self._release)

    def follow(self) -> None:
        """Put in what was logged since; when this returns, all that was written before is there."""
        with self._lock:
            release = self.log.release
            events = {event.topic: event for event in self.log.since(self.number)}
            graphs = {topic: event.triples for topic, event in events.items()}
            last = max(events.values(), key=lambda event: event.number, default=None)
            if last or release != self._release:
                self.put(graphs, *((last.release, last.number) if last else (release, self.number)))


@dataclass
class EntryWriter:
    """Writes entries of all kinds to the folder, the state file, the store and the indexes."""

    replica: Replica
    lock: Lock = field(default_factory=Lock)
    """Held from reading an entry until it is written anew."""

    @property
    def catalogue(self) -> Catalogue:
        """Return the catalogue."""
        return self.replica.catalogue

    @property
    def log(self) -> ChangeLog:
        """Return the change log."""
        return self.replica.log

    def file_for(self, iri: str, before: Sequence[Triple]) -> Path:
        """Return the file of an entry; raise CatalogueError."""
        path = self.catalogue.path_of_iri(iri)
        if not before:
            if path.exists():
                raise self._edited(path)
            return path
        if self._name(path) not in self._checksums:
            path = self._find_file(iri)
        name = self._name(path)
        if not path.is_file() or documents.checksum(path) != self._checksums.get(name):
            raise self._edited(path)
        if path.suffix != documents.TOPIC_SUFFIX or documents.read_document(path).topics != (iri,):
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
        with self.log.state.transaction():
            change_log.record_change(self.log, release, topic, triples)
            loading.record_write(self.log.state, name, checksum, topic, digest, release)
        self._checksums = checksums
        self.replica.put({topic: triples}, release, self.log.count)

    def is_taken(self, iri: str) -> bool:
        """Return whether an entry has, or has ever had, an IRI."""
        is_there = self.catalogue.path_of_iri(iri).exists()
        return is_there or self.catalogue.store.is_subject(iri) or self.log.has_topic(iri)

    @cached_property
    def _checksums(self) -> Mapping[str, str]:
        """Return the checksums of the files that the store holds, by name."""
        return dict(self.log.state.select("SELECT name, checksum FROM files"))

    def _edited(self, path: Path) -> CatalogueError:
        """Return the error of a file that was edited, with the reason if it is unreadable now."""
        name = self._name(path)
        try:
            documents.read_document(path)
        except UnreadableError as error:
            name = f"{name}:{error.line}:{error.column}: {error.reason}"
        return CatalogueError(kind="fileChanged", path=name)

    def _find_file(self, iri: str) -> Path:
        rows = self.log.state.select("SELECT file FROM graphs WHERE name = ?", iri)
        return self.catalogue.folder / str(rows[0][0])

    def _name(self, path: Path) -> str:
        return path.relative_to(self.catalogue.folder).as_posix()


@dataclass(frozen=True)
class EntryEditor:
    """Edits the entries of one kind; all methods raise CatalogueError."""

    catalogue: Catalogue
    validator: IncrementalValidator
    writer: EntryWriter

    def put(self, identifier: str, body: EntryBody, request: EditRequest) -> EditResult:
        """Update an entry, or create it."""
        with self.writer.lock:
            entry, before = self._read(identifier)
            _require(request, CHANGE if before else CREATE)
            request.precondition(self.catalogue.graph_digest(entry.value))
            sent = self._with_identifier(entry, body.parse(entry, before), identifier)
            after = entries.revise(entry, before, sent, self.catalogue.records, request.edit)
            if after == before:
                return EditResult(identifier, is_new=False)
            _require_for_status(request, entry, before, after)
            return self._write(identifier, before, after, request, body.turtle())

    def create(self, body: EntryBody, request: EditRequest) -> EditResult:
        """Create an entry under an identifier that none has ever had."""
        with self.writer.lock:
            _require(request, CREATE)
            nameless = NamedNode(self.catalogue.entry_iri(entries.PLACEHOLDER))
            sent = body.parse(nameless, [])
            identifier = self._new_identifier(nameless, sent)
            entry = NamedNode(self.catalogue.entry_iri(identifier))
            sent = entries.with_new_iri(sent, nameless, entry)
            sent = self._with_identifier(entry, sent, identifier)
            after = entries.revise(entry, [], sent, self.catalogue.records, request.edit)
            return self._write(identifier, [], after, request, body.turtle())

    def withdraw(self, identifier: str, request: EditRequest) -> None:
        """Replace an entry by a tombstone."""
        with self.writer.lock:
            entry, before = self._read(identifier)
            _require(request, REMOVE)
            if not before:
                raise CatalogueError(kind="notFound")
            request.precondition(self.catalogue.graph_digest(entry.value))
            if entries.is_tombstone(entry, before):
                raise CatalogueError(kind="alreadyWithdrawn")
            wordings = self.catalogue.phrases.translations("missingReason")
            no_reason = [Literal(text, language=tag) for tag, text in wordings.items()]
            after = entries.withdraw(entry, before, request.edit, no_reason)
            self._write(identifier, before, after, request)

    def _read(self, identifier: str) -> tuple[NamedNode, list[Triple]]:
        """Return the IRI of an entry that there is or may be, and its triples now."""
        if not entries.is_valid(self.catalogue.shapes.entry_shape, identifier):
            raise CatalogueError(kind="unknownIdentifier", identifier=identifier)
        entry = NamedNode(self.catalogue.entry_iri(identifier))
        return entry, [quad.triple for quad in self.catalogue.store.graph_quads(entry.value)]

    def _with_identifier(
        self, entry: NamedNode, triples: Sequence[Triple], identifier: str
    ) -> list[Triple]:
        shape = self.catalogue.shapes.entry_shape
        return entries.with_identifier(shape, entry, triples, identifier)

    def _new_identifier(self, nameless: NamedNode, sent: Sequence[Triple]) -> str:
        """Return the identifier that a new entry states, or a proposed one."""
        shape, languages = self.catalogue.shapes.entry_shape, self.catalogue.languages
        stated = entries.stated_identifier(shape, nameless, sent)
        if stated and not entries.is_valid(shape, stated):
            raise CatalogueError(kind="invalidIdentifier", identifier=stated)
        if stated and self._is_taken(stated):
            raise CatalogueError(kind="identifierTaken", identifier=stated)
        proposed = entries.propose_identifiers(shape, nameless, sent, languages)
        return stated or next(name for name in proposed if not self._is_taken(name))

    def _is_taken(self, identifier: str) -> bool:
        return self.writer.is_taken(self.catalogue.entry_iri(identifier))

    def _write(
        self,
        identifier: str,
        before: Sequence[Triple],
        after: Sequence[Triple],
        request: EditRequest,
        turtle: str = "",
    ) -> EditResult:
        """Write an entry if the shapes admit it."""
        iri = self.catalogue.entry_iri(identifier)
        path = self.writer.file_for(iri, before)
        text = self.catalogue.writer.write(after, iri)
        content = comments.keep_comments(path.read_text(encoding="utf-8"), text) if before else text
        document = documents.parse_document(path, content.encode())
        report = self.validator.check(_as_sent(document, turtle), request.languages)
        if report.violations:
            raise NotAdmittedError(report)
        _require_same(document, after)
        try:
            self.writer.write(document)
        except OSError as error:
            raise CatalogueError(kind="folderNotWritable", reason=error.strerror) from error
        return EditResult(identifier, not before, report.findings)


def _require(request: EditRequest, permission: str) -> None:
    if permission not in request.holder.permissions:
        raise MissingPermissionError(request.holder, permission)


def _require_for_status(
    request: EditRequest, entry: NamedNode, before: Sequence[Triple], after: Sequence[Triple]
) -> None:
    """Require the permission to remove where an edit makes an entry one that is not current."""
    was, becomes = (change_log.lifecycle_status(entry.value, t) for t in (before, after))
    if was == change_log.CURRENT != becomes:
        _require(request, REMOVE)


def _as_sent(document: Document, turtle: str) -> Document:
    """Return a document as findings refer to it: with the client's own text if that is Turtle."""
    renamed = replace(document, path=Path(document.path.name))
    return replace(renamed, content=turtle.encode(), base=document.topics[0]) if turtle else renamed


def _require_same(document: Document, triples: Sequence[Triple]) -> None:
    """Raise CatalogueError where a file does not state the triples, to the last one.

    Entries that the shapes admit have few blank nodes; of others, canonical names may take forever.
    """
    stated = [quad.triple for quad in document.quads]
    if _canonical(stated) != _canonical(triples):
        raise CatalogueError(kind="unsupportedNodes")


def _canonical(triples: Sequence[Triple]) -> bytes:
    return terms.canonical_n_triples(terms.write_n_triples(triples))
