"""The fields of a form by heading: their inputs, choices, hints and problems."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from pyoxigraph import NamedNode

from ...editing.form import EntryForm, Values, text_name
from ...rdf.terms import as_text, parse_iri
from ...schema.fields import Field
from ...schema.text import collation_key
from ..context import View, language_name

_MAX_CHECKBOXES = 60
_MAX_SUGGESTIONS = 1000
_LONG = 100  # characters, from which on a text has several lines
_LINES = 6


@dataclass(frozen=True)
class Choice:
    """A value to choose."""

    value: str
    label: str
    depth: int
    is_chosen: bool


@dataclass(frozen=True)
class Input:
    """An input for one value; a text has a language, and as many lines as it needs."""

    name: str
    value: str
    language: str = ""
    language_name: str = ""
    lines: int = 1


@dataclass(frozen=True)
class FormField:
    """A field of a form: `control` is how its values are put in.

    `more` are inputs for the languages in which there is no text yet.
    """

    key: str
    label: str
    hint: str
    is_required: bool
    control: str
    inputs: Sequence[Input]
    more: Sequence[Input]
    choices: Sequence[Choice]
    problems: Sequence[str]


@dataclass(frozen=True)
class FormGroup:
    """A heading of a form with its fields."""

    heading: str
    fields: Sequence[FormField]


@dataclass(frozen=True)
class FormInputs:
    """Builds what a form shows of values, in the language of a view."""

    view: View
    form: EntryForm
    sent: Values
    problems: Mapping[str, Sequence[str]]

    def groups(self) -> list[FormGroup]:
        """Return the headings with their fields, in the order of the shapes."""
        groups: dict[str, list[FormField]] = {}
        for field in self.form.fields:
            heading = self.view.text(field.group.labels)
            groups.setdefault(heading, []).append(self._field(field))
        return [FormGroup(heading, fields) for heading, fields in groups.items()]

    def _field(self, field: Field) -> FormField:
        choices = list(self._choices(field))
        control = _control(field, len(choices))
        inputs, more = self._inputs(field, control)
        return FormField(
            key=field.key,
            label=self.view.text(field.names),
            hint=self.view.text(field.hints),
            is_required=field.is_required,
            control=control,
            inputs=inputs,
            more=more,
            choices=choices if control in ("select", "checkboxes") else (),
            problems=self.problems.get(field.key, ()),
        )

    def _inputs(self, field: Field, control: str) -> tuple[list[Input], list[Input]]:
        if control in ("select", "checkboxes"):
            return [], []
        if field.is_text:
            return self._texts(field)
        values = [value for value in self.sent.get(field.key, ()) if value.strip()]
        if field.is_repeatable or not values:
            values.append("")
        labels = self._suggestions(field) if control == "suggestions" else {}
        return [Input(field.key, labels.get(v, v), lines=_count_lines(v)) for v in values], []

    def _texts(self, field: Field) -> tuple[list[Input], list[Input]]:
        """Return the inputs of texts: those with a text or in the reader's language, and others."""
        inputs: list[Input] = []
        more: list[Input] = []
        known = [name.partition("@")[2] for name in self.sent if name.startswith(f"{field.key}@")]
        for tag in dict.fromkeys([*self.view.languages, *known]):
            name = text_name(field, tag)
            values = [value for value in self.sent.get(name, ()) if value.strip()]
            label = language_name(tag, tag) if tag in self.view.languages else tag
            lines = _LINES if field.role != "LabelRole" else 1
            for value in values or [""]:
                shown = inputs if value or tag == self.view.language else more
                shown.append(Input(name, value, tag, label, max(lines, _count_lines(value))))
        return inputs, more

    def _choices(self, field: Field) -> Iterator[Choice]:
        chosen = set(self.sent.get(field.key, ()))
        known: set[str] = set()
        for value, label, depth in self._options(field):
            known.add(value)
            yield Choice(value, label, depth, value in chosen)
        for value in sorted(chosen - known - {""}) if known else ():
            label = self.view.name(value) if parse_iri(value) else ""
            yield Choice(value, label or value, 0, is_chosen=True)

    def _options(self, field: Field) -> Iterator[tuple[str, str, int]]:
        """Yield the values of a field, their labels and depths."""
        view = self.view
        if field.value_predicate in self.form.naming:
            for other in self.form.shape.fields:
                if other.predicate and other.key != field.key:
                    yield other.predicate, view.text(other.names), 0
        elif field.scheme:
            scheme = view.catalogue.vocabularies.scheme(field.scheme)
            for depth, concept in scheme.tree(view.languages):
                yield concept.iri, view.text(concept.labels), depth
        else:
            for option in field.options:
                value = as_text(option)
                label = view.name(value) if isinstance(option, NamedNode) else ""
                yield value, label or view.format_code(value), 0

    def _suggestions(self, field: Field) -> Mapping[str, str]:
        return self._labels.get(field.key, {})

    @cached_property
    def _labels(self) -> dict[str, dict[str, str]]:
        """Return, for each field with many values, their labels with codes, which are unique."""
        vocabularies = self.view.catalogue.vocabularies
        labels: dict[str, dict[str, str]] = {}
        for field in self.form.fields:
            if field.scheme and len(self.sent.get(field.key, ())):
                concepts = vocabularies.scheme(field.scheme).concepts.values()
                wanted = set(self.sent[field.key])
                labels[field.key] = {
                    c.iri: f"{self.view.text(c.labels)} [{c.notation}]"
                    for c in concepts
                    if c.iri in wanted
                }
        return labels

    def suggestions(self, key: str) -> list[str]:
        """Return the suggestions of a field with many values, in order."""
        field = self.form.shape.fields_by_key[key]
        assert field.scheme
        concepts = self.view.catalogue.vocabularies.scheme(field.scheme).concepts.values()
        if len(concepts) > _MAX_SUGGESTIONS:
            return []
        texts = [f"{self.view.text(c.labels)} [{c.notation}]" for c in concepts]
        return sorted(texts, key=lambda text: collation_key(text, self.view.language))


def _control(field: Field, count: int) -> str:
    """Return how the values of a field are put in, of so many to choose from."""
    if field.is_text:
        return "texts"
    if not count:
        return "lines"
    if count > _MAX_CHECKBOXES:
        return "suggestions"
    return "checkboxes" if field.is_repeatable else "select"


def _count_lines(text: str) -> int:
    """Return the lines of an input for a text."""
    if len(text) <= _LONG and "\n" not in text:
        return 1
    return min(20, text.count("\n") + len(text) // _LONG + 2)
