"""Results beyond their limits: what the client gets, and the line in the log of the server."""

import http.client
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from practicegraph.application import startup
from practicegraph.sparql.pool import QueryLimits, WorkerPool
from practicegraph.web.app import application
from support.catalogues import loaded
from support.server import free_port, wait_for

CROSS = "SELECT * WHERE { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"
MOST = 5
EVERY = "SELECT * WHERE { ?s ?p ?o }"
GRAPH = "CONSTRUCT WHERE { ?s ?p ?o }"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The catalogue with answers of five rows at the most."""
    served = startup.open_for_serving(loaded(tmp_path_factory.mktemp("served")))
    assert served.source
    workers = WorkerPool(served.source, QueryLimits(processes=1, max_rows=MOST))
    with TestClient(application(served, workers)) as found:
        yield found


@pytest.mark.parametrize("gzip", ["gzip", "identity"])
def test_a_response_that_breaks_off_is_one_line_in_the_log(tmp_path: Path, gzip: str) -> None:
    root, port = loaded(tmp_path / "catalogue"), free_port()
    command = [sys.executable, "-m", "practicegraph", "serve", str(root), "--port", str(port)]
    log = tmp_path / "log"
    with log.open("w") as errors, subprocess.Popen(command, stderr=errors) as process:
        address = wait_for(f"http://127.0.0.1:{port}", process)
        before = len(log.read_text().splitlines())
        query = urllib.parse.urlencode({"query": CROSS, "timeout": "0.5"})
        request = urllib.request.Request(
            f"{address}/sparql?{query}", headers={"Accept-Encoding": gzip}
        )
        with urllib.request.urlopen(request) as answer, pytest.raises(http.client.IncompleteRead):
            answer.read()
        time.sleep(0.3)
        lines = log.read_text().splitlines()[before:]
        process.terminate()
    assert len(lines) == 1, lines
    assert "/sparql: the answer to query " in lines[0]
    assert lines[0].endswith("was broken off: not ended after 0.5 s")


def test_a_result_states_its_maximum_number_of_rows(small: TestClient) -> None:
    for accept in ("*/*", "text/html", "application/ld+json"):
        query = GRAPH + " LIMIT 3" if "ld" in accept else EVERY
        answer = small.get("/sparql", params={"query": query}, headers={"Accept": accept})
        assert answer.headers["x-most-rows"] == str(MOST)


def test_json_that_is_cut_off_is_marked_as_truncated(small: TestClient) -> None:
    found = small.get("/sparql", params={"query": EVERY}).json()
    assert len(found["results"]["bindings"]) == MOST
    assert found["truncated"] is True


@pytest.mark.parametrize(
    ("query", "accept"),
    [
        (EVERY, "text/csv"),
        (EVERY, "text/tab-separated-values"),
        (GRAPH, "text/turtle"),
        (GRAPH, "application/ld+json"),
    ],
)
def test_other_results_with_too_many_rows_answer_422_before_anything_is_sent(
    small: TestClient, query: str, accept: str
) -> None:
    answer = small.get("/sparql", params={"query": query}, headers={"Accept": accept})
    assert answer.status_code == 422
    assert "5" in answer.json()["detail"]
    assert "LIMIT" in answer.json()["hint"]
    whole = f"{query} LIMIT {MOST}"
    answer = small.get("/sparql", params={"query": whole}, headers={"Accept": accept})
    assert answer.status_code == 200


def test_json_ld_has_a_lower_limit_of_triples(client: TestClient) -> None:
    many = "CONSTRUCT { ?a ?b ?f } WHERE { ?a ?b ?c . ?d ?e ?f }"
    answer = client.get(
        "/sparql", params={"query": many}, headers={"Accept": "application/ld+json"}
    )
    assert answer.status_code == 422
    assert "50000" in answer.json()["detail"]
    few = {"query": f"{GRAPH} LIMIT 10"}
    answer = client.get("/sparql", params=few, headers={"Accept": "application/ld+json"})
    assert answer.headers["x-most-rows"] == "50000"
    assert client.get("/sparql", params=few).headers["x-most-rows"] == "5000000"
