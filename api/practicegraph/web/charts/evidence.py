"""The evidence map: the entries of a search by any two facets, as bubbles, SVG and CSV."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from time import perf_counter
from typing import NamedTuple

from fastapi import APIRouter, Request, Response

from ...schema.fields import Field
from ...schema.value_parser import InvalidParameterError
from ...search.request import SearchRequest
from .. import openapi
from ..context import POLICY, VARY, Site, View, allow_frames
from ..http import conditional, negotiation, responses
from ..http.negotiation import CSV, HTML, SVG, MediaType
from ..openapi import Operation
from ..search.contingency import table_queries
from ..search.explanation import TableExplanation, explain_table
from ..search.frame import AXES, OF_VIEWS, SearchFrame
from ..search.links import REPRESENTATION_PARAMETERS, search_links
from .cell_links import CellLinks
from .matrix import Bubble, BubbleMatrix, MatrixBuilder, MatrixFields
from .observed import Observations, ObservedLink, Pair

MEDIA_TYPES = (HTML, SVG, CSV)
"""The representations of an evidence map."""
EMBEDDED = "/embed"
"""The end of the path of the view that pages elsewhere may show in a frame."""
_SVG_POLICY = {POLICY: "default-src 'none'; style-src 'unsafe-inline'"}
MAX_LETTERS = 56
"""The letters of a label in a picture; a longer one is cut."""
_LETTER, _MARGIN, _MIN_COLUMN, _FOOT = 6.6, 24, 36, 60
"""Sizes in a picture: of a letter, beside labels, of columns, of the foot."""

_PALETTE = (
    *("#55616a", "#0b5a8a", "#c2570c", "#3f7d20", "#7a4fb5"),
    *("#b3264a", "#0d7c7c", "#8a6a00", "#5b6770"),
)
"""The colours of bubbles in a picture: without one, then `--chart-1…8` of the style sheet."""


class EvidenceMap(NamedTuple):
    """The matrix of a request, with the values that were observed for pairs of its terms."""

    search_request: SearchRequest
    fields: MatrixFields
    matrix: BubbleMatrix
    observed: Mapping[Pair, list[ObservedLink]]
    milliseconds: float


class SvgFrame(NamedTuple):
    """The sizes of an evidence map as one picture."""

    left: int
    top: int
    column: int
    width: int
    height: int
    slot: int
    row: int
    letters: int = MAX_LETTERS


@dataclass(frozen=True)
class EvidenceEndpoint:
    """Answers with evidence maps."""

    site: Site
    _observations: Observations = field(default_factory=Observations)

    def respond(self, request: Request) -> Response:
        """Return the evidence map in the representation that the request selects."""
        media_type = negotiation.negotiate(request, MEDIA_TYPES)
        return self._answer(request, media_type, self._page)

    def respond_embedded(self, request: Request) -> Response:
        """Return the evidence map as a page for a frame of any page."""
        negotiation.negotiate(request, (HTML,))
        return self._answer(request, HTML, self._embedded)

    def _answer(
        self,
        request: Request,
        media_type: MediaType,
        page: Callable[[Request, View, EvidenceMap], Response],
    ) -> Response:
        view = self.site.view(request)
        search_request, fields = self._parse(request)

        def make() -> Response:
            evidence = self._build(request, view, search_request, fields)
            if media_type == SVG:
                text = view.page(
                    "evidence.svg",
                    evidence=evidence,
                    frame=_svg_frame(evidence.matrix),
                    palette=_PALETTE,
                )
                return Response(text, media_type=SVG.name, headers=_SVG_POLICY)
            if media_type == CSV:
                return Response(_csv(evidence), media_type=CSV.content_type)
            return page(request, view, evidence)

        validators = view.result_validators(request, media_type, search_request.explain)
        return conditional.answer(request, validators, VARY, make)

    def _parse(self, request: Request) -> tuple[SearchRequest, MatrixFields]:
        """Return the search and the facets; raise InvalidParameterError."""
        parser, parameters = self.site.services.request_parser, request.query_params
        others = (*AXES, *REPRESENTATION_PARAMETERS)
        search_request = parser.parse(parameters.multi_items(), others)
        kind = self.site.catalogue.shapes.entry_shape
        rows, columns, *stated = kind.evidence_axes
        rows, columns = (
            parser.facet(name, key) if (key := parameters.get(name)) else default
            for name, default in ((AXES[0], rows), (AXES[1], columns))
        )
        key = parameters.get(AXES[2])
        colours = next(iter(stated), None) if key is None else _colours(kind.facets, key)
        return search_request, MatrixFields(rows, columns, colours)

    def _build(
        self, request: Request, view: View, search_request: SearchRequest, fields: MatrixFields
    ) -> EvidenceMap:
        start = perf_counter()
        parser, zeros = self.site.services.request_parser, request.query_params.get("zeros")
        observed = self._observations.find(view, fields.rows, fields.columns)
        keys = tuple(facet.key for facet in fields if facet)
        links = search_links(request, parser, OF_VIEWS)
        cell_links = CellLinks(
            view.catalogue.vocabularies,
            parser.kind.facets_by_key,
            links,
            search_request,
            keys,
            search_request.explain,
        )
        with_zeros = (zeros != "false", zeros == "true")
        seen = frozenset(observed) if zeros != "false" else frozenset()
        builder = MatrixBuilder(view, fields, search_request, cell_links, with_zeros, seen)
        matrix = builder.build()
        milliseconds = (perf_counter() - start) * 1000
        return EvidenceMap(search_request, fields, matrix, observed, milliseconds)

    def _page(self, request: Request, view: View, evidence: EvidenceMap) -> Response:
        addresses, matrix = view.addresses, evidence.matrix
        result = self.site.services.search.search(evidence.search_request, view.languages)
        frame = SearchFrame(self.site, request, evidence.search_request, result, addresses.evidence)
        links, values = frame.links, frame.values()
        axes = [(n, f.key if f else "") for n, f in zip(AXES, evidence.fields, strict=True)]
        whole = [*links.without(*AXES), *axes]
        of_table = [*links.without(*AXES), *axes[:2]]
        explanation = self._explain(view, evidence)
        labels = matrix.rows.label, matrix.columns.label
        return self.site.html(
            request,
            "evidence.html",
            **values,
            evidence=evidence,
            axes=axes,
            with_queries=links.to([*whole, ("explain", "true")]),
            without_queries=links.to(whole),
            zeros=request.query_params.get("zeros", ""),
            all_values=links.to([*links.without("zeros"), ("zeros", "true")]),
            no_zeros=links.to([*links.without("zeros"), ("zeros", "false")]),
            pictures=view.formats((SVG, CSV), addresses.evidence, whole),
            table=view.formats((CSV,), addresses.coverage, of_table)[0][1],
            embedded=_host(request) + links.to(whole, addresses.evidence + EMBEDDED),
            explanation=explanation,
            queries=table_queries(view, explanation, *labels) if explanation else [],
        )

    def _explain(self, view: View, evidence: EvidenceMap) -> TableExplanation | None:
        search_request, (rows, columns, _) = evidence.search_request, evidence.fields
        if not search_request.explain:
            return None
        return explain_table(view, (rows, columns), search_request, evidence.milliseconds)

    def _embedded(self, request: Request, view: View, evidence: EvidenceMap) -> Response:
        parameters = request.query_params.multi_items()
        links = search_links(request, self.site.services.request_parser, ())
        page = self.site.html(
            request,
            "evidence-embed.html",
            evidence=evidence,
            whole=links.to(parameters, view.addresses.evidence),
        )
        return allow_frames(page)


def _colours(facets: Sequence[Field], key: str) -> Field | None:
    """Return the facet of the colours, or None for none; raise InvalidParameterError."""
    by_key = {facet.key: facet for facet in facets if not facet.is_ordered}
    if key and key not in by_key:
        raise InvalidParameterError(AXES[2], key, list(by_key))
    return by_key.get(key)


def _host(request: Request) -> str:
    """Return the root of a request without the prefix of a proxy."""
    return responses.root(request).removesuffix(responses.prefix(request))


def _svg_frame(matrix: BubbleMatrix) -> SvgFrame:
    """Return the sizes of a picture that has room for its labels and bubbles."""
    letters = max((len(row.value.label) for row in matrix.lines), default=0)
    heights = max((len(value.label) for value in matrix.columns.values), default=0)
    left = round(min(letters, MAX_LETTERS) * _LETTER) + _MARGIN
    top = round(min(heights, MAX_LETTERS) * _LETTER * sqrt(0.5)) + _MARGIN
    colours = len(matrix.colours.values) if matrix.colours else 1
    slot = round(2 * matrix.radius) + 2
    column = max(_MIN_COLUMN, colours * slot)
    width = left + column * len(matrix.columns.values) + top
    row = slot + 2
    height = top + row * len(matrix.lines) + _FOOT
    return SvgFrame(left, top, column, width, height, slot, row)


def _csv(evidence: EvidenceMap) -> str:
    """Return one row for each bubble: its values by short form and by label, and its count."""
    fields, matrix = evidence.fields, evidence.matrix
    text = io.StringIO()
    writer = csv.writer(text)
    keys = [facet.key for facet in fields if facet]
    writer.writerow([name for key in keys for name in (key, f"{key}.label")] + ["count"])
    writer.writerows(_csv_rows(matrix))
    return text.getvalue()


def _csv_rows(matrix: BubbleMatrix) -> Iterator[list[str | int]]:
    """Yield the rows of the bubbles; a gap has one without a colour, and the count 0."""
    colours = [value.linked.value for value in matrix.colours.values] if matrix.colours else []
    for line in matrix.lines:
        for column, cell in zip(matrix.columns.values, line.cells, strict=True):
            place = [line.value.linked.value, line.value.label, column.linked.value, column.label]
            bubbles: Sequence[Bubble | None] = [bubble for bubble in cell if bubble]
            for bubble in bubbles or [None]:
                code = colours[bubble.colour - 1] if bubble and bubble.label else ""
                colour = [code, bubble.label if bubble else ""] if matrix.colours else []
                yield [*place, *colour, bubble.count if bubble else 0]


def routes(site: Site) -> APIRouter:
    """Return the routes of evidence maps."""
    router, endpoint, catalogue = APIRouter(), EvidenceEndpoint(site), site.catalogue
    parameters = openapi.axis_parameters(catalogue, AXES, are_required=False)
    parameters += openapi.filter_parameters(site.services)
    operation = Operation(
        openapi.operation_id(catalogue, "evidence"),
        "search",
        catalogue.phrase("coverage"),
        media_types=MEDIA_TYPES,
        parameters=parameters + openapi.result_parameters(catalogue, MEDIA_TYPES),
    )
    path = site.addresses.evidence
    router.get(path, **operation.arguments())(endpoint.respond)
    router.get(path + EMBEDDED, include_in_schema=False)(endpoint.respond_embedded)
    router.get(path + ".{extension}", include_in_schema=False)(endpoint.respond)
    return router
