"""Which entries use a concept: by field, with their number, the first ones, and breakdowns."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from pyoxigraph import NamedNode

from ...rdf.terms import Term, as_text
from ...schema.fields import Field, NodeShape
from ...schema.records import Record
from ...schema.vocabularies import Concept
from ...search.request import SearchRequest
from ..context import Site, View
from ..search.results import FacetValue, facet_value, selectable_counts

_MAX_FIRST_ENTRIES = 10
_MAX_BARS = 12
_FIRST_ENTRIES = """
SELECT DISTINCT ?entry
WHERE {{
    ?entry {path} {node} ;
        a {kind} .
}}
LIMIT {limit}
"""


@dataclass(frozen=True)
class Breakdown:
    """The entries of a concept by the values of a facet, the most frequent first."""

    field: Field
    values: tuple[FacetValue, ...]
    more: int
    link: Callable[[str, str], str]
    """Returns the URL of the search for a value of the facet beside the concept."""


@dataclass(frozen=True)
class ConceptUse:
    """A field whose value is a concept: the count with narrower concepts, the first entries.

    `search` is the path of searches for entries with the field.
    """

    field: Field
    search: str
    value: str
    count: int
    entries: tuple[Record, ...]
    breakdowns: tuple[Breakdown, ...] = ()


def find_uses(site: Site, view: View, iri: str) -> list[ConceptUse]:
    """Return the uses of a concept by facets, and by fields whose values no facet has.

    An IRI that is no current concept has none.
    """
    concept = site.catalogue.vocabularies.concepts.get(iri)
    if concept is None or concept.deprecation:
        return []
    uses = [use for each in site.of_kinds for use in _uses_of_kind(each, view, concept)]
    return [use for use in uses if use.count or use.entries] or uses[:1]


def find_queries(site: Site, iri: str) -> list[tuple[Mapping[str, str], str, dict[str, str]]]:
    """Return the stored queries that take a current concept: names, path and parameters."""
    concept = site.catalogue.vocabularies.concepts.get(iri)
    if concept is None or concept.deprecation:
        return []
    return [
        (query.labels, f"/queries/{query.name}", {parameter.key: concept.notation})
        for query in site.catalogue.stored_queries.values()
        for parameter in query.parameters
        if parameter.field.scheme == concept.scheme
    ]


def count_by_concept(site: Site, scheme: str) -> dict[str, int]:
    """Return how many entries have each concept of a scheme, by its IRI; of the first facet."""
    for each, facet in _facets(site, scheme):
        counts = each.services.search.counts(facet).items()
        return {as_text(term): count for term, count in counts if term}
    return {}


def entry_counts(site: Site) -> dict[str, tuple[NodeShape, int]]:
    """Return how many records state a value of each scheme, and of which kind they are.

    They are counted by the first facet of the first kind that has one.
    """
    counts: dict[str, tuple[NodeShape, int]] = {}
    for each in site.of_kinds:
        kind = each.catalogue.shapes.entry_shape
        result = each.services.search.search(SearchRequest(size=0), site.catalogue.languages)
        for facet in kind.facets:
            if facet.scheme:
                stated = result.total - result.counts[facet.key].get(None, 0)
                counts.setdefault(facet.scheme, (kind, stated))
    return counts


def _facets(site: Site, scheme: str) -> Iterator[tuple[Site, Field]]:
    for each in site.of_kinds:
        for facet in each.catalogue.shapes.entry_shape.facets:
            if facet.scheme == scheme:
                yield each, facet


def _uses_of_kind(site: Site, view: View, concept: Concept) -> list[ConceptUse]:
    view = replace(view, services=site.services, addresses=site.addresses)
    kind = site.catalogue.shapes.entry_shape
    facets = [facet for facet in kind.facets if facet.scheme == concept.scheme]
    counted = [field for facet in facets for field in kind.fields_of_facet(facet)]
    fields = [field for field in kind.fields if field.scheme == concept.scheme]
    others = [field for field in fields if field not in counted]
    uses = [_use(site, view, field, concept) for field in (*facets, *others)]
    is_first = site.catalogue.shapes.is_first
    return [u for u in uses if u.entries or u.count or (u.field.is_facet and is_first)]


def _use(site: Site, view: View, field: Field, concept: Concept) -> ConceptUse:
    counts = site.services.search.counts(field) if field.is_facet else {}
    return ConceptUse(
        field=field,
        search=site.addresses.search,
        value=concept.notation,
        count=counts.get(NamedNode(concept.iri), 0),
        entries=tuple(_first_entries(site, field, concept.iri)),
        breakdowns=tuple(_breakdowns(view, field, concept)) if field.is_facet else (),
    )


def _first_entries(site: Site, field: Field, iri: str) -> list[Record]:
    """Return the first records with a concept as value; of a facet, as searches sort them."""
    catalogue, kind = site.catalogue, site.catalogue.shapes.entry_shape
    if field.is_facet:
        request = SearchRequest(filters={field.key: (NamedNode(iri),)}, size=_MAX_FIRST_ENTRIES)
        result = site.services.search.search(request, catalogue.languages, facets=())
        return catalogue.reader.read_records(kind, result.entries)
    query = _FIRST_ENTRIES.format(
        path=field.path,
        node=NamedNode(iri),
        kind=NamedNode(kind.classes[0]),
        limit=_MAX_FIRST_ENTRIES,
    )
    entries = [as_text(row["entry"]) for row in catalogue.store.select(query)]
    return catalogue.reader.read_records(kind, entries)


def _breakdowns(view: View, field: Field, concept: Concept) -> Iterator[Breakdown]:
    """Yield the counts of the entries of a concept by each facet with `pg:breakdown`."""
    request = SearchRequest(filters={field.key: (NamedNode(concept.iri),)}, size=0)
    search, chosen = view.addresses.search, {field.key: concept.notation}

    def link(key: str, value: str) -> str:
        return view.link(search, **chosen, **{key: value})

    for facet in view.catalogue.shapes.entry_shape.facets:
        if facet.is_breakdown and facet.scheme != concept.scheme:
            counts = view.services.search.counts(facet, request)
            found = dict[Term, int](selectable_counts(view, facet, counts))
            terms = sorted(found, key=lambda term: (-found[term], str(term)))
            values = [facet_value(view, facet, term, found[term]) for term in terms[:_MAX_BARS]]
            if values:
                yield Breakdown(facet, tuple(values), len(terms) - len(values), link)
