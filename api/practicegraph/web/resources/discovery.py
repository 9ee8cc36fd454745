"""Well-known URLs (RFC 8615), the API catalog (RFC 9727), robots.txt (RFC 9309), the sitemap."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from math import ceil
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import PlainTextResponse

from ...errors import RequestError
from .. import openapi
from ..context import TEXTS, Site
from ..http import conditional, negotiation, responses
from ..http.negotiation import CSV, DOCUMENTS_AND_LINKS, HTML, LINKSET, TURTLE
from ..http.responses import Link
from ..models import LinkSetObject
from ..openapi import Operation
from ..urls import (
    ABOUT,
    COVERAGE,
    DATA,
    DOCS,
    DUMP,
    GAPS,
    QUERIES,
    SERVICES,
    SITEMAP,
    SITEMAP_PART,
    SOURCE_FILE,
    SPARQL,
    VOCABULARIES,
    VOID,
    search_path,
)
from .dataset import DataService, data_services
from .resource import ResourceEndpoint

MAX_SITEMAP_URLS = 50_000
"""The maximum number of URLs in a sitemap."""
_PROFILE = "https://www.rfc-editor.org/info/rfc9727"
_DISALLOWED = (f"{COVERAGE}*?", f"{QUERIES}/*?", SPARQL, *DUMP)
"""The paths that lead robots into endless results, or to no pages."""


@dataclass(frozen=True)
class SitemapEndpoint:
    """Answers with the sitemap (https://www.sitemaps.org/protocol.html), whole or in parts.

    A page is listed once, at the URL that gives each reader a language. Pages themselves name their
    other languages.
    """

    site: Site
    maximum: int = MAX_SITEMAP_URLS

    def respond(self, request: Request) -> Response:
        """Return the sitemap, or the index of its parts."""
        if self._part_count == 1:
            return self._response(request, "sitemap.xml", pages=self._pages)
        paths = [SITEMAP_PART.format(number=n + 1) for n in range(self._part_count)]
        day = self.site.services.dataset.newest
        return self._response(request, "sitemap-index.xml", paths=paths, day=day)

    def respond_part(self, request: Request, number: str) -> Response:
        """Return a part, counted from 1; raise RequestError for a number without one."""
        count = self._part_count
        if count == 1 or number not in map(str, range(1, count + 1)):
            raise RequestError("notFound")
        start = (int(number) - 1) * self.maximum
        pages = self._pages[start : start + self.maximum]
        return self._response(request, "sitemap.xml", pages=pages)

    def _response(self, request: Request, template: str, **values: object) -> Response:
        def make() -> Response:
            view, root = self.site.view(request), responses.root(request)
            return Response(view.page(template, root=root, **values), media_type="application/xml")

        release = self.site.catalogue.release
        modified = self.site.services.modified(release)
        validators = conditional.validators(request, release, (), modified)
        return conditional.answer(request, validators, {}, make)

    @property
    def _part_count(self) -> int:
        return ceil(len(self._pages) / self.maximum)

    @property
    def _pages(self) -> list[tuple[str, str]]:
        """Return the path of each page and its day of change (ISO 8601) or ""."""
        return self._pages_of_release(self.site.catalogue.release)

    @cached_property
    def _pages_of_release(self) -> Callable[[str], list[tuple[str, str]]]:
        return lru_cache(maxsize=1)(lambda release: list(self._find_pages()))

    def _find_pages(self) -> Iterator[tuple[str, str]]:
        """Yield home, searches, vocabularies, stored queries, gaps, and pages of current IRIs."""
        catalogue, addresses = self.site.catalogue, self.site.addresses
        dataset, retired = self.site.services.dataset, catalogue.lifecycle.deprecations
        searches = map(search_path, catalogue.shapes.kinds.values())
        own = (VOCABULARIES, DATA, QUERIES, DOCS, GAPS, ABOUT)
        yield from ((path, dataset.newest) for path in ("/", *searches, *own))
        iris = {*catalogue.store.graph_names(), *catalogue.vocabularies.concepts} - {catalogue.base}
        for iri in sorted(iris.difference(retired)):
            if (path := addresses.path(iri)) is not None:
                day = "" if iri in catalogue.vocabularies.schemes else dataset.days.get(iri, "")
                yield f"/{quote(path)}.{HTML.extension}", day or dataset.newest


@dataclass(frozen=True)
class DiscoveryEndpoint:
    """Answers with the API catalog and robots.txt."""

    site: Site

    def services(self, request: Request) -> Response:
        """Return the services and their descriptions as links (RFC 9727, section 4)."""
        root = responses.root(request)
        validators = conditional.validators(request, self.site.catalogue.release, ())
        headers = responses.header([Link(root + SERVICES, "api-catalog", LINKSET.name)])

        def make() -> Response:
            services = data_services(self.site.catalogue)
            items = [{"href": root + service.path} for service in services]
            sets = [{"anchor": root + SERVICES, "item": items}]
            sets += [self._service(root, service) for service in services]
            media_type = f'{LINKSET.name}; profile="{_PROFILE}"'
            return responses.json({"linkset": sets}, media_type=media_type)

        return conditional.answer(request, validators, headers, make)

    def robots(self, request: Request) -> Response:
        """Return the paths that robots may not read, and the URL of the sitemap."""
        validators = conditional.validators(request, self.site.catalogue.release, ())
        prefix = responses.prefix(request)
        searches = map(search_path, self.site.catalogue.shapes.kinds.values())
        disallowed = (*(f"{path}*?" for path in searches), *_DISALLOWED)
        rules = [f"Disallow: {prefix}{path}" for path in disallowed]
        place = f"Sitemap: {responses.root(request)}{SITEMAP}"
        text = "\n".join(["User-agent: *", *rules, "", place, ""])
        return conditional.answer(request, validators, {}, lambda: PlainTextResponse(text))

    def source_file(self, request: Request, digest: str) -> Response:
        """Return a table that was imported, by its hash; raise RequestError if it is not kept."""
        path = self.site.catalogue.source_file(digest)
        if path is None:
            raise RequestError("notFound")
        validators = conditional.validators(request, digest, ())
        make = partial(responses.RangedFileResponse, path, media_type=CSV.name)
        return conditional.answer(request, validators, conditional.LASTING, make)

    def _service(self, root: str, service: DataService) -> dict[str, Any]:
        about = f"{root}/{self.site.addresses.start}.{TURTLE.extension}"
        return {
            "anchor": root + service.path,
            "service-desc": [{"href": root + service.description, "type": service.media_type}],
            "service-meta": [{"href": about, "type": TURTLE.name}],
            "status": [{"href": f"{root}/health", "type": "application/json"}],
        }


def routes(site: Site) -> APIRouter:
    """Return the routes of well-known URLs."""
    router, phrase = APIRouter(), site.catalogue.phrase
    endpoint = DiscoveryEndpoint(site)

    describe_operation = Operation(
        "describe",
        "dataset",
        phrase("datasetDescription"),
        statuses=(303,),
        errors=(400, 406),
        parameters=openapi.document_parameters(site.catalogue, DOCUMENTS_AND_LINKS, TEXTS),
    )
    services_operation = Operation(
        "services", "service", phrase("apiCatalog"), LinkSetObject, LINKSET.name, errors=()
    )

    @router.get(VOID, **describe_operation.arguments())
    def describe(request: Request) -> Response:
        return ResourceEndpoint(site).respond(request, site.addresses.start)

    bare = APIRouter(dependencies=[Depends(negotiation.refuse_parameters)])
    bare.get(SERVICES, **services_operation.arguments())(endpoint.services)
    bare.get(SOURCE_FILE, include_in_schema=False)(endpoint.source_file)
    bare.get("/robots.txt", include_in_schema=False)(endpoint.robots)
    bare.include_router(sitemap_routes(SitemapEndpoint(site)))
    router.include_router(bare)
    return router


def sitemap_routes(endpoint: SitemapEndpoint) -> APIRouter:
    """Return the routes of the sitemap and its parts."""
    router = APIRouter()
    router.get(SITEMAP, include_in_schema=False)(endpoint.respond)
    router.get(SITEMAP_PART, include_in_schema=False)(endpoint.respond_part)
    return router
