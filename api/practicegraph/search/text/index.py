"""The text index: the entries that have a word, a phrase or a prefix, and their ranking.

The postings have for each token and tier the entries as a roaring bitmap by block of 65,536
entries; one of a single entry is stored as that entry's number. Phrases are found by SQLite's FTS5
(https://www.sqlite.org/fts5.html) in the same tokens. Both are written in the transaction of the
connection's owner.

Each term of a query gives an entry the score of the best tier in which it matches: 8, 7, 6 and 5
for a whole word or phrase in a title, a summary, the label of a concept or any other text, 6, 5, 4
and 3 for one that matches nearly, 2 for one that matches weakly. The sum, with what `rank` adds, is
the score of the entry: a whole number that a reader can check. Measurements are in api/search.md.
"""

import sqlite3
from array import array
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from itertools import chain, islice
from operator import and_

import numpy as np
from pyroaring import BitMap

from .tokenizer import (
    TEXT_TIERS,
    Alternative,
    AnalysedTexts,
    Analyser,
    FieldText,
    QueryTerm,
    Tier,
    Tokenizer,
    prefix_range,
    unique_tokens,
)
from .words import WordIndex

_WHOLE, _NEAR, _WEAK, _TOGETHER = 4, 2, 2, 3
"""The scores of a match above its tier, that of a weak match, and that of all terms in one text."""
_MAX_WEIGHT = 4
"""The weight of the score of a term that at most a sixteenth of the entries have."""
MAX_PREFIX_ROWS = 100_000
"""The bitmaps that are read for a prefix, in order of tokens: 0.1 s of work."""
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
    """The entries that a term matches by tier: whole, or nearly, as by the prefix of a word.

    In `weak` ones only a part of it matches, or a word of a long label. A phrase in quotes is
    required. Nothing has the words of a term that is not known, but other words of one origin.
    """

    whole: TierSets = field(default_factory=dict)
    near: TierSets = field(default_factory=dict)
    weak: BitMap = field(default_factory=BitMap)
    is_required: bool = False
    is_known: bool = True

    @property
    def entries(self) -> BitMap:
        """Return all matching entries."""
        return self.weak.union(*self.whole.values(), *self.near.values())

    def with_near(self, entries: TierSets) -> "TermMatch":
        """Return the match with entries that match nearly."""
        both = {tier: self.near.get(tier, BitMap()) | found for tier, found in entries.items()}
        return replace(self, near={**self.near, **both})

    def in_tier(self, tier: Tier) -> BitMap:
        """Return the entries that match in a tier, whole or nearly."""
        return self.whole.get(tier, BitMap()) | self.near.get(tier, BitMap())

    def by_score(self) -> Iterator[tuple[int, BitMap]]:
        """Yield the entries by the best score of each, highest scores first."""
        seen = BitMap()
        scores = [(tier + _WHOLE, entries) for tier, entries in self.whole.items()]
        scores += [(tier + _NEAR, entries) for tier, entries in self.near.items()]
        scores.append((_WEAK, self.weak))
        for score, entries in sorted(scores, key=lambda pair: -pair[0]):
            if remaining := entries - seen:
                yield score, remaining
                seen |= remaining


def match_all(matches: Iterable[TermMatch], entries: BitMap) -> BitMap:
    """Return those of the entries that every term matches."""
    return reduce(and_, (match.entries for match in matches), entries)


def rank(matches: Sequence[TermMatch], entries: BitMap) -> list[tuple[int, BitMap]]:
    """Return the entries that match by score, highest scores first.

    The score is the sum of those of the terms, each as often as it is rare, and more where one text
    has all. Entries with less than two thirds of the best score, for one term less than half,
    or without a required term, do not match.
    """
    entries = match_all((match for match in matches if match.is_required), entries)
    if not matches:
        return [(0, entries)]
    totals = {0: entries}
    scored = [(_weight(match, entries), list(match.by_score())) for match in matches]
    remaining = sum(weight * max((s for s, _ in scores), default=0) for weight, scores in scored)
    for weight, scores in scored:
        remaining -= weight * max((score for score, _ in scores), default=0)
        totals = _add_scores(totals, [(weight * score, found) for score, found in scores])
        lowest = _least(matches, max(totals)) - remaining - _TOGETHER
        totals = {total: found for total, found in totals.items() if total >= lowest}
    if len(matches) > 1:
        totals = _add_scores(totals, [(_TOGETHER, _together(matches))])
    least = max(1, _least(matches, max(totals)))
    ranked = sorted(totals.items(), reverse=True, key=lambda pair: pair[0])
    return [(total, found) for total, found in ranked if total >= least and found]


def _least(matches: Sequence[TermMatch], best: int) -> int:
    """Return the least score of an entry that matches."""
    return -(-best * 2 // 3) if len(matches) > 1 else -(-best // 2)


def _weight(match: TermMatch, entries: BitMap) -> int:
    """Return how often the score of a term counts: from 1 to 4, by how few texts have it whole."""
    in_texts = BitMap.union(BitMap(), *(match.whole.get(tier, BitMap()) for tier in TEXT_TIERS))
    count = len(in_texts) or len(match.entries) or 1
    return min(_MAX_WEIGHT, max(1, (len(entries) // count).bit_length() - 1))


def _together(matches: Sequence[TermMatch]) -> BitMap:
    """Return the entries that have all terms in one tier of texts."""
    tiers = (reduce(and_, (match.in_tier(tier) for match in matches)) for tier in TEXT_TIERS)
    return BitMap.union(*tiers)


def _add_scores(
    totals: Mapping[int, BitMap], scores: Sequence[tuple[int, BitMap]]
) -> dict[int, BitMap]:
    """Return totals with further scores, of which an entry has one at most."""
    added: dict[int, BitMap] = {}
    scored = BitMap.union(BitMap(), *(found for _, found in scores))
    for total, entries in totals.items():
        for score, found in (*scores, (0, entries - scored)):
            if common := entries & found:
                added[total + score] = added.get(total + score, BitMap()) | common
    return added or {0: BitMap()}


class TextIndex:
    """The texts of entries by their numbers, in an SQLite database."""

    def __init__(self, connection: sqlite3.Connection, tokenizer: Tokenizer) -> None:
        self._connection, self._tokenizer = connection, tokenizer
        connection.create_function("union_sets", 2, _union_stored, deterministic=True)
        connection.create_function("subtract_sets", 2, _subtract_stored, deterministic=True)
        for table in _TABLES:
            connection.execute(table)
        self.words = WordIndex(connection, tokenizer.languages)

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

    def match_alternatives(self, *several: Collection[Alternative]) -> list[dict[Tier, BitMap]]:
        """Return for each of several sets the entries in which a tier has one alternative."""
        unique = dict.fromkeys(chain.from_iterable(several))
        tokens = sorted({token for groups in unique for group in groups for token in group})
        sets = self._select_by_token(tokens) if tokens else {}
        found = {groups: _with_alternative(sets, groups) for groups in unique}
        return [_union(found[groups] for groups in alternatives) for alternatives in several]

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
        self.words.add(batch.words)

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
        for tier, others in self._with_any(self.words.shorter_stems(prefix)).items():
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

    def _select_by_token(self, tokens: Sequence[str]) -> dict[tuple[str, int], BitMap]:
        sets: dict[tuple[str, int], list[BitMap]] = defaultdict(list)
        condition = f"token IN ({', '.join('?' * len(tokens))})"
        query = f"SELECT token, tier, entries FROM text_postings WHERE {condition}"  # noqa: S608
        for token, tier, entries in self._connection.execute(query, tokens):
            sets[token, tier].append(_from_stored(entries))
        return {key: BitMap.union(*parts) for key, parts in sets.items()}

    def _match_phrase(self, term: QueryTerm, variants: Sequence[tuple[str, ...]]) -> TermMatch:
        whole = [_phrase(tokens) for tokens in variants] if term.whole else []
        prefix = list(self._prefix_phrases(term, variants)) if term.is_prefix else []
        return TermMatch(self._find_phrases(whole), self._find_phrases(prefix))

    def _prefix_phrases(
        self, term: QueryTerm, variants: Sequence[tuple[str, ...]]
    ) -> Iterator[str]:
        stems = [_phrase([stem]) for stem in self.words.shorter_stems(term.prefix)]
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


def _with_alternative(
    sets: Mapping[tuple[str, int], BitMap], groups: Alternative
) -> dict[Tier, BitMap]:
    """Return the entries in which a tier has a token of each group, by tier."""
    found = {}
    for tier in TEXT_TIERS:
        having = [[sets[t, tier] for t in group if (t, tier) in sets] for group in groups]
        if all(having):
            found[tier] = reduce(and_, (first.union(*others) for first, *others in having))
    return found


def _union(several: Iterable[TierSets]) -> dict[Tier, BitMap]:
    found: dict[Tier, list[BitMap]] = defaultdict(list)
    for sets in several:
        for tier, entries in sets.items():
            found[tier].append(entries)
    return {tier: BitMap.union(*entries) for tier, entries in found.items()}


def _phrase(tokens: Iterable[str]) -> str:
    return f'"{" ".join(filter(None, tokens))}"'
