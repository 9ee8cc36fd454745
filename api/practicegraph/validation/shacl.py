"""SHACL (https://www.w3.org/TR/shacl/): one interface, two engines that read the same shapes.

The package `shacl`, in Rust, validates wherever it has a wheel, else pySHACL, the reference.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from pyoxigraph import RdfFormat, Triple, serialize

from ..schema import shapes
from ..schema.shapes import ShapesError
from ..storage.base import Store
from .results import Engine, ValidationResult, predicate, strip_brackets

try:
    import shacl
except ImportError:  # no wheel for this machine
    from .pyshacl_engine import build_engine
else:

    def build_engine(shapes: str) -> Engine:
        """Return the engine of the package `shacl` for a shapes graph in Turtle."""
        compiled = shacl.Shapes.from_turtle(shapes)
        return lambda data: sorted(map(_result, compiled.validate_turtle(data).results))


@dataclass(frozen=True)
class ShapesGraph:
    """A shapes graph in Turtle, compiled once, against which any number of graphs are validated."""

    turtle: str

    def validate(self, data: Iterable[Triple]) -> list[ValidationResult]:
        """Return the results of a data graph, in order.

        Raises ShapesError where the engine cannot read a shape or a pattern.
        """
        try:
            return self._engine(to_turtle(data))
        except ValueError as error:
            raise ShapesError(str(error)) from error

    @cached_property
    def _engine(self) -> Engine:
        return build_engine(self.turtle)


def read_shapes(store: Store) -> ShapesGraph:
    """Return the shapes graph that a store holds."""
    return ShapesGraph(to_turtle(shapes.read_shape_graphs(store)))


def to_turtle(triples: Iterable[Triple]) -> str:
    """Serialize triples as the engines read them."""
    text = serialize(triples, format=RdfFormat.TURTLE)
    assert isinstance(text, bytes)
    return text.decode()


def _result(result: "shacl.Result") -> ValidationResult:
    return ValidationResult(
        focus_node=result.focus_node,
        result_path=predicate(result.path or ""),
        source_constraint_component=result.component_iri,
        value=result.value or "",
        severity=result.severity_iri,
        source_shape=strip_brackets(result.source_shape or ""),
        messages=tuple(sorted(result.messages)),
    )
