"""SHACL (https://www.w3.org/TR/shacl/): one interface, two engines that read the same shapes.

The fast engine does the work. pySHACL is the reference: in the tests, and wherever the fast one has
no wheel.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

import pyshacl
from pyoxigraph import RdfFormat, Triple, serialize
from rdflib import SH, BNode, Graph, URIRef
from rdflib.term import Node

from .shapes import ShapesError

try:
    import shacl
except ImportError:  # no wheel for this machine
    shacl = None  # type: ignore[assignment, unused-ignore]


@dataclass(frozen=True, order=True)
class Result:
    """A validation result (section 3.6.2); nodes are in N-Triples' syntax, names are local."""

    focus: str
    path: str
    component: str
    value: str
    severity: str
    shape: str
    messages: tuple[str, ...] = ()


Engine = Callable[[str], list[Result]]
"""Validates data in Turtle against the shapes with which it was made; raises ValueError."""


@dataclass(frozen=True)
class Rules:
    """Shapes, read once, against which any number of graphs are held."""

    shapes: str

    def results(self, data: Iterable[Triple]) -> list[Result]:
        """Give what in the data the shapes do not admit, in order; it holds all it refers to.

        Raises ShapesError where the engine cannot read a rule or a pattern.
        """
        try:
            return self._engine(turtle(data))
        except ValueError as error:
            raise ShapesError(str(error)) from error

    @cached_property
    def _engine(self) -> Engine:
        return fast(self.shapes) if shacl else reference(self.shapes)


def fast(shapes: str) -> Engine:
    """Give the engine of the package `shacl`."""
    compiled = shacl.Shapes.from_turtle(shapes)
    return lambda data: _of_fast(compiled.validate_turtle(data))


def reference(shapes: str) -> Engine:
    """Give pySHACL."""
    graph = Graph().parse(data=shapes, format="turtle")
    return lambda data: _of_reference(Graph().parse(data=data, format="turtle"), graph)


def _of_fast(report: "shacl.Report") -> list[Result]:
    return sorted(
        Result(
            focus=found.focus_node,
            path=_predicate(found.path or ""),
            component=found.component,
            value=found.value or "",
            severity=found.severity,
            shape=_bare(found.source_shape or ""),
            messages=tuple(sorted(found.messages)),
        )
        for found in report.results
    )


def _of_reference(data: Graph, shapes: Graph) -> list[Result]:
    _, report, _ = pyshacl.validate(data, shacl_graph=shapes, inplace=True)
    assert isinstance(report, Graph), report
    return sorted(_of_report(report, node) for _, node in report.subject_objects(SH.result))


def _of_report(report: Graph, node: Node) -> Result:
    def text(predicate: URIRef) -> str:
        term = report.value(node, predicate)
        return "" if term is None or isinstance(term, BNode) else term.n3()

    def local(predicate: URIRef) -> str:
        return _bare(text(predicate)).rpartition("#")[2]

    return Result(
        focus=text(SH.focusNode),
        path=text(SH.resultPath),
        component=local(SH.sourceConstraintComponent),
        value=text(SH.value),
        severity=local(SH.resultSeverity),
        shape=_bare(text(SH.sourceShape)),
        messages=tuple(sorted(str(words) for words in report.objects(node, SH.resultMessage))),
    )


def turtle(triples: Iterable[Triple]) -> str:
    """Give the triples as the engines read them."""
    text = serialize(triples, format=RdfFormat.TURTLE)
    assert isinstance(text, bytes)
    return text.decode()


def _predicate(path: str) -> str:
    """Give a path that is one predicate, and nothing for longer ones: engines write them apart."""
    return path if path.startswith("<") and path.find(">") == len(path) - 1 else ""


def _bare(node: str) -> str:
    return node.removeprefix("<").removesuffix(">")
