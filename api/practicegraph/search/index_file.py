"""Where an index is kept: one SQLite file, so that all of a change is there or nothing of it.

Sets and orders are kept as they were when they were last saved, with the numbers of the entries
that have changed since.

Orders of numbered entries: by the title in each language, and by the fields with one value.

An order is an array of the numbers of all entries. Where few entries are left, they are sorted by
their ranks; where many are, the array is read until a page is full.
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

from ..schema.fields import Kind
from ..schema.text import preferring
from .request import TITLE
from .text.postings import members

_FORM = "3"
_CACHE = 1 << 14  # kilobytes
_MOST_KNOWN = 20_000  # rows in memory, of about a kilobyte
_TABLES = """
CREATE TABLE IF NOT EXISTS said (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS entries (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    iri TEXT NOT NULL UNIQUE,
    titles TEXT NOT NULL,
    keys TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS changed (number INTEGER PRIMARY KEY);
CREATE TABLE IF NOT EXISTS saved (name TEXT PRIMARY KEY, content BLOB NOT NULL);
"""


@dataclass(frozen=True)
class Row:
    """An entry: its IRI, its titles in small letters by language, its texts by field."""

    iri: str
    titles: Mapping[str, str]
    keys: Mapping[str, str]


Written = tuple[str, str, str]
"""An entry as it stands in the file: its IRI, titles and texts in JSON."""

_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def written(row: Row) -> Written:
    """Give an entry as it stands in the file."""
    return row.iri, _json(row.titles), _json(row.keys)


class Shelf:
    """The file of an index, which is for one process, or a passing one where none is given."""

    def __init__(self, path: Path | None = None, journal: str = "WAL") -> None:
        self.path = path
        self.connection = sqlite3.connect(path or "", check_same_thread=False, isolation_level=None)
        safety = "OFF" if journal == "OFF" else "NORMAL"
        settings = (
            "locking_mode = EXCLUSIVE",
            f"journal_mode = {journal}",
            f"synchronous = {safety}",
            f"cache_size = -{_CACHE}",
        )
        for setting in settings:
            self.connection.execute(f"PRAGMA {setting}")
        self.connection.executescript(_TABLES)
        self._known: dict[int, Row | None] = {}

    @classmethod
    def at(cls, path: Path) -> "Shelf":
        """Open the file, or a passing one where another process has it or it cannot be read."""
        try:
            return cls(path)
        except sqlite3.DatabaseError:
            return cls()

    def blank(self) -> "Shelf":
        """Give an empty one to be filled, beside the file, without care for what breaks off."""
        if self.path is None:
            return Shelf(journal="OFF")
        part = self.path.with_suffix(".part")
        part.unlink(missing_ok=True)
        return Shelf(part, journal="OFF")

    def in_place_of(self, other: "Shelf") -> "Shelf":
        """Put this one into the place of another, which is closed, and give it opened there."""
        other.close()
        if self.path is None or other.path is None:
            return self
        self.close()
        with self.path.open("rb") as written:
            os.fsync(written.fileno())
        self.path.replace(other.path)
        return Shelf(other.path)

    def __enter__(self) -> None:
        """Begin a change."""
        self.connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """End a change: whole, or not at all after an error."""
        self.connection.execute("ROLLBACK" if kind else "COMMIT")
        if kind:
            self._known.clear()

    def close(self) -> None:
        """Close the file."""
        self.connection.close()

    def said(self) -> dict[str, str]:
        """Give what is said of the index as a whole, or nothing where another program made it."""
        found = dict(self.connection.execute("SELECT name, value FROM said"))
        return found if found.get("form") == _FORM else {}

    def say(self, **values: str) -> None:
        """Say something of the index as a whole."""
        rows = [*values.items(), ("form", _FORM)]
        self.connection.executemany("INSERT OR REPLACE INTO said VALUES (?, ?)", rows)

    def number(self, iri: str) -> int | None:
        """Give the number of an entry, or None where it has none."""
        query = "SELECT number FROM entries WHERE iri = ?"
        found = self.connection.execute(query, (iri,)).fetchone()
        return int(found[0]) if found else None

    def row(self, number: int) -> Row | None:
        """Give the entry with a number; those in the middle of orders are asked for every time."""
        if number not in self._known:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[number] = self._read(number)
        return self._known[number]

    def _read(self, number: int) -> Row | None:
        query = "SELECT iri, titles, keys FROM entries WHERE number = ?"
        found = self.connection.execute(query, (number,)).fetchone()
        return found and Row(found[0], json.loads(found[1]), json.loads(found[2]))

    def iris(self, numbers: Iterable[int]) -> list[str]:
        """Give the IRIs of entries."""
        query = "SELECT iri FROM entries WHERE number = ?"
        return [self.connection.execute(query, (n,)).fetchone()[0] for n in numbers]

    def put(self, number: int, row: Row) -> None:
        """Enter an entry in the place of what has its number."""
        self.fill(number, [written(row)])
        self._known.pop(number, None)
        self.change(number)

    def remove(self, number: int) -> None:
        """Take an entry out."""
        self.connection.execute("DELETE FROM entries WHERE number = ?", (number,))
        self._known.pop(number, None)
        self.change(number)

    def change(self, number: int) -> None:
        """Say that an entry is not in the sets and orders as they were saved."""
        self.connection.execute("INSERT OR IGNORE INTO changed VALUES (?)", (number,))

    def fresh(self) -> int:
        """Give a number that no entry has had."""
        query = "SELECT seq FROM sqlite_sequence WHERE name = 'entries'"
        found = self.connection.execute(query).fetchone()
        return found[0] + 1 if found else 0

    def fill(self, first: int, rows: Iterable[Written]) -> None:
        """Enter entries as they are written, numbered from the first one."""
        numbered = ((number, *row) for number, row in enumerate(rows, first))
        self.connection.executemany("INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?)", numbered)

    def changed(self) -> list[int]:
        """Give the numbers of what has changed since the last saving."""
        return [number for (number,) in self.connection.execute("SELECT number FROM changed")]

    def save(self, contents: Iterable[tuple[str, bytes]]) -> None:
        """Save sets and orders, by name, in the place of those that were saved before."""
        self.connection.execute("DELETE FROM saved")
        self.connection.execute("DELETE FROM changed")
        self.connection.executemany("INSERT INTO saved VALUES (?, ?)", contents)

    def saved(self) -> Iterator[tuple[str, bytes]]:
        """Give what was saved, by name."""
        return self.connection.execute("SELECT name, content FROM saved")


_CHUNK = 4096
_FEW = 5  # times the square root of all: so many are sorted rather than looked for

Numbers = np.ndarray[tuple[int], np.dtype[np.uint32]]
Key = tuple[str, str]
"""What an order goes by: a text, and the IRI."""


@dataclass
class Order:
    """An order of entries by a text of their rows on the shelf, and then by their IRIs."""

    shelf: Shelf
    text: Callable[[Row], str]
    numbers: Numbers = field(default_factory=lambda: np.zeros(0, np.uint32))
    _ranks: Numbers | None = None

    def key(self, number: int) -> Key:
        """Give what an entry is sorted by."""
        row = self.shelf.row(number)
        assert row, number
        return self.text(row), row.iri

    def add(self, number: int) -> None:
        """Put an entry, whose key is known, into its place."""
        place = self.place(self.key(number))
        self.numbers = np.insert(self.numbers, place, number)
        self._ranks = None

    def discard(self, number: int) -> None:
        """Take an entry out, while its row is still what it was."""
        place = self.place(self.key(number))
        assert self.numbers[place] == number, number
        self.numbers = np.delete(self.numbers, place)
        self._ranks = None

    def place(self, key: Key) -> int:
        """Give the place of the first entry that does not stand before the key."""
        return bisect_left(self.numbers, key, key=lambda number: self.key(int(number)))

    def after(self, found: BitMap, key: Key | None) -> Iterator[int]:
        """Give the entries of a set that stand behind a key, in order."""
        start = 0
        if key:
            start = self.place(key)
            start += bool(start < len(self.numbers) and self.key(int(self.numbers[start])) == key)
        if self._is_small(found):
            ranks = self.ranks[members(found)]
            ranks = np.sort(ranks[ranks >= start])
            yield from map(int, self.numbers[ranks])
            return
        for chunk in range(start, len(self.numbers), _CHUNK):
            yield from (n for n in self.numbers[chunk : chunk + _CHUNK].tolist() if n in found)

    def before(self, found: BitMap, key: Key | None) -> Iterator[int]:
        """Give the entries of a set that stand before a key, the last ones first."""
        end = self.place(key) if key else len(self.numbers)
        if self._is_small(found):
            ranks = self.ranks[members(found)]
            ranks = np.sort(ranks[ranks < end])[::-1]
            yield from map(int, self.numbers[ranks])
            return
        for chunk in range(end, 0, -_CHUNK):
            listed = self.numbers[max(0, chunk - _CHUNK) : chunk].tolist()
            yield from (n for n in reversed(listed) if n in found)

    @property
    def ranks(self) -> Numbers:
        """Give the place of each entry by its number."""
        if self._ranks is None:
            size = int(self.numbers.max()) + 1 if len(self.numbers) else 0
            self._ranks = np.zeros(size, np.uint32)
            self._ranks[self.numbers] = np.arange(len(self.numbers), dtype=np.uint32)
        return self._ranks

    def _is_small(self, found: BitMap) -> bool:
        return len(found) < _FEW * math.sqrt(len(self.numbers))


def texts(kind: Kind, languages: Sequence[str]) -> dict[str, Callable[[Row], str]]:
    """Give by what entries are sorted: titles for readers of each language, and single fields."""
    titles = {f"{TITLE}@{tag}": _title(tag, languages) for tag in languages}
    return titles | {field.key: _field(field.key) for field in kind.single}


def sort(orders: Iterable[Order], iris: Sequence[str], columns: Iterable[Sequence[str]]) -> None:
    """Put entries numbered from 0 into orders, each by its texts and then by IRIs."""
    listed = list(columns)
    by_iri = np.array(sorted(range(len(iris)), key=iris.__getitem__), np.uint32)
    ranks = {text: rank for rank, text in enumerate(sorted(set().union(*listed)))}
    for order, column in zip(orders, listed, strict=True):
        placed = np.fromiter(map(ranks.__getitem__, column), np.uint32, len(column))
        order.numbers = by_iri[np.argsort(placed[by_iri], kind="stable")]


def _title(language: str, languages: Sequence[str]) -> Callable[[Row], str]:
    wished = preferring(language, languages)

    def title(row: Row) -> str:
        for tag in wished:
            if tag in row.titles:
                return row.titles[tag]
        return ""

    return title


def _field(key: str) -> Callable[[Row], str]:
    return lambda row: row.keys.get(key, "")
