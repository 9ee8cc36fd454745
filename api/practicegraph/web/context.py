"""What every answer needs: the catalogue, the reader's language, and how errors are said.

What pages show: records as headings, fields and values in the reader's language.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from fastapi import Request, Response
from fastapi.responses import HTMLResponse
from pyoxigraph import BlankNode, Literal, NamedNode, Triple

from ..application.dump_process import DumpProcess
from ..application.services import Services
from ..catalogue.catalogue import Catalogue
from ..rdf.namespaces import PG, XSD
from ..rdf.terms import Term
from ..schema.fields import Field
from ..schema.messages import BOOLEAN_PHRASES
from ..schema.records import Record
from ..schema.text import Labels, fold, pick_text, put_first
from ..schema.vocabularies import Scheme
from ..validation.reports import environment
from .http import negotiation, responses
from .http.middleware import allowed
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
        """Return the languages, the reader's first."""
        return put_first(self.language, self.catalogue.languages)

    def page(self, template: str, **values: object) -> str:
        """Return a page as HTML."""
        return _ENVIRONMENT.get_template(template).render(view=self, **values)

    def say(self, name: str, /, **words: object) -> str:
        """Return a phrase."""
        return self.catalogue.phrases.format(name, self.languages, **words)

    def best(self, labels: Labels) -> str:
        """Return a wording in the reader's language."""
        return pick_text(labels, self.languages)

    def name(self, iri: str) -> str:
        """Return what a thing is called, or the last part of its address."""
        return self.catalogue.reader.label(iri, self.languages) or iri.rpartition("#")[2]

    def href(self, iri: str) -> str:
        """Return the address of a thing's page: here, or where it is if not ours; or none."""
        path = self.addresses.path(iri)
        if path is None:
            return iri if iri.startswith(("http://", "https://")) else ""
        _, mark, fragment = iri.partition("#")
        return self.link(f"/{path}.html") + mark + fragment

    def link(self, path: str, **parameters: str) -> str:
        """Return an address here that keeps the reader's language if it was asked for."""
        wished = {"lang": self.language} if self.asked else {}
        query = urlencode(wished | parameters)
        return f"{self.root}{path}?{query}" if query else self.root + path

    def sections(self, record: Record, brief: bool) -> list[Section]:
        """Return a record's fields under their headings, in brief those that take few lines."""
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
            note=self.say("incompleteListNote") if self._is_incomplete(record, field) else "",
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
        """Return a value of a query's solution."""
        if isinstance(term, NamedNode):
            return Shown(term.value, href=self.href(term.value))
        if isinstance(term, Literal):
            return Shown(term.value, language=term.language or "")
        if isinstance(term, Triple):
            return Shown(f"<<( {term} )>>")
        return Shown("" if term is None else str(term))

    def spoken(self, code: str) -> str:
        """Return a value of a list as it is said: true and false in words."""
        return self.say(BOOLEAN_PHRASES[code]) if code in BOOLEAN_PHRASES else code

    def tree(self, scheme: Scheme) -> Iterator[tuple[int, str, str, str]]:
        """Yield a scheme's concepts from the top down: depth, label, address, notation."""
        for depth, concept in scheme.tree(self.languages):
            label = pick_text(concept.labels, self.languages)
            yield depth, label, self.href(concept.iri), concept.notation


VARY = {"Vary": "Accept, Accept-Language"}
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
        """Return the catalogue as the reader of a request sees it."""
        language = negotiation.language(request, self.catalogue.languages)
        asked = request.query_params.get("lang") == language
        root = responses.prefix(request)
        return View(self.services, self.addresses, language, asked, root)

    def html(self, request: Request, template: str, status: int = 200, **values: Any) -> Response:
        """Return a page."""
        view = self.view(request)
        page = view.page(template, url=request.url, **{"links": (), "outline": None, **values})
        headers = VARY | _SAFE | {"Content-Language": view.language}
        return HTMLResponse(page, status, headers)

    def path(self, request: Request) -> str:
        """Return the path of a request as the service knows it."""
        path: str = request.scope["path"]
        return path.removeprefix(responses.prefix(request))
