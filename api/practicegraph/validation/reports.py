"""What a check has found, in every form: for people as text or a page, for programs as data.

Pages made of templates, in which all that is filled in is text and never markup.

What a check has found, for the pipelines that run it: SARIF and JUnit's XML.

SARIF: https://docs.oasis-open.org/sarif/sarif/v2.1.0/. JUnit's XML has no standard; this is what
the programs that read it agree on: suites of cases, with failures and errors.

What a check has found as a validation report (https://www.w3.org/TR/shacl/, section 3.6).

Places are those of Pointer Methods in RDF (https://www.w3.org/TR/Pointers-in-RDF10/), mends the
suggestions of DASH (http://datashapes.org/dash). The rules beside SHACL are known by their phrases.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from jinja2 import Environment, PackageLoader, StrictUndefined
from pyoxigraph import BlankNode, Literal, NamedNode, RdfFormat, Triple, serialize

from .. import __version__
from ..rdf.namespaces import EARL, PG, PTR, RDF, SH, XSD
from ..rdf.terms import Node, Term
from ..rdf.turtle import TurtleWriter
from ..schema.shapes import SHAPE
from ..storage.base import parse_term
from .findings import Finding, Fix, Region, ValidationReport


def environment(package: str) -> Environment:
    """Give what makes pages of the templates of a package; a name that is missing is an error."""
    return Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {"Violation": "error", "Warning": "warning", "Info": "note"}
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 has no way to write (section 2.2)."""


def sarif(checked: ValidationReport) -> str:
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


def _fix(path: Path, mend: Fix, part: Region) -> dict[str, Any]:
    edit = {"deletedRegion": _region(part), "insertedContent": {"text": mend.text}}
    change = {"artifactLocation": _artifact(path), "replacements": [edit]}
    return {"description": {"text": mend.said}, "artifactChanges": [change]}


def _region(part: Region) -> dict[str, int]:
    return {
        "startLine": part.start.line,
        "startColumn": part.start.column,
        "endLine": part.end.line,
        "endColumn": part.end.column,
    }


def _artifact(path: Path) -> Mapping[str, str]:
    return {"uri": path.as_uri() if path.is_absolute() else quote(path.as_posix())}


def junit(checked: ValidationReport) -> str:
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


_DASH = "http://datashapes.org/dash#"
_OUR_RULE = PG + "programRule"


def turtle(checked: ValidationReport, prefixes: Mapping[str, str]) -> str:
    """Give the report in Turtle."""
    known = {"dash": _DASH, "earl": EARL, "ptr": PTR, "sh": SH, "xsd": XSD}
    return TurtleWriter({**prefixes, **known}).write(triples(checked))


def jsonld(checked: ValidationReport) -> str:
    """Give the report in JSON-LD."""
    text = serialize(triples(checked), format=RdfFormat.JSON_LD)
    assert isinstance(text, bytes)
    return text.decode()


def triples(checked: ValidationReport) -> Iterator[Triple]:
    """Give the report as triples; by section 3.6.1.2 nothing conforms that has a warning."""
    report = BlankNode()
    conforms = Literal("false" if checked.findings else "true", datatype=NamedNode(XSD + "boolean"))
    yield _said(report, RDF + "type", SH + "ValidationReport")
    yield Triple(report, NamedNode(SH + "conforms"), conforms)
    for finding in checked.findings:
        result = BlankNode()
        yield Triple(report, NamedNode(SH + "result"), result)
        yield from _verdicts_result(result, finding, checked.languages[0])


def _verdicts_result(result: Node, finding: Finding, language: str) -> Iterator[Triple]:
    ours = not finding.shape
    yield _said(result, RDF + "type", SH + "ValidationResult")
    yield Triple(result, NamedNode(SH + "focusNode"), _focus(finding))
    yield _said(result, SH + "resultSeverity", SH + finding.severity)
    component = _OUR_RULE if ours else SH + finding.rule
    yield _said(result, SH + "sourceConstraintComponent", component)
    if not finding.shape.startswith("_:"):
        shape = f"{SHAPE}phrase-{finding.rule}" if ours else finding.shape
        yield _said(result, SH + "sourceShape", shape)
    if finding.predicate:
        yield _said(result, SH + "resultPath", finding.predicate)
    if finding.term:
        yield Triple(result, NamedNode(SH + "value"), parse_term(finding.term))
    message = Literal(finding.message, language=language)
    yield Triple(result, NamedNode(SH + "resultMessage"), message)
    if finding.part:
        yield from _pointer(result, finding.path, finding.part)
    if finding.mend:
        said = Literal(finding.mend.said, language=language)
        yield from _linked(result, _DASH + "suggestion", _DASH + "Suggestion", SH + "message", said)


def _pointer(result: Node, path: Path, part: Region) -> Iterator[Triple]:
    start = BlankNode()
    integer = NamedNode(XSD + "integer")
    yield Triple(result, NamedNode(EARL + "pointer"), start)
    yield _said(start, RDF + "type", PTR + "LineCharPointer")
    yield Triple(start, NamedNode(PTR + "reference"), _file(path))
    for name, number in (("lineNumber", part.start.line), ("charNumber", part.start.column)):
        value = Literal(str(number), datatype=integer)
        yield Triple(start, NamedNode(PTR + name), value)


def _linked(subject: Node, link: str, kind: str, predicate: str, value: Term) -> Iterator[Triple]:
    node = BlankNode()
    yield Triple(subject, NamedNode(link), node)
    yield _said(node, RDF + "type", kind)
    yield Triple(node, NamedNode(predicate), value)


def _focus(finding: Finding) -> Node:
    """Give what a finding is about: a thing, or the file where nothing in it is known."""
    if finding.focus.startswith("_:"):
        return BlankNode(finding.focus.removeprefix("_:"))
    return NamedNode(finding.focus) if finding.focus else _file(finding.path)


def _file(path: Path) -> NamedNode:
    """Give the address of a file; one that is not on this machine has no folder."""
    return NamedNode(path.absolute().as_uri() if path.exists() else f"file:///{quote(path.name)}")


def _said(subject: Node, predicate: str, value: str) -> Triple:
    return Triple(subject, NamedNode(predicate), NamedNode(value))


_ENVIRONMENT = environment("practicegraph.validation")


@dataclass(frozen=True)
class ReportFormat:
    """A form of a report: its media type, and what writes it with the prefixes of a catalogue."""

    media_type: str
    write: Callable[[ValidationReport, Mapping[str, str]], str]


def text(checked: ValidationReport) -> str:
    """Give the findings one a line, as compilers print theirs, and the summary."""
    return "\n".join([*map(str, checked.findings), checked.summary]) + "\n"


def as_json(checked: ValidationReport) -> str:
    """Give the findings as a list in JSON."""
    return json.dumps(rows(checked), ensure_ascii=False, indent=1) + "\n"


def as_object(checked: ValidationReport) -> str:
    """Give the findings in an object of JSON that says whether there are any, and the summary."""
    found = {"conforms": not checked.findings, "summary": checked.summary}
    return json.dumps(found | {"findings": rows(checked)}, ensure_ascii=False, indent=1) + "\n"


def rows(checked: ValidationReport) -> list[dict[str, Any]]:
    """Give the findings as objects of JSON."""
    return [_row(finding) for finding in checked.findings]


def html(checked: ValidationReport) -> str:
    """Give the findings as a page that stands alone and can be printed."""
    files = [(path, list(some)) for path, some in groupby(checked.findings, attrgetter("path"))]
    return _ENVIRONMENT.get_template("report.html").render(checked=checked, files=files)


def _row(finding: Finding) -> dict[str, Any]:
    start = finding.part.start if finding.part else None
    return {
        "path": str(finding.path),
        "line": start and start.line,
        "column": start and start.column,
        "end": finding.part and finding.part.end._asdict(),
        "rule": finding.rule,
        "shape": finding.shape,
        "severity": finding.severity,
        "level": finding.level,
        "focus": finding.focus,
        "subject": finding.subject,
        "predicate": finding.predicate,
        "field": finding.field,
        "value": finding.value,
        "reason": finding.reason,
        "hint": finding.hint,
        "message": finding.message,
        "mend": finding.mend and _edit(finding.mend),
    }


def _edit(mend: Fix) -> dict[str, Any]:
    if mend.part is None:
        return {"said": mend.said}
    start, end = (position._asdict() for position in mend.part)
    return {"said": mend.said, "start": start, "end": end, "text": mend.text}


FORMATS = {
    "text": ReportFormat("text/plain", lambda checked, _: text(checked)),
    "json": ReportFormat("application/json", lambda checked, _: as_json(checked)),
    "turtle": ReportFormat("text/turtle", turtle),
    "jsonld": ReportFormat("application/ld+json", lambda checked, _: jsonld(checked)),
    "html": ReportFormat("text/html", lambda checked, _: html(checked)),
    "sarif": ReportFormat("application/sarif+json", lambda checked, _: sarif(checked)),
    "junit": ReportFormat("application/xml", lambda checked, _: junit(checked)),
}
"""The forms by name."""
ANSWERS = FORMATS | {
    "json": ReportFormat("application/json", lambda checked, _: as_object(checked))
}
"""The same as a service gives them: what is not a list may get keys later."""
