"""POST /validate: the validation report on a body, or on the files and texts of a form (RFC 7578).

Nothing is kept or fetched. Validation runs in processes of its own with a deadline, so that it and
clients' queries do not wait for each other.
"""

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.exceptions import HTTPException as WerkzeugError
from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_options_header

from ..catalogue.catalogue import Catalogue
from ..errors import RequestError
from ..rdf.syntax_errors import known_prefix
from ..rdf.untrusted import MAX_BYTES
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
from ..validation.submissions import MODULE, SYNTAXES, UNREADABLE, Submission
from . import openapi
from .check_page import CheckPage, FixSent, parse_fix, read_report, unreadable_report
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
from .problems import PROBLEMS
from .urls import VALIDATE

MEDIA_TYPES = (TURTLE, TRIG, JSON_LD, RDF_XML, N_TRIPLES, N_QUADS, CSV, XLSX)
"""The media types of data."""
_PARAMETERS = ("lang", "format")
_MULTIPART = "multipart/form-data"
_MAX_PARTS = 50
_EXTENSIONS = {
    **{name: media_type.extension for media_type in MEDIA_TYPES for name in media_type.names},
    "application/json": JSON_LD.extension,
}
_OTHER_EXTENSIONS = {"json": "jsonld", "xml": "rdf", "owl": "rdf"}
_REPORTS = (
    *(MediaType(name, (report.media_type,)) for name, report in reports.FORMATS.items()),
    MediaType(TURTLE.extension, TURTLE.names),
)
"""The media types of reports, by the names that they have on the command line, and `ttl`."""
_BY_MEDIA_TYPE = {report.media_type: name for name, report in reports.FORMATS.items()}
_PREFERENCE = ("json", "html", "text", "turtle", "sarif", "junit")
_FILES = {"type": "array", "items": {"type": "string", "format": "binary"}}
_FIELDS = {
    "file": _FILES,
    "text": openapi.TEXT,
    "type": {"type": "string", "enum": [media_type.extension for media_type in MEDIA_TYPES]},
    "shapes": _FILES,
}
_STATUSES = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.NOT_ACCEPTABLE,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
_LIMITS = QueryLimits(30.0, 30.0, max_bytes=64 << 20, memory=3 << 30, processes=2)
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}


def checkers(workers: WorkerPool) -> WorkerPool:
    """Return the pool of processes that validate, beside the one that runs queries."""
    return LazyWorkerPool(workers.source, _LIMITS, MODULE)


def routes(endpoint: "ValidationEndpoint") -> APIRouter:
    """Return the routes."""
    router = APIRouter(route_class=PlainRoute)

    async def page(request: Request) -> Response:
        return endpoint.page(request)

    async def validate(request: Request) -> Response:
        return await endpoint.validate(request)

    router.get(VALIDATE, include_in_schema=False)(page)
    router.post(VALIDATE, **_operation(endpoint.site.catalogue).arguments())(validate)
    return router


@dataclass(frozen=True)
class ValidationEndpoint:
    """Responds with validation reports."""

    site: Site
    checkers: WorkerPool

    def page(self, request: Request) -> Response:
        """Return a form on which a text is pasted or a file chosen."""
        negotiation.negotiate(request, (HTML,))
        negotiation.check_parameters(request, _PARAMETERS)
        return self._page(request)

    async def validate(self, request: Request) -> Response:
        """Return the report on the data of a request.

        Raises RequestError, ResultTooLargeError, StoreError, or ClientDisconnect.
        """
        name = _BY_MEDIA_TYPE[negotiation.negotiate(request, _report_types()).name]
        negotiation.check_parameters(request, _PARAMETERS)
        upload = await parse_upload(request)
        if name == HTML.extension:
            return await self._report_page(request, upload)
        result, content = await self._validate(request, upload, name)
        if result.kind == UNREADABLE:
            details = json.loads(content)
            hint = details.pop("hint")
            raise RequestError("unreadable", hint, extra={"file": details["file"]}, **details)
        media_type = reports.FORMATS[name].media_type
        language = self.site.view(request).language
        headers = VARY | _HEADERS | {"Content-Language": language}
        return Response(content, headers=headers, media_type=_with_charset(media_type))

    async def _validate(
        self, request: Request, upload: "Upload", name: str
    ) -> tuple[QueryResult, bytes]:
        """Return the report in a format; raise RequestError."""
        job = await run_in_threadpool(self.job, request, upload, name)
        try:
            running = self.run(job, middleware.client(request.scope))
            return await connections.run_until_disconnect(request, running)
        except PoolBusyError as error:
            raise RequestError("tooManyChecks") from error

    async def _report_page(self, request: Request, upload: "Upload") -> Response:
        """Return a report as a page, which keeps the text whatever happens."""
        upload, view = upload.fixed, self.site.view(request)
        try:
            result, content = await self._validate(request, upload, "json")
        except RequestError as error:
            problem = PROBLEMS[error.kind]
            message = view.phrase(error.kind, **error.words)
            response = self._page(request, upload, message=message, status=problem.status)
            if problem.retry_after:
                response.headers["Retry-After"] = str(problem.retry_after)
            return response
        report, status = read_report(content), HTTPStatus.OK
        if result.kind == UNREADABLE:
            words = known_prefix(report, self.site.catalogue.prefixes)
            hint = view.phrase(words["hint"], **words)
            texts = [view.phrase("unreadable", **words), hint]
            report = unreadable_report(report, " ".join(texts))
            status = HTTPStatus.BAD_REQUEST
        return await run_in_threadpool(self._page, request, upload, report, status=status)

    def _page(
        self,
        request: Request,
        upload: "Upload | None" = None,
        report: Mapping[str, Any] | None = None,
        message: str = "",
        status: int = HTTPStatus.OK,
    ) -> Response:
        """Return the page with its form, and with a report if there is one."""
        response = self.site.html(
            request,
            "validate.html",
            status,
            formats=MEDIA_TYPES,
            most=f"{MAX_BYTES >> 20} MiB",
            check=CheckPage(upload.data if upload else (), report or {}),
            has_report=report is not None,
            shapes=[s.content.decode(errors="replace") for s in upload.shapes] if upload else [],
            message=message,
        )
        if upload:
            response.headers["Cache-Control"] = "no-store"
        return response

    async def run(self, job: dict[str, Any], client: str = "") -> tuple[QueryResult, bytes]:
        """Run a validation.

        Raises PoolBusyError, and RequestError where it takes too much time or memory.
        """
        try:
            result = await self.checkers.run(job, self.checkers.limits.seconds, client)
            return result, await result.read()
        except DeadlineExceededError as error:
            raise RequestError("checkTimeout", seconds=error.words["seconds"]) from error
        except QueryMemoryError as error:
            raise RequestError("checkLimitExceeded") from error

    def job(self, request: Request, upload: "Upload", name: str) -> dict[str, Any]:
        """Return the request to the process that validates an upload for a report of a format."""
        source = self.site.services.source
        assert source
        return {
            "folder": str(self.site.catalogue.folder.resolve()),
            "source": Endpoint.from_source(source).url,
            "url": responses.root(request),
            "language": self.site.view(request).language,
            "format": name,
            "data": [asdict(submission) for submission in upload.data],
            "shapes": [asdict(submission) for submission in upload.shapes],
        }


@dataclass(frozen=True)
class Upload:
    """The data of a request, the shapes that come with it, and a fix to apply to its text."""

    data: Sequence[Submission]
    shapes: Sequence[Submission] = ()
    fix: FixSent | None = None

    @property
    def fixed(self) -> "Upload":
        """Return the upload with its fix applied, if it has one text."""
        text = CheckPage(self.data, {}).text
        if self.fix is None or text is None:
            return self
        content = self.fix.apply(text).encode()
        return Upload([replace(self.data[0], content=content)], self.shapes)


async def parse_upload(request: Request) -> Upload:
    """Parse a request.

    Raises RequestError for a media type that is not supported, and for an empty body.
    """
    media_type = bodies.parse_media_type(request)
    content = await bodies.read_body(request, MAX_BYTES)
    if media_type in (_MULTIPART, bodies.FORM):
        _, options = parse_options_header(request.headers["content-type"])
        return _parse_form(media_type, options, content)
    if not content.strip():
        raise RequestError("emptyInput")
    if media_type not in _EXTENSIONS:
        raise _unsupported(media_type or "?")
    extension = _EXTENSIONS[media_type]
    return Upload([Submission(f"data.{extension}", extension, content)])


def _parse_form(media_type: str, options: Mapping[str, str], content: bytes) -> Upload:
    parser = FormDataParser(
        _in_memory, max_form_memory_size=MAX_BYTES, max_form_parts=_MAX_PARTS, silent=False
    )
    try:
        _, fields, files = parser.parse(
            io.BytesIO(content), media_type, len(content), dict(options)
        )
    except (ValueError, WerkzeugError) as error:
        raise RequestError("unsupportedMediaType", form=f"{media_type}: {error}") from error
    text_type = fields.get("type", TURTLE.extension)
    data = [*_files(files, "file"), *_texts(fields, "text", "data", text_type)]
    shapes = [*_files(files, "shapes"), *_texts(fields, "shapes", "shapes", TURTLE.extension)]
    if not data or not all(submission.content.strip() for submission in data):
        raise RequestError("emptyInput")
    supported = [media_type.extension for media_type in MEDIA_TYPES]
    for submissions, extensions in ((data, supported), (shapes, list(SYNTAXES))):
        for submission in submissions:
            if submission.extension not in extensions:
                raise _unsupported(submission.extension)
    fix = parse_fix(fields.get(".fix", ""), fields.get(".digest", ""))
    return Upload(data, shapes, fix)


def _in_memory(*_: object, **__: object) -> io.BytesIO:
    """Return what holds a file of a form: nothing is written to disk."""
    return io.BytesIO()


def _files(files: MultiDict[str, FileStorage], name: str) -> Iterator[Submission]:
    for file in files.getlist(name):
        content = file.stream.read()
        if content or file.filename:  # a browser sends a field without a file as an empty one
            yield Submission(file.filename or "data", _extension(file), content)


def _extension(file: FileStorage) -> str:
    """Return the extension of a file, by its name first: browsers know few media types."""
    end = (file.filename or "").lower().rpartition(".")[2]
    end = _OTHER_EXTENSIONS.get(end, end)
    supported = {media_type.extension for media_type in MEDIA_TYPES}
    return end if end in supported else _EXTENSIONS.get(file.mimetype, end or "?")


def _texts(
    fields: MultiDict[str, str], field: str, stem: str, extension: str
) -> Iterator[Submission]:
    for text in fields.getlist(field):
        if text.strip():
            content = text.replace("\r\n", "\n").encode(errors="replace")  # as browsers end lines
            yield Submission(f"{stem}.{extension}", extension, content)


def _unsupported(name: str) -> RequestError:
    supported = ", ".join(media_type.name for media_type in MEDIA_TYPES)
    return RequestError("unsupportedMediaType", form=f"{name} ({supported})")


def _report_types() -> list[MediaType]:
    """Return the media types of reports, the default first."""
    return sorted(_REPORTS, key=lambda report: _PREFERENCE.index(_BY_MEDIA_TYPE[report.name]))


def _operation(catalogue: Catalogue) -> Operation:
    """Return the description of the operation in OpenAPI."""
    contents = {media_type.name: {"schema": openapi.TEXT} for media_type in MEDIA_TYPES}
    contents[_MULTIPART] = {"schema": {"type": "object", "properties": _FIELDS}}
    return Operation(
        "validate",
        "validation",
        catalogue.phrase("validate"),
        ReportObject,
        media_types=_REPORTS,
        statuses=(200,),
        errors=_STATUSES,
        parameters=[
            openapi.language_parameter(catalogue),
            openapi.format_parameter(catalogue, _REPORTS),
        ],
        more={
            "description": catalogue.phrase("validateNote"),
            "requestBody": request_body(contents),
        },
    )


def _with_charset(media_type: str) -> str:
    return f"{media_type}; charset=utf-8" if media_type.startswith("text/") else media_type
