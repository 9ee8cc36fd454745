"""Facts of entries out of files as they pass by, which takes a fraction of asking a large store."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pyoxigraph import NamedNode, Quad

from . import folder
from .facts import FactFinder, Facts
from .store import Term


@dataclass
class Passing:
    """Reads the entries of files of which all that is said stands in one piece of their own graph.

    `others` are, once all are read, the things of which something is said elsewhere: they are to be
    asked of the store, those among them that were given here too.
    """

    finder: FactFinder
    files: Sequence[Path]
    others: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        assert not self.finder.paths
        self._wanted = frozenset(self.finder.properties)
        self._begun: set[str] = set()

    def read(self) -> Iterator[Facts]:
        """Give the facts of entries in the order of the files; raises UnreadableError."""
        for file in self.files:
            for topic, quads in folder.runs(file):
                said = self._said(topic, quads)
                facts = None if self._is_begun(topic) else self.finder.facts(topic, said)
                if facts:
                    yield facts

    def _is_begun(self, topic: str) -> bool:
        """Tell whether a part of what is said of a topic stands elsewhere, as far as was read."""
        if topic in self._begun:
            self.others.add(topic)
        self._begun.add(topic)
        return topic in self.others

    def _said(self, topic: str, quads: Sequence[Quad]) -> dict[str, set[Term]]:
        """Give what is said of a topic, and note of which others something is said."""
        said: dict[str, set[Term]] = {}
        entry = NamedNode(topic)
        for quad in quads:
            if quad.subject == entry:
                name = quad.predicate.value
                if name in self._wanted:
                    said.setdefault(name, set()).add(quad.object)
            elif isinstance(quad.subject, NamedNode):
                self.others.add(quad.subject.value)
        return said
