"""Targets and constraints of shapes, and the SPARQL of stored queries, for validation."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

from pyoxigraph import BlankNode, Literal, NamedNode, Quad, Triple

from ...rdf.terms import PG, RDFS, SH, TRUE, TYPE, Node, Term, as_text, local_name
from ...storage import query_guard
from ...storage.base import Store
from ..text import Labels
from .reader import ShapesError, path_to_sparql

VIOLATION, WARNING, INFO = (SH + name for name in ("Violation", "Warning", "Info"))
"""The severities that SHACL defines (section 2.1.4)."""
SPARQL_COMPONENT = SH + "SPARQLConstraintComponent"
TARGETS = (NamedNode(SH + "targetClass"), NamedNode(SH + "targetSubjectsOf"))
"""The properties of a shape with the classes and properties that it targets."""
TARGET_OBJECTS = NamedNode(SH + "targetObjectsOf")
_OTHER_TARGETS = (SH + "targetNode", TARGET_OBJECTS.value)
_SUBCLASS_OF = RDFS + "subClassOf"
_PROPERTY = SH + "property"
_VALUE_SHAPES = [SH + n for n in ("node", "not", "qualifiedValueShape", "and", "or", "xone")]
_COMPARISONS = [SH + n for n in ("equals", "disjoint", "lessThan", "lessThanOrEquals")]
_QUERIES = frozenset(SH + name for name in ("select", "ask", "construct", "update"))
_SCRIPTS = frozenset(SH + name for name in ("js", "jsFunctionName", "jsLibrary"))
_TO_SHAPES = frozenset([_PROPERTY, *_VALUE_SHAPES[:3]])
_SHAPE_CLASSES = frozenset(NamedNode(SH + name) for name in ("NodeShape", "PropertyShape"))
_EXECUTABLE = re.compile(re.escape(SH) + "SPARQL(Select|Ask|Construct)Executable")
_TERMS_OF_SHAPES = (
    *("targetClass", "targetNode", "targetSubjectsOf", "targetObjectsOf", "property", "path"),
    *("node", "not", "and", "or", "xone", "sparql", "select", "ask", "declare", "namespace"),
)
"""Terms without which nothing is a shape, or part of one."""


def shacl_term(name: str) -> NamedNode:
    """Return a term of SHACL by its local name, such as `focusNode` (section 3.6)."""
    return NamedNode(SH + name)


def read_shape_graphs(store: Store) -> list[Triple]:
    """Return all graphs in which shapes stand, as an engine reads them."""
    terms = (NamedNode(SH + term) for term in _TERMS_OF_SHAPES)
    quads = (quad for term in terms for quad in store.quads(None, term))
    graphs = dict.fromkeys(quad.graph_name for quad in quads)
    names = (graph.value for graph in graphs if isinstance(graph, NamedNode))
    return [quad.triple for name in names for quad in store.graph_quads(name)]


def read_paths(store: Store) -> dict[Node, str]:
    """Return the paths of all property shapes, as SPARQL's."""
    paths: dict[Node, str] = {}
    for shape in store.subjects(SH + "path"):
        with suppress(ShapesError):
            paths[shape] = path_to_sparql(store, store.values(shape, SH + "path")[0])
    return paths


def read_parameter_values(store: Store, shape: str | BlankNode, component: str) -> list[Term]:
    """Return the values of a constraint component's parameter in a shape (section 4).

    The parameter of `MinCountConstraintComponent` is `sh:minCount`. Lists are returned as members.
    A shape is an IRI, or a blank node of this store; one that an engine has named has no values.
    """
    if isinstance(shape, str) and shape.startswith("_:"):
        return []
    parameter = component.removesuffix("ConstraintComponent")
    parameter = SH + parameter[:1].lower() + parameter[1:]
    node = NamedNode(shape) if isinstance(shape, str) else shape
    values = store.values(node, parameter)
    return [term for value in values for term in store.list_members(value) or [value]]


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

    def has_focus_node(self, shape: Node, data: Store) -> bool:
        """Return whether a shape targets a node of a data graph (section 2.1.3)."""
        if self.store.values(shape, SH + "targetNode"):
            return True
        names = (*(term.value for term in TARGETS[1:]), TARGET_OBJECTS.value)
        predicates = [node for name in names for node in self._nodes(shape, name)]
        if any(isinstance(p, NamedNode) and any(data.quads(None, p)) for p in predicates):
            return True
        return _has_instances([shape, *self._nodes(shape, TARGETS[0].value)], data)

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


def _has_instances(classes: list[Node], data: Store) -> bool:
    """Return whether a data graph has instances of classes or of their subclasses."""
    seen = set(classes)
    while classes:
        if any(data.quads(None, TYPE, node := classes.pop())):
            return True
        subclasses = data.subjects(_SUBCLASS_OF, node)
        classes += [subclass for subclass in subclasses if subclass not in seen]
        seen |= set(subclasses)
    return False


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


def executable_quads(quads: Sequence[Quad], text: str) -> Iterator[Quad]:
    """Yield the statement of a stored query's SPARQL, its parameters bound to their defaults."""
    query = Literal(query_guard.bind_parameters(text, _defaults(quads)))
    for quad in quads:
        if kind := _EXECUTABLE.fullmatch(getattr(quad.object, "value", "")):
            yield Quad(quad.subject, NamedNode(SH + kind[1].lower()), query, quad.graph_name)


def _defaults(quads: Sequence[Quad]) -> dict[str, Term]:
    """Return the default values of a query's parameters, by key."""
    values: dict[str, Mapping[object, Term]] = {
        name: {quad.subject: quad.object for quad in quads if quad.predicate.value == SH + name}
        for name in ("codeIdentifier", "defaultValue")
    }
    keys = {n: key.value for n, key in values["codeIdentifier"].items() if isinstance(key, Literal)}
    return {keys[node]: term for node, term in values["defaultValue"].items() if node in keys}


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
    nodes += [quad.subject for quad in quads if _describes_shape(quad)]
    blank = dict.fromkeys(node for node in nodes if isinstance(node, BlankNode))
    names: dict[Term, NamedNode] = {
        node: NamedNode(f"{namespace}{_path_name(paths.get(node))}{number}")
        for number, node in enumerate(blank, 1)
    }
    for quad in quads:
        subject, value = names.get(quad.subject, quad.subject), names.get(quad.object, quad.object)
        assert not isinstance(subject, Triple)
        yield Triple(subject, quad.predicate, value)


def _describes_shape(quad: Quad) -> bool:
    """Return whether a statement is about a shape or a constraint, not about a path or a list."""
    if quad.predicate == TYPE:
        return quad.object in _SHAPE_CLASSES
    name = quad.predicate.value
    return name == SH + "path" or (name.startswith(SH) and not name.endswith("Path"))


def _path_name(path: Term | None) -> str:
    return local_name(path.value) + "-" if isinstance(path, NamedNode) else ""
