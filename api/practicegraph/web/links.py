"""Typed links between a thing, its page and its documents (https://signposting.org/FAIR/).

They stand in the headers (RFC 8288), in the heads of pages, and in a link set of their own
(RFC 9264).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote

from fastapi import Request

from ..catalogue import Catalogue
from .negotiation import DOCUMENTS, HTML, LINKSET, Form

_PAGE = "https://schema.org/AboutPage"
_MOST = 20


@dataclass(frozen=True)
class Link:
    """A link: what it leads to, in which relations (with spaces between), the media type there."""

    href: str
    rel: str
    type: str = ""

    def __str__(self) -> str:
        """Give the link as it stands in a header."""
        kind = f'; type="{self.type}"' if self.type else ""
        return f'<{self.href}>; rel="{self.rel}"{kind}'


@dataclass(frozen=True)
class Links:
    """Gives the links of the documents about a thing, whose path without extension is given.

    They lead to the address at which a request has come, its root.
    """

    catalogue: Catalogue
    root: str
    iri: str
    path: str

    def brief(self, form: Form) -> list[Link]:
        """Give the links of the document in a form, without long lists."""
        items = self._items()
        return [*self._own(form), *(items if len(items) <= _MOST else [])]

    def of_iri(self) -> list[Link]:
        """Give the links with which a redirect leads to what there is."""
        forms = [Link(self._at(form), "alternate", form.plain) for form in DOCUMENTS]
        return [*forms, self._linkset]

    def linkset(self) -> dict[str, Any]:
        """Give all links of all documents, as JSON (RFC 9264, section 4.2)."""
        sets = [_context(self._at(form), self._own(form)) for form in DOCUMENTS]
        page = next(found for found in sets if found["anchor"] == self._at(HTML))
        page |= _context(page["anchor"], self._items())
        return {"linkset": sets}

    def _own(self, form: Form) -> list[Link]:
        links = [Link(self.iri, "cite-as"), *self._about]
        links += [Link(_PAGE, "type")] if form == HTML else []
        for other in DOCUMENTS:
            if other != form:
                links.append(Link(self._at(other), _relations(form, other), other.plain))
        return [*links, self._linkset]

    @cached_property
    def _about(self) -> list[Link]:
        dataset = self.catalogue.dataset
        classes = self.catalogue.reader.classes(self.iri)
        links = [Link(name, "type") for name in self.catalogue.ontology.nearest(classes)]
        links += [Link(name, "author") for name in dataset.creators]
        links += [Link(dataset.licence, "license")] if dataset.licence else []
        if self.catalogue.log and self.catalogue.log.release and self.iri == self.catalogue.base:
            links.append(Link(f"{self.root}/changes", "version-history"))
        concept = self.catalogue.vocabularies.concepts.get(self.iri)
        whole = concept.scheme if concept else self.catalogue.base
        return links if self.iri == whole else [*links, Link(whole, "collection")]

    def _items(self) -> list[Link]:
        """Give what a scheme or the whole catalogue consists of, but for the entries."""
        vocabularies = self.catalogue.vocabularies
        if self.iri == self.catalogue.base:
            return [Link(scheme, "item") for scheme in vocabularies.schemes]
        scheme = vocabularies.schemes.get(self.iri)
        concepts = scheme.concepts.values() if scheme else ()
        return [Link(concept.iri, "item") for concept in concepts]

    @property
    def _linkset(self) -> Link:
        return Link(self._at(LINKSET), "linkset", LINKSET.plain)

    def _at(self, form: Form) -> str:
        return f"{self.root}/{quote(self.path)}.{form.extension}"


def root(request: Request) -> str:
    """Give the address at which the service answers the request, without a slash at its end."""
    return str(request.base_url).rstrip("/")


def prefix(request: Request) -> str:
    """Give what stands before every path at the address at which the service answers."""
    path: str = request.scope.get("root_path", "")
    return path


def header(links: Sequence[Link]) -> dict[str, str]:
    """Give the links as a header (RFC 8288, section 3)."""
    return {"Link": ", ".join(map(str, links))} if links else {}


def _relations(form: Form, other: Form) -> str:
    """Give in which relations a document in a form stands to one in another form."""
    if form == HTML and other.is_rdf:
        return "alternate describedby"
    return "alternate describes" if other == HTML else "alternate"


def _context(anchor: str, links: Iterable[Link]) -> dict[str, Any]:
    found: dict[str, Any] = {"anchor": anchor}
    for link in links:
        target = {"href": link.href} | ({"type": link.type} if link.type else {})
        for relation in link.rel.split():
            found.setdefault(relation, []).append(target)
    return found
