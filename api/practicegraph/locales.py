"""The names that the Unicode CLDR gives to countries and languages, as labels of concepts."""

from collections.abc import Iterable, Iterator, Sequence

from babel import Locale
from babel.core import get_cldr_version
from pyoxigraph import Literal, NamedNode, Triple

from .shapes import PG, SKOS

_LABEL = NamedNode(SKOS + "prefLabel")
_CODE = NamedNode(PG + "localeCode")
_VERSION = NamedNode(PG + "localeVersion")


class UnknownCodeError(ValueError):
    """A code for which the CLDR has no name in one of the languages."""


def labelled(triples: Sequence[Triple], languages: Iterable[str], topic: str) -> list[Triple]:
    """Give the triples of a scheme, its concepts labelled anew from the CLDR in the languages.

    Concepts without `pg:localeCode` keep their labels. Raises UnknownCodeError.
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
            raise UnknownCodeError(f"the CLDR has no name for {code} in {locale.language}")
        yield Literal(name, language=locale.language)
