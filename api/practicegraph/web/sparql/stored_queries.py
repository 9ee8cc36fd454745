"""The stored questions over HTTP: their list, and each one's answer in every form of a result.

The ledger of gaps over HTTP: what is missing, with the stored questions that tell all of it.

The questions run as readers' queries do, in processes with a deadline, and once a release.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from pyoxigraph import NamedNode
from starlette.concurrency import run_in_threadpool

from ...catalogue.stored_queries import Parameter, StoredQuery
from ...reporting.gaps import MOST, GapReport, GapTable, described
from ...schema.text import pick_text
from ...sparql.process import DeadlineExceededError
from ...storage.base import Solution
from .. import openapi
from ..context import VARY, Shown, View
from ..http import conditional, disconnects, middleware, negotiation, responses
from ..http.negotiation import HTML, JSON, TURTLE
from ..http.responses import Link
from ..models import GapsObject, SparqlResults
from ..operations import Operation
from ..search.links import without_names
from ..urls import GAPS, QUERIES
from ..urls import QUERIES as QUESTIONS
from .endpoint import ERRORS, GRAPHS, RESULTS, TABLES, Asked, Queries, Table, seconds

_OURS = ("lang", "format", "timeout")


@dataclass(frozen=True)
class Questions:
    """Answers the stored questions."""

    queries: Queries

    def listed(self, request: Request) -> Response:
        """Return the list of the questions."""
        site = self.queries.site
        view = site.view(request)
        known = site.catalogue.stored_queries.values()
        form = negotiation.form(request, (JSON, HTML))

        def make() -> Response:
            if form == HTML:
                return site.html(request, "questions.html", questions=known)
            return JSONResponse({"questions": [self._described(each, view) for each in known]})

        chosen = (form.extension, view.language)
        found = conditional.validators(request, site.catalogue.release, chosen)
        return conditional.answer(request, found, VARY, make)

    async def answer(self, request: Request, question: StoredQuery) -> Response:
        """Answer a question; where its answer is a table, RDF is what is said of the question."""
        answers = (*TABLES, *(GRAPHS if question.returns_graph else ()))
        form = negotiation.form_or_accepted(request, (*answers, *GRAPHS))
        if form not in answers:
            place = f"{QUERIES}/{question.name}.{form.extension}"
            return RedirectResponse(responses.prefix(request) + place, 303, VARY)
        site = self.queries.site
        asked = without_names(request.query_params.multi_items(), _OURS)
        given = [(name, value) for name, value in asked if value]
        given += self._in_language(question, dict(given), site.view(request).language)
        text = question.bind(given, site.catalogue.value_parser)
        wished = Asked(text, seconds=seconds(request.query_params.multi_items()))
        reply = await self.queries.reply(
            request, wished, lambda table: self._page(request, question, given, text, table)
        )
        place = f"{responses.root(request)}{QUERIES}/{question.name}.{TURTLE.extension}"
        reply.headers.update(responses.header([Link(place, "describedby", TURTLE.plain)]))
        return reply

    def described(self, question: StoredQuery) -> dict[str, Any]:
        """Return what the OpenAPI document says of a question."""
        catalogue = self.queries.site.catalogue
        listed = [
            openapi.query_parameter(catalogue, parameter, self._codes(parameter))
            for parameter in question.parameters
        ]
        described = Operation(
            f"query-{question.name}",
            "queries",
            pick_text(question.labels, catalogue.languages),
            SparqlResults,
            RESULTS.plain,
            (*TABLES, *(GRAPHS if question.returns_graph else ())),
            statuses=(200, 303, 304),
            errors=ERRORS,
            parameters=[*listed, openapi.language_parameter(catalogue)],
            more={"description": pick_text(question.comments, catalogue.languages)},
        )
        return described.arguments()

    def _in_language(
        self, question: StoredQuery, given: Mapping[str, str], language: str
    ) -> list[tuple[str, str]]:
        """Return the reader's language for what is a choice of languages and was not chosen."""
        languages = list(self.queries.site.catalogue.languages)
        return [
            (parameter.key, language)
            for parameter in question.parameters
            if parameter.key not in given and self._codes(parameter) == languages
        ]

    def _codes(self, parameter: Parameter) -> list[str]:
        return list(self.queries.site.catalogue.vocabularies.options(parameter.field))

    def _described(self, question: StoredQuery, view: View) -> dict[str, Any]:
        return {
            "name": question.name,
            "id": question.iri,
            "title": view.best(question.labels),
            "description": view.best(question.comments),
            "parameters": [
                {"name": parameter.key, "label": view.best(parameter.field.names)}
                for parameter in question.parameters
            ],
            "answer": f"{view.root}{QUERIES}/{question.name}",
        }

    def _page(
        self,
        request: Request,
        question: StoredQuery,
        given: list[tuple[str, str]],
        text: str,
        table: Table,
    ) -> Response:
        view = self.queries.site.view(request)
        values = dict(given)
        query = urlencode(given)
        return self.queries.site.html(
            request,
            "question.html",
            question=question,
            table=table,
            text=text,
            fields=[self._field(parameter, values, view) for parameter in question.parameters],
            editor=view.link("/sparql", query=text),
            forms=[
                (
                    form.extension,
                    f"{view.root}{QUERIES}/{question.name}?{query}&format={form.extension}",
                )
                for form in TABLES
                if form != HTML
            ],
        )

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
        return (
            parameter,
            sorted(labels, key=lambda pair: pair[1]),
            values.get(parameter.key, default),
        )


_COUNTED = 10_000  # rows, since the thin entries of a large catalogue are nearly all of it


@dataclass(frozen=True)
class Found:
    """What a question has found: the first rows, and how many there are; more than are counted."""

    rows: Sequence[Solution] = ()
    count: int = 0
    is_cut: bool = False
    is_late: bool = False


@dataclass
class Gaps:
    """Answers with the ledger in the reader's language."""

    queries: Queries
    _found: tuple[str, dict[str, Found]] = field(default=("", {}), init=False)
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    async def answer(self, request: Request) -> Response:
        """Answer in the form that the reader asks for; raises BusyError or StoreError."""
        catalogue, view = self.queries.site.catalogue, self.queries.site.view(request)
        form = negotiation.form(request, (JSON, HTML))
        ledger = GapReport(catalogue, view.languages)
        release = await run_in_threadpool(lambda: catalogue.release)
        known = conditional.validators(request, release, (form.extension, view.language))
        found: Mapping[str, Found] = {}
        if not known.hold(request):
            asking = self._at(release, ledger, middleware.client(request.scope))
            found = await disconnects.run_until_disconnect(request, asking)

        def make() -> Response:
            parts = [(ledger.part(q, found[q.name].rows), found[q.name]) for q in questions]
            if form == HTML:
                tables = [(part, of, _table(view, ledger, part)) for part, of in parts]
                return self.queries.site.html(request, "gaps.html", parts=tables)
            root = responses.root(request)
            return JSONResponse({"gaps": [_described(ledger, root, *each) for each in parts]})

        questions = await run_in_threadpool(ledger.questions)
        return await run_in_threadpool(conditional.answer, request, known, VARY, make)

    async def _at(self, release: str, ledger: GapReport, client: str) -> Mapping[str, Found]:
        """Return what is found at a release, by name; the first one asks, and others wait.

        What one who leaves has found is there for the next.
        """
        async with self._asking:
            if self._found[0] != release:
                self._found = release, {}
            found = self._found[1]
            for question in await run_in_threadpool(ledger.questions):
                if question.name not in found:
                    found[question.name] = await self._asked(question, ledger, client)
            return found

    async def _asked(self, question: StoredQuery, ledger: GapReport, client: str) -> Found:
        text = question.bind((), ledger.catalogue.value_parser)
        try:
            rows = await self.queries.solutions(text, _COUNTED + 1, client)
        except DeadlineExceededError:
            return Found(is_late=True)
        listed = ledger.by_language(rows[:_COUNTED])
        return Found(listed[:MOST], len(listed), len(rows) > _COUNTED)


def routes(gaps: Gaps) -> APIRouter:
    """Return the route."""
    catalogue, router = gaps.queries.site.catalogue, APIRouter()
    described = Operation(
        "gaps",
        "dataset",
        catalogue.say("gaps"),
        GapsObject,
        forms=(JSON, HTML),
        errors=(406, 502, 503),
        parameters=[openapi.language_parameter(catalogue)],
    )

    @router.get(GAPS, **described.arguments())
    async def ledger(request: Request) -> Response:
        return await gaps.answer(request)

    return router


def _table(view: View, ledger: GapReport, part: GapTable) -> Table:
    """Return a part as a page shows it: things by their names, with links."""

    def shown(row: Solution, column: str) -> Shown:
        term = row.get(column)
        href = view.href(term.value) if isinstance(term, NamedNode) else ""
        return Shown(ledger.label(term), href=href)

    rows = [[shown(row, column) for column in part.columns] for row in part.rows]
    return Table([ledger.heading(column) for column in part.columns], rows)


def _described(ledger: GapReport, root: str, part: GapTable, found: Found) -> dict[str, Any]:
    """Return a part as JSON: its first rows, and where all of them are."""
    said = described(ledger, part) | {"answer": f"{root}{QUESTIONS}/{part.name}"}
    said["count"] = None if found.is_late else found.count
    return said | ({"truncated": True} if found.is_cut or found.is_late else {})
