"""The dumps as a reader has them from the service, and as the service keeps them."""

import base64
import gzip
import hashlib
import json
import os
import time
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from pyoxigraph import CanonicalizationAlgorithm, Dataset, RdfFormat, parse, serialize
from rdflib import Graph, Namespace, URIRef

from practicegraph.application import startup
from practicegraph.application.background import DumpProcess
from practicegraph.application.services import Services
from practicegraph.catalogue import catalogue
from practicegraph.exchange.export import DUMP_NAMES, FORMATS, MAX_ARCHIVES, DumpFolder
from practicegraph.web.app import application
from practicegraph.web.resources.dumps import MEDIA_TYPES
from support.catalogues import loaded, snapshot, wait_for_dumps

BASE = URIRef("https://w3id.org/practicegraph/")
DCAT = Namespace("http://www.w3.org/ns/dcat#")
PG = Namespace("https://w3id.org/practicegraph/ontology#")
SPDX = Namespace("http://spdx.org/rdf/terms#")
VOID = Namespace("http://rdfs.org/ns/void#")


@pytest.fixture(scope="module")
def release(client: TestClient) -> str:
    wait_for_dumps(client)
    result: str = client.get("/health").json()["release"]
    return result


@pytest.fixture(scope="module")
def described(client: TestClient, release: str) -> Graph:
    return Graph().parse(data=client.get("/catalog.ttl").text, format="turtle")


@pytest.fixture
def served(tmp_path: Path) -> Services:
    return startup.open_for_serving(loaded(tmp_path / "catalogue", with_dumps=False))


@pytest.mark.parametrize("name", DUMP_NAMES)
def test_a_dump_is_what_its_headers_say(client: TestClient, release: str, name: str) -> None:
    response = client.get(f"/dump.{name}", headers={"Accept-Encoding": "gzip"})
    assert response.status_code == 200
    assert "content-encoding" not in response.headers
    assert response.headers["content-length"] == str(len(response.content))
    digest = base64.b64encode(hashlib.sha256(response.content).digest()).decode()
    assert response.headers["repr-digest"] == f"sha-256=:{digest}:"
    assert response.headers["content-digest"] == f"sha-256=:{digest}:"
    assert f'filename="practicegraph-{release}.{name}"' in response.headers["content-disposition"]
    packed = name.endswith(".gz")
    expected = "application/gzip" if packed else MEDIA_TYPES[name].content_type
    assert response.headers["content-type"] == expected
    if packed:
        plain = client.get(f"/dump.{name.removesuffix('.gz')}").content
        assert gzip.decompress(response.content) == plain


def test_head_has_the_headers_of_a_dump(client: TestClient, release: str) -> None:
    whole, head = client.get("/dump.nq"), client.head("/dump.nq")
    assert head.content == b""
    headers_of_get = {k: v for k, v in whole.headers.items() if k != "content-digest"}
    assert dict(head.headers) == headers_of_get
    assert client.head("/dump.exe").status_code == 404
    assert client.head("/dump/a/b").status_code == 404
    assert client.head("/dump.exe").content == b""


def test_a_matching_precondition_is_304(client: TestClient, release: str) -> None:
    headers = client.head("/dump.ttl").headers
    tag, day = headers["etag"], headers["last-modified"]
    for known in (tag, f'"other", W/{tag}', "*"):
        response = client.get("/dump.ttl", headers={"If-None-Match": known})
        assert response.status_code == 304
        assert response.content == b""
        assert response.headers["etag"] == tag
        assert response.headers["last-modified"] == day
    assert client.get("/dump.ttl", headers={"If-Modified-Since": day}).status_code == 304
    for unknown in ('"other"', "nonsense"):
        other = {"If-None-Match": unknown, "If-Modified-Since": day}
        assert client.get("/dump.ttl", headers=other).status_code == 200
    tags = {client.head(f"/dump.{name}").headers["etag"] for name in DUMP_NAMES}
    assert len(tags) == len(DUMP_NAMES)


def test_a_range_continues_a_download(client: TestClient, release: str) -> None:
    whole = client.get("/dump.nt")
    headers = {"Range": "bytes=1000-", "If-Range": whole.headers["etag"]}
    rest = client.get("/dump.nt", headers=headers)
    assert rest.status_code == 206
    assert rest.content == whole.content[1000:]
    assert rest.headers["repr-digest"] == whole.headers["repr-digest"]
    assert "content-digest" not in rest.headers


def test_sizes_and_checksums_are_published_and_true(client: TestClient, described: Graph) -> None:
    places = set()
    for distribution in described.objects(BASE, DCAT.distribution):
        (place,) = described.objects(distribution, DCAT.downloadURL)
        (size,) = described.objects(distribution, DCAT.byteSize)
        (checksum,) = described.objects(distribution, SPDX.checksum)
        (digest,) = described.objects(checksum, SPDX.checksumValue)
        (media,) = described.objects(distribution, DCAT.mediaType)
        content = client.get(str(place)).content
        assert int(str(size)) == len(content)
        assert str(digest) == hashlib.sha256(content).hexdigest()
        packed = set(described.objects(distribution, DCAT.compressFormat))
        assert bool(packed) == str(place).endswith(".gz")
        assert str(media).startswith("https://www.iana.org/assignments/media-types/")
        places.add(str(place))
    assert places == {f"http://testserver/dump.{name}" for name in DUMP_NAMES}
    assert len(set(described.objects(BASE, VOID.dataDump))) == len(DUMP_NAMES) - 2


def test_the_canonical_hash_is_published_and_true(client: TestClient, described: Graph) -> None:
    (whole,) = described.objects(BASE, PG.canonicalHash)
    for form in FORMATS:
        hashes = {
            str(stated)
            for name in (form, f"{form}.gz")
            for stated in described.objects(URIRef(f"{BASE}#dump.{name}"), PG.canonicalHash)
        }
        if form == "csv":
            assert not hashes
            continue
        syntax = MEDIA_TYPES[form].rdf or RdfFormat.JSON_LD
        dataset = Dataset(parse(client.get(f"/dump.{form}").content, syntax))
        dataset.canonicalize(CanonicalizationAlgorithm.RDFC_1_0)
        content = serialize(dataset, format=RdfFormat.N_QUADS)
        assert content
        lines = b"".join(sorted(content.splitlines(keepends=True)))
        assert hashes == {hashlib.sha256(lines).hexdigest()}
        assert (str(whole) in hashes) == (form in ("nq", "trig", "jsonld"))


def test_every_syntax_of_the_description_lists_the_dumps(
    client: TestClient, described: Graph
) -> None:
    quads = list(parse(client.get("/catalog.trig").content, RdfFormat.TRIG))
    places = {quad.object for quad in quads if quad.predicate.value == str(DCAT.downloadURL)}
    assert len(places) == len(DUMP_NAMES)
    graphs = {str(quad.graph_name) for quad in quads}
    assert graphs == {f"<{BASE}>", f"<{BASE}catalog#document>"}


def test_pages_list_the_dumps_in_the_reader_s_language(client: TestClient, release: str) -> None:
    for path in ("/data", "/catalog.html"):
        page = client.get(path, params={"lang": "fr"}, headers={"Accept": "text/html"}).text
        assert "Téléchargements" in page
        assert page.count('href="/dump.') == len(DUMP_NAMES)
        size = len(client.get("/dump.nq").content) / 1e6
        assert f"{size:.1f} Mo".replace(".", ",") in " ".join(page.split())
        assert hashlib.sha256(client.get("/dump.csv").content).hexdigest() in page


def test_a_dump_of_a_release_never_changes(client: TestClient, release: str) -> None:
    response = client.get(f"/dump/{release}.nq.gz")
    assert response.content == client.get("/dump.nq.gz").content
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert client.get("/dump.nq.gz").headers["cache-control"] == "no-cache"
    known = {"If-None-Match": response.headers["etag"]}
    again = client.get(f"/dump/{release}.nq.gz", headers=known)
    assert again.status_code == 304
    assert again.headers["cache-control"] == response.headers["cache-control"]


@pytest.mark.parametrize(
    "path",
    [
        "/dump",
        "/dump.",
        "/dump.exe",
        "/dump.nq.gz.gz",
        "/dump/",
        "/dump/x.nq.gz",
        "/dump/../dumps.json",
        "/dump/%2e%2e/dump.nq.gz",
        "/dump/01234567-89abcdef.nq",
        "/dump/01234567-89abcdef.nq.gz",
    ],
)
def test_other_paths_of_dumps_are_404(client: TestClient, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 404
    assert response.json()["hint"]


def test_openapi_lists_the_dumps(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    (name,) = paths["/dump.{name}"]["get"]["parameters"]
    assert name["schema"]["enum"] == list(DUMP_NAMES)
    assert "/dump/{name}" in paths


def test_dumps_are_made_once_and_end_as_they_began(served: Services) -> None:
    dumps = DumpFolder(served.catalogue.folder / catalogue.WORK_FOLDER / "dumps")
    dumps.make(served.catalogue)
    first = snapshot(dumps.folder)
    assert len(first) == len(DUMP_NAMES) + 1
    times = {path: path.stat().st_mtime_ns for path in dumps.folder.rglob("*")}
    dumps.make(served.catalogue)
    assert {path: path.stat().st_mtime_ns for path in dumps.folder.rglob("*")} == times
    dumps.path(served.catalogue.release, "trig").unlink()
    assert dumps.current(served.catalogue.release) is None
    dumps.make(served.catalogue)
    assert snapshot(dumps.folder) == first


def test_incomplete_dumps_are_made_again(served: Services) -> None:
    dumps = DumpFolder(served.catalogue.folder / catalogue.WORK_FOLDER / "dumps")
    (dumps.folder / "part").mkdir(parents=True)
    (dumps.folder / "part" / "nq").write_text("half")
    home = dumps.folder / served.catalogue.release
    home.mkdir()
    (home / "dump.nq").write_text("half")
    (home / "dumps.json").write_text('{"maker": ')
    dumps.make(served.catalogue)
    made = dumps.current(served.catalogue.release)
    assert made
    assert set(made.dumps) == set(DUMP_NAMES)
    assert not (dumps.folder / "part").exists()
    assert made.dumps["nq"].size == dumps.path(served.catalogue.release, "nq").stat().st_size


def test_dumps_of_another_version_of_the_program_are_made_again(served: Services) -> None:
    dumps = DumpFolder(served.catalogue.folder / catalogue.WORK_FOLDER / "dumps")
    dumps.make(served.catalogue)
    listing = dumps.folder / served.catalogue.release / "dumps.json"
    listing.write_text(json.dumps(json.loads(listing.read_text()) | {"maker": "another"}))
    assert dumps.read(served.catalogue.release)
    assert dumps.current(served.catalogue.release) is None
    dumps.make(served.catalogue)
    assert dumps.current(served.catalogue.release)


def test_archives_of_the_last_releases_are_kept_and_older_ones_are_410(served: Services) -> None:
    dumps = DumpFolder(served.catalogue.folder / catalogue.WORK_FOLDER / "dumps")
    dumps.make(served.catalogue)
    names_listed = (dumps.folder / served.catalogue.release / "dumps.json").read_text()
    for number in range(MAX_ARCHIVES + 2):
        home = dumps.folder / f"{number:012x}"
        home.mkdir()
        for name, content in (("dump.nq.gz", "x"), ("dump.ttl", "x"), ("dumps.json", names_listed)):
            (home / name).write_text(content)
        os.utime(home / "dumps.json", (number, number))
    dumps.prune(served.catalogue.release)
    dumper = DumpProcess(served, dumps)
    client = TestClient(application(served, dumper=dumper))
    answers = [client.get(f"/dump/{number:012x}.nq.gz") for number in range(MAX_ARCHIVES + 2)]
    assert [response.status_code for response in answers] == [410] * 3 + [200] * (MAX_ARCHIVES - 1)
    assert "000000000000" in answers[0].json()["detail"]
    assert served.catalogue.release in answers[0].json()["hint"]
    assert not list(dumps.folder.glob("0000000000*/dump.ttl"))
    assert client.get(f"/dump/{served.catalogue.release}.nq.gz").status_code == 200
    dumper.close()


def test_the_process_makes_all_dumps_and_prints_nothing(
    served: Services, capfd: pytest.CaptureFixture[str]
) -> None:
    dumper = DumpProcess(
        served, DumpFolder(served.catalogue.folder / catalogue.WORK_FOLDER / "dumps")
    )
    wait_for_dumps(TestClient(application(served, dumper=dumper)), served.catalogue.release)
    made = dumper.newest()
    assert made
    assert made.release == served.catalogue.release
    assert capfd.readouterr() == ("", "")
    dumper.close()


def test_while_the_first_dumps_are_made_the_answer_is_503_with_retry_after(
    served: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DumpProcess, "_make", lambda _: time.sleep(1))  # as if it took long
    dumper = DumpProcess(
        served, DumpFolder(served.catalogue.folder / catalogue.WORK_FOLDER / "dumps")
    )
    client = TestClient(application(served, dumper=dumper))
    response = client.get("/dump.nq")
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) > 0
    assert "dcat:Distribution" not in client.get("/catalog.ttl").text
    assert "dump.nq" not in client.get("/", headers={"Accept": "text/html"}).text
    dumper.close()
