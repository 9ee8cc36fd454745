"""Dates and numbers in their order: a year is all its days, and two values all between them.

Dates (ISO 8601) are compared as text in SPARQL 1.1, which defines no order for `xsd:gYear` and
`xsd:date`: a shorter one begins those within it, and `~`, which is behind all digits and signs of
dates, stands at the end of what it covers.
"""

import re
from abc import ABC, abstractmethod
from math import floor

from pyoxigraph import Literal

from .kinds import DATES, Field
from .literals import DATE, DAY, is_date
from .turtle import XSD

MOST_STEPS = 300
"""The most years, or whole numbers, by which a facet is counted; of more, none is listed."""
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,9})?")


class Scale(ABC):
    """How the values of a field are ordered, as numbers and in SPARQL."""

    examples: tuple[str, ...]
    forever: str
    """The end of what has none, in SPARQL."""

    @abstractmethod
    def reads(self, text: str) -> bool:
        """Tell whether a reader's text is a value."""

    @abstractmethod
    def head(self, text: str) -> str:
        """Give the part of a literal's text that says the value."""

    @abstractmethod
    def low(self, text: str) -> float:
        """Give where a value begins."""

    @abstractmethod
    def high(self, text: str) -> float:
        """Give where a value ends."""

    @abstractmethod
    def step(self, number: float) -> int:
        """Give the step in which a number lies: a year, or a whole number."""

    @abstractmethod
    def low_of(self, variable: str) -> str:
        """Write in SPARQL where a value begins."""

    @abstractmethod
    def high_of(self, variable: str) -> str:
        """Write in SPARQL where a value ends."""

    @abstractmethod
    def is_value(self, variable: str) -> str:
        """Write in SPARQL whether a term is a value, and not just of its datatype."""

    @abstractmethod
    def start(self, text: str) -> str:
        """Write in SPARQL where a reader's value begins."""

    @abstractmethod
    def end(self, text: str) -> str:
        """Write in SPARQL where a reader's value ends."""

    @abstractmethod
    def written(self, step: int) -> str:
        """Give a step as a reader writes it."""


class _Dates(Scale):
    examples = ("2019", "2019-06", "2019-06-30")
    forever = '"~"'

    def reads(self, text: str) -> bool:
        return is_date(text)

    def head(self, text: str) -> str:
        return text[:DAY]

    def low(self, text: str) -> float:
        return int(_digits(text).ljust(8, "0"))

    def high(self, text: str) -> float:
        return int(_digits(text).ljust(8, "9"))

    def step(self, number: float) -> int:
        return int(number) // 10_000

    def low_of(self, variable: str) -> str:
        return f"STR({variable})"

    def high_of(self, variable: str) -> str:
        return f'CONCAT(STR({variable}), "~")'

    def is_value(self, variable: str) -> str:
        date = Literal(f"^({DATE})$")
        return f"isLiteral({variable}) && REGEX(SUBSTR(STR({variable}), 1, {DAY}), {date})"

    def start(self, text: str) -> str:
        return str(Literal(text))

    def end(self, text: str) -> str:
        return str(Literal(text + "~"))

    def written(self, step: int) -> str:
        return f"{step:04}"


class _Numbers(Scale):
    examples = ("3", "2.5")
    forever = f'"INF"^^<{XSD}double>'

    def reads(self, text: str) -> bool:
        return bool(_NUMBER.fullmatch(text))

    def head(self, text: str) -> str:
        return text

    def low(self, text: str) -> float:
        return float(text)

    def high(self, text: str) -> float:
        return float(text)

    def step(self, number: float) -> int:
        return floor(number)

    def low_of(self, variable: str) -> str:
        return variable

    def high_of(self, variable: str) -> str:
        return variable

    def is_value(self, variable: str) -> str:
        number = Literal(f"^{_NUMBER.pattern}$")
        return f"isNumeric({variable}) && REGEX(STR({variable}), {number})"

    def start(self, text: str) -> str:
        return text

    def end(self, text: str) -> str:
        return text

    def written(self, step: int) -> str:
        return str(step)


_SCALES: tuple[Scale, Scale] = (_Numbers(), _Dates())


def scale(field: Field) -> Scale:
    """Give the order of the values of a field that is ordered."""
    assert field.ordered, field.iri
    return _SCALES[field.datatypes[0] in DATES]


def listed(first: int, last: int) -> range:
    """Give the steps from the first to the last, or none where they are too many to list."""
    return range(first, last + 1) if last - first < MOST_STEPS else range(0)


def _digits(text: str) -> str:
    """Give year, month and day of a date or of a moment."""
    return text[:10].replace("-", "")
