"""What the OpenAPI document says of the search: its parameters, read from the shapes."""

from collections.abc import Sequence
from typing import Any

from ..catalogue import Catalogue
from ..choices import FROM, SIZES, TO, UNSTATED
from ..dumps import LASTING, NAMES
from ..kinds import Field
from ..questions import Parameter
from ..spans import scale
from ..text import best
from ..turtle import XSD
from .crossings import AXES
from .negotiation import LISTS, Form

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

_TRUTH = {"type": "boolean", "default": False}
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
    """Give the parameters of a search in OpenAPI 3.1: what narrows it, and how it is answered."""
    sorts = [name for sort in catalogue.choosing.sorts for name in (sort, f"-{sort}")]
    size = {"type": "integer", "minimum": SIZES[0], "maximum": SIZES[-1], "default": 20}
    return [
        *of_choices(catalogue),
        in_query("sort", catalogue.say("sortBy"), {"type": "string", "enum": sorts}),
        in_query("size", catalogue.say("entries", count="…"), size),
        in_query("after", catalogue.say("next"), {"type": "string"}),
        in_query("before", catalogue.say("previous"), {"type": "string"}),
        in_query("zeros", catalogue.say("withZeros"), _TRUTH),
        *of_answer(catalogue, LISTS),
    ]


def of_choices(catalogue: Catalogue) -> list[dict[str, Any]]:
    """Give the parameters that narrow a search: words, and for each facet its values and ends."""
    facets = (_facet(catalogue, *named) for named in catalogue.choosing.parameters.items())
    return [
        in_query("q", catalogue.say("searchHint"), {"type": "string"}),
        *(facet for facet in facets if facet),
    ]


def of_answer(catalogue: Catalogue, forms: Sequence[Form]) -> list[dict[str, Any]]:
    """Give the parameters that say how an answer is given."""
    names = [form.extension for form in forms]
    return [
        in_query("explain", catalogue.say("howCounted"), _TRUTH),
        of_language(catalogue),
        in_query("format", catalogue.say("data"), {"type": "string", "enum": names}),
    ]


def of_axes(catalogue: Catalogue) -> list[dict[str, Any]]:
    """Give the parameters that name the facets of a table, and whether it has empty rows."""
    keys = {"type": "string", "enum": [facet.key for facet in catalogue.shapes.record.facets]}
    axes = [in_query(name, catalogue.say(name), keys) | {"required": True} for name in AXES]
    return [*axes, in_query("zeros", catalogue.say("withZeros"), _TRUTH | {"default": True})]


def of_neighbours(catalogue: Catalogue) -> list[dict[str, Any]]:
    """Give the parameters of the entries that are near to one."""
    size = {"type": "integer", "minimum": SIZES[0], "maximum": SIZES[-1], "default": 10}
    identifier = in_query("identifier", "", {"type": "string"})
    return [
        identifier | {"in": "path", "required": True},
        in_query("size", catalogue.say("entries", count="…"), size),
    ]


def of_query(catalogue: Catalogue) -> list[dict[str, Any]]:
    """Give the parameters of a query (SPARQL 1.1 Protocol, section 2.1), and its seconds."""
    iris = {"type": "array", "items": {"type": "string", "format": "uri"}}
    return [
        in_query("query", catalogue.say("queryHint"), {"type": "string"}),
        in_query("default-graph-uri", "", iris),
        in_query("named-graph-uri", "", iris),
        in_query("timeout", "", {"type": "number", "exclusiveMinimum": 0}),
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
    found = in_query(parameter.key, ": ".join(texts), schema)
    return found | {"required": parameter.default is None and not parameter.optional}


def of_write(catalogue: Catalogue) -> list[dict[str, Any]]:
    """Give the parameters of a write: why, the language, and the state that is meant."""
    tags = [("If-Match", "needsMatch"), ("If-None-Match", "needsNoneMatch")]
    headers = [in_query(name, catalogue.say(said), {"type": "string"}) for name, said in tags]
    return [
        in_query("reason", catalogue.say("reasonHint"), {"type": "string"}),
        of_language(catalogue),
        *(header | {"in": "header"} for header in headers),
    ]


def of_language(catalogue: Catalogue) -> dict[str, Any]:
    """Give the parameter that chooses the language."""
    tags = {"type": "string", "enum": list(catalogue.languages)}
    return in_query("lang", catalogue.say("language"), tags)


def _facet(catalogue: Catalogue, name: str, field: Field | None) -> dict[str, Any] | None:
    """Give a parameter of a facet: its values, those left out, or an end of a range."""
    if field is None:
        return None
    label = best(field.names, catalogue.languages)
    if name in (field.key + FROM, field.key + TO):
        phrase = "since" if name.endswith(FROM) else "until"
        said = catalogue.say(phrase, value="…")
        return in_query(name, f"{label}: {said}", _examples(field))
    values = [*catalogue.choosing.options[field.key], UNSTATED]
    items = _examples(field) if field.ordered else {"type": "string", "enum": values}
    if name == field.key:
        said = best(field.hints, catalogue.languages)
    else:
        said = catalogue.say("exclude", value="…")
    found = in_query(name, f"{label}: {said}", {"type": "array", "items": items})
    return found | {"explode": True, "style": "form"}


def _examples(field: Field) -> dict[str, Any]:
    return {"type": "string", "examples": [*scale(field).examples]}


def in_query(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Give a parameter of an address."""
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": description,
        "schema": schema,
    }
