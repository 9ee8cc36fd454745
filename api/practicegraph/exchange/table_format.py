"""The columns, rows and cells of tables of entries, in CSV and XLSX alike."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from pyoxigraph import Literal

from ..rdf.terms import Term, as_text
from ..schema.fields import Field, NodeShape
from ..schema.records import Record, RecordReader
from ..schema.text import BOOLEAN_PHRASES, fold, pick_text
from ..schema.value_parser import NO_LOCATION, SourceLocation, ValueParser

VALUE_SEPARATOR = " | "
"""The separator of the values of one cell."""
# Spreadsheet programs take what begins so, and is no number, for a formula; a leading ' escapes it.
_FORMULA = re.compile(r"'*(?:[=@\t\r]|[+-](?!\d+(?:[.,]\d+)?$))")
_BREAK = re.compile(r"\r\n|\r|\n")
_BAR = re.compile(r"(\\*)\|")
_ESCAPE = "'"


@dataclass(frozen=True)
class TableRow:
    """The texts of a row's cells, and by index the phrases of those that cannot be read."""

    location: SourceLocation
    cells: tuple[str, ...]
    errors: Mapping[int, str] = field(default_factory=dict)

    def cell_location(self, index: int) -> SourceLocation:
        """Return the location of a cell by its index; cells of CSV may have several lines."""
        lines = (
            0 if self.location.sheet else sum(len(_BREAK.findall(t)) for t in self.cells[:index])
        )
        return replace(self.location, line=self.location.line + lines, column=index + 1)


def join_values(values: Iterable[str]) -> str:
    """Return several values as the text of a cell; a backslash escapes a bar in a value."""
    return VALUE_SEPARATOR.join(_BAR.sub(lambda bar: bar[1] * 2 + r"\|", value) for value in values)


def split_values(text: str) -> list[str]:
    """Return the values of a cell's text, without blank ones."""
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
    """Return a text for a cell of CSV, with a `'` before what looks like a formula."""
    return _ESCAPE + text if _FORMULA.match(text) else text


def unescape_formula(text: str) -> str:
    """Return the text of a cell without the `'` that escapes a formula."""
    bare = text.removeprefix(_ESCAPE)
    return bare if bare != text and _FORMULA.match(bare) else text


def column_keys(kind: NodeShape, languages: Iterable[str]) -> list[str]:
    """Return the columns of a table: a field's key, for texts one a language; identifiers first."""
    tags = list(languages)
    identifiers = kind.fields_with_role("IDRole")
    others = [field for field in kind.fields if field not in identifiers]
    return [
        column
        for field in (*identifiers, *others)
        for column in ([f"{field.key}@{tag}" for tag in tags] if field.is_text else [field.key])
    ]


def table_row(reader: RecordReader, record: Record, languages: Iterable[str]) -> dict[str, str]:
    """Return a record as a row of a table: notations for concepts, ` | ` between values."""
    cells: dict[str, str] = {}
    for own, terms in record.items():
        if own.is_text:
            for tag in languages:
                texts = [t.value for t in terms if isinstance(t, Literal) and t.language == tag]
                if texts:
                    text = join_values(texts) if own.is_list else texts[-1]
                    cells[f"{own.key}@{tag}"] = text
        else:
            cells[own.key] = join_values(reader.code(term) for term in terms)
    return cells


def csv_row(reader: RecordReader, record: Record, languages: Iterable[str]) -> dict[str, str]:
    """Return a record as a row of CSV, without cells that look like formulas."""
    return {key: escape_formula(text) for key, text in table_row(reader, record, languages).items()}


@dataclass(frozen=True)
class Column:
    """A field in a table; a field of texts has a column for each language."""

    field: Field
    language: str | None

    @property
    def key(self) -> str:
        """Return the name in all languages, such as `title@nl`."""
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
            if field.predicate or field.via
            for tag in (self.parser.languages if field.is_text else (None,))
        )

    @cached_property
    def by_name(self) -> dict[str, Column]:
        """Return the columns by their folded names."""
        columns: dict[str, Column] = {}
        for name, column in self.names.items():
            columns.setdefault(fold(name), column)
        return columns

    @cached_property
    def names(self) -> dict[str, Column]:
        """Return the columns by their names: keys, and labels in every language.

        Fields of texts are also listed without a language, for an error that names it.
        """
        columns: dict[str, Column] = {}
        for own in self.parser.shape.fields:
            names = [own.key, *(wording for _, wording in own.all_names)]
            for name in names if own.predicate or own.via else ():
                columns.setdefault(name, Column(own, None))
                for tag in self.parser.languages if own.is_text else ():
                    columns.setdefault(f"{name}@{tag}", Column(own, tag))
        return columns

    @cached_property
    def keys(self) -> frozenset[str]:
        """Return the keys of all columns."""
        return frozenset(column.key for column in self.all)

    def label(self, column: Column, languages: Sequence[str]) -> str:
        """Return the label of a column, or its key where another column has that label."""
        tag = f"@{column.language}" if column.language else ""
        label = pick_text(column.field.names, languages) + tag
        return label if self.by_name.get(fold(label)) == column else column.key

    def option_texts(self, field: Field, languages: Sequence[str]) -> dict[str, str]:
        """Return a text for each option by code: a label that is parsed as it, or the code."""
        return {
            code: self._option_text(field, code, term, languages)
            for code, term in self.parser.vocabularies.options(field).items()
        }

    def _option_text(self, field: Field, code: str, term: Term, languages: Sequence[str]) -> str:
        if field.is_boolean:
            return self.parser.phrases.format(BOOLEAN_PHRASES[code], languages)
        concept = self.parser.vocabularies.concepts.get(as_text(term))
        label = pick_text(concept.labels, languages) if concept else code
        if VALUE_SEPARATOR.strip() in label:
            return code
        value = self.parser.parse(NO_LOCATION, field, label, self.parser.languages)
        return label if value == term else code
