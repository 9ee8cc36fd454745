"""What became of addresses that others link to: current, moved, withdrawn or unknown."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from pyoxigraph import NamedNode

from .. import untrusted
from ..store import plain
from . import permanence, protocol
from .negotiation import DOCUMENTS
from .service import VARY, BadBodyError, Service, UnsupportedError

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

    service: Service

    async def read(self, request: Request) -> list[str]:
        """Read the addresses that a request lists.

        Raises UnsupportedError, TooLargeError or BadBodyError.
        """
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != _JSON:
            raise UnsupportedError(f"{media_type or '?'} ({_JSON})")
        return _iris(await protocol.body(request))

    def answer(self, request: Request, iris: Sequence[str]) -> Response:
        """Answer with the status of each address, in their order."""
        starts = [_bare(self.service.catalogue.base), _bare(str(request.base_url))]
        meant = {iri: self._meant(iri, starts) for iri in iris}
        known = self._known({name for names in meant.values() for name in names})
        languages = self.service.view(request).languages
        found = {iri: next((n for n in names if n in known), "") for iri, names in meant.items()}
        results = [{"iri": iri, **self._told(found[iri], languages)} for iri in iris]
        return JSONResponse({"results": results}, headers=VARY)

    def _told(self, iri: str, languages: Sequence[str]) -> dict[str, str]:
        if not iri:
            return {"status": "unknown"}
        retirement = self.service.catalogue.permanence.of(iri)
        return {"id": iri, **permanence.told(retirement, languages)}

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
        if path == self.service.addresses.start:
            return self.service.catalogue.base
        key, _, notation = path.partition("/")
        scheme = self.service.catalogue.vocabularies.by_key.get(key)
        concept = scheme.at(notation) if scheme else None
        return concept.iri if concept else self.service.catalogue.base + path

    def _known(self, names: Iterable[str]) -> set[str]:
        """Give those of the names that are IRIs of ours, in one query."""
        catalogue = self.service.catalogue
        things = [node for name in names if self._ours(name) and (node := _node(name))]
        query = _KNOWN.format(things=" ".join(map(str, things)))
        return {plain(row["thing"]) for row in catalogue.store.select(query)} if things else set()

    def _ours(self, name: str) -> bool:
        catalogue = self.service.catalogue
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
