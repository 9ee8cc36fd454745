"""A catalogue written whole, in each format: the same bytes of the same catalogue everywhere.

N-Quads and N-Triples are in canonical form, so the SHA-256 of the file is the canonical hash: of
the dataset, and of the union of its graphs. What is written is read piece by piece.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import BinaryIO

from pyoxigraph import NamedNode, RdfFormat, Triple, serialize

from . import folder, loading, opening, outputs, records
from .canonical import Canonical
from .catalogue import Catalogue
from .columns import Columns
from .endpoint import Endpoint
from .kinds import Kind
from .loading import Watch, unwatched
from .nodes import Compactor
from .opening import KEPT, NoCatalogueError
from .outputs import Produce
from .records import Record
from .remote import Remote
from .sheets import Sheets
from .store import RDF, Term

FORMATS = ("nq", "trig", "ttl", "nt", "jsonld", "csv")
SHEET = "xlsx"
"""A format of exports alone: a sheet ends at a million rows."""
WITH_GRAPHS = ("nq", "trig", "jsonld")
"""The formats that say in which graph a triple stands."""
_TYPE = NamedNode(RDF + "type")


class UnknownFormatError(ValueError):
    """A file whose name ends as none of a format does."""


class UnwritableError(ValueError):
    """A file that cannot be written."""


@dataclass(frozen=True)
class Export:
    """Writes a catalogue."""

    catalogue: Catalogue
    contents: Canonical
    watch: Watch = unwatched
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
            SHEET: self._sheet,
        }
        writers[form](output)

    def save(self, form: str, path: Path) -> None:
        """Write a file, packed if its name ends in `.gz`, whole; or raise UnwritableError."""
        save(path, lambda output: self.write(form, output))

    def _n_quads(self, output: BinaryIO) -> None:
        output.writelines(self.contents.quads())

    def _n_triples(self, output: BinaryIO) -> None:
        output.writelines(self.contents.lines())

    def _turtle(self, output: BinaryIO) -> None:
        triples = self.contents.triples()
        serialize(triples, output, RdfFormat.TURTLE, prefixes=self._prefixes())

    def _trig(self, output: BinaryIO) -> None:
        quads = (quad for _, graph in self.contents.graphs(self.watch) for quad in graph)
        serialize(quads, output, RdfFormat.TRIG, prefixes=self._prefixes())

    def _json_ld(self, output: BinaryIO) -> None:
        terms = dict(sorted(self.catalogue.context.items()))
        compactor = Compactor(terms)
        output.write(b'{"@context": ' + _json(terms) + b',\n"@graph": [')
        between = b"\n"
        for name, graph in self.contents.graphs(self.watch):
            reference = compactor.reference(NamedNode(name))
            named = {"id": reference, "@graph": compactor.nodes(graph)}
            output.write(between + _json(named))
            between = b",\n"
        output.write(b"\n]}\n")

    def _table(self, output: BinaryIO) -> None:
        tags = self.catalogue.languages
        text = io.TextIOWrapper(output, encoding="utf-8", newline="")
        columns = records.columns(self.catalogue.shapes.record, tags)
        table = csv.DictWriter(text, columns, restval="")
        table.writeheader()
        reader = self.catalogue.reader
        table.writerows(records.csv_row(reader, record, tags) for record in self._records())
        text.detach()

    def _sheet(self, output: BinaryIO) -> None:
        columns = Columns(self.catalogue.understanding)
        languages = self.languages or self.catalogue.languages
        Sheets(columns, languages).write(self.catalogue.reader, self._records(), output)

    def _records(self) -> Iterator[Record]:
        """Give the entries in order; only fields that lie beyond a property are asked for."""
        kind = self.catalogue.shapes.record
        beyond = replace(kind, fields=tuple(f for f in kind.fields if not f.predicate))
        classes = set(map(NamedNode, kind.classes))
        for subject, triples in groupby(self.contents.triples(), lambda triple: triple.subject):
            values = _by_property(triples)
            if isinstance(subject, NamedNode) and classes & values.get(_TYPE, set()):
                near = _near(kind, values)
                far = self._far(beyond, subject.value) if beyond.fields else {}
                yield Record(subject.value, kind, {**near, **far})

    def _far(self, kind: Kind, iri: str) -> Mapping[str, tuple[Term, ...]]:
        (record,) = self.catalogue.reader.records(kind, [iri])
        return record.values

    def _prefixes(self) -> dict[str, str]:
        """Give the prefixes in order, one a namespace, since files may name one differently."""
        names = {space: name for name, space in sorted(self.catalogue.prefixes.items())}
        return dict(sorted((name, space) for space, name in names.items()))


def opened(root: Path, watch: Watch = unwatched) -> Catalogue:
    """Open a catalogue to read all of it, beside a service too.

    Where a service has the store and the folder has changed since it started, the files are read
    into memory. Raises NoCatalogueError, UnreadableError or SameTopicError.
    """
    release = loading.release(root)
    snapshot = (root / KEPT).resolve() / "snapshots" / release
    if snapshot.is_dir():
        return opening.of_snapshot(root, snapshot, opening.prefixes(root))
    try:
        return opening.serve(root, watch)
    except NoCatalogueError:
        found = opening.gather(map(folder.read, folder.files(root)), root)
        found.store.set_version(release)
        return found


def opened_elsewhere(root: Path, endpoint: Endpoint) -> Catalogue:
    """Open a catalogue whose entries are in a store elsewhere, to read all of it.

    Raises NoCatalogueError, UnreadableError or StoreError.
    """
    found = opening.serve_elsewhere(root, endpoint)
    assert isinstance(found.store, Remote)
    # The graph that says the release is read from memory, as all that the folder holds.
    found.store.own.set_version(found.release)
    return found


def save(path: Path, produce: Produce) -> None:
    """Write a file, packed if its name ends in `.gz`, whole; or raise UnwritableError."""
    try:
        outputs.write(path, produce)
    except OSError as error:
        raise UnwritableError(f"{path}: {error.strerror}") from error


def form_of(path: Path) -> str:
    """Give the format that the name of a file ends in, packed or not; or UnknownFormatError."""
    form = Path(path.name.removesuffix(outputs.PACKED)).suffix.removeprefix(".")
    if form not in (*FORMATS, SHEET):
        known = ", ".join((*FORMATS, SHEET))
        raise UnknownFormatError(f"{path}: its name ends in none of {known}")
    return form


def _near(kind: Kind, values: Mapping[NamedNode, set[Term]]) -> dict[str, tuple[Term, ...]]:
    fields = ((f.key, NamedNode(f.predicate)) for f in kind.fields if f.predicate)
    return {key: tuple(sorted(values[name], key=str)) for key, name in fields if name in values}


def _by_property(triples: Iterator[Triple]) -> dict[NamedNode, set[Term]]:
    values: dict[NamedNode, set[Term]] = {}
    for triple in triples:
        values.setdefault(triple.predicate, set()).add(triple.object)
    return values


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
