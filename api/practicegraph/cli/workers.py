"""The HTTP server, in one process or in several on one port.

The first process is the whole service, and the one that writes. Each other one has a copy of store
and index, which follows the change log, and hands writes over to the first. All listen on sockets
of their own with one address (`SO_REUSEPORT`), among which the system distributes connections. One
that ends is started again on a new copy; with the first, all end.
"""

import asyncio
import gc
import logging
import multiprocessing
import os
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing.context import SpawnProcess
from pathlib import Path
from threading import Thread
from typing import Any

import click
import uvicorn

from ..application import background, startup
from ..application.background import ReleasedDumps
from ..application.services import Services
from ..catalogue.catalogue import WORK_FOLDER
from ..editing.editor import EntryWriter
from ..exchange.export import DumpFolder
from ..sparql.pool import QueryLimits, WorkerPool
from ..web.app import application
from ..web.http import responses
from ..web.http.connections import BoundedConnection
from ..web.http.handover import HandedOver, ReaderApplication
from ..web.http.middleware import Network

_LOG = logging.getLogger("practicegraph")
_SHUTDOWN_SECONDS = 3  # for responses that are being sent when the server is told to stop
_END_SECONDS = 5  # after which a process that was told to stop is killed
_PAUSE = 1.0  # seconds before a process that has ended is started again
_SWITCH_SECONDS = 0.001  # after which a thread that computes lets the event loop go on
_SPAWN = multiprocessing.get_context("spawn")


@dataclass(frozen=True)
class ServerSettings:
    """The settings that all processes of a service share."""

    folder: Path
    host: str
    port: int
    proxies: Sequence[Network]
    limits: QueryLimits
    with_dumps: bool

    @property
    def dump_folder(self) -> DumpFolder:
        """Return the folder of the dumps."""
        return DumpFolder(self.folder / WORK_FOLDER / "dumps")

    @property
    def options(self) -> Mapping[str, Any]:
        """Return the options of the HTTP server."""
        return {
            "http": BoundedConnection,
            "timeout_keep_alive": int(BoundedConnection.bounds.idle_seconds),
            "log_level": "warning",
            "access_log": False,
            "lifespan": "on",
            "proxy_headers": False,
            "timeout_graceful_shutdown": _SHUTDOWN_SECONDS,
        }

    def prepare(self) -> None:
        """Prepare this process, in which the catalogue is open, for serving it.

        The objects of the catalogue live as long as the service: a garbage collection of them would
        stop all requests for 0.1 s.
        """
        logging.getLogger("uvicorn.error").addFilter(responses.filter_record)
        gc.collect()
        gc.freeze()
        sys.setswitchinterval(_SWITCH_SECONDS)

    def with_free_port(self) -> "ServerSettings":
        """Return the settings with a port on which nobody listens; exit as a server does if not."""
        if not hasattr(socket, "SO_REUSEPORT"):
            raise click.UsageError("--workers: this system has no SO_REUSEPORT.")
        with uvicorn.Config("", self.host, self.port, **self.options).bind_socket() as bound:
            return replace(self, port=bound.getsockname()[1])

    def run(self, app: Callable[..., Awaitable[None]]) -> None:
        """Serve an application until the process is told to stop."""
        self.prepare()
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        address = (self.host, self.port)
        server = uvicorn.Server(uvicorn.Config(app, **self.options))
        with (
            suppress(KeyboardInterrupt),
            socket.create_server(address, family=family, reuse_port=True) as listening,
        ):
            server.run([listening])


@dataclass(frozen=True)
class WorkerProcesses:
    """The processes that answer beside this one."""

    settings: ServerSettings
    services: Services
    writer: EntryWriter
    count: int

    @asynccontextmanager
    async def running(self, app: Callable[..., Awaitable[None]]) -> AsyncIterator[None]:
        """Run them beside an application, to which they hand over requests."""
        handed_over = HandedOver(app)
        tasks = [
            asyncio.create_task(self._keep_running(number, handed_over))
            for number in range(self.count)
        ]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep_running(self, number: int, handed_over: HandedOver) -> None:
        """Run a process, again and again, until this is cancelled."""
        folder = (self.settings.folder / WORK_FOLDER / "workers" / str(number)).resolve()
        while True:
            with suppress(OSError):  # what is missing now may be there the next time
                copied = await asyncio.to_thread(
                    startup.copy_for_worker, self.services, self.writer, folder
                )
                ours, theirs = socket.socketpair()
                with theirs:
                    arguments = self.settings, folder, copied, theirs
                    process = _SPAWN.Process(target=_answer_requests, args=arguments, daemon=True)
                    process.start()
                handed_over.accept(ours)
                await _wait(process)
                _LOG.error("a process has ended (%s); it is started again", process.exitcode)
            await asyncio.sleep(_PAUSE)


async def _wait(process: SpawnProcess) -> None:
    """Wait until a process has ended; end it if this is cancelled."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(process.sentinel, ended.set)
    try:
        await ended.wait()
    except asyncio.CancelledError:
        process.terminate()
        with suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), _END_SECONDS)
        process.kill()
        raise
    finally:
        loop.remove_reader(process.sentinel)
        process.join()


def _answer_requests(
    settings: ServerSettings, folder: Path, number: int, control: socket.socket
) -> None:
    """Serve the copy in a folder, which has the events up to a number, until told to stop."""
    os.setsid()  # a key that interrupts the service does not reach this process
    Thread(target=background.end_with_parent, daemon=True).start()
    services = startup.open_copy(settings.folder, folder)
    assert services.source
    dumps = ReleasedDumps(services, settings.dump_folder) if settings.with_dumps else None
    pool = WorkerPool(services.source, settings.limits)
    app = application(services, pool, dumps, settings.proxies)
    settings.run(ReaderApplication(app, startup.replica_of(services, number), control))
