"""Words as tokens: what all forms of a word have in common, typed with or without accents.

A token is the word's stem by the Snowball algorithm of its language (https://snowballstem.org),
folded, and stemmed again: the first time with the accents that the algorithm goes by, the second
time so that a word typed without them comes to the same. What was measured is in api/search.md.

What a reader wants found, read out of the words that were typed.

Words, "phrases in quotes", and beginnings of words: those with a star, and the last word, which
may not yet be typed to its end. No text is an error: what means nothing here is left out.
"""

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import Stemmer
from babel import Locale

from ...schema.text import Labels, letters

WORD = r"\w[\w\u00ad\u0300-\u036f\u200c\u200d]*"
"""A word with its marks, once "_" is a space; hyphens and apostrophes stand between words."""
_WORD = re.compile(WORD)
_ENGLISH = Locale("en")
_LONGEST = 64
_MOST = 200_000
_MOST_FORMS = 20_000


class Words:
    """Analyses texts in the languages of a catalogue, the fallback first.

    A text in no language, or in another one, is taken for one in the fallback.
    """

    def __init__(self, languages: Sequence[str]) -> None:
        self._stems = {language: _Tokens(language) for language in languages}
        self._fallback = self._stems[languages[0]]

    def tokens(self, text: str, language: str | None) -> str:
        """Give the tokens of a text in their order, with spaces between them."""
        stems = self._stems.get(language or "", self._fallback)
        return " ".join(map(stems.__getitem__, text.split()))

    def token(self, word: str, language: str | None) -> str:
        """Give the token of one word of a text."""
        return self._stems.get(language or "", self._fallback)[word]

    def alike(self, words: Sequence[str]) -> frozenset[tuple[str, ...]]:
        """Give what words that stand one after another come to, in each of the languages.

        They are a reader's, of whose words none are kept.
        """
        return frozenset(
            tuple(stems.token(word) for word in words) for stems in self._stems.values()
        )


def listed(text: str) -> list[str]:
    """Give the words of a text as they are written."""
    return _WORD.findall(text.replace("_", " "))


def spans(text: str) -> Iterator[tuple[int, int, str]]:
    """Give where each word of a text begins and ends, and the word."""
    for found in _WORD.finditer(text.replace("_", " ")):
        yield found.start(), found.end(), found[0]


def comparable(word: str) -> str:
    """Give the form in which words are compared letter by letter: folded, letters and digits."""
    return _kept_plain(word) if len(word) <= _LONGEST else _plain(word)


def _plain(word: str) -> str:
    return "".join(filter(str.isalnum, letters(word)))[:_LONGEST]


_kept_plain = lru_cache(_MOST_FORMS)(_plain)


def after(beginning: str) -> str:
    """Give what is sorted after all words that begin so."""
    return beginning + "\U0010ffff"


class _Tokens(dict[str, str]):
    """The tokens of one language, made as they are asked for, by what stands between two spaces.

    That is mostly a word with or without a comma; to look it up is quicker than to find its words.
    """

    def __init__(self, language: str) -> None:
        super().__init__()
        self._language = language

    def __missing__(self, text: str) -> str:
        if text.isascii() and text.isdigit():
            return self.token(text)  # there are as many as entries
        words = listed(text)
        tokens = self.token(text) if words == [text] else " ".join(self[word] for word in words)
        if len(self) >= _MOST:
            self.clear()
        if len(text) <= _LONGEST:
            self[text] = tokens
        return tokens

    def token(self, word: str) -> str:
        """Give the token of a word, which is not kept; numbers have no other forms."""
        if word.isascii() and word.isdigit():
            return word[:_LONGEST]
        composed = unicodedata.normalize("NFC", word[:_LONGEST].lower())
        return self._stem(comparable(self._stem(composed)))

    @cached_property
    def _stem(self) -> Callable[[str], str]:
        """Give the stemmer; its algorithm bears the English name of the language, if there is one.

        https://snowballstem.org/algorithms/
        """
        name = _ENGLISH.languages.get(self._language.partition("-")[0], "").lower()
        if name not in Stemmer.algorithms():
            return str
        stem: Callable[[str], str] = Stemmer.Stemmer(name, 0).stemWord
        return stem


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
        return comparable(self.words[-1])


def small_words(lists: Labels) -> frozenset[str]:
    """Give the words of lists in several languages, in the form in which words are compared."""
    return frozenset(comparable(word) for words in lists.values() for word in listed(words))


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
    found = [span for span in spans(text[start:end]) if comparable(span[2])][:MOST]
    if not found:
        return None
    words = tuple(word for _, _, word in found)
    return _wanted(text, words, start + found[0][0], start + found[-1][1])


def _wanted(text: str, words: tuple[str, ...], start: int, end: int) -> Wanted:
    starred = text[end : end + 1] == "*"
    typing = end == len(text) and len(words[-1]) >= _SHORTEST
    return Wanted(tuple(map(str.lower, words)), not starred, starred or typing, start, end)
