"""A service of several processes is as one: what is written is read by any connection."""

import os
import re
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from urllib.parse import urlencode, urlsplit

import pytest
from httpx2 import Client, Response, TransportError

from practicegraph.catalogue.catalogue import WORK_FOLDER
from practicegraph.catalogue.change_log import ChangeLog, StateFile
from practicegraph.editing.tokens import PERMISSIONS, TokenFile
from practicegraph.rdf.untrusted import MAX_BYTES
from practicegraph.storage.oxigraph import OxigraphStore
from support.catalogues import loaded
from support.server import serving, wait_for_workers

if sys.platform != "linux":
    pytest.skip("connections are distributed among sockets of one address", allow_module_level=True)

ENTRY, TITLE = "/practice/1788", re.compile(r'"MINT[^"]*"')
TLS = ssl.create_default_context()  # not used, but each client would make one
CONNECTIONS = 8
"""As many reach two processes but for once in 128 times, and each test has more of them."""


@dataclass
class Service:
    """A service of two processes, each of whose requests here has a connection of its own."""

    root: Path
    address: str
    token: str

    def send(self, method: str, path: str, content: str = "", **headers: str) -> Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        given = {"Authorization": f"Bearer {self.token}", "Content-Type": "text/turtle"} | named
        with Client(base_url=self.address, timeout=60, verify=TLS) as client:
            return client.request(method, path, content=content.encode() or None, headers=given)

    def retitle(self, text: str, title: str, tag: str = "*") -> Response:
        return self.send("PUT", ENTRY, TITLE.sub(f'"MINT {title}"', text), If_Match=tag)

    def read(self, path: str) -> list[Response]:
        return [self.send("GET", path) for _ in range(CONNECTIONS)]

    @property
    def port(self) -> int:
        port = urlsplit(self.address).port
        assert port
        return port

    @property
    def processes(self) -> list[int]:
        """The processes that listen: the first one and those that it has started."""
        listening = [int(p.name) for p in Path("/proc").glob("[0-9]*") if _serves(p, self.root)]
        (first,) = (p for p in listening if "--workers" in _command(p))
        children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
        return [first, *(int(c) for c in children if "spawn_main" in _command(int(c)))]

    @property
    def log(self) -> ChangeLog:
        return ChangeLog(StateFile(self.root / WORK_FOLDER / "state.db"), OxigraphStore())


def _command(process: int) -> str:
    return Path(f"/proc/{process}/cmdline").read_text()


def _serves(process: Path, root: Path) -> bool:
    try:
        return f"\0{root}\0" in (process / "cmdline").read_text()
    except OSError:
        return False


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    root = loaded(tmp_path_factory.mktemp("workers"))
    token = TokenFile(root).add("anna", PERMISSIONS)
    with serving(root, "--workers", "2", "--no-dumps") as address:
        found = Service(root, address, token)
        wait_for_workers(found.port, 2)
        yield found
    wait_for_workers(found.port, 0)


def test_what_is_written_is_read_by_every_connection(service: Service) -> None:
    entry = f"https://w3id.org/practicegraph{ENTRY}"
    query = f"SELECT ?title {{ <{entry}> <http://purl.org/dc/terms/title> ?title }}"
    for word in ("Xylophone", "Bassoon"):
        text = service.send("GET", f"{ENTRY}.ttl").text
        written = service.retitle(text, word)
        assert written.status_code == 200, written.text
        answers = service.read(f"{ENTRY}.ttl")
        assert {answer.text for answer in answers} == {written.text}
        assert {answer.headers["etag"] for answer in answers} == {written.headers["etag"]}
        found = [answer.json() for answer in service.read(f"/practices.json?q={word}")]
        assert {row["items"][0]["identifier"] for row in found} == {"1788"}
        assert len({row["release"] for row in found}) == 1
        for answer in service.read(f"/sparql?{urlencode({'query': query})}"):
            assert word in answer.text


def test_of_two_writes_with_one_precondition_one_fails(service: Service) -> None:
    with ThreadPoolExecutor(2) as threads:
        for number in range(3):
            read = service.send("GET", f"{ENTRY}.ttl")
            tag = read.headers["etag"]
            titles = [f"{number} of {name}" for name in ("anna", "ben")]
            writes = [threads.submit(service.retitle, read.text, t, tag) for t in titles]
            statuses = {t: w.result().status_code for t, w in zip(titles, writes, strict=True)}
            assert sorted(statuses.values()) == [200, 412]
            winner = max(titles, key=lambda title: -statuses[title])
            assert f'"MINT {winner}"' in service.send("GET", f"{ENTRY}.ttl").text
            assert service.retitle(read.text, "late", tag).status_code == 412


def test_a_session_is_one_on_every_connection(service: Service) -> None:
    form = service.send("GET", f"{ENTRY}/edit").text
    assert 'name=".token"' in form
    sent = {".token": service.token, ".action": "save"}
    with Client(base_url=service.address, timeout=60, verify=TLS) as client:
        answer = client.post(f"{ENTRY}/edit", data=sent)
    cookie = answer.headers["set-cookie"].partition(";")[0]
    for _ in range(CONNECTIONS):
        assert 'name=".token"' not in service.send("GET", f"{ENTRY}/edit", Cookie=cookie).text


def test_a_body_that_is_too_large_is_refused_on_every_connection(
    service: Service,
) -> None:
    for _ in range(CONNECTIONS):
        answer = service.send("PUT", ENTRY, "#" * (MAX_BYTES + 1), If_Match="*")
        assert answer.status_code == 413, answer.text


def test_a_process_that_is_killed_loses_nothing_and_is_started_again(service: Service) -> None:
    before, (_, reader) = service.log.count, service.processes
    acknowledged: SimpleQueue[str] = SimpleQueue()
    with ThreadPoolExecutor(3) as threads:
        writers = [threads.submit(_write, service, f"killed-{n}", acknowledged) for n in range(3)]
        first = [acknowledged.get(timeout=60) for _ in range(4)]
        os.kill(reader, signal.SIGKILL)
        steps = [writer.result() for writer in writers]
    assert len(first) < sum(steps)
    wait_for_workers(service.port, 2)
    assert service.processes[1] != reader
    events = list(service.log.since(before))
    assert [event.number for event in events] == [*range(before + 1, before + len(events) + 1)]
    for number in range(3):
        topic = f"https://w3id.org/practicegraph/practice/killed-{number}"
        graphs = [event.graph for event in events if event.topic == topic]
        logged = [int(found[1]) for graph in graphs if (found := re.search(r"Step (\d+)", graph))]
        assert logged == [*range(1, len(graphs) + 1)]
        assert len(logged) == steps[number]
        answers = service.read(f"/practice/killed-{number}.ttl")
        assert {f"Step {logged[-1]} " in answer.text for answer in answers} == {True}


def _write(service: Service, name: str, acknowledged: SimpleQueue[str]) -> int:
    """Write an entry step by step, each one until it is acknowledged; return the steps."""
    for step in range(1, 4):
        text = _TEXT.replace("STEP", f"Step {step} of {name}")
        try:
            answer = service.send("PUT", f"/practice/{name}", text, **_condition(step))
        except TransportError:  # the process that had the connection was killed
            answer = service.send("GET", f"/practice/{name}.ttl")
            if f"Step {step} " not in answer.text:
                answer = service.send("PUT", f"/practice/{name}", text, **_condition(step))
        assert answer.status_code in (200, 201), answer.text
        acknowledged.put(name)
    return step


def _condition(step: int) -> dict[str, str]:
    return {"If_Match": "*"} if step > 1 else {"If_None_Match": "*"}


_TEXT = """@prefix dct: <http://purl.org/dc/terms/> .
<> a <https://w3id.org/practicegraph/ontology#Practice> ;
    dct:title "STEP"@en ;
    dct:abstract "An example for a test."@en ;
    dct:source <https://example.org/killed> ;
    <https://w3id.org/practicegraph/ontology#category>
        <https://w3id.org/practicegraph/category/good-practice> .
"""


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [((), 1, "the store is in use"), (("--store", "http://127.0.0.1/"), 2, "--store names")],
)
def test_an_error_at_the_start_is_told_once(
    service: Service, options: tuple[str, ...], status: int, message: str
) -> None:
    command = [sys.executable, "-m", "practicegraph", "serve", str(service.root), "--workers", "2"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr.count(message)) == (status, 1), done.stderr


def test_a_port_in_use_is_told_once(service: Service, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "practicegraph", "serve", str(loaded(tmp_path / "other"))]
    command += ["--workers", "2", "--port", str(service.port)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr.count("in use")) == (3, 1), done.stderr
