"""The W3C's test suite of SHACL (https://github.com/w3c/data-shapes), sent to be validated."""

from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from pyoxigraph import BlankNode, NamedNode, RdfFormat, parse

from practicegraph.catalogue.documents import UnreadableError
from practicegraph.exchange.importer import ImportContext
from practicegraph.rdf.terms import SH, Term
from practicegraph.schema.shapes.reader import ShapesError
from practicegraph.storage.oxigraph import OxigraphStore
from practicegraph.validation import reports
from practicegraph.validation.submissions import Submission, SubmissionValidator
from support.catalogues import ROOT

SUITE = ROOT.parent / "shared" / "suites" / "shacl"
BASE = "https://w3id.org/practicegraph/"
MANIFEST = "http://www.w3.org/2001/sw/DataAccess/tests/test-manifest#"
TEST = "http://www.w3.org/ns/shacl-test#"
COMPARED = ("focusNode", "resultPath", "sourceConstraintComponent", "value", "resultSeverity")
CASES = sorted(
    path.relative_to(SUITE).with_suffix("").as_posix()
    for path in SUITE.rglob("*.ttl")
    if "sht:Validate" in path.read_text()
)
DEVIATIONS = ("sparql/pre-binding/unsupported-sparql-004",)
"""The cases with another result; tests/README.md has the reasons."""
pytestmark = pytest.mark.skipif(not CASES, reason=f"the suite is not in {SUITE}")
Graph = dict[Term, dict[str, list[Term]]]
Results = Counter[tuple[object, ...]]


@pytest.fixture(scope="module")
def validator() -> SubmissionValidator:
    return SubmissionValidator(ROOT, OxigraphStore(), ImportContext("", date.min, date.min))


def read_graph(content: str, base: str = "") -> Graph:
    graph: Graph = {}
    for quad in parse(content, RdfFormat.TURTLE, base_iri=base or None):
        properties = graph.setdefault(quad.subject, {})
        properties.setdefault(quad.predicate.value, []).append(quad.object)
    return graph


def node(graph: Graph, subject: Term, predicate: str) -> Term:
    (value,) = graph[subject][predicate]
    return value


def signature(graph: Graph, term: Term) -> object:
    """A term; of a blank node, what its properties lead to."""
    if not isinstance(term, BlankNode):
        return str(term)
    properties = graph.get(term, {}).items()
    return frozenset((name, signature(graph, value)) for name, [value] in properties)


def results(graph: Graph, report: Term) -> Results:
    """What is compared of the results of a report; blank nodes of the data are all the same."""

    def compared(result: Term, name: str) -> object:
        (term,) = graph[result].get(SH + name, [None])
        if name == "resultPath" and term:
            return signature(graph, term)
        return "_:" if isinstance(term, BlankNode) else str(term)

    reported = graph[report].get(SH + "result", ())
    return Counter(tuple(compared(result, name) for name in COMPARED) for result in reported)


def validated(validator: SubmissionValidator, data: Path, shapes: Path) -> Results:
    sent, own = ([Submission(path.name, "ttl", path.read_bytes())] for path in (data, shapes))
    report = validator.validate(sent, own, "en")
    graph = read_graph(reports.FORMATS["turtle"].write(report, validator.prefixes))
    (name,) = (subject for subject in graph if SH + "conforms" in graph[subject])
    return results(graph, name)


@pytest.mark.parametrize("case", CASES)
def test_results_are_those_of_the_suite(validator: SubmissionValidator, case: str) -> None:
    path = SUITE / f"{case}.ttl"
    graph = read_graph(path.read_text(), BASE + path.name)
    (test,) = (subject for subject in graph if MANIFEST + "action" in graph[subject])
    action, expected = (node(graph, test, MANIFEST + name) for name in ("action", "result"))
    names = (str(node(graph, action, f"{TEST}{name}Graph")) for name in ("data", "shapes"))
    data, shapes = (path.parent / name.strip("<>").removeprefix(BASE) for name in names)
    try:
        reported = validated(validator, data, shapes)
        reached = expected in graph and reported == results(graph, expected)
    except (UnreadableError, ShapesError):
        reached = expected == NamedNode(TEST + "Failure")
    assert reached == (case not in DEVIATIONS)
