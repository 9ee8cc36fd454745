"""Which form and which language a reader gets (RFC 9110, section 12)."""

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
    """A form of a document: the end of its address, its media types, its RDF syntax if any."""

    extension: str
    media_types: tuple[str, ...]
    rdf: RdfFormat | None = None

    @property
    def content_type(self) -> str:
        """Return the media type with its character set where texts need one."""
        return f"{self.plain}; charset=utf-8" if self.plain.startswith("text/") else self.plain

    @property
    def plain(self) -> str:
        """Return the media type alone."""
        return self.media_types[0]

    @property
    def is_rdf(self) -> bool:
        """Return whether the form holds a graph."""
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
"""The forms of every IRI; the first one goes to those who take anything."""
ANSWERS = (*DOCUMENTS, LINKSET)
"""The same, and the links of a document by themselves."""
LISTS = (JSON, HTML, JSON_LD, TURTLE, CSV, XLSX, RDF_XML, N_TRIPLES, TRIG, N_QUADS)
"""The forms of a search."""
CHANGE_FORMS = (ATOM, HTML, TRIG, N_QUADS, JSON_LD, TURTLE, N_TRIPLES, RDF_XML)
"""The forms of the log of changes."""
_WITHOUT_GRAPHS = (TURTLE, JSON_LD, RDF_XML, N_TRIPLES)


class NotAcceptableError(CatalogueError):
    """A form that is not to be had; `forms` says which are."""

    def __init__(self, forms: Sequence[Form]) -> None:
        plain = [found.plain for found in forms]
        extra = {"available": plain}
        super().__init__(kind="notAcceptable", extra=extra, valid=", ".join(plain))


def form(request: Request, forms: Sequence[Form]) -> Form:
    """Return the form that `format` or `Accept` selects; raise NotAcceptableError."""
    asked = request.query_params.get("format")
    return _accepted(request, forms) if asked is None else named(asked, forms)


def wished(request: Request, forms: Sequence[Form], name: str = "") -> Form:
    """Return the form that a name or `format` stands for, else the one that `Accept` asks for.

    Clients of SPARQL send names of their own beside `Accept`, which then says what they mean.
    """
    try:
        return named(name or request.query_params.get("format", ""), forms)
    except NotAcceptableError:
        return _accepted(request, forms)


def _accepted(request: Request, forms: Sequence[Form]) -> Form:
    header = ", ".join(request.headers.getlist("accept"))
    best = (_kept_best if len(header) <= MAX_TEXT_LENGTH else _best)(header, tuple(forms))
    if best is None:
        raise NotAcceptableError(forms)
    return best


def _best(accept: str, forms: tuple[Form, ...]) -> Form | None:
    """Return the form that a header asks for."""
    ranges = _ranges(accept)
    offers = [(_fitting(name, found), found) for found in forms for name in found.media_types]
    weighed = [(_weight(fitting, ranges), found) for fitting, found in offers]
    weight, best = max(weighed, key=lambda pair: pair[0])
    return best if weight[0] else None


_kept_best = lru_cache(maxsize=128)(_best)
"""The same for short headers: clients send few different ones, again and again."""


def _ranges(header: str) -> dict[str, tuple[float, int]]:
    """Return the quality of each media range and its place from the end, without parameters.

    A parameter, such as a profile of JSON-LD, never makes a form unacceptable; what is no media
    range is left out, and a header of nothing else counts as none (section 12.5.1).
    """
    listed = list(parse_accept_header(header))
    ranges: dict[str, tuple[float, int]] = {}
    for place, (text, quality) in enumerate(listed):
        name = text.partition(";")[0].strip().lower()
        if "/" in name:
            ranges.setdefault(name, (quality, len(listed) - place))
    return ranges or {"*/*": (1, 0)}


def _fitting(name: str, form: Form) -> tuple[str, ...]:
    """Return the ranges that mean a form by a media type, its other names only by themselves."""
    ranges = (name, name.partition("/")[0] + "/*", "*/*")
    return ranges if name == form.plain else ranges[:1]


def _weight(
    fitting: Sequence[str], ranges: Mapping[str, tuple[float, int]]
) -> tuple[float, int, int]:
    """Return how much a form is wished: by the range that fits it best, named ones first."""
    for specificity, found in enumerate(fitting):
        if found in ranges:
            quality, place = ranges[found]
            return quality, -specificity, place
    return 0, 0, 0


def named(name: str, forms: Sequence[Form]) -> Form:
    """Return the form with the extension or media type; raises NotAcceptableError."""
    for found in forms:
        if name == found.extension or name in found.media_types:
            return found
    raise NotAcceptableError(forms)


def form_of_document(request: Request, forms: Sequence[Form]) -> Form:
    """Return the form of a document that a request asks for; or NotAcceptableError.

    Who lists several syntaxes without graphs reads whatever comes and looks into the default
    graph, as Comunica does, and would find it empty in the syntaxes with graphs.
    """
    found = form(request, forms)
    if found not in (TRIG, N_QUADS) or "format" in request.query_params:
        return found
    accepted = parse_accept_header(request.headers.get("accept"))
    listed = {name for name, quality in accepted if quality > 0}
    without = [other for other in _WITHOUT_GRAPHS if listed.intersection(other.media_types)]
    return _accepted(request, without) if len(without) > 1 else found


def language(request: Request, languages: Sequence[str]) -> str:
    """Return the language that `lang` or `Accept-Language` selects, or the first one."""
    asked = request.query_params.get("lang", "")
    if asked in languages:
        return asked
    accepted = parse_accept_header(request.headers.get("accept-language"), LanguageAccept)
    return accepted.best_match(languages, default=languages[0])
