"""What a check has found, for the pipelines that run it: SARIF and JUnit's XML.

SARIF: https://docs.oasis-open.org/sarif/sarif/v2.1.0/. JUnit's XML has no standard; this is what
the programs that read it agree on: suites of cases, with failures and errors.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from . import __version__
from .findings import Checked, Finding, Mend, Part
from .shapes import SHAPE

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {"Violation": "error", "Warning": "warning", "Info": "note"}
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 has no way to write (section 2.2)."""


def sarif(checked: Checked) -> str:
    """Give the findings in SARIF 2.1.0, with the rules that they break and edits that mend them."""
    rules = {finding.rule_name: finding for finding in checked.findings}
    driver = {
        "name": "PracticeGraph",
        "version": __version__,
        "language": checked.languages[0],
        "rules": [_rule(name, finding) for name, finding in rules.items()],
    }
    places = {name: place for place, name in enumerate(rules)}
    run = {
        "tool": {"driver": driver},
        "language": checked.languages[0],
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, places[finding.rule_name]) for finding in checked.findings],
    }
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, ensure_ascii=False, indent=1) + "\n"


def _rule(name: str, finding: Finding) -> dict[str, Any]:
    about = ": ".join(part for part in (finding.field, finding.reason) if part)
    address = finding.shape if finding.shape_name else f"{SHAPE}phrase-{finding.rule}"
    rule = {
        "id": name,
        "shortDescription": {"text": about},
        "help": {"text": finding.hint or about},
        "defaultConfiguration": {"level": _LEVELS[finding.severity]},
    }
    return rule if address.startswith("_:") else rule | {"helpUri": address}


def _result(finding: Finding, place: int) -> dict[str, Any]:
    about = "\n".join((finding.focus, finding.predicate, finding.term, finding.rule_name))
    result = {
        "ruleId": finding.rule_name,
        "ruleIndex": place,
        "level": _LEVELS[finding.severity],
        "message": {"text": finding.message},
        "partialFingerprints": {"finding/v1": hashlib.sha256(about.encode()).hexdigest()},
    }
    if finding.path.name:
        result["locations"] = [_location(finding)]
    if finding.mend and finding.mend.part:
        result["fixes"] = [_fix(finding.path, finding.mend, finding.mend.part)]
    return result


def _location(finding: Finding) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": _artifact(finding.path)}
    if finding.part:
        physical["region"] = _region(finding.part)
    location: dict[str, Any] = {"physicalLocation": physical}
    if finding.focus:
        location["logicalLocations"] = [
            {"fullyQualifiedName": finding.focus, "name": finding.subject or finding.focus}
        ]
    return location


def _fix(path: Path, mend: Mend, part: Part) -> dict[str, Any]:
    edit = {"deletedRegion": _region(part), "insertedContent": {"text": mend.text}}
    change = {"artifactLocation": _artifact(path), "replacements": [edit]}
    return {"description": {"text": mend.said}, "artifactChanges": [change]}


def _region(part: Part) -> dict[str, int]:
    return {
        "startLine": part.start.line,
        "startColumn": part.start.column,
        "endLine": part.end.line,
        "endColumn": part.end.column,
    }


def _artifact(path: Path) -> Mapping[str, str]:
    return {"uri": path.as_uri() if path.is_absolute() else quote(path.as_posix())}


def junit(checked: Checked) -> str:
    """Give the findings as a suite a file: violations fail, unreadable files are errors."""
    by_file: dict[Path, list[Finding]] = {path: [] for path in checked.files}
    for finding in checked.findings:
        by_file.setdefault(finding.path, []).append(finding)
    root = Element("testsuites", {"name": checked.title, **_numbers(by_file.values())})
    for path, findings in by_file.items():
        names = {"name": _writable(str(path)), **_numbers([findings])}
        suite = SubElement(root, "testsuite", names)
        for finding in findings:
            _case(suite, finding)
        if not findings:
            SubElement(suite, "testcase", _named(path, path.name))
    indent(root)
    return tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _numbers(suites: Iterable[Sequence[Finding]]) -> dict[str, str]:
    """Count cases, failures and errors; a file without a finding is one case that passes."""
    listed = list(suites)
    sorts = [_sort(finding) for findings in listed for finding in findings]
    passed = sum(not findings for findings in listed)
    return {
        "tests": str(len(sorts) + passed),
        "failures": str(sorts.count("failure")),
        "errors": str(sorts.count("error")),
    }


def _sort(finding: Finding) -> str:
    """Give the element that holds a finding; what is about nothing in a file is no RDF."""
    if not finding.violates:
        return "system-out"
    return "failure" if finding.focus else "error"


def _case(suite: Element, finding: Finding) -> None:
    about = (finding.subject or finding.focus, finding.field, finding.value)
    name = f"{': '.join(part for part in about if part)} [{finding.rule_name}]".strip()
    case = SubElement(suite, "testcase", _named(finding.path, name))
    said = SubElement(case, _sort(finding))
    if finding.violates:
        said.set("message", _writable(finding.message))
        said.set("type", finding.rule)
    said.text = _writable(str(finding))


def _named(path: Path, name: str) -> dict[str, str]:
    return {"classname": _writable(str(path)), "name": _writable(name)}


def _writable(text: str) -> str:
    return _NO_XML.sub("\ufffd", text)
