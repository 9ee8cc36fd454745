"""What a server does under load: answers a second, processor time an answer, memory."""

import re
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from benchmarks.peers import Peer

_SCRIPT = Path(__file__).with_name("requests.lua")
_PATIENCE = 120
_PAUSE = 1
"""Seconds after a run, in which servers put an end to the answers that were broken off."""
_IDLE = 0.1
"""The part of a processor that a server may use while it does nothing."""
_TICKS = 100
_PAGE = 4096


@dataclass(frozen=True)
class Task:
    """What is asked: queries, asked in turn, the form of the answer, and the rows in each."""

    name: str
    queries: tuple[str, ...]
    form: str
    rows: int

    def addresses(self, peer: Peer) -> list[str]:
        """Return the addresses that ask the queries."""
        asked = ({"query": query, **peer.more} for query in self.queries)
        return [f"{peer.endpoint}?{urlencode(pairs)}" for pairs in asked]


@dataclass(frozen=True)
class Run:
    """Answers a second, and the seconds of processor time that each has cost the server."""

    rate: float
    cost: float


@dataclass
class Memory:
    """The resident memory of a server and its workers in bytes: at first, and at its height."""

    peer: Peer
    first: int = 0
    most: int = 0
    _ended: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Keep the height while something runs."""
        self.first = self.first or _resident(self.peer)
        watching = threading.Thread(target=self._watch)
        watching.start()
        try:
            yield
        finally:
            self._ended.set()
            watching.join()
            self._ended.clear()

    def _watch(self) -> None:
        while not self._ended.wait(0.2):
            self.most = max(self.most, _resident(self.peer))


def rows(peer: Peer, task: Task) -> int:
    """Ask once and count the rows or triples of the answer."""
    command = ["curl", "-sSf", "-H", f"Accept: {task.form}", task.addresses(peer)[0]]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout
        row = b'"o"' if "json" in task.form else b" .\n"
        found, end = 0, b""
        while part := process.stdout.read(1 << 20):
            found += (end + part).count(row)
            end = part[1 - len(row) :]
    assert process.returncode == 0, (peer.name, task.name)
    return found - ("json" in task.form)


def many(peer: Peer, task: Task, connections: int, seconds: int, folder: Path) -> Run:
    """Ask the queries of a task again and again for some seconds."""
    origin = peer.endpoint.rpartition("/")[0]
    paths = [address.removeprefix(origin) for address in task.addresses(peer)]
    return ask(peer, paths, task.form, connections, seconds, folder)


def ask(
    peer: Peer, paths: Sequence[str], form: str, connections: int, seconds: int, folder: Path
) -> Run:
    """Ask for paths again and again for some seconds, with wrk."""
    listed, origin = folder / "paths.txt", peer.endpoint.rpartition("/")[0]
    listed.write_text("\n".join(paths) + "\n")
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", f"{_PATIENCE}s"]
    command += ["-s", str(_SCRIPT), "-H", f"Accept: {form}", origin, "--", str(listed)]
    before = _processor(peer)
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in said, (peer.name, paths[0], said)
    assert "Socket errors" not in said, (peer.name, paths[0], said)
    found = re.search(r"(\d+) requests in ", said)
    assert found, said
    count = int(found[1])
    cost = (_processor(peer) - before) / max(count, 1)
    time.sleep(_PAUSE)
    return Run(count / seconds, cost)


def whole(peer: Peer, task: Task, connections: int) -> Run:
    """Download whole answers at once, with curl; one that is turned away waits and asks again."""
    address = task.addresses(peer)[0]
    command = ["curl", "-sf", "-o", "/dev/null", "--retry", "100", "--max-time", "600"]
    command += ["-H", f"Accept: {task.form}", address]
    before, start = _processor(peer), time.monotonic()
    running = [subprocess.Popen(command) for _ in range(connections)]
    ended = [process.wait() for process in running]
    seconds = time.monotonic() - start
    assert not any(ended), (peer.name, task.name, ended)
    return Run(connections / seconds, (_processor(peer) - before) / connections)


def most_resident(peer: Peer) -> int:
    """Return the bytes of memory that a server and its workers have had at the most, added up."""
    found = 0
    for process in (peer.process, *_children(peer.process)):
        said = re.search(r"VmHWM:\s*(\d+) kB", Path(f"/proc/{process}/status").read_text())
        found += int(said[1]) << 10 if said else 0
    return found


def settle(peer: Peer, seconds: int) -> None:
    """Wait until a server does nothing any more, so many seconds at the most."""
    for _ in range(seconds):
        before = _processor(peer)
        time.sleep(_PAUSE)
        if _processor(peer) - before < _IDLE * _PAUSE:
            return


def _processor(peer: Peer) -> float:
    """Return the seconds of processor time of a server, its workers, and those that have ended."""
    own = sum(map(int, _stat(peer.process)[11:15]))
    return (
        own + sum(sum(map(int, _stat(child)[11:13])) for child in _children(peer.process))
    ) / _TICKS


def _resident(peer: Peer) -> int:
    return _PAGE * sum(int(_stat(found)[21]) for found in (peer.process, *_children(peer.process)))


def _children(process: int) -> list[int]:
    """Return the processes that a process has started, and those that they have."""
    found = Path(f"/proc/{process}/task").glob("*/children")
    children = [int(child) for file in found for child in file.read_text().split()]
    return children + [each for child in children for each in _children(child)]


def _stat(process: int) -> list[str]:
    """Return what the system tells of a process, from its state on; zeros where it has ended."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ["0"] * 50
