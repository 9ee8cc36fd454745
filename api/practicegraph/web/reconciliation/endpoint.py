"""The Reconciliation Service API 0.2: manifest, query results and data extension.

https://www.w3.org/community/reports/reconciliation/CG-FINAL-specs-0.2-20230410/
There is no JSONP, which is optional (section 3.3), since it has a page run code of another server.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from anyio import CapacityLimiter, to_thread
from babel import Locale
from fastapi import APIRouter, Request, Response
from msgspec import UNSET, UnsetType

from ... import __version__
from ...errors import RequestError
from ...reconciliation.candidates import Candidate, Query
from ...reconciliation.extension import EVERY
from .. import openapi
from ..context import VARY, Site, View
from ..http import bodies, conditional, responses
from ..models import JsonObject
from ..openapi import Operation, model_body
from ..urls import RECONCILE
from . import suggest
from .requests import MAX_BATCH, BatchParser, Extension
from .suggest import (
    FLYOUT,
    HEIGHT,
    PREVIEW,
    PROPERTIES,
    SUGGEST,
    TAG,
    VIEW,
    WIDTH,
    Named,
    TypeReference,
    reference,
    type_reference,
)


class ViewTemplate(JsonObject):
    """A URL template with the variable `id`."""

    url: str


class PreviewTemplate(ViewTemplate):
    """A URL template of a page for a frame, with its size in pixels."""

    width: int
    height: int


class ServiceAddress(JsonObject, rename=None):
    """A service of the manifest."""

    service_url: str
    service_path: str
    flyout_service_url: str = ""
    flyout_service_path: str = ""


class PropertySetting(JsonObject):
    """A setting of the properties of data extension."""

    name: str
    type: str
    default: str | int
    label: str
    choices: tuple[dict[str, str], ...] = ()


class ExtensionOffer(JsonObject, rename=None):
    """The data extension in the manifest."""

    propose_properties: ServiceAddress
    property_settings: list[PropertySetting]


class ManifestObject(JsonObject):
    """The service manifest (section 3.1)."""

    versions: list[str]
    name: str
    identifier_space: str
    schema_space: str
    documentation: str
    service_version: str
    default_types: list[TypeReference]
    view: ViewTemplate
    preview: PreviewTemplate
    suggest: dict[str, ServiceAddress]
    extend: ExtensionOffer
    batch_size: int


class MatchingFeature(JsonObject):
    """A feature of a candidate, and how well it matches."""

    id: str
    value: float | bool


class CandidateObject(Named):
    """A candidate for a query (section 4.2)."""

    type: list[Named]
    score: float
    features: list[MatchingFeature]
    match: bool


class CandidatesObject(JsonObject):
    """The candidates for a query, the best first."""

    result: list[CandidateObject]


class PropertyMeta(Named):
    """A property of data extension, with the type of its values."""

    type: Named | UnsetType = UNSET


class DataExtensionObject(JsonObject):
    """The values of properties of entities (section 7.4)."""

    meta: list[PropertyMeta]
    rows: dict[str, dict[str, list[dict[str, Any]]]]


class ReconciliationForm(JsonObject):
    """A form of `POST /reconcile`: JSON of queries by key, or of ids and properties."""

    queries: str | UnsetType = UNSET
    extend: str | UnsetType = UNSET


ANSWERS = (ManifestObject, DataExtensionObject, dict[str, CandidatesObject])
"""The models of the answers: the manifest, or what `extend` or `queries` ask for."""


@dataclass(frozen=True)
class ReconciliationEndpoint:
    """Answers queries and data extension requests; other requests with the manifest."""

    site: Site

    def respond(self, request: Request, fields: Mapping[str, str]) -> Response:
        """Answer the fields of a form or a URL; raise RequestError or InvalidParameterError."""
        view = self.site.view(request)
        parser = BatchParser(view.services.types, view.catalogue.languages)
        if "queries" in fields:
            return responses.json(_results(view, parser.parse_queries(fields["queries"])), VARY)
        if "extend" in fields:
            return responses.json(_extension(view, parser.parse_extension(fields["extend"])), VARY)
        if request.method == "POST":
            form = "queries={…}, extend={…}"
            raise RequestError("invalidItem", place="POST", form=form)
        validators = conditional.validators(request, view.catalogue.release, [view.language])
        return conditional.answer(
            request,
            validators,
            VARY,
            lambda: responses.json(manifest(view, responses.root(request))),
        )


def manifest(view: View, root: str) -> ManifestObject:
    """Return the manifest of the service at a root."""
    catalogue, types = view.catalogue, view.services.types
    language = view.language if view.keeps_language else ""
    query = f"&lang={language}" if language else ""
    properties = ServiceAddress(root, PROPERTIES + (f"/{language}" if language else ""))
    return ManifestObject(
        versions=["0.1", "0.2"],
        name=view.name(catalogue.base),
        identifier_space=catalogue.base,
        schema_space=catalogue.shapes.entry_shape.classes[0],
        documentation=f"{root}/",
        service_version=__version__,
        default_types=[type_reference(type_, types, view) for type_ in types.all.values()],
        view=ViewTemplate(f"{root}{VIEW}?id={{{{id}}}}{query}"),
        preview=PreviewTemplate(f"{root}{PREVIEW}?id={{{{id}}}}{query}", WIDTH, HEIGHT),
        suggest={
            name: ServiceAddress(
                root,
                f"{SUGGEST}/{name}" + (f"?lang={language}" if language else ""),
                root,
                f"{FLYOUT}/{name}?id=${{id}}{query}",
            )
            for name in ("entity", "property", "type")
        },
        extend=ExtensionOffer(properties, _settings(view)),
        batch_size=MAX_BATCH,
    )


def _settings(view: View) -> list[PropertySetting]:
    """Return the settings of a property in data extension."""
    tags = view.catalogue.languages
    names = {tag: Locale.parse(tag).get_display_name(view.language) or tag for tag in tags}
    names[EVERY] = view.phrase("allLanguages")
    choices = tuple({"value": tag, "name": name} for tag, name in names.items())
    return [
        PropertySetting("limit", "number", 0, view.phrase("valueLimit")),
        PropertySetting("language", "select", view.language, view.phrase("textLanguage"), choices),
    ]


def _results(view: View, queries: Mapping[str, Query]) -> dict[str, CandidatesObject]:
    reconciler = view.services.reconciler
    candidates = {query: reconciler.find_candidates(query) for query in set(queries.values())}
    by_iri = {c.iri: c for several in candidates.values() for c in several}
    names = reconciler.labels(by_iri.values(), view.languages)
    return {
        key: CandidatesObject([_candidate(view, c, names[c.iri]) for c in candidates[query]])
        for key, query in queries.items()
    }


def _candidate(view: View, candidate: Candidate, name: str) -> CandidateObject:
    return CandidateObject(
        view.services.entities.identifier(candidate.iri),
        name,
        [reference(candidate.type, view)],
        candidate.score,
        [MatchingFeature(key, value) for key, value in candidate.features.items()],
        candidate.match,
    )


def _extension(view: View, extension: Extension) -> DataExtensionObject:
    extender, types = view.services.data_extender, view.services.types
    meta = []
    for requested in extension.properties:
        schemes = {field.scheme for field in requested.property.fields if field.scheme}
        value_types = [reference(t, view) for t in types.narrowest if t.iri in schemes]
        name = reference(requested.property, view)
        meta.append(PropertyMeta(name.id, name.name, value_types[0] if value_types else UNSET))
    rows: dict[str, Any] = {
        identifier: extender.row(identifier, extension.properties, view.languages)
        for identifier in extension.identifiers
    }
    return DataExtensionObject(meta, rows)


async def _read_form(request: Request) -> bytes:
    """Read the body of a form (section 4.3); raise RequestError."""
    bodies.require_media_type(request, bodies.FORM)
    return await bodies.read_body(request)


def _parse_form(form: bytes) -> dict[str, str]:
    try:
        return dict(bodies.parse_form(form))
    except UnicodeDecodeError as error:
        raise RequestError("unreadableBody", "notUtf8") from error
    except ValueError as error:
        raise RequestError("unreadableBody", "tooManyFields", limit=bodies.MAX_FIELDS) from error


def routes(site: Site) -> APIRouter:
    """Return the routes of the service."""
    router, phrase = APIRouter(), site.catalogue.phrase
    service = ReconciliationEndpoint(site)
    language = openapi.language_parameter(site.catalogue)
    fields = [openapi.parameter(name, "", openapi.TEXT) for name in ("queries", "extend")]
    by_url = Operation(
        "reconciliationService",
        TAG,
        phrase("reconcileService"),
        ANSWERS,
        errors=(400, 413),
        parameters=[*fields, language],
    )
    by_post = Operation(
        "reconcile",
        TAG,
        phrase("reconcile"),
        ANSWERS,
        statuses=(200,),
        errors=(400, 413, 415),
        parameters=[language],
        more={"requestBody": model_body(ReconciliationForm, bodies.FORM)},
    )
    one_at_a_time = CapacityLimiter(1)  # a batch takes a processor, which searches need too

    @router.get(RECONCILE, **by_url.arguments())
    def describe(request: Request) -> Response:
        return service.respond(request, request.query_params)

    @router.post(RECONCILE, **by_post.arguments())
    async def reconcile(request: Request) -> Response:
        form = await _read_form(request)
        return await to_thread.run_sync(
            lambda: service.respond(request, _parse_form(form)), limiter=one_at_a_time
        )

    router.include_router(suggest.routes(site))
    return router
