"""The page of a search: its entries, the facets, what is chosen, and the way to what is near.

The addresses that lead from a search to others: with a choice more, or one less.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import urlencode

from fastapi import Request, Response

from ...search.engine import SearchResult
from ...search.request import (
    COUNT,
    FROM,
    NOT,
    NOT_STATED,
    RELEVANCE,
    TO,
    RequestParser,
    SearchRequest,
)
from ...search.text.tokenizer import MAX_QUERY_LENGTH
from ..context import Site, View
from ..http import responses
from ..http.negotiation import HTML, LISTS
from ..urls import COVERAGE, SEARCH
from . import answer
from .answer import Extracts, Facet

SIMILAR = "similar"
"""The last part of the path, below an entry's, of the entries that are near to it."""
OURS = ("lang", "format")
"""The parameters that say how an answer is given, not of what."""
_PLACES = ("after", "before", "explain", "format")

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Leads:
    """Gives addresses that keep what was asked, in short forms and from the first entry on."""

    root: str
    asked: tuple[tuple[str, str], ...]

    def to(self, pairs: Pairs, path: str = SEARCH) -> str:
        """Give an address with parameters."""
        return address(self.root + path, pairs)

    def choosing(self, key: str, value: str) -> str:
        """Give the search with a value chosen."""
        return self._with(self._others(key, value), [(key, value)])

    def excluding(self, key: str, value: str) -> str:
        """Give the search with a value left out."""
        return self._with(self._others(key, value), [(key + NOT, value)])

    def leaving(self, key: str, value: str) -> str:
        """Give the search with a value neither chosen nor left out."""
        return self._with(self._others(key, value))

    def without(self, *names: str) -> list[tuple[str, str]]:
        """Give what was asked but for some parameters."""
        return [pair for pair in self.asked if pair[0] not in names]

    def only(self, *names: str) -> list[tuple[str, str]]:
        """Give what was asked by some parameters alone."""
        return [pair for pair in self.asked if pair[0] in names]

    def _others(self, key: str, value: str) -> str:
        """Give what was asked, as a query, but for a value chosen or left out."""
        unwanted = (key, value), (key + NOT, value)
        if not self._known.isdisjoint(unwanted):
            return urlencode([pair for pair in self.asked if pair not in unwanted])
        return self._query

    def _with(self, query: str, more: Pairs = ()) -> str:
        whole = "&".join(filter(None, (query, urlencode(more))))
        return f"{self.root}{SEARCH}?{whole}" if whole else self.root + SEARCH

    @cached_property
    def _known(self) -> frozenset[tuple[str, str]]:
        return frozenset(self.asked)

    @cached_property
    def _query(self) -> str:
        return urlencode(self.asked)


def leads(request: Request, choosing: RequestParser, without: Iterable[str] = ()) -> Leads:
    """Give the addresses that lead on from a request, without some of its parameters."""
    unwanted, asked = {*_PLACES, *without}, request.query_params
    given = [
        (name, choosing.code(name, value[:MAX_QUERY_LENGTH]))
        for name, value in asked.multi_items()
        if name not in unwanted
        and (choosing.repeats(name) or value == asked[name])
        and (value or not _may_be_empty(name))
    ]
    return Leads(responses.prefix(request), tuple(dict.fromkeys(given)))


def address(path: str, parameters: Pairs) -> str:
    """Give an address with parameters."""
    return path + (f"?{urlencode(parameters)}" if parameters else "")


def query_of(
    parameters: Iterable[tuple[str, str]], without: Iterable[str]
) -> list[tuple[str, str]]:
    """Give the parameters of a request but for some."""
    unwanted = set(without)
    return [(name, value) for name, value in parameters if name not in unwanted]


def _may_be_empty(name: str) -> bool:
    """Tell whether a form sends a parameter even where nothing is put in."""
    return name == "q" or name.endswith((FROM, TO))


_LONGEST = 6000
_NO_CHOICES = ("lang", "sort", "size", "zeros")


@dataclass(frozen=True)
class Found:
    """A search answered: what was asked, the answer, how long it took, and the pages around."""

    choices: SearchRequest
    answer: SearchResult
    milliseconds: float
    pages: Mapping[str, str]


class Chip(NamedTuple):
    """One thing that is chosen, as it is said, and the search without it."""

    text: str
    href: str


class Query(NamedTuple):
    """A query that explains a number: where it stands, what it counts, where to run it."""

    name: str
    label: str
    text: str
    editor: str


def page(site: Site, request: Request, found: Found) -> Response:
    """Give the page of a search."""
    catalogue, view = site.catalogue, site.view(request)
    shown = answer.facets(view, found.answer, found.choices)
    leading = leads(request, site.services.request_parser)
    return site.html(
        request,
        "search.html",
        records=catalogue.reader.records(catalogue.shapes.record, found.answer.entries),
        extracts=Extracts(view, found.choices),
        meant=_meant(view, found, leading),
        answer=found.answer,
        choices=found.choices,
        facets=shown,
        leads=leading,
        chips=list(_chips(view, shown, leading)),
        sorts=list(_sorts(view, found.choices)),
        pages=found.pages,
        queries=_queries(view, shown, found) if found.choices.explain else None,
        unstated=NOT_STATED,
        coverage=view.root + COVERAGE,
        explaining=leading.to([*leading.asked, *_place(request), ("explain", "true")]),
        forms=[
            (f.extension, leading.to(leading.asked, f"{SEARCH}.{f.extension}"))
            for f in LISTS
            if f != HTML
        ],
        start=leading.to(leading.only("lang")),
    )


def editor(view: View, query: str) -> str:
    """Give the address at which a query can be run and changed; "" where it is too long for one."""
    return view.link("/sparql", query=query) if len(query) < _LONGEST else ""


def queries(view: View, told: Mapping[str, Any], labels: Mapping[str, str]) -> list[Query]:
    """Give the queries of an explanation, those inside others by names with dots."""
    found: list[Query] = []
    for name, label in labels.items():
        within: Any = told
        for part in name.split("."):
            within = within.get(part, {})
        if within:
            found.append(Query(name, label, within, editor(view, within)))
    return found


def _queries(view: View, shown: list[Facet], found: Found) -> dict[str, Any]:
    told = answer.answer(view, found.choices, found.milliseconds)
    labels = {"list": view.say("entriesInOrder"), "total": view.say("allEntries")}
    for facet in shown:
        labels[f"facets.{facet.field.key}.values"] = facet.label
        unstated = f"{facet.label}: {view.say('notStated')}"
        labels[f"facets.{facet.field.key}.notStated"] = unstated
    return told | {"queries": queries(view, told, labels)}


def _meant(view: View, found: Found, leading: Leads) -> Chip | None:
    words = answer.meant(view, found.choices, found.answer)
    return Chip(words, leading.to([*leading.without("q"), ("q", words)])) if words else None


def _place(request: Request) -> list[tuple[str, str]]:
    asked = request.query_params
    return [(name, asked[name]) for name in ("after", "before") if name in asked]


def _chips(view: View, shown: list[Facet], leading: Leads) -> Iterator[Chip]:
    for name, value in leading.asked:
        if name in _NO_CHOICES:
            continue
        others = [pair for pair in leading.asked if pair != (name, value)]
        yield Chip(_said(view, shown, name, value), leading.to(others))


def _said(view: View, shown: list[Facet], name: str, value: str) -> str:
    """Give a choice in words."""
    if name == "q":
        return f"“{value}”"
    key, _, mark = name.partition(".")
    facet = next(facet for facet in shown if facet.field.key == key)
    label = next((o.label for o in facet.options if o.value == value), value)
    label = view.say("notStated") if value == NOT_STATED else label
    phrases = {NOT: "butNot", FROM: "since", TO: "until"}
    said = view.say(phrases[f".{mark}"], value=label) if mark else label
    return f"{facet.label}: {said}"


def _sorts(view: View, choices: SearchRequest) -> Iterator[tuple[str, str, bool]]:
    """Give the orders to choose from: parameter, label, whether it is the present one."""
    kind = view.catalogue.shapes.record
    listed = {RELEVANCE: view.say("relevance")} if choices.query.strip() else {}
    listed["title"] = view.say("byTitle")
    for field in kind.fields:
        if field.ordered and not field.repeats:
            listed[f"-{field.key}"] = f"{view.best(field.names)} ↓"
            listed[field.key] = f"{view.best(field.names)} ↑"
    for facet in kind.facets:
        if facet.repeats and facet.chosen:
            said = view.say("mostValues", name=answer.label(view, facet))
            listed[f"-{facet.key}{COUNT}"] = said
    present = choices.sort or next(iter(listed))
    listed.setdefault(present, present)
    yield from ((name, label, name == present) for name, label in listed.items())
