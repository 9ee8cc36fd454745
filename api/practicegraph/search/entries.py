"""What a search needs to know of an entry, made of what is said of it.

That comes from the store (`readings`), or from the files that it was filled from (`passing`).

Facts of entries read out of the store, many at once.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from itertools import islice
from typing import NamedTuple

from pyoxigraph import Literal, NamedNode

from ..rdf.terms import RDF, Term, plain
from ..schema.fields import Field, Kind, scale
from ..schema.lifecycle import DEPRECATED
from ..storage.base import Store
from .text.analysis import Tier, Written, tier


class Value(NamedTuple):
    """An IRI or a literal; blank nodes say nothing that is searched."""

    text: str
    language: str | None = None
    is_literal: bool = False


Said = Mapping[str, Sequence[Value]]
"""What is said of a thing: values by property, or by the IRI of a field of a longer path.

A value may be there twice.
"""
Span = tuple[float, float] | None
"""The ends of a date or number; None for what is neither."""

_NONE: Sequence[Value] = ()
_MOST_KNOWN = 100_000
_TRUE = Value("true", is_literal=True)


def value(term: Term) -> Value | None:
    """Give a term as a value, or None where it is none."""
    if isinstance(term, Literal):
        return Value(term.value, term.language, is_literal=True)
    return Value(term.value) if isinstance(term, NamedNode) else None


class Facts(NamedTuple):
    """An entry: its values by facet or searched list, its texts, and what it is sorted by.

    `titles` are in lower case by language; `keys` are the least texts of fields with one value;
    `spans` are the ends of dates and numbers, the last one infinite where a span is open; `steps`
    the years, or whole numbers, at which a span begins and ends by its values. `texts` are those
    in which words are looked for.
    """

    iri: str
    values: Mapping[str, frozenset[str]]
    titles: Mapping[str, str]
    keys: Mapping[str, str]
    spans: Mapping[str, tuple[float, float]]
    steps: Mapping[str, tuple[int, int]]
    texts: tuple[Written, ...]


@dataclass(frozen=True)
class FactFinder:
    """Makes facts of what is said of entries of one kind."""

    kind: Kind

    def facts(self, iri: str, said: Said) -> Facts | None:
        """Give the facts of a thing, or None if it is no current entry."""
        return self._facts(iri, said) if self._is_current(said) else None

    @cached_property
    def properties(self) -> list[str]:
        """Give the properties of which anything is to be known.

        The store gives them as numbers, since it looks each IRI that it gives up in its files.
        """
        fields = [
            *self._listed,
            *self._ordered,
            *self.kind.single,
            *self.kind.with_role("LabelRole"),
        ]
        fields += self._searched
        marks = [field.open_where for field in fields if field.open_where]
        names = [name for field in fields for name in field.predicates]
        return list(dict.fromkeys([RDF + "type", DEPRECATED, *names, *marks]))

    @cached_property
    def paths(self) -> list[Field]:
        """Give the fields whose values stand further away than a property of the entry."""
        return [field for field in self._fields if not field.predicates]

    def _facts(self, iri: str, said: Said) -> Facts:
        spans = self._spans(said)
        return Facts(
            iri=iri,
            values={
                key: frozenset(texts)
                for key, names, is_value in self._values_of
                if (texts := [one.text for one in _found(said, names) if is_value(one)])
            },
            titles=self._titles(said),
            keys={
                key: min([one.text for one in found])
                for key, names in self._keys_of
                if (found := _found(said, names))
            },
            spans={key: (low, high) for key, (low, high, _) in spans.items()},
            steps={key: steps for key, (_, _, steps) in spans.items()},
            texts=tuple(self._texts(said)),
        )

    def _is_current(self, said: Said) -> bool:
        is_withdrawn = _TRUE in said.get(DEPRECATED, _NONE)
        return self._class in said.get(RDF + "type", _NONE) and not is_withdrawn

    def _titles(self, said: Said) -> dict[str, str]:
        titles: dict[str, str] = {}
        for names in self._titles_of:
            for one in _found(said, names):
                if one.language:
                    text = one.text.lower()
                    titles[one.language] = min(text, titles.get(one.language, text))
        return titles

    def _spans(self, said: Said) -> dict[str, tuple[float, float, tuple[int, int]]]:
        """Give the ends of dates and numbers, and the steps at which they begin and end."""
        spans = {}
        for field, names, read in self._spans_of:
            literals = [one.text for one in _found(said, names) if one.is_literal]
            ends = [span for text in literals if (span := read(text))]
            if ends:
                low, high = min(low for low, _ in ends), max(high for _, high in ends)
                step, is_open = scale(field).step, _TRUE in said.get(field.open_where or "", _NONE)
                spans[field.key] = low, float("inf") if is_open else high, (step(low), step(high))
        return spans

    def _texts(self, said: Said) -> Iterator[Written]:
        for place, names in self._texts_of:
            found = _found(said, names)
            for one in sorted(set(found), key=_in_order) if len(found) > 1 else found:
                if one.is_literal:
                    yield place, one.text, one.language

    @cached_property
    def _class(self) -> Value:
        return Value(self.kind.classes[0])

    @cached_property
    def _values_of(self) -> list[tuple[str, Sequence[str], Callable[[Value], bool]]]:
        return [(field.key, _names(field), _judge(field)) for field in self._listed]

    @cached_property
    def _keys_of(self) -> list[tuple[str, Sequence[str]]]:
        return [(field.key, _names(field)) for field in self.kind.single]

    @cached_property
    def _titles_of(self) -> list[Sequence[str]]:
        return [_names(field) for field in self.kind.with_role("LabelRole")]

    @cached_property
    def _spans_of(self) -> list[tuple[Field, Sequence[str], Callable[[str], Span]]]:
        return [(f, _names(f), lru_cache(_MOST_KNOWN)(partial(_span, f))) for f in self._ordered]

    @cached_property
    def _texts_of(self) -> list[tuple[Tier, Sequence[str]]]:
        return [(tier(field), _names(field)) for field in self._searched if not field.scheme]

    @cached_property
    def _fields(self) -> list[Field]:
        return [*self.kind.fields, *self.kind.spans]

    @cached_property
    def _listed(self) -> list[Field]:
        return [f for f in self._fields if f.chosen and (f.facet or f.searched)]

    @cached_property
    def _ordered(self) -> list[Field]:
        return [f for f in self.kind.facets if f.ordered]

    @cached_property
    def _searched(self) -> list[Field]:
        return [field for field in self.kind.fields if field.searched]


def _judge(field: Field) -> Callable[[Value], bool]:
    """Return what tells whether a value can stand in the list of a field."""
    if field.scheme:
        return lambda one: not one.is_literal
    options = {found for option in field.options if (found := value(option))}
    return lambda one: one in options


def _names(field: Field) -> Sequence[str]:
    return field.predicates or (field.iri,)


def _found(said: Said, names: Sequence[str]) -> Sequence[Value]:
    if len(names) == 1:
        return said.get(names[0], _NONE)
    return [one for name in names for one in said.get(name, _NONE)]


def _in_order(one: Value) -> tuple[str, str]:
    return one.text, one.language or ""


def _span(field: Field, text: str) -> Span:
    order = scale(field)
    return (order.low(text), order.high(text)) if order.reads(order.head(text)) else None


@dataclass(frozen=True)
class FactReader:
    """Reads facts of the entries of one kind out of the store."""

    store: Store
    kind: Kind

    @cached_property
    def finder(self) -> FactFinder:
        """Give what makes facts of statements."""
        return FactFinder(self.kind)

    def has_more_than(self, count: int) -> bool:
        """Tell whether there are more entries, current or not."""
        return (
            next(islice(self._with(f"a {NamedNode(self.kind.classes[0])}"), count, None), None)
            is not None
        )

    def count(self) -> int:
        """Count all current entries, in a fraction of the time in which they are given."""
        said, withdrawn = f"a {NamedNode(self.kind.classes[0])}", f"{NamedNode(DEPRECATED)} true"
        current = f"?entry {said} MINUS {{ ?entry {withdrawn} }}"
        query = f"SELECT (COUNT(DISTINCT ?entry) AS ?count) WHERE {{ {current} }}"
        return int(plain(next(iter(self.store.select(query)))["count"]))

    def entries(self) -> list[str]:
        """Give the IRIs of all current entries in order."""
        found = set(self._with(f"a {NamedNode(self.kind.classes[0])}"))
        return sorted(found.difference(self._with(f"{NamedNode(DEPRECATED)} true")))

    def _with(self, said: str) -> Iterator[str]:
        """Give the IRIs of which something is said; a million take seconds, asked for so simply."""
        for row in self.store.select(f"SELECT ?entry WHERE {{ ?entry {said} }}"):
            if isinstance(row["entry"], NamedNode):
                yield row["entry"].value

    def read(self, iris: Sequence[str]) -> Iterator[Facts]:
        """Give the facts of those of the IRIs that are current entries, in their order."""
        found: list[dict[str, list[Value]]] = [{} for _ in iris]
        for number, name, term in self._statements(iris):
            if said := value(term):
                found[number].setdefault(name, []).append(said)
        for iri, values in zip(iris, found, strict=True):
            if facts := self.finder.facts(iri, values):
                yield facts

    def _statements(self, iris: Sequence[str]) -> Iterator[tuple[int, str, Term]]:
        """Give what is said of each of the IRIs: its place, a property or the IRI of a field."""
        things = " ".join(f"({NamedNode(iri)} {place})" for place, iri in enumerate(iris))
        listed = f"VALUES (?entry ?place) {{ {things} }}"
        properties = self.finder.properties
        names = " ".join(f"({NamedNode(name)} {n})" for n, name in enumerate(properties))
        said = f"SELECT ?place ?property ?value WHERE {{ {listed} ?entry ?property ?value }}"
        wished = f"VALUES (?property ?name) {{ {names} }}"
        query = f"SELECT ?place ?name ?value WHERE {{ {{ {said} }} {wished} }}"
        for row in self.store.select(query):
            yield int(plain(row["place"])), properties[int(plain(row["name"]))], row["value"]
        for field in self.finder.paths:
            query = f"SELECT ?place ?value WHERE {{ {listed} ?entry {field.path} ?value }}"
            for row in self.store.select(query):
                yield int(plain(row["place"])), field.iri, row["value"]
