"""Suggestions as a reader types, and the properties of a type (sections 6 and 7.2 of the API)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from textwrap import shorten
from typing import Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse

from ..choices import BadChoiceError
from ..suggesting import MOST
from ..text import cut, whole_number
from ..typed import Type, Types
from . import caching
from .manifests import typed
from .service import VARY, Service, UnknownAddressError
from .views import View

_PAGE = 10
_PAGES = 100
_LETTERS = 160


@dataclass(frozen=True)
class Suggestions:
    """Answers with suggestions."""

    service: Service

    @property
    def _types(self) -> Types:
        return self.service.catalogue.types

    def answer(self, request: Request, name: str) -> Response:
        """Answer with things, types or properties; raises UnknownAddressError or BadChoiceError."""
        view, most = self.service.view(request), _number(request, "limit", _PAGE, _PAGES)
        start = _number(request, "cursor", 0, MOST - most)
        beginning = cut(request.query_params.get("prefix", "").strip())
        wished = map(cut, filter(None, request.query_params.getlist("type")))
        types = [self._types.type("type", one) for one in wished]

        def make() -> Response:
            found = self._found(view, name, beginning, types, start + most)[start : start + most]
            return JSONResponse({"result": found})

        known = caching.validators(request, self.service.catalogue.release, [view.language])
        return caching.answer(request, known, VARY, make)

    def properties(self, request: Request, language: str = "") -> Response:
        """Answer with the properties that things of a type can have, or any without one."""
        view = self.service.view(request)
        if language in view.catalogue.languages:
            view = replace(view, language=language, asked=True)
        most = _number(request, "limit", 0, _PAGES)
        asked = cut(request.query_params.get("type", ""))
        one = self._types.type("type", asked) if asked else None
        listed = [p.as_json(view.languages) for p in self._types.properties_of(one)]
        found: dict[str, Any] = {"type": asked, "properties": listed[: most or None]}
        return JSONResponse(found | ({"limit": most} if most else {}), headers=VARY)

    def _found(
        self, view: View, name: str, beginning: str, types: Sequence[Type], most: int
    ) -> list[dict[str, Any]]:
        suggesting = view.catalogue.suggesting
        if name == "type":
            return [typed(one, self._types, view) for one in suggesting.types(beginning)]
        if name == "property":
            return [one.as_json(view.languages) for one in suggesting.properties(beginning)]
        if name != "entity":
            raise UnknownAddressError(name)
        found = suggesting.entities(beginning, types, view.languages, most) if beginning else []
        return [self._entity(view, iri) for iri in found]

    def _entity(self, view: View, iri: str) -> dict[str, Any]:
        things = view.catalogue.things
        one = things.type_of(iri)
        assert one
        record = view.catalogue.reader.records(one.kind, [iri])[0]
        said, _ = record.spoken("DescriptionRole", view.languages)
        kind = one.as_json(view.languages)
        return {
            "id": things.identifier(iri),
            "name": record.spoken("LabelRole", view.languages)[0] or iri,
            "description": shorten(said, _LETTERS, placeholder=" …") or kind["name"],
            "notable": [kind],
        }


def _number(request: Request, name: str, default: int, most: int) -> int:
    """Give a parameter that is a whole number; raises BadChoiceError."""
    text = request.query_params.get(name, "") or str(default)
    found = whole_number(text)
    if found is not None and found <= most:
        return found
    raise BadChoiceError(name, text, [f"0–{most}"])
