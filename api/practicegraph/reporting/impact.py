"""The impact of a change on readers: counts, facet values, IRIs, stored queries and labels.

Counts are those of a search without filters: a broader concept includes the entries of narrower
ones, a successor those of what it replaces. Stored queries run with their default parameters.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec
from pyoxigraph import (
    Literal,
    NamedNode,
    QueryResultsFormat,
    QuerySolutions,
    RdfFormat,
    parse,
    parse_query_results,
)

from ..catalogue.catalogue import Catalogue
from ..catalogue.documents import Document
from ..catalogue.stored_queries import StoredQuery
from ..rdf.syntax_errors import known_prefix
from ..rdf.terms import Term
from ..schema.fields import Field
from ..schema.text import Phrases, pick_text
from ..search.engine import SparqlEngine
from ..storage import query_guard
from ..storage.base import QueryRefusedError
from ..storage.oxigraph import OxigraphStore
from ..validation.findings import Finding, FindingBuilder
from ..validation.rules import find_published_iris
from .differences import ChangedValue, Comparison, Difference, JsonValue, State


class ChangedCount(JsonValue, frozen=True, kw_only=True):
    """The counts of a facet value before and after; `id` is the IRI of a concept."""

    facet: str
    label: str
    id: str = ""
    name: str
    before: int
    after: int


class FacetChange(JsonValue, frozen=True, kw_only=True):
    """The facet values that an entry lost and gained."""

    facet: str
    label: str
    removed: Sequence[ChangedValue]
    added: Sequence[ChangedValue]


class ChangedEntry(JsonValue, frozen=True, kw_only=True):
    """An entry with other facet values."""

    id: str
    title: str
    fields: Sequence[FacetChange]


class ChangedIri(JsonValue, frozen=True, kw_only=True):
    """A published IRI that was removed, moved or withdrawn."""

    id: str
    title: str
    change: str
    to: str = ""


class BrokenQuery(JsonValue, frozen=True, kw_only=True):
    """A stored query that fails or returns nothing; `before` is the former number of rows."""

    id: str
    title: str
    before: int
    fails: str = ""
    after: int | None = None

    @property
    def phrase(self) -> str:
        """Return the key of the phrase that says so."""
        return "QueryFails" if self.fails else "QueryEmpty"


class LostLabel(JsonValue, frozen=True, kw_only=True):
    """The label of a resource in a language in which it has none now."""

    id: str
    language: str
    lost: str


class Impact(JsonValue, frozen=True, kw_only=True):
    """The impact of a change on readers."""

    counts: Sequence[ChangedCount]
    entries: Sequence[ChangedEntry] = msgspec.field(name="retagged")
    iris: Sequence[ChangedIri] = msgspec.field(name="addresses")
    queries: Sequence[BrokenQuery] = msgspec.field(name="questions")
    labels: Sequence[LostLabel] = msgspec.field(name="names")


def compute_impact(comparison: Comparison, differences: Sequence[Difference]) -> Impact:
    """Return the impact of the differences of two states."""
    return Impact(
        counts=tuple(_counts(comparison)),
        entries=tuple(_entries(comparison)),
        iris=tuple(_iris(comparison, differences)),
        queries=tuple(_queries(comparison)),
        labels=tuple(_lost_labels(comparison, differences)),
    )


def _counts(comparison: Comparison) -> Iterator[ChangedCount]:
    states = comparison.old, comparison.new
    old, new = (state.catalogue.shapes.entry_shape.facets_by_key for state in states)
    for key, facet in (old | new).items():
        before = _count(comparison.old.catalogue, old.get(key))
        after = _count(comparison.new.catalogue, new.get(key))
        for value in sorted({*before, *after}, key=str):
            numbers = before.get(value, 0), after.get(value, 0)
            if numbers[0] != numbers[1]:
                yield ChangedCount(
                    facet=key,
                    label=pick_text(facet.names, comparison.languages),
                    id=value.value if isinstance(value, NamedNode) else "",
                    name=_name(comparison, value),
                    before=numbers[0],
                    after=numbers[1],
                )


def _count(catalogue: Catalogue, facet: Field | None) -> Mapping[Term | None, int]:
    shape = catalogue.shapes.entry_shape
    engine = SparqlEngine(catalogue.store, shape, catalogue.vocabularies)
    return engine.counts(facet) if facet else {}


def _name(comparison: Comparison, value: Term | None) -> str:
    if value is None:
        return comparison.new.catalogue.phrases.format("notStated", comparison.languages)
    return comparison.value(value, str(value)).text


def _entries(comparison: Comparison) -> Iterator[ChangedEntry]:
    states = comparison.old, comparison.new
    iris = comparison.old.statements.keys() & comparison.new.statements.keys()
    for iri in sorted(iri for iri in iris if all(_is_entry(state, iri) for state in states)):
        if changes := tuple(_facet_changes(comparison, iri)):
            yield ChangedEntry(id=iri, title=comparison.name(iri), fields=changes)


def _is_entry(state: State, iri: str) -> bool:
    """Return whether an IRI is that of a current entry."""
    classes = {t.value for t in state.statements[iri].values() if isinstance(t, NamedNode)}
    class_iri = state.catalogue.shapes.entry_shape.classes[0]
    return class_iri in classes and not state.catalogue.lifecycle.get(iri)


def _facet_changes(comparison: Comparison, iri: str) -> Iterator[FacetChange]:
    for key, facet in comparison.new.catalogue.shapes.entry_shape.facets_by_key.items():
        old, new = (_facet_values(state, iri, facet) for state in (comparison.old, comparison.new))
        if old != new:
            yield FacetChange(
                facet=key,
                label=pick_text(facet.names, comparison.languages),
                removed=_labelled(comparison, old - new),
                added=_labelled(comparison, new - old),
            )


def _labelled(comparison: Comparison, values: Iterable[str]) -> list[ChangedValue]:
    return [ChangedValue(value=v, label=comparison.name(v) or v) for v in sorted(values)]


def _facet_values(state: State, iri: str, facet: Field) -> set[str]:
    """Return the values for which an entry is counted: successors, and nothing withdrawn."""
    values: set[str] = set()
    for (predicate, _), term in state.statements[iri].items():
        if predicate in facet.predicates and isinstance(term, NamedNode | Literal):
            deprecation = state.catalogue.lifecycle.get(term.value)
            values.add(deprecation.successor if deprecation else term.value)
    return values - {""}


def _iris(comparison: Comparison, differences: Sequence[Difference]) -> Iterator[ChangedIri]:
    old = comparison.old.catalogue
    published = find_published_iris(comparison.old.documents, old.base, old.shapes)
    for each in differences:
        if each.change in ("removed", "moved", "withdrawn") and each.id in published:
            yield ChangedIri(id=each.id, title=each.title, change=each.change, to=each.to)


def _queries(comparison: Comparison) -> Iterator[BrokenQuery]:
    """Yield the stored queries of both states that have lost their result."""
    old, new = comparison.old.catalogue, comparison.new.catalogue
    for name, query in new.stored_queries.items():
        if name not in old.stored_queries:
            continue
        before, _ = _count_rows(old, old.stored_queries[name], comparison.languages)
        after, reason = _count_rows(new, query, comparison.languages)
        if before is not None and (after is None or (before and not after)):
            title = pick_text(query.labels, comparison.languages)
            yield BrokenQuery(id=query.iri, title=title, before=before, fails=reason, after=after)


def _count_rows(
    catalogue: Catalogue, query: StoredQuery, languages: Sequence[str]
) -> tuple[int | None, str]:
    """Return the number of rows or triples, 1 for true; or None and why the query fails."""
    terms = {p.key: p.default for p in query.parameters if p.default is not None}
    text = query_guard.bind_parameters(query.text, terms)
    assert isinstance(catalogue.store, OxigraphStore)
    try:
        query_guard.check_service_calls(text)
        content = catalogue.store.results(text, "json", catalogue.base)
    except QueryRefusedError as error:
        words = known_prefix(error.words, catalogue.prefixes)
        reason = catalogue.phrases.format(error.hint, languages, **words) if error.hint else ""
        return None, reason or str(error)
    if query.returns_graph:
        return sum(1 for _ in parse(content, RdfFormat.TURTLE)), ""
    result = parse_query_results(content, QueryResultsFormat.JSON)
    rows = sum(1 for _ in result) if isinstance(result, QuerySolutions) else int(bool(result))
    return rows, ""


def _lost_labels(comparison: Comparison, differences: Sequence[Difference]) -> Iterator[LostLabel]:
    properties = comparison.old.catalogue.shapes.label_properties
    for difference in differences:
        if difference.change not in ("changed", "moved"):
            continue
        statements = comparison.new.statements[difference.id]
        left = {(name, getattr(t, "language", None)) for (name, _), t in statements.items()}
        for field in difference.fields:
            is_label = field.property in properties and field.language
            if is_label and (field.property, field.language) not in left:
                lost = field.removed[0].text
                yield LostLabel(id=difference.id, language=field.language, lost=lost)


def format_impact(comparison: Comparison, impact: Impact, phrases: Phrases) -> Iterator[str]:
    """Yield the impact as lines of text; nothing where there is none."""
    languages, say = comparison.languages, phrases.format

    def named(iri: str) -> str:
        name = comparison.name(iri)
        return f"“{name}” {iri}" if name else iri

    parts = {
        "changedCounts": [f"{c.label}: {c.name}: {c.before} → {c.after}" for c in impact.counts],
        "changedFacetValues": [
            f"{named(entry.id)}: {'; '.join(map(_facet_line, entry.fields))}"
            for entry in impact.entries
        ],
        "lostIris": [
            f"{say(iri.change, languages)}: {named(iri.id)}{iri.to and f' → {named(iri.to)}'}"
            for iri in impact.iris
        ],
        "brokenQueries": [
            f"“{query.title}” {query.id}: "
            + say(query.phrase, languages, reason=query.fails, count=query.before)
            for query in impact.queries
        ],
        "lostLabels": [
            f"{named(label.id)}: {label.language}: “{label.lost}”" for label in impact.labels
        ],
    }
    for phrase, lines in parts.items():
        if lines:
            yield f"{say(phrase, languages)}:"
            yield from (f"  {line}" for line in lines)


def _facet_line(change: FacetChange) -> str:
    signed = [f"- {value.text}" for value in change.removed]
    signed += [f"+ {value.text}" for value in change.added]
    return " ".join([f"{change.label}:", *signed])


def findings(
    impact: Impact, builder: FindingBuilder, documents: Iterable[Document]
) -> Iterator[Finding]:
    """Yield a violation for each query that fails, a warning for each that returns nothing."""
    files = {topic: document.path for document in documents for topic in document.topics}
    for query in impact.queries:
        detail = builder.phrase(query.phrase, reason=query.fails, count=query.before)
        finding = builder.violation(files[query.id], query.phrase, query.id, detail=detail)
        yield finding if query.fails else builder.as_warning(finding)
