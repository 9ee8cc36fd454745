"""The log of changes in a reader's words: titles as they were then, what happened, and why."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from pyoxigraph import Literal, NamedNode, Triple

from ..changes import CREATED, DELETED, MOVED, TOMBSTONE, UPDATED, WITHDRAWN, Event
from ..permanence import REPLACED
from ..shapes import SKOS
from ..store import RDF, plain
from .feeds import Entry
from .links import Link
from .negotiation import HTML, JSON_LD, TURTLE
from .views import View

_SAID = {
    CREATED: "wasAdded",
    UPDATED: "wasChanged",
    MOVED: "wasMoved",
    WITHDRAWN: "wasWithdrawn",
    DELETED: "wasRemoved",
}
_CLASSES = (RDF + "type", "https://www.w3.org/ns/activitystreams#formerType")
_TITLE = "http://purl.org/dc/terms/title"
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
        found = (plain(row["thing"]) for row in rows)
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
        asked = any(question.iri == topic for question in self.view.catalogue.questions.values())
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
