"""Search requests, and the parser of their parameters.

Values become RDF terms here, which write themselves with escapes, so that no request can change
the structure of a query.
"""

import base64
import binascii
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from ..rdf.terms import Term
from ..schema.fields import Field, NodeShape, get_scale
from ..schema.text import find_similar, parse_whole_number
from ..schema.value_parser import InvalidParameterError
from ..schema.vocabularies import Vocabularies

SIZES = range(0, 1001)
"""The sizes of a page."""
MAX_VALUES = 50
"""The dates or numbers of one facet in a request; a range selects more."""
NOT_STATED = "not-stated"
"""The value of a filter that selects entries in which the field has no value."""
NOT, FROM, TO, COUNT = ".not", ".from", ".to", ".count"
"""Suffixes of a facet's key: without a value, from and to a value, by the number of values."""
RELEVANCE, TITLE = "relevance", "title"
"""Sort keys beside fields: the score of the query, and the title."""
_BOOLEANS = {"": True, "true": True, "false": False}


@dataclass(frozen=True)
class Range:
    """The values from `start` to `end`, both included; None where an end is open."""

    start: str | None
    end: str | None


FilterValue = Term | Range | None
"""A value, a range of values, or None for entries that state none."""


@dataclass(frozen=True)
class Cursor:
    """A position in a sorted result: the level if the order has levels, the text, and the IRI."""

    level: int | None
    text: str
    iri: str


@dataclass(frozen=True)
class SortOrder:
    """An order of entries: by level if there is one, then by text and IRI.

    `level` is the key of a facet whose values are counted, or relevance; `text` that of a field.
    """

    text: str = TITLE
    descending: bool = False
    level: str = ""
    level_descending: bool = False

    def name(self, language: str) -> str:
        """Return the name of the order of texts: titles have one for the readers of a language."""
        return f"{TITLE}@{language}" if self.text == TITLE else self.text


@dataclass(frozen=True)
class SearchRequest:
    """A search: filters by the keys of facets, a free-text query, a sort key, and a page.

    A value stands for the entries with it, with a narrower concept, or with one that it replaces.
    `scores` are the entries that match the query, where it was run before, by IRI.
    """

    filters: Mapping[str, tuple[FilterValue, ...]] = field(default_factory=dict)
    excluded: Mapping[str, tuple[FilterValue, ...]] = field(default_factory=dict)
    query: str = ""
    sort: str = ""
    size: int = 20
    after: Cursor | None = None
    before: Cursor | None = None
    zeros: bool = False
    explain: bool = False
    scores: Mapping[str, int] | None = None

    @property
    def order(self) -> SortOrder:
        """Return the order; without a sort key by relevance if there is a query, else by title."""
        sort = self.sort or (RELEVANCE if self.query.strip() else TITLE)
        key, descending = sort.removeprefix("-"), sort.startswith("-")
        if key == RELEVANCE:
            return SortOrder(level=RELEVANCE, level_descending=not descending)
        if key.endswith(COUNT):
            return SortOrder(level=key.removesuffix(COUNT), level_descending=descending)
        return SortOrder(key, descending)

    @property
    def is_backward(self) -> bool:
        """Return whether the page lies before a cursor."""
        return self.before is not None

    def without(self, facet: Field) -> "SearchRequest":
        """Return the request without the filters of a facet, which do not narrow its counts."""
        return replace(
            self,
            filters={key: values for key, values in self.filters.items() if key != facet.key},
            excluded={key: values for key, values in self.excluded.items() if key != facet.key},
        )


ALL_ENTRIES = SearchRequest()
"""The request that every entry matches."""


def check_names(names: Iterable[str], valid: Sequence[str]) -> None:
    """Raise InvalidParameterError for a parameter that is not valid, with the nearest valid ones.

    A facet is listed by its key alone, unless its names with suffixes are near.
    """
    plain_names = [name for name in valid if "." not in name]
    for name in names:
        if name not in valid:
            similar = [other for other in valid if ("." in other) == ("." in name)]
            near = find_similar(name, similar)
            raise InvalidParameterError(name, None, list(dict.fromkeys([*near, *plain_names])))


@dataclass(frozen=True)
class RequestParser:
    """Parses search requests for the entries of one kind."""

    kind: NodeShape
    vocabularies: Vocabularies

    def parse(
        self, parameters: Iterable[tuple[str, str]], others: Sequence[str] = ()
    ) -> SearchRequest:
        """Parse parameters; raise InvalidParameterError with the nearest valid ones.

        The names of `others` are valid too, and ignored.
        """
        values: dict[str, list[str]] = defaultdict(list)
        for name, value in parameters:
            values[name].append(value)
        check_names(values, (*self.parameters, *others))
        parsed = {
            attribute: parse(name, values[name][-1])
            for name, (attribute, parse) in _PARAMETERS.items()
            if name in values
        }
        filters = {
            facet.key: [*self._values(facet.key, facet, values), *_ranges(facet, values)]
            for facet in self.kind.facets
        }
        excluded = {f.key: self._values(f.key + NOT, f, values) for f in self.kind.facets}
        request = SearchRequest(_stated(filters), _stated(excluded), **parsed)
        if request.sort and request.sort.removeprefix("-") not in self.sort_keys:
            raise InvalidParameterError(
                "sort", request.sort, _nearest(request.sort, self.sort_keys)
            )
        return request

    @cached_property
    def parameters(self) -> dict[str, Field | None]:
        """Return the names of all parameters, those of a facet with the facet."""
        parameters: dict[str, Field | None] = {}
        for facet in self.kind.facets:
            suffixes = ("", NOT, FROM, TO) if facet.is_ordered else ("", NOT)
            parameters |= dict.fromkeys((facet.key + suffix for suffix in suffixes), facet)
        return parameters | dict.fromkeys(_PARAMETERS)

    @cached_property
    def options(self) -> dict[str, dict[str, Term]]:
        """Return the values of each facet with a list by code: a notation, true or false."""
        return {facet.key: self.vocabularies.options(facet) for facet in self.kind.facets}

    @cached_property
    def sort_keys(self) -> list[str]:
        """Return the sort keys; with "-" before it, a key sorts in the opposite order."""
        single = [field.key for field in self.kind.sortable_fields]
        counted = [f.key + COUNT for f in self.kind.facets if f.is_repeatable and f.has_options]
        return [RELEVANCE, TITLE, *single, *counted]

    def facet(self, parameter: str, key: str) -> Field:
        """Return the facet with a key, which a parameter gives; raise InvalidParameterError."""
        facets = self.kind.facets_by_key
        if key not in facets:
            raise InvalidParameterError(parameter, key, _nearest(key, list(facets)))
        return facets[key]

    def codes(self, name: str, value: str) -> list[str]:
        """Return the codes of a parameter's value: those of the concepts that it stands for."""
        facet = self.parameters.get(name)
        if facet is None or facet.is_ordered or value == NOT_STATED:
            return [value]
        terms = self._terms(name, value, facet)
        return [code for code, term in self.options[facet.key].items() if term in terms]

    def repeats(self, name: str) -> bool:
        """Return whether all values of a parameter count; of others the last one does."""
        return self.parameters.get(name) is not None and not name.endswith((FROM, TO))

    def _values(
        self, name: str, facet: Field, values: Mapping[str, list[str]]
    ) -> list[FilterValue]:
        texts = values.get(name, ())
        if facet.is_ordered and len(texts) > MAX_VALUES:
            valid = [f"up to {MAX_VALUES} values", facet.key + FROM, facet.key + TO]
            raise InvalidParameterError(name, texts[MAX_VALUES], valid)
        return [value for text in texts for value in self._parse_value(name, text, facet)]

    def _parse_value(self, name: str, text: str, facet: Field) -> Sequence[FilterValue]:
        if text == NOT_STATED:
            return [None]
        if facet.is_ordered:
            bound = _parse_bound(name, text, facet)
            return [Range(bound, bound)]
        return self._terms(name, text, facet)

    def _terms(self, name: str, text: str, facet: Field) -> list[Term]:
        """Return the values that a text stands for, as a label in any language or a code too."""
        if terms := self._values_by_text[facet.key].get(text):
            return terms
        scheme = self.vocabularies.scheme(facet.scheme or "")
        named = [concept.notation for concept in scheme.find_by_label(text, self._languages)]
        options = self.options[facet.key]
        if len(named) == 1:
            return [options[named[0]]]
        valid = dict.fromkeys([*named, *_nearest(text, list(options)), NOT_STATED])
        raise InvalidParameterError(name, text, list(valid))

    @cached_property
    def _languages(self) -> set[str]:
        """Return the languages of the labels of facets' values."""
        schemes = (self.vocabularies.scheme(facet.scheme or "") for facet in self.kind.facets)
        return {language for scheme in schemes for language, _ in scheme.by_label}

    @cached_property
    def _values_by_text(self) -> dict[str, dict[str, list[Term]]]:
        return {facet.key: self.vocabularies.values_by_text(facet) for facet in self.kind.facets}


def encode_cursor(cursor: Cursor) -> str:
    """Return a cursor as a value of `after` and `before`, opaque to readers."""
    text = json.dumps([cursor.level, cursor.text, cursor.iri])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _parse_cursor(name: str, text: str) -> Cursor:
    try:
        level, key, iri = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError, TypeError, RecursionError) as error:
        raise InvalidParameterError(name, text, ["the value that the page before gave"]) from error
    return Cursor(level if isinstance(level, int) else None, str(key), str(iri))


def _stated(filters: Mapping[str, list[FilterValue]]) -> dict[str, tuple[FilterValue, ...]]:
    """Return the filters that have values, each value once."""
    return {key: tuple(dict.fromkeys(values)) for key, values in filters.items() if values}


def _ranges(facet: Field, values: Mapping[str, list[str]]) -> Iterator[Range]:
    """Yield the range between the last values of its two parameters, if there are any."""
    names = [facet.key + suffix for suffix in (FROM, TO)]
    start, end = (
        _parse_bound(name, text, facet) if (text := values.get(name, [""])[-1]) else None
        for name in names
    )
    if start and end and get_scale(facet).lower_bound(start) > get_scale(facet).upper_bound(end):
        raise InvalidParameterError(names[0], start, [end])
    if start or end:
        yield Range(start, end)


def _parse_bound(name: str, text: str, facet: Field) -> str:
    if get_scale(facet).is_valid(text):
        return text
    raise InvalidParameterError(name, text, get_scale(facet).examples)


def _parse_size(name: str, text: str) -> int:
    size = parse_whole_number(text)
    if size is not None and size in SIZES:
        return size
    raise InvalidParameterError(name, text, [f"a whole number from {SIZES[0]} to {SIZES[-1]}"])


def _parse_boolean(name: str, text: str) -> bool:
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    raise InvalidParameterError(name, text, ["true", "false"])


def _parse_text(_name: str, text: str) -> str:
    return text


def _nearest(word: str, valid: Sequence[str]) -> list[str]:
    return [*dict.fromkeys([*find_similar(word, valid), *valid])]


_PARAMETERS: dict[str, tuple[str, Callable[[str, str], Any]]] = {
    "q": ("query", _parse_text),
    "sort": ("sort", _parse_text),
    "size": ("size", _parse_size),
    "after": ("after", _parse_cursor),
    "before": ("before", _parse_cursor),
    "zeros": ("zeros", _parse_boolean),
    "explain": ("explain", _parse_boolean),
}
