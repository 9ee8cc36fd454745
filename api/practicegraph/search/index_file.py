"""The file of an index: one SQLite database, in which a change is whole or absent.

Bitmaps and orders are stored as of their last saving, with the numbers of the entries that have
changed since. An order is an array of the numbers of all entries, by title in a language or by a
field with one value. A few entries are sorted by their ranks in it; for many, it is scanned.
"""

import json
import math
import os
import sqlite3
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from pyroaring import BitMap

from ..schema.fields import NodeShape
from ..schema.text import put_first
from .request import TITLE
from .text.postings import Numbers, to_array

_FORMAT = "4"
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
    titles TEXT NOT NULL,
    keys TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS changed (number INTEGER PRIMARY KEY);
CREATE TABLE IF NOT EXISTS saved (name TEXT PRIMARY KEY, content BLOB NOT NULL);
"""

StoredRow = tuple[str, str, str]
"""An entry as it is stored: its IRI, and its titles and keys in JSON."""
SortKey = tuple[str, str]
"""A text and an IRI, by which an order is sorted."""

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True)
class EntryRow:
    """An entry: its IRI, its titles in lower case by language, its texts by field."""

    iri: str
    titles: Mapping[str, str]
    keys: Mapping[str, str]


def encode_row(row: EntryRow) -> StoredRow:
    """Return an entry as it is stored."""
    return row.iri, _encode(row.titles), _encode(row.keys)


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

    def set_metadata(self, **values: str) -> None:
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
            self._rows[number] = self._select(number)
        return self._rows[number]

    def _select(self, number: int) -> EntryRow | None:
        query = "SELECT iri, titles, keys FROM entries WHERE number = ?"
        row = self.connection.execute(query, (number,)).fetchone()
        return row and EntryRow(row[0], json.loads(row[1]), json.loads(row[2]))

    def iris(self, numbers: Iterable[int]) -> list[str]:
        """Return the IRIs of entries."""
        query = "SELECT iri FROM entries WHERE number = ?"
        return [self.connection.execute(query, (n,)).fetchone()[0] for n in numbers]

    def add(self, first: int, rows: Iterable[StoredRow]) -> None:
        """Add entries, numbered from the first one."""
        numbered = ((number, *row) for number, row in enumerate(rows, first))
        self.connection.executemany("INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?)", numbered)

    def put(self, number: int, row: EntryRow) -> None:
        """Store an entry in place of the one with its number."""
        self.add(number, [encode_row(row)])
        self._mark_changed(number)

    def remove(self, number: int) -> None:
        """Remove an entry."""
        self.connection.execute("DELETE FROM entries WHERE number = ?", (number,))
        self._mark_changed(number)

    def _mark_changed(self, number: int) -> None:
        self._rows.pop(number, None)
        self.connection.execute("INSERT OR IGNORE INTO changed VALUES (?)", (number,))

    def changed_numbers(self) -> list[int]:
        """Return the numbers of the entries that have changed since the last saving."""
        return [number for (number,) in self.connection.execute("SELECT number FROM changed")]

    def save(self, contents: Iterable[tuple[str, bytes]]) -> None:
        """Save bitmaps and orders by name, in place of those saved before."""
        self.connection.execute("DELETE FROM saved")
        self.connection.execute("DELETE FROM changed")
        self.connection.executemany("INSERT INTO saved VALUES (?, ?)", contents)

    def saved(self) -> Iterator[tuple[str, bytes]]:
        """Yield what was saved, by name."""
        return self.connection.execute("SELECT name, content FROM saved")


@dataclass
class EntryOrder:
    """The numbers of entries, sorted by a text of their rows and then by their IRIs."""

    file: IndexFile
    text: Callable[[EntryRow], str]
    numbers: Numbers = field(default_factory=lambda: np.zeros(0, np.uint32))
    _ranks: Numbers | None = None

    def key(self, number: int) -> SortKey:
        """Return the sort key of an entry."""
        row = self.file.row(number)
        assert row, number
        return self.text(row), row.iri

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
            some = numbers[chunk : chunk + _SCAN_LENGTH].tolist()
            yield from (number for number in some if number in entries)

    @property
    def ranks(self) -> Numbers:
        """Return the position of each entry by its number."""
        if self._ranks is None:
            size = int(self.numbers.max()) + 1 if len(self.numbers) else 0
            self._ranks = np.zeros(size, np.uint32)
            self._ranks[self.numbers] = np.arange(len(self.numbers), dtype=np.uint32)
        return self._ranks


def sort_texts(kind: NodeShape, languages: Sequence[str]) -> dict[str, Callable[[EntryRow], str]]:
    """Return the texts by which entries are sorted: titles by language, and single fields."""
    titles = {f"{TITLE}@{tag}": _title(put_first(tag, languages)) for tag in languages}
    return titles | {field.key: _key(field.key) for field in kind.sortable_fields}


def sort_entries(
    orders: Iterable[EntryOrder], iris: Sequence[str], columns: Iterable[Sequence[str]]
) -> None:
    """Sort entries numbered from 0 into orders, each by its column of texts and then by IRI."""
    texts = list(columns)
    by_iri = np.array(sorted(range(len(iris)), key=iris.__getitem__), np.uint32)
    ranks = {text: rank for rank, text in enumerate(sorted(set().union(*texts)))}
    for order, column in zip(orders, texts, strict=True):
        ranked = np.fromiter(map(ranks.__getitem__, column), np.uint32, len(column))
        order.numbers = by_iri[np.argsort(ranked[by_iri], kind="stable")]


def _title(languages: Sequence[str]) -> Callable[[EntryRow], str]:
    def title(row: EntryRow) -> str:
        return next((row.titles[tag] for tag in languages if tag in row.titles), "")

    return title


def _key(key: str) -> Callable[[EntryRow], str]:
    return lambda row: row.keys.get(key, "")
