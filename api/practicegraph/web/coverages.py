"""Tables of two facets over any search: what is missing is as visible as what is there."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from pyoxigraph import NamedNode

from ..choices import FROM, TO, Choices, Range, Value
from ..kinds import Field
from ..store import Term, plain
from . import caching, crossings, explained, facets, links, negotiation, results
from .crossings import AXES, Axis, Head, Table
from .leads import OURS, Leads, address, leads, query_of
from .links import Link
from .negotiation import CSV, HTML, JSON, Form
from .results import COVERAGE
from .service import VARY, Service
from .views import View

FORMS = (JSON, HTML, CSV)
"""The forms of a table."""
_SHADES = 5


@dataclass(frozen=True)
class Cell:
    """A number on a page, the search that it counts if one can say it, and how dark it stands."""

    count: int
    href: str = ""
    shade: int = 0


@dataclass(frozen=True)
class Coverages:
    """Answers with tables of two facets."""

    service: Service

    def answer(self, request: Request) -> Response:
        """Answer in the form that the reader asks for."""
        return self.in_form(request, negotiation.form(request, FORMS))

    def in_form(self, request: Request, form: Form) -> Response:
        """Answer in a form; raises BadChoiceError where a facet is missing or unknown.

        A browser that names none is led to a table on which others can be chosen.
        """
        catalogue, view = self.service.catalogue, self.service.view(request)
        if form == HTML and not set(AXES) & set(request.query_params):
            return self._start(request)
        choosing = catalogue.choosing
        choices = choosing.read(request.query_params.multi_items(), (*AXES, *OURS))
        rows, columns = (choosing.facet(name, request.query_params.get(name, "")) for name in AXES)
        began = perf_counter()
        counted = catalogue.search.coverage(rows, columns, choices)
        milliseconds = (perf_counter() - began) * 1000

        def make() -> Response:
            table = crossings.crossed(view, rows, columns, counted, _has_zeros(request))
            if form == CSV:
                return Response(crossings.as_csv(table), media_type=form.content_type)
            told: dict[str, Any] = {}
            if choices.explain:
                told = explained.coverage(view, (rows, columns), choices, milliseconds)
            if form == HTML:
                return self._page(request, table, choices, told)
            return JSONResponse(
                crossings.as_json(view, table) | ({"explanation": told} if told else {})
            )

        known = explained.validators(view, request, form, choices.explain)
        return caching.answer(request, known, VARY | _explaining(request, form), make)

    def _start(self, request: Request) -> Response:
        kind = self.service.catalogue.shapes.record
        keys = [facet.key for facet in (*kind.facets, *kind.facets)][: len(AXES)]
        asked = [*request.query_params.multi_items(), *zip(AXES, keys, strict=True)]
        return RedirectResponse(address(request.url.path, asked), 303, VARY)

    def _page(
        self, request: Request, table: Table, choices: Choices, told: dict[str, Any]
    ) -> Response:
        catalogue, view = self.service.catalogue, self.service.view(request)
        leading = leads(request, catalogue.choosing, AXES)
        axes = list(zip(AXES, (table.rows.field.key, table.columns.field.key), strict=True))
        asked, cells = [*leading.asked, *axes], _Cells(view, leading, choices)
        bare = [*leading.without("zeros"), *axes]
        has_zeros = _has_zeros(request)
        labels = {"total": view.say("allEntries"), "rows.values": table.rows.label}
        labels |= {"columns.values": table.columns.label, "cells.values": view.say("coverage")}
        return self.service.html(
            request,
            "coverage.html",
            table=table,
            total=Cell(table.total, leading.to(leading.without("zeros"))),
            across=[cells.cell(h.count, [(table.columns, h)]) for h in table.columns.heads],
            lines=list(cells.lines(table)),
            axes=axes,
            facets=[(f.key, facets.label(view, f)) for f in catalogue.shapes.record.facets],
            leads=leading,
            path=COVERAGE,
            has_zeros=has_zeros,
            turned=leading.to([*bare, ("zeros", "false")] if has_zeros else bare, COVERAGE),
            explaining=leading.to([*asked, ("explain", "true")], COVERAGE),
            queries=told | {"queries": results.queries(view, told, labels)} if told else None,
            forms=[
                (f.extension, leading.to(asked, f"{COVERAGE}.{f.extension}"))
                for f in FORMS
                if f != HTML
            ],
        )


@dataclass(frozen=True)
class _Cells:
    """Gives the cells of a table with the searches that they count."""

    view: View
    leading: Leads
    choices: Choices

    def lines(self, table: Table) -> Iterator[tuple[Head, Cell, list[Cell]]]:
        """Give the rows: what each one is, all its entries, and its cells."""
        most = max((cell for row in table.cells for cell in row), default=0)
        for head, cells in zip(table.rows.heads, table.cells, strict=True):
            own = table.rows, head
            shown = [
                self.cell(count, [own, (table.columns, column)], most)
                for count, column in zip(cells, table.columns.heads, strict=True)
            ]
            yield head, self.cell(head.count, [own]), shown

    def cell(self, count: int, wanted: Sequence[tuple[Axis, Head]], most: int = 0) -> Cell:
        """Give a number; what is none leads nowhere, and only inner cells are shaded."""
        shade = -(-_SHADES * count // most) if most else 0
        return Cell(count, self._lead(wanted) if count else "", shade)

    def _lead(self, wanted: Sequence[tuple[Axis, Head]]) -> str:
        """Give the search for entries with all that is wanted, or "" where none can say it.

        Values of one facet widen a search, so it names only one that is within all others.
        """
        found: dict[str, str] = {}
        for axis in {axis.field.key: axis for axis, _ in wanted}.values():
            field = axis.field
            heads = [head for other, head in wanted if other.field.key == field.key]
            values: list[Value] = [head.term for head in heads]
            chosen = self.choices.chosen.get(field.key, ())
            for head in heads:
                inside = all(self._is_within(field, head.term, value) for value in values)
                if inside and (not chosen or self._is_in_any(field, head.term, chosen)):
                    found[field.key] = head.option.value
            if field.key not in found:
                return ""
        unwanted = [key + mark for key in found for mark in ("", FROM, TO)]
        return self.leading.to([*self.leading.without("zeros", *unwanted), *found.items()])

    def _is_in_any(self, field: Field, term: Term | None, values: Sequence[Value]) -> bool:
        return any(self._is_within(field, term, value) for value in values)

    def _is_within(self, field: Field, term: Term | None, value: Value) -> bool:
        """Tell whether all entries with one value are sure to be among those with another."""
        if isinstance(value, Range):
            return term is not None and value == Range(plain(term), plain(term))
        if term == value or term is None or not isinstance(value, NamedNode):
            return term == value
        scheme = self.view.catalogue.vocabularies.scheme(field.scheme or "")
        return value.value in scheme.counted.get(plain(term), ())


def _has_zeros(request: Request) -> bool:
    return request.query_params.get("zeros") != "false"


def _explaining(request: Request, form: Form) -> dict[str, str]:
    if form == JSON:
        return {}
    asked = query_of(request.query_params.multi_items(), ("format", "explain"))
    place = f"{links.prefix(request)}{COVERAGE}.{JSON.extension}"
    address_of = address(place, [*asked, ("explain", "true")])
    return links.header([Link(address_of, "describedby", JSON.plain)])
