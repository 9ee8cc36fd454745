"""What a change of a catalogue does to those who use it: counts, tags, addresses, questions, names.

Counts are those of a search without choices, in which a broader concept has the entries of the
narrower ones, and a successor those of what it replaces. Questions are asked with their defaults,
and left open where they have none.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pyoxigraph import Literal, NamedNode, QueryResultsFormat, QuerySolutions, RdfFormat, parse
from pyoxigraph import parse_query_results as parsed

from . import promises, sparql
from .catalogue import Catalogue
from .differences import Comparison, Difference, State
from .embedded import Embedded
from .kinds import Field
from .questions import Question
from .store import QueryRefusedError, Term
from .text import best


@dataclass(frozen=True)
class Count:
    """How many entries had a value of a facet, and how many have it now; None is no value."""

    facet: Field
    value: Term | None
    name: str
    before: int
    after: int


@dataclass(frozen=True)
class Retagged:
    """What an entry had in a facet and has no more, and what it has now."""

    iri: str
    facet: Field
    removed: tuple[str, ...]
    added: tuple[str, ...]


@dataclass(frozen=True)
class Answered:
    """A stored question whose answer got lost: the rows before, and why it fails now, or ""."""

    question: Question
    before: int
    reason: str


@dataclass(frozen=True)
class LostName:
    """What a thing was called in a language in which it has no name now."""

    iri: str
    language: str
    text: str


@dataclass(frozen=True)
class Impact:
    """All that a change does; `fates` are of published addresses that lead elsewhere or nowhere."""

    counts: tuple[Count, ...]
    retagged: tuple[Retagged, ...]
    fates: tuple[Difference, ...]
    questions: tuple[Answered, ...]
    names: tuple[LostName, ...]


def impact(comparison: Comparison, differences: Sequence[Difference]) -> Impact:
    """Give what the differences of two states do."""
    return Impact(
        counts=tuple(_counts(comparison)),
        retagged=tuple(_retagged(comparison)),
        fates=tuple(_fates(comparison, differences)),
        questions=tuple(_questions(comparison)),
        names=tuple(_names(comparison, differences)),
    )


def _counts(comparison: Comparison) -> Iterator[Count]:
    old, new = comparison.old.opened, comparison.new.opened
    former = {facet.key: facet for facet in old.shapes.record.facets}
    facets = former | {facet.key: facet for facet in new.shapes.record.facets}
    for key, facet in facets.items():
        before, after = (_counted(opened, key) for opened in (old, new))
        for value in sorted({*before, *after}, key=str):
            if before.get(value, 0) != after.get(value, 0):
                name = _name(comparison, value)
                yield Count(facet, value, name, before.get(value, 0), after.get(value, 0))


def _counted(opened: Catalogue, key: str) -> Mapping[Term | None, int]:
    facets = {facet.key: facet for facet in opened.shapes.record.facets}
    return opened.defined.counts(facets[key]) if key in facets else {}


def _name(comparison: Comparison, value: Term | None) -> str:
    if isinstance(value, NamedNode):
        return comparison.name(value.value) or value.value
    if value is None:
        return comparison.new.opened.phrases.say("notStated", comparison.languages)
    return value.value if isinstance(value, Literal) else str(value)


def _retagged(comparison: Comparison) -> Iterator[Retagged]:
    both = comparison.old.things.keys() & comparison.new.things.keys()
    facets = [f for f in comparison.new.opened.shapes.record.facets if f.predicate]
    for iri in sorted(iri for iri in both if _is_entry(comparison.old, iri)):
        if _is_entry(comparison.new, iri):
            for facet in facets:
                before, after = (
                    _tags(state, iri, facet) for state in (comparison.old, comparison.new)
                )
                if before != after:
                    gone, come = sorted(before - after), sorted(after - before)
                    yield Retagged(iri, facet, tuple(gone), tuple(come))


def _is_entry(state: State, iri: str) -> bool:
    """Tell whether something is a current entry."""
    statements = state.things[iri]
    classes = [t.value for t in statements.values() if isinstance(t, NamedNode)]
    own = state.opened.shapes.record.classes[0]
    return own in classes and not state.opened.permanence.of(iri)


def _tags(state: State, iri: str, facet: Field) -> set[str]:
    """Give the values of a facet that an entry counts for: successors, and nothing withdrawn."""
    found: set[str] = set()
    for (predicate, _), term in state.things[iri].items():
        if predicate == facet.predicate and isinstance(term, NamedNode | Literal):
            retirement = state.opened.permanence.of(term.value)
            found.add(retirement.successor if retirement else term.value)
    return found - {""}


def _fates(comparison: Comparison, differences: Sequence[Difference]) -> Iterator[Difference]:
    opened = comparison.old.opened
    entries = f"{opened.base}{opened.shapes.record.segment}/"
    published = promises.published(comparison.old.documents, opened.base, entries)
    for difference in differences:
        gone = difference.change in ("removed", "moved", "withdrawn")
        if gone and difference.iri in published:
            yield difference


def _questions(comparison: Comparison) -> Iterator[Answered]:
    """Give the questions that both states have and that lost their answer."""
    old, new = comparison.old.opened, comparison.new.opened
    for name, question in old.questions.items():
        if name in new.questions:
            before, _ = _asked(old, question)
            after, reason = _asked(new, new.questions[name])
            if before is not None and (after is None or (before and not after)):
                yield Answered(new.questions[name], before, reason)


def _asked(opened: Catalogue, question: Question) -> tuple[int | None, str]:
    """Give how much a question finds: rows, triples, or 1 for yes; or None and why it fails."""
    terms = {p.key: p.default for p in question.parameters if p.default is not None}
    text = sparql.with_terms(question.text, terms)
    assert isinstance(opened.store, Embedded)
    try:
        sparql.refuse_calls(text)
        content = opened.store.results(text, "json", opened.base)
    except QueryRefusedError as error:
        return None, str(error)
    if question.gives_graph:
        return sum(1 for _ in parse(content, RdfFormat.TURTLE)), ""
    found = parsed(content, QueryResultsFormat.JSON)
    return (sum(1 for _ in found) if isinstance(found, QuerySolutions) else int(bool(found))), ""


def _names(comparison: Comparison, differences: Sequence[Difference]) -> Iterator[LostName]:
    kept = [difference for difference in differences if difference.change in ("changed", "moved")]
    labels = comparison.old.opened.shapes.labels
    for difference in kept:
        statements = comparison.new.things[difference.iri]
        left = {(name, getattr(t, "language", None)) for (name, _), t in statements.items()}
        for field in difference.fields:
            place = (field.property, field.language)
            if field.property in labels and field.language and place not in left:
                yield LostName(difference.iri, field.language, field.removed[0].label)


def label(comparison: Comparison, facet: Field) -> str:
    """Give what a facet is called."""
    return best(facet.names, comparison.languages)
