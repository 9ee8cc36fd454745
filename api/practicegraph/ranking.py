"""Which of the entries that have all that is wanted come first, and why.

For each wanted thing an entry has the points of the best place in which it has it: 8, 7, 6 and 5
where the thing stands whole in a title, a summary, a concept's label or any other text, and 4, 3, 2
and 1 where a word only begins with it. Their sum is the entry's rank. Sums of whole numbers are
exact, and a reader can add them up. Why rarity (BM25) has no part in it is in api/search.md.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import reduce
from operator import or_

from pyroaring import BitMap

from .kinds import Field


class Tier(IntEnum):
    """Where words stand, the best place last."""

    OTHER = 1
    LABEL = 2
    SUMMARY = 3
    TITLE = 4


Places = Mapping[Tier, BitMap]
"""Entries by the places in which they have something; not to be changed."""


@dataclass(frozen=True)
class Match:
    """The entries that have one wanted thing: whole, or as the beginning of a word."""

    whole: Places = field(default_factory=dict)
    begun: Places = field(default_factory=dict)

    @property
    def entries(self) -> BitMap:
        """Give all entries that have it."""
        return _united((*self.whole.values(), *self.begun.values()))

    def with_labels(self, whole: BitMap, begun: BitMap) -> "Match":
        """Give the match with the entries that have it in the label of a concept."""
        return Match({**self.whole, Tier.LABEL: whole}, {**self.begun, Tier.LABEL: begun})

    def levels(self) -> Iterator[tuple[int, BitMap]]:
        """Give the points with the entries that have them at the best, the most points first."""
        seen = BitMap()
        for points, entries in sorted(self._by_points(), key=lambda level: -level[0]):
            if fresh := entries - seen:
                yield points, fresh
                seen |= fresh

    def _by_points(self) -> Iterator[tuple[int, BitMap]]:
        yield from ((tier + max(Tier), entries) for tier, entries in self.whole.items())
        yield from ((int(tier), entries) for tier, entries in self.begun.items())


def tier(searched: Field) -> Tier:
    """Give the place that a field is, by its role and its values."""
    if searched.scheme:
        return Tier.LABEL
    roles = {"LabelRole": Tier.TITLE, "DescriptionRole": Tier.SUMMARY}
    return roles.get(searched.role, Tier.OTHER)


def found(matches: Iterable[Match], universe: BitMap) -> BitMap:
    """Give the entries of the universe that have all that is wanted."""
    return reduce(BitMap.__and__, (match.entries for match in matches), universe)


def ranked(matches: Sequence[Match], universe: BitMap) -> list[tuple[int, BitMap]]:
    """Give the entries of the universe that have all that is wanted by points, the most first."""
    left = found(matches, universe)
    sums = {0: left} if left else {}
    for match in matches:
        raised: dict[int, BitMap] = {}
        levels = [(points, entries & left) for points, entries in match.levels()]
        for points, entries in levels:
            for total, those in sums.items():
                if both := those & entries:
                    raised[total + points] = raised.get(total + points, BitMap()) | both
        sums = raised
    return sorted(sums.items(), reverse=True, key=lambda rank: rank[0])


def _united(sets: Iterable[BitMap]) -> BitMap:
    return reduce(or_, sets, BitMap())
