"""An entry in the JSON of the API, read back as triples: what was not changed stays as it is.

JSON says less than an entry does: of a text one language, of a concept its label too. So an object
that a client sends is compared with the one that it was given, and only what differs is parsed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyoxigraph import Literal, NamedNode, Triple

from ..errors import CatalogueError
from ..rdf.terms import TYPE, Term
from ..schema.catalog_records import CatalogRecords
from ..schema.fields import Field
from ..schema.text import find_similar
from ..schema.value_parser import NO_LOCATION, ParseProblem, ValueParser


class InvalidEntryError(CatalogueError):
    """An object that is no entry in the JSON of the API, with all its problems by key."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        text = "; ".join(f"{key}: {reason}" for key, reason in problems.items())
        super().__init__(text, kind="invalidInput", extra={"problems": problems}, problems=text)
        self.problems = dict(problems)


@dataclass(frozen=True)
class EntryJsonParser:
    """Parses objects of one entry; a text without a language is in the language given."""

    values: ValueParser
    records: CatalogRecords
    entry: NamedNode
    language: str

    def parse(
        self, sent: Mapping[str, Any], shown: Mapping[str, Any], before: Sequence[Triple]
    ) -> list[Triple]:
        """Return the triples after an edit, from the object that was shown of those before it.

        Raises InvalidEntryError.
        """
        problems = dict(self._unknown_keys(sent, shown))
        fields = self.values.shape.fields_by_key
        after = [t for t in before if not any(self._is_of(f, t) for f in fields.values())]
        for key, field in fields.items():
            if key not in sent:
                continue
            if key in shown and sent[key] == shown[key]:
                after += [t for t in before if self._is_of(field, t)]
                continue
            try:
                after += self._statements(field, sent[key], before)
            except InvalidEntryError as error:
                problems[key] = error.problems[""]
        if problems:
            raise InvalidEntryError(problems)
        if not any(t.subject == self.entry and t.predicate == TYPE for t in after):
            after.append(Triple(self.entry, TYPE, NamedNode(self.values.shape.classes[0])))
        return reachable([self.entry, self.records.subject(self.entry)], after)

    def _unknown_keys(
        self, sent: Mapping[str, Any], shown: Mapping[str, Any]
    ) -> Iterator[tuple[str, str]]:
        """Yield the keys that no entry has, and a wrong id, with the reasons."""
        keys = (*self.values.shape.fields_by_key, "id")
        for key, value in sent.items():
            if key == "id":
                if value != self.entry.value:
                    yield key, self.values.format_phrase("unexpectedTopic", topic=self.entry.value)
            elif key in shown and value == shown[key]:
                continue
            elif key not in self.values.shape.fields_by_key:
                similar = ", ".join(find_similar(key, keys))
                yield key, self.values.format_phrase("unknownKey", nearest=similar or "–")

    def _is_of(self, field: Field, triple: Triple) -> bool:
        return (triple.subject, triple.predicate) == self.records.place(field, self.entry)

    def _statements(self, field: Field, value: Any, before: Sequence[Triple]) -> Iterator[Triple]:
        if not (place := self.records.place(field, self.entry)):
            raise self._error("readOnlyProperty")
        terms = self._texts(field, value, before) if field.is_text else self._terms(field, value)
        return (Triple(*place, term) for term in terms)

    def _texts(self, field: Field, value: Any, before: Sequence[Triple]) -> list[Literal]:
        """Return texts: one in the language beside the others, or all of them by language.

        A text that the entry has in any language, as it was shown to a client, changes nothing.
        """
        texts = [(t, t.object) for t in before if isinstance(t.object, Literal)]
        present = [text for t, text in texts if self._is_of(field, t)]
        if isinstance(value, str):
            same_role = [
                f for f in self.values.shape.fields if f == field or f.role == field.role != ""
            ]
            if any(
                text.value == value and self._is_of(f, t) for t, text in texts for f in same_role
            ):
                return present
            others = [text for text in present if text.language != self.language]
            return [*others, self._text(value, self.language)]
        if not isinstance(value, dict) or not all(isinstance(t, str) for t in value.values()):
            raise self._error("invalidTexts", language=self.language)
        return [self._text(text, tag) for tag, text in value.items()]

    def _text(self, text: str, language: str) -> Literal:
        if language not in self.values.languages:
            raise self._error("unknownLanguage", languages=", ".join(self.values.languages))
        return Literal(text, language=language)

    def _terms(self, field: Field, value: Any) -> list[Term]:
        values = value if isinstance(value, list) else [value]
        if len(values) > 1 and not field.is_repeatable:
            raise self._error("singleValueProperty")
        return [self._term(field, item) for item in values]

    def _term(self, field: Field, value: Any) -> Term:
        if isinstance(value, dict) and field.has_options:
            value = value.get("id", value.get("value"))
        if isinstance(value, bool):
            value = str(value).lower()
        if isinstance(value, int | float):
            value = str(value)
        if not isinstance(value, str):
            raise self._error("invalidLiteral")
        term = self.values.parse(NO_LOCATION, field, value, self.values.languages)
        if isinstance(term, ParseProblem):
            raise InvalidEntryError({"": f"“{value}”: {term.reason}"})
        return term

    def _error(self, phrase: str, /, **words: object) -> InvalidEntryError:
        return InvalidEntryError({"": self.values.format_phrase(phrase, **words)})


def reachable(nodes: Sequence[NamedNode], triples: Sequence[Triple]) -> list[Triple]:
    """Return the triples that are reachable from nodes."""
    seen: set[Any] = set(nodes)
    waiting: list[Any] = list(nodes)
    while waiting:
        node = waiting.pop()
        new = {t.object for t in triples if t.subject == node} - seen
        seen |= new
        waiting += new
    return [triple for triple in triples if triple.subject in seen]
