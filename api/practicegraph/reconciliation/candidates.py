"""Reconciliation candidates: entities that a name may refer to, with scores and features.

A score is 0 to 100: the similarity of the most similar name, of which mismatches of the type and of
property values take up to half. A candidate is a match only where its name or identifier is equal,
the type and all property values match, and it is the only such candidate. Beside a concept, what it
is a concept of (`foaf:focus`) is the one.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import islice

from pyoxigraph import Literal, NamedNode

from ..rdf.terms import FOAF, Term, as_text
from ..schema.fields import Field
from ..schema.records import Record, RecordReader
from ..search.request import SearchRequest
from .entities import Entities, Property, Type
from .names import EXACT, IDENTIFIED, NameSimilarity, Similarities, compare, normalize_label

ANY, ALL, SHOULD = "any", "all", "should"
"""The type strictness of a query: one of its types, all, or one of them if it has candidates."""
LIMIT = 10
"""The number of candidates where a query states none."""
_MAX_CANDIDATES = 50
_MAX_ENTITIES = 1000  # with a property value
_MAX_CACHED = 1000  # texts of property values, with the concepts of each
_FOCUS = FOAF + "focus"
_EXACT = NameSimilarity(EXACT, exact=True)


@dataclass(frozen=True)
class PropertyValue:
    """A property, and the texts or identifiers of which an entity should have at least one."""

    property: Property
    values: tuple[str, ...]


@dataclass(frozen=True)
class Query:
    """A name in other data, or "", and the types and property values of the entity."""

    name: str = ""
    types: tuple[Type, ...] = ()
    strict: str = SHOULD
    properties: tuple[PropertyValue, ...] = ()
    limit: int = LIMIT


@dataclass(frozen=True)
class Candidate:
    """A candidate entity, its score, whether it is a match, and the features of the score."""

    iri: str
    type: Type
    score: float
    match: bool
    features: Mapping[str, float | bool]


@dataclass(frozen=True)
class PropertyMatcher:
    """Compares property values with the fields of entities, and finds entities by them."""

    entities: Entities
    reader: RecordReader
    languages: tuple[str, ...]

    def score(self, value: PropertyValue, record: Record) -> float:
        """Return how well a record has a property value, from 0 to 100."""
        field = record.shape.fields_by_key.get(value.property.key)
        terms = record.values.get(value.property.key, ()) if field else ()
        if field is None or not terms:
            return 0.0
        if field.scheme:
            iris = {term.value for term in terms if isinstance(term, NamedNode)}
            return 0.0 if self._concepts(field, value).isdisjoint(iris) else EXACT
        return max(self._similarity(field, term, text) for term in terms for text in value.values)

    def find_entities(self, values: Sequence[PropertyValue], type_: Type) -> set[str]:
        """Return the entities of a type, entries or all concepts, that have all property values.

        At most 1,000 are read for each. Dates and numbers are compared only where all are such.
        """
        fields = [(type_.shape.fields_by_key.get(value.property.key), value) for value in values]
        pairs = [(field, value) for field, value in fields if field]
        if not pairs or len(pairs) < len(values):
            return set()
        selective = [(field, value) for field, value in pairs if not field.is_ordered] or pairs
        return set.intersection(*(self._subjects(field, value) for field, value in selective))

    def _subjects(self, field: Field, value: PropertyValue) -> set[str]:
        if field.scheme and field in self.entities.types.entries.shape.facets:
            return self._entries(field, value)
        if field.predicate is None:
            return set()
        predicate = NamedNode(field.predicate)
        terms = self._terms(field, value)
        quads = (quad for term in terms for quad in self.reader.store.quads(None, predicate, term))
        subjects = (quad.subject for quad in islice(quads, _MAX_ENTITIES))
        return {subject.value for subject in subjects if isinstance(subject, NamedNode)}

    def _entries(self, field: Field, value: PropertyValue) -> set[str]:
        iris = self._concepts(field, value)
        if not iris:
            return set()
        filters = {field.key: tuple(map(NamedNode, sorted(iris)))}
        request = SearchRequest(filters=filters, size=_MAX_ENTITIES)
        return set(self.entities.index.search(request, self.languages).entries)

    def _concepts(self, field: Field, value: PropertyValue) -> set[str]:
        """Return the concepts of a field's scheme with a property value, and their descendants."""
        assert field.scheme
        return set().union(*(self._find_concepts(field.scheme, text) for text in value.values))

    @cached_property
    def _find_concepts(self) -> Callable[[str, str], frozenset[str]]:
        """Return a cached function, since the rows of a table repeat few values."""

        @lru_cache(_MAX_CACHED)
        def find(iri: str, text: str) -> frozenset[str]:
            scheme = self.entities.vocabularies.scheme(iri)
            current = scheme.current.get(self.entities.find_iri(text) or text)
            concepts = [current] if current else scheme.find_by_label(text, self.languages)
            return frozenset(iri for concept in concepts for iri in scheme.descendants(concept.iri))

        return find

    def _terms(self, field: Field, value: PropertyValue) -> Iterator[Term]:
        """Yield the terms that a property value can be in the store."""
        if field.scheme:
            yield from map(NamedNode, self._concepts(field, value))
            return
        for text in value.values:
            if iri := self.entities.find_iri(text):
                yield NamedNode(iri)
            yield Literal(text)
            yield from (Literal(text, language=tag) for tag in self.languages)
            yield from (Literal(text, datatype=NamedNode(name)) for name in field.datatypes)

    def _similarity(self, field: Field, term: Term, text: str) -> float:
        if isinstance(term, Literal):
            if field.is_ordered and text and term.value.startswith(text):
                return EXACT
            labels = [term.value]
        elif isinstance(term, NamedNode):
            if term.value in (text, self.entities.find_iri(text)):
                return EXACT
            concept = self.entities.vocabularies.concepts.get(term.value)
            labels = [label for _, label in concept.all_labels] if concept else []
        else:
            return 0.0
        similarity = compare(normalize_label(text), map(normalize_label, labels))
        return similarity.score if similarity else 0.0


@dataclass(frozen=True)
class Reconciler:
    """Finds the candidates of queries."""

    matcher: PropertyMatcher
    entities: Entities
    reader: RecordReader

    def find_candidates(self, query: Query) -> list[Candidate]:
        """Return the candidates of a query up to its limit, the best first."""
        types = self._types(query)
        similarities = self._find_similar(query, types)
        if not similarities and query.types and query.strict == SHOULD:
            similarities = self._find_similar(query, self.entities.types.narrowest)
        nearest = sorted(similarities.items(), key=lambda item: (-item[1].score, item[0]))
        candidates = self._candidates(query, types, nearest[:_MAX_CANDIDATES])
        concepts = self._concepts_of_others([c.iri for c in candidates if c.match])
        candidates = [replace(c, match=c.match and c.iri not in concepts) for c in candidates]
        candidates.sort(
            key=lambda c: (-c.score, c.iri in concepts, not c.features["preferred"], c.iri)
        )
        matches = [candidate for candidate in candidates if candidate.match]
        if len(matches) != 1 or len(similarities) > _MAX_CANDIDATES:
            candidates = [replace(candidate, match=False) for candidate in candidates]
        return candidates[: query.limit]

    def _concepts_of_others(self, iris: Sequence[str]) -> set[str]:
        """Return those of several entities that are concepts of others of them (`foaf:focus`)."""
        among = {NamedNode(iri) for iri in iris} if len(iris) > 1 else set()
        return {
            iri.value for iri in among if among.intersection(self.reader.store.values(iri, _FOCUS))
        }

    def labels(self, candidates: Iterable[Candidate], languages: Sequence[str]) -> dict[str, str]:
        """Return the labels of candidates in the first language that has one."""
        records = self._records({candidate.iri: candidate.type for candidate in candidates})
        return {
            iri: record.text_with_role("LabelRole", languages)[0] or iri
            for iri, record in records.items()
        }

    def _types(self, query: Query) -> tuple[Type, ...]:
        """Return the narrowest types that a query allows."""
        types = self.entities.types
        sets = [{narrow.key for narrow in types.narrow(type_)} for type_ in query.types]
        if not sets:
            return types.narrowest
        keys = set.intersection(*sets) if query.strict == ALL else set.union(*sets)
        return tuple(type_ for type_ in types.narrowest if type_.key in keys)

    def _find_similar(self, query: Query, types: Sequence[Type]) -> Similarities:
        """Return the entities of some types with an equal name, else those with a similar one."""
        if not query.name:
            return self._find_by_properties(query, types)
        by_type = self.entities.types.concept_names
        names = [by_type[type_.key] for type_ in types if type_.key in by_type]
        similar = {
            iri: s for concepts in names for iri, s in concepts.find_equal(query.name).items()
        }
        if self.entities.types.entries in types:
            # Entries with an equal title come first: beside an equal concept, two are enough.
            enough = 2 if similar else max(query.limit, LIMIT)
            limit = _MAX_CANDIDATES if query.properties else enough
            similar |= self._find_entries(query.name, limit)
        iri = self.entities.find_iri(query.name)
        if iri and self.entities.find_type(iri) in types:
            similar[iri] = IDENTIFIED
        if equal := {iri: similarity for iri, similarity in similar.items() if similarity.exact}:
            return equal
        for concepts in names:
            similar |= concepts.find_similar(query.name)
        return similar

    def _find_entries(self, name: str, limit: int) -> dict[str, NameSimilarity]:
        text, shape = normalize_label(name), self.entities.types.entries.shape
        records = self.reader.read_records(shape, self.entities.index.find_titles(name, limit))
        similarities = {r.iri: compare(text, map(normalize_label, _titles(r))) for r in records}
        return {iri: similarity for iri, similarity in similarities.items() if similarity}

    def _find_by_properties(self, query: Query, types: Sequence[Type]) -> Similarities:
        by_shape = {type_.shape.iri: type_ for type_ in types}
        sets = (self.matcher.find_entities(query.properties, t) for t in by_shape.values())
        iris = set().union(*sets)
        return {iri: _EXACT for iri in iris if self.entities.find_type(iri) in types}

    def _candidates(
        self, query: Query, types: Sequence[Type], nearest: Sequence[tuple[str, NameSimilarity]]
    ) -> list[Candidate]:
        typed = {iri: type_ for iri, _ in nearest if (type_ := self.entities.find_type(iri))}
        records = self._records(typed) if query.properties else {}
        candidates = []
        for iri, similarity in nearest:
            if type_ := typed.get(iri):
                matches: dict[str, float | bool] = {"type": type_ in types} if query.types else {}
                for value in query.properties:
                    score = self.matcher.score(value, records[iri])
                    matches[f"property.{value.property.key}"] = round(score, 1)
                candidates.append(_candidate(iri, type_, similarity, matches))
        return candidates

    def _records(self, typed: Mapping[str, Type]) -> dict[str, Record]:
        """Return the records of entities, those of a shape together."""
        by_shape: dict[str, list[str]] = {}
        shapes = {type_.shape.iri: type_.shape for type_ in typed.values()}
        for iri, type_ in typed.items():
            by_shape.setdefault(type_.shape.iri, []).append(iri)
        batches = (self.reader.read_records(shapes[key], iris) for key, iris in by_shape.items())
        return {record.iri: record for batch in batches for record in batch}


def _titles(record: Record) -> Iterator[str]:
    for field in record.shape.fields_with_role("LabelRole"):
        yield from map(as_text, record.values.get(field.key, ()))


def _candidate(
    iri: str, type_: Type, similarity: NameSimilarity, matches: Mapping[str, float | bool]
) -> Candidate:
    scores = [EXACT * match if isinstance(match, bool) else match for match in matches.values()]
    share = sum(scores) / len(scores) / EXACT if scores else 1.0
    features = {
        "name": round(similarity.score, 1),
        "exact": similarity.exact,
        "preferred": similarity.preferred,
        "identifier": similarity.identifier,
        **matches,
    }
    score = round(similarity.score * (1 + share) / 2, 1)
    return Candidate(iri, type_, score, similarity.exact and share == 1, features)
