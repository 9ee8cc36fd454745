"""The similarity of a name to the labels of concepts, in any language."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from rapidfuzz import fuzz, process

from ..schema.text import truncate
from ..schema.vocabularies import Concept, Scheme
from ..search.text.tokenizer import Tokenizer, normalize, split_words

EXACT = 100.0
"""The similarity of labels that are equal but for case, accents and separators of words."""
_MAX_SIMILAR = 99.0
_MIN_SIMILARITY = 70.0
_MAX_LABELS = 50
_INITIALS = re.compile(r"(?<=\b\w)\.(?=\w\b)")
"""The full stops between initials."""
_MAX_CACHED = 2000  # normalized labels: 5 MB at the most


@dataclass(frozen=True)
class NameSimilarity:
    """The similarity of a name to an entity, from 0 to 100, and the kind of its most similar name.

    That name can be equal to the text, the preferred label in its language, and an identifier.
    """

    score: float
    exact: bool = False
    preferred: bool = False
    identifier: bool = False


IDENTIFIED = NameSimilarity(EXACT, exact=True, identifier=True)
Similarities = Mapping[str, NameSimilarity]
"""The similarities of entities by IRI."""


def normalize_label(text: str) -> str:
    """Return the form in which labels are compared: normalized words with spaces between them."""
    return _normalize(truncate(text))


@lru_cache(_MAX_CACHED)
def _normalize(text: str) -> str:
    """Return the normal forms of words; initials with full stops are one: N.G.O."""
    return " ".join(filter(None, map(normalize, split_words(_INITIALS.sub("", text)))))


def compare(text: str, labels: Iterable[str]) -> NameSimilarity | None:
    """Return the similarity to the nearest of normalized preferred labels, or None if none is."""
    labels = list(labels)
    if text in labels:
        return NameSimilarity(EXACT, exact=True, preferred=True)
    scores = [(fuzz.ratio(_sort_words(text), _sort_words(label)), label) for label in labels]
    near = [score for score, label in scores if score >= _MIN_SIMILARITY or _contains(text, label)]
    return NameSimilarity(min(max(near), _MAX_SIMILAR), preferred=True) if near else None


@dataclass(frozen=True)
class ConceptNames:
    """The labels of a scheme's current concepts, each with the labels of those it replaces."""

    scheme: Scheme
    tokenizer: Tokenizer

    def find_equal(self, text: str) -> dict[str, NameSimilarity]:
        """Return the concepts with a label or notation that is equal to a text."""
        concepts = self._concepts.get(normalize_label(text), {})
        equal = {
            iri: NameSimilarity(EXACT, exact=True, preferred=preferred)
            for iri, preferred in concepts.items()
        }
        if iri := self._notations.get(text.strip().casefold()):
            equal[iri] = IDENTIFIED
        return equal

    def find_similar(self, text: str) -> dict[str, NameSimilarity]:
        """Return the concepts with a similarly spelt label, or one with all the words and more.

        Forms of a word are the same there.
        """
        words, text = split_words(truncate(text)), normalize_label(text)
        scores = {label: fuzz.ratio(text, label) for label in self._find_containing(words)}
        spelt = process.extract(
            _sort_words(text),
            self._sorted_labels,
            scorer=fuzz.ratio,
            score_cutoff=_MIN_SIMILARITY,
            limit=_MAX_LABELS,
        )
        scores |= {label: score for _, score, label in spelt}
        similar: dict[str, NameSimilarity] = {}
        for label, score in scores.items():
            for iri, preferred in self._concepts[label].items():
                new = NameSimilarity(min(score, _MAX_SIMILAR), preferred=preferred)
                known = similar.get(iri, new)
                similar[iri] = max(known, new, key=lambda each: (each.score, each.preferred))
        return similar

    def _find_containing(self, words: Sequence[str]) -> Iterator[str]:
        """Yield the labels with all of the words, and those of which all words are among them."""
        for variant in map(frozenset, self.tokenizer.variants(words)):
            for token in variant:
                for label, tokens in self._labels_by_token.get(token, ()):
                    if tokens <= variant or tokens >= variant:
                        yield label

    def find_by_prefix(self, text: str) -> Iterator[tuple[bool, str]]:
        """Yield the concepts with a word that has the prefix, and whether only inside a label."""
        text = normalize_label(text)
        for label, concepts in self._concepts.items():
            if f" {text}" in f" {label}":
                for iri in concepts:
                    yield not label.startswith(text), iri

    @cached_property
    def _concepts(self) -> dict[str, dict[str, bool]]:
        """Return the concepts by normalized label, and whether it is a preferred label of each."""
        concepts: dict[str, dict[str, bool]] = {}
        for concept, language, label in self._all_labels:
            current = self.scheme.current[concept.iri]
            preferred = current is concept and concept.labels.get(language) == label
            labelled = concepts.setdefault(normalize_label(label), {})
            labelled[current.iri] = preferred or labelled.get(current.iri, False)
        return concepts

    @cached_property
    def _all_labels(self) -> list[tuple[Concept, str, str]]:
        """Return all labels with a word, each with its concept, that has a current one."""
        concepts = (*self.scheme.concepts.values(), *self.scheme.deprecated.values())
        return [
            (concept, language, label)
            for concept in concepts
            if concept.iri in self.scheme.current
            for language, label in concept.all_labels
            if normalize_label(label)
        ]

    @cached_property
    def _notations(self) -> dict[str, str]:
        current = self.scheme.current.items()
        return {notation.casefold(): concept.iri for notation, concept in current}

    @cached_property
    def _sorted_labels(self) -> dict[str, str]:
        return {label: _sort_words(label) for label in self._concepts}

    @cached_property
    def _labels_by_token(self) -> dict[str, list[tuple[str, frozenset[str]]]]:
        labels: dict[str, list[tuple[str, frozenset[str]]]] = {}
        for _, language, label in self._all_labels:
            tokens = frozenset(self.tokenizer.tokenize(label, language))
            for token in tokens:
                labels.setdefault(token, []).append((normalize_label(label), tokens))
        return labels


def _contains(text: str, label: str) -> bool:
    """Return whether all words of the one are words of the other."""
    words, others = set(text.split()), set(label.split())
    return bool(words and others) and (words <= others or words >= others)


def _sort_words(label: str) -> str:
    """Return the words in alphabetical order, so that their own order makes no difference."""
    return " ".join(sorted(label.split()))
