import pytest
from pyoxigraph import Literal, NamedNode, Quad, QuerySolutions

from practicegraph.store import QueryRefusedError, Store

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


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * WHERE { SERVICE <http://127.0.0.1:1/> { ?s ?p ?o } }",
        "SELECT * WHERE { service silent <http://127.0.0.1:1/> { ?s ?p ?o } }",
        'SELECT * WHERE { ?s ?p "x" SERVICE ?where { ?s ?p ?o } }',
        "SELECT * WHERE { # a comment\nSERVICE <http://127.0.0.1:1/> { ?s ?p ?o } }",
        "SELECT * WHERE { ?s ?p 'it''s' . SeRvIcE <http://127.0.0.1:1/> {} }",
    ],
)
def test_a_call_to_another_endpoint_is_refused(store: Store, query: str) -> None:
    with pytest.raises(QueryRefusedError):
        store.query(query)


@pytest.mark.parametrize(
    "query",
    [
        'SELECT * WHERE { ?s ?p "SERVICE <x> { }" }',
        "SELECT ?service WHERE { ?service ?p ?o }",
        "SELECT * WHERE { ?s <http://example.org/SERVICE> ?o } # SERVICE",
        "PREFIX SERVICE: <http://example.org/> SELECT * WHERE { ?s SERVICE:SERVICE ?o }",
        'SELECT * WHERE { ?s ?p """a "SERVICE" \\""" }',
    ],
)
def test_the_word_service_is_allowed_where_it_is_no_call(store: Store, query: str) -> None:
    assert isinstance(store.query(query.replace('\\""" }', '""" }')), QuerySolutions)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT",
        "INSERT DATA { <http://a> <http://b> <http://c> }",
        "DROP ALL",
        "LOAD <http://127.0.0.1/>",
        "",
    ],
)
def test_what_is_no_query_is_refused_and_changes_nothing(store: Store, query: str) -> None:
    with pytest.raises(QueryRefusedError):
        store.query(query)
    assert len(store) == 2
