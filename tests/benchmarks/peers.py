"""The servers that are measured beside each other: ours, Oxigraph's own and Virtuoso, same data."""

import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from support import virtuoso

PROGRAMS = Path(sys.executable).parent
_STARTING = 3600
"""Seconds; ours loads its data at the first start."""
_ASKING = 600
"""Seconds that a query may take."""
_BUFFERS = 200_000
"""Pages of 8 KiB."""


@dataclass(frozen=True)
class Peer:
    """A running server: the address of its endpoint, its process, what each request says more."""

    name: str
    endpoint: str
    process: int
    more: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def ours(root: Path) -> Iterator[Peer]:
    """Run our server on a catalogue."""
    port = _free_port()
    command: list[str | Path] = [PROGRAMS / "practicegraph", "serve", root]
    command += ["--no-dumps", "--port", str(port)]
    with _running(command, f"http://127.0.0.1:{port}/sparql") as process:
        yield Peer("PracticeGraph", f"http://127.0.0.1:{port}/sparql", process, {"timeout": "60"})


@contextmanager
def oxigraph(folder: Path, files: list[Path]) -> Iterator[Peer]:
    """Run Oxigraph's server on a folder, into which the files are loaded if it does not exist."""
    program = PROGRAMS / "oxigraph"
    if not folder.exists():
        part = folder.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        subprocess.run([program, "load", "--location", part, "--file", *files], check=True)
        subprocess.run([program, "optimize", "--location", part], check=True)
        part.rename(folder)
    port = _free_port()
    command: list[str | Path] = [program, "serve-read-only", "--union-default-graph"]
    address = f"http://127.0.0.1:{port}/query"
    command += ["--location", folder, "--bind", f"127.0.0.1:{port}"]
    with _running(command, address) as process:
        yield Peer("Oxigraph", address, process)


@contextmanager
def virtuoso_server(
    folder: Path, files: list[Path], loading: int = _STARTING, asking: int = _ASKING
) -> Iterator[Peer]:
    """Run Virtuoso on a folder, into which the files are loaded by its bulk loader, once.

    Loading may take so many seconds, or raises TimeoutExpired; so may a query, or is stopped.
    """
    loaded = folder / "loaded"
    folder.mkdir(exist_ok=True)
    with virtuoso.running(folder, _BUFFERS, asking) as endpoint:
        port = _number(folder / "virtuoso.ini", r"ServerPort = 127\.0\.0\.1:(\d+)")
        if not loaded.exists():
            for file in files:
                (folder / file.name).hardlink_to(file)
                virtuoso.execute(port, f"ld_dir('{folder}', '{file.name}', 'urn:none');")
            virtuoso.execute(port, "rdf_loader_run(); checkpoint;", loading)
            loaded.touch()
        yield Peer("Virtuoso", endpoint, _number(folder / "virtuoso.lck", r"VIRT_PID=(\d+)"))


def _number(file: Path, pattern: str) -> int:
    found = re.search(pattern, file.read_text())
    assert found, file
    return int(found[1])


@contextmanager
def _running(command: list[str | Path], address: str) -> Iterator[int]:
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for(address, process)
            yield process.pid
        finally:
            process.terminate()


def _wait_for(address: str, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(_STARTING):
        assert process.poll() is None, f"ended at its start: {process.args!r}"
        try:
            with urllib.request.urlopen(f"{address}?query=ASK%7B%7D", timeout=60):
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(1)
    raise AssertionError(f"{address} does not answer")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port
