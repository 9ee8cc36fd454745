"""Texts: labels and phrases in a reader's languages, order, encoding, likeness without accents."""

import difflib
import os
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import pyuca
from pyoxigraph import NamedNode
from pyuca import Collator

from ..rdf.terms import PG, RDF, RDFS
from ..storage.base import NodeReader

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
_USUAL = re.compile("[\\x00-\u017f\u0370-\u03ff\u2010-\u20bf]*")
_MISREAD_AS = {
    "Windows-1252": re.compile(".*", re.DOTALL),
    "Windows-1253": _USUAL,
    "Macintosh": _USUAL,
}
"""The encodings in which programs read tables, and what a text that was misread may consist of."""
_LEADS, _TRAILS = bytes(range(0xC2, 0xF5)), bytes(range(0x80, 0xC0))
_SEVERAL_BYTES = {
    name: re.compile(
        f"[{re.escape(_LEADS.decode(name, 'ignore'))}]"
        f"[\x80-\x9f{re.escape(_TRAILS.decode(name, 'ignore'))}]"
    )
    for name in _MISREAD_AS
}
"""The first two bytes of a character in UTF-8, as each encoding reads them."""
_LETTER_NAME = re.compile(r"LATIN SMALL (?:LETTER|LIGATURE) (?:DOTLESS )?([A-Z]{1,2})(?: WITH .*)?")

_GREEK = [chr(c) for c in range(0x370, 0x400) if unicodedata.name(chr(c), "")[:6] == "GREEK "]
_TAILORINGS = {
    "es": ("n", ["ñ", "Ñ"]),
    "el": ("9", [c for c in _GREEK if c.isalpha() and unicodedata.is_normalized("NFD", c)]),
}
"""The rules of the CLDR for languages that sort letters elsewhere: behind which character.

`&N<ñ<<<Ñ` in Spanish; in Greek `[reorder Grek]`, by which Greek letters stand between the digits
and the Latin letters. The CLDR has no rules for the other languages of the catalogue.
"""
_LINE = re.compile(r"^([0-9A-F][0-9A-F ]+?) *; *(\S+)", re.M)
_ELEMENT = re.compile(r"\[[.*](\w+)\.(\w+)\.(\w+)")
_RANGE = re.compile(r"^@implicitweights (\w+)\.\.(\w+); (\w+)", re.M)
_MAX_JOINED = 3
"""The table of a collator: characters, at most so many in a row, and their collation elements."""
_AFTER_ALL = 0xFFFF
"""A weight above all others: a character and this one are sorted behind all with the character."""


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


def collation_key(text: str, language: str) -> bytes:
    """Return the key by which a text is sorted for readers of a language.

    It has the three levels of the Unicode Collation Algorithm (UTS #10): letters, accents, case.
    Punctuation and spaces count, as in the root collation of the CLDR.
    """
    return _collation_key(truncate(text), language if language in _TAILORINGS else "")


@lru_cache(10_000)
def _collation_key(text: str, tailoring: str) -> bytes:
    decomposed = unicodedata.normalize("NFD", text)
    if tailoring and not _tailored_letters(tailoring).search(decomposed):
        return _collation_key(text, "")
    if text.isascii():  # takes a third of the time
        primaries, tertiaries = _ascii_weights()
        codes = text.encode()
        primary = b"".join(map(primaries.__getitem__, codes))
        return b"\0\0".join((primary, b"".join(map(tertiaries.__getitem__, codes)).rstrip(b"\2")))
    space = _levels(" ", tailoring)
    words = [_levels(word, tailoring) for word in decomposed.split(" ")]
    primary, secondary, tertiary = (
        between.join(parts) for between, *parts in zip(space, *words, strict=True)
    )
    # The least weights at the end of a level make no difference.
    return b"\0".join((primary, secondary.rstrip(b"\1"), tertiary.rstrip(b"\2")))


@lru_cache(1 << 16)
def _levels(word: str, tailoring: str) -> tuple[bytes, bytes, bytes]:
    """Return the weights of a decomposed word at each level, none of them with a byte 0 first.

    Where no characters are sorted as one, they are those of each character, which takes a tenth.
    """
    if len(word) > 1 and _joined_characters(tailoring).isdisjoint(word):
        parts = zip(*(_levels(character, tailoring) for character in word), strict=True)
        one, two, three = map(b"".join, parts)
        return one, two, three
    primary, secondary, tertiary = bytearray(), bytearray(), bytearray()
    for weights in _collator(tailoring).collation_elements(word):
        if weights[0]:
            primary += weights[0].to_bytes(2)
        if weights[1]:
            secondary.append(weights[1] - 0x1F)  # 0x20 to 0x115
        if weights[2]:
            tertiary.append(weights[2])
    return bytes(primary), bytes(secondary), bytes(tertiary)


@cache
def _ascii_weights() -> tuple[list[bytes], list[bytes]]:
    """Return the primary and the tertiary weights of ASCII, which has no accents."""
    primaries, _, tertiaries = zip(*(_levels(chr(code), "") for code in range(128)), strict=True)
    return list(primaries), list(tertiaries)


@dataclass(frozen=True)
class _CollationTable:
    """The table of a collator, whose lines are parsed when they are needed, and tailored letters.

    Both are by code points in hexadecimal digits. To parse all lines takes half a second.
    """

    lines: Mapping[str, str]
    letters: Mapping[str, list[list[int]]]

    def find_prefix(self, codes: list[int]) -> tuple[list[int], list[list[int]] | None, list[int]]:
        """Return the most of the characters that have collation elements, these, and the rest."""
        names = [f"{code:04X}" for code in codes[:_MAX_JOINED]]
        for end in range(len(names), 0, -1):
            name = " ".join(names[:end])
            if name in self.letters:
                return codes[:end], self.letters[name], codes[end:]
            if name in self.lines:
                elements = _ELEMENT.findall(self.lines[name])
                return codes[:end], [[int(w, 16) for w in each] for each in elements], codes[end:]
        return [], None, codes[:]


@cache
def _collator(tailoring: str) -> Collator:
    """Return the default collator, or one with the letters of a language; they share the rest."""
    if not tailoring:
        collator = Collator(os.devnull)
        text = Path(pyuca.__file__).with_name(f"allkeys-{collator.UCA_VERSION}.txt").read_text()
        collator.table = _CollationTable(dict(_LINE.findall(text)), {})
        collator.implicit_weights = [[int(n, 16) for n in each] for each in _RANGE.findall(text)]
        return collator
    default = _collator("")
    collator, (before, letters) = copy(default), _TAILORINGS[tailoring]
    ((primary, *_),) = default.collation_elements(before)
    tailored = {}
    for letter in letters:
        codes = [ord(character) for character in unicodedata.normalize("NFD", letter)]
        (own, *levels), *_ = default.table.find_prefix(codes[:1])[1]
        name = " ".join(f"{code:04X}" for code in codes)
        tailored[name] = [[primary, *levels], [_AFTER_ALL, 0, 0], [own, 0, 0]]
    collator.table = _CollationTable(default.table.lines, tailored)
    return collator


@cache
def _joined_characters(tailoring: str) -> frozenset[str]:
    """Return the characters that can be sorted as one with those before them."""
    table = _collator(tailoring).table
    joined = (name.split()[1:] for name in (*table.lines, *table.letters) if " " in name)
    return frozenset(chr(int(code, 16)) for codes in joined for code in codes)


@cache
def _tailored_letters(tailoring: str) -> re.Pattern[str]:
    _, letters = _TAILORINGS[tailoring]
    return re.compile(unicodedata.normalize("NFD", "|".join(letters)))


def decode_misread(text: str) -> tuple[str, str]:
    """Return the text whose UTF-8 was read in another encoding, and that encoding, or the text.

    It may have been misread more than once. Windows-1252 has characters for most bytes, so that
    what it reads as UTF-8 was it; in others, words of their own languages could be.
    """
    for encoding, is_possible in _MISREAD_AS.items():
        intended, before = text, ""
        while intended != before:
            before, intended = intended, _decode_once(intended, encoding)
        if intended != text and is_possible.fullmatch(intended):
            return intended, encoding
    return text, ""


def _decode_once(text: str, encoding: str) -> str:
    if not _SEVERAL_BYTES[encoding].search(text):
        return text
    try:
        intended = b"".join(_to_bytes(character, encoding) for character in text).decode()
    except UnicodeDecodeError:
        return text
    return intended if len(intended) < len(text) else text


@lru_cache(1 << 14)
def _to_bytes(character: str, encoding: str) -> bytes:
    """Return the byte of a character in an encoding, of control characters theirs, else UTF-8."""
    for name in (encoding, "latin-1"):
        with suppress(UnicodeEncodeError):
            return character.encode(name)
    return character.encode()


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


def read_phrases(store: NodeReader) -> Phrases:
    """Read the phrases out of the store."""
    nodes = store.subjects(RDF + "type", NamedNode(PG + "Phrase"))
    return Phrases({_name(node.value): store.labels(node, RDFS + "label") for node in nodes})


def _name(iri: str) -> str:
    return iri.rpartition("#")[2].removeprefix("phrase-")
