"""Which answer each mistake gets: the one place where errors become status codes.

Why a write is refused, as problem details (RFC 9457), and the report of what is not admitted.
"""

from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from ..schema.value_parser import BadChoiceError
from ..sparql.pool import BusyError, CrashError, DeadlineError, IncidentError, TooMuchError
from ..storage.base import QueryRefusedError
from ..storage.remote import StoreError
from ..validation import reports
from ..validation.findings import Checked
from .context import VARY, Service
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


class NotAdmittedError(Exception):
    """An entry that the shapes do not admit, with what a check has found."""

    def __init__(self, checked: Checked) -> None:
        super().__init__(checked.summary)
        self.checked = checked


def answer_refusal(app: FastAPI, service: Service) -> None:
    """Have the application answer refused writes."""

    def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, RefusalError)
        view = service.view(request)
        detail = view.say(error.phrase, **error.words)
        hint = view.say(error.hint, **error.words) if error.hint else ""
        return service.problem(request, error.status, detail, hint, error.headers, error.more)

    def not_admitted(request: Request, error: Exception) -> Response:
        assert isinstance(error, NotAdmittedError)
        return _report(request, service, error.checked)

    app.add_exception_handler(RefusalError, refused)
    app.add_exception_handler(NotAdmittedError, not_admitted)


def _report(request: Request, service: Service, checked: Checked) -> Response:
    """Answer with a report in the form that is asked for, else with the findings in the problem."""
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    try:
        form = negotiation.form(request, tuple(_REPORTS))
    except negotiation.NotAcceptableError:
        form = PROBLEM
    if form != PROBLEM:
        report = reports.FORMS[_REPORTS[form]]
        content = report.write(checked, service.catalogue.prefixes)
        return Response(content, status, VARY, report.media_type)
    view = service.view(request)
    rows = reports.rows(checked)
    more = {"conforms": False, "findings": rows}
    return service.problem(request, status, view.say("notAdmitted"), checked.summary, more=more)


def add_handlers(app: FastAPI, service: Service) -> None:
    """Have the application answer every mistake as problem details (RFC 9457)."""
    answer_refusal(app, service)
    app.add_exception_handler(BadChoiceError, service.bad_choice)
    app.add_exception_handler(QueryRefusedError, service.refused_query)
    app.add_exception_handler(NotAcceptableError, service.not_acceptable)
    app.add_exception_handler(UnknownAddressError, service.not_found)
    app.add_exception_handler(UnsupportedError, service.unsupported)
    app.add_exception_handler(TooLargeError, service.too_large)
    app.add_exception_handler(StoreError, service.store_failed)
    app.add_exception_handler(StillTrueError, service.still_true)
    app.add_exception_handler(BadBodyError, service.bad_body)
    app.add_exception_handler(BusyError, service.busy)
    app.add_exception_handler(DeadlineError, service.stopped)
    app.add_exception_handler(IncidentError, service.incident)
    app.add_exception_handler(CrashError, service.incident)
    app.add_exception_handler(NotYetError, service.being_made)
    app.add_exception_handler(NoLongerError, service.no_longer_kept)
    app.add_exception_handler(NoLogError, service.no_log)
    app.add_exception_handler(NeverMadeError, service.never_made)
    app.add_exception_handler(TooMuchError, service.too_much)
    app.add_exception_handler(HTTPException, service.http_error)
    app.add_exception_handler(ClientDisconnect, service.left)
