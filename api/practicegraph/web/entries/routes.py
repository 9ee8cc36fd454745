"""The routes of writes, and their descriptions in OpenAPI.

A write is refused for the first of these reasons that applies: nobody may write here (405), the
client is not known (401), the media type is not supported (415), the permission is missing (403),
there is no precondition or it fails (428, 412), the body is unreadable (400), it has what does not
belong here or the shapes do not admit it (422), or the file was edited meanwhile (409).
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from ...catalogue.catalogue import Catalogue
from ...editing.editor import EntryEditor
from ...editing.tokens import TokenFile, TokenFileError, TokenHolder
from ...errors import RequestError
from .. import openapi
from ..context import Site
from ..http.bodies import parse_media_type, read_body
from ..http.middleware import allowed
from ..http.negotiation import DOCUMENTS
from ..operations import BEARER, Operation, request_body
from . import bodies, editing
from .bodies import Body, RdfParser
from .editing import Entries

_BODY_TIMEOUT = 60.0  # seconds
_ERRORS = (400, 401, 403, 404, 405, 408, 409, 410, 412, 413, 415, 422, 428)
_ENTRY, _ENTRIES = "GET, HEAD, PUT, DELETE, OPTIONS", "GET, HEAD, POST, OPTIONS"


@dataclass(frozen=True)
class AllowedMethods:
    """The methods that addresses allow, where somebody may write to a catalogue."""

    catalogue: Catalogue
    is_writable: bool

    def of_path(self, path: str) -> str:
        """Return the methods of an address."""
        start = f"/{self.catalogue.shapes.entry_shape.segment}"
        if not path.startswith(start) or not self._anybody_may_write():
            return allowed(path)
        if path == start:
            return _ENTRIES
        _, _, identifier = path.partition(f"{start}/")
        return _ENTRY if identifier and not set("/.") & set(identifier) else allowed(path)

    def _anybody_may_write(self) -> bool:
        try:
            return self.is_writable and TokenFile(self.catalogue.folder).has_tokens
        except TokenFileError:
            return False


@dataclass(frozen=True)
class _Writes:
    """Responds to writes; without an editor, all of them are refused."""

    site: Site
    editor: EntryEditor | None
    parser: RdfParser
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def put(self, request: Request, identifier: str) -> Response:
        """Respond to PUT of an entry."""
        _refuse_documents(identifier)
        entries, holder = self._entries(request)
        body = await _read_body(request)
        return await self._in_turn(lambda: entries.put(request, identifier, body, holder))

    async def post(self, request: Request) -> Response:
        """Respond to POST of a new entry."""
        entries, holder = self._entries(request)
        body = await _read_body(request)
        return await self._in_turn(lambda: entries.post(request, body, holder))

    async def delete(self, request: Request, identifier: str) -> Response:
        """Respond to DELETE of an entry."""
        _refuse_documents(identifier)
        entries, holder = self._entries(request)
        return await self._in_turn(lambda: entries.delete(request, identifier, holder))

    def _entries(self, request: Request) -> tuple[Entries, TokenHolder]:
        """Return what responds to a write, and who sends it; raise RequestError."""
        if self.editor is None:
            raise RequestError("readOnlyStore")
        catalogue = self.site.catalogue
        tokens = TokenFile(catalogue.folder)
        if not tokens.has_tokens:
            raise RequestError("readOnly")
        holder = editing.authenticate(request, tokens, catalogue.name)
        return Entries(self.site, self.editor, self.parser), holder

    async def _in_turn(self, write: Callable[[], Response]) -> Response:
        """Run one write at a time in a thread, so that readers have the others."""
        async with self._turn:
            return await run_in_threadpool(write)


def routes(site: Site, editor: EntryEditor | None, parser: RdfParser) -> APIRouter:
    """Return the routes of writes."""
    catalogue, writes = site.catalogue, _Writes(site, editor, parser)
    entries = f"/{catalogue.shapes.entry_shape.segment}"
    router = APIRouter()

    @router.put(entries + "/{identifier:path}", **_described(catalogue, "putEntry", (200, 201)))
    async def put(request: Request, identifier: str) -> Response:
        return await writes.put(request, identifier)

    @router.post(entries, **_described(catalogue, "postEntry", (201,)))
    async def post(request: Request) -> Response:
        return await writes.post(request)

    @router.delete(entries + "/{identifier:path}", **_described(catalogue, "removeEntry", (204,)))
    async def delete(request: Request, identifier: str) -> Response:
        return await writes.delete(request, identifier)

    return router


async def _read_body(request: Request) -> Body:
    form = bodies.find_form(parse_media_type(request))
    try:
        async with asyncio.timeout(_BODY_TIMEOUT):
            return Body(form, await read_body(request))
    except TimeoutError as error:
        raise RequestError("requestTimeout", seconds=_BODY_TIMEOUT) from error


def _refuse_documents(identifier: str) -> None:
    """Raise HTTPException for the address of a document; only entries are written."""
    if set("./") & set(identifier):
        raise HTTPException(HTTPStatus.METHOD_NOT_ALLOWED)


def _described(catalogue: Catalogue, phrase: str, statuses: tuple[int, ...]) -> dict[str, Any]:
    """Return the description of a write in OpenAPI."""
    has_body = 201 in statuses
    headers = [("If-Match", "ifMatchHint"), ("If-None-Match", "ifNoneMatchHint")]
    content: dict[str, Any] = {form.plain: {} for form in bodies.FORMS}
    more: dict[str, Any] = {"security": [{name: [] for name in BEARER}]}
    described = Operation(
        phrase,
        "entries",
        catalogue.say(phrase),
        forms=DOCUMENTS if has_body else (),
        statuses=statuses,
        errors=_ERRORS,
        parameters=[
            openapi.parameter("reason", catalogue.say("reasonHint"), openapi.TEXT),
            openapi.language_parameter(catalogue),
            *(
                openapi.parameter(name, catalogue.say(hint), openapi.TEXT, "header")
                for name, hint in headers
            ),
        ],
        more=more | ({"requestBody": request_body(content)} if has_body else {}),
    )
    return described.arguments()
