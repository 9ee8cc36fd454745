"""The search over HTTP: one answer as a page, JSON, JSON-LD, Turtle or CSV."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlencode

from fastapi import Request, Response
from fastapi.responses import JSONResponse

from .. import records
from ..choices import Choices, cursor
from ..search import Answer
from ..text import best
from . import caching, documents, negotiation
from .negotiation import CSV, HTML, JSON, LISTS, Form
from .service import VARY, Service
from .views import Option, View, query_of

PATH = "/practices"
_OURS = ("lang", "format")


@dataclass(frozen=True)
class Searches:
    """Answers searches."""

    service: Service

    def answer(self, request: Request) -> Response:
        """Answer a search in the form that the reader asks for."""
        return self.in_form(request, negotiation.form(request, LISTS))

    def in_form(self, request: Request, form: Form) -> Response:
        """Answer a search in a form."""
        asked = query_of(request.query_params.multi_items(), _OURS)
        search = self.service.catalogue.search
        choices = self.service.catalogue.choosing.read(asked)
        view = self.service.view(request)
        answer = search.answer(choices, view.languages)
        following = _following(request, answer)
        headers = VARY | ({"Link": f'<{following}>; rel="next"'} if following else {})

        def make() -> Response:
            if form == HTML:
                return self._page(request, view, answer, choices, following)
            if form == JSON:
                return JSONResponse(self._json(view, answer, choices, following, request))
            if form == CSV:
                return Response(self._csv(answer), media_type=form.content_type)
            return self._graphs(answer, form)

        catalogue = self.service.catalogue
        chosen, day = (form.extension, view.language), catalogue.dataset.newest
        known = caching.validators(request, catalogue.release, chosen, day)
        return caching.answer(request, known, headers, make)

    def _graphs(self, answer: Answer, form: Form) -> Response:
        catalogue = self.service.catalogue
        quads = [quad for entry in answer.entries for quad in catalogue.store.graph(entry)]
        content = documents.written(catalogue, quads, form)
        return Response(content, media_type=form.content_type)

    def _json(
        self,
        view: View,
        answer: Answer,
        choices: Choices,
        following: str | None,
        request: Request,
    ) -> dict[str, Any]:
        reader = self.service.catalogue.reader
        items = [reader.as_json(record, view.languages) for record in self._records(answer)]
        facets = {
            field.key: {
                "label": best(field.names, view.languages),
                "values": [_value(option) for option in options],
            }
            for field, options in self._facets(view, answer, choices, request)
        }
        found = {
            "total": answer.total,
            "release": self.service.catalogue.release,
            "items": items,
            "facets": facets,
        }
        return found | ({"next": following} if following else {})

    def _csv(self, answer: Answer) -> str:
        kind, tags = self.service.catalogue.shapes.record, self.service.catalogue.languages
        text = io.StringIO()
        table = csv.DictWriter(text, records.columns(kind, tags), restval="")
        table.writeheader()
        reader = self.service.catalogue.reader
        table.writerows(records.row(reader, record, tags) for record in self._records(answer))
        return text.getvalue()

    def _page(
        self,
        request: Request,
        view: View,
        answer: Answer,
        choices: Choices,
        following: str | None,
    ) -> Response:
        asked = self._asked(request)
        chosen = [pair for pair in asked if pair[0] not in ("q", "lang", "sort", "size")]
        return self.service.html(
            request,
            "search.html",
            records=self._records(answer),
            answer=answer,
            choices=choices,
            facets=self._facets(view, answer, choices, request),
            hidden=[*chosen, *((name, value) for name, value in asked if name in ("lang", "size"))],
            following=following,
            forms=[
                (f.extension, view.root + _address(f".{f.extension}", asked))
                for f in LISTS
                if f != HTML
            ],
            start=view.root + _address("", [pair for pair in asked if pair[0] == "lang"]),
        )

    def _asked(self, request: Request) -> list[tuple[str, str]]:
        """Give what was asked, for links that ask for more or less: short forms, from the start."""
        choosing = self.service.catalogue.choosing
        asked = query_of(request.query_params.multi_items(), ("after", "before", "format"))
        return [(name, choosing.short(name, value)) for name, value in asked]

    def _records(self, answer: Answer) -> list[records.Record]:
        catalogue = self.service.catalogue
        return catalogue.reader.records(catalogue.shapes.record, answer.entries)

    def _facets(
        self, view: View, answer: Answer, choices: Choices, request: Request
    ) -> list[tuple[Any, list[Option]]]:
        asked = self._asked(request)
        kind = self.service.catalogue.shapes.record
        return [(f, view.options(f, answer, choices, asked)) for f in kind.facets]


def _value(option: Option) -> dict[str, Any]:
    shown = asdict(option)
    del shown["href"]
    return shown if option.broader else {k: v for k, v in shown.items() if k != "broader"}


def _following(request: Request, answer: Answer) -> str | None:
    if not answer.more_after:
        return None
    kept = query_of(request.query_params.multi_items(), ("after",))
    return f"{request.url.path}?{urlencode([*kept, ('after', cursor(answer.places[-1]))])}"


def _address(extension: str, query: Sequence[tuple[str, str]]) -> str:
    return f"{PATH}{extension}?{urlencode(query)}" if query else PATH + extension
