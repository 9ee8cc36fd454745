"""The contingency table of two facets over a search, as a page, JSON and CSV."""

import csv
import io
from dataclasses import dataclass
from time import perf_counter

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from msgspec import UNSET, UnsetType

from ...rdf.terms import Term
from ...schema.fields import Field
from ...search.engine import ContingencyTable, Counts
from ...search.request import NOT_STATED
from .. import openapi
from ..context import VARY, Site, View
from ..http import conditional, negotiation, responses
from ..http.negotiation import CSV, HTML, JSON
from ..models import Count, JsonObject
from ..openapi import Operation
from .explanation import ExplanatoryQuery, TableExplanation, explain_table, explanatory_queries
from .frame import AXES
from .links import (
    REPRESENTATION_PARAMETERS,
    explanation_link,
    with_query,
    without_names,
)
from .results import facet_value, nested_terms, selectable_counts

TABLE_AXES = AXES[:2]
"""The parameters that name the two facets, and the keys of the axes in JSON."""
MEDIA_TYPES = (JSON, HTML, CSV)
"""The representations of a table."""


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


@dataclass(frozen=True)
class ContingencyEndpoint:
    """Answers with tables of two facets."""

    site: Site

    def respond(self, request: Request) -> Response:
        """Return a table as the request selects; raise InvalidParameterError for a missing facet.

        A browser is redirected to the evidence map of the same facets.
        """
        services, view = self.site.services, self.site.view(request)
        media_type, parameters = negotiation.negotiate(request, MEDIA_TYPES), request.query_params
        parser = services.request_parser
        search_request = parser.parse(
            parameters.multi_items(), (*TABLE_AXES, *REPRESENTATION_PARAMETERS)
        )
        if media_type == HTML:
            return self._redirect(request)
        rows, columns = (parser.facet(name, parameters.get(name, "")) for name in TABLE_AXES)
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
            return responses.json(table)

        validators = view.result_validators(request, media_type, search_request.explain)
        links = [] if media_type == JSON else [explanation_link(request, view.addresses.coverage)]
        return conditional.answer(request, validators, VARY | responses.header(links), make)

    def _redirect(self, request: Request) -> Response:
        parameters = without_names(request.query_params.multi_items(), ("format",))
        path = responses.prefix(request) + self.site.addresses.evidence
        return RedirectResponse(with_query(path, parameters), 303, VARY)


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
    terms = dict.fromkeys([*(term for _, term in nested_terms(view, field)), *selectable, None])
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


def table_queries(
    view: View, explanation: TableExplanation, rows: str, columns: str
) -> list[ExplanatoryQuery]:
    """Return the queries of an explanation, each with what it counts."""
    labels = {
        "total": view.phrase("allEntries"),
        "rows.values": rows,
        "columns.values": columns,
        "cells.values": view.phrase("coverage"),
    }
    return explanatory_queries(view, explanation, labels)


def _has_zeros(request: Request) -> bool:
    return request.query_params.get("zeros") != "false"


def routes(site: Site) -> APIRouter:
    """Return the routes of contingency tables."""
    router, endpoint, catalogue = APIRouter(), ContingencyEndpoint(site), site.catalogue
    parameters = openapi.axis_parameters(catalogue, TABLE_AXES)
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
