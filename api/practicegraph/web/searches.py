"""The search over HTTP: one answer as a page, JSON, CSV, XLSX, or in any RDF syntax."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from fastapi import Request, Response

from .. import records
from ..choosing import cursor
from ..columns import Columns
from ..recent import Recent
from ..search import Answer
from ..sheets import Sheets, UnfitError
from . import caching, explained, extracts, facets, hydra, links, negotiation, pieces, results
from .extracts import Extracts
from .leads import OURS, PATH, address, query_of
from .links import Link
from .negotiation import CSV, HTML, JSON, LISTS, XLSX, Form, NotAcceptableError
from .results import Found
from .service import VARY, Service
from .views import View

_ITEMS = 2000  # entries written in JSON, about 4 kB each, that are kept
_PAGING = ("after", "before")


@dataclass(frozen=True)
class Searches:
    """Answers searches."""

    service: Service
    items: Recent[tuple[str, Sequence[str]], str] = field(default_factory=lambda: Recent(_ITEMS))

    def answer(self, request: Request) -> Response:
        """Answer a search in the form that the reader asks for."""
        return self.in_form(request, negotiation.form(request, LISTS))

    def in_form(self, request: Request, form: Form) -> Response:
        """Answer a search in a form."""
        catalogue, view = self.service.catalogue, self.service.view(request)
        choices = catalogue.choosing.read(request.query_params.multi_items(), OURS)
        began = perf_counter()
        answer = catalogue.search.answer(choices, view.languages)
        found = Found(choices, answer, (perf_counter() - began) * 1000, _pages(request, answer))

        def make() -> Response:
            if form == HTML:
                return results.page(self.service, request, found)
            if form == JSON:
                return Response(self._json(view, found), media_type=form.content_type)
            if form == CSV:
                return Response(self._csv(answer), media_type=form.content_type)
            if form == XLSX:
                return Response(self._sheet(view, answer), media_type=form.content_type)
            content = hydra.page(catalogue, request, found, form)
            return Response(content, media_type=form.content_type)

        known = explained.validators(view, request, form, choices.explain)
        return caching.answer(request, known, VARY | _links(request, found, form), make)

    def _json(self, view: View, found: Found) -> str:
        answer, choices = found.answer, found.choices
        more: dict[str, Any] = dict(found.pages)
        if meant := extracts.meant(view, choices, answer):
            more["meant"] = meant
        if choices.explain:
            more["explanation"] = explained.answer(view, choices, found.milliseconds)
        shown = facets.facets(view, answer, choices)
        whole = {
            "total": pieces.written(answer.total),
            "release": pieces.written(self.service.catalogue.search.release),
            "items": pieces.listed(self._items(view, found)),
            "facets": pieces.named({facet.field.key: facet.as_json() for facet in shown}),
        }
        return pieces.extended(pieces.named(whole), more)

    def _items(self, view: View, found: Found) -> list[str]:
        """Give the entries of a page in JSON; where words were found, with what shows it."""
        reader, languages = self.service.catalogue.reader, view.languages
        items = self.items.of(
            reader.store.version(),
            [(iri, languages) for iri in found.answer.entries],
            lambda missing: [
                pieces.written(reader.as_json(one, languages))
                for one in self._records([iri for iri, _ in missing])
            ],
        )
        if not found.choices.words.strip():
            return items
        shown = Extracts(view, found.choices)
        records = self._records(found.answer.entries)
        return [
            pieces.extended(item, shown.as_json(record))
            for item, record in zip(items, records, strict=True)
        ]

    def _csv(self, answer: Answer) -> str:
        kind, tags = self.service.catalogue.shapes.record, self.service.catalogue.languages
        text = io.StringIO()
        table = csv.DictWriter(text, records.columns(kind, tags), restval="")
        table.writeheader()
        reader = self.service.catalogue.reader
        table.writerows(
            records.csv_row(reader, record, tags) for record in self._records(answer.entries)
        )
        return text.getvalue()

    def _sheet(self, view: View, answer: Answer) -> bytes:
        catalogue, output = self.service.catalogue, io.BytesIO()
        sheets = Sheets(Columns(catalogue.understanding), view.languages)
        try:
            sheets.write(catalogue.reader, self._records(answer.entries), output)
        except UnfitError as error:
            raise NotAcceptableError([form for form in LISTS if form != XLSX]) from error
        return output.getvalue()

    def _records(self, iris: Sequence[str]) -> list[records.Record]:
        catalogue = self.service.catalogue
        return catalogue.reader.records(catalogue.shapes.record, iris)


def _pages(request: Request, answer: Answer) -> dict[str, str]:
    """Give the addresses of the pages around one, and of the first where it is another."""
    asked = query_of(request.query_params.multi_items(), _PAGING)

    places, path, found = answer.places, request.url.path, {}
    if places and answer.more_after:
        found["next"] = address(path, [*asked, ("after", cursor(places[-1]))])
    if places and answer.more_before:
        found["prev"] = address(path, [*asked, ("before", cursor(places[0]))])
    if "after" in request.query_params or "before" in request.query_params:
        found["first"] = address(path, asked)
    return found


def _links(request: Request, found: Found, form: Form) -> dict[str, str]:
    """Give the pages around one as links (RFC 8288), and what explains a form without it."""
    listed = [Link(address, relation) for relation, address in found.pages.items()]
    if form != JSON:
        asked = query_of(request.query_params.multi_items(), ("format", "explain"))
        path = f"{links.prefix(request)}{PATH}.{JSON.extension}"
        place = address(path, [*asked, ("explain", "true")])
        listed.append(Link(place, "describedby", JSON.plain))
    return links.header(listed)
