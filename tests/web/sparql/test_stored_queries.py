from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlencode

import pytest
from click.testing import Result
from fastapi.testclient import TestClient
from pyoxigraph import QueryResultsFormat, RdfFormat, parse, parse_query_results
from rdflib import Graph, Namespace, URIRef

from practicegraph.catalogue.catalogue import Catalogue
from practicegraph.schema.shapes import constraints
from practicegraph.schema.value_parser import InvalidParameterError
from support.catalogues import ROOT

NAMES = sorted(path.stem for path in (ROOT / "queries").glob("*.rq"))
"""The questions that find faults, of which the catalogue has none."""
BASE = "https://w3id.org/practicegraph/"


def test_there_are_at_least_fifteen_stored_queries(real: Catalogue) -> None:
    assert len(NAMES) >= 15
    assert list(real.stored_queries) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_stored_query_has_labels_in_every_language_and_a_result(
    name: str, client: TestClient, real: Catalogue
) -> None:
    question = real.stored_queries[name]
    assert set(question.labels) == set(question.comments) == set(real.languages)
    answer = client.get(f"/queries/{name}")
    assert answer.status_code == 200, answer.text
    if question.returns_graph:
        assert len(list(parse(answer.content, RdfFormat.TURTLE))) > 5
    else:
        rows = list(parse_query_results(answer.content, QueryResultsFormat.JSON))  # type: ignore[arg-type]
        checks = {check.iri for check in constraints.read_stored_checks(real.store)}
        assert rows or question.iri in checks


@pytest.mark.parametrize("name", NAMES)
def test_a_stored_query_has_a_page_with_its_parameters(
    name: str, client: TestClient, real: Catalogue
) -> None:
    page = client.get(f"/queries/{name}?lang=el", headers={"Accept": "text/html"})
    if real.stored_queries[name].returns_graph:
        return
    assert page.status_code == 200
    assert real.stored_queries[name].labels["el"].replace("'", "&#39;") in page.text
    for parameter in real.stored_queries[name].parameters:
        assert f'name="{parameter.key}"' in page.text
        assert parameter.field.names["el"] in page.text


@pytest.mark.parametrize("name", NAMES)
def test_a_stored_query_is_described_as_a_shacl_executable(name: str, client: TestClient) -> None:
    for path in (f"/queries/{name}.ttl", f"/queries/{name}.rdf", f"/queries/{name}.html"):
        assert client.get(path).status_code == 200
    graph = Graph().parse(data=client.get(f"/queries/{name}.ttl").text, format="turtle")
    sh = "http://www.w3.org/ns/shacl#"
    assert (URIRef(f"{BASE}queries/{name}"), None, URIRef(sh + "SPARQLExecutable")) in graph


@pytest.mark.parametrize("name", NAMES)
def test_the_text_of_a_stored_query_in_rdf_is_a_complete_query(
    name: str, client: TestClient
) -> None:
    graph = Graph().parse(data=client.get(f"/queries/{name}.ttl").text, format="turtle")
    sh = Namespace("http://www.w3.org/ns/shacl#")
    (text,) = graph.objects(None, sh.select | sh.ask | sh.construct)
    assert "$language" not in str(text)
    alone, asked = (
        client.get(path, params=parameters).text
        for path, parameters in (("/sparql", {"query": str(text)}), (f"/queries/{name}", {}))
    )
    assert alone == asked


def test_the_file_of_a_stored_query_has_its_parameters(real: Catalogue) -> None:
    question = real.stored_queries["entries-by-outcome"]
    assert "$outcome" in question.text
    assert "$country" in question.text


def test_a_client_that_accepts_rdf_alone_is_redirected_to_the_description(
    client: TestClient,
) -> None:
    answer = client.get("/queries/outcomes-by-country", headers={"Accept": "text/turtle"})
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        "/queries/outcomes-by-country.ttl",
    )


def test_the_result_has_every_media_type_of_a_table(client: TestClient) -> None:
    path = "/queries/entries-by-outcome?outcome=LAN"
    for form, media_type in (
        ("csv", "text/csv"),
        ("tsv", "text/tab"),
        ("xml", "application/sparql"),
    ):
        answer = client.get(f"{path}&format={form}")
        assert answer.headers["content-type"].startswith(media_type)
        assert "practice/1788" in answer.text


def test_a_value_of_a_parameter_changes_the_result(client: TestClient, real: Catalogue) -> None:
    def count(query: str) -> int:
        found = client.get(f"/queries/entries-by-outcome?{query}").json()["results"]["bindings"]
        return len({row["entry"]["value"] for row in found})

    search = client.get("/practices?outcome=LAN&country=DEU").json()["total"]
    assert count("outcome=LAN&country=DEU") == search
    assert count("outcome=LAN") == client.get("/practices?outcome=LAN").json()["total"]


def test_labels_are_in_the_language_of_the_request_or_of_the_parameter(client: TestClient) -> None:
    path = "/queries/actors-by-action"
    dutch = client.get(path, headers={"Accept-Language": "nl"}).text
    assert "Mentorschapsprogramma" in dutch
    assert client.get(f"{path}?lang=nl").text == client.get(f"{path}?language=nl").text == dutch
    assert "Mentoring programme" in client.get(f"{path}?lang=nl&language=en").text


def test_a_value_is_accepted_by_notation_iri_or_label(client: TestClient) -> None:
    answers = [
        client.get("/queries/entries-by-outcome", params={"outcome": value}).json()
        for value in (
            "LAN",
            BASE + "outcome/LAN",
            "Sprachkompetenz der Kinder in der Landessprache",
        )
    ]
    assert answers[0] == answers[1] == answers[2]


@pytest.mark.parametrize(
    "value", ['"', "> } DROP ALL #", "?x", "LAN ACE", "http://example.org/x", "\\"]
)
def test_a_value_cannot_change_the_structure_of_the_query(client: TestClient, value: str) -> None:
    assert client.get("/queries/entries-by-outcome", params={"outcome": value}).status_code == 400
    answer = client.get("/queries/entry-with-labels", params={"identifier": value})
    assert answer.status_code in (200, 400)


def test_an_unknown_parameter_is_refused(client: TestClient) -> None:
    answer = client.get("/queries/entries-by-outcome?outcom=LAN")
    assert answer.status_code == 400
    assert "outcome" in answer.json()["hint"]
    assert client.get("/queries/nothing").status_code == 404


def test_a_missing_required_parameter_is_refused(real: Catalogue) -> None:
    question = real.stored_queries["entries-by-outcome"]
    required = [type(parameter)(parameter.field, None, False) for parameter in question.parameters]
    strict = replace(question, parameters=tuple(required))
    with pytest.raises(InvalidParameterError):
        strict.bind([], real.value_parser)


def test_stored_queries_are_listed_and_in_openapi(client: TestClient) -> None:
    listed = client.get("/queries?lang=nl").json()["queries"]
    assert [question["name"] for question in listed] == NAMES
    assert listed[0]["title"].endswith("?")
    page = client.get("/queries", headers={"Accept": "text/html"}).text
    paths = client.get("/openapi.json").json()["paths"]
    for name in NAMES:
        assert f'href="/queries/{name}"' in page
        assert f"/queries/{name}" in paths
    described = paths["/queries/entries-by-outcome"]["get"]["parameters"]
    outcome = next(parameter for parameter in described if parameter["name"] == "outcome")
    assert "ACE" in outcome["schema"]["enum"]
    assert outcome["schema"]["default"] == "ACE"


def test_a_stored_query_runs_on_the_command_line(run: Callable[..., Result]) -> None:
    result = run("query", "entries-by-outcome", "outcome=LAN", "country=Hungary")
    assert result.exit_code == 0, result.output
    assert "practice/1788" in result.output
    assert run("query", "outcomes-by-country", "--format", "json").output.startswith("{")
    wrong = run("query", "entries-by-outcom")
    assert wrong.exit_code == 1
    assert "entries-by-outcome" in wrong.output
    assert run("query", "entries-by-outcome", "outcome=XYZ").exit_code == 1


def test_entries_are_reached_from_a_concept_of_another_vocabulary(client: TestClient) -> None:
    def entries(iri: str) -> set[str]:
        answer = client.get(
            f"/queries/entries-by-mapping?{urlencode({'concept': iri, 'format': 'csv'})}"
        )
        return {line.partition(",")[0] for line in answer.text.splitlines()[1:]}

    found = {
        outcome: {
            item["id"]
            for item in client.get(f"/practices.json?size=100&outcome={outcome}").json()["items"]
        }
        for outcome in ("ACE", "REM", "connectedness")
    }
    assert entries("http://eurovoc.europa.eu/280") == found["ACE"] | found["REM"]
    assert entries("http://eurovoc.europa.eu/3250") == found["connectedness"], "below it, too"
    assert entries("http://eurovoc.europa.eu/3606") == set(), "related"
