import gzip
from pathlib import Path
from typing import Any

import pytest
from pyoxigraph import Literal, RdfFormat, serialize

from practicegraph.catalogue import change_log, documents, loading
from practicegraph.catalogue.change_log import ChangeLog, StateFile
from practicegraph.catalogue.documents import UnreadableError
from practicegraph.errors import CatalogueError
from practicegraph.storage.oxigraph import OxigraphStore


def synchronised(root: Path, store: OxigraphStore) -> tuple[str, list[str]]:
    """Bring the store in step; give the release and the names of the files that were read."""
    read: list[str] = []

    def progress(label: str, items: list[Any], /) -> list[Any]:
        read.extend(path.name for path in items if label == "Reading")
        return items

    return loading.synchronise(root, store, StateFile(state_of(root)), progress), read


def state_of(root: Path) -> Path:
    return root.parent / "state.db"


def test_only_changed_files_are_read_again(copied: Path) -> None:
    store = OxigraphStore()
    _, read = synchronised(copied, store)
    assert "1788.ttl" in read
    assert synchronised(copied, store)[1] == []
    entry = copied / "data/practices/1788.ttl"
    entry.write_text(entry.read_text().replace("MINT - Mentoring", "MINT – Mentoring"))
    assert synchronised(copied, store)[1] == ["1788.ttl"]


def test_ends_of_lines_change_neither_the_release_nor_the_graphs(copied: Path) -> None:
    lines = "\n" * 600_000  # more than a buffer, which ends between the two bytes of one of them
    for text in (lines, f"a{lines}"):
        name = f"https://a.b/{len(text)}"
        trig = f"<{name}> {{\n<{name}> <https://a.b/p> '''{text}''' .\n}}\n"
        (copied / f"data/{len(text)}.trig").write_text(trig)
    quad = '<https://a.b/c> <https://a.b/p> "c" <https://a.b/c> .\n'
    (copied / "data/c.nq").write_text(quad)
    store = OxigraphStore()
    release, _ = synchronised(copied, store)
    paths = list(documents.list_files(copied))
    before = {path: literals(path) for path in paths}
    for path in paths:
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert synchronised(copied, store) == (release, [])
    for path in paths:
        assert literals(path) == before[path]
        (_, graph), *_ = documents.read_graphs(path)
        assert sorted(str(q.object) for q in graph if isinstance(q.object, Literal)) == before[path]


def literals(path: Path) -> list[str]:
    quads = documents.read_document(path).quads
    return sorted(str(quad.object) for quad in quads if isinstance(quad.object, Literal))


def test_the_graphs_of_a_deleted_file_leave_the_store(copied: Path) -> None:
    store = OxigraphStore()
    synchronised(copied, store)
    entry = "https://w3id.org/practicegraph/practice/1788"
    assert store.is_subject(entry)
    (copied / "data/practices/1788.ttl").unlink()
    synchronised(copied, store)
    assert not store.is_subject(entry)


def test_the_release_is_that_of_the_content(copied: Path) -> None:
    first, _ = synchronised(copied, OxigraphStore())
    state_of(copied).unlink()
    assert synchronised(copied, OxigraphStore())[0] == first
    entry = copied / "data/practices/1788.ttl"
    entry.write_text(entry.read_text() + "\n")
    assert synchronised(copied, OxigraphStore())[0] != first


def test_a_file_whose_load_was_interrupted_is_read_again(copied: Path) -> None:
    store = OxigraphStore()
    synchronised(copied, store)
    state = StateFile(state_of(copied))
    with state.transaction():
        state.execute("UPDATE files SET checksum = NULL WHERE name LIKE '%/1788.ttl'")
    assert synchronised(copied, store)[1] == ["1788.ttl"]


@pytest.mark.parametrize("content", [None, b"", b"{}\n" * 999, "another version"])
def test_without_a_readable_state_file_the_store_is_loaded_again(
    copied: Path, content: bytes | str | None
) -> None:
    store = OxigraphStore()
    synchronised(copied, store)
    triples = len(store)
    entry = copied / "data/practices/1788.ttl"
    entry.unlink()
    path = state_of(copied)
    if content == "another version":
        StateFile(path).execute("PRAGMA user_version = 99")
    else:
        for file in path.parent.glob("state.db*"):
            file.unlink()
    if isinstance(content, bytes):
        path.write_bytes(content)
    _, read = synchronised(copied, store)
    assert "1789.ttl" in read
    assert 0 < len(store) < triples


def test_an_unreadable_file_changes_nothing(copied: Path) -> None:
    store = OxigraphStore()
    synchronised(copied, store)
    (copied / "data/practices/1788.ttl").write_text("<a> <b> ")
    (copied / "data/practices/1789.ttl").unlink()
    state = StateFile(state_of(copied))
    before, triples = (loading.read_loaded_files(state), ChangeLog(state, store).count), len(store)
    with pytest.raises(UnreadableError):
        synchronised(copied, store)
    assert (loading.read_loaded_files(state), ChangeLog(state, store).count) == before
    assert len(store) == triples


def test_two_files_on_one_topic_are_refused(copied: Path) -> None:
    entry = copied / "data/practices/1788.ttl"
    (copied / "data/practices/1789b.ttl").write_text(entry.read_text())
    with pytest.raises(CatalogueError, match="1788"):
        synchronised(copied, OxigraphStore())


@pytest.mark.parametrize("name", ["set.nq", "set.nq.gz", "set.trig"])
def test_a_set_of_many_graphs_is_loaded_too(copied: Path, name: str) -> None:
    entry = copied / "data/practices/1788.ttl"
    form = RdfFormat.TRIG if name.endswith("trig") else RdfFormat.N_QUADS
    content = serialize(documents.read_document(entry).quads, format=form)
    assert content
    entry.unlink()
    packed = gzip.compress(content) if name.endswith("gz") else content
    (copied / "data" / name).write_bytes(packed)
    store = OxigraphStore()
    synchronised(copied, store)
    assert store.graph_quads("https://w3id.org/practicegraph/practice/1788")


def test_topics_that_two_files_exchange_are_both_there(copied: Path) -> None:
    store = OxigraphStore()
    synchronised(copied, store)
    triples = len(store)
    one, two = (copied / f"data/practices/{name}.ttl" for name in (1788, 1789))
    first = one.read_text()
    one.write_text(two.read_text())
    two.write_text(first)
    synchronised(copied, store)
    assert len(store) == triples
    assert store.graph_quads("https://w3id.org/practicegraph/practice/1788")


def test_graphs_that_others_removed_from_a_store_are_loaded_again(copied: Path) -> None:
    store = OxigraphStore()
    store.is_derived = False
    synchronised(copied, store)
    store.remove_graphs(["https://w3id.org/practicegraph/practice/1788"])
    assert synchronised(copied, store)[1] == ["1788.ttl"]


def test_the_first_half_of_a_release_is_that_of_ontology_shapes_and_queries(copied: Path) -> None:
    first, _ = synchronised(copied, OxigraphStore())
    (copied / "data/practices/1788.ttl").unlink()
    second, _ = synchronised(copied, OxigraphStore())
    scheme = copied / "ontology/action.ttl"
    scheme.write_text(scheme.read_text() + "\n")
    third, _ = synchronised(copied, OxigraphStore())
    halves = [release.split("-") for release in (first, second, third)]
    assert halves[0][0] == halves[1][0] != halves[2][0] == loading.domain_release(copied)
    assert halves[0][1] != halves[1][1] == halves[2][1]


def test_a_store_that_lacks_the_last_write_gets_that_graph_alone(copied: Path) -> None:
    store, name = OxigraphStore(), "data/practices/1788.ttl"
    synchronised(copied, store)
    entry, state = copied / name, StateFile(state_of(copied))
    entry.write_text(entry.read_text().replace("MINT - Mentoring", "MINT – Mentoring"))
    (topic,) = (document := documents.read_document(entry)).topics
    release = loading.folder_release(copied)
    with state.transaction():
        triples = [quad.triple for quad in document.quads]
        change_log.record_change(ChangeLog(state, store), release, topic, triples)
        digest = loading.read_file_graphs(entry).digests[topic]
        checksum = documents.checksum(entry)
        loading.record_write(state, name, checksum, topic, digest, release)
    count = ChangeLog(state, store).count
    assert synchronised(copied, store) == (release, ["1788.ttl"])
    assert set(store.graph_quads(topic)) == set(document.quads)
    assert ChangeLog(state, store).count == count
