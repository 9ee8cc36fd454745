"""Tokens of entries in the order of their texts, by which phrases are found.

Each token has a number, and each entry a sequence of them in every place. A phrase is looked for in
many sequences at once, laid one after another.
"""

import json
import sqlite3
from collections.abc import Iterator, Sequence

import numpy as np
from pyroaring import BitMap

from .analysis import BREAK, PLACES, Analysed, Column, Numbers
from .ranking import Tier

_AT_ONCE = 10_000  # entries
_COLUMNS = ", ".join(place.name.lower() for place in PLACES)
_TABLES = f"""
CREATE TABLE IF NOT EXISTS text_tokens (number INTEGER PRIMARY KEY, token TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS text_sequences (
    number INTEGER PRIMARY KEY, {", ".join(f"{p.name.lower()} BLOB NOT NULL" for p in PLACES)}
)
"""
_LISTED = "number IN (SELECT value FROM json_each(?))"
_NUMBER = "SELECT number FROM text_tokens WHERE token = ?"
_NUMBERS = "SELECT number, token FROM text_tokens WHERE token IN (SELECT value FROM json_each(?))"
_NAMES = f"SELECT token FROM text_tokens WHERE {_LISTED}"  # noqa: S608
_BETWEEN = "SELECT number FROM text_tokens WHERE token >= ? AND token < ? LIMIT ?"
_ENTER = "INSERT INTO text_tokens (token) VALUES (?)"
_ADD = f"INSERT INTO text_sequences (number, {_COLUMNS}) VALUES (?{', ?' * len(PLACES)})"  # noqa: S608
_HAD = f"SELECT {_COLUMNS} FROM text_sequences WHERE number = ?"  # noqa: S608
_REMOVE = "DELETE FROM text_sequences WHERE number = ?"


class Tokens(dict[str, int]):
    """The numbers of tokens, as far as they were asked for; good until the transaction ends."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__({"": BREAK})
        self._connection = connection
        self.names: dict[int, str] = {}

    def columns(self, analysed: Analysed) -> list[Column]:
        """Give the tokens of entries by the numbers that are kept; those without one get one."""
        names = ("", *analysed.names)
        self._look_up([name for name in names if name not in self])
        if missing := [name for name in names if name not in self]:
            self._connection.executemany(_ENTER, ((name,) for name in missing))
            self._look_up(missing)
        numbers = np.fromiter(map(self.__getitem__, names), np.uint32, len(names))
        return [Column(numbers[column.tokens], column.lengths) for column in analysed.columns]

    def _look_up(self, tokens: Sequence[str]) -> None:
        for number, token in self._connection.execute(_NUMBERS, (json.dumps(tokens),)):
            self[token], self.names[number] = number, token


class Sequences:
    """The sequences of entries by their numbers, in an SQLite database that is given."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        for statement in _TABLES.split(";"):
            connection.execute(statement)

    def fill(self, first: int, columns: Sequence[Column]) -> None:
        """Add entries, numbered from the first one."""
        numbers = range(first, first + len(columns[0].lengths))
        rows = zip(numbers, *map(_pieces, columns), strict=True)
        self._connection.executemany(_ADD, rows)

    def remove(self, number: int) -> dict[Tier, set[str]]:
        """Take an entry out, if it is there, and give the tokens that it had."""
        had = self._connection.execute(_HAD, (number,)).fetchone()
        self._connection.execute(_REMOVE, (number,))
        return {place: self._names(some) for place, some in zip(PLACES, had or (), strict=False)}

    def numbers(self, token: str) -> Numbers:
        """Give the number of a token; none where no text has had it."""
        return self._array(_NUMBER, token)

    def beginning(self, start: str, end: str, most: int) -> Numbers:
        """Give the numbers of the tokens from the start to before the end, up to so many."""
        return self._array(_BETWEEN, start, end, most)

    def having(self, place: Tier, entries: BitMap, phrase: Sequence[Numbers]) -> BitMap:
        """Give those of the entries in whose place tokens of a phrase stand one after another.

        A phrase has for each of its places the tokens that may stand there.
        """
        found = BitMap()
        for number in range(0, len(entries), _AT_ONCE):
            rows = self._rows(place, entries[number : number + _AT_ONCE])
            found.update(_having(rows, phrase))
        return found

    def _rows(self, place: Tier, entries: BitMap) -> list[tuple[int, bytes]]:
        query = f"SELECT number, {place.name.lower()} FROM text_sequences WHERE {_LISTED}"  # noqa: S608
        return self._connection.execute(query, (json.dumps(list(entries)),)).fetchall()

    def _names(self, sequence: bytes) -> set[str]:
        numbers = set(np.frombuffer(sequence, np.uint32).tolist())
        return {name for (name,) in self._connection.execute(_NAMES, (json.dumps([*numbers]),))}

    def _array(self, query: str, *values: str | int) -> Numbers:
        rows = self._connection.execute(query, values)
        return np.array([number for (number,) in rows], np.uint32)


def _pieces(column: Column) -> Iterator[bytes]:
    """Give the tokens of each entry as they are kept."""
    everything = column.tokens.tobytes()
    ends = (np.cumsum(column.lengths) * column.tokens.itemsize).tolist()
    for start, end in zip([0, *ends], ends, strict=False):
        yield everything[start:end]


def _having(rows: Sequence[tuple[int, bytes]], phrase: Sequence[Numbers]) -> list[int]:
    """Give the numbers of the rows in which a phrase stands."""
    between = np.uint32(BREAK).tobytes()
    tokens = np.frombuffer(between.join(sequence for _, sequence in rows), np.uint32)
    last = len(tokens) - len(phrase) + 1
    if last <= 0:
        return []
    met = np.ones(last, np.bool_)
    for shift, wanted in enumerate(phrase):
        met &= _are(tokens[shift : shift + last], wanted)
    sizes = [len(sequence) // tokens.itemsize + 1 for _, sequence in rows]
    places = np.searchsorted(np.cumsum(sizes), np.flatnonzero(met), side="right")
    return [rows[place][0] for place in np.unique(places).tolist()]


def _are(tokens: Numbers, wanted: Numbers) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    return tokens == wanted[0] if len(wanted) == 1 else np.isin(tokens, wanted)
