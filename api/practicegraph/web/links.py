"""Typed links between a thing, its page and its documents (https://signposting.org/FAIR/).

They stand in the headers (RFC 8288), in the heads of pages, and in a link set of their own
(RFC 9264).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from fastapi import Request

from ..catalogue import Catalogue
from .documents import Addresses
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
    """Gives the links of documents, at the address at which a request has come."""

    catalogue: Catalogue
    addresses: Addresses
    root: str

    def brief(self, iri: str, form: Form) -> list[Link]:
        """Give the links of the document about a thing in a form, without long lists."""
        items = self._items(iri)
        return [*self._own(iri, form), *(items if len(items) <= _MOST else [])]

    def of_iri(self, iri: str) -> list[Link]:
        """Give the links with which a redirect leads to what there is."""
        forms = [Link(self._at(iri, form), "alternate", form.plain) for form in DOCUMENTS]
        return [*forms, self._linkset(iri)]

    def linkset(self, iri: str) -> dict[str, Any]:
        """Give all links of all documents about a thing, as JSON (RFC 9264, section 4.2)."""
        sets = [_context(self._at(iri, form), self._own(iri, form)) for form in DOCUMENTS]
        page = next(found for found in sets if found["anchor"] == self._at(iri, HTML))
        page |= _context("", self._items(iri)) | {"anchor": page["anchor"]}
        return {"linkset": sets}

    def _own(self, iri: str, form: Form) -> list[Link]:
        links = [Link(iri, "cite-as"), *self._about(iri)]
        links += [Link(_PAGE, "type")] if form == HTML else []
        for other in DOCUMENTS:
            if other != form:
                links.append(Link(self._at(iri, other), _relations(form, other), other.plain))
        return [*links, self._linkset(iri)]

    def _about(self, iri: str) -> list[Link]:
        dataset = self.catalogue.dataset
        classes = self.catalogue.reader.classes(iri)
        links = [Link(name, "type") for name in self.catalogue.ontology.nearest(classes)]
        links += [Link(name, "author") for name in dataset.creators]
        links += [Link(dataset.licence, "license")] if dataset.licence else []
        concept = self.catalogue.vocabularies.concepts.get(iri)
        whole = concept.scheme if concept else self.catalogue.base
        return links if iri == whole else [*links, Link(whole, "collection")]

    def _items(self, iri: str) -> list[Link]:
        """Give what a scheme or the whole catalogue consists of, but for the entries."""
        vocabularies = self.catalogue.vocabularies
        if iri == self.catalogue.base:
            return [Link(scheme, "item") for scheme in vocabularies.schemes]
        scheme = vocabularies.schemes.get(iri)
        concepts = scheme.concepts.values() if scheme else ()
        return [Link(concept.iri, "item") for concept in concepts]

    def _linkset(self, iri: str) -> Link:
        return Link(self._at(iri, LINKSET), "linkset", LINKSET.plain)

    def _at(self, iri: str, form: Form) -> str:
        return f"{self.root}/{quote(self.addresses.path(iri) or '')}.{form.extension}"


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
