"""The search over HTTP: one answer as a page, JSON, CSV, XLSX, or in any RDF syntax.

A page of a search as a graph: its entries, and the way on in the terms of Hydra.

The collection keeps the published base; its pages have the address at which they were asked for, so
that a client can follow them there (https://www.hydra-cg.com/spec/latest/core/). The page's
statements stand in a graph of their own, which the page names, before the entries' graphs. A graph
has no order; the documents list members and entries in that of the search.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from fastapi import Request, Response
from pyoxigraph import Literal, NamedNode, Triple

from ...application.services import Services
from ...exchange.table_format import TableColumns, column_keys, csv_row
from ...exchange.table_writer import CellValueError, WorkbookWriter
from ...rdf.terms import RDF, XSD, Term, in_graph
from ...schema.fields import Field
from ...schema.records import Record
from ...search.engine import SearchResult
from ...search.request import NOT, RequestParser, encode_cursor
from ...storage.base import ReleaseCache
from .. import document
from ..context import VARY, Site, View
from ..http import conditional, negotiation, responses
from ..http.negotiation import CSV, HTML, JSON, LISTS, XLSX, Form, NotAcceptableError
from ..http.responses import Link
from ..urls import SEARCH
from . import answer as search_answer
from . import page as search_page
from .answer import Extracts
from .page import OURS, Found, address, query_of

HYDRA = "http://www.w3.org/ns/hydra/core#"
_SEE_ALSO = "http://www.w3.org/2000/01/rdf-schema#seeAlso"
_RELATIONS = {"first": "first", "next": "next", "prev": "previous"}
_PAGING = ("after", "before", "size", "sort", "zeros", "explain")
_MEANT = {"q": "freetextQuery", "size": "limit", "after": "pageReference"}
_TEMPLATE = "#search"
_IN_TEMPLATE = ("q", "sort", "size", "after", "before")


def page(services: Services, request: Request, found: Found, form: Form) -> bytes:
    """Return a page of a search in an RDF syntax."""
    catalogue = services.catalogue
    asked = request.query_params.multi_items()
    origin = str(request.url.replace(path="", query=""))
    view = origin + address(request.url.path, asked)
    narrowing = query_of(asked, (*_PAGING, *OURS))
    collection = address(catalogue.base.rstrip("/") + SEARCH, narrowing)
    template = f"{responses.root(request)}{SEARCH}"
    said = [
        *_of_collection(collection, view, found),
        *_of_view(view, origin, found),
        *_of_template(services.request_parser, collection, template),
    ]
    entries = found.answer.entries
    quads = [*in_graph(said, view), *(q for name in entries for q in catalogue.store.graph(name))]
    topics = (collection, view, template + _TEMPLATE, *entries)
    return document.listed(catalogue, quads, form, topics)


def _of_collection(collection: str, view: str, found: Found) -> Iterator[Triple]:
    yield _says(collection, RDF + "type", NamedNode(HYDRA + "Collection"))
    total = Literal(str(found.answer.total), datatype=NamedNode(XSD + "integer"))
    yield _says(collection, HYDRA + "totalItems", total)
    yield _says(collection, HYDRA + "view", NamedNode(view))
    for entry in found.answer.entries:
        yield _says(collection, HYDRA + "member", NamedNode(entry))


def _of_view(view: str, origin: str, found: Found) -> Iterator[Triple]:
    yield _says(view, RDF + "type", NamedNode(HYDRA + "PartialCollectionView"))
    pages = {relation: origin + place for relation, place in found.pages.items()}
    for relation, place in ({"first": view} | pages).items():
        yield _says(view, HYDRA + _RELATIONS[relation], NamedNode(place))


def _of_template(choosing: RequestParser, collection: str, path: str) -> Iterator[Triple]:
    """Give how a search is asked for: a template (RFC 6570), each variable with its field."""
    parameters, template = choosing.parameters, path + _TEMPLATE
    variables = {n: facet for n, facet in parameters.items() if facet or n in _IN_TEMPLATE}
    listed = ",".join(n + "*" * _repeats(n, facet) for n, facet in variables.items())
    yield _says(collection, HYDRA + "search", NamedNode(template))
    yield _says(template, RDF + "type", NamedNode(HYDRA + "IriTemplate"))
    yield _says(template, HYDRA + "template", Literal(f"{path}{{?{listed}}}"))
    basic = NamedNode(HYDRA + "BasicRepresentation")
    yield _says(template, HYDRA + "variableRepresentation", basic)
    for name, facet in variables.items():
        mapping = f"{template}-{name}"
        yield _says(template, HYDRA + "mapping", NamedNode(mapping))
        yield from _of_mapping(mapping, name, facet)


def _of_mapping(mapping: str, name: str, facet: Field | None) -> Iterator[Triple]:
    """Give what a variable means: its property if it has one, and the shape of its field."""
    yield _says(mapping, RDF + "type", NamedNode(HYDRA + "IriTemplateMapping"))
    yield _says(mapping, HYDRA + "variable", Literal(name))
    if facet is None:
        if name in _MEANT:
            yield _says(mapping, HYDRA + "property", NamedNode(HYDRA + _MEANT[name]))
        return
    yield _says(mapping, _SEE_ALSO, NamedNode(facet.iri))
    if facet.predicate and name == facet.key:
        yield _says(mapping, HYDRA + "property", NamedNode(facet.predicate))


def _repeats(name: str, facet: Field | None) -> bool:
    return facet is not None and name in (facet.key, facet.key + NOT)


def _says(subject: str, name: str, value: Term) -> Triple:
    return Triple(NamedNode(subject), NamedNode(name), value)


_ITEMS = 2000  # entries written in JSON, about 4 kB each, that are kept
_SEARCHES_PAGING = ("after", "before")


@dataclass(frozen=True)
class Searches:
    """Answers searches."""

    site: Site
    items: ReleaseCache[tuple[str, Sequence[str]], str] = field(
        default_factory=lambda: ReleaseCache(_ITEMS)
    )

    def answer(self, request: Request) -> Response:
        """Answer a search in the form that the reader asks for."""
        return self.in_form(request, negotiation.form(request, LISTS))

    def in_form(self, request: Request, form: Form) -> Response:
        """Answer a search in a form."""
        services, view = self.site.services, self.site.view(request)
        choices = services.request_parser.parse(request.query_params.multi_items(), OURS)
        began = perf_counter()
        answer = services.search.search(choices, view.languages)
        found = Found(choices, answer, (perf_counter() - began) * 1000, _pages(request, answer))

        def make() -> Response:
            if form == HTML:
                return search_page.page(self.site, request, found)
            if form == JSON:
                return Response(self._json(view, found), media_type=form.content_type)
            if form == CSV:
                return Response(self._csv(answer), media_type=form.content_type)
            if form == XLSX:
                return Response(self._sheet(view, answer), media_type=form.content_type)
            content = page(services, request, found, form)
            return Response(content, media_type=form.content_type)

        known = search_answer.validators(view, request, form, choices.explain)
        return conditional.answer(request, known, VARY | _links(request, found, form), make)

    def _json(self, view: View, found: Found) -> str:
        answer, choices = found.answer, found.choices
        more: dict[str, Any] = dict(found.pages)
        if meant := search_answer.meant(view, choices, answer):
            more["meant"] = meant
        if choices.explain:
            more["explanation"] = search_answer.answer(view, choices, found.milliseconds)
        shown = search_answer.facets(view, answer, choices)
        whole = {
            "total": search_answer.written(answer.total),
            "release": search_answer.written(self.site.services.search.release),
            "items": search_answer.listed(self._items(view, found)),
            "facets": search_answer.named({facet.field.key: facet.as_json() for facet in shown}),
        }
        return search_answer.extended(search_answer.named(whole), more)

    def _items(self, view: View, found: Found) -> list[str]:
        """Give the entries of a page in JSON; where words were found, with what shows it."""
        reader, languages = self.site.catalogue.reader, view.languages
        items = self.items.of(
            reader.store.version(),
            [(iri, languages) for iri in found.answer.entries],
            lambda missing: [
                search_answer.written(reader.as_json(one, languages))
                for one in self._records([iri for iri, _ in missing])
            ],
        )
        if not found.choices.query.strip():
            return items
        shown = Extracts(view, found.choices)
        records = self._records(found.answer.entries)
        return [
            search_answer.extended(item, shown.as_json(record))
            for item, record in zip(items, records, strict=True)
        ]

    def _csv(self, answer: SearchResult) -> str:
        kind, tags = self.site.catalogue.shapes.record, self.site.catalogue.languages
        text = io.StringIO()
        table = csv.DictWriter(text, column_keys(kind, tags), restval="")
        table.writeheader()
        reader = self.site.catalogue.reader
        table.writerows(csv_row(reader, record, tags) for record in self._records(answer.entries))
        return text.getvalue()

    def _sheet(self, view: View, answer: SearchResult) -> bytes:
        catalogue, output = self.site.catalogue, io.BytesIO()
        sheets = WorkbookWriter(TableColumns(catalogue.value_parser), view.languages)
        try:
            sheets.write(catalogue.reader, self._records(answer.entries), output)
        except CellValueError as error:
            raise NotAcceptableError([form for form in LISTS if form != XLSX]) from error
        return output.getvalue()

    def _records(self, iris: Sequence[str]) -> list[Record]:
        catalogue = self.site.catalogue
        return catalogue.reader.records(catalogue.shapes.record, iris)


def _pages(request: Request, answer: SearchResult) -> dict[str, str]:
    """Give the addresses of the pages around one, and of the first where it is another."""
    asked = query_of(request.query_params.multi_items(), _SEARCHES_PAGING)

    places, path, found = answer.cursors, request.url.path, {}
    if places and answer.has_next:
        found["next"] = address(path, [*asked, ("after", encode_cursor(places[-1]))])
    if places and answer.has_previous:
        found["prev"] = address(path, [*asked, ("before", encode_cursor(places[0]))])
    if "after" in request.query_params or "before" in request.query_params:
        found["first"] = address(path, asked)
    return found


def _links(request: Request, found: Found, form: Form) -> dict[str, str]:
    """Give the pages around one as links (RFC 8288), and what explains a form without it."""
    listed = [Link(address, relation) for relation, address in found.pages.items()]
    if form != JSON:
        asked = query_of(request.query_params.multi_items(), ("format", "explain"))
        path = f"{responses.prefix(request)}{SEARCH}.{JSON.extension}"
        place = address(path, [*asked, ("explain", "true")])
        listed.append(Link(place, "describedby", JSON.plain))
    return responses.header(listed)
