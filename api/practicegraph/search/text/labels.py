"""Concepts by the words of their labels, in any language: what readers may call them by.

Did you mean: the words that something has, nearest to those that nothing has.
"""

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from rapidfuzz import process
from rapidfuzz.distance import OSA

from ...schema.vocabularies import Concept, Vocabularies
from .tokenizer import Wanted, Words, comparable, listed, read, spans


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
                by_word.setdefault(comparable(word), []).append(place)
                self._written[comparable(word)] = max(word, self._written.get(comparable(word), ""))
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


Known = Callable[[str], Iterable[tuple[str, str]]]
"""Gives the words with a beginning, in the form in which they are compared and as written."""
Count = Callable[[Sequence[Wanted]], int]
"""Gives how many entries have all that is wanted."""
_MOST = 8
_LETTERS_A_MISTAKE = 4
_MISTAKES = 3


def meant(text: str, small: Collection[str], count: Count, known: Sequence[Known]) -> str | None:
    """Give the query with the nearest words in the place of those that nothing has.

    It finds something; where no query that does is near, None.
    """
    words = [word for wanted in read(text, small) for word in _words(text, wanted)]
    lost = [word for word in words if not count([word])]
    said = [word for word in words if word not in lost]
    for word in sorted(lost, key=lambda word: -word.start):  # what stands before it stays in place
        near = _best(word, said, count, known)
        if near is None:
            return None
        said.append(near)
        text = text[: word.start] + near.words[0] + text[word.end :]
    return text if lost and count(read(text, small)) else None


def _words(text: str, wanted: Wanted) -> Iterator[Wanted]:
    """Give the words of a phrase one by one."""
    found = list(spans(text[wanted.start : wanted.end]))
    for number, (start, end, word) in enumerate(found, 1):
        alone = replace(wanted, words=(word,), start=wanted.start + start, end=wanted.start + end)
        yield alone if number == len(found) else replace(alone, whole=True, begins=False)


def _best(
    word: Wanted, said: Sequence[Wanted], count: Count, known: Sequence[Known]
) -> Wanted | None:
    """Give the nearest word that is found beside the others, of equally near ones the commonest."""
    found = []
    for near, distance in _near(word.beginning, known):
        other = replace(word, words=(near,))
        if number := count([*said, other]):
            found.append((distance, -number, near, other))
    return min(found)[-1] if found else None


def _near(form: str, known: Sequence[Known]) -> Iterator[tuple[str, int]]:
    """Give words near to a form, as written, with the letters that differ.

    They begin with its first or its second letter: few mistakes are made in the first one.
    """
    written: dict[str, str] = {}
    for beginning in dict.fromkeys(form[:2]):
        for words in known:
            for word, shown in words(beginning):
                written[word] = max(shown, written.get(word, ""))  # small letters before capitals
    most = min(_MISTAKES, 1 + len(form) // (_LETTERS_A_MISTAKE + 1))
    found = process.extract(
        form, list(written), scorer=OSA.distance, score_cutoff=most, limit=_MOST
    )
    for near, distance, _ in found:
        yield written[near], int(distance)
