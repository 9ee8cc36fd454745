"""The peers are asked for what the real catalogue has, on the same data."""

import json
import sqlite3
from pathlib import Path

import pytest

from benchmarks import side_by_side, sparql
from benchmarks.peers import Peer
from benchmarks.side_by_side import ASKED, TASKS, Subjects
from practicegraph.application.services import Services
from practicegraph.catalogue import documents

Files = list[Path]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    place = tmp_path_factory.mktemp("measured")
    return [sparql.write_heads(place, list(documents.list_files(sparql.ROOT)))]


@pytest.fixture(scope="module")
def subjects(services: Services, files: Files) -> Subjects:
    return side_by_side.read_subjects(services.catalogue, files, "school")


def test_ours_is_asked_for_all_and_the_peers_for_some_of_it(subjects: Subjects) -> None:
    peers = {name: Peer(name, "http://h/q", 0) for name in ASKED}
    asked = {name: set(requests(peers[name], subjects)) for name, requests in ASKED.items()}
    assert asked.pop("PracticeGraph") == set(TASKS)
    assert all(tasks < set(TASKS) for tasks in asked.values())
    assert len(subjects.entries) > 50
    assert len(subjects.concepts) > 20


def test_tables_have_the_values_of_facets_and_the_texts(
    tmp_path: Path, files: Files, subjects: Subjects
) -> None:
    with sqlite3.connect(side_by_side.write_tables(tmp_path, files, subjects)) as database:
        rows = database.execute("SELECT * FROM entries").fetchall()
        found = database.execute("SELECT rowid FROM entries_fts('school')").fetchall()
    database.close()
    assert len(rows) == len(subjects.entries)
    assert 0 < len(found) < len(rows)
    assert any(json.loads(value) for row in rows for value in row[4:])
