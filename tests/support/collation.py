"""What a search returns by SPARQL, which knows no collation, with titles in the reader's order."""

from collections.abc import Sequence
from dataclasses import replace

from practicegraph.schema.text import collation_key
from practicegraph.search.engine import SearchResult, SparqlEngine, make_result
from practicegraph.search.index import Index
from practicegraph.search.request import TITLE, Cursor, SearchRequest


def collated_search(
    engine: SparqlEngine, index: Index, request: SearchRequest, languages: Sequence[str]
) -> SearchResult:
    """Return the result by SPARQL; a page of titles is cut out of all entries, sorted anew.

    The titles are those of the index, since SPARQL returns them in lower case.
    """
    if request.order.text != TITLE or not request.size:
        return engine.search(request, languages)
    whole = replace(request, size=1000, after=None, before=None)
    result = engine.search(whole, languages)
    texts = {cursor.iri: cursor.text for cursor in index.search(whole, languages).cursors}
    assert texts.keys() == set(result.entries)
    cursors = [replace(cursor, text=texts[cursor.iri]) for cursor in result.cursors]
    assert [cursor.text.lower() for cursor in cursors] == [c.text for c in result.cursors]
    order, backward = request.order, request.is_backward
    sign = -1 if order.level_descending != backward else 1

    def text_key(cursor: Cursor) -> tuple[bytes, str]:
        return collation_key(cursor.text, languages[0]), cursor.iri

    cursors.sort(key=text_key, reverse=order.descending != backward)
    cursors.sort(key=lambda cursor: sign * (cursor.level or 0))
    if start := request.before or request.after:
        cursors = cursors[[cursor.iri for cursor in cursors].index(start.iri) + 1 :]
    page, has_more = cursors[: request.size], len(cursors) > request.size
    return make_result(request, result.total, page, has_more, result.counts)
