"""Entries in a writer's turn: the state compared, the body read, the shapes asked, all written.

Who sends a request, by a bearer token (RFC 6750), and whether that may be done.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path

from fastapi import Request, Response
from pyoxigraph import Literal, NamedNode, Triple

from ...catalogue import change_log, documents
from ...catalogue.documents import Document
from ...editing import entry as editing_entry
from ...editing.entry import Edit, EntryJsonParser
from ...editing.tokens import CHANGE, CREATE, REMOVE, TokenFile, TokenFileError, TokenHolder
from ...editing.writer import EditedFileError, EntryWriter, UnwritableFileError
from ...rdf import terms
from ...schema.value_parser import ValueParser
from ..context import Site
from ..document import Contexts
from ..http import conditional, negotiation, responses
from ..http.errors import RefusalError, UnknownAddressError
from ..http.negotiation import JSON, TURTLE
from ..problems import NotAdmittedError
from ..resources.resource import Resources
from . import bodies
from .bodies import Body
from .parsing import Parsing

_REALM = 'Bearer realm="{name}"'


def exist(bearers: TokenFile) -> bool:
    """Tell whether anybody may write; raises RefusalError where the list cannot be read."""
    try:
        return bearers.exist
    except TokenFileError as error:
        raise RefusalError(HTTPStatus.INTERNAL_SERVER_ERROR, "noTokens") from error


def bearer(request: Request, bearers: TokenFile, name: str) -> TokenHolder:
    """Give who sends a request to a catalogue of that name; raises RefusalError (401)."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise _unauthorised("noToken", _REALM.format(name=name))
    found = bearers.bearer(token.strip())
    if found is None:
        raise _unauthorised("wrongToken", f'{_REALM.format(name=name)}, error="invalid_token"')
    return found


def demand(found: TokenHolder, right: str, name: str) -> None:
    """Raise RefusalError (403) where somebody has not the right (section 3.1)."""
    if right in found.rights:
        return
    refusal = RefusalError(HTTPStatus.FORBIDDEN, "noRight", name=found.name, right=right)
    challenge = f'{_REALM.format(name=name)}, error="insufficient_scope", scope="{right}"'
    refusal.headers = {"WWW-Authenticate": challenge}
    raise refusal


def _unauthorised(phrase: str, challenge: str) -> RefusalError:
    refusal = RefusalError(HTTPStatus.UNAUTHORIZED, phrase, "tokenHint")
    refusal.headers = {"WWW-Authenticate": challenge}
    return refusal


_LONGEST = 1000  # letters of a reason


@dataclass(frozen=True)
class Change:
    """What is said of an entry before and after a change, and the body that was sent, if any."""

    entry: NamedNode
    before: Sequence[Triple]
    after: Sequence[Triple]
    sent: Body | None = None

    @property
    def lines(self) -> int:
        """Give how many lines stand before the body where it is shown."""
        return 1 if self._is_shown else 0

    def shown(self, document: Document) -> Document:
        """Give the file of an entry as findings show it: in the writer's own Turtle if it is that.

        It says what addresses begin with, as for who reads the body.
        """
        named = replace(document, path=Path(document.path.name))
        if not self._is_shown or self.sent is None:
            return named
        return replace(named, content=f"@base {self.entry} .\n{self.sent.text}".encode())

    @property
    def _is_shown(self) -> bool:
        return self.sent is not None and self.sent.form == TURTLE


@dataclass(frozen=True)
class Entries:
    """Writes the entries of a catalogue as requests ask for it."""

    site: Site
    writing: EntryWriter
    parsing: Parsing

    def put(self, request: Request, identifier: str, body: Body, bearer: TokenHolder) -> Response:
        """Write an entry anew, or a new one, and answer with it; raises RefusalError."""
        with self.writing.lock:
            catalogue = self.site.catalogue
            entry, before = self._present(identifier)
            self._demand(bearer, CHANGE if before else CREATE)
            conditional.hold(request, self.site.services.states.of(entry.value))
            said = self._said(request, body, entry, before)
            said = editing_entry.identified(catalogue.shapes.entry_shape, entry, said, identifier)
            after = editing_entry.revised(entry, before, said, _deed(request, self.site, bearer))
            if after != before:
                self._demand_fate(entry, before, after, bearer)
                self._write(request, Change(entry, before, after, body))
            return self._answer(request, identifier, 200 if before else 201)

    def post(self, request: Request, body: Body, bearer: TokenHolder) -> Response:
        """Write a new entry under an identifier that none has ever had; raises RefusalError."""
        with self.writing.lock:
            self._demand(bearer, CREATE)
            nameless = NamedNode(self.site.catalogue.entry_iri(editing_entry.NONE))
            said = self._said(request, body, nameless, [])
            identifier = self._free(said, nameless)
            entry = NamedNode(self.site.catalogue.entry_iri(identifier))
            said = editing_entry.renamed(said, nameless, entry)
            kind = self.site.catalogue.shapes.entry_shape
            said = editing_entry.identified(kind, entry, said, identifier)
            deed = _deed(request, self.site, bearer)
            after = editing_entry.revised(entry, [], said, deed)
            self._write(request, Change(entry, [], after, body))
            return self._answer(request, identifier, 201)

    def delete(self, request: Request, identifier: str, bearer: TokenHolder) -> Response:
        """Leave a tombstone in the place of an entry; raises RefusalError."""
        with self.writing.lock:
            entry, before = self._present(identifier)
            self._demand(bearer, REMOVE)
            if not before:
                raise UnknownAddressError(identifier)
            conditional.hold(request, self.site.services.states.of(entry.value))
            if editing_entry.is_buried(entry, before):
                raise RefusalError(HTTPStatus.GONE, "isWithdrawn")
            deed = _deed(request, self.site, bearer)
            after = editing_entry.withdrawn(entry, before, deed, self._unsaid)
            self._write(request, Change(entry, before, after))
            return Response(status_code=HTTPStatus.NO_CONTENT)

    def _present(self, identifier: str) -> tuple[NamedNode, list[Triple]]:
        """Give an entry that there is or may be, with what is said of it now."""
        catalogue = self.site.catalogue
        if not editing_entry.fits(catalogue.shapes.entry_shape, identifier):
            raise RefusalError(HTTPStatus.NOT_FOUND, "badIdentifier", identifier=identifier)
        entry = NamedNode(catalogue.entry_iri(identifier))
        return entry, [quad.triple for quad in catalogue.store.graph_quads(entry.value)]

    def _said(
        self, request: Request, body: Body, entry: NamedNode, before: Sequence[Triple]
    ) -> list[Triple]:
        """Give what a body says of an entry."""
        catalogue = self.site.catalogue
        resources = Resources(self.site)
        if body.form != JSON:
            known = Contexts(catalogue).addresses(responses.root(request))
            said = self.parsing.quads(body, entry, known, catalogue.context)
            return bodies.graph(said, entry, resources.statements)
        view = self.site.view(request)
        shapes = replace(catalogue.shapes, languages=view.languages)
        values = ValueParser(shapes, catalogue.vocabularies, catalogue.phrases)
        inputs = EntryJsonParser(values, entry, _language(request, self.site))
        current = bool(before) and not editing_entry.is_buried(entry, before)
        shown = resources.as_json(request, entry.value) if current else {}
        return bodies.fields(body, inputs, shown, before if current else [])

    def _demand(self, bearer: TokenHolder, right: str) -> None:
        demand(bearer, right, self.site.catalogue.name)

    def _demand_fate(
        self,
        entry: NamedNode,
        before: Sequence[Triple],
        after: Sequence[Triple],
        bearer: TokenHolder,
    ) -> None:
        """Demand the right to remove of who makes an entry one that is no longer current."""
        fates = [change_log.lifecycle_status(entry.value, triples) for triples in (before, after)]
        if fates[0] == change_log.CURRENT != fates[1]:
            self._demand(bearer, REMOVE)

    def _free(self, said: Sequence[Triple], nameless: NamedNode) -> str:
        """Give the identifier that a new entry states, or one that none has ever had."""
        kind, languages = self.site.catalogue.shapes.entry_shape, self.site.catalogue.languages
        wanted = editing_entry.stated(kind, nameless, said)
        if wanted and not editing_entry.fits(kind, wanted):
            raise RefusalError(HTTPStatus.UNPROCESSABLE_ENTITY, "badIdentifier", identifier=wanted)
        if wanted and self.writing.is_taken(wanted):
            raise RefusalError(HTTPStatus.CONFLICT, "isTaken", identifier=wanted)
        found = editing_entry.proposals(kind, nameless, said, languages)
        return wanted or next(name for name in found if not self.writing.is_taken(name))

    def _write(self, request: Request, change: Change) -> None:
        """Write a change if the shapes admit it; raises RefusalError or NotAdmittedError."""
        try:
            path = self.writing.file_for(self._identifier(change.entry), change.before)
        except EditedFileError as error:
            raise RefusalError(HTTPStatus.CONFLICT, "isEdited", "editedHint", path=error) from error
        except UnwritableFileError as error:
            raise RefusalError(HTTPStatus.CONFLICT, "standsElsewhere", path=error) from error
        document = self._document(path, change)
        languages = self.site.view(request).languages
        validator = self.site.services.validator
        checked = validator.check(change.shown(document), languages).lifted(change.lines)
        if checked.violations:
            raise NotAdmittedError(checked)
        _refuse_unlike(document, change)
        try:
            self.writing.write(document)
        except OSError as error:
            status = HTTPStatus.INSUFFICIENT_STORAGE
            raise RefusalError(status, "notWritten", reason=error.strerror) from error

    def _document(self, path: Path, change: Change) -> Document:
        """Give the file that says what is said after a change."""
        text = self.site.catalogue.writer.write(change.after, change.entry.value)
        return documents.parse_document(path, text.encode())

    def _identifier(self, entry: NamedNode) -> str:
        return entry.value.removeprefix(self.site.catalogue.entry_iri(""))

    def _answer(self, request: Request, identifier: str, status: int) -> Response:
        """Answer with the entry as it is now, in the form that is asked for."""
        path = f"{self.site.catalogue.shapes.entry_shape.segment}/{identifier}"
        form = negotiation.form_of_document(request, negotiation.DOCUMENTS)
        place = f"/{path}.{form.extension}"
        iri = self.site.catalogue.entry_iri(identifier)
        answer = Resources(self.site).document(_reading(request, place), iri, path, form)
        answer.status_code = status
        answer.headers["Content-Location"] = responses.prefix(request) + place
        if status == HTTPStatus.CREATED:
            answer.headers["Location"] = f"{responses.root(request)}/{path}"
        return answer

    @property
    def _unsaid(self) -> tuple[Literal, ...]:
        """Give the reason of who gives none, in every language."""
        wordings = self.site.catalogue.phrases.translations("noReason")
        return tuple(Literal(text, language=tag) for tag, text in wordings.items())


def _refuse_unlike(document: Document, change: Change) -> None:
    """Raise RefusalError where a file does not say what was to be written, to the last triple.

    What the shapes admit has few blank nodes; of others, the canonical names may take for ever.
    """
    told = [quad.triple for quad in document.quads]
    if terms.canonical_n_triples(terms.write_n_triples(told)) != terms.canonical_n_triples(
        terms.write_n_triples(change.after)
    ):
        raise RefusalError(HTTPStatus.UNPROCESSABLE_ENTITY, "unfitNodes")


def _reading(request: Request, path: str) -> Request:
    """Give the request by which a reader would get a document; whatever was known before."""
    unwanted = (b"if-match", b"if-none-match", b"if-modified-since")
    kept = [(name, value) for name, value in request.scope["headers"] if name not in unwanted]
    whole = responses.prefix(request) + path
    scope = {**request.scope, "method": "GET", "path": whole, "headers": kept, "query_string": b""}
    return Request(scope)


def _deed(request: Request, site: Site, bearer: TokenHolder) -> Edit:
    text = " ".join(request.query_params.get("reason", "").split())
    if len(text) > _LONGEST:
        raise RefusalError(HTTPStatus.BAD_REQUEST, "longReason", most=_LONGEST)
    reasons = (Literal(text, language=_language(request, site)),) if text else ()
    return Edit(bearer.name, datetime.now(tz=UTC), reasons)


def _language(request: Request, site: Site) -> str:
    """Give the language in which a writer writes: what is said of it, else as for a reader."""
    said = request.headers.get("content-language", "").strip().lower()
    return said if said in site.catalogue.languages else site.view(request).language
