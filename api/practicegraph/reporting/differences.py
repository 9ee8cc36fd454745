"""The differences between two states of a catalogue, resource by resource and field by field.

Resources are compared by their statements, so neither the order of a file nor the labels of its
blank nodes make a difference. Differences are written as text or JSON.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec
from pyoxigraph import Literal, NamedNode, Triple

from ..catalogue.catalogue import Catalogue
from ..catalogue.documents import Document
from ..rdf.terms import Term, local_name
from ..schema.fields import NodeShape
from ..schema.text import Phrases, pick_text

Statements = Mapping[tuple[str, str], Term]
"""The values of a resource by property and Turtle."""


class JsonValue(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A value that is written as a JSON object of its fields, without those that are empty."""


class ChangedValue(JsonValue, frozen=True, kw_only=True):
    """An IRI, or another value: a text, or the Turtle of a blank node; with a label."""

    id: str = ""
    value: str | None = None
    label: str | None = None

    @property
    def text(self) -> str:
        """Return the label, else the value."""
        return self.label if self.label is not None else self.value or ""


class FieldChange(JsonValue, frozen=True, kw_only=True):
    """The values that a field lost and gained, and the language of texts."""

    property: str
    label: str
    language: str = ""
    removed: Sequence[ChangedValue]
    added: Sequence[ChangedValue]


class Difference(JsonValue, frozen=True, kw_only=True):
    """The change of a resource: `added`, `removed`, `changed`, `moved` or `withdrawn`.

    A deprecated resource has its successor, the day and the reason.
    """

    id: str
    kind: str
    title: str
    change: str
    to: str = ""
    since: str = ""
    reason: str = ""
    fields: Sequence[FieldChange]


@dataclass(frozen=True)
class State:
    """A state of a catalogue: its documents, and the catalogue of them."""

    documents: Sequence[Document]
    catalogue: Catalogue

    @cached_property
    def statements(self) -> Mapping[str, Statements]:
        """Return the statements about every IRI."""
        triples: list[Triple] = [quad.triple for doc in self.documents for quad in doc.quads]
        to_turtle = self.catalogue.writer.term_writer(triples)
        statements: dict[str, dict[tuple[str, str], Term]] = {}
        for triple in triples:
            if isinstance(triple.subject, NamedNode):
                key = (triple.predicate.value, to_turtle(triple.object))
                statements.setdefault(triple.subject.value, {})[key] = triple.object
        return statements

    def find_shape(self, iri: str) -> NodeShape | None:
        """Return the node shape of a resource."""
        return self.catalogue.shapes.find_node_shape(self.catalogue.reader.read_classes(iri))


@dataclass(frozen=True)
class Comparison:
    """Compares two states; labels come in the first of the languages."""

    old: State
    new: State
    languages: Sequence[str]

    def differences(self) -> list[Difference]:
        """Return the differences in order of IRIs, without the parts of added or removed ones."""
        old, new = self.old.statements, self.new.statements
        iris = sorted(old.keys() | new.keys())
        differing = (iri for iri in iris if old.get(iri, {}).keys() != new.get(iri, {}).keys())
        differences = {iri: self._difference(iri) for iri in differing}
        return [each for each in differences.values() if not _is_part(each, differences)]

    def name(self, iri: str) -> str:
        """Return the label of a resource, in the old state if the new one has none, or ""."""
        readers = (state.catalogue.reader for state in (self.new, self.old))
        return next(filter(None, (reader.label(iri, self.languages) for reader in readers)), "")

    def value(self, term: Term, turtle: str = "") -> ChangedValue:
        """Return a value with the label of its IRI; a blank node is written as Turtle."""
        if isinstance(term, NamedNode):
            return ChangedValue(id=term.value, label=self.name(term.value) or term.value)
        return ChangedValue(value=term.value if isinstance(term, Literal) else turtle)

    def _difference(self, iri: str) -> Difference:
        shape = self.old.find_shape(iri) or self.new.find_shape(iri)
        deprecation = self.new.catalogue.lifecycle.get(iri)
        return Difference(
            id=iri,
            kind=pick_text(shape.labels, self.languages) if shape else "",
            title=self.name(iri),
            change=self._change(iri),
            to=deprecation.successor if deprecation else "",
            since=deprecation.since if deprecation else "",
            reason=pick_text(deprecation.reasons, self.languages) if deprecation else "",
            fields=tuple(self._field_changes(iri)),
        )

    def _change(self, iri: str) -> str:
        if iri not in self.old.statements:
            return "added"
        if iri not in self.new.statements:
            return "removed"
        old, new = (state.catalogue.lifecycle.get(iri) for state in (self.old, self.new))
        if new is None or (old and old.is_moved == new.is_moved):
            return "changed"
        return "moved" if new.is_moved else "withdrawn"

    def _field_changes(self, iri: str) -> Iterator[FieldChange]:
        old, new = (state.statements.get(iri, {}) for state in (self.old, self.new))
        removed = self._by_property(old, new)
        added = self._by_property(new, old)
        shapes = [shape for state in (self.new, self.old) if (shape := state.find_shape(iri))]
        order = [field.predicate for shape in shapes for field in shape.fields]

        def position(key: tuple[str, str]) -> tuple[int, tuple[str, str]]:
            return order.index(key[0]) if key[0] in order else len(order), key

        for predicate, language in sorted(removed.keys() | added.keys(), key=position):
            yield FieldChange(
                property=predicate,
                label=self._field_label(shapes, predicate),
                language=language,
                removed=removed.get((predicate, language), ()),
                added=added.get((predicate, language), ()),
            )

    def _by_property(
        self, statements: Statements, others: Statements
    ) -> dict[tuple[str, str], list[ChangedValue]]:
        """Return the values that others lack, by property and language."""
        values: dict[tuple[str, str], list[ChangedValue]] = {}
        for (predicate, turtle), term in sorted(statements.items(), key=lambda item: item[0]):
            if (predicate, turtle) not in others:
                language = term.language if isinstance(term, Literal) else None
                changed = values.setdefault((predicate, language or ""), [])
                changed.append(self.value(term, turtle))
        return values

    def _field_label(self, shapes: Sequence[NodeShape], predicate: str) -> str:
        find = self.new.catalogue.shapes.find_field
        fields = (find(shape, predicate) for shape in (*shapes, None))
        field = next(filter(None, fields), None)
        label = pick_text(field.names, self.languages) if field else self.name(predicate)
        return label or local_name(predicate)


def _is_part(difference: Difference, differences: Mapping[str, Difference]) -> bool:
    """Return whether a resource is a part of one that was added or removed as a whole."""
    whole, fragment, _ = difference.id.partition("#")
    changes = ("added", "removed", "withdrawn")
    return bool(fragment) and whole in differences and differences[whole].change in changes


def format_differences(
    comparison: Comparison, differences: Sequence[Difference], phrases: Phrases
) -> Iterator[str]:
    """Yield the differences as lines of text, and their number at the end."""
    languages = comparison.languages
    for difference in differences:
        change = phrases.format(difference.change, languages)
        title = difference.title and f"“{difference.title}”"
        yield f"{change}: {' '.join(filter(None, [difference.kind, title, difference.id]))}"
        if difference.change in ("moved", "withdrawn"):
            if details := ": ".join(filter(None, [difference.since, difference.reason])):
                yield f"  {details}"
            if difference.to:
                label = phrases.format("replacedBy", languages)
                yield f"  {label}: {comparison.name(difference.to)} {difference.to}"
        if difference.change in ("changed", "moved"):
            yield from (line for field in difference.fields for line in _lines(field))
    yield phrases.format("differences", languages, count=len(differences))


def _lines(field: FieldChange) -> Iterator[str]:
    label = f"{field.label} ({field.language})" if field.language else field.label
    for sign, values in (("-", field.removed), ("+", field.added)):
        for value in values:
            yield f"  {label}: {sign} {' '.join(value.text.split())}"


def differences_as_json(differences: Sequence[Difference], impact: JsonValue) -> str:
    """Return the differences and their impact as JSON, with the labels of fields and values."""
    content: dict[str, Any] = {"impact": impact, "differences": differences}
    return msgspec.json.format(msgspec.json.encode(content), indent=1).decode()
