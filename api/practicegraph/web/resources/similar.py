"""Entries that are near to one, with the concepts that they share as the reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from fastapi import Request, Response
from pyoxigraph import NamedNode

from ...rdf.terms import as_text
from ...schema.records import Record
from ...search.engine import SharedConcept, SimilarEntry
from ...search.request import RequestParser
from ..context import VARY, Site, View
from ..http import conditional, negotiation, responses
from ..http.errors import UnknownAddressError
from ..http.negotiation import HTML, JSON, Form
from ..http.responses import Link
from ..search.explanation import explain_similar, result_validators
from ..search.links import REPRESENTATION_PARAMETERS
from . import lifecycle
from .resource import Resources

FORMS = (JSON, HTML)
"""The forms of the answer."""
PARAMETERS = ("size", "explain")
_SIZE = 10


@dataclass(frozen=True)
class SimilarEndpoint:
    """Answers with the entries that are near to one."""

    site: Site

    def respond(self, request: Request, identifier: str) -> Response:
        """Answer in the form that the reader asks for."""
        return self.respond_in(request, identifier, negotiation.form(request, FORMS))

    def respond_in(self, request: Request, identifier: str, form: Form) -> Response:
        """Answer in a form; for an entry that is no longer current, as its address does."""
        catalogue, view = self.site.catalogue, self.site.view(request)
        size, is_explained = self._asked(request)
        iri = catalogue.entry_iri(identifier)
        path = f"{catalogue.shapes.entry_shape.segment}/{identifier}"
        deprecation = catalogue.lifecycle.get(iri)
        if deprecation and deprecation.is_moved:
            name = request.url.path.rpartition("/")[2]
            return lifecycle.redirect(self.site, request, deprecation, f"/{name}")
        if deprecation:
            return Resources(self.site).document(request, iri, path, form)
        record = self._record(path, iri)

        def make() -> Response:
            began = perf_counter()
            near = self.site.services.similarity.find(record, size)
            milliseconds = (perf_counter() - began) * 1000
            if form == HTML:
                return self.site.html(request, "similar.html", record=record, near=near)
            found = _json(view, record, near)
            if is_explained:
                found["explanation"] = explain_similar(view, iri, size, milliseconds)
            return responses.json(found)

        known = result_validators(view, request, form, is_explained)
        about = responses.header([Link(f"{responses.prefix(request)}/{path}", "about")])
        return conditional.answer(request, known, VARY | about, make)

    def _asked(self, request: Request) -> tuple[int, bool]:
        """Give how many are asked for, and whether with an explanation; raises BadChoiceError."""
        choosing: RequestParser = self.site.services.request_parser
        given = request.query_params.multi_items()
        choosing.check_names((name for name, _ in given), (*PARAMETERS, *REPRESENTATION_PARAMETERS))
        choices = choosing.parse(pair for pair in given if pair[0] in PARAMETERS)
        return choices.size if "size" in request.query_params else _SIZE, choices.explain

    def _record(self, path: str, iri: str) -> Record:
        """Give the entry; raises UnknownAddressError where there is none."""
        catalogue = self.site.catalogue
        kind = catalogue.shapes.entry_shape
        is_entry = self.site.addresses.iri(path) == iri and (
            catalogue.shapes.find_node_shape(catalogue.reader.read_classes(iri)) == kind
        )
        if not is_entry:
            raise UnknownAddressError(path)
        return catalogue.reader.read_records(kind, [iri])[0]


def _json(view: View, record: Record, near: Sequence[SimilarEntry]) -> dict[str, Any]:
    return {
        **_brief(view, record),
        "release": view.services.search.release,
        "items": [
            {
                **_brief(view, one.record),
                "similarity": round(one.similarity.score, 4),
                "shared": [_shared(view, reason) for reason in one.shared],
                "sharedCount": one.similarity.shared,
            }
            for one in near
        ],
    }


def _brief(view: View, record: Record) -> dict[str, Any]:
    """Give what an entry is called, with its identifier if it has one."""
    title, _ = record.text_with_role("LabelRole", view.languages)
    identifiers = [f.key for f in record.shape.fields_with_role("IDRole") if f.key in record.values]
    named = {key: as_text(record.values[key][0]) for key in identifiers}
    return {"id": record.iri, **named, "title": title}


def _shared(view: View, reason: SharedConcept) -> dict[str, str]:
    iri = reason.concept
    value = view.catalogue.reader.code(NamedNode(iri))
    return {"facet": reason.key, "value": value, "id": iri, "label": view.name(iri)}
