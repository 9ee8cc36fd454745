"""Tables of two facets, entries near to one, and what the OpenAPI document says of answers."""

import csv
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pyoxigraph import NamedNode

from practicegraph.application.services import Services
from practicegraph.catalogue.catalogue import Catalogue
from practicegraph.search.engine import SimilarEntry
from practicegraph.search.request import ALL_ENTRIES
from web.search.test_listing import get, search_json, sparql_rows

BASE = "https://w3id.org/practicegraph/"
MINT = f"{BASE}practice/1788"


def table(client: TestClient, query: str) -> dict[str, Any]:
    response = get(client, f"/coverage?{query}")
    assert response.status_code == 200, response.text
    result: dict[str, Any] = response.json()
    return result


def cells(result: dict[str, Any]) -> dict[tuple[str, str], int]:
    rows, columns = ([v["value"] for v in result[axis]["values"]] for axis in ("rows", "columns"))
    return {
        (row, column): count
        for row, line in zip(rows, result["cells"], strict=True)
        for column, count in zip(columns, line, strict=True)
    }


def test_a_table_has_every_value_of_both_facets_and_what_is_not_stated(
    client: TestClient, services: Services
) -> None:
    result = table(client, "rows=outcome&columns=country")
    for axis, key in (("rows", "outcome"), ("columns", "country")):
        listing = [value["value"] for value in result[axis]["values"]]
        assert sorted(listing[:-1]) == sorted(services.request_parser.options[key])
        assert listing[-1] == "not-stated"
    assert 0 in cells(result).values()


@pytest.mark.parametrize("query", ["", "&category=good-practice", "&q=school&language.not=ENG"])
def test_a_cell_counts_what_the_search_for_both_finds(client: TestClient, query: str) -> None:
    result = cells(table(client, f"rows=outcome&columns=country{query}"))
    for (row, column), count in [*result.items()][::397]:
        search = f"outcome={row}&country={column}{query}&size=0"
        assert search_json(client, search)["total"] == count, (row, column)


def test_totals_count_entries_and_are_no_sums(client: TestClient) -> None:
    result = table(client, "rows=outcome&columns=country")
    facets = search_json(client, "size=0")["facets"]
    counted = {v["value"]: v["count"] for v in facets["outcome"]["values"]}
    totals = {v["value"]: v["count"] for v in result["rows"]["values"] if v["count"]}
    assert totals == counted | {"not-stated": 1}
    assert result["total"] == 56 < sum(counted.values())


def test_a_table_of_a_facet_with_itself_or_with_years(client: TestClient) -> None:
    twice = cells(table(client, "rows=outcome&columns=outcome"))
    counts = {
        v["value"]: v["count"] for v in search_json(client, "")["facets"]["outcome"]["values"]
    }
    assert {a: n for (a, b), n in twice.items() if a == b and n} == counts | {"not-stated": 1}
    assert twice["ACE", "LAN"] == twice["LAN", "ACE"]
    by_year = cells(table(client, "rows=period&columns=category"))
    search = "period=2019&category=good-practice&size=0"
    assert by_year["2019", "good-practice"] == search_json(client, search)["total"]


def test_empty_rows_and_columns_are_left_out_on_request(client: TestClient) -> None:
    result = table(client, "rows=outcome&columns=country&zeros=false")
    assert all(v["count"] for axis in ("rows", "columns") for v in result[axis]["values"])


def test_a_table_is_the_same_as_csv(client: TestClient) -> None:
    query = "rows=outcome&columns=category"
    header, *lines = csv.reader(client.get(f"/coverage.csv?{query}").text.splitlines())
    assert header[:3] == ["outcome", "label", "total"]
    listing = {
        (line[0], column): int(count)
        for line in lines
        for column, count in zip(header[3:], line[3:], strict=True)
    }
    assert listing == cells(table(client, query))


@pytest.mark.parametrize(
    ("query", "said", "first"),
    [
        ("rows=outcome", "columns", "category"),
        ("rows=outcom&columns=country", "outcom", "outcome"),
        ("", "rows", "category"),
        ("rows=outcome&columns=title", "title", "action"),
    ],
)
def test_a_table_of_what_is_no_facet_is_400_with_the_facets(
    client: TestClient, query: str, said: str, first: str
) -> None:
    response = get(client, f"/coverage?{query}")
    assert response.status_code == 400
    problem = response.json()
    assert said in problem["detail"]
    assert first in problem["hint"]


@pytest.mark.parametrize("query", ["rows=outcome&columns=funding", "rows=period&columns=country"])
@pytest.mark.parametrize("more", ["", "&country.not=IRL", "&q=school"])
def test_every_number_of_a_table_is_given_by_its_sparql(
    client: TestClient, query: str, more: str
) -> None:
    result = table(client, f"{query}{more}&explain=true")
    explanation = result["explanation"]
    assert sparql_rows(client, explanation["total"]) == [{"count": str(result["total"])}]
    short = {
        value.get("id", ""): value["value"]
        for axis in ("rows", "columns")
        for value in result[axis]["values"]
    }
    counted = {
        (short[row.get("row", "")], short[row.get("column", "")]): int(row["count"])
        for query_of_cells in explanation["cells"].values()
        for row in sparql_rows(client, query_of_cells)
    }
    expected = {pair: count for pair, count in cells(result).items() if count}
    assert {pair: count for pair, count in counted.items() if count} == expected


def test_a_browser_is_redirected_to_the_evidence_map_of_the_same_facets(
    client: TestClient,
) -> None:
    query = "rows=action&columns=country&outcome=ACE&lang=nl"
    response = get(client, f"/coverage?{query}", "text/html")
    assert response.status_code == 303
    assert response.headers["location"] == f"/evidence?{query}"
    assert get(client, f"/coverage.html?{query}", "*/*").headers["location"].startswith("/evidence")
    assert get(client, response.headers["location"], "text/html").status_code == 200


def near(client: TestClient, query: str = "") -> dict[str, Any]:
    response = get(client, f"/practice/1788/similar{query}")
    assert response.status_code == 200, response.text
    result: dict[str, Any] = response.json()
    return result


def test_similar_entries_list_the_concepts_that_they_share(client: TestClient) -> None:
    result = near(client)
    assert result["id"] == MINT
    assert len(result["items"]) == 10
    similarity = [item["similarity"] for item in result["items"]]
    assert similarity == sorted(similarity, reverse=True)
    (own,) = search_json(client, "q=MINT&size=1")["items"]
    for item in result["items"]:
        (other,) = (i for i in search_json(client, "size=100")["items"] if i["id"] == item["id"])
        for reason in item["shared"]:
            for entry in (own, other):
                search = search_json(client, f"{reason['facet']}={reason['value']}&size=100")
                assert entry["id"] in {i["id"] for i in search["items"]}, reason


def test_a_broader_concept_is_not_listed_beside_a_narrower_one(
    client: TestClient, real: Catalogue
) -> None:
    for item in near(client)["items"]:
        shared = {reason["id"] for reason in item["shared"]}
        for iri in shared:
            concept = real.vocabularies.concepts[iri]
            counted = real.vocabularies.schemes[concept.scheme].ancestors[iri]
            assert shared.isdisjoint(set(counted) - {iri})


def test_all_shared_concepts_but_broader_ones_are_listed(
    real: Catalogue, services: Services
) -> None:
    (record,) = real.reader.read_records(real.shapes.entry_shape, [MINT])
    for one in services.similarity.find(record, 5):
        assert len(_counted(real, one)) == one.similarity.shared


def _counted(real: Catalogue, one: SimilarEntry) -> set[tuple[str, str]]:
    """The shared concepts, and all that they count for."""
    return {
        (reason.key, upper)
        for reason in one.shared
        for scheme in real.vocabularies.schemes.values()
        for upper in scheme.ancestors.get(reason.concept, ())
    }


def test_the_rarest_shared_concept_is_listed_first(real: Catalogue, services: Services) -> None:
    (record,) = real.reader.read_records(real.shapes.entry_shape, [MINT])
    for one in services.similarity.find(record, 5):
        counts = [
            services.search.counts(real.shapes.entry_shape.fields_by_key[key], ALL_ENTRIES)[
                NamedNode(concept)
            ]
            for key, concept in one.shared
        ]
        assert counts == sorted(counts)


def test_similar_entries_are_explained_by_sparql(client: TestClient) -> None:
    result = near(client, "?size=4&explain=true&lang=de")
    listing = sparql_rows(client, result["explanation"]["list"])
    assert [row["other"] for row in listing] == [item["id"] for item in result["items"]]
    assert [int(row["shared"]) for row in listing] == [i["sharedCount"] for i in result["items"]]


def test_the_page_of_an_entry_links_to_similar_ones(client: TestClient) -> None:
    page = client.get("/practice/1788.html?lang=fr").text
    listing = page.partition('id="similar"')[2]
    for item in near(client)["items"][:5]:
        assert f'href="/practice/{item["identifier"]}.html?lang=fr"' in listing
    assert 'href="/practice/1788/similar?lang=fr"' in listing
    assert 'class="results near"' in client.get("/practice/1788/similar.html").text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/practice/99999/similar", 404),
        ("/outcome/ACE/similar", 404),
        ("/practice/1788/similar.ttl", 406),
        ("/practice/1788/other", 404),
        ("/practice/1788/similar?size=many", 400),
        ("/practice/1788/similar?outcome=ACE", 400),
    ],
)
def test_similar_entries_of_an_unknown_iri_answer_404(
    client: TestClient, path: str, status: int
) -> None:
    assert get(client, path).status_code == status
