"""Real clients, unchanged, against a real server."""

import contextlib
import http.client
import signal
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import pandas as pd  # type: ignore[import-untyped]
import pytest
from pyoxigraph import Store as Oxigraph
from rdflib import Dataset, Graph, URIRef
from rdflib.plugins.stores.sparqlstore import SPARQLStore

from support.catalogues import loaded
from support.server import free_port, wait_for

TITLE = "http://purl.org/dc/terms/title"
PRACTICE = "https://w3id.org/practicegraph/ontology#Practice"
MINT = "https://w3id.org/practicegraph/practice/1788"
COUNT = f"SELECT (COUNT(*) AS ?n) WHERE {{ ?e a <{PRACTICE}> }}"


def test_rdflib_follows_an_iri_to_its_graph(server: str) -> None:
    graph = Graph().parse(f"{server}/practice/1788")
    assert (URIRef(MINT), None, None) in graph


@pytest.mark.parametrize("form", ["turtle", "n3", "nt", "xml", "json-ld", "trig"])
def test_rdflib_gets_the_syntax_that_it_requests(server: str, form: str) -> None:
    graph = Graph() if form != "trig" else Dataset(default_union=True)
    assert set(graph.parse(f"{server}/practice/1788", format=form).subjects()) >= {URIRef(MINT)}


@pytest.mark.parametrize("extension", ["nq", "trig"])
def test_rdflib_finds_an_entry_in_the_graph_that_it_names(server: str, extension: str) -> None:
    dataset = Dataset().parse(f"{server}/practice/1788.{extension}")
    assert (URIRef(MINT), None, None) in dataset.graph(URIRef(MINT))


def test_a_second_server_on_the_same_folder_exits_with_an_error(
    server: str, tmp_path: Path
) -> None:
    root = loaded(tmp_path)
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
def test_a_server_that_is_stopped_stops_its_queries(ending: signal.Signals, tmp_path: Path) -> None:
    root, port = loaded(tmp_path), free_port()
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


def test_rdflib_s_store_queries_the_endpoint(server: str) -> None:
    graph = Graph(store=SPARQLStore(f"{server}/sparql"))
    title = URIRef(TITLE)
    languages = {getattr(word, "language", "") for word in graph.objects(URIRef(MINT), title)}
    assert languages >= {"en", "nl", "it"}
    assert len(graph.query(f"CONSTRUCT WHERE {{ <{MINT}> ?p ?o }}")) > 50
    assert graph.query(f"ASK {{ <{MINT}> ?p ?o }}").askAnswer is True


@pytest.mark.parametrize("method", ["GET", "POST", "POST_FORM"])
@pytest.mark.parametrize("form", ["xml", "json", "csv", "tsv"])
def test_rdflib_s_store_queries_by_every_method_and_format(
    server: str, method: Any, form: str
) -> None:
    graph = Graph(store=SPARQLStore(f"{server}/sparql", method=method, returnFormat=form))
    solutions: Any = graph.query(COUNT)
    assert [int(row[0]) for row in solutions] == [56]


def test_pandas_reads_a_query_s_result(server: str) -> None:
    query = f"SELECT ?entry ?title WHERE {{ ?entry a <{PRACTICE}> ; <{TITLE}> ?title }}"
    address = f"{server}/sparql?" + urllib.parse.urlencode({"query": query})
    by_name = pd.read_csv(f"{address}&format=csv")
    assert list(by_name.columns) == ["entry", "title"]
    assert by_name["entry"].nunique() == 56
    for accept, mark in (("text/csv", ","), ("text/tab-separated-values", "\t")):
        found = pd.read_csv(address, sep=mark, storage_options={"Accept": accept})
        assert len(found) == len(by_name)


def test_pandas_reads_the_result_of_a_stored_query(server: str) -> None:
    table = pd.read_csv(f"{server}/queries/entries-by-outcome?outcome=LAN&country=DEU&format=csv")
    assert len(table) >= 1
    assert not table.isna().all().any()


def test_pandas_reads_a_search(server: str) -> None:
    table = pd.read_csv(f"{server}/practices.csv?size=100", index_col="identifier")
    assert len(table) == table.index.nunique() == 56
    assert table.loc[1788, "title@nl"].startswith("MINT")
    found = pd.read_csv(f"{server}/practices?outcome=LAN&size=100&format=csv")
    assert 0 < len(found) < 56
    assert found["outcome"].str.contains("LAN").all()


def test_another_engine_calls_the_endpoint_with_service(server: str) -> None:
    inner = f"SELECT (COUNT(*) AS ?n) WHERE {{ ?e a <{PRACTICE}> }}"
    found: Any = Oxigraph().query(f"SELECT ?n WHERE {{ SERVICE <{server}/sparql> {{ {inner} }} }}")
    assert [solution["n"].value for solution in found] == ["56"]


def test_a_response_that_passes_its_deadline_is_incomplete(server: str) -> None:
    query = "SELECT * WHERE { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"
    address = f"{server}/sparql?" + urllib.parse.urlencode({"query": query, "timeout": "0.5"})
    with urllib.request.urlopen(address) as answer, pytest.raises(http.client.IncompleteRead):
        answer.read()
    assert answer_of_count(server) == "56"


def test_clients_that_disconnect_free_the_processes(server: str) -> None:
    query = urllib.parse.urlencode({"query": "SELECT * WHERE { ?a ?b ?c . ?d ?e ?f }"})
    for _ in range(3):
        with urllib.request.urlopen(f"{server}/sparql?{query}", timeout=10) as answer:
            assert answer.read(1000)
    assert answer_of_count(server) == "56"


def answer_of_count(server: str) -> str:
    address = f"{server}/sparql?" + urllib.parse.urlencode({"query": COUNT, "format": "csv"})
    return str(pd.read_csv(address).loc[0, "n"])
