"""The service manifest (Reconciliation Service API 0.2, section 3.1)."""

from typing import Any

from babel import Locale
from fastapi import Request

from ... import __version__
from ...reconciliation.entities import Type, Types
from ...reconciliation.extension import EVERY
from ..context import View
from ..http import responses
from ..urls import RECONCILE
from .requests import MAX_BATCH

SUGGEST, FLYOUT, PROPERTIES, PREVIEW, VIEW = (
    f"{RECONCILE}/{name}" for name in ("suggest", "flyout", "properties", "preview", "view")
)
WIDTH, HEIGHT = 430, 320
"""The size of a preview in pixels."""


def manifest(request: Request, view: View, types: Types) -> dict[str, Any]:
    """Return the manifest for the URL of a request."""
    catalogue, root = view.catalogue, responses.root(request)
    query = f"&lang={view.language}" if view.keeps_language else ""
    language = f"/{view.language}" if view.keeps_language else ""
    properties = {"service_url": root, "service_path": PROPERTIES + language}
    return {
        "versions": ["0.1", "0.2"],
        "name": view.name(catalogue.base),
        "identifierSpace": catalogue.base,
        "schemaSpace": catalogue.shapes.entry_shape.classes[0],
        "documentation": f"{root}/",
        "serviceVersion": __version__,
        "defaultTypes": [type_reference(known, types, view) for known in types.all.values()],
        "view": {"url": f"{root}{VIEW}?id={{{{id}}}}{query}"},
        "preview": {
            "url": f"{root}{PREVIEW}?id={{{{id}}}}{query}",
            "width": WIDTH,
            "height": HEIGHT,
        },
        "suggest": {name: _suggest(root, view, name) for name in ("entity", "property", "type")},
        "extend": {"propose_properties": properties, "property_settings": _settings(view)},
        "batchSize": MAX_BATCH,
    }


def type_reference(known: Type, types: Types, view: View) -> dict[str, Any]:
    """Return a type with the type above it."""
    broader_type = types.all.get(known.broader)
    broader = {"broader": [broader_type.as_json(view.languages)]} if broader_type else {}
    return known.as_json(view.languages) | broader


def _suggest(root: str, view: View, name: str) -> dict[str, str]:
    query = f"lang={view.language}" if view.keeps_language else ""
    return {
        "service_url": root,
        "service_path": f"{SUGGEST}/{name}" + (query and f"?{query}"),
        "flyout_service_url": root,
        "flyout_service_path": f"{FLYOUT}/{name}?id=${{id}}" + (query and f"&{query}"),
    }


def _settings(view: View) -> list[dict[str, Any]]:
    """Return the settings of a property in data extension."""
    tags = view.catalogue.languages
    names = {tag: Locale.parse(tag).get_display_name(view.language) or tag for tag in tags}
    names[EVERY] = view.say("allLanguages")
    choices = [{"value": tag, "name": name} for tag, name in names.items()]
    return [
        {
            "name": "limit",
            "type": "number",
            "default": 0,
            "label": view.say("valueLimit"),
        },
        {
            "name": "language",
            "type": "select",
            "default": view.language,
            "label": view.say("textLanguage"),
            "choices": choices,
        },
    ]
