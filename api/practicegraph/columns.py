"""Columns of tables: which there are, what they are called, and which words stand for a value."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from .cells import BETWEEN, Place
from .kinds import Field
from .phrases import TRUTH
from .store import Term, plain
from .text import best, fold
from .values import Understanding


@dataclass(frozen=True)
class Column:
    """A field in a table; a text has a column for each language."""

    field: Field
    language: str | None

    @property
    def key(self) -> str:
        """Give the name that is the same in every language, such as `title@nl`."""
        return self.field.key + (f"@{self.language}" if self.language else "")


@dataclass(frozen=True)
class Columns:
    """The columns that tables of one kind of record may have."""

    values: Understanding

    @cached_property
    def identifier(self) -> Field:
        """Give the field that says which entry a row is about."""
        return self.values.kind.with_role("IDRole")[0]

    @cached_property
    def all(self) -> tuple[Column, ...]:
        """Give every column that can be read: the identifier first, then in order of the fields."""
        others = [field for field in self.values.kind.fields if field != self.identifier]
        return tuple(
            Column(field, tag)
            for field in (self.identifier, *others)
            if field.predicate
            for tag in (self.values.languages if field.text else (None,))
        )

    @cached_property
    def known(self) -> dict[str, Column]:
        """Give the columns by their names, folded: keys, and labels in every language.

        Texts are there without a language too, so that one who forgets it can be told.
        """
        known: dict[str, Column] = {}
        for field in (field for field in self.values.kind.fields if field.predicate):
            for name in [field.key, *(wording for _, wording in field.wordings)]:
                known.setdefault(fold(name), Column(field, None))
                for tag in self.values.languages if field.text else ():
                    known.setdefault(fold(f"{name}@{tag}"), Column(field, tag))
        return known

    @cached_property
    def keys(self) -> frozenset[str]:
        """Give the keys of all columns."""
        return frozenset(column.key for column in self.all)

    def label(self, column: Column, languages: Sequence[str]) -> str:
        """Give what a column is called; its key where another column is called so too."""
        tag = f"@{column.language}" if column.language else ""
        label = best(column.field.names, languages) + tag
        return label if self.known.get(fold(label)) == column else column.key

    def wordings(self, field: Field, languages: Sequence[str]) -> dict[str, str]:
        """Give what to write for each value from a list, by its short form.

        That is the label, if it is read as this value; else the short form itself.
        """
        return {
            code: self._wording(field, code, term, languages)
            for code, term in self.values.vocabularies.choices(field).items()
        }

    def _wording(self, field: Field, code: str, term: Term, languages: Sequence[str]) -> str:
        if field.truth:
            return self.values.phrases.say(TRUTH[code], languages)
        concept = self.values.vocabularies.concepts.get(plain(term))
        label = best(concept.labels, languages) if concept else code
        if BETWEEN.strip() in label:
            return code
        read = self.values.term(Place(Path(), 0), field, label, self.values.languages)
        return label if read == term else code
