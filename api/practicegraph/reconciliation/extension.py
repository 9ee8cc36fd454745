"""Suggestions of entities, types and properties for a prefix; data extension."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyoxigraph import Literal, NamedNode

from ..rdf.terms import DATE_LENGTH, XSD, Term, parse_decimal, parse_integer, starts_with_date
from ..schema.fields import Field
from ..schema.records import Record, RecordReader
from ..schema.text import collation_key, fold, put_first
from ..search.request import SearchRequest
from .entities import Entities, Property, Type

Value = Mapping[str, Any]
"""A value: an object with one of `str`, `int`, `float`, `bool`, `date`, or with `id` and `name`."""
EVERY = "*"
"""The language that stands for all of them."""
MAX_SUGGESTIONS = 1000
"""The maximum number of suggestions that are skipped and returned."""


def _number(name: str, number: float | None, text: str) -> Value:
    """Return a number under a name; an ill-typed literal is a text."""
    return {"str": text} if number is None else {name: number}


_VALUES: dict[str, Callable[[str], Value]] = {
    XSD + "boolean": lambda text: {"bool": text in ("true", "1")},
    XSD + "integer": lambda text: _number("int", parse_integer(text), text),
    XSD + "decimal": lambda text: _number("float", parse_decimal(text), text),
    XSD + "double": lambda text: _number("float", parse_decimal(text), text),
    XSD + "date": lambda text: (
        {"date": f"{text[:DATE_LENGTH]}T00:00:00Z"} if starts_with_date(text) else {"str": text}
    ),
    XSD + "dateTime": lambda text: {"date": text},
}


@dataclass(frozen=True)
class PropertyRequest:
    """A property to extend data by, the language of texts, and the number of values, 0 for all."""

    property: Property
    language: str = ""
    limit: int = 0


@dataclass(frozen=True)
class DataExtender:
    """The data extension: the values of entities' fields."""

    entities: Entities
    reader: RecordReader

    def row(
        self, identifier: str, requests: Iterable[PropertyRequest], languages: Sequence[str]
    ) -> dict[str, list[Value]]:
        """Return the values of an entity by property; an unknown entity has none."""
        iri = self.entities.find_iri(identifier)
        type_ = self.entities.find_type(iri) if iri else None
        record = self.reader.read_records(type_.shape, [iri])[0] if type_ and iri else None
        return {r.property.key: self._values(record, r, languages) for r in requests}

    def _values(
        self, record: Record | None, request: PropertyRequest, languages: Sequence[str]
    ) -> list[Value]:
        field = record.shape.fields_by_key.get(request.property.key) if record else None
        if record is None or field is None:
            return []
        preferred = put_first(request.language, languages) if request.language else languages
        terms: Iterable[Term] = record.values.get(field.key, ())
        if field.is_text and request.language != EVERY:
            terms = _in_language(list(terms), preferred)
        values = [value for term in terms if (value := self._value(field, term, preferred))]
        return values[: request.limit or None]

    def _value(self, field: Field, term: Term, languages: Sequence[str]) -> Value | None:
        if isinstance(term, Literal):
            return _VALUES.get(term.datatype.value, _text)(term.value)
        if not isinstance(term, NamedNode):
            return None
        if field.scheme or self.entities.find_type(term.value):
            name = self.reader.label(term.value, languages) or term.value
            return {"id": self.entities.identifier(term.value), "name": name}
        return _text(term.value)


def _text(text: str) -> Value:
    return {"str": text}


def _in_language(terms: Sequence[Term], languages: Sequence[str]) -> Iterator[Term]:
    """Return the texts in the first of the languages in which there are any, else all."""
    tags = {t.language for t in terms if isinstance(t, Literal)}
    first = next((tag for tag in languages if tag in tags), None)
    return (t for t in terms if first is None or (isinstance(t, Literal) and t.language == first))


@dataclass(frozen=True)
class Suggester:
    """Suggests entities, types and properties for a prefix of their names."""

    entities: Entities
    reader: RecordReader

    def suggest_entities(
        self, prefix: str, types: Sequence[Type], languages: Sequence[str], limit: int
    ) -> list[str]:
        """Return entities of some types, or of any: by identifier, concepts, then entries."""
        all_types = self.entities.types
        allowed = {t.key for type_ in types for t in all_types.narrow(type_)}
        narrowest = [t for t in all_types.narrowest if not types or t.key in allowed]
        iri = self.entities.find_iri(prefix)
        iris = [iri] if iri and self.entities.find_type(iri) in narrowest else []
        iris += self._concepts(prefix, narrowest, languages)
        if all_types.entries in narrowest and len(iris) < limit:
            request = SearchRequest(query=prefix, size=limit)
            iris += self.entities.index.search(request, languages).entries
        return list(dict.fromkeys(iris))[:limit]

    def suggest_types(self, prefix: str) -> list[Type]:
        """Return the types with a name, in any language, or a key that has the prefix."""
        return [t for t in self.entities.types.all.values() if _has_prefix(t.names, prefix)]

    def suggest_properties(self, prefix: str) -> list[Property]:
        """Return the properties with a name, in any language, or a key that has the prefix."""
        return [p for p in self.entities.types.properties.values() if _has_prefix(p.names, prefix)]

    def _concepts(self, prefix: str, types: Sequence[Type], languages: Sequence[str]) -> list[str]:
        """Return the concepts by label; those that begin with the prefix as a whole come first."""
        is_inside: dict[str, bool] = {}
        for type_ in types:
            names = self.entities.types.concept_names.get(type_.key)
            for inside, iri in names.find_by_prefix(prefix) if names else ():
                is_inside[iri] = inside and is_inside.get(iri, True)
        labels = {
            iri: collation_key(self.reader.label(iri, languages), languages[0]) for iri in is_inside
        }
        return sorted(is_inside, key=lambda iri: (is_inside[iri], labels[iri], iri))


def _has_prefix(names: Iterable[str], prefix: str) -> bool:
    """Return whether a word of a name has a prefix."""
    return any(f" {fold(prefix)}" in f" {fold(name)}" for name in names)
