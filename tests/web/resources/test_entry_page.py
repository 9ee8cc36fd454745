"""The page of an entry: languages of texts, key facts, citations for managers, what is about it."""

import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from practicegraph.application.services import Services
from practicegraph.web.app import application
from support.catalogues import opened

ENTRY = "/practice/1788.html"
ADDRESS = """
<https://w3id.org/practicegraph/#authors>
    <http://www.w3.org/2006/vcard/ns#hasEmail> <mailto:catalogue@example.org> .
"""


def page(client: TestClient, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200, response.text
    return response.text


def part(text: str, start: str, end: str) -> str:
    """The first part of a page between two strings, as one line."""
    return " ".join(text.partition(start)[2].partition(end)[0].split())


def test_key_facts_are_the_fields_with_their_role(client: TestClient) -> None:
    facts = part(page(client, f"{ENTRY}?lang=en"), '<div class="facts">', "</section>")
    assert re.findall(r"<dt[^>]*>(.+?)</dt>", facts) == [
        "Category",
        "Country of origin / implementation",
        "Carried out in",
        "Start",
        "End",
        "Contributes to",
        "Target group",
    ]


def test_texts_of_an_entry_have_a_language_of_their_own(client: TestClient) -> None:
    text = page(client, f"{ENTRY}?lang=de&texts=nl")
    assert '<html lang="de">' in text
    assert '<h1 lang="nl">MINT - Mentorschap' in text
    assert "Eckdaten" in text
    assert '<p class="lead" lang="nl">Project met mentorschap' in text
    chosen = re.findall(r'texts=(\w+)" rel="nofollow" aria-current', text)
    assert chosen == ["nl"]
    assert 'class="foreign"' not in text, "all texts are in Dutch"


def test_a_page_says_which_texts_are_in_another_language_and_why(client: TestClient) -> None:
    text = part(page(client, f"{ENTRY}?lang=fr"), 'class="foreign"', "</div>")
    assert "Titre : Anglais. Notre traduction manque encore." in text
    assert "Description, " in text
    assert ": Néerlandais. C’est la langue de la source" in text
    assert "Résumé" not in text, "the summary is in all languages"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (f"{ENTRY}?texts=xx", "texts"),
        (f"{ENTRY}?text=nl", "text"),
        ("/practice/1788?text=nl", "text"),
        ("/outcome/ACE.html?colour=red", "colour"),
    ],
)
def test_documents_refuse_parameters_that_they_do_not_have(
    client: TestClient, path: str, name: str
) -> None:
    response = client.get(path, headers={"Accept": "application/json"})
    assert response.status_code == 400
    assert name in response.json()["detail"]


def test_a_redirect_keeps_the_languages_of_page_and_texts(client: TestClient) -> None:
    response = client.get("/practice/1788?lang=it&texts=nl", headers={"Accept": "text/html"})
    assert response.headers["location"] == f"{ENTRY}?lang=it&texts=nl"


def test_the_same_elsewhere_has_names(client: TestClient) -> None:
    text = part(page(client, f"{ENTRY}?lang=en"), "The same elsewhere", "</section>")
    assert ">Same practice in the European Website on Integration</a>" in text


def test_what_is_about_the_record_is_folded(client: TestClient) -> None:
    text = part(page(client, f"{ENTRY}?lang=en"), '<details class="about"', "</details>")
    assert "<h2>About this record</h2>" in text
    assert 'id="import-nl"' in text
    assert "Source" in text


def test_citation_managers_find_the_citation(client: TestClient) -> None:
    text = page(client, f"{ENTRY}?lang=en")
    assert '<meta name="citation_title" content="MINT - Mentoring for' in text
    assert '<meta name="citation_author" content="The PracticeGraph authors">' in text
    assert '<meta name="citation_publication_date" content="2026/11/30">' in text
    for extension, name in (
        ("bib", "application/x-bibtex"),
        ("ris", "application/x-research-info-systems"),
        ("csl.json", "application/vnd.citationstyles.csl+json"),
    ):
        link = f'<link rel="alternate" type="{name}" href="/practice/1788.{extension}">'
        assert link in text
        assert client.get(f"/practice/1788.{extension}").headers["content-type"].startswith(name)


def test_pages_of_all_kinds_of_records_have_facts_and_a_citation(client: TestClient) -> None:
    for path in ("/organisation/amif.html", "/indicator/ACE-BEL-2023.html"):
        text = page(client, path)
        assert '<div class="facts">' in text
        assert '<p class="citation">' in text


def test_a_correction_goes_to_the_contact_point(copied: Path) -> None:
    catalogue = copied / "ontology/catalogue.ttl"
    catalogue.write_text(catalogue.read_text() + ADDRESS)
    client = TestClient(application(Services(opened(copied))))
    text = page(client, f"{ENTRY}?lang=en")
    subject = "subject=https%3A%2F%2Fw3id.org%2Fpracticegraph%2Fpractice%2F1788"
    assert f'<a href="mailto:catalogue@example.org?{subject}">Suggest a correction</a>' in text
