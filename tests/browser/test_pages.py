"""Each kind of page in a browser: widths, languages, no scripts, print, axe, sizes, keyboard."""

from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, Request

from support.catalogues import ROOT, skip_without

AXE = ROOT / "tests" / "clients" / "node_modules" / "axe-core" / "axe.min.js"
PAGES = [
    "/",
    "/practices",
    "/practices?q=school&outcome=ACE",
    "/practices?q=zzzz&outcome=ACE",
    "/organisations",
    "/practice/1788.html",
    "/practice/1788/similar",
    "/organisation/unicef.html",
    "/outcome.html",
    "/outcome/ACE.html",
    "/country/HUN.html",
    "/vocabularies",
    "/map",
    "/chart",
    "/chart?by=outcome",
    "/evidence",
    "/evidence?rows=outcome&columns=outcome&colours=",
    "/ontology.html",
    "/shapes.html",
    "/queries",
    "/queries/entries-by-outcome?outcome=LAN",
    "/sparql",
    "/sparql?query=SELECT+*+{+?s+?p+?o+}+LIMIT+9",
    "/validate",
    "/gaps",
    "/changes.html",
    "/data",
    "/about",
    "/docs",
    "/docs/api",
    "/shapes/Practice-outcome",
]
"""One page of each kind."""
ERRORS = ["/practice/0", "/practices?outcome=none", "/sparql?query=SELECT"]
"""Pages of errors."""
LANGUAGES = ["en", "nl", "es", "de", "it", "fr", "el"]
WIDTHS = [360, 768, 1440]
MAX_BYTES = 100_000
MAX_REQUESTS = 12
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
COLOURS = {"runOnly": ["color-contrast"]}
"""What a dark page can have that a light one has not."""


def in_language(path: str, language: str) -> str:
    return f"{path}{'&' if '?' in path else '?'}lang={language}"


def overflow(page: Page) -> int:
    """Return by how many pixels a page is wider than its window."""
    script = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    width: int = page.evaluate(script)
    return width


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_fits_each_width_in_each_language(page: Page, language: str) -> None:
    wide = []
    for path in PAGES:
        page.set_viewport_size({"width": WIDTHS[0], "height": 800})
        response = page.goto(in_language(path, language))
        assert response and response.ok, path
        assert page.locator("html").get_attribute("lang") == language
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            if overflow(page):
                wide.append((path, width, overflow(page)))
    assert wide == []


@pytest.mark.parametrize(("scheme", "rules"), [("light", RULES), ("dark", COLOURS)])
def test_axe_finds_nothing_on_any_page(
    browser: Browser, server: str, scheme: Literal["light", "dark"], rules: dict[str, list[str]]
) -> None:
    if not AXE.exists():
        skip_without("what tests/clients/package.json lists")
    faults = []
    context = browser.new_context(base_url=server, color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    for number, path in enumerate([*PAGES, *ERRORS]):
        page.set_viewport_size({"width": WIDTHS[number % 2 * 2], "height": 900})
        page.goto(path)
        page.add_script_tag(path=AXE)
        found = page.evaluate("rules => axe.run(document, rules)", rules)
        faults += [
            (path, violation["id"], node["html"][:160])
            for violation in found["violations"]
            for node in violation["nodes"][:2]
        ]
    context.close()
    assert faults == []


def test_a_page_without_scripts_has_the_same_content(browser: Browser, server: str) -> None:
    context = browser.new_context(base_url=server, java_script_enabled=False)
    page = context.new_page()
    for path in PAGES:
        page.goto(path)
        assert page.locator("main h1").count() == 1, path
        assert len(page.locator("main").inner_text()) > 80, path
        for button in page.locator("main button:visible").all():
            form = button.locator("xpath=ancestor::form")
            assert form.count() == 1, f"{path}: a button does nothing without scripts"
    context.close()


def test_a_page_is_light_and_asks_for_little(page: Page) -> None:
    heavy, requests = [], list[Request]()
    page.on("requestfinished", lambda request: requests.append(request))
    for path in PAGES:
        requests.clear()
        page.goto(path)
        size = sum(request.sizes()["responseBodySize"] for request in [*requests])
        if size > MAX_BYTES or len(requests) > MAX_REQUESTS:
            heavy.append((path, size, len(requests)))
    assert heavy == []


def test_pages_are_printed_without_their_controls(page: Page) -> None:
    page.emulate_media(media="print")
    for path in PAGES:
        page.goto(path)
        assert not page.locator("nav.menu").is_visible(), path
        assert not page.locator("main button:visible").count(), path
        assert page.locator("main h1").is_visible(), path


@pytest.mark.parametrize("path", PAGES)
def test_a_reader_with_a_keyboard_reaches_the_content_and_sees_where_they_are(
    page: Page, path: str
) -> None:
    page.goto(path)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    seen = page.evaluate(
        """() => {
            const active = document.activeElement, style = getComputedStyle(active);
            return [active.closest("main, footer") !== null, style.outlineStyle, style.outlineWidth];
        }"""
    )
    assert seen[0], "the skip link leads past the menu"
    assert seen[1] != "none", "the focus is visible"
