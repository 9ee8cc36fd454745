"""Synthetic entries are admitted, say what they are, and are the same whenever they are made."""

from pathlib import Path

import pytest

from benchmarks import synthetic
from practicegraph.catalogue import catalogue, documents
from practicegraph.catalogue.catalogue import Catalogue
from practicegraph.rdf.terms import as_text
from practicegraph.validation import checks
from support.catalogues import ROOT

COUNT = 20


@pytest.fixture(scope="module")
def made(real: Catalogue, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("made") / "synthetic.nq.gz"
    synthetic.write(real, path, COUNT)
    return path


def test_the_shapes_admit_synthetic_entries(made: Path) -> None:
    contents = catalogue.read_folder(ROOT, [made])
    assert not checks.check(ROOT, contents, [made]).findings


def test_a_synthetic_entry_is_a_graph_of_the_size_of_a_real_one(made: Path) -> None:
    document = documents.read_document(made)
    assert len(document.topics) == COUNT
    assert 25 <= len(document.quads) / COUNT <= 45


def test_a_synthetic_entry_says_so_in_its_titles_and_beside_every_link(
    made: Path, real: Catalogue
) -> None:
    quads = documents.read_document(made).quads
    titles = {field.predicate for field in real.shapes.entry_shape.fields_with_role("LabelRole")}
    said = [as_text(quad.object) for quad in quads if quad.predicate.value in titles]
    links = {quad.object for quad in quads if str(quad.object).startswith(f"<{synthetic.PLACE}")}
    described = {q.subject for q in quads if q.predicate.value.endswith("#comment")}
    assert said
    assert all(title.startswith("Synthetic ") for title in said)
    assert links
    assert links == described


def test_synthetic_entries_are_the_same_for_the_same_seed(real: Catalogue) -> None:
    first, again, other = (list(synthetic.entries(real, 5, seed)) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_every_independent_field_has_values_in_some_synthetic_entry(real: Catalogue) -> None:
    text = "".join(synthetic.entries(real, 200))
    fields = synthetic.drawn_fields(real.shapes.entry_shape)
    assert len(fields) > 30
    wanted = {field.value_predicate for field in fields}
    assert all(f"<{predicate}>" in text for predicate in wanted)
