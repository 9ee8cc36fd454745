"""The whole catalogue in each format, with the same bytes everywhere, and the dumps of releases.

N-Quads and N-Triples are canonical (RDFC-1.0, https://www.w3.org/TR/rdf-canon/), so that the
SHA-256 of the file is the canonical hash of the dataset, or of the union of its graphs.

Only quads with blank nodes take part in the naming of blank nodes (section 4.4), so these alone are
in memory. All others are written to disk graph by graph, and their lines are sorted in runs.

A release has a folder with its dumps, in all formats, and a list of their sizes and checksums. The
folder gets its name when all of it is on disk. The last releases keep their N-Quads, and every
release its list.
"""

import csv
import heapq
import io
import json
import shutil
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, partial
from itertools import groupby, islice
from pathlib import Path
from typing import Any, BinaryIO

import pyoxigraph
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

from .. import __version__
from ..catalogue import documents
from ..catalogue.catalogue import Catalogue
from ..catalogue.loading import Progress, no_progress
from ..errors import CatalogueError
from ..rdf.jsonld import Compactor
from ..rdf.terms import TYPE
from ..schema.records import Record
from ..storage import files
from ..storage.base import Store
from ..storage.files import GZIP_SUFFIX, Produce
from .table_format import TableColumns, column_keys, csv_row
from .table_writer import WorkbookWriter

_RUN = 1 << 25  # bytes of lines that are sorted in memory
_BATCH = 1000
_NAMING = CanonicalizationAlgorithm.RDFC_1_0
FORMATS = ("nq", "trig", "ttl", "nt", "jsonld", "csv")
XLSX = "xlsx"
"""A format of exports alone: a sheet has at most a million rows."""
QUAD_FORMATS = ("nq", "trig", "jsonld")
"""The formats with named graphs."""
MAX_ARCHIVES = 10
"""The number of releases, the present one among them, that keep their N-Quads."""
ARCHIVE_NAME = "nq" + GZIP_SUFFIX
"""The dump that earlier releases keep."""
DUMP_NAMES = tuple(name for form in FORMATS for name in (form, form + GZIP_SUFFIX))

_ENTRIES = 1000  # that are read from the store at once
_LIST = "dumps.json"
_MAKER = f"{__version__}, pyoxigraph {pyoxigraph.__version__}, zlib {zlib.ZLIB_RUNTIME_VERSION}"


@dataclass(frozen=True)
class CanonicalDataset:
    """All named graphs, with canonical names of their blank nodes.

    The folder has temporary files: the quads without blank nodes, and their sorted lines.
    """

    folder: Path
    names: tuple[str, ...]
    sizes: tuple[int, ...]
    blank: Dataset

    def graphs(self, progress: Progress = no_progress) -> Iterator[tuple[str, list[Quad]]]:
        """Yield the graphs by name, and the quads of each in order."""
        with _plain(self.folder).open("rb") as stream:
            for name, size in zip(progress("Writing", list(self.names)), self.sizes, strict=True):
                quads = list(parse(stream.read(size), RdfFormat.N_QUADS))
                blank = list(self.blank.quads_for_graph_name(NamedNode(name)))
                yield name, sorted([*quads, *blank], key=str) if blank else quads

    def quads(self) -> Iterator[bytes]:
        """Return the lines of the canonical N-Quads of the dataset."""
        return heapq.merge(self._named(), sorted(_lines(self.blank)))

    def lines(self) -> Iterator[bytes]:
        """Return the lines of the canonical N-Triples of the union of the graphs."""
        union = Dataset(Quad(q.subject, q.predicate, q.object) for q in self.blank)
        union.canonicalize(_NAMING)
        # A line keeps its place without its graph: where lines differ, they do so before it.
        named = (line[: line.rindex(b" <")] + b" .\n" for line in self._named())
        return (line for line, _ in groupby(heapq.merge(named, sorted(_lines(union)))))

    def triples(self) -> Iterator[Triple]:
        """Yield the triples of the union of the graphs in order."""
        lines = self.lines()
        while batch := list(islice(lines, _BATCH)):
            yield from (quad.triple for quad in parse(b"".join(batch), RdfFormat.N_TRIPLES))

    def _named(self) -> Iterator[bytes]:
        return heapq.merge(*map(_read_lines, self._runs))

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


def canonicalize_store(
    store: Store, folder: Path, progress: Progress = no_progress
) -> CanonicalDataset:
    """Read the graphs of a store once and name their blank nodes canonically."""
    names = tuple(sorted(store.graph_names()))
    sizes: list[int] = []
    blank = Dataset()
    with _plain(folder).open("wb") as stream:
        for name in progress("Reading", list(names)):
            quads = store.graph_quads(name)
            content = b"".join(sorted(_lines(q for q in quads if not _has_blank_node(q))))
            sizes.append(stream.write(content))
            for quad in filter(_has_blank_node, quads):
                blank.add(quad)
    blank.canonicalize(_NAMING)
    return CanonicalDataset(folder, names, tuple(sizes), blank)


def _plain(folder: Path) -> Path:
    return folder / "graphs.nq"


def _has_blank_node(quad: Quad) -> bool:
    return isinstance(quad.subject, BlankNode) or isinstance(quad.object, BlankNode)


def _lines(quads: Iterable[Quad]) -> list[bytes]:
    content = serialize(quads, format=RdfFormat.N_QUADS)
    assert isinstance(content, bytes)
    return content.splitlines(keepends=True)


def _read_lines(run: Path) -> Iterator[bytes]:
    with run.open("rb") as stream:
        yield from stream


@dataclass(frozen=True)
class Exporter:
    """Writes a catalogue in each format."""

    catalogue: Catalogue
    contents: CanonicalDataset
    progress: Progress = no_progress
    languages: tuple[str, ...] = ()

    def write(self, form: str, output: BinaryIO) -> None:
        """Write the whole catalogue in a format."""
        writers = {
            "nq": self._n_quads,
            "trig": self._trig,
            "ttl": self._turtle,
            "nt": self._n_triples,
            "jsonld": self._json_ld,
            "csv": self._table,
            XLSX: self._sheet,
        }
        writers[form](output)

    def save(self, form: str, path: Path) -> None:
        """Write a file, compressed if its name ends in `.gz`; raise CatalogueError."""
        write_file(path, lambda output: self.write(form, output))

    def _n_quads(self, output: BinaryIO) -> None:
        output.writelines(self.contents.quads())

    def _n_triples(self, output: BinaryIO) -> None:
        output.writelines(self.contents.lines())

    def _turtle(self, output: BinaryIO) -> None:
        triples = self.contents.triples()
        serialize(triples, output, RdfFormat.TURTLE, prefixes=self._prefixes())

    def _trig(self, output: BinaryIO) -> None:
        quads = (quad for _, graph in self.contents.graphs(self.progress) for quad in graph)
        serialize(quads, output, RdfFormat.TRIG, prefixes=self._prefixes())

    def _json_ld(self, output: BinaryIO) -> None:
        terms = dict(sorted(self.catalogue.context.items()))
        compactor = Compactor(terms)
        output.write(b'{"@context": ' + _json(terms) + b',\n"@graph": [')
        between = b"\n"
        for name, graph in self.contents.graphs(self.progress):
            output.write(between + _json({"id": name, "@graph": compactor.nodes(graph)}))
            between = b",\n"
        output.write(b"\n]}\n")

    def _table(self, output: BinaryIO) -> None:
        tags = self.catalogue.languages
        text = io.TextIOWrapper(output, encoding="utf-8", newline="")
        columns = column_keys(self.catalogue.shapes.entry_shape, tags)
        table = csv.DictWriter(text, columns, restval="")
        table.writeheader()
        reader = self.catalogue.reader
        table.writerows(csv_row(reader, record, tags) for record in self._records())
        text.detach()

    def _sheet(self, output: BinaryIO) -> None:
        columns = TableColumns(self.catalogue.value_parser)
        languages = self.languages or self.catalogue.languages
        WorkbookWriter(columns, languages).write(self.catalogue.reader, self._records(), output)

    def _records(self) -> Iterator[Record]:
        """Yield the entries in order."""
        kind, store = self.catalogue.shapes.entry_shape, self.catalogue.store
        classes = map(NamedNode, kind.classes)
        nodes = {n for each in classes for n in store.subjects(TYPE.value, each)}
        iris = [n.value for n in sorted(nodes, key=str) if isinstance(n, NamedNode)]
        for start in range(0, len(iris), _ENTRIES):
            yield from self.catalogue.reader.read_records(kind, iris[start : start + _ENTRIES])

    def _prefixes(self) -> dict[str, str]:
        """Return the prefixes in order, one for each namespace."""
        names = {space: name for name, space in sorted(self.catalogue.prefixes.items())}
        return dict(sorted((name, space) for space, name in names.items()))


def write_file(path: Path, produce: Produce) -> None:
    """Write a file, compressed if its name ends in `.gz`; raise CatalogueError."""
    try:
        files.write_stream(path, produce)
    except OSError as error:
        raise CatalogueError(f"{path}: {error.strerror}") from error


def export_format(path: Path) -> str:
    """Return the format of a file name, compressed or not; raise CatalogueError."""
    form = Path(path.name.removesuffix(GZIP_SUFFIX)).suffix.removeprefix(".")
    if form not in (*FORMATS, XLSX):
        raise CatalogueError(f"{path}: its name ends in none of {', '.join((*FORMATS, XLSX))}")
    return form


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


@dataclass(frozen=True)
class Dump:
    """A file: its name, such as `nq.gz`, its size in bytes, its SHA-256 in hexadecimal digits."""

    name: str
    size: int
    checksum: str

    @property
    def form(self) -> str:
        """Return the format, without the suffix of gzip."""
        return self.name.partition(".")[0]


@dataclass(frozen=True)
class ReleaseDumps:
    """The dumps of a release by name, the second in which they were made, and what made them."""

    release: str
    made: datetime
    maker: str
    dumps: Mapping[str, Dump]

    @property
    def is_whole(self) -> bool:
        """Return whether every dump is there."""
        return len(self.dumps) == len(DUMP_NAMES)

    def canonical_hash(self, dump: Dump) -> str | None:
        """Return the canonical hash of a dump (RDFC-1.0): of its graphs, or of their union."""
        form = "nq" if dump.form in QUAD_FORMATS else "nt"
        return self.dumps[form].checksum if dump.form != "csv" and form in self.dumps else None


@dataclass(frozen=True)
class DumpFolder:
    """The folder of the dumps of all releases."""

    folder: Path

    def path(self, release: str, name: str) -> Path:
        """Return the path of a dump, made or not."""
        return self.folder / release / f"dump.{name}"

    def read(self, release: str) -> ReleaseDumps | None:
        """Return the dumps of a release that are still there, or None if none was ever made."""
        try:
            path = self.folder / release / _LIST
            content: Any = json.loads(path.read_text())
            made = datetime.fromtimestamp(int(path.stat().st_mtime), UTC)
        except (OSError, ValueError):
            return None
        files = content["files"].items()
        dumps = {n: Dump(n, *values) for n, values in files if self.path(release, n).is_file()}
        return ReleaseDumps(release, made, content["maker"], dumps)

    def current(self, release: str) -> ReleaseDumps | None:
        """Return all dumps of a release as this program makes them, or None."""
        dumps = self.read(release)
        return dumps if dumps and dumps.is_whole and dumps.maker == _MAKER else None

    def newest(self, release: str) -> ReleaseDumps | None:
        """Return all dumps of a release; while there are none, of the last one that has all."""
        candidates = (self.current(release), *map(self.read, self._releases()))
        return next((dumps for dumps in candidates if dumps and dumps.is_whole), None)

    def make(self, catalogue: Catalogue) -> None:
        """Make the dumps of the present release unless they are there, and prune the others."""
        release = catalogue.release
        if not self.current(release):
            with self._work_folder() as work:
                content = self._write_dumps(catalogue, work)
                if catalogue.release != release:
                    return  # what was read is of two releases
                home = work / release
                (home / _LIST).write_text(json.dumps(content, indent=1))
                shutil.rmtree(self.folder / release, ignore_errors=True)
                home.replace(self.folder / release)
        self.prune(release)

    def prune(self, release: str) -> None:
        """Remove what releases other than the present one do not keep."""
        others = [name for name in self._releases() if name != release]
        for home in self.folder.iterdir():
            if home.name not in (release, *others):
                shutil.rmtree(home, ignore_errors=True)  # a process that was killed left it
        for number, name in enumerate(others, 2):
            kept = {_LIST, f"dump.{ARCHIVE_NAME}"} if number <= MAX_ARCHIVES else {_LIST}
            for path in (self.folder / name).iterdir():
                if path.name not in kept:
                    path.unlink()

    def _releases(self) -> list[str]:
        """Return the releases of which dumps were made, the last ones made first."""
        lists = sorted(self.folder.glob(f"*/{_LIST}"), key=lambda path: -path.stat().st_mtime)
        return [path.parent.name for path in lists]

    def _write_dumps(self, catalogue: Catalogue, work: Path) -> dict[str, Any]:
        """Write every dump of a release below a folder and return the content of its list."""
        exporter = Exporter(catalogue, canonicalize_store(catalogue.store, work))
        home = work / catalogue.release
        home.mkdir()
        for form in FORMATS:
            plain = home / f"dump.{form}"
            files.write_stream(plain, partial(exporter.write, form))
            files.compress(plain, home / f"dump.{form}{GZIP_SUFFIX}")
        paths = {name: home / f"dump.{name}" for name in DUMP_NAMES}
        sizes = {n: (path.stat().st_size, documents.checksum(path)) for n, path in paths.items()}
        return {"maker": _MAKER, "files": sizes}

    @contextmanager
    def _work_folder(self) -> Iterator[Path]:
        """Yield an empty folder, which is removed in the end."""
        work = self.folder / "part"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        try:
            yield work
        finally:
            shutil.rmtree(work)
