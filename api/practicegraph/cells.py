"""Cells of tables: where one stands, what it says, and how it is kept from becoming a formula."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

BETWEEN = " | "
"""What stands between the values of one cell."""
# Programs take what begins so for a formula, but for a number; the first ones escape the others.
_FORMULA = re.compile(r"'*(?:[=@\t\r]|[+-](?!\d+(?:[.,]\d+)?$))")
_BREAK = re.compile(r"\r\n|\r|\n")
_BAR = re.compile(r"(\\*)\|")
_SHIELD = "'"
_LETTERS = 26


@dataclass(frozen=True)
class Place:
    """Where something stands: in a line of a file, a cell of a row, or a cell of a sheet."""

    path: Path
    line: int
    column: int = 0
    sheet: str = ""

    def __str__(self) -> str:
        """Give `page.txt:12`, `table.csv:7:3` (the third cell) or `book.xlsx: Entries!C7`."""
        if self.sheet:
            return f"{self.path}: {self.sheet}!{letters(self.column or 1)}{self.line}"
        return ":".join(map(str, [self.path, self.line, *([self.column] if self.column else [])]))


@dataclass(frozen=True)
class Row:
    """What the cells of a row say; a fault is the phrase that says why one cannot be read."""

    first: Place
    texts: tuple[str, ...]
    faults: Mapping[int, str] = field(default_factory=dict)

    def place(self, index: int) -> Place:
        """Give where a cell stands, the first one being 0; in CSV, those before it have lines."""
        lines = 0 if self.first.sheet else sum(len(_BREAK.findall(t)) for t in self.texts[:index])
        return replace(self.first, line=self.first.line + lines, column=index + 1)


def letters(column: int) -> str:
    """Give what spreadsheet programs call a column: A is the first, AA the twenty-seventh."""
    before, last = divmod(column - 1, _LETTERS)
    return (letters(before) if before else "") + chr(ord("A") + last)


def joined(values: Iterable[str]) -> str:
    """Give several values as the text of one cell, with a backslash before each bar in one."""
    return BETWEEN.join(_BAR.sub(lambda bar: bar[1] * 2 + r"\|", value) for value in values)


def parted(text: str) -> list[str]:
    """Give the values that the text of one cell has, without what is blank."""
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


def shielded(text: str) -> str:
    """Give a text for a cell of CSV, with a `'` before what would be taken for a formula."""
    return _SHIELD + text if _FORMULA.match(text) else text


def unshielded(text: str) -> str:
    """Give the text of a cell that was shielded; any other text is as it was."""
    bare = text.removeprefix(_SHIELD)
    return bare if bare != text and _FORMULA.match(bare) else text
