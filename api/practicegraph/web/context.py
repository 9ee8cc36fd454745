"""What every answer needs: the catalogue, the reader's language, and how errors are said.

What pages show: records as headings, fields and values in the reader's language.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from pyoxigraph import BlankNode, Literal, NamedNode, Triple
from starlette.exceptions import HTTPException

from ..application.dump_process import DumpProcess
from ..application.services import Services
from ..catalogue.catalogue import Catalogue
from ..exchange.dumps import ARCHIVE_NAME, MAX_ARCHIVES
from ..rdf.namespaces import PG, XSD
from ..rdf.terms import Term
from ..schema.fields import Field
from ..schema.messages import BOOLEAN_PHRASES
from ..schema.records import Record
from ..schema.text import Labels, fold, pick_text, put_first
from ..schema.value_parser import InvalidParameterError
from ..schema.vocabularies import Scheme
from ..sparql import pool
from ..sparql.pool import DeadlineError, IncidentError, TooMuchError
from ..storage.base import QueryRefusedError
from ..validation.reports import environment
from .http import negotiation, responses
from .http.errors import BadBodyError
from .http.middleware import allowed
from .http.negotiation import HTML, JSON, NotAcceptableError
from .urls import Addresses

_MANY = 30
_ENVIRONMENT = environment("practicegraph.web")


@dataclass(frozen=True)
class Shown:
    """A value on a page; the language where it is not the page's; lines of code as they are."""

    text: str
    href: str = ""
    language: str = ""
    note: str = ""
    code: bool = False


@dataclass(frozen=True)
class Line:
    """A field on a page."""

    key: str
    label: str
    hint: str
    values: tuple[Shown, ...]
    others: tuple[Shown, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Section:
    """A heading with its fields."""

    heading: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class View:
    """The catalogue as one reader sees it: in a language, with a wish for it in every link.

    The root stands before every path, where a proxy serves the catalogue below one.
    """

    services: Services
    addresses: Addresses
    language: str
    asked: bool
    root: str = ""

    @property
    def catalogue(self) -> Catalogue:
        """Return the catalogue."""
        return self.services.catalogue

    @cached_property
    def languages(self) -> tuple[str, ...]:
        """Give the languages, the reader's first."""
        return put_first(self.language, self.catalogue.languages)

    def page(self, template: str, **values: object) -> str:
        """Give a page as HTML."""
        return _ENVIRONMENT.get_template(template).render(view=self, **values)

    def say(self, name: str, /, **words: object) -> str:
        """Give a phrase."""
        return self.catalogue.phrases.format(name, self.languages, **words)

    def best(self, labels: Labels) -> str:
        """Give a wording in the reader's language."""
        return pick_text(labels, self.languages)

    def name(self, iri: str) -> str:
        """Give what a thing is called, or the last part of its address."""
        return self.catalogue.reader.label(iri, self.languages) or iri.rpartition("#")[2]

    def href(self, iri: str) -> str:
        """Give the address of a thing's page: here, or where it is if not ours; or none."""
        path = self.addresses.path(iri)
        if path is None:
            return iri if iri.startswith(("http://", "https://")) else ""
        _, mark, fragment = iri.partition("#")
        return self.link(f"/{path}.html") + mark + fragment

    def link(self, path: str, **parameters: str) -> str:
        """Give an address here that keeps the reader's language if it was asked for."""
        wished = {"lang": self.language} if self.asked else {}
        query = urlencode(wished | parameters)
        return f"{self.root}{path}?{query}" if query else self.root + path

    def sections(self, record: Record, brief: bool) -> list[Section]:
        """Give a record's fields under their headings, in brief those that take few lines."""
        found: dict[str, list[Line]] = {}
        for field, terms in record.items():
            if not (brief and len(terms) > _MANY):
                heading = pick_text(field.group.labels, self.languages)
                found.setdefault(heading, []).append(self._line(record, field, terms))
        return [Section(heading, tuple(lines)) for heading, lines in found.items()]

    def _line(self, record: Record, field: Field, terms: Sequence[Term]) -> Line:
        shown = [self._shown(field, term) for term in terms]
        others: list[Shown] = []
        if field.is_text and field.role:
            places = {tag: place for place, tag in enumerate(self.languages)}
            shown.sort(key=lambda value: places.get(value.language or self.language, len(places)))
            shown, others = shown[:1], shown[1:]
        elif not field.is_text:
            shown.sort(key=lambda value: fold(value.text))
        return Line(
            key=field.key,
            label=pick_text(field.names, self.languages),
            hint=pick_text(field.hints, self.languages),
            values=tuple(shown),
            others=tuple(others),
            note=self.say("incompleteList") if self._is_incomplete(record, field) else "",
        )

    def _is_incomplete(self, record: Record, field: Field) -> bool:
        marks = (other for other in record.shape.fields if other.predicate == PG + "incomplete")
        listed = [term for mark in marks for term in record.values.get(mark.key, ())]
        return field.predicate is not None and NamedNode(field.predicate) in listed

    def _shown(self, field: Field, term: Term) -> Shown:
        if isinstance(term, NamedNode):
            note = self.catalogue.reader.label(term.value, self.languages)
            ours = self.addresses.path(term.value) is not None or field.has_options
            text, note = (self.name(term.value), "") if ours else (term.value, note)
            return Shown(text, self.href(term.value), note=note)
        assert isinstance(term, Literal | BlankNode)
        language = getattr(term, "language", None) or ""
        if isinstance(term, Literal) and term.datatype.value == XSD + "boolean":
            return Shown(self.spoken(term.value))
        shown = "" if language == self.language else language
        return Shown(term.value, language=shown, code=not language and "\n" in term.value)

    def cell(self, term: Term | None) -> Shown:
        """Give a value of a query's solution."""
        if isinstance(term, NamedNode):
            return Shown(term.value, href=self.href(term.value))
        if isinstance(term, Literal):
            return Shown(term.value, language=term.language or "")
        if isinstance(term, Triple):
            return Shown(f"<<( {term} )>>")
        return Shown("" if term is None else str(term))

    def spoken(self, code: str) -> str:
        """Give a value of a list as it is said: true and false in words."""
        return self.say(BOOLEAN_PHRASES[code]) if code in BOOLEAN_PHRASES else code

    def tree(self, scheme: Scheme) -> Iterator[tuple[int, str, str, str]]:
        """Give a scheme's concepts from the top down: depth, label, address, notation."""
        for depth, concept in scheme.tree(self.languages):
            label = pick_text(concept.labels, self.languages)
            yield depth, label, self.href(concept.iri), concept.notation


VARY = {"Vary": "Accept, Accept-Language"}
_MOST_VALID = 30
_PLACE = re.compile(r"\b(\d+):(\d+)\b")
_SAFE = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True)
class Site:
    """A catalogue, the addresses at which it is served, and what has its dumps made."""

    services: Services
    addresses: Addresses
    dumper: DumpProcess | None = None
    allowed: Callable[[str], str] = allowed

    @property
    def catalogue(self) -> Catalogue:
        """Return the catalogue."""
        return self.services.catalogue

    def view(self, request: Request) -> View:
        """Give the catalogue as the reader of a request sees it."""
        language = negotiation.language(request, self.catalogue.languages)
        asked = request.query_params.get("lang") == language
        root = responses.prefix(request)
        return View(self.services, self.addresses, language, asked, root)

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
        assert isinstance(error, InvalidParameterError)
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
        known = error if isinstance(error, IncidentError) else pool.logged(str(error))
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
        address = f"/dump/{release}.{ARCHIVE_NAME}"
        hint = view.say("noLongerHint", count=MAX_ARCHIVES, release=release, address=address)
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
        return path.removeprefix(responses.prefix(request))
