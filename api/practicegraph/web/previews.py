"""Small pages of things, which other programs show in a frame (sections 5 and 6.5 of the API)."""

from dataclasses import dataclass
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

from ..records import Record
from ..text import best, cut
from ..typed import Types
from . import links
from .manifests import WIDTH
from .service import VARY, Service, UnknownAddressError
from .views import Line, View

_LINES = 5
_POLICY = "Content-Security-Policy"
_FRAMED = ("frame-ancestors 'none'", "frame-ancestors *")


@dataclass(frozen=True)
class Previews:
    """Answers with small pages of things."""

    service: Service

    @property
    def _types(self) -> Types:
        return self.service.catalogue.types

    def preview(self, request: Request) -> Response:
        """Answer with a small page, which any page may show in a frame; or UnknownAddressError."""
        view = self.service.view(request)
        record = self._record(_asked(request))
        answer = self.service.html(
            request, "preview.html", record=record, lines=_lines(view, record), width=WIDTH
        )
        answer.headers[_POLICY] = answer.headers[_POLICY].replace(*_FRAMED)
        return answer

    def flyout(self, request: Request, name: str) -> Response:
        """Answer with a piece of a page about a thing, type or property; or raise."""
        view, asked = self.service.view(request), _asked(request)
        title, kind, said = self._said(view, name, asked)
        html = view.page("flyout.html", title=title, kind=kind, said=said)
        return JSONResponse({"id": asked, "html": html}, headers=VARY)

    def view(self, request: Request) -> Response:
        """Answer with the way to the page of a thing, or to what is left of it."""
        view, asked = self.service.view(request), _asked(request)
        if iri := self.service.catalogue.things.meant(asked):
            return RedirectResponse(view.href(iri), 303, VARY)
        if self.service.addresses.iri(asked) is None:
            raise UnknownAddressError(asked)
        return RedirectResponse(f"{links.prefix(request)}/{quote(asked)}", 303, VARY)

    def _said(self, view: View, name: str, asked: str) -> tuple[str, str, str]:
        """Give what something is called, of what kind it is, and what is said of it."""
        if name == "entity":
            record = self._record(asked)
            title, said = (
                record.spoken(role, view.languages)[0] for role in ("LabelRole", "DescriptionRole")
            )
            return title, view.best(record.kind.labels), said
        if name == "type":
            one = self._types.type("id", asked)
            return view.best(one.labels), view.best(one.kind.labels), ""
        if name == "property":
            field = self._types.property("id", asked).fields[0]
            hint = best(field.hints, view.languages)
            return view.best(field.names), view.best(field.group.labels), hint
        raise UnknownAddressError(name)

    def _record(self, asked: str) -> Record:
        things = self.service.catalogue.things
        iri = things.meant(asked)
        found = things.type_of(iri) if iri else None
        if iri is None or found is None:
            raise UnknownAddressError(asked)
        return self.service.catalogue.reader.records(found.kind, [iri])[0]


def _asked(request: Request) -> str:
    return cut(request.query_params.get("id", ""))


def _lines(view: View, record: Record) -> list[Line]:
    """Give the first fields of a thing that are not its name or summary."""
    told = {field.key for field in record.kind.fields if field.role}
    sections = view.sections(record, True)
    listed = [line for section in sections for line in section.lines if line.key not in told]
    return listed[:_LINES]
