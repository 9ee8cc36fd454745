"""The log of changes over HTTP: as a feed, as an event stream, and as pages.

A full page of the log never changes: its forms for programs are kept for good. They are made of the
log alone, but for the words of a feed around what was logged. What can change is told by its tag, a
hash of the content (RFC 9110, section 8.8.3).
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from fastapi import Request, Response

from ..changes import PAGE, Event, Log
from . import caching, feeds, links, negotiation
from .feeds import Entry, Feed
from .links import Link
from .negotiation import ATOM, CHANGES, HTML, Form
from .news import News
from .service import VARY, NoLogError, Service, UnknownAddressError
from .streams import Node, Stream

PATH = "/changes"
_NUMBER = re.compile(r"[1-9][0-9]{0,8}")
_BRIEFLY = {"Cache-Control": "public, max-age=60"}


@dataclass(frozen=True)
class Page:
    """A page of the log as asked for; number 0 opens the log and shows its newest events."""

    number: int
    shown: int
    events: list[Event]
    ending: str
    root: str

    @property
    def is_full(self) -> bool:
        """Tell whether it never changes again."""
        return bool(self.number) and len(self.events) == PAGE

    def address(self, number: int) -> str:
        """Give the address of a page in the same form, and so of this one."""
        place = f"/{number}" if number else ""
        return f"{self.root}{PATH}{place}{self.ending}"


@dataclass(frozen=True)
class Changes:
    """Answers the addresses of the log."""

    service: Service

    def opening(self, request: Request, extension: str = "") -> Response:
        """Answer with the newest changes, or with the way into the stream.

        Raises NoLogError or NotAcceptableError.
        """
        log = self._log()
        newest = log.open_page
        if newest > 1 and not log.page(newest):
            newest -= 1
        return self._answer(request, log, (0, newest), extension)

    def page(self, request: Request, name: str) -> Response:
        """Answer with a page by its number, with or without an extension.

        Raises NoLogError, UnknownAddressError or NotAcceptableError.
        """
        log = self._log()
        number, _, extension = name.partition(".")
        if not _NUMBER.fullmatch(number) or int(number) > log.open_page:
            raise UnknownAddressError(request.url.path)
        return self._answer(request, log, (int(number), int(number)), extension)

    def _log(self) -> Log:
        log = self.service.catalogue.log
        if log is None or not log.release:
            raise NoLogError
        return log

    def _answer(
        self, request: Request, log: Log, numbers: tuple[int, int], extension: str
    ) -> Response:
        if extension:
            form = negotiation.named(extension, CHANGES)
        else:
            form = negotiation.form(request, CHANGES)
        query = f"?{request.url.query}" if request.url.query else ""
        ending = (f".{extension}" if extension else "") + query
        page = Page(*numbers, log.page(numbers[1]), ending, links.root(request))
        if form == HTML:
            return self._html(request, page)
        content = self._feed(request, page) if form == ATOM else self._stream(log, page, form)
        headers = VARY | (caching.LASTING if page.is_full else _BRIEFLY)
        known = caching.Validators(_tag(content))
        return caching.answer(
            request, known, headers, lambda: Response(content, media_type=form.content_type)
        )

    def _stream(self, log: Log, page: Page, form: Form) -> bytes:
        stream = Stream(self.service.catalogue.base, page.address(0))
        if not page.number:
            return stream.opening(page.address(1), log.page(1), form)
        node = Node(page.address(page.number), page.address(page.number + 1), page.events)
        return stream.page(node, form)

    def _feed(self, request: Request, page: Page) -> bytes:
        catalogue, view = self.service.catalogue, self.service.view(request)
        names = [view.name(iri) for iri in catalogue.dataset.creators]
        return feeds.written(
            Feed(
                iri=f"{catalogue.base}changes",
                title=f"{view.name(catalogue.base)}: {view.say('changes')}",
                language=view.language,
                moment=page.events[-1].moment if page.events else "1970-01-01T00:00:00Z",
                authors=names or [view.name(catalogue.base)],
                archived=page.is_full,
                links=list(self._links(page)),
                entries=self._entries(request, page),
            )
        )

    def _links(self, page: Page) -> Iterator[Link]:
        """Give the links of a feed: as archives (RFC 5005, section 4) and as pages (section 3).

        No link of a full page is to change, so none says whether the page after it is full too.
        """
        yield Link(page.address(page.number), "self", ATOM.plain)
        number = f"/{page.number}" if page.number else ""
        yield Link(f"{page.root}{PATH}{number}.html", "alternate", HTML.plain)
        if licence := self.service.catalogue.dataset.licence:
            yield Link(licence, "license")
        yield Link(page.address(0), "first")
        yield Link(page.address(1), "last")
        if page.shown > 1:
            yield Link(page.address(page.shown - 1), "prev-archive")
            yield Link(page.address(page.shown - 1), "next")
        if page.number:
            yield Link(page.address(0), "current")
        if page.is_full:
            yield Link(page.address(page.number + 1), "previous")

    def _entries(self, request: Request, page: Page) -> list[Entry]:
        """Give the events in the reader's words, the newest first."""
        stream = Stream(self.service.catalogue.base, page.address(0))
        news = News(self.service.view(request), page.root)
        return [
            news.entry(event, stream.member(event), f"{page.root}{PATH}/{event.page}.html")
            for event in reversed(page.events)
        ]

    def _html(self, request: Request, page: Page) -> Response:
        news = News(self.service.view(request), page.root)
        forms = [form.extension for form in CHANGES if form != HTML]
        number = f"/{page.number}" if page.number else ""
        found = self.service.html(
            request,
            "changes.html",
            events=list(zip(reversed(page.events), self._entries(request, page), strict=True)),
            news=news,
            present=news.present(page.events),
            older=f"{PATH}/{page.shown - 1}.html" if page.shown > 1 else "",
            newer=f"{PATH}/{page.number + 1}.html" if page.is_full else "",
            forms=[(name, f"{links.prefix(request)}{PATH}{number}.{name}") for name in forms],
        )
        known = caching.Validators(_tag(bytes(found.body)))
        return caching.answer(request, known, found.headers, lambda: found)


def _tag(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'
