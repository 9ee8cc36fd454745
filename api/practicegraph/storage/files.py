"""Files changed as one: all of them or none, each whole.

Long files written piece by piece: measured, packed, and whole on disk before they are there.
"""

import difflib
import gzip
import hashlib
import io
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

_UNDER_WAY = ".put"


@dataclass(frozen=True)
class FileChange:
    """A file before and after; it did not exist where `before` is empty."""

    path: Path
    before: str
    after: str

    @property
    def has_effect(self) -> bool:
        """Return whether the file becomes another one."""
        return self.before != self.after

    def diff(self) -> Iterator[str]:
        """Return the change as a unified diff."""
        return difflib.unified_diff(
            self.before.splitlines(),
            self.after.splitlines(),
            str(self.path),
            str(self.path),
            lineterm="",
            n=1,
        )


def write_changes(changes: Sequence[FileChange]) -> None:
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


def write_text(path: Path, text: str) -> None:
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


def remove_partial_files(folder: Path) -> None:
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


def _part(change: FileChange) -> Path:
    change.path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=change.path.parent, prefix=".", suffix=".part")
    with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
        stream.write(change.after)
        stream.flush()
        os.fsync(stream.fileno())
    Path(name).chmod(0o644)
    return Path(name)


Produce = Callable[[BinaryIO], object]
"""Writes a file's content."""

GZIP_SUFFIX = ".gz"
_BUFFER = 1 << 18


class Measured(io.RawIOBase):
    """A file that knows its size in bytes and its SHA-256."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._hash = hashlib.sha256()
        self.size = 0

    def writable(self) -> bool:
        """Return that it can be written to."""
        return True

    def write(self, content: Any) -> int:
        """Write all of the content and give its length."""
        self._hash.update(content)
        self._stream.write(content)
        self.size += len(content)
        return len(content)

    @property
    def checksum(self) -> str:
        """Return the SHA-256 of what was written, in hexadecimal digits."""
        return self._hash.hexdigest()


def write_both(plain: Path, packed: Path, produce: Produce) -> tuple[Measured, Measured]:
    """Write a file and the same packed, and give the measures of both; raises OSError."""
    with _measured(plain) as one, _measured(packed) as other:
        with _packing(other) as coded, _buffered(one, coded) as output:
            produce(output)
        return one, other


def write_stream(path: Path, produce: Produce) -> None:
    """Write a file, packed if its name ends in `.gz`, in the place of what is there; or OSError."""
    part = path.with_name(f".{path.name}.part")
    try:
        if path.suffix == GZIP_SUFFIX:
            with _measured(part) as one, _packing(one) as coded, _buffered(coded) as output:
                produce(output)
        else:
            with _measured(part) as one, _buffered(one) as output:
                produce(output)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


class _Copies(io.RawIOBase):
    """Writes to several files at once."""

    def __init__(self, *outputs: io.RawIOBase | gzip.GzipFile) -> None:
        self._outputs = outputs

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        for output in self._outputs:
            output.write(content)
        return len(content)


@contextmanager
def _measured(path: Path) -> Iterator[Measured]:
    with path.open("wb") as stream:
        yield Measured(stream)
        stream.flush()
        os.fsync(stream.fileno())


def _packing(output: Measured) -> gzip.GzipFile:
    # Without a name and a time in it, the packed file is the same each time (RFC 1952, 2.3).
    return gzip.GzipFile("", "wb", compresslevel=6, fileobj=output, mtime=0)


def _buffered(*outputs: io.RawIOBase | gzip.GzipFile) -> io.BufferedWriter:
    return io.BufferedWriter(_Copies(*outputs), _BUFFER)
