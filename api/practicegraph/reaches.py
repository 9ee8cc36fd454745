"""How far queries reach from a thing: which triples of a graph can matter to what they find.

A query is read pattern by pattern, each from an end that is known: `$this` at first, then what
other patterns have led to. So it is known which properties are followed, and in which direction.
"""

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache, partial, reduce
from itertools import chain
from operator import or_
from typing import Any

from pyoxigraph import BlankNode, NamedNode, Quad, Triple
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

from .store import Node, Store, Term

ANY = ""
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


def of_own(patterns: Sequence[Pattern]) -> Sight:
    """Give what a query sees beside what is said of `$this`."""
    own = [one for one in patterns if one[0] == _THIS and isinstance(one[1], URIRef)]
    rest = [one for one in patterns if one not in own]
    return of_patterns(rest, {_THIS, *(value for _, _, value in own)})


def of_patterns(patterns: Sequence[Pattern], things: Iterable[Any] = (_THIS,)) -> Sight:
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
