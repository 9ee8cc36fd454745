"""What the reconciliation service says of itself (Reconciliation Service API 0.2, section 3.1)."""

from typing import Any

from babel import Locale
from fastapi import Request

from .. import __version__
from ..extending import EVERY
from ..typed import Type, Types
from . import links
from .batches import MOST
from .methods import RECONCILE
from .views import View

SUGGEST, FLYOUT, PROPERTIES, PREVIEW, VIEW = (
    f"{RECONCILE}/{name}" for name in ("suggest", "flyout", "properties", "preview", "view")
)
WIDTH, HEIGHT = 430, 320
"""The size of a preview, in pixels."""


def manifest(request: Request, view: View, types: Types) -> dict[str, Any]:
    """Give the manifest for the address at which a request has come."""
    catalogue, root = view.catalogue, links.root(request)
    wished = f"&lang={view.language}" if view.asked else ""
    tongue = f"/{view.language}" if view.asked else ""
    proposals = {"service_url": root, "service_path": PROPERTIES + tongue}
    return {
        "versions": ["0.1", "0.2"],
        "name": view.name(catalogue.base),
        "identifierSpace": catalogue.base,
        "schemaSpace": catalogue.shapes.record.classes[0],
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
