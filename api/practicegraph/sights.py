"""What the shapes look at beside a thing itself: how far the rest of a graph can matter to it.

Whether a thing is admitted follows from the shapes, from its own triples, and from what paths and
queries reach from there: the class and the scheme of a value, a chain of successors. A graph that
holds all that leads to the same results (SHACL, sections 2.3 and 3.4), however much more there is.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_

from pyoxigraph import BlankNode, NamedNode, Quad, Triple

from . import reaches
from .reaches import ANY, Pattern, Sight
from .shapes import RDFS, SH, paths
from .store import RDF, Node, Store, plain

_INNER = ("node", "property", "not", "qualifiedValueShape", "and", "or", "xone")
_COMPARED = ("equals", "disjoint", "lessThan", "lessThanOrEquals")
_ABOVE = Sight(frozenset({RDFS + "subClassOf"}))
_TARGETS = (NamedNode(SH + "targetClass"), NamedNode(SH + "targetSubjectsOf"))
_MARKED, _AIM = NamedNode(SH + "targetObjectsOf"), NamedNode("urn:mark:")


@dataclass(frozen=True)
class Sights:
    """What is seen from things of a class or with a property, and from those chosen otherwise."""

    store: Store
    targets: Mapping[str, Sight]
    others: Sight

    def of(self, names: Iterable[str]) -> Sight:
        """Give what is seen from things with traits: classes, with those above them, properties."""
        reached = self.above(names)
        return reduce(or_, (self.targets[n] for n in reached if n in self.targets), self.others)

    def above(self, names: Iterable[str]) -> set[str]:
        """Give classes with those above them (SHACL, section 1.1: SHACL instances)."""
        nodes = [NamedNode(name) for name in names]
        quads = _ABOVE.beyond(self.store, nodes)
        return {node.value for node in nodes} | {
            quad.object.value for quad in quads if isinstance(quad.object, NamedNode)
        }


def read(store: Store, followed: Iterable[str] = ()) -> Sights:
    """Read what the shapes in a store look at; some properties are followed in any case."""
    reader = _Reader(store, paths(store), _prefixes(store))
    found: dict[str, Sight] = {}
    others = Sight(frozenset({RDF + "type", RDFS + "subClassOf", *followed}))
    for shape in reader.targeted():
        sight = reader.of_target(shape)
        chosen = reader.chosen(shape)
        for name in chosen:
            found[name] = found.get(name, Sight()) | sight
        if not chosen or reader.chosen_otherwise(shape):
            others |= sight
    return Sights(store, found, others)


def aimed(triples: Iterable[Triple]) -> Iterator[Triple]:
    """Give shapes that hold for what has a mark alone, instead of for classes and properties.

    What an engine is given of other things is in part only, and would be found wrong in vain.
    """
    for triple in triples:
        if triple.predicate in _TARGETS and isinstance(triple.object, NamedNode):
            yield Triple(triple.subject, _MARKED, _mark(triple.object))
        else:
            yield triple


def marks(quads: Iterable[Quad], sights: Sights) -> Iterator[Triple]:
    """Give the marks of the things that quads are about: their classes, and their properties."""
    for quad in quads:
        yield Triple(_AIM, _mark(quad.predicate), quad.subject)
        for name in sights.above(classes([quad])):
            yield Triple(_AIM, _mark(NamedNode(name)), quad.subject)


def _mark(term: NamedNode) -> NamedNode:
    return NamedNode(f"urn:mark:{term.value}")


def traits(quads: Iterable[Quad]) -> set[str]:
    """Give the classes and the properties of what quads are about."""
    listed = list(quads)
    return classes(listed) | {quad.predicate.value for quad in listed}


def classes(quads: Iterable[Quad]) -> set[str]:
    """Give the classes that quads say anything is of."""
    typed = (quad.object for quad in quads if quad.predicate.value == RDF + "type")
    return {term.value for term in typed if isinstance(term, NamedNode)}


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

    def chosen(self, shape: Node) -> list[str]:
        """Give the classes and properties of the things for which a shape holds."""
        return [*self._plain(shape, "targetClass"), *self._plain(shape, "targetSubjectsOf")]

    def chosen_otherwise(self, shape: Node) -> bool:
        terms = ("Node", "ObjectsOf")
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
        closed = [ANY] if self.store.value(shape, SH + "closed") else []
        found = self._path(shape) | self._queries(shape) | Sight(frozenset([*compared, *closed]))
        inner = (node for term in _INNER for node in self._shapes(shape, term))
        return reduce(or_, (self._deep(node, seen) for node in inner), found)

    def _path(self, shape: Node) -> Sight:
        if shape not in self.paths:
            return Sight()
        return reaches.of_patterns(
            reaches.patterns(f"SELECT * {{ $this {self.paths[shape]} ?value }}")
        )

    def _own_queries(self, shape: Node) -> Sight:
        """Give what queries see that start from the thing itself, of which all is known."""
        return reduce(or_, map(reaches.of_own, self._patterns(shape)), Sight())

    def _queries(self, shape: Node) -> Sight:
        return reduce(or_, map(reaches.of_patterns, self._patterns(shape)), Sight())

    def _patterns(self, shape: Node) -> Iterator[tuple[Pattern, ...]]:
        path = self.paths.get(shape, "")
        for node in self._shapes(shape, "sparql"):
            for text in self._plain(node, "select"):
                yield reaches.patterns(self.prefixes + text.replace("$PATH", path))

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
