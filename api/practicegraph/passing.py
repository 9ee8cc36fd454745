"""Facts of entries out of files as they pass by, which takes a fraction of asking a large store.

An entry is taken as read where all that is said of it stands in one piece of the graph of its name.
"""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from .facts import FactFinder, Facts
from .nquads import Piece


@dataclass(frozen=True)
class Passed:
    """What pieces of graphs say: facts of entries, all topics, and of which other things too."""

    facts: list[Facts]
    topics: list[str]
    others: list[str]


def read(finder: FactFinder, pieces: Iterable[Piece]) -> Passed:
    """Read pieces; none of the finder's fields may stand further away than a property."""
    assert not finder.paths
    passed = Passed([], [], [])
    for piece in pieces:
        passed.topics.append(piece.topic)
        passed.others.extend(piece.others)
        if facts := finder.facts(piece.topic, piece.said):
            passed.facts.append(facts)
    return passed


@dataclass
class Told:
    """The entries that were told, and of what else anything was said."""

    entries: set[str] = field(default_factory=set)
    _topics: "array[int]" = field(default_factory=lambda: array("q"))
    _others: "array[int]" = field(default_factory=lambda: array("q"))

    def take(self, iris: Sequence[str], topics: Iterable[str], others: Iterable[str]) -> bool:
        """Take note of topics and other things, and of entries if all of them are new.

        Tells whether they are.
        """
        self._topics.extend(map(hash, topics))
        self._others.extend(map(hash, others))
        fresh = set(iris)
        if len(fresh) < len(iris) or not self.entries.isdisjoint(fresh):
            return False
        self.entries |= fresh
        return True

    def again(self) -> list[str]:
        """Give the entries of which something was said in another piece too, in order.

        Things are told apart by hashes; of two that have the same, one is given in vain.
        """
        topics = np.sort(np.frombuffer(self._topics, np.int64))
        doubtful = {*topics[1:][topics[1:] == topics[:-1]].tolist()}
        doubtful |= {*np.intersect1d(topics, np.frombuffer(self._others, np.int64)).tolist()}
        return sorted(iri for iri in self.entries if hash(iri) in doubtful) if doubtful else []
