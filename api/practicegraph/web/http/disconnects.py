"""What is done for a reader ends when the reader's connection does (ASGI: `http.disconnect`).

A connection of which the reader has closed its sending side has ended: nothing on the wire tells
it from one whose reader has gone (RFC 9112, section 9.6).
"""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from fastapi import Request
from starlette.requests import ClientDisconnect
from starlette.types import Receive

_AFTER = 0.1
"""Seconds before a connection is watched; most answers are there by then."""
_T = TypeVar("_T")


async def watched(request: Request, work: Awaitable[_T]) -> _T:
    """Return the result of work, which is cancelled when the reader goes: raises ClientDisconnect.

    The body of the request must have been read.
    """
    task = asyncio.current_task()
    assert task
    progress = _Watch(task)
    later = asyncio.get_running_loop().call_later(_AFTER, progress.start, request.receive)
    try:
        return await work
    except asyncio.CancelledError:
        if progress.has_gone and not task.uncancel():
            raise ClientDisconnect from None
        raise
    finally:
        later.cancel()
        progress.stop()


class _Watch:
    """Cancels a task when a connection ends."""

    def __init__(self, task: "asyncio.Task[object]") -> None:
        self.has_gone = False
        self._task = task
        self._watching: asyncio.Task[None] | None = None

    def start(self, receive: Receive) -> None:
        """Watch the connection from which something is received."""
        self._watching = asyncio.create_task(self._watch(receive))

    def stop(self) -> None:
        """Watch no longer."""
        if self._watching:
            self._watching.cancel()

    async def _watch(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self.has_gone = True
        self._task.cancel()
