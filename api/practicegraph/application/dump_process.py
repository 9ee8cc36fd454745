"""A process that makes the dumps of a release, so that the service starts and answers meanwhile.

It reads one line of JSON on its standard input, and ends when that input does: with its server.
One that is at work ends its work, whatever is written meanwhile, and is followed by one for the
release that is then the newest: so there are always dumps, and half of the time none are made.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..catalogue import catalogue
from ..catalogue.catalogue import Catalogue
from ..exchange.dumps import DUMP_NAMES, Dumps, ReleaseDumps
from ..storage.oxigraph import Snapshots
from ..storage.remote import Endpoint, StoreError
from . import startup
from .services import Services

_NICENESS = 10
_PAUSE = 30.0  # seconds between two starts, and between two looks at the release


@dataclass(frozen=True)
class Work:
    """A process that makes the dumps of a release, and when it began, on the monotonic clock."""

    release: str
    process: subprocess.Popen[bytes]
    began: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Give for how long it has been at work."""
        return time.monotonic() - self.began


@dataclass
class Dumper:
    """Has the dumps of a catalogue's release made where they are kept."""

    services: Services
    dumps: Dumps
    _next: float = field(default=0.0, init=False)
    _running: Work | None = field(default=None, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    _closed: threading.Event = field(default_factory=threading.Event, init=False)

    def __post_init__(self) -> None:
        """Begin with what is not made yet, and go on with what is written later."""
        self.made()
        threading.Thread(target=self._keep_up, daemon=True).start()

    @property
    def work(self) -> Work | None:
        """Return the work that is being done, if any."""
        work = self._running
        return work if work and work.process.poll() is None else None

    def made(self) -> ReleaseDumps | None:
        """Return the dumps of the release that are made; while some are not, they are being made."""
        made = self.dumps.current(self.services.catalogue.release)
        with self._lock:
            if self._running and not self.work:
                self._end()
            if made is None or len(made.dumps) < len(DUMP_NAMES):
                self._start()
        return made

    def given(self) -> dict[str, ReleaseDumps]:
        """Return the newest dumps by name, each with all that was made of the release that it is of.

        They are of the present release where they are made, else of an earlier one.
        """
        made = self.made()
        present = dict.fromkeys(made.dumps, made) if made else {}
        return self.dumps.newest() | present

    def wait(self) -> int:
        """Wait for the process that runs, if any, and give its exit status."""
        work = self._running
        return work.process.wait() if work else 0

    def close(self) -> None:
        """End the process; what it has not completed is begun anew another time."""
        self._closed.set()
        with self._lock:
            self._end()

    def _keep_up(self) -> None:
        """Have the dumps made of what is written, also where nobody asks for them."""
        while not self._closed.wait(_PAUSE):
            with suppress(StoreError, OSError):  # what lacks now may be there the next time
                self.made()

    def _start(self) -> None:
        """Start a process where none runs and the last one has had its time, and as much rest."""
        if self._running or self._closed.is_set() or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _PAUSE
        process = subprocess.Popen(
            [sys.executable, "-m", "practicegraph.application.dump_process"],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        self._running = Work(self.services.catalogue.release, process)
        assert process.stdin
        process.stdin.write(self._order())
        process.stdin.flush()

    def _order(self) -> bytes:
        source = self.services.source
        if isinstance(source, Snapshots):
            source = source.lease("dumps")
        assert source
        found = Endpoint.from_source(source)
        order = {
            "root": str(self.services.catalogue.folder),
            "source": found.url,
            "credentials": found.credentials,
            "prefixes": dict(self.services.catalogue.prefixes),
            "dumps": str(self.dumps.folder),
        }
        return json.dumps(order).encode() + b"\n"

    def _end(self) -> None:
        if self._running:
            self._next = max(self._next, time.monotonic() + self._running.seconds)
            self._running.process.kill()
            self._running.process.wait()
            assert self._running.process.stdin
            self._running.process.stdin.close()
            self._running = None


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
        return startup.open_remote_for_reading(root, endpoint)
    return catalogue.open_snapshot(root, Path(source), order["prefixes"])


def _end_with_input() -> None:
    os.read(sys.stdin.fileno(), 1)  # not by the buffer, whose lock would outlast the work
    os._exit(1)


if __name__ == "__main__":
    main()
