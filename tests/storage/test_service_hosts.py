"""SERVICE calls the hosts that are listed, and no others."""

import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner
from fastapi.testclient import TestClient
from httpx2 import Client, Response

from clients.test_clients import COUNT
from practicegraph.application import startup
from practicegraph.cli.main import main
from practicegraph.errors import CatalogueError
from practicegraph.sparql.pool import QueryLimits, WorkerPool
from practicegraph.storage import query_guard
from practicegraph.storage.base import QueryRefusedError
from practicegraph.web.app import application
from support.catalogues import loaded
from support.server import free_port, wait_for

LISTED = tuple(map(query_guard.parse_host, ("good", "Other.Example:8080", "[::1]", "[0:0::2]:81")))
ALLOWED = [
    "http://good/",
    "https://good/sparql?x=@y",
    "HTTP://GOOD:99/#x",
    "http://good",
    "http://other.example:8080/sparql",
    "http://[::1]/",
    "http://[0:0:0::1]:7/",
    "http://[::2]:81/",
]
REFUSED = [
    "http://good@evil/",
    "http://good:80@evil/",
    "http://good:@evil/",
    "http://evil/good",
    "http://evil#good",
    "http://evil?good/",
    "http://good.evil/",
    "http://evilgood/",
    "http://good./",
    "http://good:/",
    "http://other.example/",
    "http://other.example:80800/",
    "http://other.example:8080.evil/",
    "https://[::2]/",
    "http://[::1]evil/",
    "http://::1/",
    "http://[::1%25eth0]/",
    "http://[1:2]/",
    "http://good%2eevil/",
    "http:///good/",
    "http:good/",
    "http:/good/",
    "//good/",
    "good",
    "",
    "ftp://good/",
    "file://good/",
    " http://good/",
    "http://go\u00f6d/",
    "http://\uff47ood/",
    "http://good\\.evil/",
]


@pytest.mark.parametrize("iri", ALLOWED)
def test_an_iri_of_a_listed_host_is_allowed(iri: str) -> None:
    assert query_guard.is_allowed_host(LISTED, iri)
    query_guard.check_service_calls(f"SELECT * {{ SERVICE <{iri}> {{ ?s ?p ?o }} }}", LISTED)


@pytest.mark.parametrize("iri", REFUSED)
def test_an_iri_that_only_looks_like_a_listed_host_s_is_refused(iri: str) -> None:
    assert not query_guard.is_allowed_host(LISTED, iri)
    with pytest.raises(QueryRefusedError, match=r"other\.example:8080"):
        query_guard.check_service_calls(f"SELECT * {{ SERVICE <{iri}> {{ ?s ?p ?o }} }}", LISTED)


@pytest.mark.parametrize(
    "text", ["", "http://good/", "good/", "a b", "good:", "good:x", "[1]", "é"]
)
def test_a_text_that_is_no_host_is_refused(text: str) -> None:
    with pytest.raises(CatalogueError):
        query_guard.parse_host(text)
    result = CliRunner().invoke(main, ["serve", "--allow-service", text])
    assert result.exit_code == 2
    assert "--allow-service" in result.output


@pytest.mark.parametrize(
    "call",
    [
        "SERVICE SILENT <http://good/>",
        "service # where\n silent\t<http://good/>",
        "SERVICE <http://good/> { ?a ?b ?c } SERVICE <https://good/>",
    ],
)
def test_service_may_be_silent_and_have_spaces_and_comments(call: str) -> None:
    query_guard.check_service_calls(f"SELECT * {{ {call} {{ ?s ?p ?o }} }}", LISTED)


@pytest.mark.parametrize(
    "call",
    [
        "SERVICE ?where",
        "SERVICE good:x",
        "SERVICE <x>",
        "SERVICE<http://good/>",
        "SERVICESILENT <http://good/>",
        "SERVICESILENT:x",
        "SERVICE:x # x\n",
        "SERVICE:x\u00b7",
        "SERVICE SILENT<http://good/>",
        "trueSERVICE <http://good/>",
        "SERVICE <http://good/> { SERVICE <http://evil/> { ?s ?p ?o } } SERVICE <http://good/>",
        r"SERVICE <http://go\u006fd/>",
        r"SERVICE <http:\u002f/good/>",
        r"\u0053ERVICE <http://evil/>",
    ],
)
def test_service_in_any_other_syntax_is_refused(call: str) -> None:
    query = f"BASE <http://good/> PREFIX good: <http://good/> SELECT * {{ {call} {{ ?s ?p ?o }} }}"
    with pytest.raises(QueryRefusedError) as caught:
        query_guard.check_service_calls(query, LISTED)
    assert caught.value.hint in ("serviceHosts", "serviceUnclear")


class Listening:
    """A server that remembers what it was asked and answers with one solution, or elsewhere."""

    def __init__(self, elsewhere: str = "") -> None:
        asked: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked.append(self.path)
                self.rfile.read(int(self.headers["Content-Length"]))
                content = b"?n\n7\n"
                self.send_response(307 if elsewhere else 200)
                self.send_header("Location", elsewhere)
                self.send_header("Content-Type", "text/tab-separated-values")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        self.asked = asked
        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()


@pytest.fixture
def listening() -> Iterator[Callable[..., Listening]]:
    made: list[Listening] = []

    def make(elsewhere: str = "") -> Listening:
        made.append(Listening(elsewhere))
        return made[-1]

    yield make
    for one in made:
        one.server.shutdown()
        one.server.server_close()


@pytest.fixture(scope="module")
def calling(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Response]]:
    """Ask a catalogue whose queries may call the hosts."""
    served = startup.open_for_serving(loaded(tmp_path_factory.mktemp("served")))
    assert served.source
    source = served.source
    made: dict[tuple[str, ...], Client] = {}
    with ExitStack() as stack:

        def ask(query: str, *allowed: str) -> Response:
            if allowed not in made:
                limits = QueryLimits(processes=1, hosts=tuple(map(query_guard.parse_host, allowed)))
                client = TestClient(application(served, WorkerPool(source, limits)))
                made[allowed] = stack.enter_context(client)
            return made[allowed].get("/sparql", params={"query": query} if query else {})

        yield ask


def test_a_listed_host_is_called(
    calling: Callable[..., Response], listening: Callable[..., Listening]
) -> None:
    other = listening()
    query = f"SELECT ?n {{ SERVICE <{other.address}sparql> {{ ?s ?p ?n }} }}"
    answer = calling(query, "127.0.0.1")
    assert answer.json()["results"]["bindings"][0]["n"]["value"] == "7"
    assert other.asked == ["/sparql"]
    assert "etag" not in answer.headers


@pytest.mark.parametrize("allowed", [[], ["localhost"], ["127.0.0.1:1"]])
def test_a_host_that_is_not_listed_never_sees_a_connection(
    calling: Callable[..., Response], allowed: list[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        other.settimeout(0.3)
        address = f"http://127.0.0.1:{other.getsockname()[1]}/"
        for query in attacks(address):
            assert calling(query, *allowed).status_code == 400, query
        with pytest.raises(TimeoutError):
            other.accept()


def attacks(address: str) -> list[str]:
    """Calls that stand where a careless reader of SPARQL would see a text, a comment or a name."""
    call = f"SERVICE <{address}> {{ ?x ?y ?z }}"
    return [
        f"SELECT * {{ {call} }}",
        f"SELECT * {{ SERVICE SILENT <{address}> {{ ?x ?y ?z }} }}",
        f"SELECT * {{ OPTIONAL {{ ?s <http://e/\u00a0'> ?o }} {call} FILTER ('a' = 'b') }}",
        f"PREFIX e: <http://e/> SELECT * {{ OPTIONAL {{ ?s e:it\\'s ?o }} {call} FILTER ('a' = 'b') }}",
        f"PREFIX e: <http://e/> SELECT * {{ OPTIONAL {{ ?s e:it\\#s ?o }} {call} }}",
        f"SELECT * {{ FILTER ('a'<'>') {call} FILTER ('a' = 'b') }}",
        f"SELECT * {{ FILTER ('a'<#>'''\n'b') {call} #'''\n }}",
        f"SELECT * {{ # a comment\r {call} \n }}",
        f"SELECT * {{ BIND (\"x\\u0022 , 'y\" AS ?q) {call} FILTER ('a' = 'b') }}",
        f"SELECT * {{ BIND ('\\\\\\u0027' AS ?q) {call} FILTER ('a' = 'b') }}",
    ]


@pytest.mark.parametrize("clause", ["FROM", "FROM NAMED"])
def test_a_remote_graph_is_never_fetched(calling: Callable[..., Response], clause: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        other.settimeout(0.3)
        address = f"http://127.0.0.1:{other.getsockname()[1]}/"
        for allowed in ([], ["127.0.0.1"]):
            query = f"SELECT * {clause} <{address}> {{ {{ ?s ?p ?o }} UNION {{ GRAPH ?g {{ ?s ?p ?o }} }} }}"
            assert calling(query, *allowed).json()["results"]["bindings"] == []
            assert calling(f"LOAD <{address}>", *allowed).status_code == 400
        with pytest.raises(TimeoutError):
            other.accept()


def test_the_description_says_whether_other_endpoints_are_called(
    calling: Callable[..., Response],
) -> None:
    assert "BasicFederatedQuery" not in calling("").text
    assert "BasicFederatedQuery" in calling("", "127.0.0.1").text


def test_a_listed_host_cannot_lead_to_another(
    calling: Callable[..., Response], listening: Callable[..., Listening]
) -> None:
    secret = listening()
    leading = listening(elsewhere=secret.address)
    query = f"SELECT ?n {{ SERVICE SILENT <{leading.address}> {{ ?s ?p ?n }} }}"
    calling(query, leading.address.removeprefix("http://").rstrip("/"))
    assert leading.asked
    assert secret.asked == []


def test_the_command_line_lists_the_hosts(
    tmp_path: Path, listening: Callable[..., Listening]
) -> None:
    other, root, port = listening(), loaded(tmp_path / "catalogue"), free_port()
    command = [sys.executable, "-m", "practicegraph", "serve", str(root), "--port", str(port)]
    command += ["--allow-service", "example.org", "--allow-service", "127.0.0.1"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        address = wait_for(f"http://127.0.0.1:{port}", process)
        with Client(base_url=address) as client:
            for called in (other.address, f"{address}/sparql"):
                query = f"SELECT ?n {{ SERVICE <{called}> {{ {COUNT} }} }}"
                answer = client.get("/sparql", params={"query": query}).json()
                assert answer["results"]["bindings"][0]["n"]["value"] in ("7", "56")
        process.terminate()
    assert other.asked == ["/"]
