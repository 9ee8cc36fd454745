"""The menu of all pages, and which item of it a page belongs to."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..catalogue.catalogue import Catalogue
from ..schema.text import Labels
from .urls import (
    ABOUT,
    DATA,
    DOCS,
    EVIDENCE,
    MAP,
    QUERIES,
    SPARQL,
    VALIDATE,
    VOCABULARIES,
    search_path,
)

_DATA_PAGES = (DOCS, SPARQL, QUERIES, VALIDATE, "/ontology", "/shapes", "/catalog")


@dataclass(frozen=True)
class MenuItem:
    """An item of the menu: whether the page is its own, and whether the page belongs to it."""

    path: str
    labels: Labels
    is_page: bool
    has_page: bool


def menu(catalogue: Catalogue, page: str) -> list[MenuItem]:
    """Return the menu on the page of a path, which has no prefix of a proxy."""
    first = next(iter(catalogue.shapes.kinds.values()))
    schemes = [f"/{key}" for key in catalogue.vocabularies.schemes_by_key]
    phrases = catalogue.phrases.labels
    items: tuple[tuple[str, Labels, Sequence[str]], ...] = (
        (search_path(first), first.plural, (f"/{first.segment}",)),
        (MAP, phrases["mapPage"], ()),
        (EVIDENCE, phrases["evidencePage"], ()),
        (VOCABULARIES, phrases["vocabularies"], schemes),
        (DATA, phrases["dataPage"], _DATA_PAGES),
        (ABOUT, phrases["aboutPage"], ()),
    )
    section = "/" + page[1:].partition("/")[0].partition(".")[0]
    return [
        MenuItem(path, labels, path == page, section in (path, *inside))
        for path, labels, inside in items
    ]
