"""The differences between two states of a catalogue, resource by resource and field by field.

Resources are compared by their statements, so neither the order of a file nor the labels of its
blank nodes make a difference. Differences are written as text or JSON.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pyoxigraph import Literal, NamedNode, Triple

from ..catalogue.catalogue import Catalogue
from ..catalogue.documents import Document
from ..rdf.terms import Term, local_name
from ..schema.fields import NodeShape
from ..schema.text import Phrases, pick_text
from ..schema.vocabularies import Deprecation

_Statements = Mapping[tuple[str, str], Term]
"""The values of a thing by property and Turtle."""


@dataclass(frozen=True)
class Value:
    """A value, and what it is called: a label, a text, or the Turtle of a blank node."""

    term: Term
    label: str


@dataclass(frozen=True)
class FieldChange:
    """The values that a field lost and gained, and the language of texts."""

    property: str
    label: str
    language: str
    removed: tuple[Value, ...]
    added: tuple[Value, ...]


@dataclass(frozen=True)
class Difference:
    """The change of a resource: `added`, `removed`, `changed`, `moved` or `withdrawn`."""

    iri: str
    kind: str
    title: str
    change: str
    deprecation: Deprecation | None
    fields: tuple[FieldChange, ...]


@dataclass(frozen=True)
class State:
    """A catalogue as it stood: its documents, opened."""

    documents: Sequence[Document]
    opened: Catalogue

    @property
    def triples(self) -> list[Triple]:
        """Return all statements."""
        return [quad.triple for document in self.documents for quad in document.quads]

    @cached_property
    def things(self) -> Mapping[str, _Statements]:
        """Return the statements of every thing that has an IRI."""
        triples = self.triples
        written = self.opened.writer.term_writer(triples)
        things: dict[str, dict[tuple[str, str], Term]] = {}
        for triple in triples:
            if isinstance(triple.subject, NamedNode):
                name = (triple.predicate.value, written(triple.object))
                things.setdefault(triple.subject.value, {})[name] = triple.object
        return things

    def kind(self, iri: str) -> NodeShape | None:
        """Return the kind of a thing."""
        return self.opened.shapes.find_node_shape(self.opened.reader.read_classes(iri))


@dataclass(frozen=True)
class Comparison:
    """Compares two states; labels come in the first of the languages."""

    old: State
    new: State
    languages: Sequence[str]

    def differences(self) -> list[Difference]:
        """Return what differs, in order of IRIs; the parts of a thing come and go with it."""
        iris = sorted(self.old.things.keys() | self.new.things.keys())
        found = {iri: self._difference(iri) for iri in iris if self._differs(iri)}
        return [difference for difference in found.values() if not _is_part(difference, found)]

    def name(self, iri: str) -> str:
        """Return what a thing is or was called, or "" where nobody says."""
        states = (self.new, self.old)
        names = (state.opened.reader.label(iri, self.languages) for state in states)
        return next(filter(None, names), "")

    def _differs(self, iri: str) -> bool:
        return self.old.things.get(iri, {}).keys() != self.new.things.get(iri, {}).keys()

    def _difference(self, iri: str) -> Difference:
        kind = self.old.kind(iri) or self.new.kind(iri)
        return Difference(
            iri=iri,
            kind=pick_text(kind.labels, self.languages) if kind else "",
            title=self.name(iri),
            change=self._change(iri),
            deprecation=self.new.opened.lifecycle.get(iri),
            fields=tuple(self._fields(iri)),
        )

    def _change(self, iri: str) -> str:
        if iri not in self.old.things:
            return "added"
        if iri not in self.new.things:
            return "removed"
        before, now = (state.opened.lifecycle.get(iri) for state in (self.old, self.new))
        if now is None or (before and before.is_moved == now.is_moved):
            return "changed"
        return "moved" if now.is_moved else "withdrawn"

    def _fields(self, iri: str) -> Iterator[FieldChange]:
        before, now = (state.things.get(iri, {}) for state in (self.old, self.new))
        gone = {name: term for name, term in before.items() if name not in now}
        come = {name: term for name, term in now.items() if name not in before}
        places = {_place(name, term) for name, term in (*gone.items(), *come.items())}
        kinds = [kind for state in (self.new, self.old) if (kind := state.kind(iri))]
        for predicate, language in sorted(places, key=lambda place: _order(kinds, *place)):
            yield FieldChange(
                property=predicate,
                label=self._label(kinds, predicate),
                language=language,
                removed=self._values(gone, predicate, language),
                added=self._values(come, predicate, language),
            )

    def _values(self, statements: _Statements, predicate: str, language: str) -> tuple[Value, ...]:
        return tuple(
            Value(term, self._words(term, name[1]))
            for name, term in sorted(statements.items())
            if _place(name, term) == (predicate, language)
        )

    def _words(self, term: Term, turtle: str) -> str:
        if isinstance(term, NamedNode):
            return self.name(term.value) or term.value
        return term.value if isinstance(term, Literal) else turtle

    def _label(self, kinds: Sequence[NodeShape], predicate: str) -> str:
        shapes = self.new.opened.shapes
        fields = [shapes.find_field(kind, predicate) for kind in (*kinds, None)]
        field = next(filter(None, fields), None)
        label = pick_text(field.names, self.languages) if field else self.name(predicate)
        return label or local_name(predicate)


def _is_part(difference: Difference, found: Mapping[str, Difference]) -> bool:
    """Return whether something is a part of what was added or taken out as a whole."""
    whole, mark, _ = difference.iri.partition("#")
    together = bool(mark) and whole in found
    return together and found[whole].change in ("added", "removed", "withdrawn")


def _place(name: tuple[str, str], term: Term) -> tuple[str, str]:
    language = term.language if isinstance(term, Literal) else None
    return name[0], language or ""


def _order(kinds: Sequence[NodeShape], predicate: str, language: str) -> tuple[int, str, str]:
    known = [field.predicate for kind in kinds for field in kind.fields]
    place = known.index(predicate) if predicate in known else len(known)
    return place, predicate, language


_PHRASES = {
    "added": "added",
    "removed": "removed",
    "changed": "changed",
    "moved": "moved",
    "withdrawn": "withdrawn",
}


def text(
    comparison: Comparison, differences: Sequence[Difference], phrases: Phrases
) -> Iterator[str]:
    """Return the differences in words, line by line, with how many things differ at the end."""
    languages = comparison.languages
    for difference in differences:
        change = phrases.format(_PHRASES[difference.change], languages)
        about = [difference.kind, difference.title and f"“{difference.title}”", difference.iri]
        yield f"{change}: {' '.join(part for part in about if part)}"
        if difference.change in ("moved", "withdrawn"):
            yield from _fate(comparison, difference, phrases)
        if difference.change in ("changed", "moved"):
            yield from (line for field in difference.fields for line in _lines(field))
    yield phrases.format("differences", languages, count=len(differences))


def _fate(comparison: Comparison, difference: Difference, phrases: Phrases) -> Iterator[str]:
    deprecation = difference.deprecation
    assert deprecation
    said = ": ".join(filter(None, [deprecation.since, _reason(comparison, difference)]))
    if said:
        yield f"  {said}"
    if deprecation.successor:
        name = comparison.name(deprecation.successor)
        label = phrases.format("replacedBy", comparison.languages)
        yield f"  {label}: {name} {deprecation.successor}"


def _lines(field: FieldChange) -> Iterator[str]:
    label = f"{field.label} ({field.language})" if field.language else field.label
    for sign, values in (("-", field.removed), ("+", field.added)):
        for value in values:
            yield f"  {label}: {sign} {' '.join(value.label.split())}"


def as_json(
    comparison: Comparison, differences: Sequence[Difference], impact: Mapping[str, Any]
) -> str:
    """Return the differences and their impact as JSON, with the labels of fields and values."""
    found = [_object(comparison, difference) for difference in differences]
    return json.dumps({"impact": impact, "differences": found}, ensure_ascii=False, indent=1)


def _object(comparison: Comparison, difference: Difference) -> dict[str, Any]:
    deprecation = difference.deprecation
    fate = {
        "to": deprecation.successor if deprecation else "",
        "since": deprecation.since if deprecation else "",
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


def _reason(comparison: Comparison, difference: Difference) -> str:
    deprecation = difference.deprecation
    return pick_text(deprecation.reasons, comparison.languages) if deprecation else ""
