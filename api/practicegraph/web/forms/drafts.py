"""The triples of a form before they are saved: as a record, as Turtle, with their findings."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from pyoxigraph import NamedNode, Triple

from ...catalogue.catalogue import Catalogue
from ...editing import entry as entries
from ...editing.form import EntryForm
from ...reporting.differences import Comparison, Difference
from ...schema.records import Record
from ..changes.history import entry_state


@dataclass(frozen=True)
class FormDraft:
    """An entry as a form states it; a new one has an identifier that is stated or proposed."""

    catalogue: Catalogue
    form: EntryForm
    stated: Sequence[Triple]
    identifier: str

    @property
    def entry(self) -> NamedNode:
        """Return the IRI of the entry."""
        return NamedNode(self.catalogue.entry_iri(self.identifier))

    @cached_property
    def triples(self) -> list[Triple]:
        """Return the triples that would be saved today, but for the history."""
        shape, records = self.catalogue.shapes.entry_shape, self.catalogue.records
        renamed = entries.with_new_iri(self.stated, self.form.entry, self.entry)
        named = entries.with_identifier(shape, self.entry, renamed, self.identifier)
        complete = records.complete(self.entry, named)
        return records.dated(self.entry, complete, datetime.now(tz=UTC).date())

    @property
    def turtle(self) -> str:
        """Return the triples as the file of the entry."""
        return self.catalogue.writer.write(self.triples, self.entry.value)

    @property
    def record(self) -> Record:
        """Return the record of the entry, with the values that are one property away."""
        shape, records = self.catalogue.shapes.entry_shape, self.catalogue.records
        values = {}
        for field in shape.fields:
            place = records.place(field, self.entry)
            terms = [t.object for t in self.triples if (t.subject, t.predicate) == place]
            if terms := [t for t in terms if self._has(field.key, field.predicate, t)]:
                values[field.key] = tuple(terms)
        return Record(self.entry.value, shape, values)

    def _has(self, key: str, predicate: str | None, term: Any) -> bool:
        shape = self.catalogue.shapes.entry_shape
        return not predicate or key in shape.keys_of(predicate, term)

    def compare(self, saved: Sequence[Triple], languages: Sequence[str]) -> list[Difference]:
        """Return how the draft differs from what is saved now."""
        old, new = (
            entry_state(self.catalogue, self.entry, triples) for triples in (saved, self.triples)
        )
        return Comparison(old, new, languages).differences()


def draft(catalogue: Catalogue, form: EntryForm, stated: Sequence[Triple]) -> FormDraft:
    """Return the draft of a form; of a new entry, with the first identifier that is proposed."""
    identifier = form.entry.value.rpartition("/")[2]
    if form.is_new:
        shape, languages = catalogue.shapes.entry_shape, catalogue.languages
        proposed = entries.propose_identifiers(shape, form.entry, stated, languages)
        known = entries.stated_identifier(shape, form.entry, stated)
        identifier = known if entries.is_valid(shape, known) else next(proposed)
    return FormDraft(catalogue, form, stated, identifier)


def sort_findings(
    findings: Iterable[Mapping[str, Any]], form: EntryForm, labels: Mapping[str, str]
) -> tuple[dict[str, list[str]], list[str]]:
    """Return the messages of findings by key of their field, and those of no field.

    A message at its field leaves out what stands before the field's label.
    """
    keys = {field.value_predicate: field.key for field in reversed(form.fields)}
    at_fields: dict[str, list[str]] = {}
    others: list[str] = []
    for finding in findings:
        message = ". ".join(filter(None, [finding["message"], finding.get("hint", "")]))
        key = keys.get(finding.get("resultPath", ""))
        if key is None:
            others.append(message)
        else:
            _, label, rest = message.partition(f"{labels[key]}: ")
            at_fields.setdefault(key, []).append(rest if label else message)
    return at_fields, others
