"""Models of the JSON of requests and responses, from which OpenAPI has its schemas.

A key with a default is absent where it has no other value; none is ever null.
"""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from ..schema.vocabularies import ConceptMapping

Count = Annotated[int, Meta(ge=0)]
"""A number of things."""


class JsonObject(Struct, omit_defaults=True, rename="camel"):
    """A JSON object."""


class ProblemObject(JsonObject):
    """An error (RFC 9457), with what a client needs to correct the request.

    `available` are the media types with 406, `incident` is the number of the error in the server's
    log, `findings` are those of a validation report, `problems` those of the keys of an entry.
    """

    type: str
    title: str
    status: int
    detail: str
    hint: str | UnsetType = UNSET
    available: list[str] | UnsetType = UNSET
    file: str | UnsetType = UNSET
    line: int | UnsetType = UNSET
    column: int | UnsetType = UNSET
    incident: str | UnsetType = UNSET
    conforms: bool | UnsetType = UNSET
    findings: list[dict[str, Any]] | UnsetType = UNSET
    problems: list[dict[str, Any]] | UnsetType = UNSET


class StatusRequest(JsonObject):
    """IRIs or URLs whose status is asked for."""

    iris: Annotated[list[str], Meta(max_length=1000)]


class StatusObject(JsonObject):
    """The status of an IRI, the IRI to link to (`id`), and the mappings to the IRI."""

    iri: str
    status: Literal["current", "moved", "withdrawn", "unknown"]
    id: str | UnsetType = UNSET
    to: str | UnsetType = UNSET
    since: str | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    mappings: list[ConceptMapping] | UnsetType = UNSET


class StatusesObject(JsonObject):
    """The status of each IRI, in the order of the request."""

    results: list[StatusObject]


class FileFaultObject(JsonObject):
    """A file of the catalogue that is at fault: why it is not served, or its findings."""

    file: str
    reason: str | UnsetType = UNSET
    findings: int | UnsetType = UNSET


class HealthObject(JsonObject):
    """Whether the service answers."""

    status: Literal["ok", "degraded"]


class CatalogueHealthObject(HealthObject):
    """Whether the service answers, from which release, and which files are at fault."""

    release: str
    triples: Count
    files: list[FileFaultObject] | UnsetType = UNSET


class LinkTarget(JsonObject):
    """The target of links (RFC 9264, section 4.2.3)."""

    href: str
    type: str | UnsetType = UNSET


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

    queries: list[StoredQueryObject]


class ResultHead(JsonObject):
    """The variables of a result, and links (SPARQL 1.1 Query Results JSON Format)."""

    vars: list[str] | UnsetType = UNSET
    link: list[str] | UnsetType = UNSET


class ResultBindings(JsonObject):
    """The solutions of a query, each with an RDF term by variable."""

    bindings: list[dict[str, dict[str, Any]]]


class SparqlResults(JsonObject):
    """SPARQL 1.1 Query Results JSON Format; `truncated` where there are more rows."""

    head: ResultHead
    results: ResultBindings | UnsetType = UNSET
    boolean: bool | UnsetType = UNSET
    truncated: bool | UnsetType = UNSET


class GapObject(JsonObject):
    """A stored query that counts what is missing, its first rows, and the URL of all of them."""

    name: str
    title: str
    explanation: str
    rows: list[dict[str, Any]]
    answer: str
    count: int | UnsetType = UNSET
    truncated: bool | UnsetType = UNSET


class GapsObject(JsonObject):
    """The data gaps of the catalogue."""

    gaps: list[GapObject]


class LocationObject(JsonObject):
    """A region of a file; lines and columns are from 1, the end is the first character after it."""

    file: str
    line: int | UnsetType = UNSET
    column: int | UnsetType = UNSET
    end_line: int | UnsetType = UNSET
    end_column: int | UnsetType = UNSET


class FixObject(JsonObject):
    """A proposed fix: its description, and the text that replaces a region."""

    description: str
    location: LocationObject | UnsetType = UNSET
    text: str | UnsetType = UNSET


class FindingObject(JsonObject, kw_only=True):
    """A validation result (SHACL, section 3.6.2); a key without a value is left out."""

    focus_node: str | UnsetType = UNSET
    result_path: str | UnsetType = UNSET
    value: str | UnsetType = UNSET
    source_constraint_component: str
    source_shape: str
    severity: str
    message: str
    hint: str | UnsetType = UNSET
    location: LocationObject | UnsetType = UNSET
    fix: FixObject | UnsetType = UNSET


class ReportObject(JsonObject):
    """The report of a validation: whether there is no finding, and the findings.

    Warnings about shapes are of shapes that are sent along and target no node.
    """

    conforms: bool
    findings: list[FindingObject]
    shape_warnings: list[FindingObject] | UnsetType = UNSET
