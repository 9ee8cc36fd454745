"""SHACL (https://www.w3.org/TR/shacl/): shapes graphs, validation results and their messages.

Two engines read the same shapes: the package `shacl`, in Rust, wherever it has a wheel, else
pySHACL, the reference.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from pyoxigraph import BlankNode, Literal, NamedNode, Quad, RdfFormat, Triple, serialize

from ..rdf.namespaces import PG, RDFS, SH
from ..rdf.terms import TRUE, TYPE, Node, Term, as_text, local_name, parse_n_triples
from ..schema import shapes
from ..schema.fields import Field, NodeShape, Shapes
from ..schema.records import RecordReader
from ..schema.shapes import ShapesError
from ..schema.text import Labels, Phrases, pick_text
from ..storage.base import Store

VIOLATION, WARNING = SH + "Violation", SH + "Warning"
"""The severities of the rules beside SHACL (section 2.1.4)."""
SPARQL_COMPONENT = SH + "SPARQLConstraintComponent"
TARGETS = (NamedNode(SH + "targetClass"), NamedNode(SH + "targetSubjectsOf"))
"""The properties of a shape with the classes and properties that it targets."""
TARGET_OBJECTS = NamedNode(SH + "targetObjectsOf")
_OTHER_TARGETS = (SH + "targetNode", TARGET_OBJECTS.value)
_PROPERTY = SH + "property"
_VALUE_SHAPES = [SH + n for n in ("node", "not", "qualifiedValueShape", "and", "or", "xone")]
_COMPARISONS = [SH + n for n in ("equals", "disjoint", "lessThan", "lessThanOrEquals")]
_QUERIES = frozenset(SH + name for name in ("select", "ask", "construct", "update"))
_SCRIPTS = frozenset(SH + name for name in ("js", "jsFunctionName", "jsLibrary"))
_TO_SHAPES = frozenset([_PROPERTY, *_VALUE_SHAPES[:3]])
_SHAPE_CLASSES = frozenset(NamedNode(SH + name) for name in ("NodeShape", "PropertyShape"))
_VARIABLE = re.compile(r"\{[?$]\w+\}")
_NODE, _DATATYPE = "NodeConstraintComponent", "DatatypeConstraintComponent"


def shacl_term(name: str) -> NamedNode:
    """Return a term of SHACL by its local name, such as `focusNode` (section 3.6)."""
    return NamedNode(SH + name)


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
    return ShapesGraph(to_turtle(shapes.read_shape_graphs(store)))


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


@dataclass(frozen=True)
class ShapeReader:
    """Reads from shapes which nodes they target and what they look at from there."""

    store: Store

    def shapes_with_targets(self) -> set[Node]:
        """Return the shapes that have targets (section 2.1.3)."""
        names = (*(term.value for term in TARGETS), *_OTHER_TARGETS)
        shapes = {node for name in names for node in self.store.subjects(name)}
        classes = self.store.subjects(TYPE.value, NamedNode(RDFS + "Class"))
        return shapes | {node for node in classes if self.store.values(node, _PROPERTY)}

    def targets(self, shape: Node) -> list[str]:
        """Return the classes and properties that a shape targets."""
        return [name for term in TARGETS for name in self._texts(shape, term.value)]

    def inverse_targets(self, shape: Node) -> list[str]:
        """Return the properties whose objects a shape targets."""
        return self._texts(shape, TARGET_OBJECTS.value)

    def has_other_targets(self, shape: Node) -> bool:
        """Return whether a shape targets nodes, or objects of properties."""
        return any(self.store.values(shape, name) for name in _OTHER_TARGETS)

    def property_shapes(self, shape: Node) -> list[Node]:
        """Return the property shapes of a shape (section 2.3)."""
        return self._nodes(shape, _PROPERTY)

    def value_shapes(self, shape: Node) -> list[Node]:
        """Return the shapes to which a shape requires values to conform (sections 4.6, 4.7)."""
        return [node for name in _VALUE_SHAPES for node in self._nodes(shape, name)]

    def path_predicate(self, shape: Node) -> NamedNode | None:
        """Return the predicate that is the whole path of a property shape, if it is one."""
        path = self.store.value(shape, SH + "path")
        return path if isinstance(path, NamedNode) else None

    def compared_properties(self, shape: Node) -> list[str]:
        """Return the properties with which a shape compares values (section 4.5)."""
        return [name for term in _COMPARISONS for name in self._texts(shape, term)]

    def is_closed(self, shape: Node) -> bool:
        """Return whether a shape looks at all properties (section 4.8.1)."""
        return self.store.value(shape, SH + "closed") is not None

    def queries(self, shape: Node) -> list[str]:
        """Return the queries of SPARQL constraints (section 5.1) with all declared prefixes."""
        constraints = self._nodes(shape, SH + "sparql")
        texts = (text for node in constraints for text in self._texts(node, SH + "select"))
        return [self._prefixes + text for text in texts]

    @cached_property
    def _prefixes(self) -> str:
        declarations = self.store.subjects(SH + "namespace")
        pairs = (
            [
                as_text(term)
                for n in ("prefix", "namespace")
                for term in self.store.values(node, SH + n)
            ]
            for node in declarations
        )
        return "".join(f"PREFIX {prefix}: <{namespace}>\n" for prefix, namespace in pairs)

    def _nodes(self, shape: Node, name: str) -> list[Node]:
        values = self.store.values(shape, name)
        members = [item for value in values for item in self.store.list_members(value) or [value]]
        return [node for node in members if isinstance(node, NamedNode | BlankNode)]

    def _texts(self, shape: Node, name: str) -> list[str]:
        return [as_text(value) for value in self.store.values(shape, name)]


@dataclass(frozen=True)
class StoredCheck:
    """A stored query that is a check; `follows_links` where it asks whether its values answer."""

    iri: str
    text: str
    severity: str
    messages: Labels
    follows_links: bool


def read_stored_checks(store: Store) -> list[StoredCheck]:
    """Return the stored queries that have a severity, in order of their IRIs."""
    nodes = sorted(store.subjects(SH + "severity"), key=str)
    texts = ((node, store.value(node, SH + "select")) for node in nodes)
    return [
        StoredCheck(
            iri=node.value,
            text=text.value,
            severity=as_text(severity),
            messages=store.labels(node, SH + "message"),
            follows_links=store.value(node, PG + "fetches") == TRUE,
        )
        for node, text in texts
        if isinstance(text, Literal) and (severity := store.value(node, SH + "severity"))
    ]


def is_part_of_shapes(quad: Quad) -> bool:
    """Return whether a statement uses a term of SHACL."""
    terms = (quad.predicate, quad.object)
    return any(isinstance(term, NamedNode) and term.value.startswith(SH) for term in terms)


def is_script(quad: Quad) -> bool:
    """Return whether a statement belongs to a constraint in JavaScript (SHACL-JS)."""
    return quad.predicate.value in _SCRIPTS


def query_text(quad: Quad) -> str:
    """Return the query of a SPARQL constraint that a statement has, or ""."""
    is_query = quad.predicate.value in _QUERIES and isinstance(quad.object, NamedNode | Literal)
    return as_text(quad.object) if is_query else ""


def name_shapes(quads: Sequence[Quad], namespace: str) -> Iterator[Triple]:
    """Yield the triples of shapes in which those that were blank nodes have IRIs.

    These end in the local name of the path, and a number.
    """
    paths = {quad.subject: quad.object for quad in quads if quad.predicate.value == SH + "path"}
    nodes = [quad.object for quad in quads if quad.predicate.value in _TO_SHAPES]
    typed = (q for q in quads if q.predicate == TYPE and q.object in _SHAPE_CLASSES)
    nodes += [*paths, *(quad.subject for quad in typed)]
    blank = dict.fromkeys(node for node in nodes if isinstance(node, BlankNode))
    names: dict[Term, NamedNode] = {
        node: NamedNode(f"{namespace}{_path_name(paths.get(node))}{number}")
        for number, node in enumerate(blank, 1)
    }
    for quad in quads:
        subject, value = names.get(quad.subject, quad.subject), names.get(quad.object, quad.object)
        assert not isinstance(subject, Triple)
        yield Triple(subject, quad.predicate, value)


def _path_name(path: Term | None) -> str:
    return local_name(path.value) + "-" if isinstance(path, NamedNode) else ""
