"""The change log over HTTP: Atom feed with archives (RFC 4287, RFC 5005), event stream, pages.

A full page of the log never changes: its representations for programs are immutable. They are made
of the log alone, but for the phrases of a feed. The entity tag of what can change is a hash of its
content (RFC 9110, section 8.8.3).
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from ...catalogue.change_log import PAGE, ChangeLog, Event
from ...errors import RequestError
from ...schema.text import replace_non_xml
from .. import openapi
from ..context import VARY, Site
from ..http import conditional, negotiation, responses
from ..http.negotiation import ATOM, CHANGE_TYPES, HTML, MediaType
from ..http.responses import Link
from ..operations import Operation
from ..urls import CHANGES
from .event_stream import EventStream, StreamNode
from .event_text import EventText, EventWriter

_NUMBER = re.compile(r"[1-9][0-9]{0,8}")
_BRIEF = {"Cache-Control": "public, max-age=60"}
_EPOCH = "1970-01-01T00:00:00Z"


@dataclass(frozen=True)
class LogPage:
    """A page of the log as requested; number 0 opens the log and shows its newest events."""

    number: int
    shown: int
    events: list[Event]
    suffix: str
    root: str

    @property
    def is_full(self) -> bool:
        """Return whether the page is full, and so never changes again."""
        return bool(self.number) and len(self.events) == PAGE

    def url(self, number: int) -> str:
        """Return the URL of a page in the same representation."""
        place = f"/{number}" if number else ""
        return f"{self.root}{CHANGES}{place}{self.suffix}"


@dataclass(frozen=True)
class ChangesEndpoint:
    """Answers requests for the change log."""

    site: Site

    def respond(self, request: Request, extension: str = "") -> Response:
        """Return the newest changes, or with the root node of the stream.

        Raises RequestError or NotAcceptableError.
        """
        log = self._log()
        newest = log.open_page
        if newest > 1 and not log.page(newest):
            newest -= 1
        return self._response(request, log, (0, newest), extension)

    def respond_page(self, request: Request, name: str) -> Response:
        """Return a page by its number, with or without an extension.

        Raises RequestError, RequestError or NotAcceptableError.
        """
        log = self._log()
        number, _, extension = name.partition(".")
        if not _NUMBER.fullmatch(number) or int(number) > log.open_page:
            raise RequestError("notFound")
        return self._response(request, log, (int(number), int(number)), extension)

    def _log(self) -> ChangeLog:
        log = self.site.services.log
        if log is None or not log.release:
            raise RequestError("noChangeLog")
        return log

    def _response(
        self, request: Request, log: ChangeLog, numbers: tuple[int, int], extension: str
    ) -> Response:
        if extension:
            media_type = negotiation.find_media_type(extension, CHANGE_TYPES)
        else:
            media_type = negotiation.negotiate(request, CHANGE_TYPES)
        query = f"?{request.url.query}" if request.url.query else ""
        suffix = (f".{extension}" if extension else "") + query
        page = LogPage(*numbers, log.page(numbers[1]), suffix, responses.root(request))
        if media_type == HTML:
            return self._html(request, page)
        content = (
            self._feed(request, page) if media_type == ATOM else self._stream(log, page, media_type)
        )
        headers = VARY | (conditional.LASTING if page.is_full else _BRIEF)
        validators = conditional.Validators(_entity_tag(content))
        return conditional.answer(
            request,
            validators,
            headers,
            lambda: Response(content, media_type=media_type.content_type),
        )

    def _stream(self, log: ChangeLog, page: LogPage, media_type: MediaType) -> bytes:
        stream = EventStream(self.site.catalogue.base, page.url(0))
        if not page.number:
            return stream.root_node(page.url(1), log.page(1), media_type)
        node = StreamNode(page.url(page.number), page.url(page.number + 1), page.events)
        return stream.page_node(node, media_type)

    def _feed(self, request: Request, page: LogPage) -> bytes:
        catalogue, view = self.site.catalogue, self.site.view(request)
        creators = [view.name(iri) for iri in self.site.services.dataset.creators]
        text = view.page(
            "atom.xml",
            iri=f"{catalogue.base}changes",
            title=f"{view.name(catalogue.base)}: {view.say('changes')}",
            updated=page.events[-1].moment if page.events else _EPOCH,
            authors=creators or [view.name(catalogue.base)],
            is_archive=page.is_full,
            links=list(self._links(page)),
            entries=self._texts(request, page),
        )
        return replace_non_xml(text).encode()

    def _links(self, page: LogPage) -> Iterator[Link]:
        """Yield the links of a feed: as archives (RFC 5005, section 4) and as pages (section 3).

        No link of a full page may change, so none depends on whether the next page is full.
        """
        yield Link(page.url(page.number), "self", ATOM.name)
        number = f"/{page.number}" if page.number else ""
        yield Link(f"{page.root}{CHANGES}{number}.html", "alternate", HTML.name)
        if licence := self.site.services.dataset.licence:
            yield Link(licence, "license")
        yield Link(page.url(0), "first")
        yield Link(page.url(1), "last")
        if page.shown > 1:
            yield Link(page.url(page.shown - 1), "prev-archive")
            yield Link(page.url(page.shown - 1), "next")
        if page.number:
            yield Link(page.url(0), "current")
        if page.is_full:
            yield Link(page.url(page.number + 1), "previous")

    def _texts(self, request: Request, page: LogPage) -> list[EventText]:
        """Return the texts of the events, the newest first."""
        stream = EventStream(self.site.catalogue.base, page.url(0))
        writer = EventWriter(self.site.view(request), page.root)
        return [
            writer.write(event, stream.member(event), f"{page.root}{CHANGES}/{event.page}.html")
            for event in reversed(page.events)
        ]

    def _html(self, request: Request, page: LogPage) -> Response:
        writer = EventWriter(self.site.view(request), page.root)
        number = f"/{page.number}" if page.number else ""
        path = f"{responses.prefix(request)}{CHANGES}{number}"
        html = self.site.html(
            request,
            "changes.html",
            events=list(zip(reversed(page.events), self._texts(request, page), strict=True)),
            page_path=writer.page_path,
            existing_topics=writer.existing_topics(page.events),
            older=f"{CHANGES}/{page.shown - 1}.html" if page.shown > 1 else "",
            newer=f"{CHANGES}/{page.number + 1}.html" if page.is_full else "",
            formats=[
                (media_type.extension, f"{path}.{media_type.extension}")
                for media_type in CHANGE_TYPES
                if media_type != HTML
            ],
        )
        validators = conditional.Validators(_entity_tag(bytes(html.body)))
        return conditional.answer(request, validators, html.headers, lambda: html)


def _entity_tag(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def routes(site: Site) -> APIRouter:
    """Return the routes of the change log."""
    router, catalogue, endpoint = APIRouter(), site.catalogue, ChangesEndpoint(site)
    operation = Operation(
        "changes",
        "dataset",
        catalogue.say("changes"),
        media_types=CHANGE_TYPES,
        errors=(404, 406),
        parameters=[openapi.language_parameter(catalogue)],
    )

    @router.get(CHANGES, **operation.arguments())
    def opening(request: Request) -> Response:
        return endpoint.respond(request)

    @router.get(CHANGES + ".{extension}", include_in_schema=False)
    def opening_in_format(request: Request, extension: str) -> Response:
        return endpoint.respond(request, extension)

    @router.get(CHANGES + "/{name}", include_in_schema=False)
    def page(request: Request, name: str) -> Response:
        return endpoint.respond_page(request, name)

    return router
