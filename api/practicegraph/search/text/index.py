"""The text index: the entries that have a word, a phrase or a prefix, and their ranking.

The postings have for each token and tier the entries as a roaring bitmap by block of 65,536
entries; one of a single entry is stored as that entry's number. Phrases are found by SQLite's FTS5
(https://www.sqlite.org/fts5.html) in the same tokens. Both are written in the transaction of the
connection's owner.

Each term of a query gives an entry the score of the best tier in which it matches: 8, 7, 6 and 5
for a whole word or phrase in a title, a summary, the label of a concept or any other text, and 4,
3, 2 and 1 for a prefix. The sum is the score of the entry: a whole number that a reader can check.
Why it ignores how rare a word is (BM25) is in api/search.md.
"""

import sqlite3
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import chain, islice
from operator import and_, or_

import numpy as np
from pyroaring import BitMap

from .tokenizer import (
    TEXT_TIERS,
    AnalysedTexts,
    Analyser,
    FieldText,
    QueryTerm,
    Tier,
    Tokenizer,
    prefix_range,
    unique_tokens,
)

MAX_PREFIX_ROWS = 100_000
"""The bitmaps that are read for a prefix, in order of tokens: 0.1 s of work."""
_MAX_FORMS = 200
_BLOCK_BITS = 16
_TIER_BITS = 3  # of a row's number in FTS5, below the entry's number
_BATCHES_AT_ONCE = 64  # of about 1,000 entries
_TABLES = (
    """
    CREATE TABLE IF NOT EXISTS text_postings (
        token TEXT NOT NULL,
        tier INTEGER NOT NULL,
        block INTEGER NOT NULL,
        entries NOT NULL,
        PRIMARY KEY (token, tier, block)
    ) WITHOUT ROWID
    """,
    """
    CREATE VIRTUAL TABLE IF NOT EXISTS text_phrases
    USING fts5 (tokens, tokenize = 'ascii', columnsize = 0)
    """,
    """
    CREATE TABLE IF NOT EXISTS text_words (
        form TEXT NOT NULL,
        token TEXT NOT NULL,
        word TEXT NOT NULL,
        PRIMARY KEY (form, token)
    ) WITHOUT ROWID
    """,
)
_ADD_ENTRIES = """
INSERT INTO text_postings VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET entries = union_sets(entries, excluded.entries)
"""
_REMOVE_ENTRY = """
UPDATE text_postings SET entries = subtract_sets(entries, ?)
WHERE token = ? AND tier = ? AND block = ?
"""
_REMOVE_LAST_ENTRY = """
DELETE FROM text_postings WHERE entries = ? AND token = ? AND tier = ? AND block = ?
"""
_INSERT_TOKENS = "INSERT INTO text_phrases (rowid, tokens) VALUES (?, ?)"
_SELECT_TOKENS = "SELECT rowid, tokens FROM text_phrases WHERE rowid >= ? AND rowid < ?"
_DELETE_TOKENS = "DELETE FROM text_phrases WHERE rowid >= ? AND rowid < ?"
_MATCH = "SELECT group_concat(rowid, ' ') FROM text_phrases WHERE text_phrases MATCH ?"
_INSERT_WORD = """
INSERT INTO text_words (form, token, word) VALUES (?, ?, ?)
ON CONFLICT DO UPDATE SET word = max(word, excluded.word)
"""
_SELECT_WORDS = "SELECT form, max(word) FROM text_words WHERE form >= ? AND form < ? GROUP BY form"
_SELECT_FORMS = """
SELECT DISTINCT token FROM text_words
WHERE form >= ? AND form < ? AND NOT (token >= ? AND token < ?)
LIMIT ?
"""

Numbers = np.ndarray[tuple[int], np.dtype[np.uint32]]
TierSets = Mapping[Tier, BitMap]
"""Entries by tier."""
_StoredSet = int | bytes
"""The number of a single entry, or a serialized bitmap."""


def to_bitmap(numbers: "np.ndarray[tuple[int], np.dtype[np.integer]]") -> BitMap:
    """Return the bitmap of an array of numbers."""
    return BitMap(array("I", numbers.astype(np.uint32).tobytes()))


def to_array(entries: BitMap) -> Numbers:
    """Return the numbers of a bitmap in order."""
    return np.frombuffer(entries.to_array(), dtype=np.uint32)


@dataclass(frozen=True)
class TermMatch:
    """The entries that a term matches by tier: whole, or as the prefix of a word."""

    whole: TierSets = field(default_factory=dict)
    prefix: TierSets = field(default_factory=dict)

    @property
    def entries(self) -> BitMap:
        """Return all matching entries."""
        return reduce(or_, (*self.whole.values(), *self.prefix.values()), BitMap())

    def with_labels(self, whole: BitMap, prefix: BitMap) -> "TermMatch":
        """Return the match with the entries in which the label of a concept matches."""
        return TermMatch({**self.whole, Tier.LABEL: whole}, {**self.prefix, Tier.LABEL: prefix})

    def by_score(self) -> Iterator[tuple[int, BitMap]]:
        """Yield the entries by the best score of each, highest scores first."""
        seen = BitMap()
        scores = [(int(tier), entries) for tier, entries in self.prefix.items()]
        scores += [(tier + max(Tier), entries) for tier, entries in self.whole.items()]
        for score, entries in sorted(scores, key=lambda pair: -pair[0]):
            if remaining := entries - seen:
                yield score, remaining
                seen |= remaining


def match_all(matches: Iterable[TermMatch], entries: BitMap) -> BitMap:
    """Return those of the entries that every term matches."""
    return reduce(and_, (match.entries for match in matches), entries)


def rank(matches: Sequence[TermMatch], entries: BitMap) -> list[tuple[int, BitMap]]:
    """Return those of the entries that every term matches by score, highest scores first."""
    matching = match_all(matches, entries)
    totals = {0: matching} if matching else {}
    for match in matches:
        raised: dict[int, BitMap] = {}
        scores = [(score, scored & matching) for score, scored in match.by_score()]
        for score, scored in scores:
            for total, with_total in totals.items():
                if common := with_total & scored:
                    raised[total + score] = raised.get(total + score, BitMap()) | common
        totals = raised
    return sorted(totals.items(), reverse=True, key=lambda pair: pair[0])


class TextIndex:
    """The texts of entries by their numbers, in an SQLite database."""

    def __init__(self, connection: sqlite3.Connection, tokenizer: Tokenizer) -> None:
        self._connection, self._tokenizer = connection, tokenizer
        connection.create_function("union_sets", 2, _union_stored, deterministic=True)
        connection.create_function("subtract_sets", 2, _subtract_stored, deterministic=True)
        for table in _TABLES:
            connection.execute(table)

    def replace(self, number: int, texts: Iterable[FieldText]) -> None:
        """Replace the texts of an entry, if it has any."""
        batch = Analyser(self._tokenizer).analyse([texts])
        after = {tier: unique_tokens(tokens.split()) for tier, (tokens,) in batch.texts.items()}
        self._change_postings(number, self._delete_tokens(number), after)
        self._insert_tokens(number, batch)

    def remove(self, number: int) -> None:
        """Remove the texts of an entry, if it has any."""
        self._change_postings(number, self._delete_tokens(number), {})

    def add(self, batches: Iterable[tuple[int, AnalysedTexts]]) -> None:
        """Add batches of entries that have no texts yet, each with its first number."""
        inserted = self._inserted(batches)
        for batch in inserted:
            group = chain([batch], islice(inserted, _BATCHES_AT_ONCE - 1))
            self._connection.executemany(_ADD_ENTRIES, _block_rows(group))

    def match(self, terms: Iterable[QueryTerm]) -> list[TermMatch]:
        """Return for each term the entries that it matches."""
        return [self._match(term) for term in terms]

    def words(self, prefix: str = "") -> Iterator[tuple[str, str]]:
        """Yield the words with a prefix: their normal forms, and as they are written."""
        yield from self._connection.execute(_SELECT_WORDS, prefix_range(prefix))

    def _inserted(
        self, batches: Iterable[tuple[int, AnalysedTexts]]
    ) -> Iterator[tuple[int, AnalysedTexts]]:
        for first, batch in batches:
            self._insert_tokens(first, batch)
            yield first, batch

    def _change_postings(
        self, number: int, before: Mapping[Tier, set[str]], after: Mapping[Tier, set[str]]
    ) -> None:
        block = number >> _BLOCK_BITS
        for tier in TEXT_TIERS:
            old, new = before.get(tier, set()), after.get(tier, set())
            removed = [(number, token, tier, block) for token in old - new]
            self._connection.executemany(_REMOVE_LAST_ENTRY, removed)
            self._connection.executemany(_REMOVE_ENTRY, removed)
            added = [(token, tier, block, number) for token in new - old]
            self._connection.executemany(_ADD_ENTRIES, added)

    def _insert_tokens(self, first: int, batch: AnalysedTexts) -> None:
        rows = (
            (number << _TIER_BITS | tier, tokens)
            for number, texts in enumerate(zip(*batch.texts.values(), strict=True), first)
            for tier, tokens in zip(batch.texts, texts, strict=True)
            if tokens
        )
        self._connection.executemany(_INSERT_TOKENS, rows)
        self._connection.executemany(_INSERT_WORD, batch.words)

    def _delete_tokens(self, number: int) -> dict[Tier, set[str]]:
        """Delete the tokens of an entry and return them by tier."""
        rows = (number << _TIER_BITS, number + 1 << _TIER_BITS)
        stored = self._connection.execute(_SELECT_TOKENS, rows).fetchall()
        if stored:
            self._connection.execute(_DELETE_TOKENS, rows)
        tier_bits = (1 << _TIER_BITS) - 1
        return {Tier(row & tier_bits): unique_tokens(tokens.split()) for row, tokens in stored}

    def _match(self, term: QueryTerm) -> TermMatch:
        variants = sorted(self._tokenizer.variants(term.words))
        if len(term.words) > 1:
            return self._match_phrase(term, variants)
        whole = self._with_any([token for (token,) in variants]) if term.whole else {}
        return TermMatch(whole, self._match_prefix(term.prefix) if term.is_prefix else {})

    def _match_prefix(self, prefix: str) -> dict[Tier, BitMap]:
        entries = self._select_entries("token >= ? AND token < ?", prefix_range(prefix))
        for tier, others in self._with_any(self._shorter_stems(prefix)).items():
            entries[tier] = entries.get(tier, BitMap()) | others
        return entries

    def _with_any(self, tokens: Sequence[str]) -> dict[Tier, BitMap]:
        """Return the entries that have any of the tokens, by tier."""
        return self._select_entries(f"token IN ({', '.join('?' * len(tokens))})", tokens)

    def _select_entries(self, condition: str, values: Sequence[str]) -> dict[Tier, BitMap]:
        sets: dict[int, list[BitMap]] = defaultdict(list)
        singles: dict[int, list[int]] = defaultdict(list)  # many times faster than as bitmaps
        query = f"SELECT tier, entries FROM text_postings WHERE {condition} LIMIT ?"  # noqa: S608
        for tier, entries in self._connection.execute(query, (*values, MAX_PREFIX_ROWS)):
            if isinstance(entries, int):
                singles[tier].append(entries)
            else:
                sets[tier].append(BitMap.deserialize(entries))
        return {
            tier: BitMap.union(BitMap(singles[tier]), *sets[tier])
            for tier in TEXT_TIERS
            if tier in sets or tier in singles
        }

    def _shorter_stems(self, prefix: str) -> list[str]:
        """Return the tokens of words with the prefix that do not have it themselves."""
        bounds = prefix_range(prefix)
        rows = self._connection.execute(_SELECT_FORMS, (*bounds, *bounds, _MAX_FORMS))
        return [token for (token,) in rows]

    def _match_phrase(self, term: QueryTerm, variants: Sequence[tuple[str, ...]]) -> TermMatch:
        whole = [_phrase(tokens) for tokens in variants] if term.whole else []
        prefix = list(self._prefix_phrases(term, variants)) if term.is_prefix else []
        return TermMatch(self._find_phrases(whole), self._find_phrases(prefix))

    def _prefix_phrases(
        self, term: QueryTerm, variants: Sequence[tuple[str, ...]]
    ) -> Iterator[str]:
        stems = [_phrase([stem]) for stem in self._shorter_stems(term.prefix)]
        for before in sorted({tokens[:-1] for tokens in variants}):
            for last in (f"{_phrase([term.prefix])} *", *stems):
                yield f"{_phrase(before)} + {last}"

    def _find_phrases(self, phrases: Sequence[str]) -> dict[Tier, BitMap]:
        """Return the entries that have any of the phrases, in the syntax of FTS5, by tier."""
        if not phrases:
            return {}
        (text,) = self._connection.execute(_MATCH, (" OR ".join(phrases),)).fetchone()
        rows = np.fromstring(text or "", dtype=np.int64, sep=" ")
        tiers, numbers = rows & (1 << _TIER_BITS) - 1, rows >> _TIER_BITS
        sets = {tier: to_bitmap(numbers[tiers == tier]) for tier in TEXT_TIERS}
        return {tier: entries for tier, entries in sets.items() if entries}


def _block_rows(batches: Iterable[tuple[int, AnalysedTexts]]) -> Iterator[tuple[object, ...]]:
    """Yield the rows of batches in the order of the table."""
    numbers: dict[tuple[str, int], array[int]] = defaultdict(lambda: array("I"))
    for first, batch in batches:
        for tier, postings in batch.postings.items():
            value = int(tier)  # hashed many times faster than the member
            for token, positions in postings.items():
                numbers[token, value].extend([first + position for position in positions])
    for token, value in sorted(numbers):
        for block, entries in _blocks(BitMap(numbers[token, value])):
            yield token, value, block, _to_stored(entries)


def _blocks(entries: BitMap) -> Iterator[tuple[int, BitMap]]:
    """Yield the parts of a bitmap that lie in one block each."""
    first, last = entries.min() >> _BLOCK_BITS, entries.max() >> _BLOCK_BITS
    if first == last:
        yield first, entries
        return
    for block in range(first, last + 1):
        if part := entries & BitMap(range(block << _BLOCK_BITS, block + 1 << _BLOCK_BITS)):
            yield block, part


def _to_stored(entries: BitMap) -> _StoredSet:
    return entries[0] if len(entries) == 1 else entries.serialize()


def _from_stored(entries: _StoredSet) -> BitMap:
    return BitMap([entries]) if isinstance(entries, int) else BitMap.deserialize(entries)


def _union_stored(entries: _StoredSet, others: _StoredSet) -> _StoredSet:
    return _to_stored(_from_stored(entries) | _from_stored(others))


def _subtract_stored(entries: _StoredSet, others: _StoredSet) -> _StoredSet:
    return _to_stored(_from_stored(entries) - _from_stored(others))


def _phrase(tokens: Iterable[str]) -> str:
    return f'"{" ".join(filter(None, tokens))}"'
