"""The terms of the ontology and the shapes: an index by group, and a page for each term.

A term is a resource whose IRI is that of a document with a fragment. The index has a row for each,
with the fragment as its id, so that the IRI leads a browser to the row, and the row to the page.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from fastapi import Request
from pyoxigraph import Literal, NamedNode

from ...rdf.terms import OWL, RDF, RDFS, XSD, as_text, local_name, parse_iri
from ...schema.fields import Field, NodeShape
from ...schema.records import Record
from ...schema.text import collation_key
from ...schema.value_parser import InvalidParameterError
from .. import document
from ..context import DisplayValue, Site, View
from .diagram import Box, BoxRow, Diagram, draw

GROUP = "group"
"""The parameter of the index that chooses a long group."""
_OTHER = "other"
_MAX_ROWS = 150
"""The terms of a group that stand on the index; a longer one has a page of its own."""
_RANGES = """
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
SELECT DISTINCT ?property ?domain ?range
WHERE {{
    ?property rdfs:isDefinedBy {document} ;
        rdfs:domain ?domain ;
        rdfs:range ?range .
    FILTER (isIRI(?domain) && isIRI(?range))
}}
ORDER BY ?domain ?property ?range
"""
_LITERALS = (XSD, RDF + "langString", RDFS + "Literal")


@dataclass(frozen=True, order=True)
class TermRow:
    """A term on the index: its fragment, the URL of its page, its label and its description."""

    fragment: str
    href: str
    label: DisplayValue = field(compare=False)
    description: DisplayValue = field(compare=False)


@dataclass(frozen=True)
class TermGroup:
    """The terms under a heading; a long group has rows only where it is chosen."""

    key: str
    heading: str
    count: int
    rows: tuple[TermRow, ...]

    @property
    def is_long(self) -> bool:
        """Return whether it has a page of its own."""
        return self.count > _MAX_ROWS


@dataclass(frozen=True)
class TermDocument:
    """A document with terms: an ontology, or a graph of shapes."""

    site: Site
    view: View
    iri: str

    def index_values(self, request: Request) -> dict[str, Any]:
        """Return the values of the template of the index; raise InvalidParameterError."""
        members = self._members()
        chosen = request.query_params.get(GROUP, "")
        if chosen and chosen not in members:
            raise InvalidParameterError(GROUP, chosen, list(members))
        keys = [key for key in members if chosen in ("", key)]
        return {
            "groups": self._groups(members, keys),
            "chosen": chosen,
            "path_of_page": f"/{self.site.addresses.path_of(self.iri)}.html",
            "diagram": None if chosen else self.diagram,
        }

    def _groups(self, members: Mapping[str, Sequence[str]], keys: Sequence[str]) -> list[TermGroup]:
        """Return the groups with some keys; their rows are made once for each language."""
        is_alone = len(keys) == 1
        view = (self.iri, self.view.language, str(self.view.keeps_language), self.view.root)
        cached = [(*view, key, str(is_alone)) for key in keys]
        return self.site.term_groups.get_many(
            self.site.catalogue.release,
            cached,
            lambda missing: [
                self._group(key, members[key], is_shown=is_alone or len(members[key]) <= _MAX_ROWS)
                for *_, key, _ in missing
            ],
        )

    @cached_property
    def terms(self) -> Mapping[str, Sequence[str]]:
        """Return the IRIs of the terms, each with those of the terms that refer to it."""
        cache, release = self.site.terms, self.site.catalogue.release
        return cache.get_many(release, [self.iri], lambda _: [self._read_terms()])[0]

    def _read_terms(self) -> dict[str, list[str]]:
        quads = document.statements_about(self.site.catalogue, self.iri)
        pairs = [(q.subject.value, q.object) for q in quads if isinstance(q.subject, NamedNode)]
        terms = sorted({subject for subject, _ in pairs if subject.startswith(f"{self.iri}#")})
        mentions: dict[str, dict[str, None]] = {term: {} for term in terms}
        for subject, value in pairs:
            name = value.value if isinstance(value, NamedNode) else ""
            if name in mentions and subject in mentions and subject != name:
                mentions[name][subject] = None
        return {term: sorted(found) for term, found in mentions.items()}

    def _members(self) -> dict[str, list[str]]:
        """Return the terms by the key of their group: its shape; kinds of records come first."""
        found: dict[str, list[str]] = {}
        for iri in self.terms:
            shape = self._owners[iri][0] if iri in self._owners else self._kind(iri)
            found.setdefault(local_name(shape.iri) if shape else _OTHER, []).append(iri)
        kinds = [local_name(kind.iri) for kind in self.site.catalogue.shapes.kinds.values()]
        first = [key for key in kinds if key in found]
        is_long = {key for key, iris in found.items() if len(iris) > _MAX_ROWS}
        others = sorted(found.keys() - first, key=lambda key: (key in is_long, key == _OTHER, key))
        return {key: found[key] for key in (*first, *others)}

    @cached_property
    def _owners(self) -> dict[str, tuple[NodeShape, Field]]:
        """Return the fields by IRI, each with its node shape."""
        shapes = self.site.catalogue.shapes.node_shapes
        return {f.iri: (s, f) for s in shapes for f in (*s.fields, *s.combined_facets)}

    def _group(self, key: str, iris: Sequence[str], *, is_shown: bool) -> TermGroup:
        """Return a group: fields in their order, other terms in that of their labels."""
        first = iris[0]
        shape = self._owners[first][0] if first in self._owners else self._kind(first)
        heading = self.view.text(shape.labels) if shape else self.view.phrase("otherTerms")
        if not is_shown:
            return TermGroup(key, heading, len(iris), ())
        if kind := self._kind(first):
            self.site.catalogue.reader.read_records(kind, iris)  # at once, for the cache
        rows = sorted((self._order(iri), self._row(iri)) for iri in iris)
        return TermGroup(key, heading, len(iris), tuple(row for _, row in rows))

    def _order(self, iri: str) -> tuple[float, float, bytes]:
        label = collation_key(self._label(iri, self.record(iri)).text, self.view.language)
        if iri not in self._owners:
            return 0, 0, label
        own = self._owners[iri][1]
        return own.group.order, own.order, label

    @property
    def diagram(self) -> Diagram | None:
        """Return the diagram of the kinds of records that shapes declare, else of the classes."""
        kinds = self.site.catalogue.shapes.kinds.values()
        own = [kind for kind in kinds if kind.iri.startswith(f"{self.iri}#")]
        return draw(list(self._kinds(own) if own else self._classes()))

    def record(self, iri: str) -> Record | None:
        """Return the record of a term, or None for one that no shape describes."""
        kind = self._kind(iri)
        return self.site.catalogue.reader.read_records(kind, [iri])[0] if kind else None

    def page_values(self, iri: str) -> dict[str, Any]:
        """Return the values of the template of a term."""
        record = self.record(iri)
        return {
            "term": iri,
            "record": record,
            "name": self._label(iri, record),
            "statements": {} if record else self._statements(iri),
            "parts": [] if record else [self._row(term) for term in self._parts(iri)],
            "mentions": [self._row(term) for term in self.terms[iri]],
            "whole": self.iri,
        }

    def _kind(self, iri: str) -> NodeShape | None:
        catalogue = self.site.catalogue
        return catalogue.shapes.find_node_shape(catalogue.reader.read_classes(iri))

    def _row(self, iri: str) -> TermRow:
        record, fragment = self.record(iri), iri.rpartition("#")[2]
        path = f"/{self.site.addresses.path_of(self.iri)}/{fragment}.html"
        text = record.text_with_role("DescriptionRole", self.view.languages) if record else ("", "")
        href = self.view.link(path)
        return TermRow(fragment, href, self._label(iri, record), self._text(*text))

    def _label(self, iri: str, record: Record | None) -> DisplayValue:
        languages = self.view.languages
        text, language = record.text_with_role("LabelRole", languages) if record else ("", "")
        return self._text(text or self.view.name(iri), language)

    def _text(self, text: str, language: str) -> DisplayValue:
        return DisplayValue(text, language="" if language == self.view.language else language)

    def _statements(self, iri: str) -> dict[str, list[DisplayValue]]:
        """Return the values of a term that no shape describes by property, but for its parts."""
        parts, values = set(self._parts(iri)), dict[str, list[DisplayValue]]()
        for quad in sorted(self.site.catalogue.store.quads(NamedNode(iri)), key=str):
            value = quad.object
            listed = values.setdefault(self.view.short_name(quad.predicate.value), [])
            if isinstance(value, NamedNode) and value.value not in parts:
                text = self.view.short_name(value.value)
                listed.append(DisplayValue(text, self.view.href(value.value)))
            elif isinstance(value, Literal):
                shown = self._text(value.value, value.language or self.view.language)
                listed.append(replace(shown, code="\n" in value.value))
        return {name: listed for name, listed in values.items() if listed}

    def _parts(self, iri: str) -> list[str]:
        """Return the terms of the document to which a term refers, such as fields of a shape."""
        return [term for term, mentions in self.terms.items() if iri in mentions]

    def _kinds(self, kinds: Iterable[NodeShape]) -> Iterator[Box]:
        """Yield the kinds of records with the fields that refer to others, and their schemes."""
        kinds = list(kinds)
        lists = self.site.catalogue.vocabularies.lists
        boxes = {kind.classes[0]: kind for kind in kinds}
        targets: dict[str, None] = {}
        for kind in kinds:
            fields = [each for each in kind.fields if each.scheme in lists]
            targets |= {each.scheme: None for each in fields if each.scheme}
            rows = (BoxRow(self.view.text(f.names), f.scheme or "") for f in fields)
            href = self._row(kind.iri).href
            yield Box(kind.classes[0], self.view.text(kind.labels), href, tuple(rows))
        for iri in (each for each in targets if each not in boxes):
            yield Box(iri, self.view.name(iri), self.view.href(iri))

    def _classes(self) -> Iterator[Box]:
        """Yield the classes with their properties, and the classes of the values of these."""
        rows: dict[str, list[BoxRow]] = {}
        query = _RANGES.format(document=NamedNode(self.iri))
        for row in self.site.catalogue.store.select(query):
            name, domain, range_ = (as_text(row[key]) for key in ("property", "domain", "range"))
            if not range_.startswith(_LITERALS):
                rows.setdefault(domain, []).append(BoxRow(self.view.name(name), range_))
        targets = {row.target for found in rows.values() for row in found}
        for iri in sorted({*rows, *targets}):
            is_own = iri.startswith(f"{self.iri}#")
            href = self._row(iri).href if is_own else self.view.href(iri)
            title = self.view.name(iri) if is_own else self.view.short_name(iri)
            yield Box(iri, title, href, tuple(rows.get(iri, ())))


def find_document(site: Site, view: View, iri: str) -> TermDocument | None:
    """Return a document with terms by its IRI, or None for all else."""
    if parse_iri(iri) is None or OWL + "Ontology" not in site.catalogue.reader.read_classes(iri):
        return None
    found = TermDocument(site, view, iri)
    return found if found.terms else None


def find_term(site: Site, view: View, path: str) -> tuple[TermDocument, str] | None:
    """Return the document and the IRI of a term whose page has a path, or None."""
    whole, _, fragment = path.removesuffix(".html").rpartition("/")
    found = find_document(site, view, site.addresses.expand(whole)) if whole and fragment else None
    iri = f"{found.iri}#{fragment}" if found else ""
    return (found, iri) if found and iri in found.terms else None
