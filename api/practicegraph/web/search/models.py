"""Models of the JSON of searches, of contingency tables and of similar entries."""

from typing import Any

from pydantic import BaseModel, Field, create_model
from pyoxigraph import NamedNode

from ...catalogue.catalogue import Catalogue
from ...rdf.namespaces import XSD
from ...schema import fields
from ...schema.text import pick_text
from ..models import JsonObject

_NATIVE: dict[str, type] = {XSD + "boolean": bool, XSD + "integer": int, XSD + "decimal": float}


class ConceptValue(JsonObject):
    """A concept or a value of a list: its short form, its IRI or lexical form, its label."""

    value: str
    id: str
    label: str


class FacetValueObject(ConceptValue):
    """A value of a facet, with the number of entries that have it."""

    count: int = Field(ge=0)
    selected: bool
    excluded: bool | None = None
    broader: list[str] | None = None


class NotStatedObject(JsonObject):
    """The entries that have no value of a facet."""

    count: int = Field(ge=0)
    selected: bool
    excluded: bool


class FacetObject(JsonObject):
    """A facet of a search: its values by count, or in their order."""

    label: str
    values: list[FacetValueObject]
    not_stated: NotStatedObject | None = Field(None, alias="notStated")
    start: str | None = Field(None, alias="from", description="The start of the chosen range")
    end: str | None = Field(None, alias="to", description="The end of the chosen range")


class SnippetObject(JsonObject):
    """A part of a text in which words were found; highlights are pairs of start and end."""

    field: str
    text: str
    highlights: list[list[int]]
    language: str | None = None


class EntryObject(JsonObject):
    """An entry; the keys of its fields are those of the shapes."""

    id: str
    title: str
    snippets: list[SnippetObject] | None = None


class CountQueriesObject(JsonObject):
    """The SPARQL queries that count the values of a facet, and the entries without one."""

    values: str
    not_stated: str = Field(alias="notStated")


class CellQueriesObject(CountQueriesObject):
    """The SPARQL queries that count the cells of a table."""

    not_stated: str = Field(alias="bothNotStated")
    rows_not_stated: str = Field(alias="rowsNotStated")
    columns_not_stated: str = Field(alias="columnsNotStated")


class ExplanationObject(JsonObject):
    """The SPARQL queries that give the numbers again; a note where words find too much."""

    release: str
    milliseconds: float
    note: str | None = None


class SearchExplanation(ExplanationObject):
    """The SPARQL queries of a search."""

    list: str | None = None
    total: str | None = None
    facets: dict[str, CountQueriesObject] | None = None


class TableExplanation(ExplanationObject):
    """The SPARQL queries of a contingency table."""

    total: str | None = None
    rows: CountQueriesObject | None = None
    columns: CountQueriesObject | None = None
    cells: CellQueriesObject | None = None


class SimilarExplanation(ExplanationObject):
    """The SPARQL query that lists similar entries."""

    list: str


class SearchObject(JsonObject):
    """A page of a search."""

    total: int = Field(ge=0)
    release: str
    items: list[EntryObject]
    facets: dict[str, FacetObject]
    next: str | None = Field(None, description="URL of the next page")
    prev: str | None = Field(None, description="URL of the previous page")
    first: str | None = Field(None, description="URL of the first page, where this is another")
    suggestions: list[str] | None = Field(None, description="Words near to those not found")
    explanation: SearchExplanation | None = None


class AxisValueObject(JsonObject):
    """A row or a column; what is not stated has no IRI."""

    value: str
    id: str | None = None
    label: str
    count: int = Field(ge=0)
    broader: list[str] | None = None


class TableAxisObject(JsonObject):
    """The rows or the columns of a table: a facet and its values."""

    key: str
    label: str
    values: list[AxisValueObject]


class TableObject(JsonObject):
    """A contingency table: the counts of entries by the values of two facets."""

    total: int = Field(ge=0)
    release: str
    rows: TableAxisObject
    columns: TableAxisObject
    cells: list[list[int]] = Field(description="A list a row, in the order of the columns")
    explanation: TableExplanation | None = None


class SharedConceptObject(ConceptValue):
    """A concept that two entries share."""

    facet: str


class EntryReferenceObject(JsonObject):
    """An entry by its IRI, identifier and title."""

    id: str
    identifier: str | None = None
    title: str


class SimilarEntryObject(EntryReferenceObject):
    """An entry that is similar to another."""

    similarity: float = Field(gt=0, le=1)
    shared: list[SharedConceptObject]
    shared_count: int = Field(ge=0, alias="sharedCount")


class SimilarEntriesObject(EntryReferenceObject):
    """An entry and those that are similar to it."""

    release: str
    items: list[SimilarEntryObject]
    explanation: SimilarExplanation | None = None


def search_model(catalogue: Catalogue) -> type[BaseModel]:
    """Return the model of a search result, with the fields and facets of the shapes."""
    keys = [facet.key for facet in catalogue.shapes.entry_shape.facets]
    facets = {f"facet_{key}": (FacetObject, Field(alias=key)) for key in keys}
    facets_model = create_model("FacetsObject", __base__=JsonObject, **facets)  # type: ignore[call-overload]
    changed = {"items": (list[entry_model(catalogue)], ...), "facets": (facets_model, ...)}  # type: ignore[misc]
    return create_model("SearchObject", __base__=SearchObject, **changed)  # type: ignore[call-overload,no-any-return]


def entry_model(catalogue: Catalogue) -> type[BaseModel]:
    """Return the model of an entry, with a key for each field of the shapes."""
    own = {
        f"field_{f.key}": (_type(f) | None, _labelled(catalogue, f))
        for f in catalogue.shapes.entry_shape.fields
        if f.key not in EntryObject.model_fields
    }
    return create_model("EntryObject", __base__=EntryObject, **own)  # type: ignore[call-overload,no-any-return]


def _labelled(catalogue: Catalogue, field: fields.Field) -> Any:
    return Field(None, alias=field.key, title=pick_text(field.names, catalogue.languages))


def _type(field: fields.Field) -> Any:
    """Return the type of a field in JSON."""
    if field.is_text:
        return str
    is_named = field.scheme or any(isinstance(option, NamedNode) for option in field.options)
    types = {_NATIVE.get(name, str) for name in field.datatypes}
    value = ConceptValue if is_named else types.pop() if len(types) == 1 else str
    return list[value] if field.is_repeatable else value  # type: ignore[valid-type]
