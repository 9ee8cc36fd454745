"""The triples: one named graph a topic.

Queries see the union of all named graphs as their default graph. What every store can do is built
here on the few things that each one does in its own way.

What was last made of a release, kept as long as it is often asked for.
"""

from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from threading import Lock
from typing import Generic, TypeVar

from pyoxigraph import BlankNode, Literal, NamedNode, Quad, RdfFormat, Triple, parse

from ..rdf import nesting
from ..rdf.namespaces import DCAT, RDF
from ..rdf.nesting import MAX_DEPTH, TooDeepError
from ..rdf.terms import Node, Term, as_text

Solution = Mapping[str, Term]


_FIRST, _REST, _NIL = (NamedNode(RDF + name) for name in ("first", "rest", "nil"))
_ALL = """
SELECT (COUNT(*) AS ?count)
WHERE {
    SELECT DISTINCT ?thing ?property ?value
    WHERE { ?thing ?property ?value }
}
"""
_SIZES = """
SELECT ?graph (COUNT(*) AS ?count)
WHERE {
    GRAPH ?graph { ?thing ?property ?value }
}
GROUP BY ?graph
ORDER BY ?graph
"""
_VERSION = """
PREFIX dcat: <http://www.w3.org/ns/dcat#>
SELECT ?graph ?catalogue ?version
WHERE {
    GRAPH ?graph {
        ?catalogue a dcat:Catalog .
        FILTER (isIRI(?catalogue))
        OPTIONAL { ?catalogue dcat:version ?version }
    }
}
"""
_DCAT_VERSION = f"<{DCAT}version>"


class QueryRefusedError(ValueError):
    """A query that is not run: it is malformed, or asks for what is not allowed."""


class Store(ABC):
    """Named graphs, read and changed."""

    is_derived: bool
    """Whether all that the store holds is made of the catalogue's folder."""
    batch_size: int
    """How many quads are best put in at once."""

    @abstractmethod
    def __len__(self) -> int:
        """Count the triples of all graphs."""

    @abstractmethod
    def select(self, query: str) -> Iterator[Solution]:
        """Return the solutions of one of our own SELECT queries."""

    @abstractmethod
    def quads(
        self,
        subject: Node | None = None,
        predicate: NamedNode | None = None,
        value: Term | None = None,
        graph: NamedNode | None = None,
    ) -> Iterator[Quad]:
        """Return the quads that have what is given."""

    @abstractmethod
    def remove_graphs(self, graphs: Iterable[str]) -> None:
        """Take the named graphs out."""

    @abstractmethod
    def add(self, quads: Iterable[Quad]) -> None:
        """Put quads in; ones that are there already stay as they are."""

    @abstractmethod
    def clear(self) -> None:
        """Take everything out."""

    @abstractmethod
    def flush(self) -> None:
        """Write everything on disk."""

    @abstractmethod
    def update(self, text: str) -> None:
        """Carry out one of our own updates."""

    @abstractmethod
    def graph_names(self) -> set[str]:
        """Return the names of all graphs."""

    def release(self) -> str:
        """Return the release that the store says it holds, or "" while it holds no whole one."""
        return next((as_text(r["version"]) for r in self.select(_VERSION) if "version" in r), "")

    def set_release(self, version: str) -> None:
        """Have the graph of the catalogue say which release the store holds; "" takes it back."""
        for statement in self._saying(version):
            self.update(statement)

    def replace_graph(self, graph: str, triples: Iterable[Triple], version: str) -> None:
        """Put triples in the place of a graph's and say the release of it all, both or neither."""
        said = " .\n".join(map(str, triples))
        name = NamedNode(graph)
        inserted = f"INSERT DATA {{ GRAPH {name} {{ {said} }} }}"
        self.update(" ;\n".join([f"DROP SILENT GRAPH {name}", inserted, *self._saying(version)]))

    def _saying(self, version: str) -> Iterator[str]:
        """Return the updates that have the store say a release, or none."""
        for row in list(self.select(_VERSION)):
            graph, statement = row["graph"], f"{row['catalogue']} {_DCAT_VERSION}"
            yield f"DELETE WHERE {{ GRAPH {graph} {{ {statement} ?version }} }}"
            if version:
                said = f"{statement} {Literal(version)}"
                yield f"INSERT DATA {{ GRAPH {graph} {{ {said} }} }}"

    def count_triples(self) -> int:
        """Count the triples of the union of all graphs: one in several graphs counts once."""
        return next(int(as_text(row["count"])) for row in self.select(_ALL))

    def graph_sizes(self) -> dict[str, int]:
        """Return the number of triples of each named graph."""
        rows = self.select(_SIZES)
        return {as_text(row["graph"]): int(as_text(row["count"])) for row in rows}

    def is_subject(self, node: str) -> bool:
        """Return whether any triple is about the IRI."""
        return any(True for _ in self.quads(NamedNode(node)))

    def quads_of_subjects(self, subjects: Sequence[str]) -> Iterator[Quad]:
        """Return the quads about several things."""
        return (quad for subject in subjects for quad in self.quads(NamedNode(subject)))

    def graph_quads(self, name: str) -> list[Quad]:
        """Return the quads of a named graph."""
        return list(self.quads(graph=NamedNode(name)))

    def description(self, subject: str) -> list[Quad]:
        """Return what is said of a thing, with the blank nodes that this leads to."""
        found: list[Quad] = []
        open_nodes: list[Node] = [NamedNode(subject)]
        seen: set[Node] = set()
        while open_nodes:
            node = open_nodes.pop()
            seen.add(node)
            for quad in self.quads(node):
                found.append(quad)
                if isinstance(quad.object, BlankNode) and quad.object not in seen:
                    open_nodes.append(quad.object)
        return found

    def subjects(self, predicate: str, value: Term | None = None) -> list[Node]:
        """Return the things that have the property, with the value if one is given."""
        quads = self.quads(None, NamedNode(predicate), value)
        nodes = (quad.subject for quad in quads)
        return list(dict.fromkeys(node for node in nodes if not isinstance(node, Triple)))

    def values(self, subject: Node, predicate: str) -> list[Term]:
        """Return the values of a property, each once."""
        quads = self.quads(subject, NamedNode(predicate))
        return list(dict.fromkeys(quad.object for quad in quads))

    def value(self, subject: Node, predicate: str) -> Term | None:
        """Return a value of a property, or None where it has none."""
        return next(iter(self.values(subject, predicate)), None)

    def list_members(self, head: Term | None) -> list[Term]:
        """Return the members of an RDF list."""
        members: list[Term] = []
        passed: set[Term] = set()
        while isinstance(head, NamedNode | BlankNode) and head != _NIL and head not in passed:
            passed.add(head)
            members += self.values(head, _FIRST.value)
            head = self.value(head, _REST.value)
        return members

    def labels(self, subject: Node, predicate: str) -> dict[str, str]:
        """Return the wordings of a property by language, the first one of each."""
        wordings: dict[str, str] = {}
        for term in sorted(self.values(subject, predicate), key=str):
            if isinstance(term, Literal) and term.language:
                wordings.setdefault(term.language, term.value)
        return wordings


def check_result_depth(text: str) -> None:
    """Raise QueryRefusedError where triple terms of a result are too deep for their parser."""
    if text.count("<<(") > MAX_DEPTH:
        try:
            nesting.refuse_depth(text)
        except TooDeepError as error:
            raise QueryRefusedError(f"In this form, no result is {error}.") from error


def parse_term(text: str) -> Term:
    """Read a term as it is written in N-Triples; raises QueryRefusedError for one too deep."""
    check_result_depth(text)
    triple: Triple = next(iter(parse(f"<x:s> <x:p> {text} .", RdfFormat.N_TRIPLES))).triple
    return triple.object


Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class ReleaseCache(Generic[Key, Value]):
    """Values by key, so many at the most, of one release; those least asked for go first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._release = ""
        self._kept: OrderedDict[Key, Value] = OrderedDict()
        self._lock = Lock()

    def get_many(
        self, release: str, keys: Sequence[Key], make: Callable[[list[Key]], Sequence[Value]]
    ) -> list[Value]:
        """Return the values of keys at a release in order; missing ones are made together.

        Without a release nothing is kept, since nothing tells when it is no longer true.
        """
        if not release:
            return list(make(list(keys)))
        found = self._known(release, keys)
        if missing := [key for key in keys if key not in found]:
            made = dict(zip(missing, make(missing), strict=True))
            found |= made
            self._keep(release, made)
        return [found[key] for key in keys]

    def _known(self, release: str, keys: Sequence[Key]) -> dict[Key, Value]:
        with self._lock:
            if release != self._release:
                self._kept.clear()
                self._release = release
            found = {key: self._kept[key] for key in keys if key in self._kept}
            for key in found:
                self._kept.move_to_end(key)
            return found

    def _keep(self, release: str, made: dict[Key, Value]) -> None:
        with self._lock:
            if release == self._release:
                self._kept |= made
                while len(self._kept) > self._most:
                    self._kept.popitem(last=False)
