"""Where Oxigraph differs from SPARQL 1.1, as the page of the endpoint and queries/README.md say.

A release of the engine that mends one makes its test fail: the phrase and the row go then.
"""

from collections.abc import Sequence

import pytest
from fastapi.testclient import TestClient
from pyoxigraph import NamedNode, QuerySolutions, RdfFormat, Store

from support.catalogues import ROOT

HEAD = "PREFIX : <https://a.b/> PREFIX xsd: <http://www.w3.org/2001/XMLSchema#> "
DATA = """
PREFIX : <https://a.b/> PREFIX xsd: <http://www.w3.org/2001/XMLSchema#>
:s :number 007 , 7 ; :decimal 1.50 ; :next :t ; :text "a"@en , "b"@en ;
    :time "2018-01-01T00:00:00.000Z"^^xsd:dateTime ;
    :date "2018"^^xsd:gYear , "2018-05"^^xsd:gYearMonth , "2019-05-01"^^xsd:date .
"""
DEVIATIONS = [
    ("SELECT (STR(007) AS ?x) {}", [["7"]]),
    ("SELECT (STR(?o) AS ?x) { :s :decimal ?o }", [["1.5"]]),
    ("SELECT (STR(?o) AS ?x) { :s :time ?o }", [["2018-01-01T00:00:00Z"]]),
    ("SELECT (sameTerm(007, 7) AS ?x) {}", [["true"]]),
    ("SELECT DISTINCT ?o { :s :number ?o }", [["7"]]),
    ("SELECT ?x { :nowhere :next* ?x }", []),
    ("SELECT ?x { :nowhere :next? ?x }", []),
    ("SELECT (LANG(GROUP_CONCAT(?o)) AS ?x) { :s :text ?o }", [["en"]]),
    ('SELECT (COUNT(DISTINCT ?x) AS ?n) { :s :text ?o BIND(BNODE("x") AS ?x) }', [["1"]]),
    ("SELECT ?g { GRAPH ?g { { SELECT ?x { ?x :next ?y } } } }", [[""]]),
    ("SELECT ?h { GRAPH ?g { ?x :next ?y BIND(?g AS ?h) } }", [["https://a.b/g"]]),
    ("SELECT ?o { :s :date ?o FILTER(?o >= '2018-01-01'^^xsd:date) }", [["2019-05-01"]]),
]
REMEDIES = [
    ("SELECT (7.0 = 7 AS ?x) {}", [["true"]]),
    (
        "SELECT ?x { { BIND(:nowhere AS ?x) } UNION { :nowhere :next+ ?x } }",
        [["https://a.b/nowhere"]],
    ),
    ("SELECT (LANG(STR(GROUP_CONCAT(?o))) AS ?x) { :s :text ?o }", [[""]]),
    ("SELECT (COUNT(DISTINCT ?x) AS ?n) { :s :text ?o BIND(BNODE() AS ?x) }", [["2"]]),
    ("SELECT ?g { { SELECT ?g ?x { GRAPH ?g { ?x :next ?y } } } }", [["https://a.b/g"]]),
    ("SELECT (COUNT(?o) AS ?n) { :s :date ?o FILTER(YEAR(?o) >= 2018) }", [["3"]]),
]


@pytest.fixture(scope="module")
def store() -> Store:
    """A store with the data in its default graph and in a named one."""
    store = Store()
    for graph in (None, NamedNode("https://a.b/g")):
        store.load(DATA.encode(), RdfFormat.TURTLE, to_graph=graph)
    return store


@pytest.mark.parametrize(("query", "rows"), [*DEVIATIONS, *REMEDIES])
def test_the_engine_answers_as_the_list_of_deviations_says(
    store: Store, query: str, rows: Sequence[Sequence[str]]
) -> None:
    solutions = store.query(HEAD + query)
    assert isinstance(solutions, QuerySolutions)
    result = [
        ["" if term is None else getattr(term, "value", "") for term in row] for row in solutions
    ]
    assert result == rows


def test_an_unknown_function_is_an_error_of_the_whole_query(store: Store) -> None:
    with pytest.raises(RuntimeError, match="not supported"):
        store.query(HEAD + "SELECT (COALESCE(:f(1), 2) AS ?x) {}")


@pytest.mark.parametrize("expression", ["TRUE", "COALESCE (1, 2)", "isBlank(BNODE ())"])
def test_the_engine_refuses_expressions_that_the_endpoint_takes(
    store: Store, expression: str
) -> None:
    with pytest.raises(SyntaxError):
        store.query(f"ASK {{ FILTER({expression}) }}")


def test_the_engine_sorts_the_columns_of_a_star(store: Store) -> None:
    solutions = store.query("SELECT * { VALUES (?b ?a) { (1 2) } }")
    assert isinstance(solutions, QuerySolutions)
    assert [variable.value for variable in solutions.variables] == ["a", "b"]


@pytest.mark.parametrize(
    ("query", "csv"),
    [
        ("SELECT * { VALUES (?b ?a) { (1 2) } }", "b,a\r\n1,2\r\n"),
        ("select distinct * { { SELECT * { VALUES ($b ?a) { (1 2) } } } }", "b,a\r\n1,2\r\n"),
        ("SELECT#x\n*{ VALUES ?b { 1 } BIND(?b * 2 AS ?a) } ORDER BY ?a", "b,a\r\n1,2\r\n"),
        ("SELECT ?a { { SELECT * { VALUES (?b ?a) { (1 2) } } } }", "a\r\n2\r\n"),
        ("SELECT * { BIND(1 AS ?a) MINUS { VALUES ?b { 2 } } }", "a\r\n1\r\n"),
        ("SELECT (COALESCE (1, 2) AS ?a) (concat # (\n ('b', 'c') AS ?b) {}", "a,b\r\n1,bc\r\n"),
        ("SELECT (isBlank(BNODE ( )) AS ?a) ('COALESCE (' AS ?b) {}", "a,b\r\ntrue,COALESCE (\r\n"),
        ("SELECT (TRUE && !FALSE AS ?a) ('TRUE' AS ?b) {}", "a,b\r\ntrue,TRUE\r\n"),
        (
            "PREFIX TRUE: <https://a.b/> SELECT (STR(TRUE:TRUE) AS ?a) {}",
            "a\r\nhttps://a.b/TRUE\r\n",
        ),
    ],
)
def test_the_endpoint_takes_all_of_the_grammar_and_keeps_the_order_of_columns(
    client: TestClient, query: str, csv: str
) -> None:
    answer = client.get("/sparql", params={"query": query}, headers={"Accept": "text/csv"})
    assert (answer.status_code, answer.text) == (200, csv)


def test_the_page_of_the_endpoint_says_where_it_differs(client: TestClient) -> None:
    page = client.get("/sparql", headers={"Accept": "text/html", "Accept-Language": "en"}).text
    assert "YEAR(?date) &gt;= 2018" in page
    assert page.count("<li>") >= 7


def test_the_document_beside_the_stored_queries_has_every_deviation() -> None:
    text = (ROOT / "queries/README.md").read_text()
    for words in (
        "STR",
        "sameTerm",
        "DISTINCT",
        "p* ?x",
        "GROUP_CONCAT",
        "BNODE",
        "GRAPH ?g",
        "YEAR",
    ):
        assert words in text
