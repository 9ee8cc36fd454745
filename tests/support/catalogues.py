"""Catalogues for tests: the real one, copies of it, and what tests read of them."""

import csv
import gc
import json
import os
import shutil
import time
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn

import pytest
from fastapi.testclient import TestClient

from practicegraph.application import startup
from practicegraph.catalogue import catalogue
from practicegraph.catalogue.catalogue import WORK_FOLDER, Catalogue
from practicegraph.exchange.export import DumpFolder
from practicegraph.search.engine import SparqlEngine

ROOT = Path(__file__).parents[2]


SOURCES = ROOT / "tests" / "sources"


TABLES = ROOT / "sources"


CASES = ROOT / "tests" / "cases"


PARTS = ("ontology", "shapes", "queries", "data")


def copy(to: Path) -> Path:
    for part in PARTS:
        shutil.copytree(ROOT / part, to / part)
    return to


def loaded(to: Path, with_dumps: bool = True) -> Path:
    """Copy the real catalogue with store, index and dumps, which takes a tenth of making them."""
    ignored = None if with_dumps else shutil.ignore_patterns("dumps")
    return shutil.copytree(
        _loaded().name, to, dirs_exist_ok=True, copy_function=_copy_file, ignore=ignored
    )


def _copy_file(source: str, to: str) -> None:
    """Copy a file; dumps, which are never written twice, are linked."""
    (os.link if "/dumps/" in source else shutil.copy2)(source, to)


@cache
def _loaded() -> "TemporaryDirectory[str]":
    folder = TemporaryDirectory()
    opened = startup.open_for_serving(copy(Path(folder.name))).catalogue
    DumpFolder(opened.folder / WORK_FOLDER / "dumps").make(opened)
    del opened
    gc.collect()  # closes the files
    return folder


def sparql_engine(opened: Catalogue) -> SparqlEngine:
    """The search engine that answers by SPARQL alone, as searches are defined."""
    return SparqlEngine(opened.store, opened.shapes.entry_shape, opened.vocabularies)


def opened(root: Path) -> Catalogue:
    return catalogue.open_in_memory(catalogue.read_folder(root).documents, root)


def json_ld_with_context(client: TestClient, path: str) -> str:
    """A document in JSON-LD with the context to which it refers in its place."""
    document = client.get(path).json()
    assert document["@context"] == "http://testserver/context.jsonld"
    return json.dumps(document | client.get(document["@context"]).json())


def wait_for_dumps(client: TestClient, release: str = "") -> None:
    """Wait until the dumps of a release, else of any one, are served; they are made in a process."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        answer = client.head("/dump.nq")
        if answer.status_code == 200 and release in answer.headers["content-disposition"]:
            return
        time.sleep(0.1)
    raise AssertionError("no dumps were made")


def skip_without(program: str) -> NoReturn:
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
