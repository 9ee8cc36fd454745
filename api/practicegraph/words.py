"""Words as tokens: what all forms of a word have in common, typed with or without accents.

A token is the word's stem by the Snowball algorithm of its language (https://snowballstem.org),
folded, and stemmed again: the first time with the accents that the algorithm goes by, the second
time so that a word typed without them comes to the same. What was measured is in api/search.md.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, lru_cache

import Stemmer
from babel import Locale

from .text import letters

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


def plain(word: str) -> str:
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
        return self._stem(plain(self._stem(composed)))

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
