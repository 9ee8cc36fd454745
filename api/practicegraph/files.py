"""Files changed as one: all of them or none, each whole."""

import difflib
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_UNDER_WAY = ".put"


@dataclass(frozen=True)
class Change:
    """A file before and after; it did not exist where `before` is empty."""

    path: Path
    before: str
    after: str

    @property
    def needed(self) -> bool:
        """Tell whether the file becomes another one."""
        return self.before != self.after

    def lines(self) -> Iterator[str]:
        """Give the change as a unified diff."""
        return difflib.unified_diff(
            self.before.splitlines(),
            self.after.splitlines(),
            str(self.path),
            str(self.path),
            lineterm="",
            n=1,
        )


def write(changes: Sequence[Change]) -> None:
    """Write the files: each is complete on disk under another name before any is renamed."""
    parts: dict[Path, Path] = {}
    try:
        for change in changes:
            parts[change.path] = _part(change)
    except OSError:
        for part in parts.values():
            part.unlink(missing_ok=True)
        raise
    for path, part in parts.items():
        part.replace(path)


def put(path: Path, text: str) -> None:
    """Write one file, whole and on disk when this returns; `sweep` takes what is left of others."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}{_UNDER_WAY}")
    try:
        with part.open("w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    _settle(path.parent)


def sweep(folder: Path) -> None:
    """Take away what a killed process had not yet put in its place."""
    for part in list(folder.rglob(f".*{_UNDER_WAY}")):
        part.unlink()


def _settle(folder: Path) -> None:
    """Have the names of files in a folder on disk, which a file by itself does not see to."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _part(change: Change) -> Path:
    change.path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=change.path.parent, prefix=".", suffix=".part")
    with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
        stream.write(change.after)
        stream.flush()
        os.fsync(stream.fileno())
    Path(name).chmod(0o644)
    return Path(name)
