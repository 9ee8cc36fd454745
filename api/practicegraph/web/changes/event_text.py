"""Change events in the reader's words: titles as they were then, what happened, and why."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from pyoxigraph import Literal, NamedNode, Triple

from ...catalogue.change_log import (
    CLASSES,
    CREATED,
    DELETED,
    MOVED,
    TOMBSTONE,
    UPDATED,
    WITHDRAWN,
    Event,
)
from ...rdf.namespaces import DCT, SKOS
from ...rdf.terms import as_text
from ...schema.vocabularies import IS_REPLACED_BY
from ..context import View
from ..http.negotiation import HTML, JSON_LD, TURTLE
from ..http.responses import Link

_PHRASES = {
    CREATED: "added",
    UPDATED: "changed",
    MOVED: "moved",
    WITHDRAWN: "withdrawn",
    DELETED: "removed",
}
_TITLE = DCT + "title"
_REASON = SKOS + "changeNote"
_EXISTING = """
SELECT DISTINCT ?topic
WHERE {{
    VALUES ?topic {{ {topics} }}
    ?topic a ?class .
}}
"""


@dataclass(frozen=True)
class EventText:
    """An event of the log as a feed shows it: its IRI, its moment in UTC (RFC 3339), its links."""

    iri: str
    title: str
    language: str
    moment: str
    summary: str
    category: str
    links: Sequence[Link]


@dataclass(frozen=True)
class EventWriter:
    """Writes events as texts for the reader of a view; `root` is the URL of the service."""

    view: View
    root: str

    def write(self, event: Event, iri: str, page: str) -> EventText:
        """Return the text of an event, by its IRI and the URL of its page of the log."""
        topic = _Topic(event)
        title, language = self._title(topic)
        return EventText(
            iri=iri,
            title=title or event.topic.rpartition("/")[2],
            language=language,
            moment=event.moment,
            summary=self._summary(event, topic),
            category=event.kind,
            links=[*self._links(event, page), *topic.successors],
        )

    def existing_topics(self, events: Sequence[Event]) -> set[str]:
        """Return the topics below our base that the store still describes."""
        topics = " ".join(sorted({str(NamedNode(event.topic)) for event in events}))
        catalogue = self.view.catalogue
        rows = catalogue.store.select(_EXISTING.format(topics=topics)) if topics else ()
        iris = (as_text(row["topic"]) for row in rows)
        return {iri for iri in iris if iri.startswith(catalogue.base)}

    def page_path(self, topic: str) -> str:
        """Return the path of the page of a topic of ours; a stored query has one that runs it."""
        path = "/" + quote(self.view.addresses.path_of(topic))
        queries = self.view.catalogue.stored_queries.values()
        is_query = any(query.iri == topic for query in queries)
        return path if is_query else f"{path}.{HTML.extension}"

    def _title(self, topic: "_Topic") -> tuple[str, str]:
        """Return the topic's title and its language, or two empty texts."""
        for predicate in (*self.view.catalogue.reader.labels, _TITLE):
            texts = topic.texts(predicate)
            if title := self.view.best(texts):
                return title, next(tag for tag, text in texts.items() if text == title)
        return "", ""

    def _summary(self, event: Event, topic: "_Topic") -> str:
        kind = self.view.catalogue.shapes.find_node_shape(topic.classes)
        label = self.view.best(kind.labels) if kind else ""
        parts = [": ".join(filter(None, [self.view.say(_PHRASES[event.kind]), label]))]
        if event.kind in (MOVED, WITHDRAWN):
            # By its IRI, since its title may change, and the text of an event may not.
            parts += [f"{self.view.say('replacedBy')}: {iri}" for iri in topic.iris(IS_REPLACED_BY)]
            parts.append(self.view.best(topic.texts(_REASON)))
        return ". ".join(part.rstrip(".") for part in parts if part) + "."

    def _links(self, event: Event, page: str) -> Iterator[Link]:
        if event.kind == DELETED:
            yield Link(f"{page}#{event.number}", "alternate", HTML.name)
        elif not event.topic.startswith(self.view.catalogue.base):
            yield Link(event.topic, "alternate")
        else:
            path = "/" + quote(self.view.addresses.path_of(event.topic))
            yield Link(self.root + self.page_path(event.topic), "alternate", HTML.name)
            for media_type in (TURTLE, JSON_LD):
                yield Link(
                    f"{self.root}{path}.{media_type.extension}", "alternate", media_type.name
                )


class _Topic:
    """The statements of an event about its topic."""

    def __init__(self, event: Event) -> None:
        topic = NamedNode(event.topic)
        self._triples: list[Triple] = [t for t in event.triples if t.subject == topic]

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
        return [v.value for v in self._values(predicate) if isinstance(v, NamedNode)]

    def texts(self, predicate: str) -> dict[str, str]:
        """Return the literals that are values of a property, by language."""
        values = self._values(predicate)
        return {v.language or "": v.value for v in values if isinstance(v, Literal)}

    def _values(self, predicate: str) -> list[object]:
        return [t.object for t in self._triples if t.predicate.value == predicate]
