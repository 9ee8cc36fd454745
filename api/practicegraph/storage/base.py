"""The interface of a triple store, and a cache of what is computed from a release.

Queries see the union of all named graphs as their default graph (SPARQL 1.1, section 13).
"""

import re
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from threading import Lock
from typing import Any, Generic, TypeVar

from pyoxigraph import BlankNode, Literal, NamedNode, Quad, RdfFormat, Triple, parse

from ..errors import CatalogueError
from ..rdf import untrusted
from ..rdf.terms import DCAT, FIRST, NIL, REST, Node, Term, as_text
from ..rdf.untrusted import MAX_DEPTH, TooDeepError

Solution = Mapping[str, Term]

_SIZES = """
SELECT ?graph (COUNT(*) AS ?count)
WHERE {
    GRAPH ?graph { ?subject ?predicate ?value }
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
_CATALOGUE = NamedNode(f"{DCAT}Catalog")
Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")
_POSITION = re.compile(r"\b(\d+):(\d+)\b")


class QueryRefusedError(CatalogueError):
    """A query that is not run: it is malformed, or not allowed.

    The hint is the phrase that says why. Without one, the text says it, such as that of a remote
    store, with the position as `LINE:COLUMN`.
    """

    kind = "malformedQuery"

    def __init__(self, reason: str = "", /, **arguments: Any) -> None:
        match = None if arguments.get("hint") else _POSITION.search(reason)
        line, column = map(int, match.groups()) if match else (0, 0)
        super().__init__(reason, **({"line": line, "column": column} | arguments))


class NodeReader(ABC):
    """Reads the properties of nodes."""

    @abstractmethod
    def subjects(self, predicate: str, value: Term | None = None) -> list[Node]:
        """Return the subjects of a property, or of a property and a value."""

    @abstractmethod
    def values(self, subject: Node, predicate: str) -> list[Term]:
        """Return the values of a property, each once."""

    def value(self, subject: Node, predicate: str) -> Term | None:
        """Return a value of a property, or None where it has none."""
        return next(iter(self.values(subject, predicate)), None)

    def list_members(self, head: Term | None) -> list[Term]:
        """Return the members of an RDF list."""
        members: list[Term] = []
        seen: set[Term] = set()
        while isinstance(head, NamedNode | BlankNode) and head != NIL and head not in seen:
            seen.add(head)
            members += self.values(head, FIRST.value)
            head = self.value(head, REST.value)
        return members

    def labels(self, subject: Node, predicate: str) -> dict[str, str]:
        """Return the texts of a property by language, the first one of each."""
        texts: dict[str, str] = {}
        for term in sorted(self.values(subject, predicate), key=str):
            if isinstance(term, Literal) and term.language:
                texts.setdefault(term.language, term.value)
        return texts


class Store(NodeReader):
    """Named graphs that are queried and updated."""

    is_derived: bool
    """Whether the folder of the catalogue is the source of all triples."""
    batch_size: int
    """The number of quads that are added at once."""

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of triples of all graphs."""

    @abstractmethod
    def select(self, query: str) -> Iterator[Solution]:
        """Return the solutions of a SELECT query of our own."""

    @abstractmethod
    def quads(
        self,
        subject: Node | None = None,
        predicate: NamedNode | None = None,
        value: Term | None = None,
        graph: NamedNode | None = None,
    ) -> Iterator[Quad]:
        """Return the quads of named graphs that match a pattern."""

    def union(
        self,
        subject: Node | None = None,
        predicate: NamedNode | None = None,
        value: Term | None = None,
    ) -> Iterator[Quad]:
        """Return the quads of the union of named graphs that match a pattern."""
        return self.quads(subject, predicate, value)

    def subjects(self, predicate: str, value: Term | None = None) -> list[Node]:
        """Return the subjects of a property, or of a property and a value."""
        quads = self.union(None, NamedNode(predicate), value)
        nodes = (quad.subject for quad in quads)
        return list(dict.fromkeys(node for node in nodes if not isinstance(node, Triple)))

    def values(self, subject: Node, predicate: str) -> list[Term]:
        """Return the values of a property, each once."""
        quads = self.union(subject, NamedNode(predicate))
        return list(dict.fromkeys(quad.object for quad in quads))

    @abstractmethod
    def remove_graphs(self, graphs: Iterable[str]) -> None:
        """Remove named graphs."""

    @abstractmethod
    def add(self, quads: Iterable[Quad]) -> None:
        """Add quads; a store has each once."""

    @abstractmethod
    def repair(self) -> None:
        """Remove what an interrupted load left beside the named graphs."""

    @abstractmethod
    def clear(self) -> None:
        """Remove all graphs."""

    @abstractmethod
    def flush(self) -> None:
        """Write all changes to disk."""

    @abstractmethod
    def update(self, text: str) -> None:
        """Run an update of our own."""

    @abstractmethod
    def graph_names(self) -> set[str]:
        """Return the names of all graphs."""

    def release(self) -> str:
        """Return the release that the catalogue's graph states, or "" while none is complete."""
        return next((as_text(r["version"]) for r in self.select(_VERSION) if "version" in r), "")

    def set_release(self, release: str) -> None:
        """State the release in the catalogue's graph; "" removes the statement."""
        for statement in self._release_updates(release):
            self.update(statement)

    def replace_graphs(self, graphs: Mapping[str, Iterable[Triple]], release: str) -> None:
        """Replace the triples of graphs and state the release, in one transaction."""
        updates: list[str] = []
        for graph, triples in graphs.items():
            content, name = " .\n".join(map(str, triples)), NamedNode(graph)
            updates += [*self._removal(name), self._insertion(name, content)]
        self.update(" ;\n".join([*updates, *self._release_updates(release)]))

    def _release_updates(self, release: str) -> Iterator[str]:
        """Yield the updates that state a release, or remove it."""
        for row in list(self.select(_VERSION)):
            graph, statement = row["graph"], f"{row['catalogue']} {_DCAT_VERSION}"
            assert isinstance(graph, NamedNode)
            yield from self._deletion(graph, f"{statement} ?version")
            if release:
                yield self._insertion(graph, f"{statement} {Literal(release)}")

    def _removal(self, graph: NamedNode) -> Iterator[str]:
        """Yield the updates that remove a graph."""
        yield f"DROP SILENT GRAPH {graph}"

    def _insertion(self, graph: NamedNode, triples: str) -> str:
        """Return the update that adds triples to a graph."""
        return f"INSERT DATA {{ GRAPH {graph} {{ {triples} }} }}"

    def _deletion(self, graph: NamedNode, pattern: str) -> Iterator[str]:
        """Yield the updates that delete the triples of a pattern from a graph."""
        yield f"DELETE WHERE {{ GRAPH {graph} {{ {pattern} }} }}"

    def graph_sizes(self) -> dict[str, int]:
        """Return the number of triples of each named graph."""
        rows = self.select(_SIZES)
        return {as_text(row["graph"]): int(as_text(row["count"])) for row in rows}

    def is_subject(self, node: str) -> bool:
        """Return whether the IRI is the subject of a triple."""
        return any(True for _ in self.union(NamedNode(node)))

    def quads_of_subjects(self, subjects: Sequence[str]) -> Iterator[Quad]:
        """Return the quads of several subjects in the union of named graphs."""
        return (quad for subject in subjects for quad in self.union(NamedNode(subject)))

    def quads_of_objects(self, predicate: str, objects: Sequence[str]) -> Iterator[Quad]:
        """Return the quads of a property with several objects in that union."""
        name = NamedNode(predicate)
        return (quad for each in objects for quad in self.union(None, name, NamedNode(each)))

    def graph_quads(self, name: str) -> list[Quad]:
        """Return the quads of a named graph."""
        return list(self.quads(graph=NamedNode(name)))

    def stated_quads(self, name: str) -> list[Quad]:
        """Return the quads of a named graph but the release that `set_release` states."""
        quads = self.graph_quads(name)
        catalogues = {quad.subject for quad in quads if quad.object == _CATALOGUE}
        version = NamedNode(f"{DCAT}version")
        return [q for q in quads if q.predicate != version or q.subject not in catalogues]

    def description(self, subject: str) -> list[Quad]:
        """Return the quads of a subject and of the blank nodes that it leads to.

        This is its Concise Bounded Description (https://www.w3.org/submissions/CBD/).
        """
        quads: list[Quad] = []
        open_nodes: list[Node] = [NamedNode(subject)]
        seen: set[Node] = set()
        while open_nodes:
            node = open_nodes.pop()
            seen.add(node)
            for quad in self.quads(node):
                quads.append(quad)
                if isinstance(quad.object, BlankNode) and quad.object not in seen:
                    open_nodes.append(quad.object)
        return quads


class NodeCache(NodeReader):
    """Reads each node of a store once, with all of its properties: shapes have many."""

    def __init__(self, store: "Store") -> None:
        self._store = store
        self._properties: dict[Node, dict[str, dict[Term, None]]] = {}

    def subjects(self, predicate: str, value: Term | None = None) -> list[Node]:
        """Return the subjects of a property, or of a property and a value, which are not cached."""
        return self._store.subjects(predicate, value)

    def values(self, subject: Node, predicate: str) -> list[Term]:
        """Return the values of a property, each once."""
        if subject not in self._properties:
            properties = self._properties[subject] = {}
            for quad in self._store.union(subject):
                properties.setdefault(quad.predicate.value, {})[quad.object] = None
        return list(self._properties[subject].get(predicate, ()))


def check_result_depth(text: str) -> None:
    """Raise QueryRefusedError if triple terms of a result are nested too deep for its parser."""
    if text.count("<<(") > MAX_DEPTH:
        try:
            untrusted.check_depth(text)
        except TooDeepError as error:
            raise QueryRefusedError(error.msg, hint="resultTooDeep", limit=MAX_DEPTH) from error


def parse_term(text: str) -> Term:
    """Parse a term of N-Triples; raise QueryRefusedError for one that is nested too deep."""
    check_result_depth(text)
    triple: Triple = next(iter(parse(f"<x:s> <x:p> {text} .", RdfFormat.N_TRIPLES))).triple
    return triple.object


def cache_by_release(
    store: Store, read: Callable[[str], Value], maximum: int
) -> Callable[[str], Value]:
    """Return a function of an IRI whose values are cached at a release, if the store has one."""
    cached = lru_cache(maximum)(lambda _release, iri: read(iri))

    def value(iri: str) -> Value:
        release = store.release()
        return cached(release, iri) if release else read(iri)

    return value


class ReleaseCache(Generic[Key, Value]):
    """A cache of values of one release, at most so many; the least recently used go first."""

    def __init__(self, maximum: int) -> None:
        self._maximum = maximum
        self._release = ""
        self._values: OrderedDict[Key, Value] = OrderedDict()
        self._lock = Lock()

    def get_many(
        self, release: str, keys: Sequence[Key], compute: Callable[[list[Key]], Sequence[Value]]
    ) -> list[Value]:
        """Return the values of keys at a release in order; missing ones are made together.

        Without a release nothing is cached, since nothing would tell when it is out of date.
        """
        if not release:
            return list(compute(list(keys)))
        with self._lock:
            if release != self._release:
                self._values.clear()
                self._release = release
            values = {key: self._values[key] for key in keys if key in self._values}
            for key in values:
                self._values.move_to_end(key)
        if missing := [key for key in keys if key not in values]:
            computed = dict(zip(missing, compute(missing), strict=True))
            values |= computed
            self._add(release, computed)
        return [values[key] for key in keys]

    def _add(self, release: str, computed: dict[Key, Value]) -> None:
        with self._lock:
            if release == self._release:
                self._values |= computed
                while len(self._values) > self._maximum:
                    self._values.popitem(last=False)
