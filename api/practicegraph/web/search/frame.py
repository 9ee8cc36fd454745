"""The frame of all views of a search: its filters, facets, tabs and representations."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from fastapi import Request

from ...schema.fields import Field
from ...search.engine import SearchResult
from ...search.request import FROM, NOT, NOT_STATED, TO, SearchRequest
from ..context import Site, View
from ..http.negotiation import LISTS
from .links import SearchLinks, search_links
from .results import Facet, FacetValue, facets

AXES = ("rows", "columns", "colours")
"""The parameters that name the facets of a view."""
OF_VIEWS = (*AXES, "by", "embed")
"""The parameters of views, which the list of entries does not take."""
_NO_FILTERS = ("lang", "sort", "size", "zeros", *OF_VIEWS)
_FILTER_PHRASES = {NOT: "excludedValue", FROM: "fromValue", TO: "toValue"}
_FIRST_FORMATS = {"xlsx": "spreadsheet", "bib": "", "ris": "", "atom": "feed", "json": ""}
"""The representations at the top of a page with their phrases; others bear their extensions."""
_THIN = 10
"""A facet is thin where fewer than one in so many entries state it."""
_MAX_VALUES, _SHOWN_VALUES = 60, 10


class LinkedText(NamedTuple):
    """A text and the URL to which it leads."""

    text: str
    href: str


class ActiveFilter(NamedTuple):
    """A filter of a search: its parameter and value, its text, the URL of the search without it."""

    name: str
    value: str
    text: str
    href: str


class Tab(NamedTuple):
    """A view of a search: its name, its URL, whether it is the present one."""

    text: str
    href: str
    is_present: bool


class FacetList(NamedTuple):
    """A facet as a list: its values with their depth, first those that are seen at once.

    `stated` is the phrase for a facet that few entries state, or ""; `all_values` the URL of the
    chart of one that has more values than a list shows, or "".
    """

    field: Field
    facet: Facet
    first: Sequence[tuple[int, FacetValue]]
    further: Sequence[tuple[int, FacetValue]]
    maximum: int
    all_values: str
    stated: str
    is_open: bool


@dataclass(frozen=True)
class SearchFrame:
    """The frame of the pages of a search, around its result."""

    site: Site
    request: Request
    search_request: SearchRequest
    result: SearchResult
    path: str

    def values(self) -> dict[str, Any]:
        """Return the values of the template."""
        view, links = self.site.view(self.request), self.links
        all_facets = facets(view, self.result, self.search_request)
        return {
            "search_request": self.search_request,
            "result": self.result,
            "facets": all_facets,
            "facet_lists": list(self._facet_lists(view, all_facets)),
            "search_links": links,
            "filters": list(active_filters(view, all_facets, links)),
            "tabs": list(self._tabs(view)),
            "not_stated": NOT_STATED,
            "top_formats": list(self._top_formats(view)),
            "start": links.to(links.only("lang")),
            "explanation_url": links.to(
                [*links.without(*OF_VIEWS), ("explain", "true")], view.addresses.search
            ),
        }

    @property
    def links(self) -> SearchLinks:
        """Return the URLs of this view of the search."""
        parser = self.site.services.request_parser
        return search_links(self.request, parser, path=self.path)

    def _facet_lists(
        self, view: View, all_facets: Sequence[tuple[Field, Facet]]
    ) -> Iterator[FacetList]:
        """Yield the facets with values, and those chosen; those of the evidence map are open."""
        axes, total = view.catalogue.shapes.entry_shape.evidence_axes, self.result.total
        for field, facet in all_facets:
            if not facet.values and not facet.is_chosen:
                continue
            stated = total - (facet.not_stated.count if facet.not_stated else 0)
            is_thin = not facet.is_chosen and stated * _THIN < total
            first, further = _split(field, facet)
            is_cut = len(first) + len(further) < len(facet.values)
            by = [*self.links.without(*OF_VIEWS), ("by", field.key)]
            yield FacetList(
                field,
                facet,
                first,
                further,
                max((value.count for _, value in first), default=0),
                self.links.to(by, view.addresses.chart) if is_cut else "",
                view.phrase("statedBy", count=stated, total=total) if is_thin else "",
                facet.is_chosen or (not is_thin and field in axes),
            )

    def _tabs(self, view: View) -> Iterator[Tab]:
        """Yield the views that the kind of entries has: maps only where a facet is on one."""
        kind, addresses = view.catalogue.shapes.entry_shape, view.addresses
        paths = {"viewList": addresses.search}
        if any(facet.is_on_map for facet in kind.facets):
            paths["mapPage"] = addresses.map
        paths |= {"viewChart": addresses.chart, "evidencePage": addresses.evidence}
        parameters = self.links.without(*OF_VIEWS)
        for phrase, path in paths.items():
            yield Tab(view.phrase(phrase), self.links.to(parameters, path), path == self.path)

    def _top_formats(self, view: View) -> Iterator[LinkedText]:
        parameters = self.links.without(*OF_VIEWS)
        formats = dict(view.formats(LISTS, view.addresses.search, parameters))
        for name, phrase in _FIRST_FORMATS.items():
            if name in formats:
                yield LinkedText(view.phrase(phrase) if phrase else name.upper(), formats[name])


def filters_without(links: SearchLinks, name: str, value: str) -> list[tuple[str, str]]:
    """Return the parameters of a search without one filter."""
    return [pair for pair in links.parameters if pair != (name, value)]


def active_filters(
    view: View, all_facets: Sequence[tuple[Field, Facet]], links: SearchLinks
) -> Iterator[ActiveFilter]:
    """Yield the filters of a search, each with the URL of the search without it."""
    by_key = {field.key: facet for field, facet in all_facets}
    for name, value in links.parameters:
        if name not in _NO_FILTERS:
            text = _filter_text(view, by_key, name, value)
            yield ActiveFilter(name, value, text, links.to(filters_without(links, name, value)))


def _filter_text(view: View, by_key: Mapping[str, Facet], name: str, value: str) -> str:
    if name == "q":
        return f"“{value}”"
    key, _, suffix = name.partition(".")
    labels = {option.value: option.label for option in by_key[key].values}
    label = view.phrase("notStated") if value == NOT_STATED else labels.get(value, value)
    text = view.phrase(_FILTER_PHRASES[f".{suffix}"], value=label) if suffix else label
    return f"{by_key[key].label}: {text}"


def _split(field: Field, facet: Facet) -> tuple[list[tuple[int, FacetValue]], ...]:
    """Return the values that are seen at once, and up to some hundreds of further ones.

    The values of a tree, dates and numbers are seen at once; what is chosen is always seen.
    """
    nested = facet.nested
    if field.is_ordered or any(depth for depth, _ in nested) or len(nested) <= _SHOWN_VALUES + 2:
        return nested, []
    chosen = [pair for pair in nested[_SHOWN_VALUES:] if pair[1].selected or pair[1].excluded]
    further = [pair for pair in nested[_SHOWN_VALUES:_MAX_VALUES] if pair not in chosen]
    return [*nested[:_SHOWN_VALUES], *chosen], further
