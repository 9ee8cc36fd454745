"""The index of vocabularies, the page of a scheme, and the page of a concept."""

import html
import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from practicegraph.catalogue.catalogue import Catalogue
from practicegraph.schema.text import pick_text
from support.server import served

HEADERS = {"Accept": "text/html"}


def page(client: TestClient, path: str) -> str:
    response = client.get(path, headers=HEADERS)
    assert response.status_code == 200, (path, response.text)
    return html.unescape(response.text)


def listed(text: str) -> list[str]:
    """The paths of the concepts that the index of a scheme's page lists."""
    part = text.partition('class="index"')[2].partition("<dl>")[0]
    part = part.partition('id="a-z"')[0] if 'class="letters"' in part else part
    return re.findall(r'<a href="([^"?]*)\.html[^"]*">', part)


def test_the_index_lists_every_scheme_and_kind_of_records_with_its_definition(
    client: TestClient, real: Catalogue
) -> None:
    answer = client.get("/vocabularies?format=json&lang=de").json()
    by_key = {each["key"]: each for each in answer["vocabularies"]}
    assert by_key.keys() == real.vocabularies.schemes_by_key.keys()
    for key, scheme in real.vocabularies.schemes_by_key.items():
        assert by_key[key]["concepts"] == len(scheme.concepts)
        assert by_key[key]["description"], key
    text = page(client, "/vocabularies?lang=de")
    for each in answer["vocabularies"]:
        assert each["title"] in text
        assert each["description"] in text


def test_the_index_counts_the_entries_that_state_a_value(client: TestClient) -> None:
    answer = client.get("/vocabularies.json").json()
    counts = {each["key"]: each["entries"] for each in answer["vocabularies"]}
    total = client.get("/practices.json?size=0").json()["total"]
    for key in ("outcome", "funding", "category"):
        unstated = client.get(f"/practices.json?size=0&{key}=not-stated").json()["total"]
        assert counts[key] == total - unstated, key


def test_the_index_refuses_unknown_parameters(client: TestClient) -> None:
    assert client.get("/vocabularies?letter=A").status_code == 400


@pytest.mark.parametrize(
    ("path", "first"),
    [
        ("/outcome.html?q=school adm", "/outcome/ACE"),  # another label in English
        ("/outcome.html?q=einschul", "/outcome/ACE"),  # a label in another language
        ("/outcome.html?q=ace", "/outcome/ACE"),  # a code
        ("/country.html?q=ελλ", "/country/GRC"),
    ],
)
def test_a_search_in_a_scheme_finds_prefixes_of_all_labels_and_codes(
    client: TestClient, path: str, first: str
) -> None:
    assert listed(page(client, path))[0] == first


def test_a_search_in_a_scheme_that_nothing_matches_says_so(client: TestClient) -> None:
    text = page(client, "/outcome.html?q=zzzz")
    assert "No concept has such a label." in text
    assert listed(text) == []


def test_a_short_scheme_is_listed_whole_and_a_long_one_by_letter(
    client: TestClient, real: Catalogue
) -> None:
    outcomes, countries = (real.vocabularies.schemes_by_key[key] for key in ("outcome", "country"))
    assert {*listed(page(client, "/outcome.html"))} == {
        f"/outcome/{notation}" for notation in outcomes.concepts
    }
    used = listed(page(client, "/country.html"))
    assert 0 < len(used) <= 20
    letters = re.findall(r"letter=([^\"#]+)#", page(client, "/country.html"))
    paths = [
        path for name in letters for path in listed(page(client, f"/country.html?letter={name}"))
    ]
    assert sorted(paths) == sorted(f"/country/{notation}" for notation in countries.concepts)


def test_a_letter_without_concepts_is_refused_with_those_that_there_are(client: TestClient) -> None:
    answer = client.get("/country.html?letter=Q")
    assert answer.status_code == 400
    assert "A" in answer.json()["hint"] or "A" in answer.json()["detail"]


def test_a_concept_opens_with_its_definition_and_all_its_labels(
    client: TestClient, real: Catalogue
) -> None:
    concept = real.vocabularies.schemes_by_key["outcome"].concepts["ACE"]
    text = page(client, "/outcome/ACE.html")
    definition = text.index('class="lead"')
    assert definition < text.index("<table") < text.index("Broader concept")
    for language, label in concept.all_labels:
        assert label in text, language


def test_the_mappings_of_a_concept_name_their_vocabularies(
    client: TestClient, real: Catalogue
) -> None:
    iri = real.vocabularies.schemes_by_key["outcome"].concepts["ACE"].iri
    text = page(client, "/outcome/ACE.html")
    mappings = real.vocabularies.mappings_of(iri)
    assert mappings
    for mapping in mappings:
        vocabulary = real.vocabularies.find_target_vocabulary(mapping.target)
        assert vocabulary
        title = pick_text(vocabulary.titles, real.languages)
        row = text.partition(f'href="{mapping.target}"')[0].rpartition("<tr>")[2]
        assert title in row, mapping


def test_the_tree_beside_a_concept_is_folded_to_its_path(client: TestClient) -> None:
    tree = page(client, "/outcome/ACE.html").partition("<aside")[2]
    assert re.search(r'href="/outcome/ACE\.html" aria-current="page"', tree)
    paths = re.findall(r'href="/outcome/([\w-]+)\.html"', tree)
    assert {"access-to-rights", "ACE", "AHC", "connectedness"} <= {*paths}
    assert "INS" not in paths, "what is below a concept beside the path is folded"


def test_the_tree_of_a_long_list_shows_the_concepts_near_to_one(client: TestClient) -> None:
    tree = page(client, "/country/HUN.html").partition("<aside")[2]
    paths = re.findall(r'href="/country/(\w+)\.html"', tree)
    assert "HUN" in paths
    assert len(paths) <= 24
    assert "All 126 concepts" in tree


def test_bars_break_the_entries_of_a_concept_down_and_lead_to_their_searches(
    client: TestClient,
) -> None:
    text = page(client, "/outcome/ACE.html")
    bars = re.findall(
        r'href="(/practices\?[^"]*country=(\w+))"[^>]*>[^<]*</a> <span class="count">(\d+)', text
    )
    facet = client.get("/practices.json?outcome=ACE&size=0").json()["facets"]["country"]
    counts = {value["value"]: value["count"] for value in facet["values"]}
    assert len(bars) > 5
    for url, code, count in bars:
        assert counts[code] == int(count)
        assert client.get(url, headers={"Accept": "application/json"}).json()["total"] == int(count)


def test_a_triple_chooses_the_facets_of_the_bars(copied: Path) -> None:
    shapes = copied / "shapes" / "practice.ttl"
    shapes.write_text(shapes.read_text().replace("pg:breakdown true", "pg:breakdown false"))
    with served(copied) as client:
        assert 'class="breakdowns"' not in page(client, "/outcome/ACE.html")
        assert "Show in the search: 36" in page(client, "/outcome/ACE.html")


def test_every_page_of_a_concept_has_its_preferred_label(
    client: TestClient, real: Catalogue
) -> None:
    for scheme in real.vocabularies.schemes.values():
        concept = next(iter(scheme.concepts.values()))
        text = page(client, f"/{scheme.key}/{concept.notation}.html?lang=el")
        assert concept.labels["el"] in text
