"""Readers' queries, run in processes that are killed at a deadline.

A query that takes too long costs its process and nobody else's answer. Each process sees one
immutable snapshot of the store, or asks the endpoint of a store elsewhere.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from . import incidents
from .endpoint import DEADLINE, Endpoint, IncompleteError, StoreError
from .frames import INTERNAL, SMALL
from .hosts import Host
from .incidents import CrashError
from .process import Budget, DeadlineError, Process
from .snapshots import Snapshots
from .store import QueryRefusedError

_MEMORY = "The query needs more memory than a query may take."


class TooMuchMemoryError(QueryRefusedError):
    """A query that needs more memory than its process may take."""

    def __init__(self) -> None:
        super().__init__(_MEMORY)


class TooMuchError(RuntimeError):
    """An answer of more bytes or rows than an answer may have, in a form that cannot say so."""

    def __init__(self, most: int, unit: str) -> None:
        super().__init__(f"more than {most} {unit}")
        self.most, self.unit = most, unit


class BusyError(RuntimeError):
    """All processes have queries to run, and enough others wait."""


@dataclass(frozen=True)
class Limits:
    """What a reader's query may take, and how many run and wait at once.

    Seconds of work, by default and at the most; seconds in which the answer must have been read;
    bytes of the answer, and rows or triples in it; triples that the server itself makes JSON-LD of;
    bytes of memory; the hosts that it may call.
    """

    seconds: float = 10.0
    most_seconds: float = 60.0
    reading: float = 600.0
    most_bytes: int = 1 << 30
    most_rows: int = 5_000_000
    most_compacted: int = 50_000
    memory: int = 4 << 30
    hosts: tuple[Host, ...] = ()
    processes: int = 2
    waiting: int = 16
    patience: float = 5.0


@dataclass
class Answer:
    """A query's result: its kind, its form (none if the kind has none), and its parts."""

    kind: str
    form: str | None
    parts: AsyncGenerator[bytes, None]


@dataclass
class Workers:
    """A pool of processes over snapshots, or over the endpoint of a store elsewhere.

    It lives in the event loop that opens it.
    """

    source: Path | Endpoint | Snapshots
    limits: Limits
    module: str = "practicegraph.worker"
    _idle: "asyncio.Queue[Process]" = field(default_factory=asyncio.Queue, init=False)
    _processes: set[Process] = field(default_factory=set, init=False)
    _replacing: "set[asyncio.Task[None]]" = field(default_factory=set, init=False)
    _waiting: int = field(default=0, init=False)

    async def __aenter__(self) -> Self:
        """Start the processes."""
        await asyncio.gather(*(self._start() for _ in range(self.limits.processes)))
        return self

    async def __aexit__(self, *_: object) -> None:
        """End all processes."""
        for task in self._replacing:
            task.cancel()
        await asyncio.gather(*self._replacing, return_exceptions=True)
        processes, self._processes = self._processes, set()
        await asyncio.gather(*(process.end() for process in processes))

    async def run(self, request: Mapping[str, Any], seconds: float) -> Answer:
        """Run a query; raises QueryRefusedError, DeadlineError, BusyError or IncidentError.

        A process that dies of it is told of if a second one dies too.
        What goes wrong after the first part breaks the parts off: they end with an error.
        """
        most = self.limits.most_rows
        wanted = {"rows": most, "triples": most, "seconds": seconds, **request}
        try:
            return await self._begun(wanted)
        except CrashError as error:
            if error.is_of_memory:
                raise TooMuchMemoryError from error
        try:
            return await self._begun(wanted)
        except CrashError as error:
            if error.is_of_memory:
                raise TooMuchMemoryError from error
            raise incidents.logged(str(error)) from error

    async def _begun(self, wanted: Mapping[str, Any]) -> Answer:
        parts = self._answered(await self._take(), wanted)
        head = json.loads(await anext(parts))
        return Answer(head["kind"], head["form"], parts)

    async def _answered(
        self, process: Process, request: Mapping[str, Any]
    ) -> AsyncGenerator[bytes, None]:
        """Give the head of an answer and its parts; whoever lets go of them frees the process."""
        budget = Budget(request["seconds"], self.limits.most_seconds)
        ended, size, late = False, 0, None
        try:
            process.send(request)
            while size <= self.limits.most_bytes:
                kind, content = await process.receive(budget)
                ended = kind in b"EMZ"
                if kind == b"E":
                    raise _failure(json.loads(content), budget.late())
                if kind == b"M":
                    raise TooMuchError(int(content), "rows")
                if ended:
                    return
                size += len(content)
                if late is None and size >= SMALL:  # small ones never wait for their reader
                    late = self._end_late(process)
                yield content
            raise TooMuchError(self.limits.most_bytes, "bytes")
        except EOFError:
            if process in self._processes:  # it has not been ended from here
                raise await process.crash() from None
            raise
        finally:
            if late:
                late.cancel()
            if ended:
                self._idle.put_nowait(process)
            else:
                self._replace(process)

    def _end_late(self, process: Process) -> asyncio.TimerHandle:
        """End the process if its answer is not read in time."""
        loop = asyncio.get_running_loop()
        return loop.call_later(self.limits.reading, self._replace, process)

    async def _take(self) -> Process:
        await self._grow()
        if not self._idle.empty():
            return self._idle.get_nowait()
        if self._waiting >= self.limits.waiting:
            raise BusyError
        self._waiting += 1
        try:
            async with asyncio.timeout(self.limits.patience):
                return await self._idle.get()
        except TimeoutError as error:
            raise BusyError from error
        finally:
            self._waiting -= 1

    async def _grow(self) -> None:
        """Start what is to run and does not yet; here, all runs from the beginning."""

    async def _start(self) -> None:
        endpoint = await asyncio.to_thread(Endpoint.of, self.source)
        process = Process(endpoint, self.limits.memory, self.module)
        self._processes.add(process)
        try:
            await process.open()
        except EOFError as error:
            self._processes.remove(process)
            crash = await process.crash()
            await process.end()
            raise BusyError(incidents.logged(f"a process does not start: {crash}")) from error
        self._idle.put_nowait(process)

    def _replace(self, process: Process) -> None:
        if process in self._processes:
            self._processes.remove(process)
            task = asyncio.create_task(self._replaced(process))
            self._replacing.add(task)
            task.add_done_callback(self._replacing.discard)

    async def _replaced(self, process: Process) -> None:
        await process.end()
        with suppress(BusyError):  # logged; the next query tries again
            await self._start()


class OnDemand(Workers):
    """A pool that starts its processes when they are first needed."""

    async def __aenter__(self) -> Self:
        """Start nothing."""
        return self

    async def _grow(self) -> None:
        if self._idle.empty() and len(self._processes) < self.limits.processes:
            await self._start()


def _failure(said: Mapping[str, str], late: DeadlineError) -> Exception:
    """Give the error that a process tells of; a result cut off at the store's deadline is late."""
    kind, reason = said["error"], said["reason"]
    if kind == INTERNAL:
        return incidents.logged(reason)
    if kind == MemoryError.__name__:
        return TooMuchMemoryError()
    if kind == IncompleteError.__name__:
        most = reason.rpartition(" ")[2]
        is_late = DEADLINE in reason or not most.isdecimal()
        return late if is_late else TooMuchError(int(most), "rows")
    return StoreError(reason) if kind == StoreError.__name__ else QueryRefusedError(reason)
