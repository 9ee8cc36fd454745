"""Readers' queries, run in processes that are killed at a deadline.

A query that takes too long costs its process and nobody else's answer. Each process sees one
immutable snapshot of the store, or asks the endpoint of a store elsewhere.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from . import incidents
from .endpoint import DEADLINE, Endpoint, IncompleteError, StoreError
from .frames import INTERNAL
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

    Seconds of work, by default and at the most; bytes of the answer, and rows or triples in it;
    triples that the server itself makes JSON-LD of; bytes of memory; the hosts that it may call.
    """

    seconds: float = 10.0
    most_seconds: float = 20.0
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


class Share(asyncio.Semaphore):
    """What one client may have: processes at once, and queries, those included that wait."""

    def __init__(self, processes: int, waiting: int) -> None:
        super().__init__(processes)
        self.most, self.queries = processes + waiting, 0


@dataclass
class Workers:
    """A pool of processes over snapshots, or over the endpoint of a store elsewhere.

    It lives in the event loop that opens it. A client that is named occupies half of it at the
    most, so that nobody keeps all others out.
    """

    source: Path | Endpoint | Snapshots
    limits: Limits
    module: str = "practicegraph.worker"
    _idle: "asyncio.Queue[Process]" = field(default_factory=asyncio.Queue, init=False)
    _processes: set[Process] = field(default_factory=set, init=False)
    _replacing: "set[asyncio.Task[None]]" = field(default_factory=set, init=False)
    _waiting: int = field(default=0, init=False)
    _shares: dict[str, Share] = field(default_factory=dict, init=False)

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

    async def run(self, request: Mapping[str, Any], seconds: float, client: str = "") -> Answer:
        """Run a query of a client.

        Raises QueryRefusedError, DeadlineError, BusyError or IncidentError. Whoever cancels it, or
        lets go of the parts, ends the query; its process is replaced. A process that dies of it is
        told of if a second one dies too.
        What goes wrong after the first part breaks the parts off: they end with an error.
        """
        most = self.limits.most_rows
        wanted = {"rows": most, "triples": most, "seconds": seconds, **request}
        try:
            return await self._begun(wanted, client)
        except CrashError as error:
            if error.is_of_memory:
                raise TooMuchMemoryError from error
        try:
            return await self._begun(wanted, client)
        except CrashError as error:
            if error.is_of_memory:
                raise TooMuchMemoryError from error
            raise incidents.logged(str(error)) from error

    async def _begun(self, wanted: Mapping[str, Any], client: str) -> Answer:
        parts = self._answered(wanted, client)
        head = json.loads(await anext(parts))
        return Answer(head["kind"], head["form"], parts)

    async def _answered(
        self, request: Mapping[str, Any], client: str
    ) -> AsyncGenerator[bytes, None]:
        """Give the head of an answer and its parts; whoever lets go of them frees the process."""
        process = await self._take(client)
        budget = Budget(request["seconds"], self.limits.most_seconds)
        ended, size = False, 0
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
                yield content
            raise TooMuchError(self.limits.most_bytes, "bytes")
        except EOFError:
            if process in self._processes:  # it has not been ended from here
                raise await process.crash() from None
            raise
        finally:
            self._let_go(client)
            if ended:
                self._idle.put_nowait(process)
            else:
                self._replace(process)

    async def _take(self, client: str) -> Process:
        """Return a free process to a client, which is to let go of it; raises BusyError."""
        share = self._shares.get(client) or self._new_share(client)
        share.queries += 1
        try:
            if self._idle.empty() and not share.locked():
                await self._grow()
            if self._idle.empty() or share.locked():
                return await self._wait(share)
            await share.acquire()
            return self._idle.get_nowait()
        except BaseException:
            self._count_out(client, share)
            raise

    def _new_share(self, client: str) -> Share:
        processes, waiting = self.limits.processes, self.limits.waiting
        if client:
            processes, waiting = (processes + 1) // 2, (waiting + 1) // 2
        share = self._shares[client] = Share(processes, waiting)
        return share

    def _let_go(self, client: str) -> None:
        share = self._shares[client]
        share.release()
        self._count_out(client, share)

    def _count_out(self, client: str, share: Share) -> None:
        share.queries -= 1
        if not share.queries:
            del self._shares[client]

    async def _wait(self, share: Share) -> Process:
        if self._waiting >= self.limits.waiting or share.queries > share.most:
            raise BusyError
        self._waiting += 1
        try:
            async with asyncio.timeout(self.limits.patience):
                return await self._next(share)
        except TimeoutError as error:
            raise BusyError from error
        finally:
            self._waiting -= 1

    async def _next(self, share: Share) -> Process:
        await share.acquire()
        try:
            return await self._idle.get()
        except asyncio.CancelledError:
            share.release()
            raise

    async def _grow(self) -> None:
        """Start a process where fewer run than may.

        A reader who leaves meanwhile does not stop that.
        """
        if len(self._processes) + len(self._replacing) < self.limits.processes:
            await asyncio.shield(self._keep(self._start()))

    async def _start(self) -> None:
        endpoint = await asyncio.to_thread(Endpoint.of, self.source)
        process = Process(endpoint, self.limits.memory, self.module)
        try:
            await process.open()
        except EOFError as error:
            crash = await process.crash()
            await process.end()
            raise BusyError(incidents.logged(f"a process does not start: {crash}")) from error
        except BaseException:
            await process.end()
            raise
        self._processes.add(process)
        self._idle.put_nowait(process)

    def _replace(self, process: Process) -> None:
        if process in self._processes:
            self._processes.remove(process)
            self._keep(self._replaced(process))

    async def _replaced(self, process: Process) -> None:
        await process.end()
        with suppress(BusyError):  # logged; the next query tries again
            await self._start()

    def _keep(self, starting: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """Run what starts a process, beside the query that needs it."""
        task = asyncio.create_task(starting)
        self._replacing.add(task)
        task.add_done_callback(self._replacing.discard)
        return task


class OnDemand(Workers):
    """A pool that starts its processes when they are first needed."""

    async def __aenter__(self) -> Self:
        """Start nothing."""
        return self


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
