"""Fixtures: a headless Chromium, and pages that report what goes wrong in them."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from support.catalogues import skip_without

SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser, which has an event loop: none may be left for asynchronous tests of other files."""
    program = shutil.which("chromium")
    if not program:
        skip_without("chromium")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=program, args=SWITCHES)
        yield found
        found.close()


@pytest.fixture
def page(browser: Browser, server: str) -> Iterator[Page]:
    """A page of the server; a message of its console or a request elsewhere fails the test."""
    context = browser.new_context(base_url=server, accept_downloads=True, locale="en")
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    found, faults = context.new_page(), list[str]()
    found.on("console", lambda m: faults.append(m.text) if m.type in ("error", "warning") else None)
    found.on("pageerror", lambda error: faults.append(str(error)))
    found.on("request", lambda r: None if _is_ours(r.url, server) else faults.append(r.url))
    yield found
    context.close()
    assert faults == []


def _is_ours(url: str, server: str) -> bool:
    return url.startswith((f"{server}/", "data:", "blob:"))
