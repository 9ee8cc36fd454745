"""Cells of tables: where one stands, what it says, and how it is kept from becoming a formula.

Columns of tables: which there are, what they are called, and which words stand for a value.

Rows of tables: what the columns hold of a record.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from ..rdf.terms import Term, as_text
from ..schema.fields import Field, NodeShape
from ..schema.messages import BOOLEAN_PHRASES
from ..schema.records import Record, RecordReader, texts_by_language
from ..schema.text import fold, pick_text
from ..schema.value_parser import SourceLocation, ValueParser

VALUE_SEPARATOR = " | "
"""What stands between the values of one cell."""
# Programs take what begins so for a formula, but for a number; the first ones escape the others.
_FORMULA = re.compile(r"'*(?:[=@\t\r]|[+-](?!\d+(?:[.,]\d+)?$))")
_BREAK = re.compile(r"\r\n|\r|\n")
_BAR = re.compile(r"(\\*)\|")
_SHIELD = "'"


@dataclass(frozen=True)
class TableRow:
    """What the cells of a row say; a fault is the phrase that says why one cannot be read."""

    location: SourceLocation
    cells: tuple[str, ...]
    errors: Mapping[int, str] = field(default_factory=dict)

    def cell_location(self, index: int) -> SourceLocation:
        """Return where a cell stands, the first one being 0; in CSV, those before it have lines."""
        lines = (
            0 if self.location.sheet else sum(len(_BREAK.findall(t)) for t in self.cells[:index])
        )
        return replace(self.location, line=self.location.line + lines, column=index + 1)


def join_values(values: Iterable[str]) -> str:
    """Return several values as the text of one cell, with a backslash before each bar in one."""
    return VALUE_SEPARATOR.join(_BAR.sub(lambda bar: bar[1] * 2 + r"\|", value) for value in values)


def split_values(text: str) -> list[str]:
    """Return the values that the text of one cell has, without what is blank."""
    values, begin = [""], 0
    for bar in _BAR.finditer(text):
        values[-1] += text[begin : bar.start()] + bar[1][: len(bar[1]) // 2]
        begin = bar.end()
        if len(bar[1]) % 2:
            values[-1] += "|"
        else:
            values.append("")
    values[-1] += text[begin:]
    return [value.strip() for value in values if value.strip()]


def escape_formula(text: str) -> str:
    """Return a text for a cell of CSV, with a `'` before what would be taken for a formula."""
    return _SHIELD + text if _FORMULA.match(text) else text


def unescape_formula(text: str) -> str:
    """Return the text of a cell that was shielded; any other text is as it was."""
    bare = text.removeprefix(_SHIELD)
    return bare if bare != text and _FORMULA.match(bare) else text


def column_keys(kind: NodeShape, languages: Iterable[str]) -> list[str]:
    """Return the columns of a table: a field's key, for texts one a language; identifiers first."""
    listed = list(languages)
    identifiers = kind.fields_with_role("IDRole")
    others = [field for field in kind.fields if field not in identifiers]
    return [
        column
        for field in (*identifiers, *others)
        for column in ([f"{field.key}@{tag}" for tag in listed] if field.is_text else [field.key])
    ]


def table_row(reader: RecordReader, record: Record, languages: Iterable[str]) -> dict[str, str]:
    """Return a record as a row of a table: notations for concepts, ` | ` between values."""
    cells: dict[str, str] = {}
    for own, terms in record.items():
        if own.is_text:
            texts = texts_by_language(terms)
            cells |= {f"{own.key}@{tag}": texts[tag] for tag in languages if tag in texts}
        else:
            cells[own.key] = join_values(reader.code(term) for term in terms)
    return cells


def csv_row(reader: RecordReader, record: Record, languages: Iterable[str]) -> dict[str, str]:
    """Return a record as a row of CSV, in which no program finds a formula."""
    return {key: escape_formula(text) for key, text in table_row(reader, record, languages).items()}


@dataclass(frozen=True)
class Column:
    """A field in a table; a text has a column for each language."""

    field: Field
    language: str | None

    @property
    def key(self) -> str:
        """Return the name that is the same in every language, such as `title@nl`."""
        return self.field.key + (f"@{self.language}" if self.language else "")


@dataclass(frozen=True)
class TableColumns:
    """The columns that tables of one kind of record may have."""

    parser: ValueParser

    @cached_property
    def identifier(self) -> Field:
        """Return the field that says which entry a row is about."""
        return self.parser.shape.fields_with_role("IDRole")[0]

    @cached_property
    def all(self) -> tuple[Column, ...]:
        """Return the columns that can be read: the identifier first, then as the fields stand."""
        others = [field for field in self.parser.shape.fields if field != self.identifier]
        return tuple(
            Column(field, tag)
            for field in (self.identifier, *others)
            if field.predicate
            for tag in (self.parser.languages if field.is_text else (None,))
        )

    @cached_property
    def by_name(self) -> dict[str, Column]:
        """Return the columns by their names, folded: keys, and labels in every language.

        Texts are there without a language too, so that one who forgets it can be told.
        """
        known: dict[str, Column] = {}
        for own in self.parser.shape.fields:
            names = [own.key, *(wording for _, wording in own.all_names)]
            for name in names if own.predicate else ():
                known.setdefault(fold(name), Column(own, None))
                for tag in self.parser.languages if own.is_text else ():
                    known.setdefault(fold(f"{name}@{tag}"), Column(own, tag))
        return known

    @cached_property
    def keys(self) -> frozenset[str]:
        """Return the keys of all columns."""
        return frozenset(column.key for column in self.all)

    def label(self, column: Column, languages: Sequence[str]) -> str:
        """Return what a column is called; its key where another column is called so too."""
        tag = f"@{column.language}" if column.language else ""
        label = pick_text(column.field.names, languages) + tag
        return label if self.by_name.get(fold(label)) == column else column.key

    def option_texts(self, field: Field, languages: Sequence[str]) -> dict[str, str]:
        """Return what to write for each value from a list, by its short form.

        That is the label, if it is read as this value; else the short form itself.
        """
        return {
            code: self._wording(field, code, term, languages)
            for code, term in self.parser.vocabularies.options(field).items()
        }

    def _wording(self, field: Field, code: str, term: Term, languages: Sequence[str]) -> str:
        if field.is_boolean:
            return self.parser.phrases.format(BOOLEAN_PHRASES[code], languages)
        concept = self.parser.vocabularies.concepts.get(as_text(term))
        label = pick_text(concept.labels, languages) if concept else code
        if VALUE_SEPARATOR.strip() in label:
            return code
        read = self.parser.parse(SourceLocation(Path(), 0), field, label, self.parser.languages)
        return label if read == term else code


class UnknownFormatError(ValueError):
    """A file whose name ends as none of a format does."""
