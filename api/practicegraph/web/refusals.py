"""Why a write is refused, as problem details (RFC 9457), and the report of what is not admitted."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response

from .. import reports
from ..findings import Checked
from . import negotiation
from .negotiation import HTML, JSON_LD, TURTLE, Form
from .service import VARY, Service

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


class RefusalError(Exception):
    """A write that is refused: the status, the names of the phrases that say why and what to do."""

    def __init__(self, status: HTTPStatus, phrase: str, hint: str = "", /, **words: object) -> None:
        super().__init__(phrase)
        self.status, self.phrase, self.hint, self.words = status, phrase, hint, words
        self.headers: Mapping[str, str] = {}
        self.more: Mapping[str, Any] = {}


class NotAdmittedError(Exception):
    """An entry that the shapes do not admit, with what a check has found."""

    def __init__(self, checked: Checked) -> None:
        super().__init__(checked.summary)
        self.checked = checked


def answer(app: FastAPI, service: Service) -> None:
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
