"""Ten tasks that people come with, clicked through from the home page."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from practicegraph.editing.tokens import PERMISSIONS, TokenFile
from support.catalogues import copy
from support.server import serving


@pytest.fixture
def home(page: Page) -> Page:
    page.goto("/")
    return page


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Return the address of a server with a bearer token, and the token."""
    root = copy(tmp_path_factory.mktemp("desk"))
    token = TokenFile(root).add("steward", PERMISSIONS)
    with serving(root) as address:
        yield address, token


@pytest.fixture
def steward(browser: Browser, desk: tuple[str, str]) -> Iterator[Page]:
    context = browser.new_context(base_url=desk[0], locale="en")
    yield context.new_page()
    context.close()


def follow(page: Page, name: str) -> None:
    """Follow the first link in the content of a page with a name."""
    page.locator("main").get_by_role("link", name=name, exact=True).first.click()


def total(page: Page) -> int:
    """Return the number of entries that a search states."""
    text = page.locator("main [role=status]").first.inner_text()
    return int(re.findall(r"\d+", text)[-1])


def test_find_evaluated_practices_for_the_host_language_in_two_countries(home: Page) -> None:
    home.get_by_role("link", name=re.compile("^Teachers and schools")).click()
    expect(home).to_have_url(re.compile("/practices"))
    before = total(home)
    follow(home, "Children's competence in host language")
    expect(home).to_have_url(re.compile("outcome="))
    follow(home, "Germany")
    expect(home).to_have_url(re.compile("country="))
    one = total(home)
    follow(home, "Greece")
    expect(home).to_have_url(re.compile("country=.*country="))
    both = total(home)
    assert before > both > one > 0
    home.locator("main input[type=search]").fill("evaluation")
    home.locator("main").get_by_role("button", name="Search").click()
    expect(home).to_have_url(re.compile("q=evaluation"))
    if not total(home):
        home.locator("main .drops a").first.click()
    assert 0 < total(home) <= before


def test_see_the_outcomes_without_practices_in_a_country(home: Page) -> None:
    home.locator("nav.menu").get_by_role("link", name="Evidence").click()
    expect(home.locator("main h1")).to_have_text("Evidence map")
    follow(home, "Show empty rows and columns")
    table = home.locator("main table").first
    heads = table.locator("thead th").all_inner_texts()
    (column,) = (n for n, head in enumerate(heads) if head.strip().startswith("Spain"))
    rows = table.locator("tbody tr").all()
    empty = [
        row
        for row in rows
        if not re.search(r"[1-9]", row.locator("th, td").nth(column).inner_text())
    ]
    assert 0 < len(empty) < len(rows)


def test_take_everything_on_a_subject_along_as_a_spreadsheet(home: Page, tmp_path: Path) -> None:
    home.get_by_role("link", name="mentoring", exact=True).click()
    count = total(home)
    with home.expect_download() as download:
        home.locator("main a[href*='.csv']").first.click()
    path = tmp_path / "entries.csv"
    download.value.save_as(path)
    with path.open(newline="", encoding="utf-8-sig") as file:
        assert len(list(csv.DictReader(file))) == count > 0


def test_cite_an_entry(home: Page) -> None:
    home.goto("/practice/1788.html")
    cited = home.locator(".citation")
    expect(cited).to_contain_text("https://w3id.org/practicegraph/practice/1788")
    with home.expect_download() as download:
        home.locator("main").get_by_role("link", name="bib", exact=True).click()
    assert Path(download.value.path()).read_text().startswith("@")


def test_learn_what_a_code_means_and_who_uses_it(home: Page) -> None:
    home.locator("nav.menu").get_by_role("link", name="Vocabularies").click()
    home.locator("main a[href*='/outcome.html']").first.click()
    home.locator("main input[type=search]").first.fill("ACE")
    home.locator("main input[type=search]").first.press("Enter")
    home.locator("main a[href*='/outcome/ACE']").first.click()
    expect(home.locator("main h1")).to_contain_text("Access to compulsory education")
    link = home.locator("main a[href*='/practices?outcome=ACE']").first
    (count,) = re.findall(r"\d+", link.inner_text())
    link.click()
    assert total(home) == int(count)


def test_see_a_chart_of_outcomes_by_country(home: Page) -> None:
    home.get_by_role("link", name=re.compile("^Policy and civil society")).click()
    expect(home.locator("main h2").first).to_contain_text("×")
    bubble = home.locator("main table svg").first
    expect(bubble).to_be_visible()
    bubble.locator("xpath=ancestor::a").click()
    assert total(home) > 0


def test_query_without_knowing_prefixes(home: Page) -> None:
    home.goto("/sparql")
    home.locator("main .groups a").first.click()
    expect(home.locator("main table").first).to_be_visible()
    assert home.locator("main table tbody tr").count() > 0


def test_add_an_entry(steward: Page, desk: tuple[str, str]) -> None:
    steward.goto("/practices")
    steward.goto("/practice/new")
    steward.locator("[name='title@en']").fill("A homework club of neighbours")
    steward.locator("[name=category]").first.check() if steward.locator(
        "[name=category][type=checkbox]"
    ).count() else steward.locator("[name=category]").select_option(index=1)
    steward.get_by_role("button", name="Preview").click()
    expect(steward.locator("[role=alert]")).to_be_visible()
    assert steward.locator("[name='title@en']").input_value() == "A homework club of neighbours"


def test_suggest_a_correction_without_a_token(home: Page) -> None:
    home.goto("/practice/1788.html")
    home.get_by_role("link", name="Suggest a correction").click()
    home.locator("[name='title@en']").fill("Another title")
    with home.expect_download() as download:
        home.get_by_role("button", name="Download as a file").click()
    text = Path(download.value.path()).read_text()
    assert '"Another title"@en' in text


def test_subscribe_to_new_entries_in_a_language(home: Page) -> None:
    home.locator(".languages summary").click()
    home.locator(".languages").get_by_role("link", name="Italiano").click()
    expect(home.locator("html")).to_have_attribute("lang", "it")
    home.locator("nav.menu a").first.click()
    feed = home.locator("main a[href*='.atom']").first.get_attribute("href")
    assert feed
    text = home.request.get(feed).text()
    assert "<feed" in text
    assert 'xml:lang="it"' in text
