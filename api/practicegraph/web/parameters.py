"""What the OpenAPI document says of the search: its parameters, read from the shapes."""

from typing import Any

from ..catalogue import Catalogue
from ..choices import SIZES
from ..dumps import LASTING, NAMES
from ..kinds import Field
from ..questions import Parameter
from ..text import best
from ..turtle import XSD
from .negotiation import LISTS

BODY_OF_QUERY = {
    "required": True,
    "content": {
        "application/sparql-query": {"schema": {"type": "string"}},
        "application/x-www-form-urlencoded": {
            "schema": {
                "type": "object",
                "required": ["query"],
                "properties": {"query": {"type": "string"}},
            }
        },
    },
}
"""The body of a query by POST (SPARQL 1.1 Protocol, sections 2.1.2 and 2.1.3)."""

_IRI = {"type": "string", "format": "iri"}
_FATE = {
    "type": "object",
    "required": ["iri", "status"],
    "properties": {
        "iri": {"type": "string"},
        "status": {"enum": ["current", "moved", "withdrawn", "unknown"]},
        "id": _IRI,
        "to": _IRI,
        "since": {"type": "string", "format": "date"},
        "reason": {"type": "string"},
    },
}
STATUSES = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["iris"],
                    "properties": {"iris": {"type": "array", "maxItems": 1000, "items": _IRI}},
                }
            }
        },
    },
    "responses": {
        "200": {
            "description": "OK",
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "required": ["results"],
                        "properties": {"results": {"type": "array", "items": _FATE}},
                    }
                }
            },
        }
    },
}
"""What `/status` takes and answers; `id` is the IRI that ought to be linked to."""

OF_DUMP = [
    {
        "name": "name",
        "in": "path",
        "required": True,
        "schema": {"type": "string", "enum": list(NAMES)},
    }
]
"""The parameter of a dump of the present release: its format, and whether it is packed."""

OF_VERSION = [
    {
        "name": "name",
        "in": "path",
        "required": True,
        "schema": {"type": "string", "pattern": rf"^[0-9a-f-]+\.{LASTING}$"},
    }
]
"""The parameter of a dump of any release: the release, and the only format that is kept."""


def of_search(catalogue: Catalogue) -> list[dict[str, Any]]:
    """Give the parameters of a search in OpenAPI 3.1: words, facets with values, form, language."""
    choosing = catalogue.choosing
    sorts = [name for sort in choosing.sorts for name in (sort, f"-{sort}")]
    return [
        _parameter("q", catalogue.say("searchHint"), {"type": "string"}),
        *(_facet(catalogue, field) for field in catalogue.shapes.record.facets),
        _parameter("sort", catalogue.say("sortBy"), {"type": "string", "enum": sorts}),
        _parameter(
            "size",
            catalogue.say("entries", count="…"),
            {"type": "integer", "minimum": SIZES[0], "maximum": SIZES[-1], "default": 20},
        ),
        _parameter("after", catalogue.say("next"), {"type": "string"}),
        of_language(catalogue),
        _parameter(
            "format",
            catalogue.say("data"),
            {"type": "string", "enum": [form.extension for form in LISTS]},
        ),
    ]


def of_query(catalogue: Catalogue) -> list[dict[str, Any]]:
    """Give the parameters of a query (SPARQL 1.1 Protocol, section 2.1), and its seconds."""
    iris = {"type": "array", "items": {"type": "string", "format": "uri"}}
    return [
        _parameter("query", catalogue.say("queryHint"), {"type": "string"}),
        _parameter("default-graph-uri", "", iris),
        _parameter("named-graph-uri", "", iris),
        _parameter("timeout", "", {"type": "number", "exclusiveMinimum": 0}),
        of_language(catalogue),
    ]


def of_question(catalogue: Catalogue, parameter: Parameter, codes: list[str]) -> dict[str, Any]:
    """Give a parameter of a stored question, with its values and its default."""
    types = {XSD + "integer": "integer", XSD + "boolean": "boolean"}
    name = next(iter(parameter.field.datatypes), "")
    schema: dict[str, Any] = {"type": types.get(name, "string")}
    if codes:
        schema["enum"] = codes
    if parameter.default is not None:
        schema["default"] = catalogue.reader.code(parameter.default)
    texts = [best(parameter.field.names, catalogue.languages)]
    texts.append(best(parameter.field.hints, catalogue.languages))
    found = _parameter(parameter.key, ": ".join(texts), schema)
    return found | {"required": parameter.default is None and not parameter.optional}


def of_language(catalogue: Catalogue) -> dict[str, Any]:
    """Give the parameter that chooses the language."""
    tags = {"type": "string", "enum": list(catalogue.languages)}
    return _parameter("lang", catalogue.say("language"), tags)


def _facet(catalogue: Catalogue, field: Field) -> dict[str, Any]:
    values = catalogue.choosing.options[field.key]
    names = [best(field.names, catalogue.languages), best(field.hints, catalogue.languages)]
    items = {"type": "string", "enum": list(values)}
    found = _parameter(field.key, ": ".join(names), {"type": "array", "items": items})
    return found | {"explode": True, "style": "form"}


def _parameter(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": description,
        "schema": schema,
    }
