"""The entries that a query matches: in texts and labels, by compounds and by synonyms."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

from pyroaring import BitMap

from ...schema.vocabularies import Concept
from .index import TermMatch, TextIndex, TierSets, match_all
from .labels import LabelIndex, LabelMatch, split_term, suggest
from .tokenizer import Alternative, QueryTerm, Tier, Tokenizer, is_abbreviation, parse_query
from .words import Compounds, WordFamilies

_MAX_CACHED_WORDS = 1000


@dataclass(frozen=True)
class ExpandedTerm:
    """A term with the concepts that it matches, and with what else matches a text in its place.

    The alternatives are words of one origin, compounds that contain the word, the parts of a word
    that is one, and the labels of the concepts that the term names, maybe with those beside it.
    The first part of a compound alone is weak.
    """

    term: QueryTerm
    concepts: LabelMatch
    alternatives: tuple[Alternative, ...]
    weak: tuple[Alternative, ...] = ()
    is_known: bool = False

    def with_synonyms(
        self, concepts: Iterable[Concept], synonyms: Iterable[Alternative]
    ) -> "ExpandedTerm":
        """Return the term with concepts that it names, and their labels."""
        return replace(
            self,
            is_known=True,
            concepts=self.concepts.with_others(concepts, ()),
            alternatives=(*self.alternatives, *synonyms),
        )


@dataclass(frozen=True)
class OtherWords:
    """The compounds with a word and its parts, its first part, and the words of its origin."""

    compounds: tuple[Alternative, ...]
    first_parts: tuple[Alternative, ...]
    family: tuple[Alternative, ...]


@dataclass(frozen=True)
class QueryMatch:
    """The matches of the terms of a query, and the words set aside, since nothing has them."""

    matches: tuple[TermMatch, ...]
    ignored: tuple[str, ...] = ()

    @property
    def is_doubtful(self) -> bool:
        """Return whether a word may be misspelt."""
        return bool(self.ignored) or not all(match.is_known for match in self.matches)


@dataclass(frozen=True)
class QueryMatcher:
    """Matches queries; `entries_of` returns the entries that have any of the concepts."""

    texts: TextIndex
    labels: LabelIndex
    compounds: Compounds
    families: WordFamilies
    tokenizer: Tokenizer
    stop_words: Collection[str]
    entries_of: Callable[[Iterable[Concept]], BitMap]
    cached_words: dict[str, OtherWords] = field(default_factory=dict)
    finds_families: bool = True

    def match(self, query: str) -> QueryMatch:
        """Return the entries that each term of a query matches.

        Words that nothing has are set aside, of phrases too, unless nothing would be left.
        """
        terms = parse_query(query, self.stop_words)
        matches, ignored = self.match_terms(terms), list[QueryTerm]()
        found = list[TermMatch]()
        for term, match in zip(terms, matches, strict=True):
            known, unknown = ([term], []) if match.entries else self._split(query, term)
            ignored += unknown
            found += [match] if known == [term] else self.match_terms(known)
        if not found:
            return QueryMatch(tuple(matches))
        return QueryMatch(tuple(found), tuple(query[t.start : t.end] for t in ignored))

    def match_terms(self, terms: Sequence[QueryTerm]) -> list[TermMatch]:
        """Return the entries that each of the terms matches."""
        expanded = self.expand(terms)
        in_texts = self.texts.match(each.term for each in expanded)
        others = self.texts.match_alternatives(
            *(each.alternatives for each in expanded), *(each.weak for each in expanded)
        )
        near, weak = others[: len(expanded)], others[len(expanded) :]
        return list(map(self._with_others, expanded, in_texts, near, weak))

    def expand(self, terms: Sequence[QueryTerm]) -> list[ExpandedTerm]:
        """Return the terms with all that matches in their place."""
        terms = list(map(self._as_abbreviation, terms))
        tokens = self.tokenizer.tokens_of_query(terms)
        expanded = [self._expand(term, tokens) for term in terms]
        for run, concepts in self.labels.named(terms):
            synonyms = self.labels.synonyms(concepts)
            for number in run:
                expanded[number] = expanded[number].with_synonyms(concepts, synonyms)
        return expanded

    def suggest(self, query: str, languages: Sequence[str]) -> str | None:
        """Return a near query that matches where this one does not ("did you mean"), or None."""
        words = self.texts.words.words
        exact = replace(self, finds_families=False)
        return suggest(query, languages, self.stop_words, exact._count, words)

    def _count(self, terms: Sequence[QueryTerm]) -> int:
        matches = self.match_terms(terms)
        return len(match_all(matches[1:], matches[0].entries)) if matches else 0

    def _split(self, query: str, term: QueryTerm) -> tuple[list[QueryTerm], list[QueryTerm]]:
        """Return a term without the words that nothing has, and those words."""
        words = list(split_term(query, term))
        known = [word for word in words if self._count([word])]
        unknown = [word for word in words if word not in known]
        rest = replace(term, words=tuple(word.words[0].lower() for word in known))
        return [rest] if known else [], unknown

    def _as_abbreviation(self, term: QueryTerm) -> QueryTerm:
        """Return a term in capitals if it is an abbreviation in texts or labels."""
        words = tuple(map(str.upper, term.words))
        is_known = len(words) == 1 and is_abbreviation(words[0]) and self.texts.words.has(words[0])
        return replace(term, words=words) if is_known else term

    def _expand(self, term: QueryTerm, tokens: frozenset[str]) -> ExpandedTerm:
        concepts = self.labels.match(term, tokens)
        if not term.whole or len(term.words) > 1:
            return ExpandedTerm(term, concepts, (), is_known=concepts.is_any)
        (word,) = term.words
        others = self.other_words(word)
        alternatives = (*others.compounds, *(others.family if self.finds_families else ()))
        near = self.labels.match_alternatives(alternatives)
        return ExpandedTerm(
            term,
            concepts.with_others((), near),
            alternatives,
            weak=others.first_parts,
            is_known=concepts.is_any or bool(others.compounds),
        )

    def other_words(self, word: str) -> OtherWords:
        """Return what else has a word or is of its origin; a filter makes the same query again."""
        if word not in self.cached_words:
            if len(self.cached_words) >= _MAX_CACHED_WORDS:
                self.cached_words.clear()
            parts = tuple(self.compounds.parts(word))
            self.cached_words[word] = OtherWords(
                compounds=(*self.compounds.containing(word), *parts),
                first_parts=tuple((groups[0],) for groups in parts),
                family=() if parts else tuple(self.families.alternatives(word)),
            )
        return self.cached_words[word]

    def _with_others(
        self, term: ExpandedTerm, match: TermMatch, near: TierSets, weak: TierSets
    ) -> TermMatch:
        """Return the match of a term in texts with its alternatives, and with its concepts."""
        concepts, is_known = term.concepts, term.is_known or bool(match.entries)
        match = match.with_near({**near, Tier.LABEL: self.entries_of(concepts.near)})
        return replace(
            match,
            whole={**match.whole, Tier.LABEL: self.entries_of(concepts.whole)},
            weak=self.entries_of(concepts.weak).union(*weak.values()),
            is_required=len(term.term.words) > 1,
            is_known=is_known,
        )
