"""Checks of what readers give: the same reports as `practicegraph check` writes.

Nothing is kept, and nothing fetched. Each check runs in a process of its own with a deadline, as
readers' queries do in theirs, so that neither waits for the other.
"""

import base64
import json
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from .. import reports
from ..catalogue import Catalogue
from ..endpoint import Endpoint
from ..given import Given
from ..process import DeadlineError
from ..validator import MODULE, UNREADABLE
from ..workers import Answer, BusyError, Limits, OnDemand, TooMuchMemoryError, Workers
from . import disconnects, links, negotiation, parameters, proxies, streaming, uploads
from .methods import VALIDATE
from .negotiation import HTML, TURTLE, Form
from .routes import PlainRoute
from .service import VARY, BadBodyError, Service
from .uploads import Upload

REPORTS = (
    *(Form(name, (form.media_type,)) for name, form in reports.FORMS.items()),
    Form(TURTLE.extension, TURTLE.media_types),
)
"""The forms of reports, by the names that they have on the command line, and `ttl`."""
_BY_MEDIA_TYPE = {form.media_type: name for name, form in reports.FORMS.items()}
_DEFAULT = ("json", "html", "text", "turtle", "jsonld", "sarif", "junit")
_TEXT = {"type": "string"}
_FILES = {"type": "array", "items": {"type": "string", "format": "binary"}}
_FIELDS = {
    uploads.FILE: _FILES,
    uploads.TEXT: _TEXT,
    uploads.KIND: {"type": "string", "enum": [form.extension for form in uploads.FORMS]},
    uploads.SHAPES: _FILES,
}
_REFUSALS = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.NOT_ACCEPTABLE,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
_SECONDS = 30.0
_MEMORY = 3 << 30
_LARGEST = 64 << 20
"""The bytes of a report, which repeats what is wrong."""
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}


def checkers(workers: Workers) -> Workers:
    """Give the pool of processes that check, beside the one that runs queries."""
    limits = Limits(_SECONDS, _SECONDS, most_bytes=_LARGEST, memory=_MEMORY, processes=2)
    return OnDemand(workers.source, limits, MODULE)


def routes(service: Service, checkers: Workers) -> APIRouter:
    """Give the routes."""
    served = Validations(service, checkers)
    router = APIRouter(route_class=PlainRoute)

    async def page(request: Request) -> Response:
        return served.page(request)

    async def answer(request: Request) -> Response:
        return await served.answer(request)

    router.get(VALIDATE, include_in_schema=False)(page)
    router.post(
        VALIDATE,
        summary=service.catalogue.say("validate"),
        openapi_extra=_described(service.catalogue),
    )(answer)
    return router


@dataclass(frozen=True)
class Validations:
    """Answers with reports."""

    service: Service
    checkers: Workers

    def page(self, request: Request) -> Response:
        """Answer with a form on which a text is pasted or a file chosen."""
        negotiation.form(request, (HTML,))
        return self.service.html(
            request, "validate.html", forms=uploads.FORMS, most=f"{uploads.MOST >> 20} MiB"
        )

    async def answer(self, request: Request) -> Response:
        """Answer with the report on what a request gives; 503 where no check has room now.

        Raises UnsupportedError, TooLargeError, TooMuchError, StoreError, BadBodyError, or
        ClientDisconnect where the reader has gone.
        """
        name = _BY_MEDIA_TYPE[negotiation.form(request, _forms()).plain]
        upload = await uploads.read(request)
        wanted = await run_in_threadpool(self._wanted, request, upload, name)
        try:
            checking = self.checked(wanted, proxies.client(request.scope))
            answer, content = await disconnects.watched(request, checking)
        except BusyError:
            return self._busy(request)
        if answer.kind == UNREADABLE:
            return self._unreadable(request, json.loads(content))
        media_type = reports.FORMS[name].media_type
        language = self.service.view(request).language
        headers = VARY | _HEADERS | {"Content-Language": language}
        return Response(content, headers=headers, media_type=_whole(media_type))

    def _wanted(self, request: Request, upload: Upload, name: str) -> dict[str, Any]:
        source = self.service.catalogue.source
        assert source
        return {
            "folder": str(self.service.catalogue.folder.resolve()),
            "source": Endpoint.of(source).address,
            "root": links.root(request),
            "language": self.service.view(request).language,
            "form": name,
            "given": _sent(upload.given),
            "shapes": _sent(upload.shapes),
        }

    async def checked(self, wanted: dict[str, Any], client: str = "") -> tuple[Answer, bytes]:
        """Run a check; raises BusyError, or BadBodyError for too much time or memory."""
        try:
            answer = await self.checkers.run(wanted, self.checkers.limits.seconds, client)
            return answer, await streaming.whole(answer.parts)
        except DeadlineError as error:
            words = {"seconds": f"{error.seconds:g} s"}
            unavailable = HTTPStatus.SERVICE_UNAVAILABLE
            raise BadBodyError(unavailable, "checkTooLong", **words) from error
        except TooMuchMemoryError as error:
            raise BadBodyError(HTTPStatus.BAD_REQUEST, "checkTooHeavy") from error

    def _busy(self, request: Request) -> Response:
        """Answer that all processes have something to check, and enough others wait: 503."""
        detail = self.service.view(request).say("checksBusy")
        unavailable, headers = HTTPStatus.SERVICE_UNAVAILABLE, {"Retry-After": "5"}
        return self.service.problem(request, unavailable, detail, headers=headers)

    def _unreadable(self, request: Request, said: dict[str, Any]) -> Response:
        """Answer that something is not read on from a place: 400."""
        detail = self.service.view(request).say("unreadable", **said)
        more = {name: said[name] for name in ("file", "line", "column")}
        return self.service.problem(
            request, HTTPStatus.BAD_REQUEST, detail, said["reason"], more=more
        )


def _forms() -> list[Form]:
    """Give the forms of reports, the one first that goes to those who take anything."""
    return sorted(REPORTS, key=lambda form: _DEFAULT.index(_BY_MEDIA_TYPE[form.plain]))


def _described(catalogue: Catalogue) -> dict[str, Any]:
    """Give what the OpenAPI document says."""
    whole = {form.plain: {"schema": _TEXT} for form in uploads.FORMS}
    in_form = {"schema": {"type": "object", "properties": _FIELDS}}
    names = {"type": "string", "enum": [form.extension for form in REPORTS]}
    wished = parameters.in_query("format", catalogue.say("data"), names)
    content: dict[str, Any] = {form.plain: {} for form in REPORTS}
    refused = {str(status.value): {"description": status.phrase} for status in _REFUSALS}
    return {
        "description": catalogue.say("validateNote"),
        "parameters": [parameters.of_language(catalogue), wished],
        "requestBody": {"required": True, "content": {**whole, "multipart/form-data": in_form}},
        "responses": {"200": {"description": "OK", "content": content}, **refused},
    }


def _sent(listed: Iterable[Given]) -> list[dict[str, str]]:
    return [
        {
            "name": given.name,
            "form": given.form,
            "content": base64.b64encode(given.content).decode(),
        }
        for given in listed
    ]


def _whole(media_type: str) -> str:
    return f"{media_type}; charset=utf-8" if media_type.startswith("text/") else media_type
