"""The store inside the program: Oxigraph, on disk or in memory.

The releases of a store as they are, for the processes that read beside the server.

Each is a folder of hard links, taken when one is asked for after a change. One that is no longer
the newest stays for as long as a query may still read it, and while it is lent.
"""

import shutil
import time
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from threading import Lock

from pyoxigraph import NamedNode, Quad, QueryResultsFormat, QuerySolutions, QueryTriples, RdfFormat
from pyoxigraph import Store as Oxigraph

from ..rdf.terms import Node, Term
from .base import QueryRefusedError, Solution, Store

_RESULTS = {
    "csv": QueryResultsFormat.CSV,
    "json": QueryResultsFormat.JSON,
    "tsv": QueryResultsFormat.TSV,
    "xml": QueryResultsFormat.XML,
}
_FEW = 50_000  # quads for which the bulk loader, whose every call writes files, does not pay


class OxigraphStore(Store):
    """Named graphs on disk, or in memory where no folder is given."""

    is_derived = True
    batch_size = 5_000_000

    def __init__(self, folder: Path | None = None) -> None:
        self._store = Oxigraph(str(folder)) if folder else Oxigraph()
        self._version: str | None = None
        self._size: int | None = None
        self._changing = Lock()

    @classmethod
    def open_snapshot(cls, folder: Path) -> "OxigraphStore":
        """Open a snapshot to be read only, beside others who read it; raises OSError."""
        found = cls()
        found._store = Oxigraph.read_only(str(folder))
        return found

    def __len__(self) -> int:
        """Count the triples of all graphs, once after each change."""
        if self._size is None:
            self._size = len(self._store)
        return self._size

    def select(self, query: str) -> Iterator[Solution]:
        """Return the solutions of one of our own SELECT queries."""
        solutions = self._store.query(query, use_default_graph_as_union=True)
        assert isinstance(solutions, QuerySolutions), query
        return to_solutions(solutions)

    def results(self, query: str, form: str, base: str | None = None) -> bytes:
        """Return the result of a query of our own as text: a graph in Turtle, else in the form."""
        try:
            result = self._store.query(query, base_iri=base, use_default_graph_as_union=True)
        except (SyntaxError, ValueError) as error:
            raise QueryRefusedError(str(error)) from error
        if isinstance(result, QueryTriples):
            content = result.serialize(format=RdfFormat.TURTLE)
        else:
            content = result.serialize(format=_RESULTS[form])
        assert content is not None
        return content

    def quads(
        self,
        subject: Node | None = None,
        predicate: NamedNode | None = None,
        value: Term | None = None,
        graph: NamedNode | None = None,
    ) -> Iterator[Quad]:
        """Return the quads that have what is given."""
        return self._store.quads_for_pattern(subject, predicate, value, graph)

    def graph_names(self) -> set[str]:
        """Return the names of all graphs."""
        return {name.value for name in self._store.named_graphs() if isinstance(name, NamedNode)}

    def release(self) -> str:
        """Return the release that the store says it holds, as it was read after the last change."""
        known = self._version
        if known is None:
            with self._changing:
                known = self._version = super().release()
        return known

    def update(self, text: str) -> None:
        """Carry out one of our own updates, all of it at once."""
        with self._changing:
            self._store.update(text)
            self._forget()

    def remove_graphs(self, graphs: Iterable[str]) -> None:
        """Take the named graphs out."""
        self._forget()
        for graph in graphs:
            self._store.remove_graph(NamedNode(graph))

    def add(self, quads: Iterable[Quad]) -> None:
        """Put quads in, many in bulk; ones that are there already stay as they are."""
        self._forget()
        coming = iter(quads)
        first = list(islice(coming, _FEW))
        if len(first) < _FEW:
            self._store.extend(first)
        else:
            self._store.bulk_extend(chain(first, coming))

    def clear(self) -> None:
        """Take everything out."""
        self._forget()
        self._store.clear()

    def flush(self) -> None:
        """Write everything on disk."""
        self._store.flush()

    def snapshot(self, folder: Path) -> None:
        """Write what the store holds now to a folder that does not exist yet (hard links)."""
        self._store.backup(str(folder))

    def snapshot_release(self, parent: Path) -> Path:
        """Write the release to a folder of its own, called as it is, and give that folder."""
        with self._changing:
            folder = parent / super().release()
            if not folder.exists():
                self.snapshot(folder)
            return folder

    def _forget(self) -> None:
        """Ask the store anew for what a change may have changed."""
        self._version = self._size = None


def to_solutions(solutions: QuerySolutions) -> Iterator[Solution]:
    """Return solutions as rows, without the variables that are not bound."""
    names = [variable.value for variable in solutions.variables]
    for solution in solutions:
        bound = zip(names, solution, strict=True)
        yield {name: term for name, term in bound if term is not None}


_LASTING = 900.0  # seconds, of a query and of the slow reading of its answer


class Snapshots:
    """The snapshots of a store in a folder, which is emptied first."""

    def __init__(self, store: OxigraphStore, folder: Path) -> None:
        self._store, self._folder = store, folder
        self._lock = Lock()
        self._newest: Path | None = None
        self._superseded: dict[Path, float] = {}
        self._lent: dict[str, Path] = {}
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()

    @property
    def is_stale(self) -> bool:
        """Return whether the store has changed since the newest one was taken."""
        return self._newest is None or self._newest.name != self._store.release()

    def latest(self) -> Path:
        """Return the snapshot of the present release."""
        with self._lock:
            if self._newest is None or self.is_stale:
                self._take()
            assert self._newest
            return self._newest

    def lease(self, borrower: str) -> Path:
        """Return the snapshot of the present release, which stays until another one is lent so."""
        found = self.latest()
        with self._lock:
            self._lent[borrower] = found
        return found

    def _take(self) -> None:
        taken, now = self._store.snapshot_release(self._folder), time.monotonic()
        if self._newest and self._newest != taken:
            self._superseded[self._newest] = now
        self._superseded.pop(taken, None)
        self._newest = taken
        for path, since in list(self._superseded.items()):
            if now - since > _LASTING and path not in self._lent.values():
                shutil.rmtree(path, ignore_errors=True)
                del self._superseded[path]
