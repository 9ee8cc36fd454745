"""IRIs that others may link to: none may vanish, and nothing current mentions a deprecated one."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from pyoxigraph import NamedNode, Quad

from ..catalogue.documents import Document
from ..rdf.namespaces import PG, SKOS
from ..rdf.terms import as_text
from ..schema import vocabularies
from ..schema.vocabularies import DEPRECATED, IS_REPLACED_BY, Deprecation, Lifecycle
from ..storage.base import Store
from ..storage.oxigraph import OxigraphStore
from .findings import Finding, FindingBuilder

_DEPRECATED_VALUES = f"""
SELECT DISTINCT ?subject ?property ?value
WHERE {{
    ?value <{DEPRECATED}> true .
    ?subject ?property ?value .
    FILTER (isIRI(?subject))
    FILTER (?property NOT IN (<{IS_REPLACED_BY}>, <{SKOS}hasTopConcept>, <{SKOS}narrower>))
    FILTER NOT EXISTS {{ ?subject <{DEPRECATED}> true }}
}}
ORDER BY ?subject ?property ?value
"""
_IN_SCHEME = NamedNode(SKOS + "inScheme")
_PHRASE = NamedNode(PG + "Phrase")


def find_deprecated_values(
    store: Store, lifecycle: Lifecycle
) -> Iterator[tuple[str, str, Deprecation]]:
    """Yield the subject, property and deprecated value of current subjects.

    The links of a scheme or a concept to its narrower concepts do not count.
    """
    for row in store.select(_DEPRECATED_VALUES):
        deprecation = lifecycle.get(as_text(row["value"]))
        if deprecation:
            yield as_text(row["subject"]), as_text(row["property"]), deprecation


def deprecation_warning(
    builder: FindingBuilder, file: Path, subject: str, path_label: str, deprecation: Deprecation
) -> Finding:
    """Return the warning that a subject has a deprecated value, with its successor as the hint."""
    found = builder.violation(
        file, "Deprecated", subject, path_label=path_label, value=deprecation.iri
    )
    return builder.as_warning(replace(found, hint=_hint(builder, deprecation.successor)))


def find_published_iris(documents: Iterable[Document], base: str, entries: str) -> dict[str, Path]:
    """Return the IRIs that others may link to, with their files.

    Those are the subjects below the base and the concepts of our schemes, whatever their base, but
    for the parts of an entry and the phrases of a page.
    """
    files: dict[str, Path] = {}
    for document in documents:
        ours = {q.subject for q in document.quads if _is_ours(q, base)}
        phrases = {q.subject for q in document.quads if q.object == _PHRASE}
        for subject in ours - phrases:
            assert isinstance(subject, NamedNode)
            if not (subject.value.startswith(entries) and "#" in subject.value):
                files.setdefault(subject.value, document.path)
    return files


def find_vanished_iris(
    builder: FindingBuilder,
    published: Mapping[str, Path],
    before: Iterable[Document],
    after: Iterable[Document],
) -> Iterator[Finding]:
    """Yield a violation for each published IRI that nothing describes now, by its former label."""
    store = OxigraphStore()
    store.add(quad for document in before for quad in document.quads)
    former = vocabularies.read_vocabularies(store)
    reader = replace(builder.reader, store=store, vocabularies=former)
    described = {
        q.subject.value for d in after for q in d.quads if isinstance(q.subject, NamedNode)
    }
    for iri in sorted(published.keys() - described):
        hint = builder.say("vanishedHint")
        yield replace(builder, reader=reader).violation(
            published[iri], "Vanished", iri, value=iri, hint=hint
        )


def _hint(builder: FindingBuilder, successor: str) -> str:
    if not successor:
        return builder.say("removeReference")
    name = builder.reader.label(successor, builder.languages)
    return builder.say("replaceWith", name=name or successor, iri=successor)


def _is_ours(quad: Quad, base: str) -> bool:
    if not isinstance(quad.subject, NamedNode):
        return False
    return quad.subject.value.startswith(base) or (
        quad.predicate == _IN_SCHEME
        and isinstance(quad.object, NamedNode)
        and quad.object.value.startswith(base)
    )
