"""What tells the state of an entry from others: a hash of its own graph, and of nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from . import lines
from .recent import Recent
from .store import Store

_LENGTH = 16
_KEPT = 4096


@dataclass(frozen=True)
class States:
    """The states of things that have a graph of their own in a store."""

    store: Store

    def of(self, iri: str) -> str:
        """Give the state of a thing, or "" where it has no graph."""
        return self._recent.of(self.store.version(), [iri], self._read)[0]

    @cached_property
    def _recent(self) -> Recent[str, str]:
        return Recent(_KEPT)

    def _read(self, iris: Sequence[str]) -> list[str]:
        return [self._state(iri) for iri in iris]

    def _state(self, iri: str) -> str:
        triples = [quad.triple for quad in self.store.graph(iri)]
        content = lines.canonical(lines.written(triples))
        return lines.digest(content)[:_LENGTH] if triples else ""
