"""How the numbers of an answer are counted: the SPARQL that gives each one, to be run by anybody.

Words are found by the index. What they found enters the queries as values, with the points that
put it in order, as long as it is not too much to be asked for again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..rdf.terms import plain
from ..schema.fields import Field, Kind, steps_between
from ..schema.vocabularies import Vocabularies
from .engine import Search
from .request import EVERYTHING, RELEVANCE, Choices
from .sparql import Axis, Definition, ordering

MOST_FOUND = 1000
"""Of how many entries, found by words, a query can be made."""


class TooManyFoundError(ValueError):
    """Words that found more entries than a query can list; `count` is how many."""

    def __init__(self, count: int) -> None:
        super().__init__(str(count))
        self.count = count


@dataclass(frozen=True)
class Counted:
    """The queries that count a facet's values, `?value` and `?count`, and what states none."""

    values: str
    unstated: str


@dataclass(frozen=True)
class Explanation:
    """The queries that give a page of entries in order, how many there are, and all counts."""

    listing: str
    total: str
    facets: Mapping[str, Counted]


@dataclass(frozen=True)
class Crossed:
    """The queries that give a table of two facets, `?row`, `?column` and `?count`.

    The values of one facet are counted apart with entries in which the other has none.
    """

    total: str
    rows: Counted
    columns: Counted
    cells: str
    rows_unstated: str
    columns_unstated: str
    both_unstated: str


@dataclass(frozen=True)
class Explaining:
    """Explains the answers of a search."""

    search: Search
    kind: Kind
    vocabularies: Vocabularies

    def answer(self, choices: Choices, languages: Sequence[str]) -> Explanation:
        """Explain an answer to choices; raises TooManyFoundError."""
        definition, asked = self.definition, self._asked(choices, languages)
        return Explanation(
            listing=_page(definition, asked, languages),
            total=definition.number(asked),
            facets={
                facet.key: _counted(definition, asked.without(facet), facet)
                for facet in self.kind.facets
            },
        )

    def coverage(
        self, rows: Field, columns: Field, choices: Choices, languages: Sequence[str]
    ) -> Crossed:
        """Explain a table of two facets over what choices leave; raises TooManyFoundError."""
        definition, asked = self.definition, self._asked(choices, languages)

        def crossed(row: bool, column: bool) -> str:
            axes = Axis(rows, "row", row), Axis(columns, "column", column)
            return definition.number(asked, *axes)

        return Crossed(
            total=definition.number(asked),
            rows=_counted(definition, asked, rows),
            columns=_counted(definition, asked, columns),
            cells=crossed(True, True),
            rows_unstated=crossed(False, True),
            columns_unstated=crossed(True, False),
            both_unstated=crossed(False, False),
        )

    @property
    def definition(self) -> Definition:
        """Give what writes the queries, with the steps that dates and numbers have at present."""
        ordered = [facet for facet in self.kind.facets if facet.ordered]
        return Definition(self.kind, self.vocabularies, {f.key: self._steps(f) for f in ordered})

    def _steps(self, facet: Field) -> range:
        values = [term for term in self.search.counts(facet) if term is not None]
        steps = [int(plain(term)) for term in values]
        return steps_between(min(steps), max(steps)) if steps else range(0)

    def _asked(self, choices: Choices, languages: Sequence[str]) -> Choices:
        """Give the choices with the entries in which the words are found, and their points."""
        if choices.found is None and choices.words.strip():
            words = replace(EVERYTHING, words=choices.words, sort=RELEVANCE, size=MOST_FOUND)
            answer = self.search.answer(words, languages)
            found = {place.iri: place.level or 0 for place in answer.places}
            choices, count = replace(choices, found=found), answer.total
        else:
            count = len(choices.found or ())
        if count > MOST_FOUND:
            raise TooManyFoundError(count)
        return choices


def _counted(definition: Definition, choices: Choices, facet: Field) -> Counted:
    stated, unstated = Axis(facet, "value"), Axis(facet, "value", stated=False)
    return Counted(definition.number(choices, stated), definition.number(choices, unstated))


def _page(definition: Definition, choices: Choices, languages: Sequence[str]) -> str:
    """Write the query for a page; one that was read backwards is turned round."""
    query = definition.listing(choices, languages, choices.size)
    if choices.before is None:
        return query
    inner = "\n".join(f"        {line}" for line in query.splitlines())
    head, order = query.partition("\n")[0], ordering(choices.order)
    return f"{head}\nWHERE {{\n    {{\n{inner}\n    }}\n}}\n{order}"
