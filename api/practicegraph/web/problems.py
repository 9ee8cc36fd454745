"""Which answer each mistake gets: the one place where errors become status codes.

Why a write is refused, as problem details (RFC 9457), and the report of what is not admitted.
"""

from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from ..editing.editor import NotAdmittedError
from ..schema.value_parser import InvalidParameterError
from ..sparql.pool import BusyError, CrashError, DeadlineError, IncidentError, TooMuchError
from ..storage.base import QueryRefusedError
from ..storage.remote import StoreError
from ..validation import reports
from ..validation.findings import ValidationReport
from .context import VARY, Site
from .http import negotiation
from .http.errors import (
    BadBodyError,
    NeverMadeError,
    NoLogError,
    NoLongerError,
    NotYetError,
    RefusalError,
    StillTrueError,
    TooLargeError,
    UnknownAddressError,
    UnsupportedError,
)
from .http.negotiation import HTML, JSON_LD, TURTLE, Form, NotAcceptableError

PROBLEM = Form("json", ("application/problem+json", "application/json"))
_REPORTS = {
    PROBLEM: "",
    HTML: "html",
    TURTLE: "turtle",
    JSON_LD: "jsonld",
    Form("sarif", ("application/sarif+json",)): "sarif",
    Form("junit", ("application/xml", "text/xml")): "junit",
    Form("text", ("text/plain",)): "text",
}


def answer_refusal(app: FastAPI, site: Site) -> None:
    """Have the application answer refused writes."""

    def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, RefusalError)
        view = site.view(request)
        detail = view.say(error.phrase, **error.words)
        hint = view.say(error.hint, **error.words) if error.hint else ""
        return site.problem(request, error.status, detail, hint, error.headers, error.more)

    def not_admitted(request: Request, error: Exception) -> Response:
        assert isinstance(error, NotAdmittedError)
        return _report(request, site, error.report)

    app.add_exception_handler(RefusalError, refused)
    app.add_exception_handler(NotAdmittedError, not_admitted)


def _report(request: Request, site: Site, checked: ValidationReport) -> Response:
    """Answer with a report in the form that is asked for, else with the findings in the problem."""
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    try:
        form = negotiation.form(request, tuple(_REPORTS))
    except negotiation.NotAcceptableError:
        form = PROBLEM
    if form != PROBLEM:
        report = reports.FORMATS[_REPORTS[form]]
        content = report.write(checked, site.catalogue.prefixes)
        return Response(content, status, VARY, report.media_type)
    view = site.view(request)
    rows = reports.rows(checked)
    more = {"conforms": False, "findings": rows}
    return site.problem(request, status, view.say("notAdmitted"), checked.summary, more=more)


def add_handlers(app: FastAPI, site: Site) -> None:
    """Have the application answer every mistake as problem details (RFC 9457)."""
    answer_refusal(app, site)
    app.add_exception_handler(InvalidParameterError, site.bad_choice)
    app.add_exception_handler(QueryRefusedError, site.refused_query)
    app.add_exception_handler(NotAcceptableError, site.not_acceptable)
    app.add_exception_handler(UnknownAddressError, site.not_found)
    app.add_exception_handler(UnsupportedError, site.unsupported)
    app.add_exception_handler(TooLargeError, site.too_large)
    app.add_exception_handler(StoreError, site.store_failed)
    app.add_exception_handler(StillTrueError, site.still_true)
    app.add_exception_handler(BadBodyError, site.bad_body)
    app.add_exception_handler(BusyError, site.busy)
    app.add_exception_handler(DeadlineError, site.stopped)
    app.add_exception_handler(IncidentError, site.incident)
    app.add_exception_handler(CrashError, site.incident)
    app.add_exception_handler(NotYetError, site.being_made)
    app.add_exception_handler(NoLongerError, site.no_longer_kept)
    app.add_exception_handler(NoLogError, site.no_log)
    app.add_exception_handler(NeverMadeError, site.never_made)
    app.add_exception_handler(TooMuchError, site.too_much)
    app.add_exception_handler(HTTPException, site.http_error)
    app.add_exception_handler(ClientDisconnect, site.left)
