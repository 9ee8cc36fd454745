"""A process that makes the dumps of a release, so that the service starts and answers meanwhile.

It reads one line of JSON on its standard input, and ends when that input does: with its server.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import exports, opening
from .catalogue import Catalogue
from .dumps import NAMES, Dumps, Made
from .endpoint import Endpoint
from .snapshots import Snapshots

_NICENESS = 10
_PAUSE = 30  # seconds between two starts


@dataclass
class Dumper:
    """Has the dumps of a catalogue's release made where they are kept."""

    catalogue: Catalogue
    dumps: Dumps
    _next: float = field(default=0.0, init=False)
    _running: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def __post_init__(self) -> None:
        """Begin with what is not made yet."""
        self.made()

    def made(self) -> Made | None:
        """Give the dumps of the release that are made; while some are not, they are being made."""
        made = self.dumps.current(self.catalogue.release)
        if made is None or len(made.dumps) < len(NAMES):
            self._start()
        elif self._running:
            self._running.poll()  # one that has ended is let go
        return made

    def wait(self) -> int:
        """Wait for the process that runs, if any, and give its exit status."""
        return self._running.wait() if self._running else 0

    def close(self) -> None:
        """End the process; what it has not completed is begun anew another time."""
        with self._lock:
            self._end()

    def _start(self) -> None:
        """Start the process where none runs; one that failed has its time before the next."""
        with self._lock:
            if time.monotonic() < self._next or (self._running and self._running.poll() is None):
                return
            self._end()
            self._next = time.monotonic() + _PAUSE
            self._running = subprocess.Popen(
                [sys.executable, "-m", "practicegraph.dumper"],
                stdin=subprocess.PIPE,
                start_new_session=True,
            )
            assert self._running.stdin
            self._running.stdin.write(self._order())
            self._running.stdin.flush()

    def _order(self) -> bytes:
        source = self.catalogue.source
        if isinstance(source, Snapshots):
            source = source.lend("dumps")
        assert source
        found = Endpoint.of(source)
        order = {
            "root": str(self.catalogue.folder),
            "source": found.address,
            "credentials": found.credentials,
            "prefixes": dict(self.catalogue.prefixes),
            "dumps": str(self.dumps.folder),
        }
        return json.dumps(order).encode() + b"\n"

    def _end(self) -> None:
        if self._running:
            self._running.kill()
            self._running.wait()
            assert self._running.stdin
            self._running.stdin.close()


def main() -> None:
    """Make the dumps that the standard input orders."""
    os.nice(_NICENESS)
    order = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_input, daemon=True).start()
    Dumps(Path(order["dumps"])).make(_opened(order))


def _opened(order: Mapping[str, Any]) -> Catalogue:
    root, source = Path(order["root"]), order["source"]
    if source.startswith(("http://", "https://")):
        endpoint = Endpoint(source, credentials=tuple(order["credentials"]))
        return exports.opened_elsewhere(root, endpoint)
    return opening.of_snapshot(root, Path(source), order["prefixes"])


def _end_with_input() -> None:
    os.read(sys.stdin.fileno(), 1)  # not by the buffer, whose lock would outlast the work
    os._exit(1)


if __name__ == "__main__":
    main()
