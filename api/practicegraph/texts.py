"""The text of entries in an index: which entries have a word, a phrase or the beginning of one.

Words are bitmaps of entries; phrases are found by SQLite's FTS5 (https://www.sqlite.org/fts5.html).
Both hold tokens, those of each place apart, and are written within the transaction of the
connection's owner.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import numpy as np
from pyroaring import BitMap

from .analysis import PLACES, Analysed, Analyst, Written
from .gathering import Columns
from .postings import Postings
from .ranking import Match, Tier
from .wanted import Wanted
from .words import Words, after

_BITS = 3  # of a row's number that say the place; those before them are the entry's number
_AT_ONCE = 1000
_MOST_FORMS = 200
_TABLES = """
CREATE VIRTUAL TABLE IF NOT EXISTS text_phrases
    USING fts5(tokens, tokenize = 'ascii', columnsize = 0);
CREATE TABLE IF NOT EXISTS text_words (
    word TEXT NOT NULL,
    token TEXT NOT NULL,
    written TEXT NOT NULL,
    PRIMARY KEY (word, token)
) WITHOUT ROWID
"""
_ADD = "INSERT INTO text_phrases (rowid, tokens) VALUES (?, ?)"
_REMOVE = "DELETE FROM text_phrases WHERE rowid >= ? AND rowid < ?"
_HAD = "SELECT rowid & 7, tokens FROM text_phrases WHERE rowid >= ? AND rowid < ?"
_MATCHING = "SELECT group_concat(rowid, ' ') FROM text_phrases WHERE text_phrases MATCH ?"
_ADD_WORD = """
INSERT INTO text_words (word, token, written) VALUES (?, ?, ?)
ON CONFLICT DO UPDATE SET written = max(written, excluded.written)
"""
_WORDS = "SELECT word, max(written) FROM text_words WHERE word >= ? AND word < ? GROUP BY word"
_FORMS = """
SELECT DISTINCT token FROM text_words
WHERE word >= ? AND word < ? AND NOT (token >= ? AND token < ?)
LIMIT ?
"""


class Texts:
    """The texts of entries by their numbers, in an SQLite database that is given."""

    def __init__(self, connection: sqlite3.Connection, words: Words) -> None:
        self._connection, self._words = connection, words
        self._postings = Postings(connection)
        self._create()

    def put(self, number: int, written: Iterable[Written]) -> None:
        """Give an entry these texts in the place of those that it had."""
        analysed = Analyst(self._words).analyse(written)
        self._change(number, analysed.columns)
        self._connection.executemany(_ADD, _rows(number, analysed))
        self._connection.executemany(_ADD_WORD, analysed.words)

    def remove(self, number: int) -> None:
        """Take the texts of an entry out, if it has any."""
        self._change(number, ())

    def fill(self, entries: Iterable[tuple[int, Analysed]]) -> None:
        """Add the texts of many entries that have none yet, fastest in order of their numbers."""
        self._postings.fill(self._filled(iter(entries)))

    def merge(self) -> None:
        """Bring the bitmaps up to date with what was put and removed; a second for a thousand."""
        self._postings.merge()

    def optimise(self) -> None:
        """Merge all that was written, which makes reading quicker; takes seconds for a million."""
        self.merge()
        self._connection.execute("INSERT INTO text_phrases (text_phrases) VALUES ('optimize')")

    def matching(self, wanted: Iterable[Wanted]) -> list[Match]:
        """Give for each wanted thing the entries that have it, by place."""
        return [self._match(one) for one in wanted]

    def words(self, beginning: str = "") -> Iterator[tuple[str, str]]:
        """Give the words that begin so, in the form in which they are compared and as written."""
        yield from self._connection.execute(_WORDS, (beginning, after(beginning)))

    def _create(self) -> None:
        for statement in _TABLES.split(";"):
            self._connection.execute(statement)

    def _change(self, number: int, columns: Sequence[str]) -> None:
        rows = (number << _BITS, number + 1 << _BITS)
        had = self._connection.execute(_HAD, rows).fetchall()
        before = {Tier(place): set(tokens.split()) for place, tokens in had}
        after = {place: set(tokens) for place, tokens in _listed(columns).items()}
        self._postings.change(number, before, after)
        if had:
            self._connection.execute(_REMOVE, rows)

    def _filled(self, entries: Iterator[tuple[int, Analysed]]) -> Iterator[tuple[int, Columns]]:
        while several := list(islice(entries, _AT_ONCE)):
            rows = (row for number, analysed in several for row in _rows(number, analysed))
            self._connection.executemany(_ADD, rows)
            words = (word for _, analysed in several for word in analysed.words)
            self._connection.executemany(_ADD_WORD, words)
            yield from ((number, _listed(analysed.columns)) for number, analysed in several)

    def _match(self, wanted: Wanted) -> Match:
        phrases = sorted(self._words.alike(wanted.words))
        if len(wanted.words) > 1:
            return self._phrase(wanted, phrases)
        whole = self._postings.of(token for (token,) in phrases) if wanted.whole else {}
        return Match(whole, self._begun(wanted.beginning) if wanted.begins else {})

    def _begun(self, beginning: str) -> dict[Tier, BitMap]:
        """Give the entries with tokens that begin so, or tokens of words that do."""
        begun = self._postings.beginning(beginning, after(beginning))
        for place, entries in self._postings.of(self._shorter(beginning)).items():
            begun[place] = begun.get(place, BitMap()) | entries
        return begun

    def _shorter(self, beginning: str) -> list[str]:
        """Give the tokens of words that begin so, which do not begin so themselves."""
        between = (beginning, after(beginning))
        rows = self._connection.execute(_FORMS, (*between, *between, _MOST_FORMS))
        return [token for (token,) in rows]

    def _phrase(self, wanted: Wanted, phrases: Sequence[tuple[str, ...]]) -> Match:
        whole = [f'"{" ".join(tokens)}"' for tokens in phrases] if wanted.whole else []
        begun = list(self._phrases_begun(wanted, phrases)) if wanted.begins else []
        return Match(self._places(whole), self._places(begun))

    def _phrases_begun(self, wanted: Wanted, phrases: Sequence[tuple[str, ...]]) -> Iterator[str]:
        others = [f'"{token}"' for token in self._shorter(wanted.beginning)]
        for before in sorted({" ".join(tokens[:-1]) for tokens in phrases}):
            for last in (f'"{wanted.beginning}" *', *others):
                yield f'"{before}" + {last}'

    def _places(self, expressions: Sequence[str]) -> dict[Tier, BitMap]:
        if not expressions:
            return {}
        (found,) = self._connection.execute(_MATCHING, (" OR ".join(expressions),)).fetchone()
        rows = np.fromstring(found or "", dtype=np.uint64, sep=" ")
        places, numbers = rows & (1 << _BITS) - 1, (rows >> _BITS).astype(np.uint32)
        sets = {place: BitMap(numbers[places == place]) for place in PLACES}
        return {place: entries for place, entries in sets.items() if entries}


def _rows(number: int, analysed: Analysed) -> Iterator[tuple[int, str]]:
    for place, tokens in zip(PLACES, analysed.columns, strict=True):
        if tokens:
            yield number << _BITS | place, tokens


def _listed(columns: Sequence[str]) -> Columns:
    return {place: tokens.split() for place, tokens in zip(PLACES, columns, strict=False)}
