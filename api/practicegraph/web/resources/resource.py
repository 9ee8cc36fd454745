"""Every IRI over HTTP: a redirect to its document, and the document in each form.

What uses a concept: entries that have it or a narrower one, counted, and the first by name.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from pyoxigraph import NamedNode, Quad, Triple

from ...application.services import Services
from ...catalogue.catalogue import Catalogue
from ...exchange.dumps import ReleaseDumps
from ...rdf.namespaces import SCHEMA
from ...rdf.terms import as_text
from ...schema.fields import Field
from ...schema.ontology import SchemaOrgDescriber
from ...schema.records import Record
from ...schema.vocabularies import Concept
from ...search.engine import Counts, SimilarEntry
from ...search.request import ALL_ENTRIES
from .. import document
from ..context import VARY, Site
from ..document import MODIFIED, Statements
from ..http import conditional, negotiation, responses
from ..http.conditional import Validators
from ..http.errors import UnknownAddressError
from ..http.negotiation import ANSWERS, DOCUMENTS, HTML, JSON, JSON_LD, LINKSET, Form
from ..http.responses import Link, Links
from ..search.facets import facets
from ..urls import SERVICES
from . import lifecycle
from .dataset import Described, Downloads, downloads

SIMILAR = "similar"
"""The last segment of the path of the entries that are similar to one."""
_MOST = 10
_FIRST = """
SELECT DISTINCT ?entry
WHERE {{
    ?entry {path} {node} ;
        a {kind} .
}}
ORDER BY ?entry
LIMIT {most}
"""


@dataclass(frozen=True)
class Use:
    """A field in which entries have a concept: how many find it, and those that name it itself."""

    field: Field
    value: str
    count: int
    narrower: tuple[tuple[Concept, int], ...]
    entries: tuple[Record, ...]


@dataclass(frozen=True)
class Uses:
    """Tells by which fields concepts are used."""

    services: Services

    @property
    def catalogue(self) -> Catalogue:
        """Return the catalogue."""
        return self.services.catalogue

    def counts(self, scheme: str) -> Counts:
        """Give how many entries have each concept of a scheme."""
        facets = (field for field in self._fields(scheme) if field.is_facet)
        return next((self.services.search.counts(field) for field in facets), {})

    def of(self, iri: str) -> list[Use]:
        """Give the uses of a concept; of what is none, or no longer current, nothing."""
        concept = self.catalogue.vocabularies.concepts.get(iri)
        if concept is None or concept.deprecation:
            return []
        found = [self._use(field, concept) for field in self._fields(concept.scheme)]
        return [use for use in found if use.field.is_facet or use.entries]

    def _use(self, field: Field, concept: Concept) -> Use:
        counts = self.services.search.counts(field) if field.is_facet else {}
        below = self.catalogue.vocabularies.scheme(concept.scheme).narrower.get(concept.iri, [])
        return Use(
            field=field,
            value=concept.notation,
            count=counts.get(NamedNode(concept.iri), 0),
            narrower=tuple((lower, counts.get(NamedNode(lower.iri), 0)) for lower in below),
            entries=tuple(self._entries(field, concept.iri)),
        )

    def _entries(self, field: Field, iri: str) -> list[Record]:
        kind = self.catalogue.shapes.entry_shape
        query = _FIRST.format(
            path=field.path, node=NamedNode(iri), kind=NamedNode(kind.classes[0]), most=_MOST
        )
        entries = [as_text(row["entry"]) for row in self.catalogue.store.select(query)]
        return self.catalogue.reader.read_records(kind, entries)

    def _fields(self, scheme: str) -> Iterator[Field]:
        fields = self.catalogue.shapes.entry_shape.fields
        return (field for field in fields if field.scheme == scheme)


_NEAR = 5


@dataclass(frozen=True)
class Resources:
    """Answers the addresses of IRIs."""

    site: Site

    @property
    def statements(self) -> Statements:
        """Give what says what documents add."""
        return Statements(self.site.services, self.site.addresses)

    def answer(self, request: Request, path: str) -> Response:
        """Answer an IRI with 303 to its document, and a document with 200; else raise.

        What was moved answers with its successor's address, what was withdrawn with a tombstone.
        """
        stem, dot, extension = path.rpartition(".")
        by_extension = {form.extension: form for form in ANSWERS}
        if dot and extension in by_extension:
            iri = self.site.addresses.iri(stem)
            if iri:
                return self.document(request, iri, stem, by_extension[extension])
        iri = self.site.addresses.iri(path)
        if iri is None:
            raise UnknownAddressError(path)
        form = negotiation.form_of_document(request, ANSWERS)
        deprecation = self.site.catalogue.lifecycle.get(iri)
        if deprecation and deprecation.is_moved:
            return lifecycle.redirect(self.site, request, deprecation)
        if deprecation:
            return self.document(request, iri, path, form)
        headers = VARY | responses.header(self._links(request, iri, path).of_iri())
        place = f"{responses.prefix(request)}/{quote(path)}.{form.extension}"
        return RedirectResponse(place, 303, headers)

    def home(self, request: Request) -> Response:
        """Answer with the page with which the catalogue opens."""
        base = self.site.catalogue.base
        found = self._links(request, base, self.site.addresses.start).brief(HTML)
        found.append(Link(responses.root(request) + SERVICES, "api-catalog", LINKSET.plain))
        return self._kept(request, base, HTML, found, lambda: self._home(request, found))

    def document(self, request: Request, iri: str, path: str, form: Form) -> Response:
        """Answer with what is known of an IRI, in a form; 410 where it was withdrawn."""
        known = self._links(request, iri, path)
        found = known.brief(form) if form != LINKSET else []

        def make() -> Response:
            if form == HTML:
                return self._page(request, iri, path, found)
            if form == JSON:
                return JSONResponse(self.as_json(request, iri))
            if form == LINKSET:
                return JSONResponse(known.linkset(), media_type=form.content_type)
            return self._graph(request, iri, form)

        deprecation = self.site.catalogue.lifecycle.get(iri)
        if deprecation and not deprecation.is_moved:
            answer = make()
            tag = self._validators(request, iri, form).tag
            answer.headers.update(VARY | responses.header(found) | ({"ETag": tag} if tag else {}))
        else:
            answer = self._kept(request, iri, form, found, make)
        return lifecycle.marked(answer, deprecation)

    def _kept(
        self,
        request: Request,
        iri: str,
        form: Form,
        found: Sequence[Link],
        make: Callable[[], Response],
    ) -> Response:
        """Answer so that caches may keep the answer until the thing changes."""
        known = self._validators(request, iri, form)
        return conditional.answer(request, known, VARY | responses.header(found), make)

    def _validators(self, request: Request, iri: str, form: Form) -> Validators:
        catalogue = self.site.catalogue
        written = iri.startswith(catalogue.entry_iri(""))
        language = self.site.view(request).language if form in (HTML, JSON) else ""
        expanded = form == JSON_LD and document.are_unwanted(request)
        said = catalogue.store.values(NamedNode(iri), MODIFIED)
        given = self._dumps() if iri == catalogue.base else {}
        dumps = (f"{name} {made.release}" for name, made in given.items())
        choices = (form.extension, language, str(expanded), *dumps)
        # The page of an entry tells of others, too: of those that are near to it.
        tells_of_others = form == HTML and written
        day = (
            self.site.services.dataset.newest
            if tells_of_others
            else self.statements.modified(iri, said)
        )
        state = self.site.services.graph_digests.digest(iri) if written else ""
        return conditional.validators(request, catalogue.release, choices, day, state)

    def _links(self, request: Request, iri: str, path: str) -> Links:
        return Links(self.site.services, responses.root(request), iri, path)

    def _graph(self, request: Request, iri: str, form: Form) -> Response:
        catalogue = self.site.catalogue
        quads = document.about(catalogue, iri)
        quads += self.statements.beside(iri, quads, self._described(request, iri, quads))
        if form == JSON_LD:
            return document.answer(request, catalogue, document.triples(quads), iri)
        content = document.written(catalogue, quads, form, iri)
        return Response(content, media_type=form.content_type)

    def _home(self, request: Request, found: Sequence[Link]) -> Response:
        catalogue, view = self.site.catalogue, self.site.view(request)
        answer = self.site.services.search.search(ALL_ENTRIES, view.languages)
        whole = self._record(catalogue.base)
        return self.site.html(
            request,
            "home.html",
            record=whole,
            total=answer.total,
            downloads=self._downloads(request),
            facets=facets(view, answer, ALL_ENTRIES),
            links=found,
            outline=self._outline(request, whole),
        )

    def as_json(self, request: Request, iri: str) -> dict[str, object]:
        """Give what is known of an IRI as JSON, to the reader of a request."""
        reader, view = self.site.catalogue.reader, self.site.view(request)
        record = self._record(iri)
        found = reader.as_json(record, view.languages) if record else {}
        deprecation = self.site.catalogue.lifecycle.get(iri)
        fate = lifecycle.told(deprecation, view.languages) if deprecation else {}
        return {"id": iri, "title": view.name(iri)} | found | fate

    def _page(self, request: Request, iri: str, path: str, found: Sequence[Link]) -> Response:
        catalogue = self.site.catalogue
        record = self._record(iri)
        return self.site.html(
            request,
            "record.html",
            iri=iri,
            record=record,
            terms=[] if iri == catalogue.base else self._terms(iri),
            scheme=catalogue.vocabularies.schemes.get(iri),
            counts=Uses(self.site.services).counts(iri),
            uses=Uses(self.site.services).of(iri),
            outline=self._outline(request, record),
            links=found,
            deprecation=catalogue.lifecycle.get(iri),
            replaced=catalogue.lifecycle.find_predecessors(iri),
            near=self._near(record),
            similar=f"/{path}/{SIMILAR}",
            downloads=self._downloads(request) if iri == catalogue.base else [],
            forms=[
                (form.extension, f"{responses.prefix(request)}/{path}.{form.extension}")
                for form in DOCUMENTS
                if form != HTML
            ],
        )

    def _near(self, record: Record | None) -> list[SimilarEntry]:
        """Give the entries that are nearest to an entry that is current."""
        catalogue = self.site.catalogue
        if record is None or record.shape != catalogue.shapes.entry_shape:
            return []
        return self.site.services.similarity.find(record, _NEAR)

    def _described(self, request: Request, iri: str, quads: Sequence[Quad]) -> list[Triple]:
        """Give what follows from the catalogue and its server and so cannot stand in it."""
        if iri != self.site.catalogue.base:
            return []
        given = self._dumps()
        return Described(self.site.services, responses.root(request), given, quads).triples()

    def _dumps(self) -> dict[str, ReleaseDumps]:
        """Return the dumps that readers get by name, each with all that was made of its release."""
        made = self.site.dumper.newest() if self.site.dumper else None
        return dict.fromkeys(made.dumps, made) if made else {}

    def _downloads(self, request: Request) -> list[Downloads]:
        return downloads(self.site.view(request), self._dumps())

    def _record(self, iri: str) -> Record | None:
        catalogue = self.site.catalogue
        kind = catalogue.shapes.find_node_shape(catalogue.reader.read_classes(iri))
        return catalogue.reader.read_records(kind, [iri])[0] if kind else None

    def _outline(self, request: Request, record: Record | None) -> dict[str, Any] | None:
        """Give a thing in the words of schema.org, with what holds of all of the catalogue."""
        catalogue = self.site.catalogue
        languages = self.site.view(request).languages
        outline = SchemaOrgDescriber(
            catalogue.reader, catalogue.ontology, catalogue.base, languages
        )
        found = outline.describe(record) if record else None
        if found is None or record is None:
            return None
        more: dict[str, str | None] = {}
        if record.iri == catalogue.base:
            more = {"version": catalogue.release}
        elif record.shape == catalogue.shapes.entry_shape:
            more = {"license": self.site.services.dataset.licence, "isPartOf": catalogue.base}
        return {"@context": SCHEMA, **more, **found}

    def _terms(self, iri: str) -> list[Record]:
        """Give the things that a document describes under fragments of its IRI."""
        quads = document.about(self.site.catalogue, iri)
        subjects = {q.subject.value for q in quads if isinstance(q.subject, NamedNode)}
        parts = sorted(subject for subject in subjects if subject.startswith(f"{iri}#"))
        return [record for part in parts if (record := self._record(part))]
