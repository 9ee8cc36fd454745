import gzip
import json
from pathlib import Path

import pytest
from pyoxigraph import RdfFormat, serialize

from conftest import snapshot
from practicegraph import folder, loading
from practicegraph.folder import UnreadableError
from practicegraph.loading import SameTopicError
from practicegraph.store import Store


def synchronised(root: Path, store: Store) -> tuple[str, list[str]]:
    """Bring the store in step; give the release and the names of the files that were read."""
    read: list[str] = []

    def watch(paths: list[Path]) -> list[Path]:
        read.extend(path.name for path in paths)
        return paths

    return loading.synchronise(root, store, root / "files.json", watch), read


def test_only_changed_files_are_read_again(copied: Path) -> None:
    store = Store()
    _, read = synchronised(copied, store)
    assert "1788.ttl" in read
    assert synchronised(copied, store)[1] == []
    entry = copied / "data/practices/1788.ttl"
    entry.write_text(entry.read_text().replace("MINT - Mentoring", "MINT – Mentoring"))
    assert synchronised(copied, store)[1] == ["1788.ttl"]


def test_a_file_that_has_gone_leaves_the_store(copied: Path) -> None:
    store = Store()
    synchronised(copied, store)
    entry = "https://w3id.org/practicegraph/practice/1788"
    assert store.holds(entry)
    (copied / "data/practices/1788.ttl").unlink()
    synchronised(copied, store)
    assert not store.holds(entry)


def test_the_release_is_that_of_the_content(copied: Path) -> None:
    first, _ = synchronised(copied, Store())
    (copied / "files.json").unlink()
    assert synchronised(copied, Store())[0] == first
    entry = copied / "data/practices/1788.ttl"
    entry.write_text(entry.read_text() + "\n")
    assert synchronised(copied, Store())[0] != first


def test_a_file_whose_loading_broke_off_is_read_again(copied: Path) -> None:
    store = Store()
    synchronised(copied, store)
    listing = copied / "files.json"
    listed = json.loads(listing.read_text())
    listed["files"]["data/practices/1788.ttl"][0] = None
    listing.write_text(json.dumps(listed))
    assert synchronised(copied, store)[1] == ["1788.ttl"]


@pytest.mark.parametrize("listing", [None, "", "{", '{"form": 0, "files": {}}'])
def test_without_a_list_that_can_be_read_the_store_is_made_anew(
    copied: Path, listing: str | None
) -> None:
    store = Store()
    synchronised(copied, store)
    triples = len(store)
    entry = copied / "data/practices/1788.ttl"
    entry.unlink()
    (copied / "files.json").unlink() if listing is None else (copied / "files.json").write_text(
        listing
    )
    _, read = synchronised(copied, store)
    assert "1789.ttl" in read
    assert 0 < len(store) < triples


def test_an_unreadable_file_changes_nothing(copied: Path) -> None:
    store = Store()
    synchronised(copied, store)
    (copied / "data/practices/1788.ttl").write_text("<a> <b> ")
    (copied / "data/practices/1789.ttl").unlink()
    before, triples = snapshot(copied), len(store)
    with pytest.raises(UnreadableError):
        synchronised(copied, store)
    assert (snapshot(copied), len(store)) == (before, triples)


def test_two_files_on_one_topic_are_refused(copied: Path) -> None:
    entry = copied / "data/practices/1788.ttl"
    (copied / "data/practices/1789b.ttl").write_text(entry.read_text())
    with pytest.raises(SameTopicError, match="1788"):
        synchronised(copied, Store())


@pytest.mark.parametrize("name", ["set.nq", "set.nq.gz", "set.trig"])
def test_a_set_of_many_graphs_is_loaded_too(copied: Path, name: str) -> None:
    entry = copied / "data/practices/1788.ttl"
    form = RdfFormat.TRIG if name.endswith("trig") else RdfFormat.N_QUADS
    content = serialize(folder.read(entry).quads, format=form)
    assert content
    entry.unlink()
    packed = gzip.compress(content) if name.endswith("gz") else content
    (copied / "data" / name).write_bytes(packed)
    store = Store()
    synchronised(copied, store)
    assert store.graph("https://w3id.org/practicegraph/practice/1788")
