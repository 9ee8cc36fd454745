"""The embedded store, Oxigraph on disk or in memory, and its snapshots.

The default graph holds the union of all named graphs, each triple once (RDF 1.1 Concepts, section
4). Oxigraph's own union of named graphs repeats a triple that stands in two of them, and is slower:
grouping and paths take up to twice as long.

Other processes read snapshots: folders of hard links, each of one release, taken on demand. An
older snapshot stays as long as a query may read it, and while it is leased.
"""

import shutil
import time
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from threading import Lock

from pyoxigraph import (
    BlankNode,
    DefaultGraph,
    Literal,
    NamedNode,
    Quad,
    QueryResultsFormat,
    QuerySolutions,
    QueryTriples,
    RdfFormat,
)
from pyoxigraph import Store as Oxigraph

from ..rdf.syntax_errors import diagnose_query
from ..rdf.terms import TYPE, Node, Term, as_text, escape_xml
from .base import QueryRefusedError, Solution, Store

_RESULTS = {
    "csv": QueryResultsFormat.CSV,
    "json": QueryResultsFormat.JSON,
    "tsv": QueryResultsFormat.TSV,
    "xml": QueryResultsFormat.XML,
}
_BULK = 50_000  # quads from which the bulk loader, whose every call writes files, pays
_COUNT = "SELECT (COUNT(*) AS ?count) WHERE { ?subject ?predicate ?value }"
_REMOVAL = """DELETE {{ ?subject ?predicate ?value }}
WHERE {{
    GRAPH {graph} {{ ?subject ?predicate ?value }}
    FILTER NOT EXISTS {{
        GRAPH ?other {{ ?subject ?predicate ?value }}
        FILTER (?other != {graph})
    }}
}}"""
_MERGE = "INSERT { ?s ?p ?o } WHERE { GRAPH ?g { ?s ?p ?o } }"
_REPAIR = """DELETE { ?subject ?predicate ?value }
WHERE {
    ?subject ?predicate ?value
    FILTER NOT EXISTS { GRAPH ?graph { ?subject ?predicate ?value } }
}"""
_LIFETIME = 900.0  # seconds, of a query and of the slow reading of its result


class OxigraphStore(Store):
    """A store on disk, or in memory without a folder."""

    is_derived = True
    batch_size = 5_000_000

    def __init__(self, folder: Path | None = None) -> None:
        self._store = Oxigraph(str(folder)) if folder else Oxigraph()
        self._release: str | None = None
        self._size: int | None = None
        self._changing = Lock()
        union = self._store.quads_for_pattern(None, None, None, DefaultGraph())
        if self._store and not any(True for _ in union):
            self._store.update(_MERGE)  # a folder of before the union was kept

    @classmethod
    def open_snapshot(cls, folder: Path) -> "OxigraphStore":
        """Open a snapshot, read-only; raise OSError."""
        store = cls()
        store._store = Oxigraph.read_only(str(folder))
        return store

    def __len__(self) -> int:
        """Return the number of triples of all graphs, counted once after each change."""
        if self._size is None:
            self._size = len(self._store) - self._count_union()
        return self._size

    def _count_union(self) -> int:
        return next(int(as_text(row["count"])) for row in self.select(_COUNT))

    def select(self, query: str) -> Iterator[Solution]:
        """Return the solutions of a SELECT query of our own."""
        solutions = self._store.query(query)
        assert isinstance(solutions, QuerySolutions), query
        return to_solutions(solutions)

    def results(self, query: str, form: str, base: str | None = None) -> bytes:
        """Return the result of a query: a graph in Turtle, else in a format of results."""
        try:
            result = self._store.query(query, base_iri=base)
        except (SyntaxError, ValueError, RuntimeError) as error:
            reason = str(error)
            raise QueryRefusedError(reason, **diagnose_query(query, reason, base)) from error
        if isinstance(result, QueryTriples):
            content = result.serialize(format=RdfFormat.TURTLE)
        else:
            content = result.serialize(format=_RESULTS[form])
        assert content is not None
        return escape_xml(content) if form == "xml" else content

    def quads(
        self,
        subject: Node | None = None,
        predicate: NamedNode | None = None,
        value: Term | None = None,
        graph: NamedNode | None = None,
    ) -> Iterator[Quad]:
        """Return the quads of named graphs that match a pattern."""
        quads = self._store.quads_for_pattern(subject, predicate, value, graph)
        return quads if graph else (q for q in quads if isinstance(q.graph_name, NamedNode))

    def union(
        self,
        subject: Node | None = None,
        predicate: NamedNode | None = None,
        value: Term | None = None,
    ) -> Iterator[Quad]:
        """Return the quads of the union of named graphs that match a pattern, each once."""
        return self._store.quads_for_pattern(subject, predicate, value, DefaultGraph())

    def graph_names(self) -> set[str]:
        """Return the names of all graphs."""
        return {name.value for name in self._store.named_graphs() if isinstance(name, NamedNode)}

    def release(self) -> str:
        """Return the release, read once after each change."""
        release = self._release
        if release is None:
            with self._changing:
                release = self._release = super().release()
        return release

    def update(self, text: str) -> None:
        """Run an update of our own, in one transaction."""
        with self._changing:
            self._store.update(text)
            self._invalidate()

    def remove_graphs(self, graphs: Iterable[str]) -> None:
        """Remove named graphs."""
        self._invalidate()
        for graph in graphs:
            self._store.update(" ;\n".join(self._removal(NamedNode(graph))))

    def _removal(self, graph: NamedNode) -> Iterator[str]:
        yield _REMOVAL.format(graph=graph)
        yield from super()._removal(graph)

    def _insertion(self, graph: NamedNode, triples: str) -> str:
        union = f"{triples} ." if triples else ""
        return f"INSERT DATA {{ {union} GRAPH {graph} {{ {triples} }} }}"

    def _deletion(self, graph: NamedNode, pattern: str) -> Iterator[str]:
        yield f"DELETE WHERE {{ {pattern} . GRAPH {graph} {{ {pattern} }} }}"

    def add(self, quads: Iterable[Quad]) -> None:
        """Add quads of named graphs, many in bulk; a store has each once."""
        self._invalidate()
        coming = _with_union(quads)
        first = list(islice(coming, _BULK))
        if len(first) < _BULK:
            self._store.extend(first)
        else:
            self._store.bulk_extend(chain(first, coming))

    def repair(self) -> None:
        """Remove from the union what an interrupted load left there."""
        self._invalidate()
        self._store.update(_REPAIR)

    def clear(self) -> None:
        """Remove all graphs."""
        self._invalidate()
        self._store.clear()

    def flush(self) -> None:
        """Write all changes to disk."""
        self._store.flush()

    def snapshot(self, folder: Path) -> None:
        """Write a snapshot to a folder that does not exist yet, by hard links."""
        self._store.backup(str(folder))

    def snapshot_release(self, parent: Path) -> Path:
        """Write a snapshot to a folder with the name of the release and return the folder."""
        with self._changing:
            folder = parent / super().release()
            if not folder.exists():
                self.snapshot(folder)
            return folder

    def _invalidate(self) -> None:
        """Drop what a change may have changed."""
        self._release = self._size = None


def _with_union(quads: Iterable[Quad]) -> Iterator[Quad]:
    """Yield each quad, and then its triple in the default graph."""
    for quad in quads:
        yield quad
        yield Quad(quad.subject, quad.predicate, quad.object)


def find_rewritten_literals(literals: Iterable[Literal]) -> dict[Literal, Literal]:
    """Return the literals that a store does not keep as they are, with those that it keeps.

    It keeps numbers, dates and times as values, so that `007` becomes `7`.
    """
    originals = set(literals)
    rewritten = originals.difference(_kept(originals))
    return {literal: next(_kept([literal])) for literal in rewritten}


def _kept(literals: Iterable[Literal]) -> Iterator[Literal]:
    store = Oxigraph()
    store.extend(Quad(BlankNode(), TYPE, literal) for literal in literals)
    return (quad.object for quad in store if isinstance(quad.object, Literal))


def to_solutions(solutions: QuerySolutions) -> Iterator[Solution]:
    """Yield solutions without the variables that are not bound."""
    names = [variable.value for variable in solutions.variables]
    for solution in solutions:
        bound = zip(names, solution, strict=True)
        yield {name: term for name, term in bound if term is not None}


class Snapshots:
    """The snapshots of a store in a folder, which is emptied first."""

    def __init__(self, store: OxigraphStore, folder: Path) -> None:
        self._store, self._folder = store, folder
        self._lock = Lock()
        self._latest: Path | None = None
        self._superseded: dict[Path, float] = {}
        self._leased: dict[str, Path] = {}
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()

    @property
    def is_stale(self) -> bool:
        """Return whether the store has changed since the latest one was taken."""
        return self._latest is None or self._latest.name != self._store.release()

    def latest(self) -> Path:
        """Return the snapshot of the present release."""
        with self._lock:
            if self._latest is None or self.is_stale:
                self._take()
            assert self._latest
            return self._latest

    def look_up(self, name: str, query: str, form: str | None, base: str) -> bytes | None:
        """Return the result of a quick query on the snapshot of a name, from the store itself.

        It is None in no format of results, and where the store has changed since.
        """
        content = self._store.results(query, form, base) if form in _RESULTS else None
        return content if self._store.release() == name else None

    def lease(self, holder: str) -> Path:
        """Return the snapshot of the present release, kept until its holder leases another."""
        snapshot = self.latest()
        with self._lock:
            self._leased[holder] = snapshot
        return snapshot

    def _take(self) -> None:
        taken, now = self._store.snapshot_release(self._folder), time.monotonic()
        if self._latest and self._latest != taken:
            self._superseded[self._latest] = now
        self._superseded.pop(taken, None)
        self._latest = taken
        for path, since in list(self._superseded.items()):
            if now - since > _LIFETIME and path not in self._leased.values():
                shutil.rmtree(path, ignore_errors=True)
                del self._superseded[path]
