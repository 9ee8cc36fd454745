"""Graphs put aside in a temporary file, to be given back in another order than they came in."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, Self

_MEMORY = 1 << 25  # bytes for which there is no file


class Spool:
    """The lines of graphs by topic, those of each in the order in which they were added."""

    def __init__(self, folder: Path) -> None:
        """Put the file, which has no name and ends with the program, into the folder."""
        self._file: IO[bytes] = SpooledTemporaryFile(_MEMORY, dir=str(folder))  # noqa: SIM115 - closed at the exit
        self._places: dict[str, tuple[int, ...]] = {}

    def __enter__(self) -> Self:
        """Give the spool."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the file."""
        self._file.close()

    def __iter__(self) -> Iterator[str]:
        """Give the topics in the order in which they came first."""
        return iter(self._places)

    def add(self, topic: str, lines: bytes) -> None:
        """Put lines of a topic's graph aside."""
        start = self._file.tell()
        self._file.write(lines)
        self._places[topic] = (*self._places.get(topic, ()), start, len(lines))

    def lines(self, topic: str) -> bytes:
        """Give the lines of a topic's graph, after all were added."""
        places = self._places[topic]
        return b"".join(map(self._piece, places[::2], places[1::2]))

    def _piece(self, start: int, length: int) -> bytes:
        self._file.seek(start)
        return self._file.read(length)
