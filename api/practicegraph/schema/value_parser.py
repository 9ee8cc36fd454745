"""Parse text into values of fields by the labels of shapes and vocabularies, or into problems."""

import codecs
import dataclasses
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pyoxigraph import Literal, NamedNode

from ..errors import CatalogueError
from ..rdf.terms import RDF, XSD, Term
from .fields import Field, NodeShape, Shapes
from .text import Phrases, find_similar, fold, pick_text
from .vocabularies import Vocabularies

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True)
class SourceLocation:
    """A position in a file: a line, a cell of a row, or a cell of a sheet."""

    path: Path
    line: int
    column: int = 0
    sheet: str = ""

    def __str__(self) -> str:
        """Return `page.txt:12`, `table.csv:7:3` (the third cell) or `book.xlsx: Entries!C7`."""
        if self.sheet:
            return f"{self.path}: {self.sheet}!{column_letters(self.column or 1)}{self.line}"
        return ":".join(map(str, [self.path, self.line, *([self.column] if self.column else [])]))


NO_LOCATION = SourceLocation(Path(), 0)
"""The location of values that are not from a file."""


def column_letters(column: int) -> str:
    """Return the letters of a column in spreadsheets: A is the first, AA the twenty-seventh."""
    before, last = divmod(column - 1, 26)
    return (column_letters(before) if before else "") + chr(ord("A") + last)


URL_PATTERN = re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?)\]]")
_URL = re.compile(r"https?://[^\s<>\"{}|\\^`]+")
_PATTERNS = (
    (XSD + "gYear", re.compile(r"\d{4}")),
    (XSD + "gYearMonth", re.compile(r"\d{4}-(0[1-9]|1[0-2])")),
    (XSD + "date", re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")),
    (XSD + "boolean", re.compile(r"true|false")),
    (XSD + "integer", re.compile(r"[+-]?\d+")),
    (XSD + "decimal", re.compile(r"[+-]?\d+(\.\d+)?")),
    (XSD + "double", re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")),
    (XSD + "string", re.compile(r".+", re.DOTALL)),
    (RDF + "langString", re.compile(r".+", re.DOTALL)),
)
_BOOLEAN_PHRASES = {"true": ("yes", "cellTrue"), "false": ("no", "cellFalse")}


@dataclass(frozen=True)
class ParseProblem:
    """The reason why a value cannot be parsed, with its location, field and text."""

    location: SourceLocation
    field: str
    value: str
    reason: str

    def __str__(self) -> str:
        """Return the problem on one line."""
        parts = [str(self.location), self.field, self.value and f"“{self.value}”"]
        return ": ".join([*(part for part in parts if part), self.reason])


class ImportFailedError(CatalogueError):
    """An import that failed, with all its problems."""

    def __init__(self, problems: Sequence[ParseProblem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


@dataclass(frozen=True)
class FieldValues:
    """The values of a field in an import, for texts those of one language, and their location."""

    field: Field
    language: str | None
    terms: tuple[Term, ...]
    location: SourceLocation | None = dataclasses.field(default=None, compare=False)


@dataclass(frozen=True)
class Draft:
    """The values of an entry in an import, and their source.

    `used` is the IRI of what was read: the address of a page, or a table by its hash (RFC 6920).
    """

    identifier: str
    values: tuple[FieldValues, ...]
    source: str
    is_page: bool
    checksum: str
    part: str


@dataclass(frozen=True)
class ValueParser:
    """Parses values of the fields of entries."""

    shapes: Shapes
    vocabularies: Vocabularies
    phrases: Phrases

    @property
    def shape(self) -> NodeShape:
        """Return the shape of the entries."""
        return self.shapes.entry_shape

    @property
    def languages(self) -> tuple[str, ...]:
        """Return the languages of labels."""
        return self.shapes.languages

    def decode(self, path: Path, content: bytes) -> str:
        """Return the text of a file in UTF-8, or in UTF-16 with a byte order mark.

        Raises ImportFailedError with the line where it is not.
        """
        end = 0
        try:
            text = content.decode("utf-16" if content.startswith(_UTF_16) else "utf-8-sig")
            if "\0" not in text[:2]:  # as of UTF-32, whose mark begins with that of UTF-16
                return text
        except UnicodeDecodeError as error:
            end = error.start
        line = content[:end].count(b"\n") + 1
        raise self.error_at(SourceLocation(path, line), "invalidText")

    def make_problem(
        self,
        location: SourceLocation,
        field: Field | None,
        value: str,
        phrase: str,
        /,
        **words: object,
    ) -> ParseProblem:
        """Return a problem with its reason as a phrase."""
        name = self.field_name(field) if field else ""
        return ParseProblem(location, name, value, self.format_phrase(phrase, **words))

    def file_error(self, path: Path, phrase: str, /, **words: object) -> ImportFailedError:
        """Return the error of a file as a whole."""
        return self.error_at(SourceLocation(path, 1), phrase, **words)

    def error_at(
        self, location: SourceLocation, phrase: str, /, **words: object
    ) -> ImportFailedError:
        """Return the error of a location in a file."""
        return ImportFailedError([self.make_problem(location, None, "", phrase, **words)])

    def field_name(self, field: Field) -> str:
        """Return the name of a field in the first language."""
        return pick_text(field.names, self.shapes.languages)

    def format_phrase(self, name: str, /, **words: object) -> str:
        """Return a phrase in the first language."""
        return self.phrases.format(name, self.shapes.languages, **words)

    def parse(
        self, location: SourceLocation, field: Field, text: str, languages: Iterable[str]
    ) -> Term | ParseProblem:
        """Return the value of a field that a text stands for, by labels in the languages."""
        if field.scheme:
            return self._concept(location, field, text, languages)
        if field.options:
            return self._option(location, field, text)
        if field.pattern and not re.search(field.pattern, text):
            return self._invalid(location, field, text)
        if not field.datatypes:
            return _parse_url(text) or self._invalid(location, field, text)
        for datatype, pattern in _PATTERNS:
            if datatype in field.datatypes and pattern.fullmatch(text):
                return Literal(text, datatype=NamedNode(datatype))
        return self._invalid(location, field, text)

    def _option(self, location: SourceLocation, field: Field, text: str) -> Term | ParseProblem:
        valid = self.vocabularies.options(field)
        if option := valid.get(text):
            return option
        if field.is_boolean and (option := valid.get(self._booleans.get(fold(text), ""))):
            return option
        return self.make_problem(location, field, text, "unknownLabel", nearest=", ".join(valid))

    @cached_property
    def _booleans(self) -> dict[str, str]:
        """Return the booleans by their words in every language, those of spreadsheets too."""
        return {
            fold(word): boolean
            for boolean, keys in _BOOLEAN_PHRASES.items()
            for key in keys
            for word in self.phrases.translations(key).values()
        }

    def _invalid(self, location: SourceLocation, field: Field, text: str) -> ParseProblem:
        types = ", ".join(name.rpartition("#")[2] for name in field.datatypes) or "IRI"
        hint = pick_text(field.hints, self.shapes.languages)
        return self.make_problem(location, field, text, "invalidDatatype", type=types, hint=hint)

    def _concept(
        self, location: SourceLocation, field: Field, text: str, languages: Iterable[str]
    ) -> Term | ParseProblem:
        assert field.scheme
        scheme = self.vocabularies.scheme(field.scheme)
        if concept := scheme.current.get(text):
            return NamedNode(concept.iri)
        tags = tuple(languages)
        concepts = scheme.find_by_label(text, tags)
        if len(concepts) == 1:
            return NamedNode(concepts[0].iri)
        if concepts:
            several = ", ".join(concept.notation for concept in concepts)
            return self.make_problem(location, field, text, "ambiguousLabel", several=several)
        valid = [
            label for c in scheme.concepts.values() for tag, label in c.all_labels if tag in tags
        ]
        similar = ", ".join(find_similar(text, [*valid, *scheme.concepts]))
        return self.make_problem(location, field, text, "unknownLabel", nearest=similar or "–")


def _parse_url(text: str) -> NamedNode | None:
    """Return a text that is a URL as a whole as an IRI, else None."""
    try:
        return NamedNode(text) if _URL.fullmatch(text) else None
    except ValueError:
        return None


def compute_checksum(content: bytes) -> str:
    """Return the SHA-256 in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


_MAX_SHOWN = 30


class InvalidParameterError(CatalogueError):
    """A parameter, or a value of one, that does not exist; `valid` is what does, nearest first."""

    def __init__(self, parameter: str, value: str | None, valid: Sequence[str]) -> None:
        text = parameter if value is None else f"{parameter}={value}"
        super().__init__(
            f"{text}: unknown. Valid values: {', '.join(valid)}",
            kind={None: "unknownParameter", "": "missingValue"}.get(value, "unknownValue"),
            hint="validValues" if len(valid) <= _MAX_SHOWN else "nearestValidValues",
            parameter=parameter,
            value=value,
            valid=", ".join(valid[:_MAX_SHOWN]),
            count=len(valid),
        )
        self.parameter, self.value, self.valid = parameter, value, valid
