"""The guides: texts in Markdown, with the addresses and values of the catalogue.

A text is CommonMark (https://spec.commonmark.org/) with tables, in English; its title and its
introduction are phrases. It is made HTML when the program starts. Its placeholders are those of
Jinja, and filled for each request, so that its examples run against the server that shows them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import Any

from fastapi import Request
from jinja2 import StrictUndefined, Template
from markdown_it import MarkdownIt
from pyoxigraph import NamedNode

from ...schema.fields import Field
from ...schema.vocabularies import Concept
from ..context import Site, View
from ..http import responses

NAMES = ("tour", "spreadsheet", "python", "r", "openrefine", "linking", "harvesting")
"""The guides in their order; a phrase has the title of each, another its introduction."""
LANGUAGE = "en"
"""The language of the texts."""
_ENCODED = {"%7B%7B%20": "{{ ", "%20%7D%7D": " }}"}
"""Placeholders in the addresses of links, which Markdown encodes."""


@dataclass(frozen=True)
class Guide:
    """A guide: its name, and the names of the phrases of its title and introduction."""

    name: str

    @property
    def title(self) -> str:
        """Return the name of the phrase of the title."""
        return f"guide{self.name.title()}"

    @property
    def note(self) -> str:
        """Return the name of the phrase of the introduction."""
        return f"{self.title}Note"

    @cached_property
    def template(self) -> Template:
        """Return the text as HTML, with placeholders."""
        text = files(__package__).joinpath("guides", f"{self.name}.md").read_text("utf-8")
        html = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
        for encoded, sign in _ENCODED.items():
            html = html.replace(encoded, sign)
        html = html.replace("<pre>", '<pre tabindex="0">')
        template: Template = Template(html, autoescape=True, undefined=StrictUndefined)
        return template


GUIDES: Mapping[str, Guide] = {name: Guide(name) for name in NAMES}


def guide_values(site: Site, view: View, request: Request) -> dict[str, Any]:
    """Return the values of the placeholders: addresses, an entry, facets and a concept."""
    root = responses.root(request)
    entry = site.services.dataset.example or site.catalogue.entry_iri("")
    path = f"/{site.addresses.path_of(entry)}"
    facet, other, concept = _examples(site)
    return {
        "root": root,
        "search": site.addresses.search,
        "search_url": root + site.addresses.search,
        "coverage": site.addresses.coverage,
        "entry": path,
        "entry_iri": entry,
        "entry_url": f"{root}{path}.html",
        "facet": facet.key,
        "facet_label": view.text(facet.names),
        "other_facet": other.key,
        "value": concept.notation,
        "value_label": concept.labels.get(LANGUAGE, concept.notation),
    }


def _examples(site: Site) -> tuple[Field, Field, Concept]:
    """Return a facet with a tree if there is one, another facet, and a concept of much use."""
    vocabularies = site.catalogue.vocabularies
    facets = site.catalogue.shapes.entry_shape.facets
    facets = tuple(facet for facet in facets if facet.scheme in vocabularies.schemes)
    facet = max(facets, key=lambda each: len(vocabularies.scheme(each.scheme or "").narrower))
    scheme = vocabularies.scheme(facet.scheme or "")
    counts = site.services.search.counts(facet)
    narrow = [each for each in scheme.concepts.values() if each.iri not in scheme.narrower]
    concept = max(narrow, key=lambda each: counts.get(NamedNode(each.iri), 0))
    return facet, next((each for each in facets if each != facet), facet), concept
