"""The page of a search: its entries, the facets, what is chosen, and the way to what is near."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from fastapi import Request, Response

from ..choices import COUNT, FROM, NOT, RELEVANCE, TO, UNSTATED, Choices
from ..search import Answer
from . import explained, extracts, facets
from .extracts import Extracts
from .facets import Facet
from .leads import PATH, Leads, leads
from .negotiation import HTML, LISTS
from .service import Service
from .views import View

COVERAGE = "/coverage"
"""The path of the tables of two facets."""
_LONGEST = 6000
_NO_CHOICES = ("lang", "sort", "size", "zeros")


@dataclass(frozen=True)
class Found:
    """A search answered: what was asked, the answer, how long it took, and the pages around."""

    choices: Choices
    answer: Answer
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


def page(service: Service, request: Request, found: Found) -> Response:
    """Give the page of a search."""
    catalogue, view = service.catalogue, service.view(request)
    shown = facets.facets(view, found.answer, found.choices)
    leading = leads(request, catalogue.choosing)
    return service.html(
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
        unstated=UNSTATED,
        coverage=view.root + COVERAGE,
        explaining=leading.to([*leading.asked, *_place(request), ("explain", "true")]),
        forms=[
            (f.extension, leading.to(leading.asked, f"{PATH}.{f.extension}"))
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
    told = explained.answer(view, found.choices, found.milliseconds)
    labels = {"list": view.say("entriesInOrder"), "total": view.say("allEntries")}
    for facet in shown:
        labels[f"facets.{facet.field.key}.values"] = facet.label
        unstated = f"{facet.label}: {view.say('notStated')}"
        labels[f"facets.{facet.field.key}.notStated"] = unstated
    return told | {"queries": queries(view, told, labels)}


def _meant(view: View, found: Found, leading: Leads) -> Chip | None:
    words = extracts.meant(view, found.choices, found.answer)
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
    label = view.say("notStated") if value == UNSTATED else label
    phrases = {NOT: "butNot", FROM: "since", TO: "until"}
    said = view.say(phrases[f".{mark}"], value=label) if mark else label
    return f"{facet.label}: {said}"


def _sorts(view: View, choices: Choices) -> Iterator[tuple[str, str, bool]]:
    """Give the orders to choose from: parameter, label, whether it is the present one."""
    kind = view.catalogue.shapes.record
    listed = {RELEVANCE: view.say("relevance")} if choices.words.strip() else {}
    listed["title"] = view.say("byTitle")
    for field in kind.fields:
        if field.ordered and not field.repeats:
            listed[f"-{field.key}"] = f"{view.best(field.names)} ↓"
            listed[field.key] = f"{view.best(field.names)} ↑"
    for facet in kind.facets:
        if facet.repeats and facet.chosen:
            said = view.say("mostValues", name=facets.label(view, facet))
            listed[f"-{facet.key}{COUNT}"] = said
    present = choices.sort or next(iter(listed))
    listed.setdefault(present, present)
    yield from ((name, label, name == present) for name, label in listed.items())
