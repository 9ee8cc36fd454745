"""Data gaps: the results of the stored queries that are marked as parts of the report, as tables.

The result of a query with `?language` and `?count` becomes a table with a column for each language.
"""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from textwrap import shorten
from typing import Any

from pyoxigraph import Literal, NamedNode

from ..catalogue.catalogue import Catalogue
from ..catalogue.stored_queries import StoredQuery
from ..exchange.table_format import escape_formula
from ..rdf.terms import INTEGER, PG, Term, as_text, integer, parse_decimal
from ..schema.text import find_similar, pick_text
from ..schema.value_parser import InvalidParameterError
from ..storage.base import Solution

MAX_ROWS = 20
"""The number of rows of a table in text and on pages."""
_POSITION = PG + "ledger"
_LANGUAGE, _COUNT = "language", "count"
_ZERO = integer(0)
_MAX_WIDTH = 60  # characters of a cell in text
_MARGIN = "  "


@dataclass(frozen=True)
class GapTable:
    """The result of a stored query as a table; a row may lack columns."""

    name: str
    title: str
    explanation: str
    columns: tuple[str, ...]
    rows: tuple[Solution, ...]


@dataclass(frozen=True)
class GapReport:
    """The report of a catalogue in the first of the languages."""

    catalogue: Catalogue
    languages: Sequence[str]

    def tables(self, name: str = "") -> list[GapTable]:
        """Return the table of a stored query, or all in order; raise InvalidParameterError."""
        queries = {query.name: query for query in self.queries()}
        if name and name not in queries:
            raise InvalidParameterError(name, None, find_similar(name, queries) or list(queries))
        return [self._run(query) for query in ([queries[name]] if name else queries.values())]

    def queries(self) -> list[StoredQuery]:
        """Return the stored queries of the report in the order of their positions."""
        positions: dict[str, float] = {}
        for name, query in self.catalogue.stored_queries.items():
            term = self.catalogue.store.value(NamedNode(query.iri), _POSITION)
            position = parse_decimal(term.value) if isinstance(term, Literal) else None
            if position is not None:
                positions[name] = position
        names = sorted(positions, key=lambda name: (positions[name], name))
        return [self.catalogue.stored_queries[name] for name in names]

    def table(self, query: StoredQuery, rows: Sequence[Solution]) -> GapTable:
        """Return the rows of a stored query as a table."""
        return GapTable(
            name=query.name,
            title=pick_text(query.labels, self.languages),
            explanation=pick_text(query.comments, self.languages),
            columns=tuple(dict.fromkeys(column for row in rows for column in row)),
            rows=tuple(rows),
        )

    def merge_languages(self, rows: list[Solution]) -> list[Solution]:
        """Return one row for rows that differ only in language and count, with all counts."""
        if not any(_LANGUAGE in row for row in rows):
            return rows
        counts: dict[tuple[tuple[str, Term], ...], dict[str, Term]] = {}
        for row in rows:
            key = tuple((k, term) for k, term in row.items() if k not in (_LANGUAGE, _COUNT))
            by_language = counts.setdefault(key, dict.fromkeys(self.catalogue.languages, _ZERO))
            by_language[as_text(row[_LANGUAGE])] = row[_COUNT]
        return [{**dict(key), **by_language} for key, by_language in counts.items()]

    def heading(self, column: str) -> str:
        """Return the heading of a column: a phrase, or the column where there is none."""
        key = f"heading{column.capitalize()}"
        return self.phrase(key) if key in self.catalogue.phrases.labels else column

    def phrase(self, key: str, /, **words: object) -> str:
        """Return a phrase."""
        return self.catalogue.phrases.format(key, self.languages, **words)

    def label(self, term: Term | None) -> str:
        """Return the label of a resource, or the text of a literal."""
        if isinstance(term, NamedNode):
            return self.catalogue.reader.label(term.value, self.languages) or term.value
        return term.value if isinstance(term, Literal) else ""

    def as_object(self, table: GapTable) -> dict[str, Any]:
        """Return a table as a JSON object; resources have their IRIs and labels."""

        def value(term: Term) -> Any:
            if isinstance(term, NamedNode):
                return {"id": term.value, "label": self.label(term)}
            return int(as_text(term)) if _is_number(term) else as_text(term)

        rows = [{column: value(term) for column, term in row.items()} for row in table.rows]
        texts = {"name": table.name, "title": table.title, "explanation": table.explanation}
        return {**texts, "rows": rows}

    def _run(self, query: StoredQuery) -> GapTable:
        text = query.bind((), self.catalogue.value_parser)
        return self.table(query, self.merge_languages(list(self.catalogue.store.select(text))))


def write_text(report: GapReport, tables: Sequence[GapTable]) -> str:
    """Return tables as text, each with its first rows."""
    return "\n".join("\n".join([table.title, *_lines(report, table), ""]) for table in tables)


def _lines(report: GapReport, table: GapTable) -> Iterator[str]:
    if not table.rows:
        yield _MARGIN + report.phrase("noGaps")
        return
    rows = table.rows[:MAX_ROWS]
    lines = [[report.heading(column) for column in table.columns]]
    for row in rows:
        labels = (report.label(row.get(column)) for column in table.columns)
        lines.append([shorten(label, _MAX_WIDTH, placeholder=" …") for label in labels])
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    alignments = [">" if _is_number(rows[0].get(column)) else "<" for column in table.columns]
    for line in lines:
        cells = zip(line, alignments, widths, strict=True)
        yield (_MARGIN + _MARGIN.join(f"{c:{side}{width}}" for c, side, width in cells)).rstrip()
    if count := len(table.rows) - len(rows):
        yield _MARGIN + report.phrase("moreGaps", count=count, name=table.name)


def write_json(report: GapReport, tables: Sequence[GapTable]) -> str:
    """Return tables with all their rows as JSON."""
    content = {"gaps": [report.as_object(table) for table in tables]}
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def write_csv(report: GapReport, tables: Sequence[GapTable]) -> str:
    """Return all rows as one table, with a column more for the label of a resource."""
    rows = [{"gap": table.name, **_cells(report, row)} for table in tables for row in table.rows]
    columns = list(dict.fromkeys(column for row in rows for column in row))
    output = io.StringIO(newline="")
    writer = csv.DictWriter(output, columns)
    writer.writeheader()
    writer.writerows(rows)
    return output.getvalue()


def _cells(report: GapReport, row: Solution) -> dict[str, str]:
    cells: dict[str, str] = {}
    for column, term in row.items():
        cells[column] = escape_formula(as_text(term))
        if isinstance(term, NamedNode):
            cells[f"{column}Label"] = escape_formula(report.label(term))
    return cells


def _is_number(term: Term | None) -> bool:
    return isinstance(term, Literal) and term.datatype == INTEGER


FORMATS: Mapping[str, Callable[[GapReport, Sequence[GapTable]], str]] = {
    "text": write_text,
    "json": write_json,
    "csv": write_csv,
}
"""The writers of the report by the name of their format."""
