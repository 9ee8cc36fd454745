"""IRIs and their documents: a redirect with 303, and the document in each representation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from pyoxigraph import NamedNode, Quad, Triple

from ...errors import RequestError
from ...exchange.dumps import ReleaseDumps
from ...rdf.namespaces import SCHEMA
from ...schema.ontology import SchemaOrgDescriber
from ...schema.records import Record
from ...search.engine import SimilarEntry
from ...search.request import ALL_ENTRIES
from .. import document
from ..context import VARY, Site
from ..document import json_ld_response, wants_expanded
from ..http import conditional, negotiation, responses
from ..http.conditional import Validators
from ..http.negotiation import (
    DOCUMENTS,
    DOCUMENTS_AND_LINKS,
    HTML,
    JSON,
    JSON_LD,
    LINKSET,
    MediaType,
)
from ..http.responses import DocumentLinks, Link
from ..metadata import MODIFIED, DocumentMetadata
from ..search.facets import facets
from ..urls import SERVICES
from . import lifecycle
from .concept_usage import ConceptUsage
from .dataset import DatasetDescription, Downloads, downloads

SIMILAR = "similar"
"""The last segment of the path of the entries that are similar to one."""
_MAX_SIMILAR = 5


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

        A moved IRI redirects to its successor, a withdrawn one answers with its tombstone. Raises
        RequestError.
        """
        stem, dot, extension = path.rpartition(".")
        by_extension = {media_type.extension: media_type for media_type in DOCUMENTS_AND_LINKS}
        if dot and extension in by_extension:
            iri = self.site.addresses.iri(stem)
            if iri:
                return self.document(request, iri, stem, by_extension[extension])
        iri = self.site.addresses.iri(path)
        if iri is None:
            raise RequestError("notFound")
        media_type = negotiation.negotiate_document(request, DOCUMENTS_AND_LINKS)
        deprecation = self.site.catalogue.lifecycle.get(iri)
        if deprecation and deprecation.is_moved:
            return lifecycle.redirect(self.site, request, deprecation)
        if deprecation:
            return self.document(request, iri, path, media_type)
        headers = VARY | responses.header(self._links(request, iri, path).alternates())
        place = f"{responses.prefix(request)}/{quote(path)}.{media_type.extension}"
        return RedirectResponse(place, 303, headers)

    def home(self, request: Request) -> Response:
        """Return the home page."""
        base = self.site.catalogue.base
        links = self._links(request, base, self.site.addresses.start).brief(HTML)
        links.append(Link(responses.root(request) + SERVICES, "api-catalog", LINKSET.name))
        return self._conditional(request, base, HTML, links, lambda: self._home(request, links))

    def document(self, request: Request, iri: str, path: str, media_type: MediaType) -> Response:
        """Return the document of an IRI in a representation; 410 where it was withdrawn."""
        all_links = self._links(request, iri, path)
        links = all_links.brief(media_type) if media_type != LINKSET else []

        def make() -> Response:
            if media_type == HTML:
                return self._page(request, iri, path, links)
            if media_type == JSON:
                return responses.json(self.as_json(request, iri))
            if media_type == LINKSET:
                return responses.json(all_links.linkset(), media_type=media_type.content_type)
            return self._graph(request, iri, media_type)

        deprecation = self.site.catalogue.lifecycle.get(iri)
        if deprecation and not deprecation.is_moved:
            answer = make()
            tag = self._validators(request, iri, media_type).tag
            answer.headers.update(VARY | responses.header(links) | ({"ETag": tag} if tag else {}))
        else:
            answer = self._conditional(request, iri, media_type, links, make)
        return lifecycle.with_lifecycle(answer, deprecation)

    def _conditional(
        self,
        request: Request,
        iri: str,
        media_type: MediaType,
        links: Sequence[Link],
        make: Callable[[], Response],
    ) -> Response:
        """Return validators, so that caches can revalidate the response."""
        validators = self._validators(request, iri, media_type)
        return conditional.answer(request, validators, VARY | responses.header(links), make)

    def _validators(self, request: Request, iri: str, media_type: MediaType) -> Validators:
        catalogue = self.site.catalogue
        is_entry = iri.startswith(catalogue.entry_iri(""))
        language = self.site.view(request).language if media_type in (HTML, JSON) else ""
        expanded = media_type == JSON_LD and wants_expanded(request)
        said = catalogue.store.values(NamedNode(iri), MODIFIED)
        given = self._dumps() if iri == catalogue.base else {}
        dumps = (f"{name} {made.release}" for name, made in given.items())
        choices = (media_type.extension, language, str(expanded), *dumps)
        # The page of an entry also shows the entries that are similar to it.
        shows_others = media_type == HTML and is_entry
        day = (
            self.site.services.dataset.newest if shows_others else self.metadata.modified(iri, said)
        )
        state = self.site.catalogue.graph_digest(iri) if is_entry else ""
        return conditional.validators(request, catalogue.release, choices, day, state)

    def _links(self, request: Request, iri: str, path: str) -> DocumentLinks:
        return DocumentLinks(self.site.services, responses.root(request), iri, path)

    def _graph(self, request: Request, iri: str, media_type: MediaType) -> Response:
        catalogue = self.site.catalogue
        quads = document.statements_about(catalogue, iri)
        quads += self.metadata.quads(iri, quads, self._description(request, iri, quads))
        if media_type == JSON_LD:
            return json_ld_response(request, catalogue, document.distinct_triples(quads), iri)
        content = document.serialize_quads(catalogue, quads, media_type, iri)
        return Response(content, media_type=media_type.content_type)

    def _home(self, request: Request, links: Sequence[Link]) -> Response:
        catalogue, view = self.site.catalogue, self.site.view(request)
        answer = self.site.services.search.search(ALL_ENTRIES, view.languages)
        record = self._record(catalogue.base)
        return self.site.html(
            request,
            "home.html",
            record=record,
            total=answer.total,
            downloads=self._downloads(request),
            facets=facets(view, answer, ALL_ENTRIES),
            links=links,
            outline=self._outline(request, record),
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
        catalogue = self.site.catalogue
        record, usage = self._record(iri), ConceptUsage(self.site.services)
        return self.site.html(
            request,
            "record.html",
            iri=iri,
            record=record,
            terms=[] if iri == catalogue.base else self._terms(iri),
            scheme=catalogue.vocabularies.schemes.get(iri),
            counts=usage.counts(iri),
            uses=usage.uses(iri),
            outline=self._outline(request, record),
            links=links,
            deprecation=catalogue.lifecycle.get(iri),
            predecessors=catalogue.lifecycle.find_predecessors(iri),
            similar_entries=self._similar(record),
            similar_path=f"/{path}/{SIMILAR}",
            downloads=self._downloads(request) if iri == catalogue.base else [],
            formats=[
                (media_type.extension, f"{responses.prefix(request)}/{path}.{media_type.extension}")
                for media_type in DOCUMENTS
                if media_type != HTML
            ],
        )

    def _similar(self, record: Record | None) -> list[SimilarEntry]:
        """Return the entries that are most similar to a current entry."""
        catalogue = self.site.catalogue
        if record is None or record.shape != catalogue.shapes.entry_shape:
            return []
        return self.site.services.similarity.find(record, _MAX_SIMILAR)

    def _description(self, request: Request, iri: str, quads: Sequence[Quad]) -> list[Triple]:
        """Return the triples that follow from the catalogue and its server."""
        if iri != self.site.catalogue.base:
            return []
        dumps = self._dumps()
        return DatasetDescription(
            self.site.services, responses.root(request), dumps, quads
        ).triples()

    def _dumps(self) -> dict[str, ReleaseDumps]:
        """Return the dumps that are served, by name, each with all dumps of its release."""
        made = self.site.dumper.newest() if self.site.dumper else None
        return dict.fromkeys(made.dumps, made) if made else {}

    def _downloads(self, request: Request) -> list[Downloads]:
        return downloads(self.site.view(request), self._dumps())

    def _record(self, iri: str) -> Record | None:
        catalogue = self.site.catalogue
        kind = catalogue.shapes.find_node_shape(catalogue.reader.read_classes(iri))
        return catalogue.reader.read_records(kind, [iri])[0] if kind else None

    def _outline(self, request: Request, record: Record | None) -> dict[str, Any] | None:
        """Return a record as schema.org JSON-LD, with the licence or version of the catalogue."""
        catalogue = self.site.catalogue
        languages = self.site.view(request).languages
        outline = SchemaOrgDescriber(
            catalogue.reader, catalogue.ontology, catalogue.base, languages
        )
        found = outline.describe(record) if record else None
        if found is None or record is None:
            return None
        more: dict[str, str | None] = {}
        if record.iri == catalogue.base:
            more = {"version": catalogue.release}
        elif record.shape == catalogue.shapes.entry_shape:
            more = {"license": self.site.services.dataset.licence, "isPartOf": catalogue.base}
        return {"@context": SCHEMA, **more, **found}

    def _terms(self, iri: str) -> list[Record]:
        """Return the records whose IRIs are a document's with a fragment."""
        quads = document.statements_about(self.site.catalogue, iri)
        subjects = {q.subject.value for q in quads if isinstance(q.subject, NamedNode)}
        parts = sorted(subject for subject in subjects if subject.startswith(f"{iri}#"))
        return [record for part in parts if (record := self._record(part))]
