"""Node shapes and their fields, and the order of the values of fields: dates and numbers.

A year covers all its days. Dates (ISO 8601) are compared as text in SPARQL 1.1, which defines no
order for `xsd:gYear` and `xsd:date`: a shorter date is a prefix of those that it covers, and `~`,
which sorts after all digits and signs of dates, marks the end of what it covers.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import floor

from pyoxigraph import Literal

from ..rdf.terms import DATE_LENGTH, DATE_PATTERN, XSD, Term, as_text, is_date
from .text import Labels

DATES = frozenset(XSD + name for name in ("gYear", "gYearMonth", "date", "dateTime"))
"""The datatypes of dates: texts in ISO 8601, of which a shorter one covers the longer."""
NUMBERS = frozenset(XSD + name for name in ("integer", "decimal", "double"))
"""The datatypes of numbers."""
MAX_STEPS = 300
"""The maximum number of years or whole numbers of which a facet has counts; else it has none."""
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,9})?")


@dataclass(frozen=True)
class Group:
    """A heading under which fields stand."""

    iri: str
    labels: Labels
    order: float


@dataclass(frozen=True)
class Field:
    """A property shape as the catalogue uses it.

    `predicates` are the properties among which the path is a choice. The values `via` another
    resource are those of its second property; by the first one it refers to that of the field.
    Values that are parts have shapes, and so fields, of their own.
    """

    iri: str
    key: str
    path: str
    predicates: tuple[str, ...]
    via: tuple[str, str] | None
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
    has_parts: bool
    is_on_map: bool = False
    is_badge: bool = False
    is_breakdown: bool = False
    has_unique_languages: bool = False

    @property
    def is_list(self) -> bool:
        """Return whether a cell of a table may have several values, for texts in its language."""
        return self.is_repeatable and not (self.is_text and self.has_unique_languages)

    @cached_property
    def predicate(self) -> str | None:
        """Return the property that the path is, or None where it is more than one."""
        return (
            self.predicates[0] if [self.path] == [f"<{name}>" for name in self.predicates] else None
        )

    @cached_property
    def value_predicate(self) -> str | None:
        """Return the property that has the values, on this resource or on the one via which."""
        return self.via[1] if self.via else self.predicate

    @cached_property
    def options_by_text(self) -> dict[str, Term]:
        """Return the values that a list states, by text."""
        return {as_text(option): option for option in self.options}

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
        """Return whether the values are dates or numbers, which are filtered by ranges."""
        types = set(self.datatypes)
        return bool(types) and not self.options and (types <= DATES or types <= NUMBERS)

    @property
    def sort_key(self) -> tuple[float, float, str]:
        """Return the sort key: the order of the group, that of the field, the key."""
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
    """A node shape with target classes: a kind of record with its labels and fields.

    `plural` labels the collection of its records. The fields of the values of `including` fields
    are in their place. `evidence_map` has the IRIs
    of the facets that are its rows, columns and colours at first.
    """

    iri: str
    classes: tuple[str, ...]
    labels: Labels
    plural: Labels
    segment: str | None
    collection: str
    is_topic: bool
    fields: tuple[Field, ...]
    combined_facets: tuple[Field, ...] = ()
    including: tuple[Field, ...] = ()
    evidence_map: tuple[str, ...] = ()

    @cached_property
    def fields_by_key(self) -> dict[str, Field]:
        """Return the fields by key."""
        return {field.key: field for field in self.fields}

    @cached_property
    def keys_by_predicate(self) -> dict[str, list[str]]:
        """Return the keys of the fields whose path is one property, by that property."""
        keys: dict[str, list[str]] = {}
        for field in self.fields:
            if field.predicate:
                keys.setdefault(field.predicate, []).append(field.key)
        return keys

    @cached_property
    def fields_by_value_predicate(self) -> dict[str | None, list[Field]]:
        """Return the fields by the property that has their values."""
        fields: dict[str | None, list[Field]] = {}
        for field in self.fields:
            fields.setdefault(field.value_predicate, []).append(field)
        return fields

    def keys_of(self, predicate: str, value: Term) -> Sequence[str]:
        """Return the keys of the fields that have a value of a property.

        Among several fields, those with the datatype of the value, else those without a datatype.
        """
        keys = self.keys_by_predicate.get(predicate, ())
        if len(keys) < 2 or not isinstance(value, Literal):
            return keys
        datatypes = {key: self.fields_by_key[key].datatypes for key in keys}
        exact = [key for key in keys if value.datatype.value in datatypes[key]]
        return exact or [key for key in keys if not datatypes[key]]

    def record_iri(self, entry: str) -> str:
        """Return the IRI of the catalogue record of an entry, its own where the kind has none."""
        return f"{entry}#record" if self.keys_by_via else entry

    @cached_property
    def keys_by_via(self) -> dict[tuple[str, str], str]:
        """Return the keys of the fields whose values another resource has, by the way to them."""
        return {field.via: field.key for field in self.fields if field.via}

    @cached_property
    def facets(self) -> tuple[Field, ...]:
        """Return the facets, those over several fields among them, in their order."""
        facets = [*(field for field in self.fields if field.is_facet), *self.combined_facets]
        return tuple(sorted(facets, key=lambda field: field.sort_key))

    @cached_property
    def facets_by_key(self) -> dict[str, Field]:
        """Return the facets by key, which may be that of a field too."""
        return {facet.key: facet for facet in self.facets}

    @cached_property
    def evidence_axes(self) -> tuple[Field, ...]:
        """Return the facets of the evidence map at first; without any stated, the first ones."""
        by_iri = {facet.iri: facet for facet in self.facets}
        stated = tuple(by_iri[iri] for iri in self.evidence_map if iri in by_iri)
        return stated if len(stated) > 1 else (self.facets * 2)[:2]

    @cached_property
    def badges(self) -> tuple[Field, ...]:
        """Return the fields, and the facets over several, of which lists of entries show values."""
        fields = (*self.fields, *self.combined_facets)
        return tuple(sorted((f for f in fields if f.is_badge), key=lambda field: field.sort_key))

    def fields_of_facet(self, facet: Field) -> list[Field]:
        """Return the fields that have the values of a facet: itself, or those on its paths."""
        return self._fields_by_facet[facet.iri]

    @cached_property
    def _fields_by_facet(self) -> dict[str, list[Field]]:
        fields = {field.iri: [field] for field in self.fields}
        combined = {
            facet.iri: [field for field in self.fields if field.predicate in facet.predicates]
            for facet in self.combined_facets
        }
        return combined | fields

    @cached_property
    def sortable_fields(self) -> tuple[Field, ...]:
        """Return the fields to sort by: those of at most one value, without options."""
        return tuple(
            field for field in self.fields if not field.is_repeatable and not field.has_options
        )

    def fields_with_role(self, role: str) -> tuple[Field, ...]:
        """Return the fields with a role of DASH, such as `LabelRole`."""
        return self._fields_by_role.get(role, ())

    @cached_property
    def _fields_by_role(self) -> dict[str, tuple[Field, ...]]:
        return {
            r: tuple(f for f in self.fields if f.role == r) for r in {f.role for f in self.fields}
        }


@dataclass(frozen=True)
class Shapes:
    """The node shapes and the languages of a catalogue; the first language is the fallback.

    `segment` is that of the records that are entries, by default those of the first kind. Words of
    the compounding languages are made of others: Sprachkurs, huiswerkbegeleiding.
    """

    node_shapes: tuple[NodeShape, ...]
    languages: tuple[str, ...]
    segment: str = ""
    compounding_languages: frozenset[str] = frozenset()

    @cached_property
    def kinds(self) -> dict[str, NodeShape]:
        """Return the shapes with a segment in paths by segment, the one with most facets first."""
        kinds: dict[str, NodeShape] = {}
        for shape in sorted(self.node_shapes, key=lambda shape: -len(shape.facets)):
            if shape.segment:
                kinds.setdefault(shape.segment, shape)
        return kinds

    @cached_property
    def listed_kinds(self) -> list[NodeShape]:
        """Return the kinds of records to which fields refer, which are lists of their values."""
        lists = {field.scheme for field in self.fields.values()}
        return [kind for kind in self.kinds.values() if kind.classes[0] in lists]

    def namespaces(self, base: str) -> dict[str, NodeShape]:
        """Return the kinds of records by what their IRIs begin with."""
        return {f"{base}{segment}/": shape for segment, shape in self.kinds.items()}

    @cached_property
    def entry_shape(self) -> NodeShape:
        """Return the shape of the entries."""
        return self.kinds[self.segment] if self.segment else next(iter(self.kinds.values()))

    @property
    def is_first(self) -> bool:
        """Return whether the entries are the records of the first kind."""
        return self.entry_shape.segment == next(iter(self.kinds))

    @cached_property
    def fields(self) -> dict[str, Field]:
        """Return every field by the IRI of its shape, as the kind has it whose property it is."""
        shapes = self.node_shapes
        fields = (field for shape in shapes for field in (*shape.fields, *shape.including))
        return {field.iri: field for field in fields if not field.via}

    @cached_property
    def label_properties(self) -> tuple[str, ...]:
        """Return the properties of labels, in order of the shapes."""
        fields = (
            field for shape in self.node_shapes for field in shape.fields_with_role("LabelRole")
        )
        return tuple(dict.fromkeys(field.predicate for field in fields if field.predicate))

    def find_node_shape(self, classes: Iterable[str]) -> NodeShape | None:
        """Return the first shape that targets one of the classes."""
        classes = set(classes)
        return next((shape for shape in self.node_shapes if classes & set(shape.classes)), None)

    def find_field(self, shape: NodeShape | None, predicate: str) -> Field | None:
        """Return the field of a property in a shape, or in those that target no class."""
        shapes = [shape] if shape else []
        shapes += [other for other in self.node_shapes if not other.classes]
        fields = (field for each in shapes for field in each.fields)
        return next((field for field in fields if field.predicate == predicate), None)


class Scale:
    """The order of the values of a field, as numbers and in SPARQL: here, that of numbers."""

    examples: tuple[str, ...] = ("3", "2.5")
    open_end = f'"INF"^^<{XSD}double>'
    """The end of a span without one, in SPARQL."""

    def is_valid(self, text: str) -> bool:
        """Return whether a reader's text is a value."""
        return bool(_NUMBER.fullmatch(text))

    def lexical_value(self, text: str) -> str:
        """Return the part of a literal's text that is compared."""
        return text

    def lower_bound(self, text: str) -> float:
        """Return the number at which a value begins."""
        return float(text)

    def upper_bound(self, text: str) -> float:
        """Return the number at which a value ends."""
        return float(text)

    def step(self, number: float) -> int:
        """Return the step of a number: a whole number, or the year of a date."""
        return floor(number)

    def format_step(self, step: int) -> str:
        """Return a step as a reader writes it."""
        return str(step)

    def lower_bound_sparql(self, variable: str) -> str:
        """Return the SPARQL of the beginning of a value."""
        return variable

    def upper_bound_sparql(self, variable: str) -> str:
        """Return the SPARQL of the end of a value."""
        return variable

    def is_value_sparql(self, variable: str) -> str:
        """Return the SPARQL of whether a term is a well-formed value."""
        number = Literal(f"^{_NUMBER.pattern}$")
        return f"isNumeric({variable}) && REGEX(STR({variable}), {number})"

    def lower_bound_literal(self, text: str) -> str:
        """Return the SPARQL of the beginning of a reader's value."""
        return text

    def upper_bound_literal(self, text: str) -> str:
        """Return the SPARQL of the end of a reader's value."""
        return text


class _DateScale(Scale):
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

    def format_step(self, step: int) -> str:
        return f"{step:04}"

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


_NUMBER_SCALE, _DATE_SCALE = Scale(), _DateScale()


def get_scale(field: Field) -> Scale:
    """Return the scale of a field whose values are ordered."""
    assert field.is_ordered, field.iri
    return _DATE_SCALE if field.datatypes[0] in DATES else _NUMBER_SCALE


def list_steps(first: int, last: int) -> range:
    """Return the steps from the first to the last, or none where they are too many to list."""
    return range(first, last + 1) if last - first < MAX_STEPS else range(0)


def _digits(text: str) -> str:
    """Return year, month and day of a date or of a moment."""
    return text[:10].replace("-", "")
