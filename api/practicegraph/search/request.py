"""What a reader asks of a search: values, ranges, words, an order, and a page of it.

The parameters of a request read as choices, or refused with what is valid, the nearest first.

What a reader sends becomes a term here, which writes itself with its escapes, so no request can
change a query around it.
"""

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from pyoxigraph import NamedNode

from ..rdf.terms import Term, plain
from ..schema.fields import Field, Kind, scale
from ..schema.text import nearest, whole_number
from ..schema.value_parser import BadChoiceError
from ..schema.vocabularies import Vocabularies

SIZES = range(0, 1001)
MOST_VALUES = 50
"""How many dates or numbers of a facet can be chosen; of more, a range says it shorter."""
UNSTATED = "not-stated"
"""The value that chooses entries in which a field has none."""
NOT, FROM, TO, COUNT = ".not", ".from", ".to", ".count"
"""What stands behind a facet's key: without the value, from it, to it, by how many there are."""
RELEVANCE, TITLE = "relevance", "title"
"""What entries are sorted by beside fields: how well words were found, and what they are called."""


@dataclass(frozen=True)
class Range:
    """All from one value to another, both included; an end that is None is open."""

    least: str | None
    most: str | None


Value = Term | Range | None
"""What is chosen of a facet: a value, a range of values, or None for entries that state none."""


@dataclass(frozen=True)
class Place:
    """Where an entry stands in an order: its level if there are levels, its text, its IRI."""

    level: int | None
    text: str
    iri: str


@dataclass(frozen=True)
class Sort:
    """An order of entries: by level, a number, if one is named; then by text; then by IRI.

    `level` names a facet whose values are counted, or relevance; `text` a field. Where it falls,
    the most comes first. The IRIs go with the text.
    """

    text: str = TITLE
    falls: bool = False
    level: str = ""
    level_falls: bool = False


@dataclass(frozen=True)
class Choices:
    """What a reader asks for.

    A value's entries are those with it, with a concept below it, or with one that it replaces.
    `found` are the entries in which the words were found, with their points: the text of an entry
    is searched apart, and the rest of an answer is defined over what that gave.
    """

    chosen: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)
    excluded: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)
    words: str = ""
    sort: str = ""
    size: int = 20
    after: Place | None = None
    before: Place | None = None
    zeros: bool = False
    explain: bool = False
    found: Mapping[str, int] | None = None

    @property
    def order(self) -> Sort:
        """Give the order that is asked for: by relevance where words are, else by title."""
        wished = self.sort or (RELEVANCE if self.words.strip() else TITLE)
        name, falls = wished.removeprefix("-"), wished.startswith("-")
        if name == RELEVANCE:
            return Sort(level=RELEVANCE, level_falls=not falls)
        if name.endswith(COUNT):
            return Sort(level=name.removesuffix(COUNT), level_falls=falls)
        return Sort(name, falls)

    def without(self, facet: Field) -> "Choices":
        """Give the choices but for those of a facet, which do not narrow its own counts."""
        return replace(
            self,
            chosen={key: values for key, values in self.chosen.items() if key != facet.key},
            excluded={key: values for key, values in self.excluded.items() if key != facet.key},
        )


EVERYTHING = Choices()
"""The choices that leave every entry."""


_FLAGS = {"": True, "true": True, "false": False}


@dataclass(frozen=True)
class Choosing:
    """Reads choices for the entries of one kind."""

    kind: Kind
    vocabularies: Vocabularies

    def read(self, parameters: Iterable[tuple[str, str]], others: Sequence[str] = ()) -> Choices:
        """Read the parameters of a request; raises BadChoiceError with the nearest valid ones.

        Parameters that others read are valid and left alone.
        """
        given: dict[str, list[str]] = {}
        for name, value in parameters:
            given.setdefault(name, []).append(value)
        self.refuse_others(given, (*self.parameters, *others))
        read = {
            key: reading(name, given[name][-1])
            for name, (key, reading) in _PARAMETERS.items()
            if name in given
        }
        choices = Choices(chosen=self._chosen(given), excluded=self._excluded(given), **read)
        if choices.sort and choices.sort.removeprefix("-") not in self.sorts:
            raise BadChoiceError("sort", choices.sort, _nearest_first(choices.sort, self.sorts))
        return choices

    def refuse_others(self, given: Iterable[str], valid: Sequence[str]) -> None:
        """Raise BadChoiceError for a parameter that is not valid, with the nearest that are.

        A facet's parameters are listed by its key alone, unless those with marks are near.
        """
        plain_ones = [name for name in valid if "." not in name]
        for name in given:
            if name not in valid:
                like = [other for other in valid if ("." in other) == ("." in name)]
                near = nearest(name, like)
                raise BadChoiceError(name, None, list(dict.fromkeys([*near, *plain_ones])))

    @cached_property
    def parameters(self) -> dict[str, Field | None]:
        """Give the names of all parameters, those of a facet with the facet."""
        found: dict[str, Field | None] = {}
        for facet in self.kind.facets:
            marks = ("", NOT, FROM, TO) if facet.ordered else ("", NOT)
            found |= dict.fromkeys((facet.key + mark for mark in marks), facet)
        return found | dict.fromkeys(_PARAMETERS)

    @cached_property
    def options(self) -> dict[str, dict[str, Term]]:
        """Give the values of every facet with a list by short form: notations, true, false."""
        return {facet.key: self.vocabularies.choices(facet) for facet in self.kind.facets}

    @cached_property
    def sorts(self) -> list[str]:
        """Give what entries can be sorted by; with "-" before it, the other way round."""
        single = [field.key for field in self.kind.single]
        counted = [f.key + COUNT for f in self.kind.facets if f.repeats and f.chosen]
        return [RELEVANCE, TITLE, *single, *counted]

    @cached_property
    def facets(self) -> dict[str, Field]:
        """Give the facets by key."""
        return {facet.key: facet for facet in self.kind.facets}

    def facet(self, parameter: str, key: str) -> Field:
        """Give the facet that a parameter names; raises BadChoiceError."""
        if key not in self.facets:
            raise BadChoiceError(parameter, key, _nearest_first(key, list(self.facets)))
        return self.facets[key]

    def short(self, name: str, value: str) -> str:
        """Give a parameter's value in its short form; a replaced concept's is its successor's."""
        facet = self.parameters.get(name)
        if facet is None or facet.ordered or value == UNSTATED:
            return value
        term = self._value(name, value, facet)
        return next(code for code, other in self.options[facet.key].items() if other == term)

    def repeats(self, name: str) -> bool:
        """Tell whether all values of a parameter count; of others the last one does."""
        return self.parameters.get(name) is not None and not name.endswith((FROM, TO))

    def _chosen(self, given: Mapping[str, list[str]]) -> dict[str, tuple[Value, ...]]:
        found: dict[str, tuple[Value, ...]] = {}
        for facet in self.kind.facets:
            values = [*self._values(facet.key, facet, given), *self._ranges(facet, given)]
            if values:
                found[facet.key] = tuple(dict.fromkeys(values))
        return found

    def _excluded(self, given: Mapping[str, list[str]]) -> dict[str, tuple[Value, ...]]:
        read = {f.key: tuple(self._values(f.key + NOT, f, given)) for f in self.kind.facets}
        return {key: tuple(dict.fromkeys(values)) for key, values in read.items() if values}

    def _values(self, name: str, facet: Field, given: Mapping[str, list[str]]) -> Iterator[Value]:
        texts = given.get(name, ())
        if facet.ordered and len(texts) > MOST_VALUES:
            valid = [f"up to {MOST_VALUES} values", facet.key + FROM, facet.key + TO]
            raise BadChoiceError(name, texts[MOST_VALUES], valid)
        return (self._value(name, text, facet) for text in texts)

    def _ranges(self, facet: Field, given: Mapping[str, list[str]]) -> Iterator[Range]:
        """Give the range between the last values that are given for its ends."""
        names = [facet.key + mark for mark in (FROM, TO)]
        texts = [given[name][-1] if given.get(name) else "" for name in names]
        least, most = (
            _bound(name, text, facet) if text else None
            for name, text in zip(names, texts, strict=True)
        )
        if least and most and scale(facet).low(least) > scale(facet).high(most):
            raise BadChoiceError(names[0], least, [most])
        if least or most:
            yield Range(least, most)

    def _value(self, name: str, text: str, facet: Field) -> Value:
        if text == UNSTATED:
            return None
        if facet.ordered:
            bound = _bound(name, text, facet)
            return Range(bound, bound)
        valid = self.options[facet.key]
        scheme = self.vocabularies.schemes.get(facet.scheme or "")
        if scheme and text in scheme.meant:
            return NamedNode(scheme.meant[text].iri)
        by_iri = {plain(term): term for term in valid.values()}
        found = valid.get(text) or by_iri.get(text)
        if found is None:
            raise BadChoiceError(name, text, [*_nearest_first(text, list(valid)), UNSTATED])
        return found


def cursor(place: Place) -> str:
    """Give a place as a value of `after` and `before`, which readers hand back as it is."""
    said = json.dumps([place.level, place.text, place.iri])
    return base64.urlsafe_b64encode(said.encode()).decode().rstrip("=")


def _place(name: str, text: str) -> Place:
    try:
        level, key, iri = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError, TypeError, RecursionError) as error:
        raise BadChoiceError(name, text, ["the value that the page before gave"]) from error
    return Place(level if isinstance(level, int) else None, str(key), str(iri))


def _bound(name: str, text: str, facet: Field) -> str:
    if scale(facet).reads(text):
        return text
    raise BadChoiceError(name, text, scale(facet).examples)


def _size(name: str, text: str) -> int:
    found = whole_number(text)
    if found is not None and found in SIZES:
        return found
    raise BadChoiceError(name, text, [f"a whole number from {SIZES[0]} to {SIZES[-1]}"])


def _flag(name: str, text: str) -> bool:
    if text in _FLAGS:
        return _FLAGS[text]
    raise BadChoiceError(name, text, ["true", "false"])


def _text(_name: str, text: str) -> str:
    return text


def _nearest_first(word: str, valid: Sequence[str]) -> list[str]:
    return [*dict.fromkeys([*nearest(word, valid), *valid])]


_PARAMETERS: dict[str, tuple[str, Callable[[str, str], Any]]] = {
    "q": ("words", _text),
    "sort": ("sort", _text),
    "size": ("size", _size),
    "after": ("after", _place),
    "before": ("before", _place),
    "zeros": ("zeros", _flag),
    "explain": ("explain", _flag),
}
