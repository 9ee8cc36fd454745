"""The search endpoint: a result as a page, JSON, CSV, XLSX or in an RDF syntax."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from time import perf_counter
from typing import Any

from fastapi import APIRouter, Request, Response
from msgspec import UNSET, UnsetType

from ...application.services import Services
from ...exchange.table_format import TableColumns, column_keys, csv_row
from ...exchange.table_writer import CellValueError, WorkbookWriter
from ...schema.fields import Field
from ...schema.records import Record
from ...search.engine import SearchResult
from ...search.request import COUNT, RELEVANCE, SIZES, SearchRequest
from ...storage.base import ReleaseCache
from .. import openapi
from ..citations import citation_response
from ..context import VARY, Site, View
from ..http import conditional, negotiation, responses
from ..http.negotiation import (
    ATOM,
    CITATIONS,
    CSV,
    HTML,
    JSON,
    LISTS,
    XLSX,
    MediaType,
    NotAcceptableError,
)
from ..http.responses import Link
from ..openapi import Operation
from .badges import badges
from .explanation import SearchExplanation, explain_search, explanatory_queries
from .feed import newest_first, write_feed
from .frame import ActiveFilter, LinkedText, SearchFrame, active_filters, filters_without
from .hydra import hydra_document
from .links import REPRESENTATION_PARAMETERS, explanation_link, page_urls, search_links
from .results import Facet, SearchObject, SearchSnippets, facets, search_model, suggest_words

_MAX_CACHED_ITEMS = 2000  # about 4 kB each
_MAX_DROPS = 8
_FEED_LINKS = {"next": "next", "prev": "previous", "first": "first"}


@dataclass(frozen=True)
class SearchPage:
    """A search with its result, how long that took, and the URLs of the pages around it."""

    search_request: SearchRequest
    result: SearchResult
    milliseconds: float
    urls: Mapping[str, str]


@dataclass(frozen=True)
class SearchEndpoint:
    """Answers searches."""

    site: Site
    _items: ReleaseCache[tuple[str, Sequence[str]], dict[str, Any]] = field(
        default_factory=lambda: ReleaseCache(_MAX_CACHED_ITEMS)
    )

    def respond(self, request: Request) -> Response:
        """Answer a search in the representation that the request selects."""
        media_type = negotiation.negotiate(request, LISTS)
        services, view = self.site.services, self.site.view(request)
        parameters = request.query_params.multi_items()
        search_request = services.request_parser.parse(parameters, REPRESENTATION_PARAMETERS)
        names = [name for name, _ in parameters]
        if media_type == ATOM:
            search_request = newest_first(services.request_parser.kind, search_request, names)
        if media_type in CITATIONS and "size" not in names:
            search_request = replace(search_request, size=SIZES[-1])
        start = perf_counter()
        result = services.search.search(search_request, view.languages)
        milliseconds = (perf_counter() - start) * 1000
        page = SearchPage(search_request, result, milliseconds, page_urls(request, result))
        links = [Link(url, relation) for relation, url in page.urls.items()]
        if media_type != JSON:
            links.append(explanation_link(request, self.site.addresses.search))
        return conditional.answer(
            request,
            view.result_validators(request, media_type, search_request.explain),
            VARY | responses.header(links),
            lambda: self._response(request, view, page, media_type),
        )

    def _response(
        self, request: Request, view: View, page: SearchPage, media_type: MediaType
    ) -> Response:
        if media_type == HTML:
            return self._html(request, view, page)
        if media_type == JSON:
            return responses.json(self._json(view, page))
        if media_type in CITATIONS:
            return citation_response(view, self._records(page.result.entries), media_type)
        content: str | bytes
        if media_type == ATOM:
            content = self._feed(request, view, page)
        elif media_type == CSV:
            content = self._csv(page.result)
        elif media_type == XLSX:
            content = self._workbook(view, page.result)
        else:
            services = self.site.services
            content = hydra_document(services, request, page.result, page.urls, media_type)
        return Response(content, media_type=media_type.content_type)

    def _json(self, view: View, page: SearchPage) -> SearchObject:
        result, search_request = page.result, page.search_request
        words = suggest_words(view, search_request, result)
        explanation: SearchExplanation | UnsetType = UNSET
        if search_request.explain:
            explanation = explain_search(view, search_request, page.milliseconds)
        return SearchObject(
            total=result.total,
            release=view.services.search.release,
            items=self._json_items(view, page),
            facets={field.key: facet for field, facet in facets(view, result, search_request)},
            ignored=result.ignored,
            suggestions=(words,) if words else (),
            explanation=explanation,
            **page.urls,
        )

    def _json_items(self, view: View, page: SearchPage) -> list[dict[str, Any]]:
        """Return the entries of a page; those that match words, with snippets."""
        reader, languages = self.site.catalogue.reader, view.languages
        items = self._items.get_many(
            reader.store.release(),
            [(iri, languages) for iri in page.result.entries],
            lambda missing: [
                reader.as_json(record, languages)
                for record in self._records([iri for iri, _ in missing])
            ],
        )
        if not page.search_request.query.strip():
            return items
        snippets = SearchSnippets(view, page.search_request)
        snippets_of_items = map(snippets.as_json, self._records(page.result.entries))
        return [
            item | ({"snippets": item_snippets} if item_snippets else {})
            for item, item_snippets in zip(items, snippets_of_items, strict=True)
        ]

    def _feed(self, request: Request, view: View, page: SearchPage) -> bytes:
        """Return the entries as a feed, whose title has the filters of the search."""
        links = search_links(request, self.site.services.request_parser)
        all_facets = facets(view, page.result, page.search_request)
        filters = ", ".join(each.text for each in active_filters(view, all_facets, links))
        kind = view.text(self.site.catalogue.shapes.entry_shape.labels)
        title = f"{view.name(self.site.catalogue.base)}{view.colon} {filters or kind}"
        origin = str(request.url.replace(path="", query="", fragment="")).rstrip("/")
        addresses = {"self": str(request.url)}
        addresses |= {_FEED_LINKS[rel]: origin + url for rel, url in page.urls.items()}
        return write_feed(
            view,
            self._records(page.result.entries),
            title,
            addresses,
            origin,
        )

    def _csv(self, result: SearchResult) -> str:
        catalogue = self.site.catalogue
        tags = catalogue.languages
        text = io.StringIO()
        table = csv.DictWriter(text, column_keys(catalogue.shapes.entry_shape, tags), restval="")
        table.writeheader()
        records = self._records(result.entries)
        table.writerows(csv_row(catalogue.reader, record, tags) for record in records)
        return text.getvalue()

    def _workbook(self, view: View, result: SearchResult) -> bytes:
        """Return the entries as XLSX; raise NotAcceptableError where a text is too long for it."""
        catalogue, output = self.site.catalogue, io.BytesIO()
        workbook = WorkbookWriter(TableColumns(catalogue.value_parser), view.languages)
        try:
            workbook.write(catalogue.reader, self._records(result.entries), output)
        except CellValueError as error:
            raise NotAcceptableError(
                [media_type for media_type in LISTS if media_type != XLSX]
            ) from error
        return output.getvalue()

    def _html(self, request: Request, view: View, page: SearchPage) -> Response:
        search_request, result = page.search_request, page.result
        frame = SearchFrame(self.site, request, search_request, result, view.addresses.search)
        links, values = frame.links, frame.values()
        paging = [pair for pair in request.query_params.items() if pair[0] in ("after", "before")]
        words = suggest_words(view, search_request, result)
        explanation_url = links.to([*links.parameters, *paging, ("explain", "true")])
        explanation = queries = None
        if search_request.explain:
            explanation = explain_search(view, search_request, page.milliseconds)
            queries = explanatory_queries(view, explanation, _query_labels(view, values["facets"]))
        services = self.site.services
        drops = _drops(services, view, frame, values["filters"]) if not result.total else ()
        return self.site.html(
            request,
            "search.html",
            **values | {"explanation_url": explanation_url},
            records=self._records(result.entries),
            badges=partial(badges, view),
            first=services.search.offset(search_request, view.languages, result.cursors[:1]),
            snippets=SearchSnippets(view, search_request),
            suggestion=LinkedText(words, links.to([*links.without("q"), ("q", words)])),
            drops=list(drops),
            sorts=list(_sorts(view, search_request)),
            pages=page.urls,
            explanation=explanation,
            queries=queries,
            formats=view.formats(LISTS, links.path, links.parameters),
        )

    def _records(self, iris: Sequence[str]) -> list[Record]:
        catalogue = self.site.catalogue
        return catalogue.reader.read_records(catalogue.shapes.entry_shape, iris)


def _drops(
    services: Services, view: View, frame: SearchFrame, filters: Sequence[ActiveFilter]
) -> Iterator[LinkedText]:
    """Yield for each filter of a search without entries how many it would have without it."""
    for dropped in filters[:_MAX_DROPS] if len(filters) > 1 else ():
        parameters = filters_without(frame.links, dropped.name, dropped.value)
        others = services.request_parser.parse(parameters, REPRESENTATION_PARAMETERS)
        total = services.search.search(replace(others, size=0), view.languages).total
        if total:
            text = view.phrase("withoutFilter", filter=dropped.text, count=total)
            yield LinkedText(text, dropped.href)


def _sorts(view: View, search_request: SearchRequest) -> Iterator[tuple[str, str, bool]]:
    """Yield the orders to choose from: parameter, label, whether it is the present one."""
    kind = view.catalogue.shapes.entry_shape
    labels = {RELEVANCE: view.phrase("relevance")} if search_request.query.strip() else {}
    labels["title"] = view.phrase("sortByTitle")
    for ordered in kind.fields:
        if ordered.is_ordered and not ordered.is_repeatable:
            labels[f"-{ordered.key}"] = f"{view.text(ordered.names)} ↓"
            labels[ordered.key] = f"{view.text(ordered.names)} ↑"
    for facet in kind.facets:
        if facet.is_repeatable and facet.has_options:
            label = view.phrase("mostFrequentValues", name=view.text(facet.names))
            labels[f"-{facet.key}{COUNT}"] = label
    present = search_request.sort or next(iter(labels))
    labels.setdefault(present, present)
    yield from ((name, label, name == present) for name, label in labels.items())


def _query_labels(view: View, all_facets: Sequence[tuple[Field, Facet]]) -> dict[str, str]:
    """Return what the queries of an explanation count, by their dotted names."""
    labels = {"list": view.phrase("entriesOfPage"), "total": view.phrase("allEntries")}
    for facet_field, facet in all_facets:
        labels[f"facets.{facet_field.key}.values"] = facet.label
        labels[f"facets.{facet_field.key}.notStated"] = (
            f"{facet.label}{view.colon} {view.phrase('notStated')}"
        )
    return labels


def routes(site: Site) -> APIRouter:
    """Return the routes of searches."""
    router, endpoint, catalogue = APIRouter(), SearchEndpoint(site), site.catalogue
    parameters = openapi.search_parameters(site.services)
    parameters += openapi.result_parameters(catalogue, LISTS)
    operation = Operation(
        openapi.operation_id(catalogue, "search"),
        "search",
        catalogue.phrase("search"),
        model=search_model(catalogue),
        media_types=LISTS,
        parameters=parameters,
    )
    path = site.addresses.search
    router.get(path, **operation.arguments())(endpoint.respond)
    router.get(path + ".{extension}", include_in_schema=False)(endpoint.respond)
    return router
