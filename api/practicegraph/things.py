"""Things by their identifiers: current concepts and entries, also by what they were before.

An identifier is what stands behind the catalogue's base in the address of a thing: the key of a
scheme or the segment of entries, a slash, and the notation or what the entry is called by.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from .index import Index
from .permanence import Permanence
from .typed import Type, Types
from .vocabularies import Concept, Vocabularies

_SCHEMES = {"http": "https", "https": "http"}


@dataclass(frozen=True)
class Things:
    """Knows the concepts and entries of a catalogue."""

    base: str
    types: Types
    permanence: Permanence
    index: Index

    @property
    def vocabularies(self) -> Vocabularies:
        """Give the schemes."""
        return self.types.vocabularies

    def identifier(self, iri: str) -> str:
        """Give the identifier of a thing; of what is none of ours, its IRI."""
        if concept := self.vocabularies.concepts.get(iri):
            return f"{self.vocabularies.scheme(concept.scheme).key}/{concept.notation}"
        return iri.removeprefix(self.base)

    def meant(self, text: str) -> str | None:
        """Give the IRI of the current thing that an identifier or IRI means, or None.

        One of what was moved or withdrawn means its successor, if it has one.
        """
        for iri in self._meanings(text.strip()):
            retirement = self.permanence.of(iri)
            current = retirement.successor if retirement else iri
            if current and self.type_of(current):
                return current
        return None

    def type_of(self, iri: str) -> Type | None:
        """Give the type that a current concept or entry is of directly, else None."""
        if concept := self.vocabularies.concepts.get(iri):
            return None if concept.retirement else self._type_of(concept)
        return self.types.entries if self.index.holds(iri) else None

    def _type_of(self, concept: Concept) -> Type | None:
        return self.types.all.get(self.vocabularies.scheme(concept.scheme).key)

    def _meanings(self, text: str) -> Iterator[str]:
        """Give the IRIs that a text may mean; those with `http` and `https` mean the same."""
        scheme, mark, rest = text.partition("://")
        if mark:
            yield text
            yield f"{_SCHEMES.get(scheme, scheme)}://{rest}"
            text = rest.removeprefix(self.base.partition("://")[2])
        key, _, notation = text.partition("/")
        found = self.vocabularies.by_key.get(key)
        if found and (concept := found.at(notation)):
            yield concept.iri
        yield self.base + text
        yield f"{self.base}{self.types.entries.key}/{text}"
