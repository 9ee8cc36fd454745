"""The page of queries beside its result: the query, examples, the limits, an error."""

from typing import Any

from babel.numbers import format_decimal

from ...catalogue.stored_queries import group_queries
from ...schema.fields import NodeShape
from ...sparql.pool import QueryLimits
from ..context import View
from ..resources.dataset import format_size

NO_ERROR: dict[str, Any] = {"detail": "", "hint": "", "line": 0}
"""The values of the template for an error, where there is none."""
_SAMPLE_QUERY = """PREFIX dct: <http://purl.org/dc/terms/>

SELECT ?entry ?title
WHERE {{
    ?entry a <{kind}> ;
        dct:title ?title .
}}
ORDER BY ?title
LIMIT 100
"""


def sample_query(kind: NodeShape) -> str:
    """Return a query of the titles of the records of a kind."""
    return _SAMPLE_QUERY.format(kind=kind.classes[0])


def page_values(
    view: View, query: str, limits: QueryLimits, shown: int, *, is_posted: bool
) -> dict[str, Any]:
    """Return the values of the template of the page; so many rows of a result are shown.

    After a POST, downloads are buttons that post the query again, since no URL has it.
    """
    return NO_ERROR | {
        "query": query,
        "groups": group_queries(view.catalogue.stored_queries.values()),
        "limits": {
            "seconds": limits.seconds,
            "longest": limits.max_seconds,
            "shown": shown,
            "rows": format_decimal(limits.max_rows, locale=view.language),
            "size": format_size(limits.max_bytes, view.language),
            "running": max(1, limits.processes // 2),
            "waiting": limits.max_waiting,
        },
        "is_posted": is_posted,
    }
