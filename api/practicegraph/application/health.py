"""What is known to be wrong with the files of a catalogue that is served.

Files that are not served as they are on disk are known at the start. What `check` finds is asked of
a process beside the service once that answers, and said in the log.
"""

import json
import logging
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from threading import Event, Thread
from typing import IO, Any

from ..catalogue import documents
from ..catalogue.catalogue import Catalogue

LOG = logging.getLogger("practicegraph")
_BEFORE = 5.0  # seconds in which the service begins to answer undisturbed
_STEP = 0.2  # seconds after which it is looked whether the process has ended
_MOST = 20  # lines of the log about findings
_SAID = ("path", "line", "column", "message")
_LARGEST = 1 << 28  # bytes of files, for which a first check takes minutes and gigabytes


@dataclass(frozen=True)
class Fault:
    """What is wrong with a file as it was: how many violations, or why it is not served so."""

    path: Path
    checksum: str
    findings: int = 0
    reason: str = ""

    @property
    def lasts(self) -> bool:
        """Tell whether the file is still what it was."""
        return _checksum(self.path) == self.checksum


@dataclass
class FolderHealth:
    """The condition of a catalogue's files; each fault lasts until its file is another one."""

    root: Path
    faults: list[Fault] = field(default_factory=list)

    @classmethod
    def of(cls, catalogue: Catalogue) -> "FolderHealth":
        """Return the condition as it is known at the start, and say it in the log."""
        found = cls(catalogue.folder.resolve())
        for error in catalogue.unreadable:
            LOG.warning("not served as it is: %s", error)
            reason = f"{error.line}:{error.column}: {error.reason}"
            path = error.path.resolve()
            found.faults.append(Fault(path, _checksum(path), reason=reason))
        return found

    def as_json(self) -> dict[str, Any]:
        """Return the status, and the files that are at fault."""
        lasting = [fault for fault in self.faults if fault.lasts]
        return {"status": "degraded", "files": list(map(self._row, lasting))} if lasting else _OK

    def learn(self, findings: list[dict[str, Any]]) -> None:
        """Take up what a check has found, and say it in the log."""
        wrong = [row for row in findings if row["severity"] == "Violation"]
        for row in wrong[:_MOST]:
            LOG.warning("%s:%s:%s: %s", *(row[name] for name in _SAID))
        if wrong[_MOST:]:
            LOG.warning("%d findings more; `practicegraph check` lists them", len(wrong) - _MOST)
        known = {fault.path for fault in self.faults}
        for path, count in Counter(Path(row["path"]) for row in wrong).items():
            if path not in known and path.is_file():
                self.faults.append(Fault(path, _checksum(path), findings=count))

    def _row(self, fault: Fault) -> dict[str, Any]:
        name = {"file": str(fault.path.relative_to(self.root))}
        return name | ({"reason": fault.reason} if fault.reason else {"findings": fault.findings})


@contextmanager
def checked_beside(condition: FolderHealth, wait: float = _BEFORE) -> Iterator[None]:
    """Have the folder checked by a process, while the service runs."""
    ended = Event()
    thread = Thread(target=_check, args=(condition, ended, wait), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _check(condition: FolderHealth, ended: Event, wait: float) -> None:
    if ended.wait(wait):
        return
    if sum(path.stat().st_size for path in documents.list_files(condition.root)) > _LARGEST:
        LOG.warning("the files are many: `practicegraph check` tells whether they are right")
        return
    command = [sys.executable, "-m", "practicegraph", "check", "--format", "json"]
    command += ["--folder", str(condition.root)]
    with TemporaryFile() as said, _started(command, said) as process:
        while process.poll() is None:
            if ended.wait(_STEP):
                process.kill()
        said.seek(0)
        if process.returncode in (0, 1) and not ended.is_set():
            condition.learn(json.load(said))


def _started(command: list[str], output: IO[bytes]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(command, stdout=output)  # noqa: S603 - our own module and arguments


def _checksum(path: Path) -> str:
    try:
        return documents.checksum(path)
    except OSError:
        return ""


_OK = {"status": "ok"}
