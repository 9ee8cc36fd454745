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
"""Wordings by language tag (BCP 47), one a language."""
BOOLEAN_PHRASES = {"true": "yes", "false": "no"}
"""The phrases that say what is true and what is not."""

_ALIKE = str.maketrans({"’": "'", "‘": "'", "´": "'", "`": "'", "“": '"', "”": '"', "„": '"'})
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—−", "-"))
MAX_TEXT_LENGTH = 400
"""The maximum of characters of a client's text that are compared or cached."""
_MOST_DIGITS = 9
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NAMED = re.compile(r"LATIN SMALL (?:LETTER|LIGATURE) (?:DOTLESS )?([A-Z]{1,2})(?: WITH .*)?")


def pick_text(labels: Labels, languages: Sequence[str]) -> str:
    """Return the wording in the first of the languages that has one, else any, else nothing."""
    for language in languages:
        if language in labels:
            return labels[language]
    return min(labels.values(), default="")


def put_first(language: str, languages: Sequence[str]) -> tuple[str, ...]:
    """Return the languages, the preferred one first and the others in their order."""
    return (language, *(other for other in languages if other != language))


def truncate(text: str) -> str:
    """Return as much of a text that a reader sends as is looked at."""
    return text[:MAX_TEXT_LENGTH]


def replace_non_xml(text: str) -> str:
    """Return a text with U+FFFD for each character that XML does not have (XML 1.0, 2.2)."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def parse_whole_number(text: str) -> int | None:
    """Return the whole number from 0 on that a reader writes in up to nine digits, else None."""
    is_one = text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
    return int(text) if is_one else None


def fold(text: str) -> str:
    """Return the form in which texts are compared: no case, accents or typographic variants."""
    plain = text.translate(_ALIKE).translate(_DASHES)
    return " ".join(strip_accents(plain).split())


def strip_accents(text: str) -> str:
    """Return a text in small letters without accents: σ for ς, ss for ß, o for ø, oe for œ."""
    marked = unicodedata.normalize("NFKD", text.casefold())
    return "".join(_letter(c) for c in marked if not unicodedata.combining(c))


def _letter(character: str) -> str:
    """Return the plain letters of one that Unicode does not decompose, as its name has them."""
    if character.isascii():
        return character
    named = _NAMED.fullmatch(unicodedata.name(character, ""))
    return named[1].lower() if named else character


def find_similar(
    word: str, words: Iterable[str], count: int = 3, likeness: float = 0.3
) -> list[str]:
    """Return up to `count` of the words that look most like the word, the nearest first.

    The likeness that they need at least goes from 0 to 1, for words that are the same.
    """
    by_form = {fold(candidate): candidate for candidate in words}
    close = difflib.get_close_matches(fold(truncate(word)), by_form, n=count, cutoff=likeness)
    return [by_form[form] for form in close]


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
