"""Facets as a search shows them: their values with counts, and what is chosen and left out.

JSON put together of pieces that are written already, so that each is written once.

The bytes are those of the whole written at once by `JSONResponse`.

Explanations as readers get them: by name, the SPARQL that gives each number again.

What shows a reader why words found an entry, and which words may have been meant.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from fastapi import Request
from pyoxigraph import Literal, NamedNode

from ...rdf.terms import Term, as_text
from ...schema.fields import Field, scale, steps_between
from ...schema.records import Record
from ...schema.text import fold
from ...search.engine import Counts, SearchResult
from ...search.explain import MAX_HITS, CountQueries, TooManyHitsError
from ...search.request import FROM, TO, FilterValue, Range, SearchRequest
from ...search.text.highlighting import Highlighter, Snippet
from ..context import View
from ..http import conditional
from ..http.conditional import Validators
from ..http.negotiation import Form


def written(value: Any) -> str:
    """Give a value as JSON without spaces."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def listed(pieces: Iterable[str]) -> str:
    """Give a list of values that are written."""
    return f"[{','.join(pieces)}]"


def named(pieces: Mapping[str, str]) -> str:
    """Give an object of values that are written, by name."""
    return "{" + ",".join(f"{written(name)}:{piece}" for name, piece in pieces.items()) + "}"


def extended(piece: str, more: Mapping[str, Any]) -> str:
    """Give an object that is written, and is not empty, with more at its end."""
    return f"{piece[:-1]},{written(more)[1:]}" if more else piece


_MOST = 10_000  # values, shown in a language, of which it is kept how that is written
_folded = lru_cache(_MOST)(fold)
_TRUTH = ("false", "true")


class Option(NamedTuple):
    """A value of a facet: its short form, its IRI if it has one, and how many entries have it."""

    value: str
    id: str
    label: str
    broader: tuple[str, ...]
    total: int = 0
    selected: bool = False
    excluded: bool = False


@dataclass(frozen=True)
class Unstated:
    """Entries in which a facet has no value: how many they are, and whether they are chosen."""

    count: int
    selected: bool
    excluded: bool


@dataclass(frozen=True)
class Facet:
    """A facet of an answer; `least` and `most` are the ends of the range that is chosen, or ""."""

    field: Field
    label: str
    options: tuple[Option, ...]
    unstated: Unstated | None
    least: str
    most: str

    @property
    def is_chosen(self) -> bool:
        """Tell whether anything of it is chosen or left out."""
        options: list[Option | Unstated] = [*self.options, *filter(None, [self.unstated])]
        return bool(self.least or self.most) or any(o.selected or o.excluded for o in options)

    @property
    def ends(self) -> list[tuple[str, str, str]]:
        """Give the two ends of a range: the phrase for it, its parameter, what is chosen."""
        key = self.field.key
        return [("rangeFrom", key + FROM, self.least), ("rangeTo", key + TO, self.most)]

    @property
    def nested(self) -> Iterator[tuple[int, Option]]:
        """Give options from the top down, those below another right behind it."""
        shown = {option.value for option in self.options}
        tops = [option for option in self.options if shown.isdisjoint(option.broader)]
        lower: dict[str, list[Option]] = {}
        for option in self.options:
            for above in option.broader[:1]:
                lower.setdefault(above, []).append(option)
        found = list(_below(tops, lower, 0))
        reached = {option.value for _, option in found}
        in_rings = ((0, option) for option in self.options if option.value not in reached)
        return iter([*found, *in_rings])

    def as_json(self) -> str:
        """Give the facet in JSON, without what it has not."""
        whole = {
            "label": written(self.label),
            "values": listed(map(_json, self.options)),
        }
        more: dict[str, Any] = {"notStated": vars(self.unstated)} if self.unstated else {}
        ends = {"from": self.least, "to": self.most}
        more |= {name: text for name, text in ends.items() if text}
        return extended(named(whole), more)


def _below(
    tops: Sequence[Option], lower: Mapping[str, Sequence[Option]], depth: int
) -> Iterator[tuple[int, Option]]:
    for top in tops:
        yield depth, top
        yield from _below(lower.get(top.value, ()), lower, depth + 1)


def facets(view: View, answer: SearchResult, choices: SearchRequest) -> list[Facet]:
    """Give the facets of an answer in their order, as a reader sees them."""
    return [_facet(view, field, answer, choices) for field in view.catalogue.shapes.record.facets]


def label(view: View, field: Field) -> str:
    """Give what a field is called in lists: as its scheme if it has one, whose name is shorter."""
    scheme = view.catalogue.vocabularies.schemes.get(field.scheme or "")
    return view.best(scheme.titles if scheme else field.names)


def options(view: View, field: Field, terms: Iterable[Term]) -> list[Option]:
    """Give values of a facet as a reader sees them, without counts."""
    return [_option(view, field, term) for term in terms]


def every_value(view: View, field: Field) -> list[Term]:
    """Give all values of a facet: those of its list, or all years that the entries span."""
    if not field.ordered:
        return list(view.services.request_parser.options[field.key].values())
    steps = [int(as_text(term)) for term in view.services.search.counts(field) if term is not None]
    found = steps_between(min(steps), max(steps)) if steps else range(0)
    return [Literal(scale(field).written(step)) for step in found]


def listed_counts(view: View, field: Field, counts: Counts) -> Iterator[tuple[Term, int]]:
    """Give the counts of the values that readers can choose; others are unknown to the list."""
    concepts = view.catalogue.vocabularies.concepts
    for term, count in counts.items():
        if term is not None and (not field.scheme or as_text(term) in concepts):
            yield term, count


def _facet(view: View, field: Field, answer: SearchResult, choices: SearchRequest) -> Facet:
    chosen, excluded = (of.get(field.key, ()) for of in (choices.filters, choices.excluded))
    selected, refused = (
        {t for v in values if (t := _term(v)) is not None} for values in (chosen, excluded)
    )
    counts = dict(listed_counts(view, field, answer.counts[field.key]))
    every = every_value(view, field) if choices.zeros else []
    found = [
        _option(
            view,
            field,
            term,
            counts[term] if term in counts else _missing(view, field, term, choices),
            term in selected,
            term in refused,
        )
        for term in dict.fromkeys([*counts, *selected, *refused, *every])
    ]
    span = next((v for v in chosen if isinstance(v, Range) and _term(v) is None), Range(None, None))
    unstated = Unstated(answer.counts[field.key].get(None, 0), None in chosen, None in excluded)
    return Facet(
        field=field,
        label=label(view, field),
        options=tuple(sorted(found, key=_by_value(field) if field.ordered else _by_count)),
        unstated=unstated if any(vars(unstated).values()) else None,
        least=span.start or "",
        most=span.end or "",
    )


def _missing(view: View, field: Field, term: Term, choices: SearchRequest) -> int:
    """Count a value that is not among those counted: a list's has none, but a date may have."""
    if not field.ordered:
        return 0
    bound = as_text(term)
    others = choices.without(field)
    chosen = {**others.filters, field.key: (Range(bound, bound),)}
    asked = replace(others, filters=chosen, size=0, after=None, before=None)
    return view.services.search.search(asked, view.languages).total


def _option(
    view: View,
    field: Field,
    term: Term,
    count: int = 0,
    selected: bool = False,
    excluded: bool = False,
) -> Option:
    counted = count, selected, excluded
    if not isinstance(term, NamedNode):
        text = as_text(term)
        return Option(text, text, text if field.ordered else view.spoken(text), (), *counted)
    concepts = view.catalogue.vocabularies.concepts
    concept = concepts[term.value]
    broader = tuple(concepts[above].notation for above in concept.broader if above in concepts)
    return Option(concept.notation, concept.iri, view.best(concept.labels), broader, *counted)


def _json(option: Option) -> str:
    value, iri, label, broader, total, selected, excluded = option
    before, behind = _around_count(value, iri, label, broader)
    left_out = ',"excluded":true' if excluded else ""
    return f'{before},"count":{total},"selected":{_TRUTH[selected]}{left_out}{behind}'


@lru_cache(_MOST)
def _around_count(value: str, iri: str, label: str, broader: tuple[str, ...]) -> tuple[str, str]:
    """Give what stands before and behind the count of a value in JSON."""
    more = f',"broader":{written(broader)}' if broader else ""
    return written({"value": value, "id": iri, "label": label})[:-1], more + "}"


def _term(value: FilterValue) -> Term | None:
    """Give a chosen value as it is counted: a date or a number as its text."""
    if isinstance(value, Range):
        return Literal(value.start) if value.start and value.start == value.end else None
    return value


def _by_count(option: Option) -> tuple[int, str]:
    return -option.total, _folded(option.label)


def _by_value(field: Field) -> Any:
    return lambda option: (scale(field).low(option.value), option.value)


def answer(view: View, choices: SearchRequest, milliseconds: float) -> dict[str, Any]:
    """Explain an answer to a search; words that found too much are said to have done so."""
    try:
        found = view.services.explainer.explain_search(choices, view.languages)
    except TooManyHitsError as error:
        return _unexplained(view, error) | _told(view, milliseconds)
    queries = {
        "list": found.listing,
        "total": found.total,
        "facets": {key: _counted(queries) for key, queries in found.facets.items()},
    }
    return queries | _told(view, milliseconds)


def coverage(
    view: View, axes: tuple[Field, Field], choices: SearchRequest, milliseconds: float
) -> dict[str, Any]:
    """Explain a table of two facets."""
    try:
        found = view.services.explainer.explain_table(*axes, choices, view.languages)
    except TooManyHitsError as error:
        return _unexplained(view, error) | _told(view, milliseconds)
    queries = {
        "total": found.total,
        "rows": _counted(found.rows),
        "columns": _counted(found.columns),
        "cells": {
            "values": found.cells,
            "rowsNotStated": found.rows_not_stated,
            "columnsNotStated": found.columns_not_stated,
            "bothNotStated": found.both_not_stated,
        },
    }
    return queries | _told(view, milliseconds)


def similar(view: View, entry: str, size: int, milliseconds: float) -> dict[str, Any]:
    """Explain which entries are near to one."""
    query = view.services.explainer.queries.list_similar(entry, size)
    return {"list": query} | _told(view, milliseconds)


def validators(view: View, request: Request, form: Form, is_explained: bool) -> Validators:
    """Give what tells an answer from a later one; nothing where it says how long it took."""
    if is_explained:
        return Validators("")
    services, chosen = view.services, (form.extension, view.language)
    return conditional.validators(request, services.search.release, chosen, services.dataset.newest)


def _counted(queries: CountQueries) -> dict[str, str]:
    return {"values": queries.values, "notStated": queries.not_stated}


def _unexplained(view: View, error: TooManyHitsError) -> dict[str, Any]:
    return {"note": view.say("tooManyFound", count=error.count, most=MAX_HITS)}


def _told(view: View, milliseconds: float) -> dict[str, Any]:
    return {"release": view.services.search.release, "milliseconds": round(milliseconds, 2)}


class Part(NamedTuple):
    """A part of a text, marked where it is what was looked for."""

    text: str
    is_marked: bool


@dataclass(frozen=True)
class Extract:
    """A piece of a field's text in parts; the language where it is not the page's."""

    label: str
    role: str
    language: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Extracts:
    """Gives the pieces of entries in which a search found its words; without words, none."""

    view: View
    choices: SearchRequest

    def of(self, record: Record) -> list[Extract]:
        """Give the pieces of an entry for a page, without titles, which stand there anyway."""
        return [
            Extract(
                label(self.view, found.field),
                found.field.role,
                found.language if found.language and found.language != self.view.language else "",
                tuple(_parts(found)),
            )
            for found in self._found(record)
            if found.field.role != "LabelRole"
        ]

    def as_json(self, record: Record) -> dict[str, Any]:
        """Give the pieces of an entry as JSON; marks are where they begin and end, in letters."""
        shown = [
            {"field": found.field.key, "text": found.text, "marks": [*map(list, found.highlights)]}
            | ({"language": found.language} if found.language else {})
            for found in self._found(record)
        ]
        return {"snippets": shown} if shown else {}

    def _found(self, record: Record) -> list[Snippet]:
        return self._highlighter.snippets(record) if self._highlighter else []

    @cached_property
    def _highlighter(self) -> Highlighter | None:
        words, languages = self.choices.query, self.view.languages
        return self.view.services.search.highlighter(words, languages) if words.strip() else None


def meant(view: View, choices: SearchRequest, answer: SearchResult) -> str | None:
    """Give the words that may have been meant where those of a search find nothing."""
    if answer.total or not choices.query.strip():
        return None
    return view.services.search.suggest(choices.query)


def _parts(found: Snippet) -> Iterator[Part]:
    end = 0
    for start, stop in found.highlights:
        yield Part(found.text[end:start], False)
        yield Part(found.text[start:stop], True)
        end = stop
    yield Part(found.text[end:], False)
