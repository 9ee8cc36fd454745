"""What a reader asks of a search: values, ranges, words, an order, and a page of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from .kinds import Field
from .store import Term

SIZES = range(0, 1001)
MOST_VALUES = 50
"""How many dates or numbers of a facet can be chosen; of more, a range says it shorter."""
UNSTATED = "not-stated"
"""The value that chooses entries in which a field has none."""
NOT, FROM, TO, COUNT = ".not", ".from", ".to", ".count"
"""What stands behind a facet's key: without the value, from it, to it, by how many there are."""
RELEVANCE, TITLE = "relevance", "title"
"""What entries are sorted by beside fields: how well words were found, and what they are called."""


class BadChoiceError(ValueError):
    """A parameter, or a value of one, that does not exist; `valid` is what does, nearest first."""

    def __init__(self, parameter: str, value: str | None, valid: Sequence[str]) -> None:
        super().__init__(f"{parameter}: {value!r}")
        self.parameter, self.value, self.valid = parameter, value, valid


@dataclass(frozen=True)
class Range:
    """All from one value to another, both included; an end that is None is open."""

    least: str | None
    most: str | None


Value = Term | Range | None
"""What is chosen of a facet: a value, a range of values, or None for entries that state none."""


@dataclass(frozen=True)
class Place:
    """Where an entry stands in an order: its level if there are levels, its text, its IRI."""

    level: int | None
    text: str
    iri: str


@dataclass(frozen=True)
class Sort:
    """An order of entries: by level, a number, if one is named; then by text; then by IRI.

    `level` names a facet whose values are counted, or relevance; `text` a field. Where it falls,
    the most comes first. The IRIs go with the text.
    """

    text: str = TITLE
    falls: bool = False
    level: str = ""
    level_falls: bool = False


@dataclass(frozen=True)
class Choices:
    """What a reader asks for.

    A value's entries are those with it, with a concept below it, or with one that it replaces.
    `found` are the entries in which the words were found, with their points: the text of an entry
    is searched apart, and the rest of an answer is defined over what that gave.
    """

    chosen: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)
    excluded: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)
    words: str = ""
    sort: str = ""
    size: int = 20
    after: Place | None = None
    before: Place | None = None
    zeros: bool = False
    explain: bool = False
    found: Mapping[str, int] | None = None

    @property
    def order(self) -> Sort:
        """Give the order that is asked for: by relevance where words are, else by title."""
        wished = self.sort or (RELEVANCE if self.words.strip() else TITLE)
        name, falls = wished.removeprefix("-"), wished.startswith("-")
        if name == RELEVANCE:
            return Sort(level=RELEVANCE, level_falls=not falls)
        if name.endswith(COUNT):
            return Sort(level=name.removesuffix(COUNT), level_falls=falls)
        return Sort(name, falls)

    def without(self, facet: Field) -> "Choices":
        """Give the choices but for those of a facet, which do not narrow its own counts."""
        return replace(
            self,
            chosen={key: values for key, values in self.chosen.items() if key != facet.key},
            excluded={key: values for key, values in self.excluded.items() if key != facet.key},
        )


EVERYTHING = Choices()
"""The choices that leave every entry."""
