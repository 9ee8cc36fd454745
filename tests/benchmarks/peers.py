"""The servers that are measured beside each other, on the same data."""

import gzip
import json
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pyoxigraph import QuerySolutions, RdfFormat, Store

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
def ours(root: Path, *options: str) -> Iterator[Peer]:
    """Run our server on a catalogue."""
    port = _free_port()
    command: list[str | Path] = [PROGRAMS / "practicegraph", "serve", root, *options]
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
    folder: Path,
    files: list[Path],
    loading: int = _STARTING,
    asking: int = _ASKING,
    *,
    with_texts: bool = False,
) -> Iterator[Peer]:
    """Run Virtuoso on a folder, into which the files are loaded by its bulk loader, once.

    Loading may take so many seconds, or raises TimeoutExpired; so may a query, or is stopped.
    An index of texts is made where one is asked for.
    """
    loaded = folder / "loaded"
    folder.mkdir(exist_ok=True)
    with virtuoso.running(folder, _BUFFERS, asking) as endpoint:
        port = _number(folder / "virtuoso.ini", r"ServerPort = 127\.0\.0\.1:(\d+)")
        if not loaded.exists():
            if with_texts:
                virtuoso.execute(port, "DB.DBA.RDF_OBJ_FT_RULE_ADD (null, null, 'All');")
            for file in files:
                (folder / file.name).hardlink_to(file)
                virtuoso.execute(port, f"ld_dir('{folder}', '{file.name}', 'urn:none');")
            virtuoso.execute(port, "rdf_loader_run(); checkpoint;", loading)
            if with_texts:
                virtuoso.execute(port, "DB.DBA.VT_INC_INDEX_DB_DBA_RDF_OBJ ();", loading)
            loaded.touch()
        yield Peer("Virtuoso", endpoint, _number(folder / "virtuoso.lck", r"VIRT_PID=(\d+)"))


@contextmanager
def rdflib_endpoint(environment: Path, file: Path) -> Iterator[Peer]:
    """Run rdflib-endpoint on a file, which it holds in memory."""
    port = _free_port()
    command: list[str | Path] = [
        environment / "bin" / "rdflib-endpoint",
        "serve",
        file,
        "--port",
        str(port),
    ]
    address = f"http://localhost:{port}/"
    with _running(command, address) as process:
        yield Peer("rdflib-endpoint", address, process)


@contextmanager
def trifid(folder: Path, file: Path, base: str) -> Iterator[Peer]:
    """Run Trifid on a file, which it holds in memory, for IRIs that begin with the base."""
    settings = file.with_name("trifid.json")
    source = {"url": str(file), "contentType": "application/n-quads", "unionDefaultGraph": True}
    plugins = {
        "entity-renderer": {"module": "@zazuko/trifid-entity-renderer"},
        "fetch-handler": {"module": "trifid-handler-fetch", "paths": "/query", "config": source},
    }
    names = {"datasetBaseUrl": base, "endpoints": {"default": {"url": "/query"}}}
    settings.write_text(json.dumps({"globals": names, "plugins": plugins}))
    port = _free_port()
    command: list[str | Path] = [
        folder / "node_modules" / ".bin" / "trifid",
        "-c",
        settings,
        "-p",
        str(port),
    ]
    address = f"http://127.0.0.1:{port}/query"
    with _running(command, address) as process:
        yield Peer("Trifid", address, process)


@contextmanager
def datasette(environment: Path, file: Path) -> Iterator[Peer]:
    """Run Datasette on a database of SQLite, which nobody changes."""
    port = _free_port()
    command: list[str | Path] = [
        environment / "bin" / "datasette",
        "serve",
        "-i",
        file,
        "--port",
        str(port),
    ]
    command += [
        "--setting",
        "sql_time_limit_ms",
        "60000",
        "--setting",
        "facet_time_limit_ms",
        "60000",
    ]
    address = f"http://127.0.0.1:{port}/-/versions.json"
    with _running(command, address) as process:
        yield Peer("Datasette", f"http://127.0.0.1:{port}/", process)


def filled_store(files: Iterable[Path]) -> Store:
    """Return a store with the quads of files in N-Quads, which may be compressed."""
    store = Store()
    for path in files:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as source:
            store.bulk_load(source.read(), RdfFormat.N_QUADS)
    return store


def rows(store: Store, query: str) -> list[list[Any]]:
    """Return the terms of a SELECT query, asked of the union of all graphs."""
    result = store.query(query, use_default_graph_as_union=True)
    assert isinstance(result, QuerySolutions)
    return [list(solution) for solution in result]


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
