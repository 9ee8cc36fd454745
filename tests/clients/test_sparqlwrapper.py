"""SPARQLWrapper, unchanged, in each of its return formats and ways of asking."""

import csv
import io
from collections.abc import Callable
from typing import Any
from xml.dom.minidom import Document

import pytest
from pyoxigraph import QueryResultsFormat, parse_query_results
from rdflib import Graph
from SPARQLWrapper import (
    CSV,
    GET,
    JSON,
    JSONLD,
    N3,
    POST,
    POSTDIRECTLY,
    RDF,
    RDFXML,
    TSV,
    TURTLE,
    URLENCODED,
    XML,
    SPARQLWrapper,
    SPARQLWrapper2,
)
from SPARQLWrapper.SPARQLExceptions import QueryBadFormed

MINT = "https://w3id.org/practicegraph/practice/1788"
TEXTS = ["100%25 a+b é", 'ein "Wort", und\nein zweites']
SELECT = (
    'SELECT ?text WHERE { VALUES ?text { "100%25 a+b é" "ein \\"Wort\\", und\\nein zweites" } }'
)
ASK = f"ASK {{ <{MINT}> ?p ?o }}"
CONSTRUCT = f"CONSTRUCT WHERE {{ <{MINT}> ?p ?o }}"
DESCRIBE = f"DESCRIBE <{MINT}>"
COUNT = "SELECT (COUNT(*) AS ?count) WHERE { ?s ?p ?o }"
OWN_CHOICE = "ignore:(Sending Accept header|Format requested was):RuntimeWarning"

Way = tuple[str, str]


@pytest.fixture(params=[(GET, URLENCODED), (POST, URLENCODED), (POST, POSTDIRECTLY)], ids=" ".join)
def way(request: pytest.FixtureRequest) -> Way:
    found: Way = request.param
    return found


def asking(server: str, query: str, way: Way, form: str | None = None) -> SPARQLWrapper:
    wrapper = SPARQLWrapper(f"{server}/sparql")
    wrapper.setMethod(way[0])
    wrapper.setRequestMethod(way[1])
    wrapper.setQuery(query)
    if form:
        wrapper.setReturnFormat(form)
    return wrapper


def answer(server: str, query: str, way: Way, form: str | None = None) -> Any:
    """Ask as a researcher does; what comes back depends on the form."""
    return asking(server, query, way, form).queryAndConvert()


def texts_of_json(found: dict[str, Any]) -> list[str]:
    return [binding["text"]["value"] for binding in found["results"]["bindings"]]


def texts_of_xml(found: Document) -> list[str]:
    words: Any = found.getElementsByTagName("literal")
    return ["".join(node.data for node in word.childNodes) for word in words]


def texts_of_csv(found: bytes) -> list[str]:
    rows = csv.DictReader(io.StringIO(found.decode(), newline=""))
    return [row["text"] for row in rows]


def texts_of_tsv(found: bytes) -> list[str]:
    solutions: Any = parse_query_results(found, QueryResultsFormat.TSV)
    return [solution["text"].value for solution in solutions]


@pytest.mark.parametrize(
    ("form", "texts"),
    [
        (None, texts_of_xml),
        (XML, texts_of_xml),
        (JSON, texts_of_json),
        (CSV, texts_of_csv),
        (TSV, texts_of_tsv),
    ],
)
def test_a_select_returns_all_solutions_in_every_result_format(
    server: str, way: Way, form: str | None, texts: Callable[[Any], list[str]]
) -> None:
    assert texts(answer(server, SELECT, way, form)) == TEXTS


def test_an_ask_returns_a_boolean_in_every_result_format(server: str, way: Way) -> None:
    for form in (None, XML):
        (said,) = answer(server, ASK, way, form).getElementsByTagName("boolean")
        assert said.firstChild.data == "true"
    assert answer(server, ASK, way, JSON)["boolean"] is True
    for form in (CSV, TSV):
        assert answer(server, ASK, way, form) == b"true"


@pytest.mark.parametrize("query", [CONSTRUCT, DESCRIBE], ids=["construct", "describe"])
def test_a_construct_returns_all_triples_in_every_rdf_format(
    server: str, way: Way, query: str
) -> None:
    turtle, n3 = (answer(server, query, way, form) for form in (TURTLE, N3))
    expected = set(Graph().parse(data=turtle, format="turtle"))
    assert len(expected) > 50
    assert set(Graph().parse(data=n3, format="n3")) == expected
    for form in (None, XML, RDFXML, JSONLD):
        assert set(answer(server, query, way, form)) == expected, form


@pytest.mark.filterwarnings(OWN_CHOICE)
def test_a_format_of_another_query_form_falls_back_to_the_default(server: str, way: Way) -> None:
    for form in (TURTLE, N3, RDF, RDFXML, JSONLD):
        assert texts_of_json(answer(server, SELECT, way, form)) == TEXTS
    for form in (JSON, CSV, TSV):
        turtle = answer(server, CONSTRUCT, way, form)
        assert len(Graph().parse(data=turtle, format="turtle")) > 50


@pytest.mark.filterwarnings(OWN_CHOICE)
def test_a_format_parameter_applies_to_every_method(server: str, way: Way) -> None:
    assert len(answer(server, CONSTRUCT, way, RDF)) > 50


def test_dataset_and_timeout_parameters_apply(server: str, way: Way) -> None:
    wrapper = asking(server, COUNT, way, JSON)
    wrapper.addDefaultGraph(MINT)
    wrapper.addParameter("timeout", "5")
    found: Any = wrapper.queryAndConvert()
    assert 50 < int(found["results"]["bindings"][0]["count"]["value"]) < 130


def test_sparqlwrapper2_returns_bindings_as_objects(server: str) -> None:
    wrapper = SPARQLWrapper2(f"{server}/sparql")
    wrapper.setQuery(SELECT)
    found: Any = wrapper.query()
    assert [binding["text"].value for binding in found.bindings] == TEXTS


def test_a_malformed_query_raises_with_line_and_column(server: str, way: Way) -> None:
    with pytest.raises(QueryBadFormed, match=r'"line":1,"column":\d+'):
        asking(server, "SELECT * WHERE { ?s ?p }", way, JSON).query()


def test_an_update_is_refused(server: str) -> None:
    with pytest.raises(QueryBadFormed, match="SPARQL Update is not run here"):
        asking(server, "DELETE WHERE { ?s ?p ?o }", (POST, URLENCODED)).query()
    assert answer(server, ASK, (GET, URLENCODED), JSON)["boolean"] is True
