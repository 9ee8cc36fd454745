"""The SPARQL that defines every number of a search, and the order of its entries.

Whatever else answers a search, this says what is right: anybody can run these queries and compare.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from pyoxigraph import Literal, NamedNode

from .choices import RELEVANCE, TITLE, Choices, Sort
from .kinds import Field, Kind
from .patterns import Axis, Patterns, current, is_value
from .spans import scale
from .vocabularies import Vocabularies


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
