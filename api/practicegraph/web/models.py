"""Models of the JSON that the service takes and answers, from which FastAPI writes OpenAPI.

A key with the default None is absent where it has no value; it is never null.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


def _without_null(schema: dict[str, Any]) -> None:
    """Take null out of the types of optional keys, since such keys are absent instead."""
    for key in schema.get("properties", {}).values():
        if key.get("default", "") is None:
            del key["default"]
            (kind,) = (option for option in key.pop("anyOf") if option != {"type": "null"})
            key |= kind


class JsonObject(BaseModel):
    """A JSON object."""

    model_config = ConfigDict(json_schema_extra=_without_null)


class ProblemObject(JsonObject):
    """An error (RFC 9457), with what a client needs to correct the request."""

    type: str
    title: str
    status: int
    detail: str
    hint: str | None = None
    available: list[str] | None = Field(None, description="Media types (with 406)")
    file: str | None = None
    line: int | None = None
    column: int | None = None
    incident: str | None = Field(None, description="The number of the error in the server's log")
    conforms: bool | None = None
    findings: list[dict[str, Any]] | None = Field(None, description="Of a validation report")
    problems: list[dict[str, Any]] | None = Field(None, description="Of the keys of an entry")


class StatusRequest(JsonObject):
    """IRIs or URLs whose status is asked for."""

    iris: list[str] = Field(max_length=1000)


class StatusObject(JsonObject):
    """The status of an IRI; `id` is the IRI to link to."""

    iri: str
    status: Literal["current", "moved", "withdrawn", "unknown"]
    id: str | None = None
    to: str | None = None
    since: str | None = None
    reason: str | None = None


class StatusesObject(JsonObject):
    """The status of each IRI, in the order of the request."""

    results: list[StatusObject]


class FileFaultObject(JsonObject):
    """A file of the catalogue that is at fault: why it is not served, or its findings."""

    file: str
    reason: str | None = None
    findings: int | None = None


class HealthObject(JsonObject):
    """Whether the service answers."""

    status: Literal["ok", "degraded"]


class CatalogueHealthObject(HealthObject):
    """Whether the service answers, from which release, and which files are at fault."""

    release: str
    triples: int = Field(ge=0)
    files: list[FileFaultObject] | None = None


class LinkTarget(JsonObject):
    """The target of links (RFC 9264, section 4.2.3)."""

    href: str
    type: str | None = None


class LinkSetObject(JsonObject):
    """Links of the service (RFC 9264, section 4.2)."""

    linkset: list[dict[str, str | list[LinkTarget]]]


class QueryParameterObject(JsonObject):
    """A parameter of a stored query."""

    name: str
    label: str


class StoredQueryObject(JsonObject):
    """A stored query, and the URL of its result."""

    name: str
    id: str
    title: str
    description: str
    parameters: list[QueryParameterObject]
    answer: str


class StoredQueriesObject(JsonObject):
    """The stored queries."""

    questions: list[StoredQueryObject]


class ResultHead(JsonObject):
    """The variables of a result, and links (SPARQL 1.1 Query Results JSON Format)."""

    vars: list[str] | None = None
    link: list[str] | None = None


class ResultBindings(JsonObject):
    """The solutions of a query, each with an RDF term by variable."""

    bindings: list[dict[str, dict[str, Any]]]


class SparqlResults(JsonObject):
    """SPARQL 1.1 Query Results JSON Format; `truncated` where there are more rows."""

    head: ResultHead
    results: ResultBindings | None = None
    boolean: bool | None = None
    truncated: bool | None = None


class GapObject(JsonObject):
    """A stored query that counts what is missing, its first rows, and the URL of all of them."""

    name: str
    title: str
    explanation: str
    rows: list[dict[str, Any]]
    answer: str
    count: int | None = None
    truncated: bool | None = None


class GapsObject(JsonObject):
    """The data gaps of the catalogue."""

    gaps: list[GapObject]


class LocationObject(JsonObject):
    """A region of a file; lines and columns are from 1, the end is the first character after it."""

    file: str
    line: int | None = None
    column: int | None = None
    endLine: int | None = None  # noqa: N815
    endColumn: int | None = None  # noqa: N815


class FixObject(JsonObject):
    """A proposed fix: its description, and the text that replaces a region."""

    description: str
    location: LocationObject | None = None
    text: str | None = None


class FindingObject(JsonObject):
    """A validation result (SHACL, section 3.6.2); a key without a value is left out."""

    focusNode: str | None = None  # noqa: N815
    resultPath: str | None = None  # noqa: N815
    value: str | None = None
    sourceConstraintComponent: str  # noqa: N815
    sourceShape: str  # noqa: N815
    severity: str
    message: str
    hint: str | None = None
    location: LocationObject | None = None
    fix: FixObject | None = None


class ReportObject(JsonObject):
    """The report of a validation: whether there is no finding, and the findings."""

    conforms: bool
    findings: list[FindingObject]
