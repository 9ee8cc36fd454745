"""Where programs begin: what the service offers, at the addresses that they know beforehand.

Well-known addresses (RFC 8615) lead to the description of the dataset and to the services (RFC
9727); robots are told where the pages are, and what is no page (RFC 9309).

The pages of all that is current, for robots (https://www.sitemaps.org/protocol.html).

Pages are listed once, at the address that gives each reader a language; the pages themselves name
their other languages.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import ceil
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from .. import urls
from ..context import Site
from ..http import conditional, responses
from ..http.errors import UnknownAddressError
from ..http.negotiation import HTML, LINKSET, TURTLE
from ..http.responses import Link
from ..models import LinkSetObject
from ..operations import Operation
from ..urls import COVERAGE, DUMP, GAPS, SEARCH, SERVICES, SITEMAP, SITEMAP_PART, SPARQL, VOID
from ..urls import QUERIES as QUESTIONS
from .dataset import OFFERS, Offer
from .resource import Resources

MOST = 50_000
"""The addresses that a site map may have at the most."""
_SPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"

Page = tuple[str, str]
"""The path of a page, and its day of change (ISO 8601) or ""."""


@dataclass(frozen=True)
class Sitemaps:
    """Answers with the site map: whole or, where there are too many pages, in numbered parts."""

    site: Site
    most: int = MOST

    def whole(self, request: Request) -> Response:
        """Answer with the site map, or with the index of its parts."""
        return self._kept(request, self._whole)

    def part(self, request: Request, number: str) -> Response:
        """Answer with a part, counted from 1; raises UnknownAddressError."""
        count = ceil(len(self._pages) / self.most)
        if count == 1 or number not in map(str, range(1, count + 1)):
            raise UnknownAddressError(request.url.path)
        first = (int(number) - 1) * self.most
        pages = self._pages[first : first + self.most]
        return self._kept(request, lambda root: _site(root, pages))

    def _whole(self, root: str) -> Iterable[str]:
        count = ceil(len(self._pages) / self.most)
        if count == 1:
            return _site(root, self._pages)
        return _index(root, range(1, count + 1), self.site.services.dataset.newest)

    def _kept(self, request: Request, lines: Callable[[str], Iterable[str]]) -> Response:
        catalogue = self.site.catalogue
        known = conditional.validators(
            request, catalogue.release, (), self.site.services.dataset.newest
        )

        def make() -> Response:
            head = '<?xml version="1.0" encoding="UTF-8"?>'
            content = "\n".join([head, *lines(responses.root(request)), ""])
            return Response(content, media_type="application/xml")

        return conditional.answer(request, known, {}, make)

    @property
    def _pages(self) -> list[Page]:
        return self._listed(self.site.catalogue.release)

    @cached_property
    def _listed(self) -> Callable[[str], list[Page]]:
        return lru_cache(maxsize=1)(lambda release: list(self._found()))

    def _found(self) -> Iterator[Page]:
        """Give home, the search, the questions, the gaps, and the pages of all current things."""
        catalogue, addresses = self.site.catalogue, self.site.addresses
        dataset, retired = self.site.services.dataset, catalogue.permanence.retirements
        yield from ((path, dataset.newest) for path in ("/", SEARCH, QUESTIONS, GAPS))
        things = {*catalogue.store.graph_names(), *catalogue.vocabularies.concepts} - {
            catalogue.base
        }
        for iri in sorted(things.difference(retired)):
            if (path := addresses.path(iri)) is not None:
                day = "" if iri in catalogue.vocabularies.schemes else dataset.days.get(iri, "")
                yield f"/{quote(path)}.{HTML.extension}", day or dataset.newest


def sitemap_routes(maps: Sitemaps) -> APIRouter:
    """Give the routes of a site map and its parts."""
    router = APIRouter()

    @router.get(SITEMAP, include_in_schema=False)
    def whole(request: Request) -> Response:
        return maps.whole(request)

    @router.get(SITEMAP_PART, include_in_schema=False)
    def part(request: Request, number: str) -> Response:
        return maps.part(request, number)

    return router


def _site(root: str, pages: Iterable[Page]) -> Iterator[str]:
    yield f'<urlset xmlns="{_SPACE}">'
    for path, day in pages:
        yield f"<url>{_place(root + path, day)}</url>"
    yield "</urlset>"


def _index(root: str, numbers: Iterable[int], day: str) -> Iterator[str]:
    yield f'<sitemapindex xmlns="{_SPACE}">'
    for number in numbers:
        yield f"<sitemap>{_place(root + SITEMAP_PART.format(number=number), day)}</sitemap>"
    yield "</sitemapindex>"


def _place(address: str, day: str) -> str:
    changed = f"<lastmod>{escape(day)}</lastmod>" if day else ""
    return f"<loc>{escape(address)}</loc>{changed}"


_PROFILE = "https://www.rfc-editor.org/info/rfc9727"
_ENDLESS = (f"{urls.SEARCH}*?", f"{COVERAGE}*?", f"{QUESTIONS}/*?", SPARQL, *DUMP)
"""What robots would never come to the end of, or find nothing to show in."""


@dataclass(frozen=True)
class Discovery:
    """Answers the addresses that programs know beforehand."""

    site: Site

    def services(self, request: Request) -> Response:
        """Answer with the services and what describes each, as links (RFC 9727, section 4)."""
        root = responses.root(request)
        known = conditional.validators(request, self.site.catalogue.release, ())
        headers = responses.header([Link(root + SERVICES, "api-catalog", LINKSET.plain)])

        def make() -> Response:
            items = [{"href": root + offer.path} for offer in OFFERS]
            sets = [{"anchor": root + SERVICES, "item": items}]
            sets += [self._service(root, offer) for offer in OFFERS]
            media_type = f'{LINKSET.plain}; profile="{_PROFILE}"'
            return JSONResponse({"linkset": sets}, media_type=media_type)

        return conditional.answer(request, known, headers, make)

    def robots(self, request: Request) -> Response:
        """Answer with what robots may read, and where they learn of all pages."""
        known = conditional.validators(request, self.site.catalogue.release, ())
        prefix = responses.prefix(request)
        refused = [f"Disallow: {prefix}{path}" for path in _ENDLESS]
        place = f"Sitemap: {responses.root(request)}{urls.SITEMAP}"
        text = "\n".join(["User-agent: *", *refused, "", place, ""])
        return conditional.answer(request, known, {}, lambda: PlainTextResponse(text))

    def _service(self, root: str, offer: Offer) -> dict[str, Any]:
        about = f"{root}/{self.site.addresses.start}.{TURTLE.extension}"
        return {
            "anchor": root + offer.path,
            "service-desc": [{"href": root + offer.description, "type": offer.described_as}],
            "service-meta": [{"href": about, "type": TURTLE.plain}],
            "status": [{"href": f"{root}/health", "type": "application/json"}],
        }


def routes(site: Site) -> APIRouter:
    """Give the routes of the addresses that programs know beforehand."""
    router, say = APIRouter(), site.catalogue.say
    discovery = Discovery(site)

    described_by = Operation(
        "describe", "dataset", say("description"), statuses=(303,), errors=(406,)
    )
    catalog = Operation(
        "services", "service", say("apiCatalog"), LinkSetObject, LINKSET.plain, errors=()
    )

    @router.get(VOID, **described_by.arguments())
    def described(request: Request) -> Response:
        return Resources(site).answer(request, site.addresses.start)

    @router.get(SERVICES, **catalog.arguments())
    def services(request: Request) -> Response:
        return discovery.services(request)

    @router.get("/robots.txt", include_in_schema=False)
    def robots(request: Request) -> Response:
        return discovery.robots(request)

    router.include_router(sitemap_routes(Sitemaps(site)))
    return router
