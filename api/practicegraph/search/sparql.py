"""Graph patterns in SPARQL: what is true of the entries that choices leave, and of their values.

The SPARQL that defines every number of a search, and the order of its entries.

Whatever else answers a search, this says what is right: anybody can run these queries and compare.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from pyoxigraph import Literal, NamedNode

from ..rdf.terms import Term, plain
from ..schema.fields import Field, Kind, scale
from ..schema.lifecycle import DEPRECATED, REPLACED
from ..schema.shapes import SKOS
from ..schema.vocabularies import Vocabularies
from .request import RELEVANCE, TITLE, Choices, Range, Sort, Value

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


@dataclass(frozen=True)
class Definition:
    """Writes the queries for the entries of one kind.

    `steps` are the years, or whole numbers, by which the facets of dates and numbers are counted.
    """

    kind: Kind
    vocabularies: Vocabularies
    steps: Mapping[str, Sequence[int]]

    @cached_property
    def _patterns(self) -> Patterns:
        return Patterns(self.kind, self.vocabularies, self.steps)

    def number(self, choices: Choices, *axes: Axis) -> str:
        """Count the entries that choices leave, `?count`, by the values of the axes if any."""
        names = " ".join(f"?{axis.name}" for axis in axes if axis.stated)
        lines = list(self._patterns.leaving(choices))
        for axis in axes:
            lines += self._patterns.values(axis)
        head = f"{names} (COUNT(DISTINCT ?entry) AS ?count)".lstrip()
        return _query(head, lines) + (f"\nGROUP BY {names}" if names else "")

    def listing(self, choices: Choices, languages: Sequence[str], limit: int | None = None) -> str:
        """List the entries in order, `?entry`, with their places, `?level` and `?text`.

        Those behind the place `after`, or before the place `before` and then the other way round.
        """
        order, back = choices.order, choices.before is not None
        keys, text = self._text(order.text, languages)
        lines, level = self._level(order.level, choices)
        names = ["?entry", f"({text} AS ?text)", *([f"({level} AS ?level)"] if level else [])]
        inner = _query(" ".join(names), [*self._patterns.leaving(choices), *keys, *lines])
        body = ["{", *_indented(f"{inner}\nGROUP BY ?entry".splitlines()), "}"]
        body += self._beyond(choices)
        query = _query("?entry ?text" + (" ?level" if level else ""), body)
        query += f"\n{ordering(order, back)}"
        return query if limit is None else f"{query}\nLIMIT {limit}"

    def ends(self, facet: Field) -> str:
        """Give the least and the greatest value of an ordered facet, `?least` and `?most`."""
        low, high = scale(facet).low_of("?value"), scale(facet).high_of("?value")
        lines = [*self._patterns.leaving(Choices()), f"?entry {facet.path} ?value ."]
        lines.append(f"FILTER ({is_value(facet, '?value')})")
        return _query(f"(MIN({low}) AS ?least) (MAX({high}) AS ?most)", lines)

    def similar(self, entry: str, count: int) -> str:
        """List the entries that are nearest to one, `?other`, with how many concepts they share.

        The nearest have the greatest share of all concepts of the two, broader ones included.
        """
        mine, theirs = map(self._patterns.concepts, (str(NamedNode(entry)), "?other"))
        kind = f"?other a {NamedNode(self.kind.classes[0])} ."
        lines = [
            *_group(_query("?facet ?concept", mine, distinct=True)),
            *_group(_query("?other ?facet ?concept", [kind, *theirs], distinct=True)),
            *_group(
                _query(
                    "?other (COUNT(*) AS ?all)",
                    _group(_query("DISTINCT ?other ?facet ?concept", [kind, *theirs])),
                )
                + "\nGROUP BY ?other"
            ),
            *_group(_query("(COUNT(*) AS ?own)", _group(_query("DISTINCT ?facet ?concept", mine)))),
            f"FILTER (?other != {NamedNode(entry)})",
            current("?other"),
            current(str(NamedNode(entry))),
        ]
        head = "?other (COUNT(*) AS ?shared) (?all + ?own - COUNT(*) AS ?either)"
        return (
            _query(head, lines) + "\nGROUP BY ?other ?all ?own"
            f"\nORDER BY DESC(?shared / ?either) STR(?other)\nLIMIT {count}"
        )

    def _level(self, level: str, choices: Choices) -> tuple[list[str], str]:
        if not level:
            return [], ""
        if level == RELEVANCE:
            return [], "MAX(?points)" if choices.found is not None else "0"
        facet = next(facet for facet in self.kind.facets if facet.key == level)
        counted = f"?entry {facet.path} ?counted . FILTER ({is_value(facet, '?counted')})"
        return [f"OPTIONAL {{ {counted} }}"], "COUNT(DISTINCT ?counted)"

    def _text(self, name: str, languages: Sequence[str]) -> tuple[list[str], str]:
        if name != TITLE:
            path = self.kind.by_key[name].path
            key = f"?entry {path} ?key . FILTER (!isBlank(?key))"
            return [f"OPTIONAL {{ {key} }}"], 'COALESCE(MIN(STR(?key)), "")'
        path = "|".join(label.path for label in self.kind.with_role("LabelRole"))
        places = " ".join(f'({Literal(tag)} "{n:02}")' for n, tag in enumerate(languages))
        lines = [
            "OPTIONAL {",
            f"    ?entry {path} ?title .",
            f"    VALUES (?language ?rank) {{ {places} }}",
            "    FILTER (LANG(?title) = ?language)",
            "}",
            "BIND (CONCAT(?rank, LCASE(STR(?title))) AS ?key)",
        ]
        return lines, 'COALESCE(SUBSTR(MIN(?key), 3), "")'

    def _beyond(self, choices: Choices) -> Iterator[str]:
        """Give the filter for what stands beyond a place, in the direction of reading."""
        place, order = choices.before or choices.after, choices.order
        back = choices.before is not None
        if place is None:
            return
        text, iri = Literal(place.text), Literal(place.iri)
        sign = _sign(order.falls != back)
        found = f"?text {sign} {text} || ?text = {text} && STR(?entry) {sign} {iri}"
        if order.level:
            level, up = place.level or 0, _sign(order.level_falls != back)
            found = f"?level {up} {level} || ?level = {level} && ({found})"
        yield f"FILTER ({found})"


def ordering(order: Sort, back: bool = False) -> str:
    """Write the clause that puts listed entries in an order, or the other way round."""
    level = [_by("?level", order.level_falls != back)] if order.level else []
    names = ("?text", "STR(?entry)")
    return " ".join(["ORDER BY", *level, *(_by(name, order.falls != back) for name in names)])


def _query(head: str, lines: Iterable[str], distinct: bool = False) -> str:
    select = "SELECT DISTINCT" if distinct else "SELECT"
    return "\n".join([f"{select} {head}", "WHERE {", *_indented(lines), "}"])


def _group(query: str) -> list[str]:
    return ["{", *_indented(query.splitlines()), "}"]


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (f"    {line}" for line in lines)


def _by(expression: str, falls: bool) -> str:
    return f"DESC({expression})" if falls else f"ASC({expression})"


def _sign(falls: bool) -> str:
    return "<" if falls else ">"
