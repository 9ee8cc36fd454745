"""Graph patterns in SPARQL: what is true of the entries that choices leave, and of their values."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pyoxigraph import Literal, NamedNode

from .choices import Choices, Range, Value
from .kinds import Field, Kind
from .permanence import DEPRECATED, REPLACED
from .shapes import SKOS
from .spans import scale
from .store import Term, plain
from .vocabularies import Vocabularies

_UPWARDS = f"(<{SKOS}broader>|^<{SKOS}narrower>|<{REPLACED}>)"


class Axis(NamedTuple):
    """A facet by whose values entries are counted, or by its having none; `name` is a variable."""

    facet: Field
    name: str
    stated: bool = True


@dataclass(frozen=True)
class Patterns:
    """Writes the patterns for the entries of one kind.

    `steps` are the years, or whole numbers, by which the facets of dates and numbers are counted.
    """

    kind: Kind
    vocabularies: Vocabularies
    steps: Mapping[str, Sequence[int]]

    def concepts(self, entry: str) -> list[str]:
        """Give what binds a facet and a concept, for all for which an entry counts."""
        facets = [facet for facet in self.kind.facets if facet.scheme]
        branches = [
            f'{entry} {self._reach(f)} ?concept . BIND ("{f.key}" AS ?facet)' for f in facets
        ]
        return [*alternatives(branches), "FILTER (isIRI(?concept))", current("?concept")]

    def leaving(self, choices: Choices) -> Iterator[str]:
        """Give what is true of the entries that choices leave."""
        if choices.found is not None:
            rows = " ".join(f"({NamedNode(i)} {points})" for i, points in choices.found.items())
            yield f"VALUES (?entry ?points) {{ {rows} }}"
        yield f"?entry a {NamedNode(self.kind.classes[0])} ."
        yield current("?entry")
        for facet in self.kind.facets:
            yield from self._chosen(facet, choices.chosen.get(facet.key, ()))
            yield from self._excluded(facet, choices.excluded.get(facet.key, ()))

    def _chosen(self, facet: Field, values: Sequence[Value]) -> Iterator[str]:
        either = self._either(facet, values)
        unstated = f"NOT EXISTS {{ {_stated(facet)} }}"
        if None in values and either:
            yield f"FILTER (EXISTS {{ {either} }} || {unstated})"
        elif values:
            yield f"FILTER {unstated}" if None in values else f"FILTER EXISTS {{ {either} }}"

    def _excluded(self, facet: Field, values: Sequence[Value]) -> Iterator[str]:
        if either := self._either(facet, values):
            yield f"FILTER NOT EXISTS {{ {either} }}"
        if None in values:
            yield f"FILTER EXISTS {{ {_stated(facet)} }}"

    def _either(self, facet: Field, values: Iterable[Value]) -> str:
        branches: dict[str, None] = {}
        for value in values:
            if isinstance(value, Range):
                branches |= dict.fromkeys(self._meeting(facet, value))
            elif value is not None:
                within = self._within(facet, value)
                branches |= dict.fromkeys(f"{{ ?entry {facet.path} {term} }}" for term in within)
        return " UNION ".join(branches)

    def _meeting(self, facet: Field, span: Range) -> Iterator[str]:
        """Give what is true of entries whose span meets another one."""
        order = scale(facet)
        begins = (
            "true" if span.most is None else f"{order.low_of('?low')} <= {order.end(span.most)}"
        )
        ends = (
            "true"
            if span.least is None
            else f"{order.high_of('?high')} >= {order.start(span.least)}"
        )
        path = f"?entry {facet.path} ?low"
        low, high = order.is_value("?low"), order.is_value("?high")
        yield f"{{ {path} ; {facet.path} ?high . FILTER ({low} && {high} && {begins} && {ends}) }}"
        if facet.open_where:
            yield f"{{ {path} ; {NamedNode(facet.open_where)} true . FILTER ({low} && {begins}) }}"

    def _within(self, facet: Field, term: Term) -> Iterable[Term]:
        if not facet.scheme:
            return (term,)
        scheme = self.vocabularies.scheme(facet.scheme)
        return map(NamedNode, scheme.within(plain(term)))

    def values(self, axis: Axis) -> list[str]:
        """Give what binds the variable of an axis to the values of its facet, or to none."""
        facet, name = axis.facet, f"?{axis.name}"
        if not axis.stated:
            return [f"FILTER NOT EXISTS {{ {_stated(facet)} }}"]
        if facet.ordered:
            return self._steps(axis)
        reached = f"?entry {self._reach(facet)} {name} ."
        found = [reached, f"FILTER ({is_value(facet, name)})"]
        return [*found, current(name)] if facet.scheme else found

    def _steps(self, axis: Axis) -> list[str]:
        """Give what binds the variable of an axis to each step that a span meets.

        The steps are a union, since Virtuoso 7.2 finds nothing where VALUES stand there.
        """
        facet, order = axis.facet, scale(axis.facet)
        last, low, high, start, end = (
            f"?{axis.name}{part}" for part in ("Last", "Low", "High", "Start", "End")
        )
        highs = [
            f"?entry {facet.path} {last} . FILTER ({order.is_value(last)})"
            f" BIND ({order.high_of(last)} AS {high})"
        ]
        if facet.open_where:
            mark = f"?entry {NamedNode(facet.open_where)} true"
            highs.append(f"{mark} . BIND ({order.forever} AS {high})")
        steps = [
            f"BIND ({Literal(order.written(step))} AS ?{axis.name})"
            f" BIND ({_bound(facet, step)} AS {start}) BIND ({_bound(facet, step + 1)} AS {end})"
            for step in self.steps[facet.key]
        ]
        return [
            f"?entry {facet.path} {low} .",
            *alternatives(highs),
            *alternatives(steps or [f"BIND (1 AS ?{axis.name}) FILTER (false)"]),
            f"FILTER ({order.is_value(low)} && {order.low_of(low)} < {end} && {high} >= {start})",
        ]

    def _reach(self, facet: Field) -> str:
        """Give the path to a facet's values and to all that these count for.

        It names each step, since Virtuoso 7.2 answers wrongly where `*` meets other patterns.
        """
        depth = self.vocabularies.scheme(facet.scheme).depth if facet.scheme else 0
        steps = ["/".join([facet.path, *[_UPWARDS] * count]) for count in range(depth + 1)]
        return "|".join(f"({step})" for step in steps)


def alternatives(branches: Sequence[str]) -> list[str]:
    """Give a union of patterns, line by line."""
    return [line for branch in branches for line in ("UNION", f"{{ {branch} }}")][1:]


def current(variable: str) -> str:
    """Give the filter that leaves out what is no longer current."""
    return f"FILTER NOT EXISTS {{ {variable} <{DEPRECATED}> true }}"


def is_value(facet: Field, variable: str) -> str:
    """Write whether a term is a value of a facet; what else stands there counts for nothing."""
    if facet.ordered:
        return scale(facet).is_value(variable)
    if facet.scheme:
        return f"isIRI({variable})"
    return f"{variable} IN ({', '.join(map(str, facet.options))})"


def _stated(facet: Field) -> str:
    return f"?entry {facet.path} ?stated . FILTER ({is_value(facet, '?stated')})"


def _bound(facet: Field, step: int) -> str:
    return scale(facet).start(scale(facet).written(step))
