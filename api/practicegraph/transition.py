"""The way from the graphs that a store holds to those that it is to hold.

Graphs are told apart by digests, so that of a large set in which little has changed, little is put
in again.
"""

import hashlib
from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from pyoxigraph import RdfFormat, serialize

from . import folder
from .listing import Held, Listing


@dataclass(frozen=True)
class Graphs:
    """The graphs of a file by name, with their digests; those whose quads do not stand together."""

    digests: Mapping[str, str]
    apart: Set[str]


@dataclass(frozen=True)
class Transition:
    """From what is listed before to what is listed after, over the files read for it by name."""

    before: Listing
    after: Listing
    read: Mapping[str, Graphs]

    @cached_property
    def coming(self) -> set[str]:
        """Give the graphs to be put in."""
        new = ((t, d) for graphs in self.read.values() for t, d in graphs.digests.items())
        return {topic for topic, digest in new if self._old.get(topic) != digest}

    @cached_property
    def going(self) -> set[str]:
        """Give the graphs to be taken out where the store has them, those that come among them."""
        kept = (graphs.digests for graphs in self.read.values())
        return self.coming | set(self._old).difference(*kept)

    def struck(self) -> Listing:
        """Give the list for the time of the change: nothing is said of what goes and comes."""
        files = dict(self.before.files)
        for name in self._stale:
            old = files[name].graphs if name in files else {}
            topics = {**old, **self.read[name].digests} if name in self.read else old
            said = {t: None if t in self.going else self._old[t] for t in topics}
            files[name] = Held(None, said)
        return replace(self.before, files=files)

    @cached_property
    def _old(self) -> dict[str, str | None]:
        files = (self.before.files[name] for name in self._stale if name in self.before.files)
        return {topic: digest for held in files for topic, digest in held.graphs.items()}

    @property
    def _stale(self) -> list[str]:
        gone = [name for name in self.before.files if name not in self.after.files]
        return [*self.read, *gone]


def read(path: Path) -> Graphs:
    """Read a file and tell its graphs apart; raises UnreadableError.

    Blank nodes are called otherwise at each reading. So graphs that may share one never pass for
    unchanged, and are put in together.
    """
    digests: dict[str, str] = {}
    apart: set[str] = set()
    for topic, quads in folder.runs(path):
        before = digests.get(topic, "")
        if before:
            apart.add(topic)
        content = serialize(quads, format=RdfFormat.N_QUADS)
        assert isinstance(content, bytes)
        digests[topic] = hashlib.blake2b(before.encode() + content, digest_size=12).hexdigest()
    return Graphs(digests, apart)
