"""Tables in CSV (RFC 4180) and XLSX (ECMA-376), parsed to drafts: an entry a row, a field a column.

A missing column leaves its field as it is; an empty cell empties it. A formula is an error of its
cell, a macro one of the file.
"""

import base64
import csv
import io
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

import openpyxl
from pyoxigraph import Literal

from ..rdf.terms import Term
from ..schema.text import find_similar, fold
from ..schema.value_parser import (
    Draft,
    FieldValues,
    ImportFailedError,
    ParseProblem,
    SourceLocation,
    ValueParser,
    compute_checksum,
)
from .table_format import Column, TableColumns, TableRow, split_values, unescape_formula

_DELIMITERS = ",;\t"
MAX_TABLE_BYTES = 100 << 20
"""The maximum size of a table, of a workbook uncompressed."""
_MAX_COLUMNS = 1000
_MAX_CHARACTERS = 32_767  # of a cell, as Excel has it
_TYPES = "[Content_Types].xml"
_MACROS = re.compile(rb"macroEnabled|vbaProject", re.I)
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    ParseError,
    ValueError,  # also what defusedxml refuses
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    EOFError,
    OSError,
    RuntimeError,  # a packed file with a password, a packing that is not known
)
_LITERALS = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.')
TABLE_EXTENSIONS = (".csv", ".xlsx")
"""The extensions of tables that are parsed."""
REFUSED_EXTENSIONS = (
    ".xls",
    ".xlsm",
    ".xlsb",
    ".xltx",
    ".xltm",
    ".xlt",
    ".xlam",
    ".ods",
    ".fods",
    ".numbers",
)
"""The extensions of tables that are refused: some may have macros."""
_MAX_ROWS = 100_000


def read_csv(values: ValueParser, path: Path, content: bytes) -> Iterator[TableRow]:
    """Yield the rows of CSV that are not blank; raises RefusedError."""
    text = values.decode(path, content)
    line = 1
    try:
        lines = io.StringIO(text, newline="")
        table = csv.reader(lines, delimiter=_delimiter(text), strict=True)
        for cells in table:
            if any(cells):
                yield TableRow(SourceLocation(path, line), tuple(map(unescape_formula, cells)))
            line = table.line_num + 1
    except csv.Error as error:
        place, words = SourceLocation(path, line), {"reason": error}
        raise values.error_at(place, "unreadableTable", **words) from error


def _delimiter(text: str) -> str:
    """Return the delimiter that splits the first line into most cells, by default a comma."""
    lines = io.StringIO(text, newline="")
    return max(_DELIMITERS, key=lambda delimiter: _width(lines, delimiter))


def _width(lines: io.StringIO, delimiter: str) -> int:
    lines.seek(0)
    return len(next(csv.reader(lines, delimiter=delimiter), []))


def read_xlsx(values: ValueParser, path: Path, content: bytes, max_rows: int) -> list[TableRow]:
    """Return the rows of the first visible sheet that are not blank.

    Raises RefusedError for a file that is no workbook, has macros or is too large.
    """
    try:
        _check_package(values, path, content)
        with warnings.catch_warnings():
            # openpyxl warns of parts that it leaves out, and of dates out of range
            warnings.simplefilter("ignore")
            rows = list(_rows(values, path, content, max_rows))
    except ImportFailedError:
        raise
    except _UNREADABLE as error:
        raise values.file_error(path, "invalidWorkbook") from error
    return rows


def _check_package(values: ValueParser, path: Path, content: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        if sum(part.file_size for part in packed.infolist()) > MAX_TABLE_BYTES:
            raise values.file_error(path, "tableTooLarge", limit=f"{MAX_TABLE_BYTES >> 20} MiB")
        if _MACROS.search(packed.read(_TYPES)):
            raise values.file_error(path, "unsupportedTable")


def _rows(values: ValueParser, path: Path, content: bytes, max_rows: int) -> Iterator[TableRow]:
    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, keep_links=False)
    sheet = next(sheet for sheet in book.worksheets if sheet.sheet_state == "visible")
    sheet.reset_dimensions()  # the size that a file states may be wrong
    width, count = 0, 0
    for number, cells in enumerate(sheet.iter_rows(), 1):
        texts, errors = _shown_cells(cells)
        if not texts:
            continue
        count += 1
        if count > max_rows or len(texts) > _MAX_COLUMNS:
            raise values.file_error(path, "tableTooLarge", limit=f"{max_rows} × {_MAX_COLUMNS}")
        width = width or len(texts)
        texts += [""] * (width - len(texts))
        yield TableRow(SourceLocation(path, number, sheet=sheet.title), tuple(texts), errors)


def _shown_cells(cells: Sequence[Any]) -> tuple[list[str], dict[int, str]]:
    """Return the texts of a row's cells up to the last that is not blank, and their errors."""
    texts: list[str] = []
    errors: dict[int, str] = {}
    for index, cell in enumerate(cells):
        if cell.value is None:
            continue
        text, phrase = _text(cell)
        if text.strip() or phrase:
            texts += [""] * (index - len(texts)) + [text]
        if phrase:
            errors[index] = phrase
    return texts, errors


def _text(cell: Any) -> tuple[str, str]:
    value = cell.value
    if cell.data_type == "f":
        return str(getattr(value, "text", value)), "formulaCell"
    if cell.data_type == "e":
        return str(value), "errorCell"
    if isinstance(value, bool):
        return str(value).lower(), ""
    if isinstance(value, datetime):
        return _day(value, cell.number_format), ""
    if isinstance(value, int | float):
        return _number(value, cell.number_format), ""
    text = str(value).replace("_x000D_", "")  # how Excel writes a carriage return
    return (text, "") if len(text) <= _MAX_CHARACTERS else (text[:40] + "…", "cellTooLong")


def _day(value: datetime, form: str) -> str:
    """Return a date in ISO 8601, with the parts that its format shows."""
    shown = set(_LITERALS.sub("", form).lower())
    if "h" in shown and "d" in shown:
        return value.isoformat()
    if "y" in shown and not shown & {"d", "m"}:
        return f"{value:%Y}"
    return f"{value:%Y-%m}" if "y" in shown and "d" not in shown else f"{value:%Y-%m-%d}"


def _number(value: float, form: str) -> str:
    """Return a number without an exponent, with the leading zeros that its format shows."""
    if value == int(value):
        return str(int(value)).zfill(len(form) if re.fullmatch("0+", form) else 0)
    return f"{Decimal(repr(value)):f}"


@dataclass(frozen=True)
class TableParser:
    """Parses tables of entries."""

    parser: ValueParser

    @cached_property
    def columns(self) -> TableColumns:
        """Return the columns of tables."""
        return TableColumns(self.parser)

    def parse_file(self, path: Path) -> list[Draft]:
        """Parse a file in CSV or XLSX; raises RefusedError with every problem."""
        if path.stat().st_size > MAX_TABLE_BYTES:
            limit = f"{MAX_TABLE_BYTES >> 20} MiB"
            raise self.parser.file_error(path, "tableTooLarge", limit=limit)
        return self.parse(path, path.read_bytes())

    def parse(self, path: Path, content: bytes) -> list[Draft]:
        """Parse the content of a table; raises RefusedError with every problem."""
        rows = iter(self._rows(path, content))
        header, rows = self._header(path, rows)
        columns = self._columns(header)
        drafts: dict[str, Draft] = {}
        lines: dict[str, int] = {}
        problems: list[ParseProblem] = []
        for row in rows:
            draft, wrong = self._row(row, columns, compute_checksum(content))
            if draft and draft.identifier in drafts:
                wrong = [*wrong, self._duplicate(row, columns, draft, lines[draft.identifier])]
            problems += wrong
            if draft:
                drafts.setdefault(draft.identifier, draft)
                lines.setdefault(draft.identifier, row.location.line)
        if problems:
            raise ImportFailedError(problems)
        return list(drafts.values())

    def _rows(self, path: Path, content: bytes) -> Iterable[TableRow]:
        if path.suffix.lower() == ".xlsx":
            return read_xlsx(self.parser, path, content, _MAX_ROWS)
        return read_csv(self.parser, path, content)

    def _header(self, path: Path, rows: Iterator[TableRow]) -> tuple[TableRow, Iterator[TableRow]]:
        """Return the row of column names: the first one, or the second one where it has keys."""
        first = next(rows, TableRow(SourceLocation(path, 1), ()))
        second = next(rows, None)
        if second is None:
            return first, rows
        keys = second.cells
        if self.columns.identifier.key not in keys or not self.columns.keys.issuperset(
            key for key in keys if key
        ):
            return first, chain([second], rows)
        names = [*first.cells, *("" for _ in keys[len(first.cells) :])]
        named = [key or name for key, name in zip([*keys, *names[len(keys) :]], names, strict=True)]
        return TableRow(first.location, tuple(named), first.errors), rows

    def _columns(self, header: TableRow) -> list[Column | None]:
        columns: list[Column | None] = []
        problems: list[ParseProblem] = []
        for index, name in enumerate(header.cells):
            column = self._column(header.cell_location(index), name.strip(), columns)
            if isinstance(column, ParseProblem):
                problems.append(column)
            else:
                columns.append(column)
        key = self.columns.identifier.key
        if key not in {column.key for column in columns if column} and not problems:
            place = header.cell_location(0)
            problems.append(
                self.parser.make_problem(place, None, "", "missingIdentifierColumn", column=key)
            )
        if problems:
            raise ImportFailedError(problems)
        return columns

    def _column(
        self, place: SourceLocation, name: str, before: Sequence[Column | None]
    ) -> Column | ParseProblem | None:
        """Return the column of a name, or None for a column without one, which must be empty."""
        column = self.columns.by_name.get(fold(name))
        if not name:
            return None
        if column is None:
            near = ", ".join(find_similar(name, self.columns.by_name))
            return self.parser.make_problem(place, None, name, "unknownColumn", nearest=near)
        if column in before:
            return self.parser.make_problem(place, column.field, name, "duplicateColumn")
        if column.field.is_text and column.language is None:
            example = f"{column.field.key}@{self.parser.languages[0]}"
            return self.parser.make_problem(
                place, column.field, name, "columnNeedsLanguage", example=example
            )
        return column

    def _row(
        self, row: TableRow, columns: Sequence[Column | None], digest: str
    ) -> tuple[Draft | None, list[ParseProblem]]:
        if row.location.sheet:
            columns = [*columns, *(None for _ in row.cells[len(columns) :])]
        if len(row.cells) != len(columns):
            words = {"cells": len(row.cells), "columns": len(columns)}
            return None, [
                self.parser.make_problem(
                    row.cell_location(0), None, "", "cellCountMismatch", **words
                )
            ]
        values: list[FieldValues] = []
        problems: list[ParseProblem] = []
        for index, column in enumerate(columns):
            results = self._cell(row, index, column)
            terms = tuple(term for term in results if not isinstance(term, ParseProblem))
            problems += [term for term in results if isinstance(term, ParseProblem)]
            if column:
                values.append(
                    FieldValues(column.field, column.language, terms, row.cell_location(index))
                )
        identifier = self._identifier_in(values)
        if not identifier and not problems:
            place = row.cell_location(self._identifier_index(columns))
            problems.append(
                self.parser.make_problem(place, self.columns.identifier, "", "valueRequired")
            )
        draft = Draft(
            identifier,
            tuple(values),
            source=_hash_iri(digest),
            is_page=False,
            checksum=digest,
            part="import-table",
        )
        return (draft if identifier else None), problems

    def _identifier_in(self, values: Iterable[FieldValues]) -> str:
        terms = [v.terms for v in values if v.field == self.columns.identifier]
        first = next((term for listed in terms for term in listed), None)
        return first.value if isinstance(first, Literal) else ""

    def _identifier_index(self, columns: Sequence[Column | None]) -> int:
        return columns.index(Column(self.columns.identifier, None))

    def _duplicate(
        self, row: TableRow, columns: Sequence[Column | None], draft: Draft, first: int
    ) -> ParseProblem:
        place = row.cell_location(self._identifier_index(columns))
        return self.parser.make_problem(place, None, draft.identifier, "duplicateRow", first=first)

    def _cell(self, row: TableRow, index: int, column: Column | None) -> list[Term | ParseProblem]:
        place, cell = row.cell_location(index), row.cells[index]
        field = column.field if column else None
        if index in row.errors:
            return [self.parser.make_problem(place, field, cell, row.errors[index])]
        if column is None:
            nameless = self.parser.make_problem(place, None, cell, "missingColumnHeader")
            return [nameless] if cell.strip() else []
        if column.language:
            text = cell.replace("\r\n", "\n").strip()
            return [Literal(text, language=column.language)] if text else []
        parts = split_values(cell)
        if len(parts) > 1 and not column.field.is_repeatable:
            return [self.parser.make_problem(place, field, cell, "singleValueField")]
        languages = self.parser.languages
        return [self.parser.parse(place, column.field, part, languages) for part in parts]


def _hash_iri(digest: str) -> str:
    value = base64.urlsafe_b64encode(bytes.fromhex(digest)).decode().rstrip("=")
    return f"ni:///sha-256;{value}"
