"""pySHACL, the reference engine: for tests, and where the package `shacl` has no wheel.

It compares values as SPARQL does (SHACL, sections 4.5.3 and 4.5.4): what cannot be compared is not
less. pySHACL itself fails on ill-typed dates. Results have the messages of shapes alone.
"""

import logging
import warnings
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

import pyshacl
import rdflib
from pyoxigraph import Literal, NamedNode
from pyoxigraph import Store as Oxigraph
from pyshacl.constraints import CONSTRAINT_PARAMETERS_MAP
from pyshacl.constraints.constraint_component import ConstraintComponent
from pyshacl.constraints.core.property_pair_constraints import (
    LessThanConstraintComponent,
    LessThanOrEqualsConstraintComponent,
)
from pyshacl.consts import SH_resultMessage
from pyshacl.errors import ShapeRecursionWarning
from rdflib import BNode, Graph
from rdflib.term import Node

from ..schema.text import MAX_TEXT_LENGTH

logging.getLogger("rdflib.term").setLevel(logging.ERROR)

_Comparison = tuple[bool, list[Any]]


def build_validator(shapes: str) -> Callable[[str], str]:
    """Return a function from a data graph in Turtle to its validation report in N-Triples."""
    graph = _parse(shapes)
    return lambda data: _validate(_parse(data), graph)


def _parse(text: str) -> Graph:
    """Parse Turtle without rdflib's warnings about ill-typed literals, which SHACL reports."""
    rdflib.NORMALIZE_LITERALS = False  # results have values as written; pySHACL resets this
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return Graph().parse(data=text, format="turtle")


def _validate(data: Graph, shapes: Graph) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ShapeRecursionWarning)
        try:
            _, report, _ = pyshacl.validate(data, shacl_graph=shapes, inplace=True)
        except RuntimeError as error:  # of shapes, and of recursion that is too deep
            raise ValueError(str(error)) from error
    if not isinstance(report, Graph):  # a failure (SHACL, section 3.4.1)
        raise ValueError(str(report))
    return report.serialize(format="nt")


class _LessThan(LessThanConstraintComponent):
    def _compare_lt(self, values: Any, others: Any, graph: Any, focus: Any) -> _Comparison:
        wrong = _find_wrong(values, "<", others)
        return bool(wrong), [self.make_v_result(graph, focus, value_node=v) for v in wrong]


class _LessThanOrEquals(LessThanOrEqualsConstraintComponent):
    def _compare_ltoe(self, values: Any, others: Any, graph: Any, focus: Any) -> _Comparison:
        wrong = _find_wrong(values, "<=", others)
        return bool(wrong), [self.make_v_result(graph, focus, value_node=v) for v in wrong]


_make_result = ConstraintComponent.make_v_result


def _make_result_with_messages(
    component: Any, *terms: Any, extra_messages: Any = (), bound_vars: Any = None, **names: Any
) -> Any:
    """Make a result with the messages of the constraint, else the shape, in their languages."""
    text, node, triples = _make_result(component, *terms, **names)
    messages = list(component.shape.message)
    if extra_messages:
        fill_in = component._format_sparql_based_result_message
        messages = [
            rdflib.Literal(fill_in(str(m), bound_vars), lang=getattr(m, "language", None))
            for m in extra_messages
        ]
    triples = [triple for triple in triples if triple[1] != SH_resultMessage]
    return text, node, triples + [(node, SH_resultMessage, message) for message in messages]


ConstraintComponent.make_v_result = _make_result_with_messages  # type: ignore[assignment, method-assign]
for _component in (_LessThan, _LessThanOrEquals):
    for _parameter in _component.constraint_parameters():
        CONSTRAINT_PARAMETERS_MAP[_parameter] = _component


def _find_wrong(values: Iterable[Node], operator: str, others: Iterable[Node]) -> list[Any]:
    return [v for v in values if not all(_compare(v, operator, other) for other in others)]


def _compare(value: Node, operator: str, other: Node) -> bool:
    if isinstance(value, BNode) or isinstance(other, BNode):
        return False
    is_short = all(len(str(term)) <= MAX_TEXT_LENGTH for term in (value, other))
    return (_cached_comparison if is_short else _ask_sparql)(value, operator, other)


def _ask_sparql(value: Node, operator: str, other: Node) -> bool:
    query = f"ASK {{ FILTER ({_n_triples(value)} {operator} {_n_triples(other)}) }}"
    return bool(Oxigraph().query(query))


_cached_comparison = lru_cache(maxsize=1024)(_ask_sparql)


def _n_triples(term: Node) -> str:
    if isinstance(term, rdflib.Literal):
        datatype = NamedNode(term.datatype) if term.datatype else None
        return str(Literal(str(term), language=term.language, datatype=datatype))
    return f"<{term}>"
