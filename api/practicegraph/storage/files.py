"""Files that are replaced as a whole: the new content is on disk before it gets the name."""

import difflib
import gzip
import io
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

GZIP_SUFFIX = ".gz"
Produce = Callable[[BinaryIO], object]
"""Writes the content of a file."""

_PARTIAL = ".part"
_BUFFER_BYTES = 1 << 18
_LEVEL = 6  # of compression


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


@contextmanager
def replace_file(path: Path) -> Iterator[BinaryIO]:
    """Yield the new content of a file, which gets the name when the block ends without an error."""
    part = path.with_name(f".{path.name}.{os.getpid()}{_PARTIAL}")
    try:
        with part.open("wb", buffering=_BUFFER_BYTES) as stream:
            yield stream
            _sync(stream)
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
            stream = stack.enter_context(replace_file(change.path))
            stream.write(change.after.encode())
            _sync(stream)


def write_stream(path: Path, produce: Produce) -> None:
    """Write a long file, compressed if its name ends in `.gz`; raise OSError."""
    with replace_file(path) as file:
        if path.suffix != GZIP_SUFFIX:
            produce(file)
            return
        # Without a name and a time, the compressed file is the same each time (RFC 1952, 2.3).
        packed = cast(io.RawIOBase, gzip.GzipFile("", "wb", _LEVEL, file, mtime=0))
        with io.BufferedWriter(packed, _BUFFER_BYTES) as output:
            produce(output)


def compress(path: Path, packed: Path) -> None:
    """Write the content of a file to another one, compressed; raise OSError."""
    with path.open("rb") as content:
        write_stream(packed, lambda output: shutil.copyfileobj(content, output, _BUFFER_BYTES))


def remove_partial_files(folder: Path) -> None:
    """Remove what killed processes left of files that they wrote."""
    for part in list(folder.rglob(f".*{_PARTIAL}")):
        part.unlink()


def _sync(stream: BinaryIO) -> None:
    stream.flush()
    os.fsync(stream.fileno())


def _sync_folder(folder: Path) -> None:
    """Write the names of a folder's files to disk, which `fsync` of a file does not do."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
