"""Files that are replaced as a whole: the new content is on disk before it gets the name."""

import difflib
import gzip
import hashlib
import io
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

GZIP_SUFFIX = ".gz"
Produce = Callable[[BinaryIO], object]
"""Writes the content of a file."""

_PARTIAL = ".part"
_BUFFER_BYTES = 1 << 18


@dataclass(frozen=True)
class FileChange:
    """A file before and after; it did not exist where `before` is empty."""

    path: Path
    before: str
    after: str

    @property
    def has_effect(self) -> bool:
        """Return whether the content changes."""
        return self.before != self.after

    def diff(self) -> Iterator[str]:
        """Return the lines of a unified diff."""
        name = str(self.path)
        before, after = self.before.splitlines(), self.after.splitlines()
        return difflib.unified_diff(before, after, name, name, lineterm="", n=1)


class MeasuredFile(io.RawIOBase):
    """A file that is being written, with its size in bytes and its SHA-256."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._hash = hashlib.sha256()
        self.size = 0

    def writable(self) -> bool:
        """Return true."""
        return True

    def write(self, content: Any) -> int:
        """Write all of the content and return its length."""
        self._hash.update(content)
        self._stream.write(content)
        self.size += len(content)
        return len(content)

    @property
    def checksum(self) -> str:
        """Return the SHA-256 of the content in hexadecimal digits."""
        return self._hash.hexdigest()


@contextmanager
def replace_file(path: Path) -> Iterator[MeasuredFile]:
    """Yield the new content of a file, which gets the name when the block ends without an error."""
    part = path.with_name(f".{path.name}.{os.getpid()}{_PARTIAL}")
    try:
        with part.open("wb") as stream:
            yield MeasuredFile(stream)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
        _sync_folder(path.parent)
    finally:
        part.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text in UTF-8, and the folders above it where they are missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replace_file(path) as file:
        file.write(text.encode())


def write_changes(changes: Sequence[FileChange]) -> None:
    """Write several files; none is replaced before all are on disk."""
    with ExitStack() as stack:
        for change in changes:
            change.path.parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(replace_file(change.path)).write(change.after.encode())


def write_stream(path: Path, produce: Produce) -> None:
    """Write a long file, compressed if its name ends in `.gz`; raises OSError."""
    with replace_file(path) as file:
        if path.suffix != GZIP_SUFFIX:
            with _buffered(file) as output:
                produce(output)
        else:
            with _gzip(file) as packed, _buffered(packed) as output:
                produce(output)


def write_both(plain: Path, packed: Path, produce: Produce) -> tuple[MeasuredFile, MeasuredFile]:
    """Write a long file, and another with the same content compressed; raises OSError."""
    with replace_file(plain) as file, replace_file(packed) as other:
        with _gzip(other) as coded, _buffered(file, coded) as output:
            produce(output)
        return file, other


def remove_partial_files(folder: Path) -> None:
    """Remove what killed processes left of files that they wrote."""
    for part in list(folder.rglob(f".*{_PARTIAL}")):
        part.unlink()


def _sync_folder(folder: Path) -> None:
    """Write the names of a folder's files to disk, which `fsync` of a file does not do."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _gzip(output: MeasuredFile) -> gzip.GzipFile:
    # Without a name and a time, the compressed file is the same each time (RFC 1952, 2.3).
    return gzip.GzipFile("", "wb", compresslevel=6, fileobj=output, mtime=0)


def _buffered(*outputs: io.RawIOBase | gzip.GzipFile) -> io.BufferedWriter:
    return io.BufferedWriter(_Copies(*outputs), _BUFFER_BYTES)


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
