"""The SPARQL 1.1 Protocol for queries (https://www.w3.org/TR/sparql11-protocol/, section 2.1).

Results are streamed in the form that the client accepts.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

from fastapi import Request, Response
from pyoxigraph import RdfFormat, Triple, parse
from starlette.concurrency import run_in_threadpool

from ...catalogue.catalogue import Catalogue
from ...errors import RequestError
from ...rdf import jsonld
from ...rdf.terms import Term
from ...sparql.pool import QueryResult, WorkerPool
from ...sparql.worker import ROWS
from ...storage import query_guard
from ...storage.base import QueryRefusedError, Solution, check_result_depth, parse_term
from ...storage.oxigraph import Snapshots
from ...storage.remote import Endpoint
from .. import openapi
from ..context import VARY, DisplayValue, Site
from ..http import bodies, conditional, disconnects, middleware, negotiation, responses
from ..http.negotiation import CSV, DOCUMENTS, HTML, JSON, JSON_LD, Form, NotAcceptableError
from ..models import SparqlResults
from ..operations import Operation, request_body
from .service_description import service_description

QUERY_MEDIA_TYPE = "application/sparql-query"
_FORM_SCHEMA = {"type": "object", "required": ["query"], "properties": {"query": openapi.TEXT}}
_IRIS_SCHEMA = {"type": "array", "items": {"type": "string", "format": "uri"}}
BODY = request_body(
    {
        QUERY_MEDIA_TYPE: {"schema": openapi.TEXT},
        bodies.FORM: {"schema": _FORM_SCHEMA},
    }
)
"""The body of a query by POST (SPARQL 1.1 Protocol, sections 2.1.2 and 2.1.3)."""
ERRORS = (400, 406, 413, 415, 422, 502, 503, 504)
"""The statuses with which a query fails."""
_MIN_SECONDS = 0.1
"""The shortest deadline in seconds: a query beyond its deadline costs a worker process."""
RESULTS = Form("json", ("application/sparql-results+json", "application/json"))
XML = Form("xml", ("application/sparql-results+xml", "application/xml", "text/xml"))
TSV = Form("tsv", ("text/tab-separated-values",))
TABLES = (RESULTS, HTML, XML, CSV, TSV)
"""The forms of the results of SELECT and ASK."""
GRAPHS = tuple(form for form in DOCUMENTS if form not in (HTML, JSON))
"""The forms of the results of CONSTRUCT and DESCRIBE."""
Source = Mapping[str, str | int]
"""The snapshot that a worker reads; empty for other stores."""
Page = Callable[["ResultTable"], Response]
"""A function that returns a result table as a page."""
_PAGE_ROWS = 1000
_MAX_QUICK_QUERY = 1 << 14
_MAX_BYTES_HEADER, _MAX_ROWS_HEADER = "X-Most-Bytes", "X-Most-Rows"
_UNION, _SERVICE = "UnionDefaultGraph", "BasicFederatedQuery"
_SAMPLE_QUERY = """PREFIX dct: <http://purl.org/dc/terms/>

SELECT ?entry ?title
WHERE {{
    ?entry a <{kind}> ;
        dct:title ?title .
}}
ORDER BY ?title
LIMIT 100
"""


@dataclass(frozen=True)
class QueryRequest:
    """The query of a request, its dataset, and the requested deadline and form."""

    query: str
    default: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    seconds: float | None = None
    form: str = ""


async def parse_request(request: Request) -> QueryRequest | None:
    """Return the query by GET, form or direct POST; None without a query (section 2.1).

    Raise QueryRefusedError or RequestError.
    """
    url_pairs = _decode_pairs(request.scope["query_string"])
    if request.method != "POST":
        is_query = _has(url_pairs, "query") or _has(url_pairs, "update")
        return _parse_pairs(url_pairs) if is_query else None
    media_type = bodies.parse_media_type(request)
    content = await bodies.read_body(request)
    if media_type == bodies.FORM:
        return _parse_pairs([*url_pairs, *_decode_pairs(content)])
    if media_type == QUERY_MEDIA_TYPE:
        return _parse_pairs([*url_pairs, ("query", _decode(content))])
    raise RequestError("unsupportedMediaType", form=media_type or "?")


def _parse_pairs(pairs: list[tuple[str, str]]) -> QueryRequest:
    if _has(pairs, "update"):
        raise QueryRefusedError("Updates are not taken here.")
    queries = [value for name, value in pairs if name == "query"]
    if len(queries) != 1:
        raise QueryRefusedError(f"A request has one query; this one has {len(queries)}.")
    return QueryRequest(
        query=queries[0],
        default=tuple(value for name, value in pairs if name == "default-graph-uri"),
        named=tuple(value for name, value in pairs if name == "named-graph-uri"),
        seconds=parse_timeout(pairs),
        form=next((value for name, value in pairs if name == "format"), ""),
    )


def _has(pairs: list[tuple[str, str]], name: str) -> bool:
    return any(name == other for other, _ in pairs)


def parse_timeout(pairs: Iterable[tuple[str, str]]) -> float | None:
    """Return the deadline in seconds that the parameters request; raise QueryRefusedError."""
    return min((_parse_seconds(value) for name, value in pairs if name == "timeout"), default=None)


def _parse_seconds(value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = 0.0
    if not seconds > 0:
        raise QueryRefusedError(f"timeout is a number of seconds above 0, not “{value}”.")
    return max(seconds, _MIN_SECONDS)


def _decode_pairs(content: bytes) -> list[tuple[str, str]]:
    try:
        return bodies.parse_form(content)
    except UnicodeDecodeError as error:
        raise QueryRefusedError("The request is not in UTF-8.") from error
    except ValueError as error:
        raise QueryRefusedError(f"The request has {error}.") from error


def _decode(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise QueryRefusedError(f"The query is not in UTF-8: byte {error.start}.") from error


def operation(catalogue: Catalogue, name: str, summary: str) -> Operation:
    """Return the OpenAPI operation of a query (SPARQL 1.1 Protocol, section 2.1)."""
    parameters = [
        openapi.parameter("query", catalogue.say("queryHint"), openapi.TEXT),
        openapi.parameter("default-graph-uri", "", _IRIS_SCHEMA),
        openapi.parameter("named-graph-uri", "", _IRIS_SCHEMA),
        openapi.parameter("timeout", "", {"type": "number", "exclusiveMinimum": 0}),
    ]
    return Operation(
        name,
        "queries",
        summary,
        SparqlResults,
        RESULTS.plain,
        (*TABLES, *GRAPHS),
        errors=ERRORS,
        parameters=[*parameters, openapi.language_parameter(catalogue)],
    )


@dataclass(frozen=True)
class QueryEndpoint:
    """Answers SPARQL queries."""

    site: Site
    workers: WorkerPool

    async def answer(self, request: Request) -> Response:
        """Answer a query; without one, return the query page or the service description."""
        query_request = await parse_request(request)
        if query_request is None:
            return await run_in_threadpool(self._answer_without_query, request)
        return await self.reply(
            request,
            query_request,
            lambda table: self._query_page(request, query_request.query, table),
        )

    async def solutions(self, query: str, limit: int, client: str) -> list[Solution]:
        """Return the first rows of a query that runs as clients' queries do; raise their errors."""
        words, _, source = await self._analyse_query(query)
        message = {**source, "most": limit}
        answer = await self._run(QueryRequest(query), client, words, HTML, None, message)
        return await run_in_threadpool(_parse_solutions, await responses.join_parts(answer.chunks))

    async def reply(self, request: Request, query_request: QueryRequest, page: Page) -> Response:
        """Answer a query in the form that the client accepts; `page` renders its rows as HTML.

        Raise ClientDisconnect if the client disconnects.
        """
        return await disconnects.run_until_disconnect(
            request, self._reply(request, query_request, page)
        )

    async def _reply(self, request: Request, query_request: QueryRequest, page: Page) -> Response:
        table, graph = (_select_form(request, query_request, forms) for forms in (TABLES, GRAPHS))
        if table is None and graph is None:
            raise NotAcceptableError((*TABLES, *GRAPHS))
        words, release, source = await self._analyse_query(query_request.query)
        tag = _entity_tag(query_request, words, release, (table, graph))
        if tag and conditional.matches(request.headers.get("if-none-match", ""), tag):
            return _not_modified(request, tag)
        client = middleware.client(request.scope)
        answer = await self._run(query_request, client, words, table, graph, source)
        form = graph if answer.kind == "graph" else table
        if form is None:
            await responses.join_parts(answer.chunks)
            raise NotAcceptableError(GRAPHS if answer.kind == "graph" else TABLES)
        if form == HTML:
            content = await responses.join_parts(answer.chunks)
            response = await run_in_threadpool(self._page, request, answer.kind, content, page)
            response.headers.update(self._limits(form))
            return response
        headers = VARY | self._limits(form) | ({"ETag": tag} if tag else {})
        if form == JSON_LD:
            content = await responses.join_parts(answer.chunks)
            return await run_in_threadpool(self._compact, content, headers)
        origin = (request.url.path, query_request.query)
        return await responses.stream(answer.chunks, headers, form.content_type, *origin)

    async def _analyse_query(self, query: str) -> tuple[Set[str], str, Source]:
        """Return the words of a query, the release and the source; raise QueryRefusedError.

        It runs in a thread if it can take long: a long query, a remote store, a new snapshot.
        """
        source = self.workers.source
        takes_time = (
            source.is_stale if isinstance(source, Snapshots) else isinstance(source, Endpoint)
        )
        if len(query) > _MAX_QUICK_QUERY or takes_time:
            return await run_in_threadpool(self._analyse, query)
        return self._analyse(query)

    def _analyse(self, query: str) -> tuple[Set[str], str, Source]:
        query_guard.check_query_depth(query)
        query_guard.check_service_calls(query, self.workers.limits.hosts)
        words = query_guard.query_words(query)
        if isinstance(self.workers.source, Snapshots):
            snapshot = self.workers.source.latest()
            return words, snapshot.name, {"source": str(snapshot)}
        return words, self.site.catalogue.release, {}

    async def _run(
        self,
        query_request: QueryRequest,
        client: str,
        words: Set[str],
        table: Form | None,
        graph: Form | None,
        source: Source,
    ) -> QueryResult:
        limits = self.workers.limits
        message = {
            "query": query_request.query,
            "base": self.site.catalogue.base,
            "default": query_request.default,
            "named": query_request.named,
            "from": "FROM" in words,
            "table": _worker_form(table),
            "graph": "nt" if graph == JSON_LD else _worker_form(graph),
            "prefixes": dict(self.site.catalogue.prefixes) if graph else {},
            "most": _PAGE_ROWS + 1,
            "triples": self._max_rows(graph),
            **source,
        }
        seconds = min(query_request.seconds or limits.seconds, limits.max_seconds)
        return await self.workers.run(message, seconds, client)

    def _compact(self, content: bytes, headers: Mapping[str, str]) -> Response:
        check_result_depth(content.decode())
        triples = [q.triple for q in parse(content, RdfFormat.N_TRIPLES)]
        if any(isinstance(triple.object, Triple) for triple in triples):  # JSON-LD 1.1 has none
            raise NotAcceptableError([form for form in GRAPHS if form != JSON_LD])
        document = jsonld.write_document(triples, self.site.catalogue.context)
        return Response(document, headers=headers, media_type=JSON_LD.content_type)

    def _limits(self, form: Form) -> dict[str, str]:
        """Return the headers with the limits of a response: bytes, and rows or triples."""
        max_bytes = self.workers.limits.max_bytes
        return {_MAX_BYTES_HEADER: str(max_bytes), _MAX_ROWS_HEADER: str(self._max_rows(form))}

    def _max_rows(self, form: Form | None) -> int:
        limits = self.workers.limits
        return min(limits.max_rows, limits.max_jsonld) if form == JSON_LD else limits.max_rows

    def _answer_without_query(self, request: Request) -> Response:
        form = negotiation.form_or_accepted(request, (*GRAPHS, HTML))
        if form == HTML:
            kind = self.site.catalogue.shapes.entry_shape.classes[0]
            return self._query_page(request, _SAMPLE_QUERY.format(kind=kind), ResultTable())
        address = str(request.url.replace(query=""))
        features = [_UNION, _SERVICE] if self.workers.limits.hosts else [_UNION]
        results = (*TABLES, *GRAPHS)
        content = service_description(self.site.services, address, form, results, features)
        return Response(content, headers=VARY, media_type=form.content_type)

    def _page(self, request: Request, kind: str, content: bytes, page: Page) -> Response:
        return page(self._table(request, kind, content))

    def _table(self, request: Request, kind: str, content: bytes) -> "ResultTable":
        view = self.site.view(request)
        lines = [json.loads(line) for line in content.splitlines()]
        if kind == "boolean":
            return ResultTable(message=view.say("yes" if lines[0] else "no"))
        cells = [
            [view.cell(_parse_cell(text)) for text in row] for row in lines[1 : _PAGE_ROWS + 1]
        ]
        more = view.say("rowLimitNote", count=_PAGE_ROWS) if len(lines) > _PAGE_ROWS + 1 else ""
        return ResultTable(lines[0], cells, more)

    def _query_page(self, request: Request, query: str, table: "ResultTable") -> Response:
        return self.site.html(request, "query.html", query=query, table=table)


@dataclass(frozen=True)
class ResultTable:
    """A query result on a page: names of columns, rows of cells, and a message."""

    names: Sequence[str] = ()
    rows: Sequence[Sequence[DisplayValue]] = ()
    message: str = ""


def _parse_solutions(content: bytes) -> list[Solution]:
    names, *rows = map(json.loads, content.splitlines())
    pairs = (zip(names, row, strict=True) for row in rows)
    return [{name: parse_term(text) for name, text in row if text is not None} for row in pairs]


def _entity_tag(
    query_request: QueryRequest, words: Set[str], release: str, forms: Sequence[Form | None]
) -> str | None:
    if not release or HTML in forms or not query_guard.is_deterministic(words):
        return None
    names = [form.extension if form else "" for form in forms]
    key = json.dumps(
        [release, query_request.query, query_request.default, query_request.named, *names]
    )
    return f'"{hashlib.sha256(key.encode()).hexdigest()[:32]}"'


def _not_modified(request: Request, tag: str) -> Response:
    if request.method == "POST":
        raise RequestError("notModified", headers={"ETag": tag})
    headers = {"Vary": f"{VARY['Vary']}, Accept-Encoding", "ETag": tag}
    return Response(status_code=304, headers=headers)


def _select_form(
    request: Request, query_request: QueryRequest, forms: Sequence[Form]
) -> Form | None:
    try:
        return negotiation.form_or_accepted(request, forms, query_request.form)
    except NotAcceptableError:
        return None


def _worker_form(form: Form | None) -> str | None:
    if form is None:
        return None
    return ROWS if form == HTML else form.extension


def _parse_cell(text: str | None) -> Term | None:
    return None if text is None else parse_term(text)
