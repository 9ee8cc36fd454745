"""A changed document is checked beside the store, with the findings of a check of everything."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
from pyoxigraph import NamedNode, Quad

from practicegraph.application.services import Services
from practicegraph.catalogue import catalogue, documents
from practicegraph.catalogue.documents import Document, DocumentSet
from practicegraph.validation import checks
from practicegraph.validation.findings import Finding, ValidationReport
from support.catalogues import CASES, copy
from support.retirement import BASE, move, write_tombstone

FAULTS = [path for path in sorted(CASES.glob("*.ttl")) if path.stem.startswith(("entry", "tomb"))]


def admitted(services: Services, document: Document, language: str = "en") -> ValidationReport:
    return services.validator.check(document, services.catalogue.preferred_languages(language))


def without_mends(findings: Iterable[Finding]) -> list[Finding]:
    """Examples in fixes come from other records that are there; blank nodes have other names."""
    return [replace(finding, fix=None, path_triples=()) for finding in findings]


@pytest.mark.parametrize("path", FAULTS, ids=lambda path: path.stem)
def test_a_fault_is_found_as_in_a_check_of_everything(
    path: Path, services: Services, faults: Mapping[Path, Sequence[Finding]]
) -> None:
    checked = admitted(services, documents.read_document(path))
    own = [finding for finding in checked.findings if finding.file == path]
    assert without_mends(own) == without_mends(faults[path])
    assert sum(bool(f.fix) for f in own) >= sum(bool(f.fix) for f in faults[path]) - 1


def test_an_entry_as_it_is_has_nothing_wrong(services: Services, real_files: DocumentSet) -> None:
    entries = (d for d in real_files.documents if d.topics[0].startswith(f"{BASE}practice/"))
    for document in islice(entries, 0, None, 4):
        assert admitted(services, document).findings == ()


def test_few_triples_of_others_are_in_the_scope_of_an_entry(
    services: Services, real_files: DocumentSet
) -> None:
    (entry,) = (d for d in real_files.documents if d.topics == (f"{BASE}practice/1788",))
    assert 10 < len(list(services.validator.in_scope([entry]))) < 200


def test_what_the_entry_states_is_in_the_scope_of_its_record(
    services: Services, real_files: DocumentSet
) -> None:
    """Of a record in a document of its own, the list of its entry decides."""
    (entry,) = (d for d in real_files.documents if d.topics == (f"{BASE}practice/1788",))
    record = NamedNode(f"{BASE}practice/1788#record")
    quads = [q for q in entry.quads if q.subject == record]
    alone = replace(
        entry,
        quads=tuple(Quad(q.subject, q.predicate, q.object, record) for q in quads),
        topics=(record.value,),
    )
    reached = {quad.triple for quad in services.validator.in_scope([alone])}
    assert {q.triple for q in entry.quads if q.subject == NamedNode(entry.topics[0])} <= reached


def test_a_finding_has_line_mend_and_language(services: Services) -> None:
    path = CASES / "entry-with-country-in-words.ttl"
    checked = admitted(services, documents.read_document(path), "nl")
    (finding,) = checked.findings
    assert finding.region
    assert finding.fix
    assert finding.path_label == "Land van herkomst / uitvoering"
    assert checked.files == (path,)


def test_what_a_change_makes_wrong_elsewhere_is_found_too(tmp_path: Path) -> None:
    root = copy(tmp_path)
    practices = root / "data/practices"
    old, last = f"{BASE}practice/1764", f"{BASE}practice/1699"
    move(practices / "1764.ttl", old, last)
    opened = catalogue.open_in_memory(catalogue.read_folder(root).documents, root)
    write_tombstone(practices / "1699.ttl", last)
    document = documents.read_document(practices / "1699.ttl")
    checked = admitted(Services(opened), document)
    other = [finding for finding in checked.findings if finding.file != document.path]
    assert {finding.focus_node for finding in other} == {old}
    assert checked.violations
    everything = catalogue.read_folder(root)
    found = checks.check(root, everything, everything.paths).findings
    assert {str(f) for f in checked.findings if f.file == document.path} == {
        str(f) for f in found if f.file == document.path
    }
    assert {(f.focus_node, f.component_name) for f in other} == {
        (f.focus_node, f.component_name) for f in found if f.file != document.path
    }


def test_what_was_wrong_elsewhere_before_is_not_said_again(tmp_path: Path) -> None:
    root = copy(tmp_path)
    path = root / "data/practices/1764.ttl"
    move(path, f"{BASE}practice/1764", f"{BASE}practice/nothing")
    opened = catalogue.open_in_memory(catalogue.read_folder(root).documents, root)
    entry = opened.folder / "data/practices/1699.ttl"
    assert admitted(Services(opened), documents.read_document(entry)).findings == ()
