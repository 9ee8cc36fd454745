"""The index: searches answered in milliseconds from sets of numbered entries.

It is derived from the store, gives what the definition gives, and is brought in step with the
store entry by entry.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from threading import Lock, RLock

import numpy as np
from pyroaring import BitMap

from . import contingency, paging, spelling, titles, wanted
from .bitmaps import members
from .choices import EVERYTHING, RELEVANCE, Choices, Place, Sort
from .holdings import Extents, Holdings
from .kinds import Field
from .labels import Labels
from .ranking import Match, found, ranked
from .readings import FactReader
from .search import Answer, Counts, Coverage, Neighbour, Search, page_of
from .shelf import Shelf
from .snippets import Snippets
from .vocabularies import Concept, Vocabularies
from .wanted import Wanted


@dataclass
class Index(Search):
    """Answers from the sets and orders of the entries that a reader reads."""

    reader: FactReader
    vocabularies: Vocabularies
    languages: tuple[str, ...]
    shelf: Shelf = field(default_factory=Shelf)
    small: frozenset[str] = frozenset()
    following: Lock = field(default_factory=Lock)
    """Held by whoever brings the index in step with a release."""

    def __post_init__(self) -> None:
        self._lock = RLock()
        self._held = self._holdings(self.shelf)
        self._labels = Labels(self.vocabularies, self._held.words)

    @property
    def said(self) -> dict[str, str]:
        """Give what was said of what it knows when that was read; nothing where it is empty."""
        return self.shelf.said()

    @property
    def release(self) -> str:
        """Give the release of what it knows, or "" where it knows nothing whole."""
        return self._held.release

    def answer(self, choices: Choices, languages: Sequence[str]) -> Answer:
        """Give a page of entries with the counts; a facet's own choice leaves its counts alone."""
        with self._lock:
            levels = self._found(choices)
            everything, narrowing = _union(levels), self._held.facets.narrowing(choices)
            left = _left(everything, narrowing)
            without = {key: _left(everything, narrowing, key) for key in narrowing}
            counts = {
                facet.key: self._counted(facet, without.get(facet.key, left))
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
            sets = (dict(self._held.facets.by_value(facet)) for facet in (rows, columns))
            return contingency.table(self.left(choices), *sets)

    def similar(self, entry: str, count: int) -> list[Neighbour]:
        """Give the entries that are nearest to one, by the concepts that they share."""
        with self._lock:
            number = self.shelf.number(entry)
            if number is None:
                return []
            extents = self._held.extents()
            shared = np.zeros(len(extents), np.uint16)
            for facet, concept in self._held.facets.concepts(number):
                shared[members(self._held.facets.of(facet.key).values[concept])] += 1
            shared[number] = 0
            return self._nearest(shared, extents + extents[number] - shared, count)

    def found(self, words: str) -> dict[str, int]:
        """Give the entries in which words are found, with their points, the most first."""
        with self._lock:
            levels = self._found(Choices(words=words))
            return {iri: points for points, found in levels for iri in self.shelf.iris(found)}

    def titled(self, words: str, most: int) -> list[str]:
        """Give up to so many entries whose titles are like the words."""
        with self._lock:
            numbers = titles.like(self._held, words, self.small, self.languages, most)
            return self.shelf.iris(numbers)

    def holds(self, iri: str) -> bool:
        """Tell whether an IRI is one of an entry that is current."""
        with self._lock:
            return self.shelf.number(iri) is not None

    def snippets(self, words: str, languages: Sequence[str]) -> Snippets:
        """Give what shows where an entry has the words, to a reader of the languages."""
        things = wanted.read(words, self.small)
        return Snippets(things, self._held.words, self._labels, languages)

    def meant(self, words: str) -> str | None:
        """Give the words that may have been meant where these find nothing, or None."""
        with self._lock:
            known = (self._held.texts.words, self._labels.words)
            return spelling.meant(words, self.small, self._number, known)

    def left(self, choices: Choices) -> BitMap:
        """Give the numbers of the entries that choices leave."""
        return _left(_union(self._found(choices)), self._held.facets.narrowing(choices))

    def build(self, files: Sequence[Path] = (), **said: str) -> None:
        """Read all entries anew, and say of what they are; what was known before answers meanwhile.

        Many are read out of the files that the store was filled from. Raises UnreadableError.
        """
        blank = self.shelf.blank()
        try:
            held = self._holdings(blank)
            held.build(files, said)
        except BaseException:
            blank.close()
            raise
        with self._lock:
            shelf = blank.in_place_of(self.shelf)
            self._held = held if shelf is blank else self._holdings(shelf)
            self.shelf = shelf

    def update(self, iris: Iterable[str], **said: str) -> None:
        """Read those of the things anew that are entries, or were."""
        with self._lock:
            self._held.update(iris, said)

    def _holdings(self, shelf: Shelf) -> Holdings:
        return Holdings(self.reader, self.vocabularies, self.languages, shelf)

    def _found(self, choices: Choices) -> list[tuple[int, BitMap]]:
        """Give the entries in which the words were found by points, the most first; else all."""
        if choices.found is None and not choices.words.strip():
            return [(0, self._held.facets.entries)]
        if choices.found is None:
            things = wanted.read(choices.words, self.small)
            return ranked(self._matches(things), self._held.facets.entries)
        by_points: dict[int, BitMap] = {}
        for iri, points in choices.found.items():
            if (number := self.shelf.number(iri)) is not None:
                by_points.setdefault(points, BitMap()).add(number)
        return sorted(by_points.items(), reverse=True)

    def _number(self, things: Sequence[Wanted]) -> int:
        return len(found(self._matches(things), self._held.facets.entries))

    def _matches(self, things: Sequence[Wanted]) -> list[Match]:
        return [
            match.with_labels(*map(self._called, (named.whole, named.begun)))
            for match, named in zip(
                self._held.texts.matching(things), map(self._labels.named, things), strict=True
            )
        ]

    def _called(self, concepts: Iterable[Concept]) -> BitMap:
        """Give the entries that count for any of the concepts, in whatever searched field."""
        iris = [concept.iri for concept in concepts]
        searched = [f for f in self.reader.kind.fields if f.scheme and f.searched]
        sets = (self._held.facets.of(field.key).values for field in searched)
        return BitMap.union(BitMap(), *(s[iri] for s in sets for iri in iris if iri in s))

    def _counted(self, facet: Field, left: BitMap) -> Counts:
        whole = left is self._held.facets.entries
        counted = (
            (value, len(found) if whole else found.intersection_cardinality(left))
            for value, found in self._held.facets.by_value(facet)
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
        texts = self._held.order(order.text, languages[0])
        found = paging.beyond(choices, texts, self._levels(order, levels, left))
        listed = [
            Place(level, *texts.key(number)) for level, number in islice(found, choices.size + 1)
        ]
        return listed[: choices.size], len(listed) > choices.size

    def _levels(
        self, order: Sort, levels: Sequence[tuple[int, BitMap]], left: BitMap
    ) -> list[tuple[int | None, BitMap]]:
        """Give the entries that are left by their levels, the least first."""
        if not order.level:
            return [(None, left)]
        if order.level != RELEVANCE:
            levels = list(self._held.facets.levels(order.level).items())
        return [(level, numbers & left) for level, numbers in sorted(levels)]

    def _nearest(self, shared: Extents, either: Extents, count: int) -> list[Neighbour]:
        """Give the entries that are nearest, those that are equally near in order of IRIs."""
        nearness = shared / np.maximum(either, 1)
        near = np.flatnonzero(nearness)
        if len(near) > count:
            least = np.partition(nearness[near], -count)[-count]
            near = near[nearness[near] >= least]
        iris = self.shelf.iris(near.tolist())
        found = [
            Neighbour(iri, int(shared[number]), int(either[number]))
            for number, iri in zip(near.tolist(), iris, strict=True)
        ]
        return sorted(found, key=lambda one: (-one.nearness, one.iri))[:count]


def _union(levels: Iterable[tuple[int, BitMap]]) -> BitMap:
    first, *others = [found for _, found in levels] or [BitMap()]
    return first.union(*others) if others else first


def _left(everything: BitMap, narrowing: Mapping[str, BitMap], without: str = "") -> BitMap:
    others = [found for key, found in narrowing.items() if key != without]
    return everything.intersection(*others) if others else everything
