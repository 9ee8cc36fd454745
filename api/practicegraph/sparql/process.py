"""A worker process as the server sees it: requests go in, frames come out, and it can be killed."""

import asyncio
import logging
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from tempfile import TemporaryFile
from typing import Any

import msgspec

from ..errors import CatalogueError
from ..storage.remote import Endpoint
from .protocol import CHUNK_SIZE, HEADER

_LOG = logging.getLogger(__name__)
# What Rust's allocator, the C++ library and Python write where memory is refused.
_OUT_OF_MEMORY = (b"memory allocation of", b"bad_alloc", b"MemoryError")
_PIPE_SIZE = 1 << 20
_STDERR_BYTES = 2000  # the last ones, which say what it ended of
_START_SECONDS = 60.0


class IncidentError(CatalogueError):
    """An error of the server; the log has more of it under its number."""

    def __init__(self, number: str) -> None:
        super().__init__(f"incident {number}", number=number, extra={"incident": number})
        self.number = number


class CrashError(CatalogueError, EOFError):
    """A process that has ended by itself: its exit status, if known, and its last stderr."""

    def __init__(self, status: int | None, stderr: bytes) -> None:
        text = stderr.decode(errors="replace")
        super().__init__(f"its process ended: {_describe_status(status)}; {text}")
        self.status, self.stderr = status, stderr

    @property
    def is_of_memory(self) -> bool:
        """Whether it ended because it was refused memory."""
        return any(sign in self.stderr for sign in _OUT_OF_MEMORY)


class DeadlineExceededError(CatalogueError):
    """A query that has not ended at its deadline; `maximum` is the longest one, in seconds."""

    kind = "queryTimeout"

    def __init__(self, seconds: float, maximum: float) -> None:
        text = f"{seconds:g} s"
        super().__init__(f"not ended after {text}", seconds=text, maximum=f"{maximum:g} s")


def log_incident(text: str) -> IncidentError:
    """Log an error of the server; return the one with the number under which the log has it."""
    error = IncidentError(secrets.token_hex(4))
    _LOG.error("%s: %s", error, text)
    return error


@dataclass
class TimeBudget:
    """The seconds left to a query: those spent waiting for it, not those of a slow reader."""

    seconds: float
    maximum: float
    remaining: float = field(init=False)

    def __post_init__(self) -> None:
        self.remaining = self.seconds

    def deadline_error(self) -> DeadlineExceededError:
        """Return the error of a query that has used them up."""
        return DeadlineExceededError(self.seconds, self.maximum)


class WorkerProcess:
    """A running worker; its pipes belong to the event loop that opens them."""

    def __init__(self, source: Endpoint, memory: int, module: str) -> None:
        """Start a module on a store, with at most so many bytes of memory."""
        self._stderr = TemporaryFile()  # noqa: SIM115 - closed at the end
        self._popen = subprocess.Popen(  # noqa: S603 - our own module, with our own arguments
            [sys.executable, "-m", module, source.url, str(memory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            bufsize=0,
            pipesize=_PIPE_SIZE,
            start_new_session=True,
        )
        self._credentials = source.credentials
        self._input: asyncio.WriteTransport | None = None
        self._output_pipe: asyncio.BaseTransport | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._buffer = bytearray()

    async def open(self) -> None:
        """Wait until it is ready; raise DeadlineExceededError or EOFError."""
        self._connecting = asyncio.create_task(self._connect_pipes())
        await asyncio.shield(self._connecting)  # one that is cancelled closes its pipe
        self.send(self._credentials)
        await self.receive(TimeBudget(_START_SECONDS, _START_SECONDS))

    async def _connect_pipes(self) -> None:
        loop = asyncio.get_running_loop()
        self._output = asyncio.StreamReader(CHUNK_SIZE)
        protocol = asyncio.StreamReaderProtocol(self._output)
        self._output_pipe, _ = await loop.connect_read_pipe(lambda: protocol, self._popen.stdout)
        self._input, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, self._popen.stdin)

    def send(self, request: Mapping[str, Any] | tuple[str, str]) -> None:
        """Send a request; what the pipe does not take at once follows. Raise EOFError."""
        if self._input is None or self._input.is_closing():
            raise EOFError
        self._input.write(msgspec.json.encode(request) + b"\n")

    async def receive(self, budget: TimeBudget) -> tuple[bytes, bytes]:
        """Return letter and content of the next frame; raise DeadlineExceededError or EOFError."""
        while (frame := self._buffered_frame()) is None:
            self._buffer += await self._read(budget)
        return frame

    def _buffered_frame(self) -> tuple[bytes, bytes] | None:
        """Return the next frame if all of it is there; those of a small result come at once."""
        if len(self._buffer) < HEADER.size:
            return None
        letter, length = HEADER.unpack_from(self._buffer)
        end = HEADER.size + length
        if len(self._buffer) < end:
            return None
        with memoryview(self._buffer) as view:
            content = bytes(view[HEADER.size : end])
        del self._buffer[:end]
        return letter, content

    async def _read(self, budget: TimeBudget) -> bytes:
        if budget.remaining <= 0:
            raise budget.deadline_error()
        loop = asyncio.get_running_loop()
        start = loop.time()
        late = loop.call_later(budget.remaining, self._output.set_exception, TimeoutError())
        try:
            content = await self._output.read(CHUNK_SIZE)
        except TimeoutError:
            raise budget.deadline_error() from None
        finally:
            late.cancel()
        budget.remaining -= loop.time() - start
        if not content:
            raise EOFError
        return content

    async def crash(self) -> CrashError:
        """Return how it ended, once its output has, with its last stderr."""
        try:
            status = await asyncio.to_thread(self._popen.wait, 1)
        except subprocess.TimeoutExpired:
            status = None
        file = self._stderr.fileno()
        start = max(0, os.fstat(file).st_size - _STDERR_BYTES)
        return CrashError(status, os.pread(file, _STDERR_BYTES, start))

    async def end(self) -> None:
        """Kill it, close its pipes and wait until its memory is free.

        It is waited for even where whoever waits here is cancelled.
        """
        self._popen.kill()
        await asyncio.shield(self._end())

    async def _end(self) -> None:
        if self._connecting:
            await asyncio.wait([self._connecting])
        assert self._popen.stdin and self._popen.stdout
        if self._input is None:  # else the transport closes it: twice ends the event loop
            self._popen.stdin.close()
        elif not self._input.is_closing():
            self._input.abort()
        (self._output_pipe or self._popen.stdout).close()
        self._stderr.close()
        await asyncio.get_running_loop().run_in_executor(None, self._popen.wait)


def _describe_status(status: int | None) -> str:
    if status is None:
        return "its exit status is not known"
    if status >= 0:
        return f"exit status {status}"
    return f"signal {-status} ({signal.strsignal(-status)})"
