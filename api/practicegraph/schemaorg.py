"""Records in the words of schema.org (https://schema.org), for those who read nothing else.

Which words those are stands in the ontology: the terms of schema.org that are near a class or a
property, and the class that a property's values have there.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pyoxigraph import Literal, NamedNode

from .kinds import Field
from .ontology import SCHEMA, Ontology
from .records import Reader, Record
from .shapes import SKOS
from .store import Term
from .text import best


@dataclass(frozen=True)
class Outline:
    """Gives records in the words of schema.org, in the first language that has a text."""

    reader: Reader
    ontology: Ontology
    base: str
    languages: Sequence[str]

    def of(self, record: Record) -> dict[str, Any] | None:
        """Give a record as a JSON-LD object without a context; None where no class is near."""
        types = self._types(record.iri)
        if not types:
            return None
        found: dict[str, list[Any]] = {}
        for field, terms in record.filled():
            for near in self.ontology.near.get(field.predicate or "", ()):
                held = found.setdefault(near.removeprefix(SCHEMA), [])
                held += (value for value in self._values(field, terms, near) if value not in held)
        head = {"@type": _one(types), "@id": record.iri, "url": record.iri}
        name, _ = record.spoken("LabelRole", self.languages)
        return head | {key: _one(held) for key, held in found.items()} | {"name": name}

    def _values(self, field: Field, terms: Iterable[Term], near: str) -> Iterator[Any]:
        if field.text:
            texts = {t.language or "": t.value for t in terms if isinstance(t, Literal)}
            yield best(texts, self.languages)
            return
        for term in terms:
            if isinstance(term, NamedNode):
                yield self._thing(term.value, self.ontology.ranges.get(near))
            elif isinstance(term, Literal) and near in self.ontology.ranges:
                yield {"@type": _local(self.ontology.ranges[near]), "name": term.value}
            elif isinstance(term, Literal):
                yield term.value

    def _thing(self, iri: str, expected: str | None) -> Any:
        """Give a thing with its class and its name, or its address where nothing is known of it."""
        types = [_local(expected)] if expected else self._types(iri)
        if not types:
            return iri
        name = self.reader.name(iri, self.languages)
        named = {"name": name} if name else {"url": iri}
        return {"@type": _one(types), "@id": iri} | named

    def _types(self, iri: str) -> list[str]:
        """Give the classes near a thing's; what a scheme lists needs no reading for that."""
        if iri in self.reader.vocabularies.concepts:
            classes = [SKOS + "Concept"]
        else:
            classes = self.reader.classes(iri) if iri.startswith(self.base) else []
        return [_local(near) for near in self.ontology.nearest(classes)]


def _local(iri: str) -> str:
    return iri.removeprefix(SCHEMA)


def _one(values: list[Any]) -> Any:
    return values[0] if len(values) == 1 else values
