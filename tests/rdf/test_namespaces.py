"""The namespaces of vocabularies stand in one module, as rdflib has them."""

import ast
from pathlib import Path

import pytest
import rdflib.namespace

from practicegraph.rdf import terms


def is_namespace(name: str, value: object) -> bool:
    return name.isupper() and isinstance(value, str) and value.startswith("http")


NAMESPACES = {name: iri for name, iri in vars(terms).items() if is_namespace(name, iri)}
RDFLIB_NAMES = {"DCT": "DCTERMS", "SCHEMA": "SDO"}
PACKAGE = Path(terms.__file__).parent.parent


@pytest.mark.parametrize("name", NAMESPACES)
def test_a_namespace_is_the_one_of_rdflib(name: str) -> None:
    known = getattr(rdflib.namespace, RDFLIB_NAMES.get(name, name), None)
    assert known is None or str(known) == NAMESPACES[name]


def test_rdflib_knows_most_namespaces() -> None:
    names = {RDFLIB_NAMES.get(name, name) for name in NAMESPACES}
    assert names & set(rdflib.namespace.__all__) > {"RDF", "SKOS", "DCTERMS", "SDO"}


def test_no_other_module_writes_the_iri_of_a_namespace() -> None:
    written = [
        (path.name, node.value)
        for path in PACKAGE.rglob("*.py")
        if path != Path(terms.__file__)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if node.value.startswith(tuple(NAMESPACES.values()))
    ]
    assert written == []
