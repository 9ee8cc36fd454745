"""Concept schemes, their concepts and mappings (https://www.w3.org/TR/skos-reference/).

A notation without a datatype is that of the catalogue; one with a datatype is a code of another
standard (section 6.5.1), which stands for the concept too, in upper and lower case. Concepts with
`pg:localeCode` are labelled from the Unicode CLDR.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain

from babel import Locale
from babel.core import get_cldr_version
from pyoxigraph import Literal, NamedNode, Triple

from ..errors import CatalogueError
from ..rdf.terms import DCT, PG, SKOS, Term, as_text
from ..storage.base import NodeCache, NodeReader, Store
from .fields import Field
from .lifecycle import Deprecation, Lifecycle, read_lifecycle
from .text import Labels, collation_key, fold, pick_text

_CONCEPTS = """
PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
PREFIX xsd: <http://www.w3.org/2001/XMLSchema#>
SELECT ?concept ?scheme ?notation
    (GROUP_CONCAT(DISTINCT COALESCE(STR(?above), ""); separator=" ") AS ?broader)
WHERE {
    ?concept skos:inScheme ?scheme .
    FILTER (isIRI(?concept) && isIRI(?scheme))
    OPTIONAL {
        ?concept skos:notation ?notation .
        FILTER (DATATYPE(?notation) = xsd:string)
    }
    OPTIONAL {
        ?concept skos:broader|^skos:narrower ?above .
        FILTER (isIRI(?above))
    }
}
GROUP BY ?concept ?scheme ?notation
ORDER BY ?scheme ?notation ?concept
"""
_CODES = """
PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
PREFIX xsd: <http://www.w3.org/2001/XMLSchema#>
SELECT DISTINCT ?concept (STR(?notation) AS ?code)
WHERE {
    ?concept skos:notation ?notation .
    FILTER (isIRI(?concept) && DATATYPE(?notation) != xsd:string)
}
ORDER BY ?code ?concept
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
_MAPPINGS = """
PREFIX owl: <http://www.w3.org/2002/07/owl#>
PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
SELECT DISTINCT ?concept ?relation ?target
WHERE {
    VALUES ?relation {
        skos:exactMatch skos:closeMatch skos:broadMatch skos:narrowMatch skos:relatedMatch
    }
    ?concept ?relation ?target ;
        skos:inScheme ?scheme .
    FILTER (isIRI(?concept) && isIRI(?target))
    FILTER NOT EXISTS { ?concept owl:deprecated true }
}
ORDER BY ?target ?relation ?concept
"""
_TARGET_VOCABULARIES = """
PREFIX dct: <http://purl.org/dc/terms/>
PREFIX pg: <https://w3id.org/practicegraph/ontology#>
PREFIX void: <http://rdfs.org/ns/void#>
SELECT ?vocabulary ?space
WHERE {
    ?vocabulary a pg:Vocabulary ;
        void:uriSpace ?space .
    FILTER (isIRI(?vocabulary) && isLiteral(?space))
}
ORDER BY DESC(STRLEN(STR(?space))) ?space ?vocabulary
"""
_WIDENING = (SKOS + "exactMatch", SKOS + "closeMatch", SKOS + "broadMatch")
"""The relations by which a search for the target has the entries of a concept.

What a concept matches narrowly or by relation covers less than the concept, or something else.
"""
_KEY = re.compile(r"[A-Za-z0-9_-]+")
_TITLE = DCT + "title"


@dataclass(frozen=True)
class Concept:
    """A concept of a scheme."""

    iri: str
    scheme: str
    notation: str
    labels: Labels
    all_labels: tuple[tuple[str, str], ...]
    broader: tuple[str, ...]
    deprecation: Deprecation | None = None
    codes: tuple[str, ...] = ()


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
        """Return the current concepts by notation, code and IRI, those of a replaced one too."""
        current = {code: concept for concept in self.concepts.values() for code in concept.codes}
        current |= {concept.iri: concept for concept in self.concepts.values()}
        for notation, concept in self.deprecated.items():
            assert concept.deprecation
            if successor := current.get(concept.deprecation.successor):
                current |= {concept.iri: successor, notation: successor}
        return current | dict(self.concepts)

    @cached_property
    def by_label(self) -> dict[tuple[str, str], list[Concept]]:
        """Return the current concepts by language and folded label of any kind; codes have none."""
        concepts: dict[tuple[str, str], list[Concept]] = {}
        for concept in (*self.concepts.values(), *self.deprecated.values()):
            current = self.current.get(concept.iri)
            codes = (("", code) for code in (concept.notation, *concept.codes))
            for language, label in (*concept.all_labels, *codes):
                labelled = concepts.setdefault((language, fold(label)), [])
                if current and current not in labelled:
                    labelled.append(current)
        return concepts

    def find_by_label(self, text: str, languages: Iterable[str]) -> list[Concept]:
        """Return the concepts with a label in one of the languages, else those with a code."""
        batches = (self.by_label.get((tag, fold(text)), ()) for tag in languages)
        labelled = {concept.iri: concept for batch in batches for concept in batch}
        return list(labelled.values()) or self.by_label.get(("", fold(text)), [])

    @cached_property
    def narrower(self) -> dict[str, list[Concept]]:
        """Return the current narrower concepts of each concept; top concepts have the key "".

        In a cycle of broader concepts, which a check reports, all are top concepts.
        """
        narrower: dict[str, list[Concept]] = {}
        for concept in self.concepts.values():
            parents = [self.current[iri].iri for iri in concept.broader if iri in self.current]
            if parents:
                lower = set(self.descendants(concept.iri))
                parents = [iri for iri in parents if iri not in lower]
            for parent in parents or [""]:
                narrower.setdefault(parent, []).append(concept)
        return narrower

    @cached_property
    def parents(self) -> dict[str, dict[str, int]]:
        """Return the broader concepts and the successor of each concept, with the steps to each."""
        parents: dict[str, dict[str, int]] = {}
        for concept in (*self.concepts.values(), *self.deprecated.values()):
            above = parents.setdefault(concept.iri, dict.fromkeys(concept.broader, 1))
            if concept.deprecation and concept.deprecation.successor:
                above[concept.deprecation.successor] = concept.deprecation.steps
        return parents

    @cached_property
    def max_depth(self) -> int:
        """Return the maximum number of steps between a concept and one of its ancestors."""
        return max((self._height(iri, ()) for iri in self.parents), default=0)

    @cached_property
    def ancestors(self) -> dict[str, tuple[str, ...]]:
        """Return the current concepts whose counts include each one: itself and those above it."""
        deprecated = {concept.iri for concept in self.deprecated.values()}
        parents = {iri for above in self.parents.values() for iri in above}
        ancestors: dict[str, list[str]] = {iri: [] for iri in self.parents}
        for ancestor in {*self.parents, *parents} - deprecated:
            for iri in self.descendants(ancestor):
                ancestors.setdefault(iri, []).append(ancestor)
        return {iri: tuple(above) for iri, above in ancestors.items()}

    @cached_property
    def _children(self) -> dict[str, list[str]]:
        children: dict[str, list[str]] = {}
        for iri, above in self.parents.items():
            for parent in above:
                children.setdefault(parent, []).append(iri)
        return children

    def _height(self, iri: str, below: tuple[str, ...]) -> int:
        path = (*below, iri)
        heights = (
            steps + self._height(parent, path)
            for parent, steps in self.parents.get(iri, {}).items()
            if parent not in path
        )
        return max(heights, default=0)

    def descendants(self, iri: str) -> Iterator[str]:
        """Return a concept and all that are in its counts, each once."""
        descendants = {iri: None}
        waiting = [iri]
        while waiting:
            children = self._children.get(waiting.pop(), [])
            waiting += [child for child in children if child not in descendants]
            descendants |= dict.fromkeys(children)
        return iter(descendants)

    def tree(
        self, languages: Sequence[str], above: tuple[str, ...] = ("",)
    ) -> Iterator[tuple[int, Concept]]:
        """Yield the concepts from the top down with their depth, in order of their labels."""
        children = (child for child in self.narrower.get(above[-1], []) if child.iri not in above)

        def key(concept: Concept) -> bytes:
            return collation_key(pick_text(concept.labels, languages), languages[0])

        for concept in sorted(children, key=key):
            yield len(above) - 1, concept
            yield from self.tree(languages, (*above, concept.iri))


@dataclass(frozen=True)
class ConceptMapping:
    """A mapping of a concept to one of another vocabulary, by a relation of SKOS."""

    concept: str
    relation: str
    target: str


@dataclass(frozen=True)
class TargetVocabulary:
    """A vocabulary of another publisher, with the text that the IRIs of its concepts begin with."""

    iri: str
    uri_space: str
    titles: Labels


@dataclass(frozen=True, eq=False)
class Vocabularies:
    """The schemes of a catalogue by IRI, and what their current concepts are mapped to.

    `mappings` has the IRIs of the targets as keys; of the targets, those with the longest URI space
    come first. `records` are the records to which fields refer, by class, each kind as a scheme.
    """

    schemes: Mapping[str, Scheme]
    mappings: Mapping[str, Sequence[ConceptMapping]]
    targets: Sequence[TargetVocabulary]
    records: Mapping[str, Scheme] = field(default_factory=dict)

    @cached_property
    def lists(self) -> dict[str, Scheme]:
        """Return the lists of values of fields: schemes by IRI, records by class."""
        return {**self.records, **self.schemes}

    @cached_property
    def schemes_by_key(self) -> dict[str, Scheme]:
        """Return the schemes, and the kinds of records, by key."""
        return {scheme.key: scheme for scheme in self.lists.values()}

    def scheme(self, iri: str) -> Scheme:
        """Return a scheme, or a kind of records; one without a description has no concepts."""
        return self.lists.get(iri) or Scheme(iri, last_part(iri), {}, {}, {})

    def options(self, field: Field) -> dict[str, Term]:
        """Return the values of a field that has a list of them, by notation or text."""
        if field.scheme:
            concepts = self.scheme(field.scheme).concepts
            return {notation: NamedNode(concept.iri) for notation, concept in concepts.items()}
        return field.options_by_text

    def values_by_text(self, field: Field) -> dict[str, list[Term]]:
        """Return the values of a field that has a list of them, by each text that stands for them.

        A notation, or the IRI of a concept or of one that it replaces, stands for one concept; an
        IRI of another vocabulary for those that are mapped to it as the same, nearly the same or
        narrower ones.
        """
        values = {text: [term] for text, term in self.options(field).items()}
        if not field.scheme:
            return values
        current = self.scheme(field.scheme).current
        for mapping in chain.from_iterable(self.mappings.values()):
            if mapping.relation in _WIDENING and mapping.concept in current:
                values.setdefault(mapping.target, []).append(NamedNode(mapping.concept))
        return values | {text: [NamedNode(concept.iri)] for text, concept in current.items()}

    def mappings_of(self, concept: str) -> list[ConceptMapping]:
        """Return the mappings of a concept."""
        mappings = chain.from_iterable(self.mappings.values())
        return [mapping for mapping in mappings if mapping.concept == concept]

    def mappings_to(self, iris: Iterable[str]) -> list[ConceptMapping]:
        """Return the mappings whose target is one of some IRIs."""
        return [m for iri in dict.fromkeys(iris) for m in self.mappings.get(iri, ())]

    def find_target_vocabulary(self, iri: str) -> TargetVocabulary | None:
        """Return the vocabulary of another publisher to which an IRI belongs by its beginning."""
        return next((target for target in self.targets if iri.startswith(target.uri_space)), None)

    @cached_property
    def concepts(self) -> dict[str, Concept]:
        """Return every concept, and record, by IRI, current or not."""
        return {
            concept.iri: concept
            for scheme in self.lists.values()
            for concept in (*scheme.deprecated.values(), *scheme.concepts.values())
        }


def read_vocabularies(store: Store) -> Vocabularies:
    """Read the schemes out of the store."""
    lifecycle, codes, nodes = read_lifecycle(store), _read_codes(store), NodeCache(store)
    current: dict[str, dict[str, Concept]] = {}
    deprecated: dict[str, dict[str, Concept]] = {}
    seen: set[tuple[str, str]] = set()
    for row in store.select(_CONCEPTS):
        iri, scheme, broader = (as_text(row[name]) for name in ("concept", "scheme", "broader"))
        if (iri, scheme) in seen:
            continue  # a second notation
        seen.add((iri, scheme))
        concepts = (deprecated if lifecycle.get(iri) else current).setdefault(scheme, {})
        names = (as_text(row["notation"]) if "notation" in row else "", last_part(iri), iri)
        notation = next(name for name in names if name and name not in concepts)
        concept = _concept(nodes, lifecycle, iri, scheme, notation, broader)
        concepts[notation] = replace(concept, codes=tuple(codes.get(iri, ())))
    schemes: dict[str, Scheme] = {}
    for row in store.select(_SCHEMES):
        iri = as_text(row["scheme"])
        if iri in schemes:
            continue  # a second key
        key = as_text(row["key"]) if "key" in row else ""
        key = key if _KEY.fullmatch(key) else last_part(iri)
        titles = nodes.labels(NamedNode(iri), _TITLE)
        schemes[iri] = Scheme(iri, key, titles, current.get(iri, {}), deprecated.get(iri, {}))
    return Vocabularies(schemes, _read_mappings(store), _read_target_vocabularies(store))


def _read_mappings(store: Store) -> dict[str, list[ConceptMapping]]:
    mappings: dict[str, list[ConceptMapping]] = {}
    for row in store.select(_MAPPINGS):
        concept, relation, target = (as_text(row[k]) for k in ("concept", "relation", "target"))
        mappings.setdefault(target, []).append(ConceptMapping(concept, relation, target))
    return mappings


def _read_target_vocabularies(store: Store) -> list[TargetVocabulary]:
    rows = list(store.select(_TARGET_VOCABULARIES))
    iris, spaces = ([as_text(row[name]) for row in rows] for name in ("vocabulary", "space"))
    titles = (store.labels(NamedNode(iri), _TITLE) for iri in iris)
    return list(map(TargetVocabulary, iris, spaces, titles))


def _read_codes(store: Store) -> dict[str, list[str]]:
    codes: dict[str, list[str]] = {}
    for row in store.select(_CODES):
        codes.setdefault(as_text(row["concept"]), []).append(as_text(row["code"]))
    return codes


def last_part(iri: str) -> str:
    """Return the last part of an IRI, which is its notation or key by default."""
    return iri.rstrip("/#").rpartition("#")[2].rpartition("/")[2] or iri


def _concept(
    store: NodeReader, lifecycle: Lifecycle, iri: str, scheme: str, notation: str, broader: str
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
    """Return the triples of a scheme with the labels of the CLDR in the languages.

    Concepts without `pg:localeCode` keep their labels. Raises CatalogueError.
    """
    codes = {triple.subject: triple.object for triple in triples if triple.predicate == _CODE}
    others = [triple for triple in triples if not _is_replaced(triple, codes)]
    locales = [Locale.parse(language) for language in languages]
    labels = [
        Triple(concept, _LABEL, label)
        for concept, code in codes.items()
        if isinstance(code, Literal)
        for label in _names(code.value, locales)
    ]
    version = Triple(NamedNode(topic), _VERSION, Literal(get_cldr_version()))
    return [*others, *labels, version] if codes else list(triples)


def _is_replaced(triple: Triple, codes: Iterable[object]) -> bool:
    return triple.predicate == _VERSION or (triple.predicate == _LABEL and triple.subject in codes)


def _names(code: str, locales: Iterable[Locale]) -> Iterator[Literal]:
    for locale in locales:
        name = locale.territories.get(code) or locale.languages.get(code)
        if name is None:
            raise CatalogueError(f"the CLDR has no name for {code} in {locale.language}")
        yield Literal(name, language=locale.language)
