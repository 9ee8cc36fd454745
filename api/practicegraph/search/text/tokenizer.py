"""Tokens of words, of the texts of entries by tier, and the terms of free-text queries.

A token is the stem of a word by the Snowball algorithm of its language (https://snowballstem.org),
folded, and stemmed again: the algorithm needs the accents the first time, and the second time a
word typed without accents gets the same token. Measurements are in api/search.md.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property, lru_cache

import Stemmer
from babel import Locale

from ...schema.fields import Field
from ...schema.text import Labels, strip_accents

MAX_TERMS = 32
"""The terms of a query and the words of a phrase that are searched; the rest is ignored."""
MAX_QUERY_LENGTH = 2000
"""The characters of a query that are parsed."""
BREAK = "·"
"""Stands between two texts, so that no phrase matches across them; and in a token before the
language, so that each text is matched in its own: men is no form of an Italian word in English."""
_MIN_PREFIX_LENGTH = 3
_MAX_WORD_LENGTH = 64
_MAX_ABBREVIATION_LENGTH = 5
_CACHE_SIZE = 200_000
_MAX_CACHED_FORMS = 20_000
_MAX_CACHED_VARIANTS = 1000
_ENGLISH = Locale("en")
_WORD = r"\w[\w\u00ad\u0300-\u036f\u200c\u200d]*"
"""A word with its combining marks, once "_" is a space; hyphens and apostrophes separate words."""
_WORDS = re.compile(_WORD)
_JOINED_WORDS = re.compile(f"{_WORD}(?:['’ʼ`´]{_WORD})*")
_QUOTES = '"“”„‟«»'
_PARTS = re.compile(f"[{_QUOTES}](?P<phrase>[^{_QUOTES}]*)[{_QUOTES}]?|[^{_QUOTES}]+")

FieldText = tuple["Tier", str, str | None]
"""A text of an entry: its tier, the text, and its language (BCP 47) if it has one."""
Word = tuple[str, str, str, str]
"""A word: its normal form, its token, its language, and as it is written."""

Alternative = tuple[frozenset[str], ...]
"""Tokens instead of those of a term: of each group one, all in one text."""


class Tier(IntEnum):
    """The weight of a text in the ranking; labels are those of concepts."""

    OTHER = 1
    LABEL = 2
    SUMMARY = 3
    TITLE = 4


TEXT_TIERS = (Tier.TITLE, Tier.SUMMARY, Tier.OTHER)
"""The tiers of texts of entries."""


def field_tier(searched: Field) -> Tier:
    """Return the tier of a searched field, by its role and its kind of values."""
    if searched.scheme:
        return Tier.LABEL
    roles = {"LabelRole": Tier.TITLE, "DescriptionRole": Tier.SUMMARY}
    return roles.get(searched.role, Tier.OTHER)


class Tokenizer:
    """Turns words into tokens, in the languages of a catalogue; the first one is the fallback.

    Text without a language, or in another language, is treated as text in the fallback.
    """

    def __init__(self, languages: Sequence[str]) -> None:
        self._tokens = {language: _LanguageTokens(language) for language in languages}
        self.languages, self._fallback = tuple(languages), languages[0]

    def language(self, language: str | None) -> str:
        """Return the language as which a text in a language is treated."""
        return language if language in self._tokens else self._fallback

    def tokenize(self, text: str, language: str | None) -> list[str]:
        """Return the tokens of a text in order."""
        tokens = self._tokens[self.language(language)]
        return " ".join(map(tokens.__getitem__, text.split())).split()

    def token(self, word: str, language: str | None) -> str:
        """Return the token of one word, "" where no letter or digit is left of it."""
        return self._tokens[self.language(language)][word]

    def part_token(self, language: str, part: str) -> str:
        """Return the token of a part of a word, which is not cached."""
        return self._tokens[language].token(part)

    def variants(self, words: Sequence[str]) -> frozenset[tuple[str, ...]]:
        """Return the tokens of consecutive words of a query in each language."""
        return self._cached_variants(tuple(words))

    @cached_property
    def _cached_variants(self) -> Callable[[tuple[str, ...]], frozenset[tuple[str, ...]]]:
        return lru_cache(_MAX_CACHED_VARIANTS)(self._variants)

    def _variants(self, words: Sequence[str]) -> frozenset[tuple[str, ...]]:
        return frozenset(
            tuple(tokens.token(word) for word in words) for tokens in self._tokens.values()
        )

    def tokens_of_query(self, terms: Iterable["QueryTerm"]) -> frozenset[str]:
        """Return all tokens of the words of a query."""
        return frozenset(
            token for term in terms for tokens in self.variants(term.words) for token in tokens
        )


class _LanguageTokens(dict[str, str]):
    """The tokens of one language, computed on demand, keyed by text between two spaces.

    The key is mostly one word, with or without a comma; a look-up is faster than a split.
    """

    def __init__(self, language: str) -> None:
        super().__init__()
        self._language = language

    def __missing__(self, text: str) -> str:
        if text.isascii() and text.isdigit():
            return self.token(text)  # there are as many as entries
        words = split_words(text)
        tokens = self.token(text) if words == [text] else " ".join(self[word] for word in words)
        if len(self) >= _CACHE_SIZE:
            self.clear()
        if len(text) <= _MAX_WORD_LENGTH:
            self[text] = tokens
        return tokens

    def token(self, word: str) -> str:
        """Return the token of a word, which is not cached."""
        stem = self._stem_of(word[:_MAX_WORD_LENGTH])
        return f"{stem}{BREAK}{self._language}" if stem else ""

    def _stem_of(self, word: str) -> str:
        """Return the stem of a word; numbers and abbreviations have no other forms."""
        if word.isascii() and word.isdigit():
            return word
        if is_abbreviation(word):
            return normalize(word)
        composed = unicodedata.normalize("NFC", word.lower())
        return self._stem(normalize(self._stem(composed)))

    @cached_property
    def _stem(self) -> Callable[[str], str]:
        """Return the stemmer, whose algorithm has the English name of the language.

        https://snowballstem.org/algorithms/
        """
        name = _ENGLISH.languages.get(self._language.partition("-")[0], "").lower()
        if name not in Stemmer.algorithms():
            return str
        stem: Callable[[str], str] = Stemmer.Stemmer(name, 0).stemWord
        return stem


def stem_of(token: str) -> str:
    """Return the stem of a token, without its language."""
    return token.partition(BREAK)[0]


def is_abbreviation(word: str) -> bool:
    """Return whether a word is a few capitals, which have no endings: MENA, ΜΚΟ."""
    return 2 <= len(word) <= _MAX_ABBREVIATION_LENGTH and word.isupper()


def split_words(text: str) -> list[str]:
    """Return the words of a text as they are written."""
    return _WORDS.findall(text.replace("_", " "))


def word_spans(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield the start and end of each word of a text, and the word."""
    for match in _WORDS.finditer(text.replace("_", " ")):
        yield match.start(), match.end(), match[0]


def normalize(word: str) -> str:
    """Return a word without case and accents, its letters and digits alone."""
    return (_cached_normalize if len(word) <= _MAX_WORD_LENGTH else _normalize)(word)


def _normalize(word: str) -> str:
    if word.isascii() and word.isalnum():
        return word.lower()[:_MAX_WORD_LENGTH]
    return "".join(filter(str.isalnum, strip_accents(word)))[:_MAX_WORD_LENGTH]


_cached_normalize = lru_cache(_MAX_CACHED_FORMS)(_normalize)


def prefix_range(prefix: str) -> tuple[str, str]:
    """Return the first text in order of code points with a prefix, and one after the last."""
    return prefix, prefix + "\U0010ffff"


@dataclass(frozen=True)
class AnalysedTexts:
    """The texts of a batch of entries, analysed.

    `texts` has the tokens of each entry by tier, separated by spaces; `postings` the positions of
    entries in the batch by tier and token; `words` those that the analyser had not met before.
    """

    texts: dict[Tier, list[str]]
    postings: dict[Tier, dict[str, list[int]]]
    words: list[Word]


class Analyser:
    """Analyses the texts of entries in batches."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._chunks: dict[str, set[str]] = defaultdict(set)

    def analyse(self, entries: Iterable[Iterable[FieldText]]) -> AnalysedTexts:
        """Analyse the texts of entries."""
        batch = AnalysedTexts(
            {tier: [] for tier in TEXT_TIERS}, {tier: defaultdict(list) for tier in TEXT_TIERS}, []
        )
        for position, texts in enumerate(entries):
            by_tier: dict[Tier, list[str]] = {tier: [] for tier in TEXT_TIERS}
            for tier, text, language in texts:
                if by_tier[tier]:
                    by_tier[tier].append(BREAK)
                by_tier[tier] += self._tokenizer.tokenize(text, language)
                batch.words.extend(self._new_words(text, language))
            for tier, tokens in by_tier.items():
                batch.texts[tier].append(" ".join(tokens))
                for token in unique_tokens(tokens):
                    batch.postings[tier][token].append(position)
        return batch

    def _new_words(self, text: str, language: str | None) -> Iterator[Word]:
        """Yield the words between spaces that were in no text before, but numbers."""
        language = self._tokenizer.language(language)
        seen = self._chunks[language]
        if len(seen) >= _CACHE_SIZE:
            seen.clear()
        new = set(text.split()) - seen
        seen |= new
        for word in sorted({word for chunk in new for word in split_words(chunk)}):
            if not word[0].isdigit() and (form := normalize(word)):
                yield form, self._tokenizer.token(word, language), language, word


def unique_tokens(tokens: Iterable[str]) -> set[str]:
    """Return the tokens of texts, each once."""
    return set(tokens) - {BREAK}


@dataclass(frozen=True)
class QueryTerm:
    """A word or phrase of a query, at `start` to `end` of the text that was typed.

    `whole` terms match the last word itself, `is_prefix` terms longer words that begin with it.
    """

    words: tuple[str, ...]
    whole: bool
    is_prefix: bool
    start: int
    end: int

    @property
    def prefix(self) -> str:
        """Return the normal form of the last word, with which longer words begin."""
        return normalize(self.words[-1])


def parse_stop_words(lists: Labels) -> frozenset[str]:
    """Return the normal forms of the words of lists in several languages."""
    return frozenset(normalize(word) for text in lists.values() for word in split_words(text))


def parse_query(text: str, stop_words: Collection[str]) -> tuple[QueryTerm, ...]:
    """Parse words, "phrases in quotes" and prefixes: words with a star, and the unfinished last.

    No text is an error. Stop words count in phrases alone, or where there is nothing else. A
    repeated term is returned once.
    """
    terms = [term for term in _parse(text[:MAX_QUERY_LENGTH].replace("_", " ")) if term.prefix]
    significant = [
        t for t in terms if len(t.words) > 1 or not t.whole or t.prefix not in stop_words
    ]
    unique = {(t.words, t.whole, t.is_prefix): t for t in reversed(significant or terms)}
    return tuple(sorted(unique.values(), key=lambda term: term.start))[:MAX_TERMS]


def _parse(text: str) -> Iterator[QueryTerm]:
    for part in _PARTS.finditer(text):
        if part["phrase"] is None:
            yield from _parse_words(text, *part.span())
        elif phrase := _parse_phrase(text, *part.span("phrase")):
            yield phrase


def _parse_words(text: str, start: int, end: int) -> Iterator[QueryTerm]:
    for first, last, word in _searched_words(text, start, end):
        yield _term(text, (word,), first, last)


def _searched_words(text: str, start: int, end: int) -> Iterator[tuple[int, int, str]]:
    """Yield the words; of words joined by an apostrophe the longest: children's, l’école."""
    for joined in _JOINED_WORDS.finditer(text, start, end):
        first, last, word = max(word_spans(joined[0]), key=lambda span: span[1] - span[0])
        yield joined.start() + first, joined.start() + last, word


def significant_words(text: str, stop_words: Collection[str]) -> list[str]:
    """Return the words of a text that a query with it is searched for, as they are written."""
    words = [word for *_, word in _searched_words(text, 0, len(text)) if normalize(word)]
    return [word for word in words if normalize(word) not in stop_words] or words


def _parse_phrase(text: str, start: int, end: int) -> QueryTerm | None:
    spans = [span for span in word_spans(text[start:end]) if normalize(span[2])][:MAX_TERMS]
    if not spans:
        return None
    words = tuple(word for _, _, word in spans)
    return _term(text, words, start + spans[0][0], start + spans[-1][1])


def _term(text: str, words: tuple[str, ...], start: int, end: int) -> QueryTerm:
    has_star = text[end : end + 1] == "*"
    is_unfinished = end == len(text) and len(words[-1]) >= _MIN_PREFIX_LENGTH
    words = tuple(map(str.lower, words))
    return QueryTerm(words, not has_star, has_star or is_unfinished, start, end)
