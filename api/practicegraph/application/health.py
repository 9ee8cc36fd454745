"""The health of a catalogue's folder: which files are not served as they are, or have violations.

Unreadable files are known at the start. `practicegraph check` runs in a process of low priority
beside the server once that responds, and its violations are logged.
"""

import json
import logging
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from threading import Event, Thread
from typing import Any

from ..catalogue import documents
from ..catalogue.catalogue import Catalogue
from ..validation.findings import VIOLATION

LOG = logging.getLogger("practicegraph")
_DELAY = 5.0  # seconds in which the service starts undisturbed
_POLL_INTERVAL = 0.2  # seconds
_NICENESS = 19  # the lowest priority
_MAX_LOGGED = 20  # violations
_MAX_SIZE = 1 << 28  # bytes of files, of which a check takes minutes and gigabytes


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
    def of(cls, catalogue: Catalogue) -> "FolderHealth":
        """Return the health of a catalogue that was just opened, and log its unreadable files."""
        health = cls(catalogue.folder.resolve())
        for error in catalogue.unreadable:
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


def _check(health: FolderHealth, ended: Event, delay: float) -> None:
    if ended.wait(delay):
        return
    if sum(path.stat().st_size for path in documents.list_files(health.root)) > _MAX_SIZE:
        LOG.warning("the files are large: they are not checked; `practicegraph check` does it")
        return
    command = [sys.executable, "-m", "practicegraph", "check", "--format", "json"]
    command += ["--folder", str(health.root)]
    with TemporaryFile() as output, subprocess.Popen(command, stdout=output) as process:  # noqa: S603
        os.setpriority(os.PRIO_PROCESS, process.pid, _NICENESS)
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
