"""The HTTP status of each kind of error, and its answer as problem details (RFC 9457)."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from ..editing.editor import NotAdmittedError
from ..errors import CatalogueError, RequestError
from ..sparql.process import IncidentError, log_incident
from ..validation import reports
from ..validation.findings import ValidationReport
from .context import VARY, Site
from .http import negotiation
from .http.negotiation import HTML, JSON, TURTLE, Form, NotAcceptableError

PROBLEM = Form("json", ("application/problem+json", "application/json"))
_REPORTS = {
    PROBLEM: "",
    HTML: "html",
    TURTLE: "turtle",
    Form("sarif", ("application/sarif+json",)): "sarif",
    Form("junit", ("application/xml", "text/xml")): "junit",
    Form("text", ("text/plain",)): "text",
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
    "nothingGiven": Problem(400),
    "notJson": Problem(400),
    "notObject": Problem(400),
    "notLike": Problem(400),
    "notIris": Problem(400),
    "tooDeep": Problem(400),
    "longReason": Problem(400),
    "remoteContext": Problem(400),
    "unreadableBody": Problem(400),
    "bodyTooHeavy": Problem(400),
    "unreadable": Problem(400, "{reason}"),
    "checkTooHeavy": Problem(400),
    "checkTooLong": Problem(503),
    "checksBusy": Problem(503, retry_after=5),
    "tooSlow": Problem(408),
    "tooLarge": Problem(413),
    "tooMany": Problem(413),
    "unsupported": Problem(415),
    # representations
    "notFound": Problem(404, "notFoundHint"),
    "noLog": Problem(404, "noLogHint"),
    "neverMade": Problem(404, "noLongerHint"),
    "noLonger": Problem(410, "noLongerHint"),
    "beingMade": Problem(503, retry_after=10),
    "notAcceptable": Problem(406, "validOnes"),
    "stillTrue": Problem(412),
    "notInRange": Problem(416),
    # queries
    "malformedQuery": Problem(400, "{reason}"),
    "tooManyRows": Problem(422, "tooMuchHint"),
    "tooManyBytes": Problem(422, "tooMuchHint"),
    "storeFailed": Problem(502, "{reason}"),
    "busy": Problem(503, retry_after=5),
    "deadline": Problem(504, "deadlineHint"),
    "incident": Problem(500),
    # writes
    "noToken": Problem(401, "tokenHint"),
    "wrongToken": Problem(401, "tokenHint"),
    "noRight": Problem(403),
    "noTokens": Problem(500),
    "notAllowed": Problem(405),
    "noSuchIdentifier": Problem(404, detail="badIdentifier"),
    "readOnly": Problem(405, "readOnlyHint"),
    "readOnlyStore": Problem(405, "readOnlyHint"),
    "isEdited": Problem(409, "editedHint"),
    "isTaken": Problem(409),
    "standsElsewhere": Problem(409),
    "isWithdrawn": Problem(410),
    "hasChanged": Problem(412, "readAgain"),
    "isThereAlready": Problem(412, "needsMatch"),
    "isNotThere": Problem(412, "needsNoneMatch"),
    "badIdentifier": Problem(422),
    "noTopic": Problem(422),
    "notAdmitted": Problem(422, "{reason}"),
    "otherGraph": Problem(422),
    "otherSubject": Problem(422),
    "tripleTerm": Problem(422),
    "unfitInput": Problem(422),
    "unfitNodes": Problem(422),
    "needsCondition": Problem(428),
    "notWritten": Problem(507),
}


def add_handlers(app: FastAPI, site: Site) -> None:
    """Answer every error of the application as problem details (RFC 9457)."""

    def answer_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, CatalogueError)
        return _answer(request, site, error)

    def answer_inadmissible(request: Request, error: Exception) -> Response:
        assert isinstance(error, NotAdmittedError)
        return _report(request, site, error.report) or _answer(request, site, error)

    def answer_framework(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return _answer_framework(request, site, error)

    async def answer_nobody(request: Request, error: Exception) -> Response:
        return Response(status_code=HTTPStatus.BAD_REQUEST)

    app.add_exception_handler(CatalogueError, answer_error)
    app.add_exception_handler(NotAdmittedError, answer_inadmissible)
    app.add_exception_handler(HTTPException, answer_framework)
    app.add_exception_handler(ClientDisconnect, answer_nobody)


def _answer(request: Request, site: Site, error: CatalogueError) -> Response:
    """Return the answer to an error; one of the server is logged under a number."""
    if error.kind == "incident" and not isinstance(error, IncidentError):
        error = log_incident(str(error))
    problem, view = PROBLEMS[error.kind], site.view(request)
    place = {"line": error.line, "column": error.column} if error.line else {}
    words = {"reason": str(error), **place, **error.words}
    hint = error.hint or problem.hint
    headers = dict(error.headers) if isinstance(error, RequestError) else {}
    if problem.status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = site.allowed(site.path(request))
    if problem.retry_after:
        headers["Retry-After"] = str(problem.retry_after)
    return _problem(
        request,
        site,
        HTTPStatus(problem.status),
        view.say(problem.detail or error.kind, **words),
        view.say(hint, **words) if hint else "",
        headers,
        place | error.extra,
    )


def _answer_framework(request: Request, site: Site, error: HTTPException) -> Response:
    """Return the answer to what the framework refuses, such as a method or a path."""
    status = HTTPStatus(error.status_code)
    if status == HTTPStatus.NOT_FOUND:
        return _answer(request, site, RequestError("notFound"))
    if status != HTTPStatus.METHOD_NOT_ALLOWED:
        return _problem(request, site, status, error.detail, "", error.headers or {})
    return _answer(request, site, RequestError("notAllowed", method=request.method))


def _problem(
    request: Request,
    site: Site,
    status: HTTPStatus,
    detail: str,
    hint: str = "",
    headers: Mapping[str, str] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Response:
    """Return problem details in JSON, or as a page to a browser."""
    try:
        is_page = negotiation.form(request, (JSON, HTML)) == HTML
    except NotAcceptableError:
        is_page = False
    if is_page:
        answer = site.html(request, "problem.html", status, detail=detail, hint=hint)
        answer.headers.update(headers or {})
        return answer
    details = {"type": "about:blank", "title": status.phrase, "status": status.value}
    details |= {"detail": detail} | ({"hint": hint} if hint else {}) | dict(extra or {})
    return JSONResponse(details, status, {**VARY, **(headers or {})}, "application/problem+json")


def _report(request: Request, site: Site, checked: ValidationReport) -> Response | None:
    """Return a validation report in the form that is asked for, None for problem details."""
    try:
        form = negotiation.form(request, tuple(_REPORTS))
    except NotAcceptableError:
        return None
    if form == PROBLEM:
        return None
    report = reports.FORMATS[_REPORTS[form]]
    content = report.write(checked, site.catalogue.prefixes)
    return Response(content, HTTPStatus.UNPROCESSABLE_ENTITY, VARY, report.media_type)
