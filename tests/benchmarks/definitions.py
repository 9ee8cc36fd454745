"""Searches answered by SPARQL as they are defined, in a process that can be killed."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import cycle, islice
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from time import monotonic, perf_counter

from benchmarks.cases import Case, StoredQuery, ask
from benchmarks.times import Figures, times
from practicegraph.application.services import Services
from practicegraph.catalogue import catalogue
from practicegraph.catalogue.catalogue import WORK_FOLDER
from practicegraph.schema.fields import Field
from practicegraph.search.engine import ContingencyTable, SearchResult, SparqlEngine
from practicegraph.search.request import SearchRequest
from practicegraph.search.sparql import QueryBuilder
from practicegraph.storage.base import QueryRefusedError, Solution
from practicegraph.storage.oxigraph import OxigraphStore
from practicegraph.storage.remote import Endpoint, RemoteStore, StoreError
from practicegraph.web.search.contingency import TABLE_AXES

DEADLINE = 60
"""Seconds for all results of a case."""
_MOST = 30  # answers
_STARTING = 120


class WrongError(RuntimeError):
    """A result that is not the right one."""


@dataclass(frozen=True)
class _Given:
    """A result with its seconds, and the number of its queries that the store refused to compile."""

    answer: SearchResult | ContingencyTable
    seconds: float
    refused: int


@dataclass(frozen=True)
class _Known(SparqlEngine):
    """An engine for a catalogue that does not change: the bounds of ordered facets are cached.

    A request of size 0 sorts no entries. A query that the store refuses to compile has no rows;
    `refused` has the seconds of the refusals.
    """

    refused: list[float] = field(default_factory=list)

    @cached_property
    def queries(self) -> QueryBuilder:
        return super().queries

    def search(
        self,
        request: SearchRequest,
        languages: Sequence[str],
        facets: Iterable[Field] | None = None,
    ) -> SearchResult:
        if request.size:
            return super().search(request, languages, facets)
        counted = self.kind.facets if facets is None else facets
        counts = {facet.key: self.counts(facet, request) for facet in counted}
        return SearchResult(self._count(self.queries, request), (), counts)

    def _select(self, query: str) -> Iterator[Solution]:
        start = perf_counter()
        try:
            return super()._select(query)
        except (QueryRefusedError, StoreError):
            self.refused.append(perf_counter() - start)
            return iter(())


@dataclass
class Asked:
    """A process that answers by SPARQL, from the snapshot of a catalogue or from an endpoint."""

    root: Path
    endpoint: str = ""
    _process: BaseProcess | None = field(default=None, init=False)
    _connection: Connection | None = field(default=None, init=False)

    def measure(self, case: Case) -> Figures:
        """Measure results, all compared, until there are enough or the deadline has passed.

        The first one is not counted if there are others; no figures mean that one takes over a
        minute. Raise WrongError.
        """
        asked = [question for question in case.questions if question.is_comparable]
        end, found = monotonic() + DEADLINE, list[_Given]()
        for question in islice(cycle(asked), _MOST + 1):
            left = end - monotonic()
            given = self._ask(question, left) if left > 0 else None
            if given is None:
                break
            if wrong := _differing(given, question.right):
                raise WrongError(f"{case.name}: {question.parameters}: {', '.join(wrong)}")
            found.append(given)
        refused = max((given.refused for given in found), default=0)
        figures = times([given.seconds for given in found[1:] or found]) if found else {}
        return figures | ({"refused": refused} if refused else {})

    def close(self) -> None:
        """End the process."""
        if self._process and self._connection:
            self._connection.close()
            self._process.kill()
            self._process.join()
        self._process = self._connection = None

    def _ask(self, question: StoredQuery, seconds: float) -> _Given | None:
        """Return the result, or None after so many seconds; raise WrongError."""
        connection = self._connection or self._started()
        connection.send(question)
        if not connection.poll(seconds):
            self.close()
            return None
        try:
            given: _Given = connection.recv()
        except EOFError as error:
            self.close()
            raise WrongError("the process has ended") from error
        return given

    def _started(self) -> Connection:
        spawning = get_context("spawn")
        self._connection, theirs = spawning.Pipe()
        arguments = (theirs, self.root, self.endpoint)
        self._process = spawning.Process(target=_answer, args=arguments, daemon=True)
        self._process.start()
        theirs.close()
        assert self._connection.poll(_STARTING), "the process does not start"
        assert self._connection.recv() == "ready"
        return self._connection


@contextmanager
def asked(root: Path, endpoint: str = "") -> Iterator[Asked]:
    """Yield a process that answers by SPARQL, and end it."""
    found = Asked(root, endpoint)
    try:
        yield found
    finally:
        found.close()


def _answer(connection: Connection, root: Path, endpoint: str) -> None:
    """Answer requests until the connection ends."""
    opened = catalogue.open_snapshot(root, _snapshot(root / WORK_FOLDER), {})
    services = Services(opened)
    store = RemoteStore(Endpoint(endpoint), OxigraphStore()) if endpoint else opened.store
    defined = _Known(store, opened.shapes.entry_shape, opened.vocabularies)
    assert defined.queries
    connection.send("ready")
    try:
        while True:
            connection.send(_given(services, defined, connection.recv()))
    except (EOFError, BrokenPipeError, KeyboardInterrupt):
        return


def _snapshot(kept: Path) -> Path:
    """Return the snapshot that a server has taken, or take one where there is none."""
    taken = next((kept / "snapshots").iterdir(), None)
    return taken or OxigraphStore(kept / "store").snapshot_release(kept / "snapshots")


def _given(services: Services, defined: _Known, question: StoredQuery) -> _Given:
    choosing, parameters = services.request_parser, question.parameters
    choices = replace(choosing.parse(parameters, TABLE_AXES), scores=question.found)
    defined.refused.clear()
    start = perf_counter()
    answer = ask(defined, choosing, choices, parameters, services.catalogue.languages)
    seconds = perf_counter() - start - sum(defined.refused)
    return _Given(answer, seconds, len(defined.refused))


def _differing(given: _Given, right: SearchResult | ContingencyTable) -> list[str]:
    """Return the parts of a result that differ from the right one; refused queries do not count."""
    theirs, ours = _numbers(given.answer), _numbers(right)
    if given.refused:
        ours = {name: value for name, value in ours.items() if name in theirs}
    return [str(name) for name in theirs.keys() | ours.keys() if theirs.get(name) != ours.get(name)]


def _numbers(answer: SearchResult | ContingencyTable) -> dict[object, object]:
    """Return the numbers of a result by name."""
    if isinstance(answer, ContingencyTable):
        axes = (("row", answer.rows), ("column", answer.columns), ("cell", answer.cells))
        parts: dict[object, object] = {(a, v): n for a, counts in axes for v, n in counts.items()}
    else:
        parts = {(key, v): n for key, counts in answer.counts.items() for v, n in counts.items()}
        parts["entries"] = len(answer.cursors)  # which are sorted by code points, so others
    return {"total": answer.total, **parts}
