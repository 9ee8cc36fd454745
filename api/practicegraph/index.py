"""The index: searches answered in milliseconds from sets of numbered entries.

It is derived from the store, gives what the definition gives, and is brought in step with the
store entry by entry.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count, islice
from pathlib import Path
from threading import RLock

import numpy as np
from pyroaring import BitMap

from . import indexing, saving, wanted
from .choices import EVERYTHING, RELEVANCE, Choices, Place, Sort
from .facets import Facets, members
from .facts import FactReader, Facts
from .indexing import Read
from .kinds import Field
from .labels import Labels
from .orders import Order, by_texts
from .ranking import Match, ranked
from .search import Answer, Counts, Coverage, Neighbour, Search, page_of
from .shelf import Row, Shelf
from .store import Term
from .text import best, preferring
from .texts import Analysed, Texts
from .vocabularies import Concept, Vocabularies
from .wanted import Wanted
from .words import Words

_TITLE = "title"
_SAVED_AFTER = 1000
_BATCH = 1000

Extents = np.ndarray[tuple[int], np.dtype[np.uint16]]
Nearness = np.ndarray[tuple[int], np.dtype[np.float64]]


@dataclass
class Index(Search):
    """Answers from the sets and orders of the entries that a reader reads."""

    reader: FactReader
    vocabularies: Vocabularies
    languages: tuple[str, ...]
    shelf: Shelf = field(default_factory=Shelf)
    small: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self._lock = RLock()
        words = Words(self.languages)
        self._texts = Texts(self.shelf.connection, words)
        self._labels = Labels(self.vocabularies, words)
        self._open()

    @property
    def release(self) -> str:
        """Give the release of what it knows, or "" where it knows nothing whole."""
        return self.shelf.said().get("release", "")

    def answer(self, choices: Choices, languages: Sequence[str]) -> Answer:
        """Give a page of entries with the counts; a facet's own choice leaves its counts alone."""
        with self._lock:
            levels = self._found(choices)
            everything, narrowing = _union(levels), self._facets.narrowing(choices)
            left = _left(everything, narrowing)
            counts = {
                facet.key: self._counted(facet, _left(everything, narrowing, facet.key))
                for facet in self.reader.kind.facets
            }
            places, more = self._page(choices, languages, levels, left)
            return page_of(choices, len(left), places, more, counts)

    def counts(self, facet: Field, choices: Choices = EVERYTHING) -> Counts:
        """Give how many of the entries that choices leave have each value of a facet."""
        with self._lock:
            return self._counted(facet, self.left(choices.without(facet)))

    def coverage(self, rows: Field, columns: Field, choices: Choices) -> Coverage:
        """Count the entries that choices leave by the values of two facets."""
        with self._lock:
            left = self.left(choices)
            across = list(self._facets.by_value(columns))
            cells: dict[tuple[Term | None, Term | None], int] = {}
            for row, found in self._facets.by_value(rows):
                inside = found & left
                counted = ((c, inside.intersection_cardinality(other)) for c, other in across)
                cells |= {(row, column): count for column, count in counted if count}
            by_row, by_column = self._counted(rows, left), self._counted(columns, left)
            return Coverage(len(left), by_row, by_column, cells)

    def similar(self, entry: str, count: int) -> list[Neighbour]:
        """Give the entries that are nearest to one, by the concepts that they share."""
        with self._lock:
            number = self.shelf.number(entry)
            if number is None:
                return []
            extents = self._measured()
            shared = np.zeros(len(extents), np.uint16)
            for facet, concept in self._facets.concepts(number):
                shared[members(self._facets.of(facet.key).values[concept])] += 1
            nearness = shared / np.maximum(extents + extents[number] - shared, 1)
            nearness[number] = 0
            return self._nearest(nearness, shared, count)

    def left(self, choices: Choices) -> BitMap:
        """Give the numbers of the entries that choices leave."""
        found = [_union(self._found(choices)), *self._facets.narrowing(choices).values()]
        return BitMap.intersection(*found)

    def build(self, release: str = "", snapshot: Path | None = None) -> None:
        """Read all entries anew, many of them from a snapshot of the store."""
        with self._lock, self.shelf:
            self.shelf.clear()
            self._texts.clear()
            self._fresh()
            self._texts.fill(self._filled(indexing.read(self.reader, self.languages, snapshot)))
            self._texts.optimise()
            self._sort()
            self._save()
            self.shelf.say(release=release)

    def _filled(self, entries: Iterator[Read]) -> Iterator[tuple[int, Analysed]]:
        """Enter what is known of entries, and give their texts with their numbers."""
        numbers = count()
        while several := list(islice(entries, _BATCH)):
            numbered = [(next(numbers), *read) for read in several]
            self.shelf.fill((number, _row(facts)) for number, facts, _ in numbered)
            for number, facts, _ in numbered:
                self._facets.add(number, facts)
            yield from ((number, analysed) for number, _, analysed in numbered)

    def update(self, iris: Iterable[str], release: str = "") -> None:
        """Read those of the things anew that are entries, or were."""
        with self._lock:
            try:
                with self.shelf:
                    for iri in dict.fromkeys(iris):
                        self._replace(iri)
                    if len(self.shelf.changed()) > _SAVED_AFTER:
                        self._save()
                    self.shelf.say(release=release)
            except BaseException:
                self._open()
                raise

    def _open(self) -> None:
        """Take up what was saved, and what has changed since."""
        self._fresh()
        saving.restore(self.shelf.saved(), self._facets, self._orders)
        changed = self.shelf.changed()
        rows = {number: row for number in changed if (row := self.shelf.row(number))}
        for number in changed:
            self._facets.discard(number)
        for order in self._orders.values():
            order.numbers = order.numbers[~np.isin(order.numbers, changed)]
            for number in rows:
                order.add(number)
        for number, row in rows.items():
            for facts in self.reader.read([row.iri]):
                self._facets.add(number, facts)

    def _fresh(self) -> None:
        self._facets = Facets(self.reader.kind, self.vocabularies)
        single = [f.key for f in self.reader.kind.fields if not f.repeats and not f.chosen]
        self._orders = {
            **{
                f"{_TITLE}@{t}": Order(self._row, _title(t, self.languages)) for t in self.languages
            },
            **{key: Order(self._row, _field(key)) for key in single},
        }
        self._extents = np.zeros(0, np.uint16)

    def _replace(self, iri: str) -> None:
        """Read an entry anew; its row changes last, since the orders find others by their rows."""
        number = self.shelf.number(iri)
        facts = next(self.reader.read([iri]), None)
        if number is None and facts is None:
            return
        old, new = number is not None and self.shelf.row(number), facts and _row(facts)
        number = self.shelf.fresh() if number is None else number
        moved = [
            order
            for order in self._orders.values()
            if not (old and new) or order.text(old) != order.text(new)
        ]
        if old:
            self._facets.discard(number)
            for order in moved:
                order.discard(number)
        if new and facts:
            self.shelf.put(number, new)
            self._texts.put(number, facts.texts)
            self._facets.add(number, facts)
            for order in moved:
                order.add(number)
        else:
            self.shelf.remove(number)
            self._texts.remove(number)
        self._measure(number)

    def _sort(self) -> None:
        """Put all entries in all orders."""
        rows = list(self.shelf.rows())
        numbers = [number for number, _ in rows]
        for order in self._orders.values():
            order.numbers = by_texts(numbers, [order.text(row) for _, row in rows])

    def _save(self) -> None:
        self.shelf.save(saving.contents(self._facets, self._orders))

    def _row(self, number: int) -> Row:
        row = self.shelf.row(number)
        assert row, number
        return row

    def _found(self, choices: Choices) -> list[tuple[int, BitMap]]:
        """Give the entries in which the words were found by points, the most first; else all."""
        if choices.found is None and not choices.words.strip():
            return [(0, self._facets.entries)]
        if choices.found is None:
            return ranked(
                self._matches(wanted.read(choices.words, self.small)), self._facets.entries
            )
        by_points: dict[int, BitMap] = {}
        for iri, points in choices.found.items():
            if (number := self.shelf.number(iri)) is not None:
                by_points.setdefault(points, BitMap()).add(number)
        return sorted(by_points.items(), reverse=True)

    def _matches(self, things: Sequence[Wanted]) -> list[Match]:
        return [
            match.with_labels(*map(self._called, (named.whole, named.begun)))
            for match, named in zip(
                self._texts.matching(things), map(self._labels.named, things), strict=True
            )
        ]

    def _called(self, concepts: Iterable[Concept]) -> BitMap:
        """Give the entries that count for any of the concepts, in whatever searched field."""
        iris = [concept.iri for concept in concepts]
        searched = [f for f in self.reader.kind.fields if f.scheme and f.searched]
        sets = (self._facets.of(field.key).values for field in searched)
        return BitMap.union(BitMap(), *(s[iri] for s in sets for iri in iris if iri in s))

    def _counted(self, facet: Field, left: BitMap) -> Counts:
        counted = (
            (value, found.intersection_cardinality(left))
            for value, found in self._facets.by_value(facet)
        )
        return {value: count for value, count in counted if count}

    def _page(
        self,
        choices: Choices,
        languages: Sequence[str],
        levels: Sequence[tuple[int, BitMap]],
        left: BitMap,
    ) -> tuple[list[Place], bool]:
        """Give the places of a page in the direction of reading, and whether there are more."""
        order = choices.order
        texts = self._orders[f"{_TITLE}@{languages[0]}" if order.text == _TITLE else order.text]
        listed = [
            Place(level, *texts.key(number))
            for level, number in islice(self._walk(choices, texts, levels, left), choices.size + 1)
        ]
        return listed[: choices.size], len(listed) > choices.size

    def _walk(
        self, choices: Choices, texts: Order, levels: Sequence[tuple[int, BitMap]], left: BitMap
    ) -> Iterator[tuple[int | None, int]]:
        """Give the entries beyond the place that is asked for, with their levels."""
        order, place = choices.order, choices.before or choices.after
        back = choices.before is not None
        reading = texts.before if order.falls != back else texts.after
        for level, found in self._levels(order, levels, left, order.level_falls != back):
            key = (place.text, place.iri) if place else None
            if place and level is not None:
                apart = (level - (place.level or 0)) * (-1 if order.level_falls != back else 1)
                if apart < 0:
                    continue
                key = None if apart else key
            yield from ((level, number) for number in reading(found, key))

    def _levels(
        self, order: Sort, levels: Sequence[tuple[int, BitMap]], left: BitMap, falls: bool
    ) -> list[tuple[int | None, BitMap]]:
        if not order.level:
            return [(None, left)]
        found = levels if order.level == RELEVANCE else self._facets.levels(order.level).items()
        return [(level, numbers & left) for level, numbers in sorted(found, reverse=falls)]

    def _nearest(self, nearness: Nearness, shared: Extents, count: int) -> list[Neighbour]:
        """Give the entries that are nearest, those that are equally near in order of IRIs."""
        near = np.flatnonzero(nearness)
        if len(near) > count:
            least = np.partition(nearness[near], -count)[-count]
            near = near[nearness[near] >= least]
        iris = self.shelf.iris(near.tolist())
        found = [
            Neighbour(iri, int(shared[number]), float(nearness[number]))
            for number, iri in zip(near.tolist(), iris, strict=True)
        ]
        return sorted(found, key=lambda one: (-one.nearness, one.iri))[:count]

    def _measure(self, number: int) -> None:
        """Count anew for how many concepts an entry counts."""
        if number < len(self._extents):
            self._extents[number] = sum(1 for _ in self._facets.concepts(number))
        else:
            self._extents = np.zeros(0, np.uint16)

    def _measured(self) -> Extents:
        """Give for how many concepts each entry counts."""
        if not len(self._extents) and self._facets.entries:
            self._extents = np.zeros(self._facets.entries.max() + 1024, np.uint16)
            for facet in self.reader.kind.facets:
                for found in self._facets.of(facet.key).values.values() if facet.scheme else ():
                    self._extents[members(found)] += 1
        return self._extents


def _row(facts: Facts) -> Row:
    return Row(facts.iri, facts.titles, facts.keys)


def _union(levels: Iterable[tuple[int, BitMap]]) -> BitMap:
    return BitMap.union(BitMap(), *(found for _, found in levels))


def _left(everything: BitMap, narrowing: Mapping[str, BitMap], without: str = "") -> BitMap:
    others = [found for key, found in narrowing.items() if key != without]
    return everything.intersection(*others) if others else everything


def _title(language: str, languages: Sequence[str]) -> Callable[[Row], str]:
    wished = preferring(language, languages)
    return lambda row: best({tag: row.titles[tag] for tag in wished if tag in row.titles}, wished)


def _field(key: str) -> Callable[[Row], str]:
    return lambda row: row.keys.get(key, "")
