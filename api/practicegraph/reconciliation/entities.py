"""Types, properties and identifiers of entities, as the Reconciliation Service API has them.

The types are entries and concept schemes, the properties are fields. An identifier is an IRI
without the base of the catalogue: the key of a scheme or the segment of entries, a slash, and the
notation or the identifier of an entry. A replaced entity is found by its old identifier.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from ..rdf.terms import SKOS
from ..schema.fields import Field, NodeShape, Shapes
from ..schema.lifecycle import Lifecycle
from ..schema.text import Labels, find_similar, fold, pick_text
from ..schema.value_parser import InvalidParameterError
from ..schema.vocabularies import Scheme, Vocabularies
from ..search.index import Index
from ..search.text.tokenizer import Tokenizer
from .names import ConceptNames

_MAX_VALID = 30
"""The number of types or properties that the error of an unknown one names."""
_OTHER_SCHEMES = {"http": "https", "https": "http"}


@dataclass(frozen=True, eq=False)
class Type:
    """A type: entries, the concepts of a scheme, or all concepts, which is broader than those."""

    key: str
    iri: str
    labels: Labels
    shape: NodeShape
    scheme: Scheme | None = None
    broader: str = ""

    @property
    def names(self) -> list[str]:
        """Return the key, the IRI and the labels."""
        return [self.key, self.iri, *self.labels.values()]

    def as_json(self, languages: Sequence[str]) -> dict[str, str]:
        """Return the type as the API has it."""
        return {"id": self.key, "name": pick_text(self.labels, languages) or self.key}


@dataclass(frozen=True, eq=False)
class Property:
    """The fields with one key, of several kinds; its name is that of the first one."""

    key: str
    fields: tuple[Field, ...]

    @property
    def names(self) -> list[str]:
        """Return the key and all names of the fields."""
        return [self.key, *(name for field in self.fields for _, name in field.all_names)]

    def as_json(self, languages: Sequence[str]) -> dict[str, str]:
        """Return the property as the API has it."""
        return {"id": self.key, "name": pick_text(self.fields[0].names, languages) or self.key}


_Item = TypeVar("_Item", Type, Property)


@dataclass(frozen=True)
class Types:
    """The types and properties of a catalogue."""

    shapes: Shapes
    vocabularies: Vocabularies

    @cached_property
    def all(self) -> dict[str, Type]:
        """Return the types by key: entries, listed records, all concepts, then each scheme."""
        records = self.vocabularies.records
        types = [
            Type(segment, kind.classes[0], kind.labels, kind, records.get(kind.classes[0]))
            for segment, kind in self.shapes.kinds.items()
            if kind == self.shapes.entry_shape or kind.classes[0] in records
        ]
        if concept := self.shapes.find_node_shape([SKOS + "Concept"]):
            broader = concept.iri.rpartition("#")[2]
            types.append(Type(broader, concept.classes[0], concept.labels, concept))
            types += [
                Type(scheme.key, scheme.iri, scheme.titles, concept, scheme, broader)
                for scheme in self.vocabularies.schemes.values()
            ]
        return {type_.key: type_ for type_ in types}

    @cached_property
    def entries(self) -> Type:
        """Return the type of the entries."""
        return next(iter(self.all.values()))

    @cached_property
    def narrowest(self) -> tuple[Type, ...]:
        """Return the types of which no other is narrower: entries, and the schemes."""
        broader = {type_.broader for type_ in self.all.values()}
        return tuple(type_ for type_ in self.all.values() if type_.key not in broader)

    def narrow(self, broad: Type) -> tuple[Type, ...]:
        """Return the narrowest types of which a type consists."""
        return tuple(t for t in self.narrowest if broad.key in (t.key, t.broader))

    @cached_property
    def properties(self) -> dict[str, Property]:
        """Return the properties by key, those of entries first."""
        shapes = {type_.shape.iri: type_.shape for type_ in self.all.values()}
        fields: dict[str, list[Field]] = {}
        for shape in shapes.values():
            for field in shape.fields:
                fields.setdefault(field.key, []).append(field)
        return {key: Property(key, tuple(several)) for key, several in fields.items()}

    def list_properties(self, type_: Type | None) -> list[Property]:
        """Return the properties of a type, or of all types."""
        keys = type_.shape.fields_by_key if type_ else self.properties
        return [self.properties[key] for key in keys]

    @cached_property
    def concept_names(self) -> dict[str, ConceptNames]:
        """Return the names of the concepts of every scheme, by the keys of types."""
        tokenizer = Tokenizer(self.shapes.languages)
        return {t.key: ConceptNames(t.scheme, tokenizer) for t in self.narrowest if t.scheme}

    def parse_type(self, parameter: str, text: str) -> Type:
        """Return the type with a key, IRI or label; raise InvalidParameterError."""
        return _look_up(self._types_by_name, self.all, parameter, text)

    def parse_property(self, parameter: str, text: str) -> Property:
        """Return the property with a key, IRI or name; raise InvalidParameterError."""
        return _look_up(self._properties_by_name, self.properties, parameter, text)

    @cached_property
    def _types_by_name(self) -> dict[str, Type]:
        return _by_name(self.all, ((type_, type_.names) for type_ in self.all.values()))

    @cached_property
    def _properties_by_name(self) -> dict[str, Property]:
        iris = {
            item: [iri for field in item.fields for iri in (field.iri, field.predicate) if iri]
            for item in self.properties.values()
        }
        return _by_name(self.properties, ((p, [*iris[p], *p.names]) for p in iris))


def _by_name(
    by_key: Mapping[str, _Item], named: Iterable[tuple[_Item, Iterable[str]]]
) -> dict[str, _Item]:
    """Return types or properties by their names, as they are and folded; keys come first."""
    items = dict(by_key)
    for item, names in named:
        for name in names:
            items.setdefault(name, item)
            items.setdefault(fold(name), item)
    return items


def _look_up(by_name: Mapping[str, _Item], keys: Iterable[str], parameter: str, text: str) -> _Item:
    item = by_name.get(text) or by_name.get(fold(text))
    if item is None:
        valid = dict.fromkeys([*find_similar(text, keys), *keys])
        raise InvalidParameterError(parameter, text, list(valid)[:_MAX_VALID])
    return item


@dataclass(frozen=True)
class Entities:
    """The current concepts and entries of a catalogue, by identifier and IRI."""

    base: str
    types: Types
    lifecycle: Lifecycle
    index: Index

    @property
    def vocabularies(self) -> Vocabularies:
        """Return the schemes."""
        return self.types.vocabularies

    def identifier(self, iri: str) -> str:
        """Return the identifier of an entity; of an IRI of others, the IRI."""
        if concept := self.vocabularies.concepts.get(iri):
            return f"{self.vocabularies.scheme(concept.scheme).key}/{concept.notation}"
        return iri.removeprefix(self.base)

    def find_iri(self, text: str) -> str | None:
        """Return the IRI of the current entity with an identifier or IRI, or None.

        The identifier of a moved or withdrawn entity is its successor's, if it has one.
        """
        for iri in self._possible_iris(text.strip()):
            deprecation = self.lifecycle.get(iri)
            current = deprecation.successor if deprecation else iri
            if current and self.find_type(current):
                return current
        return None

    def find_type(self, iri: str) -> Type | None:
        """Return the narrowest type of a current concept or entry, else None."""
        if concept := self.vocabularies.concepts.get(iri):
            key = self.vocabularies.scheme(concept.scheme).key
            return None if concept.deprecation else self.types.all.get(key)
        return self.types.entries if self.index.contains(iri) else None

    def _possible_iris(self, text: str) -> Iterator[str]:
        """Yield the IRIs that a text can stand for; `http` and `https` make no difference."""
        scheme, separator, rest = text.partition("://")
        if separator:
            yield text
            yield f"{_OTHER_SCHEMES.get(scheme, scheme)}://{rest}"
            text = rest.removeprefix(self.base.partition("://")[2])
        key, _, notation = text.partition("/")
        concepts = self.vocabularies.schemes_by_key.get(key)
        if concepts and (concept := concepts.get(notation)):
            yield concept.iri
        yield self.base + text
        yield f"{self.base}{self.types.entries.key}/{text}"
