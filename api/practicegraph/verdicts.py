"""What a check has found as a validation report (https://www.w3.org/TR/shacl/, section 3.6).

Places are those of Pointer Methods in RDF (https://www.w3.org/TR/Pointers-in-RDF10/), mends the
suggestions of DASH (http://datashapes.org/dash). The rules beside SHACL are known by their phrases.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

from pyoxigraph import BlankNode, Literal, NamedNode, RdfFormat, Triple, serialize

from .findings import Checked, Finding, Part
from .shapes import PG, SH, SHAPE
from .store import RDF, Node, Term, term
from .turtle import XSD, Writer

_EARL = "http://www.w3.org/ns/earl#"
_POINTERS = "http://www.w3.org/2009/pointers#"
_DASH = "http://datashapes.org/dash#"
_OUR_RULE = PG + "programRule"


def turtle(checked: Checked, prefixes: Mapping[str, str]) -> str:
    """Give the report in Turtle."""
    known = {"dash": _DASH, "earl": _EARL, "ptr": _POINTERS, "sh": SH, "xsd": XSD}
    return Writer({**prefixes, **known}).write(triples(checked))


def jsonld(checked: Checked) -> str:
    """Give the report in JSON-LD."""
    text = serialize(triples(checked), format=RdfFormat.JSON_LD)
    assert isinstance(text, bytes)
    return text.decode()


def triples(checked: Checked) -> Iterator[Triple]:
    """Give the report as triples; by section 3.6.1.2 nothing conforms that has a warning."""
    report = BlankNode()
    conforms = Literal("false" if checked.findings else "true", datatype=NamedNode(XSD + "boolean"))
    yield _said(report, RDF + "type", SH + "ValidationReport")
    yield Triple(report, NamedNode(SH + "conforms"), conforms)
    for finding in checked.findings:
        result = BlankNode()
        yield Triple(report, NamedNode(SH + "result"), result)
        yield from _result(result, finding, checked.languages[0])


def _result(result: Node, finding: Finding, language: str) -> Iterator[Triple]:
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
        yield Triple(result, NamedNode(SH + "value"), term(finding.term))
    message = Literal(finding.message, language=language)
    yield Triple(result, NamedNode(SH + "resultMessage"), message)
    if finding.part:
        yield from _pointer(result, finding.path, finding.part)
    if finding.mend:
        said = Literal(finding.mend.said, language=language)
        yield from _linked(result, _DASH + "suggestion", _DASH + "Suggestion", SH + "message", said)


def _pointer(result: Node, path: Path, part: Part) -> Iterator[Triple]:
    start = BlankNode()
    integer = NamedNode(XSD + "integer")
    yield Triple(result, NamedNode(_EARL + "pointer"), start)
    yield _said(start, RDF + "type", _POINTERS + "LineCharPointer")
    yield Triple(start, NamedNode(_POINTERS + "reference"), _file(path))
    for name, number in (("lineNumber", part.start.line), ("charNumber", part.start.column)):
        value = Literal(str(number), datatype=integer)
        yield Triple(start, NamedNode(_POINTERS + name), value)


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
