"""Two facets crossed: rows and columns of all their values, and how many entries have both."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pyoxigraph import NamedNode

from ..choices import UNSTATED
from ..kinds import Field
from ..search import Counts, Coverage
from ..store import Term
from . import facets
from .facets import Option
from .views import View

AXES = ("rows", "columns")
"""The parameters that name the two facets, and the keys of what they become."""


@dataclass(frozen=True)
class Head:
    """A row or a column: a value with how many entries have it, how deep it stands in its tree."""

    term: Term | None
    option: Option
    count: int
    depth: int = 0

    def as_json(self) -> dict[str, Any]:
        """Give the value as JSON; what is not stated has no IRI."""
        option = self.option
        found = {"value": option.value, "id": option.id, "label": option.label, "count": self.count}
        found |= {"broader": option.broader} if option.broader else {}
        return {name: value for name, value in found.items() if value != ""}


@dataclass(frozen=True)
class Axis:
    """The rows or the columns of a table."""

    field: Field
    label: str
    heads: Sequence[Head]


@dataclass(frozen=True)
class Table:
    """A table: how many entries the search leaves, and how many have both values of each cell."""

    total: int
    rows: Axis
    columns: Axis
    cells: Sequence[Sequence[int]]


def crossed(view: View, rows: Field, columns: Field, counted: Coverage, with_zeros: bool) -> Table:
    """Give a table, with rows and columns that no entry has if they are wanted."""
    down = _axis(view, rows, counted.rows, with_zeros)
    across = _axis(view, columns, counted.columns, with_zeros)
    cells = [
        [counted.cells.get((row.term, column.term), 0) for column in across.heads]
        for row in down.heads
    ]
    return Table(counted.total, down, across, cells)


def _axis(view: View, field: Field, counts: Counts, with_zeros: bool) -> Axis:
    placed = _placed(view, field)
    known = (term for term, _ in facets.listed_counts(view, field, counts))
    placed += [(0, term) for term in known if (0, term) not in placed]
    shown = dict.fromkeys(term for _, term in placed)
    depths = {term: depth for depth, term in reversed(placed)}
    heads = [
        Head(term, option, counts.get(term, 0), depths[term])
        for term, option in zip(shown, facets.options(view, field, shown), strict=True)
    ]
    unstated = Option(UNSTATED, "", view.say("notStated"), ())
    heads.append(Head(None, unstated, counts.get(None, 0)))
    return Axis(
        field, facets.label(view, field), [head for head in heads if head.count or with_zeros]
    )


def _placed(view: View, field: Field) -> list[tuple[int, Term]]:
    """Give all values of a facet with their depth, from the top down."""
    if not field.scheme:
        return [(0, term) for term in facets.every_value(view, field)]
    scheme = view.catalogue.vocabularies.scheme(field.scheme)
    return [(depth, NamedNode(concept.iri)) for depth, concept in scheme.tree(view.languages)]


def as_json(view: View, table: Table) -> dict[str, Any]:
    """Give a table as JSON; its cells stand in the order of its rows and columns."""
    axes = {
        name: {
            "key": axis.field.key,
            "label": axis.label,
            "values": [head.as_json() for head in axis.heads],
        }
        for name, axis in zip(AXES, (table.rows, table.columns), strict=True)
    }
    return {
        "total": table.total,
        "release": view.catalogue.search.release,
        **axes,
        "cells": table.cells,
    }


def as_csv(table: Table) -> str:
    """Give a table with a row a value: its short form, its label, its count, and the cells."""
    text = io.StringIO()
    written = csv.writer(text)
    columns = [head.option.value for head in table.columns.heads]
    written.writerow([table.rows.field.key, "label", "total", *columns])
    for head, cells in zip(table.rows.heads, table.cells, strict=True):
        written.writerow([head.option.value, head.option.label, head.count, *cells])
    return text.getvalue()
