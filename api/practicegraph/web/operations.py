"""The operations that routes declare, and the OpenAPI document that FastAPI makes of them.

https://spec.openapis.org/oas/v3.1.0
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from .http.negotiation import MediaType
from .models import ProblemObject, StatusRequest
from .reconciliation.models import ReconciliationForm

BEARER: Mapping[str, Any] = {"bearer": {"type": "http", "scheme": "bearer"}}
"""The security scheme of writes (RFC 6750)."""
_REFERENCE = "#/components/schemas/{model}"
_BODIES = (ProblemObject, StatusRequest, ReconciliationForm)
_JSON = "application/json"
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
    model: type[BaseModel] | None = None
    media_type: str = _JSON
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
            "response_class": _response_class(self.media_type),
            "responses": self._successes() | errors | {"default": _problem("Error")},
            "openapi_extra": {**parameters, **self.more},
        }

    def _successes(self) -> dict[int | str, dict[str, Any]]:
        content: dict[str, Any] = {media_type.name: {} for media_type in self.media_types}
        body = ({"content": content} if content else {}) | (
            {"model": self.model} if self.model else {}
        )
        return {
            status: {"description": HTTPStatus(status).phrase}
            | (body if status not in _WITHOUT_CONTENT else {})
            for status in self.statuses
        }


def request_body(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request body that is required, from its content by media type."""
    return {"required": True, "content": content}


def model_body(model: type[BaseModel], media_type: str = _JSON) -> dict[str, Any]:
    """Return a request body that has a model."""
    reference = _REFERENCE.format(model=model.__name__)
    return request_body({media_type: {"schema": {"$ref": reference}}})


def document(app: FastAPI, root: str) -> dict[str, Any]:
    """Return the OpenAPI document of an application that is served at a root."""
    found = app.openapi()
    _, schemas = models_json_schema(
        [(model, "validation") for model in _BODIES], ref_template=_REFERENCE
    )
    components = found.get("components", {})
    known = {**components.get("schemas", {}), **schemas["$defs"]}
    components = components | {"schemas": known, "securitySchemes": BEARER}
    return found | {"servers": [{"url": root}], "components": components}


def _problem(description: str) -> dict[str, Any]:
    reference = _REFERENCE.format(model=ProblemObject.__name__)
    content = {"application/problem+json": {"schema": {"$ref": reference}}}
    return {"description": description, "content": content}


def _response_class(media_type: str) -> type[Response]:
    """Return a class that has FastAPI put the model of a response under its media type."""
    if media_type == _JSON:
        return Response
    return type("TypedResponse", (JSONResponse,), {"media_type": media_type})
