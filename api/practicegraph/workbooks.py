"""Workbooks of spreadsheet programs (XLSX, ECMA-376), read: what the cells of a sheet show.

Nothing is calculated, and nothing runs: a formula is a fault of its cell, a macro one of the file.
"""

import io
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

import openpyxl

from .cells import Place, Row
from .values import RefusedError, Understanding

UNPACKED = 100 << 20
"""The most bytes that a workbook may have, unpacked."""
_MOST_COLUMNS = 1000
_MOST_CHARACTERS = 32_767  # of a cell, as Excel has it
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
_NO_LETTERS = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.')


def rows(values: Understanding, path: Path, content: bytes, most: int) -> list[Row]:
    """Give the rows of the first visible sheet that are not blank, at most so many.

    Raises RefusedError where the file is no workbook, has macros or is too large.
    """
    try:
        _guard(values, path, content)
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # of what openpyxl leaves out, and of dates out of range
            found = list(_rows(values, path, content, most))
    except RefusedError:
        raise
    except _UNREADABLE as error:
        raise values.refused(path, "noWorkbook") from error
    return found


def _guard(values: Understanding, path: Path, content: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        if sum(part.file_size for part in packed.infolist()) > UNPACKED:
            raise values.refused(path, "tableTooLarge", limit=f"{UNPACKED >> 20} MiB")
        if _MACROS.search(packed.read(_TYPES)):
            raise values.refused(path, "otherTable")


def _rows(values: Understanding, path: Path, content: bytes, most: int) -> Iterator[Row]:
    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, keep_links=False)
    sheet = next(found for found in book.worksheets if found.sheet_state == "visible")
    sheet.reset_dimensions()  # what a file says of its size need not be true
    width, count = 0, 0
    for number, cells in enumerate(sheet.iter_rows(), 1):
        texts, faults = _said(cells)
        if not texts:
            continue
        count += 1
        if count > most or len(texts) > _MOST_COLUMNS:
            raise values.refused(path, "tableTooLarge", limit=f"{most} × {_MOST_COLUMNS}")
        width = width or len(texts)
        texts += [""] * (width - len(texts))
        yield Row(Place(path, number, sheet=sheet.title), tuple(texts), faults)


def _said(cells: Sequence[Any]) -> tuple[list[str], dict[int, str]]:
    """Give what the cells of a row show up to the last that shows anything, and their faults."""
    texts: list[str] = []
    faults: dict[int, str] = {}
    for index, cell in enumerate(cells):
        if cell.value is None:
            continue
        text, fault = _text(cell)
        if text.strip() or fault:
            texts += [""] * (index - len(texts)) + [text]
        if fault:
            faults[index] = fault
    return texts, faults


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
    return (text, "") if len(text) <= _MOST_CHARACTERS else (text[:40] + "…", "longCell")


def _day(value: datetime, form: str) -> str:
    """Give a date in ISO 8601, with as much of it as its format shows."""
    shown = set(_NO_LETTERS.sub("", form).lower())
    if "h" in shown and "d" in shown:
        return value.isoformat()
    if "y" in shown and not shown & {"d", "m"}:
        return f"{value:%Y}"
    return f"{value:%Y-%m}" if "y" in shown and "d" not in shown else f"{value:%Y-%m-%d}"


def _number(value: float, form: str) -> str:
    """Give a number without an exponent, with the zeros before it that its format shows."""
    if value == int(value):
        return str(int(value)).zfill(len(form) if re.fullmatch("0+", form) else 0)
    return f"{Decimal(repr(value)):f}"
