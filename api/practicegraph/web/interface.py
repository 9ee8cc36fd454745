"""What the OpenAPI document says of searches, tables and near entries, and of what they answer."""

from collections.abc import Mapping, Sequence
from typing import Any

from pyoxigraph import NamedNode

from ..catalogue import Catalogue
from ..kinds import Field, Kind
from ..text import best
from ..turtle import XSD
from . import coverages, parameters, similar
from .negotiation import JSON, LISTS, Form

_TEXT: dict[str, Any] = {"type": "string"}
_IRI = {"type": "string", "format": "iri"}
_PLACE = {"type": "string", "format": "uri-reference"}
_COUNT = {"type": "integer", "minimum": 0}
_TRUTH = {"type": "boolean"}
_NATIVE = {XSD + "boolean": "boolean", XSD + "integer": "integer", XSD + "decimal": "number"}


def of_search(catalogue: Catalogue) -> dict[str, Any]:
    """Give what is said of the search."""
    counted = _object({"values": _TEXT, "notStated": _TEXT})
    facets = _object({f.key: counted for f in catalogue.shapes.record.facets})
    answer = _object(
        {
            "total": _COUNT,
            "release": _TEXT,
            "items": _array(_item(catalogue, catalogue.shapes.record)),
            "facets": _object({f.key: _facet(f) for f in catalogue.shapes.record.facets}),
        },
        {
            "next": _PLACE,
            "prev": _PLACE,
            "first": _PLACE,
            "meant": _TEXT,
            "explanation": _explanation({"list": _TEXT, "total": _TEXT, "facets": facets}),
        },
    )
    return _described(parameters.of_search(catalogue), answer, LISTS)


def of_coverage(catalogue: Catalogue) -> dict[str, Any]:
    """Give what is said of tables of two facets."""
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
        *parameters.of_axes(catalogue),
        *parameters.of_choices(catalogue),
        *parameters.of_answer(catalogue, coverages.FORMS),
    ]
    return _described(listed, answer, coverages.FORMS)


def of_similar(catalogue: Catalogue) -> dict[str, Any]:
    """Give what is said of the entries that are near to one."""
    brief = {"id": _IRI, "title": _TEXT}
    shared = _object({"facet": _TEXT, "value": _TEXT, "id": _IRI, "label": _TEXT})
    nearness = {"type": "number", "exclusiveMinimum": 0, "maximum": 1}
    near = {"nearness": nearness, "shared": _array(shared), "sharedCount": _COUNT}
    known = {field.key: _TEXT for field in catalogue.shapes.record.with_role("IDRole")}
    answer = _object(
        {**brief, "release": _TEXT, "items": _array(_object(brief | near, known))},
        known | {"explanation": _explanation({"list": _TEXT})},
    )
    listed = parameters.of_neighbours(catalogue)
    listed += parameters.of_answer(catalogue, similar.FORMS)
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
    snippet = _object({"field": _TEXT, "text": _TEXT, "marks": marks}, {"language": _TEXT})
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


def _facet(field: Field) -> dict[str, Any]:
    chosen = {"count": _COUNT, "selected": _TRUTH}
    unstated = _object(chosen | {"excluded": _TRUTH})
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
