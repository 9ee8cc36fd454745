"""Responses of a server during an attack: failures, and times to wait.

`python -m support.load_beside_attacks SECONDS [NAME …]` serves a copy of the catalogue for each
attack, measures the requests of clients before and during it, and prints a table. An attack comes
from a process of its own at low priority, since it would come from another machine. Clients send
20 requests a second, whether or not they have had a response. They and the attacker have addresses
of their own, which the server knows as from a proxy.
"""

import contextlib
import http.client
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from urllib.parse import quote

from practicegraph.editing.tokens import PERMISSIONS, TokenFile
from support.attacks import ATTACKS
from support.catalogues import copy
from support.server import free_port, wait_for

RATE = 20  # clients' requests a second
MAX_RATIO = 4.0  # times the idle 95th percentile, which searches may take beside an attack
_PATIENCE = 30.0  # seconds that a client waits
_WARMING, _IDLE = 2.0, 20.0  # seconds before an attack
_SEARCH = "/practices"
_ROWS = quote("SELECT ?s ?o WHERE { ?s a ?o } LIMIT 20")
_MIX = (
    f"{_SEARCH}?q=tutors",
    "/practice/1788.ttl",
    f"{_SEARCH}.json?q=mentoring",
    f"/sparql?query={_ROWS}",
    f"{_SEARCH}.html?q=language",
    "/queries/outcomes-by-country",
    f"{_SEARCH}?format=json&size=20",
    "/health",
)
_HERE = Path(__file__).parents[1]
HEADING = f"{'attack':<22}{'sent':>6}{'idle ms':>9}{'p95 ms':>8}{'ratio':>7}{'MB':>6}{'fail':>6}"


@dataclass
class ClientLog:
    """The requests of clients: seconds of searches, and failures."""

    requests: int = 0
    search_seconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @property
    def p95(self) -> float:
        """The 95th percentile of the seconds that searches took."""
        return (
            statistics.quantiles(self.search_seconds, n=20)[-1]
            if len(self.search_seconds) > 1
            else 0.0
        )


def _read(port: int, path: str, clients: ClientLog) -> None:
    address = f"192.0.2.{random.randrange(1, 250)}"
    started = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
    try:
        with contextlib.closing(connection):
            connection.request("GET", path, headers={"X-Forwarded-For": address})
            answer = connection.getresponse()
            content = answer.read()
        if answer.status != 200:
            clients.failures.append(f"{path} {answer.status} {content[:200]!r}")
    except (OSError, http.client.HTTPException) as error:
        clients.failures.append(f"{path} {error!r}")
    if path.startswith(_SEARCH):
        clients.search_seconds.append(time.monotonic() - started)


def send_requests(port: int, seconds: float) -> ClientLog:
    """Send clients' requests for some seconds, and wait for the responses."""
    clients, start, paths = ClientLog(), time.monotonic(), cycle(_MIX)
    with ThreadPoolExecutor(200) as pool:
        for number in range(int(seconds * RATE)):
            time.sleep(max(0, start + number / RATE - time.monotonic()))
            pool.submit(_read, port, next(paths), clients)
            clients.requests += 1
    return clients


@dataclass(frozen=True)
class Server:
    """A server, and the process in which it runs."""

    port: int
    process: subprocess.Popen[bytes]

    def reset_peak(self) -> int:
        """Reset the peak of memory; return what is used now, in MB."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")
        return self._memory("VmRSS")

    @property
    def peak(self) -> int:
        return self._memory("VmHWM")

    def _memory(self, name: str) -> int:
        if self.process.poll() is not None:
            return 0
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(rf"{name}:\s+(\d+) kB", status)
        return int(found[1]) // 1000 if found else 0


@contextmanager
def run_server(root: Path, log: Path) -> Iterator[Server]:
    port = free_port()
    command = [sys.executable, "-m", "practicegraph", "serve", str(root), "--port", str(port)]
    command += ["--proxy", "127.0.0.1"]
    with log.open("ab") as errors, subprocess.Popen(command, stderr=errors) as process:
        try:
            wait_for(f"http://127.0.0.1:{port}", process)
            yield Server(port, process)
        finally:
            process.terminate()
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()


@dataclass(frozen=True)
class Outcome:
    """An attack, the requests of clients during it, and the memory that the server took, in MB."""

    name: str
    clients: ClientLog
    idle: float
    memory: int
    ended: bool

    @property
    def ratio(self) -> float:
        return self.clients.p95 / self.idle

    def __str__(self) -> str:
        p95 = f"{self.idle * 1000:>9.0f}{self.clients.p95 * 1000:>8.0f}{self.ratio:>7.1f}"
        failures = f"{len(self.clients.failures):>6}" + (
            " (the server has ended)" if self.ended else ""
        )
        return f"{self.name:<22}{self.clients.requests:>6}{p95}{self.memory:>6}{failures}"


def run_attack(server: Server, name: str, token: str, seconds: float, idle: float) -> Outcome:
    """Attack a server for some seconds, while clients send requests."""
    before = server.reset_peak()
    command = [sys.executable, "-m", "support.attacks", name, str(server.port), token, str(seconds)]
    with subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(_HERE)}) as attack:
        try:
            clients = send_requests(server.port, seconds)
            with contextlib.suppress(subprocess.TimeoutExpired):
                attack.wait(10)
        finally:
            attack.kill()
    ended = server.process.poll() is not None
    return Outcome(name, clients, idle, max(0, server.peak - before), ended)


def run_attacks(root: Path, seconds: float, names: Sequence[str] = ()) -> Iterator[Outcome]:
    """Yield the outcome of each attack, on a server of its own."""
    token, log = TokenFile(root).add("writer", PERMISSIONS), root / "log"
    for name in names or ATTACKS:
        with run_server(root, log) as server:
            send_requests(server.port, _WARMING)
            idle = send_requests(server.port, min(seconds, _IDLE))
            assert not idle.failures, idle.failures
            yield run_attack(server, name, token, seconds, idle.p95)


def main(seconds: float, names: Sequence[str]) -> int:
    """Print the outcome of each attack; return 1 if a request fails or searches take too long."""
    failed = 0
    print(HEADING)  # noqa: T201 - a command of its own
    with tempfile.TemporaryDirectory() as place:
        root = copy(Path(place) / "catalogue")
        for outcome in run_attacks(root, seconds, names):
            print(outcome, flush=True)  # noqa: T201
            for failure in sorted(set(outcome.clients.failures))[:3]:
                print(f"    {failure[:160]}", flush=True)  # noqa: T201
            failed |= bool(outcome.clients.failures) or outcome.ratio > MAX_RATIO
        log = (root / "log").read_text()
    print(f"{log.count('Traceback')} traces in {len(log.splitlines())} lines of the log")  # noqa: T201
    return failed


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), sys.argv[2:]))
