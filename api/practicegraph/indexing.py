"""All entries read and analysed for an index, by several processes where there are many."""

import os
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import chain
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from . import shapes
from .analysis import Analysed, Analyst
from .embedded import Embedded
from .facts import FactReader, Facts
from .words import Words

Read = tuple[Facts, Analysed]
"""What is known of an entry, and its texts as tokens."""

_MANY = 5_000  # entries: reading fewer takes less time than starting a process
_BATCH = 500
_AHEAD = 3  # batches that each process may be ahead


def read(reader: FactReader, languages: Sequence[str], snapshot: Path | None) -> Iterator[Read]:
    """Read all current entries in order of their IRIs.

    Many are read out of the snapshot of the store, where there is one, by as many processes as
    there are processors.
    """
    iris = reader.entries()
    batches = [iris[start : start + _BATCH] for start in range(0, len(iris), _BATCH)]
    if snapshot is None or len(iris) < _MANY:
        analyst = Analyst(Words(languages))
        return chain.from_iterable(_read(reader, analyst, batch) for batch in batches)
    return chain.from_iterable(_read_beside(batches, snapshot, os.cpu_count() or 1))


def _read(reader: FactReader, analyst: Analyst, iris: Sequence[str]) -> list[Read]:
    return [(replace(facts, texts=()), analyst.analyse(facts.texts)) for facts in reader.read(iris)]


def _read_beside(
    batches: Sequence[Sequence[str]], snapshot: Path, processes: int
) -> Iterator[list[Read]]:
    """Give the batches in order, each read by one of the processes in turn."""
    with ExitStack() as stack:
        ours = [_start(stack, snapshot) for _ in range(processes)]
        waiting: deque[Connection] = deque()
        for number, batch in enumerate(batches):
            if len(waiting) == _AHEAD * processes:
                yield waiting.popleft().recv()
            connection = ours[number % processes]
            connection.send(batch)
            waiting.append(connection)
        for connection in waiting:
            yield connection.recv()


def _start(stack: ExitStack, snapshot: Path) -> Connection:
    """Start a process that ends with the stack."""
    spawning = get_context("spawn")
    ours, theirs = spawning.Pipe()
    process = spawning.Process(target=_answer, args=(theirs, snapshot), daemon=True)
    process.start()
    theirs.close()
    stack.callback(process.join)
    stack.enter_context(ours)
    return ours


def _answer(connection: Connection, snapshot: Path) -> None:
    """Read what is asked for, until nobody asks."""
    store = Embedded.of_snapshot(snapshot)
    found = shapes.read(store)
    reader, analyst = FactReader(store, found.record), Analyst(Words(found.languages))
    try:
        while True:
            connection.send(_read(reader, analyst, connection.recv()))
    except (EOFError, BrokenPipeError, KeyboardInterrupt):
        return
