"""The same searches answered by SPARQL as they are defined, in a process that can be killed."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain, repeat
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from time import monotonic, perf_counter

from benchmarks.cases import Case, Question, ask
from benchmarks.times import Figures, times
from practicegraph import opening
from practicegraph.choices import Choices
from practicegraph.definition import Definition
from practicegraph.embedded import Embedded
from practicegraph.endpoint import Endpoint
from practicegraph.opening import KEPT
from practicegraph.remote import Remote
from practicegraph.search import Answer, Coverage, Defined
from practicegraph.web.crossings import AXES

DEADLINE = 60
"""Seconds for all answers of a case."""
_MOST = 30  # answers
_STARTING = 120


class WrongError(RuntimeError):
    """An answer that is not the right one."""


@dataclass(frozen=True)
class _Known(Defined):
    """The definition, for a catalogue that does not change: the ends of ordered facets are known.

    Where no entries are asked for, none are sorted.
    """

    @cached_property
    def definition(self) -> Definition:
        return super().definition

    def answer(self, choices: Choices, languages: Sequence[str]) -> Answer:
        if choices.size:
            return super().answer(choices, languages)
        counts = {facet.key: self.counts(facet, choices) for facet in self.kind.facets}
        return Answer(self._number(choices), (), counts)


@dataclass
class Asked:
    """A process that answers by SPARQL: from the snapshot of a catalogue, or from an endpoint."""

    root: Path
    endpoint: str = ""
    _process: BaseProcess | None = field(default=None, init=False)
    _connection: Connection | None = field(default=None, init=False)

    def measure(self, case: Case) -> Figures:
        """Measure answers, all compared, until there are enough or the time is over.

        The first one is not counted if there are others; none means that one takes over a minute.
        Raises WrongError.
        """
        asked = [question for question in case.questions if question.is_comparable]
        end, seconds = monotonic() + DEADLINE, list[float]()
        for question in chain.from_iterable(repeat(asked, _MOST)):
            left = end - monotonic()
            if len(seconds) > _MOST or left <= 0:
                break
            found = self._ask(question, left)
            if found is None:
                break
            answer, took = found
            if answer != question.right:
                raise WrongError(f"{case.name}: {question.parameters}: {answer}")
            seconds.append(took)
        return times(seconds[1:] or seconds) if seconds else {}

    def close(self) -> None:
        """End the process."""
        if self._process and self._connection:
            self._connection.close()
            self._process.kill()
            self._process.join()
        self._process = self._connection = None

    def _ask(self, question: Question, seconds: float) -> tuple[Answer | Coverage, float] | None:
        """Give the answer with the seconds that it took, or None after so many seconds."""
        connection = self._connection or self._started()
        connection.send(question)
        if not connection.poll(seconds):
            self.close()
            return None
        try:
            answer, took = connection.recv()
        except EOFError as error:
            self.close()
            raise WrongError("the process has ended") from error
        if isinstance(answer, str):
            raise WrongError(answer)
        return answer, took

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
    """Give what answers by SPARQL, in a process that ends in time."""
    found = Asked(root, endpoint)
    try:
        yield found
    finally:
        found.close()


def _answer(connection: Connection, root: Path, endpoint: str) -> None:
    """Answer questions until nobody asks."""
    (snapshot,) = (root / KEPT / "snapshots").iterdir()
    opened = opening.of_snapshot(root, snapshot, {})
    store = Remote(Endpoint(endpoint), Embedded()) if endpoint else opened.store
    defined = _Known(store, opened.shapes.record, opened.vocabularies)
    assert defined.definition
    connection.send("ready")
    try:
        while True:
            question: Question = connection.recv()
            choices = opened.choosing.read(question.parameters, AXES)
            choices = replace(choices, found=question.found)
            start = perf_counter()
            try:
                right = ask(
                    defined, opened.choosing, choices, question.parameters, opened.languages
                )
            except RuntimeError as error:
                connection.send((str(error), 0))
            else:
                connection.send((right, perf_counter() - start))
    except (EOFError, BrokenPipeError, KeyboardInterrupt):
        return
