"""Parse text into values of fields by the labels of shapes and vocabularies, or into problems."""

import dataclasses
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pyoxigraph import Literal, NamedNode

from ..errors import CatalogueError
from ..rdf.namespaces import RDF, XSD
from ..rdf.terms import Term
from .fields import Field, NodeShape, Shapes
from .text import Phrases, find_similar, fold, pick_text
from .vocabularies import Vocabularies

_LETTERS = 26


@dataclass(frozen=True)
class SourceLocation:
    """Where something stands: in a line of a file, a cell of a row, or a cell of a sheet."""

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
"""Of values that do not come from a file."""


def column_letters(column: int) -> str:
    """Return what spreadsheet programs call a column: A is the first, AA the twenty-seventh."""
    before, last = divmod(column - 1, _LETTERS)
    return (column_letters(before) if before else "") + chr(ord("A") + last)


URL_PATTERN = re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?)\]]")
_WHOLE = re.compile(r"https?://[^\s<>\"{}|\\^`]+")
_FORMS = (
    (XSD + "gYear", re.compile(r"\d{4}")),
    (XSD + "gYearMonth", re.compile(r"\d{4}-(0[1-9]|1[0-2])")),
    (XSD + "date", re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")),
    (XSD + "boolean", re.compile(r"true|false")),
    (XSD + "integer", re.compile(r"[+-]?\d+")),
    (XSD + "string", re.compile(r".+", re.DOTALL)),
    (RDF + "langString", re.compile(r".+", re.DOTALL)),
)
_TRUTHS = {"true": ("yes", "cellTrue"), "false": ("no", "cellFalse")}


@dataclass(frozen=True)
class ParseProblem:
    """Why something cannot be read: where it stands, what it says, what would be right."""

    location: SourceLocation
    field: str
    value: str
    reason: str

    def __str__(self) -> str:
        """Return the problem on one line."""
        parts = [str(self.location), self.field, self.value and f"“{self.value}”"]
        return ": ".join([*(part for part in parts if part), self.reason])


class ImportFailedError(CatalogueError):
    """An import of which nothing is written, with all its problems."""

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
    """Reads values for the fields of one kind of record."""

    shapes: Shapes
    vocabularies: Vocabularies
    phrases: Phrases

    @property
    def shape(self) -> NodeShape:
        """Return the kind of record that is read."""
        return self.shapes.entry_shape

    @property
    def languages(self) -> tuple[str, ...]:
        """Return the languages in which labels are known."""
        return self.shapes.languages

    def decode(self, path: Path, content: bytes) -> str:
        """Return the text of a file in UTF-8; raises RefusedError with the line where it is not."""
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content[: error.start].count(b"\n") + 1
            raise ImportFailedError(
                [self.make_problem(SourceLocation(path, line), None, "", "invalidText")]
            ) from error

    def make_problem(
        self,
        place: SourceLocation,
        field: Field | None,
        value: str,
        phrase: str,
        /,
        **words: object,
    ) -> ParseProblem:
        """Return a problem in words."""
        name = self.field_name(field) if field else ""
        return ParseProblem(place, name, value, self.format_phrase(phrase, **words))

    def file_error(self, path: Path, phrase: str, /, **words: object) -> ImportFailedError:
        """Return the error that a file cannot be read at all."""
        return self.error_at(SourceLocation(path, 1), phrase, **words)

    def error_at(self, place: SourceLocation, phrase: str, /, **words: object) -> ImportFailedError:
        """Return the error that a file cannot be read on from a place."""
        return ImportFailedError([self.make_problem(place, None, "", phrase, **words)])

    def field_name(self, field: Field) -> str:
        """Return what the field is called."""
        return pick_text(field.names, self.shapes.languages)

    def format_phrase(self, name: str, /, **words: object) -> str:
        """Return a phrase in the first language."""
        return self.phrases.format(name, self.shapes.languages, **words)

    def parse(
        self, place: SourceLocation, field: Field, text: str, languages: Iterable[str]
    ) -> Term | ParseProblem:
        """Return the value that the words mean for the field, by labels in the languages."""
        if field.scheme:
            return self._concept(place, field, text, languages)
        if field.options:
            return self._option(place, field, text)
        if field.pattern and not re.search(field.pattern, text):
            return self._bad(place, field, text)
        if not field.datatypes:
            return _address(text) or self._bad(place, field, text)
        for datatype, form in _FORMS:
            if datatype in field.datatypes and form.fullmatch(text):
                return Literal(text, datatype=NamedNode(datatype))
        return self._bad(place, field, text)

    def _option(self, place: SourceLocation, field: Field, text: str) -> Term | ParseProblem:
        valid = self.vocabularies.options(field)
        if found := valid.get(text):
            return found
        if field.is_boolean and (meant := valid.get(self._truths.get(fold(text), ""))):
            return meant
        return self.make_problem(place, field, text, "unknownLabel", nearest=", ".join(valid))

    @cached_property
    def _truths(self) -> dict[str, str]:
        """Return what is meant by yes and no, and by how spreadsheet programs write them."""
        return {
            fold(wording): meant
            for meant, names in _TRUTHS.items()
            for name in names
            for wording in self.phrases.translations(name).values()
        }

    def _bad(self, place: SourceLocation, field: Field, text: str) -> ParseProblem:
        types = ", ".join(name.rpartition("#")[2] for name in field.datatypes) or "IRI"
        hint = pick_text(field.hints, self.shapes.languages)
        return self.make_problem(place, field, text, "invalidDatatype", type=types, hint=hint)

    def _concept(
        self, place: SourceLocation, field: Field, text: str, languages: Iterable[str]
    ) -> Term | ParseProblem:
        assert field.scheme
        scheme = self.vocabularies.scheme(field.scheme)
        if meant := scheme.current.get(text):
            return NamedNode(meant.iri)
        tags = tuple(languages)
        found = scheme.find_by_label(text, tags)
        if len(found) > 1:
            several = ", ".join(concept.notation for concept in found)
            return self.make_problem(place, field, text, "ambiguousLabel", several=several)
        if not found:
            concepts = scheme.concepts.values()
            known = [w for concept in concepts for tag, w in concept.all_labels if tag in tags]
            known += scheme.concepts
            near = ", ".join(find_similar(text, known))
            return self.make_problem(place, field, text, "unknownLabel", nearest=near or "–")
        return NamedNode(found[0].iri)


def _address(text: str) -> NamedNode | None:
    """Return the IRI that a text is, whole: it may end as none in the midst of words does."""
    try:
        return NamedNode(text) if _WHOLE.fullmatch(text) else None
    except ValueError:
        return None


def compute_checksum(content: bytes) -> str:
    """Return the SHA-256 in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


_MAX_SHOWN = 30


class InvalidParameterError(CatalogueError):
    """A parameter, or a value of one, that does not exist; `valid` is what does, nearest first."""

    def __init__(self, parameter: str, value: str | None, valid: Sequence[str]) -> None:
        found = parameter if value is None else f"{parameter}={value}"
        super().__init__(
            f"{found}: unknown. Valid values: {', '.join(valid)}",
            kind={None: "unknownParameter", "": "missingValue"}.get(value, "unknownValue"),
            hint="validValues" if len(valid) <= _MAX_SHOWN else "nearestValidValues",
            parameter=parameter,
            value=value,
            valid=", ".join(valid[:_MAX_SHOWN]),
            count=len(valid),
        )
        self.parameter, self.value, self.valid = parameter, value, valid
