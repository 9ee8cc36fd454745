"""The OpenAPI document: the operations that routes declare, and the parameters of the shapes.

https://spec.openapis.org/oas/v3.1.0
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from typing import Any

import msgspec
from fastapi import FastAPI, Response

from ..application.services import Services
from ..catalogue.catalogue import Catalogue
from ..rdf.terms import XSD
from ..schema.fields import Field, Parameter, get_scale
from ..schema.text import pick_text
from ..search.request import FROM, NOT_STATED, SIZES, TO
from .http.negotiation import JSON, MediaType
from .models import ProblemObject

BEARER: Mapping[str, Any] = {"bearer": {"type": "http", "scheme": "bearer"}}
"""The security scheme of writes (RFC 6750)."""
TEXT: dict[str, Any] = {"type": "string"}
_FLAG = {"type": "boolean", "default": False}
_TYPES = {XSD + "integer": "integer", XSD + "boolean": "boolean"}
_DEFINITIONS = "$defs"
_REFERENCE = "#/components/schemas/{name}"
_WITHOUT_CONTENT = (204, 301, 303, 304)


@dataclass(frozen=True)
class Operation:
    """An operation: its id, tag and summary, what it takes, and what it answers.

    A successful response has a model in a media type, or one of several representations. `more` are
    further keys of the operation object. Every error is problem details, listed or not.
    """

    id: str
    tag: str
    summary: str
    model: Any = None
    media_type: str = JSON.name
    media_types: Iterable[MediaType] = ()
    statuses: Sequence[int] = (200, 304)
    errors: Iterable[int] = (400, 406)
    parameters: Sequence[Mapping[str, Any]] = ()
    more: Mapping[str, Any] = field(default_factory=dict)

    def arguments(self) -> dict[str, Any]:
        """Return the operation as the arguments of FastAPI's decorators."""
        errors = {status: _problem(HTTPStatus(status).phrase) for status in self.errors}
        parameters = {"parameters": [*self.parameters]} if self.parameters else {}
        return {
            "operation_id": self.id,
            "tags": [self.tag],
            "summary": self.summary,
            "status_code": self.statuses[0],
            "response_class": Response,
            "responses": self._successes() | errors | {"default": _problem("Error")},
            "openapi_extra": {**parameters, **self.more},
        }

    def _successes(self) -> dict[int | str, dict[str, Any]]:
        content: dict[str, Any] = {media_type.name: {} for media_type in self.media_types}
        if self.model:
            content[self.media_type] = {"schema": _schema(self.model)}
        body = {"content": content} if content else {}
        return {
            status: {"description": HTTPStatus(status).phrase}
            | ({} if status in _WITHOUT_CONTENT else body)
            for status in self.statuses
        }


def operation_id(catalogue: Catalogue, name: str) -> str:
    """Return the id of an operation on entries; that of a further kind has their segment."""
    shapes = catalogue.shapes
    return name if shapes.is_first else f"{name}-{shapes.entry_shape.segment}"


def request_body(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request body that is required, from its content by media type."""
    return {"required": True, "content": content}


def model_body(model: Any, media_type: str = JSON.name) -> dict[str, Any]:
    """Return a request body that has a model."""
    return request_body({media_type: {"schema": _schema(model)}})


def document(app: FastAPI, catalogue: Catalogue, root: str) -> dict[str, Any]:
    """Return the OpenAPI document of an application that serves a catalogue at a root."""
    schemas: dict[str, Any] = {}
    described: dict[str, Any] = _collect_schemas(app.openapi(), schemas)
    operations = [each for methods in described["paths"].values() for each in methods.values()]
    names = dict.fromkeys(each["tags"][0] for each in operations)
    notes = {name: catalogue.phrase(f"operations{name.title()}Note") for name in names}
    components = {"schemas": schemas, "securitySchemes": BEARER}
    return described | {
        "servers": [{"url": root}],
        "tags": [{"name": name, "description": note} for name, note in notes.items()],
        "components": components,
    }


def _schema(model: Any) -> dict[str, Any]:
    """Return the JSON schema of a model, or of any of several, with the schemas to which it refers.

    These become the components of the document.
    """
    models = model if isinstance(model, tuple) else (model,)
    schemas, definitions = msgspec.json.schema_components(models, ref_template=_REFERENCE)
    schema = {"anyOf": [*schemas]} if len(schemas) > 1 else schemas[0]
    return {**schema, _DEFINITIONS: definitions}


def _collect_schemas(value: Any, schemas: dict[str, Any]) -> Any:
    """Return a part of the document without the definitions in it, which go to the schemas."""
    if isinstance(value, list):
        return [_collect_schemas(item, schemas) for item in value]
    if not isinstance(value, dict):
        return value
    schemas.update(value.get(_DEFINITIONS, {}))
    return {k: _collect_schemas(v, schemas) for k, v in value.items() if k != _DEFINITIONS}


@cache
def _problem(description: str) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": _schema(ProblemObject)}}
    return {"description": description, "content": content}


def parameter(
    name: str, description: str, schema: dict[str, Any], place: str = "query", **more: Any
) -> dict[str, Any]:
    """Return a parameter; one in the path is required."""
    return {
        "name": name,
        "in": place,
        "required": place == "path",
        "description": description,
        "schema": schema,
        **more,
    }


def search_parameters(services: Services) -> list[dict[str, Any]]:
    """Return the parameters of a search but for its representation."""
    phrase = services.catalogue.phrase
    sorts = [name for key in services.request_parser.sort_keys for name in (key, f"-{key}")]
    return [
        *filter_parameters(services),
        parameter("sort", phrase("sortBy"), TEXT | {"enum": sorts}),
        size_parameter(services.catalogue, 20),
        parameter("after", phrase("nextPage"), TEXT),
        parameter("before", phrase("previousPage"), TEXT),
        parameter("zeros", phrase("showEmpty"), _FLAG),
    ]


def filter_parameters(services: Services) -> list[dict[str, Any]]:
    """Return the parameters that narrow a search: words, and the values and ends of facets."""
    names = services.request_parser.parameters.items()
    facets = [_facet_parameter(services, name, facet) for name, facet in names if facet]
    return [parameter("q", services.catalogue.phrase("searchHint"), TEXT), *facets]


def axis_parameters(
    catalogue: Catalogue, names: Iterable[str], *, are_required: bool = True
) -> list[dict[str, Any]]:
    """Return the parameters of a contingency table: its facets, and whether it has zeros."""
    keys = TEXT | {"enum": [facet.key for facet in catalogue.shapes.entry_shape.facets]}
    axes = [parameter(n, catalogue.phrase(n), keys, required=are_required) for n in names]
    return [*axes, parameter("zeros", catalogue.phrase("showEmpty"), _FLAG | {"default": True})]


def size_parameter(catalogue: Catalogue, default: int) -> dict[str, Any]:
    """Return the parameter for the number of entries."""
    limits = {"minimum": SIZES[0], "maximum": SIZES[-1], "default": default}
    return parameter("size", catalogue.phrase("entries", count="…"), {"type": "integer"} | limits)


def result_parameters(
    catalogue: Catalogue, media_types: Sequence[MediaType]
) -> list[dict[str, Any]]:
    """Return the parameters of a result's explanation and representation."""
    explain = parameter("explain", catalogue.phrase("showQueries"), _FLAG)
    return [explain, language_parameter(catalogue), format_parameter(catalogue, media_types)]


def format_parameter(catalogue: Catalogue, media_types: Sequence[MediaType]) -> dict[str, Any]:
    """Return the parameter that chooses a representation."""
    names = [media_type.extension for media_type in media_types]
    return parameter("format", catalogue.phrase("download"), TEXT | {"enum": names})


def language_parameter(catalogue: Catalogue) -> dict[str, Any]:
    """Return the parameter that chooses the language."""
    return parameter("lang", catalogue.phrase("language"), TEXT | {"enum": [*catalogue.languages]})


def document_parameters(
    catalogue: Catalogue, media_types: Sequence[MediaType], texts: str
) -> list[dict[str, Any]]:
    """Return the parameters of documents: language, that of texts by its name, representation."""
    languages = TEXT | {"enum": [*catalogue.languages]}
    return [
        language_parameter(catalogue),
        parameter(texts, catalogue.phrase("textLanguages"), languages),
        format_parameter(catalogue, media_types),
    ]


def query_parameter(catalogue: Catalogue, own: Parameter, codes: Sequence[str]) -> dict[str, Any]:
    """Return a parameter of a stored query, with its values and its default."""
    kind = _TYPES.get(next(iter(own.field.datatypes), ""), "string")
    schema: dict[str, Any] = {"type": kind} | ({"enum": [*codes]} if codes else {})
    if own.default is not None:
        code = catalogue.reader.code(own.default)
        schema["default"] = code if kind == "string" else json.loads(code)
    name, hint = (
        pick_text(texts, catalogue.languages) for texts in (own.field.names, own.field.hints)
    )
    required = own.default is None and not own.is_optional
    return parameter(own.key, f"{name}: {hint}", schema, required=required)


def _facet_parameter(services: Services, name: str, facet: Field) -> dict[str, Any]:
    """Return a parameter of a facet: its values, those excluded, or an end of a range."""
    catalogue, label = services.catalogue, pick_text(facet.names, services.catalogue.languages)
    examples = TEXT | {"examples": [*get_scale(facet).examples]} if facet.is_ordered else {}
    if name in (facet.key + FROM, facet.key + TO):
        phrase = "fromValue" if name.endswith(FROM) else "toValue"
        return parameter(name, f"{label}: {catalogue.phrase(phrase, value='…')}", examples)
    values = {"enum": [*services.request_parser.options[facet.key], NOT_STATED]}
    values = {} if facet.scheme in catalogue.vocabularies.records else values  # they change
    array = {"type": "array", "items": examples or TEXT | values}
    hint = catalogue.phrase("exclude", value="…")
    if name == facet.key:
        hint = pick_text(facet.hints, catalogue.languages)
    return parameter(name, f"{label}: {hint}", array, explode=True, style="form")
