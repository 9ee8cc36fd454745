"""Concepts by the words of their labels, and suggestions for words that nothing matches."""

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import takewhile

from rapidfuzz import process
from rapidfuzz.distance import OSA

from ...schema.vocabularies import Concept, Vocabularies
from .tokenizer import (
    Alternative,
    QueryTerm,
    Tokenizer,
    Word,
    normalize,
    parse_query,
    significant_words,
    split_words,
    word_spans,
)

_MAX_SYNONYMS = 60
_MAX_CANDIDATES = 8
_MAX_EDITS = 3
_LETTERS_PER_EDIT = 5

WordSource = Callable[[str, str], Iterable[tuple[str, str]]]
"""Yields the words of a language with a prefix: their normal forms, and as they are written."""
_LanguageSource = Callable[[str], Iterable[tuple[str, str]]]
Counter = Callable[[Sequence[QueryTerm]], int]
"""Returns how many entries match all terms."""


@dataclass(frozen=True)
class LabelMatch:
    """The concepts that a term matches in a label: whole, or nearly, as the prefix of a word.

    Of `weak` ones, the query has less than half of the words of each label.
    """

    whole: tuple[Concept, ...] = ()
    near: tuple[Concept, ...] = ()
    weak: tuple[Concept, ...] = ()

    @property
    def is_any(self) -> bool:
        """Return whether a concept matches."""
        return bool(self.whole or self.near or self.weak)

    def with_others(self, whole: Iterable[Concept], near: Iterable[Concept]) -> "LabelMatch":
        """Return the match with further concepts."""
        return LabelMatch(_sorted([*self.whole, *whole]), _sorted([*self.near, *near]), self.weak)


@dataclass(frozen=True)
class _LabelWord:
    """A word of a label: its concept, the tokens of the label, and its position in them."""

    concept: Concept
    tokens: tuple[str, ...]
    position: int

    def follows(self, tokens: tuple[str, ...]) -> bool:
        """Return whether the tokens stand right before the word."""
        return self.tokens[max(0, self.position - len(tokens)) : self.position] == tokens


class LabelIndex:
    """The labels of current concepts; those of a replaced concept stand for its successor."""

    def __init__(
        self,
        vocabularies: Vocabularies,
        languages: Sequence[str],
        stop_words: Collection[str] = (),
    ) -> None:
        self._tokenizer = tokenizer = Tokenizer(languages)
        self.words: list[Word] = []
        self._by_token: dict[str, list[_LabelWord]] = {}
        self._by_label: dict[tuple[str, ...], list[Concept]] = {}
        self._labels: dict[str, dict[tuple[str, ...], None]] = {}
        by_form: dict[str, list[_LabelWord]] = {}
        for concept, language, label in _labels(vocabularies):
            words = split_words(label)
            tokens = tuple(tokenizer.token(word, language) for word in words)
            forms = list(map(normalize, words))
            for position, (word, form, token) in enumerate(zip(words, forms, tokens, strict=True)):
                label_word = _LabelWord(concept, tokens, position)
                self._by_token.setdefault(token, []).append(label_word)
                by_form.setdefault(form, []).append(label_word)
                self.words.append((form, token, tokenizer.language(language), word))
            significant = significant_words(label, stop_words)
            name = tuple(dict.fromkeys(tokenizer.token(word, language) for word in significant))
            self._by_label.setdefault(name, []).append(concept)
            self._labels.setdefault(concept.iri, {})[name] = None
        self._by_form = sorted(by_form.items(), key=lambda item: item[0])

    def match(self, term: QueryTerm, tokens: frozenset[str]) -> LabelMatch:
        """Return the concepts that a term of a query with tokens matches."""
        variants = self._tokenizer.variants(term.words)
        found = _sorted(self._match_whole(variants) if term.whole else ())
        prefix = self._match_prefix(term.prefix, variants) if term.is_prefix else ()
        whole = tuple(concept for concept in found if self._is_covered(concept, tokens))
        weak = tuple(concept for concept in found if concept not in whole)
        return LabelMatch(whole, _sorted(prefix), weak)

    def match_alternatives(self, alternatives: Iterable[Alternative]) -> Iterator[Concept]:
        """Yield the concepts whose labels have all tokens of an alternative."""
        for groups in alternatives:
            sets = [
                {
                    word.concept.iri: word.concept
                    for t in group
                    for word in self._by_token.get(t, ())
                }
                for group in groups
            ]
            common = set.intersection(*map(set, sets))
            yield from (concept for iri, concept in sets[0].items() if iri in common)

    def named(self, terms: Sequence[QueryTerm]) -> Iterator[tuple[range, tuple[Concept, ...]]]:
        """Yield consecutive terms that are a whole label, as many as possible, and its concepts."""
        start = 0
        while start < len(terms):
            runs = (range(start, end) for end in range(len(terms), start, -1))
            run, concepts = next(
                ((run, found) for run in runs if (found := self._concepts_named(terms, run))),
                (range(start, start + 1), ()),
            )
            if concepts:
                yield run, concepts
            start = run.stop

    def _is_covered(self, concept: Concept, tokens: frozenset[str]) -> bool:
        """Return whether tokens are at least half of those of a label of a concept."""
        labels = self._labels[concept.iri]
        return any(2 * len(tokens.intersection(label)) >= len(label) for label in labels)

    def synonyms(self, concepts: Iterable[Concept]) -> list[Alternative]:
        """Return the labels of concepts, each as tokens that one text has."""
        labels = (label for concept in concepts for label in self._labels[concept.iri])
        unique = dict.fromkeys(tuple(frozenset([token]) for token in label) for label in labels)
        return list(unique)[:_MAX_SYNONYMS]

    def _concepts_named(self, terms: Sequence[QueryTerm], run: range) -> tuple[Concept, ...]:
        words = [word for number in run for word in terms[number].words]
        if not all(terms[number].whole for number in run) or len(words) > self._longest:
            return ()
        variants = self._tokenizer.variants(words)
        return _sorted(c for tokens in variants for c in self._by_label.get(tokens, ()))

    @cached_property
    def _longest(self) -> int:
        return max(map(len, self._by_label), default=0)

    def _match_whole(self, variants: Iterable[tuple[str, ...]]) -> Iterator[Concept]:
        for *before, last in variants:
            for word in self._by_token.get(last, ()):
                if word.follows(tuple(before)):
                    yield word.concept

    def _match_prefix(self, prefix: str, variants: Iterable[tuple[str, ...]]) -> Iterator[Concept]:
        preceding = {tokens[:-1] for tokens in variants}
        for _, words in self._with_prefix(prefix):
            for word in words:
                if any(word.follows(tokens) for tokens in preceding):
                    yield word.concept

    def _with_prefix(self, prefix: str) -> Iterator[tuple[str, list[_LabelWord]]]:
        start = bisect_left(self._by_form, prefix, key=lambda item: item[0])
        later = (self._by_form[position] for position in range(start, len(self._by_form)))
        return takewhile(lambda item: item[0].startswith(prefix), later)


def suggest(
    text: str,
    languages: Sequence[str],
    stop_words: Collection[str],
    count: Counter,
    source: WordSource,
) -> str | None:
    """Return the query with the nearest words for those that match nothing ("did you mean").

    They are all of one language, which has the most of the other words too; on a tie of the one
    with the nearest words, then of the first. None where every word matches, or where no near
    query matches an entry.
    """
    words = [word for term in parse_query(text, stop_words) for word in split_term(text, term)]
    unmatched = [word for word in words if not count([word])]
    matched = [word for word in words if word not in unmatched]
    if not unmatched:
        return None
    suggestions = []
    for language in languages:
        of_language = partial(source, language)
        if near := _nearest_words(unmatched, matched, count, of_language):
            foreign = sum(not _has_word(of_language, word.prefix) for word in matched)
            distance = sum(distance for _, distance in near)
            suggestions.append((foreign, distance, _replaced(text, unmatched, near)))
    if not suggestions:
        return None
    _, _, suggestion = min(suggestions, key=lambda item: item[:2])
    return suggestion if count(parse_query(suggestion, stop_words)) else None


def split_term(text: str, term: QueryTerm) -> Iterator[QueryTerm]:
    """Yield the words of a term of a query one by one."""
    spans = list(word_spans(text[term.start : term.end]))
    for position, (start, end, word) in enumerate(spans, 1):
        single = replace(term, words=(word,), start=term.start + start, end=term.start + end)
        is_last = position == len(spans)
        yield single if is_last else replace(single, whole=True, is_prefix=False)


def _has_word(source: _LanguageSource, form: str) -> bool:
    return any(other == form for other, _ in source(form))


def _replaced(text: str, words: Sequence[QueryTerm], near: Sequence[tuple[QueryTerm, int]]) -> str:
    for word, (other, _) in reversed(list(zip(words, near, strict=True))):
        text = text[: word.start] + other.words[0] + text[word.end :]
    return text


def _nearest_words(
    words: Sequence[QueryTerm],
    others: Sequence[QueryTerm],
    count: Counter,
    source: _LanguageSource,
) -> list[tuple[QueryTerm, int]]:
    """Return for each word the nearest one that matches beside the others, and its distance.

    On a tie it is the one with the most entries. Nothing where a word has none.
    """
    found: list[tuple[QueryTerm, int]] = []
    for word in words:
        candidates = []
        for near, distance in _near_words(word.prefix, source):
            candidate = replace(word, words=(near,))
            if number := count([*others, *(term for term, _ in found), candidate]):
                candidates.append((distance, -number, near, candidate))
        if not candidates:
            return []
        distance, *_, nearest = min(candidates)
        found.append((nearest, distance))
    return found


def _near_words(form: str, source: _LanguageSource) -> Iterator[tuple[str, int]]:
    """Yield words near to a normal form, as they are written, with their edit distance.

    They begin with its first or second letter, since few errors are made in the first one.
    """
    written = {other: word for prefix in dict.fromkeys(form[:2]) for other, word in source(prefix)}
    limit = min(_MAX_EDITS, 1 + len(form) // _LETTERS_PER_EDIT)
    matches = process.extract(
        form, list(written), scorer=OSA.distance, score_cutoff=limit, limit=_MAX_CANDIDATES
    )
    for other, distance, _ in matches:
        yield written[other], int(distance)


def _labels(vocabularies: Vocabularies) -> Iterator[tuple[Concept, str, str]]:
    for scheme in vocabularies.lists.values():
        for concept in (*scheme.concepts.values(), *scheme.deprecated.values()):
            if current := scheme.current.get(concept.iri):
                tagged = {label for language, label in concept.all_labels if language}
                for language, label in concept.all_labels:
                    if language or label not in tagged:
                        yield current, language, label


def _sorted(concepts: Iterable[Concept]) -> tuple[Concept, ...]:
    unique = {concept.iri: concept for concept in concepts}
    return tuple(sorted(unique.values(), key=lambda concept: (concept.scheme, concept.notation)))
