"""The routes of IRIs, documents, dumps and the state of the service, and their operations."""

from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from ...application.background import FolderHealth
from ...exchange.dumps import ARCHIVE_NAME, DUMP_NAMES
from ...search.request import SearchRequest
from .. import openapi, operations, urls
from ..context import Site
from ..document import ContextEndpoint
from ..http import negotiation, responses
from ..http.negotiation import HTML, MediaType
from ..http.responses import RangedStaticFiles
from ..models import (
    CatalogueHealthObject,
    HealthObject,
    JsonObject,
    StatusesObject,
    StatusRequest,
)
from ..operations import Operation
from ..search.models import SimilarEntriesObject
from ..urls import DUMP, OPENAPI, STATUS
from . import discovery, dumps, similar
from .dumps import DumpFiles
from .lifecycle import MAX_IRIS, StatusEndpoint
from .resource import SIMILAR, ResourceEndpoint
from .similar import SimilarEndpoint


def routes(site: Site, condition: FolderHealth) -> APIRouter:
    """Return the routes of resources; the last one takes every path that no other route has."""
    router = APIRouter()
    _route_home(router, site)
    _route_health(router, site, condition)
    router.include_router(discovery.routes(site))
    _route_contexts(router, ContextEndpoint(site.catalogue))
    _route_similar(router, SimilarEndpoint(site))
    _route_statuses(router, StatusEndpoint(site))
    if site.dumper:
        _route_dumps(router, DumpFiles(site, site.dumper))
    _route_resources(router, ResourceEndpoint(site))
    return router


def _route_home(router: APIRouter, site: Site) -> None:
    resources = ResourceEndpoint(site)
    router.mount(
        "/static", RangedStaticFiles(packages=[("practicegraph.web", "static")]), name="static"
    )

    @router.get("/", include_in_schema=False)
    def home(request: Request) -> Response:
        if negotiation.negotiate(request, negotiation.DOCUMENTS) == HTML:
            return resources.home(request)
        return resources.respond(request, site.addresses.start)

    @router.get(OPENAPI, include_in_schema=False)
    def interface(request: Request) -> Response:
        return responses.json(operations.document(request.app, responses.root(request)))


def _route_health(router: APIRouter, site: Site, condition: FolderHealth) -> None:
    catalogue = site.catalogue

    def arguments(name: str, summary: str, model: type[JsonObject]) -> dict[str, Any]:
        operation = Operation(name, "service", summary, model, statuses=(200,), errors=())
        return operation.arguments()

    folder = arguments(
        "health", "Whether files are at fault, and the release", CatalogueHealthObject
    )
    alive = arguments("live", "Whether the service answers", HealthObject)
    searching = arguments("ready", "Whether the service can answer searches", HealthObject)

    @router.get("/health", **folder)
    def health() -> Response:
        state = {"release": catalogue.release, "triples": len(catalogue.store)}
        return responses.json(condition.as_json() | state)

    @router.get("/health/live", **alive)
    def live() -> Response:
        return responses.json({"status": "ok"})

    @router.get("/health/ready", **searching)
    def ready() -> Response:
        site.services.search.search(SearchRequest(size=0), catalogue.languages)
        return responses.json({"status": "ok"})


def _route_contexts(router: APIRouter, endpoint: ContextEndpoint) -> None:
    @router.get(urls.CONTEXT, include_in_schema=False)
    def newest(request: Request) -> Response:
        return endpoint.respond(request)

    @router.get(urls.CONTEXT_VERSION, include_in_schema=False)
    def version(request: Request, name: str) -> Response:
        return endpoint.respond_version(request, name)


def _route_similar(router: APIRouter, endpoint: SimilarEndpoint) -> None:
    catalogue = endpoint.site.catalogue
    path = f"/{catalogue.shapes.entry_shape.segment}/{{identifier}}/{SIMILAR}"
    parameters = [openapi.size_parameter(catalogue, 10)]
    parameters += openapi.result_parameters(catalogue, similar.MEDIA_TYPES)
    operation = Operation(
        "findSimilar",
        "search",
        catalogue.say("similar"),
        model=SimilarEntriesObject,
        media_types=similar.MEDIA_TYPES,
        statuses=(200, 301, 304),
        errors=(400, 404, 406, 410),
        parameters=parameters,
    )

    @router.get(path, **operation.arguments())
    def similar_entries(request: Request, identifier: str) -> Response:
        return endpoint.respond(request, identifier)

    @router.get(path + ".{extension}", include_in_schema=False)
    def similar_in_format(request: Request, identifier: str, extension: str) -> Response:
        return endpoint.respond_in(
            request, identifier, negotiation.find_media_type(extension, similar.MEDIA_TYPES)
        )


def _route_statuses(router: APIRouter, endpoint: StatusEndpoint) -> None:
    operation = Operation(
        "status",
        "entries",
        endpoint.site.catalogue.say("status", limit=MAX_IRIS),
        StatusesObject,
        statuses=(200,),
        errors=(400, 413, 415),
        more={"requestBody": operations.model_body(StatusRequest)},
    )

    @router.post(STATUS, **operation.arguments())
    async def status(request: Request) -> Response:
        iris = await endpoint.parse_body(request)
        return await run_in_threadpool(endpoint.respond, request, iris)

    @router.get(STATUS, include_in_schema=False)
    def unanswered() -> Response:
        raise HTTPException(HTTPStatus.METHOD_NOT_ALLOWED)


def _route_dumps(router: APIRouter, files: DumpFiles) -> None:
    summary = files.site.catalogue.say("downloads")

    async def newest(request: Request) -> Response:
        return await files.newest(request, request.path_params["name"])

    async def version(request: Request) -> Response:
        return await files.version(request, request.path_params["name"])

    names = {"enum": [*DUMP_NAMES]}
    archives = {"pattern": rf"^[0-9a-f-]+\.{ARCHIVE_NAME}$"}
    for path, answer, operation in (
        (DUMP[0] + "{name}", newest, _dump_operation(summary, "dump", names, 404)),
        (
            DUMP[1] + "{name:path}",
            version,
            _dump_operation(summary, "dumpOfRelease", archives, 410),
        ),
    ):
        router.get(path, **operation.arguments())(answer)
        router.head(path, include_in_schema=False)(answer)


def _dump_operation(summary: str, name: str, names: dict[str, Any], missing: int) -> Operation:
    """Return the OpenAPI operation of dumps with certain names."""
    parameter = openapi.parameter("name", "", openapi.TEXT | names, "path")
    media_types = (*dumps.MEDIA_TYPES.values(), MediaType("gz", (dumps.GZIP,)))
    statuses, errors = (200, 206, 304), {404, missing, 416, 503}
    return Operation(
        name,
        "dataset",
        summary,
        media_types=media_types,
        statuses=statuses,
        errors=sorted(errors),
        parameters=[parameter],
    )


def _route_resources(router: APIRouter, endpoint: ResourceEndpoint) -> None:
    @router.get("/{path:path}", include_in_schema=False)
    def resource(request: Request, path: str) -> Response:
        return endpoint.respond(request, path)
