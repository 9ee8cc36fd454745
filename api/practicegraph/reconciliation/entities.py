"""Types, properties and identifiers of entities, as the Reconciliation Service API has them.

The types are entries and concept schemes, the properties are fields. An identifier is an IRI
without the base of the catalogue: the key of a scheme or the segment of entries, a slash, and the
notation or the identifier of an entry. Replaced entities are found by their old identifiers.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ..rdf.namespaces import SKOS
from ..schema.fields import Field, NodeShape, Shapes
from ..schema.text import Labels, find_similar, fold, pick_text
from ..schema.value_parser import InvalidParameterError
from ..schema.vocabularies import Concept, Lifecycle, Scheme, Vocabularies
from ..search.index import Index

_MOST = 30
"""The number of types or properties that the error of an unknown one names."""


@dataclass(frozen=True, eq=False)
class Type:
    """A type: entries, the concepts of one scheme, or all concepts, which is above the schemes."""

    key: str
    iri: str
    labels: Labels
    kind: NodeShape
    scheme: Scheme | None = None
    above: str = ""

    def as_json(self, languages: Sequence[str]) -> dict[str, str]:
        """Return the type as the standard has it."""
        return {"id": self.key, "name": pick_text(self.labels, languages) or self.key}


@dataclass(frozen=True, eq=False)
class Property:
    """A field by its key, which several kinds may have; it is called as the first one has it."""

    key: str
    fields: tuple[Field, ...]

    def as_json(self, languages: Sequence[str]) -> dict[str, str]:
        """Return the property as the standard has it."""
        return {"id": self.key, "name": pick_text(self.fields[0].names, languages) or self.key}


@dataclass(frozen=True)
class Types:
    """The types and properties of a catalogue."""

    shapes: Shapes
    vocabularies: Vocabularies

    @cached_property
    def all(self) -> dict[str, Type]:
        """Return the types by key: entries, all concepts, then each scheme."""
        record = self.shapes.entry_shape
        assert record.segment
        found = [Type(record.segment, record.classes[0], record.labels, record)]
        concepts = self.shapes.find_node_shape([SKOS + "Concept"])
        if concepts:
            above = concepts.iri.rpartition("#")[2]
            found.append(Type(above, concepts.classes[0], concepts.labels, concepts))
            found += [
                Type(scheme.key, scheme.iri, scheme.titles, concepts, scheme, above)
                for scheme in self.vocabularies.schemes.values()
            ]
        return {one.key: one for one in found}

    @cached_property
    def entries(self) -> Type:
        """Return the type of the entries."""
        return next(iter(self.all.values()))

    @cached_property
    def direct(self) -> tuple[Type, ...]:
        """Return the types that things are of directly: entries, and the schemes."""
        above = {one.above for one in self.all.values()}
        return tuple(one for one in self.all.values() if one.key not in above)

    def direct_types(self, wished: Type) -> tuple[Type, ...]:
        """Return the types that things of a type are of directly."""
        return tuple(t for t in self.direct if wished.key in (t.key, t.above))

    @cached_property
    def properties(self) -> dict[str, Property]:
        """Return the properties by key, those of entries first."""
        kinds = dict.fromkeys(one.kind.iri for one in self.all.values())
        by_iri = {one.kind.iri: one.kind for one in self.all.values()}
        fields: dict[str, list[Field]] = {}
        for iri in kinds:
            for field in by_iri[iri].fields:
                fields.setdefault(field.key, []).append(field)
        return {key: Property(key, tuple(several)) for key, several in fields.items()}

    def properties_of(self, one: Type | None) -> list[Property]:
        """Return the properties that things of a type can have, or of any type."""
        keys = one.kind.fields_by_key if one else self.properties
        return [self.properties[key] for key in keys]

    def type(self, place: str, text: str) -> Type:
        """Return a type by key, IRI or name in any language; raises InvalidParameterError."""
        found = self._types.get(text) or self._types.get(fold(text))
        if found is None:
            raise _unknown(place, text, self.all)
        return found

    def property(self, place: str, text: str) -> Property:
        """Return a property by key, IRI or name in any language; raises InvalidParameterError."""
        found = self._properties.get(text) or self._properties.get(fold(text))
        if found is None:
            raise _unknown(place, text, self.properties)
        return found

    @cached_property
    def _types(self) -> Mapping[str, Type]:
        found: dict[str, Type] = {}
        for one in self.all.values():
            for name in (one.key, one.iri, fold(one.key), *map(fold, one.labels.values())):
                found.setdefault(name, one)
        return found

    @cached_property
    def _properties(self) -> Mapping[str, Property]:
        found = dict(self.properties)
        for one in self.properties.values():
            for field in one.fields:
                names = (fold(one.key), *(fold(wording) for _, wording in field.all_names))
                for name in (field.iri, field.predicate or field.iri, *names):
                    found.setdefault(name, one)
        return found


def _unknown(place: str, text: str, valid: Iterable[str]) -> InvalidParameterError:
    listed = list(valid)
    near = dict.fromkeys([*find_similar(text, listed), *listed])
    return InvalidParameterError(place, text, list(near)[:_MOST])


_SCHEMES = {"http": "https", "https": "http"}


@dataclass(frozen=True)
class Entities:
    """Knows the concepts and entries of a catalogue."""

    base: str
    types: Types
    lifecycle: Lifecycle
    index: Index

    @property
    def vocabularies(self) -> Vocabularies:
        """Return the schemes."""
        return self.types.vocabularies

    def identifier(self, iri: str) -> str:
        """Return the identifier of a thing; of what is none of ours, its IRI."""
        if concept := self.vocabularies.concepts.get(iri):
            return f"{self.vocabularies.scheme(concept.scheme).key}/{concept.notation}"
        return iri.removeprefix(self.base)

    def find_iri(self, text: str) -> str | None:
        """Return the IRI of the current thing that an identifier or IRI means, or None.

        One of what was moved or withdrawn means its successor, if it has one.
        """
        for iri in self._meanings(text.strip()):
            deprecation = self.lifecycle.get(iri)
            current = deprecation.successor if deprecation else iri
            if current and self.type_of(current):
                return current
        return None

    def type_of(self, iri: str) -> Type | None:
        """Return the type that a current concept or entry is of directly, else None."""
        if concept := self.vocabularies.concepts.get(iri):
            return None if concept.deprecation else self._type_of(concept)
        return self.types.entries if self.index.contains(iri) else None

    def _type_of(self, concept: Concept) -> Type | None:
        return self.types.all.get(self.vocabularies.scheme(concept.scheme).key)

    def _meanings(self, text: str) -> Iterator[str]:
        """Return the IRIs that a text may mean; those with `http` and `https` mean the same."""
        scheme, mark, rest = text.partition("://")
        if mark:
            yield text
            yield f"{_SCHEMES.get(scheme, scheme)}://{rest}"
            text = rest.removeprefix(self.base.partition("://")[2])
        key, _, notation = text.partition("/")
        found = self.vocabularies.schemes_by_key.get(key)
        if found and (concept := found.get(notation)):
            yield concept.iri
        yield self.base + text
        yield f"{self.base}{self.types.entries.key}/{text}"
