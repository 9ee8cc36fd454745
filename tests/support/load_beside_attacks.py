"""A server that is attacked: what others get of it meanwhile, and how long they wait for it.

Run by itself, `python -m support.load_beside_attacks SECONDS [NAME …]`, it serves a copy of the catalogue for each
attack, measures readers' requests before it and beside it, and prints a table. An
attack comes from a process of its own at low priority, since it would come from another machine.
Readers ask 20 times a second, whether or not they have been answered. They and the attacker have
addresses of their own, which the server is told as by a proxy.
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

RATE = 20  # readers' requests a second
MOST = 4.0  # times the idle 95th percentile, which searches may take beside an attack
_PATIENCE = 30.0  # seconds that a reader waits
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
HEADING = f"{'attack':<22}{'asked':>6}{'idle ms':>9}{'p95 ms':>8}{'times':>7}{'MB':>6}{'lost':>6}"


@dataclass
class Seen:
    """What readers got: how long searches took, and how others failed."""

    asked: int = 0
    searches: list[float] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    @property
    def late(self) -> float:
        """The 95th percentile of the seconds that searches took."""
        return statistics.quantiles(self.searches, n=20)[-1] if len(self.searches) > 1 else 0.0


def _read(port: int, path: str, seen: Seen) -> None:
    address = f"192.0.2.{random.randrange(1, 250)}"
    started = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
    try:
        with contextlib.closing(connection):
            connection.request("GET", path, headers={"X-Forwarded-For": address})
            answer = connection.getresponse()
            content = answer.read()
        if answer.status != 200:
            seen.lost.append(f"{path} {answer.status} {content[:200]!r}")
    except (OSError, http.client.HTTPException) as error:
        seen.lost.append(f"{path} {error!r}")
    if path.startswith(_SEARCH):
        seen.searches.append(time.monotonic() - started)


def readers(port: int, seconds: float) -> Seen:
    """Have readers ask for so long, and wait for their answers."""
    seen, start, paths = Seen(), time.monotonic(), cycle(_MIX)
    with ThreadPoolExecutor(200) as pool:
        for number in range(int(seconds * RATE)):
            time.sleep(max(0, start + number / RATE - time.monotonic()))
            pool.submit(_read, port, next(paths), seen)
            seen.asked += 1
    return seen


@dataclass(frozen=True)
class Server:
    """A server, and the process in which it runs."""

    port: int
    process: subprocess.Popen[bytes]

    def forget_peak(self) -> int:
        """Begin to measure the most memory anew; return what is used now, in MB."""
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
def served(root: Path, log: Path) -> Iterator[Server]:
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
    """An attack, what readers got beside it, and how much more memory the server took, in MB."""

    name: str
    seen: Seen
    idle: float
    memory: int
    ended: bool

    @property
    def times(self) -> float:
        return self.seen.late / self.idle

    def __str__(self) -> str:
        late = f"{self.idle * 1000:>9.0f}{self.seen.late * 1000:>8.0f}{self.times:>7.1f}"
        lost = f"{len(self.seen.lost):>6}" + (" (the server has ended)" if self.ended else "")
        return f"{self.name:<22}{self.seen.asked:>6}{late}{self.memory:>6}{lost}"


def attacked(server: Server, name: str, token: str, seconds: float, idle: float) -> Outcome:
    """Attack a server for so long, while readers ask it."""
    before = server.forget_peak()
    command = [sys.executable, "-m", "support.attacks", name, str(server.port), token, str(seconds)]
    with subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(_HERE)}) as attack:
        try:
            seen = readers(server.port, seconds)
            with contextlib.suppress(subprocess.TimeoutExpired):
                attack.wait(10)
        finally:
            attack.kill()
    ended = server.process.poll() is not None
    return Outcome(name, seen, idle, max(0, server.peak - before), ended)


def outcomes(root: Path, seconds: float, names: Sequence[str] = ()) -> Iterator[Outcome]:
    """Yield what each attack did to readers; each one finds a server of its own."""
    token, log = TokenFile(root).add("writer", PERMISSIONS), root / "log"
    for name in names or ATTACKS:
        with served(root, log) as server:
            readers(server.port, _WARMING)
            idle = readers(server.port, min(seconds, _IDLE))
            assert not idle.lost, idle.lost
            yield attacked(server, name, token, seconds, idle.late)


def main(seconds: float, names: Sequence[str]) -> int:
    """Print what each attack does to readers; return 1 if it is more than it may be."""
    harmed = 0
    print(HEADING)  # noqa: T201 - a command of its own
    with tempfile.TemporaryDirectory() as place:
        root = copy(Path(place) / "catalogue")
        for outcome in outcomes(root, seconds, names):
            print(outcome, flush=True)  # noqa: T201
            for lost in sorted(set(outcome.seen.lost))[:3]:
                print(f"    {lost[:160]}", flush=True)  # noqa: T201
            harmed |= bool(outcome.seen.lost) or outcome.times > MOST
        log = (root / "log").read_text()
    print(f"{log.count('Traceback')} traces in {len(log.splitlines())} lines of the log")  # noqa: T201
    return harmed


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), sys.argv[2:]))
