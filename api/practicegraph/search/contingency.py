"""Contingency tables: how many entries have each value of one facet and each of another.

Two sets out of a million entries take microseconds to intersect even if one is small, and two
facets have thousands of pairs of values. So only the large sets are intersected with all others;
small ones are turned about, and what they share is counted a row at a time. Nothing is kept for the
next table, so that none has a change to follow.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from pyroaring import BitMap

from ..rdf.terms import Term
from .engine import Coverage
from .text.postings import bitmap, members

_LARGE = 1 / 16
"""The share of all entries from which on a roaring bitmap is kept as bits, soon intersected."""
_ROWS, _COLUMNS = 16, 32
"""How many small sets there are on each side at least, where turning them about is repaid."""
_WIDTH = 4
"""How many places a row of a layer has: most entries have fewer rare values."""

Sets = Mapping[Term | None, BitMap]
Counted = Sequence[tuple[Term | None, int]]
Places = np.ndarray[tuple[int, int], np.dtype[np.integer]]


def table(left: BitMap, rows: Sets, columns: Sets) -> Coverage:
    """Count the entries that are left by the values of two facets, given with their sets."""
    by_row, by_column = (
        {value: inside for value, found in sets.items() if (inside := found & left)}
        for sets in (rows, columns)
    )
    cells = {
        (row, column): count
        for row, counted in _counted(left, by_row, by_column, columns)
        for column, count in counted
        if count
    }
    return Coverage(len(left), _sizes(by_row), _sizes(by_column), cells)


def _counted(
    left: BitMap, rows: Sets, columns: Sets, whole: Sets
) -> Iterator[tuple[Term | None, Counted]]:
    """Give for each row how many of its entries are in each column.

    A row is intersected with whole columns: what is left of one may be no bits any more.
    """
    least = _LARGE * (left.max() + 1) if left else 0
    turned = _Turned(_worth_turning(least, rows, columns))
    every = {value: whole[value] for value in columns}
    others = {value: found for value, found in every.items() if value not in turned.sets}
    for row, inside in rows.items():
        if len(inside) < least:
            yield row, [*_intersected(inside, others), *turned.counted(inside)]
        else:
            yield row, _intersected(inside, every)


def _worth_turning(least: float, rows: Sets, columns: Sets) -> Sets:
    """Give the small columns, or none where they are few, or few rows are small."""
    small = {value: found for value, found in columns.items() if len(found) < least}
    is_repaid = sum(len(found) < least for found in rows.values()) >= _ROWS
    return small if is_repaid and len(small) >= _COLUMNS else {}


def _intersected(inside: BitMap, sets: Sets) -> Counted:
    return [(value, inside.intersection_cardinality(found)) for value, found in sets.items()]


def _sizes(sets: Sets) -> dict[Term | None, int]:
    return {value: len(found) for value, found in sets.items()}


@dataclass(frozen=True)
class _Layer:
    """The places of sets in which entries are: for each number a row, which zeros fill up."""

    entries: BitMap
    places: Places


@dataclass(frozen=True)
class _Turned:
    """Sets turned about when first asked for: the places, from 1 on, of those an entry is in."""

    sets: Sets

    def counted(self, inside: BitMap) -> Counted:
        """Give how many of some entries are in each set."""
        counts = np.zeros(len(self.sets) + 1, np.intp)
        for layer in self._layers:
            numbers = members(layer.entries & inside)
            counts += np.bincount(layer.places.take(numbers, 0).ravel(), minlength=len(counts))
        return list(zip(self.sets, counts[1:].tolist(), strict=True))

    @cached_property
    def _layers(self) -> Sequence[_Layer]:
        """Give one layer, and further ones for entries that are in more sets than it has room."""
        layers = []
        waiting = list(enumerate(self.sets.values(), 1))
        while waiting:
            layer, waiting = self._layer(waiting)
            layers.append(layer)
        return layers

    def _layer(self, sets: Sequence[tuple[int, BitMap]]) -> tuple[_Layer, list[tuple[int, BitMap]]]:
        """Give a layer of sets with their places, and those that it had no room for."""
        entries = BitMap.union(BitMap(), *(found for _, found in sets))
        height = entries.max() + 1
        places = np.zeros(height * _WIDTH, np.min_scalar_type(len(self.sets)))
        filled = np.zeros(height, np.uint8)
        waiting = []
        for place, found in sets:
            numbers = members(found).astype(np.intp)
            used = filled.take(numbers)
            if (full := used == _WIDTH).any():
                waiting.append((place, bitmap(numbers[full])))
                numbers, used = numbers[~full], used[~full]
            places[numbers * _WIDTH + used] = place
            filled[numbers] = used + 1
        return _Layer(entries, places.reshape(height, _WIDTH)), waiting
