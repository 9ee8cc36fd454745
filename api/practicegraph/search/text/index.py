"""The text index: the entries that have a word, a phrase or a prefix.

Words are found in the postings, phrases by SQLite's FTS5 (https://www.sqlite.org/fts5.html). Both
hold tokens by tier, and are written in the transaction of the connection's owner.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from pyroaring import BitMap

from .analysis import TEXT_TIERS, AnalysedTexts, Analyser, FieldText, TermMatch, Tier, unique_tokens
from .postings import Postings, to_bitmap
from .tokenizer import QueryTerm, Tokenizer, prefix_range

_TIER_BITS = 3  # of a row's number in FTS5, below the entry's number
_MAX_FORMS = 200
_TABLES = (
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


class TextIndex:
    """The texts of entries by their numbers, in an SQLite database."""

    def __init__(self, connection: sqlite3.Connection, tokenizer: Tokenizer) -> None:
        self._connection, self._tokenizer = connection, tokenizer
        self._postings = Postings(connection)
        for table in _TABLES:
            connection.execute(table)

    def replace(self, number: int, texts: Iterable[FieldText]) -> None:
        """Replace the texts of an entry, if it has any."""
        batch = Analyser(self._tokenizer).analyse([texts])
        after = {tier: unique_tokens(tokens) for tier, (tokens,) in batch.texts.items()}
        self._postings.change(number, self._delete_tokens(number), after)
        self._insert_tokens(number, batch)

    def remove(self, number: int) -> None:
        """Remove the texts of an entry, if it has any."""
        self._postings.change(number, self._delete_tokens(number), {})

    def add(self, batches: Iterable[tuple[int, AnalysedTexts]]) -> None:
        """Add batches of entries that have no texts yet, each with its first number."""
        self._postings.add(self._inserted(batches))

    def merge(self) -> None:
        """Merge the recorded changes of the postings."""
        self._postings.merge()

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
        return {Tier(row & (1 << _TIER_BITS) - 1): unique_tokens(text) for row, text in stored}

    def _match(self, term: QueryTerm) -> TermMatch:
        variants = sorted(self._tokenizer.variants(term.words))
        if len(term.words) > 1:
            return self._match_phrase(term, variants)
        whole = self._postings.find(token for (token,) in variants) if term.whole else {}
        return TermMatch(whole, self._match_prefix(term.prefix) if term.is_prefix else {})

    def _match_prefix(self, prefix: str) -> dict[Tier, BitMap]:
        entries = self._postings.find_prefix(prefix)
        for tier, others in self._postings.find(self._shorter_stems(prefix)).items():
            entries[tier] = entries.get(tier, BitMap()) | others
        return entries

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


def _phrase(tokens: Iterable[str]) -> str:
    return f'"{" ".join(filter(None, tokens))}"'
