"""The stored queries over HTTP: their list, the result of each one, and the report of data gaps.

They run as clients' queries do, in worker processes with a deadline. The report of gaps runs its
queries once for each release.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from pyoxigraph import NamedNode
from starlette.concurrency import run_in_threadpool

from ...catalogue.stored_queries import StoredQuery, group_queries
from ...errors import CatalogueError
from ...reporting.gaps import MAX_ROWS, GapReport, GapTable
from ...schema.fields import Parameter
from ...schema.text import collation_key
from ...sparql.process import DeadlineExceededError
from ...storage.base import Solution
from .. import problems
from ..context import VARY, DisplayValue, View
from ..http import conditional, connections, middleware, negotiation, responses
from ..http.negotiation import HTML, JSON, TURTLE, NotAcceptableError
from ..http.responses import Link
from ..search.links import REPRESENTATION_PARAMETERS, without_names
from ..urls import QUERIES
from .endpoint import GRAPHS, TABLES, QueryEndpoint
from .query_page import NO_ERROR
from .requests import QueryRequest, parse_timeout
from .results import TABLE, ResultTable

_RESERVED = ("lang", "format", "timeout", "view")
_MAX_COUNT = 10_000  # rows: in a large catalogue, nearly all entries can have a gap


@dataclass(frozen=True)
class StoredQueryEndpoint:
    """Answers the stored queries."""

    queries: QueryEndpoint

    def respond_list(self, request: Request) -> Response:
        """Return the list of the stored queries."""
        site = self.queries.site
        view = site.view(request)
        stored_queries = site.catalogue.stored_queries.values()
        media_type = negotiation.negotiate(request, (JSON, HTML))
        negotiation.check_parameters(request, REPRESENTATION_PARAMETERS)

        def make() -> Response:
            if media_type == HTML:
                groups = group_queries(stored_queries)
                return site.html(request, "stored-queries.html", groups=groups)
            items = [self._as_json(stored_query, view) for stored_query in stored_queries]
            return responses.json({"queries": items})

        choices = (media_type.extension, view.language)
        validators = conditional.validators(request, site.catalogue.release, choices)
        return conditional.answer(request, validators, VARY, make)

    async def respond(self, request: Request, stored_query: StoredQuery) -> Response:
        """Return the result of a stored query; redirect to its RDF description."""
        result_types = (*TABLES, *(GRAPHS if stored_query.returns_graph else ()))
        name = request.query_params.get("format", "")
        media_type = negotiation.negotiate_sparql(request, (*result_types, *GRAPHS), name)
        if media_type is None:
            raise NotAcceptableError((*result_types, *GRAPHS))
        if media_type not in result_types:
            path = f"{QUERIES}/{stored_query.name}.{media_type.extension}"
            return RedirectResponse(
                responses.prefix(request) + path, 303, VARY | conditional.REVALIDATED
            )
        site = self.queries.site
        pairs = without_names(request.query_params.multi_items(), _RESERVED)
        values = [(name, value) for name, value in pairs if value]
        values += self._default_language(stored_query, dict(values), site.view(request).language)
        try:
            reply = await self._run(request, stored_query, values)
        except CatalogueError as error:
            shown = self._page_values(request, stored_query, values, stored_query.text)
            template = "stored-query.html"
            return problems.answer(request, site, error, template, **shown)
        url = f"{responses.root(request)}{QUERIES}/{stored_query.name}.{TURTLE.extension}"
        reply.headers.update(responses.header([Link(url, "describedby", TURTLE.name)]))
        return reply

    async def _run(
        self, request: Request, stored_query: StoredQuery, values: list[tuple[str, str]]
    ) -> Response:
        text = stored_query.bind(values, self.queries.site.catalogue.value_parser)
        parameters = request.query_params
        query_request = QueryRequest(
            text,
            seconds=parse_timeout(parameters.multi_items()),
            format=parameters.get("format", ""),
            view=parameters.get("view", TABLE),
        )

        def page(table: ResultTable) -> Response:
            shown = self._page_values(request, stored_query, values, text) | {"table": table}
            return self.queries.site.html(request, "stored-query.html", **shown)

        return await self.queries.reply(request, query_request, page)

    def _default_language(
        self, stored_query: StoredQuery, values: Mapping[str, str], language: str
    ) -> list[tuple[str, str]]:
        """Return the language of the request for each parameter of languages without a value."""
        languages = list(self.queries.site.catalogue.languages)
        return [
            (parameter.key, language)
            for parameter in stored_query.parameters
            if parameter.key not in values and self._codes(parameter) == languages
        ]

    def _codes(self, parameter: Parameter) -> list[str]:
        return list(self.queries.site.catalogue.vocabularies.options(parameter.field))

    def _as_json(self, stored_query: StoredQuery, view: View) -> dict[str, Any]:
        return {
            "name": stored_query.name,
            "id": stored_query.iri,
            "title": view.text(stored_query.labels),
            "description": view.text(stored_query.comments),
            "parameters": [
                {"name": parameter.key, "label": view.text(parameter.field.names)}
                for parameter in stored_query.parameters
            ],
            "answer": f"{view.root}{QUERIES}/{stored_query.name}",
        }

    def _page_values(
        self, request: Request, stored_query: StoredQuery, pairs: list[tuple[str, str]], text: str
    ) -> dict[str, Any]:
        """Return what the page shows beside a result: the form, the text, the URL of downloads."""
        view = self.queries.site.view(request)
        values = dict(pairs)
        url = f"{view.root}{QUERIES}/{stored_query.name}?{urlencode(pairs)}"
        return NO_ERROR | {
            "stored_query": stored_query,
            "table": ResultTable(),
            "text": text,
            "fields": [self._field(own, values, view) for own in stored_query.parameters],
            "editor": view.link("/sparql", query=text),
            "download": f"{url}&" if pairs else url,
        }

    def _field(
        self, parameter: Parameter, values: Mapping[str, str], view: View
    ) -> tuple[Parameter, list[tuple[str, str]], str]:
        reader = self.queries.site.catalogue.reader
        options = self.queries.site.catalogue.vocabularies.options(parameter.field)
        labels = [
            (code, view.name(term.value) if isinstance(term, NamedNode) else code)
            for code, term in options.items()
        ]
        default = reader.code(parameter.default) if parameter.default else ""
        labels.sort(key=lambda pair: collation_key(pair[1], view.language))
        return parameter, labels, values.get(parameter.key, default)


@dataclass(frozen=True)
class GapRows:
    """The first rows of a stored query, and the count; it is a minimum if `is_cut`."""

    rows: Sequence[Solution] = ()
    count: int = 0
    is_cut: bool = False
    is_late: bool = False


@dataclass
class GapEndpoint:
    """Answers with the report of gaps in the language of the request."""

    queries: QueryEndpoint
    _rows: tuple[str, dict[str, GapRows]] = field(default=("", {}), init=False)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    async def respond(self, request: Request) -> Response:
        """Answer in the media type that the client accepts; raise PoolBusyError or StoreError."""
        catalogue, view = self.queries.site.catalogue, self.queries.site.view(request)
        media_type = negotiation.negotiate(request, (JSON, HTML))
        negotiation.check_parameters(request, REPRESENTATION_PARAMETERS)
        report = GapReport(catalogue, view.languages)
        release = await run_in_threadpool(lambda: catalogue.release)
        validators = conditional.validators(request, release, (media_type.extension, view.language))
        gaps: Mapping[str, GapRows] = {}
        if not validators.hold(request):
            query_rows = self._rows_at(release, report, middleware.client(request.scope))
            gaps = await connections.run_until_disconnect(request, query_rows)

        def make() -> Response:
            parts = [(report.table(q, gaps[q.name].rows), gaps[q.name]) for q in queries]
            if media_type == HTML:
                tables = [(part, rows, _table(view, report, part)) for part, rows in parts]
                return self.queries.site.html(request, "gaps.html", parts=tables)
            root = responses.root(request)
            return responses.json({"gaps": [_as_json(report, root, *pair) for pair in parts]})

        queries = await run_in_threadpool(report.queries)
        return await run_in_threadpool(conditional.answer, request, validators, VARY, make)

    async def _rows_at(self, release: str, report: GapReport, client: str) -> Mapping[str, GapRows]:
        """Return the rows at a release by name; the first request runs queries, others wait.

        The rows stay for the next request if the client disconnects.
        """
        async with self._lock:
            if self._rows[0] != release:
                self._rows = release, {}
            rows = self._rows[1]
            for stored_query in await run_in_threadpool(report.queries):
                if stored_query.name not in rows:
                    rows[stored_query.name] = await self._run(stored_query, report, client)
            return rows

    async def _run(self, stored_query: StoredQuery, report: GapReport, client: str) -> GapRows:
        text = stored_query.bind((), report.catalogue.value_parser)
        try:
            rows = await self.queries.solutions(text, _MAX_COUNT + 1, client)
        except DeadlineExceededError:
            return GapRows(is_late=True)
        by_language = report.merge_languages(rows[:_MAX_COUNT])
        return GapRows(by_language[:MAX_ROWS], len(by_language), len(rows) > _MAX_COUNT)


def _table(view: View, report: GapReport, part: GapTable) -> ResultTable:
    """Return a part for a page: resources by their labels, with links."""

    def display(row: Solution, column: str) -> DisplayValue:
        term = row.get(column)
        href = view.href(term.value) if isinstance(term, NamedNode) else ""
        return DisplayValue(report.label(term), href=href)

    rows = [[display(row, column) for column in part.columns] for row in part.rows]
    return ResultTable([report.heading(column) for column in part.columns], rows)


def _as_json(report: GapReport, root: str, part: GapTable, rows: GapRows) -> dict[str, Any]:
    """Return a part as JSON: its first rows, and the URL of all rows."""
    item = report.as_object(part) | {"answer": f"{root}{QUERIES}/{part.name}"}
    item["count"] = None if rows.is_late else rows.count
    return item | ({"truncated": True} if rows.is_cut or rows.is_late else {})
