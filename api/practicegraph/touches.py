"""Which graphs a change touches: those with things from which the shapes look at what differs.

Everything else is admitted, or not, as it was before: nothing that is seen from it has changed.
"""

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import or_

from pyoxigraph import BlankNode, NamedNode, Quad

from .reaches import Sight, ends
from .sights import Sights, classes
from .store import RDF, Node, Store, Term

_TYPE = NamedNode(RDF + "type")


@dataclass(frozen=True)
class Touches:
    """Follows back in a store, as it was before a change, what the shapes follow onward."""

    store: Store
    sights: Sights

    def of(self, before: Set[Quad], after: Set[Quad]) -> set[str]:
        """Give the names of the graphs that are touched where quads take the place of others."""
        changed = set(self._changed(before, after))
        described = {ends(quad)[0] for quad in after}
        found = {graph for node in described for graph in self._graphs(node)}
        sights = {"": self.sights.others, **self.sights.targets}
        for name, sight in sights.items():
            if any(sight.counts(quad.predicate) for quad in before ^ after):
                return self.store.graphs()
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

    def _seeing(self, changed: Set[Term], sight: Sight, name: str) -> set[str]:
        """Give the graphs of things with a trait, or of all, that see what has changed."""
        found: set[str] = set()
        waiting, seen = list(changed), set(changed)
        while waiting:
            term = waiting.pop()
            if term in sight.fixed:
                return self.store.graphs()
            new = set(self._back_from(term, sight)) - seen
            seen |= new
            waiting += new
            for quad in (*self._said(term), *self.store.quads(None, None, term)):
                if not name or self._is(quad.subject, name):
                    found.add(_graph(quad))
        return found

    def _back_from(self, term: Term, sight: Sight) -> Iterator[Term]:
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
    def _all(self) -> Sight:
        return reduce(or_, self.sights.targets.values(), self.sights.others)


def _graph(quad: Quad) -> str:
    assert isinstance(quad.graph_name, NamedNode), quad
    return quad.graph_name.value
