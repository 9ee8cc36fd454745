"""How many triples and things a catalogue holds, in all and by class and property, by SPARQL.

They are said as a dataset's partitions (https://www.w3.org/TR/void/#statistics), from which editors
of queries complete: each class with its properties.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pyoxigraph import Literal, NamedNode, Triple

from .store import Node, Store, Term, plain
from .turtle import XSD

VOID = "http://rdfs.org/ns/void#"
_PROPERTIES = """
SELECT ?property (COUNT(*) AS ?count)
WHERE { ?thing ?property ?value }
GROUP BY ?property
ORDER BY ?property
"""
_CLASSES = """
SELECT ?class (COUNT(*) AS ?count)
WHERE {
    SELECT DISTINCT ?class ?thing
    WHERE { ?thing a ?class }
}
GROUP BY ?class
ORDER BY ?class
"""
_PROPERTIES_OF_CLASSES = """
SELECT ?class ?property (COUNT(*) AS ?count)
WHERE { ?thing a ?class ; ?property ?value }
GROUP BY ?class ?property
ORDER BY ?class ?property
"""
_SUBJECTS = """
SELECT (COUNT(*) AS ?count) (SUM(?own) AS ?ours)
WHERE {{
    {{
        SELECT DISTINCT ?thing
        WHERE {{ ?thing ?property ?value }}
    }}
    BIND (IF(isIRI(?thing) && STRSTARTS(STR(?thing), {base}), 1, 0) AS ?own)
}}
"""
_OBJECTS = """
SELECT (COUNT(*) AS ?count)
WHERE {
    SELECT DISTINCT ?value
    WHERE { ?thing ?property ?value }
}
"""


@dataclass(frozen=True)
class ClassCounts:
    """The things of a class, and the triples about them by property."""

    entities: int
    properties: Mapping[str, int]


@dataclass(frozen=True)
class Statistics:
    """The numbers of a catalogue; entities are the subjects whose IRIs begin with its base."""

    entities: int
    subjects: int
    objects: int
    properties: Mapping[str, int]
    classes: Mapping[str, ClassCounts]

    @property
    def triples(self) -> int:
        """Give the number of triples."""
        return sum(self.properties.values())

    def said(self, dataset: Node, base: str) -> Iterator[Triple]:
        """Give the numbers as triples on a dataset, the IRIs of its partitions below the base."""
        numbers = {
            "triples": self.triples,
            "entities": self.entities,
            "distinctSubjects": self.subjects,
            "distinctObjects": self.objects,
            "properties": len(self.properties),
            "classes": len(self.classes),
        }
        for name, number in numbers.items():
            yield _says(dataset, name, _number(number))
        yield from _properties(dataset, base, (), self.properties)
        for name, counts in self.classes.items():
            part = _part(base, "class", name)
            yield _says(dataset, "classPartition", part)
            yield _says(part, "class", NamedNode(name))
            yield _says(part, "entities", _number(counts.entities))
            yield from _properties(part, base, (name,), counts.properties)


def read(store: Store, base: str) -> Statistics:
    """Count what a store holds."""
    classes = _counts(store, _CLASSES, "class")
    of_classes: dict[str, dict[str, int]] = {name: {} for name in classes}
    for row in store.select(_PROPERTIES_OF_CLASSES):
        if isinstance(row["class"], NamedNode):
            counted = of_classes[row["class"].value]
            counted[plain(row["property"])] = int(plain(row["count"]))
    subjects = next(iter(store.select(_SUBJECTS.format(base=Literal(base)))))
    objects = next(iter(store.select(_OBJECTS)))
    return Statistics(
        entities=int(plain(subjects["ours"])),
        subjects=int(plain(subjects["count"])),
        objects=int(plain(objects["count"])),
        properties=_counts(store, _PROPERTIES, "property"),
        classes={name: ClassCounts(count, of_classes[name]) for name, count in classes.items()},
    )


def _counts(store: Store, query: str, name: str) -> dict[str, int]:
    rows = (row for row in store.select(query) if isinstance(row[name], NamedNode))
    return {plain(row[name]): int(plain(row["count"])) for row in rows}


def _properties(
    whole: Node, base: str, names: tuple[str, ...], counts: Mapping[str, int]
) -> Iterator[Triple]:
    for name, count in counts.items():
        part = _part(base, *(names or ("property",)), name)
        yield _says(whole, "propertyPartition", part)
        yield _says(part, "property", NamedNode(name))
        yield _says(part, "triples", _number(count))


def _part(base: str, *names: str) -> NamedNode:
    """Name a partition: readable, and by the hash never the same as another one."""
    words = "-".join(re.findall(r"[A-Za-z0-9]*", name.rstrip("/#"))[-2] for name in names)
    digest = hashlib.sha256(" ".join(names).encode()).hexdigest()[:8]
    return NamedNode(f"{base}#{words}-{digest}")


def _says(subject: Node, name: str, value: Term) -> Triple:
    return Triple(subject, NamedNode(VOID + name), value)


def _number(value: int) -> Literal:
    return Literal(str(value), datatype=NamedNode(XSD + "integer"))
