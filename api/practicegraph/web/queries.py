"""SPARQL over HTTP: a query in, its result streamed in the form that the reader asks for."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass

from fastapi import Request, Response
from pyoxigraph import RdfFormat, Triple, parse
from starlette.concurrency import run_in_threadpool

from .. import jsonld, sparql
from ..endpoint import Endpoint
from ..snapshots import Snapshots
from ..store import Row, Term, refuse_depth, term
from ..worker import ROWS
from ..workers import Answer, Workers
from . import disconnects, negotiation, proxies, streaming, tags
from .description import description
from .negotiation import CSV, DOCUMENTS, HTML, JSON, JSON_LD, Form, NotAcceptableError
from .protocol import Asked, asked
from .service import VARY, Service, StillTrueError
from .views import Shown

RESULTS = Form("json", ("application/sparql-results+json", "application/json"))
XML = Form("xml", ("application/sparql-results+xml", "application/xml", "text/xml"))
TSV = Form("tsv", ("text/tab-separated-values",))
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

    service: Service
    workers: Workers

    async def answer(self, request: Request) -> Response:
        """Answer a query; without one, with a page to write one on or with what the service is."""
        question = await asked(request)
        if question is None:
            return await run_in_threadpool(self._without_query, request)
        return await self.reply(
            request, question, lambda table: self._shown(request, question.query, table)
        )

    async def solutions(self, query: str, most: int, client: str) -> list[Row]:
        """Give the first rows of a query, run as readers' queries are; raises what they raise."""
        words, _, source = await self._read(query)
        wanted = {**source, "most": most}
        answer = await self._run(Asked(query), client, words, HTML, None, wanted)
        return await run_in_threadpool(_solutions, await streaming.whole(answer.parts))

    async def reply(
        self, request: Request, question: Asked, page: Callable[["Table"], Response]
    ) -> Response:
        """Answer a query in the form that the reader asks for; a page is made of its rows.

        Raises ClientDisconnect where the reader has gone.
        """
        return await disconnects.watched(request, self._reply(request, question, page))

    async def _reply(
        self, request: Request, question: Asked, page: Callable[["Table"], Response]
    ) -> Response:
        table, graph = (_form(request, question, forms) for forms in (TABLES, GRAPHS))
        if table is None and graph is None:
            raise NotAcceptableError((*TABLES, *GRAPHS))
        words, release, source = await self._read(question.query)
        tag = _tag(question, words, release, (table, graph))
        if tag and tags.matches(request.headers.get("if-none-match", ""), tag):
            return _unchanged(request, tag)
        client = proxies.client(request.scope)
        answer = await self._run(question, client, words, table, graph, source)
        form = graph if answer.kind == "graph" else table
        if form is None:
            await streaming.whole(answer.parts)
            raise NotAcceptableError(GRAPHS if answer.kind == "graph" else TABLES)
        if form == HTML:
            content = await streaming.whole(answer.parts)
            found = await run_in_threadpool(self._page, request, answer.kind, content, page)
            found.headers.update(self._limits(form))
            return found
        headers = VARY | self._limits(form) | ({"ETag": tag} if tag else {})
        if form == JSON_LD:
            content = await streaming.whole(answer.parts)
            return await run_in_threadpool(self._compacted, content, headers)
        whose = (request.url.path, question.query)
        return await streaming.response(answer.parts, headers, form.content_type, *whose)

    async def _read(self, query: str) -> tuple[Set[str], str, Source]:
        """Give the words of a query that is allowed, the release at which it is asked, and where.

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
        sparql.refuse_depth(query)
        sparql.refuse_calls(query, self.workers.limits.hosts)
        words = sparql.words(query)
        if isinstance(self.workers.source, Snapshots):
            snapshot = self.workers.source.newest()
            return words, snapshot.name, {"source": str(snapshot)}
        return words, self.service.catalogue.release, {}

    async def _run(
        self,
        question: Asked,
        client: str,
        words: Set[str],
        table: Form | None,
        graph: Form | None,
        source: Source,
    ) -> Answer:
        limits = self.workers.limits
        wanted = {
            "query": question.query,
            "base": self.service.catalogue.base,
            "default": question.default,
            "named": question.named,
            "from": "FROM" in words,
            "table": _in_worker(table),
            "graph": "nt" if graph == JSON_LD else _in_worker(graph),
            "prefixes": dict(self.service.catalogue.prefixes) if graph else {},
            "most": _SHOWN + 1,
            "triples": self._most_rows(graph),
            **source,
        }
        seconds = min(question.seconds or limits.seconds, limits.most_seconds)
        return await self.workers.run(wanted, seconds, client)

    def _compacted(self, content: bytes, headers: Mapping[str, str]) -> Response:
        refuse_depth(content.decode())
        triples = [q.triple for q in parse(content, RdfFormat.N_TRIPLES)]
        if any(isinstance(triple.object, Triple) for triple in triples):  # JSON-LD 1.1 has none
            raise NotAcceptableError([form for form in GRAPHS if form != JSON_LD])
        document = jsonld.document(triples, self.service.catalogue.context)
        return Response(document, headers=headers, media_type=JSON_LD.content_type)

    def _limits(self, form: Form) -> dict[str, str]:
        """Give the headers that say how large an answer can be, in bytes and in rows or triples."""
        most_bytes = self.workers.limits.most_bytes
        return {_MOST_BYTES: str(most_bytes), _MOST_ROWS: str(self._most_rows(form))}

    def _most_rows(self, form: Form | None) -> int:
        limits = self.workers.limits
        return min(limits.most_rows, limits.most_compacted) if form == JSON_LD else limits.most_rows

    def _without_query(self, request: Request) -> Response:
        form = negotiation.wished(request, (*GRAPHS, HTML))
        if form == HTML:
            kind = self.service.catalogue.shapes.record.classes[0]
            return self._shown(request, _SAMPLE.format(kind=kind), Table())
        address = str(request.url.replace(query=""))
        features = [_UNION, _CALLS] if self.workers.limits.hosts else [_UNION]
        results = (*TABLES, *GRAPHS)
        content = description(self.service.catalogue, address, form, results, features)
        return Response(content, headers=VARY, media_type=form.content_type)

    def _page(
        self, request: Request, kind: str, content: bytes, page: Callable[["Table"], Response]
    ) -> Response:
        return page(self._table(request, kind, content))

    def _table(self, request: Request, kind: str, content: bytes) -> "Table":
        view = self.service.view(request)
        lines = [json.loads(line) for line in content.splitlines()]
        if kind == "boolean":
            return Table(said=view.say("yes" if lines[0] else "no"))
        cells = [[view.cell(_term(text)) for text in row] for row in lines[1 : _SHOWN + 1]]
        more = view.say("rowsCut", count=_SHOWN) if len(lines) > _SHOWN + 1 else ""
        return Table(lines[0], cells, more)

    def _shown(self, request: Request, query: str, table: "Table") -> Response:
        return self.service.html(request, "query.html", query=query, table=table)


@dataclass(frozen=True)
class Table:
    """A result on a page: names, rows of cells, and what is said beside them."""

    names: Sequence[str] = ()
    rows: Sequence[Sequence[Shown]] = ()
    said: str = ""


def _solutions(content: bytes) -> list[Row]:
    names, *rows = map(json.loads, content.splitlines())
    pairs = (zip(names, row, strict=True) for row in rows)
    return [{name: term(text) for name, text in row if text is not None} for row in pairs]


def _tag(
    question: Asked, words: Set[str], release: str, forms: Sequence[Form | None]
) -> str | None:
    if not release or HTML in forms or not sparql.is_repeatable(words):
        return None
    names = [form.extension if form else "" for form in forms]
    said = json.dumps([release, question.query, question.default, question.named, *names])
    return f'"{hashlib.sha256(said.encode()).hexdigest()[:32]}"'


def _unchanged(request: Request, tag: str) -> Response:
    if request.method == "POST":
        raise StillTrueError(tag)
    headers = {"Vary": f"{VARY['Vary']}, Accept-Encoding", "ETag": tag}
    return Response(status_code=304, headers=headers)


def _form(request: Request, question: Asked, forms: Sequence[Form]) -> Form | None:
    try:
        return negotiation.wished(request, forms, question.form)
    except NotAcceptableError:
        return None


def _in_worker(form: Form | None) -> str | None:
    if form is None:
        return None
    return ROWS if form == HTML else form.extension


def _term(text: str | None) -> Term | None:
    return None if text is None else term(text)
