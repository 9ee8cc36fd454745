import pytest
from pyoxigraph import Literal, NamedNode

from practicegraph.storage import query_guard
from practicegraph.storage.base import QueryRefusedError

CALLS = [
    "SELECT * WHERE { SERVICE <http://127.0.0.1:1/> { ?s ?p ?o } }",
    "SELECT * WHERE { service silent <http://127.0.0.1:1/> { ?s ?p ?o } }",
    'SELECT * WHERE { ?s ?p "x" SERVICE ?where { ?s ?p ?o } }',
    "SELECT * WHERE { # a comment\nSERVICE <http://127.0.0.1:1/> { ?s ?p ?o } }",
    "SELECT * WHERE { ?s ?p 'it''s' . SeRvIcE <http://127.0.0.1:1/> {} }",
    "SELECT * WHERE { SERVICESILENT<http://127.0.0.1:1/>{ ?s ?p ?o } }",
    "SELECT * WHERE { ?s ?p trueSERVICE<http://127.0.0.1:1/>{ ?s ?p ?o } }",
    "PREFIX : <http://127.0.0.1:1/> SELECT * WHERE { SERVICE:x{ ?s ?p ?o } }",
    "PREFIX : <http://127.0.0.1:1/> SELECT * WHERE { ?s ?p trueSERVICE:x { ?s ?p ?o } }",
    r"SELECT * WHERE { \u0053ERVICE <http://127.0.0.1:1/> { ?s ?p ?o } }",
    r"SELECT * WHERE { SERV\U00000049CE <http://127.0.0.1:1/> { ?s ?p ?o } }",
    "SELECT * WHERE { ?s ?p ?o.SERVICE<http://127.0.0.1:1/>{} FILTER(1<2)SERVICE?x{?s?p?o} }",
]
NO_CALLS = [
    'SELECT * WHERE { ?s ?p "SERVICE <x> { }" }',
    "SELECT ?service WHERE { ?service ?p ?o }",
    "SELECT * WHERE { ?s <http://example.org/SERVICE> ?o } # SERVICE",
    "PREFIX service: <http://example.org/> SELECT * WHERE { ?s service:SERVICE ?o }",
    'SELECT * WHERE { ?s ?p """a "SERVICE" b""" }',
    r'SELECT * WHERE { ?s ?p "\" SERVICE \"" }',
]


@pytest.mark.parametrize("query", CALLS)
def test_service_of_a_host_that_is_not_allowed_is_refused(query: str) -> None:
    with pytest.raises(QueryRefusedError):
        query_guard.check_service_calls(query)


@pytest.mark.parametrize("query", NO_CALLS)
def test_the_word_service_in_texts_and_names_is_accepted(query: str) -> None:
    query_guard.check_service_calls(query)


def test_only_variables_with_a_dollar_are_bound() -> None:
    query = 'SELECT ?x WHERE { ?x ?p $value . FILTER (?value != "$value") } # $value'
    put = query_guard.bind_parameters(query, {"value": Literal('a" } DROP ALL #', language="en")})
    assert (
        put
        == r'SELECT ?x WHERE { ?x ?p "a\" } DROP ALL #"@en . FILTER (?value != "$value") } # $value'
    )
    assert query_guard.bind_parameters("$a $b", {"a": NamedNode("http://e/")}) == "<http://e/> $b"


@pytest.mark.parametrize("word", ["NOW", "rand", "UUID", "STRUUID", "BNODE"])
def test_a_query_with_a_changing_function_is_not_deterministic(word: str) -> None:
    assert not query_guard.is_deterministic(f"SELECT ({word}() AS ?x) WHERE {{}}")
    assert query_guard.is_deterministic(f'SELECT ("{word}" AS ?x) WHERE {{}}')


LOOKUP = "SELECT ?o WHERE { <https://example.org/s> <https://example.org/p> ?o } LIMIT 9"


@pytest.mark.parametrize(
    ("query", "limit"),
    [
        (LOOKUP, 9),
        ("prefix e: <https://example.org/>\nselect ?o { e:s e:p ?o . } limit 100", 100),
        (LOOKUP.replace("9", "101"), 0),
        (LOOKUP.replace("9", "0"), 0),
        (LOOKUP.replace(" LIMIT 9", ""), 0),
        (LOOKUP + " OFFSET 1000000", 0),
        (LOOKUP.replace("<https://example.org/s>", "?s"), 0),
        (LOOKUP.replace("<https://example.org/p>", "?p"), 0),
        (LOOKUP.replace("/p>", "/p>+"), 0),
        (LOOKUP.replace("?o }", "?o . ?a ?b ?c }"), 0),
        (LOOKUP.replace("?o }", "?o FILTER(?o > 1) }"), 0),
        (LOOKUP.replace("WHERE", "FROM <https://example.org/g> WHERE"), 0),
        (LOOKUP.replace("?o W", "(RAND() AS ?r) W"), 0),
        (LOOKUP.replace("{ <", "{ SERVICE <"), 0),
    ],
)
def test_a_lookup_is_one_pattern_with_a_node_a_property_and_a_small_limit(
    query: str, limit: int
) -> None:
    assert query_guard.lookup_limit(query) == limit
