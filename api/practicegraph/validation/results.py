"""Validation results (https://www.w3.org/TR/shacl/, section 3.6.2), and their messages."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pyoxigraph import BlankNode, Literal, NamedNode

from ..rdf.terms import Term, local_name
from ..schema import shapes
from ..schema.fields import Field, NodeShape, Shapes
from ..schema.records import RecordReader
from ..schema.text import Phrases, pick_text
from ..storage.base import Store


@dataclass(frozen=True, order=True)
class ValidationResult:
    """A validation result.

    `focus_node`, `result_path` and `value` are terms in N-Triples, "" for none. The component, the
    severity and the shape are IRIs. A path that is more than one predicate is "".
    """

    focus_node: str
    result_path: str
    source_constraint_component: str
    value: str
    severity: str
    source_shape: str
    messages: tuple[str, ...] = ()

    @property
    def component_name(self) -> str:
        """The local name of the constraint component, such as `MinCountConstraintComponent`."""
        return self.source_constraint_component.rpartition("#")[2]

    @property
    def severity_name(self) -> str:
        """The local name of the severity, such as `Violation`."""
        return self.severity.rpartition("#")[2]


Engine = Callable[[str], list[ValidationResult]]
"""Validates a data graph in Turtle against the shapes it was built with; raises ValueError."""


def predicate(path: str) -> str:
    """Return a path that is one predicate, else "": engines write longer paths differently."""
    return path if path.startswith("<") and path.find(">") == len(path) - 1 else ""


def strip_brackets(term: str) -> str:
    """Return an IRI without its angle brackets; leave other terms as they are."""
    return term.removeprefix("<").removesuffix(">")


_VARIABLE = re.compile(r"\{[?$]\w+\}")
_NODE, _DATATYPE = "NodeConstraintComponent", "DatatypeConstraintComponent"


@dataclass(frozen=True)
class MessageBuilder:
    """Words validation results in the first of the languages."""

    store: Store
    shapes: Shapes
    phrases: Phrases
    reader: RecordReader
    languages: Sequence[str]

    def message(self, result: ValidationResult) -> str:
        """Return what is wrong, as a predicate of the value or the focus node."""
        for labels in shapes.read_messages(self.store, result.source_shape):
            if message := _filled_in(pick_text(labels, self.languages), result.messages):
                return message
        component = result.component_name
        if component not in self.phrases.labels:  # a component that shapes define themselves
            return " ".join(result.messages) or component
        field = self.shapes.fields.get(result.source_shape)
        limits = shapes.read_parameter_values(self.store, result.source_shape, component)
        names = sorted({self._name(limit, field, component) for limit in limits} - {""})
        return self.phrases.format(component, self.languages, limit=", ".join(names))

    def _name(self, limit: Term, field: Field | None, component: str) -> str:
        if isinstance(limit, Literal):
            return limit.value
        if isinstance(limit, BlankNode):
            inner = shapes.read_parameter_values(self.store, limit, _DATATYPE)
            return ", ".join(self._name(term, field, _DATATYPE) for term in inner)
        assert isinstance(limit, NamedNode), limit
        if name := self._field_name(limit.value, field) or self._kind_name(limit.value):
            return name
        name = self.reader.label(limit.value, self.languages)
        if not name and field and field.scheme and component == _NODE:
            name = self.reader.label(field.scheme, self.languages)
        return name or local_name(limit.value)

    def _field_name(self, predicate: str, field: Field | None) -> str:
        """Return the name of the field of the same kind that has the property."""
        for kind in self.shapes.node_shapes:
            if field in kind.fields and (other := _find_field(kind, predicate)):
                return pick_text(other.names, self.languages)
        return ""

    def _kind_name(self, class_iri: str) -> str:
        kind = self.shapes.find_node_shape([class_iri])
        return pick_text(kind.labels, self.languages) if kind else ""


def _filled_in(wording: str, messages: Sequence[str]) -> str:
    """Return the message that a wording became when its variables were filled in, or ""."""
    pattern = re.compile(".*".join(map(re.escape, _VARIABLE.split(wording))), re.DOTALL)
    return next((message for message in messages if wording and pattern.fullmatch(message)), "")


def _find_field(kind: NodeShape, predicate: str) -> Field | None:
    return next((field for field in kind.fields if field.predicate == predicate), None)
