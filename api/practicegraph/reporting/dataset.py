"""A catalogue as a dataset: licence, creators, days of change, link sets and statistics.

Link sets: https://www.w3.org/TR/void/#linkset. Statistics: https://www.w3.org/TR/void/#statistics;
query editors complete from the partition of each class and property.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from heapq import nlargest
from threading import Lock

from pyoxigraph import BlankNode, Literal, NamedNode, Triple

from ..rdf.terms import (
    DATE_LENGTH,
    DATE_PATTERN,
    DCAT,
    DCT,
    PG,
    TYPE,
    VCARD,
    VOID,
    Node,
    Term,
    as_text,
    integer,
    local_name,
)
from ..schema.catalog_records import PRIMARY_TOPIC
from ..schema.fields import Field, NodeShape
from ..schema.vocabularies import TargetVocabulary
from ..storage.base import Store

_PARTITIONS = (
    "SELECT ?property (COUNT(*) AS ?size) WHERE { ?subject ?property ?value } GROUP BY ?property",
    """
    SELECT ?class (COUNT(*) AS ?size)
    WHERE {
        SELECT DISTINCT ?class ?subject
        WHERE { ?subject a ?class }
    }
    GROUP BY ?class
    """,
    """
    SELECT ?class ?property (COUNT(*) AS ?size)
    WHERE { ?subject a ?class ; ?property ?value }
    GROUP BY ?class ?property
    """,
)
"""The triples of each property, the subjects of each class, and the triples about those."""
_SUBJECTS = """
SELECT (COUNT(*) AS ?distinctSubjects) (SUM(?own) AS ?entities)
WHERE {{
    {{
        SELECT DISTINCT ?subject
        WHERE {{ ?subject ?property ?value }}
    }}
    BIND (IF(isIRI(?subject) && STRSTARTS(STR(?subject), {base}), 1, 0) AS ?own)
}}
"""
_OBJECTS = """
SELECT (COUNT(*) AS ?distinctObjects)
WHERE {
    SELECT DISTINCT ?value
    WHERE { ?subject ?property ?value }
}
"""
_NONE = Literal("")
_MAX_NEWEST = 5
_DAY = "MAX(SUBSTR(STR(?day), 1, 10)) AS ?newest"
_CHANGES = f"""
WHERE {{
    ?subject <{DCT}modified> ?day
    FILTER (isLiteral(?day) && STRLEN(STR(?day)) >= {DATE_LENGTH}
        && REGEX(SUBSTR(STR(?day), 1, {DATE_LENGTH}), "^({DATE_PATTERN})$"))
}}
"""
_LINKS = """
SELECT ?property ?space (COUNT(*) AS ?count)
WHERE {{
    SELECT DISTINCT ?subject ?property ?target ?space
    WHERE {{
        {branches}
        BIND (REPLACE(STR(?target), {pattern}, "$1") AS ?space)
        FILTER (STRSTARTS(?space, "http") && !STRSTARTS(STR(?target), {base}))
    }}
}}
GROUP BY ?property ?space
ORDER BY ?property ?space
"""
_LANGUAGES = """
SELECT ?language
WHERE {{
    ?language {code} ?code
    FILTER (STR(?code) IN ({codes}))
}}
ORDER BY ?code
"""
_EXAMPLE = """
PREFIX owl: <http://www.w3.org/2002/07/owl#>
SELECT ?entry
WHERE {{
    ?entry a <{class_}> .
    FILTER (isIRI(?entry))
    FILTER NOT EXISTS {{ ?entry owl:deprecated true }}
}}
ORDER BY ?entry
LIMIT 1
"""


@dataclass(frozen=True)
class Statistics:
    """The numbers of a dataset by VoID's terms, and the sizes of its partitions.

    A partition is a class, a property, or both; the name of the other one is "". Entities are the
    subjects below the base.
    """

    base: str
    numbers: Mapping[str, int]
    partitions: Mapping[tuple[str, str], int]

    def triples(self, dataset: Node) -> Iterator[Triple]:
        """Yield the statistics as triples about a node."""
        for name, number in self.numbers.items():
            yield _void(dataset, name, integer(number))
        for (class_iri, property_iri), size in self.partitions.items():
            part = self._partition(class_iri, property_iri)
            if property_iri:
                whole = self._partition(class_iri, "") if class_iri else dataset
                yield _void(whole, "propertyPartition", part)
                yield _void(part, "property", NamedNode(property_iri))
                yield _void(part, "triples", integer(size))
            else:
                yield _void(dataset, "classPartition", part)
                yield _void(part, "class", NamedNode(class_iri))
                yield _void(part, "entities", integer(size))

    def _partition(self, class_iri: str, property_iri: str) -> NamedNode:
        """Return the IRI of a partition: readable, and unique by its hash."""
        names = [class_iri or "property", property_iri] if property_iri else ["class", class_iri]
        words = "-".join(re.findall(r"[A-Za-z0-9]*", name.rstrip("/#"))[-2] for name in names)
        digest = hashlib.sha256(" ".join(names).encode()).hexdigest()[:8]
        return NamedNode(f"{self.base}#{words}-{digest}")


def compute_statistics(store: Store, base: str) -> Statistics:
    """Count the triples, classes and terms of a store."""
    sizes: dict[tuple[str, str], int] = {}
    for query in _PARTITIONS:
        for row in store.select(query):
            names = (row.get("class", _NONE), row.get("property", _NONE))
            if isinstance(names[0] if "class" in row else names[1], NamedNode):
                sizes[as_text(names[0]), as_text(names[1])] = _number(row["size"])
    triples = [size for (class_iri, _), size in sizes.items() if not class_iri]
    classes = [size for (_, property_iri), size in sizes.items() if not property_iri]
    numbers = {"triples": sum(triples), "properties": len(triples), "classes": len(classes)}
    for query in (_SUBJECTS.format(base=Literal(base)), _OBJECTS):
        for row in store.select(query):
            numbers |= {name: _number(term) for name, term in row.items()}
    return Statistics(base, numbers, dict(sorted(sizes.items())))


@dataclass(frozen=True)
class Dataset:
    """A catalogue at a release as a dataset; the first of its shapes is that of the entries.

    Results of queries are cached, since a release doesn't change.
    """

    store: Store
    base: str
    shapes: tuple[NodeShape, ...]
    targets: Sequence[TargetVocabulary]
    languages: tuple[str, ...]
    release: str
    _counting: Lock = field(default_factory=Lock, repr=False, compare=False)

    @cached_property
    def licence(self) -> str | None:
        """Return the IRI of the licence."""
        return next(iter(self._iris("license")), None)

    @cached_property
    def creators(self) -> list[str]:
        """Return the IRIs of the creators."""
        return self._iris("creator")

    @cached_property
    def descriptions(self) -> dict[str, str]:
        """Return what the catalogue holds, by language."""
        values = self.store.values(NamedNode(self.base), DCT + "description")
        texts = [value for value in values if isinstance(value, Literal)]
        return {text.language or "": text.value for text in texts}

    @cached_property
    def contact(self) -> str:
        """Return the address of the contact point: `mailto:` or a URL, or "" where none is stated.

        The catalogue's own IRI, where readers already are, is no address.
        """
        points = self.store.values(NamedNode(self.base), DCAT + "contactPoint")
        nodes = [point for point in points if isinstance(point, NamedNode | BlankNode)]
        addresses = (
            value.value
            for name in (VCARD + "hasEmail", VCARD + "hasURL")
            for node in nodes
            for value in self.store.values(node, name)
            if isinstance(value, NamedNode)
        )
        return next((address for address in addresses if address != self.base), "")

    def _iris(self, term: str) -> list[str]:
        values = self.store.values(NamedNode(self.base), DCT + term)
        return [value.value for value in values if isinstance(value, NamedNode)]

    @cached_property
    def newest(self) -> str:
        """Return the day of the newest change (ISO 8601), or "" where none is stated."""
        row = next(iter(self.store.select(f"SELECT ({_DAY}) {_CHANGES}")), {})
        return as_text(row["newest"]) if "newest" in row else ""

    @cached_property
    def days(self) -> dict[str, str]:
        """Return the day of the newest change of each IRI that states one, or whose record does."""
        rows = self.store.select(f"SELECT ?subject ({_DAY}) {_CHANGES} GROUP BY ?subject")
        topics: dict[Term, Term] = {
            quad.subject: quad.object for quad in self.store.quads(None, PRIMARY_TOPIC)
        }
        named = ((topics.get(row["subject"], row["subject"]), row["newest"]) for row in rows)
        return {node.value: as_text(day) for node, day in named if isinstance(node, NamedNode)}

    @cached_property
    def newest_entries(self) -> list[tuple[str, str]]:
        """Return the entries of the first kind that were changed last, each with its day."""
        start = f"{self.base}{self.shapes[0].segment}/"
        days = ((day, iri) for iri, day in self.days.items() if iri.startswith(start))
        return [(iri, day) for day, iri in nlargest(_MAX_NEWEST, days)]

    @cached_property
    def example(self) -> str | None:
        """Return the IRI of the first current entry."""
        query = _EXAMPLE.format(class_=self.shapes[0].classes[0])
        return next((as_text(row["entry"]) for row in self.store.select(query)), None)

    @cached_property
    def language_terms(self) -> list[NamedNode]:
        """Return the concepts that stand for the catalogue's own languages, by their codes."""
        codes = ", ".join(str(Literal(language)) for language in self.languages)
        query = _LANGUAGES.format(code=NamedNode(PG + "localeCode"), codes=codes)
        terms = (row["language"] for row in self.store.select(query))
        return [term for term in terms if isinstance(term, NamedNode)]

    @property
    def statistics(self) -> Statistics:
        """Return the statistics; the first caller counts, others wait."""
        with self._counting:
            return self._statistics

    @cached_property
    def _statistics(self) -> Statistics:
        return compute_statistics(self.store, self.base)

    @cached_property
    def link_sets(self) -> list[Triple]:
        """Return the links out of the catalogue as link sets.

        There is one for each property and vocabulary of others; IRIs of no such vocabulary are
        grouped by host.
        """
        properties = dict.fromkeys(
            field.predicate for shape in self.shapes for field in shape.fields if _is_link(field)
        )
        branches = "\n        UNION\n        ".join(
            f"{{ ?subject <{name}> ?target . BIND (<{name}> AS ?property) }}" for name in properties
        )
        spaces = (re.escape(target.uri_space) for target in self.targets)
        pattern = Literal(f"^({'|'.join([*spaces, 'https?://[^/?#]+'])}).*$")
        query = _LINKS.format(branches=branches, base=Literal(self.base), pattern=pattern)
        names = ("property", "space", "count")
        rows = ([as_text(row[name]) for name in names] for row in self.store.select(query))
        return [triple for row in rows for triple in self._link_set(*row)]

    def _link_set(self, name: str, space: str, number: str) -> Iterator[Triple]:
        vocabulary = next((t.iri for t in self.targets if t.uri_space == space), None)
        host = space.removeprefix("https://").replace("http://", "http-")
        target = NamedNode(vocabulary or f"{self.base}#host-{host}")
        suffix = local_name(vocabulary) if vocabulary else host
        links = NamedNode(f"{self.base}#{local_name(name)}-{suffix}")
        yield _void(NamedNode(self.base), "subset", links)
        yield Triple(links, TYPE, NamedNode(VOID + "Linkset"))
        yield _void(links, "subjectsTarget", NamedNode(self.base))
        yield _void(links, "objectsTarget", target)
        yield _void(links, "linkPredicate", NamedNode(name))
        yield _void(links, "triples", integer(int(number)))
        yield Triple(target, TYPE, NamedNode(VOID + "Dataset"))
        yield _void(target, "uriSpace", Literal(space))


def _is_link(field: Field) -> bool:
    return bool(field.predicate) and not field.is_text and not field.datatypes


def _void(subject: Node, name: str, value: Term) -> Triple:
    return Triple(subject, NamedNode(VOID + name), value)


def _number(term: Term) -> int:
    return int(as_text(term))
