"""A database that mirrors the catalogue gets a whole dump at any time, whatever is written."""

import base64
import hashlib
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import BinaryIO

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from rdflib import Graph, Namespace, URIRef

from practicegraph.application import startup
from practicegraph.application.background import DumpProcess
from practicegraph.application.services import Services
from practicegraph.catalogue import catalogue
from practicegraph.editing.tokens import PERMISSIONS, TokenFile
from practicegraph.exchange.export import DUMP_NAMES, DumpFolder, Exporter
from practicegraph.web.app import application
from support.catalogues import loaded, wait_for_dumps

BASE = URIRef("https://w3id.org/practicegraph/")
DCAT = Namespace("http://www.w3.org/ns/dcat#")
PG = Namespace("https://w3id.org/practicegraph/ontology#")
SPDX = Namespace("http://spdx.org/rdf/terms#")
Write = Callable[[], str]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> DumpFolder:
    """All dumps of the catalogue as it is."""
    result = DumpFolder(tmp_path_factory.mktemp("dumps") / "dumps")
    result.make(
        startup.open_for_serving(
            loaded(tmp_path_factory.mktemp("made"), with_dumps=False)
        ).catalogue
    )
    return result


@pytest.fixture
def served(tmp_path: Path) -> Services:
    return startup.open_for_serving(loaded(tmp_path / "catalogue", with_dumps=False))


@pytest.fixture
def dumps(served: Services) -> DumpFolder:
    return DumpFolder(served.catalogue.folder / catalogue.WORK_FOLDER / "dumps")


@pytest.fixture
def dumper(served: Services, dumps: DumpFolder, made: DumpFolder) -> DumpProcess:
    """What has made the dumps of the release with which a test begins, and makes none after it."""
    shutil.copytree(made.folder, dumps.folder)
    result = DumpProcess(served, dumps)
    result.close()
    return result


@pytest.fixture
def client(served: Services, dumper: DumpProcess) -> TestClient:
    return TestClient(application(served, dumper=dumper, editor=startup.entry_editor(served)))


@pytest.fixture
def write(served: Services) -> Write:
    """What gives another entry another title, and the release that this makes."""
    token = TokenFile(served.catalogue.folder).add("anna", PERMISSIONS)
    desk = TestClient(application(served, editor=startup.entry_editor(served)))
    numbers = iter(range(100))

    def write() -> str:
        published = desk.get("/practice/1788.json?lang=nl").json()
        published["title"] = f"Titel {next(numbers)}"
        response = desk.put(
            "/practice/1788?lang=nl",
            json=published,
            headers={"Authorization": f"Bearer {token}", "If-Match": "*"},
        )
        assert response.status_code == 200, response.text
        return served.catalogue.release

    return write


CHANGING = ("/practice/1788.ttl", "/practice/1788.html", "/practices.csv", "/outcome.nt")


def test_a_date_of_change_is_sent_from_the_second_after_a_write_on(
    client: TestClient, write: Write
) -> None:
    def dates() -> list[str | None]:
        return [client.get(path).headers.get("last-modified") for path in CHANGING]

    def statuses(**headers: str) -> set[int]:
        return {client.get(path, headers=headers).status_code for path in CHANGING}

    assert dates() == [None] * len(CHANGING), "the log has no change since it began"
    write()
    while None in dates():
        time.sleep(0.1)
    (date,) = set(dates())
    assert date
    assert parsedate_to_datetime(date) <= datetime.now(UTC)
    assert statuses(**{"If-Modified-Since": date}) == {304}
    assert statuses(**{"If-Modified-Since": "Sat, 01 Jan 2000 00:00:00 GMT"}) == {200}
    assert statuses(**{"If-Modified-Since": "yesterday"}) == {200}
    assert statuses(**{"If-Modified-Since": date, "If-None-Match": '"other"'}) == {200}
    for _ in "ab":
        write()
        assert statuses(**{"If-Modified-Since": date}) == {200}


def test_after_a_write_the_dump_of_the_release_before_is_served(
    client: TestClient, write: Write
) -> None:
    before = client.get("/dump.nq.gz")
    first = client.get("/health").json()["release"]
    assert "link" not in before.headers
    newest = write()
    after = client.get("/dump.nq.gz")
    assert after.status_code == 200
    assert after.content == before.content
    for name in ("etag", "last-modified", "repr-digest", "content-disposition"):
        assert after.headers[name] == before.headers[name]
    assert f"practicegraph-{first}.nq.gz" in after.headers["content-disposition"]
    assert after.headers["content-location"] == f"/dump/{first}.nq.gz"
    assert after.headers["cache-control"] == "no-cache"
    links = after.headers["link"]
    assert f'<http://testserver/dump/{newest}.nq.gz>; rel="latest-version"' in links
    assert '<http://testserver/changes>; rel="version-history"' in links


def test_all_formats_are_served_until_newer_ones_are_made(
    client: TestClient, served: Services, dumps: DumpFolder, write: Write
) -> None:
    first = {name: client.get(f"/dump.{name}").content for name in DUMP_NAMES}
    write()
    assert {name: client.get(f"/dump.{name}").content for name in DUMP_NAMES} == first
    dumps.make(served.catalogue)
    others = {name: client.get(f"/dump.{name}") for name in DUMP_NAMES}
    assert all(response.content != first[name] for name, response in others.items())
    assert not any("link" in response.headers for response in others.values())


def test_a_304_has_a_link_to_the_latest_version(client: TestClient, write: Write) -> None:
    known = {"If-None-Match": client.head("/dump.trig").headers["etag"]}
    write()
    response = client.get("/dump.trig", headers=known)
    assert response.status_code == 304
    assert 'rel="latest-version"' in response.headers["link"]


def test_the_archive_of_a_release_is_never_another_release(
    client: TestClient, write: Write
) -> None:
    first = client.get("/health").json()["release"]
    passed, newest = write(), write()
    assert client.get(f"/dump/{newest}.nq.gz").status_code == 503
    assert client.get(f"/dump/{passed}.nq.gz").status_code == 404
    response = client.get(f"/dump/{first}.nq.gz")
    assert response.content == client.get("/dump.nq.gz").content
    assert response.headers["link"] == (
        '<http://testserver/dump.nq.gz>; rel="latest-version"; type="application/gzip"'
    )


def test_dumps_that_cannot_be_made_leave_those_of_the_release_before(
    client: TestClient,
    served: Services,
    dumps: DumpFolder,
    write: Write,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = served.catalogue.release
    write()
    _fill_the_disk(monkeypatch, "ttl")
    with pytest.raises(OSError, match="No space"):
        dumps.make(served.catalogue)
    graph = Graph().parse(data=client.get("/catalog.ttl").text, format="turtle")
    for name in DUMP_NAMES:
        described = URIRef(f"{BASE}#dump.{name}")
        response = client.get(str(graph.value(described, DCAT.downloadURL)))
        (checksum,) = graph.objects(described, SPDX.checksum / SPDX.checksumValue)
        assert str(checksum) == hashlib.sha256(response.content).hexdigest()
        assert str(graph.value(described, DCAT.byteSize)) == str(len(response.content))
        assert str(graph.value(described, DCAT.version)) == first
        assert f"{first}." in response.headers["content-disposition"]


def test_the_hash_of_the_dataset_is_stated_of_the_present_release_alone(
    client: TestClient, served: Services, dumps: DumpFolder, write: Write
) -> None:
    before = client.get("/catalog.ttl")
    assert _stated(before) == _checksum(client.get("/dump.nq"))
    write()
    after = client.get("/catalog.ttl")
    assert _stated(after) == ""
    dumps.make(served.catalogue)
    known = {"If-None-Match": after.headers["etag"]}
    again = client.get("/catalog.ttl", headers=known)
    assert _stated(again) == _checksum(client.get("/dump.nq"))


def test_a_page_shows_the_release_of_its_dumps(client: TestClient, write: Write) -> None:
    first, newest = client.get("/health").json()["release"], write()
    page = client.get("/catalog.html", params={"lang": "de"}).text
    assert page.count('href="/dump.') == len(DUMP_NAMES)
    assert f"Der ganze Katalog in Version {first}" in page
    assert f"Die Dateien der aktuellen Version {newest} werden gerade erstellt" in page


def test_a_process_ends_its_work_and_one_for_the_newest_release_follows(
    served: Services, dumps: DumpFolder, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("practicegraph.application.background._PAUSE", 0.1)
    dumper = DumpProcess(served, dumps)
    first, client = served.catalogue.release, TestClient(application(served, dumper=dumper))
    assert client.get(f"/dump/{first}.nq.gz").status_code == 503
    wait_for_dumps(client, first)
    newest = write()
    assert client.get(f"/dump/{newest}.nq.gz").status_code == 503
    wait_for_dumps(client, newest)
    end = time.monotonic() + 10
    while (
        len(names := {path.name for path in dumps.folder.iterdir()}) > 2 and time.monotonic() < end
    ):
        time.sleep(0.05)
    assert names == {first, newest}
    dumper.close()


def test_what_a_killed_process_left_of_an_earlier_release_goes(
    served: Services, dumps: DumpFolder, write: Write
) -> None:
    half = dumps.path("0123456789ab", "nq")
    half.parent.mkdir(parents=True)
    half.write_text("half")
    dumps.make(served.catalogue)
    assert not half.parent.exists()


def _fill_the_disk(monkeypatch: pytest.MonkeyPatch, at: str) -> None:
    """Have a dump fail as on a disk that is full, which no test can fill."""
    write = Exporter.write

    def full(export: Exporter, form: str, output: BinaryIO) -> None:
        if form == at:
            raise OSError(28, "No space left on device")
        write(export, form, output)

    monkeypatch.setattr(Exporter, "write", full)


def _checksum(response: Response) -> str:
    digest = response.headers["repr-digest"].removeprefix("sha-256=:").removesuffix(":")
    return base64.b64decode(digest).hex()


def _stated(description: Response) -> str:
    graph = Graph().parse(data=description.text, format="turtle")
    return "".join(map(str, graph.objects(BASE, PG.canonicalHash)))
