"""Empty tables to fill in, which an import reads."""

import csv
import io
from pathlib import Path

from .catalogue import Catalogue
from .columns import Columns
from .exports import UnknownFormatError
from .sheets import Sheets

FORMS = ("xlsx", "csv")


def form_of(path: Path | None) -> str:
    """Give the format that the name of a file ends in, XLSX without a file; UnknownFormatError."""
    form = path.suffix.removeprefix(".").lower() if path else FORMS[0]
    if form not in FORMS:
        raise UnknownFormatError(f"{path}: its name ends in none of {', '.join(FORMS)}")
    return form


def content(opened: Catalogue, form: str, language: str | None) -> bytes:
    """Give an empty table in a format, its words in a language; raises UnknownLanguageError.

    CSV has the keys of the columns, or in a language what they are called.
    """
    sheets = Sheets(Columns(opened.understanding), opened.preferring(language))
    if form == "csv":
        return _line(sheets.labels() if language else [column.key for column in sheets.listed])
    output = io.BytesIO()
    sheets.write(opened.reader, (), output)
    return output.getvalue()


def _line(names: list[str]) -> bytes:
    """Give a line of CSV, marked as UTF-8, which Excel does not suppose."""
    text = io.StringIO()
    csv.writer(text).writerow(names)
    return text.getvalue().encode("utf-8-sig")
