"""Every page describes its topic in terms of schema.org, which the ontology aligns."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from practicegraph.application.services import Services
from practicegraph.catalogue.catalogue import Catalogue
from practicegraph.web.app import application
from support.catalogues import opened

BASE = "https://w3id.org/practicegraph/"
WORK = (  # what schema.org 29 defines for a CreativeWork or a Thing, of what the catalogue says
    "abstract about alternateName associatedMedia audience contributor countryOfOrigin creator "
    "dateModified datePublished description funder funding genre identifier inLanguage isBasedOn "
    "isPartOf license locationCreated name publisher sameAs subjectOf url version"
)
ALLOWED = set(WORK.split()) | {"@context", "@type", "@id"}


def outline(client: TestClient, path: str) -> dict[str, Any]:
    """Return the JSON-LD of a page."""
    page = client.get(path, headers={"Accept": "text/html"}).text
    (text,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, re.S)
    found: dict[str, Any] = json.loads(text)
    assert found["@context"] == "https://schema.org/"
    return found


def test_an_entry_has_the_class_that_its_category_states(client: TestClient) -> None:
    found = outline(client, "/practice/1788.html?lang=de")
    assert found["@type"] == "Project"
    assert found["@id"] == f"{BASE}practice/1788"
    assert found["countryOfOrigin"] == {
        "@type": "Country",
        "@id": "http://publications.europa.eu/resource/authority/country/HUN",
        "name": "Ungarn",
    }
    assert {term["name"] for term in found["inLanguage"]} >= {"Tschechisch", "Slowenisch"}
    assert len(found["sameAs"]) == 2


def test_a_law_has_neither_our_licence_nor_our_dates_and_its_record_has(
    client: TestClient,
) -> None:
    found = outline(client, "/practice/1717.html")
    assert found["@type"] == "Legislation"
    assert found["datePublished"] == "2018"
    assert not {"license", "dateModified", "isBasedOn", "isPartOf", "identifier", "url"} & set(
        found
    )
    (record,) = found["subjectOf"]
    assert record["@id"] == f"{BASE}practice/1717#record"
    assert record["license"] == "https://creativecommons.org/licenses/by/4.0/"
    assert (record["datePublished"], record["dateModified"]) == ("2026-11-24", "2026-11-30")
    assert (record["isPartOf"], record["identifier"]) == (BASE, "1717")
    assert record["isBasedOn"]["@id"].endswith("data_id=1717")


def test_a_body_that_is_no_country_is_none_in_schema_org_either(client: TestClient) -> None:
    assert "countryOfOrigin" not in outline(client, "/practice/1699.html")
    assert outline(client, "/practice/1699.html")["@type"] == "CreativeWork"


def test_an_entry_uses_only_terms_of_schema_org(client: TestClient, real: Catalogue) -> None:
    entries = [iri for iri in real.store.graph_sizes() if iri.startswith(f"{BASE}practice/")]
    assert len(entries) == 56
    for iri in entries:
        found = outline(client, f"/{iri.removeprefix(BASE)}.html")
        assert set(found) <= ALLOWED
        assert found["name"] and found["subjectOf"][0]["dateModified"]


def test_the_home_page_describes_a_dataset(client: TestClient) -> None:
    found = outline(client, "/")
    assert "Dataset" in found["@type"]
    assert found["creator"]["@type"] == "Organization"
    assert found["version"] == client.get("/health").json()["release"]
    assert len(found["description"]) > 50, "search engines want 50 characters or more"


def test_a_concept_is_a_defined_term_of_its_set(client: TestClient) -> None:
    found = outline(client, "/outcome/ACE.html")
    assert (found["@type"], found["termCode"]) == ("DefinedTerm", "ACE")
    assert found["inDefinedTermSet"]["@type"] == "DefinedTermSet"
    assert outline(client, "/category.html")["hasDefinedTerm"][0]["@type"] == "DefinedTerm"


def test_a_source_database_does_not_get_our_licence(client: TestClient) -> None:
    assert "license" not in outline(client, "/source.html")


def test_a_text_cannot_end_the_script_element_that_contains_it(copied: Path) -> None:
    path = copied / "data/practices/1793.ttl"
    text = path.read_text()
    title = "</script><script>alert(1)</script><!--"
    path.write_text(text.replace("In.Media.Res - Integratiebemiddeling", title))
    client = TestClient(application(Services(opened(copied))))
    found = outline(client, "/practice/1793.html?lang=nl")
    assert found["name"].startswith(title)
    page = client.get("/practice/1793.html?lang=nl")
    assert "<script>" not in page.text
    assert "script-src 'self';" in page.headers["content-security-policy"]
    assert "default-src 'none'" in page.headers["content-security-policy"]


@pytest.mark.parametrize("word", ["genre", "keywords"])
def test_the_terms_of_schema_org_are_read_from_the_ontology(copied: Path, word: str) -> None:
    path = copied / "ontology/practice.ttl"
    path.write_text(path.read_text().replace("schema:genre", f"schema:{word}"))
    client = TestClient(application(Services(opened(copied))))
    assert outline(client, "/practice/1788.html")[word]["name"] == "Good practices"
