"""Node shapes and their fields, and the order of the values of fields: dates and numbers.

A year covers all its days. Dates (ISO 8601) are compared as text in SPARQL 1.1, which defines no
order for `xsd:gYear` and `xsd:date`: a shorter date is a prefix of those that it covers, and `~`,
which sorts after all digits and signs of dates, marks the end of what it covers.
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
    is_required: bool
    is_repeatable: bool
    is_text: bool
    datatypes: tuple[str, ...]
    pattern: str | None
    scheme: str | None
    options: tuple[Term, ...]
    is_facet: bool
    is_searched: bool
    role: str
    links_to: str | None
    open_where: str | None

    @property
    def predicate(self) -> str | None:
        """Return the property that the path is, or None where it is more than one."""
        return (
            self.predicates[0] if [self.path] == [f"<{name}>" for name in self.predicates] else None
        )

    @property
    def has_options(self) -> bool:
        """Return whether the values come from a list: a scheme, `sh:in`, or true and false."""
        return bool(self.scheme or self.options)

    @property
    def is_boolean(self) -> bool:
        """Return whether the values are true and false."""
        return self.datatypes == (XSD + "boolean",)

    @property
    def is_ordered(self) -> bool:
        """Return whether the values are dates, or numbers, among which readers choose by ranges."""
        found = set(self.datatypes)
        return bool(found) and not self.options and (found <= DATES or found <= NUMBERS)

    @property
    def sort_key(self) -> tuple[float, float, str]:
        """Return what fields are sorted by: the order of the group, its own, the key."""
        return self.group.order, self.order, self.key

    @property
    def all_names(self) -> list[tuple[str, str]]:
        """Return every name of the field with its language."""
        return [*self.names.items(), *self.other_names]


@dataclass(frozen=True)
class Parameter:
    """A parameter of a query; without a value, an optional one leaves its variable unbound."""

    field: Field
    default: Term | None
    is_optional: bool

    @property
    def key(self) -> str:
        """Return the name of the parameter."""
        return self.field.key


@dataclass(frozen=True)
class NodeShape:
    """A node shape with target classes, read: what things of a kind are called and consist of."""

    iri: str
    classes: tuple[str, ...]
    labels: Labels
    segment: str | None
    collection: str
    is_topic: bool
    fields: tuple[Field, ...]
    ranges: tuple[Field, ...] = ()

    @cached_property
    def fields_by_key(self) -> dict[str, Field]:
        """Return the fields by key."""
        return {field.key: field for field in self.fields}

    @cached_property
    def keys_by_predicate(self) -> dict[str, list[str]]:
        """Return the keys of the fields whose path is one property, by that property."""
        found: dict[str, list[str]] = {}
        for field in self.fields:
            if field.predicate:
                found.setdefault(field.predicate, []).append(field.key)
        return found

    @cached_property
    def facets(self) -> tuple[Field, ...]:
        """Return the fields by whose values readers choose, and the spans, in their order."""
        listed = [*(field for field in self.fields if field.is_facet), *self.ranges]
        return tuple(sorted(listed, key=lambda field: field.sort_key))

    @cached_property
    def sortable_fields(self) -> tuple[Field, ...]:
        """Return the fields to sort by: those of at most one value, without options."""
        return tuple(
            field for field in self.fields if not field.is_repeatable and not field.has_options
        )

    def fields_with_role(self, role: str) -> tuple[Field, ...]:
        """Return the fields with a role of DASH, such as `LabelRole`."""
        return tuple(field for field in self.fields if field.role == role)


@dataclass(frozen=True)
class Shapes:
    """All that the shapes of a catalogue say; the first language is the fallback."""

    node_shapes: tuple[NodeShape, ...]
    languages: tuple[str, ...]

    @cached_property
    def entry_shape(self) -> NodeShape:
        """Return the kind of the entries: the one with a segment of its own in addresses.

        Where an error gives a segment to others, it is the one with the most facets.
        """
        return max((k for k in self.node_shapes if k.segment), key=lambda kind: len(kind.facets))

    @cached_property
    def fields(self) -> dict[str, Field]:
        """Return every field by the IRI of its shape."""
        return {field.iri: field for kind in self.node_shapes for field in kind.fields}

    @cached_property
    def label_properties(self) -> tuple[str, ...]:
        """Return the properties that hold what things are called, in order of the kinds."""
        fields = (
            field for kind in self.node_shapes for field in kind.fields_with_role("LabelRole")
        )
        return tuple(dict.fromkeys(field.predicate for field in fields if field.predicate))

    def find_node_shape(self, classes: Iterable[str]) -> NodeShape | None:
        """Return the kind of a thing that is of the classes."""
        wanted = set(classes)
        return next((kind for kind in self.node_shapes if wanted & set(kind.classes)), None)

    def find_field(self, kind: NodeShape | None, predicate: str) -> Field | None:
        """Return the field that has a property: of the kind, or of what any kind may have."""
        kinds = [kind] if kind else []
        kinds += [other for other in self.node_shapes if not other.classes]
        fields = (field for found in kinds for field in found.fields)
        return next((field for field in fields if field.predicate == predicate), None)


MAX_STEPS = 300
"""The most years, or whole numbers, by which a facet is counted; of more, none is listed."""
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,9})?")


class Scale(ABC):
    """The order of the values of a field, as numbers and in SPARQL."""

    examples: tuple[str, ...]
    open_end: str
    """The end of what has none, in SPARQL."""

    @abstractmethod
    def is_valid(self, text: str) -> bool:
        """Return whether a reader's text is a value."""

    @abstractmethod
    def lexical_value(self, text: str) -> str:
        """Return the part of a literal's text that says the value."""

    @abstractmethod
    def lower_bound(self, text: str) -> float:
        """Return where a value begins."""

    @abstractmethod
    def upper_bound(self, text: str) -> float:
        """Return where a value ends."""

    @abstractmethod
    def step(self, number: float) -> int:
        """Return the step in which a number lies: a year, or a whole number."""

    @abstractmethod
    def lower_bound_sparql(self, variable: str) -> str:
        """Write in SPARQL where a value begins."""

    @abstractmethod
    def upper_bound_sparql(self, variable: str) -> str:
        """Write in SPARQL where a value ends."""

    @abstractmethod
    def is_value_sparql(self, variable: str) -> str:
        """Write in SPARQL whether a term is a value, and not just of its datatype."""

    @abstractmethod
    def lower_bound_literal(self, text: str) -> str:
        """Write in SPARQL where a reader's value begins."""

    @abstractmethod
    def upper_bound_literal(self, text: str) -> str:
        """Write in SPARQL where a reader's value ends."""

    @abstractmethod
    def format_step(self, step: int) -> str:
        """Return a step as a reader writes it."""


class _Dates(Scale):
    examples = ("2019", "2019-06", "2019-06-30")
    open_end = '"~"'

    def is_valid(self, text: str) -> bool:
        return is_date(text)

    def lexical_value(self, text: str) -> str:
        return text[:DATE_LENGTH]

    def lower_bound(self, text: str) -> float:
        return int(_digits(text).ljust(8, "0"))

    def upper_bound(self, text: str) -> float:
        return int(_digits(text).ljust(8, "9"))

    def step(self, number: float) -> int:
        return int(number) // 10_000

    def lower_bound_sparql(self, variable: str) -> str:
        return f"STR({variable})"

    def upper_bound_sparql(self, variable: str) -> str:
        return f'CONCAT(STR({variable}), "~")'

    def is_value_sparql(self, variable: str) -> str:
        date = Literal(f"^({DATE_PATTERN})$")
        return f"isLiteral({variable}) && REGEX(SUBSTR(STR({variable}), 1, {DATE_LENGTH}), {date})"

    def lower_bound_literal(self, text: str) -> str:
        return str(Literal(text))

    def upper_bound_literal(self, text: str) -> str:
        return str(Literal(text + "~"))

    def format_step(self, step: int) -> str:
        return f"{step:04}"


class _Numbers(Scale):
    examples = ("3", "2.5")
    open_end = f'"INF"^^<{XSD}double>'

    def is_valid(self, text: str) -> bool:
        return bool(_NUMBER.fullmatch(text))

    def lexical_value(self, text: str) -> str:
        return text

    def lower_bound(self, text: str) -> float:
        return float(text)

    def upper_bound(self, text: str) -> float:
        return float(text)

    def step(self, number: float) -> int:
        return floor(number)

    def lower_bound_sparql(self, variable: str) -> str:
        return variable

    def upper_bound_sparql(self, variable: str) -> str:
        return variable

    def is_value_sparql(self, variable: str) -> str:
        number = Literal(f"^{_NUMBER.pattern}$")
        return f"isNumeric({variable}) && REGEX(STR({variable}), {number})"

    def lower_bound_literal(self, text: str) -> str:
        return text

    def upper_bound_literal(self, text: str) -> str:
        return text

    def format_step(self, step: int) -> str:
        return str(step)


_SCALES: tuple[Scale, Scale] = (_Numbers(), _Dates())


def get_scale(field: Field) -> Scale:
    """Return the order of the values of a field that is ordered."""
    assert field.is_ordered, field.iri
    return _SCALES[field.datatypes[0] in DATES]


def list_steps(first: int, last: int) -> range:
    """Return the steps from the first to the last, or none where they are too many to list."""
    return range(first, last + 1) if last - first < MAX_STEPS else range(0)


def _digits(text: str) -> str:
    """Return year, month and day of a date or of a moment."""
    return text[:10].replace("-", "")
