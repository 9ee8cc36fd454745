"""A server that is killed while it writes, again and again: what it acknowledged must be there.

Run by itself, `python -m support.kills ROUNDS [SEED]`, it copies the catalogue, has a child serve and
write it, kills that at a random moment (SIGKILL), starts another one on what is left, and compares.
The child is forked, so that a round does not wait for imports; it writes over the same application
as the service, by several writers at once.
"""

import json
import os
import random
import re
import select
import shutil
import signal
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from practicegraph.application import startup
from practicegraph.application.services import Services
from practicegraph.catalogue import catalogue, loading
from practicegraph.editing.tokens import PERMISSIONS, TokenFile
from practicegraph.validation import checks, scope, shacl
from practicegraph.validation.incremental import IncrementalValidator
from practicegraph.validation.shacl import compile_shapes
from practicegraph.web.app import application
from support.catalogues import copy
from support.retirement import BASE

WRITERS = 3
LATEST = 0.6  # seconds from the first write that is acknowledged to the kill
EARLY = 0.25  # of the kills come at any moment of the first seconds, in which a start mends things
_STEP = re.compile(r"Step (\d+) of")
_TEXT = f"""@prefix dct: <http://purl.org/dc/terms/> .
<> a <{BASE}ontology#Practice> ;
    dct:title "Step {{step}} of {{name}}"@en ;
    dct:abstract "An example for a test."@en ;
    dct:source <https://example.org/killed> ;
    <{BASE}ontology#category> <{BASE}category/good-practice> .
"""


@dataclass
class Known:
    """What is known from outside: the last step acknowledged of each entry, and the one begun."""

    done: dict[str, int] = field(default_factory=dict)
    begun: dict[str, int] = field(default_factory=dict)

    def hear(self, line: str) -> bool:
        """Take up what a child says, and tell whether it acknowledges a write."""
        if line.startswith("{"):
            self.compare(json.loads(line))
            return False
        assert line.startswith(("begin", "done")), line
        kind, name, step = line.split()
        (self.begun if kind == "begin" else self.done)[name] = int(step)
        return kind == "done"

    def compare(self, found: dict[str, Any]) -> None:
        """Hold a report of a start against it, and take up what was whole but not acknowledged."""
        assert found["strange"] == [], found["strange"]
        assert found["release"] == found["folder"] == found["index"]
        for name in self.begun.keys() | found["entries"].keys():
            entry = found["entries"].get(name)
            at = entry["file"] if entry else 0
            assert at in {self.done.get(name, 0), self.begun[name]}, (name, at, self)
            if entry:
                assert entry["store"] == at, (name, entry)
                assert entry["log"] == list(range(1, at + 1)), (name, entry)
                assert entry["found"] == (at % 5 != 0), (name, entry)
            self.done[name] = at


def rounds(count: int, root: Path, seed: int) -> tuple[Known, int]:
    """Kill so many times; give what was known at the end, and how many writes were acknowledged."""
    chance, known, acknowledged = random.Random(seed), Known(), 0
    _prepare(root)
    token = TokenFile(root).add("writer", PERMISSIONS)
    for number in range(count + 1):
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reader)
            _serve(root, token, writer)
        os.close(writer)
        early = chance.random() < EARLY and number < count
        after = chance.uniform(0, 3.0 if early else LATEST)
        acknowledged += _watch(reader, child, known, after, early, last=number == count)
    return known, acknowledged


def _prepare(root: Path) -> None:
    """Read the shapes once for all children, which takes longer than many writes."""
    opened = catalogue.open_in_memory(catalogue.read_folder(root).documents, root)
    compiled, seen = (
        shacl.fast(compile_shapes(opened.store).shapes),
        IncrementalValidator.of(opened)._sights,
    )
    shacl.fast = lambda shapes: compiled
    scope.read = lambda store, followed=(): replace(seen, store=store)


def _watch(reader: int, child: int, known: Known, after: float, early: bool, last: bool) -> int:
    """Kill a child at its moment; hear what it said until then, and give how often it was done."""
    heard, moment = 0, time.monotonic() + (after if early else 120)
    with os.fdopen(reader, "rb", buffering=0) as pipe:
        said = _Lines(pipe.fileno())
        while (line := said.next(moment)) is not None:
            acknowledged = known.hear(line)
            heard += acknowledged
            if last and line.startswith("{"):
                break
            if acknowledged and heard == 1 and not early:
                moment = time.monotonic() + after
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        while (line := said.next(time.monotonic() + 5)) is not None:
            heard += known.hear(line)
    return heard


@dataclass
class _Lines:
    """The lines that a child has said, whole ones alone."""

    pipe: int
    lines: list[str] = field(default_factory=list)
    rest: bytes = b""

    def next(self, moment: float) -> str | None:
        """Give the next line, or None if there is none until the moment, or nobody to say it."""
        while not self.lines:
            left = moment - time.monotonic()
            waits = left > 0 and select.select([self.pipe], [], [], left)[0]
            content = os.read(self.pipe, 1 << 20) if waits else b""
            if not content:
                return None
            *lines, self.rest = (self.rest + content).split(b"\n")
            self.lines = [line.decode() for line in lines]
        return self.lines.pop(0)


def _serve(root: Path, token: str, output: int) -> None:
    """Open the catalogue, report what there is, and write until killed."""
    try:
        opened = startup.open_for_serving(root)
        app = application(opened, editor=startup.entry_editor(opened))
        with TestClient(app) as client:
            client.headers["Authorization"] = f"Bearer {token}"
            _say(output, json.dumps(_report(opened, client)))
            threads = [
                threading.Thread(target=_write, args=(client, f"killed-{number}", output))
                for number in range(WRITERS)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    except BaseException as error:
        _say(output, f"wrong {error!r}".replace("\n", " "))
    os._exit(1)


def _write(client: TestClient, name: str, output: int) -> None:
    step, path = _known_step(client, name), f"/practice/{name}"
    while True:
        step += 1
        _say(output, f"begin {name} {step}")
        if step % 5 == 0:
            answer = client.delete(f"{path}?reason=Step {step}", headers={"If-Match": "*"})
        else:
            condition = {"If-Match": "*"} if step > 1 else {"If-None-Match": "*"}
            body = _TEXT.format(step=step, name=name).encode()
            headers = {"Content-Type": "text/turtle", **condition}
            answer = client.put(path, content=body, headers=headers)
        if answer.status_code not in (200, 201, 204):
            _say(output, f"wrong {answer.status_code} {answer.text}".replace("\n", " "))
            return
        _say(output, f"done {name} {step}")


def _known_step(client: TestClient, name: str) -> int:
    answer = client.get(f"/practice/{name}.ttl")
    return _step(answer.text) if answer.status_code != 404 else 0


def _step(text: str) -> int:
    """Give the step of an entry: the one of its title, and one more where it is withdrawn."""
    found = _STEP.search(text)
    return int(found[1]) + ("Tombstone" in text) if found else 0


def _say(output: int, line: str) -> None:
    os.write(output, line.encode() + b"\n")


def _report(services: Services, client: TestClient) -> dict[str, Any]:
    """Give what a start has found, wherever something of an entry stands."""
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


def main(count: int, seed: int) -> None:
    """Kill a server on a copy of the catalogue and check what is left at the end."""
    with tempfile.TemporaryDirectory() as place:
        root = copy(Path(place) / "catalogue")
        started = time.monotonic()
        known, acknowledged = rounds(count, root, seed)
        seconds = time.monotonic() - started
        shutil.rmtree(root / catalogue.WORK_FOLDER)
        contents = catalogue.read_folder(root)
        checked = checks.check(root, contents, contents.paths)
        assert checked.violations == 0, checked.summary
        print(  # noqa: T201 - a command of its own
            f"{count} kills in {seconds:.0f} s, {acknowledged} writes acknowledged, "
            f"{sum(known.done.values())} there, none lost, none half-written (seed {seed})"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]) if sys.argv[2:] else random.randrange(1 << 16))
