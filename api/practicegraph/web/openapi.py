"""What the OpenAPI document says of searches, tables and near entries, and of what they answer.

What the OpenAPI document says of the search: its parameters, read from the shapes.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pyoxigraph import NamedNode

from ..application.services import Services
from ..catalogue.catalogue import Catalogue
from ..catalogue.stored_queries import Parameter
from ..exchange.dumps import ARCHIVE_NAME, DUMP_NAMES
from ..rdf.namespaces import XSD
from ..schema.fields import Field, Kind, scale
from ..schema.text import best
from ..search.request import FROM, NOT_STATED, SIZES, TO
from .http.negotiation import JSON, LISTS, Form
from .resources import similar
from .search import contingency
from .search.contingency import AXES

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
        "schema": {"type": "string", "enum": list(DUMP_NAMES)},
    }
]
"""The parameter of a dump of the present release: its format, and whether it is packed."""

OF_VERSION = [
    {
        "name": "name",
        "in": "path",
        "required": True,
        "schema": {"type": "string", "pattern": rf"^[0-9a-f-]+\.{ARCHIVE_NAME}$"},
    }
]
"""The parameter of a dump of any release: the release, and the only format that is kept."""


def of_search(services: Services) -> list[dict[str, Any]]:
    """Give the parameters of a search in OpenAPI 3.1: what narrows it, and how it is answered."""
    catalogue = services.catalogue
    sorts = [name for sort in services.request_parser.sort_keys for name in (sort, f"-{sort}")]
    size = {"type": "integer", "minimum": SIZES[0], "maximum": SIZES[-1], "default": 20}
    return [
        *of_choices(services),
        in_query("sort", catalogue.say("sortBy"), {"type": "string", "enum": sorts}),
        in_query("size", catalogue.say("entries", count="…"), size),
        in_query("after", catalogue.say("next"), {"type": "string"}),
        in_query("before", catalogue.say("previous"), {"type": "string"}),
        in_query("zeros", catalogue.say("withZeros"), _TRUTH),
        *of_answer(catalogue, LISTS),
    ]


def of_choices(services: Services) -> list[dict[str, Any]]:
    """Give the parameters that narrow a search: words, and for each facet its values and ends."""
    catalogue = services.catalogue
    facets = (_facet(services, *named) for named in services.request_parser.parameters.items())
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


def _facet(services: Services, name: str, field: Field | None) -> dict[str, Any] | None:
    """Give a parameter of a facet: its values, those left out, or an end of a range."""
    catalogue = services.catalogue
    if field is None:
        return None
    label = best(field.names, catalogue.languages)
    if name in (field.key + FROM, field.key + TO):
        phrase = "since" if name.endswith(FROM) else "until"
        said = catalogue.say(phrase, value="…")
        return in_query(name, f"{label}: {said}", _examples(field))
    values = [*services.request_parser.options[field.key], NOT_STATED]
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


_TEXT: dict[str, Any] = {"type": "string"}


_PLACE = {"type": "string", "format": "uri-reference"}
_COUNT = {"type": "integer", "minimum": 0}
_INTERFACE_TRUTH = {"type": "boolean"}
_NATIVE = {XSD + "boolean": "boolean", XSD + "integer": "integer", XSD + "decimal": "number"}


def answer_of_search(services: Services) -> dict[str, Any]:
    """Give what is said of the search."""
    catalogue = services.catalogue
    counted = _object({"values": _TEXT, "notStated": _TEXT})
    facets = _object({f.key: counted for f in catalogue.shapes.record.facets})
    answer = _object(
        {
            "total": _COUNT,
            "release": _TEXT,
            "items": _array(_item(catalogue, catalogue.shapes.record)),
            "facets": _object({f.key: _interface_facet(f) for f in catalogue.shapes.record.facets}),
        },
        {
            "next": _PLACE,
            "prev": _PLACE,
            "first": _PLACE,
            "suggestions": _array(_TEXT),
            "explanation": _explanation({"list": _TEXT, "total": _TEXT, "facets": facets}),
        },
    )
    return _described(of_search(services), answer, LISTS)


def of_coverage(services: Services) -> dict[str, Any]:
    """Give what is said of tables of two facets."""
    catalogue = services.catalogue
    axis = _object({"key": _TEXT, "label": _TEXT, "values": _array(_value({"count": _COUNT}))})
    counted = _object({"values": _TEXT, "notStated": _TEXT})
    cells = ("values", "rowsNotStated", "columnsNotStated", "bothNotStated")
    queries = {"total": _TEXT, "rows": counted, "columns": counted}
    queries["cells"] = _object(dict.fromkeys(cells, _TEXT))
    answer = _object(
        {
            "total": _COUNT,
            "release": _TEXT,
            "rows": axis,
            "columns": axis,
            "cells": _array(_array(_COUNT)),
        },
        {"explanation": _explanation(queries)},
    )
    listed = [
        *of_axes(catalogue),
        *of_choices(services),
        *of_answer(catalogue, contingency.FORMS),
    ]
    return _described(listed, answer, contingency.FORMS)


def of_similar(catalogue: Catalogue) -> dict[str, Any]:
    """Give what is said of the entries that are near to one."""
    brief = {"id": _IRI, "title": _TEXT}
    shared = _object({"facet": _TEXT, "value": _TEXT, "id": _IRI, "label": _TEXT})
    nearness = {"type": "number", "exclusiveMinimum": 0, "maximum": 1}
    near = {"similarity": nearness, "shared": _array(shared), "sharedCount": _COUNT}
    known = {field.key: _TEXT for field in catalogue.shapes.record.with_role("IDRole")}
    answer = _object(
        {**brief, "release": _TEXT, "items": _array(_object(brief | near, known))},
        known | {"explanation": _explanation({"list": _TEXT})},
    )
    listed = of_neighbours(catalogue)
    listed += of_answer(catalogue, similar.FORMS)
    return _described(listed, answer, similar.FORMS)


def _described(
    listed: list[dict[str, Any]], answer: dict[str, Any], forms: Sequence[Form]
) -> dict[str, Any]:
    content: dict[str, Any] = {form.plain: {} for form in forms}
    content[JSON.plain] = {"schema": answer}
    return {"parameters": listed, "responses": {"200": {"description": "OK", "content": content}}}


def _item(catalogue: Catalogue, kind: Kind) -> dict[str, Any]:
    """Give what an entry in JSON looks like: a key a field, those without a value absent."""
    fields = {f.key: _field(f) | _titled(catalogue, f) for f in kind.fields}
    marks = _array(_array(_COUNT) | {"minItems": 2, "maxItems": 2})
    snippet = _object({"field": _TEXT, "text": _TEXT, "highlights": marks}, {"language": _TEXT})
    fields |= {"title": _TEXT, "snippets": _array(snippet)}
    return _object({"id": _IRI, "title": _TEXT}, fields)


def _titled(catalogue: Catalogue, field: Field) -> dict[str, str]:
    return {"title": best(field.names, catalogue.languages)}


def _field(field: Field) -> dict[str, Any]:
    if field.text:
        return _TEXT
    is_named = field.scheme or any(isinstance(option, NamedNode) for option in field.options)
    one = _value({}) if is_named else _plain(field)
    return _array(one) if field.repeats else one


def _plain(field: Field) -> dict[str, Any]:
    types = {_NATIVE.get(name, "string") for name in field.datatypes}
    return {"type": types.pop() if len(types) == 1 else "string"}


def _interface_facet(field: Field) -> dict[str, Any]:
    chosen = {"count": _COUNT, "selected": _INTERFACE_TRUTH}
    unstated = _object(chosen | {"excluded": _INTERFACE_TRUTH})
    ends = {"from": _TEXT, "to": _TEXT} if field.ordered else {}
    values = _array(_value(chosen, {"excluded": {"const": True}}))
    return _object({"label": _TEXT, "values": values}, {"notStated": unstated, **ends})


def _value(more: Mapping[str, Any], optional: Mapping[str, Any] | None = None) -> dict[str, Any]:
    known = {"id": _TEXT, "broader": _array(_TEXT), **(optional or {})}
    return _object({"value": _TEXT, "label": _TEXT, **more}, known)


def _explanation(queries: Mapping[str, Any]) -> dict[str, Any]:
    """Give what an explanation looks like; where words found too much, a note is in its place."""
    known = {**queries, "note": _TEXT}
    return _object({"release": _TEXT, "milliseconds": {"type": "number"}}, known)


def _object(
    required: Mapping[str, Any], optional: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    found = {"type": "object", "properties": {**required, **(optional or {})}}
    return found | {"required": list(required)}


def _array(items: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": dict(items)}
