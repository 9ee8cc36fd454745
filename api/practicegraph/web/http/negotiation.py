"""Content negotiation of the media type and the language of a response (RFC 9110, section 12)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from fastapi import Request
from pyoxigraph import RdfFormat
from werkzeug.datastructures import Accept, LanguageAccept, MIMEAccept
from werkzeug.http import parse_accept_header

from ...errors import CatalogueError
from ...search.request import check_names


@dataclass(frozen=True, eq=False)  # each is one of the constants, and a key of caches
class MediaType:
    """A media type: its extension, its names (the preferred one first), and its RDF syntax."""

    extension: str
    names: tuple[str, ...]
    rdf: RdfFormat | None = None

    @property
    def content_type(self) -> str:
        """Return the name, with a character set for text."""
        return f"{self.name}; charset=utf-8" if self.name.startswith("text/") else self.name

    @property
    def name(self) -> str:
        """Return the preferred name, without parameters."""
        return self.names[0]

    @property
    def is_rdf(self) -> bool:
        """Return whether it is that of an RDF syntax."""
        return self.rdf is not None


HTML = MediaType("html", ("text/html", "application/xhtml+xml"))
TURTLE = MediaType(
    "ttl", ("text/turtle", "application/x-turtle", "text/n3", "text/rdf+n3"), RdfFormat.TURTLE
)
JSON_LD = MediaType("jsonld", ("application/ld+json",), RdfFormat.JSON_LD)
JSON = MediaType("json", ("application/json",))
CSV = MediaType("csv", ("text/csv",))
XLSX = MediaType("xlsx", ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",))
N_TRIPLES = MediaType("nt", ("application/n-triples", "text/plain"), RdfFormat.N_TRIPLES)
RDF_XML = MediaType(
    "rdf", ("application/rdf+xml", "application/xml", "text/xml"), RdfFormat.RDF_XML
)
TRIG = MediaType("trig", ("application/trig",), RdfFormat.TRIG)
N_QUADS = MediaType("nq", ("application/n-quads",), RdfFormat.N_QUADS)
SVG = MediaType("svg", ("image/svg+xml",))
LINKSET = MediaType("linkset", ("application/linkset+json",))
CSL_JSON = MediaType("csl.json", ("application/vnd.citationstyles.csl+json",))
BIBTEX = MediaType("bib", ("application/x-bibtex",))
RIS = MediaType("ris", ("application/x-research-info-systems",))
ATOM = MediaType("atom", ("application/atom+xml", "application/xml", "text/xml"))

DOCUMENTS = (TURTLE, HTML, JSON_LD, RDF_XML, N_TRIPLES, TRIG, N_QUADS, JSON)
"""The media types of the document about an IRI; the first one is the default."""
DOCUMENTS_AND_LINKS = (*DOCUMENTS, LINKSET)
"""The media types of the document about an IRI, and of its link set."""
CITATIONS = (CSL_JSON, BIBTEX, RIS)
"""The media types of citations, of the entry or of those of a search."""
ENTRY_DOCUMENTS = (*DOCUMENTS_AND_LINKS, *CITATIONS)
"""The media types of the documents of an entry."""
LISTS = (
    JSON,
    HTML,
    JSON_LD,
    TURTLE,
    CSV,
    XLSX,
    RDF_XML,
    N_TRIPLES,
    TRIG,
    N_QUADS,
    ATOM,
    *CITATIONS,
)
"""The media types of a search result."""
CHANGE_TYPES = (ATOM, HTML, TRIG, N_QUADS, JSON_LD, TURTLE, N_TRIPLES, RDF_XML)
"""The media types of the change log."""
_MAX_ITEMS, _MAX_LENGTH = 100, 8000
"""The maximum number of items of a header, and the length of its part that is parsed.

Clients send few different headers, many times, so these are cached.
"""
_WITHOUT_GRAPHS = (TURTLE, JSON_LD, RDF_XML, N_TRIPLES)


class NotAcceptableError(CatalogueError):
    """None of the available media types is acceptable to the client."""

    def __init__(self, media_types: Sequence[MediaType]) -> None:
        available = [media_type.name for media_type in media_types]
        extra = {"available": available}
        super().__init__(kind="notAcceptable", extra=extra, valid=", ".join(available))


def negotiate(request: Request, media_types: Sequence[MediaType]) -> MediaType:
    """Return the media type that the extension of the path, `format` or `Accept` selects.

    Raise NotAcceptableError.
    """
    name = request.path_params.get("extension", request.query_params.get("format"))
    return _accepted(request, media_types) if name is None else find_media_type(name, media_types)


def check_parameters(request: Request, valid: Sequence[str]) -> None:
    """Raise InvalidParameterError for a parameter that is not valid, with those that are."""
    check_names(request.query_params, valid)


async def refuse_parameters(request: Request) -> None:
    """Raise InvalidParameterError for any parameter; a dependency of routes that have none."""
    check_parameters(request, ())


def negotiate_sparql(
    request: Request, media_types: Sequence[MediaType], name: str
) -> MediaType | None:
    """Return the media type with a name, or that `Accept` selects; None if none is acceptable.

    SPARQL clients send their own names of formats, which are ignored, and `Accept` beside them.
    """
    named = _find(name, media_types) if name else None
    return named or _select(_header(request), tuple(media_types))


def negotiate_document(request: Request, media_types: Sequence[MediaType]) -> MediaType:
    """Return the media type of a document that a request selects; raise NotAcceptableError.

    A client that accepts several syntaxes without graphs reads the default graph alone, as Comunica
    does. It is empty in syntaxes with graphs, so these are avoided.
    """
    selected = negotiate(request, media_types)
    if selected not in (TRIG, N_QUADS) or "format" in request.query_params:
        return selected
    accepted = {name for name, quality in _parse_accept(_header(request)) if quality > 0}
    without = [other for other in _WITHOUT_GRAPHS if accepted.intersection(other.names)]
    return _accepted(request, without) if len(without) > 1 else selected


def find_media_type(name: str, media_types: Sequence[MediaType]) -> MediaType:
    """Return the media type with an extension or a name; raise NotAcceptableError."""
    media_type = _find(name, media_types)
    if media_type is None:
        raise NotAcceptableError(media_types)
    return media_type


def negotiate_language(request: Request, languages: Sequence[str]) -> str:
    """Return the language that `lang` or `Accept-Language` selects, or the first one."""
    code = request.query_params.get("lang", "")
    if code in languages:
        return code
    items = _parse_items(request.headers.get("accept-language", ""))
    return LanguageAccept(items).best_match(languages, default=languages[0])


def accepts_gzip(header: str) -> bool:
    """Return whether an Accept-Encoding header accepts gzip (section 12.5.3)."""
    return Accept(_parse_items(header)).quality("gzip") > 0


def _find(name: str, media_types: Sequence[MediaType]) -> MediaType | None:
    matching = (other for other in media_types if name in (other.extension, *other.names))
    return next(matching, None)


def _accepted(request: Request, media_types: Sequence[MediaType]) -> MediaType:
    selected = _select(_header(request), tuple(media_types))
    if selected is None:
        raise NotAcceptableError(media_types)
    return selected


def _header(request: Request) -> str:
    return ", ".join(request.headers.getlist("accept"))


@lru_cache(maxsize=128)
def _select(header: str, media_types: tuple[MediaType, ...]) -> MediaType | None:
    """Return the media type with the highest quality by an Accept header; None if none has any.

    Of the same quality, the most specific range and then the first one counts. A wildcard matches
    the preferred names alone.
    """
    accept = _parse_accept(header)
    ranges = set(accept.values())
    offers = [
        (accept.quality(name), -accept.find(name), media_type)
        for media_type in media_types
        for name in media_type.names
        if name == media_type.name or name in ranges
    ]
    quality, _, selected = max(offers, key=lambda offer: offer[:2])
    return selected if quality > 0 else None


def _parse_accept(header: str) -> MIMEAccept:
    """Return the media ranges of an Accept header, without parameters.

    A parameter, such as a profile of JSON-LD, never makes a media type unacceptable. A header
    without a valid media range counts as absent (section 12.5.1).
    """
    items = _parse_items(header)
    ranges = [(text.partition(";")[0].strip().lower(), quality) for text, quality in items]
    return MIMEAccept([pair for pair in ranges if "/" in pair[0]] or [("*/*", 1)])


@lru_cache(maxsize=128)
def _parse_items(header: str) -> Sequence[tuple[str, float]]:
    """Return the items of a header with their qualities, the highest first, up to a number."""
    return parse_accept_header(header[:_MAX_LENGTH], Accept)[:_MAX_ITEMS]
