"""SHACL (https://www.w3.org/TR/shacl/): one interface, two engines that read the same shapes.

The fast engine does the work. pySHACL is the reference: in the tests, and wherever the fast one has
no wheel.
"""

import logging
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain
from typing import Any

import pyshacl
import rdflib
from pyoxigraph import Literal, NamedNode, RdfFormat, Triple, serialize
from pyoxigraph import Store as Oxigraph
from pyshacl.constraints import CONSTRAINT_PARAMETERS_MAP
from pyshacl.constraints.core.property_pair_constraints import (
    LessThanConstraintComponent,
    LessThanOrEqualsConstraintComponent,
)
from rdflib import SH, BNode, Graph, URIRef
from rdflib.term import Node

from ..schema import shapes
from ..schema.shapes import ShapesError
from ..schema.text import MAX_TEXT_LENGTH
from ..storage.base import Store

try:
    import shacl
except ImportError:  # no wheel for this machine
    shacl = None  # type: ignore[assignment, unused-ignore]

ENGINE = "shacl" if shacl else "pyshacl"
"""The package whose engine does the work."""
logging.getLogger("rdflib.term").setLevel(logging.ERROR)


@dataclass(frozen=True, order=True)
class ValidationResult:
    """A validation result (section 3.6.2); nodes are in N-Triples' syntax, names are local."""

    focus: str
    path: str
    component: str
    value: str
    severity: str
    shape: str
    messages: tuple[str, ...] = ()


_Found = tuple[bool, list[Any]]
Engine = Callable[[str], list[ValidationResult]]
"""Validates data in Turtle against the shapes with which it was made; raises ValueError."""


@dataclass(frozen=True)
class ShapesGraph:
    """Shapes, read once, against which any number of graphs are held."""

    shapes: str

    def results(self, data: Iterable[Triple]) -> list[ValidationResult]:
        """Give what in the data the shapes do not admit, in order; it holds all it refers to.

        Raises ShapesError where the engine cannot read a rule or a pattern.
        """
        try:
            return self._engine(turtle(data))
        except ValueError as error:
            raise ShapesError(str(error)) from error

    def beside(self, more: Iterable[Triple]) -> "Beside":
        """Give the rules for data that are held against them with more triples beside them."""
        return Beside(self, tuple(more))

    @cached_property
    def _engine(self) -> Engine:
        return fast(self.shapes) if shacl else reference(self.shapes)


@dataclass(frozen=True)
class Beside:
    """Rules for data with more triples beside them."""

    rules: ShapesGraph
    more: Sequence[Triple]

    def results(self, data: Iterable[Triple]) -> list[ValidationResult]:
        """Give what the rules do not admit; raises ShapesError."""
        return self.rules.results(chain(data, self.more))


def fast(shapes: str) -> Engine:
    """Give the engine of the package `shacl`."""
    compiled = shacl.Shapes.from_turtle(shapes)
    return lambda data: _of_fast(compiled.validate_turtle(data))


def reference(shapes: str) -> Engine:
    """Give pySHACL."""
    graph = _graph(shapes)
    return lambda data: _of_reference(_graph(data), graph)


def _of_fast(report: "shacl.Report") -> list[ValidationResult]:
    return sorted(
        ValidationResult(
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


def _graph(text: str) -> Graph:
    """Read Turtle; of a text that is no value of its datatype, SHACL tells and rdflib need not."""
    rdflib.NORMALIZE_LITERALS = False  # a finding has a value as it is written; pySHACL resets it
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return Graph().parse(data=text, format="turtle")


def _of_reference(data: Graph, shapes: Graph) -> list[ValidationResult]:
    _, report, _ = pyshacl.validate(data, shacl_graph=shapes, inplace=True)
    assert isinstance(report, Graph), report
    return sorted(_of_report(report, node) for _, node in report.subject_objects(SH.result))


class _Less(LessThanConstraintComponent):
    """Compares as SPARQL does (SHACL, section 4.5.3): what cannot be compared is not less."""

    def _compare_lt(self, values: Any, others: Any, graph: Any, focus: Any) -> _Found:
        wrong = _not_all(values, "<", others)
        return bool(wrong), [self.make_v_result(graph, focus, value_node=v) for v in wrong]


class _NotMore(LessThanOrEqualsConstraintComponent):
    """Compares as SPARQL does (SHACL, section 4.5.4): what cannot be compared is not less."""

    def _compare_ltoe(self, values: Any, others: Any, graph: Any, focus: Any) -> _Found:
        wrong = _not_all(values, "<=", others)
        return bool(wrong), [self.make_v_result(graph, focus, value_node=v) for v in wrong]


CONSTRAINT_PARAMETERS_MAP[SH.lessThan] = _Less
CONSTRAINT_PARAMETERS_MAP[SH.lessThanOrEquals] = _NotMore


def _not_all(values: Iterable[Node], sign: str, others: Iterable[Node]) -> list[Any]:
    return [value for value in values if not all(_holds(value, sign, other) for other in others)]


def _holds(value: Node, sign: str, other: Node) -> bool:
    if isinstance(value, BNode) or isinstance(other, BNode):
        return False
    is_short = all(len(str(term)) <= MAX_TEXT_LENGTH for term in (value, other))
    return (_kept_comparison if is_short else _comparison)(value, sign, other)


def _comparison(value: Node, sign: str, other: Node) -> bool:
    question = f"ASK {{ FILTER ({_as_n_triples(value)} {sign} {_as_n_triples(other)}) }}"
    return bool(Oxigraph().query(question))


_kept_comparison = lru_cache(maxsize=1024)(_comparison)


def _of_report(report: Graph, node: Node) -> ValidationResult:
    def text(predicate: URIRef) -> str:
        term = report.value(node, predicate)
        return "" if term is None else _as_n_triples(term)

    def local(predicate: URIRef) -> str:
        return _bare(text(predicate)).rpartition("#")[2]

    return ValidationResult(
        focus=text(SH.focusNode),
        path=_predicate(text(SH.resultPath)),
        component=local(SH.sourceConstraintComponent),
        value=text(SH.value),
        severity=local(SH.resultSeverity),
        shape=_bare(text(SH.sourceShape)),
        messages=tuple(sorted(str(words) for words in report.objects(node, SH.resultMessage))),
    )


def _as_n_triples(term: Node) -> str:
    if isinstance(term, rdflib.Literal):
        datatype = NamedNode(term.datatype) if term.datatype else None
        return str(Literal(str(term), language=term.language, datatype=datatype))
    return f"_:{term}" if isinstance(term, BNode) else f"<{term}>"


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


def compile_shapes(store: Store) -> ShapesGraph:
    """Return the shapes that a store holds, made ready for validation."""
    return ShapesGraph(turtle(shapes.read_shape_graphs(store)))
