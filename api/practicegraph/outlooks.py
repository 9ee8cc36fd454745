"""The impact of a change written down: in words, and as JSON."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from pyoxigraph import NamedNode

from .differences import Comparison, Difference
from .findings import Finding, Reporter
from .folder import Document
from .impacts import Answered, Count, Impact, LostName, Retagged, label
from .phrases import Phrases
from .text import best

_FATES = {"removed": "wasRemoved", "moved": "wasMoved", "withdrawn": "wasWithdrawn"}


def text(comparison: Comparison, impact: Impact, phrases: Phrases) -> Iterator[str]:
    """Give the impact in words, line by line; nothing where there is none."""
    parts = {
        "countsMoved": [_count(comparison, count) for count in impact.counts],
        "retagged": [_tags(comparison, *entry) for entry in _by_entry(impact)],
        "addressesLost": [_fate(comparison, fate, phrases) for fate in impact.fates],
        "questionsLost": [_question(comparison, each, phrases) for each in impact.questions],
        "namesLost": [_name(comparison, name) for name in impact.names],
    }
    for phrase, lines in parts.items():
        if lines:
            yield f"{phrases.say(phrase, comparison.languages)}:"
            yield from (f"  {line}" for line in lines)


def _count(comparison: Comparison, count: Count) -> str:
    return f"{label(comparison, count.facet)}: {count.name}: {count.before} → {count.after}"


def _by_entry(impact: Impact) -> list[tuple[str, list[Retagged]]]:
    return [(iri, list(some)) for iri, some in groupby(impact.retagged, lambda tags: tags.iri)]


def _tags(comparison: Comparison, iri: str, listed: Iterable[Retagged]) -> str:
    changes = "; ".join(
        " ".join([f"{label(comparison, each.facet)}:", *_signed(comparison, each)])
        for each in listed
    )
    return f"{_thing(comparison, iri)}: {changes}"


def _signed(comparison: Comparison, tags: Retagged) -> Iterator[str]:
    for sign, values in (("-", tags.removed), ("+", tags.added)):
        for value in values:
            yield f"{sign} {comparison.name(value) or value}"


def _fate(comparison: Comparison, fate: Difference, phrases: Phrases) -> str:
    change = phrases.say(_FATES[fate.change], comparison.languages)
    successor = fate.retirement.successor if fate.retirement else ""
    target = f" → {_thing(comparison, successor)}" if successor else ""
    return f"{change}: {_thing(comparison, fate.iri)}{target}"


def _question(comparison: Comparison, answered: Answered, phrases: Phrases) -> str:
    phrase = "QueryFails" if answered.reason else "QueryEmpty"
    words = {"reason": answered.reason, "count": answered.before}
    said = phrases.say(phrase, comparison.languages, **words)
    title = best(answered.question.labels, comparison.languages)
    return f"“{title}” {answered.question.iri}: {said}"


def _name(comparison: Comparison, name: LostName) -> str:
    return f"{_thing(comparison, name.iri)}: {name.language}: “{name.text}”"


def _thing(comparison: Comparison, iri: str) -> str:
    name = comparison.name(iri)
    return f"“{name}” {iri}" if name else iri


def findings(
    impact: Impact, reporter: Reporter, documents: Iterable[Document]
) -> Iterator[Finding]:
    """Give the questions that fail now as violations, those that return nothing as warnings."""
    homes = {topic: document.path for document in documents for topic in document.topics}
    for answered in impact.questions:
        iri, words = answered.question.iri, {"reason": answered.reason, "count": answered.before}
        rule = "QueryFails" if answered.reason else "QueryEmpty"
        reason = reporter.say(rule, **words)
        found = reporter.violation(homes[iri], rule, iri, reason=reason)
        yield found if answered.reason else reporter.as_warning(found)


def as_object(comparison: Comparison, impact: Impact) -> dict[str, Any]:
    """Give the impact as an object of JSON."""
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


def _tags_object(comparison: Comparison, tags: Retagged) -> dict[str, Any]:
    def named(values: Iterable[str]) -> list[dict[str, str]]:
        return [{"value": value, "label": comparison.name(value) or value} for value in values]

    return {
        "facet": tags.facet.key,
        "label": label(comparison, tags.facet),
        "removed": named(tags.removed),
        "added": named(tags.added),
    }


def _fate_object(comparison: Comparison, fate: Difference) -> dict[str, Any]:
    successor = fate.retirement.successor if fate.retirement else ""
    known = {"to": successor} if successor else {}
    return {"id": fate.iri, "title": comparison.name(fate.iri), "change": fate.change, **known}


def _question_object(comparison: Comparison, answered: Answered) -> dict[str, Any]:
    return {
        "id": answered.question.iri,
        "title": best(answered.question.labels, comparison.languages),
        "before": answered.before,
        **({"fails": answered.reason} if answered.reason else {"after": 0}),
    }
