"""Concepts by the words of their labels, in any language: what readers may call them by."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile

from .vocabularies import Concept, Vocabularies
from .wanted import Wanted
from .words import Words, listed, plain


@dataclass(frozen=True)
class Named:
    """The concepts in one of whose labels a wanted thing stands whole, or begins a word."""

    whole: tuple[Concept, ...] = ()
    begun: tuple[Concept, ...] = ()


@dataclass(frozen=True)
class _Place:
    """A word of a label: its concept, the tokens of the label, and which of them it is."""

    concept: Concept
    tokens: tuple[str, ...]
    number: int

    def follows(self, tokens: tuple[str, ...]) -> bool:
        """Tell whether the tokens stand right before the word."""
        return self.tokens[max(0, self.number - len(tokens)) : self.number] == tokens


class Labels:
    """All labels of current concepts; those of a replaced concept mean its successor."""

    def __init__(self, vocabularies: Vocabularies, words: Words) -> None:
        self._words = words
        self._by_token: dict[str, list[_Place]] = {}
        by_word: dict[str, list[_Place]] = {}
        self._written: dict[str, str] = {}
        for concept, language, wording in _wordings(vocabularies):
            said = listed(wording)
            tokens = tuple(words.token(word, language) for word in said)
            for number, word in enumerate(said):
                place = _Place(concept, tokens, number)
                self._by_token.setdefault(tokens[number], []).append(place)
                by_word.setdefault(plain(word), []).append(place)
                self._written[plain(word)] = max(word, self._written.get(plain(word), ""))
        self._by_word = sorted(by_word.items(), key=lambda item: item[0])

    def named(self, wanted: Wanted) -> Named:
        """Give the concepts that are called so, each once and in order of scheme and notation."""
        phrases = self._words.alike(wanted.words)
        whole = self._whole(phrases) if wanted.whole else ()
        begun = self._begun(wanted.beginning, phrases) if wanted.begins else ()
        return Named(_in_order(whole), _in_order(begun))

    def words(self, beginning: str = "") -> Iterator[tuple[str, str]]:
        """Give the words that begin so, in the form in which they are compared and as written."""
        return ((word, self._written[word]) for word, _ in self._beginning(beginning))

    def _whole(self, phrases: Iterable[tuple[str, ...]]) -> Iterator[Concept]:
        for *before, last in phrases:
            for place in self._by_token.get(last, ()):
                if place.follows(tuple(before)):
                    yield place.concept

    def _begun(self, beginning: str, phrases: Iterable[tuple[str, ...]]) -> Iterator[Concept]:
        befores = {tokens[:-1] for tokens in phrases}
        for _, places in self._beginning(beginning):
            for place in places:
                if any(place.follows(before) for before in befores):
                    yield place.concept

    def _beginning(self, beginning: str) -> Iterator[tuple[str, list[_Place]]]:
        start = bisect_left(self._by_word, beginning, key=lambda item: item[0])
        later = (self._by_word[number] for number in range(start, len(self._by_word)))
        return takewhile(lambda item: item[0].startswith(beginning), later)


def _wordings(vocabularies: Vocabularies) -> Iterator[tuple[Concept, str, str]]:
    for scheme in vocabularies.schemes.values():
        for concept in (*scheme.concepts.values(), *scheme.retired.values()):
            if meant := scheme.meant.get(concept.iri):
                for language, wording in concept.wordings:
                    yield meant, language, wording


def _in_order(concepts: Iterable[Concept]) -> tuple[Concept, ...]:
    found = {concept.iri: concept for concept in concepts}
    return tuple(sorted(found.values(), key=lambda concept: (concept.scheme, concept.notation)))
