"""POST /validate: the reports of `practicegraph check` for a body, or for a form (RFC 7578).

Nothing is kept or fetched. Validation runs in processes of its own with a deadline, so that it and
clients' queries do not wait for each other.
"""

import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.exceptions import HTTPException as BadFormError
from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_options_header

from ..catalogue.catalogue import Catalogue
from ..errors import RequestError
from ..sparql.pool import (
    LazyWorkerPool,
    PoolBusyError,
    QueryLimits,
    QueryMemoryError,
    QueryResult,
    WorkerPool,
)
from ..sparql.process import DeadlineExceededError
from ..storage.remote import Endpoint
from ..validation import reports
from ..validation.inspection import MODULE, UNREADABLE
from ..validation.submissions import RDF_FORMS, Submission
from . import openapi
from .context import VARY, Site
from .http import bodies, connections, middleware, negotiation, responses
from .http.middleware import PlainRoute
from .http.negotiation import (
    CSV,
    HTML,
    JSON_LD,
    N_QUADS,
    N_TRIPLES,
    RDF_XML,
    TRIG,
    TURTLE,
    XLSX,
    MediaType,
)
from .models import ReportObject
from .openapi import Operation, request_body
from .urls import VALIDATE

MOST = 4 << 20
"""The most bytes of a request."""
MEDIA_TYPES = (TURTLE, TRIG, JSON_LD, RDF_XML, N_TRIPLES, N_QUADS, CSV, XLSX)
"""The media types that are parsed."""
FILE, TEXT, KIND, SHAPES = "file", "text", "type", "shapes"
"""The fields of a form: files, a text and its extension, shapes as files or text."""
_MULTIPART = "multipart/form-data"
_MOST_PARTS = 50
_NAMES = {
    **{name: media_type.extension for media_type in MEDIA_TYPES for name in media_type.names},
    "application/json": JSON_LD.extension,
    "application/xml": RDF_XML.extension,
    "text/xml": RDF_XML.extension,
}
_ALSO = {"json": "jsonld", "xml": "rdf", "owl": "rdf"}


@dataclass(frozen=True)
class Upload:
    """The submissions of a request, and the shapes that come with them."""

    given: tuple[Submission, ...]
    shapes: tuple[Submission, ...]


async def read(request: Request) -> Upload:
    """Read a request.

    Raises RequestError for a media type that is not read, and for an empty body.
    """
    media_type = bodies.parse_media_type(request)
    content = await bodies.read_body(request, MOST)
    if media_type in (_MULTIPART, bodies.FORM):
        _, options = parse_options_header(request.headers["content-type"])
        return _of_form(media_type, options, content)
    if not content.strip():
        raise RequestError("emptyInput")
    extension = _NAMES.get(media_type)
    if extension is None:
        raise _unsupported(media_type or "?")
    return Upload(tuple(_listed([Submission(f"data.{extension}", extension, content)])), ())


def _of_form(media_type: str, options: Mapping[str, str], content: bytes) -> Upload:
    parser = FormDataParser(
        _in_memory, max_form_memory_size=MOST, max_form_parts=_MOST_PARTS, silent=False
    )
    try:
        _, fields, files = parser.parse(
            io.BytesIO(content), media_type, len(content), dict(options)
        )
    except (ValueError, BadFormError) as error:
        raise RequestError("unsupportedMediaType", form=f"{media_type}: {error}") from error
    kind = fields.get(KIND, TURTLE.extension)
    given = [*_files(files, FILE), *_texts(fields, TEXT, "data", kind)]
    shapes = [*_files(files, SHAPES), *_texts(fields, SHAPES, "shapes", TURTLE.extension)]
    if not given or not all(each.content.strip() for each in given):
        raise RequestError("emptyInput")
    return Upload(tuple(_listed(given)), tuple(_listed(shapes, RDF_FORMS)))


def _in_memory(*_: object, **__: object) -> io.BytesIO:
    """Return what holds a file of a form: nothing that is given is written to disk."""
    return io.BytesIO()


def _files(files: MultiDict[str, FileStorage], name: str) -> Iterator[Submission]:
    for file in files.getlist(name):
        content = file.stream.read()
        if content or file.filename:  # a browser sends a field without a file as an empty one
            yield Submission(file.filename or "data", _extension(file), content)


def _extension(file: FileStorage) -> str:
    """Return the extension of a file, since browsers know few media types."""
    end = (file.filename or "").lower().rpartition(".")[2]
    end = _ALSO.get(end, end)
    known = {media_type.extension for media_type in MEDIA_TYPES}
    return end if end in known else _NAMES.get(file.mimetype, end or "?")


def _texts(fields: MultiDict[str, str], name: str, called: str, kind: str) -> Iterator[Submission]:
    for text in fields.getlist(name):
        if text.strip():
            yield Submission(f"{called}.{kind}", kind, text.encode(errors="replace"))


def _listed(given: Iterable[Submission], extensions: Iterable[str] = ()) -> Iterator[Submission]:
    """Yield what has a supported media type, and says anything; raises RequestError."""
    known = set(extensions) or {media_type.extension for media_type in MEDIA_TYPES}
    for each in given:
        if each.form not in known:
            raise _unsupported(each.form)
        yield each


def _unsupported(name: str) -> RequestError:
    known = ", ".join(media_type.name for media_type in MEDIA_TYPES)
    return RequestError("unsupportedMediaType", form=f"{name} ({known})")


REPORTS = (
    *(MediaType(name, (report.media_type,)) for name, report in reports.FORMATS.items()),
    MediaType(TURTLE.extension, TURTLE.names),
)
"""The media types of reports, by the names that they have on the command line, and `ttl`."""
_BY_MEDIA_TYPE = {report.media_type: name for name, report in reports.FORMATS.items()}
_DEFAULT = ("json", "html", "text", "turtle", "sarif", "junit")
_FILES = {"type": "array", "items": {"type": "string", "format": "binary"}}
_FIELDS = {
    FILE: _FILES,
    TEXT: openapi.TEXT,
    KIND: {"type": "string", "enum": [media_type.extension for media_type in MEDIA_TYPES]},
    SHAPES: _FILES,
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


def checkers(workers: WorkerPool) -> WorkerPool:
    """Return the pool of processes that check, beside the one that runs queries."""
    limits = QueryLimits(_SECONDS, _SECONDS, max_bytes=_LARGEST, memory=_MEMORY, processes=2)
    return LazyWorkerPool(workers.source, limits, MODULE)


def routes(site: Site, checkers: WorkerPool) -> APIRouter:
    """Return the routes."""
    served = Validations(site, checkers)
    router = APIRouter(route_class=PlainRoute)

    async def page(request: Request) -> Response:
        return served.page(request)

    async def answer(request: Request) -> Response:
        return await served.answer(request)

    router.get(VALIDATE, include_in_schema=False)(page)
    router.post(
        VALIDATE,
        **_operation(site.catalogue).arguments(),
    )(answer)
    return router


@dataclass(frozen=True)
class Validations:
    """Answers with reports."""

    site: Site
    checkers: WorkerPool

    def page(self, request: Request) -> Response:
        """Return a form on which a text is pasted or a file chosen."""
        negotiation.negotiate(request, (HTML,))
        return self.site.html(
            request, "validate.html", formats=MEDIA_TYPES, most=f"{MOST >> 20} MiB"
        )

    async def answer(self, request: Request) -> Response:
        """Return the report on what a request gives; 503 where no check has room now.

        Raises RequestError, ResultTooLargeError, StoreError, or ClientDisconnect.
        """
        name = _BY_MEDIA_TYPE[negotiation.negotiate(request, _report_types()).name]
        upload = await read(request)
        wanted = await run_in_threadpool(self._wanted, request, upload, name)
        try:
            checking = self.checked(wanted, middleware.client(request.scope))
            answer, content = await connections.run_until_disconnect(request, checking)
        except PoolBusyError as error:
            raise RequestError("tooManyChecks") from error
        if answer.kind == UNREADABLE:
            said = json.loads(content)
            raise RequestError("unreadable", extra={"file": said["file"]}, **said)
        media_type = reports.FORMATS[name].media_type
        language = self.site.view(request).language
        headers = VARY | _HEADERS | {"Content-Language": language}
        return Response(content, headers=headers, media_type=_whole(media_type))

    def _wanted(self, request: Request, upload: Upload, name: str) -> dict[str, Any]:
        source = self.site.services.source
        assert source
        return {
            "folder": str(self.site.catalogue.folder.resolve()),
            "source": Endpoint.from_source(source).url,
            "root": responses.root(request),
            "language": self.site.view(request).language,
            "form": name,
            "given": _sent(upload.given),
            "shapes": _sent(upload.shapes),
        }

    async def checked(self, wanted: dict[str, Any], client: str = "") -> tuple[QueryResult, bytes]:
        """Run a check; raise PoolBusyError, or RequestError for too much time or memory."""
        try:
            answer = await self.checkers.run(wanted, self.checkers.limits.seconds, client)
            return answer, await answer.read()
        except DeadlineExceededError as error:
            raise RequestError("checkTimeout", seconds=error.words["seconds"]) from error
        except QueryMemoryError as error:
            raise RequestError("checkLimitExceeded") from error


def _report_types() -> list[MediaType]:
    """Return the media types of reports, the default first."""
    return sorted(REPORTS, key=lambda media_type: _DEFAULT.index(_BY_MEDIA_TYPE[media_type.name]))


def _operation(catalogue: Catalogue) -> Operation:
    whole = {media_type.name: {"schema": openapi.TEXT} for media_type in MEDIA_TYPES}
    in_form = {"schema": {"type": "object", "properties": _FIELDS}}
    body = request_body({**whole, "multipart/form-data": in_form})
    return Operation(
        "validate",
        "validation",
        catalogue.say("validate"),
        ReportObject,
        media_types=REPORTS,
        statuses=(200,),
        errors=_REFUSALS,
        parameters=[
            openapi.language_parameter(catalogue),
            openapi.format_parameter(catalogue, REPORTS),
        ],
        more={"description": catalogue.say("validateNote"), "requestBody": body},
    )


def _sent(listed: Iterable[Submission]) -> list[dict[str, str | bytes]]:
    return [{"name": sent.name, "form": sent.form, "content": sent.content} for sent in listed]


def _whole(media_type: str) -> str:
    return f"{media_type}; charset=utf-8" if media_type.startswith("text/") else media_type
