"""The routes: searches, SPARQL, every IRI, and what the service says of itself."""

from typing import Annotated

from fastapi import FastAPI, Form, Query, Request, Response
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware

from .. import __version__
from ..catalogue import Catalogue
from ..search import BadChoiceError
from ..store import QueryRefusedError
from . import negotiation, parameters
from .documents import Addresses
from .methods import Methods
from .negotiation import HTML, LISTS, NotAcceptableError
from .queries import Queries
from .resources import Resources
from .searches import PATH, Searches
from .service import Service, UnknownAddressError

_SPARQL = "/sparql"


def application(catalogue: Catalogue) -> FastAPI:
    """Give the application that serves a catalogue."""
    service = Service(catalogue, Addresses(catalogue))
    app = FastAPI(
        title=catalogue.reader.name(catalogue.base, catalogue.languages),
        version=__version__,
        docs_url=None,
        redoc_url=None,
    )
    _answer_mistakes(app, service)
    _route_home(app, service)
    _route_searches(app, service)
    _route_queries(app, service)
    _route_resources(app, service)
    app.add_middleware(Methods, allowed={_SPARQL: "GET, HEAD, POST, OPTIONS"})
    app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["GET", "HEAD", "POST"])
    return app


def _answer_mistakes(app: FastAPI, service: Service) -> None:
    app.add_exception_handler(BadChoiceError, service.bad_choice)
    app.add_exception_handler(QueryRefusedError, service.refused_query)
    app.add_exception_handler(NotAcceptableError, service.not_acceptable)
    app.add_exception_handler(UnknownAddressError, service.not_found)
    app.add_exception_handler(HTTPException, service.http_error)


def _route_home(app: FastAPI, service: Service) -> None:
    resources = Resources(service)
    app.mount("/static", StaticFiles(packages=[("practicegraph.web", "static")]), name="static")

    @app.get("/", include_in_schema=False)
    def home(request: Request) -> Response:
        if negotiation.form(request, negotiation.DOCUMENTS) == HTML:
            return resources.home(request)
        return resources.answer(request, service.addresses.start)

    @app.get("/health", summary="Whether the service answers, and its release")
    def health() -> Response:
        found = {"status": "ok", "release": service.catalogue.release}
        return JSONResponse(found | {"triples": len(service.catalogue.store)})


def _route_searches(app: FastAPI, service: Service) -> None:
    searches = Searches(service)
    described = {"parameters": parameters.of_search(service.catalogue)}
    summary = service.catalogue.say("search")

    @app.get(PATH, summary=summary, openapi_extra=described)
    def search(request: Request) -> Response:
        return searches.answer(request)

    @app.get(PATH + ".{extension}", include_in_schema=False)
    def search_in_form(request: Request, extension: str) -> Response:
        return searches.in_form(request, negotiation.named(extension, LISTS))


def _route_queries(app: FastAPI, service: Service) -> None:
    queries = Queries(service)
    summary = service.catalogue.say("queryData")

    @app.get(_SPARQL, summary=summary)
    def query(request: Request, query: Annotated[str | None, Query()] = None) -> Response:
        return queries.answer(request, query)

    @app.post(_SPARQL, summary=summary)
    def posted_query(request: Request, query: Annotated[str | None, Form()] = None) -> Response:
        return queries.answer(request, query)


def _route_resources(app: FastAPI, service: Service) -> None:
    resources = Resources(service)

    @app.get("/{path:path}", include_in_schema=False)
    def resource(request: Request, path: str) -> Response:
        return resources.answer(request, path)
