"""The contingency table of two facets over a search, as a page, JSON and CSV."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import NamedTuple

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from msgspec import UNSET, UnsetType
from pyoxigraph import NamedNode

from ...rdf.terms import Term, as_text
from ...schema.fields import Field
from ...search.engine import ContingencyTable, Counts
from ...search.request import FROM, NOT_STATED, TO, FilterValue, Range, SearchRequest
from .. import openapi
from ..context import VARY, Site, View
from ..http import conditional, negotiation, responses
from ..http.negotiation import CSV, HTML, JSON
from ..models import Count, JsonObject
from ..openapi import Operation
from .explanation import ExplanatoryQuery, TableExplanation, explain_table, explanatory_queries
from .links import (
    REPRESENTATION_PARAMETERS,
    SearchLinks,
    explanation_link,
    search_links,
    with_query,
)
from .results import all_terms, facet_value, selectable_counts

AXES = ("rows", "columns")
"""The parameters that name the two facets, and the keys of the axes in JSON."""
MEDIA_TYPES = (JSON, HTML, CSV)
"""The representations of a table."""
_SHADES = 5


class AxisValue(JsonObject, kw_only=True):
    """A row or a column; what is not stated has no IRI."""

    value: str
    id: str = ""
    label: str
    count: Count
    broader: tuple[str, ...] = ()


class TableAxis(JsonObject):
    """The rows or the columns of a table: a facet and its values."""

    key: str
    label: str
    values: list[AxisValue]


class TableObject(JsonObject):
    """A contingency table: the counts of entries by the values of two facets.

    The cells are a list a row, in the order of the columns.
    """

    total: Count
    release: str
    rows: TableAxis
    columns: TableAxis
    cells: list[list[int]]
    explanation: TableExplanation | UnsetType = UNSET

    def as_csv(self) -> str:
        """Return the table as CSV: for each row its short form, its label, its count, its cells."""
        text = io.StringIO()
        writer = csv.writer(text)
        columns = [column.value for column in self.columns.values]
        writer.writerow([self.rows.key, "label", "total", *columns])
        for row, cells in zip(self.rows.values, self.cells, strict=True):
            writer.writerow([row.value, row.label, row.count, *cells])
        return text.getvalue()


class LinkedCount(NamedTuple):
    """A number on a page, the URL of the search that it counts or "", and its shade."""

    number: int
    href: str = ""
    shade: int = 0


@dataclass(frozen=True)
class ContingencyEndpoint:
    """Answers with tables of two facets."""

    site: Site

    def respond(self, request: Request) -> Response:
        """Return a table as the request selects; raise InvalidParameterError for a missing facet.

        A browser that names no facet is redirected to a table of the first two.
        """
        services, view = self.site.services, self.site.view(request)
        media_type, parameters = negotiation.negotiate(request, MEDIA_TYPES), request.query_params
        if media_type == HTML and not set(AXES) & set(parameters):
            return self._redirect(request)
        parser = services.request_parser
        search_request = parser.parse(parameters.multi_items(), (*AXES, *REPRESENTATION_PARAMETERS))
        rows, columns = (parser.facet(name, parameters.get(name, "")) for name in AXES)
        start = perf_counter()
        counts = services.search.cross_tabulate(rows, columns, search_request)
        milliseconds = (perf_counter() - start) * 1000

        def make() -> Response:
            table = label_table(view, (rows, columns), counts, _has_zeros(request))
            if media_type == CSV:
                return Response(table.as_csv(), media_type=media_type.content_type)
            if search_request.explain:
                axes = rows, columns
                table.explanation = explain_table(view, axes, search_request, milliseconds)
            if media_type == HTML:
                return self._page(request, table, search_request)
            return responses.json(table)

        validators = view.result_validators(request, media_type, search_request.explain)
        links = [] if media_type == JSON else [explanation_link(request, view.addresses.coverage)]
        return conditional.answer(request, validators, VARY | responses.header(links), make)

    def _redirect(self, request: Request) -> Response:
        kind = self.site.catalogue.shapes.entry_shape
        keys = [facet.key for facet in (*kind.facets, *kind.facets)][: len(AXES)]
        parameters = [*request.query_params.multi_items(), *zip(AXES, keys, strict=True)]
        return RedirectResponse(with_query(request.url.path, parameters), 303, VARY)

    def _page(
        self, request: Request, table: TableObject, search_request: SearchRequest
    ) -> Response:
        view, kind = self.site.view(request), self.site.catalogue.shapes.entry_shape
        links = search_links(request, self.site.services.request_parser, AXES)
        axes = list(zip(AXES, (table.rows.key, table.columns.key), strict=True))
        parameters, has_zeros = [*links.parameters, *axes], _has_zeros(request)
        toggled = [*links.without("zeros"), *axes, *[("zeros", "false")] * has_zeros]
        cells = _CellLinks(view, kind.facets_by_key, links, search_request)
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
            depths=_depths(view, kind.facets_by_key[table.rows.key]),
            axes=axes,
            facets=[(facet.key, view.text(facet.names)) for facet in kind.facets],
            search_links=links,
            path=view.addresses.coverage,
            has_zeros=has_zeros,
            other_zeros=links.to(toggled, view.addresses.coverage),
            explanation_url=links.to([*parameters, ("explain", "true")], view.addresses.coverage),
            explanation=table.explanation,
            queries=_queries(view, table),
            formats=view.formats(MEDIA_TYPES, view.addresses.coverage, parameters),
        )


def label_table(
    view: View, axes: tuple[Field, Field], counts: ContingencyTable, with_zeros: bool
) -> TableObject:
    """Return a table with labels; rows and columns that no entry has only `with_zeros`."""
    rows, columns = (
        _axis_counts(view, field, axis_counts, with_zeros)
        for field, axis_counts in zip(axes, (counts.rows, counts.columns), strict=True)
    )
    return TableObject(
        counts.total,
        view.services.search.release,
        _axis(view, axes[0], rows),
        _axis(view, axes[1], columns),
        [[counts.cells.get((row, column), 0) for column in columns] for row in rows],
    )


def _axis_counts(view: View, field: Field, counts: Counts, with_zeros: bool) -> Counts:
    """Return the counts of an axis in their order: a scheme from the top down, None at the end."""
    selectable = (term for term, _ in selectable_counts(view, field, counts))
    terms = dict.fromkeys([*(term for _, term in _nested_terms(view, field)), *selectable, None])
    return {term: counts.get(term, 0) for term in terms if with_zeros or counts.get(term, 0)}


def _axis(view: View, field: Field, counts: Counts) -> TableAxis:
    values = [_axis_value(view, field, term, count) for term, count in counts.items()]
    return TableAxis(field.key, view.text(field.names), values)


def _axis_value(view: View, field: Field, term: Term | None, count: int) -> AxisValue:
    if term is None:
        return AxisValue(value=NOT_STATED, label=view.phrase("notStated"), count=count)
    concept = facet_value(view, field, term)
    return AxisValue(
        value=concept.value,
        id=concept.id,
        label=concept.label,
        count=count,
        broader=concept.broader,
    )


def _nested_terms(view: View, field: Field) -> list[tuple[int, Term]]:
    """Return all terms of a facet with their depth in its tree, from the top down."""
    if not field.scheme:
        return [(0, term) for term in all_terms(view, field)]
    scheme = view.catalogue.vocabularies.scheme(field.scheme)
    return [(depth, NamedNode(concept.iri)) for depth, concept in scheme.tree(view.languages)]


def _depths(view: View, field: Field) -> dict[str, int]:
    """Return the depths of the values of an axis, each where it is listed first."""
    return {as_text(term): depth for depth, term in reversed(_nested_terms(view, field))}


def _queries(view: View, table: TableObject) -> list[ExplanatoryQuery]:
    """Return the queries of the explanation, if there is one, each with what it counts."""
    labels = {
        "total": view.phrase("allEntries"),
        "rows.values": table.rows.label,
        "columns.values": table.columns.label,
        "cells.values": view.phrase("coverage"),
    }
    return explanatory_queries(view, table.explanation, labels) if table.explanation else []


@dataclass(frozen=True)
class _CellLinks:
    """Links the numbers of a table to the searches that they count."""

    view: View
    fields: Mapping[str, Field]
    links: SearchLinks
    search_request: SearchRequest

    def lines(
        self, table: TableObject
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
        for key in {axis.key for axis, _ in values}:
            of_facet = [value for axis, value in values if axis.key == key]
            chosen = self.search_request.filters.get(key, ())
            for value in of_facet:
                is_inside = all(self._is_within(key, value.id, other.id) for other in of_facet)
                if is_inside and (not chosen or self._is_within_any(key, value.id, chosen)):
                    filters[key] = value.value
            if key not in filters:
                return ""
        removed = [key + suffix for key in filters for suffix in ("", FROM, TO)]
        return self.links.to([*self.links.without("zeros", *removed), *filters.items()])

    def _is_within_any(self, key: str, text: str, values: Sequence[FilterValue]) -> bool:
        if text and Range(text, text) in values:
            return True
        terms = (value for value in values if not isinstance(value, Range))
        return any(self._is_within(key, text, as_text(t) if t else "") for t in terms)

    def _is_within(self, key: str, text: str, other: str) -> bool:
        """Return whether all entries with a value have another one, or one that is broader.

        Values are IRIs or lexical forms; "" is that of entries which state none.
        """
        scheme = self.fields[key].scheme
        if text == other or not text or not scheme:
            return text == other
        return other in self.view.catalogue.vocabularies.scheme(scheme).ancestors.get(text, ())


def _has_zeros(request: Request) -> bool:
    return request.query_params.get("zeros") != "false"


def routes(site: Site) -> APIRouter:
    """Return the routes of contingency tables."""
    router, endpoint, catalogue = APIRouter(), ContingencyEndpoint(site), site.catalogue
    parameters = openapi.axis_parameters(catalogue, AXES)
    parameters += openapi.filter_parameters(site.services)
    parameters += openapi.result_parameters(catalogue, MEDIA_TYPES)
    operation = Operation(
        openapi.operation_id(catalogue, "crossTabulate"),
        "search",
        catalogue.phrase("coverage"),
        model=TableObject,
        media_types=MEDIA_TYPES,
        statuses=(200, 303, 304),
        parameters=parameters,
    )
    path = site.addresses.coverage
    router.get(path, **operation.arguments())(endpoint.respond)
    router.get(path + ".{extension}", include_in_schema=False)(endpoint.respond)
    return router
