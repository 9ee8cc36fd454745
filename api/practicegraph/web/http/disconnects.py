"""Cancellation of work when the client disconnects (ASGI: `http.disconnect`).

A connection whose client has closed the sending side counts as ended, since it cannot be told from
one that the client has left (RFC 9112, section 9.6).
"""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from fastapi import Request
from starlette.requests import ClientDisconnect
from starlette.types import Receive

_DELAY = 0.1
"""Seconds before a connection is watched; most responses are ready earlier."""
_T = TypeVar("_T")


async def run_until_disconnect(request: Request, work: Awaitable[_T]) -> _T:
    """Return the result of work; cancel it and raise ClientDisconnect if the client disconnects.

    The body of the request must have been read.
    """
    task = asyncio.current_task()
    assert task
    watcher = _Watcher(task)
    timer = asyncio.get_running_loop().call_later(_DELAY, watcher.start, request.receive)
    try:
        return await work
    except asyncio.CancelledError:
        if watcher.is_disconnected and not task.uncancel():
            raise ClientDisconnect from None
        raise
    finally:
        timer.cancel()
        watcher.stop()


class _Watcher:
    """Cancels a task when a connection ends."""

    def __init__(self, task: "asyncio.Task[object]") -> None:
        self.is_disconnected = False
        self._task = task
        self._watching: asyncio.Task[None] | None = None

    def start(self, receive: Receive) -> None:
        """Start to watch a connection."""
        self._watching = asyncio.create_task(self._watch(receive))

    def stop(self) -> None:
        """Stop to watch the connection."""
        if self._watching:
            self._watching.cancel()

    async def _watch(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self.is_disconnected = True
        self._task.cancel()
