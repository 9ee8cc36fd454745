"""A process of `worker` or its like, as the server sees it: requests go in, frames come out."""

import asyncio
import json
import os
import struct
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from tempfile import TemporaryFile
from typing import Any

from .endpoint import Endpoint
from .frames import PART
from .incidents import CrashError

_HEAD = struct.Struct(">cI")
_PIPE = 1 << 20
_WORDS = 2000  # bytes of its last words that are of use


class DeadlineError(TimeoutError):
    """A query that had not ended at its deadline; both are in seconds."""

    def __init__(self, seconds: float, most: float) -> None:
        super().__init__(f"not ended after {seconds:g} s")
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
            [sys.executable, "-m", module, source.address, str(memory)],
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
