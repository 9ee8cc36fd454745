"""The context of responses: the catalogue, the language of the client, and values for pages."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from babel import Locale
from fastapi import Request, Response
from fastapi.responses import HTMLResponse
from jinja2.utils import urlize
from markupsafe import escape
from pyoxigraph import BlankNode, Literal, NamedNode
from starlette.datastructures import URL

from ..application.background import ReleasedDumps
from ..application.services import Services
from ..catalogue.catalogue import HASH_SCHEME, Catalogue
from ..rdf.terms import PG, XSD, Term
from ..schema.fields import Field
from ..schema.records import Record
from ..schema.text import BOOLEAN_PHRASES, Labels, collation_key, pick_text, put_first
from ..storage.base import ReleaseCache
from ..validation.reports import environment
from .http import conditional, negotiation, responses
from .http.conditional import Validators
from .http.middleware import allowed
from .http.negotiation import HTML, MediaType
from .menu import MenuItem, menu
from .urls import SOURCE_FILE, Addresses, search_path

TEXTS = "texts"
"""The parameter for the language of the texts of entries."""
VARY = {"Vary": "Accept, Accept-Language"}
POLICY = "Content-Security-Policy"
_FRAMED = ("frame-ancestors 'none'", "frame-ancestors *")
_SECURITY_HEADERS = {
    POLICY: "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}
NOTES = {
    PG + "incomplete": "incompleteListNote",
    PG + "inferred": "inferredNote",
    PG + "ownText": "ownTextNote",
}
"""The phrases beside a field, by the property that names it."""
_STATIC = Path(__file__).parent / "static"
_MAX_BRIEF_VALUES = 30
_MAX_TAGS = 10_000
_NO_URL = re.compile(
    r"""<a href="(?!(?:%[0-9A-Fa-f]{2}|[^%{}|\\^`\[\]"])*")[^"]*"[^>]*>(.*?)</a>"""
)
_URL_SIGN = re.compile(r"[.:@/]\S")


@cache
def language_name(tag: str, language: str) -> str:
    """Return the name of a language in another one, or in itself, as at the start of a line."""
    name = Locale.parse(tag, sep="-").get_display_name(language.replace("-", "_")) or tag
    return name[:1].upper() + name[1:]


def link_urls(text: str) -> str:
    """Return a text as HTML in which URLs are links.

    What has characters that stand in no URL (RFC 3986), such as a URI template, is none.
    """
    if not _URL_SIGN.search(text):
        return escape(text)  # many times as fast
    return _NO_URL.sub(r"\1", urlize(text, rel="noopener"))


_ENVIRONMENT = environment("practicegraph.web")
_ENVIRONMENT.filters["link_urls"] = link_urls
_ENVIRONMENT.filters["language_name"] = language_name
_ENVIRONMENT.globals["zip"] = zip


@dataclass(frozen=True)
class DisplayValue:
    """A value on a page; it has a language if that differs from the page's, an IRI if it is one."""

    text: str
    href: str = ""
    language: str = ""
    note: str = ""
    code: bool = False
    iri: str = ""


@dataclass(frozen=True)
class Line:
    """A field on a page, with its values."""

    key: str
    label: str
    hint: str
    values: tuple[DisplayValue, ...]
    others: tuple[DisplayValue, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Section:
    """A heading on a page, with its fields."""

    heading: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class View:
    """The catalogue in the language of a request; links keep the language if the URL has it.

    The root is the prefix of all paths, where a proxy serves the catalogue below a path. `texts` is
    the language of the texts of entries, where that differs from the page's, else "".
    """

    services: Services
    addresses: Addresses
    language: str
    keeps_language: bool
    root: str = ""
    texts: str = ""

    @property
    def catalogue(self) -> Catalogue:
        """Return the catalogue."""
        return self.services.catalogue

    @cached_property
    def languages(self) -> tuple[str, ...]:
        """Return the languages, that of the request first."""
        return put_first(self.language, self.catalogue.languages)

    @cached_property
    def text_languages(self) -> tuple[str, ...]:
        """Return the languages for the texts of entries, the preferred one first."""
        return put_first(self.texts, self.languages) if self.texts else self.languages

    def page(self, template: str, **values: object) -> str:
        """Return a template rendered as HTML."""
        return _ENVIRONMENT.get_template(template).render(view=self, **values)

    def menu(self, path: str) -> list[MenuItem]:
        """Return the menu on the page of a path."""
        return menu(self.catalogue, path.removeprefix(self.root))

    def phrase(self, name: str, /, **values: object) -> str:
        """Return a phrase in the language of the request, with values for its variables."""
        return self.catalogue.phrases.format(name, self.languages, **values)

    @cached_property
    def colon(self) -> str:
        """Return the colon behind a label, with the space that a language has before it."""
        return self.phrase("colon", label="")

    def bundle(self, name: str) -> str:
        """Return the URL of a bundle of `api/frontend`; "" where it was not built."""
        return f"{self.root}/static/built/{name}" if name in _bundles() else ""

    def text(self, labels: Labels) -> str:
        """Return the label in the language of the request, or in the first other one."""
        return pick_text(labels, self.languages)

    def name(self, iri: str) -> str:
        """Return the label of an IRI, or its fragment without a label."""
        return self.catalogue.reader.label(iri, self.languages) or iri.rpartition("#")[2]

    def short_name(self, iri: str) -> str:
        """Return an IRI with its prefix as in Turtle; itself if the catalogue has none for it."""
        text, prefix = self.catalogue.writer.write_term(NamedNode(iri))
        return text if prefix else iri

    def href(self, iri: str) -> str:
        """Return the URL of the page about an IRI, an IRI of others itself, or ""."""
        path = self.addresses.path(iri)
        if iri.startswith(HASH_SCHEME):
            digest = iri.removeprefix(HASH_SCHEME)
            is_kept = self.catalogue.source_file(digest) is not None
            return self.root + SOURCE_FILE.format(digest=digest) if is_kept else ""
        if path is None:
            return iri if iri.startswith(("http://", "https://")) else ""
        _, hash_sign, fragment = iri.partition("#")
        return self.link(f"/{path}.html") + hash_sign + fragment

    def list_url(self, field: Field) -> str:
        """Return the URL of the page with all values of a field: its scheme, or a search."""
        kinds = {kind.classes[0]: kind for kind in self.catalogue.shapes.listed_kinds}
        if kind := kinds.get(field.scheme or ""):
            return self.link(search_path(kind))
        return self.href(field.scheme or "")

    def link(self, path: str, **parameters: str) -> str:
        """Return the URL of a path here; it keeps the language if the request states it."""
        language_parameter = {"lang": self.language} if self.keeps_language else {}
        if not parameters and not language_parameter:
            return self.root + path
        return f"{self.root}{path}?{urlencode(language_parameter | parameters)}"

    def search_link(self, key: str, value: str) -> str:
        """Return the URL of the search for the entries with a value of a facet."""
        return self.link(self.addresses.search, **{key: value})

    def formats(
        self,
        media_types: Iterable[MediaType],
        path: str,
        parameters: Sequence[tuple[str, str]] = (),
    ) -> list[tuple[str, str]]:
        """Return the extensions of a page's other representations, each with its URL."""
        query = f"?{urlencode(parameters)}" if parameters else ""
        extensions = [media_type.extension for media_type in media_types if media_type != HTML]
        return [(name, f"{self.root}{path}.{name}{query}") for name in extensions]

    def result_validators(
        self, request: Request, media_type: MediaType, is_explained: bool
    ) -> Validators:
        """Return the validators of a search result; none of one that states its query time."""
        if is_explained:
            return Validators("")
        release = self.services.search.release
        choices, modified = (media_type.extension, self.language), self.services.modified(release)
        return conditional.validators(request, release, choices, modified)

    def sections(self, record: Record, brief: bool) -> list[Section]:
        """Return the fields of a record by heading, in brief without long lists."""
        items = record.items()
        shown = [f for f, terms in items if not (brief and len(terms) > _MAX_BRIEF_VALUES)]
        return self.by_heading((field, self.line(record, field)) for field in shown)

    def by_heading(self, lines: Iterable[tuple[Field, Line]]) -> list[Section]:
        """Return the lines of fields by heading."""
        sections: dict[str, list[Line]] = {}
        for field, line in lines:
            sections.setdefault(self.text(field.group.labels), []).append(line)
        return [Section(heading, tuple(lines)) for heading, lines in sections.items()]

    def line(self, record: Record, field: Field) -> Line:
        """Return a field of a record that has values of it."""
        displayed = self._values(record, field, record.values[field.key])
        others: list[DisplayValue] = []
        if field.is_text:
            order = {tag: position for position, tag in enumerate(self.text_languages)}
            displayed.sort(key=lambda value: order.get(value.language or self.language, len(order)))
            first = displayed[0].language
            others = [value for value in displayed if value.language != first]
            displayed = [value for value in displayed if value.language == first]
        elif len(displayed) > 1:
            displayed.sort(key=lambda value: collation_key(value.text, self.language))
        return Line(
            key=field.key,
            label=self.text(field.names),
            hint=self.text(field.hints),
            values=tuple(displayed),
            others=tuple(others),
            note=" ".join(map(self.phrase, self._notes(record, field))),
        )

    def _values(self, record: Record, field: Field, terms: Sequence[Term]) -> list[DisplayValue]:
        """Return the values of a field; those that name fields by the names of these."""
        if field.value_predicate not in NOTES:
            return [self._display(record, field, term) for term in terms]
        known = (*self.catalogue.shapes.entry_shape.fields, *record.shape.fields)
        names = {f.predicate: f.names for f in known}
        named = [names.get(term.value) if isinstance(term, NamedNode) else None for term in terms]
        return [
            DisplayValue(self.text(labels)) if labels else self._display(record, field, term)
            for labels, term in zip(named, terms, strict=True)
        ]

    def _notes(self, record: Record, field: Field) -> Iterator[str]:
        """Yield the phrases of the properties that name a field, such as its list as incomplete."""
        named = field.predicate and NamedNode(field.predicate)
        for predicate, note in NOTES.items():
            markers = record.shape.fields_by_value_predicate.get(predicate, ())
            yield from (note for f in markers if named in record.values.get(f.key, ()))

    def _display(self, record: Record, field: Field, term: Term) -> DisplayValue:
        """Return a value; a blank node, which has no name that lasts, as in Turtle."""
        if isinstance(term, NamedNode):
            if self.addresses.path(term.value) is not None or field.has_options:
                return DisplayValue(self.name(term.value), self.href(term.value))
            note = self.catalogue.reader.external_label(term.value, self.languages)
            return DisplayValue(term.value, self.href(term.value), note=note)
        if isinstance(term, BlankNode):
            triples = [quad.triple for quad in self.catalogue.store.description(record.iri)]
            return DisplayValue(self.catalogue.writer.term_writer(triples)(term), code=True)
        assert isinstance(term, Literal)
        language = term.language or ""
        if term.datatype.value == XSD + "boolean":
            return DisplayValue(self.format_code(term.value))
        is_code = not language and "\n" in term.value
        shown_language = "" if language == self.language else language
        return DisplayValue(term.value, language=shown_language, code=is_code)

    def format_code(self, code: str) -> str:
        """Return a code as a text; booleans are phrases."""
        return self.phrase(BOOLEAN_PHRASES[code]) if code in BOOLEAN_PHRASES else code


@dataclass(frozen=True)
class Site:
    """A catalogue as it is served: its addresses, its dump process, the methods of its paths."""

    services: Services
    addresses: Addresses
    dumper: ReleasedDumps | None = None
    allowed: Callable[[str], str] = allowed

    @property
    def catalogue(self) -> Catalogue:
        """Return the catalogue."""
        return self.services.catalogue

    @cached_property
    def of_kinds(self) -> list["Site"]:
        """Return the sites whose entries are the records of each kind."""
        return [
            replace(self, services=services, addresses=Addresses(services.catalogue))
            for services in self.services.of_kinds
        ]

    @cached_property
    def tags(self) -> ReleaseCache[tuple[str, ...], str]:
        """Return the entity tags of documents by URL and negotiated choices."""
        return ReleaseCache(_MAX_TAGS)

    @cached_property
    def terms(self) -> ReleaseCache[str, Mapping[str, Sequence[str]]]:
        """Return the terms of documents by IRI, each with those that refer to it."""
        return ReleaseCache(_MAX_TAGS)

    @cached_property
    def term_groups(self) -> ReleaseCache[tuple[str, ...], Any]:
        """Return the groups of terms on indexes, by document, language and key."""
        return ReleaseCache(_MAX_TAGS)

    def view(self, request: Request) -> View:
        """Return the view for a request."""
        language = negotiation.negotiate_language(request, self.catalogue.languages)
        keeps_language = request.query_params.get("lang") == language
        root, texts = responses.prefix(request), request.query_params.get(TEXTS, "")
        texts = texts if texts in self.catalogue.languages else ""
        return View(self.services, self.addresses, language, keeps_language, root, texts)

    def html(self, request: Request, template: str, status: int = 200, **values: Any) -> Response:
        """Return a page as a response."""
        view = self.view(request)
        url = request.url
        own = {"url": url, "language_urls": urls_by_value(url, "lang", self.catalogue.languages)}
        page = view.page(template, **{**own, "links": (), "outline": None, **values})
        headers = VARY | conditional.REVALIDATED | _SECURITY_HEADERS
        headers |= {"Content-Language": view.language}
        return HTMLResponse(page, status, headers)

    def path(self, request: Request) -> str:
        """Return the path of a request without the prefix of a proxy."""
        path: str = request.scope["path"]
        return path.removeprefix(responses.prefix(request))


def urls_by_value(url: URL, name: str, values: Iterable[str]) -> dict[str, str]:
    """Return the relative URLs of a page with each value of a parameter."""
    others = [pair for pair in parse_qsl(url.query, keep_blank_values=True) if pair[0] != name]
    return {value: f"{url.path}?{urlencode([*others, (name, value)])}" for value in values}


def allow_frames(page: Response) -> Response:
    """Return a page that pages of other sites may show in a frame."""
    page.headers[POLICY] = page.headers[POLICY].replace(*_FRAMED)
    return page


@cache
def _bundles() -> frozenset[str]:
    """Return the names of the files that `api/frontend` was bundled into, as at the first call."""
    return frozenset(path.name for path in (_STATIC / "built").glob("*.*"))
