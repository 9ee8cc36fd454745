"""The text of entries in an index: which entries have a word, a phrase or the beginning of one.

Words are bitmaps of entries, phrases are found by the positions of their tokens, or looked for in
the sequences of entries. All hold tokens, those of each place apart, and are written within the
transaction of the connection's owner.

Tokens of entries in the order of their texts, by which phrases are found.

Each token has a number, and each entry a sequence of them in every place. A phrase is looked for in
many sequences at once, laid one after another.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from operator import itemgetter

import numpy as np
from pyroaring import BitMap

from .analysis import BREAK, PLACES, Analysed, Analyst, Column, Match, Numbers, Tier, Written
from .postings import BLOCK, MOST, Blocks, Gathered, Positions, Postings, either, standing
from .tokenizer import Wanted, Words, after

_AT_ONCE = 10_000  # entries
_COLUMNS = ", ".join(place.name.lower() for place in PLACES)
_TABLES = f"""
CREATE TABLE IF NOT EXISTS text_tokens (number INTEGER PRIMARY KEY, token TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS text_sequences (
    number INTEGER PRIMARY KEY, {", ".join(f"{p.name.lower()} BLOB NOT NULL" for p in PLACES)}
)
"""
_LISTED = "number IN (SELECT value FROM json_each(?))"
_NUMBER = "SELECT number FROM text_tokens WHERE token = ?"
_NUMBERS = "SELECT number, token FROM text_tokens WHERE token IN (SELECT value FROM json_each(?))"
_NAMES = f"SELECT token FROM text_tokens WHERE {_LISTED}"  # noqa: S608
_BETWEEN = "SELECT number FROM text_tokens WHERE token >= ? AND token < ? LIMIT ?"
_ENTER = "INSERT INTO text_tokens (token) VALUES (?)"
_ADD = f"INSERT INTO text_sequences (number, {_COLUMNS}) VALUES (?{', ?' * len(PLACES)})"  # noqa: S608
_HAD = f"SELECT {_COLUMNS} FROM text_sequences WHERE number = ?"  # noqa: S608
_REMOVE = "DELETE FROM text_sequences WHERE number = ?"


class Tokens(dict[str, int]):
    """The numbers of tokens, as far as they were asked for; good until the transaction ends."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__({"": BREAK})
        self._connection = connection
        self.names: dict[int, str] = {}

    def columns(self, analysed: Analysed) -> list[Column]:
        """Give the tokens of entries by the numbers that are kept; those without one get one."""
        names = ("", *analysed.names)
        self._look_up([name for name in names if name not in self])
        if missing := [name for name in names if name not in self]:
            self._connection.executemany(_ENTER, ((name,) for name in missing))
            self._look_up(missing)
        numbers = np.fromiter(map(self.__getitem__, names), np.uint32, len(names))
        return [Column(numbers[column.tokens], column.lengths) for column in analysed.columns]

    def _look_up(self, tokens: Sequence[str]) -> None:
        for number, token in self._connection.execute(_NUMBERS, (json.dumps(tokens),)):
            self[token], self.names[number] = number, token


class Sequences:
    """The sequences of entries by their numbers, in an SQLite database that is given."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        for statement in _TABLES.split(";"):
            connection.execute(statement)

    def fill(self, first: int, columns: Sequence[Column]) -> None:
        """Add entries, numbered from the first one."""
        numbers = range(first, first + len(columns[0].lengths))
        rows = zip(numbers, *map(_pieces, columns), strict=True)
        self._connection.executemany(_ADD, rows)

    def remove(self, number: int) -> dict[Tier, set[str]]:
        """Take an entry out, if it is there, and give the tokens that it had."""
        had = self._connection.execute(_HAD, (number,)).fetchone()
        self._connection.execute(_REMOVE, (number,))
        return {place: self._names(some) for place, some in zip(PLACES, had or (), strict=False)}

    def numbers(self, token: str) -> Numbers:
        """Give the number of a token; none where no text has had it."""
        return self._array(_NUMBER, token)

    def beginning(self, start: str, end: str, most: int) -> Numbers:
        """Give the numbers of the tokens from the start to before the end, up to so many."""
        return self._array(_BETWEEN, start, end, most)

    def having(self, place: Tier, entries: BitMap, phrase: Sequence[Numbers]) -> BitMap:
        """Give those of the entries in whose place tokens of a phrase stand one after another.

        A phrase has for each of its places the tokens that may stand there.
        """
        found = BitMap()
        for number in range(0, len(entries), _AT_ONCE):
            rows = self._rows(place, entries[number : number + _AT_ONCE])
            found.update(_having(rows, phrase))
        return found

    def _rows(self, place: Tier, entries: BitMap) -> list[tuple[int, bytes]]:
        query = f"SELECT number, {place.name.lower()} FROM text_sequences WHERE {_LISTED}"  # noqa: S608
        return self._connection.execute(query, (json.dumps(list(entries)),)).fetchall()

    def _names(self, sequence: bytes) -> set[str]:
        numbers = set(np.frombuffer(sequence, np.uint32).tolist())
        return {name for (name,) in self._connection.execute(_NAMES, (json.dumps([*numbers]),))}

    def _array(self, query: str, *values: str | int) -> Numbers:
        rows = self._connection.execute(query, values)
        return np.array([number for (number,) in rows], np.uint32)


def _pieces(column: Column) -> Iterator[bytes]:
    """Give the tokens of each entry as they are kept."""
    everything = column.tokens.tobytes()
    ends = (np.cumsum(column.lengths) * column.tokens.itemsize).tolist()
    for start, end in zip([0, *ends], ends, strict=False):
        yield everything[start:end]


def _having(rows: Sequence[tuple[int, bytes]], phrase: Sequence[Numbers]) -> list[int]:
    """Give the numbers of the rows in which a phrase stands."""
    between = np.uint32(BREAK).tobytes()
    tokens = np.frombuffer(between.join(sequence for _, sequence in rows), np.uint32)
    last = len(tokens) - len(phrase) + 1
    if last <= 0:
        return []
    met = np.ones(last, np.bool_)
    for shift, wanted in enumerate(phrase):
        met &= _are(tokens[shift : shift + last], wanted)
    sizes = [len(sequence) // tokens.itemsize + 1 for _, sequence in rows]
    places = np.searchsorted(np.cumsum(sizes), np.flatnonzero(met), side="right")
    return [rows[place][0] for place in np.unique(places).tolist()]


def _are(tokens: Numbers, wanted: Numbers) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    return tokens == wanted[0] if len(wanted) == 1 else np.isin(tokens, wanted)


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
