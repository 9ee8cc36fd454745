"""Reconciliation candidates: entities that a name may refer to, with scores and features.

A score is 0 to 100: the similarity of the most similar name, of which mismatches of the type and of
property values take up to half. A candidate is a match only where its name or identifier is equal,
the type and all property values match, and it is the only such candidate.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import islice

from pyoxigraph import Literal, NamedNode

from ..rdf.terms import Term, as_text
from ..schema.fields import Field
from ..schema.records import Record, RecordReader
from ..search.request import SearchRequest
from ..storage.base import Store
from .entities import Entities, Property, Type, Types
from .names import EXACT, IDENTIFIED, Alike, ConceptNames, NameSimilarity, compare, normalize_label

_MOST = 1000


@dataclass(frozen=True)
class PropertyValue:
    """A property, and the values of which a thing has at least one: texts and identifiers."""

    property: Property
    values: tuple[str, ...]


@dataclass(frozen=True)
class PropertyMatcher:
    """Holds claims against things, and finds the things for which they hold."""

    things: Entities
    store: Store
    languages: tuple[str, ...]

    def score(self, claim: PropertyValue, record: Record) -> float:
        """Return how well a claim holds for a thing, from 0 to 100."""
        field = record.shape.fields_by_key.get(claim.property.key)
        held = record.values.get(claim.property.key, ()) if field else ()
        if field is None or not held:
            return 0.0
        if field.scheme:
            meant = set().union(*(self._concepts(field, text) for text in claim.values))
            iris = (term.value for term in held if isinstance(term, NamedNode))
            return 0.0 if meant.isdisjoint(iris) else EXACT
        return max(self._likeness(field, term, text) for term in held for text in claim.values)

    def find_entities(self, claims: Sequence[PropertyValue], wanted: Type) -> set[str]:
        """Return things of a type, entries or all concepts, for which claims hold.

        Up to 1,000 are known for a claim. Dates and numbers narrow only where nothing else does.
        """
        fields = [(wanted.kind.fields_by_key.get(claim.property.key), claim) for claim in claims]
        known = [(field, claim) for field, claim in fields if field]
        if not known or len(known) < len(claims):
            return set()
        telling = [(field, claim) for field, claim in known if not field.is_ordered] or known
        return set.intersection(*(self._subjects(field, claim) for field, claim in telling))

    def _subjects(self, field: Field, claim: PropertyValue) -> set[str]:
        facets = self.things.types.entries.kind.facets
        if field in facets and field.scheme:
            return self._entries(field, claim)
        terms = [term for text in claim.values for term in self._terms(field, text)]
        predicate = NamedNode(field.predicate) if field.predicate else None
        quads = (q for t in terms if predicate for q in self.store.quads(None, predicate, t))
        subjects = (quad.subject for quad in islice(quads, _MOST))
        return {subject.value for subject in subjects if isinstance(subject, NamedNode)}

    def _entries(self, field: Field, claim: PropertyValue) -> set[str]:
        iris = set().union(*(self._concepts(field, text) for text in claim.values))
        if not iris:
            return set()
        chosen = {field.key: tuple(map(NamedNode, sorted(iris)))}
        choices = SearchRequest(filters=chosen, size=_MOST)
        return set(self.things.index.search(choices, self.languages).entries)

    def _concepts(self, field: Field, text: str) -> frozenset[str]:
        """Return the concepts that a text means for a field, with all that count for them."""
        return self._known(field.scheme or "", text)

    @cached_property
    def _known(self) -> Callable[[str, str], frozenset[str]]:
        """Return what looks concepts up; the same few values are sought again and again."""
        return lru_cache(_MOST)(self._looked_up)

    def _looked_up(self, iri: str, text: str) -> frozenset[str]:
        scheme = self.things.vocabularies.scheme(iri)
        found = scheme.current.get(self.things.find_iri(text) or text)
        concepts = [found] if found else scheme.find_by_label(text, self.languages)
        return frozenset(lower for concept in concepts for lower in scheme.descendants(concept.iri))

    def _terms(self, field: Field, text: str) -> Iterator[Term]:
        if field.scheme:
            yield from map(NamedNode, self._concepts(field, text))
            return
        if meant := self.things.find_iri(text):
            yield NamedNode(meant)
        yield Literal(text)
        yield from (Literal(text, language=tag) for tag in self.languages)
        yield from (Literal(text, datatype=NamedNode(name)) for name in field.datatypes)

    def _likeness(self, field: Field, term: Term, text: str) -> float:
        if isinstance(term, Literal):
            if field.is_ordered and text and term.value.startswith(text):
                return EXACT
            names = [term.value]
        elif isinstance(term, NamedNode):
            if term.value in (text, self.things.find_iri(text)):
                return EXACT
            concept = self.things.vocabularies.concepts.get(term.value)
            names = [wording for _, wording in concept.all_labels] if concept else []
        else:
            return 0.0
        found = compare(normalize_label(text), map(normalize_label, names))
        return found.score if found else 0.0


ANY, ALL, SHOULD = "any", "all", "should"
"""The type strictness of a query: one of its types, all, or one of them if it has candidates."""
LIMIT = 10
"""The number of candidates where a query states none."""
_MAX_CANDIDATES = 50
_WHOLE = NameSimilarity(EXACT, exact=True)


@dataclass(frozen=True)
class Query:
    """A name in other data, and what is known of the thing; the name may be missing."""

    words: str = ""
    types: tuple[Type, ...] = ()
    strict: str = SHOULD
    claims: tuple[PropertyValue, ...] = ()
    limit: int = LIMIT


@dataclass(frozen=True)
class Candidate:
    """A thing that may be meant, how well it fits, whether it is surely meant, and why."""

    iri: str
    type: Type
    score: float
    match: bool
    features: Mapping[str, float | bool]


@dataclass(frozen=True)
class ConceptNamesByType:
    """The names of the concepts of every scheme, which are made once."""

    types: Types

    @cached_property
    def by_type(self) -> dict[str, ConceptNames]:
        """Return the names by the keys of types."""
        return {one.key: ConceptNames(one.scheme) for one in self.types.direct if one.scheme}


@dataclass(frozen=True)
class Reconciler:
    """Finds the things that names in other data may mean."""

    things: Entities
    names: ConceptNamesByType
    claims: PropertyMatcher
    reader: RecordReader

    def find_candidates(self, query: Query) -> list[Candidate]:
        """Return up to as many things as the query asks for, the best first."""
        allowed = self._allowed(query)
        found = self._found(query, allowed)
        if not found and query.types and query.strict == SHOULD:
            found = self._found(query, self.things.types.direct)
        nearest = sorted(found.items(), key=lambda item: (-item[1].score, item[0]))[
            :_MAX_CANDIDATES
        ]
        judged = self._judged(query, allowed, nearest)
        judged.sort(key=lambda one: (-one.score, not one.features["preferred"], one.iri))
        sure = [one for one in judged if one.match]
        if len(sure) != 1 or len(found) > _MAX_CANDIDATES:
            judged = [Candidate(c.iri, c.type, c.score, False, c.features) for c in judged]
        return judged[: query.limit]

    def labels(self, found: Iterable[Candidate], languages: Sequence[str]) -> dict[str, str]:
        """Return what candidates are called in the first language that has a name."""
        typed = {one.iri: one.type for one in found}
        records = self._records(typed).items()
        return {
            iri: record.text_with_role("LabelRole", languages)[0] or iri for iri, record in records
        }

    def _allowed(self, query: Query) -> tuple[Type, ...]:
        types = self.things.types
        sets = [{one.key for one in types.direct_types(wished)} for wished in query.types]
        if not sets:
            return types.direct
        keys = set.intersection(*sets) if query.strict == ALL else set.union(*sets)
        return tuple(one for one in types.direct if one.key in keys)

    def _found(self, query: Query, allowed: Sequence[Type]) -> Alike:
        """Return the things of the types that may be meant; where any is named so, these alone."""
        if not query.words:
            return self._claimed(query, allowed)
        by_type = self.names.by_type
        names = [by_type[one.key] for one in allowed if one.key in by_type]
        found = {iri: like for one in names for iri, like in one.find_equal(query.words).items()}
        if self.things.types.entries in allowed:
            # Those that are called just so come first: beside a concept that is, two are enough.
            most = _MAX_CANDIDATES if query.claims else 2 if found else max(query.limit, LIMIT)
            found |= self._entries(query.words, most)
        meant = self.things.find_iri(query.words)
        if meant and self.things.type_of(meant) in allowed:
            found[meant] = IDENTIFIED
        if exact := {iri: like for iri, like in found.items() if like.exact}:
            return exact
        for one in names:
            found |= one.find_similar(query.words)
        return found

    def _entries(self, words: str, most: int) -> dict[str, NameSimilarity]:
        wanted, kind = normalize_label(words), self.things.types.entries.kind
        records = self.reader.read_records(kind, self.things.index.find_titles(words, most))
        alike = {one.iri: compare(wanted, map(normalize_label, _titles(one))) for one in records}
        return {iri: found for iri, found in alike.items() if found}

    def _claimed(self, query: Query, allowed: Sequence[Type]) -> Alike:
        kinds = {one.kind.iri: one for one in allowed}
        iris = {
            iri for one in kinds.values() for iri in self.claims.find_entities(query.claims, one)
        }
        return {iri: _WHOLE for iri in iris if self.things.type_of(iri) in allowed}

    def _judged(
        self, query: Query, allowed: Sequence[Type], found: Sequence[tuple[str, NameSimilarity]]
    ) -> list[Candidate]:
        typed = {iri: one for iri, _ in found if (one := self.things.type_of(iri))}
        records = self._records(typed) if query.claims else {}
        judged = []
        for iri, like in found:
            if one := typed.get(iri):
                asked: dict[str, float | bool] = {"type": one in allowed} if query.types else {}
                for claim in query.claims:
                    held = self.claims.score(claim, records[iri])
                    asked[f"property.{claim.property.key}"] = round(held, 1)
                judged.append(_candidate(iri, one, like, asked))
        return judged

    def _records(self, typed: Mapping[str, Type]) -> dict[str, Record]:
        """Return the records of things, those of a kind together."""
        by_kind: dict[str, list[str]] = {}
        kinds = {one.kind.iri: one.kind for one in typed.values()}
        for iri, one in typed.items():
            by_kind.setdefault(one.kind.iri, []).append(iri)
        several = (self.reader.read_records(kinds[kind], iris) for kind, iris in by_kind.items())
        return {record.iri: record for records in several for record in records}


def _titles(record: Record) -> Iterator[str]:
    for field in record.shape.fields_with_role("LabelRole"):
        yield from (as_text(title) for title in record.values.get(field.key, ()))


def _candidate(
    iri: str, one: Type, like: NameSimilarity, asked: Mapping[str, float | bool]
) -> Candidate:
    parts = [EXACT * part if isinstance(part, bool) else part for part in asked.values()]
    share = sum(parts) / len(parts) / EXACT if parts else 1.0
    features = {
        "name": round(like.score, 1),
        "exact": like.exact,
        "preferred": like.preferred,
        "identifier": like.identifier,
        **asked,
    }
    score = round(like.score * (1 + share) / 2, 1)
    return Candidate(iri, one, score, like.exact and share == 1, features)
