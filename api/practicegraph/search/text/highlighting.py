"""The places in a text where what was wanted stands.

Where an entry has what was wanted: short pieces of its texts, with the places to be marked.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pyoxigraph import Literal

from ...rdf.terms import Term, plain
from ...schema.fields import Field
from ...schema.records import Record
from ...schema.text import best
from ...schema.vocabularies import Concept
from .analysis import tier
from .labels import Labels
from .tokenizer import Wanted, Words, comparable, spans


@dataclass(frozen=True)
class Mark:
    """A place in a text, and the number of the wanted thing that stands there."""

    start: int
    end: int
    wanted: int


@dataclass(frozen=True)
class _Pattern:
    """Tokens that stand one after another, and how the word after them begins, if it matters."""

    wanted: int
    tokens: tuple[str, ...]
    beginning: str


class Marker:
    """Finds all that is wanted in texts, by the same tokens as the index."""

    def __init__(self, wanted: Sequence[Wanted], words: Words) -> None:
        self._words = words
        self._by_first: dict[str, list[_Pattern]] = {}
        for pattern in _patterns(wanted, words):
            first = pattern.tokens[0] if pattern.tokens else ""
            self._by_first.setdefault(first, []).append(pattern)

    def marks(self, text: str, language: str | None) -> tuple[Mark, ...]:
        """Give the places in their order; where one lies in another one, the longer one."""
        if "" not in self._by_first:
            tokens = self._words.tokens(text, language).split()
            if self._by_first.keys().isdisjoint(tokens):
                return ()
        placed = list(spans(text))
        tokens = [self._words.token(word, language) for _, _, word in placed]
        found = sorted(self._found(tokens, placed), key=lambda mark: (mark.start, -mark.end))
        return tuple(_apart(found))

    def _found(
        self, tokens: Sequence[str], placed: Sequence[tuple[int, int, str]]
    ) -> Iterator[Mark]:
        for number, token in enumerate(tokens):
            for pattern in (*self._by_first.get(token, ()), *self._by_first.get("", ())):
                last = _last(pattern, tokens, placed, number)
                if last is not None:
                    yield Mark(placed[number][0], placed[last][1], pattern.wanted)


def _patterns(wanted: Sequence[Wanted], words: Words) -> Iterator[_Pattern]:
    for number, one in enumerate(wanted):
        for tokens in words.alike(one.words):
            if one.whole:
                yield _Pattern(number, tokens, "")
            if one.begins:
                yield _Pattern(number, tokens[:-1], one.beginning)


def _last(
    pattern: _Pattern,
    tokens: Sequence[str],
    placed: Sequence[tuple[int, int, str]],
    first: int,
) -> int | None:
    """Give the number of the last word of a pattern that stands at the first one."""
    end = first + len(pattern.tokens)
    if tuple(tokens[first:end]) != pattern.tokens:
        return None
    if not pattern.beginning:
        return end - 1
    begins = end < len(placed) and comparable(placed[end][2]).startswith(pattern.beginning)
    return end if begins else None


def _apart(marks: Sequence[Mark]) -> Iterator[Mark]:
    end = 0
    for mark in marks:
        if mark.start >= end:
            yield mark
            end = mark.end


MOST = 3
_SPACE = re.compile(r"[^\S ]")
LENGTH = 160
"""How many letters a snippet has at the most, beside the dots that say that the text goes on."""


@dataclass(frozen=True)
class Snippet:
    """A piece of a field's text, and where in it that which was wanted begins and ends.

    The label of a concept has no marks where the concept was found by another of its labels.
    """

    field: Field
    language: str | None
    text: str
    marks: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class _Candidate:
    """A text of a field with all its marks, and the numbers of the wanted things it answers."""

    field: Field
    language: str | None
    text: str
    marks: tuple[Mark, ...]
    wanted: frozenset[int]


class Snippets:
    """Gives the snippets of one search for a reader, whose preferred language comes first."""

    def __init__(
        self, wanted: Sequence[Wanted], words: Words, labels: Labels, languages: Sequence[str]
    ) -> None:
        self._marker = Marker(wanted, words)
        self._languages = languages
        self._named: dict[str, tuple[Concept, set[int]]] = {}
        for number, one in enumerate(wanted):
            named = labels.named(one)
            for concept in (*named.whole, *named.begun):
                self._named.setdefault(concept.iri, (concept, set()))[1].add(number)

    def of(self, record: Record) -> list[Snippet]:
        """Give up to three snippets of a record, each of another field.

        First comes the one that shows most of what is wanted, then what it does not show.
        """
        fields = ((field, terms) for field, terms in record.filled() if field.searched)
        left = [found for field, terms in fields if (found := self._candidate(field, terms))]
        chosen: list[_Candidate] = []
        while left and len(chosen) < MOST:
            shown = frozenset[int]().union(*(candidate.wanted for candidate in chosen))
            chosen.append(max(left, key=lambda candidate: _worth(candidate, shown)))
            left.remove(chosen[-1])
        return [_cut(candidate) for candidate in chosen]

    def _candidate(self, field: Field, terms: Sequence[Term]) -> _Candidate | None:
        """Give the best of a field's texts that have anything of what is wanted."""
        found = self._concepts(field, terms) if field.scheme else self._texts(field, terms)
        return max(found, key=self._nearness, default=None)

    def _texts(self, field: Field, terms: Sequence[Term]) -> Iterator[_Candidate]:
        for term in terms:
            if isinstance(term, Literal):
                marks = self._marker.marks(term.value, term.language)
                wanted = frozenset(mark.wanted for mark in marks)
                if wanted:
                    yield _Candidate(field, term.language, term.value, marks, wanted)

    def _concepts(self, field: Field, terms: Sequence[Term]) -> Iterator[_Candidate]:
        for term in terms if self._named else ():
            if named := self._named.get(plain(term)):
                concept, wanted = named
                label, language = best(concept.labels, self._languages), self._languages[0]
                marks = self._marker.marks(label, language)
                yield _Candidate(field, language, label, marks, frozenset(wanted))

    def _nearness(self, candidate: _Candidate) -> tuple[bool, int, int]:
        """Give what makes a text of a field better than another one: language before numbers."""
        own = candidate.language in (None, self._languages[0])
        return own, len(candidate.wanted), len(candidate.marks)


def _worth(candidate: _Candidate, shown: frozenset[int]) -> tuple[int, int, int]:
    """Give how much a snippet adds to what others show, and where it stands."""
    return len(candidate.wanted - shown), len(candidate.wanted), tier(candidate.field)


def _cut(candidate: _Candidate) -> Snippet:
    """Give the piece with the most of what is wanted, cut between words."""
    text, marks = candidate.text, _together(candidate.marks)
    start, end = _around(marks, len(text))
    if end - start < len(text):
        start, end = _between_words(text, start, end)
    before, behind = "…" if start else "", "…" if end < len(text) else ""
    shift = len(before) - start
    places = tuple((mark.start + shift, min(mark.end, end) + shift) for mark in marks)
    piece = before + _SPACE.sub(" ", text[start:end]) + behind
    return Snippet(candidate.field, candidate.language, piece, places)


def _between_words(text: str, start: int, end: int) -> tuple[int, int]:
    """Give the ends of a piece moved inwards, to where its words begin and end, if it has any."""
    words = [(first, last) for first, last, _ in spans(text) if start <= first and last <= end]
    if not words:
        return start, end
    return words[0][0] if start else start, words[-1][1] if end < len(text) else end


def _together(marks: Sequence[Mark]) -> Sequence[Mark]:
    """Give the marks, within the length of a snippet, that show the most of what is wanted."""
    groups = [
        [mark for mark in marks[number:] if mark.end <= first.start + LENGTH] or [first]
        for number, first in enumerate(marks)
    ]
    shown = [({mark.wanted for mark in group}, group) for group in groups]
    return max(shown, key=lambda pair: (len(pair[0]), len(pair[1])), default=(set(), []))[1]


def _around(marks: Sequence[Mark], length: int) -> tuple[int, int]:
    """Give where a snippet begins and ends that has the marks in its middle."""
    if not marks:
        return 0, min(length, LENGTH)
    spare = max(0, LENGTH - (marks[-1].end - marks[0].start))
    start = max(0, min(marks[0].start - spare // 2, length - LENGTH))
    return start, min(length, start + LENGTH)
