"""The Reconciliation Service API 0.2: routes, query results and data extension.

https://www.w3.org/community/reports/reconciliation/CG-FINAL-specs-0.2-20230410/
There is no JSONP, which is optional (section 3.3), since it has a page run code of another server.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request, Response

from ...errors import RequestError
from ...reconciliation.candidates import Candidate, Query
from .. import openapi
from ..context import VARY, Site, View
from ..http import bodies, conditional, responses
from ..http.negotiation import HTML
from ..operations import Operation, model_body
from ..urls import RECONCILE
from .manifest import FLYOUT, PREVIEW, PROPERTIES, SUGGEST, VIEW, manifest
from .models import (
    FlyoutObject,
    PropertyProposals,
    ReconciliationAnswer,
    ReconciliationForm,
    SuggestionsObject,
)
from .requests import BatchParser, Extension
from .suggest import PreviewEndpoint, SuggestionEndpoint

TAG = "reconciliation"


@dataclass(frozen=True)
class ReconciliationEndpoint:
    """Answers queries and data extension requests; other requests with the manifest."""

    site: Site

    @property
    def _parser(self) -> BatchParser:
        return BatchParser(self.site.services.types, self.site.catalogue.languages)

    def respond(self, request: Request, fields: Mapping[str, str]) -> Response:
        """Answer the fields of a form or a URL; raise RequestError or InvalidParameterError."""
        view = self.site.view(request)
        if "queries" in fields:
            return self._json(self._results(view, self._parser.parse_queries(fields["queries"])))
        if "extend" in fields:
            return self._json(self._extension(view, self._parser.parse_extension(fields["extend"])))
        if request.method == "POST":
            form = "queries={…}, extend={…}"
            raise RequestError("invalidItem", place="POST", form=form)
        validators = conditional.validators(request, view.catalogue.release, [view.language])
        types = view.services.types
        return conditional.answer(
            request, validators, VARY, lambda: responses.json(manifest(request, view, types))
        )

    def _results(self, view: View, queries: Mapping[str, Query]) -> dict[str, Any]:
        reconciler = self.site.services.reconciler
        candidates = {query: reconciler.find_candidates(query) for query in set(queries.values())}
        by_iri = {c.iri: c for found in candidates.values() for c in found}
        names = reconciler.labels(by_iri.values(), view.languages)

        def as_json(candidate: Candidate) -> dict[str, Any]:
            iri = candidate.iri
            entity = {"id": reconciler.entities.identifier(iri), "name": names[iri]}
            return entity | _match(candidate, view.languages)

        return {
            key: {"result": list(map(as_json, candidates[query]))} for key, query in queries.items()
        }

    def _extension(self, view: View, extension: Extension) -> dict[str, Any]:
        extender, types = self.site.services.data_extender, self.site.services.types
        meta = []
        for requested in extension.properties:
            schemes = {field.scheme for field in requested.property.fields if field.scheme}
            types_of_values = [
                t.as_json(view.languages) for t in types.narrowest if t.iri in schemes
            ]
            reference: dict[str, Any] = requested.property.as_json(view.languages)
            meta.append(reference | ({"type": types_of_values[0]} if types_of_values else {}))
        rows = {
            identifier: extender.row(identifier, extension.properties, view.languages)
            for identifier in extension.identifiers
        }
        return {"meta": meta, "rows": rows}

    def _json(self, content: Mapping[str, Any]) -> Response:
        return responses.json(content, VARY)


def _match(candidate: Candidate, languages: Sequence[str]) -> dict[str, Any]:
    return {
        "type": [candidate.type.as_json(languages)],
        "score": candidate.score,
        "features": [{"id": key, "value": value} for key, value in candidate.features.items()],
        "match": candidate.match,
    }


async def _form(request: Request) -> bytes:
    """Read the body of a form (section 4.3); raise RequestError."""
    bodies.require_media_type(request, bodies.FORM)
    return await bodies.read_body(request)


def _fields(form: bytes) -> dict[str, str]:
    try:
        return dict(bodies.parse_form(form))
    except ValueError as error:
        raise RequestError("invalidJson", reason=error) from error


def routes(site: Site) -> APIRouter:
    """Return the routes of the service."""
    router, say = APIRouter(), site.catalogue.say
    service = ReconciliationEndpoint(site)
    language = openapi.language_parameter(site.catalogue)
    fields = [openapi.parameter(name, "", openapi.TEXT) for name in ("queries", "extend")]
    by_url = Operation(
        "reconciliationService",
        TAG,
        say("reconcileService"),
        ReconciliationAnswer,
        errors=(400, 413),
        parameters=[*fields, language],
    )
    by_post = Operation(
        "reconcile",
        TAG,
        say("reconcile"),
        ReconciliationAnswer,
        statuses=(200,),
        errors=(400, 413, 415),
        parameters=[language],
        more={"requestBody": model_body(ReconciliationForm, bodies.FORM)},
    )
    one_at_a_time = CapacityLimiter(1)  # a batch takes a processor, which searches need too

    @router.get(RECONCILE, **by_url.arguments())
    def described(request: Request) -> Response:
        return service.respond(request, request.query_params)

    @router.post(RECONCILE, **by_post.arguments())
    async def reconcile(request: Request) -> Response:
        form = await _form(request)
        return await to_thread.run_sync(
            lambda: service.respond(request, _fields(form)), limiter=one_at_a_time
        )

    _route_suggestions(router, SuggestionEndpoint(site))
    _route_previews(router, PreviewEndpoint(site))
    return router


def _route_suggestions(router: APIRouter, suggestions: SuggestionEndpoint) -> None:
    catalogue = suggestions.site.catalogue
    language = openapi.language_parameter(catalogue)
    number = {"type": "integer", "minimum": 0}
    parameters = [openapi.parameter(name, "", openapi.TEXT) for name in ("prefix", "type")]
    parameters += [openapi.parameter(name, "", number) for name in ("limit", "cursor")]
    suggested = Operation(
        "suggest",
        TAG,
        catalogue.say("suggest"),
        SuggestionsObject,
        errors=(400, 404),
        parameters=[*parameters, language],
    )
    proposed = Operation(
        "proposeProperties",
        TAG,
        catalogue.say("fieldsOfType"),
        PropertyProposals,
        statuses=(200,),
        errors=(400,),
        parameters=[*parameters[1:3], language],
    )

    @router.get(f"{SUGGEST}/{{name}}", **suggested.arguments())
    def suggest(request: Request, name: str) -> Response:
        return suggestions.respond(request, name)

    @router.get(PROPERTIES, **proposed.arguments())
    def properties(request: Request) -> Response:
        return suggestions.respond_properties(request)

    @router.get(PROPERTIES + "/{language}", include_in_schema=False)
    def properties_in(request: Request, language: str) -> Response:
        return suggestions.respond_properties(request, language)


def _route_previews(router: APIRouter, previews: PreviewEndpoint) -> None:
    catalogue = previews.site.catalogue
    identifier = openapi.parameter("id", "", openapi.TEXT, required=True)
    shown = Operation(
        "flyout",
        TAG,
        catalogue.say("preview"),
        FlyoutObject,
        statuses=(200,),
        errors=(400, 404),
        parameters=[identifier, openapi.language_parameter(catalogue)],
    )

    @router.get(f"{FLYOUT}/{{name}}", **shown.arguments())
    def flyout(request: Request, name: str) -> Response:
        return previews.respond_flyout(request, name)

    @router.get(
        PREVIEW, **replace(shown, id="preview", model=None, media_types=(HTML,)).arguments()
    )
    def preview(request: Request) -> Response:
        return previews.respond_preview(request)

    @router.get(VIEW, include_in_schema=False)
    def view(request: Request) -> Response:
        return previews.respond_view(request)
