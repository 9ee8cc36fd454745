"""What a reader wants found, read out of the words that were typed.

Words, "phrases in quotes", and beginnings of words: those with a star, and the last word, which
may not yet be typed to its end. No text is an error: what means nothing here is left out.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from .text import Labels
from .words import WORD, listed, plain, spans

MOST = 32
"""How many words and phrases are looked for, and words of a phrase; what follows is left out."""
LENGTH = 2000
"""How many letters of a query are read."""
_SHORTEST = 3
_QUOTES = '"“”„‟«»'
_PARTS = re.compile(f"[{_QUOTES}](?P<phrase>[^{_QUOTES}]*)[{_QUOTES}]?|[^{_QUOTES}]+")
_JOINED = re.compile(f"{WORD}(?:['’ʼ`´]{WORD})*")


@dataclass(frozen=True)
class Wanted:
    """A word or phrase to be found; what stands at `start` to `end` of the text that was typed.

    The last of its words is found `whole`, where it `begins` a word, or either way.
    """

    words: tuple[str, ...]
    whole: bool
    begins: bool
    start: int
    end: int

    @property
    def beginning(self) -> str:
        """Give the form of the last word by which longer words are known to begin with it."""
        return plain(self.words[-1])


def small_words(lists: Labels) -> frozenset[str]:
    """Give the words of lists in several languages, in the form in which words are compared."""
    return frozenset(plain(word) for words in lists.values() for word in listed(words))


def read(text: str, small: Collection[str]) -> tuple[Wanted, ...]:
    """Give what is wanted, each thing once.

    Words of the `small` ones, such as articles, are wanted only in phrases, or where they are all.
    """
    found = [wanted for wanted in _read(text[:LENGTH].replace("_", " ")) if wanted.beginning]
    telling = [wanted for wanted in found if len(wanted.words) > 1 or not _is_in(wanted, small)]
    by_form = {(w.words, w.whole, w.begins): w for w in reversed(telling or found)}
    return tuple(sorted(by_form.values(), key=lambda wanted: wanted.start))[:MOST]


def _is_in(wanted: Wanted, small: Collection[str]) -> bool:
    return wanted.whole and wanted.beginning in small


def _read(text: str) -> Iterator[Wanted]:
    for part in _PARTS.finditer(text):
        if part["phrase"] is None:
            yield from _words(text, *part.span())
        elif phrase := _phrase(text, *part.span("phrase")):
            yield phrase


def _words(text: str, start: int, end: int) -> Iterator[Wanted]:
    """Give the words; of those that an apostrophe joins, the longest: children's, l’école."""
    for joined in _JOINED.finditer(text, start, end):
        parts = list(spans(joined[0]))
        first, last, word = max(parts, key=lambda part: part[1] - part[0])
        yield _wanted(text, (word,), joined.start() + first, joined.start() + last)


def _phrase(text: str, start: int, end: int) -> Wanted | None:
    found = [span for span in spans(text[start:end]) if plain(span[2])][:MOST]
    if not found:
        return None
    words = tuple(word for _, _, word in found)
    return _wanted(text, words, start + found[0][0], start + found[-1][1])


def _wanted(text: str, words: tuple[str, ...], start: int, end: int) -> Wanted:
    starred = text[end : end + 1] == "*"
    typing = end == len(text) and len(words[-1]) >= _SHORTEST
    return Wanted(tuple(map(str.lower, words)), not starred, starred or typing, start, end)
