"""The texts of entries as tokens by tier, and the ranking of the entries that match a query.

Each term of a query gives an entry the score of the best tier in which it matches: 8, 7, 6 and 5
for a whole word or phrase in a title, a summary, the label of a concept or any other text, and 4,
3, 2 and 1 for a prefix. The sum is the score of the entry: a whole number that a reader can check.
Why it ignores how rare a word is (BM25) is in api/search.md.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import reduce
from itertools import chain
from operator import or_

from pyroaring import BitMap

from ...schema.fields import Field
from .tokenizer import Tokenizer, normalize, split_words


class Tier(IntEnum):
    """The weight of a text in the ranking; labels are those of concepts."""

    OTHER = 1
    LABEL = 2
    SUMMARY = 3
    TITLE = 4


TEXT_TIERS = (Tier.TITLE, Tier.SUMMARY, Tier.OTHER)
"""The tiers of texts of entries."""
BREAK = "·"
"""Stands between two texts, so that no phrase matches across them; no token of a word."""
_CACHE_SIZE = 200_000

FieldText = tuple[Tier, str, str | None]
"""A text of an entry: its tier, the text, and its language (BCP 47) if it has one."""
Word = tuple[str, str, str]
"""A word: its normal form, its token, and as it is written."""
TierSets = Mapping[Tier, BitMap]
"""Entries by tier."""


def field_tier(searched: Field) -> Tier:
    """Return the tier of a searched field, by its role and its kind of values."""
    if searched.scheme:
        return Tier.LABEL
    roles = {"LabelRole": Tier.TITLE, "DescriptionRole": Tier.SUMMARY}
    return roles.get(searched.role, Tier.OTHER)


@dataclass(frozen=True)
class TermMatch:
    """The entries that a term matches by tier: whole, or as the prefix of a word."""

    whole: TierSets = field(default_factory=dict)
    prefix: TierSets = field(default_factory=dict)

    @property
    def entries(self) -> BitMap:
        """Return all matching entries."""
        return reduce(or_, (*self.whole.values(), *self.prefix.values()), BitMap())

    def with_labels(self, whole: BitMap, prefix: BitMap) -> "TermMatch":
        """Return the match with the entries in which the label of a concept matches."""
        return TermMatch({**self.whole, Tier.LABEL: whole}, {**self.prefix, Tier.LABEL: prefix})

    def by_score(self) -> Iterator[tuple[int, BitMap]]:
        """Yield the entries by the best score of each, highest scores first."""
        seen = BitMap()
        for score, entries in sorted(self._scores(), key=lambda pair: -pair[0]):
            if remaining := entries - seen:
                yield score, remaining
                seen |= remaining

    def _scores(self) -> Iterator[tuple[int, BitMap]]:
        yield from ((tier + max(Tier), entries) for tier, entries in self.whole.items())
        yield from ((int(tier), entries) for tier, entries in self.prefix.items())


def match_all(matches: Iterable[TermMatch], entries: BitMap) -> BitMap:
    """Return those of the entries that every term matches."""
    return reduce(BitMap.__and__, (match.entries for match in matches), entries)


def rank(matches: Sequence[TermMatch], entries: BitMap) -> list[tuple[int, BitMap]]:
    """Return those of the entries that every term matches by score, highest scores first."""
    matching = match_all(matches, entries)
    totals = {0: matching} if matching else {}
    for match in matches:
        raised: dict[int, BitMap] = {}
        scores = [(score, scored & matching) for score, scored in match.by_score()]
        for score, scored in scores:
            for total, those in totals.items():
                if both := those & scored:
                    raised[total + score] = raised.get(total + score, BitMap()) | both
        totals = raised
    return sorted(totals.items(), reverse=True, key=lambda pair: pair[0])


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
        self._chunks: dict[str | None, _ChunkTokens] = {}

    def analyse(self, entries: Iterable[Iterable[FieldText]]) -> AnalysedTexts:
        """Analyse the texts of entries."""
        if sum(map(len, self._chunks.values())) >= _CACHE_SIZE:
            self._chunks.clear()
        batch = AnalysedTexts(
            {tier: [] for tier in TEXT_TIERS}, {tier: defaultdict(list) for tier in TEXT_TIERS}, []
        )
        for position, texts in enumerate(entries):
            parts: dict[Tier, list[str]] = {tier: [] for tier in TEXT_TIERS}
            for tier, text, language in texts:
                if parts[tier]:
                    parts[tier].append(BREAK)
                tokens = map(self._chunks_of(language).__getitem__, text.split())
                parts[tier].extend(chain.from_iterable(tokens))
            for tier, part in parts.items():
                batch.texts[tier].append(" ".join(part))
                postings = batch.postings[tier]
                for token in set(part):
                    postings[token].append(position)
        for postings in batch.postings.values():
            postings.pop(BREAK, None)
        for chunks in self._chunks.values():
            batch.words.extend(sorted(chunks.new_words))
            chunks.new_words.clear()
        return batch

    def _chunks_of(self, language: str | None) -> "_ChunkTokens":
        if language not in self._chunks:
            self._chunks[language] = _ChunkTokens(self._tokenizer, language)
        return self._chunks[language]


def unique_tokens(tokens: str) -> set[str]:
    """Return the tokens of a text, given with spaces between them, each once."""
    unique = set(tokens.split())
    unique.discard(BREAK)
    return unique


class _ChunkTokens(dict[str, tuple[str, ...]]):
    """The tokens of texts between two spaces, computed on demand, and the words met in them."""

    def __init__(self, tokenizer: Tokenizer, language: str | None) -> None:
        super().__init__()
        self._tokenizer, self._language = tokenizer, language
        self.new_words: set[Word] = set()

    def __missing__(self, chunk: str) -> tuple[str, ...]:
        pairs = [(word, self._tokenizer.token(word, self._language)) for word in split_words(chunk)]
        for word, token in pairs:
            if word[0].isdigit():
                continue  # numbers have neither other forms nor near words
            if form := normalize(word):
                self.new_words.add((form, token, word))
        self[chunk] = tuple(token for _, token in pairs if token)
        return self[chunk]
