"""The releases of a store as they are, for the processes that read beside the server.

Each is a folder of hard links, taken when one is asked for after a change. One that is no longer
the newest stays for as long as a query may still read it, and while it is lent.
"""

import shutil
import time
from pathlib import Path
from threading import Lock

from .embedded import Embedded

_LASTING = 900.0  # seconds, of a query and of the slow reading of its answer


class Snapshots:
    """The snapshots of a store in a folder, which is emptied first."""

    def __init__(self, store: Embedded, folder: Path) -> None:
        self._store, self._folder = store, folder
        self._lock = Lock()
        self._newest: Path | None = None
        self._superseded: dict[Path, float] = {}
        self._lent: dict[str, Path] = {}
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()

    @property
    def is_stale(self) -> bool:
        """Tell whether the store has changed since the newest one was taken."""
        return self._newest is None or self._newest.name != self._store.version()

    def newest(self) -> Path:
        """Give the snapshot of the present release."""
        with self._lock:
            if self._newest is None or self.is_stale:
                self._take()
            assert self._newest
            return self._newest

    def lend(self, borrower: str) -> Path:
        """Give the snapshot of the present release, which stays until another one is lent so."""
        found = self.newest()
        with self._lock:
            self._lent[borrower] = found
        return found

    def _take(self) -> None:
        taken, now = self._store.keep(self._folder), time.monotonic()
        if self._newest and self._newest != taken:
            self._superseded[self._newest] = now
        self._superseded.pop(taken, None)
        self._newest = taken
        for path, since in list(self._superseded.items()):
            if now - since > _LASTING and path not in self._lent.values():
                shutil.rmtree(path, ignore_errors=True)
                del self._superseded[path]
