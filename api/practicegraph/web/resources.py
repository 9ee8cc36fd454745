"""Every IRI over HTTP: a redirect to its document, and the document in each form."""

from dataclasses import dataclass
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from pyoxigraph import NamedNode

from ..kinds import Field
from ..records import Record
from ..search import Choices
from . import documents, negotiation, permanence
from .negotiation import DOCUMENTS, HTML, JSON, Form
from .service import VARY, Service, UnknownAddressError


@dataclass(frozen=True)
class Resources:
    """Answers the addresses of IRIs."""

    service: Service

    def answer(self, request: Request, path: str) -> Response:
        """Answer an IRI with 303 to its document, and a document with 200; else raise.

        What was moved answers with its successor's address, what was withdrawn with a tombstone.
        """
        stem, dot, extension = path.rpartition(".")
        by_extension = {form.extension: form for form in DOCUMENTS}
        if dot and extension in by_extension:
            iri = self.service.addresses.iri(stem)
            if iri:
                return self.document(request, iri, stem, by_extension[extension])
        iri = self.service.addresses.iri(path)
        if iri is None:
            raise UnknownAddressError(path)
        form = negotiation.form_of_document(request, DOCUMENTS)
        retirement = self.service.catalogue.permanence.of(iri)
        if retirement and retirement.moved:
            return permanence.redirect(self.service, request, retirement)
        if retirement:
            return self.document(request, iri, path, form)
        return RedirectResponse(f"/{quote(path)}.{form.extension}", 303, VARY)

    def home(self, request: Request) -> Response:
        """Answer with the page with which the catalogue opens."""
        catalogue, view = self.service.catalogue, self.service.view(request)
        choices = Choices(size=1)
        answer = catalogue.search.answer(choices, view.languages)
        kind = catalogue.shapes.record
        return self.service.html(
            request,
            "home.html",
            record=self._record(catalogue.base),
            total=answer.total,
            facets=[(field, view.options(field, answer, choices, [])) for field in kind.facets],
        )

    def document(self, request: Request, iri: str, path: str, form: Form) -> Response:
        """Answer with what is known of an IRI, in a form; 410 where it was withdrawn."""
        answer = self._document(request, iri, path, form)
        return permanence.marked(answer, self.service.catalogue.permanence.of(iri))

    def _document(self, request: Request, iri: str, path: str, form: Form) -> Response:
        if form == HTML:
            return self._page(request, iri, path)
        if form == JSON:
            return JSONResponse(self._json(request, iri), headers=VARY)
        quads = documents.about(self.service.catalogue, iri)
        content = documents.written(self.service.catalogue, quads, form, iri)
        return Response(content, headers=VARY, media_type=form.content_type)

    def _json(self, request: Request, iri: str) -> dict[str, object]:
        reader, view = self.service.catalogue.reader, self.service.view(request)
        record = self._record(iri)
        found = reader.as_json(record, view.languages) if record else {}
        retirement = self.service.catalogue.permanence.of(iri)
        fate = permanence.told(retirement, view.languages) if retirement else {}
        return {"id": iri, "title": view.name(iri)} | found | fate

    def _page(self, request: Request, iri: str, path: str) -> Response:
        catalogue = self.service.catalogue
        record = self._record(iri)
        return self.service.html(
            request,
            "record.html",
            iri=iri,
            record=record,
            terms=[] if iri == catalogue.base else self._terms(iri),
            scheme=catalogue.vocabularies.schemes.get(iri),
            counts=self._counts(iri),
            uses=self._uses(iri),
            retirement=catalogue.permanence.of(iri),
            replaced=catalogue.permanence.led_to(iri),
            forms=[
                (form.extension, f"/{path}.{form.extension}") for form in DOCUMENTS if form != HTML
            ],
        )

    def _record(self, iri: str) -> Record | None:
        catalogue = self.service.catalogue
        kind = catalogue.shapes.kind_of(catalogue.reader.classes(iri))
        return catalogue.reader.records(kind, [iri])[0] if kind else None

    def _terms(self, iri: str) -> list[Record]:
        """Give the things that a document describes under fragments of its IRI."""
        quads = documents.about(self.service.catalogue, iri)
        subjects = {q.subject.value for q in quads if isinstance(q.subject, NamedNode)}
        parts = sorted(subject for subject in subjects if subject.startswith(f"{iri}#"))
        return [record for part in parts if (record := self._record(part))]

    def _counts(self, iri: str) -> dict[str, int]:
        """Give how many entries have each concept of a scheme, by notation."""
        field = self._facet(iri)
        return self.service.catalogue.search.counts(field) if field else {}

    def _uses(self, iri: str) -> list[tuple[Field, str, int]]:
        """Give the facets by which a concept is found, with its value and the count."""
        concept = self.service.catalogue.vocabularies.concepts.get(iri)
        field = self._facet(concept.scheme) if concept else None
        if not concept or not field or concept.retirement:
            return []
        count = self._counts(concept.scheme).get(concept.notation, 0)
        return [(field, concept.notation, count)]

    def _facet(self, scheme: str) -> Field | None:
        facets = self.service.catalogue.shapes.record.facets
        return next((field for field in facets if field.scheme == scheme), None)
