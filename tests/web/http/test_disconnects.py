"""Work for a client ends when it disconnects, or reads too slowly."""

import contextlib
import http.client
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlencode

import pytest
import uvicorn

from practicegraph.application import startup
from practicegraph.sparql.pool import QueryLimits, WorkerPool
from practicegraph.web.app import application
from practicegraph.web.http import responses
from practicegraph.web.http.connections import BoundedConnection
from support.catalogues import ROOT, loaded

DEADLINE, SOON = 120.0, 20.0
"""Seconds of a query at the most, and in which others are to be answered, on any machine."""
CROSS = "WHERE { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"
NONE = CROSS.replace("}", "FILTER (CONCAT(STR(?c), STR(?f), STR(?i)) = '?') }")
COUNT = f"SELECT (COUNT(*) AS ?n) {CROSS}"
EVERY = f"SELECT * {CROSS}"
FORM = "Content-Type: application/x-www-form-urlencoded"
STORED = "imports"
SHAPES = f"""
@prefix pg: <https://w3id.org/practicegraph/ontology#> .
@prefix sh: <http://www.w3.org/ns/shacl#> .
[] a sh:NodeShape ; sh:targetClass pg:Practice ; sh:sparql [
    sh:message "slow" ;
    sh:select "SELECT $this {NONE.replace("{", "{ $this ?x ?y .")}"
] .
"""
ENTRY = (ROOT / "data/practices/1788.ttl").read_text()


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a real server, in which one stored query takes longer than anybody waits."""
    root = loaded(tmp_path_factory.mktemp("left"))
    stored = root / "queries" / f"{STORED}.rq"
    said = [line for line in stored.read_text().splitlines() if line.startswith("#:")]
    stored.write_text("\n".join([*said, COUNT, ""]))
    served = startup.open_for_serving(root)
    assert served.source
    workers = WorkerPool(served.source, QueryLimits(seconds=DEADLINE, max_seconds=DEADLINE))
    with running(
        uvicorn.Config(application(served, workers), http=BoundedConnection, log_config=None)
    ) as found:
        yield found


@contextlib.contextmanager
def running(config: uvicorn.Config) -> Iterator[int]:
    """Run a server in a thread, and give its port."""
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive()
                time.sleep(0.05)
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


def request(
    path: str, body: dict[str, str] | None = None, method: str = "", *headers: str
) -> bytes:
    content = urlencode(body).encode() if body else b""
    lines = [f"{method or ('POST' if body else 'GET')} {path} HTTP/1.1", "Host: x", *headers]
    lines += [FORM, f"Content-Length: {len(content)}"] if body else []
    return "\r\n".join([*lines, "", ""]).encode() + content


def connected(port: int, sent: bytes) -> socket.socket:
    found = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE)
    found.sendall(sent)
    return found


def asked(port: int, sent: bytes) -> int:
    """Ask something and return the status of the answer."""
    with connected(port, sent) as connection:
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        assert answer.read()
        return answer.status


def rest(reader: socket.socket) -> bytes:
    return b"".join(iter(lambda: reader.recv(1 << 20), b""))


def of_query(query: str, **more: str) -> str:
    return "/sparql?" + urlencode({"query": query} | more)


ONE = request(of_query("SELECT * WHERE { ?s ?p ?o } LIMIT 1"))
HEALTH = request("/health")
KINDS = {
    "SPARQL": (request(of_query(COUNT)), ONE),
    "SPARQL by POST": (request("/sparql", {"query": COUNT}), ONE),
    "SPARQL from a script, with gzip": (
        request(of_query(COUNT), None, "", "Origin: http://e", "Accept-Encoding: gzip"),
        ONE,
    ),
    "SPARQL as a page": (request(of_query(COUNT, format="html")), ONE),
    "SPARQL as JSON-LD": (
        request(of_query(f"CONSTRUCT {{ ?a ?b ?c }} {CROSS}", format="jsonld")),
        ONE,
    ),
    "HEAD": (request(of_query(COUNT), None, "HEAD"), ONE),
    "SPARQL with others behind": (request(of_query(COUNT)) + HEALTH + HEALTH, ONE),
    "SPARQL behind others": (HEALTH + HEALTH + request(of_query(COUNT)), ONE),
    "a stored query": (request(f"/queries/{STORED}"), request("/queries/entries-by-year")),
    "a check": (
        request("/validate?format=json", {"text": ENTRY, "type": "ttl", "shapes": SHAPES}),
        request("/validate?format=json", {"text": ENTRY, "type": "ttl"}),
    ),
}
LEAVING: dict[str, Callable[[socket.socket], None]] = {
    "closes": socket.socket.close,
    "closes its sending side": lambda connection: connection.shutdown(socket.SHUT_WR),
}


@pytest.mark.parametrize("leaving", LEAVING)
@pytest.mark.parametrize("kind", KINDS)
def test_a_disconnected_client_frees_the_process(port: int, kind: str, leaving: str) -> None:
    slow, quick = KINDS[kind]
    assert asked(port, quick) == 200
    readers = [connected(port, slow) for _ in range(5)]
    time.sleep(0.5)
    for reader in readers:
        LEAVING[leaving](reader)
    start = time.monotonic()
    assert asked(port, quick) == 200
    assert time.monotonic() - start < SOON
    for reader in readers:
        reader.close()


def test_a_request_ends_when_its_client_stops_sending(port: int) -> None:
    with connected(port, request(of_query(COUNT))) as reader:
        reader.shutdown(socket.SHUT_WR)
        assert reader.recv(1) == b""


def test_stored_queries_run_while_queries_of_clients_occupy_all_processes(port: int) -> None:
    assert asked(port, request("/queries/entries-by-year")) == 200
    with contextlib.ExitStack() as stack:
        for _ in range(18):
            stack.enter_context(connected(port, request(of_query(COUNT))))
        time.sleep(0.3)
        start = time.monotonic()
        assert asked(port, ONE) == 503
        assert asked(port, request("/queries/entries-by-year")) == 200
        assert asked(port, request("/gaps")) == 200
        assert time.monotonic() - start < SOON
    assert asked(port, ONE) == 200


def test_head_ends_after_the_headers(port: int) -> None:
    for _ in range(3):
        with connected(port, request(of_query(EVERY), None, "HEAD", "Connection: close")) as reader:
            start = time.monotonic()
            said = rest(reader)
        assert time.monotonic() - start < SOON
        assert said.startswith(b"HTTP/1.1 200")
        assert said.endswith(b"\r\n\r\n")
    assert asked(port, ONE) == 200


def test_pipelined_requests_are_answered_in_order(port: int) -> None:
    with connected(port, ONE * 20 + request("/health", None, "", "Connection: close")) as reader:
        said = rest(reader)
    assert said.count(b"HTTP/1.1 200") == 21
    assert said.rindex(b'"bindings"') < said.index(b'"status":"ok"')


def test_a_client_that_reads_too_slowly_is_disconnected(
    port: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(responses, "_PATIENCE", 0.2)
    monkeypatch.setattr(responses, "_RATE", 10_000_000)
    readers = [connected(port, request(of_query(EVERY))) for _ in range(3)]
    start = time.monotonic()
    with caplog.at_level(logging.ERROR, "uvicorn.error"):
        while len(caplog.records) < len(readers):
            assert time.monotonic() - start < SOON
            time.sleep(0.1)
    assert asked(port, ONE) == 200
    for reader in readers:
        with reader:
            assert not rest(reader).endswith(b"\r\n0\r\n\r\n")
    said = {str(record.exc_info[1]) for record in caplog.records if record.exc_info}
    assert len(said) == 1
    assert said.pop().endswith("broken off: read at less than 10000 kB/s")


def test_a_slow_client_gets_a_small_response_whole(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(responses, "_PATIENCE", 0.1)
    rows = request(of_query("SELECT ?s WHERE { ?s ?p ?o } LIMIT 1000", format="csv"))
    with connected(port, rows) as reader:
        time.sleep(0.5)
        answer = http.client.HTTPResponse(reader)
        answer.begin()
        assert answer.read().count(b"\n") == 1001


def test_a_client_that_reads_at_the_minimum_rate_gets_the_whole_response(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(responses, "_PATIENCE", 1.5)
    monkeypatch.setattr(responses, "_RATE", 1)
    rows = request(of_query("SELECT ?a ?d WHERE { ?a ?b ?c . ?d ?e ?f } LIMIT 60000", format="csv"))
    with connected(port, rows) as reader:
        answer = http.client.HTTPResponse(reader)
        answer.begin()
        first = answer.read(1000)
        time.sleep(2)
        assert (first + answer.read()).count(b"\n") == 60001
