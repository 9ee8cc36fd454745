"""A pool of worker processes that run readers' queries and are killed at a deadline.

A query that takes too long costs its process and nobody else's result. Each process sees one
immutable snapshot of the store, or requests of the endpoint of a remote store. Lookups, which
cannot take long, need no process.
"""

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import msgspec

from ..errors import CatalogueError
from ..storage import query_guard
from ..storage.base import QueryRefusedError
from ..storage.oxigraph import Snapshots
from ..storage.query_guard import Host
from ..storage.remote import TIMEOUT_STATE, Endpoint, IncompleteResultError, StoreError
from .process import CrashError, DeadlineExceededError, TimeBudget, WorkerProcess, log_incident
from .protocol import INTERNAL_ERROR


class QueryMemoryError(QueryRefusedError):
    """A query that needs more memory than its process may take."""

    def __init__(self) -> None:
        super().__init__("the allocator refused memory", hint="queryMemory")


class ResultTooLargeError(CatalogueError):
    """A result of more bytes or rows than a result may have, in a format that cannot say so."""

    def __init__(self, maximum: int, unit: str) -> None:
        kind = "tooManyRows" if unit == "rows" else "tooManyBytes"
        super().__init__(f"more than {maximum} {unit}", kind=kind, limit=maximum)


class PoolBusyError(CatalogueError):
    """All processes have queries to run, and enough others wait."""

    kind = "tooManyQueries"


@dataclass(frozen=True)
class QueryLimits:
    """The limits of a client's query, and of the queries that run and wait at once.

    `seconds` is the deadline by default, `max_seconds` the longest one; `max_bytes` and `max_rows`
    (or triples) limit a result, `max_jsonld` the triples of one in JSON-LD, which the server
    writes; `memory` is in bytes; `hosts` are those that SERVICE may call. A query waits for
    `wait_seconds` for a process.
    """

    seconds: float = 10.0
    max_seconds: float = 20.0
    max_bytes: int = 1 << 30
    max_rows: int = 5_000_000
    max_jsonld: int = 50_000
    memory: int = 4 << 30
    hosts: tuple[Host, ...] = ()
    processes: int = 2
    max_waiting: int = 16
    wait_seconds: float = 5.0


@dataclass
class QueryResult:
    """A query's result: its kind, its format (none if the kind has none), and its chunks."""

    kind: str
    format: str | None
    chunks: AsyncGenerator[bytes, None]

    async def read(self) -> bytes:
        """Return the whole content."""
        return b"".join([chunk async for chunk in self.chunks])


class ClientShare(asyncio.Semaphore):
    """The share of one client: processes at once, and queries, including those that wait."""

    def __init__(self, processes: int, waiting: int) -> None:
        super().__init__(processes)
        self.max_queries, self.queries = processes + waiting, 0


@dataclass
class WorkerPool:
    """A pool of processes over snapshots, or over the endpoint of a remote store.

    It lives in the event loop that opens it. A client with a name has at most half of the
    processes, so that nobody keeps all others out.
    """

    source: Path | Endpoint | Snapshots
    limits: QueryLimits
    module: str = "practicegraph.sparql.worker"
    _idle: "asyncio.Queue[WorkerProcess]" = field(default_factory=asyncio.Queue, init=False)
    _processes: set[WorkerProcess] = field(default_factory=set, init=False)
    _starting: "set[asyncio.Task[None]]" = field(default_factory=set, init=False)
    _ending: "set[asyncio.Task[None]]" = field(default_factory=set, init=False)
    _waiting: int = field(default=0, init=False)
    _shares: dict[str, ClientShare] = field(default_factory=dict, init=False)

    async def __aenter__(self) -> Self:
        """Start the processes."""
        await asyncio.gather(*(self._start() for _ in range(self.limits.processes)))
        return self

    async def __aexit__(self, *_: object) -> None:
        """End all processes."""
        for task in self._starting:
            task.cancel()
        await asyncio.gather(*self._starting, return_exceptions=True)
        for process in list(self._processes):
            self._end(process)
        await asyncio.gather(*self._ending)

    async def run(
        self, request: Mapping[str, Any], seconds: float, client: str = ""
    ) -> QueryResult:
        """Run a query of a client; whoever cancels it, or closes the chunks, ends the query.

        Raise QueryRefusedError, DeadlineExceededError, PoolBusyError or IncidentError. A query
        whose process dies is run once more. An error after the first chunk is raised by the chunks.
        """
        if (content := self._look_up(request)) is not None:
            return QueryResult("solutions", request["table"], _chunks(content))
        rows = self.limits.max_rows
        request = {"rows": rows, "triples": rows, "seconds": seconds, **request}
        with suppress(CrashError):
            return await self._open(request, client)
        try:
            return await self._open(request, client)
        except CrashError as error:
            raise log_incident(str(error)) from error

    def _look_up(self, request: Mapping[str, Any]) -> bytes | None:
        """Return the result of a lookup, which ends before a process would begin it; else None.

        A process tells what is wrong with one that is refused.
        """
        source, limits = self.source, self.limits
        if not isinstance(source, Snapshots) or request.get("default") or request.get("named"):
            return None
        if not 0 < query_guard.lookup_limit(request.get("query", "")) <= limits.max_rows:
            return None
        arguments = (request["query"], request.get("table"), request["base"])
        with suppress(QueryRefusedError):
            content = source.look_up(Path(request["source"]).name, *arguments)
            return content if content and len(content) <= limits.max_bytes else None
        return None

    async def _open(self, request: Mapping[str, Any], client: str) -> QueryResult:
        """Run a query up to the head of its result; raise CrashError but for memory."""
        frames = self._frames(request, client)
        try:
            head = msgspec.json.decode(await anext(frames))
        except CrashError as error:
            if error.is_of_memory:
                raise QueryMemoryError from error
            raise
        return QueryResult(head["kind"], head["format"], frames)

    async def _frames(self, request: Mapping[str, Any], client: str) -> AsyncGenerator[bytes, None]:
        """Yield the head of a result and its chunks; whoever closes it frees the process."""
        process = await self._take(client)
        budget = TimeBudget(request["seconds"], self.limits.max_seconds)
        has_ended, size = False, 0
        try:
            process.send(request)
            while size <= self.limits.max_bytes:
                letter, content = await process.receive(budget)
                has_ended = letter in b"EMZ"
                if letter == b"E":
                    raise _worker_error(msgspec.json.decode(content), budget.deadline_error())
                if letter == b"M":
                    raise ResultTooLargeError(int(content), "rows")
                if has_ended:
                    return
                size += len(content)
                yield content
            raise ResultTooLargeError(self.limits.max_bytes, "bytes")
        except EOFError:
            if process in self._processes:  # it has not been ended from here
                raise await process.crash() from None
            raise
        finally:
            self._release(client)
            if has_ended:
                self._idle.put_nowait(process)
            elif process in self._processes:
                self._keep(self._replace(self._end(process)))

    async def _take(self, client: str) -> WorkerProcess:
        """Return a free process to a client, which releases it; raise PoolBusyError."""
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

    def _new_share(self, client: str) -> ClientShare:
        processes, waiting = self.limits.processes, self.limits.max_waiting
        if client:
            processes, waiting = (processes + 1) // 2, (waiting + 1) // 2
        share = self._shares[client] = ClientShare(processes, waiting)
        return share

    def _release(self, client: str) -> None:
        share = self._shares[client]
        share.release()
        self._count_out(client, share)

    def _count_out(self, client: str, share: ClientShare) -> None:
        share.queries -= 1
        if not share.queries:
            del self._shares[client]

    async def _wait(self, share: ClientShare) -> WorkerProcess:
        if self._waiting >= self.limits.max_waiting or share.queries > share.max_queries:
            raise PoolBusyError
        self._waiting += 1
        try:
            async with asyncio.timeout(self.limits.wait_seconds):
                return await self._next(share)
        except TimeoutError as error:
            raise PoolBusyError from error
        finally:
            self._waiting -= 1

    async def _next(self, share: ClientShare) -> WorkerProcess:
        await share.acquire()
        try:
            return await self._idle.get()
        except asyncio.CancelledError:
            share.release()
            raise

    async def _grow(self) -> None:
        """Start a process where fewer run than may; a reader who leaves does not stop that."""
        if len(self._processes) + len(self._starting) < self.limits.processes:
            await asyncio.shield(self._keep(self._start()))

    async def _start(self) -> None:
        endpoint = await asyncio.to_thread(Endpoint.from_source, self.source)
        process = WorkerProcess(endpoint, self.limits.memory, self.module)
        try:
            await process.open()
        except (EOFError, DeadlineExceededError) as error:
            incident = log_incident(f"a process does not start: {await process.crash()}")
            await self._end(process)
            raise PoolBusyError(str(incident)) from error
        except BaseException:
            self._end(process)
            raise
        self._processes.add(process)
        self._idle.put_nowait(process)

    def _end(self, process: WorkerProcess) -> "asyncio.Task[None]":
        """End a process beside all else: nobody who leaves meanwhile stops that."""
        self._processes.discard(process)
        task = asyncio.create_task(process.end())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)
        return task

    async def _replace(self, ending: "asyncio.Task[None]") -> None:
        await asyncio.shield(ending)
        with suppress(PoolBusyError):  # logged; the next query tries again
            await self._start()

    def _keep(self, starting: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """Start a process beside the query that needs it."""
        task = asyncio.create_task(starting)
        self._starting.add(task)
        task.add_done_callback(self._starting.discard)
        return task


async def _chunks(content: bytes) -> AsyncGenerator[bytes, None]:
    yield content


class LazyWorkerPool(WorkerPool):
    """A pool that starts its processes when they are first needed."""

    async def __aenter__(self) -> Self:
        """Start nothing."""
        return self


def _worker_error(content: Mapping[str, Any], late: DeadlineExceededError) -> CatalogueError:
    """Return the error that a worker reports; a result cut off at the store's deadline is late."""
    name, reason = content["error"], content["reason"]
    if name == INTERNAL_ERROR:
        return log_incident(reason)
    if name == MemoryError.__name__:
        return QueryMemoryError()
    if name == IncompleteResultError.__name__:
        maximum = reason.rpartition(" ")[2]
        is_late = TIMEOUT_STATE in reason or not maximum.isdecimal()
        return late if is_late else ResultTooLargeError(int(maximum), "rows")
    if name == StoreError.__name__:
        return StoreError(reason)
    return QueryRefusedError(reason, **content["arguments"])
