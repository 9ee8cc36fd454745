"""The state of a catalogue's work folder: one SQLite file in WAL mode (https://www.sqlite.org/wal.html).

It lists the files and the named graphs that the store holds, and has the events of the change log.
A transaction is on disk when it ends (`synchronous=FULL`), and leaves nothing if it is broken off.
"""

import errno
import logging
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import Connection, Cursor
from threading import RLock
from typing import Any

LOG = logging.getLogger("practicegraph")
_VERSION = 1  # of the schema below
_BUSY_TIMEOUT = 60.0  # seconds to wait for another process that writes
_SCHEMA = """
BEGIN;
CREATE TABLE release (store TEXT NOT NULL, previous TEXT NOT NULL, logged TEXT NOT NULL);
INSERT INTO release VALUES ('', '', '');
CREATE TABLE files (name TEXT PRIMARY KEY, checksum TEXT) WITHOUT ROWID;
CREATE TABLE graphs (file TEXT, name TEXT, digest TEXT, PRIMARY KEY (file, name)) WITHOUT ROWID;
CREATE INDEX graphs_by_name ON graphs (name);
CREATE TABLE events (
    number INTEGER PRIMARY KEY, moment TEXT NOT NULL, release TEXT NOT NULL, topic TEXT NOT NULL,
    kind TEXT NOT NULL, digest TEXT NOT NULL, graph TEXT NOT NULL
);
CREATE INDEX events_by_topic ON events (topic, number, kind);
PRAGMA user_version = 1;
COMMIT;
"""


class StateFile:
    """The state file at a path; it is created where there is none."""

    def __init__(self, path: Path) -> None:
        self._lock = RLock()
        self._connection = _open(path)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit all statements inside, or none of them; raise OSError where that fails."""
        with self._lock:
            try:
                with self._connection:
                    self._connection.execute("BEGIN IMMEDIATE")
                    yield
            except sqlite3.Error as error:
                raise OSError(errno.EIO, str(error)) from error

    def execute(self, statement: str, *values: Any) -> Cursor:
        """Execute a statement inside a transaction."""
        return self._connection.execute(statement, values)

    def executemany(self, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Execute a statement inside a transaction, once for each row of values."""
        self._connection.executemany(statement, rows)

    def select(self, query: str, *values: Any) -> list[Any]:
        """Return the rows of a query."""
        with self._lock:
            return self._connection.execute(query, values).fetchall()


def _open(path: Path) -> Connection:
    """Open the file; one that is no state file of this version is set aside."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        return _connect(path)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise OSError(errno.EIO, f"{path}: {error}") from error
        LOG.warning("%s: %s; the change log begins anew", path, error)
        for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
            if path.with_name(name).exists():
                path.with_name(name).replace(path.with_name(f"unreadable-{name}"))
        return _connect(path)


def _connect(path: Path) -> Connection:
    connection = sqlite3.connect(
        path, timeout=_BUSY_TIMEOUT, isolation_level=None, check_same_thread=False
    )
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version not in (0, _VERSION):
        connection.close()
        raise sqlite3.DatabaseError(f"version {version}, not {_VERSION}")
    if not version:
        connection.executescript(_SCHEMA)
    return connection
