"""The Reconciliation Service API 0.2: its routes, and the answers to queries.

https://www.w3.org/community/reports/reconciliation/CG-FINAL-specs-0.2-20230410/
There is no JSONP, which is optional (section 3.3): it has a page run what another server sends.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from ...reconciliation.candidates import Candidate, Query
from .. import openapi
from ..context import VARY, Site, View
from ..http import conditional
from ..http.errors import BadBodyError, UnsupportedError
from ..http.negotiation import HTML
from ..operations import Operation, model_body
from ..sparql import endpoint
from ..urls import RECONCILE
from .models import (
    FlyoutObject,
    PropertyProposals,
    ReconciliationAnswer,
    ReconciliationForm,
    SuggestionsObject,
)
from .pages import FLYOUT, PREVIEW, PROPERTIES, SUGGEST, VIEW, Previews, Suggestions, manifest
from .requests import Batches, Extension

TAG = "reconciliation"


@dataclass(frozen=True)
class Reconciliation:
    """Answers queries, and what fields hold; without either, the manifest."""

    site: Site

    @property
    def batches(self) -> Batches:
        """Give what reads requests."""
        return Batches(self.site.services.types, self.site.catalogue.languages)

    def answer(self, request: Request, fields: Mapping[str, str]) -> Response:
        """Answer the fields of a form or of an address; raises BadBodyError or BadChoiceError."""
        view = self.site.view(request)
        if "queries" in fields:
            return self._json(self._results(view, self.batches.queries(fields["queries"])))
        if "extend" in fields:
            return self._json(self._values(view, self.batches.extension(fields["extend"])))
        if request.method == "POST":
            form = "queries={…}, extend={…}"
            raise BadBodyError(HTTPStatus.BAD_REQUEST, "notLike", place="POST", form=form)
        known = conditional.validators(request, view.catalogue.release, [view.language])
        types = view.services.types
        return conditional.answer(
            request, known, VARY, lambda: JSONResponse(manifest(request, view, types))
        )

    def _results(self, view: View, queries: Mapping[str, Query]) -> dict[str, Any]:
        reconciling = self.site.services.reconciling
        found = {query: reconciling.candidates(query) for query in dict.fromkeys(queries.values())}
        listed = {one.iri: one for candidates in found.values() for one in candidates}
        names = reconciling.named(listed.values(), view.languages)

        def said(one: Candidate) -> dict[str, Any]:
            named = {"id": reconciling.things.identifier(one.iri), "name": names[one.iri]}
            return named | _judged(one, view.languages)

        return {key: {"result": list(map(said, found[query]))} for key, query in queries.items()}

    def _values(self, view: View, asked: Extension) -> dict[str, Any]:
        extending, types = self.site.services.extending, self.site.services.types
        meta = []
        for wish in asked.wishes:
            schemes = {field.scheme for field in wish.property.fields if field.scheme}
            typed = [t.as_json(view.languages) for t in types.lowest if t.iri in schemes]
            said: dict[str, Any] = wish.property.as_json(view.languages)
            meta.append(said | ({"type": typed[0]} if typed else {}))
        rows = {
            identifier: extending.row(identifier, asked.wishes, view.languages)
            for identifier in asked.identifiers
        }
        return {"meta": meta, "rows": rows}

    def _json(self, found: Mapping[str, Any]) -> Response:
        return JSONResponse(found, headers=VARY)


def _judged(one: Candidate, languages: Sequence[str]) -> dict[str, Any]:
    return {
        "type": [one.type.as_json(languages)],
        "score": one.score,
        "features": [{"id": key, "value": value} for key, value in one.features.items()],
        "match": one.match,
    }


async def _form(request: Request) -> bytes:
    """Read the body of a form (section 4.3); raise UnsupportedError or TooLargeError."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != endpoint.FORM:
        raise UnsupportedError(f"{media_type or '?'} ({endpoint.FORM})")
    return await endpoint.body(request)


def _fields(form: bytes) -> dict[str, str]:
    return dict(parse_qsl(form.decode("utf-8", "replace"), keep_blank_values=True))


def routes(site: Site) -> APIRouter:
    """Give the routes."""
    router, say = APIRouter(), site.catalogue.say
    answers = Reconciliation(site)
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
        more={"requestBody": model_body(ReconciliationForm, endpoint.FORM)},
    )
    one_at_a_time = CapacityLimiter(1)  # a batch takes a processor, which searches need too

    @router.get(RECONCILE, **by_url.arguments())
    def described(request: Request) -> Response:
        return answers.answer(request, request.query_params)

    @router.post(RECONCILE, **by_post.arguments())
    async def reconcile(request: Request) -> Response:
        form = await _form(request)
        return await to_thread.run_sync(
            lambda: answers.answer(request, _fields(form)), limiter=one_at_a_time
        )

    _route_suggestions(router, Suggestions(site))
    _route_previews(router, Previews(site))
    return router


def _route_suggestions(router: APIRouter, suggestions: Suggestions) -> None:
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
        catalogue.say("fieldsOf"),
        PropertyProposals,
        statuses=(200,),
        errors=(400,),
        parameters=[*parameters[1:3], language],
    )

    @router.get(f"{SUGGEST}/{{name}}", **suggested.arguments())
    def suggest(request: Request, name: str) -> Response:
        return suggestions.answer(request, name)

    @router.get(PROPERTIES, **proposed.arguments())
    def properties(request: Request) -> Response:
        return suggestions.properties(request)

    @router.get(PROPERTIES + "/{language}", include_in_schema=False)
    def properties_in(request: Request, language: str) -> Response:
        return suggestions.properties(request, language)


def _route_previews(router: APIRouter, previews: Previews) -> None:
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
        return previews.flyout(request, name)

    @router.get(PREVIEW, **replace(shown, id="preview", model=None, forms=(HTML,)).arguments())
    def preview(request: Request) -> Response:
        return previews.preview(request)

    @router.get(VIEW, include_in_schema=False)
    def view(request: Request) -> Response:
        return previews.view(request)
