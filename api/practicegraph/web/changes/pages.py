"""The log of changes over HTTP: as a feed, as an event stream, and as pages.

A full page of the log never changes: its forms for programs are kept for good. They are made of the
log alone, but for the words of a feed around what was logged. What can change is told by its tag, a
hash of the content (RFC 9110, section 8.8.3).

The log of changes in a reader's words: titles as they were then, what happened, and why.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from fastapi import Request, Response
from pyoxigraph import Literal, NamedNode, Triple

from ...catalogue.change_log import (
    CREATED,
    DELETED,
    MOVED,
    PAGE,
    TOMBSTONE,
    UPDATED,
    WITHDRAWN,
    ChangeLog,
    Event,
)
from ...rdf.namespaces import AS, DCT, RDF, SKOS
from ...rdf.terms import as_text
from ...schema.lifecycle import REPLACED
from ..context import VARY, Site, View
from ..http import conditional, negotiation, responses
from ..http.errors import NoLogError, UnknownAddressError
from ..http.negotiation import ATOM, CHANGE_FORMS, HTML, JSON_LD, TURTLE, Form
from ..http.responses import Link
from ..urls import CHANGES
from . import feeds
from .feeds import Entry, Feed, Node, Stream

_SAID = {
    CREATED: "wasAdded",
    UPDATED: "wasChanged",
    MOVED: "wasMoved",
    WITHDRAWN: "wasWithdrawn",
    DELETED: "wasRemoved",
}
_CLASSES = (RDF + "type", AS + "formerType")
_TITLE = DCT + "title"
_REASON = SKOS + "changeNote"
_LINKED = (TURTLE, JSON_LD)
_PRESENT = """
SELECT DISTINCT ?thing
WHERE {{
    VALUES ?thing {{ {things} }}
    ?thing a ?class .
}}
"""


@dataclass(frozen=True)
class News:
    """Tells events to the reader of a view; the root is the address of the service."""

    view: View
    root: str

    def entry(self, event: Event, iri: str, page: str) -> Entry:
        """Give an event as an entry of a feed, by its IRI and the address of its page."""
        about = _About(event)
        title, language = self._title(about)
        return Entry(
            iri=iri,
            title=title or event.topic.rpartition("/")[2],
            language=language,
            moment=event.moment,
            summary=self._summary(event, about),
            category=event.kind,
            links=[*self._links(event, page), *about.successors],
        )

    def present(self, events: Sequence[Event]) -> set[str]:
        """Give the topics of ours that there are still."""
        topics = " ".join(sorted({str(NamedNode(event.topic)) for event in events}))
        rows = self.view.catalogue.store.select(_PRESENT.format(things=topics)) if topics else ()
        found = (as_text(row["thing"]) for row in rows)
        return {topic for topic in found if topic.startswith(self.view.catalogue.base)}

    def _title(self, about: "_About") -> tuple[str, str]:
        """Give what the topic was called, and the language of that; or two empty texts."""
        for predicate in (*self.view.catalogue.reader.labels, _TITLE):
            texts = about.texts(predicate)
            if title := self.view.best(texts):
                return title, next(tag for tag, text in texts.items() if text == title)
        return "", ""

    def _summary(self, event: Event, about: "_About") -> str:
        kind = self.view.catalogue.shapes.kind_of(about.classes)
        label = self.view.best(kind.labels) if kind else ""
        parts = [": ".join(filter(None, [self.view.say(_SAID[event.kind]), label]))]
        if event.kind in (MOVED, WITHDRAWN):
            # By its IRI: what it is called may change, and what was told may not.
            parts += [f"{self.view.say('goTo')}: {iri}" for iri in about.iris(REPLACED)]
            parts.append(self.view.best(about.texts(_REASON)))
        return ". ".join(part.rstrip(".") for part in parts if part) + "."

    def _links(self, event: Event, page: str) -> Iterator[Link]:
        base = self.view.catalogue.base
        if event.kind == DELETED:
            yield Link(f"{page}#{event.number}", "alternate", HTML.plain)
        elif not event.topic.startswith(base):
            yield Link(event.topic, "alternate")
        else:
            path = "/" + quote(self.view.addresses.path_of(event.topic))
            yield Link(self.root + self.page(event.topic), "alternate", HTML.plain)
            for form in _LINKED:
                yield Link(f"{self.root}{path}.{form.extension}", "alternate", form.plain)

    def page(self, topic: str) -> str:
        """Give the path of the page of a topic of ours; a question has one that asks it."""
        path = "/" + quote(self.view.addresses.path_of(topic))
        asked = any(
            question.iri == topic for question in self.view.catalogue.stored_queries.values()
        )
        return path if asked else f"{path}.{HTML.extension}"


class _About:
    """What the graph of an event says of its topic."""

    def __init__(self, event: Event) -> None:
        topic = NamedNode(event.topic)
        self._said: list[Triple] = [t for t in event.triples if t.subject == topic]

    @property
    def classes(self) -> list[str]:
        """Give what the topic is, or was before it got a tombstone."""
        found = [iri for predicate in _CLASSES for iri in self.iris(predicate)]
        return [iri for iri in found if iri != TOMBSTONE]

    @property
    def successors(self) -> list[Link]:
        """Give the way to what has taken its place (RFC 5829)."""
        return [Link(iri, "successor-version") for iri in self.iris(REPLACED)]

    def iris(self, predicate: str) -> list[str]:
        values = (t.object for t in self._said if t.predicate.value == predicate)
        return [value.value for value in values if isinstance(value, NamedNode)]

    def texts(self, predicate: str) -> dict[str, str]:
        values = (t.object for t in self._said if t.predicate.value == predicate)
        return {v.language or "": v.value for v in values if isinstance(v, Literal)}


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
        return f"{self.root}{CHANGES}{place}{self.ending}"


@dataclass(frozen=True)
class Changes:
    """Answers the addresses of the log."""

    site: Site

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

    def _log(self) -> ChangeLog:
        log = self.site.services.log
        if log is None or not log.release:
            raise NoLogError
        return log

    def _answer(
        self, request: Request, log: ChangeLog, numbers: tuple[int, int], extension: str
    ) -> Response:
        if extension:
            form = negotiation.named(extension, CHANGE_FORMS)
        else:
            form = negotiation.form(request, CHANGE_FORMS)
        query = f"?{request.url.query}" if request.url.query else ""
        ending = (f".{extension}" if extension else "") + query
        page = Page(*numbers, log.page(numbers[1]), ending, responses.root(request))
        if form == HTML:
            return self._html(request, page)
        content = self._feed(request, page) if form == ATOM else self._stream(log, page, form)
        headers = VARY | (conditional.LASTING if page.is_full else _BRIEFLY)
        known = conditional.Validators(_tag(content))
        return conditional.answer(
            request, known, headers, lambda: Response(content, media_type=form.content_type)
        )

    def _stream(self, log: ChangeLog, page: Page, form: Form) -> bytes:
        stream = Stream(self.site.catalogue.base, page.address(0))
        if not page.number:
            return stream.opening(page.address(1), log.page(1), form)
        node = Node(page.address(page.number), page.address(page.number + 1), page.events)
        return stream.page(node, form)

    def _feed(self, request: Request, page: Page) -> bytes:
        catalogue, view = self.site.catalogue, self.site.view(request)
        names = [view.name(iri) for iri in self.site.services.dataset.creators]
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
        yield Link(f"{page.root}{CHANGES}{number}.html", "alternate", HTML.plain)
        if licence := self.site.services.dataset.licence:
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
        stream = Stream(self.site.catalogue.base, page.address(0))
        news = News(self.site.view(request), page.root)
        return [
            news.entry(event, stream.member(event), f"{page.root}{CHANGES}/{event.page}.html")
            for event in reversed(page.events)
        ]

    def _html(self, request: Request, page: Page) -> Response:
        news = News(self.site.view(request), page.root)
        forms = [form.extension for form in CHANGE_FORMS if form != HTML]
        number = f"/{page.number}" if page.number else ""
        found = self.site.html(
            request,
            "changes.html",
            events=list(zip(reversed(page.events), self._entries(request, page), strict=True)),
            news=news,
            present=news.present(page.events),
            older=f"{CHANGES}/{page.shown - 1}.html" if page.shown > 1 else "",
            newer=f"{CHANGES}/{page.number + 1}.html" if page.is_full else "",
            forms=[
                (name, f"{responses.prefix(request)}{CHANGES}{number}.{name}") for name in forms
            ],
        )
        known = conditional.Validators(_tag(bytes(found.body)))
        return conditional.answer(request, known, found.headers, lambda: found)


def _tag(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'
