"""Suggestions of entities, types and properties for a prefix; data extension."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyoxigraph import Literal, NamedNode

from ..rdf.namespaces import XSD
from ..rdf.terms import DATE_LENGTH, Term, parse_decimal, parse_integer, starts_with_date
from ..schema.fields import Field
from ..schema.records import Record, RecordReader
from ..schema.text import fold, put_first
from ..search.request import SearchRequest
from .candidates import ConceptNamesByType
from .entities import Entities, Property, Type

Value = Mapping[str, Any]
"""A value: an object with one of `str`, `int`, `float`, `bool`, `date`, or with `id` and `name`."""
EVERY = "*"
"""The language that stands for all of them."""


def _number(name: str, number: float | None, text: str) -> Value:
    """Return a number under a name; an ill-typed literal is a text."""
    return {"str": text} if number is None else {name: number}


_FORMS: dict[str, Callable[[str], Value]] = {
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
    """A property that is asked for; texts in which language, and how many values, 0 for all."""

    property: Property
    language: str = ""
    limit: int = 0


@dataclass(frozen=True)
class DataExtender:
    """The data extension: the values of entities' fields."""

    things: Entities
    reader: RecordReader

    def row(
        self, identifier: str, wishes: Iterable[PropertyRequest], languages: Sequence[str]
    ) -> dict[str, list[Value]]:
        """Return the values of a thing by property; of what is unknown there are none."""
        iri = self.things.find_iri(identifier)
        found = self.things.type_of(iri) if iri else None
        record = self.reader.read_records(found.kind, [iri])[0] if found and iri else None
        return {w.property.key: self._values(record, w, languages) for w in wishes}

    def _values(
        self, record: Record | None, wish: PropertyRequest, languages: Sequence[str]
    ) -> list[Value]:
        field = record.shape.fields_by_key.get(wish.property.key) if record else None
        if record is None or field is None:
            return []
        wished = put_first(wish.language, languages) if wish.language else languages
        terms = record.values.get(field.key, ())
        if field.is_text and wish.language != EVERY:
            terms = tuple(_in_language(terms, wished))
        values = [value for term in terms if (value := self._value(field, term, wished))]
        return values[: wish.limit or None]

    def _value(self, field: Field, term: Term, languages: Sequence[str]) -> Value | None:
        if isinstance(term, Literal):
            return _FORMS.get(term.datatype.value, _text)(term.value)
        if not isinstance(term, NamedNode):
            return None
        if field.scheme or self.things.type_of(term.value):
            name = self.reader.label(term.value, languages) or term.value
            return {"id": self.things.identifier(term.value), "name": name}
        return _text(term.value)


def _text(text: str) -> Value:
    return {"str": text}


def _in_language(terms: Sequence[Term], languages: Sequence[str]) -> Iterator[Term]:
    """Return the texts in the first of the languages in which there are any, else all."""
    tags = {t.language for t in terms if isinstance(t, Literal)}
    first = next((tag for tag in languages if tag in tags), None)
    return (t for t in terms if first is None or (isinstance(t, Literal) and t.language == first))


MOST_SUGGESTIONS = 1000
"""The maximum of suggestions that are skipped and returned."""


@dataclass(frozen=True)
class Suggester:
    """Suggests what a beginning may become."""

    things: Entities
    names: ConceptNamesByType
    reader: RecordReader

    def entities(
        self, beginning: str, types: Sequence[Type], languages: Sequence[str], most: int
    ) -> list[str]:
        """Return up to so many things: the one with the identifier, concepts, then entries."""
        allowed = {t.key for one in types for t in self.things.types.direct_types(one)}
        lowest = [t for t in self.things.types.direct if not types or t.key in allowed]
        meant = self.things.find_iri(beginning)
        found = [meant] if meant and self.things.type_of(meant) in lowest else []
        found += self._concepts(beginning, lowest, languages)
        if self.things.types.entries in lowest and len(found) < most:
            choices = SearchRequest(query=beginning, size=most)
            found += self.things.index.search(choices, languages).entries
        return list(dict.fromkeys(found))[:most]

    def types(self, beginning: str) -> list[Type]:
        """Return the types with such a name, in any language, or key."""
        wanted = fold(beginning)
        return [
            one
            for one in self.things.types.all.values()
            if _begins([one.key, one.iri, *one.labels.values()], wanted)
        ]

    def properties(self, beginning: str) -> list[Property]:
        """Return the properties with such a name, in any language, or key."""
        wanted = fold(beginning)
        return [
            one
            for one in self.things.types.properties.values()
            if _begins([one.key, *(w for f in one.fields for _, w in f.all_names)], wanted)
        ]

    def _concepts(
        self, beginning: str, types: Sequence[Type], languages: Sequence[str]
    ) -> list[str]:
        """Return the concepts by name, those first with a name that begins so as a whole."""
        ranks: dict[str, bool] = {}
        for one in types:
            names = self.names.by_type.get(one.key)
            for inside, iri in names.find_by_prefix(beginning) if names else ():
                ranks[iri] = inside and ranks.get(iri, True)
        called = {iri: fold(self.reader.label(iri, languages)) for iri in ranks}
        return sorted(ranks, key=lambda iri: (ranks[iri], called[iri], iri))


def _begins(names: Sequence[str], wanted: str) -> bool:
    return any(f" {fold(name)}".find(f" {wanted}") >= 0 for name in names)
