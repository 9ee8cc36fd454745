"""The search endpoint: a result as a page, JSON, CSV, XLSX or in an RDF syntax."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from fastapi import Request, Response

from ...exchange.table_format import TableColumns, column_keys, csv_row
from ...exchange.table_writer import CellValueError, WorkbookWriter
from ...schema.records import Record
from ...search.engine import SearchResult
from ...storage.base import ReleaseCache
from ..context import VARY, Site, View
from ..http import conditional, negotiation, responses
from ..http.negotiation import CSV, HTML, JSON, LISTS, XLSX, MediaType, NotAcceptableError
from ..http.responses import Link
from .explanation import explain_search, result_validators
from .facets import facets
from .hydra import hydra_document
from .links import REPRESENTATION_PARAMETERS, explanation_link, page_urls
from .page import SearchPage, search_page
from .snippets import SearchSnippets, suggest_words

_MAX_CACHED_ITEMS = 2000  # about 4 kB each


@dataclass(frozen=True)
class SearchEndpoint:
    """Answers searches."""

    site: Site
    _items: ReleaseCache[tuple[str, Sequence[str]], dict[str, Any]] = field(
        default_factory=lambda: ReleaseCache(_MAX_CACHED_ITEMS)
    )

    def respond(self, request: Request) -> Response:
        """Answer a search in the representation that the request prefers."""
        return self.respond_in(request, negotiation.negotiate(request, LISTS))

    def respond_in(self, request: Request, media_type: MediaType) -> Response:
        """Answer a search in a representation."""
        services, view = self.site.services, self.site.view(request)
        parameters = request.query_params.multi_items()
        search_request = services.request_parser.parse(parameters, REPRESENTATION_PARAMETERS)
        start = perf_counter()
        result = services.search.search(search_request, view.languages)
        milliseconds = (perf_counter() - start) * 1000
        page = SearchPage(search_request, result, milliseconds, page_urls(request, result))
        links = [Link(url, relation) for relation, url in page.urls.items()]
        links += (
            [] if media_type == JSON else [explanation_link(request, self.site.addresses.search)]
        )
        return conditional.answer(
            request,
            result_validators(view, request, media_type, search_request.explain),
            VARY | responses.header(links),
            lambda: self._response(request, view, page, media_type),
        )

    def _response(
        self, request: Request, view: View, page: SearchPage, media_type: MediaType
    ) -> Response:
        if media_type == HTML:
            return search_page(self.site, request, page)
        if media_type == JSON:
            return responses.json(self._json(view, page))
        content: str | bytes
        if media_type == CSV:
            content = self._csv(page.result)
        elif media_type == XLSX:
            content = self._workbook(view, page.result)
        else:
            services = self.site.services
            content = hydra_document(services, request, page.result, page.urls, media_type)
        return Response(content, media_type=media_type.content_type)

    def _json(self, view: View, page: SearchPage) -> dict[str, Any]:
        result, search_request = page.result, page.search_request
        found = {
            "total": result.total,
            "release": view.services.search.release,
            "items": self._json_items(view, page),
            "facets": {f.field.key: f.as_json() for f in facets(view, result, search_request)},
            **page.urls,
        }
        if words := suggest_words(view, search_request, result):
            found["suggestions"] = [words]
        if search_request.explain:
            found["explanation"] = explain_search(view, search_request, page.milliseconds)
        return found

    def _json_items(self, view: View, page: SearchPage) -> list[dict[str, Any]]:
        """Return the entries of a page; those found by words, with snippets."""
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
        shown = map(snippets.for_json, self._records(page.result.entries))
        return [
            item | ({"snippets": found} if found else {})
            for item, found in zip(items, shown, strict=True)
        ]

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

    def _records(self, iris: Sequence[str]) -> list[Record]:
        catalogue = self.site.catalogue
        return catalogue.reader.read_records(catalogue.shapes.entry_shape, iris)
