"""Sets of numbers as roaring bitmaps, made of arrays and turned into them.

Tokens of many entries, gathered into sets of entries, and of places: for each token and place.

Where a token stands is told by the entry's place in its block, in the first 16 bits, and by the
place in the entry's sequence, in the last 16.

Where tokens stand in the sequences of entries, by which phrases are found among a million.

The places of a token are kept in order, a block of entries at a time: those of the next token of a
phrase are one more. They stay as they were when they were filled. Entries that have changed since
are `loose`, as are those with more tokens than have places; what is told here of them is not so.

Which entries have which token, and in which place: one bitmap for each, in an SQLite database.

A bitmap stands in blocks of 65,536 entries; one of a single entry is that entry's number. Writing
one entry changes more than a hundred of them, so what came and went is first written down beside
them, and merged into them at a quiet moment; every answer takes account of it.
"""

import sqlite3
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from pyroaring import BitMap

from .analysis import BREAK, PLACES, Column, Numbers, Tier


def bitmap(numbers: "np.ndarray[tuple[int], np.dtype[np.integer]]") -> BitMap:
    """Give numbers as a set."""
    return BitMap(array("I", numbers.astype(np.uint32).tobytes()))


def members(found: BitMap) -> "np.ndarray[tuple[int], np.dtype[np.uint32]]":
    """Give the numbers of a set in order."""
    return np.frombuffer(found.to_array(), dtype=np.uint32)


Kept = int | bytes
"""A set of entries as it is kept: of a single one its number, else a bitmap."""

BLOCK = 16
"""How many bits of an entry's number say its place in a block: blocks are of 65,536 entries."""
LONGEST = 1 << 16
"""So many tokens of a sequence have positions of their own."""
_BLOCKS = 8
_LAST = (1 << BLOCK + _BLOCKS) - 1
"""The greatest number that an entry may have."""
_BITS, _SHIFT = np.uint64(BLOCK), np.uint64(2 * BLOCK + _BLOCKS)
_Pairs = np.ndarray[tuple[int], np.dtype[np.uint64]]


class Stand(NamedTuple):
    """Where a token stands, by its number: the entries of a block, and in order its positions."""

    token: int
    place: int
    block: int
    entries: Kept
    positions: bytes


class Gathered:
    """Tokens of many entries as numbers, which are sorted at once."""

    def __init__(self) -> None:
        self.count = 0
        """How many entries there are."""
        self._stands: dict[int, list[_Pairs]] = {place: [] for place in PLACES}

    def add(self, first: int, columns: Sequence[Column]) -> list[int]:
        """Add entries, numbered from the first one, with their tokens in each place.

        Gives those that have more tokens than have positions.
        """
        count = len(columns[0].lengths)
        assert first + count <= _LAST, first
        for stands, column in zip(self._stands.values(), columns, strict=True):
            starts = np.cumsum(column.lengths) - column.lengths
            within = np.arange(len(column.tokens)) - np.repeat(starts, column.lengths)
            within = np.minimum(within, LONGEST - 1).astype(np.uint64)
            numbers = np.arange(first, first + count, dtype=np.uint64)
            tokens = column.tokens.astype(np.uint64)
            here = tokens << _SHIFT | np.repeat(numbers << _BITS, column.lengths) | within
            stands.append(here[column.tokens != BREAK])
        self.count += count
        longest = np.max([column.lengths for column in columns], axis=0)
        return (first + np.flatnonzero(longest > LONGEST)).tolist()

    def stands(self) -> Iterator[Stand]:
        """Give where tokens stand, and let them go."""
        for place, stands in self._stands.items():
            found = np.concatenate(stands) if stands else np.zeros(0, np.uint64)
            stands.clear()
            yield from _sorted(place, found)
        self.count = 0


def kept(entries: BitMap) -> Kept:
    """Give a set of entries as it is kept."""
    return entries[0] if len(entries) == 1 else entries.serialize()


def _sorted(place: int, stands: _Pairs) -> Iterator[Stand]:
    stands.sort(kind="stable")  # entries come in order, so most of it is sorted
    positions = stands.astype(np.uint32).tobytes()
    begun = _begun(stands >> _BITS)
    entries = stands[begun] >> _BITS
    keys = entries >> _BITS
    firsts = _begun(keys)
    numbers = array("I", (entries & _LAST).astype(np.uint32).tobytes())
    ends = [*firsts[1:].tolist(), len(numbers)]
    marks = [*(4 * begun[firsts]).tolist(), len(positions)]
    for number, key in enumerate(keys[firsts].tolist()):
        those = numbers[firsts[number] : ends[number]]
        yield Stand(
            key >> _BLOCKS,
            place,
            key & (1 << _BLOCKS) - 1,
            those[0] if len(those) == 1 else BitMap(those).serialize(),
            positions[marks[number] : marks[number + 1]],
        )


def _begun(values: _Pairs) -> "np.ndarray[tuple[int], np.dtype[np.intp]]":
    """Give where values in order begin to be others."""
    return np.flatnonzero(np.diff(values, prepend=values[:1] + 1))


Blocks = Mapping[int, Numbers]
"""Positions in order, by block."""

_TABLES = """
CREATE TABLE IF NOT EXISTS text_positions (
    token TEXT NOT NULL,
    place INTEGER NOT NULL,
    block INTEGER NOT NULL,
    positions BLOB NOT NULL,
    PRIMARY KEY (token, place, block)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS text_loose (number INTEGER PRIMARY KEY)
"""
_ADD = """
INSERT INTO text_positions (token, place, block, positions) VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET positions = sorted(positions, excluded.positions)
"""
_OF = "SELECT block, positions FROM text_positions WHERE place = ? AND "
_LOOSEN = "INSERT OR IGNORE INTO text_loose VALUES (?)"


class Positions:
    """The positions of tokens, in an SQLite database that is given."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        connection.create_function("sorted", 2, _positions_sorted, deterministic=True)
        for statement in _TABLES.split(";"):
            connection.execute(statement)

    def fill(self, rows: Iterable[tuple[str, int, int, bytes]]) -> None:
        """Add positions by token, place and block."""
        self._connection.executemany(_ADD, rows)

    def loosen(self, numbers: Iterable[int]) -> None:
        """Take note of entries of which what is told here is no longer so."""
        self._connection.executemany(_LOOSEN, ((number,) for number in numbers))

    def loose(self) -> BitMap:
        """Give those of which what is told here is not so."""
        rows = self._connection.execute("SELECT number FROM text_loose")
        return BitMap([number for (number,) in rows])

    def of(self, place: Tier, tokens: Sequence[str]) -> Blocks:
        """Give the positions of any of the tokens."""
        return self._read(place, f"token IN ({', '.join('?' * len(tokens))})", tokens)

    def beginning(self, place: Tier, start: str, end: str) -> Blocks:
        """Give the positions of any token from the start to before the end."""
        return self._read(place, "token >= ? AND token < ?", [start, end])

    def _read(self, place: Tier, condition: str, values: Sequence[str]) -> Blocks:
        found: dict[int, list[bytes]] = defaultdict(list)
        for block, positions in self._connection.execute(_OF + condition, (int(place), *values)):
            found[block].append(positions)
        return {block: _ordered(parts) for block, parts in found.items()}


def standing(steps: Sequence[Blocks]) -> BitMap:
    """Give the entries in which positions of each step stand behind those of the one before."""
    found = BitMap()
    for block in set(steps[0]).intersection(*steps[1:]):
        starts = _starts([step[block] for step in steps])
        found |= bitmap(starts >> BLOCK | np.uint32(block << BLOCK))
    return found


def either(some: Blocks, others: Blocks) -> Blocks:
    """Give the positions of both."""
    both = {block: np.concatenate([some[block], others[block]]) for block in {*some} & {*others}}
    return {**some, **others, **{block: np.sort(positions) for block, positions in both.items()}}


def _starts(steps: Sequence[Numbers]) -> Numbers:
    """Give where phrases start, looked for from the rarest of their tokens."""
    shift = min(range(len(steps)), key=lambda step: len(steps[step]))
    within = steps[shift] & np.uint32(LONGEST - 1)
    is_inside = (within >= shift) & (within + len(steps) - shift <= LONGEST)
    found = steps[shift][is_inside] - np.uint32(shift)
    for number, positions in enumerate(steps):
        wanted = found + np.uint32(number)
        places = np.minimum(np.searchsorted(positions, wanted), len(positions) - 1)
        found = found[positions[places] == wanted]
    return found


def _ordered(parts: Sequence[bytes]) -> Numbers:
    found = np.frombuffer(b"".join(parts), np.uint32)
    return found if len(parts) == 1 else np.sort(found)


def _positions_sorted(positions: bytes, others: bytes) -> bytes:
    return _ordered([positions, others]).tobytes()


Tokens = Mapping[Tier, set[str]]
"""The tokens of an entry by the places where they stand."""
Key = tuple[str, int, int]
"""A token, a place and a block."""
Sets = Mapping[Key, BitMap]
"""Entries by key."""

_POSTINGS_TABLES = """
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
_POSTINGS_ADD = """
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
        self._connection.executemany(_POSTINGS_ADD, rows)

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
        for statement in _POSTINGS_TABLES.split(";"):
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
