"""Results of searches in the reader's language: facets, snippets, and their JSON."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType
from pyoxigraph import Literal, NamedNode

from ...catalogue.catalogue import Catalogue
from ...rdf.terms import XSD, Term, as_text, local_name
from ...schema.fields import Field, get_scale, list_steps
from ...schema.records import Record
from ...schema.text import collation_key, pick_text
from ...search.engine import Counts, SearchResult
from ...search.request import FilterValue, Range, SearchRequest
from ...search.text.highlighting import Highlighter, Snippet
from ..context import View
from ..models import Count, JsonObject
from .explanation import SearchExplanation

_collation_key = lru_cache(10_000)(collation_key)
_RangeEnd = Annotated[str, Meta(description="An end of the chosen range")]
_JSON_TYPES: dict[str, type] = {
    XSD + "boolean": bool,
    XSD + "integer": int,
    XSD + "decimal": float,
}


class ConceptValue(JsonObject):
    """A concept or a value of a list: its short form, its IRI or lexical form, its label."""

    value: str
    id: str
    label: str


class FacetValue(ConceptValue):
    """A value of a facet, with the number of entries that have it."""

    count: Count
    selected: bool
    excluded: bool = False
    broader: tuple[str, ...] = ()


class NotStated(JsonObject):
    """The count of entries without a value of a facet, and whether they are chosen or excluded."""

    count: Count
    selected: bool
    excluded: bool


class Facet(JsonObject):
    """A facet of a result: its values by count, or in their order; the ends of a chosen range."""

    label: str
    values: list[FacetValue]
    not_stated: NotStated | UnsetType = UNSET
    start: _RangeEnd = msgspec.field(default="", name="from")
    end: _RangeEnd = msgspec.field(default="", name="to")

    @property
    def is_chosen(self) -> bool:
        """Return whether any of its values is chosen or excluded."""
        values: list[FacetValue | NotStated] = [*self.values]
        values += [self.not_stated] if self.not_stated else []
        return bool(self.start or self.end) or any(v.selected or v.excluded for v in values)

    @property
    def nested(self) -> list[tuple[int, FacetValue]]:
        """Return the values with their depth, each followed by its narrower ones."""
        notations = {value.value for value in self.values}
        narrower: dict[str, list[FacetValue]] = {}
        for value in self.values:
            for above in value.broader[:1]:
                narrower.setdefault(above, []).append(value)
        roots = [value for value in self.values if notations.isdisjoint(value.broader)]
        nested = list(_below(roots, narrower, 0))
        placed = {value.value for _, value in nested}
        in_cycles = [(0, value) for value in self.values if value.value not in placed]
        return [*nested, *in_cycles]


class SnippetObject(JsonObject):
    """A part of a text in which words match; highlights are pairs of start and end."""

    field: str
    text: str
    highlights: tuple[tuple[int, int], ...]
    language: str = ""


class EntryObject(JsonObject):
    """An entry; the keys of its fields are those of the shapes."""

    id: str
    title: str
    snippets: list[SnippetObject] | UnsetType = UNSET


class SearchObject(JsonObject, kw_only=True):
    """A page of a search."""

    total: Count
    release: str
    items: list[dict[str, Any]]
    facets: dict[str, Facet]
    next: Annotated[str, Meta(description="URL of the next page")] = ""
    prev: Annotated[str, Meta(description="URL of the previous page")] = ""
    first: Annotated[str, Meta(description="URL of the first page, where this is another")] = ""
    ignored: Annotated[tuple[str, ...], Meta(description="Words set aside: nothing has them")] = ()
    suggestions: Annotated[tuple[str, ...], Meta(description="Words near to those not found")] = ()
    explanation: SearchExplanation | UnsetType = UNSET


@dataclass(frozen=True)
class SearchSnippets:
    """Finds the snippets of entries; a search without words has none."""

    view: View
    search_request: SearchRequest

    def find(self, record: Record) -> list[Snippet]:
        """Return the snippets of an entry."""
        return self._highlighter.snippets(record) if self._highlighter else []

    def as_json(self, record: Record) -> list[SnippetObject]:
        """Return the snippets of an entry as objects to encode."""
        return [
            SnippetObject(s.field.key, s.text, s.highlights, s.language or "")
            for s in self.find(record)
        ]

    @staticmethod
    def runs(snippet: Snippet) -> Iterator[tuple[str, bool]]:
        """Yield the parts of a snippet, and whether each is highlighted."""
        end = 0
        for start, stop in snippet.highlights:
            yield snippet.text[end:start], False
            yield snippet.text[start:stop], True
            end = stop
        yield snippet.text[end:], False

    @cached_property
    def _highlighter(self) -> Highlighter | None:
        words, languages = self.search_request.query, self.view.languages
        return self.view.services.search.highlighter(words, languages) if words.strip() else None


def suggest_words(view: View, search_request: SearchRequest, result: SearchResult) -> str:
    """Return words near to those of a search that may be misspelt, or ""."""
    if not result.is_doubtful:
        return ""
    return view.services.search.suggest(search_request.query, view.languages) or ""


def search_model(catalogue: Catalogue) -> type[Struct]:
    """Return the model of a search result, with the fields and facets of the shapes."""
    kind, languages = catalogue.shapes.entry_shape, catalogue.languages
    fields = {
        field.key: Annotated[_json_type(field), Meta(title=pick_text(field.names, languages))]
        for field in kind.fields
        if field.key not in EntryObject.__struct_fields__
    }
    prefix = "" if catalogue.shapes.is_first else local_name(kind.iri)
    facets_of_kind = {facet.key: Facet for facet in kind.facets}
    entry = _extend(EntryObject, fields, f"{prefix}EntryObject")
    facets_model = _extend(JsonObject, facets_of_kind, f"{prefix}FacetsObject")
    types = {"items": list[entry], "facets": facets_model}  # type: ignore[valid-type]
    return _extend(SearchObject, types, f"{prefix}SearchObject")


def _extend(model: type[Struct], types: Mapping[str, Any], name: str) -> type[Struct]:
    """Return a model with further optional keys, or with other types of its keys."""
    own = model.__struct_fields__
    keys = {key if key in own else f"field_{number}": key for number, key in enumerate(types)}
    fields = [
        (field, types[key]) if key in own else (field, types[key] | UnsetType, UNSET)
        for field, key in keys.items()
    ]
    return msgspec.defstruct(name, fields, bases=(model,), rename=keys, kw_only=True)


def _json_type(field: Field) -> Any:
    """Return the type of a field in JSON."""
    if field.is_text:
        return str
    is_named = field.scheme or any(isinstance(option, NamedNode) for option in field.options)
    types = {_JSON_TYPES.get(name, str) for name in field.datatypes}
    value = ConceptValue if is_named else types.pop() if len(types) == 1 else str
    return list[value] if field.is_repeatable else value  # type: ignore[valid-type]


def facets(
    view: View, result: SearchResult, search_request: SearchRequest
) -> list[tuple[Field, Facet]]:
    """Return the facets of a result in the order of the shapes, in the reader's language."""
    return [
        (field, _facet(view, field, result.counts[field.key], search_request))
        for field in view.catalogue.shapes.entry_shape.facets
    ]


def facet_value(
    view: View,
    field: Field,
    term: Term,
    count: int = 0,
    selected: bool = False,
    excluded: bool = False,
) -> FacetValue:
    """Return a term as a value of a facet, with its label in the reader's language."""
    if not isinstance(term, NamedNode):
        text = as_text(term)
        label = text if field.is_ordered else view.format_code(text)
        return FacetValue(text, text, label, count, selected, excluded)
    concepts = view.catalogue.vocabularies.concepts
    concept = concepts[term.value]
    broader = tuple(concepts[above].notation for above in concept.broader if above in concepts)
    label = view.text(concept.labels)
    return FacetValue(concept.notation, concept.iri, label, count, selected, excluded, broader)


def all_terms(view: View, field: Field) -> list[Term]:
    """Return all terms of a facet: those of its list, or all steps that the entries span."""
    if not field.is_ordered:
        return list(view.services.request_parser.options[field.key].values())
    steps = [int(as_text(term)) for term in view.services.search.counts(field) if term is not None]
    span = list_steps(min(steps), max(steps)) if steps else range(0)
    return [Literal(get_scale(field).format_step(step)) for step in span]


def nested_terms(view: View, field: Field) -> list[tuple[int, Term]]:
    """Return all terms of a facet with their depth in its tree, from the top down."""
    if not field.scheme:
        return [(0, term) for term in all_terms(view, field)]
    scheme = view.catalogue.vocabularies.scheme(field.scheme)
    return [(depth, NamedNode(concept.iri)) for depth, concept in scheme.tree(view.languages)]


def selectable_counts(view: View, field: Field, counts: Counts) -> Iterator[tuple[Term, int]]:
    """Yield the counts of the terms that can be chosen: those of the scheme, if there is one."""
    concepts = view.catalogue.vocabularies.concepts
    for term, count in counts.items():
        if term is not None and (not field.scheme or as_text(term) in concepts):
            yield term, count


def _below(
    values: Sequence[FacetValue], narrower: Mapping[str, Sequence[FacetValue]], depth: int
) -> Iterator[tuple[int, FacetValue]]:
    for value in values:
        yield depth, value
        yield from _below(narrower.get(value.value, ()), narrower, depth + 1)


def _facet(view: View, field: Field, counts: Counts, search_request: SearchRequest) -> Facet:
    chosen = search_request.filters.get(field.key, ())
    excluded = search_request.excluded.get(field.key, ())
    spans = (value for value in chosen if isinstance(value, Range) and _term(value) is None)
    span = next(spans, Range(None, None))
    return Facet(
        label=view.text(field.names),
        values=_values(view, field, counts, search_request),
        not_stated=_not_stated(counts.get(None, 0), chosen, excluded),
        start=span.start or "",
        end=span.end or "",
    )


def _values(
    view: View, field: Field, all_counts: Counts, search_request: SearchRequest
) -> list[FacetValue]:
    selected = _terms(search_request.filters.get(field.key, ()))
    excluded = _terms(search_request.excluded.get(field.key, ()))
    counts = dict(selectable_counts(view, field, all_counts))
    all_values = all_terms(view, field) if search_request.zeros else []
    values = [
        facet_value(
            view,
            field,
            term,
            counts[term] if term in counts else _uncounted(view, field, term, search_request),
            term in selected,
            term in excluded,
        )
        for term in dict.fromkeys([*counts, *selected, *excluded, *all_values])
    ]
    if field.is_ordered:
        scale = get_scale(field)
        return sorted(values, key=lambda value: (scale.lower_bound(value.value), value.value))
    return sorted(values, key=lambda v: (-v.count, _collation_key(v.label, view.language)))


def _uncounted(view: View, field: Field, term: Term, search_request: SearchRequest) -> int:
    """Return the count of a term that has none yet: 0 in a list, but a date may have entries."""
    if not field.is_ordered:
        return 0
    bound = as_text(term)
    others = search_request.without(field)
    filters = {**others.filters, field.key: (Range(bound, bound),)}
    single = replace(others, filters=filters, size=0, after=None, before=None)
    return view.services.search.search(single, view.languages).total


def _not_stated(
    count: int, chosen: Sequence[FilterValue], excluded: Sequence[FilterValue]
) -> NotStated | UnsetType:
    if not count and None not in chosen and None not in excluded:
        return UNSET
    return NotStated(count, None in chosen, None in excluded)


def _terms(values: Iterable[FilterValue]) -> set[Term]:
    return {term for value in values if (term := _term(value)) is not None}


def _term(value: FilterValue) -> Term | None:
    """Return the term that counts a chosen value; a date or number counts by its lexical form."""
    if isinstance(value, Range):
        return Literal(value.start) if value.start and value.start == value.end else None
    return value
