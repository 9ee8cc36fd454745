"""The page of a concept: definition, labels by language, relations, mappings, its entries."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pyoxigraph import Literal, NamedNode

from ...rdf.terms import SKOS
from ...schema.fields import Field
from ...schema.records import Record
from ...schema.text import collation_key
from ...schema.vocabularies import Concept
from ..context import DisplayValue, Site, View
from .tree import folded_tree
from .uses import count_by_concept

_LABELS = tuple(SKOS + name for name in ("prefLabel", "altLabel", "hiddenLabel"))
_RELATIONS = tuple(SKOS + name for name in ("broader", "narrower", "related"))
_MAPPINGS = tuple(
    SKOS + name
    for name in ("exactMatch", "closeMatch", "broadMatch", "narrowMatch", "relatedMatch")
)


@dataclass(frozen=True)
class LabelRow:
    """The labels of a concept in a language: for each field, the texts."""

    language: str
    cells: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class MappingRow:
    """A mapping of a concept: the vocabulary, the concept there, the name of the relation."""

    vocabulary: DisplayValue
    concept: DisplayValue
    relation: str


def concept_values(site: Site, view: View, record: Record, concept: Concept) -> dict[str, Any]:
    """Return the values of the template of a concept of a scheme."""
    scheme = site.catalogue.vocabularies.schemes[concept.scheme]
    labels, relations, mappings = (
        _fields(record, predicates) for predicates in (_LABELS, _RELATIONS, _MAPPINGS)
    )
    described = record.shape.fields_with_role("DescriptionRole")
    shown = {field.key for field in (*labels, *relations, *mappings, *described)}
    rest = [
        (field, view.line(record, field)) for field, _ in record.items() if field.key not in shown
    ]
    return {
        "concept": concept,
        "scheme": scheme,
        "definition": record.text_with_role("DescriptionRole", view.languages),
        "label_fields": labels,
        "label_rows": list(_label_rows(view, record, labels)),
        "relations": [view.line(record, field) for field in relations],
        "mappings": _mapping_rows(view, record, mappings),
        "rest": view.by_heading(rest),
        "tree": folded_tree(view, scheme, concept),
        "counts": count_by_concept(site, scheme.iri),
    }


def _fields(record: Record, predicates: Iterable[str]) -> list[Field]:
    """Return the fields of properties that a record has values of, in the order of these."""
    with_values = {field.predicate: field for field, _ in record.items()}
    return [with_values[predicate] for predicate in predicates if predicate in with_values]


def _label_rows(view: View, record: Record, fields: Sequence[Field]) -> Iterator[LabelRow]:
    """Yield the labels by language, that of the reader first."""
    texts: dict[str, dict[str, list[str]]] = {}
    for field in fields:
        for term in record.values[field.key]:
            if isinstance(term, Literal):
                by_field = texts.setdefault(term.language or "", {})
                by_field.setdefault(field.key, []).append(term.value)
    others = sorted(set(texts).difference(view.languages))
    for language in [*(tag for tag in view.languages if tag in texts), *others]:
        cells = (tuple(texts[language].get(field.key, ())) for field in fields)
        yield LabelRow(language, tuple(cells))


def _mapping_rows(view: View, record: Record, fields: Sequence[Field]) -> list[MappingRow]:
    """Return the mappings in the order of the vocabularies, and of the relations in each."""
    rows = [
        MappingRow(_vocabulary(view, term.value), _target(view, term.value), view.text(field.names))
        for field in fields
        for term in record.values[field.key]
        if isinstance(term, NamedNode)
    ]
    return sorted(rows, key=lambda row: collation_key(row.vocabulary.text, view.language))


def _vocabulary(view: View, iri: str) -> DisplayValue:
    """Return the title of the vocabulary of an IRI; of an unknown one, what its IRI begins with."""
    vocabulary = view.catalogue.vocabularies.find_target_vocabulary(iri)
    if vocabulary is None:
        scheme = view.catalogue.vocabularies.concepts.get(iri)
        text = view.name(scheme.scheme) if scheme else iri.rpartition("/")[0]
        return DisplayValue(text)
    text = view.text(vocabulary.titles)
    language = next((tag for tag, title in vocabulary.titles.items() if title == text), "")
    is_foreign = vocabulary.titles.get(view.language) != text
    return DisplayValue(text, language=language if is_foreign else "")


def _target(view: View, iri: str) -> DisplayValue:
    return DisplayValue(view.catalogue.reader.label(iri, view.languages) or iri, view.href(iri))
