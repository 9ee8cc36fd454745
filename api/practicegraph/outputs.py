"""Long files written piece by piece: measured, packed, and whole on disk before they are there."""

import gzip
import hashlib
import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

Produce = Callable[[BinaryIO], object]
"""Writes a file's content."""

PACKED = ".gz"
_BUFFER = 1 << 18


class Measured(io.RawIOBase):
    """A file that knows its size in bytes and its SHA-256."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._hash = hashlib.sha256()
        self.size = 0

    def writable(self) -> bool:
        """Tell that it can be written to."""
        return True

    def write(self, content: Any) -> int:
        """Write all of the content and give its length."""
        self._hash.update(content)
        self._stream.write(content)
        self.size += len(content)
        return len(content)

    @property
    def checksum(self) -> str:
        """Give the SHA-256 of what was written, in hexadecimal digits."""
        return self._hash.hexdigest()


def write_both(plain: Path, packed: Path, produce: Produce) -> tuple[Measured, Measured]:
    """Write a file and the same packed, and give the measures of both; raises OSError."""
    with _measured(plain) as one, _measured(packed) as other:
        with _packing(other) as coded, _buffered(one, coded) as output:
            produce(output)
        return one, other


def write(path: Path, produce: Produce) -> None:
    """Write a file, packed if its name ends in `.gz`, in the place of what is there; or OSError."""
    part = path.with_name(f".{path.name}.part")
    try:
        if path.suffix == PACKED:
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
