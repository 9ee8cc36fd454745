"""What every answer needs: the catalogue, the reader's language, and how errors are said."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.exceptions import HTTPException

from .. import incidents
from ..catalogue import Catalogue
from ..choices import BadChoiceError
from ..dumper import Dumper
from ..dumps import KEPT, LASTING
from ..incidents import IncidentError
from ..process import DeadlineError
from ..store import QueryRefusedError
from ..workers import TooMuchError
from . import links, negotiation
from .documents import Addresses
from .methods import allowed
from .negotiation import HTML, JSON, NotAcceptableError
from .views import View

VARY = {"Vary": "Accept, Accept-Language"}
_MOST_VALID = 30
_PLACE = re.compile(r"\b(\d+):(\d+)\b")
_SAFE = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}


class UnknownAddressError(LookupError):
    """An address at which nothing stands."""


class NotYetError(LookupError):
    """A dump that is being made."""


class NoLongerError(LookupError):
    """A dump of an earlier release that is no longer kept."""


class NeverMadeError(LookupError):
    """A dump of a release of which none was made here."""


class NoLogError(LookupError):
    """A service beside which no log of changes is kept."""


class UnsupportedError(ValueError):
    """A body in a form that is not read."""


class TooLargeError(ValueError):
    """A body that is larger than allowed, in bytes."""


class StillTrueError(Exception):
    """A request by POST for an answer that the reader has; its tag is the text."""


class BadBodyError(ValueError):
    """A body that says something wrong; the name of the phrase that says what, and its words."""

    def __init__(self, status: HTTPStatus, phrase: str, /, **words: object) -> None:
        super().__init__(phrase)
        self.status, self.phrase, self.words = status, phrase, words


@dataclass(frozen=True)
class Service:
    """A catalogue, the addresses at which it is served, and what has its dumps made."""

    catalogue: Catalogue
    addresses: Addresses
    dumper: Dumper | None = None
    allowed: Callable[[str], str] = allowed

    def view(self, request: Request) -> View:
        """Give the catalogue as the reader of a request sees it."""
        language = negotiation.language(request, self.catalogue.languages)
        asked = request.query_params.get("lang") == language
        root = links.prefix(request)
        return View(self.catalogue, self.addresses, language, asked, root)

    def html(self, request: Request, template: str, status: int = 200, **values: Any) -> Response:
        """Give a page."""
        view = self.view(request)
        page = view.page(template, url=request.url, **{"links": (), "outline": None, **values})
        headers = VARY | _SAFE | {"Content-Language": view.language}
        return HTMLResponse(page, status, headers)

    def problem(
        self,
        request: Request,
        status: HTTPStatus,
        detail: str,
        hint: str = "",
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> Response:
        """Give an error as problem details (RFC 9457), or as a page to a browser."""
        try:
            page = negotiation.form(request, (JSON, HTML)) == HTML
        except NotAcceptableError:
            page = False
        if page:
            answer = self.html(request, "problem.html", status, detail=detail, hint=hint)
            answer.headers.update(headers or {})
            return answer
        details = {"type": "about:blank", "title": status.phrase, "status": status.value}
        details |= {"detail": detail} | ({"hint": hint} if hint else {}) | dict(more or {})
        media_type = "application/problem+json"
        return JSONResponse(details, status, {**VARY, **(headers or {})}, media_type)

    def bad_choice(self, request: Request, error: Exception) -> Response:
        """Answer a search for what does not exist: 400, with what does."""
        assert isinstance(error, BadChoiceError)
        view = self.view(request)
        phrase = {None: "unknownParameter", "": "missingValue"}.get(error.value, "unknownValue")
        detail = view.say(phrase, parameter=error.parameter, value=error.value)
        few = len(error.valid) <= _MOST_VALID
        valid = ", ".join(error.valid[:_MOST_VALID])
        hint = view.say("validOnes" if few else "validAmong", valid=valid, count=len(error.valid))
        return self.problem(request, HTTPStatus.BAD_REQUEST, detail, hint)

    def refused_query(self, request: Request, error: Exception) -> Response:
        """Answer a query that is not run: 400, with the position or the reason."""
        assert isinstance(error, QueryRefusedError)
        detail = self.view(request).say("malformedQuery")
        place = _PLACE.search(str(error))
        more = {"line": int(place[1]), "column": int(place[2])} if place else {}
        return self.problem(request, HTTPStatus.BAD_REQUEST, detail, str(error), more=more)

    def unsupported(self, request: Request, error: Exception) -> Response:
        """Answer a body in a form that is not read: 415."""
        detail = self.view(request).say("unsupported", form=str(error))
        return self.problem(request, HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail)

    def still_true(self, request: Request, error: Exception) -> Response:
        """Answer a reader who has the answer: 412, since 304 is for GET (RFC 9110, 13.1.2)."""
        detail = self.view(request).say("stillTrue")
        headers = {"ETag": str(error)}
        return self.problem(request, HTTPStatus.PRECONDITION_FAILED, detail, headers=headers)

    def too_large(self, request: Request, error: Exception) -> Response:
        """Answer a body that is too large: 413."""
        detail = self.view(request).say("tooLarge", limit=str(error))
        return self.problem(request, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)

    def bad_body(self, request: Request, error: Exception) -> Response:
        """Answer a body that says something wrong, with what it is."""
        assert isinstance(error, BadBodyError)
        detail = self.view(request).say(error.phrase, **error.words)
        return self.problem(request, error.status, detail)

    def busy(self, request: Request, error: Exception) -> Response:
        """Answer a query for which there is no room now: 503."""
        detail = self.view(request).say("busy")
        headers = {"Retry-After": "5"}
        return self.problem(request, HTTPStatus.SERVICE_UNAVAILABLE, detail, headers=headers)

    def store_failed(self, request: Request, error: Exception) -> Response:
        """Answer what a store elsewhere did not: 502, with what it said."""
        detail = self.view(request).say("storeFailed")
        return self.problem(request, HTTPStatus.BAD_GATEWAY, detail, str(error))

    def stopped(self, request: Request, error: Exception) -> Response:
        """Answer a query that was stopped at its deadline: 504."""
        assert isinstance(error, DeadlineError)
        view = self.view(request)
        detail = view.say("deadline", seconds=f"{error.seconds:g} s")
        hint = view.say("deadlineHint", seconds=f"{error.most:g} s")
        return self.problem(request, HTTPStatus.GATEWAY_TIMEOUT, detail, hint)

    def incident(self, request: Request, error: Exception) -> Response:
        """Answer what went wrong here: 500, with the number under which the log has more."""
        known = error if isinstance(error, IncidentError) else incidents.logged(str(error))
        detail = self.view(request).say("incident", number=known.number)
        more = {"incident": known.number}
        return self.problem(request, HTTPStatus.INTERNAL_SERVER_ERROR, detail, more=more)

    def being_made(self, request: Request, error: Exception) -> Response:
        """Answer a request for a dump that is being made: 503."""
        detail = self.view(request).say("beingMade")
        headers = {"Retry-After": "10"}
        return self.problem(request, HTTPStatus.SERVICE_UNAVAILABLE, detail, headers=headers)

    def no_longer_kept(self, request: Request, error: Exception) -> Response:
        """Answer a request for a dump that is no longer kept: 410, with those that are."""
        return self._no_dump(request, HTTPStatus.GONE, "noLonger", str(error))

    def never_made(self, request: Request, error: Exception) -> Response:
        """Answer a request for a dump of a release never seen here: 404, with those that are."""
        return self._no_dump(request, HTTPStatus.NOT_FOUND, "neverMade", str(error))

    def _no_dump(self, request: Request, status: HTTPStatus, phrase: str, asked: str) -> Response:
        view, release = self.view(request), self.catalogue.release
        address = f"/dump/{release}.{LASTING}"
        hint = view.say("noLongerHint", count=KEPT, release=release, address=address)
        return self.problem(request, status, view.say(phrase, release=asked), hint)

    def too_much(self, request: Request, error: Exception) -> Response:
        """Answer a query whose answer is too large, before any of it was sent: 422."""
        assert isinstance(error, TooMuchError)
        view = self.view(request)
        phrase = "tooManyRows" if error.unit == "rows" else "tooManyBytes"
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        detail = view.say(phrase, most=error.most)
        return self.problem(request, status, detail, view.say("tooMuchHint"))

    def not_acceptable(self, request: Request, error: Exception) -> Response:
        """Answer a wish for a form that is not to be had: 406, with those that are."""
        assert isinstance(error, NotAcceptableError)
        view = self.view(request)
        forms = [found.plain for found in error.forms]
        hint = view.say("validOnes", valid=", ".join(forms))
        detail, more = view.say("notAcceptable"), {"available": forms}
        return self.problem(request, HTTPStatus.NOT_ACCEPTABLE, detail, hint, more=more)

    def not_found(self, request: Request, error: Exception) -> Response:
        """Answer an address at which nothing stands: 404."""
        view = self.view(request)
        status = HTTPStatus.NOT_FOUND
        return self.problem(request, status, view.say("notFound"), view.say("notFoundHint"))

    def no_log(self, request: Request, error: Exception) -> Response:
        """Answer a wish for changes of which there is no log here: 404, with where there is one."""
        view = self.view(request)
        return self.problem(request, HTTPStatus.NOT_FOUND, view.say("noLog"), view.say("noLogHint"))

    async def left(self, request: Request, error: Exception) -> Response:
        """Answer a reader who has gone: nobody receives it."""
        return Response(status_code=HTTPStatus.BAD_REQUEST)

    def http_error(self, request: Request, error: Exception) -> Response:
        """Answer what the framework refuses, such as a method that an address does not know."""
        assert isinstance(error, HTTPException)
        status = HTTPStatus(error.status_code)
        if status == HTTPStatus.NOT_FOUND:
            return self.not_found(request, error)
        if status != HTTPStatus.METHOD_NOT_ALLOWED:
            return self.problem(request, status, error.detail, headers=error.headers)
        detail = self.view(request).say("notAllowed", method=request.method)
        return self.problem(
            request, status, detail, headers={"Allow": self.allowed(self.path(request))}
        )

    def path(self, request: Request) -> str:
        """Give the path of a request as the service knows it."""
        path: str = request.scope["path"]
        return path.removeprefix(links.prefix(request))
