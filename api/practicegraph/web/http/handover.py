"""Requests that one process hands over to the one that writes, and reads that follow the writes.

Handed over are writes, and forms, since their sessions are in the other process. A socket for a
request's messages (ASGI) is sent through the socket that both processes have (SCM_RIGHTS).
Whichever process ends, the sockets and the request end with it.
"""

import asyncio
import socket
import struct
from asyncio import StreamReader, StreamWriter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ...editing.editor import Replica
from ...editing.entry import NEW
from ..urls import EDIT
from .connections import abort
from .middleware import allowed

_BODY = "http.response.body"
_LENGTH = struct.Struct("!I")
_PARTS: tuple[str, ...]
_PARTS = ("type", "asgi", "http_version", "method", "scheme", "path", "raw_path", "root_path")
_PARTS += ("query_string", "headers", "client", "server")
_AT_WRITER = (NEW, EDIT, "health")  # the last segments of paths; that process checks the folder


@dataclass(frozen=True)
class ReaderApplication:
    """The application of a process that only reads; it hands over what is not for it."""

    app: ASGIApp
    replica: Replica
    control: socket.socket
    """Where sockets for requests are sent."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request in step with all writes acknowledged before, or hand it over."""
        if scope["type"] == "http":
            if _is_for_writer(scope["method"], scope["path"].rstrip("/")):
                await self._hand_over(scope, receive, send)
                return
            if self.replica.is_behind:
                await run_in_threadpool(self.replica.follow)
        await self.app(scope, receive, send)

    async def _hand_over(self, scope: Scope, receive: Receive, send: Send) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(self.control, [b"\0"], [theirs.fileno()])
        reader, writer = await asyncio.open_unix_connection(sock=ours)
        is_whole, sending = False, asyncio.create_task(_send_request(scope, receive, writer))
        try:
            while (message := await _read(reader)) is not None:
                await send(message)
                is_whole = message["type"] == _BODY and not message.get("more_body")
            if not is_whole:  # the other process has ended
                abort(scope)
                await asyncio.sleep(0)
        finally:
            sending.cancel()
            writer.close()


def _is_for_writer(method: str, path: str) -> bool:
    if method in ("GET", "HEAD"):
        return path.rpartition("/")[2] in _AT_WRITER
    return method not in allowed(path) or method == "OPTIONS"


async def _send_request(scope: Scope, receive: Receive, writer: StreamWriter) -> None:
    message: Message = {name: scope.get(name) for name in _PARTS}
    with suppress(ConnectionError):
        while True:
            await _write(writer, message)
            if message["type"] == "http.disconnect":
                return
            message = await receive()


@dataclass
class HandedOver:
    """The requests that other processes hand over to an application."""

    app: ASGIApp
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def accept(self, control: socket.socket) -> None:
        """Answer what comes through a socket, until the other process ends."""
        asyncio.get_running_loop().add_reader(control, self._begin, control)

    def _begin(self, control: socket.socket) -> None:
        content, handles, *_ = socket.recv_fds(control, 1, 1)
        if not content:
            asyncio.get_running_loop().remove_reader(control)
            control.close()
            return
        task = asyncio.create_task(self._answer(socket.socket(fileno=handles[0])))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, connection: socket.socket) -> None:
        reader, writer = await asyncio.open_unix_connection(sock=connection)

        async def receive() -> Message:
            return await _read(reader) or {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            with suppress(ConnectionError):
                await _write(writer, message)

        try:
            if scope := await _read(reader):
                scope["headers"] = [(name, value) for name, value in scope["headers"]]
                await self.app(scope, receive, send)
        finally:
            writer.close()


async def _write(writer: StreamWriter, message: Message) -> None:
    content = msgspec.msgpack.encode(message)
    writer.write(_LENGTH.pack(len(content)) + content)
    await writer.drain()


async def _read(reader: StreamReader) -> dict[str, Any] | None:
    """Return the next message, or None where there is no other."""
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        message: dict[str, Any] = msgspec.msgpack.decode(await reader.readexactly(length))
        return message
    return None
