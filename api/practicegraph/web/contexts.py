"""The JSON-LD context: one address that stays, and one a version that never changes.

A document refers to the address that stays, on the host that serves the document: what a reader
can reach there, the reader can reach here. Old documents keep their meaning, since a term is never
given another. Who wants no context asks for the expanded profile (JSON-LD 1.1, section 6). What
is taken away to be read offline, such as searches and results of queries, has the context in it.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from fastapi import Request, Response
from pyoxigraph import RdfFormat, Triple, serialize

from .. import jsonld
from ..catalogue import Catalogue
from . import caching, links
from .negotiation import JSON_LD
from .service import UnknownAddressError

PATH = "/context.jsonld"
VERSION = "/context/{name}.jsonld"
_EXPANDED = "http://www.w3.org/ns/json-ld#expanded"


@dataclass(frozen=True)
class Contexts:
    """Answers with the context of a catalogue."""

    catalogue: Catalogue

    def newest(self, request: Request) -> Response:
        """Answer with the context of today, and the address of its version (Content-Location)."""
        place = links.root(request) + VERSION.format(name=self._name)
        known = caching.Validators(f'"{self._name}"')
        return caching.answer(request, known, {"Content-Location": place}, self._answer)

    def version(self, request: Request, name: str) -> Response:
        """Answer with a version of the context; raises UnknownAddressError but for today's."""
        if name != self._name:
            raise UnknownAddressError(name)
        known = caching.Validators(f'"{self._name}"')
        return caching.answer(request, known, caching.LASTING, self._answer)

    def addresses(self, root: str) -> set[str]:
        """Give where today's context stands for those who reach the service at an address."""
        starts = (root, self.catalogue.base.rstrip("/"))
        paths = (PATH, VERSION.format(name=self._name))
        return {start + path for start in starts for path in paths}

    def _answer(self) -> Response:
        return Response(self._text, media_type=JSON_LD.content_type)

    @cached_property
    def _text(self) -> bytes:
        found = {"@context": self.catalogue.context}
        return json.dumps(found, ensure_ascii=False, indent=1).encode()

    @cached_property
    def _name(self) -> str:
        return hashlib.sha256(self._text).hexdigest()[:12]


def answer(
    request: Request, catalogue: Catalogue, triples: Sequence[Triple], topic: str
) -> Response:
    """Answer with triples as JSON-LD that refers to the context, or expanded where asked for."""
    if are_unwanted(request):
        content = serialize(triples, format=RdfFormat.JSON_LD)
        return Response(content, media_type=f'{JSON_LD.plain};profile="{_EXPANDED}"')
    address = links.root(request) + PATH
    content = jsonld.document(triples, catalogue.context, topic, address=address)
    return Response(content, media_type=JSON_LD.content_type)


def are_unwanted(request: Request) -> bool:
    """Tell whether a reader asks for JSON-LD without a context, by profile."""
    return any(_EXPANDED in header for header in request.headers.getlist("accept"))
