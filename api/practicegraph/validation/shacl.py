"""SHACL (https://www.w3.org/TR/shacl/): shapes graphs, validation results and their messages.

Two engines read the same shapes: the package `shacl`, in Rust, wherever it has a wheel, else
pySHACL, the reference.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pyoxigraph import BlankNode, Literal, NamedNode, RdfFormat, Triple, serialize

from ..rdf.terms import Node, Term, in_graph, local_name, parse_n_triples
from ..schema.fields import Field, NodeShape, Shapes
from ..schema.records import RecordReader
from ..schema.shapes import constraints
from ..schema.shapes.constraints import shacl_term
from ..schema.shapes.reader import ShapesError, path_to_sparql
from ..schema.text import Phrases, pick_text
from ..storage.base import Store
from ..storage.oxigraph import OxigraphStore

SUBMITTED_SHAPES = "urn:submitted:shapes#"
"""The namespace of the shapes of a client that have no IRI."""
_PATHS = "urn:paths"
_EXAMPLES = {
    "boolean": "true",
    "date": "2019-01-31",
    "dateTime": "2019-01-31T12:00:00Z",
    "decimal": "1.5",
    "gYear": "2019",
    "gYearMonth": "2019-01",
    "integer": "12",
    "langString": '"…"@en',
}
"""Values of datatypes by name (XSD, part 2)."""
_FAULTS = (
    (r"invalid sh:pattern: regex parse error: (?P<token>.*?) +\^", "invalidPattern"),
    (r"property path", "invalidPath"),
    (r"(?P<token>sh:\w+) is not a well-formed list|is not a list", "invalidList"),
    (r"(?P<token>sh:\w+) is not a", "invalidParameter"),
    (r"SPARQL error: (?P<token>[A-Z]+) cannot be combined", "preBinding"),
    (r"SPARQL error", "invalidShapeQuery"),
)
"""The words in the reasons of the engine, with their phrases; without a word, that of `sh:or`."""
_NODE, _DATATYPE = "NodeConstraintComponent", "DatatypeConstraintComponent"


@dataclass(frozen=True)
class ValidationResult:
    """A validation result (section 3.6.2).

    `focus_node` and `value` are terms in N-Triples, "" for none, and `result_path` is the path as
    SPARQL writes it. A path that is more than one predicate has its triples (section 2.3.1), the
    first about the path itself. The component, the severity and the shape are IRIs. The messages
    are those that the shape has.
    """

    focus_node: str
    result_path: str
    source_constraint_component: str
    value: str
    severity: str
    source_shape: str
    messages: tuple[Literal, ...] = ()
    path_triples: tuple[Triple, ...] = ()

    @property
    def component_name(self) -> str:
        """The local name of the constraint component, such as `MinCountConstraintComponent`."""
        return local_name(self.source_constraint_component)


Engine = Callable[[str], str]
"""Returns the report on a data graph in Turtle, in N-Triples; raises ValueError."""


def parse_report(report: str) -> list[ValidationResult]:
    """Return the results of a validation report in N-Triples, in order."""
    nodes: _Nodes = {}
    for triple in parse_n_triples(report.encode()):
        nodes.setdefault(triple.subject, {}).setdefault(triple.predicate, []).append(triple.object)
    names = (name for node in nodes.values() for name in node.get(shacl_term("result"), ()))
    return sorted((_read_result(nodes, name) for name in names), key=_sort_key)


_Nodes = dict[Term, dict[NamedNode, list[Term]]]


def _read_result(nodes: _Nodes, name: Term) -> ValidationResult:
    def values(name_of_property: str) -> Sequence[Term]:
        return nodes[name].get(shacl_term(name_of_property), ())

    def text(name_of_property: str) -> str:
        return str(next(iter(values(name_of_property)), ""))

    path = next(iter(values("resultPath")), None)
    path_triples = tuple(_describe(nodes, path)) if path else ()
    messages = (term for term in values("resultMessage") if isinstance(term, Literal))
    return ValidationResult(
        focus_node=text("focusNode"),
        result_path=_write_path(path, path_triples) if path else "",
        source_constraint_component=strip_brackets(text("sourceConstraintComponent")),
        value=text("value"),
        severity=strip_brackets(text("resultSeverity")),
        source_shape=strip_brackets(text("sourceShape")),
        messages=tuple(sorted(messages, key=str)),
        path_triples=path_triples,
    )


def _describe(nodes: _Nodes, node: Term) -> Iterator[Triple]:
    """Yield the triples of a blank node, and of those that it leads to."""
    waiting, seen = [node], set[Term]()
    while waiting:
        node = waiting.pop()
        if not isinstance(node, BlankNode) or node in seen:
            continue
        seen.add(node)
        for predicate, values in nodes.get(node, {}).items():
            waiting += values
            yield from (Triple(node, predicate, value) for value in values)


def _write_path(path: Term, triples: Iterable[Triple]) -> str:
    store = OxigraphStore()
    store.add(in_graph(triples, _PATHS))
    return path_to_sparql(store, path)


def _sort_key(result: ValidationResult) -> tuple[str, ...]:
    words = (result.focus_node, result.result_path, result.source_constraint_component)
    return (*words, result.value, result.severity, result.source_shape, str(result.messages))


try:
    import shacl
except ImportError:  # no wheel for this machine
    from .pyshacl_engine import build_validator

    def build_engine(shapes: str) -> Engine:
        """Return the engine pySHACL for a shapes graph in Turtle."""
        return build_validator(shapes)

else:

    def build_engine(shapes: str) -> Engine:
        """Return the engine of the package `shacl` for a shapes graph in Turtle."""
        compiled = shacl.Shapes.from_turtle(shapes)
        return lambda data: compiled.validate_turtle(data).serialize("ntriples")


@dataclass(frozen=True)
class ShapesGraph:
    """A shapes graph in Turtle, compiled once, against which any number of graphs are validated."""

    turtle: str

    def validate(self, data: Iterable[Triple]) -> list[ValidationResult]:
        """Return the results of a data graph, in order.

        Raises ShapesError where the engine cannot read a shape or a pattern.
        """
        try:
            return parse_report(self._engine(to_turtle(data)))
        except ValueError as error:
            raise ShapesError(_in_one_line(error)) from error

    @cached_property
    def _engine(self) -> Engine:
        return build_engine(self.turtle)


def find_faulty_shapes(store: Store) -> dict[str, str]:
    """Return the shapes that the engine cannot read, with the reasons.

    Each is read with all that it refers to. A shape that has a faulty one with an IRI is not it.
    """
    graph: dict[Term, list[Triple]] = {}
    for triple in constraints.read_shape_graphs(store):
        graph.setdefault(triple.subject, []).append(triple)
    parts = {node.value: _reach(graph, node) for node in graph if isinstance(node, NamedNode)}
    faults: dict[str, str] = {}
    for name, nodes in parts.items():
        if not name.startswith(SUBMITTED_SHAPES):
            try:
                build_engine(to_turtle(triple for node in nodes for triple in graph[node]))("")
            except ValueError as error:
                faults[name] = _in_one_line(error)
    inner = {name for name in faults if not any(n.value in faults for n in parts[name][1:])}
    return {name: reason for name, reason in faults.items() if name in inner} or faults


def describe_fault(reason: object) -> dict[str, Any]:
    """Return the phrase of an engine's reason, as `hint`, and its words; or nothing."""
    for pattern, hint in _FAULTS:
        if match := re.search(pattern, str(reason)):
            return {"hint": hint, "token": match.groupdict().get("token") or "sh:or"}
    return {}


def _reach(graph: Mapping[Term, Sequence[Triple]], node: Node) -> list[Node]:
    """Return a node, and the nodes of a graph to which it leads."""
    nodes = {node: None}
    waiting: list[Node] = [node]
    while waiting:
        for triple in graph[waiting.pop()]:
            value = triple.object
            if value in graph and value not in nodes and isinstance(value, NamedNode | BlankNode):
                nodes[value] = None
                waiting.append(value)
    return list(nodes)


def _in_one_line(error: ValueError) -> str:
    return " ".join(str(error).split())


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
    return term[1:-1] if term.startswith("<") else term


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
        texts = {text.language or "": text.value for text in result.messages}
        component = result.component_name
        is_ours = component in self.phrases.labels
        if (
            texts
            or not is_ours
            or shacl_term(component).value != result.source_constraint_component
        ):
            return pick_text(texts, self.languages) or component
        field = self.shapes.fields.get(result.source_shape)
        limits = constraints.read_parameter_values(self.store, result.source_shape, component)
        names = sorted({self._name(limit, field, component) for limit in limits} - {""})
        return self.phrases.format(component, self.languages, limit=", ".join(names))

    def describe_fault(self, reason: str) -> str:
        """Return what is wrong with a shape, in the engine's words where no phrase has them."""
        fault = describe_fault(reason)
        if hint := fault.pop("hint", ""):
            reason = self.phrases.format(hint, self.languages, **fault)
        return self.phrases.format("FaultyShape", self.languages, reason=reason)

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
        name = name or local_name(limit.value)
        example = _EXAMPLES.get(name) if component == _DATATYPE else None
        return f"{name} (`{example}`)" if example else name

    def _field_name(self, predicate: str, field: Field | None) -> str:
        """Return the name of the field of the same kind that has the property."""
        for kind in self.shapes.node_shapes:
            if field in kind.fields and (other := _find_field(kind, predicate)):
                return pick_text(other.names, self.languages)
        return ""

    def _kind_name(self, class_iri: str) -> str:
        kind = self.shapes.find_node_shape([class_iri])
        return pick_text(kind.labels, self.languages) if kind else ""


def _find_field(kind: NodeShape, predicate: str) -> Field | None:
    return next((field for field in kind.fields if field.predicate == predicate), None)
