"""Pages of every kind in the W3C's HTML checker (https://validator.w3.org/nu/), in one run of it."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from practicegraph.web.context import link_urls
from support.catalogues import ROOT, loaded, skip_without, wait_for_dumps
from support.retirement import GONE, LAST, OLD, REPLACED, SUCCESSOR, move, write_tombstone
from support.server import served

CHECKER = ROOT / "tests" / "clients" / "node_modules" / "vnu-jar" / "build" / "dist" / "vnu.jar"
PAGES = [
    *("/", "/?lang=el", "/catalog.html", "/practices?size=1&lang=el", "/practices?q=zzzz"),
    *(
        "/practices?explain=true",
        "/practices?q=school&outcome=ACE&country.not=FRA&period.from=2010",
    ),
    *("/practice/1788.html?lang=el", "/practice/1788.html", "/practice/1788/similar"),
    *(
        "/practice/1788.html?lang=fr&texts=nl",
        "/organisation/amif.html",
        "/indicator/ACE-BEL-2023.html",
    ),
    *(
        "/practice/new",
        "/practice/1788/edit",
        "/organisation/new?lang=el",
        "/practice/1788/history",
    ),
    *("/practice/1701.html", "/practice/1764.html", "/outcome/HAP.html", "/practice/0"),
    *("/vocabularies", "/outcome.html?q=ace", "/country.html", "/country.html?letter=B"),
    *("/outcome.html", "/outcome/ACE.html", "/country/HUN.html", "/ontology.html"),
    *(
        "/shapes.html",
        "/shapes/practice.html",
        "/shapes/Practice-outcome",
        "/shapes/EveryLanguage",
        "/source.html",
        "/gaps",
        "/changes.html",
    ),
    *(
        "/data",
        "/about",
        "/docs",
        "/docs/tour?lang=nl",
        "/docs/api",
        "/shapes.html?group=Phrase",
        "/queries",
        "/sparql",
        "/sparql?query=SELECT",
        "/sparql?query=ASK+{}",
        "/validate",
    ),
    *("/map?lang=el", "/chart", "/chart?by=outcome&period.from=2010", "/evidence?country=GRC"),
    *("/evidence?rows=outcome&columns=outcome&colours=&explain=true", "/evidence/embed?lang=de"),
    *("/practices?q=zzzz&outcome=ACE&country=SWE", "/organisations/map", "/indicators/evidence"),
    "/sparql?query=SELECT+*+{+?s+?p+?o+}+LIMIT+9",
    "/sparql?query=SELECT+*+{%0A+?s+dct:title+?o+}",
    "/sparql?query=DESCRIBE+<https://w3id.org/practicegraph/outcome/ACE>",
    *(f"/queries/outcomes-by-country{more}" for more in ("?view=matrix", "?view=none")),
    "/sparql?view=bars&query=SELECT+?c+(COUNT(*)+AS+?n)+{+?s+a+?c+}+GROUP+BY+?c",
    *("/practices?outcome=none", "/reconcile/preview?id=1788"),
]
"""The pages that are checked, those of errors among them."""
HEADERS = {"Accept": "text/html"}
INVALID = "<!doctype html><html lang=en><p>A page without a title."
"""A page with an error, which shows that the checker reads what it is given."""


def pages(client: TestClient) -> Iterator[tuple[str, str]]:
    """Yield pages of every kind, each stored query, and a report of validation, by name."""
    queries = [f"/queries/{query['name']}" for query in client.get("/queries").json()["queries"]]
    for path in [*PAGES, *queries]:
        yield path, client.get(path, headers=HEADERS, follow_redirects=True).text
    yield "report", client.post("/validate", content="<#a> a <#b>", headers=HEADERS).text


def test_pages_of_every_kind_have_no_errors(tmp_path: Path) -> None:
    if not shutil.which("java"):
        skip_without("Java")
    if not CHECKER.exists():
        skip_without("what tests/clients/package.json lists")
    root = loaded(tmp_path / "catalogue")
    move(root / "data/practices/1764.ttl", OLD, LAST)
    move(root / "ontology/outcome.ttl", REPLACED, SUCCESSOR)
    write_tombstone(root / "data/practices/1701.ttl", GONE)
    names = {str(tmp_path / "invalid.html"): "invalid"}
    (tmp_path / "invalid.html").write_text(INVALID)
    with served(root) as client:
        wait_for_dumps(client)
        for number, (name, text) in enumerate(pages(client)):
            assert text.startswith("<!doctype html>"), (name, text[:200])
            file = tmp_path / f"{number}.html"
            file.write_text(text)
            names[str(file)] = name
    command = ["java", "-jar", str(CHECKER), "--stdout", "--format", "json", *names]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    messages = json.loads(done.stdout)["messages"]
    found = [(names[m["url"].removeprefix("file:")], m["message"]) for m in messages]
    assert found == [
        ("invalid", "Element “head” is missing a required instance of child element “title”.")
    ]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("see https://example.org/a?b=1&c=%C3%A9#d.", "https://example.org/a?b=1&amp;c=%C3%A9#d"),
        ("https://example.org/é", "https://example.org/é"),
        ("https://example.org/?id={id}", ""),
        ("https://example.org/a|b", ""),
        ("https://example.org/100%", ""),
        ("<b>", ""),
    ],
)
def test_urls_in_a_text_are_links_and_templates_are_not(text: str, address: str) -> None:
    html = link_urls(text)
    assert (f'<a href="{address}"' in html) == bool(address)
    assert html.count("<") == (2 if address else 0)
