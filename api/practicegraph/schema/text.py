"""Texts: labels and phrases in a reader's languages; comparison without case or accents."""

import difflib
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pyoxigraph import NamedNode

from ..rdf.namespaces import PG, RDF, RDFS
from ..storage.base import Store

Labels = Mapping[str, str]
"""Texts by language tag (BCP 47), one a language."""
BOOLEAN_PHRASES = {"true": "yes", "false": "no"}
"""The keys of the phrases for booleans."""

_ALIKE = str.maketrans({"’": "'", "‘": "'", "´": "'", "`": "'", "“": '"', "”": '"', "„": '"'})
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—−", "-"))
MAX_TEXT_LENGTH = 400
"""The maximum of characters of a client's text that are compared or cached."""
_MAX_DIGITS = 9
NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""A character that XML does not have (XML 1.0, section 2.2)."""
_LETTER_NAME = re.compile(r"LATIN SMALL (?:LETTER|LIGATURE) (?:DOTLESS )?([A-Z]{1,2})(?: WITH .*)?")


def pick_text(labels: Labels, languages: Sequence[str]) -> str:
    """Return the text in the first of the languages that has one, else any, else ""."""
    for language in languages:
        if language in labels:
            return labels[language]
    return min(labels.values(), default="")


def put_first(language: str, languages: Sequence[str]) -> tuple[str, ...]:
    """Return the languages, the preferred one first and the others in their order."""
    return (language, *(other for other in languages if other != language))


def truncate(text: str) -> str:
    """Return the part of a client's text that is compared or cached."""
    return text[:MAX_TEXT_LENGTH]


def replace_non_xml(text: str) -> str:
    """Return a text with U+FFFD for each character that XML does not have (XML 1.0, 2.2)."""
    return NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def parse_whole_number(text: str) -> int | None:
    """Return a whole number of up to nine digits, else None."""
    is_number = text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS
    return int(text) if is_number else None


def fold(text: str) -> str:
    """Return the form in which texts are compared: no case, accents or typographic variants."""
    plain = text.translate(_ALIKE).translate(_DASHES)
    return " ".join(strip_accents(plain).split())


def strip_accents(text: str) -> str:
    """Return a text in lower case without accents: σ for ς, ss for ß, o for ø, oe for œ."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(_letter(c) for c in decomposed if not unicodedata.combining(c))


def _letter(character: str) -> str:
    """Return the base letters of one that Unicode does not decompose, from its name."""
    if character.isascii():
        return character
    match = _LETTER_NAME.fullmatch(unicodedata.name(character, ""))
    return match[1].lower() if match else character


def find_similar(word: str, words: Iterable[str], count: int = 3, cutoff: float = 0.3) -> list[str]:
    """Return up to `count` similar words, the most similar first.

    The cutoff is the minimum of their similarity, from 0 to 1, which equal words have.
    """
    by_form = {fold(candidate): candidate for candidate in words}
    close = difflib.get_close_matches(fold(truncate(word)), by_form, n=count, cutoff=cutoff)
    return [by_form[form] for form in close]


@dataclass(frozen=True)
class Phrases:
    """Phrases by key, which is the last part of a phrase's IRI."""

    labels: Mapping[str, Labels]

    def format(self, name: str, languages: Sequence[str], /, **words: object) -> str:
        """Return a phrase in the first of the languages that has it, its placeholders replaced.

        An unknown key, and a phrase with an unknown placeholder, is returned as it is.
        """
        text = pick_text(self.translations(name), languages) or name
        try:
            return text.format_map(words)
        except (LookupError, ValueError, AttributeError):
            return text

    def translations(self, name: str) -> Labels:
        """Return the translations of a phrase by language; an unknown key has none."""
        return self.labels.get(name, {})


def read_phrases(store: Store) -> Phrases:
    """Read the phrases out of the store."""
    nodes = store.subjects(RDF + "type", NamedNode(PG + "Phrase"))
    return Phrases({_name(node.value): store.labels(node, RDFS + "label") for node in nodes})


def _name(iri: str) -> str:
    return iri.rpartition("#")[2].removeprefix("phrase-")
