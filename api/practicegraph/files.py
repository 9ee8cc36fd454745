"""Files changed as one: all of them or none, each whole."""

import difflib
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path


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


def _part(change: Change) -> Path:
    change.path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=change.path.parent, prefix=".", suffix=".part")
    with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
        stream.write(change.after)
        stream.flush()
        os.fsync(stream.fileno())
    Path(name).chmod(0o644)
    return Path(name)
