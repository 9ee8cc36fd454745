"""The values of the dashboard's indicators, a data cube, are those that the press printed."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from starlette.testclient import TestClient

from practicegraph.catalogue.catalogue import Catalogue
from practicegraph.rdf.terms import PG, SKOS, Term, as_text
from support.catalogues import SOURCES

QB = "http://purl.org/linked-data/cube#"
PRINTED = json.loads((SOURCES / "dashboard.json").read_text())
COUNTRIES = {"IE": "IRL", "BE": "BEL", "ES": "ESP", "IT": "ITA", "DE": "DEU", "EL": "GRC"}
SUFFIXES = {
    "": "",
    "first generation": "-first-generation",
    "second generation": "-second-generation",
}


def printed_values() -> dict[str, tuple[float, tuple[str, ...]]]:
    """The values by identifier, with the pages that print them."""
    values: dict[str, tuple[float, tuple[str, ...]]] = {}
    for topic in PRINTED["what_press_says_is_measured"]:
        indicator = topic["nearest_database_outcome"] or "negative-attitudes"
        for key, value in topic["values"].items():
            country, _, population = key.partition(" ")
            name = f"{indicator}-{COUNTRIES[country]}-2023{SUFFIXES[population]}"
            values[name] = value, tuple(sorted(topic["seen_at"]))
    return values


def rows(real: Catalogue, pattern: str) -> list[Mapping[str, Term]]:
    prefixes = f"PREFIX qb: <{QB}> PREFIX pg: <{PG}> PREFIX skos: <{SKOS}> "
    return list(real.store.select(prefixes + pattern))


def test_every_printed_value_is_an_observation_with_its_pages(client: TestClient) -> None:
    items = client.get("/indicators.json?size=100").json()["items"]
    observed = {i["identifier"]: (i["value"], tuple(sorted(i["source"]))) for i in items}
    assert observed == printed_values()
    assert {i["status"]["label"] for i in items} == {"Preliminary"}
    assert {i["unit"]["label"] for i in items} == {"%"}


def test_each_observation_has_every_component_of_the_structure(real: Catalogue) -> None:
    components = rows(
        real,
        """SELECT ?property WHERE {
            ?set qb:structure/qb:component/(qb:dimension|qb:measure|qb:attribute) ?property
        }""",
    )
    assert len(components) == 7
    for row in components:
        lacking = f"""SELECT ?observation WHERE {{
            ?observation a qb:Observation .
            FILTER NOT EXISTS {{ ?observation {row["property"]} ?value }}
        }}"""
        assert not rows(real, lacking), row["property"]


def test_results_and_barriers_are_collections_with_levels(
    real: Catalogue, vocabulary: dict[str, Any]
) -> None:
    members: dict[str, set[str]] = {}
    query = "SELECT ?group ?notation WHERE { ?group a skos:Collection ; skos:member/skos:notation ?notation }"
    for row in rows(real, query):
        members.setdefault(as_text(row["group"]).rpartition("/")[2], set()).add(
            as_text(row["notation"])
        )
    assert members["results"] == {item["code"] for item in vocabulary["schemes"]["outcome"]}
    assert len(members["barriers-and-facilitators"]) == PRINTED["counts"]["clusters"]
    levels = (
        "SELECT ?group ?level WHERE { ?group a skos:Collection ; pg:level/skos:notation ?level }"
    )
    assert {
        (as_text(r["group"]).rpartition("/")[2], as_text(r["level"])) for r in rows(real, levels)
    } == {
        ("results", "micro"),
        ("barriers-and-facilitators", "meso"),
        ("barriers-and-facilitators", "macro"),
    }


@pytest.mark.parametrize(
    ("parameters", "values"),
    [
        ({"outcome": "ACE"}, {"ACE-GRC-2023": 51, "ACE-DEU-2023": 81, "ACE-ITA-2023": 87}),
        ({"outcome": "connectedness", "below": "50"}, {"FPS-ITA-2023": 41, "TEA-ITA-2023": 47}),
        ({"outcome": "HAP", "below": "82.5"}, {"HAP-ESP-2023-second-generation": 82}),
        ({"outcome": "LEG"}, {}),
    ],
)
def test_low_values_stand_beside_what_is_done_in_the_country(
    client: TestClient, parameters: dict[str, str], values: dict[str, float]
) -> None:
    found = client.get("/queries/low-values", params=parameters).json()["results"]["bindings"]
    low = {r["observation"]["value"].rpartition("/")[2]: float(r["value"]["value"]) for r in found}
    assert list(low.items()) == list(values.items())
    for row in found:
        if "entry" in row:
            number = row["entry"]["value"].rpartition("/")[2]
            entry = client.get(f"/practice/{number}.json").json()
            countries = {
                c["label"] for c in [*entry.get("country", []), *entry.get("implementedIn", [])]
            }
            assert row["country"]["value"] in countries


def test_the_page_of_a_concept_links_the_queries_that_take_it(client: TestClient) -> None:
    assert "/queries/low-values?outcome=ACE" in client.get("/outcome/ACE.html").text
    assert "/queries/entries-by-outcome?country=CZE" in client.get("/country/CZE.html").text
    assert "/queries/" not in client.get("/outcome/results.html").text.partition("<main")[2]


def test_an_observation_answers_in_every_format(client: TestClient) -> None:
    for extension in ("html", "ttl", "jsonld", "rdf", "nt", "trig", "nq", "json"):
        assert client.get(f"/indicator/ACE-GRC-2023.{extension}").status_code == 200, extension
