import pytest
from pyoxigraph import Literal, NamedNode, Quad

from practicegraph.store import Store

EX = "https://example.org/"


@pytest.fixture
def store() -> Store:
    found = Store()
    quads = [
        Quad(NamedNode(EX + name), NamedNode(EX + "p"), Literal(name), NamedNode(EX + name))
        for name in ("a", "b")
    ]
    found.add(quads)
    return found


def test_a_query_sees_the_union_of_all_graphs(store: Store) -> None:
    assert len(list(store.select("SELECT ?s WHERE { ?s ?p ?o }"))) == 2


def test_a_query_can_ask_for_one_graph(store: Store) -> None:
    assert len(list(store.select(f"SELECT ?s WHERE {{ GRAPH <{EX}a> {{ ?s ?p ?o }} }}"))) == 1


def test_a_triple_in_two_graphs_counts_once_in_the_union(store: Store) -> None:
    store.add([Quad(NamedNode(EX + "a"), NamedNode(EX + "p"), Literal("a"), NamedNode(EX + "b"))])
    assert store.triples() == 2
    assert store.sizes() == {EX + "a": 1, EX + "b": 2}
