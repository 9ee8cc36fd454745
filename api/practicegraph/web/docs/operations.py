"""The operations of the HTTP interface as a page, from the OpenAPI document.

https://spec.openapis.org/oas/v3.1.0#operation-object
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI


@dataclass(frozen=True)
class OperationEntry:
    """An operation: its id, method and path, what it does, its parameters, what it answers."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    parameters: tuple[Mapping[str, Any], ...]
    media_types: tuple[str, ...]


def operations_by_tag(app: FastAPI) -> dict[str, list[OperationEntry]]:
    """Return the operations of an application by tag, in the order of their routes."""
    groups: dict[str, list[OperationEntry]] = {}
    for tag, operation in _operations(app.openapi()["paths"]):
        groups.setdefault(tag, []).append(operation)
    return groups


def _operations(paths: Mapping[str, Any]) -> Iterator[tuple[str, OperationEntry]]:
    for path, methods in paths.items():
        for method, described in methods.items():
            responses = described["responses"].items()
            contents = [each.get("content", {}) for status, each in responses if status[0] == "2"]
            yield (
                described["tags"][0],
                OperationEntry(
                    id=described["operationId"],
                    method=method.upper(),
                    path=path,
                    summary=described["summary"],
                    description=described.get("description", ""),
                    parameters=tuple(described.get("parameters", ())),
                    media_types=tuple(dict.fromkeys(name for each in contents for name in each)),
                ),
            )
