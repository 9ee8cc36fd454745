"""Creating, updating and withdrawing an entry: permissions, preconditions, validation, writing.

One edit is carried out at a time, from reading an entry until it is written anew.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pyoxigraph import Literal, NamedNode, Triple

from ..catalogue import change_log, documents
from ..catalogue.catalogue import Catalogue, GraphDigests
from ..catalogue.documents import Document
from ..errors import CatalogueError
from ..rdf import terms
from ..validation import reports
from ..validation.findings import ValidationReport
from ..validation.incremental import IncrementalValidator
from . import identifiers, revision
from .revision import Revision
from .tokens import CHANGE, CREATE, REMOVE, TokenHolder
from .writer import EntryWriter


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
class EntryEditor:
    """Edits the entries of a catalogue; all methods raise CatalogueError."""

    catalogue: Catalogue
    digests: GraphDigests
    validator: IncrementalValidator
    writer: EntryWriter

    def put(self, identifier: str, body: EntryBody, request: EditRequest) -> bool:
        """Update an entry, or create it; return whether it is new."""
        with self.writer.lock:
            entry, before = self._read(identifier)
            _require(request, CHANGE if before else CREATE)
            request.precondition(self.digests.digest(entry.value))
            sent = self._with_identifier(entry, body.parse(entry, before), identifier)
            after = revision.revise(entry, before, sent, request.edit)
            if after != before:
                _require_for_status(request, entry, before, after)
                self._write(identifier, before, after, request, body.turtle())
            return not before

    def create(self, body: EntryBody, request: EditRequest) -> str:
        """Create an entry under an identifier that none has ever had, and return that."""
        with self.writer.lock:
            _require(request, CREATE)
            nameless = NamedNode(self.catalogue.entry_iri(identifiers.PLACEHOLDER))
            sent = body.parse(nameless, [])
            identifier = self._new_identifier(nameless, sent)
            entry = NamedNode(self.catalogue.entry_iri(identifier))
            sent = identifiers.with_new_iri(sent, nameless, entry)
            sent = self._with_identifier(entry, sent, identifier)
            after = revision.revise(entry, [], sent, request.edit)
            self._write(identifier, [], after, request, body.turtle())
            return identifier

    def withdraw(self, identifier: str, request: EditRequest) -> None:
        """Replace an entry by a tombstone."""
        with self.writer.lock:
            entry, before = self._read(identifier)
            _require(request, REMOVE)
            if not before:
                raise CatalogueError(kind="notFound")
            request.precondition(self.digests.digest(entry.value))
            if revision.is_tombstone(entry, before):
                raise CatalogueError(kind="alreadyWithdrawn")
            wordings = self.catalogue.phrases.translations("missingReason")
            no_reason = [Literal(text, language=tag) for tag, text in wordings.items()]
            after = revision.withdraw(entry, before, request.edit, no_reason)
            self._write(identifier, before, after, request)

    def _read(self, identifier: str) -> tuple[NamedNode, list[Triple]]:
        """Return the IRI of an entry that there is or may be, and its triples now."""
        if not identifiers.is_valid(self.catalogue.shapes.entry_shape, identifier):
            raise CatalogueError(kind="unknownIdentifier", identifier=identifier)
        entry = NamedNode(self.catalogue.entry_iri(identifier))
        return entry, [quad.triple for quad in self.catalogue.store.graph_quads(entry.value)]

    def _with_identifier(
        self, entry: NamedNode, triples: Sequence[Triple], identifier: str
    ) -> list[Triple]:
        shape = self.catalogue.shapes.entry_shape
        return identifiers.with_identifier(shape, entry, triples, identifier)

    def _new_identifier(self, nameless: NamedNode, sent: Sequence[Triple]) -> str:
        """Return the identifier that a new entry states, or a proposed one."""
        shape, languages = self.catalogue.shapes.entry_shape, self.catalogue.languages
        stated = identifiers.stated_identifier(shape, nameless, sent)
        if stated and not identifiers.is_valid(shape, stated):
            raise CatalogueError(kind="invalidIdentifier", identifier=stated)
        if stated and self.writer.is_taken(stated):
            raise CatalogueError(kind="identifierTaken", identifier=stated)
        proposed = identifiers.propose_identifiers(shape, nameless, sent, languages)
        return stated or next(each for each in proposed if not self.writer.is_taken(each))

    def _write(
        self,
        identifier: str,
        before: Sequence[Triple],
        after: Sequence[Triple],
        request: EditRequest,
        turtle: str = "",
    ) -> None:
        """Write an entry if the shapes admit it."""
        path = self.writer.file_for(identifier, before)
        iri = self.catalogue.entry_iri(identifier)
        content = self.catalogue.writer.write(after, iri).encode()
        document = documents.parse_document(path, content)
        report = self.validator.check(_as_sent(document, turtle), request.languages)
        report = report.moved_up(1 if turtle else 0)
        if report.violations:
            raise NotAdmittedError(report)
        _require_same(document, after)
        try:
            self.writer.write(document)
        except OSError as error:
            raise CatalogueError(kind="folderNotWritable", reason=error.strerror) from error


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
    """Return a document as findings refer to it: with the client's own text if that is Turtle.

    A line before the text states its base.
    """
    renamed = replace(document, path=Path(document.path.name))
    base = f"@base <{document.topics[0]}> .\n"
    return replace(renamed, content=(base + turtle).encode()) if turtle else renamed


def _require_same(document: Document, triples: Sequence[Triple]) -> None:
    """Raise CatalogueError where a file does not state the triples, to the last one.

    Entries that the shapes admit have few blank nodes; of others, canonical names may take forever.
    """
    stated = [quad.triple for quad in document.quads]
    if _canonical(stated) != _canonical(triples):
        raise CatalogueError(kind="unsupportedNodes")


def _canonical(triples: Sequence[Triple]) -> bytes:
    return terms.canonical_n_triples(terms.write_n_triples(triples))
