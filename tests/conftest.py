"""The real catalogue: in memory, served from a copy, or copied for a test to change."""

import csv
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from click.testing import CliRunner, Result
from fastapi.testclient import TestClient

import virtuoso
from practicegraph.application import startup
from practicegraph.application.dump_process import Dumper
from practicegraph.application.services import Services
from practicegraph.catalogue import catalogue
from practicegraph.catalogue.catalogue import Catalogue
from practicegraph.cli.main import main
from practicegraph.exchange.dumps import Dumps
from practicegraph.sparql.pool import Limits, Workers
from practicegraph.storage.base import Store
from practicegraph.storage.oxigraph import Embedded
from practicegraph.storage.remote import Endpoint, Remote
from practicegraph.web.app import application
from serving import serving

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "tests" / "sources"
CASES = ROOT / "tests" / "cases"
PARTS = ("ontology", "shapes", "queries", "data")


def copy(to: Path) -> Path:
    for part in PARTS:
        shutil.copytree(ROOT / part, to / part)
    return to


def opened(root: Path) -> Catalogue:
    return catalogue.gather(catalogue.read(root).documents, root)


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """Asynchronous tests run in the server's own event loop."""
    return "asyncio", {"use_uvloop": sys.platform != "win32"}


@pytest.fixture(scope="session")
def real() -> Catalogue:
    return opened(ROOT)


@pytest.fixture(scope="session")
def services(real: Catalogue) -> Services:
    """The services of the real catalogue, whose index is built once."""
    return Services(real)


@pytest.fixture(scope="session")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    served = startup.serve(copy(tmp_path_factory.mktemp("served")))
    assert served.source
    workers = Workers(served.source, Limits(seconds=20))
    dumper = Dumper(served, Dumps(served.catalogue.folder / catalogue.KEPT / "dumps"))
    with TestClient(application(served, workers, dumper), follow_redirects=False) as found:
        yield found
    dumper.close()


@pytest.fixture(scope="session")
def virtuoso_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The endpoint of a real Virtuoso."""
    if not virtuoso.PROGRAM:
        lacking("virtuoso-t")
    with virtuoso.running(tmp_path_factory.mktemp("virtuoso")) as address:
        yield address


@pytest.fixture(params=["embedded", "virtuoso"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """An empty store of each kind."""
    if request.param == "embedded":
        yield Embedded()
        return
    found = Remote(Endpoint(request.getfixturevalue("virtuoso_address")), Embedded())
    yield found
    found.remove(found.graphs())


def in_json_ld(client: TestClient, path: str) -> str:
    """A document in JSON-LD with the context to which it refers in its place."""
    document = client.get(path).json()
    assert document["@context"] == "http://testserver/context.jsonld"
    return json.dumps(document | client.get(document["@context"]).json())


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real server, for real clients."""
    with serving(copy(tmp_path_factory.mktemp("server"))) as address:
        yield address


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return copy(tmp_path / "catalogue")


@pytest.fixture
def run(copied: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run a command in the copied catalogue."""
    monkeypatch.chdir(copied)

    def command(*arguments: str) -> Result:
        return CliRunner().invoke(main, [str(argument) for argument in arguments])

    return command


@pytest.fixture(scope="session")
def entries() -> list[dict[str, Any]]:
    """The entries as they were taken from the source database."""
    found: list[dict[str, Any]] = json.loads((SOURCES / "entries.json").read_text())
    return found


@pytest.fixture(scope="session")
def vocabulary() -> dict[str, Any]:
    """The labels as the source database prints them."""
    found: dict[str, Any] = json.loads((SOURCES / "vocabulary.json").read_text())
    return found


def lacking(program: str) -> NoReturn:
    """Skip a test for what the machine has not; fail in CI, where nothing may be left out."""
    reason = f"{program} is not installed"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def snapshot(root: Path) -> dict[str, bytes]:
    """Every file below a folder, to tell whether anything has changed."""
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.splitlines(keepends=True)))
