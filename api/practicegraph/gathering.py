"""Tokens of many entries, gathered into sets of entries: one for each token and place."""

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count

import numpy as np
from pyroaring import BitMap

from .ranking import Tier

Columns = Mapping[Tier, Sequence[str]]
"""The tokens of an entry by place, in the order of its text, each as often as it stands there."""
Key = tuple[str, int, int]
"""A token, a place and a block."""
Sets = Mapping[Key, BitMap]
"""Entries by key."""

BLOCK = 16
"""How many bits of an entry's number say its place in a block: blocks are of 65,536 entries."""
_LAST = (1 << BLOCK) - 1


class Gathered:
    """Tokens of many entries as numbers, which are sorted at once."""

    def __init__(self, entries: Iterable[tuple[int, Columns]]) -> None:
        self._ids: dict[str, int] = defaultdict(count().__next__)
        self._numbers = array("I")
        self._tokens = {place: array("I") for place in Tier}
        self._lengths = {place: array("I") for place in Tier}
        for number, tokens in entries:
            self._numbers.append(number)
            for place in Tier:
                here = tokens.get(place, ())
                self._tokens[place].extend(map(self._ids.__getitem__, here))
                self._lengths[place].append(len(here))

    def __len__(self) -> int:
        return len(self._numbers)

    def sets(self) -> dict[Key, BitMap]:
        """Give the entries by token, place and block."""
        names = list(self._ids)
        return {
            (names[key >> BLOCK], int(place), key & _LAST): entries
            for place in Tier
            for key, entries in self._sorted(place)
        }

    def _sorted(self, place: Tier) -> Iterator[tuple[int, BitMap]]:
        """Give the entries by the number of the token, and by block in its last bits."""
        tokens = np.array(self._tokens[place], np.uint64)
        numbers = np.repeat(np.array(self._numbers, np.uint64), self._lengths[place])
        pairs = np.sort(tokens << 32 | numbers)
        keys = pairs >> BLOCK
        starts = np.flatnonzero(np.diff(keys, prepend=keys[:1] + 1))
        entries = array("I", (pairs & 0xFFFFFFFF).astype(np.uint32).tobytes())
        ends = [*starts[1:].tolist(), len(entries)]
        for key, start, end in zip(keys[starts].tolist(), starts.tolist(), ends, strict=False):
            yield key, BitMap(entries[start:end])
