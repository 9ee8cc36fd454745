from collections.abc import Iterable
from pathlib import Path

import pytest
from pyoxigraph import (
    BlankNode,
    CanonicalizationAlgorithm,
    Dataset,
    Literal,
    NamedNode,
    Quad,
    RdfFormat,
    Triple,
    parse,
)

from practicegraph.catalogue import documents
from practicegraph.catalogue.catalogue import Catalogue
from practicegraph.rdf import jsonld, untrusted
from practicegraph.rdf.terms import RDF
from practicegraph.rdf.turtle import TurtleWriter
from support.catalogues import ROOT

KEPT_BY_THE_PROGRAM = sorted((ROOT / "data").rglob("*.ttl")) + sorted(
    path for path in (ROOT / "ontology").glob("*.ttl") if "a skos:ConceptScheme" in path.read_text()
)
EX = "https://example.org/"


@pytest.mark.parametrize("path", KEPT_BY_THE_PROGRAM, ids=lambda path: path.stem)
def test_a_file_is_in_canonical_order(path: Path, real: Catalogue) -> None:
    document = documents.read_document(path)
    triples = [quad.triple for quad in document.quads]
    assert real.writer.write(triples, document.topics[0]) == path.read_text()


@pytest.mark.parametrize(
    "path", sorted((ROOT / "shapes").glob("*.ttl")), ids=lambda path: path.stem
)
def test_a_written_graph_is_parsed_as_the_same_graph(path: Path, real: Catalogue) -> None:
    document = documents.read_document(path)
    triples = [quad.triple for quad in document.quads]
    text = real.writer.write(triples, document.topics[0])
    again = documents.parse_document(path, text.encode())
    assert canonical(quad.triple for quad in again.quads) == canonical(triples)


@pytest.mark.parametrize(
    "value",
    [
        'quotes " and \\ backslash',
        'two\nlines """ and three quotes',
        'ends in "',
        "tab\tand\rreturn",
        "é € 𝄞",
    ],
)
def test_a_literal_of_any_characters_is_the_same_after_a_round_trip(value: str) -> None:
    triple = Triple(NamedNode(EX + "s"), NamedNode(EX + "p"), Literal(value, language="en"))
    text = TurtleWriter({}).write([triple], EX + "s")
    assert [quad.triple for quad in parse(text, RdfFormat.TURTLE)] == [triple]


def test_a_name_that_a_prefix_cannot_shorten_is_written_in_full() -> None:
    triple = Triple(NamedNode(EX + "a/b"), NamedNode(EX + "p"), NamedNode(EX + "with.dot."))
    text = TurtleWriter({"ex": EX}).write([triple], EX + "a/b")
    assert f"<{EX}a/b>" in text
    assert "ex:p" in text
    assert f"<{EX}with.dot.>" in text
    assert [quad.triple for quad in parse(text, RdfFormat.TURTLE)] == [triple]


def canonical(triples: Iterable[Triple]) -> set[str]:
    dataset = Dataset(Quad(t.subject, t.predicate, t.object) for t in triples)
    dataset.canonicalize(CanonicalizationAlgorithm.UNSTABLE)
    return {str(quad) for quad in dataset}


def test_a_blank_node_stands_inside_the_node_that_refers_to_it() -> None:
    node = BlankNode()
    triples = [
        Triple(NamedNode(EX + "s"), NamedNode(EX + "p"), node),
        Triple(node, NamedNode(EX + "q"), Literal("x")),
    ]
    assert 'ex:p [ ex:q "x" ] .' in TurtleWriter({"ex": EX}).write(triples, EX + "s")


DEEP, LONG = 70, 500
NEXT = f"<{RDF}rest>"
GRAPHS = {
    "nested": f"<{EX}s> <x:p> _:n0 . "
    + " ".join(f"_:n{n} <x:p> _:n{n + 1} ." for n in range(DEEP)),
    "nested lists": f"<{EX}s> <x:p> _:n0 . "
    + " ".join(f"_:n{n} <{RDF}first> _:n{n + 1} ; {NEXT} () ." for n in range(DEEP)),
    "a list without an end": f"<{EX}s> <x:p> _:n0 . "
    + " ".join(f"_:n{n} <{RDF}first> {n} ; {NEXT} _:n{n + 1} ." for n in range(DEEP)),
    "a ring": f"<{EX}s> <x:p> _:a . _:a <x:p> _:b . _:b <x:p> _:c . _:c <x:p> _:a .",
    "a ring alone": "_:a <x:p> _:b . _:b <x:p> _:a ; <x:q> [ <x:p> 1 ] .",
    "a node without properties, mentioned twice": f"<{EX}s> <x:p> _:a ; <x:q> _:a .",
    "a list, mentioned twice": f"<{EX}s> <x:p> _:a ; <x:q> _:a . _:a <{RDF}first> 1 ; {NEXT} (2) .",
    "a list as the subject": "(1 2) <x:p> 3 .",
    "a node, mentioned twice": f'<{EX}s> <x:p> _:a ; <x:q> _:a . _:a <x:p> "one" .',
    "a node in two lists": f"<{EX}s> <x:p> ( _:a 1 ) , ( 2 _:a ) . _:a <x:p> 3 .",
    "a node twice in a list": f"<{EX}s> <x:p> ( _:a _:a ) . _:a <x:p> 3 .",
    "a ring through a list": f"<{EX}s> <x:p> _:a . _:a <x:q> ( 1 _:a ) .",
    "a list that is its own member": f"<{EX}s> <x:p> _:a . _:a <{RDF}first> _:a ; {NEXT} () .",
    "a list that is its own rest": f"<{EX}s> <x:p> _:a . _:a <{RDF}first> 1 ; {NEXT} _:a .",
}


@pytest.mark.parametrize("text", GRAPHS.values(), ids=GRAPHS)
def test_blank_nodes_in_any_arrangement_are_the_same_after_a_round_trip(text: str) -> None:
    triples = [quad.triple for quad in parse(text, RdfFormat.TURTLE)]
    written = TurtleWriter({}).write(triples, EX + "s")
    again = untrusted.parse_rdf(written, RdfFormat.TURTLE).quads
    assert canonical(quad.triple for quad in again) == canonical(triples)
    document = jsonld.Compactor({}).write_document(triples, EX + "s").decode()
    aliases = document.replace('"id"', '"@id"').replace('"type"', '"@type"')
    quads = untrusted.parse_rdf(aliases, RdfFormat.JSON_LD, "https://a.b/").quads
    assert canonical(quad.triple for quad in quads) == canonical(triples)


def test_a_long_list_is_written_in_one_pair_of_parentheses() -> None:
    text = f"<{EX}s> <x:p> ( " + " ".join(map(str, range(LONG))) + " ) ."
    triples = [quad.triple for quad in parse(text, RdfFormat.TURTLE)]
    assert TurtleWriter({}).write(triples, EX + "s").count("(") == 1
