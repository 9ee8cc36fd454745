"""Tables in CSV (RFC 4180), read as spreadsheet programs write them in any country."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from .cells import Place, Row, unshielded
from .values import Understanding

_DELIMITERS = ",;\t"


def rows(values: Understanding, path: Path, content: bytes) -> Iterator[Row]:
    """Give the rows that are not blank; raises RefusedError where it is no table."""
    text = values.decoded(path, content)
    line = 1
    try:
        lines = io.StringIO(text, newline="")
        table = csv.reader(lines, delimiter=_delimiter(text), strict=True)
        for cells in table:
            if any(cells):
                yield Row(Place(path, line), tuple(map(unshielded, cells)))
            line = table.line_num + 1
    except csv.Error as error:
        place, words = Place(path, line), {"reason": error}
        raise values.refusal(place, "unreadableTable", **words) from error


def _delimiter(text: str) -> str:
    """Give what stands between the cells of the first line: a comma, where nothing else does."""
    lines = io.StringIO(text, newline="")
    return max(_DELIMITERS, key=lambda delimiter: _width(lines, delimiter))


def _width(lines: io.StringIO, delimiter: str) -> int:
    lines.seek(0)
    return len(next(csv.reader(lines, delimiter=delimiter), []))
