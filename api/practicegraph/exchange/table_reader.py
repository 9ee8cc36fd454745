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
from itertools import chain, islice
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

import openpyxl
from openpyxl.utils.escape import unescape
from openpyxl.worksheet.cell_range import CellRange
from pyoxigraph import Literal

from ..catalogue.catalogue import HASH_SCHEME
from ..rdf.terms import Term
from ..schema.fields import Field
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
_MAX_MERGED = 10_000  # cells of a sheet that are noticed
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
_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\s[^>]*?\bref=[\"']([A-Z]+\d+:[A-Z]+\d+)[\"']")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""Characters that no XML can have (XML 1.0, section 2.2)."""
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
    """Yield the rows of CSV that are not blank; raise ImportFailedError."""
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
        location, details = SourceLocation(path, line), {"reason": error}
        raise values.error_at(location, "unreadableTable", **details) from error


def _delimiter(text: str) -> str:
    """Return the delimiter that splits the first line into most cells, by default a comma."""
    lines = io.StringIO(text, newline="")
    return max(_DELIMITERS, key=lambda delimiter: _width(lines, delimiter))


def _width(lines: io.StringIO, delimiter: str) -> int:
    lines.seek(0)
    return len(next(csv.reader(lines, delimiter=delimiter), []))


def read_xlsx(
    values: ValueParser, path: Path, content: bytes, max_rows: int
) -> list[list[TableRow]]:
    """Return the rows that are not blank, of each sheet but the explanations of a template.

    Raises ImportFailedError for a file that is no workbook, has macros or is too large.
    """
    try:
        _check_package(values, path, content)
        with warnings.catch_warnings():
            # openpyxl warns of parts that it leaves out, and of dates out of range
            warnings.simplefilter("ignore")
            return list(_tables(values, path, content, max_rows))
    except ImportFailedError:
        raise
    except _UNREADABLE as error:
        raise values.file_error(path, "invalidWorkbook") from error


def _check_package(values: ValueParser, path: Path, content: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        if sum(part.file_size for part in package.infolist()) > MAX_TABLE_BYTES:
            raise values.file_error(path, "tableTooLarge", limit=f"{MAX_TABLE_BYTES >> 20} MiB")
        if _MACROS.search(package.read(_TYPES)):
            raise values.file_error(path, "unsupportedTable")


def _tables(
    values: ValueParser, path: Path, content: bytes, max_rows: int
) -> Iterator[list[TableRow]]:
    book: Any = openpyxl.load_workbook(io.BytesIO(content), read_only=True, keep_links=False)
    explanations = {fold(title) for title in values.phrases.translations("columns").values()}
    for sheet in book.worksheets:
        if fold(sheet.title) in explanations:
            continue
        part = book._archive.read(sheet._worksheet_path)  # in this mode, merges are not parsed
        rows = _rows(values, path, sheet, _MergedCells(part), max_rows)
        if sheet.sheet_state != "visible":
            _check_hidden(values, next(rows, None))
        elif first := next(rows, None):
            yield [first, *rows]


def _check_hidden(values: ValueParser, header: TableRow | None) -> None:
    """Raise ImportFailedError for a hidden sheet with entries; that of a template has options."""
    (identifier,) = values.shape.fields_with_role("IDRole")[:1]
    names = {fold(name) for name in (identifier.key, *(text for _, text in identifier.all_names))}
    if header and names & set(map(fold, header.cells)):
        raise values.error_at(header.location, "hiddenSheet")


def _rows(
    values: ValueParser, path: Path, sheet: Any, merged: "_MergedCells", max_rows: int
) -> Iterator[TableRow]:
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
        errors |= {column - 1: "mergedCell" for column in merged.columns(number)}
        yield TableRow(SourceLocation(path, number, sheet=sheet.title), tuple(texts), errors)


class _MergedCells:
    """The merged cells of a sheet (ECMA-376, 18.3.1.55), for its rows in their order."""

    def __init__(self, part: bytes) -> None:
        references = islice(_MERGED.finditer(part), _MAX_MERGED)
        ranges = [CellRange(match[1].decode()) for match in references]
        self._coming = sorted(ranges, key=lambda merged: -merged.min_row)
        self._open: dict[int, CellRange] = {}

    def columns(self, row: int) -> list[int]:
        """Return the columns of a row in which a merged cell is, but the one with its value."""
        while self._coming and self._coming[-1].min_row <= row:
            merged = self._coming.pop()
            columns = range(merged.min_col, min(merged.max_col, _MAX_COLUMNS) + 1)
            self._open |= dict.fromkeys(columns, merged)
        self._open = {c: merged for c, merged in self._open.items() if merged.max_row >= row}
        return [c for c, m in self._open.items() if (row, c) != (m.min_row, m.min_col)]


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
    text = _unescape(str(value))
    return (text, "") if len(text) <= _MAX_CHARACTERS else (text[:40] + "…", "cellTooLong")


def _unescape(text: str) -> str:
    """Return a text with its escapes resolved (ECMA-376, 22.9.2.19), and without CR."""
    units = unescape(text).encode("utf-16", "surrogatepass")
    return units.decode("utf-16", "replace").replace("\r", "")


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
        """Parse a file in CSV or XLSX; raise ImportFailedError with every problem."""
        if path.stat().st_size > MAX_TABLE_BYTES:
            limit = f"{MAX_TABLE_BYTES >> 20} MiB"
            raise self.parser.file_error(path, "tableTooLarge", limit=limit)
        return self.parse(path, path.read_bytes())

    def parse(self, path: Path, content: bytes) -> list[Draft]:
        """Parse the content of a table; raise ImportFailedError with every problem."""
        checksum = compute_checksum(content)
        drafts: dict[str, Draft] = {}
        locations: dict[str, SourceLocation] = {}
        problems: list[ParseProblem] = []
        for table in self._tables(path, content):
            header, rows = self._header(path, iter(table))
            columns = self._columns(header)
            for row in rows:
                draft, row_problems = self._row(row, columns, checksum)
                problems += row_problems
                if draft and draft.identifier in drafts:
                    first = locations[draft.identifier]
                    problems.append(self._duplicate(row, columns, first))
                elif draft:
                    drafts[draft.identifier] = draft
                    locations[draft.identifier] = row.location
        if problems:
            raise ImportFailedError(problems)
        return list(drafts.values())

    def _tables(self, path: Path, content: bytes) -> Iterable[Iterable[TableRow]]:
        if path.suffix.lower() == ".xlsx":
            return read_xlsx(self.parser, path, content, _MAX_ROWS) or [[]]
        return [read_csv(self.parser, path, content)]

    def _header(self, path: Path, rows: Iterator[TableRow]) -> tuple[TableRow, Iterator[TableRow]]:
        """Return the row of column names: the first one, or the second one where it has keys.

        A table of an earlier version may have keys that no field has now: most are keys then.
        """
        first = next(rows, TableRow(SourceLocation(path, 1), ()))
        second = next(rows, None)
        if second is None:
            return first, rows
        keys = second.cells
        known = sum(key in self.columns.keys for key in keys if key)
        if self.columns.identifier.key not in keys or known * 2 < len([*filter(None, keys)]):
            return first, chain([second], rows)
        names = [*first.cells, *("" for _ in keys[len(first.cells) :])]
        named = [key or name for key, name in zip([*keys, *names[len(keys) :]], names, strict=True)]
        return TableRow(first.location, tuple(named), first.errors), rows

    def _columns(self, header: TableRow) -> list[Column | None]:
        columns: list[Column | None] = []
        problems: list[ParseProblem] = []
        for index, name in enumerate(header.cells):
            column = self._column(header, index, name.strip(), columns)
            if isinstance(column, ParseProblem):
                problems.append(column)
            else:
                columns.append(column)
        key = self.columns.identifier.key
        if key not in {column.key for column in columns if column} and not problems:
            problems.append(self._problem(header, 0, "missingIdentifierColumn", column=key))
        if problems:
            raise ImportFailedError(problems)
        return columns

    def _column(
        self, header: TableRow, index: int, name: str, before: Sequence[Column | None]
    ) -> Column | ParseProblem | None:
        """Return the column of a name, or None for a column without one, which must be empty."""
        column = self.columns.by_name.get(fold(name))
        if not name:
            return None
        if column is None:
            similar = ", ".join(find_similar(name, self.columns.names))
            return self._problem(header, index, "unknownColumn", None, name, nearest=similar)
        if column in before:
            return self._problem(header, index, "duplicateColumn", column.field, name)
        if column.field.is_text and column.language is None:
            example = {"example": f"{column.field.key}@{self.parser.languages[0]}"}
            return self._problem(
                header, index, "columnNeedsLanguage", column.field, name, **example
            )
        return column

    def _row(
        self, row: TableRow, columns: Sequence[Column | None], checksum: str
    ) -> tuple[Draft | None, list[ParseProblem]]:
        if row.location.sheet:
            columns = [*columns, *(None for _ in row.cells[len(columns) :])]
        if len(row.cells) != len(columns):
            cells, expected = len(row.cells), len(columns)
            problem = self._problem(row, 0, "cellCountMismatch", cells=cells, columns=expected)
            return None, [problem]
        values: list[FieldValues] = []
        problems: list[ParseProblem] = []
        for index, column in enumerate(columns):
            results = self._cell(row, index, column)
            terms = tuple(term for term in results if not isinstance(term, ParseProblem))
            problems += [term for term in results if isinstance(term, ParseProblem)]
            if column:
                location = row.cell_location(index)
                values.append(FieldValues(column.field, column.language, terms, location))
        field, number = self.columns.identifier, self._identifier_index(columns)
        identifier = next((term.value for term in _terms(values, field)), "")
        if not identifier:
            problems = problems or [self._problem(row, number, "valueRequired", field)]
            return None, problems
        draft = Draft(
            identifier,
            tuple(values),
            source=_hash_iri(checksum),
            is_page=False,
            checksum=checksum,
            part="import-table",
        )
        return draft, problems

    def _identifier_index(self, columns: Sequence[Column | None]) -> int:
        return columns.index(Column(self.columns.identifier, None))

    def _duplicate(
        self, row: TableRow, columns: Sequence[Column | None], first: SourceLocation
    ) -> ParseProblem:
        index = self._identifier_index(columns)
        sheet = f"{first.sheet}!" if first.sheet != row.location.sheet else ""
        line = f"{sheet}{first.line}"
        return self._problem(row, index, "duplicateRow", None, row.cells[index], first=line)

    def _cell(self, row: TableRow, index: int, column: Column | None) -> list[Term | ParseProblem]:
        cell, field = row.cells[index], column.field if column else None
        if index in row.errors:
            return [self._problem(row, index, row.errors[index], field, cell)]
        if _CONTROL.search(cell):
            text = _CONTROL.sub("\ufffd", cell)
            return [self._problem(row, index, "controlCharacter", field, text)]
        if column is None:
            is_blank = not cell.strip()
            return (
                [] if is_blank else [self._problem(row, index, "missingColumnHeader", None, cell)]
            )
        if column.language:
            text = cell.replace("\r\n", "\n").strip()
            several = split_values(text) if column.field.is_list else [text]
            return [Literal(text, language=column.language) for text in several if text]
        texts = split_values(cell)
        if len(texts) > 1 and not column.field.is_repeatable:
            return [self._problem(row, index, "singleValueField", field, cell)]
        location, languages = row.cell_location(index), self.parser.languages
        return [self.parser.parse(location, column.field, text, languages) for text in texts]

    def _problem(
        self,
        row: TableRow,
        index: int,
        phrase: str,
        field: Field | None = None,
        value: str = "",
        **words: object,
    ) -> ParseProblem:
        return self.parser.make_problem(row.cell_location(index), field, value, phrase, **words)


def _terms(values: Iterable[FieldValues], field: Field) -> Iterator[Literal]:
    """Yield the literals of a field."""
    terms = (term for value in values if value.field == field for term in value.terms)
    return (term for term in terms if isinstance(term, Literal))


def _hash_iri(digest: str) -> str:
    value = base64.urlsafe_b64encode(bytes.fromhex(digest)).decode().rstrip("=")
    return HASH_SCHEME + value
