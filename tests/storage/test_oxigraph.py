"""The union of the named graphs, which the embedded store keeps as its default graph."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pyoxigraph import BlankNode, Literal, NamedNode, Quad, Triple
from pyoxigraph import Store as Oxigraph

from practicegraph.rdf.terms import as_text, moment_literal
from practicegraph.sparql import worker
from practicegraph.storage.oxigraph import OxigraphStore, find_rewritten_literals

EX = "https://example.org/"
A, B, C, P, Q = (NamedNode(EX + name) for name in "abcpq")
SHARED = [Quad(C, P, Literal("shared"), A), Quad(C, P, Literal("shared"), B)]
OWN = [Quad(A, Q, C, A), Quad(B, Q, C, B)]
PREFIX = f"PREFIX ex: <{EX}>\n"


MINUTE = datetime(2026, 11, 24, 10, 30, tzinfo=UTC)


@pytest.fixture
def store() -> OxigraphStore:
    filled = OxigraphStore()
    filled.add([*SHARED, *OWN])
    return filled


@pytest.fixture
def engine(tmp_path: Path) -> worker.Engine:
    filled = OxigraphStore(tmp_path / "store")
    filled.add([*SHARED, *OWN])
    filled.snapshot(tmp_path / "snapshot")
    return worker.snapshot_engine(str(tmp_path / "snapshot"))


def count(store: OxigraphStore, pattern: str) -> int:
    query = f"{PREFIX}SELECT (COUNT(*) AS ?n) WHERE {{ {pattern} }}"
    return next(int(as_text(row["n"])) for row in store.select(query))


@pytest.mark.parametrize(
    ("pattern", "rows"),
    [
        ("?s ?p ?o", 3),
        ("ex:c ex:p ?text", 1),
        ("ex:a ex:q/ex:p ?text", 1),
        ("?s ex:q* ?o . ?o ex:p ?text", 3),
        ("?s ex:p|ex:q ?o", 3),
        ("GRAPH ?g { ex:c ex:p ?text }", 2),
        ("GRAPH ex:a { ?s ?p ?o }", 2),
    ],
)
def test_a_triple_in_two_graphs_gives_one_row(
    store: OxigraphStore, pattern: str, rows: int
) -> None:
    assert count(store, pattern) == rows


def test_a_shared_triple_stays_in_the_union_until_its_last_graph_goes(
    store: OxigraphStore,
) -> None:
    counts = []
    for graph in (A, B):
        store.remove_graphs([graph.value])
        counts.append((count(store, "?s ex:p ?o"), count(store, "?s ?p ?o"), len(store)))
    assert counts == [(1, 2, 2), (0, 0, 0)]


def test_a_replaced_graph_is_replaced_in_the_union(store: OxigraphStore) -> None:
    node = BlankNode()
    store.replace_graphs({A.value: [Triple(A, Q, node), Triple(node, P, Literal("new"))]}, "")
    assert [as_text(o.object) for o in store.quads(None, P, graph=A)] == ["new"]
    assert count(store, 'ex:a ex:q ?node . ?node ex:p "new"') == 1
    assert count(store, "?s ?p ?o") == 4
    store.replace_graphs({A.value: []}, "")
    assert count(store, "?s ?p ?o") == 2


def test_quads_are_those_of_named_graphs(store: OxigraphStore) -> None:
    assert set(store.quads()) == {*SHARED, *OWN}
    assert set(store.quads(C)) == set(SHARED)


@pytest.mark.parametrize("milliseconds", [0, 100, 120, 123, 10_000, 30_000])
def test_a_moment_is_kept_as_it_is_written(milliseconds: int) -> None:
    moment = moment_literal(MINUTE + timedelta(milliseconds=milliseconds))
    assert find_rewritten_literals([moment]) == {}


def test_a_repair_takes_out_of_the_union_what_no_graph_has(store: OxigraphStore) -> None:
    store.update(f"INSERT DATA {{ {A} {P} 1 }}")
    store.repair()
    assert count(store, "?s ?p ?o") == 3


def test_the_union_of_an_older_folder_is_made_when_it_is_opened(tmp_path: Path) -> None:
    Oxigraph(str(tmp_path)).extend([*SHARED, *OWN])
    assert count(OxigraphStore(tmp_path), "?s ?p ?o") == 3


@pytest.mark.parametrize(
    ("clauses", "rows"),
    [
        ("", 3),
        ("FROM ex:a", 2),
        ("FROM ex:a FROM ex:b", 3),
        ("FROM ex:a FROM <b>", 3),
        ("FROM ex:a # FROM ex:c\nFROM ex:none", 2),
        ("FROM NAMED ex:a", 0),
    ],
)
def test_a_default_graph_of_several_graphs_has_each_triple_once(
    engine: worker.Engine, clauses: str, rows: int
) -> None:
    request = {"query": f"{PREFIX}SELECT * {clauses} WHERE {{ ?s ?p ?o }}", "base": EX}
    assert len(list(engine(request))) == rows  # type: ignore[arg-type]


def test_named_graphs_are_there_beside_a_default_graph_of_several(engine: worker.Engine) -> None:
    request = {
        "query": "SELECT * WHERE { ?s ?p ?o . GRAPH ?g { ?s ?p ?o } }",
        "default": [A.value, B.value],
        "named": [B.value],
    }
    assert len(list(engine(request))) == 2  # type: ignore[arg-type]
