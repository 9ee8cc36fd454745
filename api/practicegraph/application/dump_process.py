"""A process that makes the dumps of each release, so that the service answers meanwhile.

A process that has begun ends its work, whatever is written meanwhile; then one follows for the
release that is then the present one. It rests as long as it worked.
"""

import multiprocessing
import os
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.context import SpawnProcess
from pathlib import Path

from ..catalogue import catalogue
from ..exchange.dumps import DumpFolder, ReleaseDumps
from ..storage.oxigraph import Snapshots
from ..storage.remote import Endpoint, StoreError
from . import startup
from .services import Services

_NICENESS = 10
_PAUSE = 30.0  # seconds at least between two processes
_SPAWN = multiprocessing.get_context("spawn")


@dataclass
class DumpProcess:
    """Makes the dumps of a catalogue's releases, in a process of a thread."""

    services: Services
    dumps: DumpFolder
    _process: SpawnProcess | None = field(default=None, init=False)
    _closed: threading.Event = field(default_factory=threading.Event, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def __post_init__(self) -> None:
        """Start the thread."""
        threading.Thread(target=self._run, daemon=True).start()

    def newest(self) -> ReleaseDumps | None:
        """Return the dumps of the present release, or of the last one that has all."""
        return self.dumps.newest(self.services.catalogue.release)

    def close(self) -> None:
        """Kill the process; what it has not completed is begun anew another time."""
        self._closed.set()
        with self._lock:
            if self._process:
                self._process.kill()
                self._process.join()

    def _run(self) -> None:
        while not self._closed.is_set():
            began = time.monotonic()
            with suppress(StoreError, OSError):  # what is missing now may be there the next time
                self._make()
            self._closed.wait(max(_PAUSE, time.monotonic() - began))

    def _make(self) -> None:
        """Run a process to its end if the present release has no dumps."""
        if self.dumps.current(self.services.catalogue.release):
            return
        source = self.services.source
        assert source
        source = source.lease("dumps") if isinstance(source, Snapshots) else source
        opened = self.services.catalogue
        arguments = (opened.folder, source, dict(opened.prefixes), self.dumps)
        process = _SPAWN.Process(target=_make_dumps, args=arguments, daemon=True)
        with self._lock:
            if self._closed.is_set():
                return
            process.start()
            self._process = process
        process.join()


def _make_dumps(
    root: Path, source: Path | Endpoint, prefixes: Mapping[str, str], dumps: DumpFolder
) -> None:
    os.setsid()  # a key that interrupts the service does not reach this process
    os.nice(_NICENESS)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if isinstance(source, Endpoint):
        dumps.make(startup.open_remote_for_reading(root, source))
    else:
        dumps.make(catalogue.open_snapshot(root, source, prefixes))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent
    parent.join()
    os._exit(1)
