"""Concepts by the words of their labels, and suggestions for words that nothing matches."""

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from rapidfuzz import process
from rapidfuzz.distance import OSA

from ...schema.vocabularies import Concept, Vocabularies
from .tokenizer import QueryTerm, Tokenizer, normalize, parse_query, split_words, word_spans

_MAX_CANDIDATES = 8
_MAX_EDITS = 3
_LETTERS_PER_EDIT = 5

WordSource = Callable[[str], Iterable[tuple[str, str]]]
"""Yields the words with a prefix: their normal forms, and as they are written."""
Counter = Callable[[Sequence[QueryTerm]], int]
"""Returns how many entries match all terms."""


@dataclass(frozen=True)
class LabelMatch:
    """The concepts that a term matches in a label: whole, or as the prefix of a word."""

    whole: tuple[Concept, ...] = ()
    prefix: tuple[Concept, ...] = ()


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

    def __init__(self, vocabularies: Vocabularies, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._by_token: dict[str, list[_LabelWord]] = {}
        self._written: dict[str, str] = {}
        by_form: dict[str, list[_LabelWord]] = {}
        for concept, language, label in _labels(vocabularies):
            words = split_words(label)
            tokens = tuple(tokenizer.token(word, language) for word in words)
            for position, word in enumerate(words):
                label_word, form = _LabelWord(concept, tokens, position), normalize(word)
                self._by_token.setdefault(tokens[position], []).append(label_word)
                by_form.setdefault(form, []).append(label_word)
                self._written[form] = max(word, self._written.get(form, ""))
        self._by_form = sorted(by_form.items(), key=lambda item: item[0])

    def match(self, term: QueryTerm) -> LabelMatch:
        """Return the concepts that a term matches, by scheme and notation."""
        variants = self._tokenizer.variants(term.words)
        whole = self._match_whole(variants) if term.whole else ()
        prefix = self._match_prefix(term.prefix, variants) if term.is_prefix else ()
        return LabelMatch(_sorted(whole), _sorted(prefix))

    def words(self, prefix: str = "") -> Iterator[tuple[str, str]]:
        """Yield the words with a prefix: their normal forms, and as they are written."""
        return ((form, self._written[form]) for form, _ in self._with_prefix(prefix))

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
    text: str, stop_words: Collection[str], count: Counter, sources: Sequence[WordSource]
) -> str | None:
    """Return the query with the nearest words for those that match nothing ("did you mean").

    None where every word matches, or where no near query matches an entry.
    """
    words = [word for term in parse_query(text, stop_words) for word in _words(text, term)]
    unmatched = [word for word in words if not count([word])]
    matched = [word for word in words if word not in unmatched]
    for word in sorted(unmatched, key=lambda word: -word.start):  # earlier offsets stay valid
        near = _nearest(word, matched, count, sources)
        if near is None:
            return None
        matched.append(near)
        text = text[: word.start] + near.words[0] + text[word.end :]
    return text if unmatched and count(parse_query(text, stop_words)) else None


def _words(text: str, term: QueryTerm) -> Iterator[QueryTerm]:
    """Yield the words of a term one by one."""
    spans = list(word_spans(text[term.start : term.end]))
    for position, (start, end, word) in enumerate(spans, 1):
        single = replace(term, words=(word,), start=term.start + start, end=term.start + end)
        is_last = position == len(spans)
        yield single if is_last else replace(single, whole=True, is_prefix=False)


def _nearest(
    word: QueryTerm, others: Sequence[QueryTerm], count: Counter, sources: Sequence[WordSource]
) -> QueryTerm | None:
    """Return the nearest word that matches beside the others; on a tie, with the most entries."""
    candidates = []
    for near, distance in _near_words(word.prefix, sources):
        candidate = replace(word, words=(near,))
        if number := count([*others, candidate]):
            candidates.append((distance, -number, near, candidate))
    return min(candidates)[-1] if candidates else None


def _near_words(form: str, sources: Sequence[WordSource]) -> Iterator[tuple[str, int]]:
    """Yield words near to a normal form, as they are written, with their edit distance.

    They begin with its first or second letter, since few errors are made in the first one.
    """
    written: dict[str, str] = {}
    for prefix in dict.fromkeys(form[:2]):
        for source in sources:
            for other, word in source(prefix):
                written[other] = max(word, written.get(other, ""))  # lower case before capitals
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
