"""The application: all routes, the middleware, and the pools of worker processes."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from .. import __version__
from ..application.background import FolderHealth, ReleasedDumps
from ..application.services import Services
from ..editing.editor import EntryEditor
from ..sparql.pool import LazyWorkerPool, WorkerPool
from . import problems, validation
from .changes import history
from .charts import evidence, views
from .context import Site
from .entries import bodies
from .entries import endpoint as entries
from .entries.endpoint import AllowedMethods
from .forms import endpoint as forms
from .http.middleware import ContentCoding, Methods, Network, Proxies, QueryEncoding, Shortcut
from .reconciliation import endpoint as reconciliation
from .resources import routes as resources
from .search import contingency, listing
from .sparql import routes as sparql
from .sparql.endpoint import QueryEndpoint
from .urls import SPARQL, Addresses


def application(
    services: Services,
    workers: WorkerPool | None = None,
    dumper: ReleasedDumps | None = None,
    proxies: Sequence[Network] = (),
    editor: EntryEditor | None = None,
    condition: FolderHealth | None = None,
    beside: Callable[[FastAPI], AbstractAsyncContextManager[object]] = nullcontext,
) -> FastAPI:
    """Return the application that serves a catalogue.

    Without workers it does not answer queries, without a dump process it has no dumps, and without
    an editor it accepts no writes. Stored queries and validation have worker processes of their
    own, which clients' queries cannot occupy. A request from one of the proxies has
    the URL and the client that the proxy states. What is `beside` runs while the application does.
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
        lifespan=_lifespan(pools, beside),
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    problems.add_handlers(app, site)
    for each in site.of_kinds:
        app.include_router(listing.routes(each))
        app.include_router(contingency.routes(each))
        app.include_router(views.routes(each))
        app.include_router(evidence.routes(each))
    app.include_router(reconciliation.routes(site))
    if checkers:
        endpoint = validation.ValidationEndpoint(site, checkers)
        app.include_router(validation.routes(endpoint))
        app.include_router(forms.routes(site, editor, endpoint))
    plain = {}
    if workers and stored:
        queries = QueryEndpoint(site, workers)
        plain = {SPARQL: queries.respond}
        app.include_router(sparql.routes(queries, stored))
    app.include_router(history.routes(site))
    app.include_router(entries.routes(site, editor, parsers))
    app.include_router(resources.routes(site, condition or FolderHealth.from_catalogue(catalogue)))
    app.add_middleware(ContentCoding)
    app.add_middleware(Methods, allowed=allowed)
    app.add_middleware(QueryEncoding)
    app.add_middleware(Shortcut, functions=plain)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=["*"],
        allow_methods=["GET", "HEAD", "POST", "PUT", "DELETE"],
        allow_headers=["*"],
        expose_headers=["*"],
    )
    if proxies:
        app.add_middleware(Proxies, trusted=proxies)
    return app


def _lifespan(
    pools: Sequence[WorkerPool],
    beside: Callable[[FastAPI], AbstractAsyncContextManager[object]],
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """Return the lifespan that runs the worker processes while the application runs."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for pool in pools:
                await stack.enter_async_context(pool)
            await stack.enter_async_context(beside(app))
            yield

    return lifespan
