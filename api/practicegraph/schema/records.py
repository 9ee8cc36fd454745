"""Records: the values of a resource's fields, and their text and JSON in a language."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pyoxigraph import BlankNode, Literal, NamedNode, Quad

from ..rdf.terms import (
    DATE_LENGTH,
    DCT,
    FOAF,
    RDF,
    XSD,
    Term,
    as_text,
    parse_decimal,
    parse_integer,
    starts_with_date,
)
from ..storage.base import ReleaseCache, Store, cache_by_release
from .fields import Field, NodeShape
from .text import Labels, pick_text
from .vocabularies import Vocabularies

_NAME = FOAF + "name"
_DESCRIPTION = DCT + "description"
_TRUTHS = {"true": True, "1": True, "false": False, "0": False}
_NATIVE: dict[str, Callable[[str], Any]] = {
    XSD + "boolean": _TRUTHS.get,
    XSD + "integer": parse_integer,
    XSD + "decimal": parse_decimal,
}
"""The parsers of literals that have a type in JSON; an ill-typed one is None, and a text."""
_MAX_CACHED_LABELS = 4096
_MAX_CACHED = 2000  # records of about 6 kB each


@dataclass(frozen=True)
class Record:
    """A resource with the values of its fields by key; fields without values are absent."""

    iri: str
    shape: NodeShape
    values: Mapping[str, tuple[Term, ...]]

    def items(self) -> Iterator[tuple[Field, tuple[Term, ...]]]:
        """Yield the fields that have values, in their order, with the values."""
        for field in self.shape.fields:
            if field.key in self.values:
                yield field, self.values[field.key]

    def days(self, predicate: NamedNode) -> list[str]:
        """Return the days (ISO 8601) with which the values of a property begin."""
        terms = (t for f, own in self.items() if f.value_predicate == predicate.value for t in own)
        texts = (term.value for term in terms if isinstance(term, Literal))
        return [text[:DATE_LENGTH] for text in texts if starts_with_date(text)]

    def text_with_role(self, role: str, languages: Sequence[str]) -> tuple[str, str]:
        """Return the text in a role, such as `LabelRole`, and its language; or two empty texts."""
        texts: dict[str, str] = {}
        for field in self.shape.fields_with_role(role):
            for term in self.values.get(field.key, ()):
                if isinstance(term, Literal):
                    texts.setdefault(term.language or "", term.value)
        text = pick_text(texts, languages)
        return text, next((language for language, other in texts.items() if other == text), "")


@dataclass(frozen=True)
class RecordReader:
    """Reads records out of a store, and the labels of what they refer to."""

    store: Store
    vocabularies: Vocabularies
    labels: tuple[str, ...]

    def read_records(self, shape: NodeShape, iris: Sequence[str]) -> list[Record]:
        """Return the records of the IRIs, in their order, each once."""
        keys = [(shape.iri, iri) for iri in dict.fromkeys(iris)]
        return self._recent.get_many(
            self.store.release(),
            keys,
            lambda missing: self._read(shape, [iri for _, iri in missing]),
        )

    @cached_property
    def _recent(self) -> ReleaseCache[tuple[str, str], Record]:
        return ReleaseCache(_MAX_CACHED)

    def _read(self, shape: NodeShape, iris: Sequence[str]) -> list[Record]:
        values: dict[str, dict[str, list[Term]]] = {iri: {} for iri in iris}
        for iri, key, term in self._values(shape, iris) if iris else ():
            values[iri].setdefault(key, []).append(term)
        return [
            Record(iri, shape, {key: _sorted(terms) for key, terms in by_key.items()})
            for iri, by_key in values.items()
        ]

    def _values(self, shape: NodeShape, iris: Sequence[str]) -> Iterator[tuple[str, str, Term]]:
        """Yield the values of fields with the IRI and the key; most are values of one property."""
        for quad in self.store.quads_of_subjects(iris):
            assert isinstance(quad.subject, NamedNode)
            for key in shape.keys_of(quad.predicate.value, quad.object):
                yield quad.subject.value, key, quad.object
        for link in dict.fromkeys(link for link, _ in shape.keys_by_via):
            yield from self._values_via(shape, link, iris)
        others = [field for field in shape.fields if not field.predicate and not field.via]
        for row in self.store.select(_paths_query(others, iris)) if others else ():
            yield as_text(row["iri"]), as_text(row["key"]), row["value"]

    def _values_via(
        self, shape: NodeShape, link: str, iris: Sequence[str]
    ) -> Iterator[tuple[str, str, Term]]:
        """Yield the values of fields that resources have which refer to the IRIs."""
        topics: dict[str, list[str]] = {}
        for quad in self.store.quads_of_objects(link, iris):
            if isinstance(quad.subject, NamedNode):
                topics.setdefault(quad.subject.value, []).append(as_text(quad.object))
        for quad in self.store.quads_of_subjects(list(topics)):
            if key := shape.keys_by_via.get((link, quad.predicate.value)):
                for topic in topics[as_text(quad.subject)]:
                    yield topic, key, quad.object

    def read_classes(self, iri: str) -> list[str]:
        """Return the classes of a resource; a blank node has none, since its label is no name."""
        if iri.startswith("_:"):
            return []
        terms = self.store.values(NamedNode(iri), RDF + "type")
        return [term.value for term in terms if isinstance(term, NamedNode)]

    def label(self, iri: str, languages: Sequence[str]) -> str:
        """Return the label of a resource, else its description, else ""."""
        if concept := self.vocabularies.concepts.get(iri):
            return pick_text(concept.labels, languages)
        if iri.startswith("_:"):
            return ""
        return pick_text(self._cached_labels(iri), languages)

    def external_label(self, iri: str, languages: Sequence[str]) -> str:
        """Return the label of an IRI of others, if it is known, and the title of its vocabulary."""
        vocabulary = self.vocabularies.find_target_vocabulary(iri)
        title = pick_text(vocabulary.titles, languages) if vocabulary else ""
        return " · ".join(filter(None, (self.label(iri, languages), title)))

    @cached_property
    def _cached_labels(self) -> Callable[[str], Labels]:
        """Return a cached function of an IRI, since pages repeat the same labels."""
        return cache_by_release(self.store, self._labels, _MAX_CACHED_LABELS)

    def _labels(self, iri: str) -> Labels:
        """Return the labels by language; where there are none, the descriptions."""
        quads = list(self.store.union(NamedNode(iri)))
        return _texts(quads, (*self.labels, _NAME)) or _texts(quads, (_DESCRIPTION,))

    def as_json(self, record: Record, languages: Sequence[str]) -> dict[str, Any]:
        """Return a record as JSON: texts in the first language that has them, labels likewise."""
        title, _ = record.text_with_role("LabelRole", languages)
        values = {
            field.key: self._json_of_field(record, field, terms, languages)
            for field, terms in record.items()
        }
        return {"id": record.iri, "title": title} | values | {"title": title}

    def _json_of_field(
        self, record: Record, field: Field, terms: Sequence[Term], languages: Sequence[str]
    ) -> Any:
        if field.is_text:
            return pick_text(texts_by_language(terms), languages)
        values = [self._json_of_term(record, field, term, languages) for term in terms]
        return values if field.is_repeatable else values[0]

    def _json_of_term(
        self, record: Record, field: Field, term: Term, languages: Sequence[str]
    ) -> Any:
        if isinstance(term, Literal):
            value = _NATIVE.get(term.datatype.value, str)(term.value)
            return term.value if value is None else value
        assert isinstance(term, NamedNode | BlankNode)
        if not field.has_options:
            return term.value
        label = self.label(term.value, languages)
        if not label and (keys := record.shape.keys_by_predicate.get(term.value)):
            label = pick_text(record.shape.fields_by_key[keys[0]].names, languages)
        return {"value": self.code(term), "id": term.value, "label": label}

    def code(self, term: Term) -> str:
        """Return the short form of a value: a concept's notation, else the value itself."""
        if isinstance(term, NamedNode) and (concept := self.vocabularies.concepts.get(term.value)):
            return concept.notation
        assert isinstance(term, NamedNode | BlankNode | Literal)
        return term.value


def texts_by_language(terms: Iterable[Term]) -> dict[str, str]:
    """Return the texts among terms by language."""
    return {t.language or "": t.value for t in terms if isinstance(t, Literal)}


def _sorted(terms: Sequence[Term]) -> tuple[Term, ...]:
    """Return terms in order, each once; comparing takes time, which a single one doesn't need."""
    return tuple(sorted(set(terms), key=str) if len(terms) > 1 else terms)


def _paths_query(fields: Iterable[Field], iris: Sequence[str]) -> str:
    values = " ".join(str(NamedNode(iri)) for iri in iris)
    branches = [
        f'{{ VALUES ?iri {{ {values} }} ?iri {field.path} ?value . BIND ("{field.key}" AS ?key) }}'
        for field in fields
    ]
    return "SELECT ?iri ?key ?value\nWHERE {\n    " + "\n    UNION\n    ".join(branches) + "\n}"


def _texts(quads: Sequence[Quad], properties: Iterable[str]) -> Labels:
    """Return the texts of properties by language, of the first property that has one in it."""
    texts: dict[str, str] = {}
    for name in properties:
        for quad in quads:
            if quad.predicate.value == name and isinstance(quad.object, Literal):
                texts.setdefault(quad.object.language or "", quad.object.value)
    return texts
