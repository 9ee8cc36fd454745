"""Contingency tables: how many entries have each value of one facet and each of another.

Intersecting two sets of a million entries takes microseconds even where one is small, and two
facets have thousands of pairs of values. So only large sets are intersected with all others; the
small ones are transposed, and counted a row at a time. Nothing is cached, so that no write has to
invalidate it. Measurements are in api/search.md.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from pyroaring import BitMap

from ..rdf.terms import Term
from .engine import ContingencyTable
from .text.postings import to_array, to_bitmap

_LARGE_SHARE = 1 / 16
"""The share of all entries above which a roaring bitmap is stored as bits, quick to intersect."""
_MIN_ROWS, _MIN_COLUMNS = 16, 32
"""The numbers of small sets on each side for which transposing takes less time."""
_LAYER_WIDTH = 4
"""The columns that a layer can hold for an entry: most entries have fewer rare values."""

ValueSets = Mapping[Term | None, BitMap]
ColumnCounts = Sequence[tuple[Term | None, int]]
Layout = np.ndarray[tuple[int, int], np.dtype[np.integer]]


def cross_tabulate(entries: BitMap, rows: ValueSets, columns: ValueSets) -> ContingencyTable:
    """Count entries by the values of two facets, given by value."""
    inside_rows, inside_columns = (
        {value: inside for value, those in sets.items() if (inside := those & entries)}
        for sets in (rows, columns)
    )
    cells = {
        (row, column): count
        for row, counts in _count_rows(entries, inside_rows, inside_columns, columns)
        for column, count in counts
        if count
    }
    return ContingencyTable(len(entries), _sizes(inside_rows), _sizes(inside_columns), cells)


def _count_rows(
    entries: BitMap, rows: ValueSets, columns: ValueSets, whole_columns: ValueSets
) -> Iterator[tuple[Term | None, ColumnCounts]]:
    """Yield for each row how many of its entries are in each column.

    A row is intersected with whole columns, since a part of one may no longer be stored as bits.
    """
    threshold = _LARGE_SHARE * (entries.max() + 1) if entries else 0
    transposed = _TransposedSets(_to_transpose(threshold, rows, columns))
    every = {value: whole_columns[value] for value in columns}
    others = {value: those for value, those in every.items() if value not in transposed.sets}
    for row, inside in rows.items():
        if len(inside) < threshold:
            yield row, [*_intersect(inside, others), *transposed.count(inside)]
        else:
            yield row, _intersect(inside, every)


def _to_transpose(threshold: float, rows: ValueSets, columns: ValueSets) -> ValueSets:
    """Return the small columns, or none where they, or the small rows, are few."""
    small = {value: those for value, those in columns.items() if len(those) < threshold}
    has_small_rows = sum(len(those) < threshold for those in rows.values()) >= _MIN_ROWS
    return small if has_small_rows and len(small) >= _MIN_COLUMNS else {}


def _intersect(inside: BitMap, sets: ValueSets) -> ColumnCounts:
    return [(value, inside.intersection_cardinality(those)) for value, those in sets.items()]


def _sizes(sets: ValueSets) -> dict[Term | None, int]:
    return {value: len(those) for value, those in sets.items()}


@dataclass(frozen=True)
class _Layer:
    """For each entry a row with the positions of its sets, from 1, filled up with zeros."""

    entries: BitMap
    layout: Layout


@dataclass(frozen=True)
class _TransposedSets:
    """Sets by entry instead of by value."""

    sets: ValueSets

    def count(self, inside: BitMap) -> ColumnCounts:
        """Return how many of some entries are in each set."""
        counts = np.zeros(len(self.sets) + 1, np.intp)
        for layer in self._layers:
            numbers = to_array(layer.entries & inside)
            counts += np.bincount(layer.layout.take(numbers, 0).ravel(), minlength=len(counts))
        return list(zip(self.sets, counts[1:].tolist(), strict=True))

    @cached_property
    def _layers(self) -> Sequence[_Layer]:
        """Return one layer, and further ones for entries in more sets than it can hold."""
        layers = []
        remaining = list(enumerate(self.sets.values(), 1))
        while remaining:
            layer, remaining = self._layer(remaining)
            layers.append(layer)
        return layers

    def _layer(self, sets: Sequence[tuple[int, BitMap]]) -> tuple[_Layer, list[tuple[int, BitMap]]]:
        """Return a layer of sets with their positions, and what it cannot hold."""
        entries = BitMap.union(BitMap(), *(those for _, those in sets))
        height = entries.max() + 1
        cells = np.zeros(height * _LAYER_WIDTH, np.min_scalar_type(len(self.sets)))
        used = np.zeros(height, np.uint8)
        remaining = []
        for position, those in sets:
            numbers = to_array(those).astype(np.intp)
            offsets = used.take(numbers)
            if (is_full := offsets == _LAYER_WIDTH).any():
                remaining.append((position, to_bitmap(numbers[is_full])))
                numbers, offsets = numbers[~is_full], offsets[~is_full]
            cells[numbers * _LAYER_WIDTH + offsets] = position
            used[numbers] = offsets + 1
        return _Layer(entries, cells.reshape(height, _LAYER_WIDTH)), remaining
