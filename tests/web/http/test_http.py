"""Negotiation, codings, entity tags and methods (RFC 9110) of all responses."""

import pytest
from fastapi.testclient import TestClient
from pyoxigraph import RdfFormat, parse
from rdflib import Graph

from practicegraph.web.http.middleware import ContentCoding

BASE = "https://w3id.org/practicegraph/"
MANY = {"query": "SELECT * WHERE { ?s ?p ?o } ORDER BY ?s ?p ?o LIMIT 100"}


@pytest.mark.parametrize(
    ("accepted", "coded"),
    [
        ("gzip", True),
        ("deflate, gzip;q=0.5, br", True),
        ("GZIP", True),
        ("*", True),
        ("gzip;q=0", False),
        ("gzip;q=0.000, identity", False),
        ("identity;q=1, *;q=0", False),
        ("x-not-gzipped", False),
        ("", False),
    ],
)
def test_a_response_is_coded_only_if_the_client_accepts_gzip(
    client: TestClient, accepted: str, coded: bool
) -> None:
    for path in ("/sparql", "/practices", "/outcome.html"):
        answer = client.get(
            path, params=MANY if path == "/sparql" else {}, headers={"Accept-Encoding": accepted}
        )
        assert answer.status_code == 200
        assert (answer.headers.get("content-encoding") == "gzip") is coded
        assert "Accept-Encoding" in answer.headers["vary"]


def test_a_script_of_another_origin_may_send_and_read_headers(client: TestClient) -> None:
    headers = {
        "Origin": "https://example.org",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type, x-requested-with",
    }
    before = client.options("/sparql", headers=headers)
    assert before.status_code == 200
    assert "x-requested-with" in before.headers["access-control-allow-headers"]
    answer = client.get("/sparql", params=MANY, headers=headers)
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-expose-headers"] == "*"
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/sparql?query=x", 400),
        ("GET", "/nothing", 404),
        ("PUT", "/sparql", 405),
        ("GET", "/sparql?query=ASK%7B%7D", 406),
        ("POST", "/sparql", 415),
    ],
)
def test_errors_can_be_read_from_another_origin(
    client: TestClient, method: str, path: str, status: int
) -> None:
    accept = "image/png" if status == 406 else "*/*"
    headers = {"Origin": "https://example.org", "Accept": accept}
    answer = client.request(method, path, headers=headers)
    assert answer.status_code == status
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.json()["status"] == status


def test_a_client_with_the_response_gets_304_by_get_and_head_and_412_by_post(
    client: TestClient,
) -> None:
    answer = client.get("/sparql", params=MANY)
    tag = {"If-None-Match": answer.headers["etag"]}
    for method in ("GET", "HEAD"):
        again = client.request(method, "/sparql", params=MANY, headers=tag)
        assert (again.status_code, again.content) == (304, b"")
        assert set(again.headers["vary"].split(", ")) == set(answer.headers["vary"].split(", "))
    posted = client.post("/sparql", data=MANY, headers=tag)
    assert (posted.status_code, posted.headers["etag"]) == (412, answer.headers["etag"])
    assert "If-None-Match" in posted.json()["detail"]
    other = client.post("/sparql", data=MANY, headers={"If-None-Match": '"other"'})
    assert other.text == answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Accept": "text/turtle"},
        {"Accept": "text/html"},
        {"Accept": "image/png"},
        {"Accept-Encoding": "gzip"},
        {"Origin": "https://example.org"},
        {"If-None-Match": "*"},
    ],
)
@pytest.mark.parametrize("query", ["ASK {}", MANY["query"], "x"])
def test_a_query_has_the_same_response_by_the_shortcut_as_by_the_routes(
    client: TestClient, query: str, headers: dict[str, str]
) -> None:
    short, routed = (
        client.get(path, params={"query": query, "timeout": "20"}, headers=headers)
        for path in ("/sparql", "/sparql/")
    )
    for response in (short, routed):
        response.headers.pop("content-length", None)  # pages state their address
    assert (short.status_code, short.headers) == (routed.status_code, routed.headers)
    assert short.text.replace("/sparql/", "/sparql") == routed.text.replace("/sparql/", "/sparql")


def test_a_plain_query_is_answered_before_the_routes(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ContentCoding, "__call__", None)
    params = {"query": "ASK {}"}
    assert client.get("/sparql", params=params).json()["boolean"] is True
    with pytest.raises(TypeError):
        client.get("/sparql/", params=params)


def test_head_has_the_status_and_headers_of_get(client: TestClient) -> None:
    for path in ("/sparql", "/sparql?query=ASK%7B%7D", "/sparql?query=x", "/queries", "/nothing"):
        head, get = client.head(path), client.get(path)
        assert head.content == b""
        assert (head.status_code, head.headers) == (get.status_code, get.headers)


def test_options_states_the_allowed_methods(client: TestClient) -> None:
    for path in ("/sparql", "/sparql/"):
        answer = client.options(path)
        assert (answer.status_code, answer.headers["allow"]) == (204, "GET, HEAD, POST, OPTIONS")
    assert client.options("/queries").headers["allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("text/turtle", RdfFormat.TURTLE),
        ("application/n-triples", RdfFormat.N_TRIPLES),
        ("application/rdf+xml", RdfFormat.RDF_XML),
        ("application/trig", RdfFormat.TRIG),
        ("application/n-quads", RdfFormat.N_QUADS),
    ],
)
def test_the_service_description_is_the_same_in_every_syntax(
    client: TestClient, accept: str, form: RdfFormat
) -> None:
    turtle = Graph().parse(data=client.get("/sparql").text, format="turtle")
    for path in ("/sparql", "/sparql/"):
        answer = client.get(path, headers={"Accept": accept})
        assert answer.headers["content-type"].partition(";")[0] == accept
        assert len(list(parse(answer.content, form))) == len(turtle)
    document = client.get("/sparql", headers={"Accept": "application/ld+json"})
    assert len(Graph().parse(data=document.text, format="json-ld")) == len(turtle)


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("*/*;q=0.1, text/csv", "text/csv"),
        ("text/turtle, application/sparql-results+xml;q=0.2", "application/sparql-results+xml"),
        (
            "application/sparql-results+json;q=0, text/html;q=0, */*;q=0.1",
            "application/sparql-results+xml",
        ),
    ],
)
def test_weights_and_ranges_select_the_media_type(
    client: TestClient, accept: str, media_type: str
) -> None:
    answer = client.get("/sparql", params=MANY, headers={"Accept": accept})
    assert answer.headers["content-type"].partition(";")[0] == media_type


@pytest.mark.parametrize(
    ("accept", "extension"),
    [
        ("", "ttl"),
        ("nonsense", "ttl"),
        ("text/*", "ttl"),
        ("application/*;q=0.8, text/html;q=0.5", "jsonld"),
        ("application/x-turtle, text/html;q=0.9", "ttl"),
        ("text/turtle;q=0, */*", "html"),
        ("application/n-triples, text/html", "nt"),
        ("text/html, application/ld+json;profile=compacted", "html"),
        ("application/ld+json;profile=compacted, text/html;q=0.9", "jsonld"),
        ("TEXT/HTML", "html"),
        (", ".join(f"a/{number}" for number in range(999)) + ", text/html", None),
    ],
)
def test_a_document_has_the_accepted_media_type_of_the_highest_quality(
    client: TestClient, accept: str, extension: str | None
) -> None:
    answer = client.get("/practice/1788", headers={"Accept": accept})
    location = f"/practice/1788.{extension}" if extension else None
    assert (answer.headers.get("location"), answer.status_code == 303) == (location, bool(location))


@pytest.mark.parametrize("path", ["/practice/1788.html", "/static/style.css", "/practices"])
def test_a_coded_response_has_an_entity_tag_of_its_own(client: TestClient, path: str) -> None:
    plain, coded = (
        client.get(path, headers={"Accept-Encoding": coding}) for coding in ("identity", "gzip")
    )
    tag = plain.headers["etag"]
    assert coded.headers["etag"] == tag.removesuffix('"') + '-gzip"'
    for own in (tag, coded.headers["etag"], f"W/{tag}", f'"other", {tag}', "*"):
        again = client.get(path, headers={"If-None-Match": own})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == (own if "gzip" in own else tag)
    assert client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


def test_relative_iris_of_a_query_are_resolved_against_the_catalogue(client: TestClient) -> None:
    query = "ASK { <practice/1788> a <ontology#Practice> }"
    assert client.get("/sparql", params={"query": query}).json()["boolean"] is True
