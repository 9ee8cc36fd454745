"""The stored questions over HTTP: their list, and each one's answer in every form of a result."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from fastapi import Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from pyoxigraph import NamedNode

from ..questions import Parameter, Question
from ..text import best
from . import caching, links, negotiation, parameters
from .leads import query_of
from .links import Link
from .negotiation import HTML, JSON, TURTLE
from .protocol import Asked, seconds
from .queries import GRAPHS, TABLES, Queries, Table
from .service import VARY
from .views import View

PATH = "/queries"
_OURS = ("lang", "format", "timeout")


@dataclass(frozen=True)
class Questions:
    """Answers the stored questions."""

    queries: Queries

    def listed(self, request: Request) -> Response:
        """Answer with the list of the questions."""
        service = self.queries.service
        view = service.view(request)
        known = service.catalogue.questions.values()
        form = negotiation.form(request, (JSON, HTML))

        def make() -> Response:
            if form == HTML:
                return service.html(request, "questions.html", questions=known)
            return JSONResponse({"questions": [self._described(each, view) for each in known]})

        chosen = (form.extension, view.language)
        found = caching.validators(request, service.catalogue.release, chosen)
        return caching.answer(request, found, VARY, make)

    async def answer(self, request: Request, question: Question) -> Response:
        """Answer a question; where its answer is a table, RDF is what is said of the question."""
        answers = (*TABLES, *(GRAPHS if question.gives_graph else ()))
        form = negotiation.wished(request, (*answers, *GRAPHS))
        if form not in answers:
            place = f"{PATH}/{question.name}.{form.extension}"
            return RedirectResponse(links.prefix(request) + place, 303, VARY)
        service = self.queries.service
        asked = query_of(request.query_params.multi_items(), _OURS)
        given = [(name, value) for name, value in asked if value]
        given += self._in_language(question, dict(given), service.view(request).language)
        text = question.asked(given, service.catalogue.understanding)
        wished = Asked(text, seconds=seconds(request.query_params.multi_items()))
        reply = await self.queries.reply(
            request, wished, lambda table: self._page(request, question, given, text, table)
        )
        place = f"{links.root(request)}{PATH}/{question.name}.{TURTLE.extension}"
        reply.headers.update(links.header([Link(place, "describedby", TURTLE.plain)]))
        return reply

    def described(self, question: Question) -> dict[str, Any]:
        """Give what the OpenAPI document says of a question."""
        catalogue = self.queries.service.catalogue
        listed = [
            parameters.of_question(catalogue, parameter, self._codes(parameter))
            for parameter in question.parameters
        ]
        return {
            "summary": best(question.labels, catalogue.languages),
            "description": best(question.comments, catalogue.languages),
            "openapi_extra": {"parameters": [*listed, parameters.of_language(catalogue)]},
            "operation_id": f"query-{question.name}",
        }

    def _in_language(
        self, question: Question, given: Mapping[str, str], language: str
    ) -> list[tuple[str, str]]:
        """Give the reader's language for what is a choice of languages and was not chosen."""
        languages = list(self.queries.service.catalogue.languages)
        return [
            (parameter.key, language)
            for parameter in question.parameters
            if parameter.key not in given and self._codes(parameter) == languages
        ]

    def _codes(self, parameter: Parameter) -> list[str]:
        return list(self.queries.service.catalogue.vocabularies.choices(parameter.field))

    def _described(self, question: Question, view: View) -> dict[str, Any]:
        return {
            "name": question.name,
            "id": question.iri,
            "title": view.best(question.labels),
            "description": view.best(question.comments),
            "parameters": [
                {"name": parameter.key, "label": view.best(parameter.field.names)}
                for parameter in question.parameters
            ],
            "answer": f"{view.root}{PATH}/{question.name}",
        }

    def _page(
        self,
        request: Request,
        question: Question,
        given: list[tuple[str, str]],
        text: str,
        table: Table,
    ) -> Response:
        view = self.queries.service.view(request)
        values = dict(given)
        query = urlencode(given)
        return self.queries.service.html(
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
                    f"{view.root}{PATH}/{question.name}?{query}&format={form.extension}",
                )
                for form in TABLES
                if form != HTML
            ],
        )

    def _field(
        self, parameter: Parameter, values: Mapping[str, str], view: View
    ) -> tuple[Parameter, list[tuple[str, str]], str]:
        reader = self.queries.service.catalogue.reader
        options = self.queries.service.catalogue.vocabularies.choices(parameter.field)
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
