"""Previews, flyouts and suggestions (sections 5, 6 and 7.2 of the API)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from textwrap import shorten
from typing import Any
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from ...errors import RequestError
from ...reconciliation.entities import Type, Types
from ...reconciliation.extension import MAX_SUGGESTIONS
from ...schema.records import Record
from ...schema.text import parse_whole_number, pick_text, truncate
from ...schema.value_parser import InvalidParameterError
from ..context import VARY, Line, Site, View
from ..http import conditional, responses
from .manifest import WIDTH, type_reference

_MAX_LINES = 5
_POLICY = "Content-Security-Policy"
_FRAMED = ("frame-ancestors 'none'", "frame-ancestors *")


@dataclass(frozen=True)
class PreviewEndpoint:
    """Answers with previews and flyouts of entities."""

    site: Site

    @property
    def _types(self) -> Types:
        return self.site.services.types

    def respond_preview(self, request: Request) -> Response:
        """Return a page for a frame of any page; raise RequestError."""
        view = self.site.view(request)
        record = self._record(_identifier(request))
        answer = self.site.html(
            request, "preview.html", record=record, lines=_lines(view, record), width=WIDTH
        )
        answer.headers[_POLICY] = answer.headers[_POLICY].replace(*_FRAMED)
        return answer

    def respond_flyout(self, request: Request, name: str) -> Response:
        """Return HTML about an entity, type or property.

        Raises RequestError or InvalidParameterError.
        """
        view, identifier = self.site.view(request), _identifier(request)
        title, kind, text = self._texts(view, name, identifier)
        html = view.page("flyout.html", title=title, kind=kind, text=text)
        return responses.json({"id": identifier, "html": html}, headers=VARY)

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
        if name == "entity":
            record = self._record(identifier)
            title, text = (
                record.text_with_role(role, view.languages)[0]
                for role in ("LabelRole", "DescriptionRole")
            )
            return title, view.best(record.shape.labels), text
        if name == "type":
            known = self._types.parse_type("id", identifier)
            return view.best(known.labels), view.best(known.shape.labels), ""
        if name == "property":
            field = self._types.parse_property("id", identifier).fields[0]
            hint = pick_text(field.hints, view.languages)
            return view.best(field.names), view.best(field.group.labels), hint
        raise RequestError("notFound")

    def _record(self, identifier: str) -> Record:
        entities = self.site.services.entities
        iri = entities.find_iri(identifier)
        known = entities.find_type(iri) if iri else None
        if iri is None or known is None:
            raise RequestError("notFound")
        return self.site.catalogue.reader.read_records(known.shape, [iri])[0]


def _identifier(request: Request) -> str:
    return truncate(request.query_params.get("id", ""))


def _lines(view: View, record: Record) -> list[Line]:
    """Return the first fields of a record but its title and description."""
    shown = {field.key for field in record.shape.fields if field.role}
    sections = view.sections(record, True)
    listed = [line for section in sections for line in section.lines if line.key not in shown]
    return listed[:_MAX_LINES]


_PAGE_SIZE = 10
_MAX_PAGE_SIZE = 100
_MAX_DESCRIPTION = 160


@dataclass(frozen=True)
class SuggestionEndpoint:
    """Answers with suggestions."""

    site: Site

    @property
    def _types(self) -> Types:
        return self.site.services.types

    def respond(self, request: Request, name: str) -> Response:
        """Return entities, types or properties.

        Raises RequestError or InvalidParameterError.
        """
        view, limit = self.site.view(request), _number(request, "limit", _PAGE_SIZE, _MAX_PAGE_SIZE)
        start = _number(request, "cursor", 0, MAX_SUGGESTIONS - limit)
        prefix = truncate(request.query_params.get("prefix", "").strip())
        names = map(truncate, filter(None, request.query_params.getlist("type")))
        types = [self._types.parse_type("type", name) for name in names]

        def make() -> Response:
            result = self._suggestions(view, name, prefix, types, start + limit)
            return responses.json({"result": result[start:]})

        known = conditional.validators(request, self.site.catalogue.release, [view.language])
        return conditional.answer(request, known, VARY, make)

    def respond_properties(self, request: Request, language: str = "") -> Response:
        """Return the properties of a type, or of all types."""
        view = self.site.view(request)
        if language in view.catalogue.languages:
            view = replace(view, language=language, keeps_language=True)
        limit = _number(request, "limit", 0, _MAX_PAGE_SIZE)
        name = truncate(request.query_params.get("type", ""))
        known = self._types.parse_type("type", name) if name else None
        listed = [p.as_json(view.languages) for p in self._types.list_properties(known)]
        proposals: dict[str, Any] = {"type": name, "properties": listed[: limit or None]}
        return responses.json(proposals | ({"limit": limit} if limit else {}), headers=VARY)

    def _suggestions(
        self, view: View, name: str, prefix: str, types: Sequence[Type], limit: int
    ) -> list[dict[str, Any]]:
        suggester = view.services.suggester
        if name == "type":
            return [type_reference(t, self._types, view) for t in suggester.suggest_types(prefix)]
        if name == "property":
            return [p.as_json(view.languages) for p in suggester.suggest_properties(prefix)]
        if name != "entity":
            raise RequestError("notFound")
        iris = suggester.suggest_entities(prefix, types, view.languages, limit) if prefix else []
        return [self._entity(view, iri) for iri in iris]

    def _entity(self, view: View, iri: str) -> dict[str, Any]:
        entities = view.services.entities
        known = entities.find_type(iri)
        assert known
        record = view.catalogue.reader.read_records(known.shape, [iri])[0]
        description, _ = record.text_with_role("DescriptionRole", view.languages)
        kind = known.as_json(view.languages)
        return {
            "id": entities.identifier(iri),
            "name": record.text_with_role("LabelRole", view.languages)[0] or iri,
            "description": shorten(description, _MAX_DESCRIPTION, placeholder=" …") or kind["name"],
            "notable": [kind],
        }


def _number(request: Request, name: str, default: int, maximum: int) -> int:
    """Return a parameter that is a whole number; raise InvalidParameterError."""
    text = request.query_params.get(name, "") or str(default)
    number = parse_whole_number(text)
    if number is not None and number <= maximum:
        return number
    raise InvalidParameterError(name, text, [f"0–{maximum}"])
