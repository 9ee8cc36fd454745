"""Explanations of results: the SPARQL queries that give each of their numbers again."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from fastapi import Request

from ...schema.fields import Field
from ...search.engine import MAX_HITS, CountQueries, TooManyHitsError
from ...search.request import SearchRequest
from ..context import View
from ..http import conditional
from ..http.conditional import Validators
from ..http.negotiation import MediaType

_MAX_URL_QUERY = 6000


class ExplanatoryQuery(NamedTuple):
    """A query of an explanation: its place in it, what it counts, its text, its editor's URL."""

    name: str
    label: str
    text: str
    editor: str


def explain_search(
    view: View, search_request: SearchRequest, milliseconds: float
) -> dict[str, Any]:
    """Return the explanation of a search; a note stands in place of queries that are too long."""
    try:
        queries = view.services.explainer.explain_search(search_request, view.languages)
    except TooManyHitsError as error:
        return _note(view, error) | _origin(view, milliseconds)
    return {
        "list": queries.listing,
        "total": queries.total,
        "facets": {key: _counting(counted) for key, counted in queries.facets.items()},
        **_origin(view, milliseconds),
    }


def explain_table(
    view: View, axes: tuple[Field, Field], search_request: SearchRequest, milliseconds: float
) -> dict[str, Any]:
    """Return the explanation of a contingency table."""
    try:
        queries = view.services.explainer.explain_table(*axes, search_request, view.languages)
    except TooManyHitsError as error:
        return _note(view, error) | _origin(view, milliseconds)
    return {
        "total": queries.total,
        "rows": _counting(queries.rows),
        "columns": _counting(queries.columns),
        "cells": {
            "values": queries.cells,
            "rowsNotStated": queries.rows_not_stated,
            "columnsNotStated": queries.columns_not_stated,
            "bothNotStated": queries.both_not_stated,
        },
        **_origin(view, milliseconds),
    }


def explain_similar(view: View, entry: str, size: int, milliseconds: float) -> dict[str, Any]:
    """Return the explanation of which entries are similar to one."""
    query = view.services.explainer.queries.list_similar(entry, size)
    return {"list": query, **_origin(view, milliseconds)}


def explanatory_queries(
    view: View, explanation: Mapping[str, Any], labels: Mapping[str, str]
) -> list[ExplanatoryQuery]:
    """Return the queries of an explanation that have a label, by their dotted names."""
    queries: list[ExplanatoryQuery] = []
    for name, label in labels.items():
        text: Any = explanation
        for key in name.split("."):
            text = text.get(key, {})
        if text:
            queries.append(ExplanatoryQuery(name, label, text, _editor_url(view, text)))
    return queries


def result_validators(
    view: View, request: Request, media_type: MediaType, is_explained: bool
) -> Validators:
    """Return the validators of a result; none of one that says how long it took."""
    if is_explained:
        return Validators("")
    services, chosen = view.services, (media_type.extension, view.language)
    return conditional.validators(request, services.search.release, chosen, services.dataset.newest)


def _counting(queries: CountQueries) -> dict[str, str]:
    return {"values": queries.values, "notStated": queries.not_stated}


def _note(view: View, error: TooManyHitsError) -> dict[str, str]:
    return {"note": view.say("tooManyMatches", count=error.count, limit=MAX_HITS)}


def _origin(view: View, milliseconds: float) -> dict[str, Any]:
    return {"release": view.services.search.release, "milliseconds": round(milliseconds, 2)}


def _editor_url(view: View, query: str) -> str:
    """Return the URL at which a query can be edited and run; "" where it would be too long."""
    return view.link("/sparql", query=query) if len(query) < _MAX_URL_QUERY else ""
