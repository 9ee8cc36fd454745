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

    Those given here of which more is said further on are `again` to be asked of the store, once all
    are read. What is not given here, the store may yet know as an entry.
    """

    finder: FactFinder
    files: Sequence[Path]
    again: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        assert not self.finder.paths
        self._wanted = frozenset(self.finder.properties)
        self._begun: set[int] = set()  # hashes: of two that are the same, one is asked in vain
        self._others: set[int] = set()

    def read(self) -> Iterator[Facts]:
        """Give the facts of entries in the order of the files; raises UnreadableError."""
        for file in self.files:
            for topic, quads in folder.runs(file):
                said = self._said(topic, quads)
                if self._is_whole(topic) and (facts := self.finder.facts(topic, said)):
                    yield facts

    def _is_whole(self, topic: str) -> bool:
        """Tell whether nothing else was said of a topic so far."""
        key = hash(topic)
        if key in self._begun:
            self.again.add(topic)
            return False
        self._begun.add(key)
        return key not in self._others

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
                self._note(quad.subject.value)
        return said

    def _note(self, other: str) -> None:
        key = hash(other)
        self._others.add(key)
        if key in self._begun:
            self.again.add(other)
