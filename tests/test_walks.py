"""A request passes through few modules, and through those that api/README.md names."""

import re
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from practicegraph.application import startup
from practicegraph.editing.tokens import PERMISSIONS, TokenFile
from practicegraph.sparql.pool import QueryLimits, WorkerPool
from practicegraph.web.app import application
from support.catalogues import ROOT, loaded

PACKAGE = f"{ROOT / 'api' / 'practicegraph'}/"
ENTRY = (ROOT / "data/practices/1788.ttl").read_text()
WALKS = dict(
    re.findall(r"^\*\*([\w ]+)\*\*((?:.|\n(?!\n))*)", (ROOT / "api/README.md").read_text(), re.M)
)
"""The walks of requests in the page on the program, by their titles."""


class Trace:
    """The files of ours in which a function is called, in all threads."""

    def __init__(self) -> None:
        self.files: set[str] = set()

    def note(self, frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(PACKAGE):
            self.files.add(frame.f_code.co_filename)

    def modules(self, request: Callable[[], Response]) -> set[str]:
        """Return the modules through which a request passes."""
        self.files.clear()
        sys.setprofile(self.note)
        assert request().is_success
        sys.setprofile(None)
        return {file.removeprefix(PACKAGE).removesuffix(".py") for file in self.files}


@pytest.fixture(scope="module")
def trace() -> Iterator[Trace]:
    """A trace of the main thread and of all threads that start later."""
    trace = Trace()
    threading.setprofile(trace.note)
    yield trace
    threading.setprofile(None)


@pytest.fixture(scope="module")
def client(trace: Trace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A client that may write."""
    root = loaded(tmp_path_factory.mktemp("walks"))
    headers = {"Authorization": f"Bearer {TokenFile(root).add('anna', PERMISSIONS)}"}
    services = startup.open_for_serving(root)
    assert services.source
    workers = WorkerPool(services.source, QueryLimits(processes=1))
    app = application(services, workers, editor=startup.entry_editor(services))
    with TestClient(app, headers=headers, follow_redirects=False) as client:
        yield client


def filter_entries(client: TestClient, number: int) -> Response:
    return client.get(f"/practices.json?outcome=LAN&size={number}")


def search(client: TestClient, number: int) -> Response:
    return client.get(f"/practices.json?outcome=LAN&q=school&size={number}")


def write(client: TestClient, number: int) -> Response:
    body = ENTRY.replace("MINT", f"MINT {number}", 1).encode()
    headers = {"Content-Type": "text/turtle", "If-Match": "*"}
    return client.put("/practice/1788", content=body, headers=headers)


def query(client: TestClient, number: int) -> Response:
    text = f"SELECT * {{ ?s ?p ?o }} LIMIT {number}"
    return client.get("/sparql", params={"query": text}, headers={"Accept": "text/csv"})


@pytest.mark.parametrize(
    ("title", "send", "limit"),
    [
        ("", filter_entries, 24),
        ("A search", search, 29),
        ("A write", write, 52),
        ("A SPARQL query", query, 14),
    ],
)
def test_a_request_passes_through_few_modules_and_those_of_the_page(
    client: TestClient, trace: Trace, title: str, send: Callable[..., Response], limit: int
) -> None:
    for number in (1, 2):  # what is computed once is in memory from then on
        assert send(client, number).is_success
    modules = trace.modules(lambda: send(client, 3))
    assert len(modules) <= limit, "\n".join(sorted(modules))
    if title:
        described = set(re.findall(r"`(\w+(?:/\w+)+)`", WALKS[title]))
        assert described
        assert described <= modules, described - modules
