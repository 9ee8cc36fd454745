"""Each kind of page in a browser: widths, languages, no scripts, print, axe, sizes, keyboard."""

from dataclasses import dataclass

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
AXE_FAULTS = """async rules => (await axe.run(document, rules)).violations.flatMap(
    violation => violation.nodes.slice(0, 2).map(node => `${violation.id}: ${node.html.slice(0, 160)}`)
)"""
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


@dataclass(frozen=True)
class Visit:
    """What was seen of a page: its costs, a keyboard's way into it, its print, what axe finds."""

    size: int
    requests: int
    first_focus: str
    is_past_menu: bool
    outline: str
    printed_controls: int
    is_printed: bool
    faults: list[str]


def visit(page: Page, path: str, requests: list[Request]) -> Visit:
    """Look at a page, whose requests are listed, in every way; axe adds a script."""
    requests.clear()
    page.goto(path)
    size = sum(request.sizes()["responseBodySize"] for request in [*requests])
    page.keyboard.press("Tab")
    first_focus = page.evaluate("document.activeElement.className")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    is_past_menu, outline = page.evaluate(
        """() => {
            const active = document.activeElement, framed = active.closest(".CodeMirror") || active;
            return [active.closest("main, footer") !== null, getComputedStyle(framed).outlineStyle];
        }"""
    )
    page.emulate_media(media="print")
    controls = page.locator("nav.menu:visible, main button:visible").count()
    is_printed = page.locator("main h1").is_visible()
    page.emulate_media(media="screen", color_scheme="light")
    page.add_script_tag(path=AXE)
    light = page.evaluate(AXE_FAULTS, RULES)
    page.emulate_media(color_scheme="dark")
    faults = light + page.evaluate(AXE_FAULTS, COLOURS)
    return Visit(
        size, len(requests), first_focus, is_past_menu, outline, controls, is_printed, faults
    )


@pytest.fixture(scope="module")
def visits(browser: Browser, server: str) -> dict[str, Visit]:
    """What was seen of each page, wide and narrow in turn."""
    if not AXE.exists():
        skip_without("what tests/clients/package.json lists")
    context = browser.new_context(base_url=server, color_scheme="light", bypass_csp=True)
    page, seen, requests = context.new_page(), dict[str, Visit](), list[Request]()
    page.on("request", lambda request: requests.append(request))
    for number, path in enumerate([*PAGES, *ERRORS]):
        page.set_viewport_size({"width": WIDTHS[number % 2 * 2], "height": 900})
        seen[path] = visit(page, path, requests)
    context.close()
    return seen


def test_axe_finds_nothing_on_any_page_light_or_dark(visits: dict[str, Visit]) -> None:
    assert [(path, fault) for path, seen in visits.items() for fault in seen.faults] == []


def test_a_page_is_light_and_asks_for_little(visits: dict[str, Visit]) -> None:
    costs = {path: (seen.size, seen.requests) for path, seen in visits.items()}
    assert costs["/"][0] > 10_000
    assert {p: c for p, c in costs.items() if c[0] > MAX_BYTES or c[1] > MAX_REQUESTS} == {}


def test_pages_are_printed_without_their_controls(visits: dict[str, Visit]) -> None:
    assert [path for path, seen in visits.items() if seen.printed_controls] == []
    assert [path for path, seen in visits.items() if not seen.is_printed] == []


def test_a_reader_with_a_keyboard_reaches_the_content_and_sees_where_they_are(
    visits: dict[str, Visit],
) -> None:
    assert {seen.first_focus for seen in visits.values()} == {"skip"}
    assert [path for path, seen in visits.items() if not seen.is_past_menu] == []
    assert [path for path in PAGES if visits[path].outline == "none"] == []


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
