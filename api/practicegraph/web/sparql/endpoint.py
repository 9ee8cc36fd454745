"""SPARQL over HTTP: a query in, its result streamed in the form that the reader asks for.

The SPARQL 1.1 Protocol for queries: what a request asks (https://www.w3.org/TR/sparql11-protocol/).

What the endpoint says of itself (https://www.w3.org/TR/sparql11-service-description/).
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from urllib.parse import parse_qsl

from fastapi import Request, Response
from pyoxigraph import BlankNode, Literal, NamedNode, RdfFormat, Triple, parse
from starlette.concurrency import run_in_threadpool

from ...application.services import Services
from ...catalogue.catalogue import Catalogue
from ...errors import RequestError
from ...rdf import jsonld
from ...rdf.namespaces import RDF, SD, VOID, XSD
from ...rdf.terms import Node, Term
from ...sparql.pool import QueryResult, WorkerPool
from ...sparql.worker import ROWS
from ...storage import query_guard
from ...storage.base import QueryRefusedError, Solution, check_result_depth, parse_term
from ...storage.oxigraph import Snapshots
from ...storage.remote import Endpoint
from .. import document as web_document
from .. import openapi
from ..context import VARY, Shown, Site
from ..http import conditional, disconnects, middleware, negotiation, responses
from ..http.negotiation import CSV, DOCUMENTS, HTML, JSON, JSON_LD, Form, NotAcceptableError
from ..models import SparqlResults
from ..operations import Operation, request_body

FORM = "application/x-www-form-urlencoded"
_TEXT = {"type": "string"}
_IRIS = {"type": "array", "items": {"type": "string", "format": "uri"}}
BODY = request_body(
    {
        "application/sparql-query": {"schema": _TEXT},
        FORM: {"schema": {"type": "object", "required": ["query"], "properties": {"query": _TEXT}}},
    }
)
"""The body of a query by POST (SPARQL 1.1 Protocol, sections 2.1.2 and 2.1.3)."""
ERRORS = (400, 406, 413, 415, 422, 502, 503, 504)
"""The statuses with which a query fails."""
QUERY = "application/sparql-query"
_MOST = 1 << 20
_LEAST = 0.1
"""Seconds below which no deadline is set: each query that passes one costs its process."""


@dataclass(frozen=True)
class Asked:
    """A request's query, the dataset that it names, and the deadline and form it wishes for."""

    query: str
    default: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    seconds: float | None = None
    form: str = ""


async def asked(request: Request) -> Asked | None:
    """Read a request by GET, form or direct POST; None where it asks nothing (section 2.1).

    Raises QueryRefusedError or RequestError.
    """
    address = _pairs(request.scope["query_string"])
    if request.method != "POST":
        return _asked(address) if _has(address, "query") or _has(address, "update") else None
    media_type, _, parameters = request.headers.get("content-type", "").partition(";")
    if not is_utf_8(parameters):
        raise RequestError("unsupportedMediaType", form=request.headers["content-type"])
    content = await body(request)
    if media_type.strip().lower() == FORM:
        return _asked([*address, *_pairs(content)])
    if media_type.strip().lower() == QUERY:
        return _asked([*address, ("query", _text(content))])
    raise RequestError("unsupportedMediaType", form=media_type or "?")


def _asked(pairs: list[tuple[str, str]]) -> Asked:
    if _has(pairs, "update"):
        raise QueryRefusedError("Updates are not taken here.")
    queries = [value for name, value in pairs if name == "query"]
    if len(queries) != 1:
        raise QueryRefusedError(f"A request has one query; this one has {len(queries)}.")
    return Asked(
        query=queries[0],
        default=tuple(value for name, value in pairs if name == "default-graph-uri"),
        named=tuple(value for name, value in pairs if name == "named-graph-uri"),
        seconds=seconds(pairs),
        form=next((value for name, value in pairs if name == "format"), ""),
    )


def _has(pairs: list[tuple[str, str]], name: str) -> bool:
    return any(name == other for other, _ in pairs)


def seconds(pairs: Iterable[tuple[str, str]]) -> float | None:
    """Return the deadline that parameters wish for; raises QueryRefusedError."""
    return min((_seconds(value) for name, value in pairs if name == "timeout"), default=None)


def _seconds(value: str) -> float:
    try:
        found = float(value)
    except ValueError:
        found = 0.0
    if not found > 0:
        raise QueryRefusedError(f"timeout is a number of seconds above 0, not “{value}”.")
    return max(found, _LEAST)


async def body(request: Request, most: int = _MOST) -> bytes:
    """Return the body of a request; raises RequestError above so many bytes, 1 MiB if not said."""
    content = bytearray()
    async for part in request.stream():
        content += part
        if len(content) > most:
            raise RequestError("bodyTooLarge", limit=most)
    return bytes(content)


def _pairs(content: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            content.decode("ascii"), keep_blank_values=True, encoding="utf-8", errors="strict"
        )
    except UnicodeDecodeError as error:
        raise QueryRefusedError("The request is not in UTF-8.") from error


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise QueryRefusedError(f"The query is not in UTF-8: byte {error.start}.") from error


def is_utf_8(parameters: str) -> bool:
    """Return whether the parameters of a media type name no character set but UTF-8."""
    return _charset(parameters) in ("", "utf-8", "utf8")


def _charset(parameters: str) -> str:
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip('"').lower()
    return ""


_FORMATS = "http://www.w3.org/ns/formats/"
_NAMES = {
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


def description(
    services: Services,
    address: str,
    form: Form,
    results: Iterable[Form],
    features: Iterable[str],
) -> bytes:
    """Return the service description in a form: language, features, formats, graphs with counts."""
    triples = list(_triples(services, NamedNode(address), results, features))
    return web_document.serialize_triples(services.catalogue, triples, form, address)


def _triples(
    services: Services, endpoint: NamedNode, results: Iterable[Form], features: Iterable[str]
) -> Iterator[Triple]:
    catalogue = services.catalogue

    def says(subject: Node, name: str, value: Term) -> Triple:
        return Triple(subject, NamedNode(name), value)

    yield says(endpoint, RDF + "type", NamedNode(SD + "Service"))
    yield says(endpoint, SD + "endpoint", endpoint)
    yield says(endpoint, SD + "supportedLanguage", NamedNode(SD + "SPARQL11Query"))
    for feature in features:
        yield says(endpoint, SD + "feature", NamedNode(SD + feature))
    for form in results:
        if form != HTML:
            name = NamedNode(_FORMATS + _NAMES[form.extension])
            yield says(endpoint, SD + "resultFormat", name)
    dataset, union = BlankNode(), BlankNode()
    yield says(endpoint, SD + "defaultDataset", dataset)
    yield says(dataset, RDF + "type", NamedNode(SD + "Dataset"))
    yield says(dataset, SD + "defaultGraph", union)
    yield says(union, RDF + "type", NamedNode(SD + "Graph"))
    sizes = catalogue.store.graph_sizes()
    yield from services.dataset.statistics.said(union, catalogue.base)
    for graph, size in sizes.items():
        named, contents = BlankNode(), BlankNode()
        yield says(dataset, SD + "namedGraph", named)
        yield says(named, RDF + "type", NamedNode(SD + "NamedGraph"))
        yield says(named, SD + "name", NamedNode(graph))
        yield says(named, SD + "graph", contents)
        yield says(contents, RDF + "type", NamedNode(SD + "Graph"))
        yield says(contents, VOID + "triples", _number(size))


def _number(value: int) -> Literal:
    return Literal(str(value), datatype=NamedNode(XSD + "integer"))


RESULTS = Form("json", ("application/sparql-results+json", "application/json"))
XML = Form("xml", ("application/sparql-results+xml", "application/xml", "text/xml"))
TSV = Form("tsv", ("text/tab-separated-values",))


def operation(catalogue: Catalogue, name: str, summary: str) -> Operation:
    """Return the operation of a query (SPARQL 1.1 Protocol, section 2.1)."""
    parameters = [
        openapi.parameter("query", catalogue.say("queryHint"), openapi.TEXT),
        openapi.parameter("default-graph-uri", "", _IRIS),
        openapi.parameter("named-graph-uri", "", _IRIS),
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


TABLES = (RESULTS, HTML, XML, CSV, TSV)
GRAPHS = tuple(form for form in DOCUMENTS if form not in (HTML, JSON))
Source = Mapping[str, str | int]
"""What tells a process which snapshot to read, where there are any."""

_SHOWN = 1000
_LONG = 1 << 14
_MOST_BYTES, _MOST_ROWS = "X-Most-Bytes", "X-Most-Rows"
_UNION, _CALLS = "UnionDefaultGraph", "BasicFederatedQuery"
_SAMPLE = """PREFIX dct: <http://purl.org/dc/terms/>

SELECT ?entry ?title
WHERE {{
    ?entry a <{kind}> ;
        dct:title ?title .
}}
ORDER BY ?title
LIMIT 100
"""


@dataclass(frozen=True)
class Queries:
    """Answers queries."""

    site: Site
    workers: WorkerPool

    async def answer(self, request: Request) -> Response:
        """Answer a query; without one, with a page to write one on or with what the service is."""
        question = await asked(request)
        if question is None:
            return await run_in_threadpool(self._without_query, request)
        return await self.reply(
            request, question, lambda table: self._shown(request, question.query, table)
        )

    async def solutions(self, query: str, most: int, client: str) -> list[Solution]:
        """Return the first rows of a query, run as readers' queries are; raises what they raise."""
        words, _, source = await self._read(query)
        wanted = {**source, "most": most}
        answer = await self._run(Asked(query), client, words, HTML, None, wanted)
        return await run_in_threadpool(_solutions, await responses.join_parts(answer.chunks))

    async def reply(
        self, request: Request, question: Asked, page: Callable[["Table"], Response]
    ) -> Response:
        """Answer a query in the form that the reader asks for; a page is made of its rows.

        Raises ClientDisconnect where the reader has gone.
        """
        return await disconnects.run_until_disconnect(request, self._reply(request, question, page))

    async def _reply(
        self, request: Request, question: Asked, page: Callable[["Table"], Response]
    ) -> Response:
        table, graph = (_form(request, question, forms) for forms in (TABLES, GRAPHS))
        if table is None and graph is None:
            raise NotAcceptableError((*TABLES, *GRAPHS))
        words, release, source = await self._read(question.query)
        tag = _tag(question, words, release, (table, graph))
        if tag and conditional.matches(request.headers.get("if-none-match", ""), tag):
            return _unchanged(request, tag)
        client = middleware.client(request.scope)
        answer = await self._run(question, client, words, table, graph, source)
        form = graph if answer.kind == "graph" else table
        if form is None:
            await responses.join_parts(answer.chunks)
            raise NotAcceptableError(GRAPHS if answer.kind == "graph" else TABLES)
        if form == HTML:
            content = await responses.join_parts(answer.chunks)
            found = await run_in_threadpool(self._page, request, answer.kind, content, page)
            found.headers.update(self._limits(form))
            return found
        headers = VARY | self._limits(form) | ({"ETag": tag} if tag else {})
        if form == JSON_LD:
            content = await responses.join_parts(answer.chunks)
            return await run_in_threadpool(self._compacted, content, headers)
        whose = (request.url.path, question.query)
        return await responses.stream(answer.chunks, headers, form.content_type, *whose)

    async def _read(self, query: str) -> tuple[Set[str], str, Source]:
        """Return the words of a query that is allowed, the release at which it is asked, and where.

        Long queries hold up nobody else, nor do stores elsewhere that are asked for their release,
        nor a snapshot that is to be taken.
        """
        source = self.workers.source
        takes_time = (
            source.is_stale if isinstance(source, Snapshots) else isinstance(source, Endpoint)
        )
        if len(query) > _LONG or takes_time:
            return await run_in_threadpool(self._allowed, query)
        return self._allowed(query)

    def _allowed(self, query: str) -> tuple[Set[str], str, Source]:
        query_guard.check_query_depth(query)
        query_guard.check_service_calls(query, self.workers.limits.hosts)
        words = query_guard.query_words(query)
        if isinstance(self.workers.source, Snapshots):
            snapshot = self.workers.source.latest()
            return words, snapshot.name, {"source": str(snapshot)}
        return words, self.site.catalogue.release, {}

    async def _run(
        self,
        question: Asked,
        client: str,
        words: Set[str],
        table: Form | None,
        graph: Form | None,
        source: Source,
    ) -> QueryResult:
        limits = self.workers.limits
        wanted = {
            "query": question.query,
            "base": self.site.catalogue.base,
            "default": question.default,
            "named": question.named,
            "from": "FROM" in words,
            "table": _in_worker(table),
            "graph": "nt" if graph == JSON_LD else _in_worker(graph),
            "prefixes": dict(self.site.catalogue.prefixes) if graph else {},
            "most": _SHOWN + 1,
            "triples": self._most_rows(graph),
            **source,
        }
        seconds = min(question.seconds or limits.seconds, limits.max_seconds)
        return await self.workers.run(wanted, seconds, client)

    def _compacted(self, content: bytes, headers: Mapping[str, str]) -> Response:
        check_result_depth(content.decode())
        triples = [q.triple for q in parse(content, RdfFormat.N_TRIPLES)]
        if any(isinstance(triple.object, Triple) for triple in triples):  # JSON-LD 1.1 has none
            raise NotAcceptableError([form for form in GRAPHS if form != JSON_LD])
        document = jsonld.write_document(triples, self.site.catalogue.context)
        return Response(document, headers=headers, media_type=JSON_LD.content_type)

    def _limits(self, form: Form) -> dict[str, str]:
        """Return the headers with the limits of an answer: bytes, and rows or triples."""
        max_bytes = self.workers.limits.max_bytes
        return {_MOST_BYTES: str(max_bytes), _MOST_ROWS: str(self._most_rows(form))}

    def _most_rows(self, form: Form | None) -> int:
        limits = self.workers.limits
        return min(limits.max_rows, limits.max_jsonld) if form == JSON_LD else limits.max_rows

    def _without_query(self, request: Request) -> Response:
        form = negotiation.form_or_accepted(request, (*GRAPHS, HTML))
        if form == HTML:
            kind = self.site.catalogue.shapes.entry_shape.classes[0]
            return self._shown(request, _SAMPLE.format(kind=kind), Table())
        address = str(request.url.replace(query=""))
        features = [_UNION, _CALLS] if self.workers.limits.hosts else [_UNION]
        results = (*TABLES, *GRAPHS)
        content = description(self.site.services, address, form, results, features)
        return Response(content, headers=VARY, media_type=form.content_type)

    def _page(
        self, request: Request, kind: str, content: bytes, page: Callable[["Table"], Response]
    ) -> Response:
        return page(self._table(request, kind, content))

    def _table(self, request: Request, kind: str, content: bytes) -> "Table":
        view = self.site.view(request)
        lines = [json.loads(line) for line in content.splitlines()]
        if kind == "boolean":
            return Table(said=view.say("yes" if lines[0] else "no"))
        cells = [[view.cell(_term(text)) for text in row] for row in lines[1 : _SHOWN + 1]]
        more = view.say("rowLimitNote", count=_SHOWN) if len(lines) > _SHOWN + 1 else ""
        return Table(lines[0], cells, more)

    def _shown(self, request: Request, query: str, table: "Table") -> Response:
        return self.site.html(request, "query.html", query=query, table=table)


@dataclass(frozen=True)
class Table:
    """A result on a page: names, rows of cells, and what is said beside them."""

    names: Sequence[str] = ()
    rows: Sequence[Sequence[Shown]] = ()
    said: str = ""


def _solutions(content: bytes) -> list[Solution]:
    names, *rows = map(json.loads, content.splitlines())
    pairs = (zip(names, row, strict=True) for row in rows)
    return [{name: parse_term(text) for name, text in row if text is not None} for row in pairs]


def _tag(
    question: Asked, words: Set[str], release: str, forms: Sequence[Form | None]
) -> str | None:
    if not release or HTML in forms or not query_guard.is_deterministic(words):
        return None
    names = [form.extension if form else "" for form in forms]
    said = json.dumps([release, question.query, question.default, question.named, *names])
    return f'"{hashlib.sha256(said.encode()).hexdigest()[:32]}"'


def _unchanged(request: Request, tag: str) -> Response:
    if request.method == "POST":
        raise RequestError("notModified", headers={"ETag": tag})
    headers = {"Vary": f"{VARY['Vary']}, Accept-Encoding", "ETag": tag}
    return Response(status_code=304, headers=headers)


def _form(request: Request, question: Asked, forms: Sequence[Form]) -> Form | None:
    try:
        return negotiation.form_or_accepted(request, forms, question.form)
    except NotAcceptableError:
        return None


def _in_worker(form: Form | None) -> str | None:
    if form is None:
        return None
    return ROWS if form == HTML else form.extension


def _term(text: str | None) -> Term | None:
    return None if text is None else parse_term(text)
