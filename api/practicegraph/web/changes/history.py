"""The history of an entry: its states in the change log, and what differs between two of them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from fastapi import APIRouter, Request, Response
from pyoxigraph import Literal, NamedNode, Quad, Triple

from ...catalogue.catalogue import Catalogue
from ...catalogue.change_log import ChangeLog, Event
from ...catalogue.documents import Document
from ...editing.entry import without_history
from ...errors import RequestError
from ...rdf.terms import PG, PROV, SKOS, TYPE, canonicalize
from ...reporting.differences import Comparison, Difference, State
from ...schema.text import Labels, parse_whole_number
from ...schema.value_parser import InvalidParameterError
from .. import openapi
from ..context import Site, View
from ..http import negotiation
from ..http.negotiation import HTML
from ..openapi import Operation
from ..search.links import REPRESENTATION_PARAMETERS
from . import endpoint
from .endpoint import PHRASES

HISTORY = "history"
"""The last segment of the path of the history of an entry."""
_FROM, _TO = "from", "to"
_MAX_EVENTS = 200
_REVISION, _BY = NamedNode(PG + "Revision"), NamedNode(PROV + "wasAssociatedWith")
_NOTE = NamedNode(SKOS + "changeNote")


@dataclass(frozen=True)
class Change:
    """An event as the history shows it: what happened, by whom and why, where that is known."""

    number: int
    before: int
    moment: str
    what: str
    by: str
    why: str


@dataclass(frozen=True)
class HistoryEndpoint:
    """Answers requests for the histories of entries of a kind."""

    site: Site

    def respond(self, request: Request, identifier: str) -> Response:
        """Return the history of an entry, with the comparison of two states if they are chosen.

        Raise RequestError for an entry that the log does not have, and InvalidParameterError.
        """
        negotiation.negotiate(request, (HTML,))
        parameters = (_FROM, _TO, *REPRESENTATION_PARAMETERS)
        negotiation.check_parameters(request, parameters)
        iri = self.site.catalogue.entry_iri(identifier)
        events = self._events(iri)
        view = self.site.view(request)
        chosen = [_choose(request, name, events) for name in (_FROM, _TO)]
        old, new = chosen
        return self.site.html(
            request,
            "history.html",
            iri=iri,
            title=view.name(iri) or identifier,
            changes=list(_changes(view, events)),
            old=old,
            new=new,
            differences=self._compare(view, old, new) if new else None,
        )

    def _events(self, iri: str) -> list[Event]:
        """Return the events of an entry, the newest first; raise RequestError for none."""
        log: ChangeLog | None = self.site.services.log
        if log is None or not log.release:
            raise RequestError("noChangeLog")
        events = log.events_of(iri, _MAX_EVENTS)
        if not events:
            raise RequestError("notFound")
        return events

    def _compare(self, view: View, old: Event | None, new: Event) -> list[Difference]:
        """Return what differs between two states of an entry, the first of which may be none.

        Its history is left out, which the list of changes says.
        """
        return Comparison(self._state(old), self._state(new), view.languages).differences()

    def _state(self, event: Event | None) -> State:
        if event is None:
            return State([], self.site.catalogue)
        return entry_state(self.site.catalogue, NamedNode(event.topic), event.triples)


def entry_state(catalogue: Catalogue, entry: NamedNode, triples: Iterable[Triple]) -> State:
    """Return the state of an entry that has some triples, without its history, to be compared."""
    described = without_history(entry, catalogue.records.subject(entry), triples)
    quads = canonicalize([Quad(*triple) for triple in described])
    return State([Document(Path(), tuple(quads), (entry.value,), {})], catalogue)


def _choose(request: Request, name: str, events: Sequence[Event]) -> Event | None:
    """Return the event that a parameter chooses; 0, and an absent one, is none."""
    text = request.query_params.get(name)
    if text is None or text == "0":
        return None
    number = parse_whole_number(text)
    for event in events:
        if event.number == number:
            return event
    raise InvalidParameterError(name, text, [str(event.number) for event in events])


def _changes(view: View, events: Sequence[Event]) -> Iterator[Change]:
    """Yield the changes of events that are sorted from the newest."""
    for event, before in pairwise([*events, None]):
        assert event
        by, notes = _reason(event.triples, before.triples if before else [])
        number = before.number if before else 0
        what = view.phrase(PHRASES[event.kind])
        yield Change(event.number, number, event.moment, what, by, view.text(notes))


def _reason(triples: Sequence[Triple], older: Sequence[Triple]) -> tuple[str, Labels]:
    """Return who made the change between two states, and why, as the newest revision says."""
    known = {t.subject for t in older if (t.predicate, t.object) == (TYPE, _REVISION)}
    new = [t.subject for t in triples if (t.predicate, t.object) == (TYPE, _REVISION)]
    revision = next((node for node in new if node not in known), None)
    agents = [t.object for t in triples if (t.subject, t.predicate) == (revision, _BY)]
    names = [
        t.object.value for t in triples if t.subject in agents and isinstance(t.object, Literal)
    ]
    notes = (t.object for t in triples if (t.subject, t.predicate) == (revision, _NOTE))
    return next(iter(names), ""), {
        note.language or "": note.value for note in notes if isinstance(note, Literal)
    }


def routes(site: Site) -> APIRouter:
    """Return the routes of the change log, and of the history of each kind of entries."""
    router = endpoint.routes(site)
    for each in site.of_kinds:
        catalogue = each.catalogue
        path = f"/{catalogue.shapes.entry_shape.segment}/{{identifier}}/{HISTORY}"
        operation = Operation(
            openapi.operation_id(catalogue, "history"),
            "entries",
            catalogue.phrase("history"),
            media_types=(HTML,),
            statuses=(200,),
            errors=(400, 404, 406),
            parameters=[
                *(openapi.parameter(n, "", {"type": "integer"}) for n in (_FROM, _TO)),
                openapi.language_parameter(catalogue),
                openapi.format_parameter(catalogue, (HTML,)),
            ],
        )
        router.get(path, **operation.arguments())(HistoryEndpoint(each).respond)
    return router
