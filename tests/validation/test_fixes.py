"""A finding points at what it is about, and its mend, when followed, makes it go."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path

import pytest

from practicegraph.catalogue import catalogue
from practicegraph.validation import checks
from practicegraph.validation.findings import Finding, Fix, Position
from practicegraph.validation.findings import Region as Place
from support.catalogues import CASES, ROOT

ENTRY = """@prefix category: <https://w3id.org/practicegraph/category/> .
@prefix dcat: <http://www.w3.org/ns/dcat#> .
@prefix dct: <http://purl.org/dc/terms/> .
@prefix foaf: <http://xmlns.com/foaf/0.1/> .
@prefix language: <http://publications.europa.eu/resource/authority/language/> .
@prefix pg: <https://w3id.org/practicegraph/ontology#> .
@prefix schema: <https://schema.org/> .
@prefix shape: <https://w3id.org/practicegraph/shapes#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .

<https://w3id.org/practicegraph/practice/example>
    a pg:Practice ;
    dct:title "Example entry"@en ; pg:category category:good-practice ;
    dct:abstract "An example."@en ;
    dct:identifier "example" ;
    dct:language language:ENG .

<https://w3id.org/practicegraph/practice/example#record>
    a dcat:CatalogRecord ;
    foaf:primaryTopic <https://w3id.org/practicegraph/practice/example> ;
    dct:source <https://example.org/example> ;
    dct:issued "2026-11-24"^^xsd:date ;
    dct:modified "2026-11-24"^^xsd:date ;
    dct:license <https://creativecommons.org/licenses/by/4.0/> ;
    dct:conformsTo shape:Practice .
"""


def checked(paths: Iterable[Path]) -> tuple[Finding, ...]:
    listed = list(paths)
    return checks.check(ROOT, catalogue.read_folder(ROOT, listed), listed).findings


def offset(text: str, position: Position) -> int:
    lines = text.splitlines(keepends=True)
    return sum(map(len, lines[: position.line - 1])) + position.column - 1


def at(text: str, place: Place) -> str:
    return text[offset(text, place.start) : offset(text, place.end)]


def followed(text: str, mends: Iterable[Fix]) -> str:
    """The text with all edits, the last one first, so that the places of the others stay."""
    edits = {(mend.region, mend.text) for mend in mends if mend.region}
    for place, words in sorted(edits, reverse=True):
        start, end = offset(text, place.start), offset(text, place.end)
        text = text[:start] + words + text[end:]
    return text


def entry(number: int, before: str, after: str) -> str:
    """The text of an entry in which one thing is written in another way."""
    assert before in ENTRY
    return ENTRY.replace(before, after, 1).replace("practice/example", f"practice/example-{number}")


def test_every_finding_of_a_case_has_a_line_and_a_column(
    faults: Mapping[Path, Sequence[Finding]],
) -> None:
    findings = [*chain.from_iterable(faults.values())]
    assert len(findings) > 100
    for found in findings:
        assert found.region, found
        assert str(found).startswith(f"{found.file}:{found.region.start.line}:"), found


def test_a_mend_that_is_followed_makes_its_finding_go(
    faults: Mapping[Path, Sequence[Finding]], tmp_path: Path
) -> None:
    mended: dict[Path, list[Finding]] = {}
    for found in chain.from_iterable(faults.values()):
        if found.fix:
            mended.setdefault(tmp_path / found.file.name, []).append(found)
    assert len(mended) >= 40
    for path, findings in mended.items():
        text = (CASES / path.name).read_text()
        path.write_text(followed(text, [found.fix for found in findings if found.fix]))
    left = {same(one) for one in checked(mended)}
    gone = {same(one) for findings in mended.values() for one in findings if one.fix}
    assert not gone & left


def same(found: Finding) -> tuple[str, ...]:
    return (
        found.file.name,
        found.component_name,
        found.focus_node,
        found.result_path,
        found.value_term,
    )


TITLE, IDENTIFIER = 'dct:title "Example entry"@en ;', 'dct:identifier "example" ;'
CATEGORY = "pg:category category:good-practice ;"
POINTED = [
    (TITLE, 'dct:title ""@en ;', '""@en'),
    (CATEGORY, f'pg:country # here\n "Hungary" ; {CATEGORY}', '"Hungary"'),
    (TITLE, 'dct:title "Example entry"@en, "Another"@en ;', "dct:title"),
    (CATEGORY, f'schema:startDate "last # year"\n@en ; {CATEGORY}', '"last # year"\n@en'),
    (TITLE, "", "<https://w3id.org/practicegraph/practice/example-4>"),
]
MENDED = [
    ('schema:startDate "2019-01" ;', '"2019-01"^^xsd:gYearMonth'),
    ('pg:ongoing "true" ;', "true"),
    ('pg:actor "Local authoritys" ;', "<https://w3id.org/practicegraph/actor/local-authority>"),
    ("pg:actor <https://w3id.org/practicegraph/actor/schol> ;", "practicegraph/actor/school>"),
    ('pg:evaluation "Good" ;', ""),
    ("pg:category category:policy-paper ;", ""),
    ('dct:title "Another entry"@en ;', ""),
    ("pg:category <https://w3id.org/practicegraph/category/zz> ;", ""),
    ('pg:evalution "Good"@en ;', "pg:evaluation"),
    ("pg:country <http://publications.europa.eu/resource/authority/country/EL> ;", "country/GRC>"),
    ("pg:country <http://publications.europa.eu/resource/authority/country/XX> ;", ""),
    ("dct:source <https://w3id.org/practicegraph/practice/99999> ;", ""),
    ("pg:outcome <https://w3id.org/practicegraph/outcome> ;", ""),
    ("pg:actor <https://w3id.org/practicegraph/addressee/local-entity> ;", ""),
]
OUTSIDE = [
    "<https://example.org/practice/a>",
    "<https://w3id.org/practicegraph/practice/example-1/>",
    "<https://w3id.org/practicegraph/practice/example-1#it>",
    "<https://w3id.org/practicegraph/practice/?id=3>",
]
ENTRIES = [entry(number, *case[:2]) for number, case in enumerate(POINTED)] + [
    entry(number, IDENTIFIER, f"{after}\n    {IDENTIFIER}")
    for number, (after, _) in enumerate(MENDED, len(POINTED))
]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[list[Finding]]:
    """The findings of each entry but those about its identifier."""
    folder = tmp_path_factory.mktemp("entries")
    paths = [folder / f"example-{number}.ttl" for number in range(len(ENTRIES))]
    for path, text in zip(paths, ENTRIES, strict=True):
        path.write_text(text)
    findings = [one for one in checked(paths) if "identifier" not in one.result_path]
    return [[one for one in findings if one.file == path] for path in paths]


@pytest.mark.parametrize("number", range(len(POINTED)))
def test_a_finding_points_at_its_value_else_its_property_else_its_subject(
    number: int, found: list[list[Finding]]
) -> None:
    parts = [one.region for one in found[number] if one.region]
    assert {at(ENTRIES[number], part) for part in parts} == {POINTED[number][2]}


@pytest.mark.parametrize("number", range(len(MENDED)))
def test_a_mend_says_what_to_write_instead(number: int, found: list[list[Finding]]) -> None:
    findings = found[len(POINTED) + number]
    assert findings
    mends = [one.fix.text if one.fix else "" for one in findings]
    assert any(text.endswith(MENDED[number][1]) for text in mends)
    assert MENDED[number][1] or not any(mends)


def test_a_missing_link_gets_no_example_of_another_entry(tmp_path: Path) -> None:
    path = tmp_path / "example.ttl"
    path.write_text(entry(99, "dct:source <https://example.org/example> ;", ""))
    (one,) = [one for one in checked([path]) if "source" in one.result_path]
    assert one.fix is None


def test_the_iri_of_an_entry_outside_the_base_is_mended_by_its_identifier(tmp_path: Path) -> None:
    text = entry(1, IDENTIFIER, 'dct:identifier "example-1" ;')
    name = "<https://w3id.org/practicegraph/practice/example-1>"
    for number, iri in enumerate(OUTSIDE):
        (tmp_path / f"{number}.ttl").write_text(text.replace(name, iri))
    found = [f for f in checked([*tmp_path.iterdir()]) if f.component_name == "OutsideBase"]
    assert [one.fix and one.fix.text for one in found] == [name] * len(OUTSIDE)


def test_a_mend_of_a_missing_field_is_a_line_behind_the_class(found: list[list[Finding]]) -> None:
    (one,) = found[4]
    assert one.fix
    lines = followed(ENTRIES[4], [one.fix]).splitlines()
    place = lines.index("    a pg:Practice ;")
    assert lines[place + 1].strip().startswith('dct:title "…"@en ;')


def test_findings_in_heads_of_questions_and_in_quads_have_their_places(copied: Path) -> None:
    question, quads = copied / "queries/entries-by-outcome.rq", copied / "data/set.nq"
    lines = question.read_text().splitlines(keepends=True)
    question.write_text("".join(line for line in lines if "Welke items" not in line))
    name = "<https://w3id.org/practicegraph/practice/a>"
    kind = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"
    quads.write_text(
        f'{name} <http://purl.org/dc/terms/identifier> "b" {name} .\n'
        f"{name} {kind} <https://w3id.org/practicegraph/ontology#Practice> {name} .\n"
    )
    contents = catalogue.read_folder(copied)
    findings = checks.check(copied, contents, [question, quads]).findings
    (of_question,) = [one for one in findings if one.file == question]
    assert of_question.region
    assert at(question.read_text(), of_question.region) == "rdfs:label"
    (of_quads,) = [one for one in findings if one.value == "b"]
    assert of_quads.region
    assert at(quads.read_text(), of_quads.region) == '"b"'
    assert of_quads.fix
    assert of_quads.fix.text == '"a"'
