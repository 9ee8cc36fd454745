"""What the shapes look at beside a thing itself: how far the rest of a graph can matter to it.

Whether a thing is admitted follows from the shapes, from its own triples, and from what paths and
queries reach from there: the class and the scheme of a value, a chain of successors. A graph that
holds all that leads to the same results (SHACL, sections 2.3 and 3.4), however much more there is.

How far queries reach from a thing: which triples of a graph can matter to what they find.

A query is read pattern by pattern, each from an end that is known: `$this` at first, then what
other patterns have led to. So it is known which properties are followed, and in which direction.

Which graphs a change touches: those with things from which the shapes look at what differs.

Everything else is admitted, or not, as it was before: nothing that is seen from it has changed.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial, reduce
from itertools import chain
from operator import or_
from typing import Any

from pyoxigraph import BlankNode, NamedNode, Quad, Triple
from rdflib import URIRef, Variable
from rdflib.paths import AlternativePath, InvPath, MulPath, SequencePath
from rdflib.plugins.sparql.algebra import translatePath, translatePName, translatePrologue, traverse
from rdflib.plugins.sparql.parser import parseQuery
from rdflib.plugins.sparql.parserutils import CompValue

from ..rdf.namespaces import RDF, RDFS, SH
from ..rdf.terms import Node, Term, as_text
from ..schema.shapes import read_paths
from ..storage.base import Store

ANY = ""
"""Stands for every property."""
_THIS = Variable("this")

Pattern = tuple[Any, Any, Any]
"""A triple pattern of SPARQL, as rdflib reads it."""


@dataclass(frozen=True)
class Scope:
    """Properties followed from a thing to its values, and back to what has it as a value.

    Of the wide ones every triple counts; what is fixed is seen from everywhere.
    """

    onward: frozenset[str] = frozenset()
    back: frozenset[str] = frozenset()
    wide: frozenset[str] = frozenset()
    fixed: frozenset[Node] = frozenset()

    def __or__(self, other: "Scope") -> "Scope":
        """Give what either sees."""
        return Scope(
            self.onward | other.onward,
            self.back | other.back,
            self.wide | other.wide,
            self.fixed | other.fixed,
        )

    def sees(self, predicate: NamedNode) -> bool:
        """Tell whether the property can matter to more than the thing that has it."""
        return self.leads_on(predicate) or self.leads_back(predicate) or self.counts(predicate)

    def counts(self, predicate: NamedNode) -> bool:
        """Tell whether the property matters to everything, wherever it stands."""
        return not {predicate.value, ANY}.isdisjoint(self.wide)

    def leads_on(self, predicate: NamedNode) -> bool:
        """Tell whether the property is followed to its values."""
        return predicate.value in self.onward or ANY in self.onward

    def leads_back(self, predicate: NamedNode) -> bool:
        """Tell whether the property is followed to what has it."""
        return predicate.value in self.back

    def beyond(self, store: Store, things: Iterable[Term]) -> Iterator[Quad]:
        """Give what is seen in a store from things and values, beside what is said of them."""
        waiting: list[Term] = list(dict.fromkeys([*things, *self.fixed]))
        seen = set(waiting)
        wide = (store.quads(None, NamedNode(name) if name else None) for name in self.wide)
        quads = chain.from_iterable(wide)
        while True:
            for quad in quads:
                yield quad
                new = [term for term in (quad.subject, quad.object) if term not in seen]
                seen.update(new)
                waiting += new
            if not waiting:
                return
            quads = chain.from_iterable(self._from(store, waiting.pop()))

    def _from(self, store: Store, term: Term) -> Iterator[Iterable[Quad]]:
        """Give what is seen in one step; a store is asked for no value that is not wanted."""
        if isinstance(term, NamedNode | BlankNode):
            for name in [ANY] if ANY in self.onward else self.onward:
                yield store.quads(term, NamedNode(name) if name else None)
        for name in self.back:
            yield store.quads(None, NamedNode(name), term)


def ends(quad: Quad | Triple) -> list[Node]:
    """Give the nodes between which a triple stands."""
    return [term for term in (quad.subject, quad.object) if isinstance(term, NamedNode | BlankNode)]


@lru_cache(maxsize=256)
def patterns(query: str) -> tuple[Pattern, ...]:
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


def of_own(patterns: Sequence[Pattern]) -> Scope:
    """Give what a query sees beside what is said of `$this`."""
    own = [one for one in patterns if one[0] == _THIS and isinstance(one[1], URIRef)]
    rest = [one for one in patterns if one not in own]
    return of_patterns(rest, {_THIS, *(value for _, _, value in own)})


def of_patterns(patterns: Sequence[Pattern], things: Iterable[Any] = (_THIS,)) -> Scope:
    """Give what a query sees from things: each pattern is read from an end that is known."""
    known, found, left = set(things), Scope(), list(patterns)
    while left:
        pattern = min(left, key=lambda one: _distance(one, known))
        left.remove(pattern)
        subject, path, value = pattern
        onward, back = _steps(path)
        match _distance(pattern, known):
            case 0:
                found |= Scope(onward, back, fixed=_fixed(subject))
            case 1:
                found |= Scope(back, onward, fixed=_fixed(value))
            case _:
                found |= Scope(wide=onward | back)
        known |= {subject, value}
    return found


def _distance(pattern: Pattern, known: Set[Any]) -> int:
    """Tell whether a pattern's subject is known (0), its value (1), or neither (2)."""
    subject, path, value = pattern
    if subject in known or isinstance(subject, URIRef):
        return 0
    back = ANY not in _steps(path)[0]
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
    return frozenset({ANY}), frozenset()


def _joined(names: Iterable[frozenset[str]]) -> frozenset[str]:
    return reduce(or_, names, frozenset())


_INNER = ("node", "property", "not", "qualifiedValueShape", "and", "or", "xone")
_COMPARED = ("equals", "disjoint", "lessThan", "lessThanOrEquals")
_ABOVE = Scope(frozenset({RDFS + "subClassOf"}))
_TARGETS = (NamedNode(SH + "targetClass"), NamedNode(SH + "targetSubjectsOf"))
_MARKED, _AIM = NamedNode(SH + "targetObjectsOf"), NamedNode("urn:mark:")


@dataclass(frozen=True)
class ValidationScopes:
    """What is seen from things of a class or with a property, and from those chosen otherwise."""

    store: Store
    targets: Mapping[str, Scope]
    others: Scope

    def of(self, names: Iterable[str]) -> Scope:
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


def read(store: Store, followed: Iterable[str] = ()) -> ValidationScopes:
    """Read what the shapes in a store look at; some properties are followed in any case."""
    reader = _Reader(store, read_paths(store), _prefixes(store))
    found: dict[str, Scope] = {}
    others = Scope(frozenset({RDF + "type", RDFS + "subClassOf", *followed}))
    for shape in reader.targeted():
        sight = reader.of_target(shape)
        chosen = reader.chosen(shape)
        for name in chosen:
            found[name] = found.get(name, Scope()) | sight
        if not chosen or reader.chosen_otherwise(shape):
            others |= sight
    return ValidationScopes(store, found, others)


def aimed(triples: Iterable[Triple]) -> Iterator[Triple]:
    """Give shapes that hold for what has a mark alone, instead of for classes and properties.

    What an engine is given of other things is in part only, and would be found wrong in vain.
    """
    for triple in triples:
        if triple.predicate in _TARGETS and isinstance(triple.object, NamedNode):
            yield Triple(triple.subject, _MARKED, _mark(triple.object))
        else:
            yield triple


def marks(quads: Iterable[Quad], sights: ValidationScopes) -> Iterator[Triple]:
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

    def of_target(self, shape: Node) -> Scope:
        """Give what a shape with a target sees: plain paths lead to values, not beyond."""
        found = self._own_queries(shape)
        found |= Scope(back=frozenset(self._plain(shape, "targetObjectsOf")))
        for term in _INNER:
            for inner in self._shapes(shape, term):
                found |= self._of_property(inner) if term == "property" else self._deep(inner, {})
        return found

    def _of_property(self, shape: Node) -> Scope:
        path = self.store.value(shape, SH + "path")
        found = Scope() if isinstance(path, NamedNode) else self._path(shape)
        inner = (node for term in _INNER for node in self._shapes(shape, term))
        found |= self._own_queries(shape)
        return reduce(or_, (self._deep(node, {}) for node in inner), found)

    def _deep(self, shape: Node, seen: dict[Node, None]) -> Scope:
        """Give what a shape sees that holds for values."""
        if shape in seen:
            return Scope()
        seen[shape] = None
        compared = (name for term in _COMPARED for name in self._plain(shape, term))
        closed = [ANY] if self.store.value(shape, SH + "closed") else []
        found = self._path(shape) | self._queries(shape) | Scope(frozenset([*compared, *closed]))
        inner = (node for term in _INNER for node in self._shapes(shape, term))
        return reduce(or_, (self._deep(node, seen) for node in inner), found)

    def _path(self, shape: Node) -> Scope:
        if shape not in self.paths:
            return Scope()
        return of_patterns(patterns(f"SELECT * {{ $this {self.paths[shape]} ?value }}"))

    def _own_queries(self, shape: Node) -> Scope:
        """Give what queries see that start from the thing itself, of which all is known."""
        return reduce(or_, map(of_own, self._patterns(shape)), Scope())

    def _queries(self, shape: Node) -> Scope:
        return reduce(or_, map(of_patterns, self._patterns(shape)), Scope())

    def _patterns(self, shape: Node) -> Iterator[tuple[Pattern, ...]]:
        path = self.paths.get(shape, "")
        for node in self._shapes(shape, "sparql"):
            for text in self._plain(node, "select"):
                yield patterns(self.prefixes + text.replace("$PATH", path))

    def _shapes(self, shape: Node, term: str) -> list[Node]:
        values = self.store.values(shape, SH + term)
        listed = [item for value in values for item in self.store.list_members(value) or [value]]
        return [node for node in listed if isinstance(node, NamedNode | BlankNode)]

    def _plain(self, shape: Node, term: str) -> list[str]:
        return [as_text(value) for value in self.store.values(shape, SH + term)]


def _prefixes(store: Store) -> str:
    declared = store.subjects(SH + "namespace")
    pairs = [
        [
            as_text(term)
            for name in ("prefix", "namespace")
            for term in store.values(node, SH + name)
        ]
        for node in declared
    ]
    return "".join(f"PREFIX {prefix}: <{namespace}>\n" for prefix, namespace in pairs)


_TYPE = NamedNode(RDF + "type")


@dataclass(frozen=True)
class AffectedGraphs:
    """Follows back in a store, as it was before a change, what the shapes follow onward."""

    store: Store
    sights: ValidationScopes

    def of(self, before: Set[Quad], after: Set[Quad]) -> set[str]:
        """Give the names of the graphs that are touched where quads take the place of others."""
        changed = set(self._changed(before, after))
        described = {ends(quad)[0] for quad in after}
        found = {graph for node in described for graph in self._graphs(node)}
        sights = {"": self.sights.others, **self.sights.targets}
        for name, sight in sights.items():
            if any(sight.counts(quad.predicate) for quad in before ^ after):
                return self.store.graph_names()
            found |= self._seeing(changed, sight | self.sights.others, name)
        return found

    def _changed(self, before: Set[Quad], after: Set[Quad]) -> Iterator[Term]:
        """Give the things of which something else can be seen, or that are described anew."""
        for quad in before ^ after:
            if self._all.sees(quad.predicate):
                yield quad.subject
            if self._all.leads_back(quad.predicate):
                yield quad.object
        yield from {quad.subject for quad in before} ^ {quad.subject for quad in after}

    def _seeing(self, changed: Set[Term], sight: Scope, name: str) -> set[str]:
        """Give the graphs of things with a trait, or of all, that see what has changed."""
        found: set[str] = set()
        waiting, seen = list(changed), set(changed)
        while waiting:
            term = waiting.pop()
            if term in sight.fixed:
                return self.store.graph_names()
            new = set(self._back_from(term, sight)) - seen
            seen |= new
            waiting += new
            for quad in (*self._said(term), *self.store.quads(None, None, term)):
                if not name or self._is(quad.subject, name):
                    found.add(_graph(quad))
        return found

    def _back_from(self, term: Term, sight: Scope) -> Iterator[Term]:
        """Give what sees a thing or a value in one step."""
        for quad in self.store.quads(None, None, term):
            if sight.leads_on(quad.predicate):
                yield quad.subject
        for quad in self._said(term) if sight.back else ():
            if sight.leads_back(quad.predicate):
                yield quad.object

    def _said(self, term: Term) -> Iterable[Quad]:
        return self.store.quads(term) if isinstance(term, NamedNode | BlankNode) else ()

    def _graphs(self, node: Node) -> set[str]:
        return {_graph(quad) for quad in self.store.quads(node)}

    def _is(self, node: Term, name: str) -> bool:
        assert isinstance(node, NamedNode | BlankNode), node
        if name in self.sights.above(classes(self.store.quads(node, _TYPE))):
            return True
        return any(True for _ in self.store.quads(node, NamedNode(name)))

    @cached_property
    def _all(self) -> Scope:
        return reduce(or_, self.sights.targets.values(), self.sights.others)


def _graph(quad: Quad) -> str:
    assert isinstance(quad.graph_name, NamedNode), quad
    return quad.graph_name.value
