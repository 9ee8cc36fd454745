"""Suggestions, flyouts and previews (sections 5, 6 and 7.2 of the API)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from textwrap import shorten
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from ...errors import RequestError
from ...reconciliation.entities import Property, Type, Types
from ...reconciliation.extension import MAX_SUGGESTIONS
from ...schema.records import Record
from ...schema.text import parse_whole_number, truncate
from ...schema.value_parser import InvalidParameterError
from .. import openapi
from ..context import VARY, Line, Site, View, allow_frames
from ..http import conditional, responses
from ..http.negotiation import HTML
from ..models import JsonObject
from ..openapi import Operation
from ..urls import RECONCILE

TAG = "reconciliation"
SUGGEST, FLYOUT, PROPERTIES, PREVIEW, VIEW = (
    f"{RECONCILE}/{name}" for name in ("suggest", "flyout", "properties", "preview", "view")
)
WIDTH, HEIGHT = 430, 320
"""The size of a preview in pixels."""
_MAX_LINES = 5
_PAGE_SIZE = 10
_MAX_PAGE_SIZE = 100
_MAX_DESCRIPTION = 160


class Named(JsonObject):
    """An entity, type or property by its identifier and name."""

    id: str
    name: str


class TypeReference(Named):
    """A type, and the type above it."""

    broader: tuple[Named, ...] = ()


class SuggestionObject(TypeReference):
    """A suggestion of an entity, type or property (section 6)."""

    description: str = ""
    notable: tuple[Named, ...] = ()


class SuggestionsObject(JsonObject):
    """The suggestions for a prefix."""

    result: list[SuggestionObject]


class PropertyProposals(JsonObject):
    """The properties of a type (section 7.2)."""

    type: str
    properties: list[Named]
    limit: int = 0


class FlyoutObject(JsonObject):
    """A short description as HTML (section 6.5)."""

    id: str
    html: str


def reference(item: Type | Property, view: View) -> Named:
    """Return a type or a property by its identifier and name."""
    return Named(**item.as_json(view.languages))


def type_reference(item: Type, types: Types, view: View) -> TypeReference:
    """Return a type with the type above it."""
    above = types.all.get(item.broader)
    broader = (reference(above, view),) if above else ()
    return TypeReference(**item.as_json(view.languages), broader=broader)


@dataclass(frozen=True)
class SuggestionEndpoint:
    """Answers with suggestions."""

    site: Site

    def respond(self, request: Request, name: str) -> Response:
        """Return entities, types or properties; raise RequestError or InvalidParameterError."""
        view, limit = self.site.view(request), _number(request, "limit", _PAGE_SIZE, _MAX_PAGE_SIZE)
        start = _number(request, "cursor", 0, MAX_SUGGESTIONS - limit)
        prefix = truncate(request.query_params.get("prefix", "").strip())
        names = map(truncate, filter(None, request.query_params.getlist("type")))
        types = [view.services.types.parse_type("type", name) for name in names]

        def make() -> Response:
            suggestions = self._suggestions(view, name, prefix, types, start + limit)
            return responses.json({"result": suggestions[start:]})

        validators = conditional.validators(request, self.site.catalogue.release, [view.language])
        return conditional.answer(request, validators, VARY, make)

    def respond_properties(self, request: Request) -> Response:
        """Return the properties of a type, or of all types, in the language of the path."""
        view, language = self.site.view(request), request.path_params.get("language")
        if language in view.catalogue.languages:
            view = replace(view, language=language, keeps_language=True)
        limit = _number(request, "limit", 0, _MAX_PAGE_SIZE)
        name = truncate(request.query_params.get("type", ""))
        types = view.services.types
        properties = types.list_properties(types.parse_type("type", name) if name else None)
        references = [reference(item, view) for item in properties[: limit or None]]
        return responses.json(PropertyProposals(name, references, limit), VARY)

    def _suggestions(
        self, view: View, name: str, prefix: str, types: Sequence[Type], limit: int
    ) -> Sequence[Named]:
        suggester = view.services.suggester
        if name == "type":
            all_types = view.services.types
            return [type_reference(t, all_types, view) for t in suggester.suggest_types(prefix)]
        if name == "property":
            return [reference(item, view) for item in suggester.suggest_properties(prefix)]
        if name != "entity":
            raise RequestError("notFound")
        iris = suggester.suggest_entities(prefix, types, view.languages, limit) if prefix else []
        return [self._entity(view, iri) for iri in iris]

    def _entity(self, view: View, iri: str) -> SuggestionObject:
        entities = view.services.entities
        type_ = entities.find_type(iri)
        assert type_
        record = view.catalogue.reader.read_records(type_.shape, [iri])[0]
        description, _ = record.text_with_role("DescriptionRole", view.languages)
        notable = reference(type_, view)
        return SuggestionObject(
            entities.identifier(iri),
            record.text_with_role("LabelRole", view.languages)[0] or iri,
            description=shorten(description, _MAX_DESCRIPTION, placeholder=" …") or notable.name,
            notable=(notable,),
        )


def _number(request: Request, name: str, default: int, maximum: int) -> int:
    """Return a parameter that is a whole number; raise InvalidParameterError."""
    text = request.query_params.get(name, "") or str(default)
    number = parse_whole_number(text)
    if number is not None and number <= maximum:
        return number
    raise InvalidParameterError(name, text, [f"0–{maximum}"])


@dataclass(frozen=True)
class PreviewEndpoint:
    """Answers with previews and flyouts of entities."""

    site: Site

    def respond_preview(self, request: Request) -> Response:
        """Return a page for a frame of any page; raise RequestError."""
        view = self.site.view(request)
        record = self._record(_identifier(request))
        page = self.site.html(
            request, "preview.html", record=record, lines=_lines(view, record), width=WIDTH
        )
        return allow_frames(page)

    def respond_flyout(self, request: Request, name: str) -> Response:
        """Return HTML about an entity, type or property.

        Raise RequestError or InvalidParameterError.
        """
        view, identifier = self.site.view(request), _identifier(request)
        title, kind, text = self._texts(view, name, identifier)
        html = view.page("flyout.html", title=title, kind=kind, text=text)
        return responses.json(FlyoutObject(identifier, html), VARY)

    def respond_view(self, request: Request) -> Response:
        """Redirect to the page of an entity, or to its tombstone."""
        view, identifier = self.site.view(request), _identifier(request)
        if iri := self.site.services.entities.find_iri(identifier):
            return RedirectResponse(view.href(iri), 303, VARY)
        if self.site.addresses.iri(identifier) is None:
            raise RequestError("notFound")
        return RedirectResponse(f"{responses.prefix(request)}/{quote(identifier)}", 303, VARY)

    def _texts(self, view: View, name: str, identifier: str) -> tuple[str, str, str]:
        """Return a title, the label of a kind and a description, by the name of a service."""
        types = view.services.types
        if name == "entity":
            record = self._record(identifier)
            title, _ = record.text_with_role("LabelRole", view.languages)
            text, _ = record.text_with_role("DescriptionRole", view.languages)
            return title, view.text(record.shape.labels), text
        if name == "type":
            type_ = types.parse_type("id", identifier)
            return view.text(type_.labels), view.text(type_.shape.labels), ""
        if name == "property":
            field = types.parse_property("id", identifier).fields[0]
            return view.text(field.names), view.text(field.group.labels), view.text(field.hints)
        raise RequestError("notFound")

    def _record(self, identifier: str) -> Record:
        entities = self.site.services.entities
        iri = entities.find_iri(identifier)
        type_ = entities.find_type(iri) if iri else None
        if iri is None or type_ is None:
            raise RequestError("notFound")
        return self.site.catalogue.reader.read_records(type_.shape, [iri])[0]


def _identifier(request: Request) -> str:
    return truncate(request.query_params.get("id", ""))


def _lines(view: View, record: Record) -> list[Line]:
    """Return the first fields of a record, but not its texts; its key facts come first."""
    roles = {field.key: field.role for field in record.shape.fields}
    lines = [line for section in view.sections(record, True) for line in section.lines]
    facts = [line for line in lines if roles[line.key] == "KeyInfoRole"]
    return [*facts, *(line for line in lines if not roles[line.key])][:_MAX_LINES]


def routes(site: Site) -> APIRouter:
    """Return the routes of suggestions, flyouts and previews."""
    router = APIRouter()
    _route_suggestions(router, SuggestionEndpoint(site))
    _route_previews(router, PreviewEndpoint(site))
    return router


def _route_suggestions(router: APIRouter, suggestions: SuggestionEndpoint) -> None:
    catalogue = suggestions.site.catalogue
    language = openapi.language_parameter(catalogue)
    number = {"type": "integer", "minimum": 0}
    parameters = [openapi.parameter(name, "", openapi.TEXT) for name in ("prefix", "type")]
    parameters += [openapi.parameter(name, "", number) for name in ("limit", "cursor")]
    suggest_operation = Operation(
        "suggest",
        TAG,
        catalogue.phrase("suggest"),
        SuggestionsObject,
        errors=(400, 404),
        parameters=[*parameters, language],
    )
    properties_operation = Operation(
        "proposeProperties",
        TAG,
        catalogue.phrase("fieldsOfType"),
        PropertyProposals,
        statuses=(200,),
        errors=(400,),
        parameters=[*parameters[1:3], language],
    )
    router.get(f"{SUGGEST}/{{name}}", **suggest_operation.arguments())(suggestions.respond)
    router.get(PROPERTIES, **properties_operation.arguments())(suggestions.respond_properties)
    path = PROPERTIES + "/{language}"
    router.get(path, include_in_schema=False)(suggestions.respond_properties)


def _route_previews(router: APIRouter, previews: PreviewEndpoint) -> None:
    catalogue = previews.site.catalogue
    identifier = openapi.parameter("id", "", openapi.TEXT, required=True)
    operation = Operation(
        "flyout",
        TAG,
        catalogue.phrase("preview"),
        FlyoutObject,
        statuses=(200,),
        errors=(400, 404),
        parameters=[identifier, openapi.language_parameter(catalogue)],
    )
    page = replace(operation, id="preview", model=None, media_types=(HTML,))
    router.get(f"{FLYOUT}/{{name}}", **operation.arguments())(previews.respond_flyout)
    router.get(PREVIEW, **page.arguments())(previews.respond_preview)
    router.get(VIEW, include_in_schema=False)(previews.respond_view)
