"""The phrases of pages and messages in every language; names from the Unicode CLDR."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from babel import Locale
from babel.core import get_cldr_version
from pyoxigraph import Literal, NamedNode, Triple

from ..errors import CatalogueError
from ..rdf.namespaces import PG, RDF, RDFS, SKOS
from ..storage.base import Store
from .text import Labels, pick_text

BOOLEAN_PHRASES = {"true": "yes", "false": "no"}
"""The phrases that say what is true and what is not."""


@dataclass(frozen=True)
class Phrases:
    """Wordings by name; the name is the last part of a phrase's IRI."""

    labels: Mapping[str, Labels]

    def format(self, name: str, languages: Sequence[str], /, **words: object) -> str:
        """Return a phrase in the first of the languages that has it, its braces filled in.

        One that the shapes do not have, or with braces that nothing fills, is said as it is.
        """
        text = pick_text(self.translations(name), languages) or name
        try:
            return text.format_map(words)
        except (LookupError, ValueError, AttributeError):
            return text

    def translations(self, name: str) -> Labels:
        """Return the wordings of a phrase by language, none where the shapes lack it."""
        return self.labels.get(name, {})


def read_phrases(store: Store) -> Phrases:
    """Read the phrases out of the store."""
    nodes = store.subjects(RDF + "type", NamedNode(PG + "Phrase"))
    return Phrases({_name(node.value): store.labels(node, RDFS + "label") for node in nodes})


def _name(iri: str) -> str:
    return iri.rpartition("#")[2].removeprefix("phrase-")


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
