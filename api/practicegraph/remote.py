"""The entries in a SPARQL 1.1 store elsewhere; what the folder is the truth of stays at hand.

The store holds everything, since queries join entries with the vocabularies. What is asked of a
single thing that the folder describes is answered from memory.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pyoxigraph import (
    BlankNode,
    NamedNode,
    Quad,
    QueryResultsFormat,
    QuerySolutions,
    parse_query_results,
)

from .embedded import Embedded, rows
from .endpoint import SOLUTIONS, Endpoint, StoreError
from .store import Node, Row, Store, Term

_NAMES = ("subject", "predicate", "value", "graph")
_MOST, _MOST_BLANK = 5000, 1000  # triples in one request, without and with blank nodes
_FRESH = 1.0  # seconds for which the release is taken to be the one that was read


@dataclass
class Remote(Store):
    """A store behind an endpoint, and the ontology, shapes and questions of the folder."""

    endpoint: Endpoint
    own: Embedded
    derived = False
    portion = 50_000
    _read: tuple[float, str] = field(default=(-_FRESH, ""), init=False)
    _size: tuple[str, int] = field(default=("", 0), init=False)

    def __len__(self) -> int:
        """Count the triples of all graphs, once a release."""
        version = self.version()
        if not version or self._size[0] != version:
            self._size = (version, sum(self.sizes().values()))
        return self._size[1]

    def select(self, query: str) -> Iterator[Row]:
        """Give the solutions of one of our own SELECT queries; raises StoreError."""
        with self.endpoint.query(query, SOLUTIONS) as answer:
            solutions = parse_query_results(answer, QueryResultsFormat.JSON)
            assert isinstance(solutions, QuerySolutions), query
            try:
                found = list(rows(solutions))
            except (SyntaxError, OSError) as error:
                raise StoreError(f"{self.endpoint.address}: a result broke off: {error}") from error
        return iter(found)

    def quads(
        self,
        subject: Node | None = None,
        predicate: NamedNode | None = None,
        value: Term | None = None,
        graph: NamedNode | None = None,
    ) -> Iterator[Quad]:
        """Give the quads that have what is given."""
        if self._is_own(subject, graph):
            return self.own.quads(subject, predicate, value, graph)
        return self._elsewhere(subject, predicate, value, graph)

    def about(self, subjects: Sequence[str]) -> Iterator[Quad]:
        """Give the quads about several things, those elsewhere in one request."""
        nodes = [NamedNode(subject) for subject in subjects]
        away = [node for node in nodes if not self._is_own(node, None)]
        yield from super().about([node.value for node in nodes if node not in away])
        if away:
            things = " ".join(map(str, away))
            pattern = "GRAPH ?graph { ?subject ?predicate ?value }"
            query = f"SELECT * WHERE {{ VALUES ?subject {{ {things} }} {pattern} }}"
            yield from map(_quad, self.select(query))

    def graphs(self) -> set[str]:
        """Give the names of all graphs but the store's own."""
        return set(self.sizes())

    def sizes(self) -> dict[str, int]:
        """Give the number of triples of each named graph but the store's own."""
        system = self.endpoint.dialect.system
        return {name: size for name, size in super().sizes().items() if name not in system}

    def update(self, text: str) -> None:
        """Carry out one of our own updates."""
        self.endpoint.update(text)
        self._read = (-_FRESH, "")

    def remove(self, graphs: Iterable[str]) -> None:
        """Take the named graphs out, each in a request."""
        for graph in graphs:
            self.update(f"DROP SILENT GRAPH {NamedNode(graph)}")

    def add(self, quads: Iterable[Quad]) -> None:
        """Put quads in, a few thousand in a request."""
        for part in _parts(quads):
            self.update(_insertion(part))

    def clear(self) -> None:
        """Refuse: the store may hold what no folder has."""
        raise AssertionError("a store elsewhere is never emptied")

    def flush(self) -> None:
        """Have everything on disk: a store elsewhere sees to that itself."""

    def version(self) -> str:
        """Give the release that the store says it holds, as read within the last second."""
        read, version = self._read
        if time.monotonic() - read > _FRESH:
            version = super().version()
            self._read = (time.monotonic(), version)
        return version

    def _is_own(self, subject: Node | None, graph: NamedNode | None) -> bool:
        if isinstance(subject, BlankNode):
            return True
        if subject is not None:
            return any(True for _ in self.own.quads(subject))
        return graph is not None and any(True for _ in self.own.quads(graph=graph))

    def _elsewhere(self, *pattern: Term | None) -> Iterator[Quad]:
        subject, predicate, value, graph = (
            str(term) if term else f"?{name}" for term, name in zip(pattern, _NAMES, strict=True)
        )
        query = f"SELECT * WHERE {{ GRAPH {graph} {{ {subject} {predicate} {value} }} }}"
        given = {name: term for name, term in zip(_NAMES, pattern, strict=True) if term}
        for row in self.select(query):
            yield _quad({**given, **row})


def _quad(row: Row) -> Quad:
    found: Mapping[str, Any] = row
    return Quad(*(found[name] for name in _NAMES))


def _parts(quads: Iterable[Quad]) -> Iterator[list[Quad]]:
    """Give the quads in parts for a request each; what hangs on a blank node stays together.

    A part with blank nodes is of one graph: Virtuoso takes no template of several.
    """
    blank: list[Quad] = []
    plain_ones: list[Quad] = []
    for quad in quads:
        (blank if _blanks(quad) else plain_ones).append(quad)
        if len(plain_ones) == _MOST:
            yield plain_ones
            plain_ones = []
    if plain_ones:
        yield plain_ones
    part: list[Quad] = []
    for piece in _pieces(blank):
        is_other = part and part[0].graph_name != piece[0].graph_name
        if is_other or (part and len(part) + len(piece) > _MOST_BLANK):
            yield part
            part = []
        part = part + piece
    if part:
        yield part


def _pieces(quads: Iterable[Quad]) -> Iterable[list[Quad]]:
    """Give quads in the smallest pieces of which no two have a blank node in common."""
    pieces: dict[BlankNode, list[Quad]] = {}
    for quad in quads:
        nodes = _blanks(quad)
        joined = {id(found): found for node in nodes if (found := pieces.get(node))}
        piece = [q for found in joined.values() for q in found] + [quad]
        pieces |= dict.fromkeys((node for q in piece for node in _blanks(q)), piece)
    return {id(piece): piece for piece in pieces.values()}.values()


def _blanks(quad: Quad) -> list[BlankNode]:
    return [node for node in (quad.subject, quad.object) if isinstance(node, BlankNode)]


def _insertion(quads: Sequence[Quad]) -> str:
    """Give an update that adds the quads: a template, where some stores know no blank data."""
    by_graph: dict[object, list[Quad]] = {}
    for quad in quads:
        by_graph.setdefault(quad.graph_name, []).append(quad)
    graphs = "\n".join(
        f"GRAPH {name} {{\n" + "\n".join(f"{quad.triple} ." for quad in found) + "\n}"
        for name, found in by_graph.items()
    )
    if any(map(_blanks, quads)):
        return f"INSERT {{\n{graphs}\n}}\nWHERE {{}}"
    return f"INSERT DATA {{\n{graphs}\n}}"
