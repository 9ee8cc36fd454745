"""Real clients, unchanged, against a real server."""

import contextlib
import http.client
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyoxigraph import Store as Oxigraph
from rdflib import Graph, URIRef
from rdflib.plugins.stores.sparqlstore import SPARQLStore
from SPARQLWrapper import CSV, JSON, TURTLE, XML, SPARQLWrapper

from conftest import copy

PRACTICE = "https://w3id.org/practicegraph/ontology#Practice"
COUNT = f"SELECT (COUNT(*) AS ?n) WHERE {{ ?e a <{PRACTICE}> }}"


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    root: Path = copy(tmp_path_factory.mktemp("server"))
    port = free_port()
    command = [sys.executable, "-m", "practicegraph", "serve", str(root), "--port", str(port)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            yield wait_for(f"http://127.0.0.1:{port}", process)
        finally:
            process.terminate()
            assert process.wait(timeout=5) in (0, -15)


def wait_for(address: str, process: subprocess.Popen[bytes]) -> str:
    for _ in range(200):
        assert process.poll() is None, "the server has ended"
        try:
            with urllib.request.urlopen(f"{address}/health"):
                return address
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    raise AssertionError("the server does not answer")


def answer(server: str, query: str, form: str, method: str = "GET") -> Any:
    """Ask as a researcher does; what comes back depends on the form."""
    client = SPARQLWrapper(f"{server}/sparql")
    client.setMethod(method)
    client.setQuery(query)
    client.setReturnFormat(form)
    return client.queryAndConvert()


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_sparqlwrapper_gets_solutions(server: str, method: str) -> None:
    solutions = answer(server, COUNT, JSON, method)["results"]["bindings"]
    assert solutions[0]["n"]["value"] == "53"
    assert answer(server, COUNT, CSV, method).split() == [b"n", b"53"]
    assert "53" in answer(server, COUNT, XML, method).toxml()


def test_sparqlwrapper_gets_a_graph(server: str) -> None:
    query = f"CONSTRUCT {{ ?s ?p ?o }} WHERE {{ ?s ?p ?o ; a <{PRACTICE}> }}"
    assert len(Graph().parse(data=answer(server, query, TURTLE), format="turtle")) > 500


def test_rdflib_follows_an_iri_to_its_graph(server: str) -> None:
    graph = Graph().parse(f"{server}/practice/1788")
    assert (URIRef("https://w3id.org/practicegraph/practice/1788"), None, None) in graph


def test_a_second_server_on_the_same_folder_says_so(server: str, tmp_path: Path) -> None:
    root = copy(tmp_path)
    command = [
        sys.executable,
        "-m",
        "practicegraph",
        "serve",
        str(root),
        "--port",
        str(free_port()),
    ]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as first:
        wait_for(f"http://127.0.0.1:{command[-1]}", first)
        again = [*command[:-1], str(free_port())]
        second = subprocess.run(again, capture_output=True, text=True, timeout=60, check=False)
        first.terminate()
    assert second.returncode == 1
    assert "the store is in use" in second.stderr
    assert "Traceback" not in second.stderr


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_a_server_ends_soon_and_takes_its_queries_along(
    ending: signal.Signals, tmp_path: Path
) -> None:
    root, port = copy(tmp_path), free_port()
    command = [sys.executable, "-m", "practicegraph", "serve", str(root), "--port", str(port)]
    cross = "SELECT (COUNT(*) AS ?n) WHERE { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"
    query = urllib.parse.urlencode({"query": cross, "timeout": "60"})
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        address = wait_for(f"http://127.0.0.1:{port}", process)
        reader = threading.Thread(target=forgotten, args=(f"{address}/sparql?{query}",))
        reader.start()
        time.sleep(1)
        assert len(workers_of(root)) == 2
        process.send_signal(ending)
        process.wait(timeout=5)
    reader.join(timeout=5)
    deadline = time.monotonic() + 5
    while workers_of(root) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert workers_of(root) == []


def forgotten(address: str) -> None:
    with contextlib.suppress(OSError, http.client.HTTPException):
        urllib.request.urlopen(address, timeout=30).read()


def workers_of(root: Path) -> list[str]:
    """The command lines of the processes that run queries on a catalogue."""
    lines = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    return [line.decode() for line in lines if b"worker" in line and str(root).encode() in line]


def test_rdflib_s_store_asks_the_endpoint(server: str) -> None:
    graph = Graph(store=SPARQLStore(f"{server}/sparql"))
    title = URIRef("http://purl.org/dc/terms/title")
    mint = URIRef("https://w3id.org/practicegraph/practice/1788")
    assert {getattr(word, "language", "") for word in graph.objects(mint, title)} >= {
        "en",
        "nl",
        "it",
    }
    solutions: Any = graph.query(COUNT)
    assert [int(row[0]) for row in solutions] == [53]


def test_another_engine_calls_the_endpoint_in_its_query(server: str) -> None:
    inner = f"SELECT (COUNT(*) AS ?n) WHERE {{ ?e a <{PRACTICE}> }}"
    found: Any = Oxigraph().query(f"SELECT ?n WHERE {{ SERVICE <{server}/sparql> {{ {inner} }} }}")
    assert [solution["n"].value for solution in found] == ["53"]


def test_an_answer_that_passes_its_deadline_never_ends_as_if_whole(server: str) -> None:
    query = "SELECT * WHERE { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"
    address = f"{server}/sparql?" + urllib.parse.urlencode({"query": query, "timeout": "0.5"})
    with urllib.request.urlopen(address) as answer, pytest.raises(http.client.IncompleteRead):
        answer.read()
    assert answer_of_count(server) == "53"


def answer_of_count(server: str) -> str:
    found: str = answer(server, COUNT, JSON)["results"]["bindings"][0]["n"]["value"]
    return found
