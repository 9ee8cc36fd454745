"""A table in CSV, read: one entry a row, one field a column.

A column that is not there leaves its field alone; an empty cell empties it.
"""

import base64
import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pyoxigraph import Literal

from .kinds import Field
from .records import BETWEEN
from .store import Term
from .text import fold, nearest
from .values import Draft, Problem, RefusedError, Understanding, Values, checksum

_Column = tuple[Field, str | None]


@dataclass(frozen=True)
class Tables:
    """Reads tables of entries."""

    values: Understanding

    def read(self, path: Path) -> list[Draft]:
        """Read a CSV table (RFC 4180), one entry a row; raises RefusedError with every problem."""
        content = path.read_bytes()
        rows = csv.reader(io.StringIO(self.values.decoded(path, content), newline=""))
        header = next(rows, [])
        columns = self._columns(path, header)
        drafts: dict[str, Draft] = {}
        lines: dict[str, int] = {}
        problems: list[Problem] = []
        for cells in rows:
            line = rows.line_num
            draft, wrong = self._row(path, line, columns, cells, checksum(content))
            if draft and draft.identifier in drafts:
                reason = self.values.say("rowTwice", first=lines[draft.identifier])
                wrong = [*wrong, Problem(path, line, "", draft.identifier, reason)]
            problems += wrong
            if draft:
                drafts.setdefault(draft.identifier, draft)
                lines.setdefault(draft.identifier, line)
        if problems:
            raise RefusedError(problems)
        return list(drafts.values())

    def _columns(self, path: Path, header: Sequence[str]) -> list[_Column]:
        known = self._known_columns()
        columns: list[_Column] = []
        problems: list[Problem] = []
        for name in header:
            found = known.get(fold(name))
            if found is None:
                near = ", ".join(nearest(name, known))
                problems.append(
                    self.values.problem(path, 1, None, name, "unknownColumn", nearest=near)
                )
            elif found in columns:
                problems.append(self.values.problem(path, 1, found[0], name, "columnTwice"))
            elif found[0].text and found[1] is None:
                example = f"{found[0].key}@{self.values.languages[0]}"
                problems.append(
                    self.values.problem(
                        path, 1, found[0], name, "columnNeedsLanguage", example=example
                    )
                )
            else:
                columns.append(found)
        identifier = self._identifier.key
        if identifier not in {field.key for field, _ in columns} and not problems:
            problems.append(
                self.values.problem(path, 1, None, "", "noIdentifierColumn", column=identifier)
            )
        if problems:
            raise RefusedError(problems)
        return columns

    @property
    def _identifier(self) -> Field:
        return self.values.kind.with_role("IDRole")[0]

    def _known_columns(self) -> dict[str, _Column]:
        known: dict[str, _Column] = {}
        for field in self.values.kind.fields:
            for name in [field.key, *(wording for _, wording in field.wordings)]:
                known.setdefault(fold(name), (field, None))
                for tag in self.values.languages if field.text else ():
                    known.setdefault(fold(f"{name}@{tag}"), (field, tag))
        return known

    def _row(
        self,
        path: Path,
        line: int,
        columns: Sequence[_Column],
        cells: Sequence[str],
        digest: str,
    ) -> tuple[Draft | None, list[Problem]]:
        if len(cells) != len(columns):
            words = {"cells": len(cells), "columns": len(columns)}
            return None, [self.values.problem(path, line, None, "", "raggedRow", **words)]
        values: list[Values] = []
        problems: list[Problem] = []
        for (field, language), cell in zip(columns, cells, strict=True):
            found = self._cell(path, line, field, language, cell)
            values.append(
                Values(field, language, tuple(t for t in found if not isinstance(t, Problem)))
            )
            problems += [term for term in found if isinstance(term, Problem)]
        key = self._identifier.key
        names = [term for value in values if value.field.key == key for term in value.terms]
        if not names and not problems:
            problems.append(self.values.problem(path, line, self._identifier, "", "noValue"))
        identifier = names[0].value if names and isinstance(names[0], Literal) else ""
        draft = Draft(
            identifier,
            tuple(values),
            used=_named_by_hash(digest),
            page=False,
            checksum=digest,
            part="import-table",
        )
        return (draft if identifier else None), problems

    def _cell(
        self, path: Path, line: int, field: Field, language: str | None, cell: str
    ) -> list[Term | Problem]:
        if language:
            text = cell.replace("\r\n", "\n").strip()
            return [Literal(text, language=language)] if text else []
        parts = [part.strip() for part in cell.split(BETWEEN.strip()) if part.strip()]
        if len(parts) > 1 and not field.repeats:
            return [self.values.problem(path, line, field, cell, "onlyOne")]
        return [self.values.term(path, field, line, part, self.values.languages) for part in parts]


def _named_by_hash(digest: str) -> str:
    value = base64.urlsafe_b64encode(bytes.fromhex(digest)).decode().rstrip("=")
    return f"ni:///sha-256;{value}"
