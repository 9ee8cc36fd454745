"""The map and the charts of a search: views of its facets, beside the list of its entries."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from fastapi import APIRouter, Request, Response

from ...schema.fields import Field
from ...search.request import SearchRequest
from .. import openapi
from ..context import VARY, Site, View
from ..http import conditional, negotiation
from ..http.negotiation import HTML
from ..openapi import Operation
from ..search.frame import SearchFrame
from ..search.links import REPRESENTATION_PARAMETERS, search_links
from ..search.results import Facet, FacetValue
from .maps import PlaceMap, draw_map
from .timelines import Timeline, draw_timeline

_MAX_BARS = 8
_BY = "by"
"""The parameter that names the facet of a chart."""


class FacetMap(NamedTuple):
    """A facet whose values are on a map: the map, or None, and the values with entries."""

    label: str
    key: str
    drawn: PlaceMap | None
    values: Sequence[FacetValue]


class FacetChart(NamedTuple):
    """A chart of a facet: its values, as columns where they are ordered, and the URL of all."""

    label: str
    key: str
    values: Sequence[tuple[int, FacetValue]]
    columns: Timeline | None
    href: str
    is_cut: bool


@dataclass(frozen=True)
class ViewEndpoint:
    """Answers with views of searches as pages."""

    site: Site

    def respond_map(self, request: Request) -> Response:
        """Return the map of a search; raise InvalidParameterError."""
        return self._respond(request, self.site.addresses.map, "map.html", self._maps)

    def respond_charts(self, request: Request) -> Response:
        """Return the charts of a search, or one; raise InvalidParameterError."""
        return self._respond(request, self.site.addresses.chart, "chart.html", self._charts)

    def _respond(
        self,
        request: Request,
        path: str,
        template: str,
        draw: Callable[[View, Request, Mapping[str, Any]], Mapping[str, Any]],
    ) -> Response:
        negotiation.negotiate(request, [HTML])
        view, services = self.site.view(request), self.site.services
        search_request = self._parse(request, path)

        def make() -> Response:
            result = services.search.search(search_request, view.languages)
            frame = SearchFrame(self.site, request, search_request, result, path)
            values = frame.values()
            return self.site.html(request, template, **values, **draw(view, request, values))

        return conditional.answer(
            request, view.result_validators(request, HTML, is_explained=False), VARY, make
        )

    def _parse(self, request: Request, path: str) -> SearchRequest:
        """Return the request of a view, which has no entries; raise InvalidParameterError."""
        parser = self.site.services.request_parser
        others = (_BY,) if path == self.site.addresses.chart else ()
        parameters = [pair for pair in request.query_params.multi_items() if pair[0] != "size"]
        if key := request.query_params.get(_BY) if others else None:
            parser.facet(_BY, key)
        return parser.parse([*parameters, ("size", "0")], (*REPRESENTATION_PARAMETERS, *others))

    def _link(self, request: Request) -> Callable[[str, str], str]:
        """Return what makes the URL of the list of entries with a value of a facet too."""
        parser = self.site.services.request_parser
        return search_links(request, parser, (_BY,)).narrowing

    def _maps(self, view: View, request: Request, values: Mapping[str, Any]) -> dict[str, Any]:
        link, vocabularies = self._link(request), view.catalogue.vocabularies
        maps = [
            FacetMap(
                facet.label,
                field.key,
                draw_map(vocabularies, field, facet.values, link),
                [value for value in facet.values if value.count],
            )
            for field, facet in values["facets"]
            if field.is_on_map
        ]
        return {"maps": maps, "link": link}

    def _charts(self, view: View, request: Request, values: Mapping[str, Any]) -> dict[str, Any]:
        link, links = self._link(request), values["search_links"]
        chosen = request.query_params.get(_BY, "")
        charts = []
        shown = {listed.field.key for listed in values["facet_lists"] if not listed.stated}
        for field, facet in values["facets"]:
            if field.key == chosen or (not chosen and field.key in shown):
                href = links.to([*links.without(_BY), (_BY, field.key)])
                charts.append(_chart(field, facet, link, href, is_whole=bool(chosen)))
        together = [("rows", chosen), ("columns", chosen)]
        return {
            "charts": sorted(charts, key=lambda chart: chart.columns is None),
            "link": link,
            "by": chosen,
            "choices": [(field.key, facet.label) for field, facet in values["facets"]],
            "together": links.to([*links.without(_BY), *together], view.addresses.evidence),
        }


def _chart(
    field: Field, facet: Facet, link: Callable[[str, str], str], href: str, is_whole: bool
) -> FacetChart:
    if field.is_ordered:
        columns = draw_timeline(field.key, facet.values, link)
        return FacetChart(facet.label, field.key, facet.nested, columns, href, False)
    pairs = [pair for pair in facet.nested if pair[1].count]
    if not is_whole:
        pairs = [(0, value) for value in facet.values[:_MAX_BARS] if value.count]
    is_cut = not is_whole and len(facet.values) > _MAX_BARS
    return FacetChart(facet.label, field.key, pairs, None, href, is_cut)


def routes(site: Site) -> APIRouter:
    """Return the routes of maps and charts; a kind without places has no map."""
    router, endpoint, catalogue = APIRouter(), ViewEndpoint(site), site.catalogue
    kind, addresses = catalogue.shapes.entry_shape, site.addresses
    parameters = openapi.filter_parameters(site.services)
    parameters.append(openapi.language_parameter(catalogue))
    keys = openapi.TEXT | {"enum": [facet.key for facet in kind.facets]}
    by = openapi.parameter(_BY, catalogue.phrase("viewChart"), keys)
    views = [("charts", "viewChart", addresses.chart, endpoint.respond_charts, [by])]
    if any(facet.is_on_map for facet in kind.facets):
        views.append(("map", "mapPage", addresses.map, endpoint.respond_map, []))
    for name, phrase, path, respond, own in views:
        operation = Operation(
            openapi.operation_id(catalogue, name),
            "search",
            catalogue.phrase(phrase),
            media_types=(HTML,),
            parameters=[*own, *parameters],
        )
        router.get(path, **operation.arguments())(respond)
    return router
