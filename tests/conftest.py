"""Fixtures: the real catalogue in memory, served from a copy, or copied for a test to change."""

import csv
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from fastapi.testclient import TestClient

from practicegraph.application.services import Services
from practicegraph.catalogue import catalogue, documents
from practicegraph.catalogue.catalogue import Catalogue
from practicegraph.catalogue.documents import Document, DocumentSet, UnreadableError
from practicegraph.cli.main import main
from practicegraph.exchange.table_format import split_values
from practicegraph.storage.base import Store
from practicegraph.storage.oxigraph import OxigraphStore
from practicegraph.storage.remote import Endpoint, RemoteStore
from practicegraph.validation import checks
from practicegraph.validation.findings import Finding
from support import virtuoso
from support.catalogues import CASES, ROOT, SOURCES, TABLES, loaded, skip_without
from support.server import served, serving

LONG = {
    "test_attacks.py",
    "test_checks.py",
    "test_clients.py",
    "test_disconnects.py",
    "test_html.py",
    "test_kills.py",
    "test_pages.py",
    "test_service_hosts.py",
    "test_validation.py",
    "test_workbooks.py",
    "test_wrong_values.py",
}
"""The files whose tests take longest."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files, so that no process is left with one at the end."""
    items.sort(key=lambda item: item.path.name not in LONG)


@pytest.fixture(scope="session", autouse=True)
def parses() -> Iterator[None]:
    """A file is parsed once for all the copies of the catalogue in which it is the same."""
    parse = documents.parse_document

    @lru_cache(1 << 11)
    def parse_once(name: str, content: bytes) -> Document:
        return parse(Path(name), content)

    def parse_copy(path: Path, content: bytes) -> Document:
        try:
            return replace(parse_once("/".join(path.parts[-3:]), content), path=path)
        except UnreadableError:
            return parse(path, content)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(documents, "parse_document", parse_copy)
        yield


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """Asynchronous tests run in the server's own event loop."""
    return "asyncio", {"use_uvloop": sys.platform != "win32"}


@pytest.fixture(scope="session")
def real_files() -> DocumentSet:
    """The files of the real catalogue."""
    return catalogue.read_folder(ROOT)


@pytest.fixture(scope="session")
def real(real_files: DocumentSet) -> Catalogue:
    return catalogue.open_in_memory(real_files.documents, ROOT)


@pytest.fixture(scope="session")
def faults() -> Mapping[Path, Sequence[Finding]]:
    """The findings in each case, of one check: the cases do not disturb each other."""
    cases = sorted(CASES.glob("*.ttl"))
    findings = checks.check(ROOT, catalogue.read_folder(ROOT, cases), cases).findings
    return {path: [finding for finding in findings if finding.file == path] for path in cases}


@pytest.fixture(scope="session")
def services(real: Catalogue) -> Services:
    """The services of the real catalogue, whose index is built once."""
    return Services(real)


@pytest.fixture(scope="session")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with served(loaded(tmp_path_factory.mktemp("served"))) as found:
        yield found


@pytest.fixture(scope="session")
def virtuoso_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The endpoint of a real Virtuoso."""
    if not virtuoso.PROGRAM:
        skip_without("virtuoso-t")
    with virtuoso.running(tmp_path_factory.mktemp("virtuoso")) as address:
        yield address


@pytest.fixture(params=["embedded", "virtuoso"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """An empty store of each kind."""
    if request.param == "embedded":
        yield OxigraphStore()
        return
    found = RemoteStore(Endpoint(request.getfixturevalue("virtuoso_address")), OxigraphStore())
    yield found
    found.remove_graphs(found.graph_names())


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real server, for real clients."""
    with serving(loaded(tmp_path_factory.mktemp("server"))) as address:
        yield address


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the real catalogue, loaded: a command or a server has only changes to read."""
    return loaded(tmp_path / "catalogue")


@pytest.fixture
def run(copied: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run a command in the copied catalogue."""
    monkeypatch.chdir(copied)

    def command(*arguments: str) -> Result:
        return CliRunner().invoke(main, [str(argument) for argument in arguments])

    return command


@pytest.fixture(scope="session")
def entries() -> list[dict[str, Any]]:
    """The rows of the table that was imported; a cell of several values is a list."""
    (table,) = TABLES.glob("*.csv")
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [
        row | {key: split_values(row[key]) for key in ("country", "language", "outcome")}
        for row in rows
    ]


@pytest.fixture(scope="session")
def vocabulary() -> dict[str, Any]:
    """The labels as the source database prints them."""
    found: dict[str, Any] = json.loads((SOURCES / "vocabulary.json").read_text())
    return found
