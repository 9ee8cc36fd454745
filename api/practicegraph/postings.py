"""Which entries have which token, and in which place: one bitmap for each, in an SQLite database.

A bitmap stands in blocks of 65,536 entries; one of a single entry is that entry's number. Writing
one entry changes more than a hundred of them, so what came and went is first written down beside
them, and merged into them at a quiet moment; every answer takes account of it.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping

from pyroaring import BitMap

from .gathering import BLOCK, Kept, kept
from .ranking import Tier

Tokens = Mapping[Tier, set[str]]
"""The tokens of an entry by the places where they stand."""
Key = tuple[str, int, int]
"""A token, a place and a block."""
Sets = Mapping[Key, BitMap]
"""Entries by key."""

_TABLES = """
CREATE TABLE IF NOT EXISTS text_postings (
    token TEXT NOT NULL,
    place INTEGER NOT NULL,
    block INTEGER NOT NULL,
    entries NOT NULL,
    PRIMARY KEY (token, place, block)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS text_changes (
    token TEXT NOT NULL,
    place INTEGER NOT NULL,
    number INTEGER NOT NULL,
    came INTEGER NOT NULL,
    PRIMARY KEY (token, place, number)
) WITHOUT ROWID
"""
_PUT = "INSERT OR REPLACE INTO text_postings (token, place, block, entries) VALUES (?, ?, ?, ?)"
_ADD = """
INSERT INTO text_postings (token, place, block, entries) VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET entries = united(entries, excluded.entries)
"""
_AT = "SELECT entries FROM text_postings WHERE token = ? AND place = ? AND block = ?"
_DROP = "DELETE FROM text_postings WHERE token = ? AND place = ? AND block = ? AND entries = ?"
_CHANGE = "INSERT OR REPLACE INTO text_changes (token, place, number, came) VALUES (?, ?, ?, ?)"

MOST = 100_000
"""How many bitmaps are read for a beginning of words, in the order of the words: 0.1 s of work."""


class Postings:
    """The bitmaps of tokens; all is written within the transaction of the connection's owner."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        connection.create_function("united", 2, _both, deterministic=True)
        self._create()

    def of(self, tokens: Iterable[str]) -> dict[Tier, BitMap]:
        """Give the entries that have any of the tokens, by place."""
        listed = list(tokens)
        return self._gathered(f"token IN ({', '.join('?' * len(listed))})", listed)

    def beginning(self, start: str, end: str) -> dict[Tier, BitMap]:
        """Give the entries that have any token from the start to before the end, by place."""
        return self._gathered("token >= ? AND token < ?", [start, end])

    def change(self, number: int, before: Tokens, after: Tokens) -> None:
        """Take note of the tokens that an entry has no longer, and of those that it has now."""
        rows = [
            (token, place, number, came)
            for place in Tier
            for came, old, new in ((0, after, before), (1, before, after))
            for token in new.get(place, set()) - old.get(place, set())
        ]
        self._connection.executemany(_CHANGE, rows)

    def fill(self, rows: Iterable[tuple[str, int, int, Kept]]) -> None:
        """Add entries by token, place and block, which have none of their tokens yet."""
        self._connection.executemany(_ADD, rows)

    def merge(self) -> None:
        """Bring the bitmaps up to date with all changes."""
        gone: dict[Key, BitMap] = defaultdict(BitMap)
        come: dict[Key, BitMap] = defaultdict(BitMap)
        query = "SELECT token, place, number, came FROM text_changes"
        for token, place, number, came in self._connection.execute(query):
            changed = come if came else gone
            changed[token, place, number >> BLOCK].add(number)
        self._write(come, gone)
        self._connection.execute("DELETE FROM text_changes")

    def _create(self) -> None:
        for statement in _TABLES.split(";"):
            self._connection.execute(statement)

    def _write(self, come: Sets, gone: Sets) -> None:
        keys = sorted(come.keys() | gone.keys())
        rows = (
            (*key, self._joined(key, come.get(key, _NONE), gone.get(key, _NONE))) for key in keys
        )
        self._connection.executemany(_PUT, rows)
        self._connection.executemany(_DROP, ((*key, _NOTHING) for key in gone))

    def _joined(self, key: Key, come: BitMap, gone: BitMap) -> Kept:
        row = self._connection.execute(_AT, key).fetchone()
        return kept(((_read(row[0]) if row else _NONE) - gone) | come)

    def _gathered(self, condition: str, values: list[str]) -> dict[Tier, BitMap]:
        changes = self._changes(condition, values)
        found: dict[int, list[BitMap]] = defaultdict(list)
        alone: dict[int, list[int]] = defaultdict(list)
        query = f"SELECT token, place, entries FROM text_postings WHERE {condition} LIMIT {MOST}"  # noqa: S608
        for token, place, entries in self._connection.execute(query, values):
            gone, _ = changes.get((token, place), _UNCHANGED) if changes else _UNCHANGED
            if gone:
                found[place].append(_read(entries) - BitMap(gone))
            elif isinstance(entries, int):
                alone[place].append(entries)
            else:
                found[place].append(BitMap.deserialize(entries))
        for (_, place), (_, came) in changes.items():
            alone[place] += came
        return _united(found, alone)

    def _changes(
        self, condition: str, values: list[str]
    ) -> dict[tuple[str, int], tuple[list[int], list[int]]]:
        """Give by token and place the entries from which it is gone, and to which it came."""
        changes: dict[tuple[str, int], tuple[list[int], list[int]]] = {}
        query = f"SELECT token, place, number, came FROM text_changes WHERE {condition}"  # noqa: S608
        for token, place, number, came in self._connection.execute(query, values):
            changes.setdefault((token, place), ([], []))[came].append(number)
        return changes


_NONE = BitMap()
_NOTHING = _NONE.serialize()
_UNCHANGED: tuple[list[int], list[int]] = ([], [])


def _read(entries: Kept) -> BitMap:
    return BitMap([entries]) if isinstance(entries, int) else BitMap.deserialize(entries)


def _both(entries: Kept, others: Kept) -> Kept:
    return kept(_read(entries) | _read(others))


def _united(
    sets: Mapping[int, list[BitMap]], numbers: Mapping[int, list[int]]
) -> dict[Tier, BitMap]:
    places = (place for place in Tier if place in sets or place in numbers)
    united = {
        place: BitMap.union(BitMap(numbers.get(place, ())), *sets.get(place, ()))
        for place in places
    }
    return {place: entries for place, entries in united.items() if entries}
