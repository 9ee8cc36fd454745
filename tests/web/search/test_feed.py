"""Searches as Atom feeds: the newest entries first, the same parameters as the search."""

from xml.etree import ElementTree

import pytest
from fastapi.testclient import TestClient

ATOM = "{http://www.w3.org/2005/Atom}"


def feed(client: TestClient, path: str) -> ElementTree.Element:
    response = client.get(path)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("application/atom+xml")
    return ElementTree.fromstring(response.text)


def texts(root: ElementTree.Element, name: str) -> list[str]:
    return [node.text or "" for node in root.findall(f"{ATOM}entry/{ATOM}{name}")]


@pytest.mark.parametrize("kind", ["practices", "organisations", "indicators"])
def test_entries_of_each_kind_are_in_a_feed_the_newest_first(client: TestClient, kind: str) -> None:
    root = feed(client, f"/{kind}.atom")
    moments = texts(root, "updated")
    assert len(moments) > 10
    assert moments == sorted(moments, reverse=True)
    assert root.findtext(f"{ATOM}updated") == moments[0]
    assert all(texts(root, "title"))


def test_a_feed_has_the_entries_of_its_search_in_its_language(client: TestClient) -> None:
    query = "outcome=ACE&country=DEU&lang=it"
    root = feed(client, f"/practices.atom?{query}")
    found = client.get(f"/practices.json?{query}").json()
    assert {item["id"] for item in found["items"]} == set(texts(root, "id"))
    title = root.findtext(f"{ATOM}title") or ""
    assert "Germania" in title
    summary = root.find(f"{ATOM}entry/{ATOM}summary")
    assert summary is not None
    assert summary.get("{http://www.w3.org/XML/1998/namespace}lang") == "it"


def test_the_pages_of_a_feed_lead_to_each_other(client: TestClient) -> None:
    total = client.get("/practices.json?size=0").json()["total"]
    address, found = "/practices.atom?size=20", []
    while address:
        root = feed(client, address)
        found += texts(root, "id")
        links = {link.get("rel"): link.get("href") or "" for link in root.findall(f"{ATOM}link")}
        assert links["self"].startswith("http://")
        address = links.get("next", "")
    assert len(found) == len(set(found)) == total


@pytest.mark.parametrize("query", ["colour=red", "outcome=none", "size=x"])
def test_a_feed_refuses_what_the_search_refuses(client: TestClient, query: str) -> None:
    assert client.get(f"/practices.atom?{query}").status_code == 400
