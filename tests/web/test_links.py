"""Whoever starts at the home page and follows every link of ours finds no dead one."""

import html
import re
from collections.abc import Iterator

from fastapi.testclient import TestClient

BASE = "https://w3id.org/practicegraph/"
SAME = re.compile(r"/.+\.(ttl|jsonld|rdf|trig|nq|json|linkset)")
"""Forms of a document whose N-Triples are visited; each is tested for each kind of thing."""


def mentioned(client: TestClient, path: str) -> Iterator[str]:
    """The addresses of ours to which a page or a document leads."""
    response = client.get(path, headers={"Accept": "text/html, */*;q=0.1"})
    assert response.status_code == 200, path
    text = response.text
    result = re.findall(r"<([^>]*)>; rel", response.headers.get("link", ""))
    if response.headers["content-type"].startswith("text/html"):
        result += re.findall(r'(?:href|src|action)="([^"]*)"', text)
    elif path.endswith(".nt"):
        text = re.sub(r'"(?:[^"\\]|\\.)*"', "", text)
        result += re.findall(rf"<({re.escape(BASE)}[^>]*)>", text)
    for address in result:
        place = html.unescape(address).replace("http://testserver", "").replace(BASE, "/")
        if place.startswith("/"):
            yield place.partition("#")[0]


def test_every_link_of_a_page_answers(client: TestClient) -> None:
    client.follow_redirects = True
    seen: set[str] = set()
    unseen = {"/"}
    try:
        while unseen:
            path = unseen.pop()
            seen.add(path)
            leads = {place for place in mentioned(client, path) if "?" not in place}
            unseen |= {place for place in leads - seen if not SAME.fullmatch(place)}
    finally:
        client.follow_redirects = False
    assert len(seen) > 1000
