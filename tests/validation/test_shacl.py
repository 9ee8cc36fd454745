"""Two SHACL engines behind one function, which find the same."""

import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice

from pyoxigraph import Literal, NamedNode, Quad, Triple

from practicegraph.application.services import Services
from practicegraph.catalogue import catalogue
from practicegraph.catalogue import documents as catalogue_documents
from practicegraph.catalogue.catalogue import Catalogue
from practicegraph.rdf.terms import RDF, SKOS
from practicegraph.schema.lifecycle import DEPRECATED, IS_REPLACED_BY
from practicegraph.schema.shapes import constraints
from practicegraph.validation import pyshacl_engine, shacl
from practicegraph.validation.scope import nodes, read_scopes
from practicegraph.validation.shacl import ValidationResult
from support.catalogues import CASES, ROOT
from support.mutations import Mutants

COUNT = int(os.environ.get("PRACTICEGRAPH_MUTANTS", "16"))
"""How many entries are made wrong; concepts are a quarter of it. It takes half a second and more for each."""
FAULTS = sorted(CASES.glob("*.ttl"))[:: 1 if COUNT > 100 else 3]
"""Each third case; all of them where many things are made wrong."""


def found(results: list[ValidationResult]) -> set[tuple[str, ...]]:
    """What is compared; names of blank nodes do not last."""
    rows = (
        (
            r.focus_node,
            r.result_path,
            r.source_constraint_component,
            r.value,
            r.severity,
            r.source_shape,
            str(r.messages),
        )
        for r in results
    )
    return {tuple("_:" if part.startswith("_:") else part for part in row) for row in rows}


def compared(rules: str, data: str) -> set[tuple[str, ...]]:
    """What both engines find in the data."""
    fast = found(shacl.parse_report(shacl.build_engine(rules)(data)))
    reference = found(shacl.parse_report(pyshacl_engine.build_validator(rules)(data)))
    assert fast - reference == set()
    assert reference - fast == set()
    return fast


def test_both_engines_find_the_same_in_all_faults_at_once() -> None:
    documents = catalogue.read_folder(ROOT, FAULTS).documents
    rules, data = (
        shacl.to_turtle(quad.triple for document in some for quad in document.quads)
        for some in (documents, [document for document in documents if document.path in FAULTS])
    )
    assert len(compared(rules, data)) >= len(FAULTS) // 2


def retired(things: list[list[Quad]]) -> Iterator[Quad]:
    """Some things as if they were no longer current, with successors or without."""
    true = Literal("true", datatype=NamedNode("http://www.w3.org/2001/XMLSchema#boolean"))
    for thing, other in zip(things[::29], things[4::29], strict=False):
        name, successor = nodes(thing[0])[0], nodes(other[0])[0]
        yield Quad(name, NamedNode(DEPRECATED), true)
        yield Quad(name, NamedNode(IS_REPLACED_BY), successor)


def of_class(real: Catalogue, name: str) -> list[list[Quad]]:
    """The things of a class, each with its parts behind it."""
    things = real.store.subjects(RDF + "type", NamedNode(name))
    quads = ([*real.store.description(thing.value), *_parts(real, thing.value)] for thing in things)
    return [list(dict.fromkeys(some)) for some in quads]


def _parts(real: Catalogue, name: str) -> Iterator[Quad]:
    return (quad for quad in real.store.graph_quads(name) if nodes(quad)[0] != NamedNode(name))


def mutated(real: Catalogue, count: int, seed: int) -> list[Triple]:
    """Entries and concepts made wrong, with all that the shapes look at from them."""
    classes = (real.shapes.entry_shape.classes[0], SKOS + "Concept")
    entries, concepts = (of_class(real, name) for name in classes)
    context = [*real.store.quads(), *retired(entries), *retired(concepts)]
    drawn = [*islice(Mutants(entries, context, seed), count)]
    drawn += islice(Mutants(concepts, context, seed), count // 4)
    said = [triple for thing in drawn for triple in thing]
    said += (quad.triple for quad in (*retired(entries), *retired(concepts)))
    things = [term for triple in said for term in (triple.subject, triple.object)]
    scopes = read_scopes(real.store)
    beyond = scopes.combine(scopes.targets).reach(real.store, things)
    # Without classes, what was not drawn is no focus node: most of the time went to it.
    around = (quad.triple for quad in beyond if quad.predicate.value != RDF + "type")
    return list(dict.fromkeys([*said, *around]))


def test_both_engines_find_the_same_in_whatever_is_wrong(real: Catalogue) -> None:
    """`PRACTICEGRAPH_MUTANTS=5000 pytest tests/validation/test_shacl.py` draws more of it."""
    rules = shacl.to_turtle(constraints.read_shape_graphs(real.store))
    results = compared(rules, shacl.to_turtle(mutated(real, COUNT, COUNT)))
    assert len({component for _, _, component, *_ in results}) >= 8
    assert len(results) > COUNT


WITHOUT = """
import sys
sys.modules["shacl"] = None
from pathlib import Path
from practicegraph.catalogue import catalogue, documents
from practicegraph.validation import shacl
from practicegraph.validation.incremental import IncrementalValidator
assert "practicegraph.validation.pyshacl_engine" in sys.modules
root, case = map(Path, sys.argv[1:])
opened = catalogue.open_in_memory(catalogue.read_folder(root).documents, root)
for finding in IncrementalValidator.build(opened).check(documents.read_document(case), opened.languages).findings:
    print(finding)
"""


def test_where_the_fast_engine_has_no_wheel_the_reference_takes_over(
    real: Catalogue, services: Services
) -> None:
    path = CASES / "entry-added-after-its-change.ttl"
    command = [sys.executable, "-W", "error::UserWarning", "-c", WITHOUT, str(ROOT), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    findings = services.validator.check(
        catalogue_documents.read_document(path), real.languages
    ).findings
    assert findings
    assert done.stdout.splitlines() == list(map(str, findings))
    assert not done.stderr
