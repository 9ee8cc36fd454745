"""XLSX workbooks (ECMA-376) of entries, with explanations and options, and empty tables.

Every cell is a text, so that none becomes a formula. An import finds the columns by the keys in the
hidden second row, so that the labels may be in any language.
"""

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest
from pathlib import Path
from typing import Any, BinaryIO

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import quote_sheetname
from openpyxl.worksheet.datavalidation import DataValidation

from ..catalogue.catalogue import Catalogue
from ..errors import CatalogueError
from ..schema.catalog_records import is_generated
from ..schema.fields import Field
from ..schema.records import Record, RecordReader
from ..schema.text import collation_key, pick_text
from ..schema.value_parser import column_letters
from .table_format import VALUE_SEPARATOR, Column, TableColumns, join_values, table_row

_LAST = 1_048_576
_MAX_CHARACTERS = 32_767
_MAX_OPTIONS = 30
"""The maximum number of options in the explanation of a column."""
_MAX_PROMPT = 255
_TEXT = "@"
_PROPERTIES = "docProps/core.xml"
_ESCAPE = re.compile("_(?=x[0-9A-Fa-f]{4}_)")
"""Texts that stand for themselves only if they are escaped."""
_TIME = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_WIDE, _MIDDLE, _NARROW = 44, 28, 16
_BOLD = Font(bold=True)
_REQUIRED = PatternFill("solid", fgColor="FFE699")
_OPTIONAL = PatternFill("solid", fgColor="DDEBF7")
_WRAPPED = Alignment(wrap_text=True, vertical="top")
TEMPLATE_FORMATS = ("xlsx", "csv")


class CellValueError(CatalogueError):
    """A text that no cell can have."""


@dataclass(frozen=True)
class WorkbookWriter:
    """Writes workbooks of entries, with labels in the first of the languages."""

    columns: TableColumns
    languages: tuple[str, ...]

    @cached_property
    def written_columns(self) -> tuple[Column, ...]:
        """Return all columns but those that an import sets by itself."""
        return tuple(column for column in self.columns.all if not is_generated(column.field))

    def labels(self) -> list[str]:
        """Return the labels of the columns."""
        return [self.columns.label(column, self.languages) for column in self.written_columns]

    def write(self, reader: RecordReader, entries: Iterable[Record], output: BinaryIO) -> None:
        """Write a workbook with the entries; raise CellValueError."""
        rows = list(self._rows(reader, entries))  # an error must come before anything is written
        book = Workbook(write_only=True)
        sheet = book.create_sheet(self._say("entriesSheet"))
        self._prepare(sheet)
        for texts in rows:
            sheet.append([_cell(sheet, text) for text in texts])
        self._explain(book.create_sheet(self._say("columns")))
        self._add_choices(sheet, book.create_sheet(self._say("optionsSheet")))
        packed = io.BytesIO()
        book.save(packed)
        output.write(_timeless(packed))

    def _say(self, name: str, /, **words: object) -> str:
        return self.columns.parser.phrases.format(name, self.languages, **words)

    def _prepare(self, sheet: Any) -> None:
        """Write the labels of the columns, and their keys in a hidden row."""
        sheet.freeze_panes = "B3"
        sheet.row_dimensions[2].hidden = True
        for number, column in enumerate(self.written_columns, 1):
            dimension = sheet.column_dimensions[column_letters(number)]
            dimension.width = _width(column.field)
            dimension.number_format = _TEXT
        heading = []
        for column, label in zip(self.written_columns, self.labels(), strict=True):
            cell = _cell(sheet, label)
            cell.font, cell.alignment = _BOLD, _WRAPPED
            cell.fill = _REQUIRED if column.field.is_required else _OPTIONAL
            heading.append(cell)
        sheet.append(heading)
        sheet.append([_cell(sheet, column.key) for column in self.written_columns])

    def _rows(self, reader: RecordReader, entries: Iterable[Record]) -> Iterator[list[str]]:
        """Yield the texts of each entry's cells; raise CellValueError."""
        tags = self.columns.parser.languages
        for record in entries:
            cells = table_row(reader, record, tags) | self._option_cells(reader, record)
            yield [
                _fit(cells.get(column.key, ""), record, column) for column in self.written_columns
            ]

    def _option_cells(self, reader: RecordReader, record: Record) -> dict[str, str]:
        return {
            field.key: join_values(
                self._option_texts[field.key].get(reader.code(term), reader.code(term))
                for term in terms
            )
            for field, terms in record.items()
            if field.key in self._option_texts
        }

    @cached_property
    def _option_texts(self) -> Mapping[str, Mapping[str, str]]:
        """Return the texts of options by key and code."""
        fields = {
            column.key: column.field for column in self.written_columns if column.field.has_options
        }
        return {
            key: self.columns.option_texts(field, self.languages) for key, field in fields.items()
        }

    def _choices(self, key: str) -> list[str]:
        texts = set(self._option_texts.get(key, {}).values())
        return sorted(texts, key=lambda text: collation_key(text, self.languages[0]))

    def _explain(self, sheet: Any) -> None:
        """Write how to fill in the sheet, and the explanation of each column."""
        for letter, width in zip("ABCDEF", (32, 22, 12, 16, 80, 80), strict=True):
            sheet.column_dimensions[letter].width = width
        for name in ("sheetRows", "sheetSeparator", "sheetEmpty", "sheetKeys"):
            sheet.append([_cell(sheet, self._say(name, between=VALUE_SEPARATOR.strip()))])
        names = ("columnName", "columnKey", "columnRequired", "columnRepeatable", "columnHint")
        heading = [_cell(sheet, self._say(name)) for name in (*names, "optionsSheet")]
        for cell in heading:
            cell.font, cell.fill = _BOLD, _OPTIONAL
        sheet.append([])
        sheet.append(heading)
        for column, label in zip(self.written_columns, self.labels(), strict=True):
            texts = (label, column.key, *self._explained(column))
            cells = [_cell(sheet, text) for text in texts]
            for cell in cells:
                cell.alignment = _WRAPPED
            sheet.append(cells)

    def _explained(self, column: Column) -> tuple[str, ...]:
        field, choices = column.field, self._choices(column.key)
        return (
            self._say("yes" if field.is_required else "no"),
            self._say("yes" if field.is_list else "no"),
            pick_text(field.hints, self.languages),
            VALUE_SEPARATOR.join(choices) if len(choices) <= _MAX_OPTIONS else "",
        )

    def _add_choices(self, sheet: Any, options: Any) -> None:
        """Write the options into a hidden sheet, and let the cells offer them and the hints."""
        options.sheet_state = "hidden"
        lists = [self._choices(key) for key in self._option_texts]
        for texts in zip_longest(*lists, fillvalue=""):
            options.append([_cell(options, text) for text in texts])
        places = {key: number for number, key in enumerate(self._option_texts, 1)}
        for number, column in enumerate(self.written_columns, 1):
            source = ""
            if column.key in places:
                letter, last = column_letters(places[column.key]), len(self._choices(column.key))
                source = f"{quote_sheetname(options.title)}!${letter}$1:${letter}${last}"
            validation = self._validation(column.field, column_letters(number), source)
            sheet.data_validations.append(validation)

    def _validation(self, field: Field, letter: str, source: str) -> DataValidation:
        """Return the prompt and the options of a column; other texts are allowed too.

        They may be labels in another language, or several values.
        """
        validation = DataValidation(
            type="list" if source else None,
            formula1=source or None,
            allow_blank=True,
            showInputMessage=True,
            showErrorMessage=bool(source) and not field.is_repeatable,
            errorStyle="warning",
            promptTitle=_cut(pick_text(field.names, self.languages), 32),
            prompt=_cut(self._prompt(field), _MAX_PROMPT),
        )
        validation.add(f"{letter}3:{letter}{_LAST}")
        return validation

    def _prompt(self, field: Field) -> str:
        hint = pick_text(field.hints, self.languages)
        separator_hint = self._say("sheetSeparator", between=VALUE_SEPARATOR.strip())
        return f"{hint} {separator_hint}" if field.is_list else hint


def _timeless(packed: BinaryIO) -> bytes:
    """Return a workbook without the time of writing, so that its bytes are the same each time."""
    output = io.BytesIO()
    with zipfile.ZipFile(packed) as old, zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            if name == _PROPERTIES:
                content = _TIME.sub(b"1980-01-01T00:00:00Z", content)
            new.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return output.getvalue()


def _fit(text: str, record: Record, column: Column) -> str:
    if len(text) > _MAX_CHARACTERS or ILLEGAL_CHARACTERS_RE.search(text):
        shown = f"{text[:40]!r}, {len(text)} characters"
        raise CellValueError(f"{record.iri}: {column.key}: no cell can have {shown}")
    return text


def _cell(sheet: Any, text: str) -> Any:
    escaped = _ESCAPE.sub("_x005F_", text)  # ECMA-376, 22.9.2.19
    cell = WriteOnlyCell(sheet, value=escaped or None)
    if text:
        cell.data_type = "s"  # else a text that begins with = becomes a formula
        cell.number_format = _TEXT
    return cell


def _width(field: Field) -> int:
    if field.is_text:
        return _WIDE
    return _MIDDLE if field.is_repeatable or field.has_options else _NARROW


def _cut(text: str, maximum: int) -> str:
    return text if len(text) <= maximum else text[: maximum - 1] + "…"


def template_format(path: Path | None) -> str:
    """Return the format of a file name, XLSX without one; raise CatalogueError."""
    form = path.suffix.removeprefix(".").lower() if path else TEMPLATE_FORMATS[0]
    if form not in TEMPLATE_FORMATS:
        raise CatalogueError(f"{path}: its name ends in none of {', '.join(TEMPLATE_FORMATS)}")
    return form


def empty_table(opened: Catalogue, form: str, language: str | None) -> bytes:
    """Return an empty table with labels in a language; raise CatalogueError.

    CSV has keys instead of labels where no language is given.
    """
    sheets = WorkbookWriter(TableColumns(opened.value_parser), opened.preferred_languages(language))
    if form == "csv":
        return _line(
            sheets.labels() if language else [column.key for column in sheets.written_columns]
        )
    output = io.BytesIO()
    sheets.write(opened.reader, (), output)
    return output.getvalue()


def _line(names: list[str]) -> bytes:
    """Return a line of CSV with a byte order mark, since Excel does not assume UTF-8."""
    text = io.StringIO()
    csv.writer(text).writerow(names)
    return text.getvalue().encode("utf-8-sig")
