"""The facets of a search result: their values with labels and counts, and which are chosen."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from msgspec import Struct
from pyoxigraph import Literal, NamedNode

from ...rdf.terms import Term, as_text
from ...schema.fields import Field, get_scale, list_steps
from ...schema.text import fold
from ...search.engine import Counts, SearchResult
from ...search.request import FROM, TO, FilterValue, Range, SearchRequest
from ..context import View

_fold = lru_cache(10_000)(fold)


class FacetValue(Struct, frozen=True, omit_defaults=True):
    """A value of a facet: its short form, its IRI or lexical form, and how many entries have it."""

    value: str
    id: str
    label: str
    count: int
    selected: bool
    excluded: bool = False
    broader: tuple[str, ...] = ()


class NotStated(Struct, frozen=True):
    """The count of entries without a value of a facet, and whether they are chosen or excluded."""

    count: int
    selected: bool
    excluded: bool


@dataclass(frozen=True)
class Facet:
    """A facet of a result; `start` and `end` are the ends of the chosen range, or ""."""

    field: Field
    label: str
    values: tuple[FacetValue, ...]
    not_stated: NotStated | None
    start: str
    end: str

    @property
    def is_chosen(self) -> bool:
        """Return whether any of its values is chosen or excluded."""
        values: list[FacetValue | NotStated] = [*self.values]
        values += [self.not_stated] if self.not_stated else []
        return bool(self.start or self.end) or any(v.selected or v.excluded for v in values)

    @property
    def range_inputs(self) -> list[tuple[str, str, str]]:
        """Return the two inputs of a range: the phrase of its label, its parameter, its value."""
        key = self.field.key
        return [("rangeFrom", key + FROM, self.start), ("rangeTo", key + TO, self.end)]

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

    def as_json(self) -> dict[str, Any]:
        """Return the facet as an object to encode; keys without a value are absent."""
        more = {"notStated": self.not_stated, "from": self.start, "to": self.end}
        present = {name: value for name, value in more.items() if value}
        return {"label": self.label, "values": self.values, **present}


def facets(view: View, result: SearchResult, search_request: SearchRequest) -> list[Facet]:
    """Return the facets of a result in the order of the shapes, in the reader's language."""
    return [
        _facet(view, field, result, search_request)
        for field in view.catalogue.shapes.entry_shape.facets
    ]


def field_label(view: View, field: Field) -> str:
    """Return the label of a field in lists: the title of its scheme, if any, which is shorter."""
    scheme = view.catalogue.vocabularies.schemes.get(field.scheme or "")
    return view.best(scheme.titles if scheme else field.names)


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
        label = text if field.is_ordered else view.spoken(text)
        return FacetValue(text, text, label, count, selected, excluded)
    concepts = view.catalogue.vocabularies.concepts
    concept = concepts[term.value]
    broader = tuple(concepts[above].notation for above in concept.broader if above in concepts)
    label = view.best(concept.labels)
    return FacetValue(concept.notation, concept.iri, label, count, selected, excluded, broader)


def all_terms(view: View, field: Field) -> list[Term]:
    """Return all terms of a facet: those of its list, or all steps that the entries span."""
    if not field.is_ordered:
        return list(view.services.request_parser.options[field.key].values())
    steps = [int(as_text(term)) for term in view.services.search.counts(field) if term is not None]
    span = list_steps(min(steps), max(steps)) if steps else range(0)
    return [Literal(get_scale(field).format_step(step)) for step in span]


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


def _facet(view: View, field: Field, result: SearchResult, search_request: SearchRequest) -> Facet:
    chosen, excluded = (
        of.get(field.key, ()) for of in (search_request.filters, search_request.excluded)
    )
    return Facet(
        field=field,
        label=field_label(view, field),
        values=tuple(_values(view, field, result, search_request)),
        not_stated=_not_stated(result.counts[field.key].get(None, 0), chosen, excluded),
        **_range_ends(chosen),
    )


def _values(
    view: View, field: Field, result: SearchResult, search_request: SearchRequest
) -> list[FacetValue]:
    selected = _terms(search_request.filters.get(field.key, ()))
    excluded = _terms(search_request.excluded.get(field.key, ()))
    counts = dict(selectable_counts(view, field, result.counts[field.key]))
    every = all_terms(view, field) if search_request.zeros else []
    values = [
        facet_value(
            view,
            field,
            term,
            counts[term] if term in counts else _uncounted(view, field, term, search_request),
            term in selected,
            term in excluded,
        )
        for term in dict.fromkeys([*counts, *selected, *excluded, *every])
    ]
    if field.is_ordered:
        return sorted(
            values, key=lambda value: (get_scale(field).lower_bound(value.value), value.value)
        )
    return sorted(values, key=lambda value: (-value.count, _fold(value.label)))


def _uncounted(view: View, field: Field, term: Term, search_request: SearchRequest) -> int:
    """Return the count of a term that has none yet: 0 in a list, but a date may have entries."""
    if not field.is_ordered:
        return 0
    bound = as_text(term)
    others = search_request.without(field)
    chosen = {**others.filters, field.key: (Range(bound, bound),)}
    alone = replace(others, filters=chosen, size=0, after=None, before=None)
    return view.services.search.search(alone, view.languages).total


def _not_stated(
    count: int, chosen: Sequence[FilterValue], excluded: Sequence[FilterValue]
) -> NotStated | None:
    if not count and None not in chosen and None not in excluded:
        return None
    return NotStated(count, None in chosen, None in excluded)


def _range_ends(chosen: Iterable[FilterValue]) -> dict[str, str]:
    spans = [v for v in chosen if isinstance(v, Range) and _term(v) is None]
    span = spans[0] if spans else Range(None, None)
    return {"start": span.start or "", "end": span.end or ""}


def _terms(values: Iterable[FilterValue]) -> set[Term]:
    return {term for value in values if (term := _term(value)) is not None}


def _term(value: FilterValue) -> Term | None:
    """Return the term that counts a chosen value; a date or number counts by its lexical form."""
    if isinstance(value, Range):
        return Literal(value.start) if value.start and value.start == value.end else None
    return value
