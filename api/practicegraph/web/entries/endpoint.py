"""PUT, POST and DELETE of entries; clients are known by their bearer tokens (RFC 6750).

A write is refused for the first of these reasons that applies: nobody may write here (405), the
client is not known (401), the media type is not supported (415), the permission is missing (403),
there is no precondition or it fails (428, 412), the body is unreadable (400), it has what does not
belong here or the shapes do not admit it (422), or the file was edited meanwhile (409).
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request, Response
from pyoxigraph import Literal, NamedNode, Triple
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from ...catalogue.catalogue import Catalogue
from ...editing.editor import (
    EditRequest,
    EditResult,
    EntryBody,
    EntryEditor,
    MissingPermissionError,
)
from ...editing.entry import NEW, Revision, is_tombstone
from ...editing.entry_json import EntryJsonParser
from ...editing.tokens import TokenFile, TokenFileError, TokenHolder
from ...errors import RequestError
from ...rdf.untrusted import MAX_BYTES
from ...schema.value_parser import ValueParser
from ...sparql.pool import WorkerPool
from ...validation import reports
from .. import openapi
from ..context import Site
from ..http import conditional, negotiation, responses
from ..http.bodies import parse_media_type, read_body
from ..http.middleware import allowed
from ..http.negotiation import DOCUMENTS, JSON
from ..http.responses import Link
from ..openapi import BEARER, Operation, request_body
from ..resources.resource import ResourceEndpoint
from ..urls import EDIT
from . import bodies
from .bodies import Body, RdfParser

_BODY_TIMEOUT = 60.0  # seconds
_MAX_REASON = 1000  # characters
_ERRORS = (400, 401, 403, 404, 405, 408, 409, 410, 412, 413, 415, 422, 428)
_ENTRY, _ENTRIES = "GET, HEAD, PUT, DELETE, OPTIONS", "GET, HEAD, POST, OPTIONS"
_FORM = "GET, HEAD, POST, OPTIONS"
_CHALLENGE = 'Bearer realm="{name}"'
_CONDITIONS = (b"if-match", b"if-none-match", b"if-modified-since")


@dataclass(frozen=True)
class AllowedMethods:
    """The methods that paths allow, where somebody may write to a catalogue."""

    catalogue: Catalogue
    is_writable: bool

    def of_path(self, path: str) -> str:
        """Return the methods of a path."""
        segment, slash, identifier = path.removeprefix("/").partition("/")
        if segment not in self.catalogue.shapes.kinds:
            return allowed(path)
        if identifier == NEW or identifier.endswith(f"/{EDIT}"):
            return _FORM
        if not self._has_writers():
            return allowed(path)
        if not slash:
            return _ENTRIES
        return _ENTRY if identifier and not set("/.") & set(identifier) else allowed(path)

    def _has_writers(self) -> bool:
        try:
            return self.is_writable and TokenFile(self.catalogue.folder).has_tokens
        except TokenFileError:
            return False


@dataclass(frozen=True)
class EntryEndpoint:
    """Answers writes of entries of a kind; without an editor, all of them are refused."""

    site: Site
    catalogue: Catalogue
    editor: EntryEditor | None
    parser: RdfParser
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def put(self, request: Request, identifier: str) -> Response:
        """Update an entry or create it, and return it; raise CatalogueError."""
        _refuse_documents(identifier)
        return await self._write(request, lambda editor, *edit: editor.put(identifier, *edit))

    async def post(self, request: Request) -> Response:
        """Create an entry, and return it; raise CatalogueError."""
        return await self._write(request, EntryEditor.create)

    async def delete(self, request: Request, identifier: str) -> Response:
        """Withdraw an entry; raise CatalogueError."""
        _refuse_documents(identifier)
        editor, holder = self._authenticate(request)

        def write() -> Response:
            editor.withdraw(identifier, self._edit(request, holder))
            return Response(status_code=HTTPStatus.NO_CONTENT)

        return await self._in_turn(write)

    def _authenticate(self, request: Request) -> tuple[EntryEditor, TokenHolder]:
        """Return the editor, and who sends a request; raise RequestError (401, 405)."""
        if self.editor is None:
            raise RequestError("readOnlyStore")
        tokens = TokenFile(self.site.catalogue.folder)
        if not tokens.has_tokens:
            raise RequestError("readOnly")
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise RequestError("missingToken", headers=self._challenge())
        holder = tokens.find_holder(token.strip())
        if holder is None:
            raise RequestError("unknownToken", headers=self._challenge(', error="invalid_token"'))
        return self.editor, holder

    async def _write(
        self, request: Request, edit: Callable[[EntryEditor, EntryBody, EditRequest], EditResult]
    ) -> Response:
        editor, holder = self._authenticate(request)
        body = await _read_body(request)

        def write() -> Response:
            result = edit(editor, self._body(request, body), self._edit(request, holder))
            return self._entry(request, result)

        return await self._in_turn(write)

    async def _in_turn(self, write: Callable[[], Response]) -> Response:
        """Run one write at a time in a thread, so that readers have the others."""
        try:
            async with self._turn:
                return await run_in_threadpool(write)
        except MissingPermissionError as error:
            holder, permission = error.holder, error.permission
            headers = self._challenge(f', error="insufficient_scope", scope="{permission}"')
            raise RequestError(
                "missingPermission", headers=headers, name=holder.name, permission=permission
            ) from error

    def _challenge(self, error: str = "") -> dict[str, str]:
        """Return the header with the challenge to a client, and the error (RFC 6750, section 3)."""
        return {"WWW-Authenticate": _CHALLENGE.format(name=self.site.catalogue.name) + error}

    def _edit(self, request: Request, holder: TokenHolder) -> EditRequest:
        text = " ".join(request.query_params.get("reason", "").split())
        if len(text) > _MAX_REASON:
            raise RequestError("reasonTooLong", limit=_MAX_REASON)
        reasons = (Literal(text, language=self._language(request)),) if text else ()
        edit = Revision(holder.name, datetime.now(tz=UTC), reasons)
        languages = self.site.view(request).languages
        return EditRequest(
            holder, edit, languages, partial(conditional.check_preconditions, request)
        )

    def _body(self, request: Request, body: Body) -> EntryBody:
        parse = self._parse_json if body.media_type == JSON else self._parse_rdf
        return EntryBody(partial(parse, request, body), lambda: body.turtle)

    def _parse_rdf(
        self, request: Request, body: Body, entry: NamedNode, _before: Sequence[Triple]
    ) -> Sequence[Triple]:
        quads = self.parser.parse(body, entry, responses.root(request))
        return bodies.entry_triples(quads, entry, ResourceEndpoint(self.site).metadata)

    def _parse_json(
        self, request: Request, body: Body, entry: NamedNode, before: Sequence[Triple]
    ) -> Sequence[Triple]:
        """Return the triples of a body in JSON, which is compared with what GET returns."""
        catalogue, languages = self.catalogue, self.site.view(request).languages
        shapes = replace(catalogue.shapes, languages=languages)
        values = ValueParser(shapes, catalogue.vocabularies, catalogue.phrases)
        parser = EntryJsonParser(values, catalogue.records, entry, self._language(request))
        if not before or is_tombstone(entry, before):
            return bodies.entry_from_json(body, parser, {}, [])
        shown = ResourceEndpoint(self.site).as_json(request, entry.value)
        return bodies.entry_from_json(body, parser, shown, before)

    def _language(self, request: Request) -> str:
        """Return the language of a body's texts: that of the content, else as for a reader."""
        language = request.headers.get("content-language", "").strip().lower()
        is_known = language in self.site.catalogue.languages
        return language if is_known else self.site.view(request).language

    def _entry(self, request: Request, result: EditResult) -> Response:
        """Return the entry as it is now, in the media type that is accepted, and the findings.

        In JSON these are part of the content, which is then not that of the document. Elsewhere
        they are links to their shapes (RFC 8288), with the severity as the relation.
        """
        path = f"{self.catalogue.shapes.entry_shape.segment}/{result.identifier}"
        media_type = negotiation.negotiate_document(request, DOCUMENTS)
        location = f"/{path}.{media_type.extension}"
        iri = self.catalogue.entry_iri(result.identifier)
        reading = _reading_request(request, location)
        response = ResourceEndpoint(self.site).document(reading, iri, path, media_type)
        response.headers["Content-Location"] = responses.prefix(request) + location
        if result.findings and media_type == JSON:
            del response.headers["Content-Location"], response.headers["Content-Length"]
            entry = ResourceEndpoint(self.site).as_json(reading, iri)
            findings = reports.findings_to_json(result.findings)
            response = responses.json(entry | {bodies.FINDINGS: findings}, response.headers)
        elif result.findings:
            links = [Link(f.source_shape, f.severity, title=f.message) for f in result.findings]
            response.headers.append("Link", responses.header(links)["Link"])
        if result.is_new:
            response.status_code = HTTPStatus.CREATED
            response.headers["Location"] = f"{responses.root(request)}/{path}"
        return response


def routes(site: Site, editor: EntryEditor | None, parsers: WorkerPool) -> APIRouter:
    """Return the routes of writes; worker processes parse their bodies."""
    router, parser = APIRouter(), RdfParser(parsers, site.catalogue)
    for catalogue in (services.catalogue for services in site.services.of_kinds):
        of_kind = editor and replace(editor, catalogue=catalogue)
        endpoint = EntryEndpoint(site, catalogue, of_kind, parser)
        entries = f"/{catalogue.shapes.entry_shape.segment}"
        entry = entries + "/{identifier:path}"
        router.post(entries, **_operation(catalogue, "postEntry", (201,)))(endpoint.post)
        router.put(entry, **_operation(catalogue, "putEntry", (200, 201)))(endpoint.put)
        router.delete(entry, **_operation(catalogue, "removeEntry", (204,)))(endpoint.delete)
    return router


def _refuse_documents(identifier: str) -> None:
    """Raise HTTPException for the path of a document; only entries are written."""
    if set("./") & set(identifier):
        raise HTTPException(HTTPStatus.METHOD_NOT_ALLOWED)


async def _read_body(request: Request) -> Body:
    media_type = bodies.find_media_type(parse_media_type(request))
    try:
        async with asyncio.timeout(_BODY_TIMEOUT):
            return Body(media_type, await read_body(request, MAX_BYTES))
    except TimeoutError as error:
        raise RequestError("requestTimeout", seconds=_BODY_TIMEOUT) from error


def _reading_request(request: Request, path: str) -> Request:
    """Return the request by which a client would get a document, without conditions."""
    headers = [pair for pair in request.scope["headers"] if pair[0] not in _CONDITIONS]
    full_path = responses.prefix(request) + path
    get = {"method": "GET", "path": full_path, "headers": headers, "query_string": b""}
    return Request({**request.scope, **get})


def _operation(catalogue: Catalogue, phrase: str, statuses: tuple[int, ...]) -> dict[str, Any]:
    """Return the operation of a write as the arguments of FastAPI's decorators."""
    has_body = 201 in statuses
    headers = [("If-Match", "ifMatchHint"), ("If-None-Match", "ifNoneMatchHint")]
    content: dict[str, Any] = {media_type.name: {} for media_type in bodies.MEDIA_TYPES}
    more: dict[str, Any] = {"security": [{name: [] for name in BEARER}]}
    link = {"Link": {"description": catalogue.phrase("findingsHint"), "schema": openapi.TEXT}}
    operation = Operation(
        openapi.operation_id(catalogue, phrase),
        "entries",
        catalogue.phrase(phrase),
        media_types=DOCUMENTS if has_body else (),
        statuses=statuses,
        errors=_ERRORS,
        parameters=[
            openapi.parameter("reason", catalogue.phrase("reasonHint"), openapi.TEXT),
            openapi.language_parameter(catalogue),
            *(
                openapi.parameter(name, catalogue.phrase(hint), openapi.TEXT, "header")
                for name, hint in headers
            ),
        ],
        more=more
        | (
            {
                "requestBody": request_body(content),
                "responses": {str(status): {"headers": link} for status in statuses},
            }
            if has_body
            else {}
        ),
    )
    return operation.arguments()
