"""Facets: for each value a roaring bitmap of the entries that have it or a narrower concept."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np
from pyoxigraph import Literal, NamedNode
from pyroaring import BitMap

from ..rdf.terms import Term, as_text
from ..schema.fields import Field, NodeShape, get_scale, list_steps
from ..schema.vocabularies import Vocabularies
from .entries import IndexedEntry
from .request import FilterValue, Range, SearchRequest
from .text.index import to_array, to_bitmap

_LARGE_SHARE = 1 / 16
"""The share of all entries above which a bitmap is stored as bits, quick to intersect."""
_MIN_TRANSPOSED = 12
"""The number of small sets on both sides from which transposing takes less time."""
_LAYER_WIDTH = 4
"""The sets that a layer has for an entry: most entries have fewer rare values."""
_Layer = np.ndarray[tuple[int, int], np.dtype[np.uint16]]
_Bits = np.ndarray[tuple[int], np.dtype[np.uint8]]
Bounds = np.ndarray[tuple[int], np.dtype[np.float64]]
"""Ends of spans by the numbers of entries, NaN where an entry has none."""


@dataclass
class FieldSets:
    """The entries of one field by value.

    `values` has the IRIs and texts of lists, or the steps of dates and numbers; `open` the entries
    with open spans by the step of their last value; `sizes` the entries by how many values they
    state; `stated` those that state any.
    """

    values: dict[str | int, BitMap] = field(default_factory=dict)
    open: dict[int, BitMap] = field(default_factory=dict)
    sizes: dict[int, BitMap] = field(default_factory=dict)
    stated: BitMap = field(default_factory=BitMap)

    @property
    def all(self) -> Iterator[BitMap]:
        """Yield every bitmap."""
        yield from self.values.values()
        yield from self.open.values()
        yield from self.sizes.values()
        yield self.stated


@dataclass(frozen=True)
class FacetBatch:
    """The positions of entries in a batch by field and value, and by number of values.

    `steps` has them by the first and the last step of a span and whether it is open, `bounds` the
    ends of the span of each entry.
    """

    count: int
    values: dict[tuple[str, str], list[int]]
    sizes: dict[tuple[str, int], list[int]]
    steps: dict[tuple[str, int, int, bool], list[int]]
    bounds: dict[str, list[tuple[int, float, float]]]


def group_entries(entries: Sequence[IndexedEntry]) -> FacetBatch:
    """Return the values of entries as a batch."""
    batch = FacetBatch(
        len(entries), defaultdict(list), defaultdict(list), defaultdict(list), defaultdict(list)
    )
    for position, entry in enumerate(entries):
        for key, values in entry.values.items():
            batch.sizes[key, len(values)].append(position)
            for value in values:
                batch.values[key, value].append(position)
        for key, (first, last) in entry.steps.items():
            low, high = entry.spans[key]
            batch.steps[key, first, last, high == np.inf].append(position)
            batch.bounds[key].append((position, low, high))
    return batch


@dataclass
class FacetIndex:
    """The facets, and the other searched lists, of numbered entries."""

    kind: NodeShape
    vocabularies: Vocabularies
    entries: BitMap = field(default_factory=BitMap)
    fields: dict[str, FieldSets] = field(default_factory=dict)
    bounds: dict[str, tuple[Bounds, Bounds]] = field(default_factory=dict)
    _counts: dict[str, dict[Term | None, int]] = field(default_factory=dict, init=False)
    """The counts of all entries by facet, until one is added or removed."""
    _bits: dict[tuple[str, str], _Bits] = field(default_factory=dict, init=False)
    """The entries with frequent concepts as packed bits, likewise."""

    def add(self, first: int, batch: FacetBatch) -> None:
        """Add a batch of new entries, numbered from the first one."""
        self._forget()
        self.entries.add_range(first, first + batch.count)
        for (key, value), positions in batch.values.items():
            numbers = [first + position for position in positions]
            for counted in self._counted_values(key, value):
                self.sets(key).values.setdefault(counted, BitMap()).update(numbers)
        for (key, size), positions in batch.sizes.items():
            numbers = [first + position for position in positions]
            self.sets(key).stated.update(numbers)
            self.sets(key).sizes.setdefault(size, BitMap()).update(numbers)
        for (key, start, end, is_open), positions in batch.steps.items():
            numbers = [first + position for position in positions]
            self.sets(key).stated.update(numbers)
            for step in range(start, end + 1):
                self.sets(key).values.setdefault(step, BitMap()).update(numbers)
            if is_open:
                self.sets(key).open.setdefault(end, BitMap()).update(numbers)
        for key, rows in batch.bounds.items():
            self._set_bounds(key, first, rows)

    def remove(self, number: int) -> None:
        """Remove an entry."""
        self._forget()
        self.entries.discard(number)
        for sets in self.fields.values():
            for entries in sets.all:
                entries.discard(number)
        for low, high in self.bounds.values():
            if number < len(low):
                low[number] = high[number] = np.nan

    def compress(self) -> None:
        """Reduce the memory of all bitmaps."""
        self.entries.run_optimize()
        for sets in self.fields.values():
            for entries in sets.all:
                entries.run_optimize()

    def sets(self, key: str) -> FieldSets:
        """Return the sets of a field, by its IRI."""
        return self.fields.setdefault(key, FieldSets())

    def filter(self, request: SearchRequest) -> dict[str, BitMap]:
        """Return the entries that pass the filters of each facet, for the facets that have any."""
        result: dict[str, BitMap] = {}
        for facet in self.kind.facets:
            values = request.filters.get(facet.key)
            excluded = request.excluded.get(facet.key)
            if values is None and excluded is None:
                continue
            entries = self.entries if values is None else self._with_any(facet, values)
            result[facet.key] = entries - self._with_any(facet, excluded) if excluded else entries
        return result

    def count(self, facet: Field, entries: BitMap) -> dict[Term | None, int]:
        """Return how many of some entries have each value of a facet."""
        known = self._counts if entries is self.entries else {}
        if facet.iri not in known:
            sets = self.by_value(facet)
            sizes = ((value, having.intersection_cardinality(entries)) for value, having in sets)
            known[facet.iri] = {value: size for value, size in sizes if size}
        return known[facet.iri]

    def by_value(self, facet: Field) -> Iterator[tuple[Term | None, BitMap]]:
        """Yield the entries with each value of a facet, and under None those that state none."""
        sets = self.sets(facet.iri)
        if facet.is_ordered:
            yield from self._by_step(facet, sets)
        else:
            options = facet.options_by_text
            for value, entries in sets.values.items():
                text = str(value)
                yield options.get(text) or (Literal if options else _named_node)(text), entries
        yield None, self.entries - sets.stated

    def by_size(self, facet: Field) -> dict[int, BitMap]:
        """Return the entries by how many values of a facet they state."""
        sets = self.sets(facet.iri)
        return {0: self.entries - sets.stated, **sets.sizes}

    def concepts(self, number: int) -> Iterator[tuple[Field, str]]:
        """Yield the concepts for which an entry counts, with their facets."""
        for facet in self.kind.facets:
            if facet.scheme:
                values = self.sets(facet.iri).values.items()
                yield from ((facet, str(value)) for value, having in values if number in having)

    def count_shared(self, number: int, size: int) -> np.ndarray[tuple[int], np.dtype[np.uint16]]:
        """Return how many concepts each of so many entries shares with one, which has 0 itself."""
        shared = np.zeros(size, np.uint16)
        for facet, concept in self.concepts(number):
            entries = self.sets(facet.iri).values[concept]
            if len(entries) < _LARGE_SHARE * size:
                shared[to_array(entries)] += 1
            else:  # as bits it takes a tenth
                shared += np.unpackbits(self._packed(facet.iri, concept, entries), count=size)
        shared[number] = 0
        return shared

    def _packed(self, key: str, concept: str, entries: BitMap) -> _Bits:
        if (key, concept) not in self._bits:
            bits = np.zeros(self.entries.max() + 1, np.uint8)
            bits[to_array(entries)] = 1
            self._bits[key, concept] = np.packbits(bits)
        return self._bits[key, concept]

    def _forget(self) -> None:
        """Forget what was computed of the entries as they were."""
        self._counts.clear()
        self._bits.clear()

    def _with_any(self, facet: Field, values: Iterable[FilterValue]) -> BitMap:
        return BitMap.union(BitMap(), *(self._with(facet, value) for value in values))

    def _with(self, facet: Field, value: FilterValue) -> BitMap:
        sets = self.sets(facet.iri)
        if value is None:
            return self.entries - sets.stated
        if isinstance(value, Range):
            return self._overlapping(facet, value)
        return sets.values.get(as_text(value), BitMap())

    def _overlapping(self, facet: Field, span: Range) -> BitMap:
        low, high = self.bounds.get(facet.iri, (np.zeros(0), np.zeros(0)))
        order = get_scale(facet)
        overlaps = ~np.isnan(low)
        if span.end is not None:
            overlaps &= low <= order.upper_bound(span.end)
        if span.start is not None:
            overlaps &= high >= order.lower_bound(span.start)
        return to_bitmap(np.flatnonzero(overlaps))

    def _by_step(self, facet: Field, sets: FieldSets) -> Iterator[tuple[Term, BitMap]]:
        still_open = BitMap()
        for step in _steps(sets):
            entries = sets.values.get(step, BitMap()) | still_open
            still_open |= sets.open.get(step, BitMap())
            yield Literal(get_scale(facet).format_step(step)), entries

    def _set_bounds(self, key: str, first: int, rows: Sequence[tuple[int, float, float]]) -> None:
        positions, lows, highs = np.array(rows).T
        numbers = positions.astype(np.int64) + first
        low, high = self.bounds.get(key, (np.zeros(0), np.zeros(0)))
        if (last := int(numbers.max())) >= len(low):
            added = np.full(max(1024, last + 1, 2 * len(low)) - len(low), np.nan)
            low, high = np.concatenate([low, added]), np.concatenate([high, added])
            self.bounds[key] = low, high
        low[numbers], high[numbers] = lows, highs

    def _counted_values(self, key: str, value: str) -> Sequence[str]:
        """Return a value and all broader ones, or its successor, for which it counts."""
        return self._broader[key].get(value, (value,)) if key in self._broader else (value,)

    @cached_property
    def _broader(self) -> Mapping[str, Mapping[str, Sequence[str]]]:
        fields = [*self.kind.fields, *self.kind.combined_facets]
        schemes = {f.iri: self.vocabularies.scheme(f.scheme) for f in fields if f.scheme}
        return {key: scheme.ancestors for key, scheme in schemes.items()}


def count_pairs(
    entries: BitMap, rows: Sequence[BitMap], columns: Sequence[BitMap]
) -> list[list[int]]:
    """Return for each row how many of the entries are in it and in each column.

    To intersect small sets takes longer than to read them, so that small columns are transposed.
    """
    size = entries.max() + 1 if entries else 0
    threshold = _LARGE_SHARE * size
    small = [place for place, column in enumerate(columns) if len(column) < threshold]
    large = [place for place, column in enumerate(columns) if len(column) >= threshold]
    inside = [row & entries for row in rows]
    small_rows = sum(len(row) < threshold for row in inside)
    if min(len(small), small_rows) < _MIN_TRANSPOSED:
        return [[row.intersection_cardinality(column) for column in columns] for row in inside]
    layers = list(_transpose([columns[place] & entries for place in small], size))
    table = np.zeros((len(rows), len(columns)), np.intp)
    for row, counts in zip(inside, table, strict=True):
        is_small = len(row) < threshold
        for place in large if is_small else range(len(columns)):
            counts[place] = row.intersection_cardinality(columns[place])
        for layer_entries, layer in layers if is_small else ():
            positions = layer.take(to_array(row & layer_entries), 0).ravel()
            counts[small] += np.bincount(positions, minlength=len(small) + 1)[1:]
    return table.tolist()


def _transpose(sets: Sequence[BitMap], size: int) -> Iterator[tuple[BitMap, _Layer]]:
    """Yield layers of sets by entry, each with the entries in them.

    A layer has for each entry the positions of up to four sets, from 1; further ones are in the
    next layer.
    """
    remaining = dict(enumerate(sets, 1))
    while remaining:
        entries, excess = BitMap.union(BitMap(), *remaining.values()), {}
        layer, used = np.zeros((size, _LAYER_WIDTH), np.uint16), np.zeros(size, np.uint8)
        for position, those in remaining.items():
            numbers = to_array(those)
            offsets = used[numbers]
            if (is_full := offsets == _LAYER_WIDTH).any():
                excess[position] = to_bitmap(numbers[is_full])
                numbers, offsets = numbers[~is_full], offsets[~is_full]
            layer[numbers, offsets] = position
            used[numbers] = offsets + 1
        yield entries, layer
        remaining = excess


def _steps(sets: FieldSets) -> range:
    """Return the years, or whole numbers, from the least to the greatest that entries have."""
    steps = [step for step, entries in sets.values.items() if entries and isinstance(step, int)]
    return list_steps(min(steps), max(steps)) if steps else range(0)


@lru_cache(10_000)
def _named_node(iri: str) -> NamedNode:
    return NamedNode(iri)
