"""Validation scope: which triples the shapes look at from a focus node.

Whether a node conforms follows from the shapes, its own triples, and what paths and queries reach
from there. A graph that holds all that leads to the same results (SHACL, sections 2.3 and 3.4). A
query is read pattern by pattern, each from an end that is bound: `$this` at first.
"""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial, reduce
from itertools import chain
from operator import or_
from types import MappingProxyType
from typing import Any

from pyoxigraph import BlankNode, NamedNode, Quad, Triple
from rdflib import URIRef, Variable
from rdflib.paths import AlternativePath, InvPath, MulPath, SequencePath
from rdflib.plugins.sparql.algebra import translatePath, translatePName, translatePrologue, traverse
from rdflib.plugins.sparql.parser import parseQuery
from rdflib.plugins.sparql.parserutils import CompValue

from ..rdf.terms import RDFS, TYPE, Node, Term
from ..schema.shapes.constraints import TARGET_OBJECTS, TARGETS, ShapeReader, read_paths
from ..storage.base import Store

ANY = ""
"""Stands for every property."""
_THIS = Variable("this")

_SUPERCLASS = RDFS + "subClassOf"
_MARKER = "urn:marker:"

TriplePattern = tuple[Any, Any, Any]
"""A triple pattern of SPARQL, as rdflib parses it."""


@dataclass(frozen=True)
class Scope:
    """Properties that are followed from a node to its values, and inversely to its subjects.

    Every triple of an `anywhere` property is in scope, and so is what a constant reaches. A
    `described` property is followed to all that its values state.
    """

    forward: frozenset[str] = frozenset()
    inverse: frozenset[str] = frozenset()
    anywhere: frozenset[str] = frozenset()
    constants: frozenset[Node] = frozenset()
    described: frozenset[str] = frozenset()

    def __or__(self, other: "Scope") -> "Scope":
        """Return the union of two scopes."""
        return Scope(
            self.forward | other.forward,
            self.inverse | other.inverse,
            self.anywhere | other.anywhere,
            self.constants | other.constants,
            self.described | other.described,
        )

    def contains(self, predicate: NamedNode) -> bool:
        """Whether a property can matter to another node than its subject."""
        return (
            bool(self.described)
            or self.follows(predicate)
            or self.follows_inversely(predicate)
            or self.contains_anywhere(predicate)
        )

    def contains_anywhere(self, predicate: NamedNode) -> bool:
        """Whether a property matters to every node, wherever it stands."""
        return not {predicate.value, ANY}.isdisjoint(self.anywhere)

    def follows(self, predicate: NamedNode) -> bool:
        """Whether a property is followed to its values."""
        name = predicate.value
        return name in self.forward or name in self.described or ANY in self.forward

    def follows_inversely(self, predicate: NamedNode) -> bool:
        """Whether a property is followed to its subjects."""
        return predicate.value in self.inverse

    def reach(self, store: Store, terms: Iterable[Term]) -> Iterator[Quad]:
        """Yield the quads of a store that are in scope of some terms."""
        waiting: list[Term] = list(dict.fromkeys([*terms, *self.constants]))
        seen = set(waiting)
        anywhere = (store.quads(None, NamedNode(n) if n else None) for n in self.anywhere)
        quads = chain.from_iterable(anywhere)
        while True:
            for quad in quads:
                yield quad
                new = [term for term in (quad.subject, quad.object) if term not in seen]
                seen.update(new)
                waiting += new
            if not waiting:
                return
            quads = chain.from_iterable(self._step(store, waiting.pop()))

    def stated(self, store: Store, quads: Iterable[Quad]) -> Iterator[Quad]:
        """Yield all that a store states of the values of `described` properties in some quads."""
        described = (quad for quad in quads if quad.predicate.value in self.described)
        for node in {nodes(quad)[-1] for quad in described}:
            yield from store.quads(node)

    def _step(self, store: Store, term: Term) -> Iterator[Iterable[Quad]]:
        if isinstance(term, NamedNode | BlankNode):
            for name in [ANY] if ANY in self.forward else self.forward:
                yield store.quads(term, NamedNode(name) if name else None)
            for name in self.described:
                quads = list(store.quads(term, NamedNode(name)))
                yield quads
                yield self.stated(store, quads)
        for name in self.inverse:
            yield store.quads(None, NamedNode(name), term)


def nodes(quad: Quad | Triple) -> list[Node]:
    """Return the subject of a triple, and its object where that is a node."""
    return [term for term in (quad.subject, quad.object) if isinstance(term, NamedNode | BlankNode)]


@lru_cache(maxsize=256)
def parse_patterns(query: str) -> tuple[TriplePattern, ...]:
    """Return the triple patterns of a query, wherever they stand in it."""
    head, tree = parseQuery(query)
    names = partial(translatePName, prologue=translatePrologue(head, None))
    return tuple(_walk(traverse(traverse(tree, visitPost=names), visitPost=translatePath)))


def _walk(tree: Any) -> Iterator[TriplePattern]:
    if isinstance(tree, CompValue):
        if tree.name == "TriplesBlock":
            terms = list(_flatten(tree.triples))
            yield from zip(terms[::3], terms[1::3], terms[2::3], strict=True)
            return
        tree = list(tree.values())
    if isinstance(tree, Sequence) and not isinstance(tree, str):
        for part in tree:
            yield from _walk(part)


def _flatten(tree: Any) -> Iterator[Any]:
    for part in tree:
        if isinstance(part, Sequence) and not isinstance(part, str):
            yield from _flatten(part)
        else:
            yield part


def scope_beyond_focus_node(patterns: Sequence[TriplePattern]) -> Scope:
    """Return the scope of a query beside the triples of `$this` itself."""
    own = [p for p in patterns if p[0] == _THIS and isinstance(p[1], URIRef)]
    rest = [pattern for pattern in patterns if pattern not in own]
    return scope_of_patterns(rest, {_THIS: "", **{value: str(path) for _, path, value in own}})


def scope_of_patterns(
    patterns: Sequence[TriplePattern], bound: Mapping[Any, str] = MappingProxyType({_THIS: ""})
) -> Scope:
    """Return the scope of patterns from bound variables: each is read from an end that is bound.

    With each variable stands the property whose value it is, or "".
    """
    bound, scope, left = dict(bound), Scope(), list(patterns)
    while left:
        pattern = min(left, key=lambda pattern: _unbound_ends(pattern, bound))
        left.remove(pattern)
        subject, path, value = pattern
        forward, inverse = _directions(path)
        match _unbound_ends(pattern, bound):
            case 0 if isinstance(path, Variable) and bound.get(subject):
                scope |= Scope(described=frozenset({bound[subject]}))
            case 0:
                scope |= Scope(forward, inverse, constants=_constant(subject))
            case 1:
                scope |= Scope(inverse, forward, constants=_constant(value))
            case _:
                scope |= Scope(anywhere=forward | inverse)
        bound = {subject: "", value: str(path) if isinstance(path, URIRef) else ""} | bound
    return scope


def _unbound_ends(pattern: TriplePattern, bound: Container[Any]) -> int:
    """Return 0 where a pattern's subject is bound, 1 where its value is, else 2."""
    subject, path, value = pattern
    if subject in bound or isinstance(subject, URIRef):
        return 0
    is_invertible = ANY not in _directions(path)[0]
    return 1 if is_invertible and (value in bound or isinstance(value, URIRef)) else 2


def _constant(term: Any) -> frozenset[Node]:
    return frozenset({NamedNode(str(term))} if isinstance(term, URIRef) else ())


def _directions(path: Any) -> tuple[frozenset[str], frozenset[str]]:
    """Return the properties that a path follows forward, and inversely."""
    if isinstance(path, URIRef):
        return frozenset({str(path)}), frozenset()
    if isinstance(path, InvPath):
        forward, inverse = _directions(path.arg)
        return inverse, forward
    if isinstance(path, MulPath):
        return _directions(path.path)
    if isinstance(path, SequencePath | AlternativePath):
        pairs = [_directions(step) for step in path.args]
        no_names = frozenset[str]()
        return no_names.union(*(f for f, _ in pairs)), no_names.union(*(i for _, i in pairs))
    return frozenset({ANY}), frozenset()


@dataclass(frozen=True)
class ValidationScopes:
    """The scopes of shapes by target class or property, and of those with other targets."""

    store: Store
    targets: Mapping[str, Scope]
    others: Scope

    def combine(self, names: Iterable[str]) -> Scope:
        """Return the scope of nodes that have some classes and properties."""
        names = self.with_superclasses(names)
        return reduce(or_, (self.targets[n] for n in names if n in self.targets), self.others)

    def with_superclasses(self, names: Iterable[str]) -> set[str]:
        """Return classes with their superclasses (SHACL, section 1.1: SHACL instances)."""
        classes = [NamedNode(name) for name in names]
        quads = Scope(frozenset({_SUPERCLASS})).reach(self.store, classes)
        return {node.value for node in classes} | {
            quad.object.value for quad in quads if isinstance(quad.object, NamedNode)
        }


def read_scopes(store: Store, followed: Iterable[str] = ()) -> ValidationScopes:
    """Return the scopes of the shapes in a store; some properties are followed in any case."""
    shapes = ShapeReader(store)
    reader = _ScopeReader(shapes, read_paths(store))
    targets: dict[str, Scope] = {}
    others = Scope(frozenset({TYPE.value, _SUPERCLASS, *followed}))
    for shape in shapes.shapes_with_targets():
        scope, names = reader.scope(shape), shapes.targets(shape)
        for name in names:
            targets[name] = targets.get(name, Scope()) | scope
        if not names or shapes.has_other_targets(shape):
            others |= scope
    return ValidationScopes(store, targets, others)


def with_marker_targets(triples: Iterable[Triple]) -> Iterator[Triple]:
    """Yield shapes that target nodes with a marker instead of those of a class or property.

    Of nodes without one, the engine gets a part only, which need not conform.
    """
    for triple in triples:
        if triple.predicate in TARGETS and isinstance(triple.object, NamedNode):
            yield Triple(triple.subject, TARGET_OBJECTS, _marker(triple.object))
        else:
            yield triple


def build_markers(quads: Iterable[Quad], scopes: ValidationScopes) -> Iterator[Triple]:
    """Yield the markers of the subjects of quads: their classes, and their properties."""
    for quad in quads:
        names = [quad.predicate.value, *scopes.with_superclasses(find_classes([quad]))]
        for name in names:
            yield Triple(NamedNode(_MARKER), _marker(NamedNode(name)), quad.subject)


def find_classes_and_properties(quads: Iterable[Quad]) -> set[str]:
    """Return the classes and properties of the subjects of quads."""
    quads = list(quads)
    return find_classes(quads) | {quad.predicate.value for quad in quads}


def find_classes(quads: Iterable[Quad]) -> set[str]:
    """Return the classes of the subjects of quads."""
    values = (quad.object for quad in quads if quad.predicate == TYPE)
    return {term.value for term in values if isinstance(term, NamedNode)}


def _marker(term: NamedNode) -> NamedNode:
    return NamedNode(_MARKER + term.value)


@dataclass(frozen=True)
class _ScopeReader:
    shapes: ShapeReader
    paths: Mapping[Node, str]

    def scope(self, shape: Node) -> Scope:
        """Return the scope of a shape with targets; a path of one predicate leads no further."""
        scope = self._scope_of_queries(shape, scope_beyond_focus_node)
        scope |= Scope(inverse=frozenset(self.shapes.inverse_targets(shape)))
        properties = map(self._scope_of_property, self.shapes.property_shapes(shape))
        return _union([scope, *properties, *self._scopes_of(self.shapes.value_shapes(shape))])

    def _scope_of_property(self, shape: Node) -> Scope:
        scope = self._scope_of_queries(shape, scope_beyond_focus_node)
        if not self.shapes.path_predicate(shape):
            scope |= self._scope_of_path(shape)
        return _union([scope, *self._scopes_of(self._nested(shape))])

    def _scopes_of(self, shapes: Iterable[Node]) -> Iterator[Scope]:
        return (self._scope_of_values(shape, set()) for shape in shapes)

    def _scope_of_values(self, shape: Node, seen: set[Node]) -> Scope:
        """Return the scope of a shape that values have to conform to."""
        if shape in seen:
            return Scope()
        seen.add(shape)
        closed = [ANY] if self.shapes.is_closed(shape) else []
        own = Scope(frozenset([*self.shapes.compared_properties(shape), *closed]))
        scopes = [own, self._scope_of_path(shape)]
        scopes.append(self._scope_of_queries(shape, scope_of_patterns))
        nested = (self._scope_of_values(node, seen) for node in self._nested(shape))
        return _union([*scopes, *nested])

    def _nested(self, shape: Node) -> list[Node]:
        return [*self.shapes.property_shapes(shape), *self.shapes.value_shapes(shape)]

    def _scope_of_path(self, shape: Node) -> Scope:
        if shape not in self.paths:
            return Scope()
        return scope_of_patterns(parse_patterns(f"SELECT * {{ $this {self.paths[shape]} ?value }}"))

    def _scope_of_queries(
        self, shape: Node, scope_of: Callable[[Sequence[TriplePattern]], Scope]
    ) -> Scope:
        path = self.paths.get(shape, "")
        queries = (text.replace("$PATH", path) for text in self.shapes.queries(shape))
        return _union(scope_of(parse_patterns(query)) for query in queries)


def _union(scopes: Iterable[Scope]) -> Scope:
    return reduce(or_, scopes, Scope())
