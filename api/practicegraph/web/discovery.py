"""Where programs begin: what the service offers, at the addresses that they know beforehand.

Well-known addresses (RFC 8615) lead to the description of the dataset and to the services (RFC
9727); robots are told where the pages are, and what is no page (RFC 9309).
"""

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from . import caching, leads, links, sitemaps
from .datasets import OFFERS, Offer
from .links import Link
from .methods import DUMP, SERVICES, SPARQL
from .negotiation import LINKSET, TURTLE
from .questions import PATH as QUESTIONS
from .resources import Resources
from .results import COVERAGE
from .service import Service
from .sitemaps import Sitemaps

VOID = "/.well-known/void"
_PROFILE = "https://www.rfc-editor.org/info/rfc9727"
_ENDLESS = (f"{leads.PATH}*?", f"{COVERAGE}*?", f"{QUESTIONS}/*?", SPARQL, *DUMP)
"""What robots would never come to the end of, or find nothing to show in."""


@dataclass(frozen=True)
class Discovery:
    """Answers the addresses that programs know beforehand."""

    service: Service

    def services(self, request: Request) -> Response:
        """Answer with the services and what describes each, as links (RFC 9727, section 4)."""
        root = links.root(request)
        known = caching.validators(request, self.service.catalogue.release, ())
        headers = links.header([Link(root + SERVICES, "api-catalog", LINKSET.plain)])

        def make() -> Response:
            items = [{"href": root + offer.path} for offer in OFFERS]
            sets = [{"anchor": root + SERVICES, "item": items}]
            sets += [self._service(root, offer) for offer in OFFERS]
            media_type = f'{LINKSET.plain}; profile="{_PROFILE}"'
            return JSONResponse({"linkset": sets}, media_type=media_type)

        return caching.answer(request, known, headers, make)

    def robots(self, request: Request) -> Response:
        """Answer with what robots may read, and where they learn of all pages."""
        known = caching.validators(request, self.service.catalogue.release, ())
        prefix = links.prefix(request)
        refused = [f"Disallow: {prefix}{path}" for path in _ENDLESS]
        place = f"Sitemap: {links.root(request)}{sitemaps.PATH}"
        text = "\n".join(["User-agent: *", *refused, "", place, ""])
        return caching.answer(request, known, {}, lambda: PlainTextResponse(text))

    def _service(self, root: str, offer: Offer) -> dict[str, Any]:
        about = f"{root}/{self.service.addresses.start}.{TURTLE.extension}"
        return {
            "anchor": root + offer.path,
            "service-desc": [{"href": root + offer.description, "type": offer.described_as}],
            "service-meta": [{"href": about, "type": TURTLE.plain}],
            "status": [{"href": f"{root}/health", "type": "application/json"}],
        }


def routes(service: Service) -> APIRouter:
    """Give the routes of the addresses that programs know beforehand."""
    router, say = APIRouter(), service.catalogue.say
    discovery = Discovery(service)

    @router.get(VOID, summary=say("description"))
    def described(request: Request) -> Response:
        return Resources(service).answer(request, service.addresses.start)

    @router.get(SERVICES, summary=say("apiCatalog"))
    def services(request: Request) -> Response:
        return discovery.services(request)

    @router.get("/robots.txt", include_in_schema=False)
    def robots(request: Request) -> Response:
        return discovery.robots(request)

    router.include_router(sitemaps.routes(Sitemaps(service)))
    return router
