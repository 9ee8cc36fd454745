"""The documentation: guides whose examples run, the operations, and the pages of terms."""

import html
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest
from fastapi.testclient import TestClient

from practicegraph.catalogue.catalogue import Catalogue
from practicegraph.web.docs.diagram import Box, BoxRow, draw
from practicegraph.web.docs.guides import GUIDES, NAMES

HEADERS = {"Accept": "text/html"}
BASE = "https://w3id.org/practicegraph/"


def page(client: TestClient, path: str, status: int = 200) -> str:
    response = client.get(path, headers=HEADERS)
    assert response.status_code == status, (path, response.text[:300])
    return response.text


def examples(text: str, language: str) -> list[str]:
    found = re.findall(rf'<code class="language-{language}">(.*?)</code>', text, re.S)
    return [html.unescape(code) for code in found]


def served_guide(server: str, name: str) -> str:
    with urlopen(f"{server}/docs/{name}") as response:
        text: str = response.read().decode()
    return text


@pytest.mark.parametrize("name", NAMES)
def test_a_guide_has_a_title_in_every_language_and_says_in_which_it_is(
    client: TestClient, real: Catalogue, name: str
) -> None:
    for language in real.languages:
        text = html.unescape(page(client, f"/docs/{name}?lang={language}"))
        title = real.phrases.translations(GUIDES[name].title)[language]
        assert f"<h1>{title}</h1>" in text
        assert ('<div class="guide" lang="en">' in text) == (language != "en")
        assert "](" not in text
        assert "{{" not in text


@pytest.mark.parametrize("name", NAMES)
def test_the_links_of_a_guide_answer(client: TestClient, name: str) -> None:
    text = page(client, f"/docs/{name}").partition('class="guide"')[2].partition("<aside")[0]
    for address in re.findall(r'href="http://testserver([^"#]*)', text):
        if not address.startswith("/changes"):  # this catalogue keeps no log
            response = client.get(html.unescape(address), headers=HEADERS, follow_redirects=True)
            assert response.status_code == 200, address


def test_an_unknown_guide_is_not_found_and_unknown_parameters_are_refused(
    client: TestClient,
) -> None:
    page(client, "/docs/nothing", 404)
    page(client, "/docs?page=2", 400)
    page(client, "/docs/python?x=1", 400)


def test_the_examples_in_python_run(server: str, tmp_path: Path) -> None:
    codes = examples(served_guide(server, "python"), "python")
    assert len(codes) >= 6
    for code in codes:
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, timeout=120
        )
        assert done.returncode == 0, done.stderr
        assert not done.stderr, code


@pytest.mark.parametrize("name", ["openrefine", "linking", "harvesting"])
def test_the_examples_for_a_shell_run(server: str, name: str, tmp_path: Path) -> None:
    if not shutil.which("curl"):
        pytest.skip("curl is not installed")
    codes = examples(served_guide(server, name), "sh")
    assert codes
    for code in codes:
        done = subprocess.run(
            ["bash", "-e", "-c", code], capture_output=True, text=True, cwd=tmp_path, timeout=120
        )
        assert done.returncode == 0, (code, done.stderr)
        assert done.stdout or "--output" in code, code


def test_the_examples_of_reconciliation_find_the_concept(server: str, tmp_path: Path) -> None:
    if not shutil.which("curl"):
        pytest.skip("curl is not installed")
    query, extension = examples(served_guide(server, "openrefine"), "sh")
    results = [
        json.loads(subprocess.run(["bash", "-c", code], capture_output=True, check=True).stdout)
        for code in (query, extension)
    ]
    best = results[0]["q0"]["result"][0]
    assert best["match"]
    assert results[1]["rows"][best["id"]]["prefLabel"]


def test_the_examples_in_r_run(server: str, tmp_path: Path) -> None:
    if not shutil.which("Rscript"):
        pytest.skip("R is not installed")
    for code in examples(served_guide(server, "r"), "r"):
        done = subprocess.run(
            ["Rscript", "-e", code], capture_output=True, text=True, cwd=tmp_path, timeout=120
        )
        assert done.returncode == 0, done.stderr


def test_the_addresses_in_the_examples_for_r_give_tables(client: TestClient) -> None:
    addresses = re.findall(
        r'"http://testserver(/[^"]*\.csv[^"]*)"', html.unescape(page(client, "/docs/r"))
    )
    assert len(addresses) == 2
    for address in addresses:
        assert client.get(address).text.count("\n") > 5, address


@pytest.mark.parametrize("name", ["spreadsheet", "openrefine"])
def test_the_addresses_to_copy_answer(client: TestClient, name: str) -> None:
    addresses = examples(page(client, f"/docs/{name}"), "url")
    assert addresses
    for address in addresses:
        path = address.strip().removeprefix("http://testserver")
        assert client.get(path).status_code == 200, address


def test_every_operation_is_on_the_page_of_the_interface(client: TestClient) -> None:
    text = html.unescape(page(client, "/docs/api"))
    paths = client.get("/openapi.json").json()["paths"]
    operations = [each for methods in paths.values() for each in methods.values()]
    assert len(operations) > 50
    for operation in operations:
        part = text.partition(f'id="{operation["operationId"]}"')[2].partition("</details>")[0]
        assert operation["summary"] in part
        assert all(
            f"<code>{each['name']}</code>" in part for each in operation.get("parameters", ())
        )


def test_every_tag_has_a_heading_and_a_note_in_every_language(
    client: TestClient, real: Catalogue
) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    tags = {each["tags"][0] for methods in paths.values() for each in methods.values()}
    for tag in tags:
        for name in (f"operations{tag.title()}", f"operations{tag.title()}Note"):
            assert set(real.phrases.translations(name)) == set(real.languages)


@pytest.mark.parametrize("document", ["ontology", "shapes"])
def test_every_term_has_a_row_with_its_fragment_and_a_page(
    client: TestClient, real: Catalogue, document: str
) -> None:
    index = page(client, f"/{document}.html")
    ids = set(re.findall(r'<tr id="([^"]+)">', index))
    for group in re.findall(rf'href="/{document}\.html\?group=(\w+)"', index):
        ids |= set(
            re.findall(r'<tr id="([^"]+)">', page(client, f"/{document}.html?group={group}"))
        )
    subjects = {s.value for s in real.store.subjects("http://www.w3.org/2000/01/rdf-schema#label")}
    labelled = {s.partition("#")[2] for s in subjects if s.startswith(f"{BASE}{document}#")}
    assert len(labelled) > 50
    assert labelled <= ids
    for fragment in sorted(ids)[:: max(1, len(ids) // 40)]:
        text = page(client, f"/{document}/{fragment}.html")
        assert f"<code>{BASE}{document}#{fragment}</code>" in text


def test_the_index_of_the_shapes_is_short_and_phrases_have_a_page_of_their_own(
    client: TestClient,
) -> None:
    index = page(client, "/shapes.html")
    assert len(index) < 100_000
    assert 'id="phrase-search"' not in index
    assert 'id="phrase-search"' in page(client, "/shapes.html?group=Phrase")
    assert client.get("/shapes.html?group=none").status_code == 400


def test_the_page_of_a_term_shows_what_refers_to_it(client: TestClient) -> None:
    text = page(client, "/shapes/Practice-outcome")
    assert '<a href="/shapes/Practice.html"' in text
    assert "Contributes to" in text
    domain = page(client, "/ontology/Practice.html")
    assert '<a href="/ontology/outcome.html"' in domain


def test_documents_of_shapes_and_representations_in_rdf_stay(client: TestClient) -> None:
    assert "Practice-outcome" in client.get("/shapes.ttl").text
    page(client, "/shapes/practice.html")
    assert client.get("/shapes/practice").status_code == 303
    page(client, "/shapes/Nothing.html", 404)
    page(client, "/practice/1788/record.html", 404)


def test_the_diagram_of_the_shapes_has_each_kind_and_each_list_of_values(
    client: TestClient, real: Catalogue
) -> None:
    text = html.unescape(page(client, "/shapes.html")).partition("<svg")[2].partition("</svg>")[0]
    lists = real.vocabularies.lists
    fields = [f for kind in real.shapes.kinds.values() for f in kind.fields if f.scheme in lists]
    assert text.count('class="line"') == len(fields)
    for kind in real.shapes.kinds.values():
        assert f">{kind.labels['en']}<" in text


def test_a_diagram_places_boxes_apart_and_draws_a_line_for_each_row() -> None:
    boxes = [
        Box("a", "A", "/a", (BoxRow("to b", "b"), BoxRow("to c", "c"))),
        Box("b", "B", "/b", (BoxRow("to a", "a"),)),
        Box("c", "C", "/c"),
    ]
    diagram = draw(boxes)
    assert diagram
    assert len(diagram.lines) == 3
    first, second, third = diagram.boxes
    assert first.y + first.height < second.y
    assert third.x > first.x + diagram.box_width
    assert diagram.height >= second.y + second.height
    assert draw([Box("a", "A", "/a")]) is None


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("Practice-countryFacet", "[ sh:alternativePath ( pg:country pg:implementedIn ) ]"),
        ("Concept-narrower", "( skos:narrower [ sh:inversePath skos:broader ] )"),
    ],
)
def test_a_blank_node_stands_on_a_page_as_in_turtle(
    client: TestClient, name: str, path: str
) -> None:
    text = page(client, f"/shapes/{name}.html")
    assert path in text
    assert not re.search(r">(_:)?[0-9a-f]{32}<", text)
