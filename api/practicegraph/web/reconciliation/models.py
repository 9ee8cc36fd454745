"""Models of the JSON of the Reconciliation Service API 0.2.

https://www.w3.org/community/reports/reconciliation/CG-FINAL-specs-0.2-20230410/
"""

from typing import Any

from pydantic import Field, RootModel

from ..models import JsonObject


class Named(JsonObject):
    """An entity, type or property by its identifier and name."""

    id: str
    name: str


class TypeReference(Named):
    """A type, and the type above it."""

    broader: list[Named] | None = None


class ViewTemplate(JsonObject):
    """A URL template with the variable `id`."""

    url: str


class PreviewTemplate(ViewTemplate):
    """A URL template of a page for a frame, with its size in pixels."""

    width: int
    height: int


class ServiceAddress(JsonObject):
    """A service of the manifest."""

    service_url: str
    service_path: str
    flyout_service_url: str | None = None
    flyout_service_path: str | None = None


class SettingChoice(JsonObject):
    """A value of a setting."""

    value: str
    name: str


class PropertySetting(JsonObject):
    """A setting of the properties of data extension."""

    name: str
    type: str
    default: str | int
    label: str
    choices: list[SettingChoice] | None = None


class ExtensionOffer(JsonObject):
    """The data extension in the manifest."""

    propose_properties: ServiceAddress
    property_settings: list[PropertySetting]


class ManifestObject(JsonObject):
    """The service manifest (section 3.1)."""

    versions: list[str]
    name: str
    identifier_space: str = Field(alias="identifierSpace")
    schema_space: str = Field(alias="schemaSpace")
    documentation: str
    service_version: str = Field(alias="serviceVersion")
    default_types: list[TypeReference] = Field(alias="defaultTypes")
    view: ViewTemplate
    preview: PreviewTemplate
    suggest: dict[str, ServiceAddress]
    extend: ExtensionOffer
    batch_size: int = Field(alias="batchSize")


class MatchingFeature(JsonObject):
    """A feature of a candidate, and how well it matches."""

    id: str
    value: float | bool


class CandidateObject(Named):
    """A candidate for a query (section 4.2)."""

    type: list[Named]
    score: float
    features: list[MatchingFeature]
    match: bool


class CandidatesObject(JsonObject):
    """The candidates for a query, the best first."""

    result: list[CandidateObject]


class ReconciliationResults(RootModel[dict[str, CandidatesObject]]):
    """The candidates by the key of each query."""


class PropertyMeta(Named):
    """A property of data extension, with the type of its values."""

    type: Named | None = None


class DataExtensionObject(JsonObject):
    """The values of properties of entities (section 7.4)."""

    meta: list[PropertyMeta]
    rows: dict[str, dict[str, list[dict[str, Any]]]]


class ReconciliationAnswer(RootModel[ManifestObject | DataExtensionObject | ReconciliationResults]):
    """The manifest, or the answer to `extend` or `queries`."""


class ReconciliationForm(JsonObject):
    """A form of `POST /reconcile`; each value is JSON."""

    queries: str | None = Field(None, examples=['{"q0": {"query": "…", "type": "…"}}'])
    extend: str | None = Field(None, examples=['{"ids": ["…"], "properties": [{"id": "…"}]}'])


class SuggestionObject(TypeReference):
    """A suggestion of an entity, type or property (section 6)."""

    description: str | None = None
    notable: list[Named] | None = None


class SuggestionsObject(JsonObject):
    """The suggestions for a prefix."""

    result: list[SuggestionObject]


class PropertyProposals(JsonObject):
    """The properties of a type (section 7.2)."""

    type: str
    properties: list[Named]
    limit: int | None = None


class FlyoutObject(JsonObject):
    """A short description as HTML (section 6.5)."""

    id: str
    html: str
