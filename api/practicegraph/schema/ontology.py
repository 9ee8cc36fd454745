"""The ontology: the JSON-LD context, the labels of terms, and records as schema.org JSON-LD.

The ontology aligns its terms with those of schema.org, and says the class of a property's values.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pyoxigraph import Literal, NamedNode, Quad

from ..rdf.terms import RDFS, SCHEMA, SKOS, TYPE, XSD, Term, as_text, local_name
from ..storage.base import Store
from .fields import Field, NodeShape
from .records import Record, RecordReader, texts_by_language
from .text import Labels, pick_text


def build_context(
    shapes: Iterable[NodeShape], prefixes: Mapping[str, str], declared: Iterable[str] = ()
) -> dict[str, Any]:
    """Return a JSON-LD 1.1 context: the prefixes, a term for every field, and those declared.

    Of several fields with one key, the first one has the term.
    """
    terms: dict[str, Any] = {}
    for shape in shapes:
        for field in shape.fields:
            if field.predicate:
                terms.setdefault(field.key, _term(field))
    used = {term["@id"] for term in terms.values()}
    for iri in sorted(set(declared) - used):
        terms.setdefault(local_name(iri), {"@id": iri})
    return {**prefixes, **terms, "id": "@id", "type": "@type"}


def _term(field: Field) -> dict[str, str]:
    assert field.predicate
    term = {"@id": field.predicate}
    if field.is_text:
        return term | {"@container": "@language"}
    if not field.datatypes:
        return term | {"@type": "@id"}
    is_plain = len(field.datatypes) > 1 or field.datatypes == (XSD + "string",)
    return term if is_plain else term | {"@type": field.datatypes[0]}


_LABELS = """
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
SELECT ?term ?label
WHERE {
    ?term rdfs:isDefinedBy ?ontology ;
        rdfs:label ?label .
}
"""
_ALIGNMENTS = """
PREFIX owl: <http://www.w3.org/2002/07/owl#>
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
SELECT DISTINCT ?term ?aligned
WHERE {
    { ?term owl:equivalentProperty|owl:equivalentClass ?aligned }
    UNION
    { ?term rdfs:subPropertyOf|rdfs:subClassOf|rdfs:seeAlso ?aligned }
    FILTER (STRSTARTS(STR(?aligned), "https://schema.org/"))
}
ORDER BY ?term ?aligned
"""
_RANGES = """
PREFIX schema: <https://schema.org/>
SELECT ?property ?class
WHERE { ?property schema:rangeIncludes ?class }
"""
_ENTRY_CLASSES = """
PREFIX pg: <https://w3id.org/practicegraph/ontology#>
SELECT ?concept ?class
WHERE { ?concept pg:entryClass ?class }
"""
LABEL = RDFS + "label"
_SUBJECT_OF = "subjectOf"
"""The property of schema.org from a work to its description."""


@dataclass(frozen=True)
class Ontology:
    """The labels of an ontology's terms, their alignments with schema.org, and the ranges there.

    The entry classes are those of schema.org that concepts state of the entries that have them.
    """

    labels: Mapping[str, Labels]
    alignments: Mapping[str, tuple[str, ...]]
    ranges: Mapping[str, str]
    entry_classes: Mapping[str, str]

    def types(self, quads: Sequence[Quad]) -> list[str]:
        """Return the classes of schema.org of the subject of quads.

        Its own ones come before those that its concepts state, and these before what its other
        classes are aligned with.
        """
        classes = [as_text(q.object) for q in quads if q.predicate == TYPE]
        if SKOS + "Concept" in classes:
            return list(self.alignments.get(SKOS + "Concept", ()))
        values = (getattr(quad.object, "value", "") for quad in quads)
        stated = [name for name in classes if name.startswith(SCHEMA)]
        stated = stated or [self.entry_classes[v] for v in values if v in self.entry_classes]
        aligned = (name for each in classes for name in self.alignments.get(each, ()))
        return list(dict.fromkeys(stated or aligned))

    @cached_property
    def aligned(self) -> dict[str, set[str]]:
        """Return the terms that are aligned with each of schema.org."""
        aligned: dict[str, set[str]] = {}
        for name, others in self.alignments.items():
            for other in others:
                aligned.setdefault(other, set()).add(name)
        return aligned


def read_ontology(store: Store) -> Ontology:
    """Read the ontology out of the store; labels have an order that is the same for any store."""
    labels: dict[str, dict[str, str]] = {}
    for row in sorted(store.select(_LABELS), key=lambda row: str(row["label"])):
        label = row["label"]
        if isinstance(label, Literal) and label.language:
            labels.setdefault(as_text(row["term"]), {})[label.language] = label.value
    alignments: dict[str, tuple[str, ...]] = {}
    for row in store.select(_ALIGNMENTS):
        term = as_text(row["term"])
        alignments[term] = (*alignments.get(term, ()), as_text(row["aligned"]))
    ranges = {as_text(row["property"]): as_text(row["class"]) for row in store.select(_RANGES)}
    entry_classes = {
        as_text(row["concept"]): as_text(row["class"]) for row in store.select(_ENTRY_CLASSES)
    }
    return Ontology(labels, alignments, ranges, entry_classes)


@dataclass(frozen=True)
class SchemaOrgDescriber:
    """Describes records in terms of schema.org, in the first language that has a text."""

    reader: RecordReader
    ontology: Ontology
    base: str
    languages: Sequence[str]
    classes: Callable[[str], Sequence[str]]
    """Returns the classes of schema.org of a resource of the catalogue."""

    def describe_work(self, record: Record, description: Record) -> dict[str, Any] | None:
        """Return a work as a JSON-LD object, with its catalogue record as what it is subject of.

        What is true of our description alone stands there: its URL, number, dates, licence, source.
        """
        work, about = self.describe(record), self.describe(description)
        if work is None or about is None:
            return work
        about |= {"url": work.pop("url"), "isPartOf": self.base}
        for field in record.shape.fields_with_role("IDRole"):
            for aligned in self.ontology.alignments.get(field.predicate or "", ()):
                about[_local(aligned)] = work.pop(_local(aligned), None)
        pages = work.get(_SUBJECT_OF, [])
        return work | {_SUBJECT_OF: [about, *(pages if isinstance(pages, list) else [pages])]}

    def describe(self, record: Record) -> dict[str, Any] | None:
        """Return a record as a JSON-LD object without a context, or None if no class is aligned.

        The fields whose values another resource has are left out.
        """
        types = self._types(record.iri)
        if not types:
            return None
        values_by_term: dict[str, list[Any]] = {}
        for field, terms in record.items():
            for aligned in self.ontology.alignments.get(field.predicate or "", ()):
                values = values_by_term.setdefault(_local(aligned), [])
                values += (v for v in self._values(field, terms, aligned) if v not in values)
        head = {"@type": _unwrap(types), "@id": record.iri, "url": record.iri}
        name, _ = record.text_with_role("LabelRole", self.languages)
        named = {"name": name} if name else {}
        described = {key: _unwrap(found) for key, found in values_by_term.items() if found}
        return head | described | named

    def _values(self, field: Field, terms: Iterable[Term], aligned: str) -> Iterator[Any]:
        if field.is_text:
            yield pick_text(texts_by_language(terms), self.languages)
            return
        class_iri = self.ontology.ranges.get(aligned)
        for term in terms:
            if isinstance(term, NamedNode):
                if not class_iri or self._may_be(term.value, class_iri):
                    yield self._reference(term.value, class_iri)
            elif isinstance(term, Literal) and class_iri:
                yield {"@type": _local(class_iri), "name": term.value}
            elif isinstance(term, Literal):
                yield term.value

    def _reference(self, iri: str, class_iri: str | None) -> Any:
        """Return a resource with its class and name, or its IRI where no class is aligned."""
        types = [_local(class_iri)] if class_iri else self._types(iri)
        if not types:
            return iri
        name = self.reader.label(iri, self.languages)
        named = {"name": name} if name else {"url": iri}
        return {"@type": _unwrap(types), "@id": iri} | named

    def _may_be(self, iri: str, class_iri: str) -> bool:
        """Return whether a resource may be one of a class; a concept is where ours are aligned."""
        aligned = self.ontology.aligned.get(class_iri)
        if not aligned or iri not in self.reader.vocabularies.concepts:
            return True
        return not aligned.isdisjoint(self.reader.read_classes(iri))

    def _types(self, iri: str) -> list[str]:
        """Return the classes of a resource of the catalogue."""
        is_ours = iri in self.reader.vocabularies.concepts or iri.startswith(self.base)
        return [_local(name) for name in self.classes(iri)] if is_ours else []


def _local(iri: str) -> str:
    return iri.removeprefix(SCHEMA)


def _unwrap(values: list[Any]) -> Any:
    return values[0] if len(values) == 1 else values
