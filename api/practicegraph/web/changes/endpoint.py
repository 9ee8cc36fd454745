"""The change log over HTTP: Atom feed with archives (RFC 4287, RFC 5005), event stream, pages.

A full page of the log never changes: its representations for programs are immutable. They are made
of the log alone, but for the phrases of a feed. The entity tag of what can change is a hash of its
content (RFC 9110, section 8.8.3).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from pyoxigraph import Literal, NamedNode, RdfFormat, parse

from ...catalogue.change_log import (
    CLASSES,
    CREATED,
    DELETED,
    MOVED,
    PAGE,
    TOMBSTONE,
    UPDATED,
    WITHDRAWN,
    ChangeLog,
    Event,
    page_of,
)
from ...errors import RequestError
from ...rdf.terms import DCT, SKOS, Term, as_text
from ...schema.fields import NodeShape
from ...schema.lifecycle import IS_REPLACED_BY
from ...schema.text import replace_non_xml
from ...schema.value_parser import InvalidParameterError
from .. import openapi
from ..context import VARY, Site, View
from ..http import conditional, negotiation, responses
from ..http.negotiation import ATOM, CHANGE_TYPES, HTML, JSON_LD, TURTLE, MediaType
from ..http.responses import Link
from ..openapi import Operation
from ..search.links import REPRESENTATION_PARAMETERS
from ..urls import CHANGES
from .event_stream import EventStream

_NUMBER = re.compile(r"[1-9][0-9]{0,8}")
_KIND = "kind"
_PARAMETERS = (_KIND, *REPRESENTATION_PARAMETERS)
_BRIEF = {"Cache-Control": "public, max-age=60"}
_EPOCH = "1970-01-01T00:00:00Z"
PHRASES = {
    CREATED: "added",
    UPDATED: "changed",
    MOVED: "moved",
    WITHDRAWN: "withdrawn",
    DELETED: "removed",
}
"""The phrases of the kinds of events."""
_EXISTING = """
SELECT DISTINCT ?topic
WHERE {{
    VALUES ?topic {{ {topics} }}
    ?topic a ?class .
}}
"""


@dataclass(frozen=True)
class LogPage:
    """A page of the log as requested; number 0 opens the log and shows its newest events.

    A full one never changes again. Its events are those of one kind of records if a kind is chosen.
    """

    number: int
    shown: int
    events: list[Event]
    is_full: bool
    suffix: str
    root: str
    kind: NodeShape | None = None

    @property
    def path(self) -> str:
        """Return the path of the page without an extension."""
        return f"{CHANGES}/{self.number}" if self.number else CHANGES

    def url(self, number: int) -> str:
        """Return the URL of a page in the same representation."""
        place = f"/{number}" if number else ""
        return f"{self.root}{CHANGES}{place}{self.suffix}"


@dataclass(frozen=True)
class EventText:
    """An event as a page or a feed shows it, with the links of its entry in the feed."""

    event: Event
    iri: str
    title: str
    language: str
    summary: str
    links: Sequence[Link]


@dataclass(frozen=True)
class ChangesEndpoint:
    """Answers requests for the change log."""

    site: Site

    def respond(self, request: Request) -> Response:
        """Return the newest changes, or the root node of the stream.

        Raise RequestError or NotAcceptableError.
        """
        log = self._log()
        negotiation.check_parameters(request, _PARAMETERS)
        return self._response(request, log, (0, page_of(max(1, log.count))))

    def respond_page(self, request: Request, number: str) -> Response:
        """Return a page by its number; raise RequestError or NotAcceptableError."""
        log = self._log()
        if not _NUMBER.fullmatch(number) or int(number) > log.open_page:
            raise RequestError("notFound")
        negotiation.check_parameters(request, _PARAMETERS)
        return self._response(request, log, (int(number), int(number)))

    def _log(self) -> ChangeLog:
        log = self.site.services.log
        if log is None or not log.release:
            raise RequestError("noChangeLog")
        return log

    def _response(self, request: Request, log: ChangeLog, numbers: tuple[int, int]) -> Response:
        media_type = negotiation.negotiate(request, CHANGE_TYPES)
        extension = request.path_params.get("extension")
        query = f"?{request.url.query}" if request.url.query else ""
        suffix = (f".{extension}" if extension else "") + query
        page = self._page(log, numbers, suffix, request)
        headers: Mapping[str, str] = VARY | (conditional.LASTING if page.is_full else _BRIEF)
        if media_type == HTML:
            response = self._html(request, page)
            headers = response.headers
        else:
            content = (
                self._feed(request, page)
                if media_type == ATOM
                else self._stream(log, page, media_type)
            )
            response = Response(content, media_type=media_type.content_type)
        validators = conditional.Validators(conditional.entity_tag(response.body))
        return conditional.answer(request, validators, headers, lambda: response)

    def _page(
        self, log: ChangeLog, numbers: tuple[int, int], suffix: str, request: Request
    ) -> LogPage:
        """Return a page, with the events of the kind that a request chooses."""
        number, shown = numbers
        events, kind = log.page(shown), self._kind(request)
        is_full = bool(number) and len(events) == PAGE
        if kind:
            prefix = f"{self.site.catalogue.base}{kind.segment}/"
            below = [event for event in events if event.topic.startswith(prefix)]
            events = below if number else log.newest_below(prefix, PAGE)
        return LogPage(number, shown, events, is_full, suffix, responses.root(request), kind)

    def _kind(self, request: Request) -> NodeShape | None:
        """Return the kind of records that a request chooses; raise InvalidParameterError."""
        name, kinds = request.query_params.get(_KIND), self.site.catalogue.shapes.kinds
        if name is not None and name not in kinds:
            raise InvalidParameterError(_KIND, name, list(kinds))
        return kinds[name] if name else None

    def _stream(self, log: ChangeLog, page: LogPage, media_type: MediaType) -> bytes:
        stream = EventStream(self.site.catalogue.base, page.url(0))
        if not page.number:
            return stream.root_node(page.url(1), log.page(1), media_type)
        next_url = page.url(page.number + 1) if page.is_full else ""
        return stream.page_node(page.url(page.number), next_url, page.events, media_type)

    def _feed(self, request: Request, page: LogPage) -> bytes:
        catalogue, view = self.site.catalogue, self.site.view(request)
        creators = [view.name(iri) for iri in self.site.services.dataset.creators]
        kind = [view.text(page.kind.labels)] if page.kind else []
        text = view.page(
            "atom.xml",
            iri=f"{catalogue.base}changes" + (f"?{_KIND}={page.kind.segment}" if page.kind else ""),
            title=": ".join([view.name(catalogue.base), view.phrase("changes"), *kind]),
            updated=page.events[-1].moment if page.events else _EPOCH,
            authors=creators or [view.name(catalogue.base)],
            is_archive=page.is_full,
            links=list(self._links(page)),
            entries=_texts(view, page),
        )
        return replace_non_xml(text).encode()

    def _links(self, page: LogPage) -> Iterator[Link]:
        """Yield the links of a feed: as archives (RFC 5005, section 4) and as pages (section 3).

        No link of a full page may change, so none depends on whether the next page is full.
        """
        yield Link(page.url(page.number), "self", ATOM.name)
        yield Link(f"{page.root}{page.path}.html", "alternate", HTML.name)
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

    def _html(self, request: Request, page: LogPage) -> Response:
        view = self.site.view(request)
        return self.site.html(
            request,
            "changes.html",
            texts=_texts(view, page),
            page_path=lambda topic: _page_path(view, topic),
            existing_topics=_existing_topics(view, page.events),
            older=f"{CHANGES}/{page.shown - 1}.html" if page.shown > 1 else "",
            newer=f"{CHANGES}/{page.number + 1}.html" if page.is_full else "",
            kind=page.kind,
            formats=view.formats(
                CHANGE_TYPES,
                page.path,
                [(_KIND, page.kind.segment)] if page.kind and page.kind.segment else [],
            ),
        )


def _texts(view: View, page: LogPage) -> list[EventText]:
    """Return the texts of the events of a page, the newest first."""
    stream = EventStream(view.catalogue.base, page.url(0))
    return [_text(view, page, event, stream.member(event)) for event in reversed(page.events)]


def _text(view: View, page: LogPage, event: Event, iri: str) -> EventText:
    """Return the text of an event: the title that its topic had, what happened, and why."""
    topic = _Topic(event)
    title, language = _title(view, topic)
    return EventText(
        event=event,
        iri=iri,
        title=title or event.topic.rpartition("/")[2],
        language=language,
        summary=_summary(view, event, topic),
        links=[*_event_links(view, page, event), *topic.successors],
    )


def _title(view: View, topic: "_Topic") -> tuple[str, str]:
    """Return the topic's title and its language, or two empty texts."""
    for predicate in (*view.catalogue.reader.labels, DCT + "title"):
        texts = topic.texts(predicate)
        if title := view.text(texts):
            return title, next(tag for tag, text in texts.items() if text == title)
    return "", ""


def _summary(view: View, event: Event, topic: "_Topic") -> str:
    kind = view.catalogue.shapes.find_node_shape(topic.classes)
    label = view.text(kind.labels) if kind else ""
    parts = [f"{view.colon} ".join(filter(None, [view.phrase(PHRASES[event.kind]), label]))]
    if event.kind in (MOVED, WITHDRAWN):
        # By its IRI, since its title may change, and the text of an event may not.
        parts += [
            f"{view.phrase('replacedBy')}{view.colon} {iri}" for iri in topic.iris(IS_REPLACED_BY)
        ]
        parts.append(view.text(topic.texts(SKOS + "changeNote")))
    return ". ".join(part.rstrip(".") for part in parts if part) + "."


def _event_links(view: View, page: LogPage, event: Event) -> Iterator[Link]:
    if event.kind == DELETED:
        place = f"{page.root}{CHANGES}/{event.page}.html#{event.number}"
        yield Link(place, "alternate", HTML.name)
    elif not event.topic.startswith(view.catalogue.base):
        yield Link(event.topic, "alternate")
    else:
        path = "/" + quote(view.addresses.path_of(event.topic))
        yield Link(page.root + _page_path(view, event.topic), "alternate", HTML.name)
        for media_type in (TURTLE, JSON_LD):
            yield Link(f"{page.root}{path}.{media_type.extension}", "alternate", media_type.name)


def _page_path(view: View, topic: str) -> str:
    """Return the path of the page of a topic of ours; a stored query has one that runs it."""
    path = "/" + quote(view.addresses.path_of(topic))
    is_query = any(query.iri == topic for query in view.catalogue.stored_queries.values())
    return path if is_query else f"{path}.{HTML.extension}"


def _existing_topics(view: View, events: Sequence[Event]) -> set[str]:
    """Return the topics below our base that the store still describes."""
    topics = " ".join(sorted({str(NamedNode(event.topic)) for event in events}))
    rows = view.catalogue.store.select(_EXISTING.format(topics=topics)) if topics else ()
    iris = (as_text(row["topic"]) for row in rows)
    return {iri for iri in iris if iri.startswith(view.catalogue.base)}


class _Topic:
    """The statements of an event about its topic."""

    def __init__(self, event: Event) -> None:
        topic = NamedNode(event.topic)
        self._values: dict[str, list[Term]] = {}
        lines = [line for line in event.graph.split("\n") if line.startswith(f"{topic} ")]
        for quad in parse("\n".join(lines), RdfFormat.N_TRIPLES):  # the graph may be a large one
            self._values.setdefault(quad.predicate.value, []).append(quad.object)

    @property
    def classes(self) -> list[str]:
        """Return the classes of the topic, or those that it had before its tombstone."""
        iris = [iri for predicate in CLASSES for iri in self.iris(predicate)]
        return [iri for iri in iris if iri != TOMBSTONE]

    @property
    def successors(self) -> list[Link]:
        """Return the links to its successors (RFC 5829)."""
        return [Link(iri, "successor-version") for iri in self.iris(IS_REPLACED_BY)]

    def iris(self, predicate: str) -> list[str]:
        """Return the IRIs that are values of a property."""
        values = self._values.get(predicate, ())
        return [value.value for value in values if isinstance(value, NamedNode)]

    def texts(self, predicate: str) -> dict[str, str]:
        """Return the literals that are values of a property, by language."""
        values = self._values.get(predicate, ())
        return {v.language or "": v.value for v in values if isinstance(v, Literal)}


def routes(site: Site) -> APIRouter:
    """Return the routes of the change log and its pages."""
    router, endpoint, catalogue = APIRouter(), ChangesEndpoint(site), site.catalogue
    operation = Operation(
        "changes",
        "dataset",
        catalogue.phrase("changes"),
        media_types=CHANGE_TYPES,
        errors=(404, 406),
        parameters=[
            openapi.parameter(
                _KIND,
                catalogue.phrase("kindOfRecords"),
                openapi.TEXT | {"enum": [*catalogue.shapes.kinds]},
            ),
            openapi.language_parameter(catalogue),
            openapi.format_parameter(catalogue, CHANGE_TYPES),
        ],
    )
    router.get(CHANGES, **operation.arguments())(endpoint.respond)
    router.get(CHANGES + ".{extension}", include_in_schema=False)(endpoint.respond)
    for path in ("/{number}.{extension}", "/{number}"):
        router.get(CHANGES + path, include_in_schema=False)(endpoint.respond_page)
    return router
