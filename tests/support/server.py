"""Servers for tests: the application in this process, or a process on a loopback port."""

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fastapi.testclient import TestClient

from practicegraph.application import startup
from practicegraph.application.background import DumpProcess
from practicegraph.catalogue import catalogue
from practicegraph.exchange.export import DumpFolder
from practicegraph.sparql.pool import QueryLimits, WorkerPool
from practicegraph.web.app import application


@contextmanager
def served(root: Path) -> Iterator[TestClient]:
    """Serve a catalogue's folder in this process, with queries and dumps."""
    services = startup.open_for_serving(root)
    assert services.source
    workers = WorkerPool(services.source, QueryLimits(seconds=20))
    dumper = DumpProcess(services, DumpFolder(root / catalogue.WORK_FOLDER / "dumps"))
    with TestClient(application(services, workers, dumper), follow_redirects=False) as client:
        yield client
    dumper.close()


@contextmanager
def serving(root: Path, *options: str) -> Iterator[str]:
    """Serve a catalogue's folder and give the server's address."""
    port = free_port()
    command = [sys.executable, "-m", "practicegraph", "serve", str(root), "--port", str(port)]
    with subprocess.Popen([*command, *options], stderr=subprocess.DEVNULL) as process:
        try:
            yield wait_for(f"http://127.0.0.1:{port}", process)
        finally:
            process.terminate()
            assert process.wait(timeout=5) in (0, -15)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def count_listening(port: int) -> int:
    """Return how many sockets wait for connections to a port of this machine (Linux)."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    waiting = [line.split()[1] for line in lines if line.split()[3] == "0A"]
    return sum(int(local.rpartition(":")[2], 16) == port for local in waiting)


def wait_for_workers(port: int, count: int) -> None:
    """Wait until so many processes listen on a port."""
    end = time.monotonic() + 60
    while count_listening(port) != count:
        assert time.monotonic() < end, count_listening(port)
        time.sleep(0.05)


def wait_for(address: str, process: subprocess.Popen[bytes]) -> str:
    for _ in range(600):
        assert process.poll() is None, "the server has ended"
        try:
            with urllib.request.urlopen(f"{address}/health"):
                return address
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    raise AssertionError("the server does not answer")
