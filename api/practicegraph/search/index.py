"""The search index: a search engine over bitmaps of numbered entries, quick for a million.

It is derived from the store, and brought up to date by the events of the change log.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import islice
from pathlib import Path
from threading import Lock, RLock

import numpy as np
from pyoxigraph import NamedNode
from pyroaring import BitMap
from rapidfuzz import fuzz

from ..catalogue.change_log import ChangeLog
from ..schema.fields import Field
from ..schema.vocabularies import Concept, Vocabularies
from ..storage.base import Store
from .engine import ContingencyTable, Counts, SearchEngine, SearchResult, Similarity, make_result
from .entries import EntryReader
from .facets import count_pairs
from .index_data import ConceptCounts, EntryOrder, IndexData, IndexFile
from .request import ALL_ENTRIES, RELEVANCE, TITLE, Cursor, SearchRequest, SortOrder
from .text.highlighting import Highlighter
from .text.index import rank
from .text.labels import LabelIndex
from .text.matching import OtherWords, QueryMatch, QueryMatcher
from .text.tokenizer import QueryTerm, Tier, parse_query
from .text.words import Compounds, WordFamilies

_FEW_TITLES = 8
_MAX_COMPARED_TITLES = 50
_MAX_MATCHES = 16  # a page asks for one several times
_index_labels = lru_cache(maxsize=1)(LabelIndex)
"""The index of labels, which the indexes of all kinds of records share."""


@dataclass
class Index(SearchEngine):
    """Answers from the data of the entries that a reader reads."""

    reader: EntryReader
    vocabularies: Vocabularies
    file: IndexFile = field(default_factory=IndexFile)
    stop_words: frozenset[str] = frozenset()
    compounding: frozenset[str] = frozenset()
    update_lock: Lock = field(default_factory=Lock)
    """Held by the thread that brings the index up to date with a release."""

    def __post_init__(self) -> None:
        self._lock = RLock()
        self._data = self._load(self.file)
        self._other_words: dict[str, OtherWords] = {}
        self._matches: dict[str, QueryMatch] = {}

    def use(self, vocabularies: Vocabularies) -> None:
        """Use vocabularies in which records have changed; the entries that refer to them follow."""
        if vocabularies is not self.vocabularies:
            with self._lock:
                self.vocabularies = vocabularies
                self._data.use(vocabularies)
                self._forget()

    @property
    def metadata(self) -> dict[str, str]:
        """Return the metadata of the last build or update, or nothing where it is empty."""
        return self.file.metadata()

    @property
    def release(self) -> str:
        """Return the release of its data, or "" where these are no whole release."""
        return self._data.release

    def search(
        self,
        request: SearchRequest,
        languages: Sequence[str],
        facets: Iterable[Field] | None = None,
    ) -> SearchResult:
        """Return a page of entries with counts; no facet's filters narrow its own counts."""
        with self._lock:
            match = self._match(request.query)
            scores = self._scores(match)
            entries, filters = _union(scores), self._data.facets.filter(request)
            matching = _intersection(entries, filters)
            without = {key: _intersection(entries, filters, key) for key in filters}
            counts = {
                facet.key: self._data.facets.count(facet, without.get(facet.key, matching))
                for facet in (self.reader.kind.facets if facets is None else facets)
            }
            cursors, has_more = self._page(request, languages, scores, matching)
            result = make_result(request, len(matching), cursors, has_more, counts)
            if match is None:
                return result
            is_doubtful = not matching or match.is_doubtful
            return replace(result, ignored=match.ignored, is_doubtful=is_doubtful)

    def offset(
        self, request: SearchRequest, languages: Sequence[str], cursors: Sequence[Cursor]
    ) -> int:
        """Return how many matching entries are sorted before the first of the cursors."""
        if not cursors or not (request.after or request.before):
            return 0
        with self._lock:
            scores = self._scores(self._match(request.query))
            matching = _intersection(_union(scores), self._data.facets.filter(request))
            order = self._data.orders[request.order.name(languages[0])]
            levels = self._levels(request.order, scores, matching)
            return sum(_ranks(request.order, order, levels, cursors[0]))

    def counts(self, facet: Field, request: SearchRequest = ALL_ENTRIES) -> Counts:
        """Return how many of the matching entries have each value of a facet."""
        with self._lock:
            return self._data.facets.count(facet, self._matching(request.without(facet)))

    def cross_tabulate(
        self, rows: Field, columns: Field, request: SearchRequest
    ) -> ContingencyTable:
        """Count the matching entries by the values of two facets."""
        with self._lock:
            facets, matching = self._data.facets, self._matching(request)
            by_row, by_column = facets.count(rows, matching), facets.count(columns, matching)
            row_sets = {v: having for v, having in facets.by_value(rows) if v in by_row}
            column_sets = {v: having for v, having in facets.by_value(columns) if v in by_column}
            table = count_pairs(matching, list(row_sets.values()), list(column_sets.values()))
            cells = {
                (row, column): count
                for row, row_counts in zip(row_sets, table, strict=True)
                for column, count in zip(column_sets, row_counts, strict=True)
                if count
            }
            return ContingencyTable(len(matching), by_row, by_column, cells)

    def similar(self, entry: str, limit: int) -> list[Similarity]:
        """Return the entries most similar to one, by the concepts that they share."""
        with self._lock:
            number = self.file.number(entry)
            if number is None:
                return []
            counts = self._data.concept_counts()
            shared = self._data.facets.count_shared(number, len(counts))
            return self._most_similar(shared, counts + counts[number] - shared, limit)

    def scores(self, query: str) -> dict[str, int]:
        """Return the scores of the entries that match a query, by IRI, highest scores first."""
        with self._lock:
            scores = self._scores(self._match(query))
            return {iri: score for score, entries in scores for iri in self.file.iris(entries)}

    def find_titles(self, text: str, limit: int) -> list[str]:
        """Return the entries whose titles have the words of a text, the same titles first."""
        with self._lock:
            finder = _TitleFinder(self._data, self.stop_words)
            return self.file.iris(finder.find(text, limit))

    def contains(self, iri: str) -> bool:
        """Return whether an IRI is that of a current entry."""
        with self._lock:
            return self.file.number(iri) is not None

    def highlighter(self, query: str, languages: Sequence[str]) -> Highlighter:
        """Return the highlighter of a query for a reader of the languages."""
        with self._lock:
            terms = self._matcher.expand(parse_query(query, self.stop_words))
            return Highlighter(terms, self._data.tokenizer, languages)

    def suggest(self, query: str, languages: Sequence[str]) -> str | None:
        """Return a near query that matches where this one does not ("did you mean"), or None."""
        with self._lock:
            return self._matcher.suggest(query, languages)

    def build(self, files: Sequence[Path] = (), **metadata: str) -> None:
        """Read all entries again, while the old data answer; raise UnreadableError.

        Many are read out of the files that the store was filled from.
        """
        empty = self.file.create_empty()
        try:
            data = self._load(empty)
            data.build(files, metadata)
        except BaseException:
            empty.close()
            raise
        with self._lock:
            file = empty.replace(self.file)
            self._data = data if file is empty else self._load(file)
            self._forget()
            self.file = file

    def update(self, iris: Iterable[str], **metadata: str) -> None:
        """Read again those of the IRIs that are, or were, entries."""
        with self._lock:
            self._data.update(iris, metadata)
            self._forget()

    def _load(self, file: IndexFile) -> IndexData:
        return IndexData(self.reader, self.vocabularies, file)

    @property
    def _matcher(self) -> QueryMatcher:
        """Return the matcher of queries, which would be a cycle if it were kept."""
        texts, tokenizer = self._data.texts, self._data.tokenizer
        labels = _index_labels(self.vocabularies, tokenizer.languages, self.stop_words)
        texts.words.use_labels(labels.words)
        return QueryMatcher(
            texts,
            labels,
            Compounds(texts.words, tokenizer, self.compounding),
            WordFamilies(texts.words, tokenizer),
            tokenizer,
            self.stop_words,
            self._with_concepts,
            self._other_words,
        )

    def _match(self, query: str) -> QueryMatch | None:
        if query.strip() and query not in self._matches:
            if len(self._matches) >= _MAX_MATCHES:
                self._matches.clear()
            self._matches[query] = self._matcher.match(query)
        return self._matches.get(query)

    def _forget(self) -> None:
        self._other_words.clear()
        self._matches.clear()

    def _matching(self, request: SearchRequest) -> BitMap:
        scores = self._scores(self._match(request.query))
        return _intersection(_union(scores), self._data.facets.filter(request))

    def _scores(self, match: QueryMatch | None) -> list[tuple[int, BitMap]]:
        """Return the entries that match a query by score, highest scores first, or all."""
        if match is None:
            return [(0, self._data.facets.entries)]
        return rank(match.matches, self._data.facets.entries)

    def _with_concepts(self, concepts: Iterable[Concept]) -> BitMap:
        """Return the entries that count for any of the concepts in a searched field."""
        iris = [concept.iri for concept in concepts]
        searched = [f for f in self.reader.kind.fields if f.scheme and f.is_searched]
        values = (self._data.facets.sets(field.iri).values for field in searched)
        return BitMap.union(BitMap(), *(v[iri] for v in values for iri in iris if iri in v))

    def _page(
        self,
        request: SearchRequest,
        languages: Sequence[str],
        scores: Sequence[tuple[int, BitMap]],
        matching: BitMap,
    ) -> tuple[list[Cursor], bool]:
        """Return the cursors of a page in the direction of reading, and whether more follow."""
        order = self._data.orders[request.order.name(languages[0])]
        levels = self._levels(request.order, scores, matching)
        entries = islice(_beyond_cursor(request, order, levels), request.size + 1)
        cursors = [Cursor(level, *order.cursor(number)) for level, number in entries]
        return cursors[: request.size], len(cursors) > request.size

    def _levels(
        self, order: SortOrder, scores: Sequence[tuple[int, BitMap]], matching: BitMap
    ) -> list[tuple[int | None, BitMap]]:
        """Return the matching entries by level, the lowest level first."""
        if not order.level:
            return [(None, matching)]
        if order.level != RELEVANCE:
            facet = self.reader.kind.facets_by_key[order.level]
            scores = list(self._data.facets.by_size(facet).items())
        return [(level, entries & matching) for level, entries in sorted(scores)]

    def _most_similar(
        self, shared: ConceptCounts, either: ConceptCounts, limit: int
    ) -> list[Similarity]:
        """Return the most similar entries; on a tie in order of IRIs."""
        scores = shared / np.maximum(either, 1)
        lowest = np.partition(scores, -limit)[-limit] if len(scores) > limit else 0.0
        numbers = np.flatnonzero(scores >= lowest if lowest else scores)
        similarities = [
            Similarity(iri, int(shared[number]), int(either[number]))
            for number, iri in zip(numbers, self.file.iris(numbers.tolist()), strict=True)
        ]
        similarities.sort(key=lambda similarity: (-similarity.score, similarity.iri))
        return similarities[:limit]


def _union(scores: Iterable[tuple[int, BitMap]]) -> BitMap:
    first, *others = [entries for _, entries in scores] or [BitMap()]
    return first.union(*others) if others else first


def _intersection(entries: BitMap, filters: Mapping[str, BitMap], without: str = "") -> BitMap:
    others = [passing for key, passing in filters.items() if key != without]
    return entries.intersection(*others) if others else entries


def _beyond_cursor(
    request: SearchRequest, order: EntryOrder, levels: Sequence[tuple[int | None, BitMap]]
) -> Iterator[tuple[int | None, int]]:
    """Yield the entries beyond the cursor with their levels, in the direction of reading.

    The lowest level comes first; one that is None has all entries.
    """
    sort, cursor = request.order, request.before or request.after
    descending = sort.level_descending != request.is_backward
    sorted_entries = order.before if sort.descending != request.is_backward else order.after
    for level, entries in reversed(levels) if descending else levels:
        key = order.key_of(cursor.text, cursor.iri) if cursor else None
        if cursor and level is not None:
            distance = (level - (cursor.level or 0)) * (-1 if descending else 1)
            if distance < 0:
                continue
            key = None if distance else key
        yield from ((level, number) for number in sorted_entries(entries, key))


def _ranks(
    sort: SortOrder, order: EntryOrder, levels: Sequence[tuple[int | None, BitMap]], cursor: Cursor
) -> Iterator[int]:
    """Yield how many entries of each level are sorted before a cursor."""
    key = order.key_of(cursor.text, cursor.iri)
    for level, entries in levels:
        if level == cursor.level:
            before = order.count_before(entries, key)
            yield len(entries) - before - 1 if sort.descending else before
        elif ((level or 0) > (cursor.level or 0)) == sort.level_descending:
            yield len(entries)


@dataclass(frozen=True)
class _TitleFinder:
    """Finds entries by their titles."""

    data: IndexData
    stop_words: Collection[str]

    def find(self, text: str, limit: int) -> list[int]:
        """Return the entries whose titles have the words of a text, the same titles first.

        A word in no title beside longer ones is ignored: it may be misspelt.
        """
        matching, title = self._matching(parse_query(text, self.stop_words)), text.lower()
        if len(matching) > _MAX_COMPARED_TITLES:
            numbers = [*self._same(title, limit), *islice(matching, limit)]
            return list(dict.fromkeys(numbers))[:limit]
        numbers = list(matching)
        if len(numbers) <= limit:
            return numbers
        return sorted(numbers, key=lambda number: -self._likeness(number, title))[:limit]

    def _matching(self, terms: Iterable[QueryTerm]) -> BitMap:
        """Return the entries with the words; after the longest ones no more are read for a few."""
        matching = BitMap()
        for term in sorted(terms, key=lambda term: -len(term.prefix)):
            (match,) = self.data.texts.match([replace(term, whole=True, is_prefix=False)])
            entries = match.whole.get(Tier.TITLE, BitMap())
            matching = matching & entries or matching or entries
            if 0 < len(matching) <= _FEW_TITLES:
                break
        return matching

    def _same(self, title: str, limit: int) -> Iterator[int]:
        for language in self.data.reader.languages:
            order = self.data.orders[SortOrder(TITLE).name(language)]
            start = order.position(order.key_of(title, ""))
            for number in order.numbers[start : start + limit].tolist():
                if order.cursor(number)[0].lower() != title:
                    break
                yield number

    def _likeness(self, number: int, title: str) -> float:
        row = self.data.file.row(number)
        assert row, number
        places = row.places[: len(self.data.reader.languages)]
        titles = {row.sort_texts[place][1].lower() for place in places}
        return max((fuzz.ratio(title, other) for other in titles), default=0.0)


def try_synchronise(
    index: Index, release: str, log: ChangeLog | None, files: Sequence[Path] = ()
) -> None:
    """Bring an index up to date with a release, unless another thread does; raise UnreadableError.

    If it is built, many entries are read out of files; without a release, only an empty one is.
    """
    if not index.update_lock.acquire(blocking=False):
        return
    try:
        synchronise(index, release, log, files=files)
    finally:
        index.update_lock.release()


def synchronise(
    index: Index, release: str, log: ChangeLog | None, end: int = 0, files: Sequence[Path] = ()
) -> None:
    """Bring an index up to date with a release, which is that of an event or of the log's end.

    Whoever calls this holds the lock of its updates.
    """
    end = end or (log.count if log else 0)
    metadata, position = index.metadata, _log_position(log, end) if log else ""
    if metadata.get("release") == release or (metadata and not release):
        return
    number = int(metadata.get("logged", "0").partition(" ")[0] or 0)
    if log and _leads_to(log, number, end, metadata, release):
        iris = _changed_iris(log, number, index.reader.store)
        index.update(iris, release=release, logged=position)
    else:
        index.build(files, release=release, logged=position)


def _leads_to(
    log: ChangeLog, number: int, end: int, metadata: Mapping[str, str], release: str
) -> bool:
    """Return whether the log continues from the index, and only entries have changed since."""
    continues = number > 0 and _log_position(log, number) == metadata.get("logged")
    return (
        continues
        and (log.is_at(release) or log.event(end).release == release)
        and _domain(release) == _domain(metadata.get("release", ""))
    )


def _log_position(log: ChangeLog, number: int) -> str:
    """Return a position that is the same in this log alone."""
    if not 0 < number <= log.count:
        return ""
    event = log.event(number)
    return f"{number} {event.moment} {event.digest}"


def _domain(release: str) -> str:
    """Return the part of a release that changes with the ontology and the shapes."""
    return release.partition("-")[0]


def _changed_iris(log: ChangeLog, number: int, store: Store) -> Iterator[str]:
    """Yield the topics of the events after a number, and the other subjects of their graphs.

    What refers to a topic that is or was deprecated follows, since it counts for its successor.
    """
    for event in log.since(number):
        yield event.topic
        if log.was_deprecated(event.topic):
            referring = store.quads(None, None, NamedNode(event.topic))
            yield from (q.subject.value for q in referring if isinstance(q.subject, NamedNode))
        yield from (t.subject.value for t in event.triples if isinstance(t.subject, NamedNode))
