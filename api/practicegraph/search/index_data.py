"""The data of an index, in memory and in one SQLite file, in which a change is whole or absent.

Bitmaps and orders are stored as of their last saving, with the numbers of the entries that have
changed since. An order is an array of the numbers of all entries, by title in a language or by a
field with one value. A few entries are sorted by their ranks in it; for many, it is scanned. The
row of an entry changes last, since orders find other entries by their rows.
"""

import math
import os
import sqlite3
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from pyroaring import BitMap

from ..schema.vocabularies import Vocabularies
from . import builder
from .builder import EntryBatch
from .entries import EntryReader, EntryRow, IndexedEntry, SortText, make_sort_key
from .facets import FacetIndex, FieldSets, group_entries
from .text.index import Numbers, TextIndex, to_array
from .text.tokenizer import AnalysedTexts, Tokenizer

_FORMAT = "7"
_SAVE_INTERVAL = 1000  # changed entries
_CACHE_SIZE = 1 << 14  # kilobytes
_MAX_CACHED_ROWS = 20_000  # of about a kilobyte
_SCAN_LENGTH = 4096
_SMALL_FACTOR = 5
"""A set is small below this factor times the square root of the number of entries."""
_TABLES = """
CREATE TABLE IF NOT EXISTS metadata (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS entries (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    iri TEXT NOT NULL UNIQUE,
    sort_texts BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS changed (number INTEGER PRIMARY KEY);
CREATE TABLE IF NOT EXISTS saved (content BLOB NOT NULL);
"""

ConceptCounts = np.ndarray[tuple[int], np.dtype[np.uint16]]
SortKey = tuple[bytes, str]
"""The key of a text and an IRI, by which an order is sorted."""
_SORT_TEXTS = msgspec.msgpack.Decoder(tuple[bytes, tuple[SortText, ...]])


class IndexFile:
    """The file of an index, for one process, or a temporary one where no path is given."""

    def __init__(self, path: Path | None = None, journal: str = "WAL") -> None:
        self.path = path
        self.connection = sqlite3.connect(path or "", check_same_thread=False, isolation_level=None)
        settings = (
            "locking_mode = EXCLUSIVE",
            f"journal_mode = {journal}",
            f"synchronous = {'OFF' if journal == 'OFF' else 'NORMAL'}",
            f"cache_size = -{_CACHE_SIZE}",
        )
        for setting in settings:
            self.connection.execute(f"PRAGMA {setting}")
        self.connection.executescript(_TABLES)
        self._rows: dict[int, EntryRow | None] = {}

    @classmethod
    def open(cls, path: Path) -> "IndexFile":
        """Open a file, or a temporary one where another process has it or it is no database."""
        try:
            return cls(path)
        except sqlite3.DatabaseError:
            return cls()

    def create_empty(self) -> "IndexFile":
        """Return an empty file beside this one, to be filled without protection from a crash."""
        if self.path is None:
            return IndexFile(journal="OFF")
        part = self.path.with_suffix(".part")
        part.unlink(missing_ok=True)
        return IndexFile(part, journal="OFF")

    def replace(self, other: "IndexFile") -> "IndexFile":
        """Move this file to the path of another one, which is closed; return it opened there."""
        other.close()
        if self.path is None or other.path is None:
            return self
        self.close()
        with self.path.open("rb") as stream:
            os.fsync(stream.fileno())
        self.path.replace(other.path)
        return IndexFile(other.path)

    def __enter__(self) -> None:
        """Begin a transaction."""
        self.connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Commit the transaction, or roll it back after an error."""
        self.connection.execute("ROLLBACK" if kind else "COMMIT")
        if kind:
            self._rows.clear()

    def close(self) -> None:
        """Close the file."""
        self.connection.close()

    def metadata(self) -> dict[str, str]:
        """Return the metadata of the index, or nothing where it has another format."""
        metadata = dict(self.connection.execute("SELECT name, value FROM metadata"))
        return metadata if metadata.get("format") == _FORMAT else {}

    def set_metadata(self, values: Mapping[str, str]) -> None:
        """Set metadata of the index."""
        rows = [*values.items(), ("format", _FORMAT)]
        self.connection.executemany("INSERT OR REPLACE INTO metadata VALUES (?, ?)", rows)

    def number(self, iri: str) -> int | None:
        """Return the number of an entry, or None where it has none."""
        query = "SELECT number FROM entries WHERE iri = ?"
        row = self.connection.execute(query, (iri,)).fetchone()
        return int(row[0]) if row else None

    def next_number(self) -> int:
        """Return a number that no entry has had."""
        query = "SELECT seq FROM sqlite_sequence WHERE name = 'entries'"
        row = self.connection.execute(query).fetchone()
        return row[0] + 1 if row else 0

    def row(self, number: int) -> EntryRow | None:
        """Return the entry with a number; every search reads rows in the middle of orders."""
        if number not in self._rows:
            if len(self._rows) >= _MAX_CACHED_ROWS:
                self._rows.clear()
            query = "SELECT iri, sort_texts FROM entries WHERE number = ?"
            row = self.connection.execute(query, (number,)).fetchone()
            self._rows[number] = row and EntryRow(row[0], *_SORT_TEXTS.decode(row[1]))
        return self._rows[number]

    def iris(self, numbers: Iterable[int]) -> list[str]:
        """Return the IRIs of entries."""
        query = "SELECT iri FROM entries WHERE number = ?"
        return [self.connection.execute(query, (n,)).fetchone()[0] for n in numbers]

    def add(self, first: int, rows: Iterable[EntryRow]) -> None:
        """Add entries, numbered from the first one."""
        numbered = (
            (number, row.iri, msgspec.msgpack.encode((row.places, row.sort_texts)))
            for number, row in enumerate(rows, first)
        )
        self.connection.executemany("INSERT OR REPLACE INTO entries VALUES (?, ?, ?)", numbered)

    def put(self, number: int, row: EntryRow) -> None:
        """Store an entry in place of the one with its number."""
        self.add(number, [row])
        self._record_change(number)

    def remove(self, number: int) -> None:
        """Remove an entry."""
        self.connection.execute("DELETE FROM entries WHERE number = ?", (number,))
        self._record_change(number)

    def _record_change(self, number: int) -> None:
        self._rows.pop(number, None)
        self.connection.execute("INSERT OR IGNORE INTO changed VALUES (?)", (number,))

    def changed_numbers(self) -> list[int]:
        """Return the numbers of the entries that have changed since the last saving."""
        return [number for (number,) in self.connection.execute("SELECT number FROM changed")]

    def save(self, content: bytes) -> None:
        """Save bitmaps and orders in place of those saved before."""
        self.connection.execute("DELETE FROM saved")
        self.connection.execute("DELETE FROM changed")
        self.connection.execute("INSERT INTO saved VALUES (?)", (content,))

    def saved(self) -> bytes:
        """Return what was saved last."""
        (content,) = self.connection.execute("SELECT content FROM saved").fetchone()
        return bytes(content)


@dataclass
class EntryOrder:
    """The numbers of entries, sorted by one of the texts of their rows and then by their IRIs."""

    file: IndexFile
    column: int
    language: str
    numbers: Numbers = field(default_factory=lambda: np.zeros(0, np.uint32))
    _ranks: Numbers | None = None

    def key(self, number: int) -> SortKey:
        """Return the sort key of an entry."""
        row = self.file.row(number)
        assert row, number
        return self.sort_text(row)[0], row.iri

    def cursor(self, number: int) -> tuple[str, str]:
        """Return the text by which an entry is sorted, and its IRI."""
        row = self.file.row(number)
        assert row, number
        return self.sort_text(row)[1], row.iri

    def sort_text(self, row: EntryRow) -> SortText:
        """Return the text by which an entry is sorted, with its key."""
        return row.sort_texts[row.places[self.column]]

    def key_of(self, text: str, iri: str) -> SortKey:
        """Return the sort key of an entry with a text and an IRI."""
        return make_sort_key(text, self.language), iri

    def add(self, number: int) -> None:
        """Insert an entry whose row is stored."""
        self.numbers = np.insert(self.numbers, self.position(self.key(number)), number)
        self._ranks = None

    def remove(self, number: int) -> None:
        """Remove an entry while its row is still the old one."""
        position = self.position(self.key(number))
        assert self.numbers[position] == number, number
        self.numbers = np.delete(self.numbers, position)
        self._ranks = None

    def position(self, key: SortKey) -> int:
        """Return the position of the first entry that is not sorted before the key."""
        return bisect_left(self.numbers, key, key=lambda number: self.key(int(number)))

    def count_before(self, entries: BitMap, key: SortKey) -> int:
        """Return how many of the entries are sorted before a key."""
        return int(np.count_nonzero(self.ranks[to_array(entries)] < self.position(key)))

    def after(self, entries: BitMap, key: SortKey | None) -> Iterator[int]:
        """Yield those of the entries that are sorted after a key, in order."""
        start = 0
        if key:
            start = self.position(key)
            start += bool(start < len(self.numbers) and self.key(int(self.numbers[start])) == key)
        yield from self._between(start, len(self.numbers), entries, 1)

    def before(self, entries: BitMap, key: SortKey | None) -> Iterator[int]:
        """Yield those of the entries that are sorted before a key, the last ones first."""
        end = self.position(key) if key else len(self.numbers)
        yield from self._between(0, end, entries, -1)

    def _between(self, start: int, end: int, entries: BitMap, direction: int) -> Iterator[int]:
        if len(entries) < _SMALL_FACTOR * math.sqrt(len(self.numbers)):
            ranks = self.ranks[to_array(entries)]
            ranks = np.sort(ranks[(ranks >= start) & (ranks < end)])[::direction]
            yield from map(int, self.numbers[ranks])
            return
        numbers = self.numbers[start:end][::direction]
        for chunk in range(0, len(numbers), _SCAN_LENGTH):
            scanned = numbers[chunk : chunk + _SCAN_LENGTH].tolist()
            yield from (number for number in scanned if number in entries)

    @property
    def ranks(self) -> Numbers:
        """Return the position of each entry by its number."""
        if self._ranks is None:
            size = int(self.numbers.max()) + 1 if len(self.numbers) else 0
            self._ranks = np.zeros(size, np.uint32)
            self._ranks[self.numbers] = np.arange(len(self.numbers), dtype=np.uint32)
        return self._ranks


@dataclass
class _SavedData:
    """Facets and orders as they are stored, arrays as bytes."""

    entries: BitMap
    fields: dict[str, FieldSets]
    bounds: dict[str, tuple[bytes, bytes]]
    orders: dict[str, bytes]


class IndexData:
    """The data of the entries that a reader reads; memory and file agree."""

    facets: FacetIndex
    _concept_counts: ConceptCounts

    def __init__(self, reader: EntryReader, vocabularies: Vocabularies, file: IndexFile) -> None:
        self.reader, self.file, self._vocabularies = reader, file, vocabularies
        self.tokenizer = Tokenizer(reader.languages)
        self.texts = TextIndex(file.connection, self.tokenizer)
        self._restore()

    def use(self, vocabularies: Vocabularies) -> None:
        """Use other vocabularies for what is added from now on."""
        self._vocabularies = vocabularies
        self.facets = replace(self.facets, vocabularies=vocabularies)

    def build(self, files: Sequence[Path], metadata: Mapping[str, str]) -> None:
        """Read all entries into an empty index; raise UnreadableError."""
        with self.file:
            to_reread: list[str] = []
            batches = builder.read_batches(self.reader, files)
            self.texts.add(self._added(batches, to_reread))
            for iri in to_reread:
                self._update(iri)
            self._save()
            self._set_metadata(metadata)

    def update(self, iris: Iterable[str], metadata: Mapping[str, str]) -> None:
        """Read again those of the IRIs that are, or were, entries."""
        with self._transaction():
            for iri in dict.fromkeys(iris):
                self._update(iri)
            if len(self.file.changed_numbers()) > _SAVE_INTERVAL:
                self._save()
            self._set_metadata(metadata)

    def concept_counts(self) -> ConceptCounts:
        """Return for how many concepts each entry counts, by its number."""
        if not len(self._concept_counts) and self.facets.entries:
            self._concept_counts = np.zeros(self.facets.entries.max() + 1, np.uint16)
            for facet in self.reader.kind.facets:
                for entries in self.facets.sets(facet.iri).values.values() if facet.scheme else ():
                    self._concept_counts[to_array(entries)] += 1
        return self._concept_counts

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Change file and memory together, or neither after an error."""
        try:
            with self.file:
                yield
        except BaseException:
            self._restore()
            raise

    def _restore(self) -> None:
        """Restore what was saved, and read again the entries that have changed since."""
        self._clear()
        metadata = self.file.metadata()
        if not metadata:
            return
        self.release = metadata.get("release", "")
        self._load()
        changed = self.file.changed_numbers()
        rows = {number: row for number in changed if (row := self.file.row(number))}
        for number in changed:
            self.facets.remove(number)
        for order in self.orders.values():
            order.numbers = order.numbers[~np.isin(order.numbers, changed)]
            for number in rows:
                order.add(number)
        for number, row in rows.items():
            for entry in self.reader.read([row.iri]):
                self.facets.add(number, group_entries([entry]))

    def _clear(self) -> None:
        self.release = ""
        languages = self.reader.extractor.orders.items()
        self.orders = {
            name: EntryOrder(self.file, column, language)
            for column, (name, language) in enumerate(languages)
        }
        self.facets = FacetIndex(self.reader.kind, self._vocabularies)
        self._concept_counts = np.zeros(0, np.uint16)

    def _set_metadata(self, metadata: Mapping[str, str]) -> None:
        self.file.set_metadata(metadata)
        self.release = metadata.get("release", "")

    def _added(
        self, batches: Iterator[EntryBatch], to_reread: list[str]
    ) -> Iterator[tuple[int, AnalysedTexts]]:
        """Add rows and facets of batches, yield their texts, and sort the entries at the end."""
        iris: list[str] = []
        columns: list[list[bytes]] = [[] for _ in self.orders]
        for batch in batches:
            first = len(iris)
            to_reread += batch.to_reread
            iris += (row.iri for row in batch.rows)
            self.file.add(first, batch.rows)
            self.facets.add(first, batch.facets)
            for row in batch.rows:
                for column, place in zip(columns, row.places, strict=True):
                    column.append(row.sort_texts[place][0])
            yield first, batch.texts
        self._sort(iris, columns)

    def _sort(self, iris: Sequence[str], columns: Sequence[Sequence[bytes]]) -> None:
        """Sort entries numbered from 0 into orders, each by its column of keys and then by IRI."""
        by_iri = np.array(sorted(range(len(iris)), key=iris.__getitem__), np.uint32)
        ranks = {key: rank for rank, key in enumerate(sorted(set().union(*columns)))}
        for order, column in zip(self.orders.values(), columns, strict=True):
            ranked = np.fromiter(map(ranks.__getitem__, column), np.uint32, len(column))
            order.numbers = by_iri[np.argsort(ranked[by_iri], kind="stable")]

    def _save(self) -> None:
        self.facets.compress()
        bounds = self.facets.bounds.items()
        saved = _SavedData(
            self.facets.entries,
            self.facets.fields,
            {key: (low.tobytes(), high.tobytes()) for key, (low, high) in bounds},
            {name: order.numbers.tobytes() for name, order in self.orders.items()},
        )
        self.file.save(msgspec.msgpack.encode(saved, enc_hook=BitMap.serialize))

    def _load(self) -> None:
        saved = msgspec.msgpack.decode(self.file.saved(), type=_SavedData, dec_hook=_to_bitmap)
        self.facets.entries, self.facets.fields = saved.entries, saved.fields
        for key, bounds in saved.bounds.items():
            low, high = (np.frombuffer(content, np.float64).copy() for content in bounds)
            self.facets.bounds[key] = low, high
        for name, order in self.orders.items():  # those of other shapes wait to be built anew
            order.numbers = np.frombuffer(saved.orders.get(name, b""), np.uint32)

    def _update(self, iri: str) -> None:
        number = self.file.number(iri)
        if number is None and not self.reader.is_of_kind(iri):
            return
        old = None if number is None else self.file.row(number)
        entry = next(self.reader.read([iri]), None)
        orders = [
            order
            for order in self.orders.values()
            if not (old and entry) or order.sort_text(old) != order.sort_text(entry.row)
        ]
        if number is not None:
            self.facets.remove(number)
            for order in orders:
                order.remove(number)
        if entry:
            self._put(self.file.next_number() if number is None else number, entry, orders)
        elif number is not None:
            self.texts.remove(number)
            self.file.remove(number)
        self._concept_counts = np.zeros(0, np.uint16)

    def _put(self, number: int, entry: IndexedEntry, orders: Iterable[EntryOrder]) -> None:
        self.file.put(number, entry.row)
        self.texts.replace(number, entry.texts)
        self.facets.add(number, group_entries([entry]))
        for order in orders:
            order.add(number)


def _to_bitmap(_: type, content: Any) -> BitMap:
    return BitMap.deserialize(content)
