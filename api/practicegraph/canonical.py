"""The triples in their canonical form: named by RDFC-1.0, in sorted order, in flat memory.

Only statements with blank nodes take part in the naming of blank nodes (RDF Dataset
Canonicalization, section 4.4, https://www.w3.org/TR/rdf-canon/), so these alone are held in
memory. All others are written out once, graph by graph, and their lines sorted in runs on disk.
"""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, islice
from pathlib import Path

from pyoxigraph import (
    BlankNode,
    CanonicalizationAlgorithm,
    Dataset,
    NamedNode,
    Quad,
    RdfFormat,
    Triple,
    parse,
    serialize,
)

from .loading import Watch, unwatched
from .store import Store

_RUN = 1 << 25  # bytes of lines that are sorted in memory
_BATCH = 1000
_NAMING = CanonicalizationAlgorithm.RDFC_1_0


@dataclass(frozen=True)
class Canonical:
    """All named graphs, with the names that RDFC-1.0 gives to their blank nodes.

    The folder holds what is not kept: the quads without blank nodes, and their sorted lines.
    """

    folder: Path
    names: tuple[str, ...]
    sizes: tuple[int, ...]
    nameless: Dataset

    def graphs(self, watch: Watch = unwatched) -> Iterator[tuple[str, list[Quad]]]:
        """Give the graphs in order of their names, and the quads of each in order."""
        with _plain(self.folder).open("rb") as stream:
            for name, size in zip(watch("Writing", list(self.names)), self.sizes, strict=True):
                quads = list(parse(stream.read(size), RdfFormat.N_QUADS))
                nameless = list(self.nameless.quads_for_graph_name(NamedNode(name)))
                yield name, sorted([*quads, *nameless], key=str) if nameless else quads

    def quads(self) -> Iterator[bytes]:
        """Give the lines of the canonical N-Quads of the dataset (RDFC-1.0, section 4)."""
        return heapq.merge(self._named(), sorted(_lines(self.nameless)))

    def lines(self) -> Iterator[bytes]:
        """Give the lines of the canonical N-Triples of the union of the graphs, each once."""
        union = Dataset(Quad(q.subject, q.predicate, q.object) for q in self.nameless)
        union.canonicalize(_NAMING)
        # A line keeps its place without its graph: where lines differ, they do so before it.
        named = (line[: line.rindex(b" <")] + b" .\n" for line in self._named())
        return (line for line, _ in groupby(heapq.merge(named, sorted(_lines(union)))))

    def triples(self) -> Iterator[Triple]:
        """Give the triples of the union of the graphs in order, those of a subject together."""
        lines = self.lines()
        while batch := list(islice(lines, _BATCH)):
            yield from (quad.triple for quad in parse(b"".join(batch), RdfFormat.N_TRIPLES))

    def _named(self) -> Iterator[bytes]:
        return heapq.merge(*map(_read, self._runs))

    @cached_property
    def _runs(self) -> list[Path]:
        runs: list[Path] = []
        with _plain(self.folder).open("rb") as stream:
            while lines := stream.readlines(_RUN):
                lines.sort()
                runs.append(self.folder / f"{len(runs)}.run")
                with runs[-1].open("wb") as run:
                    run.writelines(lines)
        return runs


def canonical(store: Store, folder: Path, watch: Watch = unwatched) -> Canonical:
    """Read the graphs of a store once and name their blank nodes."""
    names = tuple(sorted(store.graphs()))
    sizes: list[int] = []
    nameless = Dataset()
    with _plain(folder).open("wb") as stream:
        for name in watch("Reading", list(names)):
            quads = store.graph(name)
            content = b"".join(sorted(_lines(q for q in quads if not _is_nameless(q))))
            sizes.append(stream.write(content))
            for quad in filter(_is_nameless, quads):
                nameless.add(quad)
    nameless.canonicalize(_NAMING)
    return Canonical(folder, names, tuple(sizes), nameless)


def _plain(folder: Path) -> Path:
    return folder / "graphs.nq"


def _is_nameless(quad: Quad) -> bool:
    return isinstance(quad.subject, BlankNode) or isinstance(quad.object, BlankNode)


def _lines(quads: Iterable[Quad]) -> list[bytes]:
    content = serialize(quads, format=RdfFormat.N_QUADS)
    assert isinstance(content, bytes)
    return content.splitlines(keepends=True)


def _read(run: Path) -> Iterator[bytes]:
    with run.open("rb") as stream:
        yield from stream
