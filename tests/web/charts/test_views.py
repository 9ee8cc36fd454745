"""The map and the charts of a search, the tabs between its views, and its panel of filters."""

import html
import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from practicegraph.application.services import Services
from practicegraph.web.app import application
from support.catalogues import opened


def get(client: TestClient, path: str) -> Response:
    return client.get(path, headers={"Accept": "text/html"})


def page(client: TestClient, path: str) -> str:
    response = get(client, path)
    assert response.status_code == 200, response.text
    return html.unescape(response.text)


def result(text: str) -> str:
    """Return the part of a page beside the panel of filters."""
    return text.partition("</aside>")[2]


@pytest.mark.parametrize(
    "path", ["/map?q=school", "/chart?q=school", "/chart?by=language&q=school"]
)
def test_each_number_of_a_view_leads_to_a_search_with_as_many_entries(
    client: TestClient, path: str
) -> None:
    bars = r'href="(/practices\?[^"]*)"[^>]*>[^<]*</a> <span class="count">(\d+)'
    cells = r'<td><a href="(/practices\?[^"]*)"[^>]*>(\d+)</a>'
    numbers = re.findall(f"{bars}|{cells}", result(page(client, path)))
    assert len(numbers) > 5
    for bar_href, bar_count, href, count in numbers[:: len(numbers) // 12 + 1]:
        address = (bar_href or href).replace("/practices?", "/practices.json?")
        assert client.get(address).json()["total"] == int(bar_count or count), address


def test_the_tabs_keep_the_search_and_the_filters_keep_the_tab(client: TestClient) -> None:
    text = page(client, "/map?country=GRC&q=school&lang=en")
    tabs = text.partition('class="tabs"')[2].partition("</nav>")[0]
    query = "?country=GRC&q=school&lang=en"
    paths = ("/practices", "/map", "/chart", "/evidence")
    assert re.findall(r'href="([^"]*)"', tabs) == [path + query for path in paths]
    assert re.findall(r'aria-current="page">([^<]*)', tabs) == ["Map"]
    panel = text.partition("<aside>")[2].partition("</aside>")[0]
    assert "/map?q=school&lang=en" in panel
    assert "/map?country=GRC&q=school&lang=en&outcome=ACE" in panel


def test_a_kind_without_places_has_no_map(client: TestClient, copied: Path) -> None:
    assert get(client, "/indicators/map").status_code == 404
    assert "/indicators/map" not in page(client, "/indicators")
    for name in ("practice", "organisation"):
        path = copied / f"shapes/{name}.ttl"
        path.write_text(path.read_text().replace("    pg:onMap true ;\n", ""))
    changed = TestClient(application(Services(opened(copied))))
    assert get(changed, "/map").status_code == 404
    assert "/map?" not in page(changed, "/practices?outcome=ACE")


def test_a_chart_of_years_has_a_column_and_a_row_for_each(client: TestClient) -> None:
    text = result(page(client, "/chart?by=period&lang=en"))
    facet = client.get("/practices.json?size=0").json()["facets"]["period"]
    columns = re.findall(r"<title>(\d{4}): (\d+)</title>", text)
    assert columns == [(value["value"], str(value["count"])) for value in facet["values"]]
    assert re.findall(r'<th scope="row">(\d{4})</th>', text) == [year for year, _ in columns]


def test_a_chart_of_one_facet_leads_to_its_values_that_occur_together(client: TestClient) -> None:
    text = page(client, "/chart?by=outcome&country=GRC")
    assert 'href="/evidence?country=GRC&rows=outcome&columns=outcome"' in text


def test_thin_facets_are_closed_and_state_how_many_entries_have_them(client: TestClient) -> None:
    text = page(client, "/practices?lang=en&size=0")
    total = client.get("/practices.json?size=0").json()["total"]
    assert f"stated by 1 of {total}" in text
    opened_facets = re.findall(r'<details class="facet" open>\s*<summary>([^<]*)', text)
    assert opened_facets == ["Category", "Country of origin or implementation", "Contributes to"]


def test_many_values_are_folded_and_chosen_ones_are_seen(client: TestClient) -> None:
    text = page(client, "/practices?lang=en&language=CAT&size=0")
    language = text.partition("<summary>Language</summary>")[2].partition("</details>")[0]
    first, _, further = language.partition('class="further"')
    assert "Catalan" in first
    assert further
