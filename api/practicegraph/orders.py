"""Orders of numbered entries: by the title in each language, and by the fields with one value.

An order is an array of the numbers of all entries. Where few entries are left, they are sorted by
their ranks; where many are, the array is read until a page is full.
"""

import math
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from pyroaring import BitMap

from .bitmaps import members
from .choices import TITLE
from .kinds import Kind
from .shelf import Row, Shelf
from .text import preferring

_CHUNK = 4096
_FEW = 5  # times the square root of all: so many are sorted rather than looked for

Numbers = np.ndarray[tuple[int], np.dtype[np.uint32]]
Key = tuple[str, str]
"""What an order goes by: a text, and the IRI."""


@dataclass
class Order:
    """An order of entries by a text of their rows on the shelf, and then by their IRIs."""

    shelf: Shelf
    text: Callable[[Row], str]
    numbers: Numbers = field(default_factory=lambda: np.zeros(0, np.uint32))
    _ranks: Numbers | None = None

    def key(self, number: int) -> Key:
        """Give what an entry is sorted by."""
        row = self.shelf.row(number)
        assert row, number
        return self.text(row), row.iri

    def add(self, number: int) -> None:
        """Put an entry, whose key is known, into its place."""
        place = self.place(self.key(number))
        self.numbers = np.insert(self.numbers, place, number)
        self._ranks = None

    def discard(self, number: int) -> None:
        """Take an entry out, while its row is still what it was."""
        place = self.place(self.key(number))
        assert self.numbers[place] == number, number
        self.numbers = np.delete(self.numbers, place)
        self._ranks = None

    def place(self, key: Key) -> int:
        """Give the place of the first entry that does not stand before the key."""
        return bisect_left(self.numbers, key, key=lambda number: self.key(int(number)))

    def after(self, found: BitMap, key: Key | None) -> Iterator[int]:
        """Give the entries of a set that stand behind a key, in order."""
        start = 0
        if key:
            start = self.place(key)
            start += bool(start < len(self.numbers) and self.key(int(self.numbers[start])) == key)
        if self._is_small(found):
            ranks = self.ranks[members(found)]
            ranks = np.sort(ranks[ranks >= start])
            yield from map(int, self.numbers[ranks])
            return
        for chunk in range(start, len(self.numbers), _CHUNK):
            yield from (n for n in self.numbers[chunk : chunk + _CHUNK].tolist() if n in found)

    def before(self, found: BitMap, key: Key | None) -> Iterator[int]:
        """Give the entries of a set that stand before a key, the last ones first."""
        end = self.place(key) if key else len(self.numbers)
        if self._is_small(found):
            ranks = self.ranks[members(found)]
            ranks = np.sort(ranks[ranks < end])[::-1]
            yield from map(int, self.numbers[ranks])
            return
        for chunk in range(end, 0, -_CHUNK):
            listed = self.numbers[max(0, chunk - _CHUNK) : chunk].tolist()
            yield from (n for n in reversed(listed) if n in found)

    @property
    def ranks(self) -> Numbers:
        """Give the place of each entry by its number."""
        if self._ranks is None:
            size = int(self.numbers.max()) + 1 if len(self.numbers) else 0
            self._ranks = np.zeros(size, np.uint32)
            self._ranks[self.numbers] = np.arange(len(self.numbers), dtype=np.uint32)
        return self._ranks

    def _is_small(self, found: BitMap) -> bool:
        return len(found) < _FEW * math.sqrt(len(self.numbers))


def texts(kind: Kind, languages: Sequence[str]) -> dict[str, Callable[[Row], str]]:
    """Give by what entries are sorted: titles for readers of each language, and single fields."""
    titles = {f"{TITLE}@{tag}": _title(tag, languages) for tag in languages}
    return titles | {field.key: _field(field.key) for field in kind.single}


def sort(orders: Iterable[Order], iris: Sequence[str], columns: Iterable[Sequence[str]]) -> None:
    """Put entries numbered from 0 into orders, each by its texts and then by IRIs."""
    listed = list(columns)
    by_iri = np.array(sorted(range(len(iris)), key=iris.__getitem__), np.uint32)
    ranks = {text: rank for rank, text in enumerate(sorted(set().union(*listed)))}
    for order, column in zip(orders, listed, strict=True):
        placed = np.fromiter(map(ranks.__getitem__, column), np.uint32, len(column))
        order.numbers = by_iri[np.argsort(placed[by_iri], kind="stable")]


def _title(language: str, languages: Sequence[str]) -> Callable[[Row], str]:
    wished = preferring(language, languages)

    def title(row: Row) -> str:
        for tag in wished:
            if tag in row.titles:
                return row.titles[tag]
        return ""

    return title


def _field(key: str) -> Callable[[Row], str]:
    return lambda row: row.keys.get(key, "")
