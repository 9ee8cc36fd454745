from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from pyoxigraph import Literal, NamedNode
from rdflib import Graph, URIRef
from rdflib.compare import isomorphic
from rdflib.namespace import DCTERMS, OWL

from practicegraph.application import startup
from practicegraph.application.services import Services
from practicegraph.catalogue import catalogue
from practicegraph.catalogue.catalogue import Catalogue
from practicegraph.schema.value_parser import ParseProblem, SourceLocation
from practicegraph.storage.oxigraph import OxigraphStore
from practicegraph.validation import checks
from practicegraph.web.app import application
from support.catalogues import copy, json_ld_with_context, opened, rows
from support.retirement import (
    BASE,
    GONE,
    LAST,
    NEXT,
    OLD,
    REASON,
    REPLACED,
    SUCCESSOR,
    WITHDRAWN,
    move,
    withdraw,
    write_tombstone,
)

AWAY, SPLIT = f"{BASE}practice/1751", f"{BASE}practice/1803"
SYNTAXES = {"ttl": "turtle", "jsonld": "json-ld", "rdf": "xml", "nt": "nt"}
LINK = f'<{LAST}>; rel="successor-version"'


def document(client: TestClient, path: str, extension: str) -> Graph:
    address = f"{path}.{extension}"
    text = (
        json_ld_with_context(client, address) if extension == "jsonld" else client.get(address).text
    )
    return Graph().parse(data=text, format=SYNTAXES[extension])


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy in which entries and concepts are merged and withdrawn, entries in a chain."""
    root = copy(tmp_path_factory.mktemp("retired"))
    practices = root / "data/practices"
    move(practices / "1764.ttl", OLD, NEXT)
    move(practices / "1699.ttl", NEXT, LAST)
    write_tombstone(practices / "1701.ttl", GONE)
    write_tombstone(
        practices / "1803.ttl", SPLIT, f"<http://purl.org/dc/terms/isReplacedBy> <{NEXT}> ;"
    )
    move(practices / "1751.ttl", AWAY, "https://example.org/entry")
    move(root / "ontology/outcome.ttl", REPLACED, SUCCESSOR)
    withdraw(root / "ontology/actor.ttl", WITHDRAWN)
    return root


@pytest.fixture(scope="module")
def changed(root: Path) -> Catalogue:
    return opened(root)


@pytest.fixture(scope="module")
def served(root: Path) -> Iterator[TestClient]:
    with TestClient(application(startup.open_for_serving(root)), follow_redirects=False) as client:
        yield client


def get(served: TestClient, path: str, accept: str = "text/turtle", language: str = "") -> Response:
    return served.get(path, headers={"Accept": accept, "Accept-Language": language})


def statuses(served: TestClient, *iris: str) -> list[dict[str, Any]]:
    response = served.post("/status", json={"iris": iris})
    assert response.status_code == 200
    result: list[dict[str, Any]] = response.json()["results"]
    return result


def total(served: TestClient, query: str) -> int:
    return int(served.get(f"/practices.json?{query}").json()["total"])


def test_a_check_names_the_successor_to_entries_with_a_replaced_concept(root: Path) -> None:
    contents = catalogue.read_folder(root)
    findings = checks.check(root, contents, contents.paths).findings
    assert {(result.component_name, result.severity_name) for result in findings} == {
        ("Deprecated", "Warning"),
        ("Version", "Warning"),  # of the schemes whose concepts were retired
    }
    replaced = [result for result in findings if result.value == REPLACED]
    assert replaced
    assert all(SUCCESSOR in result.hint for result in replaced)
    (withdrawn,) = (result for result in findings if result.value == WITHDRAWN)
    assert withdrawn.focus_node == LAST
    assert "remove it" in withdrawn.hint


@pytest.mark.parametrize("path", ["/practice/1764", "/practice/1699"])
def test_a_merged_entry_redirects_to_the_end_of_its_chain(served: TestClient, path: str) -> None:
    for accept in ("text/turtle", "text/html"):
        response = get(served, path, accept)
        assert response.status_code == 301
        assert response.headers["location"] == "/practice/1788"
        assert response.headers["link"] == LINK
    assert get(served, "/practice/1788").status_code == 303


def test_a_successor_may_be_on_another_host(served: TestClient) -> None:
    response = get(served, "/practice/1751?lang=nl")
    assert response.status_code == 301
    assert response.headers["location"] == "https://example.org/entry"


def test_a_redirect_to_a_successor_keeps_the_representation(served: TestClient) -> None:
    response = get(served, "/practice/1764?format=nt", "text/html")
    assert response.headers["location"] == "/practice/1788?format=nt"


@pytest.mark.parametrize("extension", SYNTAXES)
def test_the_documents_of_a_merged_entry_keep_its_triples(
    served: TestClient, client: TestClient, extension: str
) -> None:
    response = served.get(f"/practice/1764.{extension}")
    assert response.status_code == 200
    assert LINK in response.headers["link"]
    graph = document(served, "/practice/1764", extension)
    before = document(client, "/practice/1764", "ttl")
    before.remove((URIRef(f"{OLD}#document"), None, None))
    assert not set(before) - set(graph)
    assert graph.value(URIRef(OLD), DCTERMS.isReplacedBy) == URIRef(NEXT)
    assert graph.value(URIRef(OLD), OWL.deprecated).toPython() is True  # type: ignore[union-attr]


def test_the_page_of_a_merged_entry_links_to_its_successor_and_back(served: TestClient) -> None:
    page = served.get("/practice/1764.html")
    assert page.status_code == 200
    assert "Merged into another resource" in page.text
    assert REASON in page.text
    assert 'href="/practice/1788.html"' in page.text
    assert 'href="/practice/1764.html"' in served.get("/practice/1788.html").text


def test_a_replaced_concept_redirects_to_its_successor(served: TestClient) -> None:
    assert get(served, "/outcome/HAP").headers["location"] == "/outcome/BEL"
    for path in ("/outcome/HAP", "/actor/school"):
        assert "/practices?" not in served.get(f"{path}.html").text.partition("<main")[2]
    assert served.get("/outcome/HAP.ttl").status_code == 200


@pytest.mark.parametrize("path", ["/practice/1701", "/actor/school"])
def test_a_withdrawn_iri_answers_410_in_every_representation(served: TestClient, path: str) -> None:
    for accept in ("text/turtle", "text/html", "application/json", "application/ld+json"):
        response = get(served, path, accept)
        assert response.status_code == 410
        assert response.headers["content-type"].startswith(accept)
        assert REASON in response.text
    graphs = [document(served, path, extension) for extension in SYNTAXES]
    assert all(isomorphic(graph, graphs[0]) for graph in graphs)
    assert served.head(path).status_code == 410


def test_a_tombstone_has_title_day_and_reason(served: TestClient) -> None:
    result = get(served, "/practice/1701", "application/json").json()
    assert result["title"] == "Example entry"
    assert (result["status"], result["since"], result["reason"]) == (
        "withdrawn",
        "2026-11-24",
        REASON,
    )
    page = get(served, "/practice/1701.html").text
    assert "Withdrawn" in page
    assert "2026-11-24" in page


def sent(changed: Catalogue, name: str, *given: tuple[str, str]) -> str:
    query = changed.stored_queries[name].bind(given, changed.value_parser)
    assert isinstance(changed.store, OxigraphStore)
    return changed.store.results(query, "csv").decode()


def test_stored_questions_leave_out_what_is_no_longer_current(
    changed: Catalogue, real: Catalogue
) -> None:
    for result, there in ((real, True), (changed, False)):
        by_outcome = sent(result, "entries-by-outcome", ("outcome", "ACE"))
        assert (OLD in by_outcome) == there
        assert (GONE in by_outcome) == there
    unused = rows(sent(changed, "unused-concepts", ("scheme", f"{BASE}outcome")))
    assert REPLACED not in {row["concept"] for row in unused}


def test_a_tombstone_may_name_a_successor(served: TestClient) -> None:
    for path in ("/practice/1803", "/practice/1803.html"):
        response = get(served, path)
        assert response.status_code == 410
        assert LINK in response.headers["link"]
    assert 'href="/practice/1788.html"' in response.text
    (status_objects,) = statuses(served, SPLIT)
    assert (status_objects["status"], status_objects["to"]) == ("withdrawn", LAST)


def test_what_is_no_longer_current_is_left_out_of_search_and_counts(served: TestClient) -> None:
    assert total(served, "") == 56 - 5
    listing = served.get("/practices.json?size=100").json()
    assert not {OLD, NEXT, GONE, AWAY, SPLIT} & {item["id"] for item in listing["items"]}
    values = {value["id"] for facet in listing["facets"].values() for value in facet["values"]}
    assert SUCCESSOR in values
    assert not {REPLACED, WITHDRAWN} & values


def test_no_form_offers_a_deprecated_concept(served: TestClient) -> None:
    listing = served.get("/openapi.json").json()["paths"]["/practices"]["get"]["parameters"]
    offered = {
        p["name"]: p["schema"]["items"]["enum"]
        for p in listing
        if p["name"] in ("outcome", "actor")
    }
    assert "BEL" in offered["outcome"]
    assert "HAP" not in offered["outcome"]
    assert "school" not in offered["actor"]
    assert "/outcome/HAP" not in served.get("/outcome.html").text


def test_entries_with_a_replaced_concept_count_for_its_successor(
    served: TestClient, real: Catalogue, services: Services
) -> None:
    either = {"outcome": (NamedNode(REPLACED), NamedNode(SUCCESSOR))}
    choices = services.request_parser.parse(
        [("outcome", "HAP"), ("outcome", "BEL"), ("size", "100")]
    )
    assert choices.filters == either
    before = set(services.search.search(choices, real.languages).entries) - {
        OLD,
        NEXT,
        GONE,
        AWAY,
        SPLIT,
    }
    result = served.get("/practices.json?outcome=BEL&size=100").json()
    assert {item["id"] for item in result["items"]} == before
    counts = {value["value"]: value["count"] for value in result["facets"]["outcome"]["values"]}
    assert counts["BEL"] == len(before)


@pytest.mark.parametrize("value", ["HAP", REPLACED])
def test_a_search_for_a_replaced_concept_finds_its_successor_s_entries(
    served: TestClient, value: str
) -> None:
    assert total(served, f"outcome={value}") == total(served, "outcome=BEL")
    page = served.get(f"/practices.html?outcome={value}&country=BEL").text
    assert 'href="/practices?country=BEL" rel="nofollow" aria-current="true"' in page
    assert "outcome=HAP" not in page.partition("<main")[2]


def test_a_search_for_a_withdrawn_concept_is_refused_with_those_that_are_there(
    served: TestClient,
) -> None:
    response = served.get("/practices.json?actor=school")
    assert response.status_code == 400
    assert "government" in response.json()["hint"]


def test_an_import_of_a_replaced_concept_writes_its_successor(changed: Catalogue) -> None:
    field = changed.shapes.entry_shape.fields_by_key["outcome"]
    label = changed.vocabularies.concepts[REPLACED].labels["en"]
    for text in ("HAP", REPLACED, label):
        term = changed.value_parser.parse(SourceLocation(Path("x"), 1), field, text, ["en"])
        assert term == NamedNode(SUCCESSOR)
    actor = changed.shapes.entry_shape.fields_by_key["actor"]
    assert isinstance(
        changed.value_parser.parse(SourceLocation(Path("x"), 1), actor, "school", ["en"]),
        ParseProblem,
    )


def test_status_answers_for_each_iri_in_order(served: TestClient) -> None:
    status_objects = statuses(
        served, LAST, OLD, GONE, REPLACED, WITHDRAWN, f"{BASE}practice/0", "https://example.org/"
    )
    since = {"since": "2026-11-24", "reason": REASON}
    assert status_objects == [
        {"iri": LAST, "id": LAST, "status": "current"},
        {"iri": OLD, "id": OLD, "status": "moved", "to": LAST, **since},
        {"iri": GONE, "id": GONE, "status": "withdrawn", **since},
        {"iri": REPLACED, "id": REPLACED, "status": "moved", "to": SUCCESSOR, **since},
        {"iri": WITHDRAWN, "id": WITHDRAWN, "status": "withdrawn", **since},
        {"iri": f"{BASE}practice/0", "status": "unknown"},
        {"iri": "https://example.org/", "status": "unknown"},
    ]


HUNGARY = "http://publications.europa.eu/resource/authority/country/HUN"


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (f"{BASE}practice/1788.html", LAST),
        ("http://w3id.org/practicegraph/practice/1788", LAST),
        ("http://testserver/practice/1788.ttl?lang=nl", LAST),
        (f"{BASE}country/HUN", HUNGARY),
        (f"{BASE}country/HUN.jsonld", HUNGARY),
        (HUNGARY, HUNGARY),
        (HUNGARY.replace("http:", "https:"), HUNGARY),
        (BASE, BASE),
        (f"{BASE}catalog.nt", BASE),
        (f"{BASE}ontology.html#outcome", f"{BASE}ontology#outcome"),
        (f"{BASE}ontology/0.1.0", f"{BASE}ontology/0.1.0"),
    ],
)
def test_status_answers_with_the_iri_of_a_url(served: TestClient, sent: str, expected: str) -> None:
    assert statuses(served, sent) == [{"iri": sent, "id": expected, "status": "current"}]


def test_status_names_the_concepts_that_are_mapped_to_an_iri(served: TestClient) -> None:
    skos = "http://www.w3.org/2004/02/skos/core#"
    target = "http://eurovoc.europa.eu/5501"
    for iri in (target, target.replace("http:", "https:")):
        assert statuses(served, iri) == [
            {
                "iri": iri,
                "status": "unknown",
                "mappings": [
                    {"concept": f"{BASE}{name}", "relation": skos + kind, "target": target}
                    for name, kind in (
                        ("actor/local-authority", "exactMatch"),
                        ("addressee/local-entity", "narrowMatch"),
                    )
                ],
            }
        ]


@pytest.mark.parametrize(
    "iri", ["", " ", "x", "practice/1788", "https://[", "\u0000", f"{BASE}> a <x", f"{BASE}{{}}"]
)
def test_the_status_of_a_text_that_is_no_iri_is_unknown(served: TestClient, iri: str) -> None:
    assert statuses(served, iri) == [{"iri": iri, "status": "unknown"}]


def test_status_accepts_at_most_a_thousand_iris(served: TestClient) -> None:
    assert len(statuses(served, *[LAST] * 1000)) == 1000
    refused = served.post("/status", json={"iris": [LAST] * 1001})
    assert refused.status_code == 413
    assert "1000" in refused.json()["detail"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff", 400),
        (b"[]", 400),
        (b"{}", 400),
        (b'{"iris": "x"}', 400),
        (b'{"iris": [1]}', 400),
        (b'{"iris": [null]}', 400),
        (b'{"iris": ["\\ud800"]}', 400),
        (b"[" * 100_000, 400),
        (b'{"iris": ["' + b"x" * (1 << 20) + b'"]}', 413),
    ],
    ids=lambda value: str(value)[:30],
)
def test_status_refuses_a_malformed_body(served: TestClient, body: bytes, status: int) -> None:
    response = served.post("/status", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["detail"]


def test_status_accepts_only_json_by_post(served: TestClient) -> None:
    assert served.post("/status", data={"iris": LAST}).status_code == 415
    for response in (served.get("/status"), served.head("/status")):
        assert response.status_code == 405
        assert response.headers["allow"] == "POST, OPTIONS"
    assert served.options("/status").headers["allow"] == "POST, OPTIONS"
    assert "/status" in served.get("/openapi.json").json()["paths"]


def test_a_circle_of_successors_ends(copied: Path) -> None:
    move(copied / "data/practices/1764.ttl", OLD, NEXT)
    move(copied / "data/practices/1699.ttl", NEXT, OLD)
    lifecycle = opened(copied).lifecycle
    for iri in (OLD, NEXT):
        deprecation = lifecycle.get(iri)
        assert deprecation
        assert not deprecation.successor
        assert not deprecation.is_moved


def test_a_reason_comes_in_the_reader_s_language(copied: Path) -> None:
    path = copied / "data/practices/1701.ttl"
    write_tombstone(path, GONE)
    path.write_text(
        path.read_text().replace(f'"{REASON}"@en', f'"{REASON}"@en, "Een voorbeeld."@nl')
    )
    deprecation = opened(copied).lifecycle.get(GONE)
    assert deprecation
    assert deprecation.reasons == {"en": REASON, "nl": "Een voorbeeld."}
    assert Literal(deprecation.since) == Literal("2026-11-24")


def test_a_withdrawn_iri_answers_410_to_conditional_requests_too(served: TestClient) -> None:
    for headers in ({"If-None-Match": "*"}, {"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}):
        assert served.get("/practice/1701.ttl", headers=headers).status_code == 410


@pytest.mark.parametrize("extension", ["bib", "ris", "csl.json"])
def test_the_citation_of_a_merged_entry_names_its_successor_and_of_a_withdrawn_one_answers_410(
    served: TestClient, extension: str
) -> None:
    merged = served.get(f"/practice/1764.{extension}?lang=de", follow_redirects=False)
    assert merged.status_code == served.get("/practice/1764.ttl").status_code == 200
    assert LINK in merged.headers["link"]
    gone = served.get(f"/practice/1701.{extension}", headers={"Accept": "application/json"})
    assert gone.status_code == 410
    assert gone.json()["status"] == "withdrawn"
    assert served.get(f"/practice/none.{extension}").status_code == 404
    unknown = served.get(f"/practice/1701.{extension}?nonsense=1")
    assert unknown.status_code == 400


def test_similar_entries_of_a_merged_entry_redirect_and_of_a_withdrawn_one_answer_410(
    served: TestClient,
) -> None:
    number = OLD.rpartition("/")[2]
    for name in ("similar?size=3", "similar.json?size=3"):
        moved = get(served, f"/practice/{number}/{name}", "application/json")
        assert moved.status_code == 301
        assert moved.headers["location"] == f"/practice/1788/{name}"
    gone = get(served, f"/practice/{GONE.rpartition('/')[2]}/similar", "application/json")
    assert gone.status_code == 410
    assert gone.json()["status"] == "withdrawn"


def test_a_deprecated_entry_is_similar_to_none(served: TestClient) -> None:
    near = get(served, "/practice/1788/similar?size=1000", "application/json").json()["items"]
    assert len(near) > 20
    assert not {OLD, NEXT, GONE, AWAY, SPLIT} & {item["id"] for item in near}
