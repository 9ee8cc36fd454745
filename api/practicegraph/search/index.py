"""The index: searches answered in milliseconds from sets of numbered entries.

It is derived from the store, gives what the definition gives, and is brought in step with the
store entry by entry.

A page read off an order: the entries beyond a place, level after level.

Entries by what they are called: those whose titles have the words of a text, or most of them.

An index brought in step with a release: by the changes that the log tells, or built anew.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from threading import Lock, RLock

import numpy as np
from pyoxigraph import NamedNode
from pyroaring import BitMap
from rapidfuzz import fuzz

from ..catalogue.change_log import Event, Log
from ..schema.fields import Field
from ..schema.vocabularies import Concept, Vocabularies
from . import contingency
from .engine import Answer, Counts, Coverage, Neighbour, Search, page_of
from .entries import FactReader
from .index_data import Extents, Holdings
from .index_file import Order, Shelf
from .request import EVERYTHING, RELEVANCE, TITLE, Choices, Place, Sort
from .text import labels, tokenizer
from .text.analysis import Match, Tier, found, ranked
from .text.highlighting import Snippets
from .text.labels import Labels
from .text.postings import members
from .text.tokenizer import Wanted, read


def beyond(
    choices: Choices, texts: Order, levels: Sequence[tuple[int | None, BitMap]]
) -> Iterator[tuple[int | None, int]]:
    """Give the entries beyond the place that is asked for, with their levels, as they are read.

    The levels come with the least first; one that is None stands for all.
    """
    order, place = choices.order, choices.before or choices.after
    back = choices.before is not None
    falls = order.level_falls != back
    reading = texts.before if order.falls != back else texts.after
    for level, numbers in reversed(levels) if falls else levels:
        key = (place.text, place.iri) if place else None
        if place and level is not None:
            apart = (level - (place.level or 0)) * (-1 if falls else 1)
            if apart < 0:
                continue
            key = None if apart else key
        yield from ((level, number) for number in reading(numbers, key))


_FEW = 8
_SCANNED = 50


def like(
    held: Holdings, text: str, small: Collection[str], languages: Sequence[str], most: int
) -> list[int]:
    """Give up to so many entries whose titles have the words, those called just so first.

    A word that no title has beside longer ones is left out: it may be misspelt.
    """
    found, title = _having(held, read(text, small)), text.lower()
    if len(found) > _SCANNED:
        numbers = [*_called(held, title, languages, most), *islice(found, most)]
        return list(dict.fromkeys(numbers))[:most]
    listed = list(found)
    if len(listed) <= most:
        return listed
    ranked = [(-_likeness(held, number, title), place) for place, number in enumerate(listed)]
    return [listed[place] for _, place in sorted(ranked)[:most]]


def _likeness(held: Holdings, number: int, title: str) -> float:
    """Give how like a title is, as the shelf knows it: quicker than reading the entry."""
    row = held.shelf.row(number)
    titles = row.titles.values() if row else ()
    return max((fuzz.ratio(title, other) for other in titles), default=0.0)


def _having(held: Holdings, wanted: Iterable[Wanted]) -> BitMap:
    """Give the entries with the words in titles; where few have the longest, no more is read."""
    found = BitMap()
    for one in sorted(wanted, key=lambda one: -len(one.beginning)):
        match = next(iter(held.texts.matching([replace(one, whole=True, begins=False)])))
        entries = match.whole.get(Tier.TITLE, BitMap())
        found = found & entries or found or entries
        if 0 < len(found) <= _FEW:
            break
    return found


def _called(held: Holdings, title: str, languages: Sequence[str], most: int) -> Iterator[int]:
    for language in languages:
        order = held.order(TITLE, language)
        place = order.place((title, ""))
        for number in order.numbers[place : place + most].tolist():
            if order.key(number)[0] != title:
                break
            yield number


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
            numbers = like(self._held, words, self.small, self.languages, most)
            return self.shelf.iris(numbers)

    def holds(self, iri: str) -> bool:
        """Tell whether an IRI is one of an entry that is current."""
        with self._lock:
            return self.shelf.number(iri) is not None

    def snippets(self, words: str, languages: Sequence[str]) -> Snippets:
        """Give what shows where an entry has the words, to a reader of the languages."""
        things = tokenizer.read(words, self.small)
        return Snippets(things, self._held.words, self._labels, languages)

    def meant(self, words: str) -> str | None:
        """Give the words that may have been meant where these find nothing, or None."""
        with self._lock:
            known = (self._held.texts.words, self._labels.words)
            return labels.meant(words, self.small, self._number, known)

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
            things = tokenizer.read(choices.words, self.small)
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
        found = beyond(choices, texts, self._levels(order, levels, left))
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


def follow(index: Index, release: str, log: Log | None, files: Sequence[Path] = ()) -> None:
    """Bring an index in step with a release; many entries are read out of files if it is built.

    Without a release, what is there stays as it is, and only an empty index is filled. While one
    thread does it, the others go on with the index as it is.
    """
    if not index.following.acquire(blocking=False):
        return
    try:
        _follow(index, release, log, files)
    finally:
        index.following.release()


def catch_up(index: Index, release: str, log: Log | None) -> None:
    """Bring an index in step with a release, after another thread that is at it has ended."""
    with index.following:
        _follow(index, release, log, ())


def _follow(index: Index, release: str, log: Log | None, files: Sequence[Path]) -> None:
    said, at = index.said, _position(log, log.count) if log else ""
    if said.get("release") == release or (said and not release):
        return
    number = int(said.get("logged", "0").partition(" ")[0] or 0)
    if log and _leads(log, number, said, release):
        index.update(_touched(log.since(number)), release=release, logged=at)
    else:
        index.build(files, release=release, logged=at)


def _leads(log: Log, number: int, said: Mapping[str, str], release: str) -> bool:
    """Tell whether the log goes on from where an index is, and only entries have changed since."""
    known = number > 0 and _position(log, number) == said.get("logged")
    return known and log.is_at(release) and _domain(release) == _domain(said.get("release", ""))


def _position(log: Log, number: int) -> str:
    """Give a place in a log, so that it is known again in the same log alone."""
    if not 0 < number <= log.count:
        return ""
    event = log.event(number)
    return f"{number} {event.moment} {event.digest}"


def _domain(release: str) -> str:
    """Give the part of a release that tells what things are."""
    return release.partition("-")[0]


def _touched(events: Iterable[Event]) -> Iterator[str]:
    """Give what events are about: their topics, and all else that their graphs describe."""
    for event in events:
        yield event.topic
        yield from (t.subject.value for t in event.triples if isinstance(t.subject, NamedNode))
