"""Snippets: short pieces of an entry's texts, with the places to highlight that match a query."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pyoxigraph import Literal

from ...rdf.terms import Term, as_text
from ...schema.fields import Field
from ...schema.records import Record
from ...schema.text import pick_text
from ...schema.vocabularies import Concept
from .matching import ExpandedTerm
from .tokenizer import Tokenizer, field_tier, normalize, word_spans

MAX_SNIPPETS = 3
SNIPPET_LENGTH = 160
"""The characters of a snippet, without the ellipses where the text goes on."""
_WHITE_SPACE = re.compile(r"[^\S ]")


@dataclass(frozen=True)
class Highlight:
    """The start and end of a match in a text, and the position of the term in the query."""

    start: int
    end: int
    term: int


@dataclass(frozen=True)
class Snippet:
    """A piece of a field's text, with the starts and ends of what matches in it.

    The label of a concept that matches by another of its labels has no highlights.
    """

    field: Field
    language: str | None
    text: str
    highlights: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class _Candidate:
    """A text of a field with all its highlights, and the terms that it matches."""

    field: Field
    language: str | None
    text: str
    highlights: tuple[Highlight, ...]
    terms: frozenset[int]


@dataclass(frozen=True)
class _Pattern:
    """Consecutive tokens of a term, and the prefix of the word after them, if any."""

    term: int
    tokens: tuple[str, ...]
    prefix: str


class Highlighter:
    """Returns the snippets of one query for a reader, whose preferred language comes first."""

    def __init__(
        self,
        terms: Sequence[ExpandedTerm],
        tokenizer: Tokenizer,
        languages: Sequence[str],
    ) -> None:
        self._matcher = _TextMatcher(terms, tokenizer)
        self._languages = languages
        self._concepts: dict[str, tuple[Concept, set[int]]] = {}
        for number, term in enumerate(terms):
            for concept in (*term.concepts.whole, *term.concepts.near, *term.concepts.weak):
                self._concepts.setdefault(concept.iri, (concept, set()))[1].add(number)

    def snippets(self, record: Record) -> list[Snippet]:
        """Return up to three snippets of a record, each of another field.

        The first one matches the most terms, each further one the most that are not shown yet.
        """
        fields = ((field, terms) for field, terms in record.items() if field.is_searched)
        remaining = [c for field, terms in fields if (c := self._candidate(field, terms))]
        chosen: list[_Candidate] = []
        while remaining and len(chosen) < MAX_SNIPPETS:
            shown = frozenset[int]().union(*(candidate.terms for candidate in chosen))
            chosen.append(max(remaining, key=lambda candidate: _gain(candidate, shown)))
            remaining.remove(chosen[-1])
        return [_cut(candidate) for candidate in chosen]

    def _candidate(self, field: Field, terms: Sequence[Term]) -> _Candidate | None:
        """Return the best matching text of a field, in the reader's language if there is one."""
        candidates = self._labels(field, terms) if field.scheme else self._texts(field, terms)
        return max(candidates, key=self._quality, default=None)

    def _texts(self, field: Field, terms: Sequence[Term]) -> Iterator[_Candidate]:
        for term in terms:
            if isinstance(term, Literal):
                highlights = self._matcher.find(term.value, term.language)
                if matched := frozenset(highlight.term for highlight in highlights):
                    yield _Candidate(field, term.language, term.value, highlights, matched)

    def _labels(self, field: Field, terms: Sequence[Term]) -> Iterator[_Candidate]:
        for term in terms if self._concepts else ():
            if match := self._concepts.get(as_text(term)):
                concept, matched = match
                label, language = pick_text(concept.labels, self._languages), self._languages[0]
                highlights = self._matcher.find(label, language)
                yield _Candidate(field, language, label, highlights, frozenset(matched))

    def _quality(self, candidate: _Candidate) -> tuple[bool, int, int]:
        is_preferred = candidate.language in (None, self._languages[0])
        return is_preferred, len(candidate.terms), len(candidate.highlights)


class _TextMatcher:
    """Finds terms in texts, by the same tokens as the index."""

    def __init__(self, terms: Sequence[ExpandedTerm], tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._alternatives = [
            (n, groups) for n, t in enumerate(terms) for groups in (*t.alternatives, *t.weak)
        ]
        self._by_first: dict[str, list[_Pattern]] = {}
        for pattern in dict.fromkeys(_patterns(terms, tokenizer)):
            first = pattern.tokens[0] if pattern.tokens else ""
            self._by_first.setdefault(first, []).append(pattern)
        self._prefixes = tuple(pattern.prefix for pattern in self._by_first.get("", ()))

    def find(self, text: str, language: str | None) -> tuple[Highlight, ...]:
        """Return the matches in order; of overlapping ones the first, then the longest."""
        unique = set(self._tokenizer.tokenize(text, language))
        others = {
            token: _Pattern(term, (token,), "")
            for term, groups in reversed(self._alternatives)
            if not any(unique.isdisjoint(group) for group in groups)
            for token in unique.intersection(frozenset().union(*groups))
        }
        if not others and "" not in self._by_first and self._by_first.keys().isdisjoint(unique):
            return ()
        spans = list(word_spans(text))
        tokens = [self._tokenizer.token(word, language) for _, _, word in spans]
        found = self._matches(tokens, spans, [normalize(word) for _, _, word in spans], others)
        matches = sorted(found, key=lambda match: (match.start, -match.end))
        return tuple(_without_overlaps(matches))

    def _matches(
        self,
        tokens: Sequence[str],
        spans: Sequence[tuple[int, int, str]],
        words: Sequence[str],
        others: Mapping[str, _Pattern],
    ) -> Iterator[Highlight]:
        for position, (token, word) in enumerate(zip(tokens, words, strict=True)):
            patterns = list(self._by_first.get(token, ()))
            if word.startswith(self._prefixes):
                patterns += self._by_first[""]
            for pattern in (*patterns, *filter(None, [others.get(token)])):
                last = _last_word(pattern, tokens, words, position)
                if last is not None:
                    yield Highlight(spans[position][0], spans[last][1], pattern.term)


def _patterns(terms: Sequence[ExpandedTerm], tokenizer: Tokenizer) -> Iterator[_Pattern]:
    for number, expanded in enumerate(terms):
        term = expanded.term
        for tokens in tokenizer.variants(term.words):
            if term.whole:
                yield _Pattern(number, tokens, "")
            if term.is_prefix:
                yield _Pattern(number, tokens[:-1], term.prefix)


def _last_word(
    pattern: _Pattern, tokens: Sequence[str], words: Sequence[str], first: int
) -> int | None:
    """Return the position of the last word of a pattern that begins at the first one, or None."""
    end = first + len(pattern.tokens)
    if tuple(tokens[first:end]) != pattern.tokens:
        return None
    if not pattern.prefix:
        return end - 1
    return end if end < len(words) and words[end].startswith(pattern.prefix) else None


def _without_overlaps(matches: Sequence[Highlight]) -> Iterator[Highlight]:
    end = 0
    for match in matches:
        if match.start >= end:
            yield match
            end = match.end


def _gain(candidate: _Candidate, shown: frozenset[int]) -> tuple[int, int, int]:
    return len(candidate.terms - shown), len(candidate.terms), field_tier(candidate.field)


def _cut(candidate: _Candidate) -> Snippet:
    """Return the piece of a text with the most terms, cut between words."""
    text, highlights = candidate.text, _densest(candidate.highlights)
    start, end = _window(highlights, len(text))
    if end - start < len(text):
        start, end = _at_word_boundaries(text, start, end)
    before, after = "…" if start else "", "…" if end < len(text) else ""
    shift = len(before) - start
    places = tuple((place.start + shift, min(place.end, end) + shift) for place in highlights)
    piece = before + _WHITE_SPACE.sub(" ", text[start:end]) + after
    return Snippet(candidate.field, candidate.language, piece, places)


def _densest(highlights: Sequence[Highlight]) -> Sequence[Highlight]:
    """Return the highlights within the length of a snippet that show the most terms."""
    groups = [
        [other for other in highlights[number:] if other.end <= first.start + SNIPPET_LENGTH]
        or [first]
        for number, first in enumerate(highlights)
    ]
    return max(
        groups,
        key=lambda group: (len({highlight.term for highlight in group}), len(group)),
        default=[],
    )


def _window(highlights: Sequence[Highlight], length: int) -> tuple[int, int]:
    """Return the start and end of a snippet with the highlights in its middle."""
    if not highlights:
        return 0, min(length, SNIPPET_LENGTH)
    spare = max(0, SNIPPET_LENGTH - (highlights[-1].end - highlights[0].start))
    start = max(0, min(highlights[0].start - spare // 2, length - SNIPPET_LENGTH))
    return start, min(length, start + SNIPPET_LENGTH)


def _at_word_boundaries(text: str, start: int, end: int) -> tuple[int, int]:
    """Move the ends of a piece inwards to where its words begin and end, if it has any."""
    words = [(first, last) for first, last, _ in word_spans(text) if start <= first and last <= end]
    if not words:
        return start, end
    return words[0][0] if start else start, words[-1][1] if end < len(text) else end
