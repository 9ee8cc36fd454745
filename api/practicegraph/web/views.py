"""What pages show: records as headings, fields and values in the reader's language."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlencode

from pyoxigraph import BlankNode, Literal, NamedNode, Triple

from ..catalogue import Catalogue
from ..kinds import Field
from ..markup import environment
from ..phrases import TRUTH
from ..records import Record
from ..shapes import PG
from ..store import Term
from ..text import Labels, best, fold, preferring
from ..turtle import XSD
from ..vocabularies import Scheme
from .documents import Addresses

_MANY = 30
_ENVIRONMENT = environment("practicegraph.web")


@dataclass(frozen=True)
class Shown:
    """A value on a page; the language where it is not the page's; lines of code as they are."""

    text: str
    href: str = ""
    language: str = ""
    note: str = ""
    code: bool = False


@dataclass(frozen=True)
class Line:
    """A field on a page."""

    key: str
    label: str
    hint: str
    values: tuple[Shown, ...]
    others: tuple[Shown, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Section:
    """A heading with its fields."""

    heading: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class View:
    """The catalogue as one reader sees it: in a language, with a wish for it in every link.

    The root stands before every path, where a proxy serves the catalogue below one.
    """

    catalogue: Catalogue
    addresses: Addresses
    language: str
    asked: bool
    root: str = ""

    @cached_property
    def languages(self) -> tuple[str, ...]:
        """Give the languages, the reader's first."""
        return preferring(self.language, self.catalogue.languages)

    def page(self, template: str, **values: object) -> str:
        """Give a page as HTML."""
        return _ENVIRONMENT.get_template(template).render(view=self, **values)

    def say(self, name: str, /, **words: object) -> str:
        """Give a phrase."""
        return self.catalogue.phrases.say(name, self.languages, **words)

    def best(self, labels: Labels) -> str:
        """Give a wording in the reader's language."""
        return best(labels, self.languages)

    def name(self, iri: str) -> str:
        """Give what a thing is called, or the last part of its address."""
        return self.catalogue.reader.name(iri, self.languages) or iri.rpartition("#")[2]

    def href(self, iri: str) -> str:
        """Give the address of a thing's page: here, or where it is if not ours; or none."""
        path = self.addresses.path(iri)
        if path is None:
            return iri if iri.startswith(("http://", "https://")) else ""
        _, mark, fragment = iri.partition("#")
        return self.link(f"/{path}.html") + mark + fragment

    def link(self, path: str, **parameters: str) -> str:
        """Give an address here that keeps the reader's language if it was asked for."""
        wished = {"lang": self.language} if self.asked else {}
        query = urlencode(wished | parameters)
        return f"{self.root}{path}?{query}" if query else self.root + path

    def sections(self, record: Record, brief: bool) -> list[Section]:
        """Give a record's fields under their headings, in brief those that take few lines."""
        found: dict[str, list[Line]] = {}
        for field, terms in record.filled():
            if not (brief and len(terms) > _MANY):
                heading = best(field.group.labels, self.languages)
                found.setdefault(heading, []).append(self._line(record, field, terms))
        return [Section(heading, tuple(lines)) for heading, lines in found.items()]

    def _line(self, record: Record, field: Field, terms: Sequence[Term]) -> Line:
        shown = [self._shown(field, term) for term in terms]
        others: list[Shown] = []
        if field.text and field.role:
            places = {tag: place for place, tag in enumerate(self.languages)}
            shown.sort(key=lambda value: places.get(value.language or self.language, len(places)))
            shown, others = shown[:1], shown[1:]
        elif not field.text:
            shown.sort(key=lambda value: fold(value.text))
        return Line(
            key=field.key,
            label=best(field.names, self.languages),
            hint=best(field.hints, self.languages),
            values=tuple(shown),
            others=tuple(others),
            note=self.say("incompleteList") if self._is_incomplete(record, field) else "",
        )

    def _is_incomplete(self, record: Record, field: Field) -> bool:
        marks = (other for other in record.kind.fields if other.predicate == PG + "incomplete")
        listed = [term for mark in marks for term in record.values.get(mark.key, ())]
        return field.predicate is not None and NamedNode(field.predicate) in listed

    def _shown(self, field: Field, term: Term) -> Shown:
        if isinstance(term, NamedNode):
            note = self.catalogue.reader.name(term.value, self.languages)
            ours = self.addresses.path(term.value) is not None or field.chosen
            text, note = (self.name(term.value), "") if ours else (term.value, note)
            return Shown(text, self.href(term.value), note=note)
        assert isinstance(term, Literal | BlankNode)
        language = getattr(term, "language", None) or ""
        if isinstance(term, Literal) and term.datatype.value == XSD + "boolean":
            return Shown(self.spoken(term.value))
        shown = "" if language == self.language else language
        return Shown(term.value, language=shown, code=not language and "\n" in term.value)

    def cell(self, term: Term | None) -> Shown:
        """Give a value of a query's solution."""
        if isinstance(term, NamedNode):
            return Shown(term.value, href=self.href(term.value))
        if isinstance(term, Literal):
            return Shown(term.value, language=term.language or "")
        if isinstance(term, Triple):
            return Shown(f"<<( {term} )>>")
        return Shown("" if term is None else str(term))

    def spoken(self, code: str) -> str:
        """Give a value of a list as it is said: true and false in words."""
        return self.say(TRUTH[code]) if code in TRUTH else code

    def tree(self, scheme: Scheme) -> Iterator[tuple[int, str, str, str]]:
        """Give a scheme's concepts from the top down: depth, label, address, notation."""
        for depth, concept in scheme.tree(self.languages):
            label = best(concept.labels, self.languages)
            yield depth, label, self.href(concept.iri), concept.notation
