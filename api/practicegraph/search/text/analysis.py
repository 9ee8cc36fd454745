"""Texts of entries taken apart: the tokens that stand in each place, and the words there are.

Which of the entries that have all that is wanted come first, and why.

For each wanted thing an entry has the points of the best place in which it has it: 8, 7, 6 and 5
where the thing stands whole in a title, a summary, a concept's label or any other text, and 4, 3, 2
and 1 where a word only begins with it. Their sum is the entry's rank. Sums of whole numbers are
exact, and a reader can add them up. Why rarity (BM25) has no part in it is in api/search.md.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import reduce
from itertools import chain
from operator import or_
from typing import TypeAlias

import numpy as np
from pyoxigraph import Literal
from pyroaring import BitMap

from ...rdf.terms import Term
from ...schema.fields import Field
from .tokenizer import Words, comparable, listed


class Tier(IntEnum):
    """Where words stand, the best place last."""

    OTHER = 1
    LABEL = 2
    SUMMARY = 3
    TITLE = 4


Places = Mapping[Tier, BitMap]
"""Entries by the places in which they have something; not to be changed."""


@dataclass(frozen=True)
class Match:
    """The entries that have one wanted thing: whole, or as the beginning of a word."""

    whole: Places = field(default_factory=dict)
    begun: Places = field(default_factory=dict)

    @property
    def entries(self) -> BitMap:
        """Give all entries that have it."""
        return _united((*self.whole.values(), *self.begun.values()))

    def with_labels(self, whole: BitMap, begun: BitMap) -> "Match":
        """Give the match with the entries that have it in the label of a concept."""
        return Match({**self.whole, Tier.LABEL: whole}, {**self.begun, Tier.LABEL: begun})

    def levels(self) -> Iterator[tuple[int, BitMap]]:
        """Give the points with the entries that have them at the best, the most points first."""
        seen = BitMap()
        for points, entries in sorted(self._by_points(), key=lambda level: -level[0]):
            if fresh := entries - seen:
                yield points, fresh
                seen |= fresh

    def _by_points(self) -> Iterator[tuple[int, BitMap]]:
        yield from ((tier + max(Tier), entries) for tier, entries in self.whole.items())
        yield from ((int(tier), entries) for tier, entries in self.begun.items())


def tier(searched: Field) -> Tier:
    """Give the place that a field is, by its role and its values."""
    if searched.scheme:
        return Tier.LABEL
    roles = {"LabelRole": Tier.TITLE, "DescriptionRole": Tier.SUMMARY}
    return roles.get(searched.role, Tier.OTHER)


def found(matches: Iterable[Match], universe: BitMap) -> BitMap:
    """Give the entries of the universe that have all that is wanted."""
    return reduce(BitMap.__and__, (match.entries for match in matches), universe)


def ranked(matches: Sequence[Match], universe: BitMap) -> list[tuple[int, BitMap]]:
    """Give the entries of the universe that have all that is wanted by points, the most first."""
    left = found(matches, universe)
    sums = {0: left} if left else {}
    for match in matches:
        raised: dict[int, BitMap] = {}
        levels = [(points, entries & left) for points, entries in match.levels()]
        for points, entries in levels:
            for total, those in sums.items():
                if both := those & entries:
                    raised[total + points] = raised.get(total + points, BitMap()) | both
        sums = raised
    return sorted(sums.items(), reverse=True, key=lambda rank: rank[0])


def _united(sets: Iterable[BitMap]) -> BitMap:
    return reduce(or_, sets, BitMap())


Written = tuple[Tier, str, str | None]
"""A text of an entry: its place, its words and its language (BCP 47), if it has one."""
Word = tuple[str, str, str]
"""A word: as compared, its token, and as written."""
Numbers: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.uint32]]"

PLACES = (Tier.TITLE, Tier.SUMMARY, Tier.OTHER)
"""The places of texts; labels stand with their concepts."""
BREAK = 0
"""Stands for a token between two texts, so that no phrase goes on from one to the next."""
_MOST_KNOWN = 100_000


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
class Column:
    """The tokens of entries in one place, one entry after the other, and how many each has."""

    tokens: Numbers
    lengths: Numbers


@dataclass(frozen=True)
class Analysed:
    """The texts of entries: their tokens, place by place, and words.

    A token is the number of its place in `names`, from 1, or BREAK. Whoever analyses many entries
    tells each word once.
    """

    names: tuple[str, ...]
    columns: tuple[Column, ...]
    words: tuple[Word, ...]

    @property
    def places(self) -> dict[Tier, set[str]]:
        """Give the tokens of all the entries by place."""
        columns = zip(PLACES, self.columns, strict=True)
        return {place: self._names(column.tokens) for place, column in columns}

    def _names(self, tokens: Numbers) -> set[str]:
        return {self.names[number - 1] for number in tokens.tolist() if number != BREAK}


class Analyst:
    """Analyses the texts of entries, several at once."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._forget()

    def analyse(self, entries: Iterable[Iterable[Written]]) -> Analysed:
        """Give the tokens of entries' texts, and the words that were not told before."""
        if len(self._numbers) >= _MOST_KNOWN:
            self._forget()
        columns = {place: _Filling() for place in PLACES}
        for texts in entries:
            for place, text, language in texts:
                columns[place].add(map(self._known(language).__getitem__, text.split()))
            for filling in columns.values():
                filling.end()
        return self._renumbered(tuple(filling.column() for filling in columns.values()))

    def _forget(self) -> None:
        self._numbers = _Numbering()
        self._told: set[Word] = set()
        self._pieces: dict[str | None, _Pieces] = {}

    def _known(self, language: str | None) -> "_Pieces":
        if language not in self._pieces:
            self._pieces[language] = _Pieces(self._words, language, self._numbers, self._told)
        return self._pieces[language]

    def _renumbered(self, columns: tuple[Column, ...]) -> Analysed:
        """Give columns with numbers of their own for tokens, and the words that were not told."""
        used = np.zeros(len(self._numbers) + 1, np.bool_)
        for column in columns:
            used[column.tokens] = True
        used[BREAK] = False
        ours = np.flatnonzero(used)
        numbers = np.zeros(len(used), np.uint32)
        numbers[ours] = np.arange(1, len(ours) + 1)
        words = tuple(sorted(self._told))
        self._told.clear()
        return Analysed(
            tuple(self._numbers.names[number - 1] for number in ours.tolist()),
            tuple(Column(numbers[column.tokens], column.lengths) for column in columns),
            words,
        )


class _Numbering(dict[str, int]):
    """The numbers of tokens, from 1 in the order in which they are asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __missing__(self, token: str) -> int:
        self.names.append(token)
        self[token] = len(self.names)
        return self[token]


class _Pieces(dict[str, tuple[int, ...]]):
    """The tokens of what stands between two spaces in one language, made as they are asked for.

    That is mostly a word with or without a comma; to look it up is quicker than to find its words.
    """

    def __init__(
        self, words: Words, language: str | None, numbers: "_Numbering", told: set[Word]
    ) -> None:
        super().__init__()
        self._words, self._language = words, language
        self._numbers, self._told = numbers, told

    def __missing__(self, piece: str) -> tuple[int, ...]:
        tokens = [(word, self._words.token(word, self._language)) for word in listed(piece)]
        for word, token in tokens:
            if word[0].isdigit():
                continue  # numbers have neither other forms nor near ones
            if form := comparable(word):
                self._told.add((form, token, word))
        self[piece] = tuple(self._numbers[token] for _, token in tokens if token)
        return self[piece]


class _Filling:
    """A column that is being filled, entry by entry."""

    def __init__(self) -> None:
        self._tokens: list[int] = []
        self._lengths: list[int] = []
        self._begun = 0

    def add(self, pieces: Iterable[tuple[int, ...]]) -> None:
        """Add a text to the entry."""
        if len(self._tokens) > self._begun:
            self._tokens.append(BREAK)
        self._tokens.extend(chain.from_iterable(pieces))

    def end(self) -> None:
        """End the entry."""
        self._lengths.append(len(self._tokens) - self._begun)
        self._begun = len(self._tokens)

    def column(self) -> Column:
        """Give what was filled."""
        return Column(np.array(self._tokens, np.uint32), np.array(self._lengths, np.uint32))
