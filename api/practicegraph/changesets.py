"""Differences written down: in words, as JSON, and as change sets in Turtle.

In Turtle, a change set (http://purl.org/vocab/changeset/schema) holds what was added to and removed
from the statements on one thing, and is an activity of ActivityStreams 2.0.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pyoxigraph import BlankNode, Literal, NamedNode, Triple

from .differences import Comparison, Difference, FieldChange, Value
from .phrases import Phrases
from .shapes import PG
from .store import RDF, Node, Term
from .text import best
from .turtle import XSD, Writer

_CS = "http://purl.org/vocab/changeset/schema#"
_AS = "https://www.w3.org/ns/activitystreams#"
_ACTIVITIES = {
    "added": "Create",
    "removed": "Delete",
    "changed": "Update",
    "moved": "Move",
    "withdrawn": "Delete",
}
_ORDER = [
    *(_CS + name for name in ("subjectOfChange", "changeReason", "removal", "addition")),
    *(RDF + name for name in ("subject", "predicate", "object")),
]
_PHRASES = {
    "added": "wasAdded",
    "removed": "wasRemoved",
    "changed": "wasChanged",
    "moved": "wasMoved",
    "withdrawn": "wasWithdrawn",
}


def text(
    comparison: Comparison, differences: Sequence[Difference], phrases: Phrases
) -> Iterator[str]:
    """Give the differences in words, line by line, with how many things differ at the end."""
    languages = comparison.languages
    for difference in differences:
        change = phrases.say(_PHRASES[difference.change], languages)
        about = [difference.kind, difference.title and f"“{difference.title}”", difference.iri]
        yield f"{change}: {' '.join(part for part in about if part)}"
        if difference.change in ("moved", "withdrawn"):
            yield from _fate(comparison, difference, phrases)
        if difference.change in ("changed", "moved"):
            yield from (line for field in difference.fields for line in _lines(field))
    yield phrases.say("differences", languages, count=len(differences))


def _fate(comparison: Comparison, difference: Difference, phrases: Phrases) -> Iterator[str]:
    retirement = difference.retirement
    assert retirement
    said = ": ".join(filter(None, [retirement.since, _reason(comparison, difference)]))
    if said:
        yield f"  {said}"
    if retirement.successor:
        name = comparison.name(retirement.successor)
        yield f"  {phrases.say('goTo', comparison.languages)}: {name} {retirement.successor}"


def _lines(field: FieldChange) -> Iterator[str]:
    label = f"{field.label} ({field.language})" if field.language else field.label
    for sign, values in (("-", field.removed), ("+", field.added)):
        for value in values:
            yield f"  {label}: {sign} {' '.join(value.label.split())}"


def as_json(
    comparison: Comparison, differences: Sequence[Difference], impact: Mapping[str, Any]
) -> str:
    """Give the differences and their impact as JSON, with the labels of fields and values."""
    found = [_object(comparison, difference) for difference in differences]
    return json.dumps({"impact": impact, "differences": found}, ensure_ascii=False, indent=1)


def _object(comparison: Comparison, difference: Difference) -> dict[str, Any]:
    retirement = difference.retirement
    fate = {
        "to": retirement.successor if retirement else "",
        "since": retirement.since if retirement else "",
        "reason": _reason(comparison, difference),
    }
    return {
        "id": difference.iri,
        "kind": difference.kind,
        "title": difference.title,
        "change": difference.change,
        **{name: said for name, said in fate.items() if said},
        "fields": [_field(field) for field in difference.fields],
    }


def _field(field: FieldChange) -> dict[str, Any]:
    return {
        "property": field.property,
        "label": field.label,
        **({"language": field.language} if field.language else {}),
        "removed": [_value(value) for value in field.removed],
        "added": [_value(value) for value in field.added],
    }


def _value(value: Value) -> dict[str, str]:
    if isinstance(value.term, NamedNode):
        return {"id": value.term.value, "label": value.label}
    return {"value": value.label}


def turtle(comparison: Comparison, differences: Sequence[Difference]) -> str:
    """Give the differences as change sets, one a thing."""
    new = comparison.new.opened
    prefixes = {**comparison.old.opened.prefixes, **new.prefixes, "cs": _CS, "as": _AS}
    writer = Writer({**prefixes, "rdf": RDF}, new.languages, _ORDER)
    states = (comparison.old, comparison.new)
    described = [t for s in states for t in s.triples if isinstance(t.subject, BlankNode)]
    sets = [
        triple
        for place, difference in enumerate(differences)
        for triple in _change_set(comparison, difference, f"change{place:06}")
    ]
    return writer.write([*sets, *_reached(sets, described)], "")


def _change_set(comparison: Comparison, difference: Difference, label: str) -> Iterator[Triple]:
    node, thing = BlankNode(label), NamedNode(difference.iri)
    yield Triple(node, _named(RDF, "type"), _named(_CS, "ChangeSet"))
    yield Triple(node, _named(RDF, "type"), _named(_AS, _ACTIVITIES[difference.change]))
    yield Triple(node, _named(_CS, "subjectOfChange"), thing)
    yield Triple(node, _named(_AS, "object"), thing)
    if reason := _reason(comparison, difference):
        yield Triple(node, _named(_CS, "changeReason"), Literal(reason))
    retirement = difference.retirement
    if retirement and retirement.successor:
        yield Triple(node, _named(_AS, "target"), NamedNode(retirement.successor))
    if retirement and retirement.since:
        day = Literal(retirement.since, datatype=_named(XSD, "date"))
        yield Triple(node, _named(PG, "retired"), day)
    changes = [
        (name, field.property, value.term)
        for field in difference.fields
        for name, values in (("removal", field.removed), ("addition", field.added))
        for value in values
    ]
    for place, (name, predicate, term) in enumerate(changes):
        statement = BlankNode(f"{label}n{place:06}")
        yield Triple(node, _named(_CS, name), statement)
        yield from _statement(statement, thing, NamedNode(predicate), term)


def _statement(node: Node, thing: NamedNode, predicate: NamedNode, term: Term) -> Iterator[Triple]:
    yield Triple(node, _named(RDF, "type"), _named(RDF, "Statement"))
    yield Triple(node, _named(RDF, "subject"), thing)
    yield Triple(node, _named(RDF, "predicate"), predicate)
    yield Triple(node, _named(RDF, "object"), term)


def _reached(triples: Sequence[Triple], described: Sequence[Triple]) -> list[Triple]:
    """Give what is said of the blank nodes that the triples mention, and of those behind them."""
    statements: dict[object, list[Triple]] = {}
    for triple in described:
        statements.setdefault(triple.subject, []).append(triple)
    found: list[Triple] = []
    mentioned = [triple.object for triple in triples]
    while mentioned:
        said = statements.pop(mentioned.pop(), [])
        found += said
        mentioned += [triple.object for triple in said]
    return found


def _reason(comparison: Comparison, difference: Difference) -> str:
    retirement = difference.retirement
    return best(retirement.reasons, comparison.languages) if retirement else ""


def _named(namespace: str, name: str) -> NamedNode:
    return NamedNode(namespace + name)
