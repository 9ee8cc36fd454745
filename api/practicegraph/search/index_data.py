"""Facets and orders as bytes by name, and read again.

What an index knows of all entries: sets, orders, texts; read anew, changed, and kept.

What is in memory goes with what is on the shelf. An entry's row changes last, since the orders
find the others by their rows.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from pyroaring import BitMap

from ..schema.vocabularies import Vocabularies
from . import builder, index_file
from .builder import Batch, row_of
from .entries import FactReader, Facts
from .facets import Facets, gathered
from .index_file import Order, Shelf
from .request import TITLE
from .text.analysis import Analysed
from .text.index import Texts
from .text.postings import members
from .text.tokenizer import Words

_ENTRIES = "entries"
_ORDER = "order"


def contents(facets: Facets, orders: Mapping[str, Order]) -> Iterator[tuple[str, bytes]]:
    """Give all sets and orders, each with a name."""
    facets.compress()
    yield _name(_ENTRIES), facets.entries.serialize()
    for key, found in facets.sets.items():
        yield _name("stated", key), found.stated.serialize()
        for part in ("values", "open", "sizes"):
            for value, numbers in getattr(found, part).items():
                yield _name(part, key, value), numbers.serialize()
    for key, (low, high) in facets.ends.items():
        yield _name("low", key), low.tobytes()
        yield _name("high", key), high.tobytes()
    for key, order in orders.items():
        yield _name(_ORDER, key), order.numbers.tobytes()


def restore(
    saved: Iterable[tuple[str, bytes]], facets: Facets, orders: Mapping[str, Order]
) -> None:
    """Put what was saved into facets and orders that are empty."""
    ends: dict[str, dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]]] = {}
    for name, content in saved:
        part, *path = json.loads(name)
        if part == _ENTRIES:
            facets.entries = BitMap.deserialize(content)
        elif part == _ORDER:
            orders[path[0]].numbers = np.frombuffer(content, np.uint32)
        elif part in ("low", "high"):
            ends.setdefault(path[0], {})[part] = np.frombuffer(content, np.float64).copy()
        elif part == "stated":
            facets.of(path[0]).stated = BitMap.deserialize(content)
        else:
            getattr(facets.of(path[0]), part)[path[1]] = BitMap.deserialize(content)
    facets.ends |= {key: (found["low"], found["high"]) for key, found in ends.items()}


def _name(*path: str | int) -> str:
    return json.dumps(path, ensure_ascii=False)


_SAVED_AFTER = 1000  # changed entries

Extents = np.ndarray[tuple[int], np.dtype[np.uint16]]


class Holdings:
    """The sets, orders and texts of the entries that a reader reads."""

    def __init__(
        self,
        reader: FactReader,
        vocabularies: Vocabularies,
        languages: Sequence[str],
        shelf: Shelf,
    ) -> None:
        self.reader, self.shelf = reader, shelf
        self._vocabularies, self._languages = vocabularies, languages
        self._extents: Extents = np.zeros(0, np.uint16)
        self.words = Words(languages)
        self.texts = Texts(shelf.connection, self.words)
        self._take_up()

    def build(self, files: Sequence[Path], said: Mapping[str, str]) -> None:
        """Read all entries, many out of files, where none is held yet; raises UnreadableError."""
        with self.shelf:
            again: list[str] = []
            batches = builder.read(self.reader, self._languages, files)
            self.texts.fill(self._filled(batches, again))
            for iri in again:
                self._replace(iri)
            self._save()
            self.shelf.say(**said)
            self.release = said.get("release", "")

    def update(self, iris: Iterable[str], said: Mapping[str, str]) -> None:
        """Read those of the things anew that are entries, or were."""
        with self._whole_or_not():
            for iri in dict.fromkeys(iris):
                self._replace(iri)
            if len(self.shelf.changed()) > _SAVED_AFTER:
                self._save()
            self.shelf.say(**said)
            self.release = said.get("release", "")

    def order(self, text: str, language: str) -> Order:
        """Give the order by a field, or by the titles for a reader of the language."""
        return self._orders[f"{TITLE}@{language}" if text == TITLE else text]

    def extents(self) -> Extents:
        """Give for how many concepts each entry counts, by its number."""
        if not len(self._extents) and self.facets.entries:
            self._extents = np.zeros(self.facets.entries.max() + 1, np.uint16)
            for facet in self.reader.kind.facets:
                for found in self.facets.of(facet.key).values.values() if facet.scheme else ():
                    self._extents[members(found)] += 1
        return self._extents

    @contextmanager
    def _whole_or_not(self) -> Iterator[None]:
        """Change all that is held, or after an error nothing."""
        try:
            with self.shelf:
                yield
        except BaseException:
            self._take_up()
            raise

    def _take_up(self) -> None:
        """Take up what was saved, and what has changed since."""
        self._empty()
        said = self.shelf.said()
        if not said:
            return
        self.release = said.get("release", "")
        restore(self.shelf.saved(), self.facets, self._orders)
        changed = self.shelf.changed()
        rows = {number: row for number in changed if (row := self.shelf.row(number))}
        for number in changed:
            self.facets.discard(number)
        for order in self._orders.values():
            order.numbers = order.numbers[~np.isin(order.numbers, changed)]
            for number in rows:
                order.add(number)
        for number, row in rows.items():
            for facts in self.reader.read([row.iri]):
                self.facets.enter(number, gathered([facts]))

    def _empty(self) -> None:
        self.release = ""
        kind = self.reader.kind
        texts = index_file.texts(kind, self._languages)
        self._orders = {name: Order(self.shelf, text) for name, text in texts.items()}
        self.facets = Facets(kind, self._vocabularies)
        self._extents = np.zeros(0, np.uint16)

    def _filled(self, batches: Iterator[Batch], again: list[str]) -> Iterator[tuple[int, Analysed]]:
        """Enter what is known of entries, give their texts, and sort them when all are there.

        Those to be read once more are added to `again`.
        """
        iris: list[str] = []
        columns: list[list[str]] = [[] for _ in self._orders]
        for batch in batches:
            first = len(iris)
            again += batch.again
            iris += batch.iris
            self.shelf.fill(first, batch.rows)
            self.facets.enter(first, batch.gathered)
            for column, more in zip(columns, batch.columns, strict=True):
                column += more
            yield first, batch.texts
        index_file.sort(self._orders.values(), iris, columns)

    def _save(self) -> None:
        self.texts.merge()
        self.shelf.save(contents(self.facets, self._orders))

    def _replace(self, iri: str) -> None:
        number = self.shelf.number(iri)
        old = None if number is None else self.shelf.row(number)
        facts = next(self.reader.read([iri]), None)
        new = facts and row_of(facts)
        moved = [
            order
            for order in self._orders.values()
            if not (old and new) or order.text(old) != order.text(new)
        ]
        if number is not None:
            self._take_out(number, moved)
        if facts:
            self._put_in(self.shelf.fresh() if number is None else number, facts, moved)
        elif number is not None:
            self.texts.remove(number)
            self.shelf.remove(number)
        self._extents = np.zeros(0, np.uint16)

    def _take_out(self, number: int, moved: Iterable[Order]) -> None:
        self.facets.discard(number)
        for order in moved:
            order.discard(number)

    def _put_in(self, number: int, facts: Facts, moved: Iterable[Order]) -> None:
        self.shelf.put(number, row_of(facts))
        self.texts.put(number, facts.texts)
        self.facets.enter(number, gathered([facts]))
        for order in moved:
            order.add(number)
