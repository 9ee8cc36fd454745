"""Data gaps: the results of the stored queries that are marked as reports of gaps, as tables.

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
from ..rdf.namespaces import PG
from ..rdf.terms import INTEGER, Term, as_text, integer, parse_decimal
from ..schema.text import find_similar, pick_text
from ..schema.value_parser import InvalidParameterError
from ..storage.base import Solution

_PLACE = PG + "ledger"
_LANGUAGE, _COUNT = "language", "count"
_NONE = integer(0)
MOST = 20
"""The rows of a part that people read."""
_WIDTH = 60  # characters of a cell there
_GAP = "  "


@dataclass(frozen=True)
class GapTable:
    """A part of the ledger: a question's answer as a table; a row may lack what is not known."""

    name: str
    title: str
    explanation: str
    columns: tuple[str, ...]
    rows: tuple[Solution, ...]


@dataclass(frozen=True)
class GapReport:
    """Reads the ledger of a catalogue in the first of the languages."""

    catalogue: Catalogue
    languages: Sequence[str]

    def parts(self, name: str = "") -> list[GapTable]:
        """Return the part of a name, or all in their order; raises InvalidParameterError."""
        listed = {question.name: question for question in self.questions()}
        if name and name not in listed:
            raise InvalidParameterError(name, None, find_similar(name, listed) or list(listed))
        return [self._part(listed[name])] if name else list(map(self._part, listed.values()))

    def heading(self, column: str) -> str:
        """Return what a column is called, where a phrase says it."""
        phrase = f"heading{column.capitalize()}"
        known = phrase in self.catalogue.phrases.labels
        return self.say(phrase) if known else column

    def say(self, name: str, /, **words: object) -> str:
        """Return a phrase."""
        return self.catalogue.phrases.format(name, self.languages, **words)

    def label(self, term: Term | None) -> str:
        """Return what a thing is called, or a value's text."""
        if isinstance(term, NamedNode):
            return self.catalogue.reader.label(term.value, self.languages) or term.value
        return term.value if isinstance(term, Literal) else ""

    def questions(self) -> list[StoredQuery]:
        """Return the questions whose answers are the parts, in their order."""
        found = self.catalogue.stored_queries
        said = {
            name: self.catalogue.store.value(NamedNode(question.iri), _PLACE)
            for name, question in found.items()
        }
        places = {
            name: place
            for name, term in said.items()
            if isinstance(term, Literal) and (place := parse_decimal(term.value)) is not None
        }
        return [found[name] for name in sorted(places, key=lambda name: (places[name], name))]

    def part(self, question: StoredQuery, rows: Sequence[Solution]) -> GapTable:
        """Return the part that the rows of a question's answer are."""
        return GapTable(
            name=question.name,
            title=pick_text(question.labels, self.languages),
            explanation=pick_text(question.comments, self.languages),
            columns=tuple(dict.fromkeys(column for row in rows for column in row)),
            rows=tuple(rows),
        )

    def _part(self, question: StoredQuery) -> GapTable:
        query = question.bind((), self.catalogue.value_parser)
        return self.part(question, self.by_language(list(self.catalogue.store.select(query))))

    def by_language(self, rows: list[Solution]) -> list[Solution]:
        """Return one row for those that differ in the language alone, its counts side by side."""
        if not any(_LANGUAGE in row for row in rows):
            return rows
        wide: dict[tuple[tuple[str, Term], ...], dict[str, Term]] = {}
        for row in rows:
            own = tuple((k, term) for k, term in row.items() if k not in (_LANGUAGE, _COUNT))
            counts = wide.setdefault(own, dict.fromkeys(self.catalogue.languages, _NONE))
            counts[as_text(row[_LANGUAGE])] = row[_COUNT]
        return [{**dict(own), **counts} for own, counts in wide.items()]


def text(ledger: GapReport, parts: Sequence[GapTable]) -> str:
    """Return the parts as tables for people, each with its first rows."""
    return "\n".join("\n".join([part.title, *_table(ledger, part), ""]) for part in parts)


def _table(ledger: GapReport, part: GapTable) -> Iterator[str]:
    if not part.rows:
        yield _GAP + ledger.say("noGaps")
        return
    shown = [
        [
            shorten(ledger.label(row.get(column)), _WIDTH, placeholder=" …")
            for column in part.columns
        ]
        for row in part.rows[:MOST]
    ]
    lines = [list(map(ledger.heading, part.columns)), *shown]
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    set_right = [_is_number(part.rows[0].get(column)) for column in part.columns]
    for cells in lines:
        placed = zip(cells, widths, set_right, strict=True)
        joined = _GAP.join(c.rjust(w) if right else c.ljust(w) for c, w, right in placed)
        yield (_GAP + joined).rstrip()
    if more := len(part.rows) - len(shown):
        yield _GAP + ledger.say("moreGaps", count=more, name=part.name)


def as_json(ledger: GapReport, parts: Sequence[GapTable]) -> str:
    """Return the parts with all their rows."""
    listed = [described(ledger, part) for part in parts]
    return json.dumps({"gaps": listed}, ensure_ascii=False, indent=1) + "\n"


def described(ledger: GapReport, part: GapTable) -> dict[str, Any]:
    """Return a part as JSON; things have their IRIs and labels."""

    def value(term: Term) -> Any:
        if isinstance(term, NamedNode):
            return {"id": term.value, "label": ledger.label(term)}
        return int(as_text(term)) if _is_number(term) else as_text(term)

    return {
        "name": part.name,
        "title": part.title,
        "explanation": part.explanation,
        "rows": [{column: value(term) for column, term in row.items()} for row in part.rows],
    }


def as_csv(ledger: GapReport, parts: Sequence[GapTable]) -> str:
    """Return all rows as one table; a thing has a column more, with its label."""
    rows = [{"gap": part.name, **_cells(ledger, row)} for part in parts for row in part.rows]
    written = io.StringIO(newline="")
    columns = list(dict.fromkeys(column for row in rows for column in row))
    table = csv.DictWriter(written, columns)
    table.writeheader()
    table.writerows(rows)
    return written.getvalue()


def _cells(ledger: GapReport, row: Solution) -> dict[str, str]:
    cells: dict[str, str] = {}
    for column, term in row.items():
        cells[column] = escape_formula(as_text(term))
        if isinstance(term, NamedNode):
            cells[f"{column}Label"] = escape_formula(ledger.label(term))
    return cells


def _is_number(term: Term | None) -> bool:
    return isinstance(term, Literal) and term.datatype == INTEGER


FORMS: Mapping[str, Callable[[GapReport, Sequence[GapTable]], str]] = {
    "text": text,
    "json": as_json,
    "csv": as_csv,
}
"""The forms of the ledger by name."""
