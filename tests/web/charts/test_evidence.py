"""The evidence map: its bubbles and gaps, where they lead, and its representations."""

import csv
import html
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from practicegraph.application.services import Services
from practicegraph.web.app import application
from support.catalogues import opened
from web.search.test_listing import sparql_rows

SVG = "{http://www.w3.org/2000/svg}"
HTML = {"Accept": "text/html"}


def get(client: TestClient, path: str) -> Response:
    return client.get(path, headers=HTML)


def page(client: TestClient, query: str = "", path: str = "/evidence") -> str:
    response = get(client, f"{path}?{query}")
    assert response.status_code == 200, response.text
    return response.text


def bubbles(text: str) -> list[tuple[str, int]]:
    """Return the links of the bubbles of a page, "" for those without one, and their numbers."""
    cells = re.findall(r"<td[^>]*><div>(.*?)</div>", text.replace("\n", ""))
    marks = [mark for cell in cells for mark in re.findall(r"<(?:a|span).*?</(?:a|span)>", cell)]
    found = [(re.search(r'href="([^"]*)"', m), re.search(r"<text[^>]*>(\d+)", m)) for m in marks]
    return [(html.unescape(h[1]) if h else "", int(n[1])) for h, n in found if n]


def rows(client: TestClient, query: str = "") -> list[dict[str, Any]]:
    response = client.get(f"/evidence.csv?{query}")
    assert response.headers["content-type"].startswith("text/csv")
    return list(csv.DictReader(response.text.splitlines()))


def total(client: TestClient, href: str) -> int:
    found: int = client.get(href.replace("/practices?", "/practices.json?")).json()["total"]
    return found


@pytest.mark.parametrize(
    "query",
    [
        "",
        "q=school&country.not=IRL&lang=el",
        "rows=outcome&columns=outcome&colours=",
        "rows=outcome&columns=category&outcome=LAN&outcome=access-to-rights",
        "rows=period&columns=outcome&period=2019&period=2018",
        "rows=funding&columns=language&colours=country&category=good-practice",
        "rows=outcome&columns=country&colours=category&category=policy-paper",
    ],
)
def test_a_bubble_leads_to_a_search_with_as_many_entries(client: TestClient, query: str) -> None:
    linked = [(href, count) for href, count in bubbles(page(client, query)) if href]
    assert len(linked) > 8
    for href, count in linked[:: len(linked) // 9 + 1]:
        assert total(client, href) == count, href


def test_without_colours_the_bubbles_are_the_cells_of_the_table(client: TestClient) -> None:
    query = "rows=action&columns=country&q=school"
    table = client.get(f"/coverage.json?{query}").json()
    expected = {
        (row["value"], column["value"]): count
        for row, line in zip(table["rows"]["values"], table["cells"], strict=True)
        for column, count in zip(table["columns"]["values"], line, strict=True)
        if count
    }
    found = {
        (r["action"], r["country"]): int(r["count"]) for r in rows(client, query + "&colours=")
    }
    assert {pair: count for pair, count in found.items() if count} == expected
    assert sum(count == 0 for count in found.values()) == page(client, query).count('class="gap"')


def test_colours_split_the_bubbles_of_each_cell_and_are_in_its_place(client: TestClient) -> None:
    found = rows(client, "rows=outcome&columns=country&colours=category")
    split = [r for r in found if (r["outcome"], r["country"]) == ("ACE", "IRL")]
    assert {r["category"]: int(r["count"]) for r in split} == {
        value: total(client, f"/practices?outcome=ACE&country=IRL&category={value}")
        for value in ("good-practice", "policy-paper")
    }
    assert {r["category.label"] for r in split} == {"Good practices", "Policy papers"}


def test_the_first_facets_follow_from_a_triple(client: TestClient, copied: Path) -> None:
    selected = r'<option value="(\w+)" selected>'
    assert re.findall(selected, page(client)) == ["outcome", "country", "category"]
    shapes = copied / "shapes/practice.ttl"
    text = shapes.read_text()
    stated = "pg:evidenceMap ( shape:Practice-outcome shape:Practice-countryFacet"
    assert stated in text
    shapes.write_text(
        text.replace(stated, "pg:evidenceMap ( shape:Practice-action shape:Practice-target")
    )
    changed = TestClient(application(Services(opened(copied))))
    assert re.findall(selected, page(changed)) == ["action", "target", "category"]


def test_gaps_are_counted_and_empty_rows_stand_unless_they_are_hidden(client: TestClient) -> None:
    text = page(client, "lang=en")
    gaps = text.count('class="gap"')
    assert f"Combinations without an entry: {gaps} of {text.count('<td') - 1}" in text
    assert "School segregation" in text
    assert "School segregation" not in page(client, "lang=en&zeros=false")
    assert "Afghanistan" not in text
    assert page(client, "lang=en&zeros=true").count('<th scope="col">') == 24
    assert "only the 24 most frequent" in page(client, "lang=en&zeros=true")


def test_values_that_were_observed_stand_beside_the_entries(client: TestClient) -> None:
    text = page(client, "lang=en")
    observed = re.findall(r'<a class="observed" href="([^"]+)" title="([^"]+)">◆ ([\d.]+)<', text)
    assert len(observed) > 10
    for href, _, value in observed[::4]:
        record = client.get(href.partition("?")[0].replace(".html", ".json")).json()
        assert float(record["value"]) == float(value)
    assert "observed" not in page(client, "rows=action&columns=funding").partition("<table")[2]


def test_with_queries_a_bubble_leads_to_the_query_of_its_number(client: TestClient) -> None:
    text = page(client, "rows=outcome&columns=country&explain=true&lang=en")
    assert "SELECT" in text
    (href, count), *_ = [pair for pair in bubbles(text) if pair[1] > 2]
    assert href.endswith("#total")
    explained = client.get(href.partition("#")[0].replace("/practices?", "/practices.json?")).json()
    assert sparql_rows(client, explained["explanation"]["total"]) == [{"count": str(count)}]


def test_the_picture_has_every_bubble_and_needs_nothing_else(client: TestClient) -> None:
    query = "q=school&lang=de"
    response = client.get(f"/evidence.svg?{query}")
    assert response.headers["content-type"] == "image/svg+xml"
    assert "script" not in response.headers["content-security-policy"]
    tree = ElementTree.fromstring(response.text)
    numbers = [int(text.text or 0) for text in tree.iter(f"{SVG}text") if text.get("class") == "n"]
    assert sorted(numbers) == sorted(count for _, count in bubbles(page(client, query)))
    assert not [e for e in tree.iter() if any("href" in name for name in e.attrib)]
    width, height = (int(tree.get(name, "")) for name in ("width", "height"))
    for circle in tree.iter(f"{SVG}circle"):
        assert 0 < float(circle.get("cx", "")) < width
        assert 0 < float(circle.get("cy", "")) < height


def test_only_the_embedded_view_may_stand_in_a_frame_of_others(client: TestClient) -> None:
    policies = {
        path: get(client, path).headers["content-security-policy"]
        for path in ("/evidence", "/evidence/embed?outcome=ACE", "/map", "/practices")
    }
    framed = [path for path, policy in policies.items() if "frame-ancestors *" in policy]
    assert framed == ["/evidence/embed?outcome=ACE"]
    embedded = page(client, "outcome=ACE", "/evidence/embed")
    assert bubbles(embedded) == bubbles(page(client, "outcome=ACE"))
    assert "<nav" not in embedded
    snippet = re.search(r"iframe src=&#34;|iframe src=\"([^\"]+)", html.unescape(page(client)))
    assert snippet
    assert snippet[1].startswith("http://testserver/evidence/embed?rows=outcome")


@pytest.mark.parametrize(
    ("query", "hint"),
    [("rows=title", "outcome"), ("colours=period", "category"), ("outcom=ACE", "outcome")],
)
def test_what_is_no_facet_is_400_with_the_facets(client: TestClient, query: str, hint: str) -> None:
    response = client.get(f"/evidence.csv?{query}")
    assert response.status_code == 400
    assert hint in response.json()["hint"]


def test_the_views_of_another_kind_stand_below_its_search(client: TestClient) -> None:
    text = page(client, "", "/organisations/evidence")
    linked = [(href, count) for href, count in bubbles(text) if href]
    href, count = linked[0]
    assert href.startswith("/organisations?")
    assert client.get(href.replace("?", ".json?", 1)).json()["total"] == count


def test_a_bubble_has_room_for_its_number(client: TestClient) -> None:
    text = page(client, "rows=outcome&columns=outcome&colours=")
    marks = re.findall(r'<svg width="([\d.]+)"[^>]*>.*?<text[^>]*>(\d+)', text)
    assert len(marks) > 100
    assert all(float(width) > 6 * len(number) + 6 for width, number in marks)
    sizes = {int(number): float(width) for width, number in marks}
    assert sizes[max(sizes)] == max(sizes.values())
