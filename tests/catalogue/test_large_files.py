"""Sets of many graphs in one file: read as streams, put in part by part, logged as single files."""

import gzip
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from pyoxigraph import (
    BlankNode,
    CanonicalizationAlgorithm,
    Dataset,
    Literal,
    NamedNode,
    Quad,
    RdfFormat,
    serialize,
)

from practicegraph.catalogue import documents, loading
from practicegraph.catalogue.change_log import ChangeLog, Event, StateFile
from practicegraph.catalogue.documents import UnreadableError
from practicegraph.storage.oxigraph import OxigraphStore
from support.catalogues import copy, snapshot

MINT = "https://w3id.org/practicegraph/practice/1788"
LABEL = NamedNode("http://www.w3.org/2000/01/rdf-schema#label")


@dataclass
class Site:
    """A catalogue whose entries are one set, brought in step with a store by small parts."""

    root: Path
    store: OxigraphStore = field(default_factory=OxigraphStore)
    put_in: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        entries = sorted((self.root / "data/practices").glob("*.ttl"))
        self.quads = [quad for path in entries for quad in documents.read_document(path).quads]
        for path in entries:
            path.unlink()
        self.store.batch_size = 500
        self.write(self.quads)

    @property
    def path(self) -> Path:
        return self.root / "data/entries.nq.gz"

    @cached_property
    def log(self) -> ChangeLog:
        return ChangeLog(StateFile(self.root.parent / "state.db"), self.store)

    @property
    def events(self) -> list[Event]:
        return [e for page in range(1, self.log.open_page + 1) for e in self.log.page(page)]

    def write(self, quads: Iterable[Quad], ending: bytes = b"") -> None:
        content = serialize(quads, format=RdfFormat.N_QUADS)
        assert content
        self.path.write_bytes(gzip.compress(content + ending))

    def start(self) -> str:
        return loading.synchronise(self.root, self.store, self.log.state, self._watch)

    def _watch(self, label: str, items: list[Any], /) -> list[Any]:
        self.put_in = items if label == "Loading" else []
        return items

    def holds_its_files(self) -> bool:
        files = (
            quad
            for path in documents.list_files(self.root)
            for quad in documents.read_document(path).quads
        )
        found = self.store.quads()
        return canonical(files) == canonical(
            quad for quad in found if not quad.predicate.value.endswith("dcat#version")
        )


def canonical(quads: Iterable[Quad]) -> set[Quad]:
    found = Dataset(quads)
    found.canonicalize(CanonicalizationAlgorithm.RDFC_1_0)
    return set(found)


def mixed(quads: list[Quad]) -> list[Quad]:
    """The quads in an order in which those of a graph do not stand together."""
    return random.Random(1).sample(quads, len(quads))


def quad(subject: NamedNode | BlankNode, value: NamedNode | BlankNode, name: str) -> Quad:
    return Quad(subject, LABEL, value, NamedNode(f"https://example.org/{name}"))


@pytest.fixture
def site(copied: Path) -> Site:
    return Site(copied)


class KilledError(Exception):
    """What breaks off a start."""


def kill(monkeypatch: pytest.MonkeyPatch, site: Site, after: int) -> None:
    """Break a start off in the middle of a part of the set, after so many whole ones."""
    add, calls = OxigraphStore.add, []
    topics = {quad.graph_name for quad in site.quads}

    def failing(self: OxigraphStore, quads: Iterable[Quad]) -> None:
        listed = list(quads)
        calls.extend([self] * any(quad.graph_name in topics for quad in listed))
        if len(calls) <= after:
            add(self, listed)
            return
        add(self, listed[: len(listed) // 2])
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(OxigraphStore, "add", failing)
        with pytest.raises(KilledError):
            site.start()


def test_a_large_file_is_loaded_in_batches(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    parts: list[int] = []
    add = OxigraphStore.add

    def counting(self: OxigraphStore, quads: Iterable[Quad]) -> None:
        listed = list(quads)
        parts.append(len(listed))
        add(self, listed)

    monkeypatch.setattr(OxigraphStore, "add", counting)
    site.start()
    assert len(parts) > 5
    assert site.holds_its_files()


def test_many_quads_are_loaded_in_bulk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("practicegraph.storage.oxigraph._BULK", 3)
    names = [quad(NamedNode(f"https://example.org/{n}"), LABEL, "set") for n in range(10)]
    for count in range(len(names)):
        store = OxigraphStore()
        store.add(iter(names[:count]))
        assert set(store.quads()) == set(names[:count])


def test_a_graph_in_several_pieces_is_loaded_whole(site: Site) -> None:
    site.write(mixed(site.quads))
    site.start()
    assert site.holds_its_files()


def test_one_changed_graph_of_a_set_is_loaded_alone(site: Site) -> None:
    site.start()
    more = Quad(NamedNode(MINT), LABEL, Literal("MINT"), NamedNode(MINT))
    site.write([*site.quads, more])
    site.start()
    assert site.put_in == [MINT]
    assert site.holds_its_files()


def test_a_graph_that_is_left_out_of_a_set_leaves_the_store(site: Site) -> None:
    site.start()
    site.write(quad for quad in site.quads if quad.graph_name != NamedNode(MINT))
    site.start()
    assert MINT not in site.store.graph_names()
    assert site.events[-1].kind == "deleted"
    assert site.holds_its_files()


def test_graphs_that_move_from_a_file_into_a_set_are_not_loaded_again(site: Site) -> None:
    site.start()
    alone = [quad for quad in site.quads if quad.graph_name == NamedNode(MINT)]
    site.write(quad for quad in site.quads if quad not in alone)
    content = serialize((quad.triple for quad in alone), format=RdfFormat.TURTLE)
    assert content
    (site.root / "data/mint.ttl").write_bytes(content)
    count = site.log.count
    site.start()
    assert site.holds_its_files()
    assert site.log.count == count


def test_graphs_that_share_a_blank_node_still_share_it_when_one_changes(site: Site) -> None:
    node, here, there = BlankNode(), NamedNode("https://example.org/a"), LABEL
    shared = [quad(here, node, "a"), quad(node, there, "b")]
    site.write([*site.quads, *shared])
    site.start()
    site.write([*site.quads, *shared, quad(here, there, "a")])
    site.start()
    assert site.holds_its_files()


@pytest.mark.parametrize(
    ("ending", "reason"),
    [
        (b"<https://example.org/a> <https://example.org/b> .\n", "entries.nq.gz:"),
        (b"<https://example.org/a> <https://example.org/b> 'c' .\n", "entries.nq.gz:"),
        (b'<https://example.org/a> <https://example.org/b> "c" .\n', "none that has an IRI"),
        (b'<https://example.org/a> <https://example.org/b> "c" _:d .\n', "none that has an IRI"),
    ],
)
def test_an_error_in_the_last_line_of_a_set_changes_nothing(
    site: Site, ending: bytes, reason: str
) -> None:
    site.start()
    more = Quad(NamedNode(MINT), LABEL, Literal("MINT"), NamedNode(MINT))
    site.write([more, *site.quads], ending)
    before, held = snapshot(site.root), set(site.store.quads())
    with pytest.raises(UnreadableError, match=reason) as caught:
        site.start()
    assert (snapshot(site.root), set(site.store.quads())) == (before, held)
    if "IRI" not in reason:
        assert caught.value.line == len(site.quads) + 2


def test_a_truncated_gzip_file_is_unreadable(site: Site) -> None:
    site.start()
    site.path.write_bytes(site.path.read_bytes()[:-100])
    before = snapshot(site.root)
    with pytest.raises(UnreadableError):
        site.start()
    assert snapshot(site.root) == before


@pytest.mark.parametrize("order", [list, mixed])
def test_an_interrupted_load_of_a_set_continues_where_it_stopped(
    site: Site, monkeypatch: pytest.MonkeyPatch, order: Any
) -> None:
    site.write(order(site.quads))
    kill(monkeypatch, site, after=2)
    assert site.store.release() == ""
    held = loading.read_loaded_files(site.log.state).files["data/entries.nq.gz"]
    assert held.checksum is None
    assert any(held.graphs.values()) == (order is list), "others stand to the end of the set"
    release = site.start()
    topics = {quad.graph_name for quad in site.quads}
    entries = [topic for topic in site.put_in if NamedNode(topic) in topics]
    assert (0 < len(entries) < 56) == (order is list)
    assert site.store.release() == release == loading.folder_release(site.root)
    assert site.holds_its_files()


def test_a_set_is_logged_as_its_graphs_would_be_in_files_of_their_own(site: Site) -> None:
    site.write(mixed(site.quads))
    site.start()
    log = ChangeLog(StateFile(site.root / "other.db"), OxigraphStore())
    root = copy(site.root / "copy")
    loading.synchronise(root, log.store, log.state)
    others = [e for page in range(1, log.open_page + 1) for e in log.page(page)]
    plain = [
        [
            (
                e.number,
                e.topic,
                e.kind,
                e.graph,
                e.moment if "T00:00:00" in e.moment else "",
            )
            for e in events
        ]
        for events in (site.events, others)
    ]
    assert plain[0] == plain[1]
    assert len(plain[0]) > 90


def test_a_graph_in_pieces_has_the_moment_that_any_of_them_states(site: Site) -> None:
    days = [quad for quad in site.quads if "/terms/modified" in quad.predicate.value]
    site.write([*days, *(quad for quad in site.quads if quad not in days)])
    site.start()
    said = {q.subject: q.object.value for q in days if isinstance(q.object, Literal)}
    moments = {NamedNode(e.topic): e.moment[:10] for e in site.events if NamedNode(e.topic) in said}
    assert len(said) > 40
    assert moments == {topic: day for topic, day in said.items() if topic in moments}
