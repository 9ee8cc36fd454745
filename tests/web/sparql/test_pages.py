"""The pages of queries: errors at their line, results with labels, charts, downloads, limits."""

import html
import re
from pathlib import Path
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from practicegraph.catalogue.catalogue import Catalogue
from practicegraph.sparql.pool import QueryLimits
from support.server import served

HEADERS = {"Accept": "text/html"}
PG = "https://w3id.org/practicegraph/ontology#"
BY_COUNTRY = f"""SELECT ?country (COUNT(?entry) AS ?entries)
WHERE {{ ?entry <{PG}country> ?country }} GROUP BY ?country ORDER BY DESC(?entries)"""
BY_PAIR = f"""SELECT ?country ?category (COUNT(?entry) AS ?entries)
WHERE {{ ?entry <{PG}country> ?country ; <{PG}category> ?category }} GROUP BY ?country ?category"""


def ask(client: TestClient, query: str, status: int = 200, **parameters: str) -> str:
    response = client.get("/sparql", params={"query": query, **parameters}, headers=HEADERS)
    assert response.status_code == status, response.text
    return html.unescape(response.text)


def area(text: str) -> str:
    found = re.search(r"<textarea[^>]*>\n?(.*?)</textarea>", text, re.S)
    assert found
    return found[1]


MISTAKE = "SELECT *\nWHERE {\n    ?s dct:title ?o .\n}"


def test_a_mistake_is_shown_at_its_line_and_keeps_the_query(client: TestClient) -> None:
    text = ask(client, MISTAKE, 400)
    assert area(text) == MISTAKE
    assert "<mark>    ?s dct:title ?o .</mark>" in text
    assert 'data-line="3"' in text
    assert "PREFIX dct: <http://purl.org/dc/terms/>" in text


def test_a_mistake_by_post_keeps_the_query_too(client: TestClient) -> None:
    answer = client.post("/sparql", data={"query": MISTAKE}, headers=HEADERS)
    assert answer.status_code == 400
    assert area(html.unescape(answer.text)) == MISTAKE


def test_a_mistake_is_problem_details_for_programs(client: TestClient) -> None:
    answer = client.get("/sparql", params={"query": MISTAKE})
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["line"] == 3


def test_an_error_without_a_line_keeps_the_query(client: TestClient) -> None:
    text = ask(client, "SELECT * WHERE { SERVICE <http://localhost/> { ?s ?p ?o } }", 400)
    assert "SERVICE <http://localhost/>" in area(text)


def test_resources_of_ours_are_links_with_labels_in_the_language_of_the_page(
    client: TestClient, real: Catalogue
) -> None:
    concept = real.vocabularies.schemes_by_key["country"].concepts["HUN"]
    text = ask(client, f"SELECT ?c WHERE {{ VALUES ?c {{ <{concept.iri}> }} }}", lang="de")
    assert f'<a href="/country/HUN.html?lang=de">{concept.labels["de"]}</a>' in text


def test_other_iris_have_the_prefixes_of_the_catalogue(client: TestClient) -> None:
    text = ask(client, "SELECT (<http://purl.org/dc/terms/title> AS ?p) {}")
    assert '<a href="http://purl.org/dc/terms/title">dct:title</a>' in text


def test_a_notation_in_a_column_with_the_key_of_a_scheme_is_its_concept(
    client: TestClient, real: Catalogue
) -> None:
    label = real.vocabularies.schemes_by_key["outcome"].concepts["ACE"].labels["en"]
    assert f'<a href="/outcome/ACE.html">{label}</a>' in ask(
        client, 'SELECT ("ACE" AS ?outcome) {}'
    )
    assert label not in ask(client, 'SELECT ("ACE" AS ?other) {}').partition('id="result"')[2]


def test_a_graph_is_a_table_of_its_triples_with_downloads_in_rdf(client: TestClient) -> None:
    text = ask(client, "CONSTRUCT { ?s a ?o } WHERE { ?s a ?o } LIMIT 3")
    assert re.findall(r"<th[^>]*>(\w+)</th>", text) == ["subject", "predicate", "object"]
    assert "format=jsonld" in text
    assert "format=csv" not in text


@pytest.mark.parametrize("name", ["json", "xml", "csv", "tsv"])
def test_a_result_is_downloaded_in_every_format(client: TestClient, name: str) -> None:
    text = ask(client, BY_COUNTRY)
    (url,) = re.findall(rf'href="([^"]*format={name})"', text)
    answer = client.get(url)
    assert answer.status_code == 200
    assert name in answer.headers["content-type"] or name == "tsv"


def test_after_a_post_the_downloads_are_buttons_that_post(client: TestClient) -> None:
    query = BY_COUNTRY + "\n#" + "x" * 20_000
    answer = client.post("/sparql?lang=nl", data={"query": query}, headers=HEADERS)
    assert answer.status_code == 200
    assert 'formmethod="post" name="format" value="csv"' in answer.text
    assert "?query=" not in answer.text
    assert 'lang="nl"' in answer.text
    csv = client.post("/sparql", data={"query": query, "format": "csv"}, headers=HEADERS)
    assert csv.text.startswith("country,entries")


def test_bars_have_a_row_for_each_value(client: TestClient) -> None:
    text = ask(client, BY_COUNTRY, view="bars")
    bars = text.partition('<ul class="bars">')[2].partition("</ul>")[0]
    rows = client.get("/sparql", params={"query": BY_COUNTRY}).json()["results"]["bindings"]
    numbers = [int(number) for number in re.findall(r'class="count">(\d+)<', bars)]
    assert numbers == [int(row["entries"]["value"]) for row in rows]
    assert 'value="bars" aria-pressed="true"' in text


def test_two_columns_and_a_number_make_a_matrix(client: TestClient) -> None:
    text = ask(client, BY_PAIR, view="matrix")
    cells = re.findall(r'<td class="shade-\d">(\d+)</td>', text)
    rows = client.get("/sparql", params={"query": BY_PAIR}).json()["results"]["bindings"]
    assert sorted(cells) == sorted(row["entries"]["value"] for row in rows)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT ?s WHERE { ?s a ?c } LIMIT 3",  # no numbers
        "SELECT ?c ?n { VALUES (?c ?n) { ('a' 1) ('a' 2) } }",  # a value twice
        "SELECT ?c ?n { VALUES (?c ?n) { ('a' -1) ('b' 2) } }",  # no count
        "SELECT ?a ?b ?c ?n { VALUES (?a ?b ?c ?n) { ('a' 'b' 'c' 1) } }",  # three columns
        "SELECT ?c ?n { VALUES (?c ?n) { } }",  # no rows
    ],
)
def test_columns_that_make_no_chart_offer_none(client: TestClient, query: str) -> None:
    text = ask(client, query, view="bars")
    assert 'name="view"' not in text
    assert 'class="bars"' not in text


def test_an_unknown_view_is_refused_with_those_that_there_are(client: TestClient) -> None:
    text = ask(client, BY_COUNTRY, 400, view="pie")
    assert "matrix" in text
    assert area(text) == BY_COUNTRY


def test_the_page_tells_the_configured_limits(client: TestClient) -> None:
    text = client.get("/sparql", headers=HEADERS).text
    limits = QueryLimits(seconds=20)
    assert f"A query has {limits.seconds:.0f} seconds, and up to {limits.max_seconds:.0f}" in text
    assert f"{limits.max_rows:,} rows" in text


def test_examples_stand_under_the_headings_that_triples_give_them(
    client: TestClient, real: Catalogue, copied: Path
) -> None:
    groups = {query.group.iri for query in real.stored_queries.values()}
    assert len(groups) == 3
    for path in ("/sparql?lang=el", "/queries?lang=el"):
        text = html.unescape(client.get(path, headers=HEADERS).text)
        parts = re.split(r"<h[23]>", text)
        for query in real.stored_queries.values():
            assert query.group.labels["el"] in text
            assert any(query.labels["el"] in part for part in parts)
    file = copied / "queries" / "outcomes-by-country.rq"
    file.write_text(re.sub(r"#: +pg:queryGroup .*\n", "", file.read_text()))
    with served(copied) as other:
        headings = re.findall(r"<h2>(.*?)</h2>", other.get("/queries", headers=HEADERS).text)
        assert headings[-1] == "Stored queries"


def test_a_wrong_value_of_a_stored_query_keeps_its_form(client: TestClient) -> None:
    answer = client.get("/queries/entries-by-outcome?outcome=none&country=HUN", headers=HEADERS)
    assert answer.status_code == 400
    assert '<option value="HUN" selected>' in answer.text
    assert 'role="alert"' in answer.text


def test_a_stored_query_can_be_changed_and_downloaded(client: TestClient) -> None:
    answer = client.get("/queries/entries-by-outcome?outcome=LAN", headers=HEADERS)
    text = html.unescape(answer.text)
    assert f'href="/sparql?query={quote("PREFIX")}' in text
    (url,) = re.findall(r'href="([^"]*format=csv)"', text)
    rows = client.get("/queries/entries-by-outcome?outcome=LAN").json()["results"]["bindings"]
    assert client.get(url).text.count("\n") == len(rows) + 1


def test_completions_are_the_terms_of_the_void_statistics(client: TestClient) -> None:
    answer = client.get("/sparql/completions.json?lang=de")
    found = answer.json()
    assert found["prefixes"]["pg"] == PG
    counts = {term["iri"]: term["count"] for term in found["classes"]}
    number = client.get(
        "/sparql", params={"query": f"SELECT (COUNT(*) AS ?n) {{ ?s a <{PG}Practice> }}"}
    ).json()["results"]["bindings"][0]["n"]["value"]
    assert counts[PG + "Practice"] == int(number)
    labels = {term["iri"]: term["label"] for term in found["properties"]}
    assert labels[PG + "country"]
    tag = answer.headers["etag"]
    again = client.get("/sparql/completions.json?lang=de", headers={"If-None-Match": tag})
    assert again.status_code == 304
    assert client.get("/sparql/completions.json?q=a").status_code == 400
