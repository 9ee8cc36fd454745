"""The formats of a validation report.

The report of SHACL has positions by Pointer Methods in RDF (https://www.w3.org/TR/Pointers-in-RDF10/)
and fixes as suggestions of DASH (http://datashapes.org/dash). SARIF is 2.1.0
(https://docs.oasis-open.org/sarif/sarif/v2.1.0/). JUnit's XML has no standard.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from pyoxigraph import BlankNode, Literal, NamedNode, Triple

from .. import __version__
from ..rdf.terms import EARL, PTR, RDFS, TYPE, XSD, Node, Term, integer
from ..rdf.turtle import TurtleWriter
from ..schema.shapes.constraints import INFO, VIOLATION, shacl_term
from ..schema.text import replace_non_xml
from ..storage.base import parse_term
from .findings import Finding, Fix, Position, Region, ValidationReport
from .shacl import SUBMITTED_SHAPES

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {VIOLATION: "error", INFO: "note"}


def write_sarif(report: ValidationReport) -> str:
    """Return the report in SARIF, with the rules of its findings and their fixes."""
    rules = {finding.rule_name: finding for finding in report.all_findings}
    driver = {
        "name": "PracticeGraph",
        "version": __version__,
        "language": report.languages[0],
        "rules": [_sarif_rule(name, finding) for name, finding in rules.items()],
    }
    indices = {name: index for index, name in enumerate(rules)}
    run = {
        "tool": {"driver": driver},
        "language": report.languages[0],
        "columnKind": "unicodeCodePoints",
        "results": [
            _sarif_result(finding, indices[finding.rule_name]) for finding in report.all_findings
        ],
    }
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, ensure_ascii=False, indent=1) + "\n"


def _sarif_rule(name: str, finding: Finding) -> dict[str, Any]:
    description = ": ".join(part for part in (finding.path_label, finding.detail) if part)
    rule = {
        "id": name,
        "shortDescription": {"text": description},
        "help": {"text": finding.hint or description},
        "defaultConfiguration": {"level": _level(finding)},
    }
    is_blank = isinstance(_source_shape(finding), BlankNode)
    return rule if is_blank else rule | {"helpUri": finding.source_shape}


def _sarif_result(finding: Finding, index: int) -> dict[str, Any]:
    focus_node = "" if finding.focus_node.startswith("_:") else finding.focus_node
    value = finding.value_term if finding.value else ""
    terms = (focus_node, finding.result_path, value, finding.rule_name)
    fingerprint = hashlib.sha256("\n".join(terms).encode()).hexdigest()
    result = {
        "ruleId": finding.rule_name,
        "ruleIndex": index,
        "level": _level(finding),
        "message": {"text": finding.message},
        "partialFingerprints": {"finding/v1": fingerprint},
    }
    if finding.file.name:
        result["locations"] = [_sarif_location(finding)]
    if finding.fix and finding.fix.region:
        result["fixes"] = [_sarif_fix(finding.file, finding.fix, finding.fix.region)]
    return result


def _level(finding: Finding) -> str:
    """Return the level of a finding; severities of a client's own are warnings."""
    return _LEVELS.get(finding.severity, "warning")


def _sarif_location(finding: Finding) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": _sarif_artifact(finding.file)}
    if finding.region:
        physical["region"] = _sarif_region(finding.region)
    location: dict[str, Any] = {"physicalLocation": physical}
    if node := finding.focus_node:
        name = finding.focus_label or node
        location["logicalLocations"] = [{"fullyQualifiedName": node, "name": name}]
    return location


def _sarif_fix(file: Path, fix: Fix, region: Region) -> dict[str, Any]:
    replacement = {"deletedRegion": _sarif_region(region), "insertedContent": {"text": fix.text}}
    change = {"artifactLocation": _sarif_artifact(file), "replacements": [replacement]}
    return {"description": {"text": fix.description}, "artifactChanges": [change]}


def _sarif_region(region: Region) -> dict[str, int]:
    names = ("startLine", "startColumn", "endLine", "endColumn")
    return dict(zip(names, (*region.start, *region.end), strict=True))


def _sarif_artifact(file: Path) -> Mapping[str, str]:
    return {"uri": file.as_uri() if file.is_absolute() else quote(file.as_posix())}


def write_junit(report: ValidationReport) -> str:
    """Return the report as one suite a file: violations fail, unreadable files are errors.

    A file without a finding is one case that passes.
    """
    suites: dict[Path, list[Finding]] = {file: [] for file in report.files}
    for finding in report.all_findings:
        suites.setdefault(finding.file, []).append(finding)
    template = _ENVIRONMENT.get_template("junit.xml")
    return replace_non_xml(template.render(report=report, suites=suites)) + "\n"


def _junit_element(finding: Finding) -> str:
    """Return the element of a finding; one without a focus node is about an unreadable file."""
    if not finding.is_violation:
        return "system-out"
    return "failure" if finding.focus_node else "error"


_DASH = "http://datashapes.org/dash#"
_PREFIXES = {
    "dash": _DASH,
    "earl": EARL,
    "ptr": PTR,
    "rdfs": RDFS,
    "sh": shacl_term("").value,
    "xsd": XSD,
}


def write_turtle(report: ValidationReport, prefixes: Mapping[str, str]) -> str:
    """Return the report in Turtle."""
    return TurtleWriter({**prefixes, **_PREFIXES}).write(_report_triples(report))


def _report_triples(report: ValidationReport) -> Iterator[Triple]:
    node = BlankNode()
    yield Triple(node, TYPE, shacl_term("ValidationReport"))
    yield Triple(node, shacl_term("conforms"), Literal(report.conforms))
    for warning in report.shape_warnings:
        comment = Literal(warning.message, language=report.languages[0])
        yield Triple(node, NamedNode(RDFS + "comment"), comment)
    for finding in report.findings:
        result = BlankNode()
        yield Triple(node, shacl_term("result"), result)
        yield from _result_triples(result, finding, report.languages[0])


def _result_triples(result: Node, finding: Finding, language: str) -> Iterator[Triple]:
    yield Triple(result, TYPE, shacl_term("ValidationResult"))
    for name, term in (
        ("focusNode", _focus_node(finding)),
        ("resultSeverity", NamedNode(finding.severity)),
        ("sourceConstraintComponent", NamedNode(finding.source_constraint_component)),
        ("sourceShape", _source_shape(finding)),
        *(("resultMessage", message) for message in _messages(finding, language)),
    ):
        yield Triple(result, shacl_term(name), term)
    if finding.result_path:
        yield from _path(result, finding)
    if finding.value_term:
        yield Triple(result, shacl_term("value"), _parse_node(finding.value_term))
    if finding.region:
        yield from _pointer(result, finding.file, finding.region.start)
    if finding.fix:
        suggestion, description = BlankNode(), Literal(finding.fix.description, language=language)
        yield Triple(result, NamedNode(_DASH + "suggestion"), suggestion)
        yield Triple(suggestion, TYPE, NamedNode(_DASH + "Suggestion"))
        yield Triple(suggestion, shacl_term("message"), description)


def _messages(finding: Finding, language: str) -> Sequence[Literal]:
    """Return the messages that the shape has (section 3.6.2.6), else ours."""
    return finding.messages or [Literal(finding.message, language=language)]


def _source_shape(finding: Finding) -> Node:
    """Return the shape, which is a blank node where the client gave it no IRI."""
    name = finding.source_shape.removeprefix("_:")
    if finding.source_shape.startswith(SUBMITTED_SHAPES):
        return BlankNode(name.encode().hex())
    return NamedNode(name) if name == finding.source_shape else BlankNode(name)


def _path(result: Node, finding: Finding) -> Iterator[Triple]:
    """Yield the path of a finding: a predicate, or its triples (section 2.3.1)."""
    names: dict[Term, Node] = {triple.subject: BlankNode() for triple in finding.path_triples}
    path = next(iter(names.values())) if names else NamedNode(finding.result_path)
    yield Triple(result, shacl_term("resultPath"), path)
    for triple in finding.path_triples:
        value = names.get(triple.object, triple.object)
        yield Triple(names[triple.subject], triple.predicate, value)


def _pointer(result: Node, file: Path, start: Position) -> Iterator[Triple]:
    pointer = BlankNode()
    yield Triple(result, NamedNode(EARL + "pointer"), pointer)
    yield Triple(pointer, TYPE, NamedNode(PTR + "LineCharPointer"))
    yield Triple(pointer, NamedNode(PTR + "reference"), _file_iri(file))
    yield Triple(pointer, NamedNode(PTR + "lineNumber"), integer(start.line))
    yield Triple(pointer, NamedNode(PTR + "charNumber"), integer(start.column))


def _focus_node(finding: Finding) -> Term:
    """Return the focus node; the file where it cannot be read."""
    if finding.focus_node.startswith(("_:", '"')):
        return _parse_node(finding.focus_node)
    return NamedNode(finding.focus_node) if finding.focus_node else _file_iri(finding.file)


def _parse_node(term: str) -> Term:
    """Parse a term of N-Triples; a blank node keeps its label."""
    return BlankNode(term.removeprefix("_:")) if term.startswith("_:") else parse_term(term)


def _file_iri(file: Path) -> NamedNode:
    """Return the IRI of a file; of one that is not on this machine, without a folder."""
    return NamedNode(file.absolute().as_uri() if file.exists() else f"file:///{quote(file.name)}")


def environment(package: str) -> Environment:
    """Return the environment of a package's templates; a name that is missing is an error."""
    return Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


_ENVIRONMENT = environment("practicegraph.validation")
_ENVIRONMENT.filters["junit_element"] = _junit_element


def write_html(report: ValidationReport) -> str:
    """Return the report as a page that can be printed."""
    files = [(file, list(some)) for file, some in groupby(report.all_findings, attrgetter("file"))]
    return _ENVIRONMENT.get_template("report.html").render(report=report, files=files)


@dataclass(frozen=True)
class ReportFormat:
    """A format: its media type, and what writes a report in it with a catalogue's prefixes."""

    media_type: str
    write: Callable[[ValidationReport, Mapping[str, str]], str]


def write_text(report: ValidationReport) -> str:
    """Return the findings one a line, as compilers print theirs, and the summary."""
    return "\n".join([*map(str, report.all_findings), report.summary]) + "\n"


def write_json(report: ValidationReport) -> str:
    """Return the report as a JSON object."""
    return json.dumps(to_json(report), ensure_ascii=False, indent=1) + "\n"


def to_json(report: ValidationReport) -> dict[str, Any]:
    """Return whether the files conform, the findings in SHACL's terms, warnings about shapes."""
    row = {"conforms": report.conforms, "findings": findings_to_json(report.findings)}
    warnings = findings_to_json(report.shape_warnings)
    return row | {"shapeWarnings": warnings} if warnings else row


def findings_to_json(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Return findings in SHACL's terms."""
    return [*map(_finding, findings)]


def _finding(finding: Finding) -> dict[str, Any]:
    row: dict[str, Any] = {
        "focusNode": finding.focus_node,
        "resultPath": finding.result_path,
        "value": finding.value or finding.value_term,
        "sourceConstraintComponent": finding.source_constraint_component,
        "sourceShape": finding.source_shape,
        "severity": finding.severity,
        "message": finding.message,
        "hint": finding.hint,
        "location": _location(finding, finding.region) if finding.file.name else {},
    }
    if fix := finding.fix:
        row["fix"] = {"description": fix.description}
        if fix.region:
            row["fix"] |= {"location": _location(finding, fix.region), "text": fix.text}
    return {name: value for name, value in row.items() if value}


def _location(finding: Finding, region: Region | None) -> dict[str, Any]:
    place = {"file": str(finding.file)} | ({"sheet": finding.sheet} if finding.sheet else {})
    if not region:
        return place
    numbers = zip(
        ("line", "column", "endLine", "endColumn"), (*region.start, *region.end), strict=True
    )
    return {**place, **dict(numbers)}


FORMATS = {
    "text": ReportFormat("text/plain", lambda report, _: write_text(report)),
    "json": ReportFormat("application/json", lambda report, _: write_json(report)),
    "turtle": ReportFormat("text/turtle", write_turtle),
    "html": ReportFormat("text/html", lambda report, _: write_html(report)),
    "sarif": ReportFormat("application/sarif+json", lambda report, _: write_sarif(report)),
    "junit": ReportFormat("application/xml", lambda report, _: write_junit(report)),
}
"""The formats by name."""
