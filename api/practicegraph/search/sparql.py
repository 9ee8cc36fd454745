"""The SPARQL that defines a search: its entries, their order, and every number.

Whatever else answers a search, these queries say what is right; anybody can run and compare them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pyoxigraph import Literal, NamedNode

from ..rdf.terms import SKOS, Term, as_text
from ..schema.fields import Field, NodeShape, get_scale
from ..schema.lifecycle import DEPRECATED, IS_REPLACED_BY
from ..schema.vocabularies import Vocabularies
from .request import ALL_ENTRIES, RELEVANCE, TITLE, FilterValue, Range, SearchRequest, SortOrder

_BROADER = f"(<{SKOS}broader>|^<{SKOS}narrower>|<{IS_REPLACED_BY}>)"


class CountAxis(NamedTuple):
    """A facet by whose values entries are counted, or those that state none; and its variable."""

    facet: Field
    name: str
    is_stated: bool = True


@dataclass(frozen=True)
class QueryBuilder:
    """Builds the queries for the entries of one kind.

    `steps` are the years, or whole numbers, by which the facets of dates and numbers are counted.
    """

    kind: NodeShape
    vocabularies: Vocabularies
    steps: Mapping[str, Sequence[int]]

    def count_entries(self, request: SearchRequest, *axes: CountAxis) -> str:
        """Return the query that counts the matching entries, `?count`, by the values of axes."""
        names = " ".join(f"?{axis.name}" for axis in axes if axis.is_stated)
        lines = list(self._matching(request))
        for axis in axes:
            lines += self._values(axis)
        head = f"{names} (COUNT(DISTINCT ?entry) AS ?count)".lstrip()
        return _select(head, lines) + (f"\nGROUP BY {names}" if names else "")

    def list_entries(self, request: SearchRequest, languages: Sequence[str], limit: int) -> str:
        """Return the query for a page: `?entry`, in order, with `?level` and `?text` of its cursor.

        It lists the entries after the cursor `after`, or before `before` in the opposite order.
        """
        order = request.order
        keys, text = self._text(order.text, languages)
        lines, level = self._level(order.level, request)
        names = ["?entry", f"({text} AS ?text)", *([f"({level} AS ?level)"] if level else [])]
        inner = _select(" ".join(names), [*self._matching(request), *keys, *lines])
        body = [*_group(f"{inner}\nGROUP BY ?entry"), *_beyond_cursor(request)]
        query = _select("?entry ?text" + (" ?level" if level else ""), body)
        return f"{query}\n{order_clause(order, request.is_backward)}\nLIMIT {limit}"

    def select_bounds(self, facet: Field) -> str:
        """Return the query for the least and the greatest value of an ordered facet."""
        scale = get_scale(facet)
        low, high = scale.lower_bound_sparql("?value"), scale.upper_bound_sparql("?value")
        value = f"?entry {facet.path} ?value . FILTER ({_is_value(facet, '?value')})"
        lines = [*self._matching(ALL_ENTRIES), value]
        return _select(f"(MIN({low}) AS ?least) (MAX({high}) AS ?greatest)", lines)

    def list_similar(self, entry: str, limit: int) -> str:
        """Return the query for the most similar entries, `?other`.

        `?shared` is the number of concepts, broader ones included, that both have, `?either` that
        of those that either has.
        """
        node, other_class = NamedNode(entry), NamedNode(self.kind.classes[0])
        own = _group(_select("?facet ?concept", self._concepts(str(node)), distinct=True))
        pairs = [f"?other a {other_class} .", *self._concepts("?other")]
        theirs = _group(_select("?other ?facet ?concept", pairs, distinct=True))
        lines = [
            *own,
            *theirs,
            *_group(_select("?other (COUNT(*) AS ?all)", theirs) + "\nGROUP BY ?other"),
            *_group(_select("(COUNT(*) AS ?own)", own)),
            f"FILTER (?other != {node})",
            _not_deprecated("?other"),
            _not_deprecated(str(node)),
        ]
        head = "?other (COUNT(*) AS ?shared) (?all + ?own - COUNT(*) AS ?either)"
        return (
            _select(head, lines) + "\nGROUP BY ?other ?all ?own"
            f"\nORDER BY DESC(?shared / ?either) STR(?other)\nLIMIT {limit}"
        )

    def _level(self, level: str, request: SearchRequest) -> tuple[list[str], str]:
        if not level:
            return [], ""
        if level == RELEVANCE:
            return [], "MAX(?points)" if request.scores is not None else "0"
        facet = self.kind.facets_by_key[level]
        counted = f"?entry {facet.path} ?counted . FILTER ({_is_value(facet, '?counted')})"
        return [f"OPTIONAL {{ {counted} }}"], "COUNT(DISTINCT ?counted)"

    def _text(self, key: str, languages: Sequence[str]) -> tuple[list[str], str]:
        if key != TITLE:
            path = self.kind.fields_by_key[key].path
            pattern = f"?entry {path} ?key . FILTER (!isBlank(?key))"
            return [f"OPTIONAL {{ {pattern} }}"], 'COALESCE(MIN(STR(?key)), "")'
        path = "|".join(label.path for label in self.kind.fields_with_role("LabelRole"))
        ranks = " ".join(f'({Literal(tag)} "{n:02}")' for n, tag in enumerate(languages))
        lines = [
            "OPTIONAL {",
            f"    ?entry {path} ?title .",
            f"    VALUES (?language ?rank) {{ {ranks} }}",
            "    FILTER (LANG(?title) = ?language)",
            "}",
            "BIND (CONCAT(?rank, LCASE(STR(?title))) AS ?key)",
        ]
        return lines, 'COALESCE(SUBSTR(MIN(?key), 3), "")'

    def _concepts(self, entry: str) -> list[str]:
        """Bind `?facet` and `?concept` to all for which an entry counts."""
        facets = [facet for facet in self.kind.facets if facet.scheme]
        branches = [
            f'{entry} {self._broader_path(f)} ?concept . BIND ("{f.key}" AS ?facet)' for f in facets
        ]
        return [*_union(branches), "FILTER (isIRI(?concept))", _not_deprecated("?concept")]

    def _matching(self, request: SearchRequest) -> Iterator[str]:
        """Bind `?entry` to the entries that match, and `?points` to their scores if known."""
        if request.scores is not None:
            rows = " ".join(f"({NamedNode(i)} {score})" for i, score in request.scores.items())
            yield f"VALUES (?entry ?points) {{ {rows} }}"
        yield f"?entry a {NamedNode(self.kind.classes[0])} ."
        yield _not_deprecated("?entry")
        for facet in self.kind.facets:
            yield from self._include(facet, request.filters.get(facet.key, ()))
            yield from self._exclude(facet, request.excluded.get(facet.key, ()))

    def _values(self, axis: CountAxis) -> list[str]:
        """Bind the variable of an axis to the values of its facet, or leave entries with none."""
        facet, name = axis.facet, f"?{axis.name}"
        if not axis.is_stated:
            return [f"FILTER NOT EXISTS {{ {_stated(facet)} }}"]
        if facet.is_ordered:
            return self._step_values(axis)
        lines = [
            f"?entry {self._broader_path(facet)} {name} .",
            f"FILTER ({_is_value(facet, name)})",
        ]
        return [*lines, _not_deprecated(name)] if facet.scheme else lines

    def _include(self, facet: Field, values: Sequence[FilterValue]) -> Iterator[str]:
        branches = self._any_of(facet, values)
        not_stated = f"NOT EXISTS {{ {_stated(facet)} }}"
        if None in values and branches:
            yield f"FILTER (EXISTS {{ {branches} }} || {not_stated})"
        elif values:
            yield f"FILTER {not_stated}" if None in values else f"FILTER EXISTS {{ {branches} }}"

    def _exclude(self, facet: Field, values: Sequence[FilterValue]) -> Iterator[str]:
        if branches := self._any_of(facet, values):
            yield f"FILTER NOT EXISTS {{ {branches} }}"
        if None in values:
            yield f"FILTER EXISTS {{ {_stated(facet)} }}"

    def _any_of(self, facet: Field, values: Iterable[FilterValue]) -> str:
        branches: dict[str, None] = {}
        for value in values:
            if isinstance(value, Range):
                branches |= dict.fromkeys(_overlapping(facet, value))
            elif value is not None:
                terms = self._with_narrower(facet, value)
                branches |= dict.fromkeys(f"{{ ?entry {facet.path} {term} }}" for term in terms)
        return " UNION ".join(branches)

    def _with_narrower(self, facet: Field, term: Term) -> Iterable[Term]:
        if not facet.scheme:
            return (term,)
        return map(NamedNode, self.vocabularies.scheme(facet.scheme).descendants(as_text(term)))

    def _step_values(self, axis: CountAxis) -> list[str]:
        """Bind the variable of an axis to each step that a span overlaps.

        The steps are a union, since Virtuoso 7.2 finds nothing where VALUES stand there.
        """
        facet, order = axis.facet, get_scale(axis.facet)
        last, low, high, start, end = (
            f"?{axis.name}{part}" for part in ("Last", "Low", "High", "Start", "End")
        )
        highs = [
            f"?entry {facet.path} {last} . FILTER ({order.is_value_sparql(last)})"
            f" BIND ({order.upper_bound_sparql(last)} AS {high})"
        ]
        if facet.open_where:
            marker = f"?entry {NamedNode(facet.open_where)} true"
            highs.append(f"{marker} . BIND ({order.open_end} AS {high})")
        steps = [
            f"BIND ({Literal(order.format_step(step))} AS ?{axis.name})"
            f" BIND ({_step_start(facet, step)} AS {start})"
            f" BIND ({_step_start(facet, step + 1)} AS {end})"
            for step in self.steps[facet.key]
        ]
        return [
            f"?entry {facet.path} {low} .",
            *_union(highs),
            *_union(steps or [f"BIND (1 AS ?{axis.name}) FILTER (false)"]),
            f"FILTER ({order.is_value_sparql(low)}"
            f" && {order.lower_bound_sparql(low)} < {end} && {high} >= {start})",
        ]

    def _broader_path(self, facet: Field) -> str:
        """Return the path to a facet's values and to all broader ones.

        It names each step, since Virtuoso 7.2 answers wrongly where `*` meets other patterns.
        """
        depth = self.vocabularies.scheme(facet.scheme).max_depth if facet.scheme else 0
        steps = ["/".join([facet.path, *[_BROADER] * count]) for count in range(depth + 1)]
        return "|".join(f"({step})" for step in steps)


def order_clause(order: SortOrder, backward: bool = False) -> str:
    """Return the ORDER BY of listed entries, or of the opposite order."""
    level = [_direction("?level", order.level_descending != backward)] if order.level else []
    names = ("?text", "STR(?entry)")
    texts = (_direction(name, order.descending != backward) for name in names)
    return " ".join(["ORDER BY", *level, *texts])


def _direction(expression: str, descending: bool) -> str:
    return f"DESC({expression})" if descending else f"ASC({expression})"


def _beyond_cursor(request: SearchRequest) -> Iterator[str]:
    """Yield the filter of what lies beyond the cursor, if there is one."""
    cursor, order = request.before or request.after, request.order
    if cursor is None:
        return
    text = Literal(cursor.text.lower() if order.text == TITLE else cursor.text)
    iri = Literal(cursor.iri)
    sign = "<" if order.descending != request.is_backward else ">"
    condition = f"?text {sign} {text} || ?text = {text} && STR(?entry) {sign} {iri}"
    if order.level:
        level = cursor.level or 0
        sign = "<" if order.level_descending != request.is_backward else ">"
        condition = f"?level {sign} {level} || ?level = {level} && ({condition})"
    yield f"FILTER ({condition})"


def _overlapping(facet: Field, span: Range) -> Iterator[str]:
    """Yield the patterns of entries whose span overlaps another one."""
    order, begins, ends = get_scale(facet), "true", "true"
    if span.end is not None:
        begins = f"{order.lower_bound_sparql('?low')} <= {order.upper_bound_literal(span.end)}"
    if span.start is not None:
        ends = f"{order.upper_bound_sparql('?high')} >= {order.lower_bound_literal(span.start)}"
    path = f"?entry {facet.path} ?low"
    low, high = order.is_value_sparql("?low"), order.is_value_sparql("?high")
    yield f"{{ {path} ; {facet.path} ?high . FILTER ({low} && {high} && {begins} && {ends}) }}"
    if facet.open_where:
        yield f"{{ {path} ; {NamedNode(facet.open_where)} true . FILTER ({low} && {begins}) }}"


def _is_value(facet: Field, variable: str) -> str:
    """Return the condition that a term is a value of a facet; other terms do not count."""
    if facet.is_ordered:
        return get_scale(facet).is_value_sparql(variable)
    if facet.scheme:
        return f"isIRI({variable})"
    return f"{variable} IN ({', '.join(map(str, facet.options))})"


def _stated(facet: Field) -> str:
    return f"?entry {facet.path} ?stated . FILTER ({_is_value(facet, '?stated')})"


def _step_start(facet: Field, step: int) -> str:
    return get_scale(facet).lower_bound_literal(get_scale(facet).format_step(step))


def _not_deprecated(variable: str) -> str:
    return f"FILTER NOT EXISTS {{ {variable} <{DEPRECATED}> true }}"


def _union(branches: Sequence[str]) -> list[str]:
    return [line for branch in branches for line in ("UNION", f"{{ {branch} }}")][1:]


def _select(head: str, lines: Iterable[str], distinct: bool = False) -> str:
    select = "SELECT DISTINCT" if distinct else "SELECT"
    return "\n".join([f"{select} {head}", "WHERE {", *_indented(lines), "}"])


def _group(query: str) -> list[str]:
    return ["{", *_indented(query.splitlines()), "}"]


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (f"    {line}" for line in lines)
