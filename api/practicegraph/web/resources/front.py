"""The pages about the catalogue: its home, its data and services, what it is and who makes it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from fastapi import APIRouter, Request, Response
from pyoxigraph import Literal, NamedNode

from ...catalogue.catalogue import Catalogue
from ...rdf.terms import as_text
from ...schema.fields import Field
from ...schema.records import Record
from ...search.request import ALL_ENTRIES
from ..charts.maps import draw_map
from ..context import VARY, Site, View
from ..http import conditional, negotiation
from ..http.negotiation import HTML
from ..search.results import Facet, facets
from ..urls import ABOUT, DATA
from .dataset import data_services, downloads

_MAX_CHARTS = 4
_MAX_BARS = 6


@dataclass(frozen=True)
class KindCount:
    """A kind of records with the path of its search and the number of its records."""

    label: str
    path: str
    count: int


def home_values(site: Site, view: View, record: Record) -> dict[str, Any]:
    """Return what the home page shows, for its template."""
    results = [each.services.search.search(ALL_ENTRIES, view.languages) for each in site.of_kinds]
    result = results[0]
    shown = facets(view, result, ALL_ENTRIES)
    vocabularies, link = site.catalogue.vocabularies, view.search_link
    drawn = (draw_map(vocabularies, field, facet.values, link) for field, facet in shown)
    return {
        "headline": "".join(_texts(record, "alternativeHeadline", view.language)[:1]),
        "examples": _texts(record, "searchExample", view.language),
        "entrances": _entrances(site.catalogue, record),
        "kinds": [
            KindCount(
                view.text(each.catalogue.shapes.entry_shape.plural),
                each.addresses.search,
                found.total,
            )
            for each, found in zip(site.of_kinds, results, strict=True)
        ],
        "charts": [
            (f, x.label, x.values[:_MAX_BARS]) for f, x in _best_filled(shown, result.total)
        ],
        "place_map": next(filter(None, drawn), None),
        "newest": _newest(site),
        "link": link,
    }


def routes(site: Site) -> APIRouter:
    """Return the routes of the pages about data and catalogue."""
    router = APIRouter()

    def answer(request: Request, make: Callable[[], Response], made: str = "") -> Response:
        negotiation.check_parameters(request, ("lang",))
        choices = (HTML.extension, site.view(request).language, made)
        validators = conditional.validators(request, site.catalogue.release, choices)
        return conditional.answer(request, validators, VARY, make)

    @router.get(DATA, include_in_schema=False)
    def data(request: Request) -> Response:
        made = site.dumper.newest() if site.dumper else None
        language, services = site.view(request).language, data_services(site.catalogue)
        files = downloads(made, language) if made else None
        make = partial(site.html, request, "data.html", downloads=files, services=services)
        return answer(request, make, made.release if made else "")

    @router.get(ABOUT, include_in_schema=False)
    def about(request: Request) -> Response:
        return answer(request, partial(site.html, request, "about.html"))

    return router


def _texts(record: Record, key: str, language: str) -> list[str]:
    """Return the texts of a field in a language."""
    texts = [term for term in record.values.get(key, ()) if isinstance(term, Literal)]
    return [text.value for text in texts if text.language == language]


def _entrances(catalogue: Catalogue, record: Record) -> list[Record]:
    """Return the entrances that a catalogue states, in their order."""
    terms = record.values.get("entrance", ())
    iris = [term.value for term in terms if isinstance(term, NamedNode)]
    kind = (
        catalogue.shapes.find_node_shape(catalogue.reader.read_classes(iris[0])) if iris else None
    )
    entrances = catalogue.reader.read_records(kind, iris) if kind else []
    return sorted(entrances, key=lambda entrance: int(as_text(entrance.values["order"][0])))


def _best_filled(shown: Iterable[tuple[Field, Facet]], total: int) -> list[tuple[Field, Facet]]:
    """Return the facets with a scheme that most entries state, in the order of the shapes."""
    named = [(f, facet) for f, facet in shown if f.scheme and len(facet.values) > 1]

    def stated(pair: tuple[Field, Facet]) -> int:
        return total - (pair[1].not_stated.count if pair[1].not_stated else 0)

    best = sorted(named, key=stated, reverse=True)[:_MAX_CHARTS]
    return [pair for pair in named if pair in best]


def _newest(site: Site) -> list[tuple[Record, str]]:
    """Return the entries that were changed last, with the day (ISO 8601)."""
    catalogue = site.catalogue
    newest = site.services.dataset.newest_entries
    current = [(iri, day) for iri, day in newest if not catalogue.lifecycle.get(iri)]
    records = catalogue.reader.read_records(catalogue.shapes.entry_shape, [i for i, _ in current])
    return [(record, day) for record, (_, day) in zip(records, current, strict=True)]
