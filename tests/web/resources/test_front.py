"""The home page, the page of data and services, and the one about the catalogue."""

import re

import pytest
from fastapi.testclient import TestClient

HEADERS = {"Accept": "text/html"}


def test_the_home_page_has_the_numbers_and_the_ways_in(client: TestClient) -> None:
    page = client.get("/?lang=nl", headers=HEADERS).text
    counts = {
        path: client.get(f"{path}.json?size=0").json()["total"]
        for path in ("/practices", "/organisations", "/indicators")
    }
    for path, count in counts.items():
        assert f'<a href="{path}?lang=nl"><strong>{count}</strong>' in page
    assert "<h1>Wat helpt vluchtelingen- en migrantenkinderen op school?</h1>" in page
    assert 'href="/practices?lang=nl&amp;q=mentoraat"' in page
    assert len(re.findall('<li><a href="/[a-z]+\\?lang=nl"><strong>[^0-9]', page)) == 4


def test_the_bars_of_the_home_page_lead_to_their_searches(client: TestClient) -> None:
    page = client.get("/", headers=HEADERS).text
    bars = re.findall(
        r'<li><a href="(/practices\?[^"]+)" rel="nofollow">[^<]+</a> <span class="count">(\d+)</span>',
        page,
    )
    assert len(bars) > 10
    for address, count in bars:
        path, _, query = address.partition("?")
        assert client.get(f"{path}.json?{query}&size=0").json()["total"] == int(count)


@pytest.mark.parametrize("path", ["/data", "/about"])
def test_a_page_about_the_catalogue_is_not_sent_again(client: TestClient, path: str) -> None:
    response = client.get(path, headers=HEADERS)
    assert response.status_code == 200
    tag = {"If-None-Match": response.headers["etag"]}
    assert client.get(path, headers=HEADERS | tag).status_code == 304
    german = client.get(f"{path}?lang=de", headers=HEADERS | tag)
    assert german.status_code == 200
    assert '<html lang="de">' in german.text


def test_a_page_states_its_title_and_description_for_previews(client: TestClient) -> None:
    page = client.get("/about?lang=fr", headers=HEADERS).text
    assert '<meta property="og:title" content="À propos">' in page
    assert '<meta name="description" content="Bonnes pratiques' in page
    assert 'aria-current="page">À propos</a>' in page


@pytest.mark.parametrize(
    ("path", "item", "is_page"),
    [
        ("/practices", "/practices", True),
        ("/practice/1788.html", "/practices", False),
        ("/outcome/ACE.html", "/vocabularies", False),
        ("/queries", "/data", False),
        ("/evidence", "/evidence", True),
    ],
)
def test_the_menu_shows_where_a_page_belongs(
    client: TestClient, path: str, item: str, is_page: bool
) -> None:
    page = client.get(f"{path}?lang=en", headers=HEADERS).text
    menu = page[page.index('<nav class="menu"') : page.index("</nav>")]
    assert re.findall(r'<a href="([^"?]+)\?lang=en" aria-current="(\w+)"', menu) == [
        (item, "page" if is_page else "true")
    ]


@pytest.mark.parametrize("path", ["/", "/data", "/about"])
def test_an_unknown_parameter_is_refused(client: TestClient, path: str) -> None:
    response = client.get(f"{path}?langs=de", headers=HEADERS)
    assert response.status_code == 400
    assert "lang" in response.text
