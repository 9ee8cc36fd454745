"""Deprecated resources: merged into a successor, or withdrawn.

A merged resource keeps its statements and names its successor; a tombstone, or a resource without a
current successor, is withdrawn.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pyoxigraph import NamedNode

from ..rdf.terms import DCT, OWL, SKOS, as_text
from ..storage.base import Solution, Store
from .text import Labels

DEPRECATED = OWL + "deprecated"
IS_REPLACED_BY = DCT + "isReplacedBy"
_DEPRECATED = """
PREFIX as: <https://www.w3.org/ns/activitystreams#>
PREFIX dct: <http://purl.org/dc/terms/>
PREFIX owl: <http://www.w3.org/2002/07/owl#>
PREFIX pg: <https://w3id.org/practicegraph/ontology#>
SELECT ?iri ?successor ?day ?tombstone
WHERE {
    ?iri owl:deprecated true .
    FILTER (isIRI(?iri))
    OPTIONAL {
        ?iri dct:isReplacedBy ?successor .
        FILTER (isIRI(?successor))
    }
    OPTIONAL {
        ?iri pg:retired ?day .
        FILTER (isLiteral(?day))
    }
    OPTIONAL {
        ?iri a ?tombstone .
        FILTER (?tombstone = as:Tombstone)
    }
}
ORDER BY ?iri ?successor ?day
"""


@dataclass(frozen=True)
class Deprecation:
    """The deprecation of a resource; the successor is the last of its chain, or "" for none."""

    iri: str
    successor: str
    steps: int
    is_moved: bool
    since: str
    reasons: Labels


@dataclass(frozen=True)
class Lifecycle:
    """The deprecations of resources, by IRI."""

    deprecations: Mapping[str, Deprecation]

    def get(self, iri: str) -> Deprecation | None:
        """Return the deprecation of a resource, or None if it is current."""
        return self.deprecations.get(iri)

    def find_predecessors(self, iri: str) -> list[Deprecation]:
        """Return the deprecations of all resources that a resource has replaced."""
        return [each for each in self.deprecations.values() if each.successor == iri]


def read_lifecycle(store: Store) -> Lifecycle:
    """Read the deprecated resources out of the store."""
    rows = {as_text(row["iri"]): row for row in store.select(_DEPRECATED)}
    successors = {iri: as_text(row["successor"]) for iri, row in rows.items() if "successor" in row}
    return Lifecycle({iri: _deprecation(store, iri, row, successors) for iri, row in rows.items()})


def _deprecation(
    store: Store, iri: str, row: Solution, successors: Mapping[str, str]
) -> Deprecation:
    chain = _successor_chain(iri, successors)
    successor = chain[-1] if chain else ""
    return Deprecation(
        iri=iri,
        successor=successor,
        steps=len(chain),
        is_moved=bool(successor) and "tombstone" not in row,
        since=as_text(row["day"]) if "day" in row else "",
        reasons=store.labels(NamedNode(iri), SKOS + "changeNote"),
    )


def _successor_chain(iri: str, successors: Mapping[str, str]) -> list[str]:
    """Return the successors one after another; none in a cycle, which a check reports."""
    chain: list[str] = []
    while successor := successors.get(chain[-1] if chain else iri):
        if successor in (iri, *chain):
            return []
        chain.append(successor)
    return chain
