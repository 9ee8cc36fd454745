"""The impact of a change on readers: counts, facet values, IRIs, stored queries and labels.

Counts are those of a search without filters: a broader concept includes the entries of narrower
ones, a successor those of what it replaces. Stored queries run with their default parameters.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from pyoxigraph import Literal, NamedNode, QueryResultsFormat, QuerySolutions, RdfFormat, parse
from pyoxigraph import parse_query_results as parsed

from ..catalogue.catalogue import Catalogue
from ..catalogue.documents import Document
from ..catalogue.stored_queries import StoredQuery
from ..rdf.terms import Term
from ..schema.fields import Field
from ..schema.text import Phrases, pick_text
from ..search.engine import SparqlEngine
from ..storage import query_guard
from ..storage.base import QueryRefusedError
from ..storage.oxigraph import OxigraphStore
from ..validation.findings import Finding, FindingBuilder
from ..validation.published_iris import find_published_iris
from .differences import Comparison, Difference, State


@dataclass(frozen=True)
class Count:
    """The counts of a facet value before and after; None stands for entries that state none."""

    facet: Field
    value: Term | None
    name: str
    before: int
    after: int


@dataclass(frozen=True)
class FacetChange:
    """The facet values that an entry lost and gained."""

    iri: str
    facet: Field
    removed: tuple[str, ...]
    added: tuple[str, ...]


@dataclass(frozen=True)
class LostResult:
    """A stored question whose answer got lost: the rows before, and why it fails now, or ""."""

    question: StoredQuery
    before: int
    reason: str


@dataclass(frozen=True)
class LostLabel:
    """The label of a resource in a language in which it has none now."""

    iri: str
    language: str
    text: str


@dataclass(frozen=True)
class Impact:
    """All that a change does; `fates` are of published addresses that lead elsewhere or nowhere."""

    counts: tuple[Count, ...]
    retagged: tuple[FacetChange, ...]
    fates: tuple[Difference, ...]
    questions: tuple[LostResult, ...]
    names: tuple[LostLabel, ...]


def impact(comparison: Comparison, differences: Sequence[Difference]) -> Impact:
    """Return what the differences of two states do."""
    return Impact(
        counts=tuple(_counts(comparison)),
        retagged=tuple(_retagged(comparison)),
        fates=tuple(_fates(comparison, differences)),
        questions=tuple(_questions(comparison)),
        names=tuple(_names(comparison, differences)),
    )


def _counts(comparison: Comparison) -> Iterator[Count]:
    old, new = comparison.old.opened, comparison.new.opened
    former = {facet.key: facet for facet in old.shapes.entry_shape.facets}
    facets = former | {facet.key: facet for facet in new.shapes.entry_shape.facets}
    for key, facet in facets.items():
        before, after = (_counted(opened, key) for opened in (old, new))
        for value in sorted({*before, *after}, key=str):
            if before.get(value, 0) != after.get(value, 0):
                name = _name(comparison, value)
                yield Count(facet, value, name, before.get(value, 0), after.get(value, 0))


def _counted(opened: Catalogue, key: str) -> Mapping[Term | None, int]:
    facets = {facet.key: facet for facet in opened.shapes.entry_shape.facets}
    if key not in facets:
        return {}
    return SparqlEngine(opened.store, opened.shapes.entry_shape, opened.vocabularies).counts(
        facets[key]
    )


def _name(comparison: Comparison, value: Term | None) -> str:
    if isinstance(value, NamedNode):
        return comparison.name(value.value) or value.value
    if value is None:
        return comparison.new.opened.phrases.format("notStated", comparison.languages)
    return value.value if isinstance(value, Literal) else str(value)


def _retagged(comparison: Comparison) -> Iterator[FacetChange]:
    both = comparison.old.things.keys() & comparison.new.things.keys()
    facets = [f for f in comparison.new.opened.shapes.entry_shape.facets if f.predicate]
    for iri in sorted(iri for iri in both if _is_entry(comparison.old, iri)):
        if _is_entry(comparison.new, iri):
            for facet in facets:
                before, after = (
                    _tags(state, iri, facet) for state in (comparison.old, comparison.new)
                )
                if before != after:
                    gone, come = sorted(before - after), sorted(after - before)
                    yield FacetChange(iri, facet, tuple(gone), tuple(come))


def _is_entry(state: State, iri: str) -> bool:
    """Return whether something is a current entry."""
    statements = state.things[iri]
    classes = [t.value for t in statements.values() if isinstance(t, NamedNode)]
    own = state.opened.shapes.entry_shape.classes[0]
    return own in classes and not state.opened.lifecycle.get(iri)


def _tags(state: State, iri: str, facet: Field) -> set[str]:
    """Return the values of a facet that an entry counts for: successors, and nothing withdrawn."""
    found: set[str] = set()
    for (predicate, _), term in state.things[iri].items():
        if predicate == facet.predicate and isinstance(term, NamedNode | Literal):
            deprecation = state.opened.lifecycle.get(term.value)
            found.add(deprecation.successor if deprecation else term.value)
    return found - {""}


def _fates(comparison: Comparison, differences: Sequence[Difference]) -> Iterator[Difference]:
    opened = comparison.old.opened
    entries = f"{opened.base}{opened.shapes.entry_shape.segment}/"
    published = find_published_iris(comparison.old.documents, opened.base, entries)
    for difference in differences:
        gone = difference.change in ("removed", "moved", "withdrawn")
        if gone and difference.iri in published:
            yield difference


def _questions(comparison: Comparison) -> Iterator[LostResult]:
    """Return the questions that both states have and that lost their answer."""
    old, new = comparison.old.opened, comparison.new.opened
    for name, question in old.stored_queries.items():
        if name in new.stored_queries:
            before, _ = _asked(old, question)
            after, reason = _asked(new, new.stored_queries[name])
            if before is not None and (after is None or (before and not after)):
                yield LostResult(new.stored_queries[name], before, reason)


def _asked(opened: Catalogue, question: StoredQuery) -> tuple[int | None, str]:
    """Return how much a question finds: rows, triples, or 1 for yes; or None and why it fails."""
    terms = {p.key: p.default for p in question.parameters if p.default is not None}
    text = query_guard.bind_parameters(question.text, terms)
    assert isinstance(opened.store, OxigraphStore)
    try:
        query_guard.check_service_calls(text)
        content = opened.store.results(text, "json", opened.base)
    except QueryRefusedError as error:
        return None, str(error)
    if question.returns_graph:
        return sum(1 for _ in parse(content, RdfFormat.TURTLE)), ""
    found = parsed(content, QueryResultsFormat.JSON)
    return (sum(1 for _ in found) if isinstance(found, QuerySolutions) else int(bool(found))), ""


def _names(comparison: Comparison, differences: Sequence[Difference]) -> Iterator[LostLabel]:
    kept = [difference for difference in differences if difference.change in ("changed", "moved")]
    labels = comparison.old.opened.shapes.label_properties
    for difference in kept:
        statements = comparison.new.things[difference.iri]
        left = {(name, getattr(t, "language", None)) for (name, _), t in statements.items()}
        for field in difference.fields:
            place = (field.property, field.language)
            if field.property in labels and field.language and place not in left:
                yield LostLabel(difference.iri, field.language, field.removed[0].label)


def label(comparison: Comparison, facet: Field) -> str:
    """Return what a facet is called."""
    return pick_text(facet.names, comparison.languages)


_FATES = {"removed": "removed", "moved": "moved", "withdrawn": "withdrawn"}


def text(comparison: Comparison, impact: Impact, phrases: Phrases) -> Iterator[str]:
    """Return the impact in words, line by line; nothing where there is none."""
    parts = {
        "changedCounts": [_count(comparison, count) for count in impact.counts],
        "changedFacetValues": [_entry(comparison, *entry) for entry in _by_entry(impact)],
        "lostIris": [_fate(comparison, fate, phrases) for fate in impact.fates],
        "brokenQueries": [_question(comparison, each, phrases) for each in impact.questions],
        "lostLabels": [_lost_label(comparison, name) for name in impact.names],
    }
    for phrase, lines in parts.items():
        if lines:
            yield f"{phrases.format(phrase, comparison.languages)}:"
            yield from (f"  {line}" for line in lines)


def _count(comparison: Comparison, count: Count) -> str:
    return f"{label(comparison, count.facet)}: {count.name}: {count.before} → {count.after}"


def _by_entry(impact: Impact) -> list[tuple[str, list[FacetChange]]]:
    return [(iri, list(some)) for iri, some in groupby(impact.retagged, lambda tags: tags.iri)]


def _entry(comparison: Comparison, iri: str, listed: Iterable[FacetChange]) -> str:
    changes = "; ".join(
        " ".join([f"{label(comparison, each.facet)}:", *_signed(comparison, each)])
        for each in listed
    )
    return f"{_thing(comparison, iri)}: {changes}"


def _signed(comparison: Comparison, tags: FacetChange) -> Iterator[str]:
    for sign, values in (("-", tags.removed), ("+", tags.added)):
        for value in values:
            yield f"{sign} {comparison.name(value) or value}"


def _fate(comparison: Comparison, fate: Difference, phrases: Phrases) -> str:
    change = phrases.format(_FATES[fate.change], comparison.languages)
    successor = fate.deprecation.successor if fate.deprecation else ""
    target = f" → {_thing(comparison, successor)}" if successor else ""
    return f"{change}: {_thing(comparison, fate.iri)}{target}"


def _question(comparison: Comparison, answered: LostResult, phrases: Phrases) -> str:
    phrase = "QueryFails" if answered.reason else "QueryEmpty"
    words = {"reason": answered.reason, "count": answered.before}
    said = phrases.format(phrase, comparison.languages, **words)
    title = pick_text(answered.question.labels, comparison.languages)
    return f"“{title}” {answered.question.iri}: {said}"


def _lost_label(comparison: Comparison, name: LostLabel) -> str:
    return f"{_thing(comparison, name.iri)}: {name.language}: “{name.text}”"


def _thing(comparison: Comparison, iri: str) -> str:
    name = comparison.name(iri)
    return f"“{name}” {iri}" if name else iri


def findings(
    impact: Impact, builder: FindingBuilder, documents: Iterable[Document]
) -> Iterator[Finding]:
    """Return the questions that fail now as violations, those that return nothing as warnings."""
    homes = {topic: document.path for document in documents for topic in document.topics}
    for answered in impact.questions:
        iri, words = answered.question.iri, {"reason": answered.reason, "count": answered.before}
        rule = "QueryFails" if answered.reason else "QueryEmpty"
        detail = builder.say(rule, **words)
        found = builder.violation(homes[iri], rule, iri, detail=detail)
        yield found if answered.reason else builder.as_warning(found)


def as_object(comparison: Comparison, impact: Impact) -> dict[str, Any]:
    """Return the impact as an object of JSON."""
    return {
        "counts": [_count_object(comparison, count) for count in impact.counts],
        "retagged": [
            {
                "id": iri,
                "title": comparison.name(iri),
                "fields": [_tags_object(comparison, tags) for tags in listed],
            }
            for iri, listed in _by_entry(impact)
        ],
        "addresses": [_fate_object(comparison, fate) for fate in impact.fates],
        "questions": [_question_object(comparison, each) for each in impact.questions],
        "names": [
            {"id": name.iri, "language": name.language, "lost": name.text} for name in impact.names
        ],
    }


def _count_object(comparison: Comparison, count: Count) -> dict[str, Any]:
    value = count.value
    known = {"id": value.value} if isinstance(value, NamedNode) else {}
    return {
        "facet": count.facet.key,
        "label": label(comparison, count.facet),
        **known,
        "name": count.name,
        "before": count.before,
        "after": count.after,
    }


def _tags_object(comparison: Comparison, tags: FacetChange) -> dict[str, Any]:
    def named(values: Iterable[str]) -> list[dict[str, str]]:
        return [{"value": value, "label": comparison.name(value) or value} for value in values]

    return {
        "facet": tags.facet.key,
        "label": label(comparison, tags.facet),
        "removed": named(tags.removed),
        "added": named(tags.added),
    }


def _fate_object(comparison: Comparison, fate: Difference) -> dict[str, Any]:
    successor = fate.deprecation.successor if fate.deprecation else ""
    known = {"to": successor} if successor else {}
    return {"id": fate.iri, "title": comparison.name(fate.iri), "change": fate.change, **known}


def _question_object(comparison: Comparison, answered: LostResult) -> dict[str, Any]:
    return {
        "id": answered.question.iri,
        "title": pick_text(answered.question.labels, comparison.languages),
        "before": answered.before,
        **({"fails": answered.reason} if answered.reason else {"after": 0}),
    }
