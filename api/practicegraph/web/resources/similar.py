"""Entries that are similar to one, with the concepts that they share."""

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from msgspec import UNSET, Meta, UnsetType
from pyoxigraph import NamedNode

from ...errors import RequestError
from ...rdf.terms import as_text
from ...schema.records import Record
from ...search.engine import SharedConcept, SimilarEntry
from ...search.request import RequestParser
from .. import openapi
from ..context import VARY, Site, View
from ..http import conditional, negotiation, responses
from ..http.negotiation import HTML, JSON
from ..http.responses import Link
from ..models import Count, JsonObject
from ..openapi import Operation
from ..search.explanation import SimilarExplanation, explain_similar
from ..search.links import REPRESENTATION_PARAMETERS
from ..search.results import ConceptValue
from . import lifecycle
from .resource import SIMILAR, ResourceEndpoint

MEDIA_TYPES = (JSON, HTML)
"""The representations of the result."""
_PARAMETERS = ("size", "explain")
_VALID = (*_PARAMETERS, *REPRESENTATION_PARAMETERS)
_SIZE = 10


class SharedConceptObject(ConceptValue):
    """A concept that two entries share."""

    facet: str


class EntryReference(JsonObject):
    """An entry by its IRI, identifier and title."""

    id: str
    identifier: str
    title: str


class SimilarEntryObject(EntryReference):
    """An entry that is similar to another."""

    similarity: Annotated[float, Meta(gt=0, le=1)]
    shared: list[SharedConceptObject]
    shared_count: Count


class SimilarEntriesObject(EntryReference):
    """An entry and those that are similar to it."""

    release: str
    items: list[SimilarEntryObject]
    explanation: SimilarExplanation | UnsetType = UNSET


@dataclass(frozen=True)
class SimilarEndpoint:
    """Answers with the entries that are similar to one."""

    site: Site

    def respond(self, request: Request, identifier: str) -> Response:
        """Return the entries similar to one; for an entry that is not current, as its IRI does."""
        media_type = negotiation.negotiate(request, MEDIA_TYPES)
        catalogue, view = self.site.catalogue, self.site.view(request)
        size, is_explained = self._parameters(request)
        iri = catalogue.entry_iri(identifier)
        path = f"{catalogue.shapes.entry_shape.segment}/{identifier}"
        deprecation = catalogue.lifecycle.get(iri)
        if deprecation and deprecation.is_moved:
            name = request.url.path.rpartition("/")[2]
            return lifecycle.redirect(self.site, request, deprecation, f"/{name}")
        if deprecation:
            return ResourceEndpoint(self.site).document(request, iri, path, media_type)
        record = self._record(path, iri)

        def make() -> Response:
            start = perf_counter()
            entries = self.site.services.similarity.find(record, size)
            milliseconds = (perf_counter() - start) * 1000
            if media_type == HTML:
                return self.site.html(
                    request, "similar.html", record=record, similar_entries=entries
                )
            result = _result(view, record, entries)
            if is_explained:
                result.explanation = explain_similar(view, iri, size, milliseconds)
            return responses.json(result)

        validators = view.result_validators(request, media_type, is_explained)
        about = responses.header([Link(f"{responses.prefix(request)}/{path}", "about")])
        return conditional.answer(request, validators, VARY | about, make)

    def _parameters(self, request: Request) -> tuple[int, bool]:
        """Return the number of entries, and whether to explain; raise InvalidParameterError."""
        parser: RequestParser = self.site.services.request_parser
        pairs = request.query_params.multi_items()
        negotiation.check_parameters(request, _VALID)
        search_request = parser.parse(pair for pair in pairs if pair[0] in _PARAMETERS)
        size = search_request.size if "size" in request.query_params else _SIZE
        return size, search_request.explain

    def _record(self, path: str, iri: str) -> Record:
        """Return the entry; raise RequestError where there is none."""
        catalogue = self.site.catalogue
        kind = catalogue.shapes.entry_shape
        is_entry = self.site.addresses.iri(path) == iri and (
            catalogue.shapes.find_node_shape(catalogue.reader.read_classes(iri)) == kind
        )
        if not is_entry:
            raise RequestError("notFound")
        return catalogue.reader.read_records(kind, [iri])[0]


def _result(view: View, record: Record, entries: Sequence[SimilarEntry]) -> SimilarEntriesObject:
    items = [
        SimilarEntryObject(
            **_reference(view, entry.record),
            similarity=round(entry.similarity.score, 4),
            shared=[_shared(view, concept) for concept in entry.shared],
            shared_count=entry.similarity.shared,
        )
        for entry in entries
    ]
    release = view.services.search.release
    return SimilarEntriesObject(**_reference(view, record), release=release, items=items)


def _reference(view: View, record: Record) -> dict[str, Any]:
    """Return the IRI, identifiers and title of an entry."""
    title, _ = record.text_with_role("LabelRole", view.languages)
    identifiers = [f.key for f in record.shape.fields_with_role("IDRole") if f.key in record.values]
    named = {key: as_text(record.values[key][0]) for key in identifiers}
    return {"id": record.iri, **named, "title": title}


def _shared(view: View, shared: SharedConcept) -> SharedConceptObject:
    iri = shared.concept
    value = view.catalogue.reader.code(NamedNode(iri))
    return SharedConceptObject(value, iri, view.name(iri), shared.key)


def routes(site: Site) -> APIRouter:
    """Return the routes of the entries that are similar to one."""
    router, endpoint, catalogue = APIRouter(), SimilarEndpoint(site), site.catalogue
    path = f"/{catalogue.shapes.entry_shape.segment}/{{identifier}}/{SIMILAR}"
    operation = Operation(
        openapi.operation_id(catalogue, "findSimilar"),
        "search",
        catalogue.phrase("similar"),
        model=SimilarEntriesObject,
        media_types=MEDIA_TYPES,
        statuses=(200, 301, 304),
        errors=(400, 404, 406, 410),
        parameters=[
            openapi.size_parameter(catalogue, _SIZE),
            *openapi.result_parameters(catalogue, MEDIA_TYPES),
        ],
    )
    router.get(path, **operation.arguments())(endpoint.respond)
    router.get(path + ".{extension}", include_in_schema=False)(endpoint.respond)
    return router
