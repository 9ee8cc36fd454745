"""The text of entries in an index: which entries have a word, a phrase or the beginning of one.

Words are bitmaps of entries, phrases are found by the positions of their tokens, or looked for in
the sequences of entries. All hold tokens, those of each place apart, and are written within the
transaction of the connection's owner.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from operator import itemgetter

import numpy as np
from pyroaring import BitMap

from .analysis import PLACES, Analysed, Analyst, Numbers, Written
from .gathering import BLOCK, Gathered
from .positions import Blocks, Positions, either, standing
from .postings import MOST, Postings
from .ranking import Match, Tier
from .sequences import Sequences, Tokens
from .wanted import Wanted
from .words import Words, after

_MOST_FORMS = 200
_NONE = BitMap()
_TABLE = """
CREATE TABLE IF NOT EXISTS text_words (
    word TEXT NOT NULL,
    token TEXT NOT NULL,
    written TEXT NOT NULL,
    PRIMARY KEY (word, token)
) WITHOUT ROWID
"""
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


@dataclass(frozen=True)
class _Step:
    """What may stand in one place of a phrase: the entries that have it, and where.

    `numbers` give those of the tokens, which only entries that have changed are looked at for.
    """

    entries: Mapping[Tier, BitMap]
    numbers: Callable[[], Numbers]
    positions: Callable[[Tier], Blocks]


class Texts:
    """The texts of entries by their numbers, in an SQLite database that is given."""

    def __init__(self, connection: sqlite3.Connection, words: Words) -> None:
        self._connection, self._words = connection, words
        self._postings, self._positions = Postings(connection), Positions(connection)
        self._sequences = Sequences(connection)
        connection.execute(_TABLE)

    def put(self, number: int, written: Iterable[Written]) -> None:
        """Give an entry these texts in the place of those that it had."""
        analysed = Analyst(self._words).analyse([written])
        columns, before = Tokens(self._connection).columns(analysed), self._sequences.remove(number)
        self._postings.change(number, before, analysed.places)
        self._sequences.fill(number, columns)
        self._positions.loosen([number])
        self._connection.executemany(_ADD_WORD, analysed.words)

    def remove(self, number: int) -> None:
        """Take the texts of an entry out, if it has any."""
        self._postings.change(number, self._sequences.remove(number), {})
        self._positions.loosen([number])

    def fill(self, batches: Iterable[tuple[int, Analysed]]) -> None:
        """Add the texts of many entries that have none yet, numbered from a first one a batch.

        It is quickest in order of the numbers.
        """
        tokens, gathered = Tokens(self._connection), Gathered()
        for first, analysed in batches:
            columns = tokens.columns(analysed)
            self._sequences.fill(first, columns)
            self._connection.executemany(_ADD_WORD, analysed.words)
            self._positions.loosen(gathered.add(first, columns))
            if gathered.count >= 1 << BLOCK:
                self._enter(gathered, tokens)
                tokens = Tokens(self._connection)
        self._enter(gathered, tokens)

    def merge(self) -> None:
        """Bring the bitmaps up to date with what was put and removed; a second for a thousand."""
        self._postings.merge()

    def matching(self, wanted: Iterable[Wanted]) -> list[Match]:
        """Give for each wanted thing the entries that have it, by place."""
        return [self._match(one) for one in wanted]

    def words(self, beginning: str = "") -> Iterator[tuple[str, str]]:
        """Give the words that begin so, in the form in which they are compared and as written."""
        yield from self._connection.execute(_WORDS, (beginning, after(beginning)))

    def _enter(self, gathered: Gathered, tokens: Tokens) -> None:
        """Enter where tokens stand, in the order in which they are kept."""
        stands = [((tokens.names[s.token], s.place, s.block), s) for s in gathered.stands()]
        stands.sort(key=itemgetter(0))
        self._postings.fill((*key, stand.entries) for key, stand in stands)
        self._positions.fill((*key, stand.positions) for key, stand in stands)

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
        whole = [self._steps(tokens) for tokens in phrases] if wanted.whole else []
        last = self._unfinished(wanted.beginning) if wanted.begins else None
        before = sorted({tokens[:-1] for tokens in phrases})
        begun = [[*self._steps(tokens), last] for tokens in before] if last else []
        return Match(self._places(whole), self._places(begun))

    def _steps(self, tokens: Iterable[str]) -> list[_Step]:
        return [
            _Step(
                self._postings.of([token]),
                partial(self._sequences.numbers, token),
                partial(self._positions.of, tokens=[token]),
            )
            for token in filter(None, tokens)
        ]

    def _unfinished(self, beginning: str) -> _Step:
        shorter, between = self._shorter(beginning), (beginning, after(beginning))

        @cache
        def positions(place: Tier) -> Blocks:
            begun = self._positions.beginning(place, *between)
            return either(begun, self._positions.of(place, shorter))

        @cache
        def numbers() -> Numbers:
            others = map(self._sequences.numbers, shorter)
            return np.concatenate([self._sequences.beginning(*between, MOST), *others])

        return _Step(self._begun(beginning), numbers, positions)

    def _places(self, phrases: Iterable[Sequence[_Step]]) -> dict[Tier, BitMap]:
        """Give the entries that have any of the phrases, by place."""
        loose, found = self._positions.loose(), {place: BitMap() for place in PLACES}
        for steps in filter(None, phrases):
            for place, those in found.items():
                entries = BitMap.intersection(*(step.entries.get(place, _NONE) for step in steps))
                if firm := entries - loose - those:
                    those |= firm & standing([step.positions(place) for step in steps])
                if doubtful := entries & loose:
                    numbers = [step.numbers() for step in steps]
                    those |= self._sequences.having(place, doubtful, numbers)
        return {place: entries for place, entries in found.items() if entries}
