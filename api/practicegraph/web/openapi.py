"""The parameters in the OpenAPI document that follow from the shapes, with their values."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from ..application.services import Services
from ..catalogue.catalogue import Catalogue
from ..rdf.namespaces import XSD
from ..schema.fields import Field, Parameter, get_scale
from ..schema.text import pick_text
from ..search.request import FROM, NOT_STATED, SIZES, TO
from .http.negotiation import MediaType

TEXT: dict[str, Any] = {"type": "string"}
_FLAG = {"type": "boolean", "default": False}
_TYPES = {XSD + "integer": "integer", XSD + "boolean": "boolean"}


def parameter(
    name: str, description: str, schema: dict[str, Any], place: str = "query", **more: Any
) -> dict[str, Any]:
    """Return a parameter; one in the path is required."""
    required = {"required": place == "path"}
    return {
        "name": name,
        "in": place,
        **required,
        "description": description,
        "schema": schema,
    } | more


def search_parameters(services: Services) -> list[dict[str, Any]]:
    """Return the parameters of a search but for its representation."""
    say = services.catalogue.say
    sorts = [name for key in services.request_parser.sort_keys for name in (key, f"-{key}")]
    return [
        *filter_parameters(services),
        parameter("sort", say("sortBy"), TEXT | {"enum": sorts}),
        size_parameter(services.catalogue, 20),
        parameter("after", say("nextPage"), TEXT),
        parameter("before", say("previousPage"), TEXT),
        parameter("zeros", say("showEmpty"), _FLAG),
    ]


def filter_parameters(services: Services) -> list[dict[str, Any]]:
    """Return the parameters that narrow a search: words, and the values and ends of facets."""
    names = services.request_parser.parameters.items()
    facets = [_facet_parameter(services, name, facet) for name, facet in names if facet]
    return [parameter("q", services.catalogue.say("searchHint"), TEXT), *facets]


def axis_parameters(catalogue: Catalogue, names: Iterable[str]) -> list[dict[str, Any]]:
    """Return the parameters of a contingency table: its two facets, and whether it has zeros."""
    keys = TEXT | {"enum": [facet.key for facet in catalogue.shapes.entry_shape.facets]}
    axes = [parameter(name, catalogue.say(name), keys, required=True) for name in names]
    return [*axes, parameter("zeros", catalogue.say("showEmpty"), _FLAG | {"default": True})]


def size_parameter(catalogue: Catalogue, default: int) -> dict[str, Any]:
    """Return the parameter for the number of entries."""
    limits = {"minimum": SIZES[0], "maximum": SIZES[-1], "default": default}
    return parameter("size", catalogue.say("entries", count="…"), {"type": "integer"} | limits)


def result_parameters(
    catalogue: Catalogue, media_types: Sequence[MediaType]
) -> list[dict[str, Any]]:
    """Return the parameters of a result's explanation and representation."""
    explain = parameter("explain", catalogue.say("showQueries"), _FLAG)
    return [explain, language_parameter(catalogue), format_parameter(catalogue, media_types)]


def format_parameter(catalogue: Catalogue, media_types: Sequence[MediaType]) -> dict[str, Any]:
    """Return the parameter that chooses a representation."""
    names = [media_type.extension for media_type in media_types]
    return parameter("format", catalogue.say("download"), TEXT | {"enum": names})


def language_parameter(catalogue: Catalogue) -> dict[str, Any]:
    """Return the parameter that chooses the language."""
    return parameter("lang", catalogue.say("language"), TEXT | {"enum": [*catalogue.languages]})


def query_parameter(catalogue: Catalogue, own: Parameter, codes: Sequence[str]) -> dict[str, Any]:
    """Return a parameter of a stored query, with its values and its default."""
    kind = _TYPES.get(next(iter(own.field.datatypes), ""), "string")
    schema: dict[str, Any] = {"type": kind} | ({"enum": [*codes]} if codes else {})
    if own.default is not None:
        code = catalogue.reader.code(own.default)
        schema["default"] = code if kind == "string" else json.loads(code)
    texts = [
        pick_text(labels, catalogue.languages) for labels in (own.field.names, own.field.hints)
    ]
    required = own.default is None and not own.is_optional
    return parameter(own.key, ": ".join(texts), schema, required=required)


def _facet_parameter(services: Services, name: str, facet: Field) -> dict[str, Any]:
    """Return a parameter of a facet: its values, those excluded, or an end of a range."""
    catalogue, label = services.catalogue, pick_text(facet.names, services.catalogue.languages)
    examples = TEXT | {"examples": [*get_scale(facet).examples]} if facet.is_ordered else {}
    if name in (facet.key + FROM, facet.key + TO):
        phrase = "fromValue" if name.endswith(FROM) else "toValue"
        return parameter(name, f"{label}: {catalogue.say(phrase, value='…')}", examples)
    values = [*services.request_parser.options[facet.key], NOT_STATED]
    array = {"type": "array", "items": examples or TEXT | {"enum": values}}
    is_included = name == facet.key
    hint = (
        pick_text(facet.hints, catalogue.languages)
        if is_included
        else catalogue.say("exclude", value="…")
    )
    return parameter(name, f"{label}: {hint}", array, explode=True, style="form")
