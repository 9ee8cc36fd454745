"""What each file is about: things that it describes, and that no other file is about."""

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from pathlib import Path

from pyoxigraph import NamedNode

from .findings import Finding, Reporter
from .folder import Document
from .kinds import Shapes
from .store import RDF


@dataclass(frozen=True)
class Topics:
    """Checks topics, of which `owned` are all there are; `entries` is how entries' IRIs begin."""

    shapes: Shapes
    owned: Set[str]
    entries: str
    reporter: Reporter

    def findings(self, documents: Iterable[Document]) -> Iterator[Finding]:
        """Give what is wrong with the topics of documents."""
        classes = {name for kind in self.shapes.kinds if kind.topic for name in kind.classes}
        first: dict[str, Path] = {}
        for document in documents:
            for topic in document.topics:
                if topic in first:
                    reason = self.reporter.say("SameTopic", other=first[topic])
                    yield self.reporter.violation(document.path, "SameTopic", topic, reason=reason)
                first.setdefault(topic, document.path)
            described = _of_classes(document, classes)
            strange = described | self._of_others(document)
            for other in sorted(strange - set(document.topics)):
                reason = self.reporter.say("OneTopic", topic=document.topics[0])
                yield self.reporter.violation(document.path, "OneTopic", other, reason=reason)
            for topic in sorted(set(document.topics) - described):
                reason = self.reporter.say("NoTopic")
                yield self.reporter.violation(document.path, "NoTopic", topic, reason=reason)

    def _of_others(self, document: Document) -> set[str]:
        """Give the subjects that belong to another file: its topic, or an entry's address."""
        subjects = {q.subject.value for q in document.quads if isinstance(q.subject, NamedNode)}
        whole = {subject: subject.partition("#")[0] for subject in subjects}
        return {
            subject
            for subject, thing in whole.items()
            if thing not in document.topics
            and (thing.startswith(self.entries) or (thing == subject and thing in self.owned))
        }


def _of_classes(document: Document, classes: Iterable[str]) -> set[str]:
    wanted = {NamedNode(name) for name in classes}
    return {
        quad.subject.value
        for quad in document.quads
        if quad.predicate.value == RDF + "type"
        and quad.object in wanted
        and isinstance(quad.subject, NamedNode)
    }
