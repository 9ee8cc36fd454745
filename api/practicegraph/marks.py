"""The places in a text where what was wanted stands."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .wanted import Wanted
from .words import Words, plain, spans


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
    begins = end < len(placed) and plain(placed[end][2]).startswith(pattern.beginning)
    return end if begins else None


def _apart(marks: Sequence[Mark]) -> Iterator[Mark]:
    end = 0
    for mark in marks:
        if mark.start >= end:
            yield mark
            end = mark.end
