"""An entry as the values of a form: read from its triples, and parsed back to triples.

A value of a text is named `key@language`, any other one `key`; a name has as many values as the
entry, in order. A value that comes back as it was read stays the same term, to its datatype. What a
form cannot show stays as it is: blank nodes, parts of the entry, its history, fields whose values
the program sets, and all statements that no field has.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from pyoxigraph import BlankNode, Literal, NamedNode, Triple

from ..rdf.terms import FOAF, TYPE, Term, parse_iri
from ..schema.catalog_records import CatalogRecords, is_generated
from ..schema.fields import Field, NodeShape
from ..schema.value_parser import NO_LOCATION, ParseProblem, ValueParser
from .entry_json import reachable

Values = Mapping[str, Sequence[str]]
"""The values of a form by name."""
_AT = "@"
_PRIMARY_TOPIC = FOAF + "primaryTopic"


@dataclass(frozen=True)
class ParsedForm:
    """The triples that a form states, and the problems of its values by key of the field."""

    triples: Sequence[Triple]
    problems: Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class EntryForm:
    """The form of an entry; `naming` are the properties whose values are properties of fields."""

    values: ValueParser
    records: CatalogRecords
    entry: NamedNode
    naming: Collection[str]
    is_new: bool

    @property
    def shape(self) -> NodeShape:
        """Return the shape of the entry."""
        return self.records.shape

    @cached_property
    def fields(self) -> list[Field]:
        """Return the fields that can be edited; the identifier is chosen for a new entry alone."""
        return [
            field
            for field in self.shape.fields
            if self.records.place(field, self.entry)
            and not is_generated(field)
            and not field.has_parts
            and field.value_predicate != _PRIMARY_TOPIC
            and (self.is_new or field.role != "IDRole")
        ]

    def read(self, triples: Sequence[Triple]) -> dict[str, list[str]]:
        """Return the values of a form that has what triples state."""
        values: dict[str, list[str]] = {}
        for field in self.fields:
            for term in self._terms(field, triples):
                values.setdefault(_name(field, term), []).append(_shown(term))
        return values

    def parse(self, sent: Values, before: Sequence[Triple]) -> ParsedForm:
        """Return the triples of an entry after an edit of those before it."""
        problems: dict[str, list[str]] = {}
        shown, stated = set[Triple](), list[Triple]()
        for field in self.fields:
            place = self.records.place(field, self.entry)
            assert place
            known = self._terms(field, before)
            shown |= {Triple(*place, term) for term in known}
            for term in self._parse_field(field, sent, known):
                if isinstance(term, ParseProblem):
                    text = f"“{term.value}”: {term.reason}"
                    problems.setdefault(field.key, []).append(text)
                else:
                    stated.append(Triple(*place, term))
        kept = [triple for triple in before if triple not in shown]
        after = list(dict.fromkeys([*kept, *stated]))
        if not any((t.subject, t.predicate) == (self.entry, TYPE) for t in after):
            after.insert(0, Triple(self.entry, TYPE, NamedNode(self.shape.classes[0])))
        return ParsedForm(self._without_orphans(before, after), problems)

    def _without_orphans(self, before: Sequence[Triple], after: list[Triple]) -> list[Triple]:
        """Return triples without those about what the entry no longer refers to."""
        roots = [self.entry, self.records.subject(self.entry)]
        orphans = set(reachable(roots, before)) - set(reachable(roots, after))
        return [triple for triple in after if triple not in orphans]

    def _terms(self, field: Field, triples: Sequence[Triple]) -> list[Term]:
        """Return the values of a field in their order, those that a form can show."""
        place = self.records.place(field, self.entry)
        terms = [t.object for t in triples if (t.subject, t.predicate) == place]
        return [term for term in terms if self._can_show(field, term)]

    def _can_show(self, field: Field, term: Term) -> bool:
        if isinstance(term, NamedNode):
            return not field.is_text and not term.value.startswith(f"{self.entry.value}#")
        if not isinstance(term, Literal):
            return False
        keys = self.shape.keys_of(field.predicate, term) if field.predicate else [field.key]
        return field.key in keys and (field.is_text or not term.language)

    def _parse_field(
        self, field: Field, sent: Values, known: Sequence[Term]
    ) -> Iterator[Term | ParseProblem]:
        waiting: dict[tuple[str, str], list[Term]] = {}
        for term in known:
            waiting.setdefault((_name(field, term), _plain(_shown(term))), []).append(term)
        for name, texts in sent.items():
            key, _, language = name.partition(_AT)
            if key != field.key:
                continue
            for text in texts:
                if terms := waiting.get((name, _plain(text))):
                    yield terms.pop(0) if len(terms) > 1 else terms[0]
                elif text.strip():
                    yield self._parse(field, _plain(text).strip(), language)

    def _parse(self, field: Field, text: str, language: str) -> Term | ParseProblem:
        if field.is_text:
            if language in self.values.languages:
                return Literal(text, language=language)
            known = ", ".join(self.values.languages)
            return self._problem(field, text, "unknownLanguage", languages=known)
        if field.value_predicate in self.naming:
            return parse_iri(text) or self._problem(field, text, "invalidLiteral")
        if field.scheme:
            scheme = self.values.vocabularies.scheme(field.scheme)
            code = text.removesuffix("]").rpartition("[")[2] if text.endswith("]") else text
            if concept := scheme.current.get(code):
                return NamedNode(concept.iri)
        return self.values.parse(NO_LOCATION, field, text, self.values.languages)

    def _problem(self, field: Field, text: str, phrase: str, **words: object) -> ParseProblem:
        return self.values.make_problem(NO_LOCATION, field, text, phrase, **words)


def text_name(field: Field, language: str) -> str:
    """Return the name of a text of a field in a language."""
    return f"{field.key}{_AT}{language}"


def _name(field: Field, term: Term) -> str:
    language = (term.language or "") if isinstance(term, Literal) else ""
    return text_name(field, language) if field.is_text else field.key


def _shown(term: Term) -> str:
    assert not isinstance(term, BlankNode | Triple)
    return term.value


def _plain(text: str) -> str:
    """Return a text with the ends of lines that all browsers send as CRLF (HTML, 4.10.22.4)."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
