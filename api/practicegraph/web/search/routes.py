"""The routes of searches and contingency tables, and their operations in OpenAPI."""

from fastapi import APIRouter, Request, Response

from .. import openapi
from ..context import Site
from ..http import negotiation
from ..http.negotiation import LISTS
from ..operations import Operation
from ..urls import COVERAGE
from . import contingency
from .contingency import ContingencyEndpoint
from .listing import SearchEndpoint
from .models import TableObject, search_model


def routes(site: Site) -> APIRouter:
    """Return the routes of searches and contingency tables."""
    router = APIRouter()
    _route_searches(router, SearchEndpoint(site))
    _route_contingency_tables(router, ContingencyEndpoint(site))
    return router


def _route_searches(router: APIRouter, endpoint: SearchEndpoint) -> None:
    catalogue = endpoint.site.catalogue
    parameters = openapi.search_parameters(endpoint.site.services)
    parameters += openapi.result_parameters(catalogue, LISTS)
    operation = Operation(
        "search",
        "search",
        catalogue.say("search"),
        model=search_model(catalogue),
        media_types=LISTS,
        parameters=parameters,
    )

    path = endpoint.site.addresses.search

    @router.get(path, **operation.arguments())
    def search(request: Request) -> Response:
        return endpoint.respond(request)

    @router.get(path + ".{extension}", include_in_schema=False)
    def search_in_format(request: Request, extension: str) -> Response:
        return endpoint.respond_in(request, negotiation.find_media_type(extension, LISTS))


def _route_contingency_tables(router: APIRouter, endpoint: ContingencyEndpoint) -> None:
    catalogue = endpoint.site.catalogue
    parameters = openapi.axis_parameters(catalogue, contingency.AXES)
    parameters += openapi.filter_parameters(endpoint.site.services)
    parameters += openapi.result_parameters(catalogue, contingency.MEDIA_TYPES)
    operation = Operation(
        "crossTabulate",
        "search",
        catalogue.say("coverage"),
        model=TableObject,
        media_types=contingency.MEDIA_TYPES,
        statuses=(200, 303, 304),
        parameters=parameters,
    )

    @router.get(COVERAGE, **operation.arguments())
    def coverage(request: Request) -> Response:
        return endpoint.respond(request)

    @router.get(COVERAGE + ".{extension}", include_in_schema=False)
    def coverage_in_format(request: Request, extension: str) -> Response:
        return endpoint.respond_in(
            request, negotiation.find_media_type(extension, contingency.MEDIA_TYPES)
        )
