"""A reader's choices, answered: which entries they leave, and how many entries each value has.

The SPARQL here is the definition of what is right. What a reader sends enters a query only as a
term, which writes itself with its escapes, so no request can change the query around it.
"""

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from pyoxigraph import Literal, NamedNode

from .kinds import Field, Kind
from .permanence import DEPRECATED, REPLACED
from .shapes import SKOS
from .store import Store, Term, plain
from .text import nearest
from .vocabularies import Vocabularies

SIZES = range(1, 1001)
_UPWARDS = f"(<{SKOS}broader>|<{REPLACED}>)"
_LABELS = f"(<{SKOS}prefLabel>|<{SKOS}altLabel>)"


class BadChoiceError(ValueError):
    """A parameter, or a value of one, that does not exist; `valid` is what does, nearest first."""

    def __init__(self, parameter: str, value: str | None, valid: Sequence[str]) -> None:
        super().__init__(f"{parameter}: {value!r}")
        self.parameter, self.value, self.valid = parameter, value, valid


@dataclass(frozen=True)
class Choices:
    """What a reader asks for.

    A value's entries are those with it, with a concept below it, or with one that it replaces.
    """

    chosen: Mapping[str, tuple[Term, ...]] = field(default_factory=dict)
    words: str = ""
    sort: str = ""
    size: int = 20
    after: tuple[str, str] | None = None


@dataclass(frozen=True)
class Answer:
    """The entries of one page, how many there are in all, and the counts of every facet."""

    total: int
    entries: tuple[str, ...]
    counts: Mapping[str, Mapping[Term, int]]
    cursor: str | None


@dataclass(frozen=True)
class Search:
    """Answers choices over the entries of one kind, with titles by the languages' order."""

    store: Store
    kind: Kind
    vocabularies: Vocabularies

    def answer(self, choices: Choices, languages: Sequence[str]) -> Answer:
        """Give a page of entries with the counts; a facet's own choice leaves its counts alone."""
        entries, cursor = self._page(choices, languages)
        return Answer(self._total(choices), entries, self._counts(choices), cursor)

    def counts(self, facet: Field) -> dict[str, int]:
        """Give how many of all entries have each value of a facet, by short form."""
        by_term = self._count(facet, Choices())
        return {
            code: by_term.get(term, 0) for code, term in self.vocabularies.choices(facet).items()
        }

    def choices(self, parameters: Iterable[tuple[str, str]]) -> Choices:
        """Read the parameters of a request; raises BadChoiceError with the nearest valid ones."""
        read: dict[str, Any] = {}
        chosen: dict[str, tuple[Term, ...]] = {}
        for name, value in parameters:
            if name in self.options:
                chosen[name] = (*chosen.get(name, ()), self._option(name, value))
            elif name in _PARAMETERS:
                key, reading = _PARAMETERS[name]
                read[key] = reading(value)
            else:
                valid = [*self.options, *_PARAMETERS]
                raise BadChoiceError(name, None, [*dict.fromkeys([*nearest(name, valid), *valid])])
        choices = Choices(chosen=chosen, **read)
        if choices.sort.removeprefix("-") not in ("", *self.sorts):
            raise BadChoiceError("sort", choices.sort, self.sorts)
        return choices

    @cached_property
    def options(self) -> dict[str, dict[str, Term]]:
        """Give the values of every facet by their short forms: notations, true, false."""
        return {facet.key: self.vocabularies.choices(facet) for facet in self.kind.facets}

    @property
    def sorts(self) -> list[str]:
        """Give what entries can be sorted by; with "-" before it, the other way round."""
        return ["title", *(f.key for f in self.kind.fields if not f.repeats and not f.chosen)]

    def short(self, name: str, value: str) -> str:
        """Give a parameter's value in its short form; a replaced concept's is its successor's."""
        if name not in self.options:
            return value
        term = self._option(name, value)
        return next(code for code, other in self.options[name].items() if other == term)

    def _option(self, name: str, value: str) -> Term:
        valid = self.options[name]
        scheme = self.vocabularies.schemes.get(self.kind.by_key[name].scheme or "")
        if scheme and value in scheme.meant:
            return NamedNode(scheme.meant[value].iri)
        if value in valid:
            return valid[value]
        by_iri = {plain(term): term for term in valid.values()}
        if value in by_iri:
            return by_iri[value]
        raise BadChoiceError(name, value, [*dict.fromkeys([*nearest(value, valid), *valid])])

    def _total(self, choices: Choices) -> int:
        query = f"SELECT (COUNT(DISTINCT ?entry) AS ?count)\nWHERE {{\n{self._pattern(choices)}\n}}"
        return next(int(plain(row["count"])) for row in self.store.select(query))

    def _counts(self, choices: Choices) -> dict[str, dict[Term, int]]:
        return {facet.key: self._count(facet, choices) for facet in self.kind.facets}

    def _count(self, facet: Field, choices: Choices) -> dict[Term, int]:
        others = {key: terms for key, terms in choices.chosen.items() if key != facet.key}
        query = (
            "SELECT ?value (COUNT(DISTINCT ?entry) AS ?count)\nWHERE {\n"
            f"{self._pattern(replace(choices, chosen=others))}\n"
            f"    ?entry {self._reach(facet)} ?value .\n"
            f"{_current('?value') if facet.scheme else ''}\n}}\nGROUP BY ?value"
        )
        return {row["value"]: int(plain(row["count"])) for row in self.store.select(query)}

    def _page(
        self, choices: Choices, languages: Sequence[str]
    ) -> tuple[tuple[str, ...], str | None]:
        rows = self._listed(choices, languages, choices.size + 1)
        shown = rows[: choices.size]
        more = len(rows) > len(shown)
        return tuple(iri for iri, _ in shown), _cursor(*shown[-1]) if more else None

    def _listed(
        self, choices: Choices, languages: Sequence[str], limit: int
    ) -> list[tuple[str, str]]:
        down = choices.sort.startswith("-")
        key, order = self._sort_key(choices.sort.removeprefix("-"), languages)
        after = ""
        if choices.after:
            iri, place = (str(Literal(text)) for text in choices.after)
            sign = "<" if down else ">"
            after = f"FILTER (?place {sign} {place} || ?place = {place} && STR(?entry) > {iri})"
        direction = "DESC" if down else "ASC"
        query = (
            f"SELECT ?entry ?place\nWHERE {{\n{{ SELECT ?entry ({order} AS ?place)\n"
            f"WHERE {{\n{self._pattern(choices)}\n{key}\n}}\nGROUP BY ?entry }}\n{after}\n}}\n"
            f"ORDER BY {direction}(?place) STR(?entry)"
        )
        rows = self.store.select(f"{query}\nLIMIT {limit}")
        return [(plain(row["entry"]), plain(row["place"])) for row in rows]

    def _sort_key(self, sort: str, languages: Sequence[str]) -> tuple[str, str]:
        if sort not in ("", "title"):
            path = self.kind.by_key[sort].path
            return f"    OPTIONAL {{ ?entry {path} ?key }}", 'COALESCE(MIN(STR(?key)), "")'
        path = "|".join(label.path for label in self.kind.with_role("LabelRole"))
        places = " ".join(f'({Literal(tag)} "{n:02}")' for n, tag in enumerate(languages))
        pattern = (
            f"    OPTIONAL {{\n        ?entry {path} ?title .\n"
            f"        VALUES (?language ?rank) {{ {places} }}\n"
            "        FILTER (LANG(?title) = ?language)\n    }\n"
            "    BIND (CONCAT(?rank, LCASE(STR(?title))) AS ?key)"
        )
        return pattern, 'COALESCE(SUBSTR(MIN(?key), 3), "")'

    def _pattern(self, choices: Choices) -> str:
        lines = [f"    ?entry a {NamedNode(self.kind.classes[0])} .", _current("?entry")]
        for key, terms in choices.chosen.items():
            facet = self.kind.by_key[key]
            within = dict.fromkeys(lower for term in terms for lower in self._within(facet, term))
            either = " UNION ".join(f"{{ ?entry {facet.path} {term} }}" for term in within)
            lines.append(f"    FILTER EXISTS {{ {either} }}")
        lines += [self._containing(word) for word in choices.words.split()]
        return "\n".join(lines)

    def _within(self, facet: Field, term: Term) -> Iterable[Term]:
        if not facet.scheme:
            return (term,)
        scheme = self.vocabularies.schemes[facet.scheme]
        return map(NamedNode, scheme.within(plain(term)))

    def _reach(self, facet: Field) -> str:
        """Give the path to a facet's values and to all that these count for.

        It names each step, since Virtuoso 7.2 answers wrongly where `*` meets other patterns.
        """
        depth = self.vocabularies.schemes[facet.scheme].depth if facet.scheme else 0
        steps = ["/".join([facet.path, *[_UPWARDS] * count]) for count in range(depth + 1)]
        return "|".join(f"({step})" for step in steps)

    def _containing(self, word: str) -> str:
        searched = [field for field in self.kind.fields if field.searched]
        paths = [f"{f.path}/{_LABELS}" if f.scheme else f.path for f in searched]
        return (
            f"    FILTER EXISTS {{ ?entry {'|'.join(paths)} ?text .\n"
            f"        FILTER (CONTAINS(LCASE(STR(?text)), LCASE({Literal(word)}))) }}"
        )


def _current(variable: str) -> str:
    return f"    FILTER NOT EXISTS {{ {variable} <{DEPRECATED}> true }}"


def _cursor(iri: str, place: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([iri, place]).encode()).decode().rstrip("=")


def _after(text: str) -> tuple[str, str]:
    try:
        iri, place = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError, TypeError) as error:
        raise BadChoiceError("after", text, ["the value that the page before gave"]) from error
    return str(iri), str(place)


def _size(text: str) -> int:
    if text.isascii() and text.isdigit() and int(text) in SIZES:
        return int(text)
    raise BadChoiceError("size", text, [f"a whole number from {SIZES[0]} to {SIZES[-1]}"])


_PARAMETERS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "q": ("words", str.strip),
    "sort": ("sort", str),
    "size": ("size", _size),
    "after": ("after", _after),
}
