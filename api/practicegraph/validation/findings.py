"""Findings: what is wrong with a catalogue, where, and what would be right, in words.

Why the shapes do not admit something, in words: a rule's message, or what a limit demands.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from pyoxigraph import BlankNode, Literal, NamedNode

from ..rdf.terms import Term
from ..schema import shapes
from ..schema.fields import Field, NodeShape, Shapes
from ..schema.messages import Phrases
from ..schema.records import RecordReader
from ..schema.text import pick_text
from ..storage.base import Store
from .shacl import ValidationResult


class Position(NamedTuple):
    """A line and a column of a file, both from 1, in characters."""

    line: int
    column: int


class Region(NamedTuple):
    """A part of a file; the end is the first character after it."""

    start: Position
    end: Position

    def lifted(self, lines: int) -> "Region":
        """Give the part as it is in a file that has so many lines less before it."""
        start, end = self.start, self.end
        return Region(
            Position(start.line - lines, start.column), Position(end.line - lines, end.column)
        )


@dataclass(frozen=True)
class Fix:
    """What would be right, in words, and the edit that brings it: a text in the place of a part.

    In a syntax that we do not write, there is no edit.
    """

    said: str
    part: Region | None
    text: str


def _lifted(part: Region | None, lines: int) -> Region | None:
    return part and part.lifted(lines)


@dataclass(frozen=True)
class Finding:
    """Something wrong, in words of the chosen language; rule and severity are SHACL's names.

    The shape is an IRI, or "" for a rule of our own. In N-Triples' syntax, the term is the value,
    and what is missing is a value that the property ought to have, where that is known.
    """

    path: Path
    rule: str
    shape: str
    severity: str
    level: str
    focus: str
    subject: str
    field: str
    value: str
    reason: str
    hint: str
    predicate: str = ""
    term: str = ""
    missing: str = ""
    part: Region | None = None
    mend: Fix | None = None

    @property
    def violates(self) -> bool:
        """Tell whether the catalogue does not admit it; warnings and notes it does."""
        return self.severity == "Violation"

    @property
    def shape_name(self) -> str:
        """Give the last part of the shape's IRI."""
        return self.shape.rpartition("#")[2].rpartition("/")[2]

    @property
    def rule_name(self) -> str:
        """Give the rule with the shape that sets it."""
        return " ".join(part for part in (self.shape_name, self.rule) if part)

    @property
    def place(self) -> str:
        """Give the file, with line and column where they are known."""
        return ":".join([str(self.path), *map(str, self.part.start if self.part else ())])

    @property
    def message(self) -> str:
        """Give the finding in words, without its place: entry, field, value, reason."""
        about = [self.subject or self.focus, self.field, self.value and f"“{self.value}”"]
        return ": ".join([*(part for part in about if part), self.reason])

    def lifted(self, lines: int) -> "Finding":
        """Give the finding as it is in a file that has so many lines less before it."""
        mend = self.mend and replace(self.mend, part=_lifted(self.mend.part, lines))
        return replace(self, part=_lifted(self.part, lines), mend=mend)

    def __str__(self) -> str:
        """Give the finding on one line: file, entry, field, value, reason, rule."""
        said = ": ".join([self.place, self.level, self.message])
        if self.hint:
            said += f" · {self.hint}"
        if self.mend:
            said += f" → {self.mend.said}"
        return f"{said} [{self.rule_name}]"


@dataclass(frozen=True)
class ValidationReport:
    """What a check of files has found; its title and summary are in the first language."""

    findings: tuple[Finding, ...]
    files: tuple[Path, ...]
    title: str
    summary: str
    languages: tuple[str, ...]

    @property
    def violations(self) -> int:
        """Count what the catalogue does not admit."""
        return sum(finding.violates for finding in self.findings)

    def lifted(self, lines: int) -> "ValidationReport":
        """Give the same as found in a file that has so many lines less before it."""
        return replace(self, findings=tuple(found.lifted(lines) for found in self.findings))


@dataclass(frozen=True)
class FindingBuilder:
    """Words findings in the first of the languages."""

    phrases: Phrases
    reader: RecordReader
    languages: Sequence[str]

    def violation(
        self,
        path: Path,
        rule: str,
        focus: str = "",
        *,
        reason: str = "",
        field: str = "",
        value: str = "",
        hint: str = "",
    ) -> Finding:
        """Give a violation of a rule of our own; its reason is else the phrase of that name."""
        return Finding(
            path=path,
            rule=rule,
            shape="",
            severity="Violation",
            level=self.say("Violation"),
            focus=focus,
            subject=self.reader.label(focus, self.languages) if focus else "",
            field=field,
            value=value,
            reason=reason or self.say(rule),
            hint=hint,
        )

    def as_warning(self, finding: Finding) -> Finding:
        """Give a finding as one that the catalogue admits."""
        return replace(finding, severity="Warning", level=self.say("Warning"))

    def say(self, name: str, /, **words: object) -> str:
        """Give a phrase."""
        return self.phrases.format(name, self.languages, **words)


_VARIABLE = re.compile(r"\{[?$]\w+\}")
_OF_NODE = "NodeConstraintComponent"
_OF_DATATYPE = "DatatypeConstraintComponent"


@dataclass(frozen=True)
class MessageBuilder:
    """Gives reasons in the first of the languages."""

    store: Store
    shapes: Shapes
    phrases: Phrases
    reader: RecordReader
    languages: Sequence[str]

    def reason(self, result: ValidationResult) -> str:
        """Give the reason of a validation result, a predicate of what it is about."""
        for wordings in shapes.read_messages(self.store, result.shape):
            if said := _said(pick_text(wordings, self.languages), result.messages):
                return said
        if result.component not in self.phrases.labels:  # a component of a reader's own
            return " ".join(result.messages) or result.component
        field = self.shapes.fields.get(result.shape)
        limits = shapes.read_parameter_values(self.store, result.shape, result.component)
        names = sorted({self._named(limit, field, result.component) for limit in limits} - {""})
        return self.phrases.format(result.component, self.languages, limit=", ".join(names))

    def _named(self, limit: Term, field: Field | None, component: str) -> str:
        if isinstance(limit, Literal):
            return limit.value
        if isinstance(limit, BlankNode):
            inner = shapes.read_parameter_values(self.store, limit, _OF_DATATYPE)
            return ", ".join(self._named(term, field, _OF_DATATYPE) for term in inner)
        assert isinstance(limit, NamedNode), limit
        if name := self._field_name(limit.value, field) or self._kind_name(limit.value):
            return name
        name = self.reader.label(limit.value, self.languages)
        if not name and field and field.scheme and component == _OF_NODE:
            name = self.reader.label(field.scheme, self.languages)
        return name or limit.value.rpartition("#")[2].rpartition("/")[2]

    def _field_name(self, predicate: str, field: Field | None) -> str:
        """Give the name of the field beside this one that has the property."""
        for kind in self.shapes.node_shapes:
            if field in kind.fields and (found := field_of(kind, predicate)):
                return pick_text(found.names, self.languages)
        return ""

    def _kind_name(self, class_iri: str) -> str:
        kind = self.shapes.find_node_shape([class_iri])
        return pick_text(kind.labels, self.languages) if kind else ""


def _said(wording: str, messages: Sequence[str]) -> str:
    """Give the message that a wording has become, its variables filled in, or ""."""
    parts = map(re.escape, _VARIABLE.split(wording))
    form = re.compile(".*".join(parts), re.DOTALL)
    return next((message for message in messages if wording and form.fullmatch(message)), "")


def field_of(kind: NodeShape, predicate: str) -> Field | None:
    """Give the field of a kind that has a property."""
    return next((field for field in kind.fields if field.predicate == predicate), None)
