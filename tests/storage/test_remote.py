"""The catalogue in a store elsewhere, a real Virtuoso: the same answers as from the store inside."""

import io
import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar
from urllib.parse import parse_qsl

import pytest
from click.testing import CliRunner
from fastapi.testclient import TestClient
from pyoxigraph import RdfFormat, parse

from practicegraph.application import startup
from practicegraph.application.services import Services
from practicegraph.catalogue.catalogue import Catalogue
from practicegraph.catalogue.loading import Progress
from practicegraph.cli.main import main
from practicegraph.exchange.export import FORMATS, Exporter, canonicalize_store
from practicegraph.sparql.pool import QueryLimits, WorkerPool
from practicegraph.sparql.process import DeadlineExceededError
from practicegraph.storage.oxigraph import OxigraphStore
from practicegraph.storage.remote import Endpoint, RemoteStore, StoreError
from practicegraph.web.app import application
from support.catalogues import copy, sparql_engine
from support.collation import collated_search
from support.retirement import BASE, GONE, write_tombstone

ENTRY = "https://w3id.org/practicegraph/practice/1788"
CROSS = "SELECT (COUNT(*) AS ?n) WHERE { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"
Item = TypeVar("Item")
NOWHERE = "http://127.0.0.1:9/sparql"


@dataclass
class Elsewhere:
    root: Path
    endpoint: Endpoint
    client: TestClient
    workers: WorkerPool
    services: Services


@pytest.fixture(scope="module")
def far(virtuoso_address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Elsewhere]:
    root = copy(tmp_path_factory.mktemp("elsewhere"))
    endpoint = Endpoint(virtuoso_address)
    startup.load_store(root, endpoint)
    opened = startup.open_remote_for_serving(root, endpoint)
    workers = WorkerPool(endpoint, QueryLimits(seconds=20))
    with TestClient(application(opened, workers), follow_redirects=False) as client:
        yield Elsewhere(root, endpoint, client, workers, opened)
    store = RemoteStore(endpoint, OxigraphStore())
    store.remove_graphs(store.graph_names())


ADDRESSES = [
    "/practices.json",
    "/practices.csv?q=mentoring",
    "/practices.json?outcome=ACE&outcome=LAN&country=HUN",
    "/practices.json?outcome=access-to-rights&category=good-practice&sort=identifier&size=2",
    "/practices.json?q=ecole+mentor&lang=fr",
    "/practices.json?sort=-start&size=5",
    "/practices.ttl?size=3",
    "/practice/1788.ttl",
    "/practice/1788.nq",
    "/practice/1788.jsonld",
    "/practice/1788.linkset",
    "/practice/1788.json?lang=nl",
    "/practice/1788.html",
    "/practice/99999",
    "/outcome/ACE.ttl",
    "/outcome/ACE.html",
    "/country/HUN.ttl",
    "/country/HUN.html",
    "/ontology.ttl",
    "/shapes.ttl",
    "/shapes/practice.jsonld",
    "/health",
    "/sparql?format=nt",
    "/sitemap.xml",
    "/.well-known/api-catalog",
    "/robots.txt",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_url_has_the_same_response_with_either_store(
    address: str, far: Elsewhere, client: TestClient
) -> None:
    near, found = client.get(address), far.client.get(address)
    assert found.status_code == near.status_code
    if address == "/sparql?format=nt":
        assert sorted(anonymous(found.content)) == sorted(anonymous(near.content))
    else:
        assert found.content == near.content


SEARCHES = [
    "",
    "outcome.not=ACE&country=HUN&country=IRL",
    "outcome=access-to-rights&funding=not-stated",
    "addressee=not-stated&addressee=university-or-cpd-site",
    "addressee.not=not-stated",
    "period.from=2015-06&period.to=2018",
    "period=2019-03&period=not-stated",
    "period.not=2020&sort=-start",
    "sort=-outcome.count&size=7",
    "q=school+inclusion",
    "q=%22refugee+children%22&category.not=policy-paper",
]


@pytest.mark.parametrize("search", SEARCHES)
def test_sparql_on_the_endpoint_and_the_index_have_the_same_results(
    search: str, far: Elsewhere, real: Catalogue, services: Services
) -> None:
    choices = services.request_parser.parse(parse_qsl(search))
    found = services.search.search(choices, real.languages)
    if choices.query:
        choices = replace(choices, scores=services.search.scores(choices.query))
    engine, index = sparql_engine(far.services.catalogue), services.search
    assert collated_search(engine, index, choices, real.languages) == found
    if found.has_next and found.cursors[-1].text.isascii():
        following = replace(choices, after=found.cursors[-1])
        expected = services.search.search(following, real.languages)
        assert collated_search(engine, index, following, real.languages) == expected
    rows, columns = (
        services.request_parser.kind.facets_by_key[key] for key in ("outcome", "country")
    )
    table = services.search.cross_tabulate(rows, columns, choices)
    assert engine.cross_tabulate(rows, columns, choices) == table


def test_counts_are_the_same_with_either_store(far: Elsewhere, client: TestClient) -> None:
    near, found = (set(c.get("/catalog.nt").text.splitlines()) for c in (client, far.client))
    assert found <= near, "the other one has dumps, too"
    assert sum("void#linkPredicate" in line for line in found) > 10
    assert sum("void#entities" in line for line in found) > 20


def test_the_log_of_changes_is_served_where_the_store_was_loaded(
    far: Elsewhere, tmp_path: Path
) -> None:
    assert far.client.get("/changes/1.nq").text.count("tree#member") > 90
    pages = [far.client.get(f"/changes/{number}.html").text for number in (1, 2, 3)]
    assert sum('href="/practice/1788.html"' in page for page in pages) == 1
    by_name = Endpoint(far.endpoint.url.replace("127.0.0.1", "localhost"))
    assert by_name != far.endpoint
    for root, status in ((far.root, 200), (copy(tmp_path / "other"), 404)):
        opened = startup.open_remote_for_serving(root, by_name)
        assert TestClient(application(opened)).get("/changes").status_code == status


def anonymous(content: bytes) -> list[str]:
    return [
        " ".join("_:" if w[:2] == b"_:" else w.decode() for w in line.split())
        for line in content.splitlines()
    ]


def test_every_stored_query_has_the_same_result_with_either_store(
    far: Elsewhere, client: TestClient
) -> None:
    for question in client.get("/queries").json()["queries"]:
        near, found = (c.get(question["answer"]) for c in (client, far.client))
        assert found.status_code == 200, question["name"]
        assert comparable(found.content) == comparable(near.content), question["name"]


def comparable(content: bytes) -> object:
    """Rows or triples without their order, which the standard leaves to the store."""
    if content.startswith(b"{"):
        return sorted(
            json.dumps(r, sort_keys=True) for r in json.loads(content)["results"]["bindings"]
        )
    return set(parse(content, RdfFormat.TURTLE))


@pytest.mark.parametrize(
    ("query", "media_type", "said"),
    [
        ("ASK { ?s ?p ?o }", "application/sparql-results+json", b"true"),
        ("ASK { ?s ?p <x:y> }", "text/csv", b"false"),
        ("SELECT (1 AS ?n) WHERE {}", "text/tab-separated-values", b"?n\n1\n"),
        ("ASK { <practice/1788> ?p ?o }", "application/sparql-results+json", b"true"),
        (f"SELECT ?t WHERE {{ GRAPH <{ENTRY}> {{ <{ENTRY}> <http://purl.org/dc/terms/title> ?t }} }}", "application/sparql-results+xml", b"Mentorschap"),
        (f"DESCRIBE <{ENTRY}>", "text/turtle", b"MINT - Mentorschap"),
        (f"CONSTRUCT WHERE {{ <{ENTRY}> ?p ?o }}", "application/ld+json", b"@context"),
        ("SELECT ?b WHERE { ?b <http://www.w3.org/1999/02/22-rdf-syntax-ns#first> ?x } LIMIT 1", "application/sparql-results+json", b'"bnode"'),
        ("SELECT ?o WHERE { ?s <https://w3id.org/practicegraph/ontology#facet> ?o } LIMIT 1", "application/sparql-results+json", b'"true"'),
        ("SELECT ('100%25 a+b é' AS ?x) WHERE {}", "text/csv", "100%25 a+b é".encode()),
    ],
)  # fmt: skip
def test_a_query_is_answered_in_the_accepted_format(
    query: str, media_type: str, said: bytes, far: Elsewhere
) -> None:
    answer = far.client.get("/sparql", params={"query": query}, headers={"Accept": media_type})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(media_type)
    assert answer.headers["etag"]
    assert said in answer.content


def test_the_default_graph_has_no_triples_of_the_endpoint_itself(far: Elsewhere) -> None:
    query = {"query": "SELECT (COUNT(*) AS ?n) WHERE { ?s ?p ?o }", "format": "csv"}
    count = far.client.get("/sparql", params=query).text.split()[1]
    assert int(count) == far.client.get("/health").json()["triples"]


def test_a_syntax_error_has_line_and_column(far: Elsewhere) -> None:
    answer = far.client.get("/sparql", params={"query": "SELECT *\nWHERE { ?s ?p"})
    assert (answer.status_code, answer.json()["line"]) == (400, 2)


@pytest.mark.parametrize("query", ["DROP ALL", "SELECT * WHERE { SERVICE <x:y> { ?s ?p ?o } }"])
def test_updates_and_service_are_refused(query: str, far: Elsewhere) -> None:
    assert far.client.get("/sparql", params={"query": query}).status_code == 400


def test_the_dataset_of_the_protocol_is_used(far: Elsewhere) -> None:
    query = {"query": "SELECT DISTINCT ?s WHERE { ?s a ?c }", "format": "csv"}
    named = far.client.get("/sparql", params={**query, "default-graph-uri": ENTRY})
    assert len(named.text.split()) == 5
    assert ENTRY in named.text


def test_a_query_past_its_deadline_is_stopped_in_the_endpoint_too(far: Elsewhere) -> None:
    start = time.monotonic()
    with pytest.raises(DeadlineExceededError):
        assert far.client.portal
        far.client.portal.call(far.workers.run, {"query": CROSS, "table": "csv"}, 1)
    assert time.monotonic() - start < 3
    time.sleep(2)
    before = processor_seconds()
    time.sleep(1)
    assert processor_seconds() - before < 0.5


def processor_seconds() -> float:
    """What all Virtuosos of this machine have used."""
    fields = [
        path.read_text().rpartition(")")[2].split()
        for path in Path("/proc").glob("[0-9]*/stat")
        if "(virtuoso-t)" in path.read_text()
    ]
    return sum(int(found[11]) + int(found[12]) for found in fields) / 100


def noting(seen: list[str]) -> Progress:
    """Note what is worked on."""

    def progress(_label: str, items: list[Item], /) -> list[Item]:
        seen.extend(map(str, items))
        return items

    return progress


def test_a_second_load_changes_nothing(far: Elsewhere) -> None:
    sent: list[str] = []

    release = startup.load_store(far.root, far.endpoint, noting(sent))
    assert (sent, release) == ([], far.client.get("/health").json()["release"])


def test_an_interrupted_load_continues_where_it_stopped(
    far: Elsewhere, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "catalogue"
    shutil.copytree(far.root, root)
    entries = list((root / "data/practices").glob("178?.ttl"))
    for entry in entries:
        said = f'<{BASE}practice/{entry.stem}> <http://purl.org/dc/terms/abstract> "More."@en .'
        entry.write_text(f"{entry.read_text()}\n{said}\n")
    monkeypatch.setattr(RemoteStore, "batch_size", 1)
    update, calls = Endpoint.update, []

    def failing(self: Endpoint, text: str) -> None:
        calls.append(text)
        if len(calls) == len(entries) + 5:
            raise StoreError("gone")
        update(self, text)

    with monkeypatch.context() as patch:
        patch.setattr(Endpoint, "update", failing)
        with pytest.raises(StoreError):
            startup.load_store(root, far.endpoint)
    assert RemoteStore(far.endpoint, OxigraphStore()).release() == ""
    read: list[str] = []
    release = startup.load_store(root, far.endpoint, noting(read))
    assert 0 < sum(item.startswith(BASE) for item in read) < len(entries)
    store = RemoteStore(far.endpoint, OxigraphStore())
    assert store.release() == release
    assert store.graph_quads(ENTRY)
    shutil.rmtree(far.root / ".practicegraph/stores")
    startup.load_store(far.root, far.endpoint)
    assert (
        len(RemoteStore(far.endpoint, OxigraphStore()))
        == far.client.get("/health").json()["triples"]
    )


def test_a_server_sees_what_a_load_has_withdrawn(far: Elsewhere, tmp_path: Path) -> None:
    root = tmp_path / "catalogue"
    shutil.copytree(far.root, root)
    assert far.client.get("/practice/1701.ttl").status_code == 200
    write_tombstone(root / "data/practices/1701.ttl", GONE)
    startup.load_store(root, far.endpoint)
    time.sleep(1.1)
    assert far.client.get("/practice/1701.ttl").status_code == 410
    shutil.rmtree(far.root / ".practicegraph/stores")
    startup.load_store(far.root, far.endpoint)


def test_a_change_of_the_release_in_the_endpoint_is_noticed(far: Elsewhere, tmp_path: Path) -> None:
    root = copy(tmp_path / "other")
    scheme = root / "ontology/action.ttl"
    scheme.write_text(scheme.read_text() + "\n")
    result = CliRunner().invoke(main, ["serve", str(root), "--store", far.endpoint.url])
    assert result.exit_code == 1
    assert "practicegraph load" in result.output


@pytest.mark.parametrize("command", [["serve"], ["load"]])
def test_an_endpoint_that_does_not_answer_is_an_error_message(
    command: list[str], copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(copied)
    result = CliRunner().invoke(main, [*command, "--store", NOWHERE])
    assert result.exit_code == 1
    assert NOWHERE in result.output
    assert "Traceback" not in result.output


def test_a_password_in_an_address_is_not_shown() -> None:
    endpoint = Endpoint.from_url("http://name:pass%20word@127.0.0.1:9/sparql")
    assert endpoint.credentials == ("name", "pass word")
    assert "pass" not in repr(endpoint)
    assert endpoint.url == NOWHERE


def test_an_endpoint_that_has_gone_is_502(far: Elsewhere) -> None:
    opened = startup.open_remote_for_serving(far.root, far.endpoint)
    app = application(opened, WorkerPool(Endpoint(NOWHERE), QueryLimits(processes=1)))
    store = opened.catalogue.store
    assert isinstance(store, RemoteStore)
    store.endpoint = Endpoint(NOWHERE)
    with TestClient(app) as client:
        answers = [client.get("/practices.json"), client.get("/sparql", params={"query": "ASK {}"})]
    for answer in answers:
        assert answer.status_code == 502
        assert answer.headers["content-type"] == "application/problem+json"
        assert "127.0.0.1" in answer.json()["hint"]


def test_exports_are_the_same_with_either_store(far: Elsewhere, tmp_path: Path) -> None:
    exported: list[list[bytes]] = []
    for found in (
        startup.open_remote_for_reading(far.root, far.endpoint),
        startup.open_for_reading(far.root),
    ):
        work = tmp_path / str(len(exported))
        work.mkdir()
        export = Exporter(found, canonicalize_store(found.store, work))
        contents = [io.BytesIO() for _ in FORMATS]
        for form, content in zip(FORMATS, contents, strict=True):
            export.write(form, content)
        exported.append([content.getvalue() for content in contents])
    assert exported[0] == exported[1]
