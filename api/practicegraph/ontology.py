"""What the ontology declares: how its terms are called, and which standard terms they come near."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pyoxigraph import Literal

from .shapes import RDFS
from .store import Store, plain
from .text import Labels

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
SCHEMA = "https://schema.org/"


@dataclass(frozen=True)
class Ontology:
    """The labels of terms that an ontology declares, and where any term stands in schema.org.

    There, terms are near those of the catalogue, and properties have values of a class.
    """

    labels: Mapping[str, Labels]
    near: Mapping[str, tuple[str, ...]]
    ranges: Mapping[str, str]

    def nearest(self, terms: Iterable[str]) -> tuple[str, ...]:
        """Give the terms of schema.org that are near any of the terms, each once."""
        return tuple(dict.fromkeys(near for term in terms for near in self.near.get(term, ())))


def read(store: Store) -> Ontology:
    """Read the ontology out of the store."""
    labels: dict[str, dict[str, str]] = {}
    for row in store.select(_LABELS):
        label = row["label"]
        if isinstance(label, Literal) and label.language:
            labels.setdefault(plain(row["term"]), {})[label.language] = label.value
    near: dict[str, tuple[str, ...]] = {}
    for row in store.select(_NEAR):
        term = plain(row["term"])
        near[term] = (*near.get(term, ()), plain(row["near"]))
    ranges = {plain(row["property"]): plain(row["class"]) for row in store.select(_RANGES)}
    return Ontology(labels, near, ranges)
