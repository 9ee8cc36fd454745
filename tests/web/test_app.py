import json
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from pyoxigraph import RdfFormat, parse
from rdflib import Graph, URIRef
from rdflib.compare import isomorphic

from support.catalogues import json_ld_with_context, rows

TITLE = URIRef("http://purl.org/dc/terms/title")
MINT = "https://w3id.org/practicegraph/practice/1788"
IRIS = [
    "/practice/1788",
    "/outcome",
    "/outcome/ACE",
    "/outcome/access-to-rights",
    "/country/HUN",
    "/country/unicef",
    "/language/CES",
    "/ontology",
    "/shapes",
    "/shapes/practice",
    "/source",
    "/catalog",
]
TYPES = {
    "ttl": "text/turtle",
    "jsonld": "application/ld+json",
    "rdf": "application/rdf+xml",
    "nt": "application/n-triples",
    "trig": "application/trig",
    "nq": "application/n-quads",
    "json": "application/json",
    "html": "text/html",
}
RDF = {"ttl": "turtle", "jsonld": "json-ld", "rdf": "xml", "nt": "nt"}


def get(
    client: TestClient, path: str, accept: str = "application/json", **headers: str
) -> Response:
    return client.get(path, headers={"Accept": accept, **headers})


@pytest.mark.parametrize("path", IRIS)
def test_every_iri_leads_to_its_document_in_one_hop(client: TestClient, path: str) -> None:
    for extension, media_type in TYPES.items():
        response = get(client, path, media_type)
        assert response.status_code == 303, path
        assert response.headers["location"] == f"{path}.{extension}"
        assert "Accept" in response.headers["vary"]
        document = client.get(response.headers["location"])
        assert document.status_code == 200
        assert document.headers["content-type"].partition(";")[0] == media_type


@pytest.mark.parametrize("path", IRIS)
def test_every_syntax_says_the_same(client: TestClient, path: str) -> None:
    texts = {extension: client.get(f"{path}.{extension}").text for extension in RDF}
    texts["jsonld"] = json_ld_with_context(client, f"{path}.jsonld")
    graphs = {
        extension: Graph().parse(data=texts[extension], format=name)
        for extension, name in RDF.items()
    }
    assert len(graphs["ttl"]) > 5
    for extension, graph in graphs.items():
        assert isomorphic(graph, graphs["ttl"]), extension
    for extension, form in (("trig", RdfFormat.TRIG), ("nq", RdfFormat.N_QUADS)):
        quads = parse(client.get(f"{path}.{extension}").text, form)
        assert len({str(quad.triple) for quad in quads}) == len(graphs["ttl"])


@pytest.mark.parametrize(
    ("accept", "extension"),
    [
        ("*/*", "ttl"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "html"),
        ("text/turtle;q=0.5, application/ld+json", "jsonld"),
        ("text/plain", "nt"),
        ("application/*;q=0.2, text/turtle", "ttl"),
        ("nonsense, text/turtle", "ttl"),
        ("application/trig, text/turtle;q=0.5", "trig"),
        ("application/trig, */*;q=0.1", "trig"),
        ("application/n-quads, application/ld+json;q=0.9, text/turtle;q=0.6", "jsonld"),
        ("application/n-quads, application/trig;q=0.9, text/turtle;q=0, text/plain;q=0.8", "nq"),
        ("application/rdf+xml, application/xml;q=0.7, text/plain;q=0.1, */*;q=0.09", "rdf"),
        ("text/n3", "ttl"),
        ("text/rdf+n3, text/plain;q=0.5", "ttl"),
        ("application/xml", "rdf"),
        ("text/xml", "rdf"),
    ],
)
def test_the_form_follows_what_is_accepted(client: TestClient, accept: str, extension: str) -> None:
    response = get(client, "/practice/1788", accept)
    assert response.headers["location"] == f"/practice/1788.{extension}"


@pytest.mark.parametrize(
    ("query", "target"),
    [
        ("?lang=el", "/practice/1788.html?lang=el"),
        ("?format=json&lang=nl", "/practice/1788.json?lang=nl"),
        ("?format=json", "/practice/1788.json"),
        ("?format=json&lang=a%26b", "/practice/1788.json?lang=a%26b"),
    ],
)
def test_the_language_survives_the_redirect_to_a_document(
    client: TestClient, query: str, target: str
) -> None:
    response = get(client, f"/practice/1788{query}", "text/html")
    assert (response.status_code, response.headers["location"]) == (303, target)
    assert client.get(target).headers["content-type"].startswith(("text/html", "application/json"))


def test_a_form_that_is_not_there_is_406_with_those_that_are(client: TestClient) -> None:
    response = get(client, "/practice/1788", "image/png")
    assert response.status_code == 406
    assert "text/turtle" in response.json()["hint"]
    assert get(client, "/practice/1788?format=png").status_code == 406


def test_format_beats_accept(client: TestClient) -> None:
    response = get(client, "/practice/1788?format=ttl", "text/html")
    assert response.headers["location"] == "/practice/1788.ttl"
    assert get(client, "/practices?format=csv").headers["content-type"].startswith("text/csv")


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/practice/99999",
        "/practice/99999.ttl",
        "/practice/1788.exe",
        "/practice/1788.ttl.ttl",
        "/outcome/XYZ",
        "/practice/",
        "/practice/<script>alert(1)</script>",
        "/practice/1788> a <b",
        "/practice/%00",
        "/practice/é ü",
        "//practice/1788",
        "/../../etc/passwd",
        "/practice/1788%22",
    ],
)
def test_an_address_at_which_nothing_stands_is_404(client: TestClient, path: str) -> None:
    response = get(client, path)
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"
    page = get(client, path, "text/html")
    assert page.status_code == 404
    assert "<script>alert" not in page.text


def test_head_gives_the_headers_of_get_without_content(client: TestClient) -> None:
    for path in ("/", "/practices", "/practice/1788.ttl", "/health", "/openapi.json"):
        whole, head = client.get(path), client.head(path)
        assert head.status_code == whole.status_code
        assert head.headers.get("content-type") == whole.headers.get("content-type")
        assert head.content == b""


def test_options_names_the_methods(client: TestClient) -> None:
    assert client.options("/practices").headers["allow"] == "GET, HEAD, OPTIONS"
    assert "POST" in client.options("/sparql").headers["allow"]
    assert client.put("/practices").status_code == 405


def test_a_script_of_another_site_may_read(client: TestClient) -> None:
    headers = {"Origin": "https://example.org"}
    for path in ("/practices", "/practice/1788.ttl", "/nothing"):
        assert client.get(path, headers=headers).headers["access-control-allow-origin"] == "*"


def test_a_search_is_answered_as_documented(client: TestClient) -> None:
    result = get(client, "/practices?outcome=ACE&outcome=LAN&country=HUN").json()
    assert result["total"] == 1
    assert result["release"] == client.get("/health").json()["release"]
    (item,) = result["items"]
    assert (item["id"], item["identifier"]) == (MINT, "1788")
    assert item["title"].startswith("MINT - Mentoring")
    values = {value["value"]: value for value in result["facets"]["outcome"]["values"]}
    assert values["ACE"]["selected"] and values["LAN"]["selected"]
    assert values["ACE"] | {"broader": 0, "count": 0} == {
        "value": "ACE",
        "id": "https://w3id.org/practicegraph/outcome/ACE",
        "label": "Access to compulsory education",
        "count": 0,
        "selected": True,
        "broader": 0,
    }
    assert "next" not in result


def test_the_same_entries_come_in_every_form(client: TestClient) -> None:
    query = "/practices?country=GRC&size=5&sort=identifier"
    result = get(client, query).json()
    ids = [item["id"] for item in result["items"]]
    table = rows(client.get(query.replace("?", ".csv?")).text)
    assert list(table[0])[:2] == ["identifier", "title@en"]
    assert [f"https://w3id.org/practicegraph/practice/{row['identifier']}" for row in table] == ids
    for extension in ("ttl", "jsonld"):
        text = client.get(query.replace("?", f".{extension}?")).text
        graph = Graph().parse(data=text, format=RDF[extension])
        assert {str(entry) for entry in graph.subjects(TITLE)} == set(ids)
    page = get(client, query, "text/html").text
    assert all(f'href="/practice/{row["identifier"]}.html"' in page for row in table)


def test_the_next_page_is_linked_in_header_and_answer(client: TestClient) -> None:
    seen: list[str] = []
    path: str | None = "/practices?size=20&category=good-practice"
    while path:
        response = get(client, path)
        result = response.json()
        seen += [item["id"] for item in result["items"]]
        path = result.get("next")
        assert (response.headers.get("link") == f'<{path}>; rel="next"') == bool(path)
    assert len(seen) == len(set(seen)) == 38


def test_labels_come_in_the_language_that_is_asked_for(client: TestClient) -> None:
    sent = get(client, "/practices?q=MINT&lang=nl").json()
    accepted = get(
        client, "/practices?q=MINT", **{"Accept-Language": "fy, nl;q=0.8, en;q=0.5"}
    ).json()
    assert sent == accepted
    assert sent["items"][0]["title"].startswith("MINT - Mentorschap")
    assert sent["items"][0]["country"][0]["label"] == "Hongarije"
    assert sent["facets"]["category"]["label"] == "Categorie"


@pytest.mark.parametrize(
    "query",
    ["outcome=XYZ", "colour=red", "size=-1", "size=x", "after=%00", "sort=nothing", "outcome="],
)
def test_a_choice_that_does_not_exist_is_400_with_what_does(client: TestClient, query: str) -> None:
    response = get(client, f"/practices?{query}")
    assert response.status_code == 400
    problem = response.json()
    assert problem["status"] == 400
    assert problem["hint"]


def test_openapi_lists_the_facets_with_their_values(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    listing = document["paths"]["/practices"]["get"]["parameters"]
    by_name = {parameter["name"]: parameter for parameter in listing}
    assert "ACE" in by_name["outcome"]["schema"]["items"]["enum"]
    assert by_name["lang"]["schema"]["enum"] == ["en", "nl", "es", "de", "it", "fr", "el"]
    facets = get(client, "/practices").json()["facets"]
    assert set(facets) <= set(by_name)


def test_a_query_is_answered_in_every_form(client: TestClient) -> None:
    query = (
        "SELECT (COUNT(*) AS ?n) WHERE { ?e a <https://w3id.org/practicegraph/ontology#Practice> }"
    )
    for accept, expected in (
        ("application/sparql-results+json", '"56"'),
        ("application/sparql-results+xml", ">56<"),
        ("text/csv", "n\r\n56"),
        ("text/tab-separated-values", "?n\n56"),
        ("text/html", '<td class="number"><span>56</span>'),
        ("*/*", '"56"'),
    ):
        response = client.get("/sparql", params={"query": query}, headers={"Accept": accept})
        assert response.status_code == 200
        assert expected in response.text.replace("\n</td>", "</td>").replace(">\n", ">"), accept
    assert client.post("/sparql", data={"query": query}).json()["results"]["bindings"]


def test_a_query_for_a_graph_gives_one(client: TestClient) -> None:
    response = client.get(
        "/sparql", params={"query": f"DESCRIBE <{MINT}>"}, headers={"Accept": "text/turtle"}
    )
    assert len(Graph().parse(data=response.text, format="turtle")) > 20


@pytest.mark.parametrize(
    "query",
    ["SELECT * WHERE {", "DROP ALL", "SELECT * { SERVICE <http://127.0.0.1:1/> { ?s ?p ?o } }"],
)
def test_a_query_that_is_not_run_is_400(client: TestClient, query: str) -> None:
    response = client.get("/sparql", params={"query": query})
    assert response.status_code == 400
    assert response.json()["hint"]


def test_a_page_leads_to_no_address_that_runs_a_script(client: TestClient) -> None:
    query = 'SELECT (IRI("javascript:alert(1)") AS ?x) ("<script>" AS ?y) WHERE {}'
    page = client.get("/sparql", params={"query": query}, headers={"Accept": "text/html"})
    assert 'href="javascript' not in page.text
    assert "<script>" not in page.text
    assert "&lt;script&gt;" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


def test_sparql_without_a_query_is_a_page_a_description_or_a_problem(client: TestClient) -> None:
    assert "<textarea" in get(client, "/sparql", "text/html").text
    assert get(client, "/sparql").status_code == 406
    assert client.post("/sparql", data={"other": "x"}).status_code == 400


def test_a_page_shows_an_entry_in_the_reader_s_language(client: TestClient) -> None:
    page = client.get("/practice/1788.html?lang=de").text
    for words in (
        'lang="de"',
        "Rubrik",
        "Bewährte Praktiken",
        "Ungarn",
        "Tschechisch",
        'lang="nl"',
        "AMIF",
    ):
        assert words in page
    assert 'href="/outcome/ACE.html?lang=de"' in page
    assert f'<link rel="canonical" href="{MINT}">' in page


def test_a_list_that_was_not_seen_whole_says_so(client: TestClient) -> None:
    words = "The list in the source may be incomplete"
    assert words in client.get("/practice/1722.html").text
    assert words not in client.get("/practice/1788.html").text


def test_texts_and_places_of_ours_say_so(client: TestClient) -> None:
    page = client.get("/practice/1722.html?lang=de").text
    assert "Rahmen der Europäischen Kommission von 2016" in page
    assert page.count("Von uns verfasst und übersetzt.") == 1
    assert "<dd><span>Zusammenfassung</span>" in page
    assert "<h2>Über diesen Eintrag</h2>" in page
    page = client.get("/outcome/HAP.html?lang=de").text
    assert page.count("Von uns erschlossen, steht nicht in der Quelle.") == 1


def test_the_home_page_counts_every_entry(client: TestClient) -> None:
    assert "<strong>56</strong> Practices" in get(client, "/", "text/html").text
    assert get(client, "/", "text/turtle").headers["location"] == "/catalog.ttl"


def test_the_page_of_a_concept_leads_to_its_entries(client: TestClient) -> None:
    result = get(client, "/practices?outcome=ACE").json()["total"]
    page = client.get("/outcome/ACE.html").text
    assert f"Show in the search: {result}" in page
    assert 'href="/practices?outcome=ACE"' in page


def test_a_page_shows_sparql_as_it_is_written(client: TestClient) -> None:
    page = client.get("/queries/outcomes-together.html").text
    assert (
        '<pre tabindex="0"><code>PREFIX owl: &lt;http://www.w3.org/2002/07/owl#&gt;\nPREFIX' in page
    )


def test_an_entry_in_json_ld_has_readable_keys(client: TestClient) -> None:
    document: dict[str, Any] = json.loads(client.get("/practice/1788.jsonld").text)
    things = document.get("@graph", [document])
    (entry,) = (thing for thing in things if thing.get("id") in (MINT, "practice:1788"))
    assert entry["title"]["nl"].startswith("MINT - Mentorschap")
    assert (
        "outcome:ACE" in entry["outcome"]
        or "https://w3id.org/practicegraph/outcome/ACE" in entry["outcome"]
    )
    assert entry["identifier"] == "1788"
