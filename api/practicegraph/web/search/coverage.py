"""Tables of two facets over any search: what is missing is as visible as what is there.

Two facets crossed: rows and columns of all their values, and how many entries have both.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from pyoxigraph import NamedNode

from ...rdf.terms import Term, as_text
from ...schema.fields import Field
from ...search.engine import ContingencyTable, Counts
from ...search.request import FROM, NOT_STATED, TO, FilterValue, Range, SearchRequest
from ..context import VARY, Site, View
from ..http import conditional, negotiation, responses
from ..http.negotiation import CSV, HTML, JSON, Form
from ..http.responses import Link
from ..urls import COVERAGE
from . import answer, page
from .answer import Option
from .page import OURS, Leads, address, leads, query_of

AXES = ("rows", "columns")
"""The parameters that name the two facets, and the keys of what they become."""


@dataclass(frozen=True)
class Head:
    """A row or a column: a value with how many entries have it, how deep it stands in its tree."""

    term: Term | None
    option: Option
    count: int
    depth: int = 0

    def as_json(self) -> dict[str, Any]:
        """Give the value as JSON; what is not stated has no IRI."""
        option = self.option
        found = {"value": option.value, "id": option.id, "label": option.label, "count": self.count}
        found |= {"broader": option.broader} if option.broader else {}
        return {name: value for name, value in found.items() if value != ""}


@dataclass(frozen=True)
class Axis:
    """The rows or the columns of a table."""

    field: Field
    label: str
    heads: Sequence[Head]


@dataclass(frozen=True)
class Table:
    """A table: how many entries the search leaves, and how many have both values of each cell."""

    total: int
    rows: Axis
    columns: Axis
    cells: Sequence[Sequence[int]]


def crossed(
    view: View, rows: Field, columns: Field, counted: ContingencyTable, with_zeros: bool
) -> Table:
    """Give a table, with rows and columns that no entry has if they are wanted."""
    down = _axis(view, rows, counted.rows, with_zeros)
    across = _axis(view, columns, counted.columns, with_zeros)
    cells = [
        [counted.cells.get((row.term, column.term), 0) for column in across.heads]
        for row in down.heads
    ]
    return Table(counted.total, down, across, cells)


def _axis(view: View, field: Field, counts: Counts, with_zeros: bool) -> Axis:
    placed = _placed(view, field)
    known = (term for term, _ in answer.listed_counts(view, field, counts))
    placed += [(0, term) for term in known if (0, term) not in placed]
    shown = dict.fromkeys(term for _, term in placed)
    depths = {term: depth for depth, term in reversed(placed)}
    heads = [
        Head(term, option, counts.get(term, 0), depths[term])
        for term, option in zip(shown, answer.options(view, field, shown), strict=True)
    ]
    unstated = Option(NOT_STATED, "", view.say("notStated"), ())
    heads.append(Head(None, unstated, counts.get(None, 0)))
    return Axis(
        field, answer.label(view, field), [head for head in heads if head.count or with_zeros]
    )


def _placed(view: View, field: Field) -> list[tuple[int, Term]]:
    """Give all values of a facet with their depth, from the top down."""
    if not field.scheme:
        return [(0, term) for term in answer.every_value(view, field)]
    scheme = view.catalogue.vocabularies.scheme(field.scheme)
    return [(depth, NamedNode(concept.iri)) for depth, concept in scheme.tree(view.languages)]


def as_json(view: View, table: Table) -> dict[str, Any]:
    """Give a table as JSON; its cells stand in the order of its rows and columns."""
    axes = {
        name: {
            "key": axis.field.key,
            "label": axis.label,
            "values": [head.as_json() for head in axis.heads],
        }
        for name, axis in zip(AXES, (table.rows, table.columns), strict=True)
    }
    return {
        "total": table.total,
        "release": view.services.search.release,
        **axes,
        "cells": table.cells,
    }


def as_csv(table: Table) -> str:
    """Give a table with a row a value: its short form, its label, its count, and the cells."""
    text = io.StringIO()
    written = csv.writer(text)
    columns = [head.option.value for head in table.columns.heads]
    written.writerow([table.rows.field.key, "label", "total", *columns])
    for head, cells in zip(table.rows.heads, table.cells, strict=True):
        written.writerow([head.option.value, head.option.label, head.count, *cells])
    return text.getvalue()


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

    site: Site

    def answer(self, request: Request) -> Response:
        """Answer in the form that the reader asks for."""
        return self.in_form(request, negotiation.form(request, FORMS))

    def in_form(self, request: Request, form: Form) -> Response:
        """Answer in a form; raises BadChoiceError where a facet is missing or unknown.

        A browser that names none is led to a table on which others can be chosen.
        """
        services, view = self.site.services, self.site.view(request)
        if form == HTML and not set(AXES) & set(request.query_params):
            return self._start(request)
        choosing = services.request_parser
        choices = choosing.parse(request.query_params.multi_items(), (*AXES, *OURS))
        rows, columns = (choosing.facet(name, request.query_params.get(name, "")) for name in AXES)
        began = perf_counter()
        counted = services.search.cross_tabulate(rows, columns, choices)
        milliseconds = (perf_counter() - began) * 1000

        def make() -> Response:
            table = crossed(view, rows, columns, counted, _has_zeros(request))
            if form == CSV:
                return Response(as_csv(table), media_type=form.content_type)
            told: dict[str, Any] = {}
            if choices.explain:
                told = answer.coverage(view, (rows, columns), choices, milliseconds)
            if form == HTML:
                return self._page(request, table, choices, told)
            return JSONResponse(as_json(view, table) | ({"explanation": told} if told else {}))

        known = answer.validators(view, request, form, choices.explain)
        return conditional.answer(request, known, VARY | _explaining(request, form), make)

    def _start(self, request: Request) -> Response:
        kind = self.site.catalogue.shapes.record
        keys = [facet.key for facet in (*kind.facets, *kind.facets)][: len(AXES)]
        asked = [*request.query_params.multi_items(), *zip(AXES, keys, strict=True)]
        return RedirectResponse(address(request.url.path, asked), 303, VARY)

    def _page(
        self, request: Request, table: Table, choices: SearchRequest, told: dict[str, Any]
    ) -> Response:
        catalogue, view = self.site.catalogue, self.site.view(request)
        leading = leads(request, self.site.services.request_parser, AXES)
        axes = list(zip(AXES, (table.rows.field.key, table.columns.field.key), strict=True))
        asked, cells = [*leading.asked, *axes], _Cells(view, leading, choices)
        bare = [*leading.without("zeros"), *axes]
        has_zeros = _has_zeros(request)
        labels = {"total": view.say("allEntries"), "rows.values": table.rows.label}
        labels |= {"columns.values": table.columns.label, "cells.values": view.say("coverage")}
        return self.site.html(
            request,
            "coverage.html",
            table=table,
            total=Cell(table.total, leading.to(leading.without("zeros"))),
            across=[cells.cell(h.count, [(table.columns, h)]) for h in table.columns.heads],
            lines=list(cells.lines(table)),
            axes=axes,
            facets=[(f.key, answer.label(view, f)) for f in catalogue.shapes.record.facets],
            leads=leading,
            path=COVERAGE,
            has_zeros=has_zeros,
            turned=leading.to([*bare, ("zeros", "false")] if has_zeros else bare, COVERAGE),
            explaining=leading.to([*asked, ("explain", "true")], COVERAGE),
            queries=told | {"queries": page.queries(view, told, labels)} if told else None,
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
    choices: SearchRequest

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
            values: list[FilterValue] = [head.term for head in heads]
            chosen = self.choices.filters.get(field.key, ())
            for head in heads:
                inside = all(self._is_within(field, head.term, value) for value in values)
                if inside and (not chosen or self._is_in_any(field, head.term, chosen)):
                    found[field.key] = head.option.value
            if field.key not in found:
                return ""
        unwanted = [key + mark for key in found for mark in ("", FROM, TO)]
        return self.leading.to([*self.leading.without("zeros", *unwanted), *found.items()])

    def _is_in_any(self, field: Field, term: Term | None, values: Sequence[FilterValue]) -> bool:
        return any(self._is_within(field, term, value) for value in values)

    def _is_within(self, field: Field, term: Term | None, value: FilterValue) -> bool:
        """Tell whether all entries with one value are sure to be among those with another."""
        if isinstance(value, Range):
            return term is not None and value == Range(as_text(term), as_text(term))
        if term == value or term is None or not isinstance(value, NamedNode):
            return term == value
        scheme = self.view.catalogue.vocabularies.scheme(field.scheme or "")
        return value.value in scheme.counted.get(as_text(term), ())


def _has_zeros(request: Request) -> bool:
    return request.query_params.get("zeros") != "false"


def _explaining(request: Request, form: Form) -> dict[str, str]:
    if form == JSON:
        return {}
    asked = query_of(request.query_params.multi_items(), ("format", "explain"))
    place = f"{responses.prefix(request)}{COVERAGE}.{JSON.extension}"
    address_of = address(place, [*asked, ("explain", "true")])
    return responses.header([Link(address_of, "describedby", JSON.plain)])
