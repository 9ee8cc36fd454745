"""URLs and clients behind proxies that are trusted; stored IRIs do not change."""

import re
from collections.abc import Iterator
from ipaddress import ip_network

import pytest
from fastapi.testclient import TestClient
from pyoxigraph import NamedNode, RdfFormat, parse
from rdflib import Graph, URIRef
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from practicegraph.application import startup
from practicegraph.catalogue.catalogue import Catalogue
from practicegraph.rdf.terms import as_text
from practicegraph.sparql.pool import QueryLimits, WorkerPool
from practicegraph.web.app import application
from practicegraph.web.http import middleware
from practicegraph.web.http.middleware import Proxies
from support.catalogues import loaded

ENTRY = "https://w3id.org/practicegraph/practice/1788"
OUTSIDE = "https://data.example.org/catalogue"
TOLD = {
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "data.example.org",
    "X-Forwarded-Prefix": "/catalogue",
}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    served = startup.open_for_serving(loaded(tmp_path_factory.mktemp("proxied")))
    assert served.source
    workers = WorkerPool(served.source, QueryLimits(seconds=20))
    app = application(served, workers, proxies=[ip_network("10.0.0.0/8")])
    with TestClient(app, follow_redirects=False, client=("10.1.2.3", 1)) as found:
        yield found


@pytest.mark.parametrize(
    "headers",
    [
        TOLD,
        {"Forwarded": 'for=1.2.3.4;proto=https;host="data.example.org"', **TOLD},
        {**TOLD, "X-Forwarded-Host": "evil.example, data.example.org"},
        {**TOLD, "X-Forwarded-Prefix": "/catalogue/"},
    ],
)
def test_absolute_urls_are_those_of_the_proxy(client: TestClient, headers: dict[str, str]) -> None:
    page = client.get("/practice/1788.html", headers=headers)
    assert f"<{OUTSIDE}/practice/1788.ttl>" in page.headers["link"]
    assert "testserver" not in page.headers["link"]
    document = client.get("/practice/1788.jsonld", headers=headers).json()
    assert document["@context"] == f"{OUTSIDE}/context.jsonld"
    servers = client.get("/openapi.json", headers=headers).json()["servers"]
    assert servers == [{"url": OUTSIDE}]
    description = client.get("/sparql", headers={**headers, "Accept": "text/turtle"}).text
    assert f"<{OUTSIDE}/sparql>" in description


def test_every_path_of_a_page_begins_with_the_prefix(client: TestClient) -> None:
    for path in (
        "/",
        "/practice/1788.html",
        "/practices?outcome=ACE",
        "/queries",
        "/queries/imports",
        "/outcome.html",
        "/sparql",
        "/nothing",
    ):
        page = client.get(path, headers={**TOLD, "Accept": "text/html"}).text
        paths = re.findall(r'(?:href|action|src)="(/[^"]*)"', page)
        assert paths
        assert not [found for found in paths if not found.startswith("/catalogue/")], path


def test_redirects_and_allowed_methods_are_right_below_a_prefix(client: TestClient) -> None:
    answer = client.get("/practice/1788", headers={**TOLD, "Accept": "text/turtle"})
    assert answer.headers["location"] == "/catalogue/practice/1788.ttl"
    for path in ("/catalogue/practice/1788.ttl", "/catalogue/static/style.css"):
        assert client.get(path, headers=TOLD).status_code == 200, "a proxy may leave the prefix"
    assert "POST" in client.put("/sparql", headers=TOLD).headers["allow"]
    for path in ("/sparql", "/catalogue/sparql"):
        assert client.get(path, params={"query": "ASK {}"}, headers=TOLD).json()["boolean"]
        assert "POST" in client.options(path, headers=TOLD).headers["allow"]


def test_iris_of_entries_do_not_depend_on_the_proxy(client: TestClient) -> None:
    text = client.get("/practice/1788.nt", headers=TOLD).text
    assert text == client.get("/practice/1788.nt").text
    assert "data.example.org" not in text
    assert URIRef(ENTRY) in set(Graph().parse(data=text, format="nt").subjects())


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-Host": "evil.example/path"},
        {"X-Forwarded-Host": 'a"><script>'},
        {"X-Forwarded-Proto": "javascript"},
        {"X-Forwarded-Prefix": "//evil.example"},
        {"X-Forwarded-Prefix": "/a?b=<c>"},
        {"Forwarded": 'host="evil.example\\";x'},
        {"Forwarded": ";;=,=;"},
    ],
)
def test_malformed_forwarded_values_are_ignored(
    client: TestClient, headers: dict[str, str]
) -> None:
    page = client.get("/practice/1788.html", headers=headers)
    assert page.status_code == 200
    assert "<http://testserver/practice/1788.ttl>" in page.headers["link"]


def test_forwarded_values_of_an_untrusted_client_are_ignored(client: TestClient) -> None:
    stranger = TestClient(client.app, client=("192.0.2.1", 1))
    page = stranger.get("/practice/1788.html", headers=TOLD)
    assert "data.example.org" not in page.headers["link"] + page.text


@pytest.mark.parametrize(
    ("peer", "headers", "found"),
    [
        ("192.0.2.1", {"X-Forwarded-For": "192.0.2.9"}, "192.0.2.1"),
        ("10.1.2.3", {}, ""),
        ("10.1.2.3", {"X-Forwarded-For": "192.0.2.8, 192.0.2.9"}, "192.0.2.9"),
        ("10.1.2.3", {"X-Forwarded-For": "192.0.2.9:4711, 10.9.9.9"}, "192.0.2.9"),
        ("10.1.2.3", {"X-Forwarded-For": "2001:db8::9"}, "2001:db8::/64"),
        (
            "10.1.2.3",
            {"Forwarded": 'for=192.0.2.8, for="[2001:db8::9]:1";proto=https'},
            "2001:db8::/64",
        ),
        ("10.1.2.3", {"Forwarded": "for=192.0.2.8, for=unknown"}, ""),
        ("10.1.2.3", {"X-Forwarded-For": "'; x"}, ""),
        ("::ffff:192.0.2.1", {}, "192.0.2.1"),
        ("::1", {}, ""),
        ("127.0.0.1", {}, ""),
    ],
)
def test_the_client_is_the_last_address_that_is_no_trusted_proxy(
    peer: str, headers: dict[str, str], found: str
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse(middleware.client(scope))(scope, receive, send)

    behind = Proxies(app, [ip_network("10.0.0.0/8")])
    assert TestClient(behind, client=(peer, 1)).get("/", headers=headers).text == found


def test_the_base_iri_is_stated_in_the_catalogue(real: Catalogue) -> None:
    quads = list(parse((real.folder / "ontology/catalogue.ttl").read_bytes(), RdfFormat.TURTLE))
    space = "http://rdfs.org/ns/void#uriSpace"
    stated = [(q.subject, q.object) for q in quads if q.predicate.value == space]
    assert [as_text(value) for home, value in stated if home == NamedNode(real.base)] == [real.base]
    assert ENTRY.startswith(real.base)
