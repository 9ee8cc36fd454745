"""The HTTP status of each kind of error, and its answer as problem details (RFC 9457)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from ..editing.editor import NotAdmittedError
from ..errors import CatalogueError, RequestError
from ..rdf.syntax_errors import known_prefix
from ..sparql.process import IncidentError, log_incident
from ..validation import reports
from ..validation.findings import ValidationReport
from .context import VARY, Site, View
from .http import negotiation
from .http.negotiation import HTML, JSON, TURTLE, MediaType, NotAcceptableError

PROBLEM = MediaType("json", ("application/problem+json", "application/json"))
_REPORTS = {
    PROBLEM: "",
    HTML: "html",
    TURTLE: "turtle",
    MediaType("sarif", ("application/sarif+json",)): "sarif",
    MediaType("junit", ("application/xml", "text/xml")): "junit",
    MediaType("text", ("text/plain",)): "text",
}


@dataclass(frozen=True)
class Problem:
    """The answer to a kind of error: status, phrase of the hint, seconds to wait.

    The kind is the phrase of the detail, unless another one is named. A hint that is no phrase is
    a pattern for the words of the error, of which `reason` is its text.
    """

    status: int
    hint: str = ""
    retry_after: int = 0
    detail: str = ""


PROBLEMS: Mapping[str, Problem] = {
    # requests and their bodies
    "unknownParameter": Problem(400),
    "missingValue": Problem(400),
    "unknownValue": Problem(400),
    "emptyInput": Problem(400),
    "invalidJson": Problem(400, "{reason}"),
    "notObject": Problem(400),
    "invalidItem": Problem(400),
    "invalidIriList": Problem(400),
    "reasonTooLong": Problem(400),
    "invalidForm": Problem(400),
    "formProblems": Problem(422),
    "formConflict": Problem(412),
    "foreignForm": Problem(403),
    "unreadableBody": Problem(400, "{reason}"),
    "bodyLimitExceeded": Problem(400),
    "unreadable": Problem(400, "{reason}"),
    "checkLimitExceeded": Problem(400),
    "checkTimeout": Problem(503),
    "tooManyChecks": Problem(503, retry_after=5),
    "requestTimeout": Problem(408),
    "bodyTooLarge": Problem(413),
    "listTooLong": Problem(413),
    "unsupportedMediaType": Problem(415),
    # representations
    "notFound": Problem(404, "notFoundHint"),
    "noChangeLog": Problem(404, "noChangeLogHint"),
    "unknownRelease": Problem(404, "availableDumps"),
    "dumpExpired": Problem(410, "availableDumps"),
    "dumpPending": Problem(503, retry_after=10),
    "notAcceptable": Problem(406, "validValues"),
    "notModified": Problem(412),
    "rangeNotSatisfiable": Problem(416),
    # queries
    "malformedQuery": Problem(400, "{reason}"),
    "tooManyRows": Problem(422, "resultLimitHint"),
    "tooManyBytes": Problem(422, "resultLimitHint"),
    "storeUnavailable": Problem(502, "{reason}"),
    "tooManyQueries": Problem(503, retry_after=5),
    "queryTimeout": Problem(504, "queryTimeoutHint"),
    "incident": Problem(500),
    # writes
    "missingToken": Problem(401, "tokenHint"),
    "unknownToken": Problem(401, "tokenHint"),
    "missingPermission": Problem(403),
    "unreadableTokens": Problem(500),
    "notAllowed": Problem(405),
    "unknownIdentifier": Problem(404, detail="invalidIdentifier"),
    "readOnly": Problem(405, "readOnlyHint"),
    "readOnlyStore": Problem(405, "readOnlyHint"),
    "fileChanged": Problem(409, "fileChangedHint"),
    "identifierTaken": Problem(409),
    "fileNotWritable": Problem(409),
    "alreadyWithdrawn": Problem(410),
    "entryChanged": Problem(412, "entryChangedHint"),
    "entryExists": Problem(412, "ifMatchHint"),
    "entryNotFound": Problem(412, "ifNoneMatchHint"),
    "invalidIdentifier": Problem(422),
    "missingTopic": Problem(422),
    "notAdmitted": Problem(422, "{reason}"),
    "unexpectedGraph": Problem(422),
    "unexpectedSubject": Problem(422),
    "invalidInput": Problem(422),
    "unsupportedNodes": Problem(422),
    "preconditionRequired": Problem(428),
    "folderNotWritable": Problem(507),
}


def add_handlers(app: FastAPI, site: Site) -> None:
    """Answer every error of the application as problem details (RFC 9457)."""

    def answer_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, CatalogueError)
        return answer(request, site, error)

    def answer_inadmissible(request: Request, error: Exception) -> Response:
        assert isinstance(error, NotAdmittedError)
        return _report(request, site, error.report) or answer(request, site, error)

    def answer_framework(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return _answer_framework(request, site, error)

    async def answer_nobody(request: Request, error: Exception) -> Response:
        return Response(status_code=HTTPStatus.BAD_REQUEST)

    app.add_exception_handler(CatalogueError, answer_error)
    app.add_exception_handler(NotAdmittedError, answer_inadmissible)
    app.add_exception_handler(HTTPException, answer_framework)
    app.add_exception_handler(ClientDisconnect, answer_nobody)


@dataclass(frozen=True)
class _Answer:
    """The answer to an error: status, texts, headers, and further members of problem details."""

    status: HTTPStatus
    detail: str
    hint: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)


def answer(
    request: Request,
    site: Site,
    error: CatalogueError,
    template: str = "problem.html",
    **values: object,
) -> Response:
    """Return the answer to an error as problem details, or as a page, which may be made for it.

    The template has the detail, the hint, and the line and column if they are known.
    """
    return _respond(request, site, _describe(request, site, error), template, **values)


def _describe(request: Request, site: Site, error: CatalogueError) -> _Answer:
    """Return the answer to an error; one of the server is logged under a number."""
    if error.kind == "incident" and not isinstance(error, IncidentError):
        error = log_incident(str(error))
    problem, view = PROBLEMS[error.kind], site.view(request)
    position = {"line": error.line, "column": error.column} if error.line else {}
    words = {"reason": str(error), **position, **error.words}
    words = known_prefix(words, site.catalogue.prefixes)
    hint = error.hint or problem.hint
    headers = dict(error.headers) if isinstance(error, RequestError) else {}
    if problem.status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = site.allowed(site.path(request))
    if problem.retry_after:
        headers["Retry-After"] = str(problem.retry_after)
    return _Answer(
        HTTPStatus(problem.status),
        view.phrase(problem.detail or error.kind, **words),
        _at_position(view, view.phrase(hint, **words), position) if hint else "",
        headers,
        position | error.extra,
    )


def _at_position(view: View, text: str, position: Mapping[str, int]) -> str:
    return view.phrase("atPosition", reason=text, **position) if position else text


def _answer_framework(request: Request, site: Site, error: HTTPException) -> Response:
    """Return the answer to an error of the framework, such as a method or a path."""
    status = HTTPStatus(error.status_code)
    if status == HTTPStatus.NOT_FOUND:
        return answer(request, site, RequestError("notFound"))
    if status != HTTPStatus.METHOD_NOT_ALLOWED:
        return _respond(request, site, _Answer(status, error.detail, "", error.headers or {}))
    return answer(request, site, RequestError("notAllowed", method=request.method))


def _respond(
    request: Request, site: Site, answer: _Answer, template: str = "problem.html", **values: object
) -> Response:
    """Return problem details in JSON, or as a page to a browser."""
    try:
        is_page = negotiation.negotiate(request, (JSON, HTML)) == HTML
    except NotAcceptableError:
        is_page = False
    if is_page:
        texts = {"detail": answer.detail, "hint": answer.hint, **answer.extra}
        response = site.html(request, template, answer.status, **{**values, **texts})
        response.headers.update(answer.headers)
        return response
    status = answer.status
    details = {"type": "about:blank", "title": status.phrase, "status": status.value}
    details |= {"detail": answer.detail} | ({"hint": answer.hint} if answer.hint else {})
    content, headers = details | dict(answer.extra), {**VARY, **answer.headers}
    return JSONResponse(content, status, headers, "application/problem+json")


def _report(request: Request, site: Site, report: ValidationReport) -> Response | None:
    """Return a validation report as the client accepts it, or None for problem details."""
    try:
        media_type = negotiation.negotiate(request, tuple(_REPORTS))
    except NotAcceptableError:
        return None
    if media_type == PROBLEM:
        return None
    report_format = reports.FORMATS[_REPORTS[media_type]]
    content = report_format.write(report, site.catalogue.prefixes)
    return Response(content, HTTPStatus.UNPROCESSABLE_ENTITY, VARY, report_format.media_type)
