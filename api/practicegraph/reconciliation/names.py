"""The similarity of a name to the labels of concepts, in any language."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from rapidfuzz import fuzz, process

from ..schema.text import truncate
from ..schema.vocabularies import Scheme
from ..search.text.tokenizer import normalize, split_words

EXACT = 100.0
"""The likeness of what is the same but for case, accents and marks between words."""
_NEAREST = 99.0
_LEAST = 70.0
_MOST = 50
_KEPT = 2000  # forms of texts that are cut: 5 MB at the most


@dataclass(frozen=True)
class NameSimilarity:
    """The similarity of a name to a text, from 0 to 100, and the sort of the nearest name.

    It is the same, but for case and accents; it is the first name of the thing in its language;
    it is no name but an identifier.
    """

    score: float
    exact: bool = False
    preferred: bool = False
    identifier: bool = False


IDENTIFIED = NameSimilarity(EXACT, exact=True, identifier=True)
Alike = Mapping[str, NameSimilarity]
"""The similarities of entities by IRI."""


def normalize_label(text: str) -> str:
    """Return the form in which names are compared: the words, folded, with spaces between them."""
    return _form(truncate(text))


@lru_cache(_KEPT)
def _form(text: str) -> str:
    return " ".join(filter(None, map(normalize, split_words(text))))


def compare(text: str, names: Iterable[str]) -> NameSimilarity | None:
    """Return how like the nearest of first names in the compared form is, if any is near."""
    forms = list(names)
    if text in forms:
        return NameSimilarity(EXACT, exact=True, preferred=True)
    scores = [(fuzz.ratio(_sorted(text), _sorted(name)), name) for name in forms]
    near = [score for score, name in scores if score >= _LEAST or _is_part(text, name)]
    return NameSimilarity(min(max(near), _NEAREST), preferred=True) if near else None


@dataclass(frozen=True)
class ConceptNames:
    """The names of one scheme's current concepts; those of a replaced one mean its successor."""

    scheme: Scheme

    def find_equal(self, text: str) -> dict[str, NameSimilarity]:
        """Return the concepts with a name or notation that is the same as a text."""
        wanted = normalize_label(text)
        found = {
            iri: NameSimilarity(EXACT, exact=True, preferred=preferred)
            for iri, preferred in self._by_form.get(wanted, {}).items()
        }
        if iri := self._codes.get(text.strip().casefold()):
            found[iri] = IDENTIFIED
        return found

    def find_similar(self, text: str) -> dict[str, NameSimilarity]:
        """Return the concepts with a similarly spelt label, or one that has all words and more."""
        wanted = normalize_label(text)
        spelt = process.extract(
            _sorted(wanted), self._sorted, scorer=fuzz.ratio, score_cutoff=_LEAST, limit=_MOST
        )
        near = {self._sorted_names[place]: score for _, score, place in spelt}
        near = {name: fuzz.ratio(wanted, name) for name in self._within(wanted)} | near
        found: dict[str, NameSimilarity] = {}
        for name, score in near.items():
            for iri, preferred in self._by_form[name].items():
                known = found.get(iri)
                if known is None or (known.score, known.preferred) < (score, preferred):
                    found[iri] = NameSimilarity(min(score, _NEAREST), preferred=preferred)
        return found

    def find_by_prefix(self, text: str) -> Iterator[tuple[bool, str]]:
        """Yield the concepts with a word that has the prefix, and whether only inside a label."""
        wanted = normalize_label(text)
        for name, concepts in self._by_form.items():
            if f" {wanted}" in f" {name}":
                for iri in concepts:
                    yield not name.startswith(wanted), iri

    def _within(self, wanted: str) -> Iterator[str]:
        touched = {name for word in wanted.split() for name in self._by_word.get(word, ())}
        return (name for name in touched if _is_part(wanted, name))

    @cached_property
    def _by_form(self) -> dict[str, dict[str, bool]]:
        """Return the concepts by their names in the compared form, and whether one is the first."""
        found: dict[str, dict[str, bool]] = {}
        for concept in (*self.scheme.concepts.values(), *self.scheme.deprecated.values()):
            meant = self.scheme.current.get(concept.iri)
            for language, wording in concept.all_labels:
                if meant is None:
                    continue
                first = meant is concept and concept.labels.get(language) == wording
                named = found.setdefault(normalize_label(wording), {})
                named[meant.iri] = first or named.get(meant.iri, False)
        found.pop("", None)
        return found

    @cached_property
    def _codes(self) -> dict[str, str]:
        return {code.casefold(): concept.iri for code, concept in self.scheme.current.items()}

    @cached_property
    def _sorted_names(self) -> list[str]:
        return list(self._by_form)

    @cached_property
    def _sorted(self) -> list[str]:
        return [_sorted(name) for name in self._sorted_names]

    @cached_property
    def _by_word(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name in self._by_form:
            for word in set(name.split()):
                found.setdefault(word, []).append(name)
        return found


def _is_part(text: str, name: str) -> bool:
    """Return whether all words of the one are words of the other."""
    ours, theirs = set(text.split()), set(name.split())
    return bool(ours and theirs) and (ours <= theirs or ours >= theirs)


def _sorted(name: str) -> str:
    """Return the words in order of letters, so that their own order doesn't matter."""
    return " ".join(sorted(name.split()))
