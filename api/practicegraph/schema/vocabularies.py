"""Concept schemes and their concepts (https://www.w3.org/TR/skos-reference/); deprecated resources.

A deprecated resource is merged into a successor or withdrawn. A merged one keeps its statements and
names its successor; a tombstone, or a resource without a current successor, is withdrawn. Concepts
with `pg:localeCode` are labelled from the Unicode CLDR.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from babel import Locale
from babel.core import get_cldr_version
from pyoxigraph import Literal, NamedNode, Triple

from ..errors import CatalogueError
from ..rdf.namespaces import DCT, OWL, PG, SKOS
from ..rdf.terms import Term, as_text
from ..storage.base import Solution, Store
from .fields import Field
from .text import Labels, fold, pick_text

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


_CONCEPTS = """
PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
SELECT ?concept ?scheme ?notation
    (GROUP_CONCAT(DISTINCT COALESCE(STR(?above), ""); separator=" ") AS ?broader)
WHERE {
    ?concept skos:inScheme ?scheme .
    FILTER (isIRI(?concept) && isIRI(?scheme))
    OPTIONAL {
        ?concept skos:notation ?notation .
        FILTER (isLiteral(?notation))
    }
    OPTIONAL {
        ?concept skos:broader|^skos:narrower ?above .
        FILTER (isIRI(?above))
    }
}
GROUP BY ?concept ?scheme ?notation
ORDER BY ?scheme ?notation ?concept
"""
_SCHEMES = """
PREFIX dct: <http://purl.org/dc/terms/>
PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
SELECT ?scheme ?key
WHERE {
    ?scheme a skos:ConceptScheme .
    FILTER (isIRI(?scheme))
    OPTIONAL {
        ?scheme dct:identifier ?key .
        FILTER (isLiteral(?key))
    }
}
ORDER BY ?key ?scheme
"""
_KEY = re.compile(r"[A-Za-z0-9_-]+")
_TITLE = DCT + "title"


@dataclass(frozen=True)
class Concept:
    """A concept as its scheme has it."""

    iri: str
    scheme: str
    notation: str
    labels: Labels
    all_labels: tuple[tuple[str, str], ...]
    broader: tuple[str, ...]
    deprecation: Deprecation | None = None


@dataclass(frozen=True)
class Scheme:
    """A concept scheme; the concepts by notation, current ones apart from the others."""

    iri: str
    key: str
    titles: Labels
    concepts: Mapping[str, Concept]
    deprecated: Mapping[str, Concept]

    def get(self, notation: str) -> Concept | None:
        """Return the concept of a notation, current or not."""
        return self.concepts.get(notation) or self.deprecated.get(notation)

    @cached_property
    def current(self) -> dict[str, Concept]:
        """Return the current concepts by notation and IRI; a replaced one means its successor."""
        found = {concept.iri: concept for concept in self.concepts.values()}
        for notation, concept in self.deprecated.items():
            assert concept.deprecation
            if successor := found.get(concept.deprecation.successor):
                found |= {concept.iri: successor, notation: successor}
        return found | dict(self.concepts)

    @cached_property
    def by_label(self) -> dict[tuple[str, str], list[Concept]]:
        """Return the concepts by language and folded wording: labels and other labels."""
        found: dict[tuple[str, str], list[Concept]] = {}
        for concept in (*self.concepts.values(), *self.deprecated.values()):
            meant = self.current.get(concept.iri)
            for language, wording in concept.all_labels:
                alike = found.setdefault((language, fold(wording)), [])
                if meant and meant not in alike:
                    alike.append(meant)
        return found

    def find_by_label(self, text: str, languages: Iterable[str]) -> list[Concept]:
        """Return the concepts that have a wording in one of the languages, each once."""
        listed = (self.by_label.get((tag, fold(text)), ()) for tag in languages)
        return list({concept.iri: concept for alike in listed for concept in alike}.values())

    @cached_property
    def narrower(self) -> dict[str, list[Concept]]:
        """Return the current concepts right below each one; those on top stand under "".

        Where broader ones go round, which a check finds, all of the ring stand on top.
        """
        found: dict[str, list[Concept]] = {}
        for concept in self.concepts.values():
            parents = [self.current[iri].iri for iri in concept.broader if iri in self.current]
            if parents:
                lower = set(self.descendants(concept.iri))
                parents = [iri for iri in parents if iri not in lower]
            for parent in parents or [""]:
                found.setdefault(parent, []).append(concept)
        return found

    @cached_property
    def parents(self) -> dict[str, dict[str, int]]:
        """Return the broader concepts and the successor of each concept, with the steps to each."""
        found: dict[str, dict[str, int]] = {}
        for concept in (*self.concepts.values(), *self.deprecated.values()):
            above = found.setdefault(concept.iri, dict.fromkeys(concept.broader, 1))
            if concept.deprecation and concept.deprecation.successor:
                above[concept.deprecation.successor] = concept.deprecation.steps
        return found

    @cached_property
    def max_depth(self) -> int:
        """Return the most steps that lie between a concept and one that it counts for."""
        return max((self._height(iri, ()) for iri in self.parents), default=0)

    @cached_property
    def ancestors(self) -> dict[str, tuple[str, ...]]:
        """Return the current things for which each one counts: itself, and what is above it."""
        retired = {concept.iri for concept in self.deprecated.values()}
        uppers = {*self.parents, *(iri for above in self.parents.values() for iri in above)}
        current = uppers - retired
        found: dict[str, list[str]] = {iri: [] for iri in self.parents}
        for upper in current:
            for lower in self.descendants(upper):
                found.setdefault(lower, []).append(upper)
        return {iri: tuple(uppers) for iri, uppers in found.items()}

    @cached_property
    def _children(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for iri, above in self.parents.items():
            for upper in above:
                found.setdefault(upper, []).append(iri)
        return found

    def _height(self, iri: str, below: tuple[str, ...]) -> int:
        above = self.parents.get(iri, {})
        heights = (
            steps + self._height(upper, (*below, iri))
            for upper, steps in above.items()
            if upper not in (*below, iri)
        )
        return max(heights, default=0)

    def descendants(self, iri: str) -> Iterator[str]:
        """Return a concept and all that count for it at whatever distance, each once."""
        found = {iri: None}
        waiting = [iri]
        while waiting:
            lower = self._children.get(waiting.pop(), [])
            waiting += [child for child in lower if child not in found]
            found |= dict.fromkeys(lower)
        return iter(found)

    def tree(
        self, languages: Sequence[str], above: tuple[str, ...] = ("",)
    ) -> Iterator[tuple[int, Concept]]:
        """Return the concepts from the top down with their depth, in order of their labels."""
        children = (child for child in self.narrower.get(above[-1], []) if child.iri not in above)
        for concept in sorted(children, key=lambda child: fold(pick_text(child.labels, languages))):
            yield len(above) - 1, concept
            yield from self.tree(languages, (*above, concept.iri))


@dataclass(frozen=True)
class Vocabularies:
    """The schemes of a catalogue by IRI."""

    schemes: Mapping[str, Scheme]

    @cached_property
    def schemes_by_key(self) -> dict[str, Scheme]:
        """Return the schemes by key."""
        return {scheme.key: scheme for scheme in self.schemes.values()}

    def scheme(self, iri: str) -> Scheme:
        """Return a scheme; one that nobody describes has no concepts."""
        return self.schemes.get(iri) or Scheme(iri, _last(iri), {}, {}, {})

    def options(self, field: Field) -> dict[str, Term]:
        """Return the values of a field that come from a list by short form: notation or text."""
        if field.scheme:
            concepts = self.scheme(field.scheme).concepts
            return {notation: NamedNode(concept.iri) for notation, concept in concepts.items()}
        return {as_text(option): option for option in field.options}

    @cached_property
    def concepts(self) -> dict[str, Concept]:
        """Return every concept by IRI, current or not."""
        return {
            concept.iri: concept
            for scheme in self.schemes.values()
            for concept in (*scheme.deprecated.values(), *scheme.concepts.values())
        }


def read_vocabularies(store: Store) -> Vocabularies:
    """Read the schemes out of the store."""
    lifecycle = read_lifecycle(store)
    current: dict[str, dict[str, Concept]] = {}
    retired: dict[str, dict[str, Concept]] = {}
    known: set[tuple[str, str]] = set()
    for row in store.select(_CONCEPTS):
        iri, scheme, broader = (as_text(row[name]) for name in ("concept", "scheme", "broader"))
        if (iri, scheme) in known:
            continue  # a second notation
        known.add((iri, scheme))
        alike = (retired if lifecycle.get(iri) else current).setdefault(scheme, {})
        said = as_text(row["notation"]) if "notation" in row else ""
        notation = next(name for name in (said, _last(iri), iri) if name and name not in alike)
        alike[notation] = _concept(store, lifecycle, iri, scheme, notation, broader)
    schemes: dict[str, Scheme] = {}
    for row in store.select(_SCHEMES):
        iri = as_text(row["scheme"])
        if iri in schemes:
            continue  # a second key
        key = as_text(row["key"]) if "key" in row else ""
        key = key if _KEY.fullmatch(key) else _last(iri)
        titles = store.labels(NamedNode(iri), _TITLE)
        schemes[iri] = Scheme(iri, key, titles, current.get(iri, {}), retired.get(iri, {}))
    return Vocabularies(schemes)


def _last(iri: str) -> str:
    """Return the last part of an address, which stands in for what its own file does not say."""
    return iri.rstrip("/#").rpartition("#")[2].rpartition("/")[2] or iri


def _concept(
    store: Store, lifecycle: Lifecycle, iri: str, scheme: str, notation: str, broader: str
) -> Concept:
    node = NamedNode(iri)
    return Concept(
        iri=iri,
        scheme=scheme,
        notation=notation,
        labels=store.labels(node, SKOS + "prefLabel"),
        all_labels=tuple(
            (term.language, term.value)
            for name in ("prefLabel", "altLabel", "hiddenLabel")
            for term in store.values(node, SKOS + name)
            if isinstance(term, Literal) and term.language
        ),
        broader=tuple(sorted(broader.split())),
        deprecation=lifecycle.get(iri),
    )


_LABEL = NamedNode(SKOS + "prefLabel")
_CODE = NamedNode(PG + "localeCode")
_VERSION = NamedNode(PG + "localeVersion")


def relabel(triples: Sequence[Triple], languages: Iterable[str], topic: str) -> list[Triple]:
    """Return the triples of a scheme, its concepts labelled anew from the CLDR in the languages.

    Concepts without `pg:localeCode` keep their labels. Raises CatalogueError.
    """
    codes = {triple.subject: triple.object for triple in triples if triple.predicate == _CODE}
    kept = [triple for triple in triples if not _replaced(triple, codes)]
    locales = [Locale.parse(language) for language in languages]
    labels = [
        Triple(concept, _LABEL, label)
        for concept, code in codes.items()
        if isinstance(code, Literal)
        for label in _names(code.value, locales)
    ]
    version = Triple(NamedNode(topic), _VERSION, Literal(get_cldr_version()))
    return [*kept, *labels, version] if codes else list(triples)


def _replaced(triple: Triple, codes: Iterable[object]) -> bool:
    return triple.predicate == _VERSION or (triple.predicate == _LABEL and triple.subject in codes)


def _names(code: str, locales: Iterable[Locale]) -> Iterator[Literal]:
    for locale in locales:
        name = locale.territories.get(code) or locale.languages.get(code)
        if name is None:
            raise CatalogueError(f"the CLDR has no name for {code} in {locale.language}")
        yield Literal(name, language=locale.language)
