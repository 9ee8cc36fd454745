"""What the reconciliation service says of itself (Reconciliation Service API 0.2, section 3.1).

Small pages of things, which other programs show in a frame (sections 5 and 6.5 of the API).

Suggestions as a reader types, and the properties of a type (sections 6 and 7.2 of the API).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from textwrap import shorten
from typing import Any
from urllib.parse import quote

from babel import Locale
from fastapi import Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

from ... import __version__
from ...reconciliation.entities import Type, Types
from ...reconciliation.extension import EVERY, MOST_SUGGESTIONS
from ...schema.records import Record
from ...schema.text import parse_whole_number, pick_text, truncate
from ...schema.value_parser import InvalidParameterError
from ..context import VARY, Line, Site, View
from ..http import conditional, responses
from ..http.errors import UnknownAddressError
from ..urls import RECONCILE
from .requests import MOST

SUGGEST, FLYOUT, PROPERTIES, PREVIEW, VIEW = (
    f"{RECONCILE}/{name}" for name in ("suggest", "flyout", "properties", "preview", "view")
)
WIDTH, HEIGHT = 430, 320
"""The size of a preview, in pixels."""


def manifest(request: Request, view: View, types: Types) -> dict[str, Any]:
    """Give the manifest for the address at which a request has come."""
    catalogue, root = view.catalogue, responses.root(request)
    wished = f"&lang={view.language}" if view.asked else ""
    tongue = f"/{view.language}" if view.asked else ""
    proposals = {"service_url": root, "service_path": PROPERTIES + tongue}
    return {
        "versions": ["0.1", "0.2"],
        "name": view.name(catalogue.base),
        "identifierSpace": catalogue.base,
        "schemaSpace": catalogue.shapes.entry_shape.classes[0],
        "documentation": f"{root}/",
        "serviceVersion": __version__,
        "defaultTypes": [typed(one, types, view) for one in types.all.values()],
        "view": {"url": f"{root}{VIEW}?id={{{{id}}}}{wished}"},
        "preview": {
            "url": f"{root}{PREVIEW}?id={{{{id}}}}{wished}",
            "width": WIDTH,
            "height": HEIGHT,
        },
        "suggest": {name: _suggest(root, view, name) for name in ("entity", "property", "type")},
        "extend": {"propose_properties": proposals, "property_settings": _settings(view)},
        "batchSize": MOST,
    }


def typed(one: Type, types: Types, view: View) -> dict[str, Any]:
    """Give a type with what is above it."""
    above = types.all.get(one.above)
    broader = {"broader": [above.as_json(view.languages)]} if above else {}
    return one.as_json(view.languages) | broader


def _suggest(root: str, view: View, name: str) -> dict[str, str]:
    wished = f"lang={view.language}" if view.asked else ""
    return {
        "service_url": root,
        "service_path": f"{SUGGEST}/{name}" + (wished and f"?{wished}"),
        "flyout_service_url": root,
        "flyout_service_path": f"{FLYOUT}/{name}?id=${{id}}" + (wished and f"&{wished}"),
    }


def _settings(view: View) -> list[dict[str, Any]]:
    """Give what can be said of a property whose values are asked for."""
    tags = view.catalogue.languages
    names = {tag: Locale.parse(tag).get_display_name(view.language) or tag for tag in tags}
    names[EVERY] = view.say("everyLanguage")
    choices = [{"value": tag, "name": name} for tag, name in names.items()]
    return [
        {
            "name": "limit",
            "type": "number",
            "default": 0,
            "label": view.say("mostOfThem"),
        },
        {
            "name": "language",
            "type": "select",
            "default": view.language,
            "label": view.say("languageOfTexts"),
            "choices": choices,
        },
    ]


_LINES = 5
_POLICY = "Content-Security-Policy"
_FRAMED = ("frame-ancestors 'none'", "frame-ancestors *")


@dataclass(frozen=True)
class Previews:
    """Answers with small pages of things."""

    site: Site

    @property
    def _types(self) -> Types:
        return self.site.services.types

    def preview(self, request: Request) -> Response:
        """Answer with a small page, which any page may show in a frame; or UnknownAddressError."""
        view = self.site.view(request)
        record = self._record(_asked(request))
        answer = self.site.html(
            request, "preview.html", record=record, lines=_lines(view, record), width=WIDTH
        )
        answer.headers[_POLICY] = answer.headers[_POLICY].replace(*_FRAMED)
        return answer

    def flyout(self, request: Request, name: str) -> Response:
        """Answer with a piece of a page about a thing, type or property; or raise."""
        view, asked = self.site.view(request), _asked(request)
        title, kind, said = self._said(view, name, asked)
        html = view.page("flyout.html", title=title, kind=kind, said=said)
        return JSONResponse({"id": asked, "html": html}, headers=VARY)

    def view(self, request: Request) -> Response:
        """Answer with the way to the page of a thing, or to what is left of it."""
        view, asked = self.site.view(request), _asked(request)
        if iri := self.site.services.things.meant(asked):
            return RedirectResponse(view.href(iri), 303, VARY)
        if self.site.addresses.iri(asked) is None:
            raise UnknownAddressError(asked)
        return RedirectResponse(f"{responses.prefix(request)}/{quote(asked)}", 303, VARY)

    def _said(self, view: View, name: str, asked: str) -> tuple[str, str, str]:
        """Give what something is called, of what kind it is, and what is said of it."""
        if name == "entity":
            record = self._record(asked)
            title, said = (
                record.text_with_role(role, view.languages)[0]
                for role in ("LabelRole", "DescriptionRole")
            )
            return title, view.best(record.shape.labels), said
        if name == "type":
            one = self._types.type("id", asked)
            return view.best(one.labels), view.best(one.kind.labels), ""
        if name == "property":
            field = self._types.property("id", asked).fields[0]
            hint = pick_text(field.hints, view.languages)
            return view.best(field.names), view.best(field.group.labels), hint
        raise UnknownAddressError(name)

    def _record(self, asked: str) -> Record:
        things = self.site.services.things
        iri = things.meant(asked)
        found = things.type_of(iri) if iri else None
        if iri is None or found is None:
            raise UnknownAddressError(asked)
        return self.site.catalogue.reader.read_records(found.kind, [iri])[0]


def _asked(request: Request) -> str:
    return truncate(request.query_params.get("id", ""))


def _lines(view: View, record: Record) -> list[Line]:
    """Give the first fields of a thing that are not its name or summary."""
    told = {field.key for field in record.shape.fields if field.role}
    sections = view.sections(record, True)
    listed = [line for section in sections for line in section.lines if line.key not in told]
    return listed[:_LINES]


_PAGE = 10
_PAGES = 100
_LETTERS = 160


@dataclass(frozen=True)
class Suggestions:
    """Answers with suggestions."""

    site: Site

    @property
    def _types(self) -> Types:
        return self.site.services.types

    def answer(self, request: Request, name: str) -> Response:
        """Answer with things, types or properties; raises UnknownAddressError or BadChoiceError."""
        view, most = self.site.view(request), _number(request, "limit", _PAGE, _PAGES)
        start = _number(request, "cursor", 0, MOST_SUGGESTIONS - most)
        beginning = truncate(request.query_params.get("prefix", "").strip())
        wished = map(truncate, filter(None, request.query_params.getlist("type")))
        types = [self._types.type("type", one) for one in wished]

        def make() -> Response:
            found = self._found(view, name, beginning, types, start + most)[start : start + most]
            return JSONResponse({"result": found})

        known = conditional.validators(request, self.site.catalogue.release, [view.language])
        return conditional.answer(request, known, VARY, make)

    def properties(self, request: Request, language: str = "") -> Response:
        """Answer with the properties that things of a type can have, or any without one."""
        view = self.site.view(request)
        if language in view.catalogue.languages:
            view = replace(view, language=language, asked=True)
        most = _number(request, "limit", 0, _PAGES)
        asked = truncate(request.query_params.get("type", ""))
        one = self._types.type("type", asked) if asked else None
        listed = [p.as_json(view.languages) for p in self._types.properties_of(one)]
        found: dict[str, Any] = {"type": asked, "properties": listed[: most or None]}
        return JSONResponse(found | ({"limit": most} if most else {}), headers=VARY)

    def _found(
        self, view: View, name: str, beginning: str, types: Sequence[Type], most: int
    ) -> list[dict[str, Any]]:
        suggesting = view.services.suggesting
        if name == "type":
            return [typed(one, self._types, view) for one in suggesting.types(beginning)]
        if name == "property":
            return [one.as_json(view.languages) for one in suggesting.properties(beginning)]
        if name != "entity":
            raise UnknownAddressError(name)
        found = suggesting.entities(beginning, types, view.languages, most) if beginning else []
        return [self._entity(view, iri) for iri in found]

    def _entity(self, view: View, iri: str) -> dict[str, Any]:
        things = view.services.things
        one = things.type_of(iri)
        assert one
        record = view.catalogue.reader.read_records(one.kind, [iri])[0]
        said, _ = record.text_with_role("DescriptionRole", view.languages)
        kind = one.as_json(view.languages)
        return {
            "id": things.identifier(iri),
            "name": record.text_with_role("LabelRole", view.languages)[0] or iri,
            "description": shorten(said, _LETTERS, placeholder=" …") or kind["name"],
            "notable": [kind],
        }


def _number(request: Request, name: str, default: int, most: int) -> int:
    """Give a parameter that is a whole number; raises BadChoiceError."""
    text = request.query_params.get(name, "") or str(default)
    found = parse_whole_number(text)
    if found is not None and found <= most:
        return found
    raise InvalidParameterError(name, text, [f"0–{most}"])
