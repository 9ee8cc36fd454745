"""Processes beside the server: a check of the folder, and the dumps of each release.

Which files are not served as they are is known at the start. `practicegraph check` runs once the
server responds, and its violations are logged. A process that makes dumps ends its work, whatever
is written meanwhile; then one follows for the release that is then the present one. It rests as
long as it worked.
"""

import json
import logging
import multiprocessing
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.context import SpawnProcess
from pathlib import Path
from tempfile import TemporaryFile
from threading import Event, Lock, Thread
from typing import Any

from ..catalogue import catalogue, documents
from ..catalogue.catalogue import Catalogue
from ..exchange.export import DumpFolder, ReleaseDumps
from ..schema.shapes.constraints import VIOLATION
from ..storage.oxigraph import Snapshots
from ..storage.remote import Endpoint, StoreError
from . import startup
from .services import Services

LOG = logging.getLogger("practicegraph")
_DELAY = 5.0  # seconds in which the service starts undisturbed
_POLL_INTERVAL = 0.2  # seconds
_MAX_LOGGED = 20  # violations
_MAX_SIZE = 1 << 28  # bytes of files, of which a check takes minutes and gigabytes
_CHECK_NICENESS = 19  # the lowest priority
_DUMP_NICENESS = 10
_PAUSE = 30.0  # seconds at least between two processes
_SPAWN = multiprocessing.get_context("spawn")


@dataclass(frozen=True)
class FileFault:
    """A fault of one version of a file: its violations, or the reason why it is not served."""

    path: Path
    checksum: str
    violations: int = 0
    reason: str = ""

    @property
    def is_current(self) -> bool:
        """Return whether the file has not changed since."""
        return _checksum(self.path) == self.checksum


@dataclass
class FolderHealth:
    """The faults of a catalogue's files; each one ends when its file changes."""

    root: Path
    faults: list[FileFault] = field(default_factory=list)

    @classmethod
    def from_catalogue(cls, opened: Catalogue) -> "FolderHealth":
        """Return the health of a catalogue that was just opened, and log its unreadable files."""
        health = cls(opened.folder.resolve())
        for error in opened.unreadable:
            LOG.warning("not served as it is: %s", error)
            path, reason = error.path.resolve(), f"{error.line}:{error.column}: {error.reason}"
            health.faults.append(FileFault(path, _checksum(path), reason=reason))
        return health

    def as_json(self) -> dict[str, Any]:
        """Return the status, and the files with faults."""
        current = [self._row(fault) for fault in self.faults if fault.is_current]
        return {"status": "degraded", "files": current} if current else {"status": "ok"}

    def add_findings(self, findings: Sequence[dict[str, Any]]) -> None:
        """Add and log the violations among the findings of a check."""
        violations = [row for row in findings if row["severity"] == VIOLATION]
        for row in violations[:_MAX_LOGGED]:
            location = row.get("location", {})
            place = [location.get(key) for key in ("file", "line", "column")]
            LOG.warning("%s:%s:%s: %s", *place, row["message"])
        if more := len(violations[_MAX_LOGGED:]):
            LOG.warning("%d more findings; `practicegraph check` lists them", more)
        with_fault = {fault.path for fault in self.faults}
        for path, count in _count_by_file(violations).items():
            if path not in with_fault and path.is_file():
                self.faults.append(FileFault(path, _checksum(path), violations=count))

    def _row(self, fault: FileFault) -> dict[str, Any]:
        name = {"file": str(fault.path.relative_to(self.root))}
        return name | ({"reason": fault.reason} if fault.reason else {"findings": fault.violations})


@contextmanager
def checked_beside(health: FolderHealth, delay: float = _DELAY) -> Iterator[None]:
    """Check the folder in a process while the service runs."""
    ended = Event()
    thread = Thread(target=_check, args=(health, ended, delay), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@dataclass
class ReleasedDumps:
    """The dumps of a catalogue's releases that have been made."""

    services: Services
    dumps: DumpFolder

    def newest(self) -> ReleaseDumps | None:
        """Return the dumps of the present release, or of the last one that has all."""
        return self.dumps.newest(self.services.catalogue.release)


@dataclass
class DumpProcess(ReleasedDumps):
    """Makes the dumps of a catalogue's releases, in a process of a thread."""

    _process: SpawnProcess | None = field(default=None, init=False)
    _closed: Event = field(default_factory=Event, init=False)
    _lock: Lock = field(default_factory=Lock, init=False)

    def __post_init__(self) -> None:
        """Start the thread."""
        Thread(target=self._run, daemon=True).start()

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


def _check(health: FolderHealth, ended: Event, delay: float) -> None:
    if ended.wait(delay):
        return
    if sum(path.stat().st_size for path in documents.list_files(health.root)) > _MAX_SIZE:
        LOG.warning("the files are large: they are not checked; `practicegraph check` does it")
        return
    command = [sys.executable, "-m", "practicegraph", "check", "--format", "json"]
    command += ["--folder", str(health.root)]
    with TemporaryFile() as output, subprocess.Popen(command, stdout=output) as process:  # noqa: S603
        os.setpriority(os.PRIO_PROCESS, process.pid, _CHECK_NICENESS)
        while process.poll() is None:
            if ended.wait(_POLL_INTERVAL):
                process.kill()
        output.seek(0)
        if process.returncode in (0, 1) and not ended.is_set():
            health.add_findings(json.load(output)["findings"])


def _count_by_file(findings: Sequence[dict[str, Any]]) -> Counter[Path]:
    return Counter(Path(row["location"]["file"]) for row in findings if "location" in row)


def _checksum(path: Path) -> str:
    try:
        return documents.checksum(path)
    except OSError:
        return ""


def _make_dumps(
    root: Path, source: Path | Endpoint, prefixes: Mapping[str, str], dumps: DumpFolder
) -> None:
    os.setsid()  # a key that interrupts the service does not reach this process
    os.nice(_DUMP_NICENESS)
    Thread(target=end_with_parent, daemon=True).start()
    if isinstance(source, Endpoint):
        dumps.make(startup.open_remote_for_reading(root, source))
    else:
        dumps.make(catalogue.open_snapshot(root, source, prefixes))


def end_with_parent() -> None:
    """End this process when the one that has started it ends."""
    parent = multiprocessing.parent_process()
    assert parent
    parent.join()
    os._exit(1)
