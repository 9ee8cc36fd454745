"""Explanations as readers get them: by name, the SPARQL that gives each number again."""

from typing import Any

from fastapi import Request

from ..choices import Choices
from ..explanations import MOST_FOUND, Counted, TooManyFoundError
from ..kinds import Field
from . import caching
from .caching import Validators
from .negotiation import Form
from .views import View


def answer(view: View, choices: Choices, milliseconds: float) -> dict[str, Any]:
    """Explain an answer to a search; words that found too much are said to have done so."""
    try:
        found = view.catalogue.explaining.answer(choices, view.languages)
    except TooManyFoundError as error:
        return _unexplained(view, error) | _told(view, milliseconds)
    queries = {
        "list": found.listing,
        "total": found.total,
        "facets": {key: _counted(queries) for key, queries in found.facets.items()},
    }
    return queries | _told(view, milliseconds)


def coverage(
    view: View, axes: tuple[Field, Field], choices: Choices, milliseconds: float
) -> dict[str, Any]:
    """Explain a table of two facets."""
    try:
        found = view.catalogue.explaining.coverage(*axes, choices, view.languages)
    except TooManyFoundError as error:
        return _unexplained(view, error) | _told(view, milliseconds)
    queries = {
        "total": found.total,
        "rows": _counted(found.rows),
        "columns": _counted(found.columns),
        "cells": {
            "values": found.cells,
            "rowsNotStated": found.rows_unstated,
            "columnsNotStated": found.columns_unstated,
            "bothNotStated": found.both_unstated,
        },
    }
    return queries | _told(view, milliseconds)


def similar(view: View, entry: str, size: int, milliseconds: float) -> dict[str, Any]:
    """Explain which entries are near to one."""
    query = view.catalogue.explaining.definition.similar(entry, size)
    return {"list": query} | _told(view, milliseconds)


def validators(view: View, request: Request, form: Form, is_explained: bool) -> Validators:
    """Give what tells an answer from a later one; nothing where it says how long it took."""
    if is_explained:
        return Validators("")
    catalogue, chosen = view.catalogue, (form.extension, view.language)
    return caching.validators(request, catalogue.search.release, chosen, catalogue.dataset.newest)


def _counted(queries: Counted) -> dict[str, str]:
    return {"values": queries.values, "notStated": queries.unstated}


def _unexplained(view: View, error: TooManyFoundError) -> dict[str, Any]:
    return {"note": view.say("tooManyFound", count=error.count, most=MOST_FOUND)}


def _told(view: View, milliseconds: float) -> dict[str, Any]:
    return {"release": view.catalogue.search.release, "milliseconds": round(milliseconds, 2)}
