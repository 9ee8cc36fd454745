"""The routes of SPARQL queries, stored queries and gaps, and their operations in OpenAPI."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from fastapi import APIRouter, Request, Response

from ...catalogue.catalogue import Catalogue
from ...catalogue.stored_queries import StoredQuery
from ...schema.text import pick_text
from ...sparql.pool import WorkerPool
from .. import openapi
from ..http import bodies
from ..http.middleware import PlainRoute
from ..http.negotiation import HTML, JSON
from ..models import GapsObject, SparqlResults, StoredQueriesObject
from ..openapi import Operation, request_body
from ..urls import COMPLETIONS, GAPS, QUERIES, SPARQL
from .completions import CompletionEndpoint, CompletionsObject
from .endpoint import GRAPHS, RESULTS, TABLES, QueryEndpoint
from .requests import QUERY_MEDIA_TYPE
from .stored_queries import GapEndpoint, StoredQueryEndpoint

_FORM_SCHEMA = {"type": "object", "required": ["query"], "properties": {"query": openapi.TEXT}}
_BODY = request_body(
    {QUERY_MEDIA_TYPE: {"schema": openapi.TEXT}, bodies.FORM: {"schema": _FORM_SCHEMA}}
)
_IRIS_SCHEMA = {"type": "array", "items": {"type": "string", "format": "uri"}}
_SECONDS_SCHEMA = {"type": "number", "exclusiveMinimum": 0}
_ERRORS = (400, 406, 413, 415, 422, 502, 503, 504)


def routes(endpoint: QueryEndpoint, stored: WorkerPool) -> APIRouter:
    """Return the routes of queries, and of stored queries, which run in processes of their own."""
    router, site = APIRouter(), endpoint.site
    queries = QueryEndpoint(site, stored)
    router.include_router(_query_routes(endpoint))
    _route_completions(router, CompletionEndpoint(site))
    _route_stored_queries(router, StoredQueryEndpoint(queries))
    _route_gaps(router, GapEndpoint(queries))
    return router


def _query_routes(endpoint: QueryEndpoint) -> APIRouter:
    by_url = _query_operation(endpoint.site.catalogue)
    body = {"requestBody": _BODY}
    by_post = replace(by_url, id="postQuery", statuses=(200,), parameters=(), more=body)
    router = APIRouter(route_class=PlainRoute)
    router.get(SPARQL, **by_url.arguments())(endpoint.respond)
    router.post(SPARQL, **by_post.arguments())(endpoint.respond)
    also = router.api_route(SPARQL + "/", methods=["GET", "POST"], include_in_schema=False)
    also(endpoint.respond)
    return router


def _query_operation(catalogue: Catalogue) -> Operation:
    """Return the operation of a query by GET (SPARQL 1.1 Protocol, section 2.1.1)."""
    return Operation(
        "query",
        "queries",
        catalogue.phrase("queryData"),
        SparqlResults,
        RESULTS.name,
        (*TABLES, *GRAPHS),
        errors=_ERRORS,
        parameters=[
            openapi.parameter("query", catalogue.phrase("queryHint"), openapi.TEXT),
            openapi.parameter("default-graph-uri", "", _IRIS_SCHEMA),
            openapi.parameter("named-graph-uri", "", _IRIS_SCHEMA),
            openapi.parameter("timeout", "", _SECONDS_SCHEMA),
            openapi.language_parameter(catalogue),
        ],
    )


def _route_completions(router: APIRouter, endpoint: CompletionEndpoint) -> None:
    catalogue = endpoint.site.catalogue
    operation = Operation(
        "completions",
        "queries",
        catalogue.phrase("completions"),
        CompletionsObject,
        errors=(400,),
        parameters=[openapi.language_parameter(catalogue)],
    )
    router.get(COMPLETIONS, **operation.arguments())(endpoint.respond)


def _route_stored_queries(router: APIRouter, endpoint: StoredQueryEndpoint) -> None:
    catalogue = endpoint.queries.site.catalogue
    operation = Operation(
        "listQueries",
        "queries",
        catalogue.phrase("storedQueries"),
        StoredQueriesObject,
        media_types=(JSON, HTML),
        parameters=[
            openapi.language_parameter(catalogue),
            openapi.format_parameter(catalogue, (JSON, HTML)),
        ],
    )
    router.get(QUERIES, **operation.arguments())(endpoint.respond_list)

    def route_function(stored_query: StoredQuery) -> Callable[[Request], Awaitable[Response]]:
        async def respond(request: Request) -> Response:
            return await endpoint.respond(request, stored_query)

        return respond

    for name, stored_query in catalogue.stored_queries.items():
        arguments = _stored_query_operation(catalogue, stored_query).arguments()
        router.get(f"{QUERIES}/{name}", **arguments)(route_function(stored_query))


def _stored_query_operation(catalogue: Catalogue, stored_query: StoredQuery) -> Operation:
    parameters = [
        openapi.query_parameter(catalogue, own, [*catalogue.vocabularies.options(own.field)])
        for own in stored_query.parameters
    ]
    return Operation(
        f"query-{stored_query.name}",
        "queries",
        pick_text(stored_query.labels, catalogue.languages),
        SparqlResults,
        RESULTS.name,
        (*TABLES, *(GRAPHS if stored_query.returns_graph else ())),
        statuses=(200, 303, 304),
        errors=_ERRORS,
        parameters=[*parameters, openapi.language_parameter(catalogue)],
        more={"description": pick_text(stored_query.comments, catalogue.languages)},
    )


def _route_gaps(router: APIRouter, endpoint: GapEndpoint) -> None:
    catalogue = endpoint.queries.site.catalogue
    operation = Operation(
        "gaps",
        "dataset",
        catalogue.phrase("gaps"),
        GapsObject,
        media_types=(JSON, HTML),
        errors=(400, 406, 502, 503),
        parameters=[
            openapi.language_parameter(catalogue),
            openapi.format_parameter(catalogue, (JSON, HTML)),
        ],
    )
    router.get(GAPS, **operation.arguments())(endpoint.respond)
