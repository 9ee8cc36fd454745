"""Content negotiation of the form and the language of a response (RFC 9110, section 12)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from fastapi import Request
from pyoxigraph import RdfFormat
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from ...errors import CatalogueError
from ...schema.text import MAX_TEXT_LENGTH


@dataclass(frozen=True)
class Form:
    """A form of a document: its extension, its media types, and its RDF syntax if it has one."""

    extension: str
    media_types: tuple[str, ...]
    rdf: RdfFormat | None = None

    @property
    def content_type(self) -> str:
        """Return the media type, with a character set for text."""
        return f"{self.plain}; charset=utf-8" if self.plain.startswith("text/") else self.plain

    @property
    def plain(self) -> str:
        """Return the media type without parameters."""
        return self.media_types[0]

    @property
    def is_rdf(self) -> bool:
        """Return whether the form is an RDF syntax."""
        return self.rdf is not None


HTML = Form("html", ("text/html", "application/xhtml+xml"))
TURTLE = Form("ttl", ("text/turtle", "application/x-turtle"), RdfFormat.TURTLE)
JSON_LD = Form("jsonld", ("application/ld+json",), RdfFormat.JSON_LD)
JSON = Form("json", ("application/json",))
CSV = Form("csv", ("text/csv",))
XLSX = Form("xlsx", ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",))
N_TRIPLES = Form("nt", ("application/n-triples", "text/plain"), RdfFormat.N_TRIPLES)
RDF_XML = Form("rdf", ("application/rdf+xml",), RdfFormat.RDF_XML)
TRIG = Form("trig", ("application/trig",), RdfFormat.TRIG)
N_QUADS = Form("nq", ("application/n-quads",), RdfFormat.N_QUADS)
LINKSET = Form("linkset", ("application/linkset+json",))
ATOM = Form("atom", ("application/atom+xml", "application/xml", "text/xml"))

DOCUMENTS = (TURTLE, HTML, JSON_LD, RDF_XML, N_TRIPLES, TRIG, N_QUADS, JSON)
"""The forms of the document about an IRI; the first one is the default."""
ANSWERS = (*DOCUMENTS, LINKSET)
"""The forms of the document about an IRI, and its link set."""
LISTS = (JSON, HTML, JSON_LD, TURTLE, CSV, XLSX, RDF_XML, N_TRIPLES, TRIG, N_QUADS)
"""The forms of a search result."""
CHANGE_FORMS = (ATOM, HTML, TRIG, N_QUADS, JSON_LD, TURTLE, N_TRIPLES, RDF_XML)
"""The forms of the change log."""
_WITHOUT_GRAPHS = (TURTLE, JSON_LD, RDF_XML, N_TRIPLES)


class NotAcceptableError(CatalogueError):
    """None of the available forms is acceptable to the client."""

    def __init__(self, forms: Sequence[Form]) -> None:
        available = [form.plain for form in forms]
        extra = {"available": available}
        super().__init__(kind="notAcceptable", extra=extra, valid=", ".join(available))


def form(request: Request, forms: Sequence[Form]) -> Form:
    """Return the form that `format` or `Accept` selects; raise NotAcceptableError."""
    name = request.query_params.get("format")
    return _accepted(request, forms) if name is None else named(name, forms)


def form_or_accepted(request: Request, forms: Sequence[Form], name: str = "") -> Form:
    """Return the form that a name or `format` selects; for an unknown name, that of `Accept`.

    SPARQL clients send their own names of formats, and `Accept` beside them. Raise
    NotAcceptableError.
    """
    try:
        return named(name or request.query_params.get("format", ""), forms)
    except NotAcceptableError:
        return _accepted(request, forms)


def _accepted(request: Request, forms: Sequence[Form]) -> Form:
    header = ", ".join(request.headers.getlist("accept"))
    select = _select_cached if len(header) <= MAX_TEXT_LENGTH else _select
    best = select(header, tuple(forms))
    if best is None:
        raise NotAcceptableError(forms)
    return best


def _select(accept: str, forms: tuple[Form, ...]) -> Form | None:
    """Return the form with the highest quality by an Accept header; None if none has any."""
    ranges = _parse_ranges(accept)
    offers = [(_matching_ranges(name, form), form) for form in forms for name in form.media_types]
    weighted = [(_weight(matching, ranges), form) for matching, form in offers]
    weight, best = max(weighted, key=lambda pair: pair[0])
    return best if weight[0] else None


_select_cached = lru_cache(maxsize=128)(_select)
"""Select by a short header: clients send few different ones, many times."""


def _parse_ranges(header: str) -> dict[str, tuple[float, int]]:
    """Return the quality of each media range and its position from the end, without parameters.

    A parameter, such as a profile of JSON-LD, never makes a form unacceptable. Invalid media ranges
    are left out; a header without a valid one counts as absent (section 12.5.1).
    """
    values = list(parse_accept_header(header))
    ranges: dict[str, tuple[float, int]] = {}
    for position, (text, quality) in enumerate(values):
        name = text.partition(";")[0].strip().lower()
        if "/" in name:
            ranges.setdefault(name, (quality, len(values) - position))
    return ranges or {"*/*": (1, 0)}


def _matching_ranges(name: str, form: Form) -> tuple[str, ...]:
    """Return the ranges that match a media type of a form; wildcards match the first one alone."""
    ranges = (name, name.partition("/")[0] + "/*", "*/*")
    return ranges if name == form.plain else ranges[:1]


def _weight(
    matching: Sequence[str], ranges: Mapping[str, tuple[float, int]]
) -> tuple[float, int, int]:
    """Return the quality of a form, the specificity of its matching range, and the position."""
    for specificity, name in enumerate(matching):
        if name in ranges:
            quality, position = ranges[name]
            return quality, -specificity, position
    return 0, 0, 0


def named(name: str, forms: Sequence[Form]) -> Form:
    """Return the form with the extension or media type; raise NotAcceptableError."""
    for form in forms:
        if name == form.extension or name in form.media_types:
            return form
    raise NotAcceptableError(forms)


def form_of_document(request: Request, forms: Sequence[Form]) -> Form:
    """Return the form of a document that a request selects; raise NotAcceptableError.

    A client that accepts several syntaxes without graphs reads the default graph alone, as Comunica
    does. It is empty in syntaxes with graphs, so these are avoided.
    """
    selected = form(request, forms)
    if selected not in (TRIG, N_QUADS) or "format" in request.query_params:
        return selected
    header = parse_accept_header(request.headers.get("accept"))
    accepted = {name for name, quality in header if quality > 0}
    without = [other for other in _WITHOUT_GRAPHS if accepted.intersection(other.media_types)]
    return _accepted(request, without) if len(without) > 1 else selected


def language(request: Request, languages: Sequence[str]) -> str:
    """Return the language that `lang` or `Accept-Language` selects, or the first one."""
    code = request.query_params.get("lang", "")
    if code in languages:
        return code
    accepted = parse_accept_header(request.headers.get("accept-language"), LanguageAccept)
    return accepted.best_match(languages, default=languages[0])
