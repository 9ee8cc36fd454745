"""Programs that know nothing of us find out what there is, and that it is true."""

import base64
import hashlib
import re
from collections.abc import Iterator
from itertools import chain
from math import ceil
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response
from pyoxigraph import RdfFormat, Triple, parse
from rdflib import DCAT, DCTERMS, VOID, Graph, URIRef

from practicegraph.application.services import Services
from practicegraph.catalogue.catalogue import Catalogue
from practicegraph.errors import RequestError
from practicegraph.validation.shacl import ShapesGraph, to_turtle
from practicegraph.web.app import application
from practicegraph.web.context import Site
from practicegraph.web.resources import discovery
from practicegraph.web.resources.discovery import SitemapEndpoint
from practicegraph.web.urls import Addresses
from support.catalogues import ROOT, opened, wait_for_dumps
from support.retirement import move, write_tombstone
from support.server import served

BASE = URIRef("https://w3id.org/practicegraph/")
SITE = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
SERVICES = "/.well-known/api-catalog"
KNOWN = ["/.well-known/void", SERVICES, "/sitemap.xml", "/robots.txt"]
RULES = ROOT / "tests" / "dcat-ap.ttl"


@pytest.fixture(scope="module")
def text(client: TestClient) -> str:
    wait_for_dumps(client)
    return client.get("/catalog.nt").text


@pytest.fixture(scope="module")
def described(text: str) -> Graph:
    return Graph().parse(data=text, format="nt")


def rows(client: TestClient, query: str) -> list[list[str]]:
    response = client.get("/sparql", params={"query": query, "format": "csv"})
    assert response.status_code == 200
    return [line.split(",") for line in response.text.splitlines()[1:]]


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("triples", "SELECT (COUNT(*) AS ?n) WHERE { ?s ?p ?o }"),
        ("entities", f"SELECT (COUNT(DISTINCT ?s) AS ?n) WHERE {{ ?s ?p ?o FILTER (isIRI(?s) && STRSTARTS(STR(?s), '{BASE}')) }}"),
        ("distinctSubjects", "SELECT (COUNT(DISTINCT ?s) AS ?n) WHERE { ?s ?p ?o }"),
        ("distinctObjects", "SELECT (COUNT(DISTINCT ?o) AS ?n) WHERE { ?s ?p ?o }"),
        ("properties", "SELECT (COUNT(DISTINCT ?p) AS ?n) WHERE { ?s ?p ?o }"),
        ("classes", "SELECT (COUNT(DISTINCT ?c) AS ?n) WHERE { ?s a ?c }"),
    ],
)  # fmt: skip
def test_void_counts_are_those_of_sparql(
    client: TestClient, described: Graph, name: str, query: str
) -> None:
    (stated,) = described.objects(BASE, VOID[name])
    assert [[str(stated)]] == rows(client, query)


def test_every_class_partition_has_its_entities_and_properties(
    client: TestClient, described: Graph
) -> None:
    parts = list(described.objects(BASE, VOID.classPartition))
    stated = {
        (str(described.value(part, VOID["class"])), str(described.value(part, VOID.entities)))
        for part in parts
    }
    query = "SELECT ?c (COUNT(DISTINCT ?s) AS ?n) WHERE { ?s a ?c } GROUP BY ?c"
    assert stated == {(results[0], results[1]) for results in rows(client, query)}
    inside = {
        (str(described.value(part, VOID["class"])), *counted)
        for part in parts
        for counted in properties(described, part)
    }
    query = "SELECT ?c ?p (COUNT(*) AS ?n) WHERE { ?s a ?c ; ?p ?o } GROUP BY ?c ?p"
    assert inside == {(results[0], results[1], results[2]) for results in rows(client, query)}


def test_every_property_has_its_triples(client: TestClient, described: Graph) -> None:
    query = "SELECT ?p (COUNT(*) AS ?n) WHERE { ?s ?p ?o } GROUP BY ?p"
    counted = {(results[0], results[1]) for results in rows(client, query)}
    assert set(properties(described, BASE)) == counted


def properties(described: Graph, whole: Any) -> Iterator[tuple[str, str]]:
    for part in described.objects(whole, VOID.propertyPartition):
        yield (
            str(described.value(part, VOID.property)),
            str(described.value(part, VOID.triples)),
        )


def test_an_editor_completes_from_what_the_endpoint_says_of_itself(client: TestClient) -> None:
    """As that of the SIB does: it reads the endpoint's description where the data hold none."""
    stated = Graph().parse(data=client.get("/sparql?format=nt").text, format="nt")
    results = stated.query(
        """
        SELECT ?class ?property
        WHERE {
            ?dataset sd:defaultGraph ?graph .
            ?graph void:classPartition ?part .
            ?part void:class ?class ; void:propertyPartition ?inside .
            ?inside void:property ?property ; void:triples ?count .
        }
        """,
        initNs={"void": VOID, "sd": "http://www.w3.org/ns/sparql-service-description#"},
    )
    pairs = {(str(row[0]), str(row[1])) for row in results if isinstance(row, tuple)}
    assert (f"{BASE}ontology#Practice", f"{BASE}ontology#outcome") in pairs
    assert len(pairs) > 200


def test_examples_dumps_and_services_answer(client: TestClient, described: Graph) -> None:
    examples = {str(results) for results in described.objects(BASE, VOID.exampleResource)}
    assert len(examples) == 2
    leading: list[Any] = [*described.objects(BASE, VOID.dataDump)]
    leading += described.objects(BASE, VOID.sparqlEndpoint)
    leading += described.objects(None, DCAT.accessURL)
    leading += described.objects(None, DCAT.endpointURL)
    leading += described.objects(None, DCAT.endpointDescription)
    assert len(leading) > 25
    for iri in examples:
        path = iri.removeprefix(BASE).replace(
            "http://publications.europa.eu/resource/authority/", ""
        )
        assert client.get(f"/{path}").status_code == 303, iri
    for address in leading:
        assert client.head(str(address)).status_code == 200, address


def test_the_catalogue_passes_dcat_ap(text: str) -> None:
    assert ShapesGraph(to_turtle(rules())).validate(triples(text)) == []


@pytest.mark.parametrize("name", ["title", "publisher", "license", "format", "language"])
def test_dcat_ap_shapes_report_what_is_left_out(text: str, name: str) -> None:
    left = [
        triple for triple in triples(text) if triple.predicate.value != DCTERMS[name].toPython()
    ]
    assert any(
        name in result.result_path for result in ShapesGraph(to_turtle(rules())).validate(left)
    )


def triples(text: str) -> list[Triple]:
    return [quad.triple for quad in parse(text, RdfFormat.N_TRIPLES)]


def rules() -> list[Triple]:
    return [quad.triple for quad in parse(RULES.read_bytes(), RdfFormat.TURTLE)]


def test_the_period_covers_every_entry(client: TestClient, described: Graph) -> None:
    query = """
        SELECT (MIN(?year) AS ?first) (MAX(?year) AS ?last)
        WHERE { ?entry schema:startDate|schema:endDate ?day BIND (SUBSTR(STR(?day), 1, 4) AS ?year) }
    """
    period = described.value(BASE, DCTERMS.temporal)
    stated = [described.value(period, name) for name in (DCAT.startDate, DCAT.endDate)]
    assert [list(map(str, stated))] == rows(client, f"PREFIX schema: <https://schema.org/>{query}")


def test_the_description_states_each_language(described: Graph, real: Catalogue) -> None:
    assert len(set(described.objects(BASE, DCTERMS.language))) == len(real.languages)


def test_void_is_one_hop_away_in_every_syntax(client: TestClient) -> None:
    for accept, extension in (("text/turtle", "ttl"), ("application/ld+json", "jsonld")):
        response = client.get("/.well-known/void", headers={"Accept": accept})
        assert (response.status_code, response.headers["location"]) == (
            303,
            f"/catalog.{extension}",
        )


def test_services_are_links(client: TestClient) -> None:
    response = client.get(SERVICES)
    assert response.headers["content-type"].startswith("application/linkset+json; profile=")
    first, *others = response.json()["linkset"]
    assert first["anchor"] == f"http://testserver{SERVICES}"
    assert [results["href"] for results in first["item"]] == [
        results["anchor"] for results in others
    ]
    for results in others:
        assert {"service-desc", "service-meta", "status"} <= set(results)
        targets = chain.from_iterable(
            value for value in results.values() if isinstance(value, list)
        )
        for target in targets:
            place = client.get(target["href"])
            assert place.status_code == 200
            assert place.headers["content-type"].startswith(target["type"])


def test_the_api_catalog_is_linked_from_head_and_home(client: TestClient) -> None:
    link = f'<http://testserver{SERVICES}>; rel="api-catalog"'
    response = client.head(SERVICES)
    assert (response.status_code, response.content) == (200, b"")
    assert link in response.headers["link"]
    home = client.get("/", headers={"Accept": "text/html"})
    assert link in home.headers["link"]


def test_well_known_urls_are_in_the_openapi_document(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    assert all(paths[path]["get"]["summary"] for path in KNOWN[:2])


@pytest.mark.parametrize("path", KNOWN[1:])
def test_well_known_urls_answer_304_to_a_client_that_has_them(
    client: TestClient, path: str
) -> None:
    first = client.get(path)
    assert first.headers["cache-control"] == "no-cache"
    again = client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]


def places(response: Response, whole: str = "urlset", part: str = "url") -> list[tuple[str, str]]:
    """The addresses of a site map with their days of change, after a look at its structure."""
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/xml"
    root = ElementTree.fromstring(response.content)
    assert root.tag == SITE + whole
    results = []
    for child in root:
        assert child.tag == SITE + part
        assert [inside.tag for inside in child] == [f"{SITE}loc", f"{SITE}lastmod"]
        address, day = (inside.text or "" for inside in child)
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", day)
        results.append((address, day))
    assert len({address for address, _ in results}) == len(results)
    return results


def test_the_sitemap_lists_pages_that_answer_200(
    client: TestClient, real: Catalogue, services: Services
) -> None:
    results = [address for address, _ in places(client.get("/sitemap.xml"))]
    assert "http://testserver/practice/1788.html" in results
    assert "http://testserver/country/HUN.html" in results
    assert len(results) > len(list((ROOT / "data/practices").iterdir())) + len(
        real.vocabularies.concepts
    )
    for address in results:
        response = client.get(address, headers={"Accept": "text/html"})
        assert response.status_code == 200, address
        assert response.headers["content-type"].startswith("text/html")


def test_a_page_of_the_sitemap_has_the_day_of_its_document(client: TestClient) -> None:
    days = dict(places(client.get("/sitemap.xml")))
    for path in ("/practice/1788.html", "/outcome/ACE.html", "/outcome.html"):
        stated = Graph().parse(data=client.get(path.replace("html", "ttl")).text)
        document = URIRef(f"{BASE}{path[1:].removesuffix('.html')}#document")
        assert str(stated.value(document, DCTERMS.modified)) == days[f"http://testserver{path}"]


def test_a_page_links_to_its_other_languages(client: TestClient) -> None:
    page = client.get("/practice/1788.html?lang=nl").text
    results = dict(re.findall(r'<link rel="alternate" hreflang="([^"]*)" href="([^"]*)"', page))
    assert results["x-default"] == "http://testserver/practice/1788.html"
    assert results["el"] == "http://testserver/practice/1788.html?lang=el"
    assert len(results) == 8


def test_the_sitemap_lists_current_iris_only(copied: Path) -> None:
    first, second = (f"{BASE}practice/{number}" for number in (1699, 1700))
    write_tombstone(copied / "data/practices/1699.ttl", first)
    move(copied / "data/practices/1700.ttl", second, f"{BASE}practice/1788")
    client = TestClient(application(Services(opened(copied))), follow_redirects=False)
    text = client.get("/sitemap.xml").text
    assert "/practice/1701.html" in text
    assert "/practice/1699" not in text
    assert "/practice/1700" not in text
    stated = Graph().parse(data=client.get("/catalog.nt").text, format="nt")
    assert URIRef(f"{BASE}practice/1701") in set(stated.objects(BASE, VOID.exampleResource))


def test_a_long_sitemap_has_parts(real: Catalogue, services: Services) -> None:
    app = FastAPI()
    app.include_router(
        discovery.sitemap_routes(
            SitemapEndpoint(Site(services, Addresses(real), None), maximum=100)
        )
    )
    client = TestClient(app)
    parts = [
        address for address, _ in places(client.get("/sitemap.xml"), "sitemapindex", "sitemap")
    ]
    listing = [address for part in parts for address, _ in places(client.get(part))]
    assert len(parts) == ceil(len(listing) / 100) > 1
    assert len(set(listing)) == len(listing) > len(real.vocabularies.concepts)
    for name in ("0", "01", "99", "x"):
        with pytest.raises(RequestError, match="notFound"):
            client.get(f"/sitemap-{name}.xml")


def test_robots_txt_allows_pages_and_disallows_endless_paths(client: TestClient) -> None:
    lines = client.get("/robots.txt").text.splitlines()
    assert lines[0] == "User-agent: *"
    assert "Sitemap: http://testserver/sitemap.xml" in lines
    refused = [
        re.compile(re.escape(line.removeprefix("Disallow: ")).replace(r"\*", ".*"))
        for line in lines
        if line.startswith("Disallow: ")
    ]
    for path in ("/practices?outcome=ACE", "/practices.csv?q=a", "/sparql?query=x", "/dump.nq.gz"):
        assert any(rule.match(path) for rule in refused), path
    for address, _ in places(client.get("/sitemap.xml")):
        assert not any(rule.match(urlsplit(address).path) for rule in refused), address
    assert not any(rule.match("/practice/1788.html?lang=nl") for rule in refused)


def test_a_table_that_was_imported_answers_at_its_hash(copied: Path) -> None:
    content = b"identifier,ongoing\n1788,false\n"
    checksum = hashlib.sha256(content)
    digest = base64.urlsafe_b64encode(checksum.digest()).decode().rstrip("=")
    table = copied / "sources" / f"{checksum.hexdigest()}.csv"
    table.parent.mkdir(exist_ok=True)
    table.write_bytes(content)
    entry = copied / "data/practices/1788.ttl"
    entry.write_text(re.sub(r"<ni:[^>]*>", f"<ni:///sha-256;{digest}>", entry.read_text()))
    path = f"/.well-known/ni/sha-256/{digest}"
    with served(copied) as client:
        answer = client.get(path)
        page = client.get("/practice/1788.html").text
        others = [client.get(path[:-1]), client.get(path[:-9]), client.get(f"{path}é")]
    assert (answer.status_code, answer.content) == (200, content)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert f'<a href="{path}">ni:///sha-256;{digest}</a>' in page
    assert [other.status_code for other in others] == [404, 404, 404]
