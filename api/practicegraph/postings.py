"""Which entries have which token, and in which place: one bitmap for each, in an SQLite database.

A bitmap stands in blocks of 65,536 entries. Writing one entry changes more than a hundred of them,
so what came and went is first written down beside them, and merged into them at a quiet moment;
every answer takes account of it.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from pyroaring import BitMap

from .ranking import Tier

Tokens = Mapping[Tier, set[str]]
"""The tokens of an entry by the places where they stand."""

_TABLES = """
CREATE TABLE IF NOT EXISTS text_postings (
    token TEXT NOT NULL,
    place INTEGER NOT NULL,
    block INTEGER NOT NULL,
    entries BLOB NOT NULL,
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
_AT = "SELECT entries FROM text_postings WHERE token = ? AND place = ? AND block = ?"
_CHANGE = "INSERT OR REPLACE INTO text_changes (token, place, number, came) VALUES (?, ?, ?, ?)"
_BLOCK = 16
_AT_ONCE = 1 << 14

Key = tuple[str, int, int]


class Postings:
    """The bitmaps of tokens; all is written within the transaction of the connection's owner."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        for statement in _TABLES.split(";"):
            connection.execute(statement)

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

    def fill(self, entries: Iterable[tuple[int, Tokens]]) -> None:
        """Add the tokens of many entries that have none yet."""
        waiting: dict[Tier, dict[str, list[int]]] = {place: defaultdict(list) for place in Tier}
        for count, (number, tokens) in enumerate(entries, 1):
            for place, here in tokens.items():
                numbers = waiting[place]
                for token in here:
                    numbers[token].append(number)
            if count % _AT_ONCE == 0:
                self._add(waiting)
        self._add(waiting)

    def clear(self) -> None:
        """Take everything out."""
        for table in ("text_postings", "text_changes"):
            self._connection.execute(f"DELETE FROM {table}")  # noqa: S608

    def merge(self) -> None:
        """Bring the bitmaps up to date with all changes."""
        gone: dict[Key, list[int]] = {}
        come: dict[Key, list[int]] = {}
        query = "SELECT token, place, number, came FROM text_changes"
        for token, place, number, came in self._connection.execute(query):
            changed = come if came else gone
            changed.setdefault((token, place, number >> _BLOCK), []).append(number)
        self._write(come, gone)
        self._connection.execute("DELETE FROM text_changes")

    def changes(self) -> int:
        """Count the changes that wait to be merged."""
        (count,) = self._connection.execute("SELECT count(*) FROM text_changes").fetchone()
        return int(count)

    def _add(self, waiting: Mapping[Tier, dict[str, list[int]]]) -> None:
        come: dict[Key, list[int]] = defaultdict(list)
        for place, by_token in waiting.items():
            for token, numbers in by_token.items():
                for block, inside in _in_blocks(numbers):
                    come[token, place, block] += inside
            by_token.clear()
        self._write(come, {})

    def _write(self, come: Mapping[Key, list[int]], gone: Mapping[Key, list[int]]) -> None:
        keys = sorted(come.keys() | gone.keys())
        rows = ((*key, self._joined(key, come.get(key), gone.get(key))) for key in keys)
        self._connection.executemany(_PUT, rows)
        self._connection.execute("DELETE FROM text_postings WHERE entries = ?", (_NOTHING,))

    def _joined(self, key: Key, come: list[int] | None, gone: list[int] | None) -> bytes:
        row = self._connection.execute(_AT, key).fetchone()
        before = BitMap.deserialize(row[0]) if row else BitMap()
        return ((before - BitMap(gone or ())) | BitMap(come or ())).serialize()

    def _gathered(self, condition: str, values: list[str]) -> dict[Tier, BitMap]:
        changes = self._changes(condition, values)
        found: dict[int, list[BitMap]] = defaultdict(list)
        query = f"SELECT token, place, entries FROM text_postings WHERE {condition}"  # noqa: S608
        for token, place, entries in self._connection.execute(query, values):
            gone, _ = changes.get((token, place), _UNCHANGED)
            kept = BitMap.deserialize(entries)
            found[place].append(kept - BitMap(gone) if gone else kept)
        for (_, place), (_, came) in changes.items():
            found[place].append(BitMap(came))
        return {Tier(place): BitMap.union(*sets) for place, sets in found.items()}

    def _changes(
        self, condition: str, values: list[str]
    ) -> dict[tuple[str, int], tuple[list[int], list[int]]]:
        """Give by token and place the entries from which it is gone, and to which it came."""
        changes: dict[tuple[str, int], tuple[list[int], list[int]]] = {}
        query = f"SELECT token, place, number, came FROM text_changes WHERE {condition}"  # noqa: S608
        for token, place, number, came in self._connection.execute(query, values):
            changes.setdefault((token, place), ([], []))[came].append(number)
        return changes


_NOTHING = BitMap().serialize()
_UNCHANGED: tuple[list[int], list[int]] = ([], [])


def _in_blocks(numbers: list[int]) -> Iterator[tuple[int, list[int]]]:
    first, last = min(numbers) >> _BLOCK, max(numbers) >> _BLOCK
    for block in range(first, last + 1):
        if inside := [number for number in numbers if number >> _BLOCK == block]:
            yield block, inside
