import re
from pathlib import Path
from typing import Any

import pytest
from pyoxigraph import Literal

from practicegraph.catalogue.catalogue import Catalogue
from practicegraph.reporting.gaps import GapReport
from practicegraph.schema.text import fold
from support.catalogues import ROOT, opened


def test_every_field_of_the_source_is_a_field_of_an_entry(
    real: Catalogue, vocabulary: dict[str, Any]
) -> None:
    names = {
        (tag, fold(name))
        for field in real.shapes.entry_shape.fields
        for tag, name in field.all_names
    }
    for heading, item in vocabulary["headings"].items():
        if heading not in ("page_title", "not_available_text"):
            for tag, wording in item["labels"].items():
                assert (tag, fold(wording)) in names, f"{wording}@{tag}"


@pytest.mark.parametrize(
    ("key", "attribute", "value"),
    [
        ("outcome", "scheme", "https://w3id.org/practicegraph/outcome"),
        ("outcome", "is_facet", True),
        ("outcome", "is_repeatable", True),
        ("category", "is_repeatable", False),
        ("category", "is_required", True),
        ("title", "is_text", True),
        ("title", "is_searched", True),
        ("title", "role", "LabelRole"),
        ("start", "predicate", "https://schema.org/startDate"),
        ("page", "datatypes", ()),
        ("identifier", "pattern", "^[a-z0-9]+(-[a-z0-9]+)*$"),
        (
            "deliverables",
            "links_to",
            "https://w3id.org/practicegraph/shapes#Practice-deliverableLink",
        ),
    ],
)
def test_a_triple_of_a_shape_becomes_what_the_contract_says(
    key: str, attribute: str, value: object, real: Catalogue
) -> None:
    assert getattr(real.shapes.entry_shape.fields_by_key[key], attribute) == value


def test_true_and_false_are_the_values_of_a_boolean(real: Catalogue) -> None:
    options = real.shapes.entry_shape.fields_by_key["ongoing"].options
    assert [term.value for term in options if isinstance(term, Literal)] == ["true", "false"]


@pytest.mark.parametrize(
    ("path", "sparql"),
    [
        ("dct:title", "<http://purl.org/dc/terms/title>"),
        ("( pg:outcome skos:broader )", "(<O>/<B>)"),
        ("[ sh:inversePath pg:outcome ]", "(^<O>)"),
        ("[ sh:alternativePath ( pg:outcome skos:broader ) ]", "(<O>|<B>)"),
        ("( pg:outcome [ sh:zeroOrMorePath skos:broader ] )", "(<O>/(<B>*))"),
        ("[ sh:oneOrMorePath skos:broader ]", "(<B>+)"),
        ("[ sh:zeroOrOnePath skos:broader ]", "(<B>?)"),
    ],
)
def test_every_kind_of_shacl_path_becomes_a_sparql_path(
    copied: Path, path: str, sparql: str
) -> None:
    file = copied / "shapes/practice.ttl"
    before = "shape:Practice-category\n    a sh:PropertyShape ;\n    sh:path pg:category ;"
    after = f'shape:Practice-category\n    a sh:PropertyShape ;\n    sh:codeIdentifier "category" ;\n    sh:path {path} ;'
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after))
    expected = sparql.replace("<O>", "<https://w3id.org/practicegraph/ontology#outcome>")
    expected = expected.replace("<B>", "<http://www.w3.org/2004/02/skos/core#broader>")
    assert opened(copied).shapes.entry_shape.fields_by_key["category"].path == expected


def test_no_two_fields_of_an_entry_have_the_same_name(real: Catalogue) -> None:
    owners: dict[str, str] = {}
    for field in real.shapes.entry_shape.fields:
        for _, wording in field.all_names:
            owner = owners.setdefault(fold(wording), field.key)
            assert owner == field.key, f"{wording}: {owner} and {field.key}"


def test_a_phrase_has_the_same_placeholders_in_every_language(real: Catalogue) -> None:
    for name, wordings in real.phrases.labels.items():
        placeholders = {
            tag: sorted(re.findall(r"\{\w+\}", words)) for tag, words in wordings.items()
        }
        assert set(placeholders) == set(real.languages), name
        assert len({tuple(found) for found in placeholders.values()}) == 1, name


def test_every_phrase_is_used_somewhere(real: Catalogue) -> None:
    package = ROOT / "api" / "practicegraph"
    code = "".join(p.read_text() for p in [*package.rglob("*.py"), *package.rglob("*.html")])
    composed = (*re.findall(r'"([a-z]\w+-?)" ~', code), *re.findall(r'f"([a-z]+)\{', code))
    unsaid = [
        name
        for name in real.phrases.labels
        if f'"{name}"' not in code and f"'{name}'" not in code
        if not name.startswith(composed) and not name.endswith("Component")
    ]
    columns = {name for part in GapReport(real, real.languages).tables() for name in part.columns}
    headings = {f"heading{name.capitalize()}" for name in columns}
    assert set(unsaid) <= {"Warning", "Info"} | headings
