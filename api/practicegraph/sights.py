"""What the shapes look at beside a thing itself: how far the rest of a graph can matter to it.

Whether a thing is admitted follows from the shapes, from its own triples, and from what paths and
queries reach from there: the class and the scheme of a value, a chain of successors. A graph that
holds all that leads to the same results (SHACL, sections 2.3 and 3.4), however much more there is.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache, partial, reduce
from itertools import chain
from operator import or_
from typing import Any

from pyoxigraph import BlankNode, NamedNode, Quad
from rdflib import URIRef, Variable
from rdflib.paths import AlternativePath, InvPath, MulPath, SequencePath
from rdflib.plugins.sparql.algebra import (
    translatePath,
    translatePName,
    translatePrologue,
    traverse,
)
from rdflib.plugins.sparql.parser import parseQuery
from rdflib.plugins.sparql.parserutils import CompValue

from .shapes import RDFS, SH, paths
from .store import RDF, Node, Store, plain

_INNER = ("node", "property", "not", "qualifiedValueShape", "and", "or", "xone")
_COMPARED = ("equals", "disjoint", "lessThan", "lessThanOrEquals")
_ANY = ""
"""Stands for every property."""
_THIS = Variable("this")

Pattern = tuple[Any, Any, Any]
"""A triple pattern of SPARQL, as rdflib reads it."""


@dataclass(frozen=True)
class Sight:
    """Properties followed from a thing to its values, and back to what has it as a value.

    Of the wide ones every triple counts; what is fixed is seen from everywhere.
    """

    onward: frozenset[str] = frozenset()
    back: frozenset[str] = frozenset()
    wide: frozenset[str] = frozenset()
    fixed: frozenset[Node] = frozenset()

    def __or__(self, other: "Sight") -> "Sight":
        """Give what either sees."""
        return Sight(
            self.onward | other.onward,
            self.back | other.back,
            self.wide | other.wide,
            self.fixed | other.fixed,
        )

    def sees(self, predicate: NamedNode) -> bool:
        """Tell whether the property can matter to more than the thing that has it."""
        return not {predicate.value, _ANY}.isdisjoint(self.onward | self.back | self.wide)

    def beyond(self, store: Store, things: Iterable[Node]) -> Iterator[Quad]:
        """Give what is seen in a store from things, beside what is said of them."""
        waiting = list(dict.fromkeys([*things, *self.fixed]))
        seen = set(waiting)
        wide = (store.quads(None, NamedNode(name) if name else None) for name in self.wide)
        quads = chain.from_iterable(wide)
        while True:
            for quad in quads:
                yield quad
                new = [node for node in ends(quad) if node not in seen]
                seen.update(new)
                waiting += new
            if not waiting:
                return
            quads = chain.from_iterable(self._from(store, waiting.pop()))

    def _from(self, store: Store, node: Node) -> Iterator[Iterable[Quad]]:
        said = store.quads(node)
        yield (q for q in said if q.predicate.value in self.onward or _ANY in self.onward)
        for name in self.back:
            yield store.quads(None, NamedNode(name), node)


@dataclass(frozen=True)
class Sights:
    """What is seen from the things of each class, and from those that are chosen otherwise."""

    store: Store
    classes: Mapping[str, Sight]
    others: Sight

    def of(self, classes: Iterable[str]) -> Sight:
        """Give what is seen from things of classes, and of the classes above these."""
        above = Sight(frozenset({RDFS + "subClassOf"}))
        nodes = [NamedNode(name) for name in classes]
        reached = {node.value for node in nodes} | {
            quad.object.value
            for quad in above.beyond(self.store, nodes)
            if isinstance(quad.object, NamedNode)
        }
        return reduce(or_, (self.classes[n] for n in reached if n in self.classes), self.others)


def read(store: Store, followed: Iterable[str] = ()) -> Sights:
    """Read what the shapes in a store look at; some properties are followed in any case."""
    reader = _Reader(store, paths(store), _prefixes(store))
    classes: dict[str, Sight] = {}
    others = Sight(frozenset({RDF + "type", RDFS + "subClassOf", *followed}))
    for shape in reader.targeted():
        sight = reader.of_target(shape)
        chosen = [plain(term) for term in store.values(shape, SH + "targetClass")]
        for name in chosen:
            classes[name] = classes.get(name, Sight()) | sight
        if not chosen or reader.chosen_otherwise(shape):
            others |= sight
    return Sights(store, classes, others)


def ends(quad: Quad) -> list[Node]:
    """Give the nodes of a quad's triple."""
    return [term for term in (quad.subject, quad.object) if isinstance(term, NamedNode | BlankNode)]


@dataclass(frozen=True)
class _Reader:
    store: Store
    paths: Mapping[Node, str]
    prefixes: str

    def targeted(self) -> set[Node]:
        """Give the shapes that choose what they hold for (SHACL, section 2.1.3)."""
        terms = ("Class", "Node", "SubjectsOf", "ObjectsOf")
        found = {node for term in terms for node in self.store.subjects(f"{SH}target{term}")}
        classes = self.store.subjects(RDF + "type", NamedNode(RDFS + "Class"))
        return found | {node for node in classes if self.store.values(node, SH + "property")}

    def chosen_otherwise(self, shape: Node) -> bool:
        terms = ("Node", "SubjectsOf", "ObjectsOf")
        return any(self.store.values(shape, f"{SH}target{term}") for term in terms)

    def of_target(self, shape: Node) -> Sight:
        """Give what a shape with a target sees: plain paths lead to values, not beyond."""
        found = self._own_queries(shape)
        found |= Sight(back=frozenset(self._plain(shape, "targetObjectsOf")))
        for term in _INNER:
            for inner in self._shapes(shape, term):
                found |= self._of_property(inner) if term == "property" else self._deep(inner, {})
        return found

    def _of_property(self, shape: Node) -> Sight:
        path = self.store.value(shape, SH + "path")
        found = Sight() if isinstance(path, NamedNode) else self._path(shape)
        inner = (node for term in _INNER for node in self._shapes(shape, term))
        found |= self._own_queries(shape)
        return reduce(or_, (self._deep(node, {}) for node in inner), found)

    def _deep(self, shape: Node, seen: dict[Node, None]) -> Sight:
        """Give what a shape sees that holds for values."""
        if shape in seen:
            return Sight()
        seen[shape] = None
        compared = (name for term in _COMPARED for name in self._plain(shape, term))
        closed = [_ANY] if self.store.value(shape, SH + "closed") else []
        found = self._path(shape) | self._queries(shape) | Sight(frozenset([*compared, *closed]))
        inner = (node for term in _INNER for node in self._shapes(shape, term))
        return reduce(or_, (self._deep(node, seen) for node in inner), found)

    def _path(self, shape: Node) -> Sight:
        if shape not in self.paths:
            return Sight()
        return _of_patterns(_patterns(f"SELECT * {{ $this {self.paths[shape]} ?value }}"))

    def _own_queries(self, shape: Node) -> Sight:
        """Give what queries see that start from the thing itself, of which all is known."""
        return reduce(or_, map(_of_own, self._patterns(shape)), Sight())

    def _queries(self, shape: Node) -> Sight:
        return reduce(or_, map(_of_patterns, self._patterns(shape)), Sight())

    def _patterns(self, shape: Node) -> Iterator[tuple[Pattern, ...]]:
        path = self.paths.get(shape, "")
        for node in self._shapes(shape, "sparql"):
            for text in self._plain(node, "select"):
                yield _patterns(self.prefixes + text.replace("$PATH", path))

    def _shapes(self, shape: Node, term: str) -> list[Node]:
        values = self.store.values(shape, SH + term)
        listed = [item for value in values for item in self.store.items(value) or [value]]
        return [node for node in listed if isinstance(node, NamedNode | BlankNode)]

    def _plain(self, shape: Node, term: str) -> list[str]:
        return [plain(value) for value in self.store.values(shape, SH + term)]


def _prefixes(store: Store) -> str:
    declared = store.subjects(SH + "namespace")
    pairs = [
        [plain(term) for name in ("prefix", "namespace") for term in store.values(node, SH + name)]
        for node in declared
    ]
    return "".join(f"PREFIX {prefix}: <{namespace}>\n" for prefix, namespace in pairs)


@lru_cache(maxsize=256)
def _patterns(query: str) -> tuple[Pattern, ...]:
    """Give the triple patterns of a query, wherever they stand in it."""
    head, tree = parseQuery(query)
    names = partial(translatePName, prologue=translatePrologue(head, None))
    return tuple(_below(traverse(traverse(tree, visitPost=names), visitPost=translatePath)))


def _below(tree: Any) -> Iterator[Pattern]:
    if isinstance(tree, CompValue):
        if tree.name == "TriplesBlock":
            terms = list(_flat(tree.triples))
            yield from zip(terms[::3], terms[1::3], terms[2::3], strict=True)
            return
        tree = list(tree.values())
    if isinstance(tree, Sequence) and not isinstance(tree, str):
        for part in tree:
            yield from _below(part)


def _flat(tree: Any) -> Iterator[Any]:
    for part in tree:
        if isinstance(part, Sequence) and not isinstance(part, str):
            yield from _flat(part)
        else:
            yield part


def _of_own(patterns: Sequence[Pattern]) -> Sight:
    """Give what a query sees beside what is said of `$this`."""
    own = [one for one in patterns if one[0] == _THIS and isinstance(one[1], URIRef)]
    rest = [one for one in patterns if one not in own]
    return _of_patterns(rest, {_THIS, *(value for _, _, value in own)})


def _of_patterns(patterns: Sequence[Pattern], things: Iterable[Any] = (_THIS,)) -> Sight:
    """Give what a query sees from things: each pattern is read from an end that is known."""
    known, found, left = set(things), Sight(), list(patterns)
    while left:
        pattern = min(left, key=lambda one: _distance(one, known))
        left.remove(pattern)
        subject, path, value = pattern
        onward, back = _steps(path)
        match _distance(pattern, known):
            case 0:
                found |= Sight(onward, back, fixed=_fixed(subject))
            case 1:
                found |= Sight(back, onward, fixed=_fixed(value))
            case _:
                found |= Sight(wide=onward | back)
        known |= {subject, value}
    return found


def _distance(pattern: Pattern, known: Set[Any]) -> int:
    """Tell whether a pattern's subject is known (0), its value (1), or neither (2)."""
    subject, path, value = pattern
    if subject in known or isinstance(subject, URIRef):
        return 0
    back = _ANY not in _steps(path)[0]
    return 1 if back and (value in known or isinstance(value, URIRef)) else 2


def _fixed(term: Any) -> frozenset[Node]:
    return frozenset({NamedNode(str(term))} if isinstance(term, URIRef) else ())


def _steps(path: Any) -> tuple[frozenset[str], frozenset[str]]:
    """Give the properties that a path follows onward, and back."""
    if isinstance(path, URIRef):
        return frozenset({str(path)}), frozenset()
    if isinstance(path, InvPath):
        onward, back = _steps(path.arg)
        return back, onward
    if isinstance(path, MulPath):
        return _steps(path.path)
    if isinstance(path, SequencePath | AlternativePath):
        pairs = [_steps(step) for step in path.args]
        return _joined(onward for onward, _ in pairs), _joined(back for _, back in pairs)
    return frozenset({_ANY}), frozenset()


def _joined(names: Iterable[frozenset[str]]) -> frozenset[str]:
    return reduce(or_, names, frozenset())
