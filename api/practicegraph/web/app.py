"""The application: all routes, the middleware, and the pools of worker processes."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware

from .. import __version__
from ..application.dump_process import DumpProcess
from ..application.health import FolderHealth
from ..application.services import Services
from ..catalogue.stored_queries import StoredQuery
from ..editing.editor import EntryEditor
from ..exchange.dumps import ARCHIVE_NAME, DUMP_NAMES
from ..search.request import SearchRequest
from ..sparql.pool import LazyWorkerPool, WorkerPool
from . import openapi, operations, problems, urls, validation
from .changes.endpoint import ChangesEndpoint
from .context import Site
from .document import ContextEndpoint
from .entries import bodies
from .entries import routes as entries_routes
from .entries.bodies import RdfParser
from .entries.routes import AllowedMethods
from .http import negotiation, responses
from .http.conditional import AcceptedCodings, CodedEntityTags, GzipCoding
from .http.middleware import Methods, Network, PlainRoute, Proxies, QueryEncoding
from .http.negotiation import CHANGE_FORMS, HTML, JSON, LISTS, Form
from .http.ranges import Files, Ranges
from .models import (
    CatalogueHealthObject,
    HealthObject,
    JsonObject,
    StatusesObject,
    StatusRequest,
    StoredQueriesObject,
)
from .operations import Operation
from .reconciliation import endpoint as reconciliation
from .resources import discovery, dumps, similar
from .resources.dumps import DumpFiles
from .resources.lifecycle import MAX_IRIS, StatusEndpoint
from .resources.resource import SIMILAR, ResourceEndpoint
from .resources.similar import SimilarEndpoint
from .search import contingency
from .search.contingency import ContingencyEndpoint
from .search.listing import SearchEndpoint
from .search.models import SimilarEntriesObject, TableObject, search_model
from .sparql import endpoint, stored_queries
from .sparql.endpoint import QueryEndpoint
from .sparql.stored_queries import GapEndpoint, StoredQueryEndpoint
from .urls import COVERAGE, DUMP, OPENAPI, QUERIES, SPARQL, STATUS, Addresses


def routes(site: Site) -> APIRouter:
    """Return the routes of searches, contingency tables and similar entries."""
    router = APIRouter()
    _route_searches(router, SearchEndpoint(site))
    _route_contingency_tables(router, ContingencyEndpoint(site))
    _route_similar(router, SimilarEndpoint(site))
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
        forms=LISTS,
        parameters=parameters,
    )

    path = endpoint.site.addresses.search

    @router.get(path, **operation.arguments())
    def search(request: Request) -> Response:
        return endpoint.respond(request)

    @router.get(path + ".{extension}", include_in_schema=False)
    def search_in_form(request: Request, extension: str) -> Response:
        return endpoint.respond_in(request, negotiation.named(extension, LISTS))


def _route_contingency_tables(router: APIRouter, endpoint: ContingencyEndpoint) -> None:
    catalogue = endpoint.site.catalogue
    parameters = openapi.axis_parameters(catalogue, contingency.AXES)
    parameters += openapi.filter_parameters(endpoint.site.services)
    parameters += openapi.result_parameters(catalogue, contingency.FORMS)
    operation = Operation(
        "crossTabulate",
        "search",
        catalogue.say("coverage"),
        model=TableObject,
        forms=contingency.FORMS,
        statuses=(200, 303, 304),
        parameters=parameters,
    )

    @router.get(COVERAGE, **operation.arguments())
    def coverage(request: Request) -> Response:
        return endpoint.respond(request)

    @router.get(COVERAGE + ".{extension}", include_in_schema=False)
    def coverage_in_form(request: Request, extension: str) -> Response:
        return endpoint.respond_in(request, negotiation.named(extension, contingency.FORMS))


def _route_similar(router: APIRouter, endpoint: SimilarEndpoint) -> None:
    catalogue = endpoint.site.catalogue
    path = f"/{catalogue.shapes.entry_shape.segment}/{{identifier}}/{SIMILAR}"
    parameters = [openapi.size_parameter(catalogue, 10)]
    parameters += openapi.result_parameters(catalogue, similar.FORMS)
    operation = Operation(
        "findSimilar",
        "search",
        catalogue.say("similar"),
        model=SimilarEntriesObject,
        forms=similar.FORMS,
        statuses=(200, 301, 304),
        errors=(400, 404, 406, 410),
        parameters=parameters,
    )

    @router.get(path, **operation.arguments())
    def similar_entries(request: Request, identifier: str) -> Response:
        return endpoint.respond(request, identifier)

    @router.get(path + ".{extension}", include_in_schema=False)
    def similar_in_form(request: Request, identifier: str, extension: str) -> Response:
        return endpoint.respond_in(request, identifier, negotiation.named(extension, similar.FORMS))


def application(
    services: Services,
    workers: WorkerPool | None = None,
    dumper: DumpProcess | None = None,
    proxies: Sequence[Network] = (),
    editor: EntryEditor | None = None,
    condition: FolderHealth | None = None,
) -> FastAPI:
    """Return the application that serves a catalogue.

    Without workers it does not answer queries, without a dump process it has no dumps, and without
    an editor it accepts no writes. Stored queries and validation have worker processes of their
    own, which clients' queries cannot occupy. A request from one of the proxies has
    the URL and the client that the proxy states.
    """
    catalogue = services.catalogue
    allowed = AllowedMethods(catalogue, editor is not None).of_path
    site = Site(services, Addresses(catalogue), dumper, allowed)
    checkers = validation.checkers(workers) if workers else None
    parsers = bodies.parser_pool(catalogue)
    stored = LazyWorkerPool(workers.source, workers.limits) if workers else None
    pools = [pool for pool in (workers, stored, checkers, parsers) if pool]
    app = FastAPI(
        title=catalogue.reader.label(catalogue.base, catalogue.languages),
        version=__version__,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan(pools),
    )
    if proxies:
        app.add_middleware(Proxies, trusted=proxies)
    problems.add_handlers(app, site)
    _route_home(app, site)
    _route_health(app, site, condition or FolderHealth.of(catalogue))
    app.include_router(discovery.routes(site))
    _route_contexts(app, site)
    app.include_router(routes(site))
    app.include_router(reconciliation.routes(site))
    if checkers:
        app.include_router(validation.routes(site, checkers))
    if workers and stored:
        _route_queries(app, QueryEndpoint(site, workers))
        queries = QueryEndpoint(site, stored)
        _route_stored_queries(app, StoredQueryEndpoint(queries))
        app.include_router(stored_queries.routes(GapEndpoint(queries)))
    _route_statuses(app, StatusEndpoint(site))
    if dumper:
        _route_dumps(app, DumpFiles(site, dumper))
    _route_changes(app, ChangesEndpoint(site))
    parser = RdfParser(parsers, ContextEndpoint(catalogue))
    app.include_router(entries_routes.routes(site, editor, parser))
    _route_resources(app, site)
    app.add_middleware(GzipCoding, minimum_size=1000, compresslevel=5)
    app.add_middleware(AcceptedCodings)
    app.add_middleware(CodedEntityTags)
    app.add_middleware(Methods, allowed=allowed)
    app.add_middleware(Ranges)
    app.add_middleware(QueryEncoding)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=["*"],
        allow_methods=["GET", "HEAD", "POST", "PUT", "DELETE"],
        allow_headers=["*"],
        expose_headers=["*"],
    )
    return app


def _lifespan(
    pools: Sequence[WorkerPool],
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """Return the lifespan that runs the worker processes while the application runs."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for pool in pools:
                await stack.enter_async_context(pool)
            yield

    return lifespan


def _route_home(app: FastAPI, site: Site) -> None:
    resources = ResourceEndpoint(site)
    app.mount("/static", Files(packages=[("practicegraph.web", "static")]), name="static")

    @app.get("/", include_in_schema=False)
    def home(request: Request) -> Response:
        if negotiation.form(request, negotiation.DOCUMENTS) == HTML:
            return resources.home(request)
        return resources.respond(request, site.addresses.start)

    @app.get(OPENAPI, include_in_schema=False)
    def interface(request: Request) -> Response:
        return responses.json(operations.document(app, responses.root(request)))


def _route_health(app: FastAPI, site: Site, condition: FolderHealth) -> None:
    catalogue = site.catalogue

    def arguments(name: str, summary: str, model: type[JsonObject]) -> dict[str, Any]:
        operation = Operation(name, "service", summary, model, statuses=(200,), errors=())
        return operation.arguments()

    folder = arguments(
        "health", "Whether files are at fault, and the release", CatalogueHealthObject
    )
    alive = arguments("live", "Whether the service answers", HealthObject)
    searching = arguments("ready", "Whether the service can answer searches", HealthObject)

    @app.get("/health", **folder)
    def health() -> Response:
        state = {"release": catalogue.release, "triples": len(catalogue.store)}
        return responses.json(condition.as_json() | state)

    @app.get("/health/live", **alive)
    def live() -> Response:
        return responses.json({"status": "ok"})

    @app.get("/health/ready", **searching)
    def ready() -> Response:
        site.services.search.search(SearchRequest(size=0), catalogue.languages)
        return responses.json({"status": "ok"})


def _route_contexts(app: FastAPI, site: Site) -> None:
    endpoint = ContextEndpoint(site.catalogue)

    @app.get(urls.CONTEXT, include_in_schema=False)
    def newest(request: Request) -> Response:
        return endpoint.respond(request)

    @app.get(urls.CONTEXT_VERSION, include_in_schema=False)
    def version(request: Request, name: str) -> Response:
        return endpoint.respond_version(request, name)


def _route_queries(app: FastAPI, queries: QueryEndpoint) -> None:
    summary = queries.site.catalogue.say("queryData")
    by_url = endpoint.operation(queries.site.catalogue, "query", summary)
    body = {"requestBody": endpoint.BODY}
    by_post = replace(by_url, id="postQuery", statuses=(200,), parameters=(), more=body)

    async def query(request: Request) -> Response:
        return await queries.answer(request)

    routes = APIRouter(route_class=PlainRoute)
    routes.get(SPARQL, **by_url.arguments())(query)
    routes.post(SPARQL, **by_post.arguments())(query)
    routes.api_route(SPARQL + "/", methods=["GET", "POST"], include_in_schema=False)(query)
    app.include_router(routes)


def _route_stored_queries(app: FastAPI, stored: StoredQueryEndpoint) -> None:
    catalogue = stored.queries.site.catalogue

    operation = Operation(
        "listQueries",
        "queries",
        catalogue.say("storedQueries"),
        StoredQueriesObject,
        forms=(JSON, HTML),
        parameters=[openapi.language_parameter(catalogue)],
    )

    @app.get(QUERIES, **operation.arguments())
    def list_queries(request: Request) -> Response:
        return stored.respond_list(request)

    def route_function(stored_query: StoredQuery) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            return await stored.answer(request, stored_query)

        return answer

    for name, stored_query in catalogue.stored_queries.items():
        app.get(f"{QUERIES}/{name}", **stored.operation(stored_query))(route_function(stored_query))


def _route_statuses(app: FastAPI, endpoint: StatusEndpoint) -> None:
    operation = Operation(
        "status",
        "entries",
        endpoint.site.catalogue.say("status", limit=MAX_IRIS),
        StatusesObject,
        statuses=(200,),
        errors=(400, 413, 415),
        more={"requestBody": operations.model_body(StatusRequest)},
    )

    @app.post(STATUS, **operation.arguments())
    async def status(request: Request) -> Response:
        iris = await endpoint.parse_body(request)
        return await run_in_threadpool(endpoint.respond, request, iris)

    @app.get(STATUS, include_in_schema=False)
    def unanswered() -> Response:
        raise HTTPException(HTTPStatus.METHOD_NOT_ALLOWED)


def _route_dumps(app: FastAPI, files: DumpFiles) -> None:
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
        app.get(path, **operation.arguments())(answer)
        app.head(path, include_in_schema=False)(answer)


def _dump_operation(summary: str, name: str, names: dict[str, Any], missing: int) -> Operation:
    """Return the OpenAPI operation of dumps with certain names."""
    parameter = openapi.parameter("name", "", openapi.TEXT | names, "path")
    forms = (*dumps.FORMS.values(), Form("gz", (dumps.GZIP,)))
    statuses, errors = (200, 206, 304), {404, missing, 416, 503}
    return Operation(
        name,
        "dataset",
        summary,
        forms=forms,
        statuses=statuses,
        errors=sorted(errors),
        parameters=[parameter],
    )


def _route_changes(app: FastAPI, endpoint: ChangesEndpoint) -> None:
    catalogue = endpoint.site.catalogue
    operation = Operation(
        "changes",
        "dataset",
        catalogue.say("changes"),
        forms=CHANGE_FORMS,
        errors=(404, 406),
        parameters=[openapi.language_parameter(catalogue)],
    )

    @app.get(urls.CHANGES, **operation.arguments())
    def opening(request: Request) -> Response:
        return endpoint.respond(request)

    @app.get(urls.CHANGES + ".{extension}", include_in_schema=False)
    def opening_in_form(request: Request, extension: str) -> Response:
        return endpoint.respond(request, extension)

    @app.get(urls.CHANGES + "/{name}", include_in_schema=False)
    def page(request: Request, name: str) -> Response:
        return endpoint.respond_page(request, name)


def _route_resources(app: FastAPI, site: Site) -> None:
    resources = ResourceEndpoint(site)

    @app.get("/{path:path}", include_in_schema=False)
    def resource(request: Request, path: str) -> Response:
        return resources.respond(request, path)
