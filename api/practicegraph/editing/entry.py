"""An entry after somebody's change: what is said anew, and who changed it, when and why (PROV).

The history of an entry stands in its own file and is the program's to write: what others say of it
is not taken. So are the days on which the entry was issued and modified.

An entry in the JSON of the API, read back: what was not changed stays, to the last triple.

JSON says less than an entry does: of a text one language, of a concept its label too. So what a
reader sends back is held against what was given, and only where it differs is it read.

Identifiers of entries: which ones fit, and which one a new entry gets.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

from pyoxigraph import Literal, NamedNode, Triple

from ..catalogue.change_log import TOMBSTONE
from ..catalogue.change_recorder import tombstone
from ..exchange.importer import GENERATED, ISSUED, MODIFIED, date_literal
from ..rdf.namespaces import DCT, FOAF, PG, PROV, RDF, SKOS, XSD
from ..rdf.terms import Term
from ..schema.fields import Field, NodeShape
from ..schema.lifecycle import DEPRECATED, IS_REPLACED_BY
from ..schema.text import find_similar, pick_text, strip_accents
from ..schema.value_parser import ParseProblem, SourceLocation, ValueParser

_NOWHERE = SourceLocation(Path(), 0)
_TYPE = NamedNode(RDF + "type")


class InvalidEntryError(ValueError):
    """An object that is no entry in the JSON of the API, with all its problems by key."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{key}: {reason}" for key, reason in problems.items()))
        self.problems = dict(problems)


@dataclass(frozen=True)
class EntryJsonParser:
    """Reads objects for one entry; a text without a language is in the one given."""

    values: ValueParser
    entry: NamedNode
    language: str

    def read(
        self, given: Mapping[str, Any], shown: Mapping[str, Any], before: Sequence[Triple]
    ) -> list[Triple]:
        """Give the triples after the change, from what was shown of those before it.

        Raises UnfitInputError.
        """
        fields = self.values.shape.fields_by_key
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
            except InvalidEntryError as error:
                problems[key] = error.problems[""]
        if problems:
            raise InvalidEntryError(problems)
        if not any(t.subject == self.entry and t.predicate == _TYPE for t in wanted):
            wanted.append(Triple(self.entry, _TYPE, NamedNode(self.values.shape.classes[0])))
        return _reached(self.entry, wanted)

    def _strange(
        self, given: Mapping[str, Any], shown: Mapping[str, Any]
    ) -> Iterator[tuple[str, str]]:
        """Give the keys that no entry has, and those that say something else than they must."""
        known = (*self.values.shape.fields_by_key, "id")
        for key, value in given.items():
            if key == "id":
                if value != self.entry.value:
                    yield key, self.values.format_phrase("otherTopic", topic=self.entry.value)
            elif key in shown and value == shown[key]:
                continue
            elif key not in self.values.shape.fields_by_key:
                near = ", ".join(find_similar(key, known))
                yield key, self.values.format_phrase("unknownKey", nearest=near or "–")

    def _is_field(self, triple: Triple) -> bool:
        return any(_holds(field, triple) for field in self.values.shape.fields)

    def _stated(self, field: Field, value: Any, before: Sequence[Triple]) -> Iterator[Triple]:
        if not field.predicate:
            raise self._unfit("unwritable")
        terms = self._texts(field, value, before) if field.is_text else self._terms(field, value)
        return (Triple(self.entry, NamedNode(field.predicate), term) for term in terms)

    def _texts(self, field: Field, value: Any, before: Sequence[Triple]) -> list[Literal]:
        """Give texts: one in the language beside the others, or all of them by language.

        One that the entry has in any language, as it was given to a reader, changes nothing.
        """
        said = [(t, t.object) for t in before if t.subject == self.entry]
        texts = [(t, text) for t, text in said if isinstance(text, Literal)]
        held = [text for t, text in texts if _holds(field, t)]
        if isinstance(value, str):
            alike = [
                f for f in self.values.shape.fields if f == field or f.role == field.role != ""
            ]
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
        if len(listed) > 1 and not field.is_repeatable:
            raise self._unfit("oneValue")
        return [self._term(field, one) for one in listed]

    def _term(self, field: Field, value: Any) -> Term:
        if isinstance(value, dict) and field.has_options:
            value = value.get("id", value.get("value"))
        if isinstance(value, bool):
            value = str(value).lower()
        if isinstance(value, int | float):
            value = str(value)
        if not isinstance(value, str):
            raise self._unfit("notValue")
        found = self.values.parse(_NOWHERE, field, value, self.values.languages)
        if isinstance(found, ParseProblem):
            raise InvalidEntryError({"": f"“{value}”: {found.reason}"})
        return found

    def _unfit(self, phrase: str, /, **words: object) -> InvalidEntryError:
        return InvalidEntryError({"": self.values.format_phrase(phrase, **words)})


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


NONE = "-"
"""Stands in the place of an identifier that is not chosen yet; none is like it."""
_SAFE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,126}[A-Za-z0-9])?")
_LONGEST = 60


def fits(kind: NodeShape, identifier: str) -> bool:
    """Tell whether an entry may be called so: in a path, in a file's name, and by the shapes."""
    patterns = (field.pattern for field in kind.fields_with_role("IDRole") if field.pattern)
    safe = bool(_SAFE.fullmatch(identifier))
    return safe and all(re.search(pattern, identifier) for pattern in patterns)


def stated(kind: NodeShape, entry: NamedNode, triples: Iterable[Triple]) -> str:
    """Give the identifier that triples say an entry has, or ""."""
    names = {field.predicate for field in kind.fields_with_role("IDRole")}
    said = (t for t in triples if t.subject == entry and t.predicate.value in names)
    return next((t.object.value for t in said if isinstance(t.object, Literal)), "")


def identified(
    kind: NodeShape, entry: NamedNode, triples: Sequence[Triple], identifier: str
) -> list[Triple]:
    """Give triples that say the identifier of an entry, if its kind has a field for that."""
    missing = [] if stated(kind, entry, triples) else kind.fields_with_role("IDRole")
    names = [NamedNode(field.predicate) for field in missing if field.predicate]
    return [*triples, *(Triple(entry, name, Literal(identifier)) for name in names)]


def proposals(
    kind: NodeShape, entry: NamedNode, triples: Iterable[Triple], languages: Sequence[str]
) -> Iterator[str]:
    """Give identifiers without end, made of the title in the first of the languages.

    Numbers alone are left to the source that gives them.
    """
    names = {field.predicate for field in kind.fields_with_role("LabelRole")}
    said = [t.object for t in triples if t.subject == entry and t.predicate.value in names]
    titles = {t.language or "": t.value for t in said if isinstance(t, Literal)}
    words = re.findall(r"[a-z0-9]+", strip_accents(pick_text(titles, languages)))
    slug = "-".join(words)[:_LONGEST].strip("-")
    if not re.search("[a-z]", slug):
        slug = "-".join(part for part in (kind.segment, slug) if part)
    if slug != kind.segment:
        yield slug
    yield from (f"{slug}-{number}" for number in count(2))


def renamed(triples: Iterable[Triple], old: NamedNode, new: NamedNode) -> list[Triple]:
    """Give triples in which an entry and its parts have another address."""

    def name(node: object) -> object:
        if not isinstance(node, NamedNode):
            return node
        whole, mark, part = node.value.partition("#")
        return NamedNode(new.value + mark + part) if whole == old.value else node

    return [Triple(name(t.subject), t.predicate, name(t.object)) for t in triples]  # type: ignore[arg-type]


_REVISION = NamedNode(PG + "Revision")
_AGENT = NamedNode(PROV + "Agent")
_ENDED, _BY = NamedNode(PROV + "endedAtTime"), NamedNode(PROV + "wasAssociatedWith")
_WHY = NamedNode(SKOS + "changeNote")
_NAME = NamedNode(FOAF + "name")
_IDENTIFIER = NamedNode(DCT + "identifier")
_LASTING = (_IDENTIFIER.value, IS_REPLACED_BY)
_KEPT = 10  # deeds; the log of changes has all of them
_TRUE = Literal("true", datatype=NamedNode(XSD + "boolean"))


@dataclass(frozen=True)
class Edit:
    """Who changes an entry, when, and why: texts with a language each, or none."""

    name: str
    moment: datetime
    reasons: tuple[Literal, ...]


def revised(
    entry: NamedNode, before: Sequence[Triple], said: Iterable[Triple], deed: Edit
) -> list[Triple]:
    """Give the triples of an entry of which something is said anew, or those before if nothing is.

    An entry that is new has none before.
    """
    wanted = _own(entry, said)
    issued = [t for t in before if t.subject == entry and t.predicate == ISSUED]
    if issued or not any(t.predicate == ISSUED and t.subject == entry for t in wanted):
        wanted = [t for t in wanted if t.subject != entry or t.predicate != ISSUED]
        wanted += issued or [Triple(entry, ISSUED, date_literal(deed.moment.date()))]
    if before and set(wanted) == set(_own(entry, before)):
        return list(before)
    modified = Triple(entry, MODIFIED, date_literal(deed.moment.date()))
    return list(dict.fromkeys([*wanted, modified, *_history(entry, before, deed)]))


def withdrawn(
    entry: NamedNode, before: Sequence[Triple], deed: Edit, unsaid: Iterable[Literal]
) -> list[Triple]:
    """Give the tombstone of an entry, with its history (Activity Streams, as:Tombstone).

    Where no reason is given, it says what says so.
    """
    kept = [t for t in before if t.subject == entry and t.predicate.value in _LASTING]
    retired = [
        Triple(entry, NamedNode(DEPRECATED), _TRUE),
        Triple(entry, NamedNode(PG + "retired"), date_literal(deed.moment.date())),
        *(Triple(entry, _WHY, reason) for reason in deed.reasons or unsaid),
    ]
    left = [*tombstone(entry.value, before), *kept, *retired, *_history(entry, before, deed)]
    return list(dict.fromkeys(left))


def is_buried(entry: NamedNode, triples: Iterable[Triple]) -> bool:
    """Tell whether the triples are those of a tombstone."""
    return Triple(entry, _TYPE, NamedNode(TOMBSTONE)) in set(triples)


def _own(entry: NamedNode, triples: Iterable[Triple]) -> list[Triple]:
    """Give triples without the history that they tell, and without the day of the last change."""
    past = re.compile(re.escape(f"<{entry.value}#") + r"(revision-\d+|by-[a-z0-9-]+)>")
    return [
        triple
        for triple in triples
        if (triple.subject, triple.predicate) != (entry, MODIFIED)
        and not past.fullmatch(str(triple.subject))
        and not past.fullmatch(str(triple.object))
    ]


def _history(entry: NamedNode, before: Sequence[Triple], deed: Edit) -> list[Triple]:
    """Give the last deeds of the history of an entry, of which this one is the newest."""
    start = f"{entry.value}#revision-"
    known = (str(t.subject)[1:-1] for t in before if t.predicate == _TYPE and t.object == _REVISION)
    numbers = sorted(int(iri.removeprefix(start)) for iri in known if iri.startswith(start))
    past = [NamedNode(f"{start}{number}") for number in numbers[-_KEPT + 1 :]]
    agents = [t.object for t in before if t.subject in past and t.predicate == _BY]
    kept = [t for t in before if t.subject in (*past, *agents) or t.object in past]
    number = numbers[-1] + 1 if numbers else 1
    return [*kept, *_told(entry, NamedNode(f"{start}{number}"), deed)]


def _told(entry: NamedNode, revision: NamedNode, deed: Edit) -> Iterator[Triple]:
    agent = NamedNode(f"{entry.value}#by-{deed.name}")
    ended = deed.moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    yield Triple(entry, GENERATED, revision)
    yield Triple(revision, _TYPE, _REVISION)
    yield Triple(revision, _ENDED, Literal(ended, datatype=NamedNode(XSD + "dateTime")))
    yield Triple(revision, _BY, agent)
    yield from (Triple(revision, _WHY, reason) for reason in deed.reasons)
    yield Triple(agent, _TYPE, _AGENT)
    yield Triple(agent, _NAME, Literal(deed.name))
