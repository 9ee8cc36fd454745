"""The ledger of gaps over HTTP: what is missing, with the stored questions that tell all of it.

The questions run as readers' queries do, in processes with a deadline, and once a release.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pyoxigraph import NamedNode
from starlette.concurrency import run_in_threadpool

from ..ledger import MOST, Ledger, Part, described
from ..process import DeadlineError
from ..questions import Question
from ..store import Row
from . import caching, disconnects, links, negotiation, parameters, proxies
from .negotiation import HTML, JSON
from .queries import Queries, Table
from .questions import PATH as QUESTIONS
from .service import VARY
from .views import Shown, View

PATH = "/gaps"
_COUNTED = 10_000  # rows, since the thin entries of a large catalogue are nearly all of it


@dataclass(frozen=True)
class Found:
    """What a question has found: the first rows, and how many there are; more than are counted."""

    rows: Sequence[Row] = ()
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
        catalogue, view = self.queries.service.catalogue, self.queries.service.view(request)
        form = negotiation.form(request, (JSON, HTML))
        ledger = Ledger(catalogue, view.languages)
        release = await run_in_threadpool(lambda: catalogue.release)
        known = caching.validators(request, release, (form.extension, view.language))
        found: Mapping[str, Found] = {}
        if not known.hold(request):
            asking = self._at(release, ledger, proxies.client(request.scope))
            found = await disconnects.watched(request, asking)

        def make() -> Response:
            parts = [(ledger.part(q, found[q.name].rows), found[q.name]) for q in questions]
            if form == HTML:
                tables = [(part, of, _table(view, ledger, part)) for part, of in parts]
                return self.queries.service.html(request, "gaps.html", parts=tables)
            root = links.root(request)
            return JSONResponse({"gaps": [_described(ledger, root, *each) for each in parts]})

        questions = await run_in_threadpool(ledger.questions)
        return await run_in_threadpool(caching.answer, request, known, VARY, make)

    async def _at(self, release: str, ledger: Ledger, client: str) -> Mapping[str, Found]:
        """Give what is found at a release, by name; the first one asks, and others wait.

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

    async def _asked(self, question: Question, ledger: Ledger, client: str) -> Found:
        text = question.asked((), ledger.catalogue.understanding)
        try:
            rows = await self.queries.solutions(text, _COUNTED + 1, client)
        except DeadlineError:
            return Found(is_late=True)
        listed = ledger.by_language(rows[:_COUNTED])
        return Found(listed[:MOST], len(listed), len(rows) > _COUNTED)


def routes(gaps: Gaps) -> APIRouter:
    """Give the route."""
    catalogue, router = gaps.queries.service.catalogue, APIRouter()
    said = {"parameters": [parameters.of_language(catalogue)]}

    @router.get(PATH, summary=catalogue.say("gaps"), openapi_extra=said)
    async def ledger(request: Request) -> Response:
        return await gaps.answer(request)

    return router


def _table(view: View, ledger: Ledger, part: Part) -> Table:
    """Give a part as a page shows it: things by their names, with links."""

    def shown(row: Row, column: str) -> Shown:
        term = row.get(column)
        href = view.href(term.value) if isinstance(term, NamedNode) else ""
        return Shown(ledger.label(term), href=href)

    rows = [[shown(row, column) for column in part.columns] for row in part.rows]
    return Table([ledger.heading(column) for column in part.columns], rows)


def _described(ledger: Ledger, root: str, part: Part, found: Found) -> dict[str, Any]:
    """Give a part as JSON: its first rows, and where all of them are."""
    said = described(ledger, part) | {"answer": f"{root}{QUESTIONS}/{part.name}"}
    said["count"] = None if found.is_late else found.count
    return said | ({"truncated": True} if found.is_cut or found.is_late else {})
