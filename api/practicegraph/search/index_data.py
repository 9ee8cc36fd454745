"""The data of an index: facets, orders and texts, built, changed, saved and restored.

What is in memory agrees with the file. The row of an entry changes last, since orders find other
entries by their rows.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from pyroaring import BitMap

from ..schema.vocabularies import Vocabularies
from . import builder
from .builder import EntryBatch, row_of
from .entries import EntryReader, IndexedEntry
from .facets import FacetIndex, group_entries
from .index_file import EntryOrder, IndexFile, sort_entries, sort_texts
from .request import TITLE
from .text.analysis import AnalysedTexts
from .text.index import TextIndex
from .text.postings import to_array
from .text.tokenizer import Tokenizer

_SAVE_INTERVAL = 1000  # changed entries
_ENTRIES, _ORDER, _STATED, _LOW, _HIGH = "entries", "order", "stated", "low", "high"
_SETS = ("values", "open", "sizes")

ConceptCounts = np.ndarray[tuple[int], np.dtype[np.uint16]]


class IndexData:
    """The data of the entries that a reader reads."""

    def __init__(
        self,
        reader: EntryReader,
        vocabularies: Vocabularies,
        languages: Sequence[str],
        file: IndexFile,
    ) -> None:
        self.reader, self.file = reader, file
        self._vocabularies, self._languages = vocabularies, languages
        self._concept_counts: ConceptCounts = np.zeros(0, np.uint16)
        self.tokenizer = Tokenizer(languages)
        self.texts = TextIndex(file.connection, self.tokenizer)
        self._restore()

    def build(self, files: Sequence[Path], metadata: Mapping[str, str]) -> None:
        """Read all entries into an empty index; raise UnreadableError."""
        with self.file:
            to_reread: list[str] = []
            batches = builder.read_batches(self.reader, self._languages, files)
            self.texts.add(self._added(batches, to_reread))
            for iri in to_reread:
                self._update(iri)
            self._save()
            self._set_metadata(metadata)

    def update(self, iris: Iterable[str], metadata: Mapping[str, str]) -> None:
        """Read again those of the IRIs that are, or were, entries."""
        with self._transaction():
            for iri in dict.fromkeys(iris):
                self._update(iri)
            if len(self.file.changed_numbers()) > _SAVE_INTERVAL:
                self._save()
            self._set_metadata(metadata)

    def order(self, text: str, language: str) -> EntryOrder:
        """Return the order by a field, or by the titles for a reader of the language."""
        return self._orders[f"{TITLE}@{language}" if text == TITLE else text]

    def concept_counts(self) -> ConceptCounts:
        """Return for how many concepts each entry counts, by its number."""
        if not len(self._concept_counts) and self.facets.entries:
            self._concept_counts = np.zeros(self.facets.entries.max() + 1, np.uint16)
            for facet in self.reader.kind.facets:
                for entries in self.facets.sets(facet.key).values.values() if facet.scheme else ():
                    self._concept_counts[to_array(entries)] += 1
        return self._concept_counts

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Change file and memory together, or neither after an error."""
        try:
            with self.file:
                yield
        except BaseException:
            self._restore()
            raise

    def _restore(self) -> None:
        """Restore what was saved, and read again the entries that have changed since."""
        self._clear()
        metadata = self.file.metadata()
        if not metadata:
            return
        self.release = metadata.get("release", "")
        _deserialize(self.file.saved(), self.facets, self._orders)
        changed = self.file.changed_numbers()
        rows = {number: row for number in changed if (row := self.file.row(number))}
        for number in changed:
            self.facets.remove(number)
        for order in self._orders.values():
            order.numbers = order.numbers[~np.isin(order.numbers, changed)]
            for number in rows:
                order.add(number)
        for number, row in rows.items():
            for entry in self.reader.read([row.iri]):
                self.facets.add(number, group_entries([entry]))

    def _clear(self) -> None:
        self.release = ""
        kind = self.reader.kind
        texts = sort_texts(kind, self._languages)
        self._orders = {name: EntryOrder(self.file, text) for name, text in texts.items()}
        self.facets = FacetIndex(kind, self._vocabularies)
        self._concept_counts = np.zeros(0, np.uint16)

    def _set_metadata(self, metadata: Mapping[str, str]) -> None:
        self.file.set_metadata(**metadata)
        self.release = metadata.get("release", "")

    def _added(
        self, batches: Iterator[EntryBatch], to_reread: list[str]
    ) -> Iterator[tuple[int, AnalysedTexts]]:
        """Add rows and facets of batches, yield their texts, and sort the entries at the end."""
        iris: list[str] = []
        columns: list[list[str]] = [[] for _ in self._orders]
        for batch in batches:
            first = len(iris)
            to_reread += batch.to_reread
            iris += batch.iris
            self.file.add(first, batch.rows)
            self.facets.add(first, batch.facets)
            for column, texts in zip(columns, batch.columns, strict=True):
                column += texts
            yield first, batch.texts
        sort_entries(self._orders.values(), iris, columns)

    def _save(self) -> None:
        self.texts.merge()
        self.file.save(_serialize(self.facets, self._orders))

    def _update(self, iri: str) -> None:
        number = self.file.number(iri)
        old = None if number is None else self.file.row(number)
        entry = next(self.reader.read([iri]), None)
        new = entry and row_of(entry)
        orders = [
            order
            for order in self._orders.values()
            if not (old and new) or order.text(old) != order.text(new)
        ]
        if number is not None:
            self.facets.remove(number)
            for order in orders:
                order.remove(number)
        if entry:
            self._put(self.file.next_number() if number is None else number, entry, orders)
        elif number is not None:
            self.texts.remove(number)
            self.file.remove(number)
        self._concept_counts = np.zeros(0, np.uint16)

    def _put(self, number: int, entry: IndexedEntry, orders: Iterable[EntryOrder]) -> None:
        self.file.put(number, row_of(entry))
        self.texts.replace(number, entry.texts)
        self.facets.add(number, group_entries([entry]))
        for order in orders:
            order.add(number)


def _serialize(facets: FacetIndex, orders: Mapping[str, EntryOrder]) -> Iterator[tuple[str, bytes]]:
    """Yield all bitmaps, bounds and orders, each with a name."""
    facets.compress()
    yield _name(_ENTRIES), facets.entries.serialize()
    for key, sets in facets.fields.items():
        yield _name(_STATED, key), sets.stated.serialize()
        for part in _SETS:
            for value, entries in getattr(sets, part).items():
                yield _name(part, key, value), entries.serialize()
    for key, (low, high) in facets.bounds.items():
        yield _name(_LOW, key), low.tobytes()
        yield _name(_HIGH, key), high.tobytes()
    for key, order in orders.items():
        yield _name(_ORDER, key), order.numbers.tobytes()


def _deserialize(
    saved: Iterable[tuple[str, bytes]], facets: FacetIndex, orders: Mapping[str, EntryOrder]
) -> None:
    """Restore what was saved into empty facets and orders."""
    bounds: dict[str, dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]]] = {}
    for name, content in saved:
        part, *path = json.loads(name)
        if part == _ENTRIES:
            facets.entries = BitMap.deserialize(content)
        elif part == _ORDER:
            orders[path[0]].numbers = np.frombuffer(content, np.uint32)
        elif part in (_LOW, _HIGH):
            bounds.setdefault(path[0], {})[part] = np.frombuffer(content, np.float64).copy()
        elif part == _STATED:
            facets.sets(path[0]).stated = BitMap.deserialize(content)
        else:
            getattr(facets.sets(path[0]), part)[path[1]] = BitMap.deserialize(content)
    facets.bounds |= {key: (ends[_LOW], ends[_HIGH]) for key, ends in bounds.items()}


def _name(*path: str | int) -> str:
    return json.dumps(path, ensure_ascii=False)
