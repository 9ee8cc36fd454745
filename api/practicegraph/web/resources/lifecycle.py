"""The lifecycle of IRIs: redirects of moved ones, tombstones of withdrawn ones, their status.

A moved IRI answers 301 with the URL of its successor (RFC 9110, section 15.4.2): both identify the
same, so a link should be changed, which 303 would not say. Its documents still answer 200. A
withdrawn IRI answers 410 (section 15.5.11) everywhere, with its tombstone as the content.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from ...errors import RequestError
from ...rdf.terms import as_text, parse_iri
from ...schema.lifecycle import Deprecation
from ...schema.text import pick_text
from ..context import VARY, Site
from ..http import bodies, responses
from ..http.conditional import REVALIDATED
from ..http.negotiation import DOCUMENTS
from ..http.responses import Link
from ..models import StatusesObject, StatusRequest
from ..openapi import Operation, model_body
from ..urls import STATUS

MAX_IRIS = 1000
_EXTENSIONS = tuple(f".{t.extension}" for t in DOCUMENTS)
_EXISTING = """
PREFIX owl: <http://www.w3.org/2002/07/owl#>
SELECT DISTINCT ?iri
WHERE {{
    VALUES ?iri {{ {iris} }}
    FILTER EXISTS {{ {{ ?iri ?property ?value }} UNION {{ ?ontology owl:versionIRI ?iri }} }}
}}
"""


def with_lifecycle(response: Response, deprecation: Deprecation | None) -> Response:
    """Return a document with what the deprecation of its topic adds: 410, a link (RFC 5829)."""
    if deprecation and not deprecation.is_moved:
        response.status_code = HTTPStatus.GONE
    if deprecation and deprecation.successor:
        response.headers.append("Link", _link(deprecation))
    return response


def redirect(site: Site, request: Request, deprecation: Deprecation, below: str = "") -> Response:
    """Return the redirect from a moved IRI to its successor.

    From a path below the IRI's it leads to the same path below the successor's, if that is ours.
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


def status(deprecation: Deprecation | None, languages: Sequence[str]) -> dict[str, str]:
    """Return the status of an IRI, and its successor, day and reason where they are known."""
    if deprecation is None:
        return {"status": "current"}
    values = {
        "status": "moved" if deprecation.is_moved else "withdrawn",
        "to": deprecation.successor,
        "since": deprecation.since,
        "reason": pick_text(deprecation.reasons, languages),
    }
    return {name: text for name, text in values.items() if text}


def _link(deprecation: Deprecation) -> str:
    return str(Link(deprecation.successor, "successor-version"))


@dataclass(frozen=True)
class StatusEndpoint:
    """Answers with the status of IRIs and URLs."""

    site: Site

    async def parse_body(self, request: Request) -> list[str]:
        """Return the IRIs that a request lists; raise RequestError."""
        bodies.require_media_type(request, bodies.JSON)
        return _parse_iris(await bodies.read_body(request))

    def respond(self, request: Request, iris: Sequence[str]) -> Response:
        """Return the status of each IRI, in their order."""
        starts = [_bare(self.site.catalogue.base), _bare(str(request.base_url))]
        candidates = {iri: self._candidates(iri, starts) for iri in iris}
        existing = self._existing({name for names in candidates.values() for name in names})
        languages = self.site.view(request).languages
        results = []
        for iri in iris:
            identified = next((name for name in candidates[iri] if name in existing), "")
            mappings = self.site.catalogue.vocabularies.mappings_to(candidates[iri])
            more = {"mappings": mappings} if mappings else {}
            results.append({"iri": iri, **self._status(identified, languages), **more})
        return responses.json({"results": results}, headers=VARY | REVALIDATED)

    def _status(self, iri: str, languages: Sequence[str]) -> dict[str, str]:
        if not iri:
            return {"status": "unknown"}
        deprecation = self.site.catalogue.lifecycle.get(iri)
        return {"id": iri, **status(deprecation, languages)}

    def _candidates(self, iri: str, starts: Iterable[str]) -> list[str]:
        """Return the IRIs that a URL may stand for: itself, or the topic of a document of ours."""
        address, mark, fragment = iri.partition("#")
        bare = _bare(address)
        start = next((start for start in starts if bare.startswith(start)), None)
        if start is None:
            return [iri, f"http://{bare}", f"https://{bare}"]
        path = bare.removeprefix(start).partition("?")[0]
        stem, dot, extension = path.rpartition(".")
        paths = [path, stem] if dot + extension in _EXTENSIONS else [path]
        return [self.site.addresses.expand(path) + mark + fragment for path in paths]

    def _existing(self, names: Iterable[str]) -> set[str]:
        """Return those of the IRIs that the store describes, in one query."""
        catalogue = self.site.catalogue
        concepts = catalogue.vocabularies.concepts
        ours = (name for name in names if name.startswith(catalogue.base) or name in concepts)
        nodes = [node for name in ours if (node := parse_iri(name))]
        query = _EXISTING.format(iris=" ".join(map(str, nodes)))
        return {as_text(row["iri"]) for row in catalogue.store.select(query)} if nodes else set()


def _parse_iris(content: bytes) -> list[str]:
    value = bodies.parse_json(content)
    iris = value.get("iris") if isinstance(value, dict) else None
    if not isinstance(iris, list):
        raise RequestError("invalidIriList", place="iris")
    if len(iris) > MAX_IRIS:
        raise RequestError("listTooLong", count=len(iris), limit=MAX_IRIS)
    for place, iri in enumerate(iris):
        if not isinstance(iri, str):
            raise RequestError("invalidIriList", place=f"iris[{place}]")
    return iris


def _bare(address: str) -> str:
    """Return a URL without its scheme, since `http` and `https` identify the same."""
    scheme, mark, rest = address.partition("://")
    return rest if mark and scheme.lower() in ("http", "https") else address


def routes(site: Site) -> APIRouter:
    """Return the routes of the status of IRIs."""
    router, endpoint = APIRouter(), StatusEndpoint(site)
    operation = Operation(
        "status",
        "entries",
        site.catalogue.phrase("status", limit=MAX_IRIS),
        StatusesObject,
        statuses=(200,),
        errors=(400, 413, 415),
        more={"requestBody": model_body(StatusRequest)},
    )

    @router.post(STATUS, **operation.arguments())
    async def status(request: Request) -> Response:
        iris = await endpoint.parse_body(request)
        return await run_in_threadpool(endpoint.respond, request, iris)

    @router.get(STATUS, include_in_schema=False)
    def refuse() -> Response:
        raise HTTPException(HTTPStatus.METHOD_NOT_ALLOWED)

    return router
