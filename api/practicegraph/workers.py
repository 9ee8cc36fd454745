"""Readers' queries, run in processes that are killed at a deadline.

A query that takes too long costs its process and nobody else's answer. Each process sees one
immutable snapshot of the store, or asks the endpoint of a store elsewhere.
"""

import json
import queue
import select
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from .endpoint import DEADLINE, Endpoint, IncompleteError, StoreError
from .hosts import Host
from .store import QueryRefusedError
from .worker import SMALL

_HEAD = 5
_MEMORY = "The query needs more memory than a query may take."
_PIPE = 1 << 20


class DeadlineError(TimeoutError):
    """A query that had not ended at its deadline; both are in seconds."""

    def __init__(self, seconds: float, most: float) -> None:
        super().__init__(f"not ended after {seconds:g} s")
        self.seconds, self.most = seconds, most


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
class _Budget:
    """The seconds left to a query: those in which it is waited for, not those of a slow reader."""

    seconds: float
    most: float
    left: float = field(init=False)

    def __post_init__(self) -> None:
        self.left = self.seconds

    def wait_for(self, pipe: IO[bytes]) -> None:
        start = time.monotonic()
        ready = self.left > 0 and select.select([pipe], [], [], self.left)[0]
        self.left -= time.monotonic() - start
        if not ready:
            raise self.late()

    def late(self) -> DeadlineError:
        return DeadlineError(self.seconds, self.most)


@dataclass
class _Process:
    running: subprocess.Popen[bytes]
    _ahead: bytearray = field(default_factory=bytearray)

    def send(self, request: Mapping[str, Any] | tuple[str, str]) -> None:
        assert self.running.stdin
        line = memoryview(json.dumps(request).encode() + b"\n")
        while line:
            line = line[self.running.stdin.write(line) :]

    def receive(self, budget: _Budget) -> tuple[bytes, bytes]:
        """Give the kind and content of the next frame; raises DeadlineError or EOFError."""
        head = self._read(_HEAD, budget)
        (length,) = struct.unpack(">I", head[1:])
        return head[:1], self._read(length, budget)

    def _read(self, length: int, budget: _Budget) -> bytes:
        assert self.running.stdout
        while len(self._ahead) < length:
            budget.wait_for(self.running.stdout)
            part = self.running.stdout.read(_PIPE)
            if not part:
                raise EOFError
            self._ahead += part
        content = bytes(memoryview(self._ahead)[:length])
        del self._ahead[:length]
        return content

    def end(self) -> None:
        self.running.kill()
        self.running.wait()
        for pipe in (self.running.stdin, self.running.stdout):
            if pipe:
                pipe.close()


@dataclass
class Answer:
    """A query's result: its kind, its form (none if the kind has none), and its parts."""

    kind: str
    form: str | None
    parts: Generator[bytes, None, None]


@dataclass
class Workers:
    """A pool of processes over a snapshot, or over the endpoint of a store elsewhere."""

    source: Path | Endpoint
    limits: Limits
    _idle: "queue.SimpleQueue[_Process]" = field(default_factory=queue.SimpleQueue, init=False)
    _processes: dict[int, _Process] = field(default_factory=dict, init=False)
    _waiting: threading.Semaphore = field(init=False)
    _closed: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        """Start the processes."""
        self._waiting = threading.Semaphore(self.limits.waiting)
        for _ in range(self.limits.processes):
            self._start()

    def run(self, request: Mapping[str, Any], seconds: float) -> Answer:
        """Run a query; raises QueryRefusedError, DeadlineError or BusyError.

        What goes wrong after the first part breaks the parts off: they end with an error.
        """
        process = self._take()
        budget = _Budget(seconds, self.limits.most_seconds)
        try:
            most = self.limits.most_rows
            process.send({"rows": most, "triples": most, "seconds": seconds, **request})
            kind, content = process.receive(budget)
        except (EOFError, OSError) as error:
            self._replace(process)
            late = isinstance(error, DeadlineError)
            raise error if late else QueryRefusedError(_MEMORY) from error
        if kind == b"E":
            self._idle.put(process)
            raise _failure(json.loads(content), budget.late())
        head = json.loads(content)
        parts = self._parts(process, budget)
        next(parts)
        return Answer(head["kind"], head["form"], parts)

    def close(self) -> None:
        """End all processes."""
        self._closed = True
        for process in list(self._processes.values()):
            process.end()

    def _parts(self, process: _Process, budget: _Budget) -> Generator[bytes, None, None]:
        ended, size, late = False, 0, None
        try:
            yield b""  # from here on, whoever lets go of the parts gives the process back
            while size <= self.limits.most_bytes:
                kind, content = process.receive(budget)
                ended = kind != b"D"
                if kind == b"E":
                    raise _failure(json.loads(content), budget.late())
                if kind == b"M":
                    raise TooMuchError(int(content), "rows")
                if ended:
                    return
                size += len(content)
                if late is None and size >= SMALL:
                    late = self._end_late(process)
                yield content
            raise TooMuchError(self.limits.most_bytes, "bytes")
        finally:
            if late:
                late.cancel()
            if ended:
                self._idle.put(process)
            else:
                self._replace(process)

    def _end_late(self, process: _Process) -> threading.Timer:
        """End the process if its answer is not read in time; small ones never wait for a reader."""
        late = threading.Timer(self.limits.reading, self._replace, (process,))
        late.daemon = True
        late.start()
        return late

    def _take(self) -> _Process:
        if not self._waiting.acquire(blocking=False):
            raise BusyError
        try:
            return self._idle.get(timeout=self.limits.patience)
        except queue.Empty as error:
            raise BusyError from error
        finally:
            self._waiting.release()

    def _start(self) -> None:
        endpoint = self.source if isinstance(self.source, Endpoint) else Endpoint(str(self.source))
        command = [sys.executable, "-m", "practicegraph.worker", endpoint.address]
        process = _Process(
            subprocess.Popen(  # noqa: S603 - our own module, with our own arguments
                [*command, str(self.limits.memory)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                bufsize=0,
                pipesize=_PIPE,
                start_new_session=True,
            )
        )
        self._processes[process.running.pid] = process
        process.send(endpoint.credentials)
        process.receive(_Budget(60, 60))
        self._idle.put(process)

    def _replace(self, process: _Process) -> None:
        if self._processes.pop(process.running.pid, None) is None:
            return
        process.end()
        if not self._closed:
            threading.Thread(target=self._start, daemon=True).start()


def _failure(said: Mapping[str, str], late: DeadlineError) -> Exception:
    """Give the error that a process tells of; a result cut off at the store's deadline is late."""
    kind, reason = said["error"], said["reason"]
    if kind == IncompleteError.__name__:
        most = reason.rpartition(" ")[2]
        is_late = DEADLINE in reason or not most.isdecimal()
        return late if is_late else TooMuchError(int(most), "rows")
    return StoreError(reason) if kind == StoreError.__name__ else QueryRefusedError(reason)
