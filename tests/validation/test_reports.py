"""What a check has found, in every form, with the same findings."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from pyoxigraph import NamedNode, RdfFormat, Store, parse

from practicegraph.catalogue import catalogue
from practicegraph.rdf.terms import PG, SH
from practicegraph.validation import checks
from practicegraph.validation.findings import ValidationReport
from practicegraph.validation.reports import FORMATS
from support.catalogues import CASES, ROOT

NAMES = ("entry-with-two-categories", "entry-without-abstract", "entry-with-dangling-link")
GOOD = ROOT / "data/practices/1788.ttl"
FILES = [*(CASES / f"{name}.ttl" for name in (*NAMES, "file-without-a-dot")), GOOD]
ASKED = """
PREFIX dash: <http://datashapes.org/dash#>
PREFIX earl: <http://www.w3.org/ns/earl#>
PREFIX ptr: <http://www.w3.org/2009/pointers#>
PREFIX sh: <http://www.w3.org/ns/shacl#>
SELECT ?line ?column ?source ?shape ?suggestion
WHERE {
    ?report a sh:ValidationReport ;
        sh:conforms false ;
        sh:result ?result .
    ?result a sh:ValidationResult ;
        sh:focusNode ?focus ;
        sh:resultSeverity ?severity ;
        sh:resultMessage ?message ;
        sh:sourceConstraintComponent ?source ;
        sh:sourceShape ?shape ;
        earl:pointer [ ptr:lineNumber ?line ; ptr:charNumber ?column ] .
    FILTER (LANG(?message) = "nl")
    OPTIONAL { ?result dash:suggestion [ sh:message ?suggestion ] }
}
"""


@pytest.fixture(scope="module")
def checked() -> ValidationReport:
    return checks.check(ROOT, catalogue.read_folder(ROOT, FILES), FILES, "nl")


def written(checked: ValidationReport, form: str) -> str:
    return FORMATS[form].write(checked, {"pg": PG})


def test_text_has_path_line_and_column_as_compilers_print_them(checked: ValidationReport) -> None:
    *lines, summary = written(checked, "text").splitlines()
    assert len(lines) == len(checked.findings) == 4
    assert any(line.startswith(f"{FILES[0]}:15:5: overtreding: ") for line in lines)
    assert summary == checked.summary


def test_json_has_the_finding_and_its_mend_with_places(checked: ValidationReport) -> None:
    report = json.loads(written(checked, "json"))
    assert report["conforms"] is False
    (row,) = [row for row in report["findings"] if row["location"]["file"] == str(FILES[0])]
    assert (row["location"]["line"], row["location"]["column"]) == (15, 5)
    assert "Categorie" in row["message"]
    assert row["resultPath"] == PG + "category"
    assert row["sourceShape"].endswith("#Practice-category")
    assert row["sourceConstraintComponent"] == SH + "MaxCountConstraintComponent"
    assert row["severity"] == SH + "Violation"
    (fix,) = [row["fix"] for row in report["findings"] if "fix" in row]
    assert fix["description"]
    assert fix["location"]["line"] <= fix["location"]["endLine"]


def test_a_report_of_shacl_says_places_and_suggestions(checked: ValidationReport) -> None:
    store = Store()
    store.extend(parse(written(checked, "turtle"), RdfFormat.TURTLE))
    rows = [*store.query(ASKED)]  # type: ignore[misc, unused-ignore]
    assert len(rows) == len(checked.findings)
    own = [row for row in rows if row["source"] == NamedNode(PG + "programRule")]
    assert {row["shape"].value.rpartition("#")[2] for row in own} == {
        "phrase-Dangling",
        "phrase-Syntax",
    }
    assert sum(row["suggestion"] is not None for row in rows) == 1
    assert not [*store.quads_for_pattern(None, NamedNode(SH + "resultMessage"), NamedNode(SH))]


def test_a_page_stands_alone_in_the_language(checked: ValidationReport) -> None:
    page = written(checked, "html")
    assert '<html lang="nl">' in page
    assert "Validatierapport" in page
    assert f"{FILES[0]}:15:5" in page
    assert "http-equiv" not in page
    assert "src=" not in page
    assert "<link" not in page
    assert page.count("<li ") == len(checked.findings)


def test_sarif_has_what_the_standard_requires(checked: ValidationReport) -> None:
    """Sections 3.13, 3.14, 3.18, 3.19, 3.27, 3.30, 3.49, 3.55 and 3.57."""
    log = json.loads(written(checked, "sarif"))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"]
    assert run["columnKind"] == "unicodeCodePoints"
    rules = driver["rules"]
    assert all(rule["shortDescription"]["text"] and rule["help"]["text"] for rule in rules)
    assert len({rule["id"] for rule in rules}) == len(rules)
    for result in run["results"]:
        assert result["ruleId"] == rules[result["ruleIndex"]]["id"]
        assert result["level"] in {"error", "warning", "note"}
        assert result["message"]["text"]
        (location,) = result["locations"]
        physical = location["physicalLocation"]
        assert physical["artifactLocation"]["uri"].startswith("file:///")
        assert physical["region"]["startLine"] >= 1
        assert physical["region"]["startColumn"] >= 1
        for fix in result.get("fixes", []):
            (change,) = fix["artifactChanges"]
            (edit,) = change["replacements"]
            assert edit["deletedRegion"]["startLine"] >= 1
            assert "text" in edit["insertedContent"]
    assert any("fixes" in result for result in run["results"])


def test_junit_has_a_suite_a_file(checked: ValidationReport) -> None:
    root = ElementTree.fromstring(written(checked, "junit").encode())
    suites = {suite.get("name"): suite for suite in root}
    assert set(suites) == set(map(str, FILES))
    numbers = {
        Path(name or "").stem: tuple(suite.get(n) for n in ("tests", "failures", "errors"))
        for name, suite in suites.items()
    }
    assert numbers["1788"] == ("1", "0", "0")
    assert numbers["entry-with-two-categories"] == ("1", "1", "0")
    assert numbers["entry-without-abstract"] == ("1", "0", "0")
    assert numbers["file-without-a-dot"] == ("1", "0", "1")
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("5", "2", "1")
