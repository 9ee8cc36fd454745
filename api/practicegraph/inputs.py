"""An entry in the JSON of the API, read back: what was not changed stays, to the last triple.

JSON says less than an entry does: of a text one language, of a concept its label too. So what a
reader sends back is held against what was given, and only where it differs is it read.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyoxigraph import Literal, NamedNode, Triple

from .cells import Place
from .kinds import Field
from .store import RDF, Term
from .text import nearest
from .values import Problem, Understanding

_NOWHERE = Place(Path(), 0)
_TYPE = NamedNode(RDF + "type")


class UnfitInputError(ValueError):
    """An object that is no entry in the JSON of the API, with all its problems by key."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{key}: {reason}" for key, reason in problems.items()))
        self.problems = dict(problems)


@dataclass(frozen=True)
class Inputs:
    """Reads objects for one entry; a text without a language is in the one given."""

    values: Understanding
    entry: NamedNode
    language: str

    def read(
        self, given: Mapping[str, Any], shown: Mapping[str, Any], before: Sequence[Triple]
    ) -> list[Triple]:
        """Give the triples after the change, from what was shown of those before it.

        Raises UnfitInputError.
        """
        fields = self.values.kind.by_key
        problems = dict(self._strange(given, shown))
        wanted = [t for t in before if t.subject != self.entry or not self._is_field(t)]
        for key, field in fields.items():
            if key not in given:
                continue
            held = [t for t in before if t.subject == self.entry and _holds(field, t)]
            if key in shown and given[key] == shown[key]:
                wanted += held
                continue
            try:
                wanted += self._stated(field, given[key], before)
            except UnfitInputError as error:
                problems[key] = error.problems[""]
        if problems:
            raise UnfitInputError(problems)
        if not any(t.subject == self.entry and t.predicate == _TYPE for t in wanted):
            wanted.append(Triple(self.entry, _TYPE, NamedNode(self.values.kind.classes[0])))
        return _reached(self.entry, wanted)

    def _strange(
        self, given: Mapping[str, Any], shown: Mapping[str, Any]
    ) -> Iterator[tuple[str, str]]:
        """Give the keys that no entry has, and those that say something else than they must."""
        known = (*self.values.kind.by_key, "id")
        for key, value in given.items():
            if key == "id":
                if value != self.entry.value:
                    yield key, self.values.say("otherTopic", topic=self.entry.value)
            elif key in shown and value == shown[key]:
                continue
            elif key not in self.values.kind.by_key:
                near = ", ".join(nearest(key, known))
                yield key, self.values.say("unknownKey", nearest=near or "–")

    def _is_field(self, triple: Triple) -> bool:
        return any(_holds(field, triple) for field in self.values.kind.fields)

    def _stated(self, field: Field, value: Any, before: Sequence[Triple]) -> Iterator[Triple]:
        if not field.predicate:
            raise self._unfit("unwritable")
        terms = self._texts(field, value, before) if field.text else self._terms(field, value)
        return (Triple(self.entry, NamedNode(field.predicate), term) for term in terms)

    def _texts(self, field: Field, value: Any, before: Sequence[Triple]) -> list[Literal]:
        """Give texts: one in the language beside the others, or all of them by language.

        One that the entry has in any language, as it was given to a reader, changes nothing.
        """
        said = [(t, t.object) for t in before if t.subject == self.entry]
        texts = [(t, text) for t, text in said if isinstance(text, Literal)]
        held = [text for t, text in texts if _holds(field, t)]
        if isinstance(value, str):
            alike = [f for f in self.values.kind.fields if f == field or f.role == field.role != ""]
            if any(text.value == value and _holds(f, t) for t, text in texts for f in alike):
                return held
            others = [text for text in held if text.language != self.language]
            return [*others, self._text(value, self.language)]
        if not isinstance(value, dict) or not all(isinstance(t, str) for t in value.values()):
            raise self._unfit("notTexts", language=self.language)
        return [self._text(text, tag) for tag, text in value.items()]

    def _text(self, text: str, language: str) -> Literal:
        if language not in self.values.languages:
            raise self._unfit("unknownLanguage", languages=", ".join(self.values.languages))
        return Literal(text, language=language)

    def _terms(self, field: Field, value: Any) -> list[Term]:
        listed = value if isinstance(value, list) else [value]
        if len(listed) > 1 and not field.repeats:
            raise self._unfit("oneValue")
        return [self._term(field, one) for one in listed]

    def _term(self, field: Field, value: Any) -> Term:
        if isinstance(value, dict) and field.chosen:
            value = value.get("id", value.get("value"))
        if isinstance(value, bool):
            value = str(value).lower()
        if isinstance(value, int | float):
            value = str(value)
        if not isinstance(value, str):
            raise self._unfit("notValue")
        found = self.values.term(_NOWHERE, field, value, self.values.languages)
        if isinstance(found, Problem):
            raise UnfitInputError({"": f"“{value}”: {found.reason}"})
        return found

    def _unfit(self, phrase: str, /, **words: object) -> UnfitInputError:
        return UnfitInputError({"": self.values.say(phrase, **words)})


def _holds(field: Field, triple: Triple) -> bool:
    return field.predicate is not None and triple.predicate.value == field.predicate


def _reached(entry: NamedNode, triples: Sequence[Triple]) -> list[Triple]:
    """Give the triples to which the entry leads; what was said of a value goes with it."""
    reached: set[Any] = {entry}
    waiting: list[Any] = [entry]
    while waiting:
        node = waiting.pop()
        new = {t.object for t in triples if t.subject == node} - reached
        reached |= new
        waiting += new
    return [triple for triple in triples if triple.subject in reached]
