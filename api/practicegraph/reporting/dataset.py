"""A catalogue as a dataset: licence, creators, link sets and statistics.

Link sets: https://www.w3.org/TR/void/#linkset. Statistics: https://www.w3.org/TR/void/#statistics;
query editors complete from the partition of each class and property.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock

from pyoxigraph import Literal, NamedNode, Triple

from ..rdf.namespaces import DCT, PG, RDF, VOID
from ..rdf.terms import DATE_LENGTH, DATE_PATTERN, TYPE, Node, Term, as_text, integer, local_name
from ..schema.fields import Field, NodeShape
from ..schema.vocabularies import DEPRECATED
from ..storage.base import Store

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
        """Return the number of triples."""
        return sum(self.properties.values())

    def said(self, dataset: Node, base: str) -> Iterator[Triple]:
        """Return the numbers as triples on a dataset, the IRIs of its partitions below the base."""
        numbers = {
            "triples": self.triples,
            "entities": self.entities,
            "distinctSubjects": self.subjects,
            "distinctObjects": self.objects,
            "properties": len(self.properties),
            "classes": len(self.classes),
        }
        for name, number in numbers.items():
            yield _says(dataset, name, integer(number))
        yield from _properties(dataset, base, (), self.properties)
        for name, counts in self.classes.items():
            part = _part(base, "class", name)
            yield _says(dataset, "classPartition", part)
            yield _says(part, "class", NamedNode(name))
            yield _says(part, "entities", integer(counts.entities))
            yield from _properties(part, base, (name,), counts.properties)


def read(store: Store, base: str) -> Statistics:
    """Count what a store holds."""
    classes = _counts(store, _CLASSES, "class")
    of_classes: dict[str, dict[str, int]] = {name: {} for name in classes}
    for row in store.select(_PROPERTIES_OF_CLASSES):
        if isinstance(row["class"], NamedNode):
            counted = of_classes[row["class"].value]
            counted[as_text(row["property"])] = int(as_text(row["count"]))
    subjects = next(iter(store.select(_SUBJECTS.format(base=Literal(base)))))
    objects = next(iter(store.select(_OBJECTS)))
    return Statistics(
        entities=int(as_text(subjects["ours"])),
        subjects=int(as_text(subjects["count"])),
        objects=int(as_text(objects["count"])),
        properties=_counts(store, _PROPERTIES, "property"),
        classes={name: ClassCounts(count, of_classes[name]) for name, count in classes.items()},
    )


def _counts(store: Store, query: str, name: str) -> dict[str, int]:
    rows = (row for row in store.select(query) if isinstance(row[name], NamedNode))
    return {as_text(row[name]): int(as_text(row["count"])) for row in rows}


def _properties(
    whole: Node, base: str, names: tuple[str, ...], counts: Mapping[str, int]
) -> Iterator[Triple]:
    for name, count in counts.items():
        part = _part(base, *(names or ("property",)), name)
        yield _says(whole, "propertyPartition", part)
        yield _says(part, "property", NamedNode(name))
        yield _says(part, "triples", integer(count))


def _part(base: str, *names: str) -> NamedNode:
    """Name a partition: readable, and by the hash never the same as another one."""
    words = "-".join(re.findall(r"[A-Za-z0-9]*", name.rstrip("/#"))[-2] for name in names)
    digest = hashlib.sha256(" ".join(names).encode()).hexdigest()[:8]
    return NamedNode(f"{base}#{words}-{digest}")


def _says(subject: Node, name: str, value: Term) -> Triple:
    return Triple(subject, NamedNode(VOID + name), value)


_IS_DAY = f"""isLiteral(?day) && STRLEN(STR(?day)) >= {DATE_LENGTH}
        && REGEX(SUBSTR(STR(?day), 1, {DATE_LENGTH}), "^({DATE_PATTERN})$")"""
_NEWEST = f"""
PREFIX dct: <http://purl.org/dc/terms/>
SELECT (MAX(SUBSTR(STR(?day), 1, 10)) AS ?newest)
WHERE {{
    ?thing dct:modified ?day
    FILTER ({_IS_DAY})
}}
"""
_LINKS = """
SELECT ?property ?space (COUNT(*) AS ?count)
WHERE {{
    SELECT DISTINCT ?thing ?property ?target ?space
    WHERE {{
        {branches}
        BIND (REPLACE(STR(?target), "^(https?://[^/?#]+).*$", "$1") AS ?space)
        FILTER (STRSTARTS(?space, "http") && !STRSTARTS(STR(?target), {base}))
    }}
}}
GROUP BY ?property ?space
ORDER BY ?property ?space
"""
_DAYS = f"""
PREFIX dct: <http://purl.org/dc/terms/>
SELECT ?thing (MAX(SUBSTR(STR(?day), 1, 10)) AS ?newest)
WHERE {{
    ?thing dct:modified ?day
    FILTER ({_IS_DAY})
}}
GROUP BY ?thing
"""
_LANGUAGES = """
SELECT ?language
WHERE {{
    ?language {code} ?code
    FILTER (STR(?code) IN ({codes}))
}}
ORDER BY ?code
"""
_CREATOR = DCT + "creator"
_LICENCE = DCT + "license"


@dataclass(frozen=True)
class Links:
    """The links by one property to one host: the start of its addresses, and how many."""

    property: str
    space: str
    count: int


@dataclass(frozen=True)
class Dataset:
    """A catalogue at a release as a dataset; what is asked once is kept, since a release stays.

    The first of its kinds is the entries'.
    """

    store: Store
    base: str
    kinds: tuple[NodeShape, ...]
    languages: tuple[str, ...]
    release: str
    _counting: Lock = field(default_factory=Lock, repr=False, compare=False)

    @cached_property
    def licence(self) -> str | None:
        """Return the IRI of the licence."""
        term = self.store.value(NamedNode(self.base), _LICENCE)
        return term.value if isinstance(term, NamedNode) else None

    @cached_property
    def creators(self) -> list[str]:
        """Return the IRIs of those who made it."""
        terms = self.store.values(NamedNode(self.base), _CREATOR)
        return [term.value for term in terms if isinstance(term, NamedNode)]

    @cached_property
    def newest(self) -> str:
        """Return the day of the newest change (ISO 8601), or "" where none is said."""
        row = next(iter(self.store.select(_NEWEST)), {})
        return as_text(row["newest"]) if "newest" in row else ""

    @cached_property
    def links(self) -> list[Links]:
        """Return the links out of the catalogue by property and host, of the kinds' fields."""
        fields = (found for kind in self.kinds for found in kind.fields if _is_link(found))
        branches = "\n        UNION\n        ".join(
            f"{{ ?thing <{name}> ?target . BIND (<{name}> AS ?property) }}"
            for name in dict.fromkeys(found.predicate for found in fields)
        )
        query = _LINKS.format(branches=branches, base=Literal(self.base))
        names = ("property", "space", "count")
        rows = ([as_text(row[name]) for name in names] for row in self.store.select(query))
        return [Links(name, space, int(count)) for name, space, count in rows]

    @property
    def statistics(self) -> Statistics:
        """Return the numbers; they are counted by the first who asks, for whom others wait."""
        with self._counting:
            return self._statistics

    @cached_property
    def _statistics(self) -> Statistics:
        return read(self.store, self.base)

    @cached_property
    def days(self) -> dict[str, str]:
        """Return the day of the newest change of all things that say one, by IRI."""
        rows = (row for row in self.store.select(_DAYS) if isinstance(row["thing"], NamedNode))
        return {as_text(row["thing"]): as_text(row["newest"]) for row in rows}

    @cached_property
    def entries(self) -> list[str]:
        """Return the IRIs of all current entries in order."""
        found = self.store.subjects(RDF + "type", NamedNode(self.kinds[0].classes[0]))
        retired = self.store.subjects(DEPRECATED, Literal(value=True))
        return sorted({node.value for node in found}.difference(node.value for node in retired))

    @cached_property
    def language_terms(self) -> list[NamedNode]:
        """Return the concepts that stand for the catalogue's own languages, by their codes."""
        codes = ", ".join(str(Literal(language)) for language in self.languages)
        query = _LANGUAGES.format(code=NamedNode(PG + "localeCode"), codes=codes)
        terms = (row["language"] for row in self.store.select(query))
        return [term for term in terms if isinstance(term, NamedNode)]

    def linksets(self) -> Iterator[Triple]:
        """Return the links out of the catalogue as link sets, each a subset of the dataset."""
        for links in self.links:
            host = links.space.removeprefix("https://").replace("http://", "http-")
            name = local_name(links.property)
            found = NamedNode(f"{self.base}#{name}-{host}")
            target = NamedNode(f"{self.base}#host-{host}")
            yield _said(self.base, "subset", found)
            yield Triple(found, TYPE, NamedNode(VOID + "Linkset"))
            yield _said(found.value, "subjectsTarget", NamedNode(self.base))
            yield _said(found.value, "objectsTarget", target)
            yield _said(found.value, "linkPredicate", NamedNode(links.property))
            yield _said(found.value, "triples", integer(links.count))
            yield Triple(target, TYPE, NamedNode(VOID + "Dataset"))
            yield _said(target.value, "uriSpace", Literal(links.space))


def _said(subject: str, name: str, value: NamedNode | Literal) -> Triple:
    return Triple(NamedNode(subject), NamedNode(VOID + name), value)


def _is_link(field: Field) -> bool:
    return bool(field.predicate) and not field.is_text and not field.datatypes
