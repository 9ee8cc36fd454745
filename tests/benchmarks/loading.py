"""Loading a large set: time, memory and disk of the first start and of others, beside Oxigraph's."""

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from benchmarks import peers, sparql
from practicegraph.catalogue.catalogue import WORK_FOLDER

_CHANGED = "ontology/action.ttl"
_MORE = (
    "<https://w3id.org/practicegraph/action> "
    '<http://www.w3.org/2004/02/skos/core#editorialNote> "Changed."@en .\n'
)


@dataclass(frozen=True)
class Start:
    """A start: seconds to the first answer, bytes of memory at the most, bytes of the store."""

    name: str
    seconds: float
    memory: int
    disk: int


def measure(root: Path, files: list[Path], place: Path) -> Iterator[Start]:
    """Load with Oxigraph, then start ours without a store, as it is, and after a small edit."""
    yield _oxigraph(files, place / "oxigraph")
    shutil.rmtree(root / WORK_FOLDER, ignore_errors=True)
    yield _ours("first start", root)
    yield _ours("start without changes", root)
    with (root / _CHANGED).open("a") as stream:
        stream.write(_MORE)
    yield _ours("start after a small edit", root)


def _oxigraph(files: list[Path], folder: Path) -> Start:
    shutil.rmtree(folder, ignore_errors=True)
    start = time.monotonic()
    command: list[str | Path] = [peers.PROGRAMS / "oxigraph", "load", "--location", folder]
    with subprocess.Popen([*command, "--file", *files], stderr=subprocess.DEVNULL) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = status
    assert not status
    return Start("oxigraph load", time.monotonic() - start, used.ru_maxrss << 10, _size(folder))


def _ours(name: str, root: Path) -> Start:
    start = time.monotonic()
    with peers.ours(root) as peer:
        seconds = time.monotonic() - start
        status = Path(f"/proc/{peer.process}/status").read_text()
    found = re.search(r"VmHWM:\s*(\d+) kB", status)
    assert found
    return Start(name, seconds, int(found[1]) << 10, _size(root / WORK_FOLDER / "store"))


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@click.command()
@click.option("--entries", default=100_000, show_default=True, type=click.IntRange(100, 1_000_000))
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    help="A folder for the data, to be used again.",
)
def main(entries: int, keep: Path | None) -> None:
    """Measure the starts of a catalogue with so many synthetic entries in one file."""
    with tempfile.TemporaryDirectory() as temporary:
        place = (keep or Path(temporary)).resolve()
        files = sparql.prepare(place, entries)
        click.echo("| | seconds | memory, MiB | store, MiB |\n|---|---|---|---|")
        for found in measure(place / "catalogue", files, place):
            memory, disk = found.memory >> 20, found.disk >> 20
            click.echo(f"| {found.name} | {found.seconds:,.1f} | {memory:,} | {disk:,} |")


if __name__ == "__main__":
    main()
