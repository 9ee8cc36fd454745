"""The URLs of the searches for the entries in the cells of a table, or of the SPARQL of these."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple
from urllib.parse import urlencode

from ...rdf.terms import as_text
from ...schema.fields import Field
from ...schema.vocabularies import Vocabularies
from ...search.request import FROM, TO, FilterValue, Range, SearchRequest
from ..search.links import SearchLinks

_TOTAL = "#total"
"""The place in the explanation of a search of the query that counts its entries."""


class LinkedValue(NamedTuple):
    """A value of a facet by its short form, as a filter of a search if that can be linked.

    `id` is its IRI or lexical form, "" that of entries which state none.
    """

    key: str
    value: str
    id: str
    query: str
    is_linkable: bool


@dataclass(frozen=True)
class CellLinks:
    """Builds the URLs of cells: of their entries, or where `is_explained` of their queries."""

    vocabularies: Vocabularies
    fields: Mapping[str, Field]
    links: SearchLinks
    search_request: SearchRequest
    keys: tuple[str, ...]
    is_explained: bool

    def value(self, field: Field, value: str, iri: str) -> LinkedValue:
        """Return a value of a facet by its short form and its IRI.

        Several values of one facet widen a search, so a value replaces the chosen ones only where
        it is within one of them.
        """
        chosen = self.search_request.filters.get(field.key, ())
        is_linkable = not chosen or self._is_within_any(field.key, iri, chosen)
        return LinkedValue(field.key, value, iri, urlencode([(field.key, value)]), is_linkable)

    def url(self, *values: LinkedValue) -> str:
        """Return the URL of the search for entries with all values, or "" where there is none.

        Of several values of one facet, the search has the one that is within all others.
        """
        queries = [value.query for value in values if value.is_linkable]
        if len(queries) < len(values):
            return ""
        if self._has_same_keys and len({value.key for value in values}) < len(values):
            return self._narrowest_url(values)
        return self._start + "&".join(queries) + self._end

    def _narrowest_url(self, values: Sequence[LinkedValue]) -> str:
        narrowest: list[LinkedValue] = []
        for key in {value.key for value in values}:
            same = [value for value in values if value.key == key]
            inside = [v for v in same if all(self._is_within(key, v.id, w.id) for w in same)]
            if not inside:
                return ""
            narrowest.append(inside[0])
        return self.url(*narrowest)

    @cached_property
    def _has_same_keys(self) -> bool:
        return len({*self.keys}) < len(self.keys)

    @cached_property
    def _start(self) -> str:
        """Return the URL of the search without the facets of the cells, up to these."""
        removed = [key + suffix for key in self.keys for suffix in ("", FROM, TO)]
        parameters = self.links.without("zeros", "sort", "size", *removed)
        parameters += [("explain", "true")] if self.is_explained else []
        return self.links.to(parameters) + ("&" if parameters else "?")

    @cached_property
    def _end(self) -> str:
        return _TOTAL if self.is_explained else ""

    def _is_within_any(self, key: str, text: str, values: Sequence[FilterValue]) -> bool:
        if text and Range(text, text) in values:
            return True
        terms = (value for value in values if not isinstance(value, Range))
        return any(self._is_within(key, text, as_text(t) if t else "") for t in terms)

    def _is_within(self, key: str, text: str, other: str) -> bool:
        """Return whether all entries with a value have another one, or one that is broader."""
        scheme = self.fields[key].scheme
        if text == other or not text or not scheme:
            return text == other
        return other in self.vocabularies.scheme(scheme).ancestors.get(text, ())
