import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from click.testing import Result

from practicegraph.application.services import Services
from practicegraph.catalogue import catalogue
from practicegraph.catalogue.documents import DocumentSet, UnreadableError, read_document
from practicegraph.rdf.terms import DCT, PG, RDF, SH
from practicegraph.validation import checks
from practicegraph.validation.findings import Finding, ValidationReport
from practicegraph.validation.reports import FORMATS
from support.catalogues import CASES, ROOT

FAULTS = sorted(CASES.glob("*.ttl"))


def checked(services: Services, path: Path, language: str) -> ValidationReport:
    """The report on a case beside the catalogue, which takes a tenth of a check of everything."""
    languages = services.catalogue.preferred_languages(language)
    return services.validator.check(read_document(path), languages)


def expected(path: Path) -> list[tuple[str, ...]]:
    """What a case says that the check finds: shape, rule, value."""
    return sorted(
        tuple(line.removeprefix("# finds: ").split(" ", 2))
        for line in path.read_text().splitlines()
        if line.startswith("# finds: ")
    )


def found(finding: Finding) -> tuple[str, ...]:
    return (finding.shape_name or "-", finding.component_name, finding.value or "-")


def test_the_catalogue_has_nothing_wrong(real_files: DocumentSet) -> None:
    assert checks.check(ROOT, real_files, real_files.paths).findings == ()


def test_there_are_thirty_faults_and_more() -> None:
    assert len(FAULTS) >= 30
    assert all(expected(path) for path in FAULTS)


@pytest.mark.parametrize("path", FAULTS, ids=lambda path: path.stem)
def test_a_fault_is_found_and_nothing_else(
    path: Path, faults: Mapping[Path, Sequence[Finding]]
) -> None:
    assert sorted(map(found, faults[path])) == expected(path)


@pytest.mark.parametrize("language", ["en", "nl", "es", "de", "it", "fr", "el"])
def test_a_finding_names_file_entry_field_value_and_reason_in_the_language(
    language: str, services: Services
) -> None:
    path = CASES / "entry-with-two-categories.ttl"
    (finding,) = checked(services, path, language).findings
    name = NAMES[language]
    assert str(path) in str(finding)
    assert finding.path_label == name
    assert finding.focus_label
    assert finding.detail
    assert not re.search(r"[{}]", str(finding))


NAMES = {
    "en": "Category",
    "nl": "Categorie",
    "es": "Categoría",
    "de": "Rubrik",
    "it": "Categoria",
    "fr": "Catégorie",
    "el": "Κατηγορία",
}


def test_a_file_on_the_topic_of_another_is_found(copied: Path) -> None:
    entry = copied / "data/practices/1788.ttl"
    twin = copied / "data/practices/twin.ttl"
    twin.write_text(entry.read_text())
    contents = catalogue.read_folder(copied)
    findings = checks.check(copied, contents, contents.paths).findings
    assert [(finding.file, finding.component_name) for finding in findings] == [(twin, "SameTopic")]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("    sh:path pg:category ;\n", "", "Practice-category"),
        ('sh:pattern "^https?://"', 'sh:pattern "("', "regular expression"),
        ("SELECT $this ?value", "SELECT $this value", "SPARQL"),
        ('"^https?://" .', '"^https?://" ;\n    sh:languageIn ( "en" ) .', "none of the languages"),
    ],
)
def test_shapes_that_make_no_sense_are_said_to_and_never_traced(
    run: Callable[..., Result], copied: Path, before: str, after: str, said: str
) -> None:
    path = copied / "shapes/practice.ttl"
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1))
    result = run("check")
    assert result.exit_code == 1
    assert said in result.output
    assert isinstance(result.exception, SystemExit)


def test_a_shape_that_the_engine_cannot_read_is_found_with_its_place(
    run: Callable[..., Result], copied: Path
) -> None:
    path = copied / "shapes/practice.ttl"
    text = path.read_text().replace('sh:pattern "^https?://"', 'sh:pattern "("', 1)
    path.write_text(text)
    subject = text[: text.index('sh:pattern "("')].rpartition("\n\n")[0]
    result = run("check", "data/practices/1788.ttl")
    assert result.exit_code == 1
    assert f"shapes/practice.ttl:{subject.count(chr(10)) + 3}:1: " in result.output


def test_a_literal_that_is_a_focus_node_is_found_where_it_is_an_object(
    run: Callable[..., Result], copied: Path
) -> None:
    entry = "data/practices/1755.ttl"
    lines = (copied / entry).read_text().splitlines()
    line = next(n for n, line in enumerate(lines, 1) if '"Serve Now"@en' in line)
    with (copied / "shapes/schemes.ttl").open("a") as shapes:
        shapes.write(
            "\nshape:Short a sh:NodeShape ; sh:targetObjectsOf dct:title ; sh:minLength 10 ;"
            ' sh:message "too short"@en .\n'
        )
    found = run("check").output
    assert f"{entry}:{line}:{lines[line - 1].index(chr(34)) + 1}: violation: " in found
    assert found.count("too short") > run("check", entry).output.count("too short") > 0


NOWHERE = "<https://w3id.org/practicegraph/outcome/X>"


@pytest.mark.parametrize(
    ("before", "after", "rule", "fix"),
    [
        ("pg:outcome ?", "pg:outcomes ?", "UnknownTerm", "ontology#outcome>"),
        ("skos:prefLabel ?", "skos:preflabel ?", "UnknownTerm", "core#prefLabel>"),
        ("pg:Practice ;", f"{NOWHERE} ;", "Dangling", ""),
    ],
)
def test_a_term_in_the_text_of_a_stored_query_that_does_not_exist_is_found_where_it_stands(
    run: Callable[..., Result], copied: Path, before: str, after: str, rule: str, fix: str
) -> None:
    query = "queries/low-values.rq"
    text = (copied / query).read_text()
    place = text.index(before, text.index("\nSELECT"))
    (copied / query).write_text(text[:place] + after + text[place + len(before) :])
    line, column = text.count("\n", 0, place) + 1, place - text.rfind("\n", 0, place)
    (found,) = run("check", query).output.splitlines()[:-1]
    assert found.startswith(f"{query}:{line}:{column}: ")
    assert found.endswith(f"[{rule}]")
    assert fix in found


@pytest.mark.parametrize(
    "file", ["ontology/practice.ttl", "ontology/action.ttl", "shapes/practice.ttl"]
)
def test_a_missing_file_of_the_domain_is_named_alone(
    run: Callable[..., Result], copied: Path, file: str
) -> None:
    (copied / file).unlink()
    result = run("check")
    assert result.exit_code == 1
    errors = [n for n in result.output.splitlines() if "violation: " in n or "Error: " in n]
    assert len(errors) == 1
    assert "is not described" in errors[0] or "no file describes" in errors[0]


def test_links_to_nothing_and_to_folders_are_findings(
    run: Callable[..., Result], copied: Path, tmp_path: Path
) -> None:
    (copied / "data/practices/9999.ttl").symlink_to(tmp_path / "nothing.ttl")
    (copied / "data/elsewhere").symlink_to(tmp_path, target_is_directory=True)
    result = run("check")
    assert result.exit_code == 1
    assert "9999.ttl: violation: is a symbolic link to a file that does not exist" in result.output
    assert "data/elsewhere: warning: is not part of the catalogue" in result.output


@pytest.mark.parametrize(
    "shape",
    [
        "ex:S a sh:NodeShape ; sh:targetObjectsOf dct:title ; sh:minLength 500 .",
        "ex:S sh:targetSubjectsOf dct:title ; sh:node [ sh:class ex:C ] ; sh:severity ex:Mine .",
        "ex:S sh:targetSubjectsOf dct:title ; sh:property [ sh:path ( dct:title ex:p ) ; sh:minCount 1 ] .",
        "ex:S sh:targetSubjectsOf dct:title ; sh:property [ sh:path dct:title ; sh:in _:r ] . _:r rdf:rest _:r .",
    ],
)
def test_a_shape_of_any_kind_in_a_catalogue_ends_in_findings(copied: Path, shape: str) -> None:
    prefixes = "".join(
        f"@prefix {name}: <{namespace}> .\n"
        for name, namespace in {"sh": SH, "dct": DCT, "rdf": RDF, "ex": "https://a.b/"}.items()
    )
    (copied / "shapes/more.ttl").write_text(f"{prefixes}\n{shape}\n")
    contents = catalogue.read_folder(copied)
    report = checks.check(copied, contents, contents.paths)
    assert report.findings
    for form in ("json", "turtle"):
        text = FORMATS[form].write(report, {})
        assert "omponent" in text or "FaultyShape" in text


@pytest.mark.parametrize(
    "name", ["[ a pg:Import ]", "[ foaf:page <https://w3id.org/practicegraph/practice/0> ]"]
)
def test_a_fault_of_a_blank_node_is_found_too(
    run: Callable[..., Result], copied: Path, name: str
) -> None:
    path = copied / "data/practices/1788.ttl"
    text = path.read_text()
    assert "    pg:funding funding:eu-funds ;" in text
    path.write_text(
        text.replace("    pg:funding", f"    prov:wasGeneratedBy {name} ;\n    pg:funding", 1)
    )
    result = run("check")
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)


def test_a_reason_calls_fields_and_kinds_by_their_names(
    faults: Mapping[Path, Sequence[Finding]], services: Services
) -> None:
    def reason(name: str) -> str:
        return faults[CASES / f"{name}.ttl"][0].detail

    assert "Changed on" in reason("entry-added-after-its-change")
    assert "gYearMonth" in reason("entry-with-start-in-words")
    assert "Location" in reason("entry-carried-out-in-a-body")
    report = checked(services, CASES / "concept-below-no-concept.ttl", "nl")
    assert "Begrip" in report.findings[0].detail


def test_a_file_that_is_no_rdf_is_found_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "broken.ttl"
    path.write_text("<https://a> a <https://b> ;\n    <https://c> .\n")
    with pytest.raises(UnreadableError) as caught:
        read_document(path)
    assert caught.value.line == 2


def test_what_blanks_hide_or_cause_is_told_to_be_so(copied: Path) -> None:
    entry, scheme = copied / "data/practices/1788.ttl", copied / "ontology/actor.ttl"
    entry.write_text(entry.read_text().replace('"1788" ', '"1788 " ', 1))
    label = 'actor:school skos:altLabel "Centros escolares\u00a0"@es .\n'
    scheme.write_text(f"{scheme.read_text()}\n{label}")
    found = checks.check(copied, catalogue.read_folder(copied), [entry, scheme], "en").findings
    blanks = "a space or an invisible character at an end"
    caused = [f for f in found if f.detail.endswith(f", only because of {blanks}")]
    assert {f.path_label for f in caused} == {"Identifier"}
    assert {f.fix.text for f in caused if f.fix} == {'"1788"'}
    (hidden,) = [f for f in found if "once the spaces" in f.detail]
    assert hidden.component_name == "DisjointConstraintComponent"
    assert hidden.region
    others = [f for f in found if f not in (*caused, hidden) and f.component_name != "Version"]
    assert {f.detail for f in others} == {f"has {blanks}"}


@pytest.mark.parametrize(
    ("name", "before", "after", "reason"),
    [
        ("outcomes-by-country", "SELECT", "SELCT", "commence par SELECT"),
        ("outcomes-by-country", "pg:Practice", "px:Practice", "px: n’est pas déclaré"),
        ("outcomes-by-country", "WHERE {", "WHERE { SERVICE <http://a.b/> {}", "SERVICE"),
        ("shared-labels", "?this", "?thing", "`?this`"),
        ("shared-labels", "HAVING (COUNT(DISTINCT ?concept) > 1)", "HAVING", "`}` ne peut pas"),
    ],
)
def test_a_stored_query_that_cannot_be_run_is_found_with_its_place(
    copied: Path, name: str, before: str, after: str, reason: str
) -> None:
    path = copied / f"queries/{name}.rq"
    text = path.read_text()
    path.write_text(text.replace(before, after))
    entry = copied / "data/practices/1788.ttl"
    (finding,) = checks.check(copied, catalogue.read_folder(copied), [entry], "fr").findings
    assert (finding.component_name, finding.file) == ("FaultyQuery", path)
    assert finding.region
    assert finding.region.start.line > text[: text.index("PREFIX")].count("\n")
    assert reason in finding.detail


@pytest.mark.parametrize("command", [["query", "thin-fields"], ["import", "a.csv", "--lang", "de"]])
def test_commands_tell_a_syntax_error_as_a_check_does(
    run: Callable[..., Result], copied: Path, command: list[str]
) -> None:
    (copied / "a.csv").write_text("identifier\n1788\n")
    (copied / "ontology/action.ttl").write_text("<https://a.b/c> a <https://a.b/d>\n")
    result = run(*command)
    assert result.exit_code == 1
    assert "ontology/action.ttl:1:34: " in result.output
    assert ("oder `.` nach" if "de" in command else "or `.` expected after") in result.output


def test_a_reason_has_examples_of_values_and_no_regular_expressions(
    faults: Mapping[Path, Sequence[Finding]],
) -> None:
    def reason(name: str) -> str:
        return faults[CASES / f"{name}.ttl"][0].detail

    assert "^" not in reason("entry-with-identifier-in-capitals")
    assert "`2019`" in reason("entry-with-start-in-words")


def test_check_ends_with_one_on_a_violation_and_with_none_otherwise(
    run: Callable[..., Result], copied: Path
) -> None:
    assert run("check", copied).exit_code == 0
    warned = CASES / "entry-without-abstract.ttl"
    assert run("check", "data/practices/1789.ttl", warned).exit_code == 0
    result = run("check", CASES / "entry-without-category.ttl", "--lang", "nl")
    assert result.exit_code == 1
    assert "Categorie" in result.output


def test_check_gives_json_too(run: Callable[..., Result]) -> None:
    result = run("check", CASES / "entry-without-category.ttl", "--format", "json")
    report = json.loads(result.output)
    (finding,) = report["findings"]
    assert report["conforms"] is False
    assert finding["resultPath"] == PG + "category"
    assert finding["sourceConstraintComponent"] == SH + "MinCountConstraintComponent"
    assert finding["sourceShape"].endswith("#Practice-category")
    assert finding["severity"] == SH + "Violation"
    assert "Category" in finding["message"]


def test_an_unknown_language_of_messages_is_refused(run: Callable[..., Result]) -> None:
    result = run("check", "--lang", "tlh")
    assert result.exit_code != 0
    assert "en, nl, es" in result.output


def test_a_folder_that_is_no_catalogue_is_refused(
    run: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("check")
    assert result.exit_code == 1
    assert "ontology" in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    "name",
    [
        "ontology/action.ttl",
        "ontology/catalogue.ttl",
        "ontology/practice.ttl",
        "shapes/meta.ttl",
        "shapes/phrases.ttl",
        "shapes/practice.ttl",
        "queries/imports.rq",
    ],
)
def test_a_syntax_error_in_the_domain_is_reported_alone(copied: Path, name: str) -> None:
    path, mark = copied / name, "#: " if name.endswith(".rq") else ""
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:12], f"{mark}<a> <b> .", *lines[12:]]))
    (finding,) = checks.check(copied, catalogue.read_folder(copied), ()).findings
    assert finding.is_violation
    assert finding.place.startswith(f"{path}:13:")


def test_a_missing_scheme_is_reported_alone_where_a_shape_names_it(copied: Path) -> None:
    (copied / "ontology/action.ttl").unlink()
    contents = catalogue.read_folder(copied)
    (finding,) = checks.check(copied, contents, contents.paths).findings
    assert (finding.component_name, finding.file.name) == ("Dangling", "schemes.ttl")
    assert finding.region


def test_links_to_an_entry_with_a_syntax_error_are_not_reported(copied: Path) -> None:
    practices = copied / "data/practices"
    target, entry = practices / "1699.ttl", practices / "1700.ttl"
    target.write_text("<a> <b> .")
    link = "schema:sameAs <https://w3id.org/practicegraph/practice/1699>"
    entry.write_text(entry.read_text() + f"\n<https://example.org/a> {link} .\n")
    contents = catalogue.read_folder(copied)
    findings = checks.check(copied, contents, [target, entry]).findings
    assert [finding.component_name for finding in findings] == ["Syntax"]
