"""Where tokens stand in the sequences of entries, by which phrases are found among a million.

The places of a token are kept in order, a block of entries at a time: those of the next token of a
phrase are one more. They stay as they were when they were filled. Entries that have changed since
are `loose`, as are those with more tokens than have places; what is told here of them is not so.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from pyroaring import BitMap

from .analysis import Numbers
from .bitmaps import bitmap
from .gathering import BLOCK, LONGEST
from .ranking import Tier

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
        connection.create_function("sorted", 2, _sorted, deterministic=True)
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


def _sorted(positions: bytes, others: bytes) -> bytes:
    return _ordered([positions, others]).tobytes()
