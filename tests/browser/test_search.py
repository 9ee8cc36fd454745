"""What scripts add to a search: filters that keep the place, suggestions, pictures."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from practicegraph.web import context
from support.catalogues import skip_without


@pytest.fixture(autouse=True)
def bundles() -> None:
    if not (Path(context.__file__).parent / "static" / "built" / "search.js").exists():
        skip_without("the bundles of api/frontend")


def test_a_filter_keeps_the_place_of_the_reader_and_changes_the_url(page: Page) -> None:
    page.goto("/practices?lang=en")
    page.evaluate("window.isSamePage = true")
    chosen = page.locator("aside a", has_text="Access to compulsory education").first
    chosen.scroll_into_view_if_needed()
    place = page.evaluate("scrollY")
    chosen.click()
    page.wait_for_url("**/practices?lang=en&outcome=ACE")
    assert page.evaluate("window.isSamePage")
    assert abs(page.evaluate("scrollY") - place) < 50
    assert page.evaluate("document.activeElement.textContent") == "Access to compulsory education"
    expect(page.locator(".chips")).to_contain_text("Access to compulsory education")
    page.locator(".tabs a", has_text="Map").click()
    expect(page.locator("main svg.map")).to_be_visible()
    assert page.title().startswith("Map")
    page.go_back()
    page.go_back()
    expect(page.locator(".chips")).to_have_count(0)
    assert page.url.endswith("/practices?lang=en")


def test_a_concept_is_suggested_and_chosen_by_keyboard(page: Page) -> None:
    page.goto("/practices?lang=en&category=good-practice")
    box = page.get_by_role("combobox", name="Words")
    box.click()
    page.keyboard.type("gree")
    options = page.get_by_role("option")
    expect(options.first).to_have_text("GreeceCountry of origin or implementation")
    assert box.get_attribute("aria-expanded") == "true"
    page.keyboard.press("ArrowDown")
    active = box.get_attribute("aria-activedescendant")
    assert page.locator(f"#{active}").get_attribute("aria-selected") == "true"
    page.keyboard.press("Escape")
    expect(options.first).to_be_hidden()
    page.keyboard.type("c")
    expect(options.first).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**country=GRC")
    assert "category=good-practice" in page.url
    assert "q=" not in page.url


def test_an_evidence_map_is_taken_away_as_png(page: Page, tmp_path: Path) -> None:
    page.goto("/evidence?country=GRC")
    with page.expect_download() as download:
        page.get_by_role("link", name="PNG").click()
    download.value.save_as(tmp_path / "evidence.png")
    content = (tmp_path / "evidence.png").read_bytes()
    assert content.startswith(b"\x89PNG")
    assert int.from_bytes(content[16:20], "big") > 1000


def test_on_a_phone_the_filters_are_a_closed_panel_before_the_entries(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 800})
    page.goto("/practices?lang=en")
    panel, first = page.locator("details.filters"), page.locator(".results li").first
    assert panel.get_attribute("open") is None
    above, below = panel.bounding_box(), first.bounding_box()
    assert above and below and above["y"] < below["y"] < 900
    page.locator("details.filters > summary").click()
    expect(page.locator("details.filters a", has_text="Ireland").first).to_be_visible()
    page.set_viewport_size({"width": 1440, "height": 800})
    page.goto("/practices?lang=en")
    expect(page.locator("aside a", has_text="Ireland").first).to_be_visible()
