"""What every store does, on each kind of store."""

import pytest
from pyoxigraph import BlankNode, Literal, NamedNode, Quad

from practicegraph.rdf.terms import XSD
from practicegraph.storage.base import Store

EX = "https://example.org/"


def literal(text: str, name: str) -> Literal:
    return Literal(text, datatype=NamedNode(XSD + name))


TERMS = [
    NamedNode(EX + "ö/%20?x=1&y=2#z"),
    Literal(""),
    Literal('a "quoted" \\ backslash\nand a line\ttab'),
    Literal("Grüße, ελληνικά, 中文, 😀"),
    Literal("colour", language="en-GB"),
    literal("true", "boolean"),
    literal("false", "boolean"),
    literal("-7", "integer"),
    literal("2019-01", "gYearMonth"),
    literal("2019", "gYear"),
    literal("2026-02-28", "date"),
    Literal("}},{ ?x . <a>"),
]


def quad(subject: str, value: object, graph: str = "") -> Quad:
    nodes = (NamedNode(EX + subject), NamedNode(EX + "p"))
    return Quad(*nodes, value, NamedNode(EX + (graph or subject)))  # type: ignore[arg-type]


@pytest.fixture
def filled(store: Store) -> Store:
    store.add([quad(name, Literal(name)) for name in ("a", "b")])
    return store


def test_a_query_sees_the_union_of_all_graphs(filled: Store) -> None:
    assert len(list(filled.select("SELECT ?s WHERE { ?s ?p ?o }"))) == 2


def test_a_query_can_ask_for_one_graph(filled: Store) -> None:
    assert len(list(filled.select(f"SELECT ?s WHERE {{ GRAPH <{EX}a> {{ ?s ?p ?o }} }}"))) == 1


def test_a_triple_in_two_graphs_counts_once_in_the_union(filled: Store) -> None:
    filled.add([quad("a", Literal("a"), "b")])
    assert len(list(filled.select("SELECT DISTINCT ?s ?p ?o WHERE { ?s ?p ?o }"))) == 2
    assert filled.graph_sizes() == {EX + "a": 1, EX + "b": 2}
    assert len(filled) == 3


def test_quads_of_several_subjects_are_the_quads_of_each(filled: Store) -> None:
    filled.add([quad("a", Literal("more"), "b"), quad("c", NamedNode(EX + "d"))])
    names = [EX + name for name in ("a", "c", "none")]
    each = [quad.triple for name in names for quad in filled.quads(NamedNode(name))]
    assert {quad.triple for quad in filled.quads_of_subjects(names)} == set(each)
    assert len(each) == 3


def test_replacing_a_graph_leaves_the_others(filled: Store) -> None:
    filled.remove_graphs([EX + "a"])
    filled.add([quad("c", Literal("new"), "a")])
    assert filled.graph_quads(EX + "a") == [quad("c", Literal("new"), "a")]
    assert filled.graph_names() == {EX + "a", EX + "b"}
    assert filled.is_subject(EX + "c")
    assert not filled.is_subject(EX + "a")


@pytest.mark.parametrize("term", TERMS, ids=str)
def test_a_term_is_the_same_after_a_round_trip(store: Store, term: Literal | NamedNode) -> None:
    store.add([quad("a", term)])
    assert store.values(NamedNode(EX + "a"), EX + "p") == [term]
    assert store.subjects(EX + "p", term) == [NamedNode(EX + "a")]


def test_a_graph_with_blank_nodes_is_isomorphic_after_a_round_trip(store: Store) -> None:
    inner = BlankNode()
    rest = Quad(inner, NamedNode(EX + "q"), Literal("x"), NamedNode(EX + "a"))
    store.add([quad("a", inner), rest, *(quad("b", Literal(str(n))) for n in range(10))])
    found = {found.predicate.value: found for found in store.graph_quads(EX + "a")}
    assert found[EX + "p"].object == found[EX + "q"].subject
    assert len(store) == 12


def test_more_triples_than_one_request_takes_are_all_added(store: Store) -> None:
    store.add(quad(f"s{n // 100}", Literal(str(n))) for n in range(12_000))
    assert len(store) == 12_000
    assert len(store.graph_names()) == 120


def test_a_store_states_the_release_that_was_set(store: Store) -> None:
    catalogue = NamedNode("http://www.w3.org/ns/dcat#Catalog")
    kind = NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
    home = NamedNode(EX)
    store.add([Quad(home, kind, catalogue, home)])
    said = []
    for version in ("1-1", "1-2", ""):
        store.set_release(version)
        said.append(store.release())
    assert said == ["1-1", "1-2", ""]
    assert store.graph_quads(EX) == [Quad(home, kind, catalogue, home)]
