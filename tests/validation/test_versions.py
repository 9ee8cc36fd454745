from pathlib import Path

import pytest
from pyoxigraph import Literal, NamedNode

from practicegraph.catalogue import documents
from practicegraph.catalogue.catalogue import Catalogue
from practicegraph.rdf.terms import OWL, PG
from practicegraph.schema.shapes.constraints import WARNING
from practicegraph.validation.checks import build_checker
from practicegraph.validation.rules import compute_content_checksum, find_outdated_versions
from support.catalogues import ROOT

LEVEL = ROOT / "ontology" / "level.ttl"


@pytest.mark.parametrize(
    ("old", "new", "is_outdated"),
    [
        ('"Micro"@en', '"Micro level"@en', True),
        ("skos:topConceptOf", "skos:inScheme", True),
        ('"Level of the dashboard"@en', '"Level"@en', False),
        ('owl:versionInfo "1.', 'owl:versionInfo "9.', False),
        ("@prefix level:", "# a comment\n@prefix level:", False),
    ],
)
def test_a_version_is_outdated_when_the_concepts_change(
    real: Catalogue, old: str, new: str, is_outdated: bool
) -> None:
    text = LEVEL.read_text()
    assert old in text
    document = documents.parse_document(LEVEL, text.replace(old, new).encode())
    findings = list(find_outdated_versions(build_checker(real).builder, [document]))
    assert len(findings) == is_outdated
    for finding in findings:
        assert (finding.component_name, finding.severity) == ("Version", WARNING)
        assert finding.replacement == str(Literal(compute_content_checksum(document)))


def test_every_scheme_states_a_version_and_the_checksum_of_its_concepts(real: Catalogue) -> None:
    for scheme in real.vocabularies.schemes.values():
        path = Path(ROOT / "ontology" / f"{scheme.key}.ttl")
        computed = compute_content_checksum(documents.read_document(path))
        node = NamedNode(scheme.iri)
        assert real.store.value(node, PG + "checksum") == Literal(computed), path
        assert real.store.value(node, OWL + "versionInfo"), path
