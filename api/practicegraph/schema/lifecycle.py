"""Deprecated resources: merged into a successor or withdrawn, since when, and why.

A merged resource keeps its statements and names its successor; a tombstone, or a resource without a
current successor, is withdrawn.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pyoxigraph import NamedNode

from ..rdf.namespaces import DCT, OWL, SKOS
from ..rdf.terms import as_text
from ..storage.base import Solution, Store
from .text import Labels

DEPRECATED = OWL + "deprecated"
IS_REPLACED_BY = DCT + "isReplacedBy"
_RETIRED = """
PREFIX as: <https://www.w3.org/ns/activitystreams#>
PREFIX dct: <http://purl.org/dc/terms/>
PREFIX owl: <http://www.w3.org/2002/07/owl#>
PREFIX pg: <https://w3id.org/practicegraph/ontology#>
SELECT ?thing ?successor ?day ?tombstone
WHERE {
    ?thing owl:deprecated true .
    FILTER (isIRI(?thing))
    OPTIONAL {
        ?thing dct:isReplacedBy ?successor .
        FILTER (isIRI(?successor))
    }
    OPTIONAL {
        ?thing pg:retired ?day .
        FILTER (isLiteral(?day))
    }
    OPTIONAL {
        ?thing a ?tombstone .
        FILTER (?tombstone = as:Tombstone)
    }
}
ORDER BY ?thing ?successor ?day
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
        """Return how a thing ceased to be current, or None where it did not."""
        return self.deprecations.get(iri)

    def find_predecessors(self, iri: str) -> list[Deprecation]:
        """Return what a thing has replaced, at whatever distance."""
        return [found for found in self.deprecations.values() if found.successor == iri]


def read_lifecycle(store: Store) -> Lifecycle:
    """Read what is no longer current out of the store."""
    rows = {as_text(row["thing"]): row for row in store.select(_RETIRED)}
    following = {
        thing: as_text(row["successor"]) for thing, row in rows.items() if "successor" in row
    }
    return Lifecycle(
        {thing: _retirement(store, thing, row, following) for thing, row in rows.items()}
    )


def _retirement(
    store: Store, thing: str, row: Solution, following: Mapping[str, str]
) -> Deprecation:
    chain = _chain(thing, following)
    successor = chain[-1] if chain else ""
    return Deprecation(
        iri=thing,
        successor=successor,
        steps=len(chain),
        is_moved=bool(successor) and "tombstone" not in row,
        since=as_text(row["day"]) if "day" in row else "",
        reasons=store.labels(NamedNode(thing), SKOS + "changeNote"),
    )


def _chain(thing: str, following: Mapping[str, str]) -> list[str]:
    """Return the successors one after another; none where they go round, which a check finds."""
    chain: list[str] = []
    while successor := following.get(chain[-1] if chain else thing):
        if successor in (thing, *chain):
            return []
        chain.append(successor)
    return chain
