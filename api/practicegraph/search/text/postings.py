"""Postings: which entries have a token, by tier, as roaring bitmaps in SQLite.

A bitmap covers a block of 65,536 entries; one of a single entry is stored as that entry's number.
A write changes more than a hundred bitmaps, so its changes are stored beside them and merged
later; every query takes them into account.
"""

import sqlite3
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice

import numpy as np
from pyroaring import BitMap

from .analysis import TEXT_TIERS, AnalysedTexts, Tier
from .tokenizer import prefix_range

MAX_PREFIX_ROWS = 100_000
"""The bitmaps that are read for a prefix, in order of tokens: 0.1 s of work."""
_BLOCK_BITS = 16
_BATCHES_AT_ONCE = 64  # of about 1,000 entries
_TABLES = (
    """
    CREATE TABLE IF NOT EXISTS text_postings (
        token TEXT NOT NULL,
        tier INTEGER NOT NULL,
        block INTEGER NOT NULL,
        entries NOT NULL,
        PRIMARY KEY (token, tier, block)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE IF NOT EXISTS text_changes (
        token TEXT NOT NULL,
        tier INTEGER NOT NULL,
        number INTEGER NOT NULL,
        is_added INTEGER NOT NULL,
        PRIMARY KEY (token, tier, number)
    ) WITHOUT ROWID
    """,
)
_SELECT_BLOCK = "SELECT entries FROM text_postings WHERE token = ? AND tier = ? AND block = ?"
_REPLACE_BLOCK = "INSERT OR REPLACE INTO text_postings VALUES (?, ?, ?, ?)"
_DELETE_BLOCK = "DELETE FROM text_postings WHERE token = ? AND tier = ? AND block = ?"
_INSERT_BLOCK = """
INSERT INTO text_postings VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET entries = union_sets(entries, excluded.entries)
"""
_INSERT_CHANGE = "INSERT OR REPLACE INTO text_changes VALUES (?, ?, ?, ?)"
_SELECT_CHANGES = "SELECT token, tier, number, is_added FROM text_changes"
_NO_CHANGES: tuple[list[int], list[int]] = ([], [])

Numbers = np.ndarray[tuple[int], np.dtype[np.uint32]]
_StoredSet = int | bytes
"""The number of a single entry, or a serialized bitmap."""
_Key = tuple[str, int, int]
"""A token, a tier and a block."""


def to_bitmap(numbers: "np.ndarray[tuple[int], np.dtype[np.integer]]") -> BitMap:
    """Return the bitmap of an array of numbers."""
    return BitMap(array("I", numbers.astype(np.uint32).tobytes()))


def to_array(entries: BitMap) -> Numbers:
    """Return the numbers of a bitmap in order."""
    return np.frombuffer(entries.to_array(), dtype=np.uint32)


class Postings:
    """The postings of tokens; writes belong to the transaction of the connection's owner."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        connection.create_function("union_sets", 2, _union_stored, deterministic=True)
        for table in _TABLES:
            connection.execute(table)

    def find(self, tokens: Iterable[str]) -> dict[Tier, BitMap]:
        """Return the entries that have any of the tokens, by tier."""
        names = list(tokens)
        return self._select(f"token IN ({', '.join('?' * len(names))})", names)

    def find_prefix(self, prefix: str) -> dict[Tier, BitMap]:
        """Return the entries that have a token with the prefix, by tier."""
        return self._select("token >= ? AND token < ?", [*prefix_range(prefix)])

    def change(
        self, number: int, before: Mapping[Tier, set[str]], after: Mapping[Tier, set[str]]
    ) -> None:
        """Record that an entry has other tokens than before."""
        rows = [
            (token, tier, number, is_added)
            for tier in TEXT_TIERS
            for is_added, old, new in ((False, after, before), (True, before, after))
            for token in new.get(tier, set()) - old.get(tier, set())
        ]
        self._connection.executemany(_INSERT_CHANGE, rows)

    def add(self, batches: Iterable[tuple[int, AnalysedTexts]]) -> None:
        """Add batches of entries that have no postings yet, each with its first number."""
        remaining = iter(batches)
        for batch in remaining:
            group = chain([batch], islice(remaining, _BATCHES_AT_ONCE - 1))
            self._connection.executemany(_INSERT_BLOCK, _block_rows(group))

    def merge(self) -> None:
        """Apply the recorded changes to the bitmaps; those of 1,000 entries take about a second."""
        changes: dict[_Key, tuple[BitMap, BitMap]] = defaultdict(lambda: (BitMap(), BitMap()))
        for token, tier, number, is_added in self._connection.execute(_SELECT_CHANGES):
            changes[token, tier, number >> _BLOCK_BITS][is_added].add(number)
        for key, (removed, added) in sorted(changes.items(), key=lambda item: item[0]):
            row = self._connection.execute(_SELECT_BLOCK, key).fetchone()
            if entries := ((_from_stored(row[0]) if row else BitMap()) - removed) | added:
                self._connection.execute(_REPLACE_BLOCK, (*key, _to_stored(entries)))
            else:
                self._connection.execute(_DELETE_BLOCK, key)
        self._connection.execute("DELETE FROM text_changes")

    def _select(self, condition: str, values: list[str]) -> dict[Tier, BitMap]:
        changes = self._changes(condition, values)
        sets: dict[int, list[BitMap]] = defaultdict(list)
        singles: dict[int, list[int]] = defaultdict(list)
        query = f"SELECT token, tier, entries FROM text_postings WHERE {condition} LIMIT ?"  # noqa: S608
        for token, tier, entries in self._connection.execute(query, (*values, MAX_PREFIX_ROWS)):
            removed, _ = changes.get((token, tier), _NO_CHANGES) if changes else _NO_CHANGES
            if removed:
                sets[tier].append(_from_stored(entries) - BitMap(removed))
            elif isinstance(entries, int):
                singles[tier].append(entries)
            else:
                sets[tier].append(BitMap.deserialize(entries))
        for (_, tier), (_, added) in changes.items():
            singles[tier] += added
        return _union_by_tier(sets, singles)

    def _changes(
        self, condition: str, values: list[str]
    ) -> dict[tuple[str, int], tuple[list[int], list[int]]]:
        """Return by token and tier the entries that lost it and those that gained it."""
        changes: dict[tuple[str, int], tuple[list[int], list[int]]] = {}
        query = f"{_SELECT_CHANGES} WHERE {condition}"
        for token, tier, number, is_added in self._connection.execute(query, values):
            changes.setdefault((token, tier), ([], []))[is_added].append(number)
        return changes


def _block_rows(batches: Iterable[tuple[int, AnalysedTexts]]) -> Iterator[tuple[object, ...]]:
    """Yield the rows of batches in the order of the table."""
    numbers: dict[tuple[str, int], array[int]] = defaultdict(lambda: array("I"))
    for first, batch in batches:
        for tier, postings in batch.postings.items():
            value = int(tier)  # hashed many times faster than the member
            for token, positions in postings.items():
                numbers[token, value].extend([first + position for position in positions])
    for token, value in sorted(numbers):
        for block, entries in _blocks(BitMap(numbers[token, value])):
            yield token, value, block, _to_stored(entries)


def _blocks(entries: BitMap) -> Iterator[tuple[int, BitMap]]:
    """Yield the parts of a bitmap that lie in one block each."""
    first, last = entries.min() >> _BLOCK_BITS, entries.max() >> _BLOCK_BITS
    if first == last:
        yield first, entries
        return
    for block in range(first, last + 1):
        if part := entries & BitMap(range(block << _BLOCK_BITS, block + 1 << _BLOCK_BITS)):
            yield block, part


def _to_stored(entries: BitMap) -> _StoredSet:
    return entries[0] if len(entries) == 1 else entries.serialize()


def _from_stored(entries: _StoredSet) -> BitMap:
    return BitMap([entries]) if isinstance(entries, int) else BitMap.deserialize(entries)


def _union_stored(entries: _StoredSet, others: _StoredSet) -> _StoredSet:
    return _to_stored(_from_stored(entries) | _from_stored(others))


def _union_by_tier(
    sets: Mapping[int, list[BitMap]], singles: Mapping[int, list[int]]
) -> dict[Tier, BitMap]:
    unions = {
        tier: BitMap.union(BitMap(singles.get(tier, ())), *sets.get(tier, ()))
        for tier in TEXT_TIERS
    }
    return {tier: entries for tier, entries in unions.items() if entries}
