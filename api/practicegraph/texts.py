"""The text of entries in an index: which entries have a word, a phrase or the beginning of one.

Words are bitmaps of entries; phrases are found by SQLite's FTS5 (https://www.sqlite.org/fts5.html).
Both hold tokens, those of each place apart, and are written within the transaction of the
connection's owner.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from pyoxigraph import Literal
from pyroaring import BitMap

from .kinds import Field
from .postings import Columns, Postings
from .ranking import Match, Tier, tier
from .store import Term
from .wanted import Wanted
from .words import Words, after, listed, plain

Written = tuple[Tier, str, str | None]
"""A text of an entry: its place, its words and its language (BCP 47), if it has one."""

_PLACES = (Tier.TITLE, Tier.SUMMARY, Tier.OTHER)
_BITS = 3  # of a row's number that say the place; those before them are the entry's number
_BETWEEN = " ¶ "  # no word comes to this token, so no phrase goes on from one text to the next
_AT_ONCE = 1000
_MOST_FORMS = 200
_MOST_KNOWN = 500_000
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


def written(filled: Iterable[tuple[Field, Iterable[Term]]]) -> list[Written]:
    """Give the texts in which an entry is searched, of its fields with their values."""
    return [
        (tier(field), term.value, term.language)
        for field, terms in filled
        if field.searched and not field.scheme
        for term in terms
        if isinstance(term, Literal)
    ]


@dataclass(frozen=True)
class Analysed:
    """Texts of an entry as tokens, place by place, with words as they are compared and written.

    Whoever analyses many entries tells each word once.
    """

    columns: tuple[str, ...]
    words: tuple[tuple[str, str, str], ...]


class Analyst:
    """Analyses the texts of entries."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._known: dict[str | None, set[str]] = defaultdict(set)

    def analyse(self, texts: Iterable[Written]) -> Analysed:
        """Give the tokens of an entry's texts, and the words that were not told before."""
        columns: dict[Tier, list[str]] = {place: [] for place in _PLACES}
        told: set[tuple[str, str, str]] = set()
        for place, text, language in texts:
            columns[place].append(self._words.tokens(text, language))
            if fresh := set(text.split()) - self._known[language]:
                told.update(self._told(fresh, language))
        joined = tuple(_BETWEEN.join(tokens) for tokens in columns.values())
        return Analysed(joined, tuple(sorted(told)))

    def _told(self, pieces: set[str], language: str | None) -> Iterator[tuple[str, str, str]]:
        """Give the words of what stands between two spaces, which is known from then on."""
        known = self._known[language]
        if len(known) > _MOST_KNOWN:
            known.clear()
        known |= pieces
        for word in listed(" ".join(pieces)):
            form = plain(word)
            if form and not form[0].isdigit():  # numbers have neither other forms nor near ones
                yield form, self._words.token(word, language), word


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

    def clear(self) -> None:
        """Take everything out, also what another program has kept in another form."""
        self._postings.clear()
        for table in ("text_phrases", "text_words"):
            self._connection.execute(f"DROP TABLE {table}")
        self._create()

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
        sets = {place: BitMap(numbers[places == place]) for place in _PLACES}
        return {place: entries for place, entries in sets.items() if entries}


def _rows(number: int, analysed: Analysed) -> Iterator[tuple[int, str]]:
    for place, tokens in zip(_PLACES, analysed.columns, strict=True):
        if tokens:
            yield number << _BITS | place, tokens


def _listed(columns: Sequence[str]) -> Columns:
    return {place: tokens.split() for place, tokens in zip(_PLACES, columns, strict=False)}
