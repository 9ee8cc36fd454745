"""IRIs and their documents: a redirect with 303, and the document in each representation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from pyoxigraph import Literal, NamedNode, Quad, Triple

from ...catalogue.catalogue import Catalogue
from ...errors import RequestError
from ...exchange.export import ReleaseDumps
from ...rdf.terms import SCHEMA, as_text
from ...schema.fields import NodeShape
from ...schema.ontology import SchemaOrgDescriber
from ...schema.records import Record
from .. import document, openapi
from ..context import TEXTS, VARY, Site, View
from ..docs.terms import GROUP, find_document, find_term
from ..document import DocumentLinks, DocumentMetadata
from ..http import conditional, negotiation, responses
from ..http.conditional import Validators
from ..http.negotiation import (
    CITATIONS,
    DOCUMENTS,
    DOCUMENTS_AND_LINKS,
    ENTRY_DOCUMENTS,
    HTML,
    JSON,
    JSON_LD,
    LINKSET,
    MediaType,
)
from ..http.responses import Link
from ..openapi import Operation
from ..urls import SERVICES
from ..vocabularies.scheme_page import SCHEME_PARAMETERS, vocabulary_page
from ..vocabularies.uses import find_queries, find_uses
from . import entry_page, lifecycle
from .dataset import DatasetDescription, Downloads, downloads
from .entry_page import EntryPage
from .front import home_values

SIMILAR = "similar"
"""The last segment of the path of the entries that are similar to one."""
_TERMS = """
SELECT DISTINCT ?term
WHERE {{
    GRAPH {graph} {{ ?term ?property ?value }}
    FILTER (isIRI(?term) && STRSTARTS(STR(?term), {start}))
}}
"""
_BY_EXTENSION = sorted(ENTRY_DOCUMENTS, key=lambda each: -len(each.extension))


@dataclass(frozen=True)
class ResourceEndpoint:
    """Answers requests for IRIs and their documents."""

    site: Site

    @property
    def metadata(self) -> DocumentMetadata:
        """Return the metadata of documents."""
        return DocumentMetadata(self.site.services, self.site.addresses)

    def respond(self, request: Request, path: str) -> Response:
        """Answer an IRI with 303 to its document, and a document with 200.

        A moved IRI redirects to its successor, a withdrawn one answers with its tombstone. Raise
        RequestError for a path of no IRI.
        """
        for media_type in _BY_EXTENSION:
            stem = path.removesuffix(f".{media_type.extension}")
            iri = self.site.addresses.iri(stem) if stem != path else None
            if iri and media_type in self._media_types(iri):
                further = self._parameters_of_page(request, iri) if media_type == HTML else ()
                entry_page.check_parameters(request, self.site.catalogue.languages, further)
                return self.document(request, iri, stem, media_type)
            if iri and media_type in CITATIONS and self._is_retired_entry(iri):
                entry_page.check_parameters(request, self.site.catalogue.languages)
                tombstone = negotiation.negotiate_document(request, DOCUMENTS)
                return self.document(request, iri, stem, tombstone)
        iri = self.site.addresses.iri(path)
        if iri is None:
            return self._term(request, path)
        entry_page.check_parameters(request, self.site.catalogue.languages)
        media_type = negotiation.negotiate_document(request, self._media_types(iri))
        deprecation = self.site.catalogue.lifecycle.get(iri)
        if deprecation and deprecation.is_moved:
            return lifecycle.redirect(self.site, request, deprecation)
        if deprecation:
            return self.document(request, iri, path, media_type)
        headers = VARY | responses.header(self._links(request, iri, path).alternates())
        place = f"{responses.prefix(request)}/{quote(path)}.{media_type.extension}"
        kept = {HTML: ("lang", TEXTS), JSON: ("lang",)}.get(media_type, ())  # RDF has all languages
        if parameters := {n: v for n in kept if (v := request.query_params.get(n))}:
            place += f"?{urlencode(parameters)}"
        return RedirectResponse(place, 303, headers)

    def _parameters_of_page(self, request: Request, iri: str) -> Sequence[str]:
        """Return the parameters that the page of a scheme or of a document with terms has."""
        if iri in self.site.catalogue.vocabularies.schemes:
            return SCHEME_PARAMETERS
        is_asked = GROUP in request.query_params
        has_groups = is_asked and find_document(self.site, self.site.view(request), iri)
        return (GROUP,) if has_groups else ()

    def _media_types(self, iri: str) -> Sequence[MediaType]:
        """Return the media types of the documents of an IRI."""
        return ENTRY_DOCUMENTS if self._entry_shape(iri) else DOCUMENTS_AND_LINKS

    def _entry_shape(self, iri: str) -> NodeShape | None:
        """Return the shape of an entry of any kind; None for other IRIs, and for withdrawn ones."""
        catalogue = self.site.catalogue
        if iri in catalogue.vocabularies.schemes or not iri.startswith(catalogue.base):
            return None
        shape = catalogue.shapes.find_node_shape(catalogue.reader.read_classes(iri))
        return shape if shape and shape.segment else None

    def _is_retired_entry(self, iri: str) -> bool:
        catalogue = self.site.catalogue
        namespaces = tuple(catalogue.shapes.namespaces(catalogue.base))
        return iri.startswith(namespaces) and catalogue.lifecycle.get(iri) is not None

    def home(self, request: Request) -> Response:
        """Return the home page."""
        base = self.site.catalogue.base
        links = self._links(request, base, self.site.addresses.start).brief(HTML)
        links.append(Link(responses.root(request) + SERVICES, "api-catalog", LINKSET.name))
        make = partial(self._home, request, links)
        validators = self._validators(request, base, HTML, make)
        return conditional.answer(request, validators, VARY | responses.header(links), make)

    def document(self, request: Request, iri: str, path: str, media_type: MediaType) -> Response:
        """Return the document of an IRI in a representation; 410 where it was withdrawn."""
        all_links = self._links(request, iri, path)
        links = all_links.brief(media_type) if media_type != LINKSET else []

        @cache
        def make() -> Response:
            if media_type == HTML:
                return self._page(request, iri, path, links)
            if media_type == JSON:
                return responses.json(self.as_json(request, iri))
            if media_type in CITATIONS:
                record = self._record(iri)
                assert record
                return entry_page.cite(self.site.view(request), record, media_type)
            if media_type == LINKSET:
                return responses.json(all_links.linkset(), media_type=media_type.content_type)
            return self._graph(request, iri, media_type)

        validators = self._validators(request, iri, media_type, make)
        headers = VARY | responses.header(links)
        deprecation = self.site.catalogue.lifecycle.get(iri)
        if deprecation and not deprecation.is_moved:
            response = make()
            response.headers.update(headers | Validators(validators.tag).headers)
        else:
            response = conditional.answer(request, validators, headers, make)
        return lifecycle.with_lifecycle(response, deprecation)

    def _validators(
        self, request: Request, iri: str, media_type: MediaType, make: Callable[[], Response]
    ) -> Validators:
        """Return the validators of a page at a release; of other documents, by their content."""
        catalogue, services = self.site.catalogue, self.site.services
        release = catalogue.release
        by_language = (HTML, JSON, *CITATIONS)
        language = self.site.view(request).language if media_type in by_language else ""
        is_expanded = media_type == JSON_LD and document.wants_expanded(request)
        made = self._dumps() if iri == catalogue.base else None
        choices = (media_type.extension, language, str(is_expanded), made.release if made else "")
        # The dumps that a catalogue's documents describe are made after the change.
        modified = services.modified(release) if iri != catalogue.base else None
        state = catalogue.graph_digest(iri) if iri.startswith(catalogue.entry_iri("")) else ""
        if media_type == HTML:
            return conditional.validators(request, release, choices, modified, state)
        keys = [(str(request.url), *choices)]
        tags = self.site.tags.get_many(
            release, keys, lambda _: [conditional.entity_tag(make().body, state)]
        )
        return Validators(tags[0], modified)

    def _links(self, request: Request, iri: str, path: str) -> DocumentLinks:
        return DocumentLinks(self.site.services, responses.root(request), iri, path)

    def _graph(self, request: Request, iri: str, media_type: MediaType) -> Response:
        catalogue = self.site.catalogue
        stored = document.statements_about(catalogue, iri)
        graph = self.metadata.describe(iri, stored, self._description(request, iri, stored))
        if media_type == JSON_LD:
            return document.json_ld_response(request, catalogue, graph, iri)
        content = graph.serialize(catalogue, media_type, iri)
        return Response(content, media_type=media_type.content_type)

    def _home(self, request: Request, links: Sequence[Link]) -> Response:
        record = self._record(self.site.catalogue.base)
        assert record, "the catalogue describes itself"
        return self.site.html(
            request,
            "home.html",
            record=record,
            links=links,
            outline=self._outline(request, record),
            **home_values(self.site, self.site.view(request), record),
        )

    def as_json(self, request: Request, iri: str) -> dict[str, object]:
        """Return the record of an IRI as an object to encode, in the language of a request."""
        reader, view = self.site.catalogue.reader, self.site.view(request)
        record = self._record(iri)
        fields = reader.as_json(record, view.languages) if record else {}
        deprecation = self.site.catalogue.lifecycle.get(iri)
        status = lifecycle.status(deprecation, view.languages) if deprecation else {}
        return {"id": iri, "title": view.name(iri)} | fields | status

    def _page(self, request: Request, iri: str, path: str, links: Sequence[Link]) -> Response:
        catalogue, view = self.site.catalogue, self.site.view(request)
        record = self._record(iri)
        template, values = self._own_values(request, view, iri, record)
        return self.site.html(
            request,
            template,
            iri=iri,
            record=record,
            uses=find_uses(self.site, view, iri),
            queries=find_queries(self.site, iri),
            outline=self._outline(request, record),
            links=links,
            deprecation=catalogue.lifecycle.get(iri),
            predecessors=catalogue.lifecycle.find_predecessors(iri),
            downloads=self._downloads(request) if iri == catalogue.base else None,
            formats=view.formats(DOCUMENTS, f"/{path}"),
            **values,
            similar_path=f"/{path}/{SIMILAR}",
        )

    def _own_values(
        self, request: Request, view: View, iri: str, record: Record | None
    ) -> tuple[str, dict[str, Any]]:
        """Return the template of an IRI and the values that it alone has."""
        if record and (page := vocabulary_page(self.site, view, request, record)):
            return page
        if record and (whole := find_document(self.site, view, iri)):
            return "terms.html", whole.index_values(request)
        terms = [] if iri == self.site.catalogue.base else self._terms(iri, record)
        if record and (segment := record.shape.segment):
            of_kind = replace(view, services=self.site.services.of_kind(segment))
            return "entry.html", {"terms": terms, "entry": EntryPage(of_kind, request, record)}
        return "record.html", {"terms": terms}

    def _term(self, request: Request, path: str) -> Response:
        """Return the page of a term of a document; raise RequestError where there is none."""
        found = find_term(self.site, self.site.view(request), path)
        if found is None:
            raise RequestError("notFound")
        whole, iri = found
        validators = self._validators(request, iri, HTML, Response)

        def make() -> Response:
            return self.site.html(request, "term.html", **whole.page_values(iri))

        return conditional.answer(request, validators, VARY, make)

    def _description(self, request: Request, iri: str, quads: Sequence[Quad]) -> list[Triple]:
        """Return the triples that follow from the catalogue and its server."""
        if iri != self.site.catalogue.base:
            return []
        root, made = responses.root(request), self._dumps()
        return DatasetDescription(self.site.services, root, made, quads).triples()

    def _dumps(self) -> ReleaseDumps | None:
        return self.site.dumper.newest() if self.site.dumper else None

    def _downloads(self, request: Request) -> Downloads | None:
        made = self._dumps()
        return downloads(made, self.site.view(request).language) if made else None

    def _record(self, iri: str) -> Record | None:
        catalogue = self.site.catalogue
        kind = catalogue.shapes.find_node_shape(catalogue.reader.read_classes(iri))
        return catalogue.reader.read_records(kind, [iri])[0] if kind else None

    def _outline(self, request: Request, record: Record | None) -> dict[str, Any] | None:
        """Return a record as schema.org JSON-LD, with the version of the catalogue."""
        catalogue = self.site.catalogue
        if record is None:
            return None
        describer = SchemaOrgDescriber(
            catalogue.reader,
            catalogue.ontology,
            catalogue.base,
            self.site.view(request).languages,
            catalogue.schema_classes,
        )
        description = self._record(record.shape.record_iri(record.iri))
        outline = (
            describer.describe_work(record, description)
            if description and description != record
            else describer.describe(record)
        )
        if outline is None:
            return None
        more = {"version": catalogue.release} if record.iri == catalogue.base else {}
        return {"@context": SCHEMA, **more, **outline}

    def _terms(self, iri: str, whole: Record | None) -> list[Record]:
        """Return the records whose IRIs are a document's with a fragment, without fields of it."""
        query = _TERMS.format(graph=NamedNode(iri), start=Literal(f"{iri}#"))
        terms = sorted(as_text(row["term"]) for row in self.site.catalogue.store.select(query))
        records = [record for term in terms if (record := self._record(term))]
        shown = {field.iri for field, _ in whole.items() if field.via} if whole else set()
        return [
            replace(record, values={f.key: v for f, v in record.items() if f.iri not in shown})
            for record in records
        ]


def routes(site: Site) -> APIRouter:
    """Return the routes of all IRIs; of these, OpenAPI describes those of entries."""
    router, endpoint = APIRouter(), ResourceEndpoint(site)

    def resource(request: Request) -> Response:
        return endpoint.respond(request, site.path(request).removeprefix("/"))

    for each in site.of_kinds:
        path = f"/{each.catalogue.shapes.entry_shape.segment}/{{identifier}}"
        by_iri, by_extension = _operations(each.catalogue)
        router.get(path + ".{format}", **by_extension.arguments())(resource)
        router.get(path, **by_iri.arguments())(resource)
    router.get("/{path:path}", include_in_schema=False)(resource)
    return router


def _operations(catalogue: Catalogue) -> tuple[Operation, Operation]:
    """Return the operations of the IRI of an entry and of its documents."""
    identifier = openapi.parameter("identifier", "", openapi.TEXT, "path")
    tombstone = {
        "description": "Gone",
        "content": {media_type.name: {} for media_type in DOCUMENTS_AND_LINKS},
    }
    by_iri = Operation(
        openapi.operation_id(catalogue, "getEntry"),
        "entries",
        catalogue.phrase("description"),
        statuses=(303, 301),
        errors=(400, 404, 406),
        parameters=[
            identifier,
            *openapi.document_parameters(catalogue, ENTRY_DOCUMENTS, TEXTS),
        ],
        more={"responses": {"410": tombstone}},
    )
    names = {"enum": [media_type.extension for media_type in ENTRY_DOCUMENTS]}
    extension = openapi.parameter("format", "", openapi.TEXT | names, "path")
    by_extension = replace(
        by_iri,
        id=openapi.operation_id(catalogue, "getEntryDocument"),
        media_types=ENTRY_DOCUMENTS,
        statuses=(200, 304),
        errors=(400, 404),
        parameters=[*by_iri.parameters, extension],
    )
    return by_iri, by_extension
