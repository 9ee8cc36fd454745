"""SHACL (https://www.w3.org/TR/shacl/): shapes graphs, validation results and their messages.

Two engines read the same shapes: the package `shacl`, in Rust, wherever it has a wheel, else
pySHACL, the reference.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from pyoxigraph import BlankNode, Literal, NamedNode, RdfFormat, Triple, serialize

from ..rdf.terms import Term, as_text, local_name, parse_n_triples
from ..schema.fields import Field, NodeShape, Shapes
from ..schema.records import RecordReader
from ..schema.shapes import constraints
from ..schema.shapes.constraints import shacl_term
from ..schema.shapes.reader import ShapesError
from ..schema.text import Phrases, pick_text
from ..storage.base import Store

_VARIABLE = re.compile(r"\{[?$]\w+\}")
_NODE, _DATATYPE = "NodeConstraintComponent", "DatatypeConstraintComponent"


@dataclass(frozen=True, order=True)
class ValidationResult:
    """A validation result (section 3.6.2).

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
        return local_name(self.source_constraint_component)


Engine = Callable[[str], list[ValidationResult]]
"""Validates a data graph in Turtle against the shapes it was built with; raises ValueError."""


def parse_report(report: str) -> list[ValidationResult]:
    """Return the results of a validation report in N-Triples, in order."""
    nodes: dict[Term, dict[NamedNode, list[Term]]] = {}
    for triple in parse_n_triples(report.encode()):
        properties = nodes.setdefault(triple.subject, {})
        properties.setdefault(triple.predicate, []).append(triple.object)
    results = (result for node in nodes.values() for result in node.get(shacl_term("result"), ()))
    return sorted(_read_result(nodes[result]) for result in results)


def _read_result(properties: Mapping[NamedNode, Sequence[Term]]) -> ValidationResult:
    def text(name: str) -> str:
        return str(next(iter(properties.get(shacl_term(name), ())), ""))

    messages = properties.get(shacl_term("resultMessage"), ())
    return ValidationResult(
        focus_node=text("focusNode"),
        result_path=_one_predicate(text("resultPath")),
        source_constraint_component=strip_brackets(text("sourceConstraintComponent")),
        value=text("value"),
        severity=strip_brackets(text("resultSeverity")),
        source_shape=strip_brackets(text("sourceShape")),
        messages=tuple(sorted(map(as_text, messages))),
    )


try:
    import shacl
except ImportError:  # no wheel for this machine
    from .pyshacl_engine import build_validator

    def build_engine(shapes: str) -> Engine:
        """Return the engine pySHACL for a shapes graph in Turtle."""
        validate = build_validator(shapes)
        return lambda data: parse_report(validate(data))

else:

    def build_engine(shapes: str) -> Engine:
        """Return the engine of the package `shacl` for a shapes graph in Turtle."""
        compiled = shacl.Shapes.from_turtle(shapes)
        return lambda data: sorted(map(_convert, compiled.validate_turtle(data).results))


def _convert(result: "shacl.Result") -> ValidationResult:
    return ValidationResult(
        focus_node=result.focus_node,
        result_path=_one_predicate(result.path or ""),
        source_constraint_component=result.component_iri,
        value=result.value or "",
        severity=result.severity_iri,
        source_shape=strip_brackets(result.source_shape or ""),
        messages=tuple(sorted(result.messages)),
    )


@dataclass(frozen=True)
class ShapesGraph:
    """A shapes graph in Turtle, compiled once, against which any number of graphs are validated."""

    turtle: str

    def validate(self, data: Iterable[Triple]) -> list[ValidationResult]:
        """Return the results of a data graph, in order.

        Raises ShapesError where the engine cannot read a shape or a pattern.
        """
        try:
            return self._engine(to_turtle(data))
        except ValueError as error:
            raise ShapesError(str(error)) from error

    @cached_property
    def _engine(self) -> Engine:
        return build_engine(self.turtle)


def read_shapes(store: Store) -> ShapesGraph:
    """Return the shapes graph that a store holds."""
    return ShapesGraph(to_turtle(constraints.read_shape_graphs(store)))


def to_turtle(triples: Iterable[Triple]) -> str:
    """Serialize triples as the engines read them."""
    text = serialize(triples, format=RdfFormat.TURTLE)
    assert isinstance(text, bytes)
    return text.decode()


def strip_brackets(term: str) -> str:
    """Return an IRI without its angle brackets; leave other terms as they are."""
    return term.removeprefix("<").removesuffix(">")


def _one_predicate(path: str) -> str:
    """Return a path that is one predicate, else "": engines write longer paths differently."""
    return path if path.startswith("<") and path.find(">") == len(path) - 1 else ""


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
        for labels in constraints.read_messages(self.store, result.source_shape):
            if message := _filled_in(pick_text(labels, self.languages), result.messages):
                return message
        component = result.component_name
        if component not in self.phrases.labels:  # a component that shapes define themselves
            return " ".join(result.messages) or component
        field = self.shapes.fields.get(result.source_shape)
        limits = constraints.read_parameter_values(self.store, result.source_shape, component)
        names = sorted({self._name(limit, field, component) for limit in limits} - {""})
        return self.phrases.format(component, self.languages, limit=", ".join(names))

    def _name(self, limit: Term, field: Field | None, component: str) -> str:
        if isinstance(limit, Literal):
            return limit.value
        if isinstance(limit, BlankNode):
            inner = constraints.read_parameter_values(self.store, limit, _DATATYPE)
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
