"""What became of addresses that others link to: current, moved, withdrawn or unknown.

How the addresses of what is no longer current answer (RFC 9110).

What was moved answers 301 (section 15.4.2) with the address of its successor: both stand for the
same thing, so a link is to be mended, which 303 would not say. Its documents go on to answer 200.
What was withdrawn answers 410 (section 15.5.11) everywhere, with its tombstone as the content.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from pyoxigraph import NamedNode

from ...rdf import untrusted
from ...rdf.terms import as_text
from ...schema.lifecycle import Deprecation
from ...schema.text import pick_text
from ..context import VARY, Site
from ..http import responses
from ..http.errors import BadBodyError, UnsupportedError
from ..http.negotiation import DOCUMENTS
from ..sparql import endpoint


def marked(answer: Response, deprecation: Deprecation | None) -> Response:
    """Give a document of a thing with what its fate adds: 410, a link to the successor."""
    if deprecation and not deprecation.is_moved:
        answer.status_code = HTTPStatus.GONE
    if deprecation and deprecation.successor:
        answer.headers.append("Link", _link(deprecation))
    return answer


def redirect(site: Site, request: Request, deprecation: Deprecation, below: str = "") -> Response:
    """Give the way from a thing that was moved to its successor, in the form that was asked for.

    From an address below the thing's it leads to the one below its successor's, if that is ours.
    """
    path = site.addresses.path(deprecation.successor)
    query = f"?{request.url.query}" if request.url.query else ""
    address = (
        deprecation.successor
        if path is None
        else f"{responses.prefix(request)}/{quote(path)}{below}{query}"
    )
    headers = VARY | {"Link": _link(deprecation)}
    return RedirectResponse(address, HTTPStatus.MOVED_PERMANENTLY, headers)


def told(deprecation: Deprecation | None, languages: Sequence[str]) -> dict[str, str]:
    """Give what became of a thing: `status`, and `to`, `since`, `reason` where they are known."""
    if deprecation is None:
        return {"status": "current"}
    found = {
        "status": "moved" if deprecation.is_moved else "withdrawn",
        "to": deprecation.successor,
        "since": deprecation.since,
        "reason": pick_text(deprecation.reasons, languages),
    }
    return {name: text for name, text in found.items() if text}


def _link(deprecation: Deprecation) -> str:
    """Give the link to a successor (RFC 8288, RFC 5829)."""
    return f'<{deprecation.successor}>; rel="successor-version"'


MOST = 1000
_JSON = "application/json"
_EXTENSIONS = tuple(f".{form.extension}" for form in DOCUMENTS)
_KNOWN = """
PREFIX owl: <http://www.w3.org/2002/07/owl#>
SELECT DISTINCT ?thing
WHERE {{
    VALUES ?thing {{ {things} }}
    FILTER EXISTS {{ {{ ?thing ?property ?value }} UNION {{ ?ontology owl:versionIRI ?thing }} }}
}}
"""


@dataclass(frozen=True)
class Statuses:
    """Answers lists of addresses."""

    site: Site

    async def read(self, request: Request) -> list[str]:
        """Read the addresses that a request lists.

        Raises UnsupportedError, TooLargeError or BadBodyError.
        """
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != _JSON:
            raise UnsupportedError(f"{media_type or '?'} ({_JSON})")
        return _iris(await endpoint.body(request))

    def answer(self, request: Request, iris: Sequence[str]) -> Response:
        """Answer with the status of each address, in their order."""
        starts = [_bare(self.site.catalogue.base), _bare(str(request.base_url))]
        meant = {iri: self._meant(iri, starts) for iri in iris}
        known = self._known({name for names in meant.values() for name in names})
        languages = self.site.view(request).languages
        found = {iri: next((n for n in names if n in known), "") for iri, names in meant.items()}
        results = [{"iri": iri, **self._told(found[iri], languages)} for iri in iris]
        return JSONResponse({"results": results}, headers=VARY)

    def _told(self, iri: str, languages: Sequence[str]) -> dict[str, str]:
        if not iri:
            return {"status": "unknown"}
        deprecation = self.site.catalogue.lifecycle.get(iri)
        return {"id": iri, **told(deprecation, languages)}

    def _meant(self, iri: str, starts: Iterable[str]) -> list[str]:
        """Give what an address may mean: itself, or what a document of ours is about."""
        address, mark, fragment = iri.partition("#")
        bare = _bare(address)
        start = next((start for start in starts if bare.startswith(start)), None)
        if start is None:
            return [iri, f"http://{bare}", f"https://{bare}"]
        path = bare.removeprefix(start).partition("?")[0]
        stem, dot, extension = path.rpartition(".")
        paths = [path, stem] if dot + extension in _EXTENSIONS else [path]
        return [self._named(found) + mark + fragment for found in paths]

    def _named(self, path: str) -> str:
        """Give the IRI at a path; a concept's may have a base that is not ours."""
        if path == self.site.addresses.start:
            return self.site.catalogue.base
        key, _, notation = path.partition("/")
        scheme = self.site.catalogue.vocabularies.schemes_by_key.get(key)
        concept = scheme.get(notation) if scheme else None
        return concept.iri if concept else self.site.catalogue.base + path

    def _known(self, names: Iterable[str]) -> set[str]:
        """Give those of the names that are IRIs of ours, in one query."""
        catalogue = self.site.catalogue
        things = [node for name in names if self._ours(name) and (node := _node(name))]
        query = _KNOWN.format(things=" ".join(map(str, things)))
        return {as_text(row["thing"]) for row in catalogue.store.select(query)} if things else set()

    def _ours(self, name: str) -> bool:
        catalogue = self.site.catalogue
        return name.startswith(catalogue.base) or name in catalogue.vocabularies.concepts


def _iris(content: bytes) -> list[str]:
    try:
        found = untrusted.json_value(untrusted.decoded(content))
    except (ValueError, SyntaxError) as error:
        raise BadBodyError(HTTPStatus.BAD_REQUEST, "notJson", reason=error) from error
    iris = found.get("iris") if isinstance(found, dict) else None
    if not isinstance(iris, list):
        raise BadBodyError(HTTPStatus.BAD_REQUEST, "notIris", place="iris")
    if len(iris) > MOST:
        status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        raise BadBodyError(status, "tooMany", count=len(iris), limit=MOST)
    for place, iri in enumerate(iris):
        if not isinstance(iri, str):
            raise BadBodyError(HTTPStatus.BAD_REQUEST, "notIris", place=f"iris[{place}]")
    return iris


def _bare(address: str) -> str:
    """Give an address without its scheme, since links with `http` and `https` mean the same."""
    scheme, mark, rest = address.partition("://")
    return rest if mark and scheme.lower() in ("http", "https") else address


def _node(iri: str) -> NamedNode | None:
    try:
        return NamedNode(iri)
    except ValueError:
        return None
