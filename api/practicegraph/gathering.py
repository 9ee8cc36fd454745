"""Tokens of many entries, gathered into sets of entries, and of places: for each token and place.

Where a token stands is told by the entry's place in its block, in the first 16 bits, and by the
place in the entry's sequence, in the last 16.
"""

from array import array
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from pyroaring import BitMap

from .analysis import BREAK, PLACES, Column

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
