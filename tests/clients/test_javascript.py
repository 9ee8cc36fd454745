"""Clients of the JavaScript world, unchanged, against a real server: Comunica and rdf-dereference.

The IRIs are those of w3id.org; the clients read them where the server stands.
"""

import json
import select
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from pyoxigraph import RdfFormat, Triple, parse

from support.catalogues import ROOT, skip_without

CLIENTS = ROOT / "tests" / "clients"
MINT = "https://w3id.org/practicegraph/practice/1788"
PREFIXES = """
PREFIX dct: <http://purl.org/dc/terms/>
PREFIX pg: <https://w3id.org/practicegraph/ontology#>
PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
PREFIX void: <http://rdfs.org/ns/void#>
"""
LABELS = f"<{MINT}> pg:outcome ?outcome . ?outcome skos:prefLabel ?label ."
SECONDS = 60


class Clients:
    """Node.js with the clients in it, which take a task a line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def done(self, **task: Any) -> str:
        """Do a task and give its result; an error of the client fails the test."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(task) + "\n")
        self._process.stdin.flush()
        assert select.select([self._process.stdout], [], [], SECONDS)[0], "no answer"
        answer = json.loads(self._process.stdout.readline())
        assert "error" not in answer, answer["error"]
        result: str = answer["result"]
        return result

    def solutions(self, query: str, *sources: Any) -> list[dict[str, str]]:
        """Ask Comunica; the values of each solution by name."""
        found = self.done(task="query", query=PREFIXES + query, sources=sources)
        bindings = json.loads(found)["results"]["bindings"]
        return [{name: term["value"] for name, term in row.items()} for row in bindings]

    def triples(self, **task: Any) -> set[Triple]:
        """Do a task whose result is a graph; all of it must stand in the default graph."""
        quads = list(parse(self.done(**task), RdfFormat.N_QUADS))
        assert {str(quad.graph_name) for quad in quads} == {"DEFAULT"}
        return {quad.triple for quad in quads}


@pytest.fixture(scope="module")
def clients() -> Iterator[Clients]:
    if not shutil.which("node"):
        skip_without("Node.js")
    if not (CLIENTS / "node_modules" / ".ready").exists():
        skip_without("what tests/clients/package.json lists")
    with subprocess.Popen(
        ["node", "clients.mjs"],
        cwd=CLIENTS,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Clients(process)
        finally:
            process.kill()


@pytest.fixture
def endpoint(server: str) -> dict[str, str]:
    return {"type": "sparql", "value": f"{server}/sparql"}


def test_comunica_queries_the_endpoint(clients: Clients, endpoint: dict[str, str]) -> None:
    query = "SELECT (COUNT(*) AS ?n) WHERE { ?entry a pg:Practice }"
    assert clients.solutions(query, endpoint) == [{"n": "56"}]


def test_comunica_detects_a_sparql_endpoint(clients: Clients, server: str) -> None:
    query = "SELECT (COUNT(*) AS ?n) WHERE { ?entry a pg:Practice }"
    assert clients.solutions(query, f"{server}/sparql") == [{"n": "56"}]


def test_a_text_passes_comunica_unchanged(clients: Clients, endpoint: dict[str, str]) -> None:
    text = "100%25 a+b é"
    query = f'SELECT ?entry ("{text}" AS ?text) WHERE {{ ?entry dct:identifier "1788" }}'
    assert clients.solutions(query, endpoint) == [{"entry": MINT, "text": text}]


def test_comunica_constructs_from_the_endpoint(clients: Clients, endpoint: dict[str, str]) -> None:
    query = f"CONSTRUCT WHERE {{ <{MINT}> ?p ?o }}"
    assert len(clients.triples(task="query", query=query, sources=[endpoint])) > 50


@pytest.mark.parametrize(("identifier", "truth"), [("1788", True), ("0", False)])
def test_comunica_gets_booleans(
    clients: Clients, endpoint: dict[str, str], identifier: str, truth: bool
) -> None:
    query = f'{PREFIXES} ASK {{ ?entry dct:identifier "{identifier}" }}'
    found = clients.done(task="query", query=query, sources=[endpoint])
    assert json.loads(found)["boolean"] is truth


def test_comunica_lists_classes_and_properties_for_completion(
    clients: Clients, server: str
) -> None:
    """As the editor of the SIB does, which reads the endpoint's description as a file."""
    query = """
        SELECT ?property
        WHERE {
            ?graph void:classPartition ?part .
            ?part void:class pg:Practice ; void:propertyPartition ?inside .
            ?inside void:property ?property .
        }
    """
    source = {"type": "file", "value": f"{server}/sparql?format=ttl"}
    found = clients.solutions(query, source)
    assert {"property": "https://w3id.org/practicegraph/ontology#outcome"} in found


def test_comunica_queries_an_entry_as_a_document(clients: Clients, server: str) -> None:
    query = f"SELECT ?title WHERE {{ <{MINT}> a pg:Practice ; dct:title ?title }}"
    titles = [row["title"] for row in clients.solutions(query, f"{server}/practice/1788")]
    assert len(titles) == 4
    assert all(title.startswith("MINT") for title in titles)


def test_comunica_queries_two_documents_at_once(clients: Clients, server: str) -> None:
    query = f"SELECT ?label WHERE {{ {LABELS} FILTER(LANG(?label) = 'de') }}"
    sources = [f"{server}/practice/1788", f"{server}/outcome"]
    labels = [row["label"] for row in clients.solutions(query, *sources)]
    assert "Sprachkompetenz der Kinder in der Landessprache" in labels


def test_comunica_joins_a_document_with_the_endpoint(
    clients: Clients, server: str, endpoint: dict[str, str]
) -> None:
    query = f"SELECT ?code WHERE {{ <{MINT}> pg:outcome ?outcome . ?outcome skos:notation ?code }}"
    rows = clients.solutions(query, f"{server}/practice/1788", endpoint)
    assert {row["code"] for row in rows} == {"ACE", "BEL", "CUL", "FPB", "FPS", "HAP", "LAN"}


def test_comunica_calls_the_endpoint_from_a_query_over_a_document(
    clients: Clients, server: str
) -> None:
    query = f"""
        SELECT ?outcome (COUNT(?entry) AS ?entries) WHERE {{
            <{MINT}> pg:outcome ?outcome .
            SERVICE <{server}/sparql> {{ ?entry pg:outcome ?outcome }}
        }}
        GROUP BY ?outcome
    """
    rows = clients.solutions(query, f"{server}/practice/1788")
    assert len(rows) == 7
    assert all(int(row["entries"]) >= 1 for row in rows)


@pytest.mark.parametrize("path", ["/practice/1788", "/outcome/ACE", "/outcome", "/ontology"])
def test_rdf_dereference_returns_the_quads_of_the_document(
    clients: Clients, server: str, path: str
) -> None:
    found = clients.triples(task="dereference", address=server + path)
    assert len(found) > 10
    assert found == clients.triples(task="dereference", address=f"{server}{path}.nt")
