"""A server that is killed while it writes, again and again: no acknowledged write is lost.

`python -m support.kills ROUNDS [WORKERS [SEED]]` copies the catalogue, lets a child serve and write it, kills
the child at a random moment (SIGKILL), starts another one on what is left, and compares. The child
is forked, so that a round does not wait for imports; it writes over the same application as the
service, by several writers at once. With several workers, each write has a connection to any of
them, and some of the kills are of a worker, whose service goes on, before that of the service.
"""

import json
import os
import random
import re
import select
import shutil
import signal
import ssl
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient
from httpx2 import Client, Response, TransportError

from practicegraph.application import startup
from practicegraph.application.services import Services
from practicegraph.catalogue import catalogue, loading
from practicegraph.cli.workers import ServerSettings, WorkerProcesses
from practicegraph.editing.tokens import PERMISSIONS, TokenFile
from practicegraph.sparql.pool import QueryLimits
from practicegraph.validation import checks, incremental, shacl
from practicegraph.validation.incremental import IncrementalValidator
from practicegraph.validation.shacl import read_shapes
from practicegraph.web.app import application
from support.catalogues import loaded
from support.retirement import BASE
from support.server import free_port, wait_for_workers

WRITERS = 3
LATEST = 0.6  # seconds from the first write that is acknowledged to the kill
WORKER_KILLS = 0.5  # of the other kills come after that of a worker
EARLY = 0.25  # of the kills come in the first seconds, in which a start repairs the store
_TLS = ssl.create_default_context()  # not used, but each client would make one
_STEP = re.compile(r"Step (\d+) of")
_TEXT = f"""@prefix dct: <http://purl.org/dc/terms/> .
<> a <{BASE}ontology#Practice> ;
    dct:title "Step {{step}} of {{name}}"@en ;
    dct:abstract "An example for a test."@en ;
    dct:source <https://example.org/killed> ;
    <{BASE}ontology#category> <{BASE}category/good-practice> .
"""


@dataclass
class Progress:
    """The last step of each entry that was acknowledged, and the one that was started."""

    acknowledged: dict[str, int] = field(default_factory=dict)
    started: dict[str, int] = field(default_factory=dict)

    def record(self, line: str) -> bool:
        """Record a line of a child; return whether it acknowledges a write."""
        if line.startswith("{"):
            self.compare(json.loads(line))
            return False
        assert line.startswith(("begin", "done")), line
        kind, name, step = line.split()
        (self.started if kind == "begin" else self.acknowledged)[name] = int(step)
        return kind == "done"

    def compare(self, found: dict[str, Any]) -> None:
        """Compare with the state after a start, and record writes that were not acknowledged."""
        assert found["strange"] == [], found["strange"]
        assert found["release"] == found["folder"] == found["index"]
        for name in self.started.keys() | found["entries"].keys():
            entry = found["entries"].get(name)
            at = entry["file"] if entry else 0
            assert at in {self.acknowledged.get(name, 0), self.started[name]}, (name, at, self)
            if entry:
                assert entry["store"] == at, (name, entry)
                assert entry["log"] == list(range(1, at + 1)), (name, entry)
                assert entry["found"] == (at % 5 != 0), (name, entry)
            self.acknowledged[name] = at


def run_rounds(count: int, root: Path, seed: int, workers: int = 1) -> tuple[Progress, int]:
    """Kill a number of times; return the progress and how many writes were acknowledged."""
    chance, progress, acknowledged = random.Random(seed), Progress(), 0
    _prepare(root)
    token = TokenFile(root).add("writer", PERMISSIONS)
    for number in range(count + 1):
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reader)
            _serve(root, token, writer, workers)
        os.close(writer)
        early = chance.random() < EARLY and number < count
        last = number == count
        victim = workers > 1 and not (early or last) and chance.random() < WORKER_KILLS
        after = chance.uniform(0, 3.0 if early or victim else LATEST)
        acknowledged += _watch(reader, child, progress, after, early, last, victim)
    return progress, acknowledged


def _prepare(root: Path) -> None:
    """Compile the shapes once for all children, which takes longer than many writes."""
    opened = catalogue.open_in_memory(catalogue.read_folder(root).documents, root)
    compiled, seen = (
        read_shapes(opened.store)._engine,
        IncrementalValidator.build(opened)._scopes,
    )
    vars(shacl)["build_engine"] = lambda shapes: compiled
    vars(incremental)["read_scopes"] = lambda store, followed=(): replace(seen, store=store)


def _watch(
    reader: int,
    child: int,
    progress: Progress,
    after: float,
    early: bool,
    last: bool,
    with_worker: bool,
) -> int:
    """Kill a child at its moment; return how many writes it acknowledged until then.

    A worker is killed before, at the first write that is acknowledged.
    """
    count, moment = 0, time.monotonic() + (after if early else 120)
    with os.fdopen(reader, "rb", buffering=0) as pipe:
        lines = _LineReader(pipe.fileno())
        while (line := lines.next(moment)) is not None:
            acknowledged = progress.record(line)
            count += acknowledged
            if last and line.startswith("{"):
                break
            if acknowledged and count == 1 and not early:
                moment = time.monotonic() + after
                for worker in _workers(child) if with_worker else ():
                    os.kill(worker, signal.SIGKILL)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        while (line := lines.next(time.monotonic() + 5)) is not None:
            count += progress.record(line)
    return count


def _workers(process: int) -> list[int]:
    """Return the processes that answer beside one."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    commands = {int(child): Path(f"/proc/{child}/cmdline").read_text() for child in children}
    return [child for child, command in commands.items() if "spawn_main" in command]


@dataclass
class _LineReader:
    """Reads the complete lines that a child has sent."""

    pipe: int
    lines: list[str] = field(default_factory=list)
    rest: bytes = b""

    def next(self, moment: float) -> str | None:
        """Return the next line; None if none comes until the moment, or the child has ended."""
        while not self.lines:
            left = moment - time.monotonic()
            waits = left > 0 and select.select([self.pipe], [], [], left)[0]
            content = os.read(self.pipe, 1 << 20) if waits else b""
            if not content:
                return None
            *lines, self.rest = (self.rest + content).split(b"\n")
            self.lines = [line.decode() for line in lines]
        return self.lines.pop(0)


def _serve(root: Path, token: str, output: int, workers: int) -> None:
    """Open the catalogue, send its state, and write until killed."""
    try:
        opened = startup.open_for_serving(root)
        if workers > 1:
            _serve_with_workers(opened, token, output, workers)
        app = application(opened, editor=startup.entry_editor(opened))
        with TestClient(app) as client:
            client.headers["Authorization"] = f"Bearer {token}"
            _write_all(opened, client, output)
    except BaseException as error:
        _send(output, f"wrong {error!r}".replace("\n", " "))
    os._exit(1)


def _serve_with_workers(opened: Services, token: str, output: int, workers: int) -> None:
    """Serve as the command does, and write over connections to any of the processes."""
    folder, port, editor = opened.catalogue.folder, free_port(), startup.entry_editor(opened)
    settings = ServerSettings(folder, "127.0.0.1", port, (), QueryLimits(), with_dumps=False)
    processes = WorkerProcesses(settings, opened, editor.writer, workers - 1)

    def write() -> None:
        wait_for_workers(port, workers)
        _write_all(opened, AnyConnection(f"http://127.0.0.1:{port}", token), output)

    threading.Thread(target=write, daemon=True).start()
    settings.run(application(opened, editor=editor, beside=processes.running))


@dataclass(frozen=True)
class AnyConnection:
    """A client whose requests each have a connection of their own."""

    address: str
    token: str

    def request(self, method: str, path: str, **arguments: Any) -> Response:
        """Return the response of one of the processes; raise TransportError where it is killed."""
        headers = {"Authorization": f"Bearer {self.token}"} | arguments.pop("headers", {})
        with Client(base_url=self.address, timeout=60, verify=_TLS) as client:
            return client.request(method, path, headers=headers, **arguments)

    def get(self, path: str, **arguments: Any) -> Response:
        """Return the response of one of the processes that lives."""
        while True:
            with suppress(TransportError):
                return self.request("GET", path, **arguments)


def _write_all(opened: Services, client: TestClient | AnyConnection, output: int) -> None:
    _send(output, json.dumps(_describe_state(opened, client)))
    threads = [
        threading.Thread(target=_write, args=(client, f"killed-{number}", output))
        for number in range(WRITERS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _write(client: TestClient | AnyConnection, name: str, output: int) -> None:
    step, path = _current_step(client, name), f"/practice/{name}"
    while True:
        step += 1
        _send(output, f"begin {name} {step}")
        answer = None
        with suppress(TransportError):
            answer = _send_step(client, path, name, step)
        if answer is None:  # a worker was killed, which may have handed the write over
            answer = _send_step(client, path, name, step)
            if _current_step(client, name) == step:
                answer.status_code = 200
        if answer.status_code not in (200, 201, 204):
            _send(output, f"wrong {answer.status_code} {answer.text}".replace("\n", " "))
            return
        _send(output, f"done {name} {step}")


def _send_step(client: TestClient | AnyConnection, path: str, name: str, step: int) -> Response:
    if step % 5 == 0:
        path, headers = f"{path}?reason=Step {step}", {"If-Match": "*"}
        return client.request("DELETE", path, headers=headers)
    condition = {"If-Match": "*"} if step > 1 else {"If-None-Match": "*"}
    body = _TEXT.format(step=step, name=name).encode()
    headers = {"Content-Type": "text/turtle", **condition}
    return client.request("PUT", path, content=body, headers=headers)


def _current_step(client: TestClient | AnyConnection, name: str) -> int:
    answer = client.get(f"/practice/{name}.ttl")
    return _step(answer.text) if answer.status_code != 404 else 0


def _step(text: str) -> int:
    """Return the step of an entry: that of its title, and one more if it is withdrawn."""
    found = _STEP.search(text)
    return int(found[1]) + ("Tombstone" in text) if found else 0


def _send(output: int, line: str) -> None:
    os.write(output, line.encode() + b"\n")


def _describe_state(services: Services, client: TestClient | AnyConnection) -> dict[str, Any]:
    """Return the state after a start: file, store, log and index of each entry."""
    opened = services.catalogue
    places = sorted((opened.folder / "data" / "practices").iterdir())
    names = [path.stem for path in places if path.stem.startswith("killed-")]
    log = services.log
    assert log
    events = list(log.since(0))
    params = {"q": '"Step"', "size": "100", "format": "json"}
    items = client.get("/practices", params=params).json()["items"]
    found = {item["identifier"] for item in items}
    return {
        "release": opened.release,
        "folder": loading.folder_release(opened.folder),
        "index": services.search.release,
        "strange": [path.name for path in places if path.suffix != ".ttl"],
        "entries": {
            name: {
                "file": _step(opened.entry_path(name).read_text()),
                "store": _step(
                    "\n".join(map(str, opened.store.graph_quads(opened.entry_iri(name))))
                ),
                "log": [_step(e.graph) for e in events if e.topic == opened.entry_iri(name)],
                "found": name in found,
            }
            for name in names
        },
    }


def main(count: int, workers: int, seed: int) -> None:
    """Kill a server on a copy of the catalogue, and check the copy at the end."""
    with tempfile.TemporaryDirectory() as place:
        root = loaded(Path(place) / "catalogue")
        started = time.monotonic()
        progress, acknowledged = run_rounds(count, root, seed, workers)
        seconds = time.monotonic() - started
        shutil.rmtree(root / catalogue.WORK_FOLDER)
        contents = catalogue.read_folder(root)
        checked = checks.check(root, contents, contents.paths)
        assert checked.violations == 0, checked.summary
        print(  # noqa: T201 - a command of its own
            f"{count} kills in {seconds:.0f} s, {acknowledged} writes acknowledged, "
            f"{sum(progress.acknowledged.values())} there, none lost, none half-written (seed {seed})"
        )


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    main(*given, *[1, random.randrange(1 << 16)][len(given) - 1 :])
