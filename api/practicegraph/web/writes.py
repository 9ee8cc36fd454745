"""Entries written over HTTP: who sends what, before it is one writer's turn.

A write is refused for the first of these reasons that there is: nobody may write here (405), the
sender is not known (401), sends a form that is not read (415), has not the right (403), names no
state or another one (428, 412), says what cannot be read (400), what does not belong here or the
shapes do not admit (422), or the file was edited meanwhile (409).
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus

from fastapi import Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from ..bearers import Bearer, Bearers
from ..writing import Writing
from . import authority, bodies, protocol
from .bodies import Body
from .entries import Entries
from .parsing import Parsing
from .refusals import RefusalError
from .service import Service

_READING = 60.0  # seconds in which a body must have come


@dataclass(frozen=True)
class Writes:
    """Answers writes to a catalogue; without a `writing`, all of them are refused."""

    service: Service
    writing: Writing | None
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

    def _entries(self, request: Request) -> tuple[Entries, Bearer]:
        """Give what writes, and who sends the request; raises RefusalError."""
        if self.writing is None:
            raise _read_only(self.service, request, "readOnlyStore")
        bearers = Bearers(self.service.catalogue.folder)
        if not authority.exist(bearers):
            raise _read_only(self.service, request, "readOnly")
        bearer = authority.bearer(request, bearers, self.service.catalogue.name)
        return Entries(self.service, self.writing, self.parsing), bearer

    async def _body(self, request: Request) -> Body:
        form = bodies.form_of(request.headers.get("content-type", ""))
        try:
            async with asyncio.timeout(_READING):
                return Body(form, await protocol.body(request))
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


def _read_only(service: Service, request: Request, phrase: str) -> RefusalError:
    refusal = RefusalError(HTTPStatus.METHOD_NOT_ALLOWED, phrase, "readOnlyHint")
    refusal.headers = {"Allow": service.allowed(service.path(request))}
    return refusal
