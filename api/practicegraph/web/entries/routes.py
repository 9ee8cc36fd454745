"""The routes of writes, which methods addresses know for them, and what OpenAPI says of them.

Entries written over HTTP: who sends what, before it is one writer's turn.

A write is refused for the first of these reasons that there is: nobody may write here (405), the
sender is not known (401), sends a form that is not read (415), has not the right (403), names no
state or another one (428, 412), says what cannot be read (400), what does not belong here or the
shapes do not admit (422), or the file was edited meanwhile (409).
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
from ...editing.tokens import TokenFile, TokenFileError, TokenHolder
from ...editing.writer import EntryWriter
from .. import openapi
from ..context import Site
from ..http.errors import RefusalError
from ..http.middleware import allowed
from ..http.negotiation import DOCUMENTS
from ..operations import BEARER, Operation, request_body
from ..sparql import endpoint
from . import bodies, editing
from .bodies import Body
from .editing import Entries
from .parsing import Parsing

_READING = 60.0  # seconds in which a body must have come


@dataclass(frozen=True)
class Writes:
    """Answers writes to a catalogue; without a `writing`, all of them are refused."""

    site: Site
    writing: EntryWriter | None
    parsing: Parsing
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def put(self, request: Request, identifier: str) -> Response:
        """Answer a new entry, or one in the place of another, at its address."""
        _refuse_documents(identifier)
        entries, bearer = self._entries(request)
        body = await self._body(request)
        return await self._in_turn(lambda: entries.put(request, identifier, body, bearer))

    async def post(self, request: Request) -> Response:
        """Answer a new entry that has no address yet."""
        entries, bearer = self._entries(request)
        body = await self._body(request)
        return await self._in_turn(lambda: entries.post(request, body, bearer))

    async def delete(self, request: Request, identifier: str) -> Response:
        """Answer a wish to withdraw an entry."""
        _refuse_documents(identifier)
        entries, bearer = self._entries(request)
        return await self._in_turn(lambda: entries.delete(request, identifier, bearer))

    def _entries(self, request: Request) -> tuple[Entries, TokenHolder]:
        """Give what writes, and who sends the request; raises RefusalError."""
        if self.writing is None:
            raise _read_only(self.site, request, "readOnlyStore")
        bearers = TokenFile(self.site.catalogue.folder)
        if not editing.exist(bearers):
            raise _read_only(self.site, request, "readOnly")
        bearer = editing.bearer(request, bearers, self.site.catalogue.name)
        return Entries(self.site, self.writing, self.parsing), bearer

    async def _body(self, request: Request) -> Body:
        form = bodies.form_of(request.headers.get("content-type", ""))
        try:
            async with asyncio.timeout(_READING):
                return Body(form, await endpoint.body(request))
        except TimeoutError as error:
            raise RefusalError(HTTPStatus.REQUEST_TIMEOUT, "tooSlow", seconds=_READING) from error

    async def _in_turn(self, write: Callable[[], Response]) -> Response:
        """Have one write at a time take a thread, so that readers have theirs."""
        async with self._turn:
            return await run_in_threadpool(write)


def _refuse_documents(identifier: str) -> None:
    """Raise HTTPException for the address of a document, since entries are what is written."""
    if set("./") & set(identifier):
        raise HTTPException(HTTPStatus.METHOD_NOT_ALLOWED)


def _read_only(site: Site, request: Request, phrase: str) -> RefusalError:
    refusal = RefusalError(HTTPStatus.METHOD_NOT_ALLOWED, phrase, "readOnlyHint")
    refusal.headers = {"Allow": site.allowed(site.path(request))}
    return refusal


_ERRORS = (400, 401, 403, 404, 405, 408, 409, 410, 412, 413, 415, 422, 428)
_ENTRY, _ENTRIES = "GET, HEAD, PUT, DELETE, OPTIONS", "GET, HEAD, POST, OPTIONS"


@dataclass(frozen=True)
class Writable:
    """Tells which methods addresses know, where somebody may write to a catalogue."""

    catalogue: Catalogue
    writing: EntryWriter | None

    def allowed(self, path: str) -> str:
        """Give the methods that an address knows."""
        start = f"/{self.catalogue.shapes.entry_shape.segment}"
        if not path.startswith(start) or not self._anybody():
            return allowed(path)
        if path == start:
            return _ENTRIES
        _, _, identifier = path.partition(f"{start}/")
        return _ENTRY if identifier and not set("/.") & set(identifier) else allowed(path)

    def _anybody(self) -> bool:
        try:
            return self.writing is not None and TokenFile(self.catalogue.folder).exist
        except TokenFileError:
            return False


def routes(site: Site, writing: EntryWriter | None, parsing: Parsing) -> APIRouter:
    """Give the routes."""
    catalogue, served = site.catalogue, Writes(site, writing, parsing)
    entries = f"/{catalogue.shapes.entry_shape.segment}"
    router = APIRouter()

    @router.put(entries + "/{identifier:path}", **_described(catalogue, "putEntry", (200, 201)))
    async def put(request: Request, identifier: str) -> Response:
        return await served.put(request, identifier)

    @router.post(entries, **_described(catalogue, "postEntry", (201,)))
    async def post(request: Request) -> Response:
        return await served.post(request)

    @router.delete(entries + "/{identifier:path}", **_described(catalogue, "removeEntry", (204,)))
    async def delete(request: Request, identifier: str) -> Response:
        return await served.delete(request, identifier)

    return router


def _described(catalogue: Catalogue, phrase: str, statuses: tuple[int, ...]) -> dict[str, Any]:
    """Give what the OpenAPI document says of a write."""
    has_body = 201 in statuses
    headers = [("If-Match", "needsMatch"), ("If-None-Match", "needsNoneMatch")]
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
