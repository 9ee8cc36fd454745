"""A copy of store and index follows the change log, and is then as one that is made anew."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from fastapi.testclient import TestClient

from practicegraph.application import startup
from practicegraph.application.services import Services, index_of
from practicegraph.editing.editor import Replica
from practicegraph.editing.tokens import PERMISSIONS, TokenFile
from practicegraph.search.index import Index
from practicegraph.search.index_data import IndexFile
from practicegraph.search.request import ALL_ENTRIES
from practicegraph.web.app import application
from support.catalogues import loaded


@dataclass
class Pair:
    """A catalogue that is written, and a copy that follows it."""

    writing: TestClient
    services: Services
    copied: Services
    replica: Replica

    def change(self, path: str, before: str, after: str) -> None:
        iri = self.services.catalogue.base + path.removeprefix("/")
        text = self.services.catalogue.path_of_iri(iri).read_text()
        assert before in text
        answer = self.writing.put(path, content=text.replace(before, after).encode())
        assert answer.status_code == 200, answer.text


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    root = loaded(tmp_path_factory.mktemp("replica"))
    token = TokenFile(root).add("anna", PERMISSIONS)
    services = startup.open_for_serving(root)
    editor = startup.entry_editor(services)
    number = startup.copy_for_worker(services, editor.writer, root / ".practicegraph" / "copy")
    copied = startup.open_copy(root, root / ".practicegraph" / "copy")
    headers = {"Authorization": f"Bearer {token}", "If-Match": "*", "Content-Type": "text/turtle"}
    with TestClient(application(services, editor=editor), headers=headers) as client:
        yield Pair(client, services, copied, startup.replica_of(copied, number))


def content(index: Index) -> tuple[object, ...]:
    """Return what an index answers: all entries with counts, the words of one, what is similar."""
    found = index.search(ALL_ENTRIES, index.reader.languages)
    entries = [cursor.iri for cursor in found.cursors]
    similar = [index.similar(entry, 5) for entry in entries[:3]]
    return found, index.scores("mentoring"), index.scores("xylophone"), similar


def graphs(services: Services) -> dict[str, str]:
    catalogue = services.catalogue
    return {name: catalogue.graph_digest(name) for name in catalogue.store.graph_names()}


def test_a_copy_is_at_the_release_and_builds_no_index(pair: Pair) -> None:
    assert not pair.replica.is_behind
    assert pair.copied.catalogue.release == pair.services.catalogue.release
    assert {i.release for i in pair.copied.indexes.values()} == {pair.services.catalogue.release}


def test_writes_are_followed_together_and_leave_what_a_new_index_has(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair.change("/practice/1788", '"MINT', '"Xylophone MINT')
    pair.change("/organisation/ceps", "CEPS", "Ukulele CEPS")
    assert pair.writing.delete("/practice/1806?reason=no").status_code == 204
    assert pair.replica.is_behind
    monkeypatch.setattr(Index, "build", None)  # following reads what has changed alone
    pair.replica.follow()
    monkeypatch.undo()
    assert pair.replica.log.count == pair.replica.number
    assert graphs(pair.copied) == graphs(pair.services)
    for services in pair.copied.of_kinds:
        new = index_of(services.catalogue, IndexFile())
        new.build()
        assert content(services.search) == content(new)


def test_a_copy_that_lags_is_whole_at_its_own_release(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A search neither builds the index nor finds what the store does not yet have."""
    pair.change("/practice/1788", "Xylophone", "Bassoon")
    monkeypatch.setattr(Index, "build", None)
    search = pair.copied.search
    assert search.release == pair.copied.catalogue.release
    assert search.scores("xylophone")
    pair.replica.follow()
    assert pair.copied.search.release == pair.services.catalogue.release
    assert not pair.copied.search.scores("xylophone")


def test_an_index_stops_where_its_store_does_though_the_log_goes_on(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = pair.replica.log
    pair.change("/practice/1788", "Bassoon", "Clarinet")
    number, release = log.count, log.release
    pair.change("/practice/1788", "Clarinet", "Trombone")
    monkeypatch.setattr(Index, "build", None)
    event = log.event(number)
    pair.replica.put({event.topic: event.triples}, release, number)
    assert pair.replica.is_behind
    assert {index.release for index in pair.copied.indexes.values()} == {release}
    assert pair.copied.search.scores("clarinet")
    pair.replica.follow()
    assert pair.copied.search.scores("trombone")
    assert not pair.copied.search.scores("clarinet")


def test_the_log_has_each_write_once_and_in_order(pair: Pair) -> None:
    numbers = [event.number for event in pair.replica.log.since(0)]
    assert numbers == list(range(1, pair.replica.number + 1))
