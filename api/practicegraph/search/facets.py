"""Facets as sets of numbered entries: one roaring bitmap a value, broader concepts' included."""

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

import numpy as np
from pyoxigraph import Literal, NamedNode
from pyroaring import BitMap

from ..rdf.terms import Term, plain
from ..schema.fields import Field, Kind, scale, steps_between
from ..schema.vocabularies import Vocabularies
from .entries import Facts
from .request import Choices, Range, Value
from .text.postings import bitmap

Array: TypeAlias = "array[int]"
Numbers = np.ndarray[tuple[int], np.dtype[np.float64]]


@dataclass
class Sets:
    """The entries that have each value of a field, by the value.

    `values` are IRIs and texts of lists, or steps of dates and numbers; `open` those whose spans
    have no end, by the step at which their values end; `sizes` are how many values each states.
    """

    values: dict[str | int, BitMap] = field(default_factory=dict)
    open: dict[int, BitMap] = field(default_factory=dict)
    sizes: dict[int, BitMap] = field(default_factory=dict)
    stated: BitMap = field(default_factory=BitMap)

    @property
    def _all(self) -> Iterator[BitMap]:
        yield from self.values.values()
        yield from self.open.values()
        yield from self.sizes.values()
        yield self.stated

    def discard(self, number: int) -> None:
        """Take an entry out of all."""
        for found in self._all:
            found.discard(number)

    def compress(self) -> None:
        """Have all take little memory."""
        for found in self._all:
            found.run_optimize()


@dataclass(frozen=True)
class Gathered:
    """What is to be entered: entries, counted from 0, by field, by value, by step and by size.

    `values` are as they are stated; `steps` the first and the last one of a span, and whether it
    is open; `ends` the ends of the spans, a row an entry.
    """

    count: int
    values: dict[tuple[str, str], Array]
    sizes: dict[tuple[str, int], Array]
    steps: dict[tuple[str, int, int, bool], Array]
    ends: dict[str, list[tuple[int, float, float]]]


def gathered(entries: Sequence[Facts]) -> Gathered:
    """Give what is known of entries, sorted by what they have in common."""
    found = Gathered(
        len(entries),
        defaultdict(_numbers),
        defaultdict(_numbers),
        defaultdict(_numbers),
        defaultdict(list),
    )
    for number, facts in enumerate(entries):
        for key, values in facts.values.items():
            found.sizes[key, len(values)].append(number)
            for value in values:
                found.values[key, value].append(number)
        for key, (first, last) in facts.steps.items():
            low, high = facts.spans[key]
            found.steps[key, first, last, high == np.inf].append(number)
            found.ends[key].append((number, low, high))
    return found


@dataclass
class Facets:
    """The facets, and the other searched lists, of numbered entries."""

    kind: Kind
    vocabularies: Vocabularies
    entries: BitMap = field(default_factory=BitMap)
    sets: dict[str, Sets] = field(default_factory=dict)
    ends: dict[str, tuple[Numbers, Numbers]] = field(default_factory=dict)

    def enter(self, first: int, found: Gathered) -> None:
        """Enter what is known of entries that are not there, numbered from the first one."""
        self.entries.add_range(first, first + found.count)
        for (key, value), places in found.values.items():
            numbers = _counted_from(first, places)
            for counted in self._counted(key, value):
                self.of(key).values.setdefault(counted, BitMap()).update(numbers)
        for (key, size), places in found.sizes.items():
            numbers = _counted_from(first, places)
            self.of(key).stated.update(numbers)
            self.of(key).sizes.setdefault(size, BitMap()).update(numbers)
        for (key, begun, last, is_open), places in found.steps.items():
            numbers = _counted_from(first, places)
            self.of(key).stated.update(numbers)
            for step in range(begun, last + 1):
                self.of(key).values.setdefault(step, BitMap()).update(numbers)
            if is_open:
                self.of(key).open.setdefault(last, BitMap()).update(numbers)
        for key, rows in found.ends.items():
            self._set_ends(key, first, rows)

    def discard(self, number: int) -> None:
        """Take an entry out."""
        self.entries.discard(number)
        for found in self.sets.values():
            found.discard(number)
        for low, high in self.ends.values():
            if number < len(low):
                low[number] = high[number] = np.nan

    def compress(self) -> None:
        """Have all bitmaps take little memory."""
        self.entries.run_optimize()
        for found in self.sets.values():
            found.compress()

    def narrowing(self, choices: Choices) -> dict[str, BitMap]:
        """Give the entries that each facet's choices leave, by key; without a choice, nothing."""
        found: dict[str, BitMap] = {}
        for facet in self.kind.facets:
            chosen = choices.chosen.get(facet.key)
            excluded = choices.excluded.get(facet.key)
            if chosen is None and excluded is None:
                continue
            left = self.entries if chosen is None else self.having(facet, chosen)
            found[facet.key] = left - self.having(facet, excluded) if excluded else left
        return found

    def having(self, facet: Field, values: Iterable[Value]) -> BitMap:
        """Give the entries that have any of the values."""
        return BitMap.union(BitMap(), *(self._having(facet, value) for value in values))

    def by_value(self, facet: Field) -> Iterator[tuple[Term | None, BitMap]]:
        """Give the entries that have each value of a facet, and under None those with none."""
        found = self.of(facet.key)
        if facet.ordered:
            yield from self._by_step(facet, found)
        else:
            for value, entries in found.values.items():
                yield self._term(facet, str(value)), entries
        yield None, self.entries - found.stated

    def levels(self, key: str) -> dict[int, BitMap]:
        """Give the entries by how many values of a field they state."""
        found = self.of(key)
        return {0: self.entries - found.stated, **found.sizes}

    def steps(self, facet: Field) -> range:
        """Give the years, or whole numbers, from the least to the greatest that entries have."""
        steps = [s for s, entries in self.of(facet.key).values.items() if entries]
        numbers = [step for step in steps if isinstance(step, int)]
        return steps_between(min(numbers), max(numbers)) if numbers else range(0)

    def concepts(self, number: int) -> Iterator[tuple[Field, str]]:
        """Give the concepts that an entry counts for, with their facets."""
        for facet in self.kind.facets:
            if facet.scheme:
                values = self.of(facet.key).values.items()
                yield from ((facet, str(value)) for value, found in values if number in found)

    def of(self, key: str) -> Sets:
        """Give the sets of a field."""
        return self.sets.setdefault(key, Sets())

    def _having(self, facet: Field, value: Value) -> BitMap:
        found = self.of(facet.key)
        if value is None:
            return self.entries - found.stated
        if isinstance(value, Range):
            return self._meeting(facet, value)
        return found.values.get(plain(value), BitMap())

    def _meeting(self, facet: Field, span: Range) -> BitMap:
        low, high = self.ends.get(facet.key, (np.zeros(0), np.zeros(0)))
        order = scale(facet)
        met = ~np.isnan(low)
        if span.most is not None:
            met &= low <= order.high(span.most)
        if span.least is not None:
            met &= high >= order.low(span.least)
        return bitmap(np.flatnonzero(met))

    def _by_step(self, facet: Field, found: Sets) -> Iterator[tuple[Term, BitMap]]:
        begun = BitMap()
        for step in self.steps(facet):
            entries = found.values.get(step, BitMap()) | begun
            begun |= found.open.get(step, BitMap())
            yield Literal(scale(facet).written(step)), entries

    def _term(self, facet: Field, value: str) -> Term:
        if facet.options:
            return next((t for t in facet.options if plain(t) == value), Literal(value))
        return NamedNode(value)

    def _set_ends(self, key: str, first: int, rows: Sequence[tuple[int, float, float]]) -> None:
        places, lows, highs = np.array(rows).T
        numbers = places.astype(np.int64) + first
        low, high = self.ends.get(key, (np.zeros(0), np.zeros(0)))
        if (most := int(numbers.max())) >= len(low):
            more = np.full(max(1024, most + 1, 2 * len(low)) - len(low), np.nan)
            low, high = np.concatenate([low, more]), np.concatenate([high, more])
            self.ends[key] = low, high
        low[numbers], high[numbers] = lows, highs

    def _counted(self, key: str, value: str) -> Sequence[str]:
        """Give a value and all that it counts for."""
        return self._upwards[key].get(value, (value,)) if key in self._upwards else (value,)

    @cached_property
    def _upwards(self) -> Mapping[str, Mapping[str, Sequence[str]]]:
        fields = [*self.kind.fields, *self.kind.spans]
        schemes = {f.key: self.vocabularies.scheme(f.scheme) for f in fields if f.scheme}
        return {key: scheme.counted for key, scheme in schemes.items()}


def _numbers() -> Array:
    return array("I")


def _counted_from(first: int, places: Array) -> Array:
    numbers = np.frombuffer(places, np.uint32) + np.uint32(first)
    return array("I", numbers.tobytes())
