"""A table, read: one entry a row, one field a column.

A column that is not there leaves its field alone; an empty cell empties it.
"""

import base64
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path

from pyoxigraph import Literal

from . import commas, workbooks
from .cells import Place, Row, parted
from .columns import Column, Columns
from .store import Term
from .text import fold, nearest
from .values import Draft, Problem, RefusedError, Understanding, Values, checksum

FORMS = (".csv", ".xlsx")
"""How the names of tables end."""
OTHERS = (".xls", ".xlsm", ".xlsb", ".xltx", ".xltm", ".xlt", ".xlam", ".ods", ".fods", ".numbers")
"""How the names of tables end that are not read: macros run in some of them."""
_MOST_ROWS = 100_000


@dataclass(frozen=True)
class Tables:
    """Reads tables of entries."""

    values: Understanding

    @cached_property
    def columns(self) -> Columns:
        """Give the columns that a table may have."""
        return Columns(self.values)

    def read(self, path: Path) -> list[Draft]:
        """Read a table in CSV or XLSX, an entry a row; raises RefusedError with every problem."""
        if path.stat().st_size > workbooks.UNPACKED:
            limit = f"{workbooks.UNPACKED >> 20} MiB"
            raise self.values.refused(path, "tableTooLarge", limit=limit)
        return self.drafts(path, path.read_bytes())

    def drafts(self, path: Path, content: bytes) -> list[Draft]:
        """Read the content of a table; raises RefusedError with every problem."""
        rows = iter(self._rows(path, content))
        header, rows = self._header(path, rows)
        columns = self._columns(header)
        drafts: dict[str, Draft] = {}
        lines: dict[str, int] = {}
        problems: list[Problem] = []
        for row in rows:
            draft, wrong = self._row(row, columns, checksum(content))
            if draft and draft.identifier in drafts:
                wrong = [*wrong, self._twice(row, columns, draft, lines[draft.identifier])]
            problems += wrong
            if draft:
                drafts.setdefault(draft.identifier, draft)
                lines.setdefault(draft.identifier, row.first.line)
        if problems:
            raise RefusedError(problems)
        return list(drafts.values())

    def _rows(self, path: Path, content: bytes) -> Iterable[Row]:
        if path.suffix.lower() == ".xlsx":
            return workbooks.rows(self.values, path, content, _MOST_ROWS)
        return commas.rows(self.values, path, content)

    def _header(self, path: Path, rows: Iterator[Row]) -> tuple[Row, Iterator[Row]]:
        """Give the names of the columns: the first row, or the keys that the second one has."""
        first = next(rows, Row(Place(path, 1), ()))
        second = next(rows, None)
        if second is None:
            return first, rows
        keys = second.texts
        if self.columns.identifier.key not in keys or not self.columns.keys.issuperset(
            key for key in keys if key
        ):
            return first, chain([second], rows)
        names = [*first.texts, *("" for _ in keys[len(first.texts) :])]
        named = [key or name for key, name in zip([*keys, *names[len(keys) :]], names, strict=True)]
        return Row(first.first, tuple(named), first.faults), rows

    def _columns(self, header: Row) -> list[Column | None]:
        columns: list[Column | None] = []
        problems: list[Problem] = []
        for index, name in enumerate(header.texts):
            found = self._column(header.place(index), name.strip(), columns)
            if isinstance(found, Problem):
                problems.append(found)
            else:
                columns.append(found)
        key = self.columns.identifier.key
        if key not in {column.key for column in columns if column} and not problems:
            place = header.place(0)
            problems.append(self.values.problem(place, None, "", "noIdentifierColumn", column=key))
        if problems:
            raise RefusedError(problems)
        return columns

    def _column(
        self, place: Place, name: str, before: Sequence[Column | None]
    ) -> Column | Problem | None:
        """Give the column of a name, or none where there is no name: nothing may stand below."""
        found = self.columns.known.get(fold(name))
        if not name:
            return None
        if found is None:
            near = ", ".join(nearest(name, self.columns.known))
            return self.values.problem(place, None, name, "unknownColumn", nearest=near)
        if found in before:
            return self.values.problem(place, found.field, name, "columnTwice")
        if found.field.text and found.language is None:
            example = f"{found.field.key}@{self.values.languages[0]}"
            return self.values.problem(
                place, found.field, name, "columnNeedsLanguage", example=example
            )
        return found

    def _row(
        self, row: Row, columns: Sequence[Column | None], digest: str
    ) -> tuple[Draft | None, list[Problem]]:
        if row.first.sheet:
            columns = [*columns, *(None for _ in row.texts[len(columns) :])]
        if len(row.texts) != len(columns):
            words = {"cells": len(row.texts), "columns": len(columns)}
            return None, [self.values.problem(row.place(0), None, "", "raggedRow", **words)]
        values: list[Values] = []
        problems: list[Problem] = []
        for index, column in enumerate(columns):
            found = self._cell(row, index, column)
            terms = tuple(term for term in found if not isinstance(term, Problem))
            problems += [term for term in found if isinstance(term, Problem)]
            if column:
                values.append(Values(column.field, column.language, terms, row.place(index)))
        identifier = self._identifier_in(values)
        if not identifier and not problems:
            place = row.place(self._place_of_identifier(columns))
            problems.append(self.values.problem(place, self.columns.identifier, "", "noValue"))
        draft = Draft(
            identifier,
            tuple(values),
            used=_named_by_hash(digest),
            page=False,
            checksum=digest,
            part="import-table",
        )
        return (draft if identifier else None), problems

    def _identifier_in(self, values: Iterable[Values]) -> str:
        terms = [v.terms for v in values if v.field == self.columns.identifier]
        found = next((term for listed in terms for term in listed), None)
        return found.value if isinstance(found, Literal) else ""

    def _place_of_identifier(self, columns: Sequence[Column | None]) -> int:
        return columns.index(Column(self.columns.identifier, None))

    def _twice(
        self, row: Row, columns: Sequence[Column | None], draft: Draft, first: int
    ) -> Problem:
        place = row.place(self._place_of_identifier(columns))
        return self.values.problem(place, None, draft.identifier, "rowTwice", first=first)

    def _cell(self, row: Row, index: int, column: Column | None) -> list[Term | Problem]:
        place, cell = row.place(index), row.texts[index]
        field = column.field if column else None
        if index in row.faults:
            return [self.values.problem(place, field, cell, row.faults[index])]
        if column is None:
            nameless = self.values.problem(place, None, cell, "namelessColumn")
            return [nameless] if cell.strip() else []
        if column.language:
            text = cell.replace("\r\n", "\n").strip()
            return [Literal(text, language=column.language)] if text else []
        parts = parted(cell)
        if len(parts) > 1 and not column.field.repeats:
            return [self.values.problem(place, field, cell, "onlyOne")]
        languages = self.values.languages
        return [self.values.term(place, column.field, part, languages) for part in parts]


def _named_by_hash(digest: str) -> str:
    value = base64.urlsafe_b64encode(bytes.fromhex(digest)).decode().rstrip("=")
    return f"ni:///sha-256;{value}"
