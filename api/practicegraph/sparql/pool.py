"""Readers' queries, run in processes that are killed at a deadline.

A query that takes too long costs its process and nobody else's answer. Each process sees one
immutable snapshot of the store, or asks the endpoint of a store elsewhere.

What went wrong in a process beside the server: errors of our own, told apart from the reader's.

The log says what is known of each, under a number that the reader is told.

How the server speaks to processes beside it, which can be killed at a deadline.

They read their standard input line by line, in JSON: first the name and password for a store
elsewhere, then requests. They write frames on their standard output: a letter, the length in four
bytes, the content. H opens an answer, D is a part of the result, Z ends it; E says in JSON why
there is none.

A process of `worker` or its like, as the server sees it: requests go in, frames come out.
"""

import asyncio
import json
import logging
import os
import resource
import secrets
import signal
import struct
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import AsyncGenerator, Coroutine, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO, Self

from ..errors import CatalogueError
from ..storage.base import QueryRefusedError
from ..storage.oxigraph import Snapshots
from ..storage.query_guard import Host
from ..storage.remote import TIMEOUT_STATE, Endpoint, IncompleteResultError, StoreError

_LOG = logging.getLogger(__name__)
# What Rust's allocator, the C++ library and Python write where memory is refused.
_MEMORY = (b"memory allocation of", b"bad_alloc", b"MemoryError")


class IncidentError(CatalogueError):
    """An error of our own; the log has more of it under its number."""

    def __init__(self, number: str) -> None:
        super().__init__(f"incident {number}", number=number, extra={"incident": number})
        self.number = number


class CrashError(CatalogueError, EOFError):
    """A process that has ended by itself: its exit status, if known, and its last words."""

    def __init__(self, status: int | None, words: bytes) -> None:
        super().__init__(f"its process ended: {_named(status)}; {words.decode(errors='replace')}")
        self.status, self.output = status, words

    @property
    def is_of_memory(self) -> bool:
        """Tell whether it ended since it was refused memory."""
        return any(sign in self.output for sign in _MEMORY)


def logged(what: str) -> IncidentError:
    """Log what went wrong, and return the error with the number under which the log has it."""
    error = IncidentError(secrets.token_hex(4))
    _LOG.error("%s: %s", error, what)
    return error


def _named(status: int | None) -> str:
    if status is None:
        return "its exit status is not known"
    if status >= 0:
        return f"exit status {status}"
    return f"signal {-status} ({signal.strsignal(-status)})"


PART = 1 << 18
SMALL = PART // 2
"""The bytes below which an answer is not sent in parts: it is gathered and goes out whole."""

_NICENESS = 5
_STACK = 1 << 27
Request = Mapping[str, Any]
INTERNAL = "InternalError"
"""What an E frame says of an error of our own, with the trace as the reason."""


def frame(output: BinaryIO, kind: bytes, content: bytes = b"") -> None:
    """Write one frame; a small one waits for the next, unless it is the last of an answer."""
    output.write(kind + struct.pack(">I", len(content)) + content)
    if kind != b"H" and (kind != b"D" or len(content) >= SMALL):
        output.flush()


def written(output: BinaryIO, kind: str, text: str) -> None:
    """Write a whole answer of a kind."""
    frame(output, b"H", json.dumps({"kind": kind, "form": None}).encode())
    frame(output, b"D", text.encode(errors="replace"))
    frame(output, b"Z")


def failed(output: BinaryIO, name: str, reason: str) -> None:
    """Write that there is no answer, or no more of it, and why."""
    frame(output, b"E", json.dumps({"error": name, "reason": reason}).encode())


@contextmanager
def reported(output: BinaryIO) -> Iterator[None]:
    """Have an error that nobody has foreseen end one answer, and not the process."""
    try:
        yield
    except MemoryError:
        failed(output, MemoryError.__name__, "")
    except Exception:  # whatever it is, the server logs it
        failed(output, INTERNAL, traceback.format_exc())


def started(memory: int) -> tuple[tuple[str, str], Iterator[Request]]:
    """Prepare this process, and give the name and password for a store, and the requests.

    It stands behind others, takes so many bytes of memory at the most, and a server that dies takes
    it along.
    """
    os.nice(_NICENESS)
    threading.Thread(target=_end_without, args=(os.getppid(),), daemon=True).start()
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    _, most = resource.getrlimit(resource.RLIMIT_STACK)
    stack = _STACK if most == resource.RLIM_INFINITY else min(_STACK, most)
    resource.setrlimit(resource.RLIMIT_STACK, (stack, most))  # parsers go down it for each level
    requests = map(json.loads, sys.stdin.buffer)
    name, password = next(requests)
    return (name, password), requests


def _end_without(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


_HEAD = struct.Struct(">cI")
_PIPE = 1 << 20
_WORDS = 2000  # bytes of its last words that are of use


class DeadlineError(CatalogueError):
    """A query that had not ended at its deadline; both are in seconds."""

    kind = "deadline"

    def __init__(self, seconds: float, most: float) -> None:
        text, maximum = f"{seconds:g} s", f"{most:g} s"
        super().__init__(f"not ended after {text}", seconds=text, maximum=maximum)
        self.seconds, self.most = seconds, most


@dataclass
class Budget:
    """The seconds left to a query: those in which it is waited for, not those of a slow reader."""

    seconds: float
    most: float
    left: float = field(init=False)

    def __post_init__(self) -> None:
        self.left = self.seconds

    def late(self) -> DeadlineError:
        """Give the error of a query that has used them up."""
        return DeadlineError(self.seconds, self.most)


class Process:
    """A running process; its pipes belong to the event loop that opens them."""

    def __init__(self, source: Endpoint, memory: int, module: str) -> None:
        """Start a module on a store, with so many bytes of memory at the most."""
        self._words = TemporaryFile()  # noqa: SIM115 - closed at the end
        self._running = subprocess.Popen(  # noqa: S603 - our own module, with our own arguments
            [sys.executable, "-m", module, source.url, str(memory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._words,
            bufsize=0,
            pipesize=_PIPE,
            start_new_session=True,
        )
        self._credentials = source.credentials
        self._pipes: list[asyncio.BaseTransport] = []
        self._held = bytearray()

    async def open(self) -> None:
        """Wait until it is ready; raises DeadlineError or EOFError."""
        loop = asyncio.get_running_loop()
        self._output = asyncio.StreamReader(PART)
        reading = asyncio.StreamReaderProtocol(self._output)
        output, _ = await loop.connect_read_pipe(lambda: reading, self._running.stdout)
        self._input, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, self._running.stdin)
        self._pipes = [self._input, output]
        self.send(self._credentials)
        await self.receive(Budget(60, 60))

    def send(self, request: Mapping[str, Any] | tuple[str, str]) -> None:
        """Send a request; what the pipe does not take at once follows. Raises EOFError."""
        if self._input.is_closing():
            raise EOFError
        self._input.write(json.dumps(request).encode() + b"\n")

    async def receive(self, budget: Budget) -> tuple[bytes, bytes]:
        """Give the kind and content of the next frame; raises DeadlineError or EOFError."""
        while (found := self._whole()) is None:
            self._held += await self._more(budget)
        return found

    def _whole(self) -> tuple[bytes, bytes] | None:
        """Return the next frame if all of it is there; those of a small answer come at once."""
        if len(self._held) < _HEAD.size:
            return None
        kind, length = _HEAD.unpack_from(self._held)
        end = _HEAD.size + length
        if len(self._held) < end:
            return None
        with memoryview(self._held) as held:
            content = bytes(held[_HEAD.size : end])
        del self._held[:end]
        return kind, content

    async def _more(self, budget: Budget) -> bytes:
        start = time.monotonic()
        if budget.left <= 0:
            raise budget.late()
        try:
            async with asyncio.timeout(budget.left):
                content = await self._output.read(PART)
        except TimeoutError:
            raise budget.late() from None
        budget.left -= time.monotonic() - start
        if not content:
            raise EOFError
        return content

    async def crash(self) -> CrashError:
        """Return how it ended whose output has ended, with its last words."""
        try:
            status = await asyncio.to_thread(self._running.wait, 1)
        except subprocess.TimeoutExpired:
            status = None
        written = self._words.fileno()
        start = max(0, os.fstat(written).st_size - _WORDS)
        return CrashError(status, os.pread(written, _WORDS, start))

    async def end(self) -> None:
        """End it, close its pipes and wait until its memory is free."""
        self._running.kill()
        for pipe in self._pipes:
            pipe.close()
        self._words.close()
        await asyncio.to_thread(self._running.wait)


_WORKERS_MEMORY = "The query needs more memory than a query may take."


class TooMuchMemoryError(QueryRefusedError):
    """A query that needs more memory than its process may take."""

    def __init__(self) -> None:
        super().__init__(_WORKERS_MEMORY)


class TooMuchError(CatalogueError):
    """An answer of more bytes or rows than an answer may have, in a form that cannot say so."""

    def __init__(self, most: int, unit: str) -> None:
        kind = "tooManyRows" if unit == "rows" else "tooManyBytes"
        super().__init__(f"more than {most} {unit}", kind=kind, most=most)


class BusyError(CatalogueError):
    """All processes have queries to run, and enough others wait."""

    kind = "busy"


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
    module: str = "practicegraph.sparql.worker"
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
            raise logged(str(error)) from error

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
        endpoint = await asyncio.to_thread(Endpoint.from_source, self.source)
        process = Process(endpoint, self.limits.memory, self.module)
        try:
            await process.open()
        except EOFError as error:
            crash = await process.crash()
            await process.end()
            raise BusyError(str(logged(f"a process does not start: {crash}"))) from error
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
        return logged(reason)
    if kind == MemoryError.__name__:
        return TooMuchMemoryError()
    if kind == IncompleteResultError.__name__:
        most = reason.rpartition(" ")[2]
        is_late = TIMEOUT_STATE in reason or not most.isdecimal()
        return late if is_late else TooMuchError(int(most), "rows")
    return StoreError(reason) if kind == StoreError.__name__ else QueryRefusedError(reason)
