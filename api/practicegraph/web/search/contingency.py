"""The contingency table of two facets over a search, as a page, JSON and CSV."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from pyoxigraph import NamedNode

from ...rdf.terms import Term, as_text
from ...schema.fields import Field
from ...search.engine import ContingencyTable, Counts
from ...search.request import FROM, NOT_STATED, TO, FilterValue, Range, SearchRequest
from ..context import VARY, Site, View
from ..http import conditional, negotiation, responses
from ..http.negotiation import CSV, HTML, JSON, MediaType
from ..urls import COVERAGE
from .explanation import explain_table, explanatory_queries, result_validators
from .facets import FacetValue, all_terms, facet_value, field_label, selectable_counts
from .links import (
    REPRESENTATION_PARAMETERS,
    SearchLinks,
    explanation_link,
    search_links,
    with_query,
)

AXES = ("rows", "columns")
"""The parameters that name the two facets, and the keys of the axes in JSON."""
MEDIA_TYPES = (JSON, HTML, CSV)
"""The representations of a table."""
_SHADES = 5


@dataclass(frozen=True)
class AxisValue:
    """A row or a column: a term or None for "not stated", its label and count, its tree depth."""

    term: Term | None
    value: str
    id: str
    label: str
    broader: tuple[str, ...]
    count: int
    depth: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return the value as an object to encode; keys without a value are absent."""
        shown = {"value": self.value, "id": self.id, "label": self.label, "count": self.count}
        shown["broader"] = self.broader
        return {name: value for name, value in shown.items() if value not in ("", ())}


@dataclass(frozen=True)
class TableAxis:
    """The rows or the columns of a table."""

    field: Field
    label: str
    values: Sequence[AxisValue]

    def as_json(self) -> dict[str, Any]:
        """Return the axis as an object to encode."""
        values = [value.as_json() for value in self.values]
        return {"key": self.field.key, "label": self.label, "values": values}


@dataclass(frozen=True)
class LabelledTable:
    """A table: the number of entries in all, and of those with both values of each cell."""

    total: int
    rows: TableAxis
    columns: TableAxis
    cells: Sequence[Sequence[int]]

    def as_json(self, release: str) -> dict[str, Any]:
        """Return the table as an object to encode; cells are in the order of rows and columns."""
        axes = {"rows": self.rows.as_json(), "columns": self.columns.as_json()}
        return {"total": self.total, "release": release, **axes, "cells": self.cells}

    def as_csv(self) -> str:
        """Return the table as CSV: for each row its short form, its label, its count, its cells."""
        text = io.StringIO()
        writer = csv.writer(text)
        columns = [column.value for column in self.columns.values]
        writer.writerow([self.rows.field.key, "label", "total", *columns])
        for row, cells in zip(self.rows.values, self.cells, strict=True):
            writer.writerow([row.value, row.label, row.count, *cells])
        return text.getvalue()


@dataclass(frozen=True)
class LinkedCount:
    """A number on a page, the URL of the search that it counts or "", and its shade."""

    count: int
    href: str = ""
    shade: int = 0


@dataclass(frozen=True)
class ContingencyEndpoint:
    """Answers with tables of two facets."""

    site: Site

    def respond(self, request: Request) -> Response:
        """Answer in the representation that the request prefers."""
        return self.respond_in(request, negotiation.negotiate(request, MEDIA_TYPES))

    def respond_in(self, request: Request, media_type: MediaType) -> Response:
        """Answer in a representation; raise InvalidParameterError for a missing facet.

        A browser that names no facet is redirected to a table of the first two.
        """
        services, view = self.site.services, self.site.view(request)
        parameters = request.query_params
        if media_type == HTML and not set(AXES) & set(parameters):
            return self._first_table(request)
        parser = services.request_parser
        search_request = parser.parse(parameters.multi_items(), (*AXES, *REPRESENTATION_PARAMETERS))
        rows, columns = (parser.facet(name, parameters.get(name, "")) for name in AXES)
        start = perf_counter()
        counts = services.search.cross_tabulate(rows, columns, search_request)
        milliseconds = (perf_counter() - start) * 1000

        def make() -> Response:
            table = labelled_table(view, rows, columns, counts, _has_zeros(request))
            if media_type == CSV:
                return Response(table.as_csv(), media_type=media_type.content_type)
            axes, explanation = (rows, columns), {}
            if search_request.explain:
                explanation = explain_table(view, axes, search_request, milliseconds)
            if media_type == HTML:
                return self._page(request, table, search_request, explanation)
            more = {"explanation": explanation} if explanation else {}
            return responses.json(table.as_json(services.search.release) | more)

        known = result_validators(view, request, media_type, search_request.explain)
        links = [] if media_type == JSON else [explanation_link(request, COVERAGE)]
        return conditional.answer(request, known, VARY | responses.header(links), make)

    def _first_table(self, request: Request) -> Response:
        kind = self.site.catalogue.shapes.entry_shape
        keys = [facet.key for facet in (*kind.facets, *kind.facets)][: len(AXES)]
        parameters = [*request.query_params.multi_items(), *zip(AXES, keys, strict=True)]
        return RedirectResponse(with_query(request.url.path, parameters), 303, VARY)

    def _page(
        self,
        request: Request,
        table: LabelledTable,
        search_request: SearchRequest,
        explanation: dict[str, Any],
    ) -> Response:
        catalogue, view = self.site.catalogue, self.site.view(request)
        links = search_links(request, self.site.services.request_parser, AXES)
        axes = list(zip(AXES, (table.rows.field.key, table.columns.field.key), strict=True))
        parameters, has_zeros = [*links.parameters, *axes], _has_zeros(request)
        others = [*links.without("zeros"), *axes, *[("zeros", "false")] * has_zeros]
        labels = {"total": view.say("allEntries"), "rows.values": table.rows.label}
        labels |= {"columns.values": table.columns.label, "cells.values": view.say("coverage")}
        cells = _CellLinks(view, links, search_request)
        if explanation:
            explanation["queries"] = explanatory_queries(view, explanation, labels)
        return self.site.html(
            request,
            "coverage.html",
            table=table,
            total=LinkedCount(table.total, links.to(links.without("zeros"))),
            column_totals=[
                cells.cell(column.count, [(table.columns, column)])
                for column in table.columns.values
            ],
            lines=list(cells.lines(table)),
            axes=axes,
            facets=[(f.key, field_label(view, f)) for f in catalogue.shapes.entry_shape.facets],
            search_links=links,
            path=COVERAGE,
            has_zeros=has_zeros,
            other_zeros=links.to(others, COVERAGE),
            explanation_url=links.to([*parameters, ("explain", "true")], COVERAGE),
            explanation=explanation or None,
            formats=[
                (f.extension, links.to(parameters, f"{COVERAGE}.{f.extension}"))
                for f in MEDIA_TYPES
                if f != HTML
            ],
        )


def labelled_table(
    view: View, rows: Field, columns: Field, counts: ContingencyTable, with_zeros: bool
) -> LabelledTable:
    """Return a table with labels; rows and columns that no entry has only `with_zeros`."""
    down = _axis(view, rows, counts.rows, with_zeros)
    across = _axis(view, columns, counts.columns, with_zeros)
    cells = [
        [counts.cells.get((row.term, column.term), 0) for column in across.values]
        for row in down.values
    ]
    return LabelledTable(counts.total, down, across, cells)


def _axis(view: View, field: Field, counts: Counts, with_zeros: bool) -> TableAxis:
    placed = _placed(view, field)
    selectable = (term for term, _ in selectable_counts(view, field, counts))
    placed += [(0, term) for term in selectable if (0, term) not in placed]
    depths = {term: depth for depth, term in reversed(placed)}
    values = [
        _axis_value(term, facet_value(view, field, term, counts.get(term, 0)), depths[term])
        for term in dict.fromkeys(term for _, term in placed)
    ]
    label = view.say("notStated")
    values.append(AxisValue(None, NOT_STATED, "", label, (), counts.get(None, 0)))
    shown = [value for value in values if value.count or with_zeros]
    return TableAxis(field, field_label(view, field), shown)


def _axis_value(term: Term, value: FacetValue, depth: int) -> AxisValue:
    return AxisValue(term, value.value, value.id, value.label, value.broader, value.count, depth)


def _placed(view: View, field: Field) -> list[tuple[int, Term]]:
    """Return all terms of a facet with their depth in its tree, from the top down."""
    if not field.scheme:
        return [(0, term) for term in all_terms(view, field)]
    scheme = view.catalogue.vocabularies.scheme(field.scheme)
    return [(depth, NamedNode(concept.iri)) for depth, concept in scheme.tree(view.languages)]


@dataclass(frozen=True)
class _CellLinks:
    """Links the numbers of a table to the searches that they count."""

    view: View
    links: SearchLinks
    search_request: SearchRequest

    def lines(
        self, table: LabelledTable
    ) -> Iterator[tuple[AxisValue, LinkedCount, list[LinkedCount]]]:
        """Yield the rows: the value, the number of all its entries, and its cells."""
        maximum = max((cell for row in table.cells for cell in row), default=0)
        for value, counts in zip(table.rows.values, table.cells, strict=True):
            row = table.rows, value
            cells = [
                self.cell(count, [row, (table.columns, column)], maximum)
                for count, column in zip(counts, table.columns.values, strict=True)
            ]
            yield value, self.cell(value.count, [row]), cells

    def cell(
        self, count: int, values: Sequence[tuple[TableAxis, AxisValue]], maximum: int = 0
    ) -> LinkedCount:
        """Return a number with its link; 0 has none. A number without a maximum has no shade."""
        shade = -(-_SHADES * count // maximum) if maximum else 0
        return LinkedCount(count, self._url(values) if count else "", shade)

    def _url(self, values: Sequence[tuple[TableAxis, AxisValue]]) -> str:
        """Return the URL of the search for entries with all values, or "" where there is none.

        Several values of one facet widen a search, so it has only one that is within all others.
        """
        filters: dict[str, str] = {}
        for field in {axis.field.key: axis.field for axis, _ in values}.values():
            wanted = [value for axis, value in values if axis.field.key == field.key]
            chosen = self.search_request.filters.get(field.key, ())
            for value in wanted:
                inside = all(self._is_within(field, value.term, other.term) for other in wanted)
                if inside and (not chosen or self._is_in_any(field, value.term, chosen)):
                    filters[field.key] = value.value
            if field.key not in filters:
                return ""
        dropped = [key + suffix for key in filters for suffix in ("", FROM, TO)]
        return self.links.to([*self.links.without("zeros", *dropped), *filters.items()])

    def _is_in_any(self, field: Field, term: Term | None, values: Sequence[FilterValue]) -> bool:
        return any(self._is_within(field, term, value) for value in values)

    def _is_within(self, field: Field, term: Term | None, value: FilterValue) -> bool:
        """Return whether all entries with a term are sure to be among those with a value."""
        if isinstance(value, Range):
            return term is not None and value == Range(as_text(term), as_text(term))
        if term == value or term is None or not isinstance(value, NamedNode):
            return term == value
        scheme = self.view.catalogue.vocabularies.scheme(field.scheme or "")
        return value.value in scheme.ancestors.get(as_text(term), ())


def _has_zeros(request: Request) -> bool:
    return request.query_params.get("zeros") != "false"
