"""Kinds of records and their fields: what the shapes of a catalogue come to."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from .store import Term
from .text import Labels
from .turtle import XSD

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
