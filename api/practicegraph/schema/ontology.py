"""The ontology: the JSON-LD context, the labels of terms, and records as schema.org JSON-LD.

The ontology aligns its terms with those of schema.org, and says the class of a property's values.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyoxigraph import Literal, NamedNode

from ..rdf.namespaces import RDFS, SCHEMA, SKOS, XSD
from ..rdf.terms import Term, as_text, local_name
from ..storage.base import Store
from .fields import Field, NodeShape
from .records import Record, RecordReader
from .text import Labels, pick_text


def build_context(
    kinds: Iterable[NodeShape], prefixes: Mapping[str, str], declared: Iterable[str] = ()
) -> dict[str, Any]:
    """Return a JSON-LD 1.1 context: the prefixes, a term for every field, and those declared.

    Where kinds share a key, the first one has it.
    """
    terms: dict[str, Any] = {}
    for kind in kinds:
        for field in kind.fields:
            if field.predicate:
                terms.setdefault(field.key, _term(field))
    known = {term["@id"] for term in terms.values()}
    for iri in sorted(set(declared) - known):
        terms.setdefault(local_name(iri), {"@id": iri})
    return {**prefixes, **terms, "id": "@id", "type": "@type"}


def _term(field: Field) -> dict[str, str]:
    assert field.predicate
    term = {"@id": field.predicate}
    if field.is_text:
        return term | {"@container": "@language"}
    if not field.datatypes:
        return term | {"@type": "@id"}
    plain = len(field.datatypes) > 1 or field.datatypes == (XSD + "string",)
    return term if plain else term | {"@type": field.datatypes[0]}


_LABELS = """
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
SELECT ?term ?label
WHERE {
    ?term rdfs:isDefinedBy ?ontology ;
        rdfs:label ?label .
}
"""
_NEAR = """
PREFIX owl: <http://www.w3.org/2002/07/owl#>
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
SELECT DISTINCT ?term ?near
WHERE {
    { ?term owl:equivalentProperty|owl:equivalentClass ?near }
    UNION
    { ?term skos:exactMatch|skos:closeMatch ?near }
    UNION
    { ?term rdfs:subPropertyOf|rdfs:subClassOf ?near }
    FILTER (STRSTARTS(STR(?near), "https://schema.org/"))
}
ORDER BY ?term ?near
"""
_RANGES = """
PREFIX schema: <https://schema.org/>
SELECT ?property ?class
WHERE { ?property schema:rangeIncludes ?class }
"""
LABEL = RDFS + "label"


@dataclass(frozen=True)
class Ontology:
    """The labels of terms that an ontology declares, and where any term stands in schema.org.

    There, terms are near those of the catalogue, and properties have values of a class.
    """

    labels: Mapping[str, Labels]
    alignments: Mapping[str, tuple[str, ...]]
    ranges: Mapping[str, str]

    def align(self, terms: Iterable[str]) -> tuple[str, ...]:
        """Return the terms of schema.org that are near any of the terms, each once."""
        return tuple(
            dict.fromkeys(near for term in terms for near in self.alignments.get(term, ()))
        )


def read_ontology(store: Store) -> Ontology:
    """Read the ontology out of the store."""
    labels: dict[str, dict[str, str]] = {}
    for row in store.select(_LABELS):
        label = row["label"]
        if isinstance(label, Literal) and label.language:
            labels.setdefault(as_text(row["term"]), {})[label.language] = label.value
    near: dict[str, tuple[str, ...]] = {}
    for row in store.select(_NEAR):
        term = as_text(row["term"])
        near[term] = (*near.get(term, ()), as_text(row["near"]))
    ranges = {as_text(row["property"]): as_text(row["class"]) for row in store.select(_RANGES)}
    return Ontology(labels, near, ranges)


@dataclass(frozen=True)
class SchemaOrgDescriber:
    """Describes records by schema.org terms, in the first language that has a text."""

    reader: RecordReader
    ontology: Ontology
    base: str
    languages: Sequence[str]

    def describe(self, record: Record) -> dict[str, Any] | None:
        """Return a record as a JSON-LD object without a context; None where no class is near."""
        types = self._types(record.iri)
        if not types:
            return None
        found: dict[str, list[Any]] = {}
        for field, terms in record.items():
            for near in self.ontology.alignments.get(field.predicate or "", ()):
                held = found.setdefault(near.removeprefix(SCHEMA), [])
                held += (value for value in self._values(field, terms, near) if value not in held)
        head = {"@type": _one(types), "@id": record.iri, "url": record.iri}
        name, _ = record.text_with_role("LabelRole", self.languages)
        return head | {key: _one(held) for key, held in found.items()} | {"name": name}

    def _values(self, field: Field, terms: Iterable[Term], near: str) -> Iterator[Any]:
        if field.is_text:
            texts = {t.language or "": t.value for t in terms if isinstance(t, Literal)}
            yield pick_text(texts, self.languages)
            return
        for term in terms:
            if isinstance(term, NamedNode):
                yield self._thing(term.value, self.ontology.ranges.get(near))
            elif isinstance(term, Literal) and near in self.ontology.ranges:
                yield {"@type": _local(self.ontology.ranges[near]), "name": term.value}
            elif isinstance(term, Literal):
                yield term.value

    def _thing(self, iri: str, expected: str | None) -> Any:
        """Return a thing with its class and name, or its address where nothing is known of it."""
        types = [_local(expected)] if expected else self._types(iri)
        if not types:
            return iri
        name = self.reader.label(iri, self.languages)
        named = {"name": name} if name else {"url": iri}
        return {"@type": _one(types), "@id": iri} | named

    def _types(self, iri: str) -> list[str]:
        """Return the classes near a thing's; what a scheme lists needs no reading for that."""
        if iri in self.reader.vocabularies.concepts:
            classes = [SKOS + "Concept"]
        else:
            classes = self.reader.read_classes(iri) if iri.startswith(self.base) else []
        return [_local(near) for near in self.ontology.align(classes)]


def _local(iri: str) -> str:
    return iri.removeprefix(SCHEMA)


def _one(values: list[Any]) -> Any:
    return values[0] if len(values) == 1 else values
