"""The SPARQL endpoint (https://www.w3.org/TR/sparql11-protocol/): queries run in processes.

Results are streamed in the media type that the client accepts. Without a query, the endpoint is
described (https://www.w3.org/TR/sparql11-service-description/).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from fastapi import Request, Response
from pyoxigraph import BlankNode, NamedNode, RdfFormat, Triple, parse
from starlette.concurrency import run_in_threadpool

from ...application.services import Services
from ...errors import CatalogueError, RequestError
from ...rdf.terms import RDF, SD, VOID, Node, Term, integer
from ...sparql.pool import QueryResult, WorkerPool
from ...sparql.worker import ROWS
from ...storage import query_guard
from ...storage.base import Solution, check_result_depth, parse_term
from ...storage.oxigraph import Snapshots
from ...storage.remote import Endpoint
from .. import document, problems
from ..context import VARY, Site
from ..http import connections, middleware, negotiation, responses
from ..http.conditional import REVALIDATED, Validators, entity_tag
from ..http.negotiation import CSV, DOCUMENTS, HTML, JSON, JSON_LD, MediaType, NotAcceptableError
from .query_page import page_values, sample_query
from .requests import QueryRequest, parse_request
from .results import ResultTable, make_table

RESULTS = MediaType("json", ("application/sparql-results+json", "application/json"))
XML = MediaType("xml", ("application/sparql-results+xml", "application/xml", "text/xml"))
TSV = MediaType("tsv", ("text/tab-separated-values",))
TABLES = (RESULTS, HTML, XML, CSV, TSV)
"""The media types of the results of SELECT and ASK."""
GRAPHS = tuple(media_type for media_type in DOCUMENTS if media_type not in (HTML, JSON))
"""The media types of the results of CONSTRUCT and DESCRIBE."""
_GRAPHS_AND_PAGE = (*GRAPHS, HTML)
Page = Callable[["ResultTable"], Response]
"""A function that returns a result table as a page."""
_PAGE_ROWS = 1000
_LINES = msgspec.json.Decoder()
_MAX_QUICK_QUERY = 1 << 14
_MAX_BYTES_HEADER, _MAX_ROWS_HEADER = "X-Most-Bytes", "X-Most-Rows"
_UNION, _SERVICE = "UnionDefaultGraph", "BasicFederatedQuery"
_FORMATS = "http://www.w3.org/ns/formats/"
_FORMAT_NAMES = {
    "json": "SPARQL_Results_JSON",
    "xml": "SPARQL_Results_XML",
    "csv": "SPARQL_Results_CSV",
    "tsv": "SPARQL_Results_TSV",
    "ttl": "Turtle",
    "nt": "N-Triples",
    "rdf": "RDF_XML",
    "jsonld": "JSON-LD",
    "trig": "TriG",
    "nq": "N-Quads",
}


@dataclass(frozen=True)
class _AnalysedQuery:
    """The release that a query reads, a worker's snapshot, and whether its result is the same."""

    release: str
    source: Mapping[str, str]
    is_deterministic: bool


@dataclass(frozen=True)
class QueryEndpoint:
    """Answers SPARQL queries."""

    site: Site
    workers: WorkerPool

    async def respond(self, request: Request) -> Response:
        """Answer a query; without one, return the query page or the service description."""
        try:
            query_request = await parse_request(request)
            if query_request is None:
                return await run_in_threadpool(self._answer_without_query, request)
        except CatalogueError as error:
            return problems.answer(request, self.site, error)
        query = query_request.query
        try:
            return await self.reply(
                request, query_request, lambda table: self._query_page(request, query, table)
            )
        except CatalogueError as error:
            values = self._page_values(request, query) | {"table": ResultTable()}
            return problems.answer(request, self.site, error, "query.html", **values)

    async def solutions(self, query: str, limit: int, client: str) -> list[Solution]:
        """Return the first rows of a query that runs as clients' queries do; raise their errors."""
        analysed = await self._analyse(query)
        result = await self._run(QueryRequest(query), client, analysed, (HTML, None), limit)
        return await run_in_threadpool(_parse_solutions, await result.read())

    async def reply(self, request: Request, query_request: QueryRequest, page: Page) -> Response:
        """Return the result of a query as the client accepts it; `page` renders rows as HTML.

        Raise ClientDisconnect if the client disconnects.
        """
        return await connections.run_until_disconnect(
            request, self._reply(request, query_request, page)
        )

    async def _reply(self, request: Request, query_request: QueryRequest, page: Page) -> Response:
        table, graph = (
            negotiation.negotiate_sparql(request, media_types, query_request.format)
            for media_types in (TABLES, _GRAPHS_AND_PAGE)
        )
        if table is None and graph is None:
            raise NotAcceptableError((*TABLES, *GRAPHS))
        analysed = await self._analyse(query_request.query)
        validators = Validators(_entity_tag(query_request, analysed, (table, graph)))
        if validators.hold(request):
            return _not_modified(request, validators)
        client = middleware.client(request.scope)
        result = await self._run(query_request, client, analysed, (table, graph))
        media_type = graph if result.kind == "graph" else table
        if media_type is None:
            await result.read()
            raise NotAcceptableError(GRAPHS if result.kind == "graph" else TABLES)
        if media_type == HTML:
            content = await result.read()
            response = await run_in_threadpool(
                lambda: page(self._table(request, query_request.view, result.kind, content))
            )
            response.headers.update(self._limits(media_type))
            return response
        headers = VARY | REVALIDATED | self._limits(media_type) | validators.headers
        if media_type == JSON_LD:
            return await run_in_threadpool(self._compact, await result.read(), headers)
        origin = (request.scope["path"], query_request.query)
        return await responses.stream(result.chunks, headers, media_type.content_type, *origin)

    async def _analyse(self, query: str) -> _AnalysedQuery:
        """Return the analysis of a query; raise QueryRefusedError.

        It runs in a thread if it can take long: a long query, a remote store, a new snapshot.
        """
        source = self.workers.source
        is_slow = source.is_stale if isinstance(source, Snapshots) else isinstance(source, Endpoint)
        if len(query) > _MAX_QUICK_QUERY or is_slow:
            return await run_in_threadpool(self._analyse_at_once, query)
        return self._analyse_at_once(query)

    def _analyse_at_once(self, query: str) -> _AnalysedQuery:
        query_guard.check_query_depth(query)
        query_guard.check_service_calls(query, self.workers.limits.hosts)
        is_deterministic = query_guard.is_deterministic(query)
        if isinstance(self.workers.source, Snapshots):
            snapshot = self.workers.source.latest()
            return _AnalysedQuery(snapshot.name, {"source": str(snapshot)}, is_deterministic)
        return _AnalysedQuery(self.site.catalogue.release, {}, is_deterministic)

    async def _run(
        self,
        query_request: QueryRequest,
        client: str,
        analysed: _AnalysedQuery,
        media_types: tuple[MediaType | None, MediaType | None],
        max_lines: int = _PAGE_ROWS + 1,
    ) -> QueryResult:
        """Run a query of a client for a table or a graph; pages have a maximum of lines."""
        limits, (table, graph) = self.workers.limits, media_types
        message = {
            "query": query_request.query,
            "base": self.site.catalogue.base,
            "default": query_request.default,
            "named": query_request.named,
            "table": _worker_format(table),
            "graph": "nt" if graph == JSON_LD else _worker_format(graph),
            "prefixes": dict(self.site.catalogue.prefixes) if graph else {},
            "lines": max_lines,
            "triples": self._max_rows(graph),
            **analysed.source,
        }
        seconds = min(query_request.seconds or limits.seconds, limits.max_seconds)
        return await self.workers.run(message, seconds, client)

    def _compact(self, content: bytes, headers: Mapping[str, str]) -> Response:
        check_result_depth(content.decode())
        triples = [q.triple for q in parse(content, RdfFormat.N_TRIPLES)]
        if any(isinstance(triple.object, Triple) for triple in triples):  # JSON-LD 1.1 has none
            raise NotAcceptableError([other for other in GRAPHS if other != JSON_LD])
        document = self.site.catalogue.compactor.write_document(triples)
        return Response(document, headers=headers, media_type=JSON_LD.content_type)

    def _limits(self, media_type: MediaType) -> dict[str, str]:
        """Return the headers with the limits of a response: bytes, and rows or triples."""
        rows = self._max_rows(media_type)
        return {_MAX_BYTES_HEADER: str(self.workers.limits.max_bytes), _MAX_ROWS_HEADER: str(rows)}

    def _max_rows(self, media_type: MediaType | None) -> int:
        limits = self.workers.limits
        return min(limits.max_rows, limits.max_jsonld) if media_type == JSON_LD else limits.max_rows

    def _answer_without_query(self, request: Request) -> Response:
        name = request.query_params.get("format", "")
        media_type = negotiation.negotiate_sparql(request, _GRAPHS_AND_PAGE, name)
        if media_type is None:
            raise NotAcceptableError(_GRAPHS_AND_PAGE)
        if media_type == HTML:
            query = sample_query(self.site.catalogue.shapes.entry_shape)
            return self._query_page(request, query, ResultTable())
        address = str(request.url.replace(query=""))
        features = [_UNION, _SERVICE] if self.workers.limits.hosts else [_UNION]
        results = (*TABLES, *GRAPHS)
        content = _service_description(self.site.services, address, media_type, results, features)
        headers = VARY | REVALIDATED
        return Response(content, headers=headers, media_type=media_type.content_type)

    def _table(self, request: Request, chosen: str, kind: str, content: bytes) -> ResultTable:
        view = self.site.view(request)
        lines = _LINES.decode_lines(content)
        if kind == "boolean":
            return ResultTable(message=view.phrase("yes" if lines[0] else "no"))
        table = make_table(view, lines[0], lines[1 : _PAGE_ROWS + 1], chosen)
        is_cut = len(lines) > _PAGE_ROWS + 1
        note = view.phrase("rowLimitNote", count=_PAGE_ROWS) if is_cut else ""
        formats = GRAPHS if kind == "graph" else [each for each in TABLES if each != HTML]
        names = [media_type.extension for media_type in formats]
        return replace(table, message=note or table.message, formats=names)

    def _query_page(self, request: Request, query: str, table: ResultTable) -> Response:
        values = self._page_values(request, query)
        return self.site.html(request, "query.html", table=table, **values)

    def _page_values(self, request: Request, query: str) -> dict[str, Any]:
        view, is_posted = self.site.view(request), request.method == "POST"
        return page_values(view, query, self.workers.limits, _PAGE_ROWS, is_posted=is_posted)


def _entity_tag(
    query_request: QueryRequest, analysed: _AnalysedQuery, media_types: Sequence[MediaType | None]
) -> str:
    """Return the entity tag of a result, or "" if another time can give another one."""
    if not analysed.release or HTML in media_types or not analysed.is_deterministic:
        return ""
    names = [media_type.extension if media_type else "" for media_type in media_types]
    dataset = (query_request.default, query_request.named)
    return entity_tag(
        msgspec.json.encode([analysed.release, query_request.query, *dataset, *names])
    )


def _not_modified(request: Request, validators: Validators) -> Response:
    if request.method == "POST":
        raise RequestError("notModified", headers=validators.headers)
    headers = {"Vary": f"{VARY['Vary']}, Accept-Encoding"} | REVALIDATED | validators.headers
    return Response(status_code=304, headers=headers)


def _worker_format(media_type: MediaType | None) -> str | None:
    if media_type is None:
        return None
    return ROWS if media_type == HTML else media_type.extension


def _parse_solutions(content: bytes) -> list[Solution]:
    names, *rows = _LINES.decode_lines(content)
    pairs = (zip(names, row, strict=True) for row in rows)
    return [{name: parse_term(text) for name, text in row if text is not None} for row in pairs]


def _service_description(
    services: Services,
    address: str,
    media_type: MediaType,
    results: Iterable[MediaType],
    features: Iterable[str],
) -> bytes:
    """Return the service description in a media type: features, formats, and graphs with counts."""
    triples = list(_describe_service(services, NamedNode(address), results, features))
    return document.serialize_triples(services.catalogue, triples, media_type, address)


def _describe_service(
    services: Services, endpoint: NamedNode, results: Iterable[MediaType], features: Iterable[str]
) -> Iterator[Triple]:
    catalogue = services.catalogue

    def statement(subject: Node, name: str, value: Term) -> Triple:
        return Triple(subject, NamedNode(name), value)

    yield statement(endpoint, RDF + "type", NamedNode(SD + "Service"))
    yield statement(endpoint, SD + "endpoint", endpoint)
    yield statement(endpoint, SD + "supportedLanguage", NamedNode(SD + "SPARQL11Query"))
    for feature in features:
        yield statement(endpoint, SD + "feature", NamedNode(SD + feature))
    for media_type in results:
        if media_type != HTML:
            name = NamedNode(_FORMATS + _FORMAT_NAMES[media_type.extension])
            yield statement(endpoint, SD + "resultFormat", name)
    dataset, union = BlankNode(), BlankNode()
    yield statement(endpoint, SD + "defaultDataset", dataset)
    yield statement(dataset, RDF + "type", NamedNode(SD + "Dataset"))
    yield statement(dataset, SD + "defaultGraph", union)
    yield statement(union, RDF + "type", NamedNode(SD + "Graph"))
    sizes = catalogue.store.graph_sizes()
    yield from services.dataset.statistics.triples(union)
    for graph, size in sizes.items():
        named, contents = BlankNode(), BlankNode()
        yield statement(dataset, SD + "namedGraph", named)
        yield statement(named, RDF + "type", NamedNode(SD + "NamedGraph"))
        yield statement(named, SD + "name", NamedNode(graph))
        yield statement(named, SD + "graph", contents)
        yield statement(contents, RDF + "type", NamedNode(SD + "Graph"))
        yield statement(contents, VOID + "triples", integer(size))
