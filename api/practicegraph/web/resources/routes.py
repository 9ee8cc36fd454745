"""The routes of resources: the home page, the health of the service, and those of all modules."""

from fastapi import APIRouter, Depends, Request, Response

from ...application.background import FolderHealth
from ...search.request import SearchRequest
from .. import openapi
from ..context import Site
from ..docs import routes as docs
from ..document import ContextEndpoint
from ..http import negotiation, responses
from ..http.conditional import REVALIDATED
from ..http.negotiation import HTML
from ..http.responses import RangedStaticFiles
from ..models import CatalogueHealthObject, HealthObject, JsonObject
from ..openapi import Operation
from ..urls import CONTEXT, CONTEXT_VERSION, OPENAPI
from ..vocabularies import index as vocabularies
from . import discovery, dumps, front, lifecycle, resource, similar
from .resource import ResourceEndpoint


def routes(site: Site, condition: FolderHealth) -> APIRouter:
    """Return the routes of resources; the last one takes every path that no other route has."""
    router = APIRouter()
    bare = APIRouter(dependencies=[Depends(negotiation.refuse_parameters)])
    _route_home(router, site)
    _route_documents(bare, site)
    _route_health(bare, site, condition)
    router.include_router(bare)
    router.include_router(discovery.routes(site))
    router.include_router(front.routes(site))
    for each in site.of_kinds:
        router.include_router(similar.routes(each))
    router.include_router(lifecycle.routes(site))
    router.include_router(vocabularies.routes(site))
    router.include_router(docs.routes(site))
    if site.dumper:
        router.include_router(dumps.routes(site, site.dumper))
    router.include_router(resource.routes(site))
    return router


def _route_home(router: APIRouter, site: Site) -> None:
    resources = ResourceEndpoint(site)
    files = RangedStaticFiles(packages=[("practicegraph.web", "static")])
    router.mount("/static", files, name="static")

    @router.get("/", include_in_schema=False)
    def home(request: Request) -> Response:
        negotiation.check_parameters(request, ("lang", "format"))
        if negotiation.negotiate(request, negotiation.DOCUMENTS) == HTML:
            return resources.home(request)
        return resources.respond(request, site.addresses.start)


def _route_documents(router: APIRouter, site: Site) -> None:
    """Route the OpenAPI document and the JSON-LD context."""

    @router.get(OPENAPI, include_in_schema=False)
    def document(request: Request) -> Response:
        described = openapi.document(request.app, site.catalogue, responses.root(request))
        return responses.json(described, headers=REVALIDATED)

    context = ContextEndpoint(site.catalogue)
    router.get(CONTEXT, include_in_schema=False)(context.respond)
    router.get(CONTEXT_VERSION, include_in_schema=False)(context.respond_version)


def _route_health(router: APIRouter, site: Site, condition: FolderHealth) -> None:
    catalogue = site.catalogue

    def operation(name: str, summary: str, model: type[JsonObject]) -> Operation:
        return Operation(name, "service", summary, model, statuses=(200,), errors=())

    health_operation = operation(
        "health", "Whether files are at fault, and the release", CatalogueHealthObject
    )
    live_operation = operation("live", "Whether the service answers", HealthObject)
    ready_operation = operation("ready", "Whether the service can answer searches", HealthObject)

    @router.get("/health", **health_operation.arguments())
    def health() -> Response:
        state = {"release": catalogue.release, "triples": len(catalogue.store)}
        return responses.json(condition.as_json() | state)

    @router.get("/health/live", **live_operation.arguments())
    def live() -> Response:
        return responses.json({"status": "ok"})

    @router.get("/health/ready", **ready_operation.arguments())
    def ready() -> Response:
        site.services.search.search(SearchRequest(size=0), catalogue.languages)
        return responses.json({"status": "ok"})
