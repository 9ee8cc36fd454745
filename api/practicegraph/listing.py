"""The list of the graphs that a store holds, beside it, with the files that they come from.

It is written whole before a change, with all that the change takes out or puts in struck, and after
it. In between, what is in place is added line by line, so that whatever breaks off in between goes
on from there: a line that was half-written by a killed process is as if it were not there. The
change of one graph adds lines alone, before it and after it.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

_FORM = 4
_LINE = 10_000  # graphs

Digests = Mapping[str, str | None]
"""Graphs by name, each with what tells its content from others; none where it is not known."""


@dataclass(frozen=True)
class Held:
    """A file in the store: its graphs, and its checksum once they are all in place."""

    checksum: str | None
    graphs: Digests


@dataclass(frozen=True)
class Listing:
    """The files that a store holds by name, and the release that it was at when it was whole.

    While one graph is changed, `coming` is the release that this leads to.
    """

    release: str = ""
    files: Mapping[str, Held] = field(default_factory=dict)
    coming: str = ""


def read(path: Path) -> Listing | None:
    """Give the list, or None where there is none that this program can read."""
    try:
        with path.open("rb") as stream:
            lines = (json.loads(line) for line in stream if line.endswith(b"\n"))
            head: dict[str, Any] = next(lines, {})
            return _listing(head["release"], lines) if head.get("form") == _FORM else None
    except (OSError, ValueError):
        return None


def write(path: Path, listing: Listing) -> None:
    """Write the list anew."""
    part = path.with_suffix(".part")
    with part.open("wb") as stream:
        head = {"form": _FORM, "release": listing.release}
        stream.write(json.dumps(head).encode() + b"\n")
        for name, held in listing.files.items():
            stream.writelines(json.dumps(row).encode() + b"\n" for row in _rows(name, held))
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(path)


def add(path: Path, files: Mapping[str, Digests]) -> None:
    """Enter graphs that are in place now, by the files that they come from."""
    _append(
        path, (row for name, graphs in files.items() for row in _rows(name, Held(None, graphs)))
    )


def begin(path: Path, name: str, topic: str, release: str) -> None:
    """Strike the graph of a file that is about to change, which leads to a release."""
    _append(path, [[name, None, {topic: None}], {"coming": release}])


def end(path: Path, name: str, held: Held, release: str) -> None:
    """Enter a file whose graph has changed, and the release that the store is at."""
    _append(path, [[name, held.checksum, held.graphs], {"release": release, "coming": ""}])


def _append(path: Path, rows: Iterable[Any]) -> None:
    with path.open("ab") as stream:
        stream.writelines(json.dumps(row).encode() + b"\n" for row in rows)
        stream.flush()
        os.fsync(stream.fileno())


def _listing(release: str, lines: Iterable[Any]) -> Listing:
    checksums: dict[str, str | None] = {}
    graphs: dict[str, dict[str, str | None]] = {}
    at = {"release": release, "coming": ""}
    for line in lines:
        if isinstance(line, dict):
            at |= line
        else:
            name, checksum, some = line
            checksums[name] = checksum
            graphs.setdefault(name, {}).update(some)
    files = {name: Held(checksums[name], graphs[name]) for name in checksums}
    return Listing(at["release"], files, at["coming"])


def _rows(name: str, held: Held) -> Iterator[list[Any]]:
    graphs = iter(held.graphs.items())
    while some := dict(islice(graphs, _LINE)):
        yield [name, held.checksum, some]
