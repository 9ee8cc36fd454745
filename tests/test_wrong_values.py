"""One wrong value in one file costs itself: everything else answers, and the service starts."""

import gc
import os
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import TypeVar

import pytest
from fastapi.testclient import TestClient
from httpx2 import Client, Response

from practicegraph.application import startup
from practicegraph.application.background import DumpProcess, FolderHealth
from practicegraph.application.services import Services
from practicegraph.catalogue import catalogue as catalogue_catalogue
from practicegraph.catalogue import documents as catalogue_documents
from practicegraph.catalogue.catalogue import Catalogue
from practicegraph.catalogue.documents import Document, UnreadableError
from practicegraph.editing.tokens import PERMISSIONS, TokenFile
from practicegraph.exchange.export import DumpFolder
from practicegraph.schema.shapes.constraints import VIOLATION, WARNING
from practicegraph.search.request import ALL_ENTRIES
from practicegraph.sparql.pool import QueryLimits, WorkerPool
from practicegraph.web.app import application
from support.catalogues import ROOT, copy, sparql_engine
from support.collation import collated_search
from support.server import serving
from support.wrong_values import BASE, WrongValue, draw_wrong_values
from web.entries.test_endpoint import NEW

DRAWN = int(os.environ.get("PRACTICEGRAPH_WRONG_VALUES", "10"))
SEED = int(os.environ.get("PRACTICEGRAPH_SEED", "1"))
ALWAYS = ("/practices.json?size=100", "/sitemap.xml", "/coverage.json?rows=outcome&columns=country")
IN_TURN = (
    "/practices.html?size=100",
    "/catalog.html",
    "/practices.csv?size=100",
    "/practices.ttl?size=100",
    "/catalog.ttl",
    "/practices.jsonld?q=school&explain=true",
    "/coverage.html?rows=period&columns=category",
    "/outcome/ACE.html",
    "/country/HUN.jsonld",
    "/practices.xlsx",
    "/practices?sort=start&period.from=2015&format=json",
    "/openapi.json",
    "/outcome.html",
    "/ontology.html",
    "/practice/1788/similar.json",
    "/shapes.ttl",
    "/context.jsonld",
)
FORMS = ("html", "ttl", "jsonld", "rdf", "trig", "json", "linkset")
EVERY_KIND = (
    *ALWAYS,
    *(path for path in IN_TURN if path != "/openapi.json"),
    *(f"/practice/1788.{form}" for form in FORMS),
    *("/", "/changes", "/changes/1.trig", "/queries", "/queries/entries-by-outcome?outcome=LAN"),
    *("/gaps", "/health", "/health/live", "/health/ready", "/dump.nq", "/dump.csv", "/shapes.html"),
)
HAND_MADE = {
    "data/practices/1788.ttl": ('dct:modified "2026-11-30"', 'dct:modified "2026-11-31"'),
    "data/practices/1789.ttl": ("pg:country country:", 'pg:country "Hungary" , country:'),
    "data/practices/1791.ttl": ("pg:outcome\n", "pg:outcome outcome:NOPE ,\n"),
    "ontology/outcome.ttl": ('skos:notation "ACA"', 'skos:notation "ACE"'),
    "ontology/actor.ttl": ("skos:inScheme", "skos:broader actor:nowhere ;\n    skos:inScheme"),
    "ontology/target.ttl": ('dct:modified "2026-11-3', 'dct:modified "2026-02-3'),
    "shapes/phrases.ttl": ('"Search"@en', '"{Search"@en'),
    "queries/imports.rq": ("SELECT", "SELEC"),
}
Found = TypeVar("Found")
BROKEN = "@prefix x: <http://example.org/> .\n\nx:a x:b ( .\n"


def opened(documents: list[Document], wrong: WrongValue) -> Catalogue:
    """Open a catalogue with one file changed; one that cannot be read stays what it was."""
    changed = [document for document in documents if document.path == wrong.path]
    try:
        description = (
            []
            if wrong.content is None
            else [catalogue_documents.parse_document(wrong.path, wrong.content)]
        )
    except UnreadableError:
        description = changed
    return catalogue_catalogue.open_in_memory(
        [*(d for d in documents if d not in changed), *description], ROOT
    )


def addresses(wrong: WrongValue, number: int, documents: list[Document]) -> Iterator[str]:
    """Yield some paths in turn, and those of the changed entry or concept in two formats."""
    yield from ALWAYS
    yield from (IN_TURN[(3 * number + step) % len(IN_TURN)] for step in range(3))
    (topic, *_) = next(document.topics for document in documents if document.path == wrong.path)
    path = topic.removeprefix(BASE) or "catalog"
    yield from (f"/{path}.{FORMS[(2 * number + step) % len(FORMS)]}" for step in range(2))


def test_no_single_wrong_value_makes_the_server_fail() -> None:
    documents = list(catalogue_catalogue.read_folder(ROOT).documents)
    failed: list[str] = []
    for number, wrong in enumerate(islice(draw_wrong_values(documents, SEED), DRAWN)):
        catalogue = opened(documents, wrong)
        services = Services(catalogue)
        client = TestClient(application(services), raise_server_exceptions=False)
        description = f"{number} {wrong.path.relative_to(ROOT)}: {wrong.description}"
        for path in addresses(wrong, number, documents):
            answer = client.get(path)
            if answer.status_code >= 500:
                failed.append(f"{description}: {path}")
        index, engine = services.search, sparql_engine(services.catalogue)
        defined = collated_search(engine, index, ALL_ENTRIES, catalogue.languages)
        if index.search(ALL_ENTRIES, catalogue.languages) != defined:
            failed.append(f"{description}: the index differs from its definition")
    assert not failed, "\n".join(failed)


def edit(root: Path, name: str, old: str, new: str) -> None:
    text = (root / name).read_text()
    assert old in text, name
    (root / name).write_text(text.replace(old, new, 1))


def close(served: Services) -> None:
    assert served.index
    served.index.file.close()


def test_every_kind_of_path_responds_despite_wrong_values(copied: Path) -> None:
    for name, (old, new) in HAND_MADE.items():
        edit(copied, name, old, new)
    (copied / "data/practices/1793.ttl").write_text(BROKEN)
    served = startup.open_for_serving(copied)
    assert served.source
    dumper = DumpProcess(served, DumpFolder(copied / catalogue_catalogue.WORK_FOLDER / "dumps"))
    workers = WorkerPool(served.source, QueryLimits(processes=1))
    with TestClient(application(served, workers, dumper), raise_server_exceptions=False) as client:
        answers = {path: client.get(path).status_code for path in EVERY_KIND}
        failed = {path: status for path, status in answers.items() if status >= 500}
        assert not {path for path in failed if not path.startswith("/dump")}
        assert set(failed.values()) <= {503}  # while dumps are made
        health = client.get("/health").json()
    dumper.close()
    assert health["status"] == "degraded"
    assert [file["file"] for file in health["files"]] == ["data/practices/1793.ttl"]
    assert health["files"][0]["reason"].startswith("3:")
    assert health["release"] == served.catalogue.release
    close(served)


def started(root: Path, look: Callable[[Services], Found]) -> Found:
    """Start a service, look at its catalogue, and end it."""
    served = startup.open_for_serving(root)
    try:
        return look(served)
    finally:
        close(served)
        del served
        gc.collect()  # the store is in use until then


def state(served: Services) -> tuple[str, int, list[str]]:
    """Return the release, the number of changes in the log, and the files that are unreadable."""
    assert served.log
    catalogue = served.catalogue
    assert catalogue.store.is_subject(catalogue.entry_iri("1788"))
    assert catalogue.vocabularies.schemes_by_key["outcome"].get("ACE")
    return catalogue.release, served.log.count, [error.path.name for error in catalogue.unreadable]


def test_of_a_file_that_becomes_unreadable_the_earlier_content_is_served(copied: Path) -> None:
    release, count, left = started(copied, state)
    assert left == []
    entry = copied / "data/practices/1788.ttl"
    before = entry.read_text()
    entry.write_text(BROKEN)
    (copied / "ontology/outcome.ttl").write_text("")
    assert started(copied, state) == (release, count, ["outcome.ttl", "1788.ttl"])
    entry.write_text(before.replace("MINT", "Mint"))
    mended, logged, left = started(copied, state)
    assert (mended != release, logged, left) == (True, count + 1, ["outcome.ttl"])


def test_of_two_files_about_one_entry_the_earlier_one_is_served(copied: Path) -> None:
    first = started(copied, state)
    entry = copied / "data/practices/1788.ttl"
    (copied / "data/practices/0.ttl").write_text(entry.read_text().replace("MINT", "Other"))
    assert started(copied, state) == (*first[:2], ["0.ttl"])


def test_writes_persist_beside_an_unreadable_file_which_stays_unchanged(tmp_path: Path) -> None:
    copied = copy(tmp_path / "new")
    headers = {"Authorization": f"Bearer {TokenFile(copied).add('anna', PERMISSIONS)}"}
    headers["Content-Type"] = "text/turtle"
    (copied / "data/practices/1789.ttl").write_text(BROKEN)
    started(copied, state)
    (copied / "data/practices/1788.ttl").write_text(BROKEN)
    with serving(copied) as address, Client(base_url=address, timeout=60) as client:

        def put(name: str, condition: str) -> Response:
            description = headers | {condition: "*"}
            return client.put(f"/practice/{name}", content=NEW.encode(), headers=description)

        assert put("another", "If-None-Match").status_code == 201
        assert put("1791", "If-Match").status_code == 200
        for name, condition in (("1788", "If-Match"), ("1789", "If-None-Match")):
            answer = put(name, condition)
            assert answer.status_code == 409
            assert f"{name}.ttl:3:" in answer.json()["detail"]
        release = client.get("/health").json()["release"]
    assert started(copied, state)[0] == release
    assert started(
        copied,
        lambda served: served.catalogue.store.is_subject(served.catalogue.entry_iri("another")),
    )
    assert "Pécs" in (copied / "data/practices/1791.ttl").read_text()
    for name in ("1788", "1789"):
        assert (copied / f"data/practices/{name}.ttl").read_text() == BROKEN


def test_health_lists_findings_until_their_file_changes(
    copied: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = copied / "data/practices/1788.ttl"
    health = FolderHealth(copied)
    location = {"file": str(path), "line": 7, "column": 3}
    row = {"location": location, "message": "no day", "severity": VIOLATION}
    health.add_findings([row, row, row | {"severity": WARNING}])
    assert health.as_json() == {
        "status": "degraded",
        "files": [{"file": "data/practices/1788.ttl", "findings": 2}],
    }
    assert f"{path}:7:3: no day" in caplog.text
    path.write_text(path.read_text() + "\n")
    assert health.as_json() == {"status": "ok"}
