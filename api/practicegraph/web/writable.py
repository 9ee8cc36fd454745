"""The routes of writes, which methods addresses know for them, and what OpenAPI says of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response

from ..bearers import Bearers, BearersError
from ..catalogue import Catalogue
from ..writing import Writing
from . import bodies, parameters
from .methods import allowed
from .negotiation import DOCUMENTS
from .parsing import Parsing
from .service import Service
from .writes import Writes

BEARER: Mapping[str, Any] = {"bearer": {"type": "http", "scheme": "bearer"}}
"""How writers say who they are."""
_ENTRY, _ENTRIES = "GET, HEAD, PUT, DELETE, OPTIONS", "GET, HEAD, POST, OPTIONS"


@dataclass(frozen=True)
class Writable:
    """Tells which methods addresses know, where somebody may write to a catalogue."""

    catalogue: Catalogue
    writing: Writing | None

    def allowed(self, path: str) -> str:
        """Give the methods that an address knows."""
        start = f"/{self.catalogue.shapes.record.segment}"
        if not path.startswith(start) or not self._anybody():
            return allowed(path)
        if path == start:
            return _ENTRIES
        _, _, identifier = path.partition(f"{start}/")
        return _ENTRY if identifier and not set("/.") & set(identifier) else allowed(path)

    def _anybody(self) -> bool:
        try:
            return self.writing is not None and Bearers(self.catalogue.folder).exist
        except BearersError:
            return False


def routes(service: Service, writing: Writing | None, parsing: Parsing) -> APIRouter:
    """Give the routes."""
    catalogue, served = service.catalogue, Writes(service, writing, parsing)
    entries = f"/{catalogue.shapes.record.segment}"
    router = APIRouter()

    @router.put(entries + "/{identifier:path}", **_described(catalogue, "putEntry", ("200", "201")))
    async def put(request: Request, identifier: str) -> Response:
        return await served.put(request, identifier)

    @router.post(entries, **_described(catalogue, "postEntry", ("201",)))
    async def post(request: Request) -> Response:
        return await served.post(request)

    @router.delete(entries + "/{identifier:path}", **_described(catalogue, "removeEntry", ("204",)))
    async def delete(request: Request, identifier: str) -> Response:
        return await served.delete(request, identifier)

    return router


def _described(catalogue: Catalogue, phrase: str, statuses: tuple[str, ...]) -> dict[str, Any]:
    """Give what the OpenAPI document says of a write."""
    reads = "201" in statuses
    forms: dict[str, Any] = {form.plain: {} for form in bodies.FORMS}
    answers: dict[str, Any] = {"content": {form.plain: {} for form in DOCUMENTS}} if reads else {}
    said = {
        "parameters": parameters.of_write(catalogue),
        "security": [{name: [] for name in BEARER}],
        "responses": {status: {"description": "OK", **answers} for status in statuses},
    }
    body = {"requestBody": {"required": True, "content": forms}} if reads else {}
    return {"summary": catalogue.say(phrase), "openapi_extra": said | body}
