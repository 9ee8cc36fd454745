"""The routes of searches, of tables of two facets, and of the entries that are near to one."""

from fastapi import APIRouter, Request, Response

from . import coverages, interface, negotiation, similar
from .coverages import Coverages
from .leads import PATH, SIMILAR
from .negotiation import LISTS
from .results import COVERAGE
from .searches import Searches
from .service import Service
from .similar import Similar


def routes(service: Service) -> APIRouter:
    """Give the routes."""
    router = APIRouter()
    _route_searches(router, Searches(service))
    _route_coverages(router, Coverages(service))
    _route_similar(router, Similar(service))
    return router


def _route_searches(router: APIRouter, searches: Searches) -> None:
    catalogue = searches.service.catalogue
    described = interface.of_search(catalogue)

    @router.get(PATH, summary=catalogue.say("search"), openapi_extra=described)
    def search(request: Request) -> Response:
        return searches.answer(request)

    @router.get(PATH + ".{extension}", include_in_schema=False)
    def search_in_form(request: Request, extension: str) -> Response:
        return searches.in_form(request, negotiation.named(extension, LISTS))


def _route_coverages(router: APIRouter, served: Coverages) -> None:
    catalogue = served.service.catalogue
    described = interface.of_coverage(catalogue)

    @router.get(COVERAGE, summary=catalogue.say("coverage"), openapi_extra=described)
    def coverage(request: Request) -> Response:
        return served.answer(request)

    @router.get(COVERAGE + ".{extension}", include_in_schema=False)
    def coverage_in_form(request: Request, extension: str) -> Response:
        return served.in_form(request, negotiation.named(extension, coverages.FORMS))


def _route_similar(router: APIRouter, served: Similar) -> None:
    catalogue = served.service.catalogue
    path = f"/{catalogue.shapes.record.segment}/{{identifier}}/{SIMILAR}"
    described = interface.of_similar(catalogue)

    @router.get(path, summary=catalogue.say("similar"), openapi_extra=described)
    def near(request: Request, identifier: str) -> Response:
        return served.answer(request, identifier)

    @router.get(path + ".{extension}", include_in_schema=False)
    def near_in_form(request: Request, identifier: str, extension: str) -> Response:
        return served.in_form(request, identifier, negotiation.named(extension, similar.FORMS))
