"""A real Virtuoso for tests and benchmarks: a process with a folder and loopback ports of its own."""

import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAM = shutil.which("virtuoso-t")
_ISQL = "isql-vt"
_STOPPING = 60
_SETTINGS = """
[Database]
DatabaseFile = virtuoso.db
ErrorLogFile = virtuoso.log
LockFile = virtuoso.lck
TransactionFile = virtuoso.trx
xa_persistent_file = virtuoso.pxa
ErrorLogLevel = 7
FileExtend = 200
[TempDatabase]
DatabaseFile = virtuoso-temp.db
TransactionFile = virtuoso-temp.trx
[Parameters]
ServerPort = 127.0.0.1:{sql}
ServerThreads = 20
CheckpointInterval = 60
NumberOfBuffers = {buffers}
MaxDirtyBuffers = {dirty}
MaxCheckpointRemap = 2000
DirsAllowed = {folder}
ThreadsPerQuery = 2
[HTTPServer]
ServerPort = 127.0.0.1:{http}
ServerThreads = 16
[SPARQL]
ResultSetMaxRows = 2000000
MaxQueryExecutionTime = {seconds}
"""


@contextmanager
def running(folder: Path, buffers: int = 20_000, seconds: int = 600) -> Iterator[str]:
    """Run a server and give the address of its endpoint.

    `buffers` are pages of 8 KiB; a query that takes more than the `seconds` is stopped.
    """
    assert PROGRAM, "virtuoso-t is not installed"
    sql, http = _free_ports(2)
    given = {"sql": sql, "http": http, "folder": folder, "seconds": seconds}
    settings = _SETTINGS.format(**given, buffers=buffers, dirty=buffers * 3 // 4)
    (folder / "virtuoso.ini").write_text(settings)
    command = [PROGRAM, "+foreground", "+configfile", "virtuoso.ini"]
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL) as process:
        try:
            address = _ready(f"http://127.0.0.1:{http}/sparql", process)
            execute(sql, 'GRANT SPARQL_UPDATE TO "SPARQL";')
            yield address
        finally:
            process.terminate()
            try:
                process.wait(timeout=_STOPPING)
            except subprocess.TimeoutExpired:
                process.kill()


def execute(port: int, statement: str, seconds: float = 60) -> None:
    """Run an SQL statement as the administrator."""
    command = [_ISQL, str(port), "dba", "dba", f"exec={statement}"]
    subprocess.run(command, check=True, capture_output=True, timeout=seconds)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [found.getsockname()[1] for found in sockets]
    for found in sockets:
        found.close()
    return ports


def _ready(address: str, process: subprocess.Popen[bytes]) -> str:
    for _ in range(600):
        assert process.poll() is None, "Virtuoso has ended"
        try:
            with urllib.request.urlopen(f"{address}?query=ASK%7B%7D", timeout=5):
                return address
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    raise AssertionError("Virtuoso does not answer")
