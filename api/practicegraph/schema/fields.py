"""Kinds of records and their fields: what the shapes of a catalogue come to.

Dates and numbers in their order: a year is all its days, and two values all between them.

Dates (ISO 8601) are compared as text in SPARQL 1.1, which defines no order for `xsd:gYear` and
`xsd:date`: a shorter one begins those within it, and `~`, which is behind all digits and signs of
dates, stands at the end of what it covers.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from math import floor

from pyoxigraph import Literal

from ..rdf.namespaces import XSD
from ..rdf.terms import DATE_LENGTH, DATE_PATTERN, Term, is_date
from .text import Labels

DATES = frozenset(XSD + name for name in ("gYear", "gYearMonth", "date", "dateTime"))
"""The datatypes of dates: texts in ISO 8601, of which a shorter one covers the longer."""
NUMBERS = frozenset(XSD + name for name in ("integer", "decimal", "double"))
"""The datatypes of numbers."""


@dataclass(frozen=True)
class Group:
    """A heading under which fields stand."""

    iri: str
    labels: Labels
    order: float


@dataclass(frozen=True)
class Field:
    """A property shape, read."""

    iri: str
    key: str
    path: str
    predicates: tuple[str, ...]
    names: Labels
    other_names: tuple[tuple[str, str], ...]
    hints: Labels
    group: Group
    order: float
    required: bool
    repeats: bool
    text: bool
    datatypes: tuple[str, ...]
    pattern: str | None
    scheme: str | None
    options: tuple[Term, ...]
    facet: bool
    searched: bool
    role: str
    links_to: str | None
    open_where: str | None

    @property
    def predicate(self) -> str | None:
        """Give the property that the path is, or None where it is more than one."""
        return (
            self.predicates[0] if [self.path] == [f"<{name}>" for name in self.predicates] else None
        )

    @property
    def chosen(self) -> bool:
        """Tell whether the values come from a list: a scheme, `sh:in`, or true and false."""
        return bool(self.scheme or self.options)

    @property
    def truth(self) -> bool:
        """Tell whether the values are true and false."""
        return self.datatypes == (XSD + "boolean",)

    @property
    def ordered(self) -> bool:
        """Tell whether the values are dates, or numbers, among which readers choose by ranges."""
        found = set(self.datatypes)
        return bool(found) and not self.options and (found <= DATES or found <= NUMBERS)

    @property
    def place(self) -> tuple[float, float, str]:
        """Give what fields are sorted by: the order of the group, its own, the key."""
        return self.group.order, self.order, self.key

    @property
    def wordings(self) -> list[tuple[str, str]]:
        """Give every name of the field with its language."""
        return [*self.names.items(), *self.other_names]


@dataclass(frozen=True)
class Kind:
    """A node shape with target classes, read: what things of a kind are called and consist of."""

    iri: str
    classes: tuple[str, ...]
    labels: Labels
    segment: str | None
    topic: bool
    fields: tuple[Field, ...]
    spans: tuple[Field, ...] = ()

    @cached_property
    def by_key(self) -> dict[str, Field]:
        """Give the fields by key."""
        return {field.key: field for field in self.fields}

    @cached_property
    def keys(self) -> dict[str, list[str]]:
        """Give the keys of the fields by the property that holds their values, where it is one."""
        found: dict[str, list[str]] = {}
        for field in self.fields:
            if field.predicate:
                found.setdefault(field.predicate, []).append(field.key)
        return found

    @cached_property
    def facets(self) -> tuple[Field, ...]:
        """Give the fields by whose values readers choose, and the spans, in their order."""
        listed = [*(field for field in self.fields if field.facet), *self.spans]
        return tuple(sorted(listed, key=lambda field: field.place))

    @cached_property
    def single(self) -> tuple[Field, ...]:
        """Give the fields with one value at most, of which there is no list: what is sorted by."""
        return tuple(field for field in self.fields if not field.repeats and not field.chosen)

    def with_role(self, role: str) -> tuple[Field, ...]:
        """Give the fields with a role of DASH, such as `LabelRole`."""
        return tuple(field for field in self.fields if field.role == role)


@dataclass(frozen=True)
class Shapes:
    """All that the shapes of a catalogue say; the first language is the fallback."""

    kinds: tuple[Kind, ...]
    languages: tuple[str, ...]

    @cached_property
    def record(self) -> Kind:
        """Give the kind of the entries: the one with a segment of its own in addresses.

        Where an error gives a segment to others, it is the one with the most facets.
        """
        return max((k for k in self.kinds if k.segment), key=lambda kind: len(kind.facets))

    @cached_property
    def fields(self) -> dict[str, Field]:
        """Give every field by the IRI of its shape."""
        return {field.iri: field for kind in self.kinds for field in kind.fields}

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Give the properties that hold what things are called, in order of the kinds."""
        fields = (field for kind in self.kinds for field in kind.with_role("LabelRole"))
        return tuple(dict.fromkeys(field.predicate for field in fields if field.predicate))

    def kind_of(self, classes: Iterable[str]) -> Kind | None:
        """Give the kind of a thing that is of the classes."""
        wanted = set(classes)
        return next((kind for kind in self.kinds if wanted & set(kind.classes)), None)

    def field(self, kind: Kind | None, predicate: str) -> Field | None:
        """Give the field that has a property: of the kind, or of what any kind may have."""
        kinds = [kind] if kind else []
        kinds += [other for other in self.kinds if not other.classes]
        fields = (field for found in kinds for field in found.fields)
        return next((field for field in fields if field.predicate == predicate), None)


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
        return text[:DATE_LENGTH]

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
        date = Literal(f"^({DATE_PATTERN})$")
        return f"isLiteral({variable}) && REGEX(SUBSTR(STR({variable}), 1, {DATE_LENGTH}), {date})"

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


def steps_between(first: int, last: int) -> range:
    """Give the steps from the first to the last, or none where they are too many to list."""
    return range(first, last + 1) if last - first < MOST_STEPS else range(0)


def _digits(text: str) -> str:
    """Give year, month and day of a date or of a moment."""
    return text[:10].replace("-", "")
