"""What a response costs: how often the store is read, and how many triples are serialised.

The bounds are a little above what is needed, so that a change that doubles it fails.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pyoxigraph import Quad

from practicegraph.application.services import Services
from practicegraph.catalogue.catalogue import Catalogue
from practicegraph.catalogue.documents import DocumentSet
from practicegraph.rdf import terms
from practicegraph.rdf.jsonld import Compactor
from practicegraph.rdf.turtle import TurtleWriter
from practicegraph.storage.base import Solution
from practicegraph.storage.oxigraph import OxigraphStore
from practicegraph.web import document
from practicegraph.web.app import application
from support.retirement import BASE


class CountingStore(OxigraphStore):
    """A store that counts how often it is read."""

    reads = 0

    def select(self, query: str) -> Iterator[Solution]:
        self.reads += 1
        return super().select(query)

    def quads(self, *pattern: Any, **graph: Any) -> Iterator[Quad]:
        self.reads += 1
        return super().quads(*pattern, **graph)

    def union(self, *pattern: Any) -> Iterator[Quad]:
        self.reads += 1
        return super().union(*pattern)


@pytest.fixture(scope="module")
def store(real_files: DocumentSet) -> CountingStore:
    store = CountingStore()
    store.add(quad for document in real_files.documents for quad in document.quads)
    store.set_release("1-1")
    return store


@pytest.fixture(scope="module")
def client(real: Catalogue, store: CountingStore) -> TestClient:
    return TestClient(application(Services(replace(real, store=store))))


@pytest.fixture
def serialised(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """The number of triples that each writer has written."""
    written = Counter[str]()

    def count(owner: Any, name: str, place: int) -> None:
        original = getattr(owner, name)

        def counting(*arguments: Any, **others: Any) -> Any:
            values = [*arguments]
            values[place] = statements = [*values[place]]
            written[name] += len(statements) + sum(map(len, others.get("blocks", ())))
            return original(*values, **others)

        monkeypatch.setattr(owner, name, counting)

    count(terms, "serialize", 0)
    count(document, "serialize", 0)
    count(TurtleWriter, "write", 1)
    count(Compactor, "write_document", 1)
    return written


@pytest.mark.parametrize(
    ("before", "path", "reads"),
    [
        ("/practice/1788.ttl", "/practice/1806.ttl", 6),
        ("/practice/1788.nt", "/practice/1807.nt", 6),
        ("/practice/1788.jsonld", "/practice/1805.jsonld", 6),
        ("/practice/1788.html", "/practice/1803.html", 55),
        ("/outcome/ACE.ttl", "/outcome/LAN.ttl", 5),
        ("/outcome/ACE.nt", "/actor/school.nt", 5),
        ("/outcome/ACE.html", "/actor/school.html", 18),
        ("/practices?outcome=ACE", "/practices?outcome=LAN", 40),
        ("/practices.json?outcome=ACE", "/practices.json?outcome=LAN&q=school", 0),
    ],
)
def test_a_response_reads_the_store_a_few_times(
    client: TestClient, store: CountingStore, before: str, path: str, reads: int
) -> None:
    assert client.get(before).status_code == 200  # what many responses share is cached
    store.reads = 0
    assert client.get(path).status_code == 200
    assert reads // 4 <= store.reads <= reads


@pytest.mark.parametrize("name", ["practice/1802", "outcome/LAN"])
@pytest.mark.parametrize("extension", ["ttl", "nt", "jsonld", "html"])
def test_a_document_serialises_its_triples_once_and_those_of_its_graph_once_for_its_tag(
    client: TestClient,
    store: CountingStore,
    serialised: Counter[str],
    name: str,
    extension: str,
) -> None:
    lines = client.get(f"/{name}.nt").text.splitlines()
    serialised.clear()
    assert client.get(f"/{name}.{extension}?lang=de").status_code == 200
    own = len(store.graph_quads(f"{BASE}{name}"))
    assert serialised.total() <= own + (len(lines) if extension != "html" else 0)
