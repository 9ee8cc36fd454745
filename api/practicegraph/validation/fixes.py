"""The layout of a file that findings are about: which part of it each one means.

Edits of a file's text: a value or a property replaced, a statement added or taken out.

Mends: what to write instead of what a finding is about, where that can be known.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from textwrap import shorten

from pyoxigraph import Literal, NamedNode, RdfFormat
from rapidfuzz import process
from rapidfuzz.distance import OSA

from ..catalogue import documents
from ..catalogue.documents import Document
from ..rdf import positions
from ..rdf.namespaces import RDF
from ..rdf.positions import LocatedTriple, Span, UnknownTokenError
from ..rdf.terms import Term
from ..rdf.turtle import TurtleWriter
from ..schema import shapes
from ..schema.fields import Field
from ..schema.lifecycle import Lifecycle
from ..schema.text import find_similar
from ..schema.value_parser import ParseProblem, SourceLocation, ValueParser
from ..storage.base import Store, parse_term
from .findings import Finding, FindingBuilder, Fix, Position, Region

_PLAIN = (RdfFormat.N_QUADS, RdfFormat.N_TRIPLES)


@dataclass(frozen=True)
class SourceMap:
    """A file's text with its triples in their order, and what stands before each line of it.

    In a plain one, N-Quads or N-Triples, each triple stands on a line of its own and terms have no
    short names. A foreign one is written in a syntax that no mend can be.
    """

    text: str
    triples: Sequence[LocatedTriple]
    margins: Sequence[str]
    plain: bool
    foreign: bool = False

    @classmethod
    def of(cls, document: Document) -> "SourceMap":
        """Give the layout of a file, without triples if its syntax is not known to the letter."""
        content, margins = document.content, list[str]()
        if document.placed is not None:
            return cls(content.decode(), document.placed, margins, plain=False, foreign=True)
        if document.path.suffix == documents.QUERY_SUFFIX:
            margins, content = (
                documents.comment_prefixes(content),
                documents.split_query_file(content)[0],
            )
        text, plain = content.decode(), document.form in _PLAIN
        listed = positions.locate_n_quads if plain else positions.locate_triples
        try:
            return cls(text, tuple(listed(text)), margins, plain)
        except UnknownTokenError:
            return cls(text, (), margins, plain)

    @cached_property
    def _numbers(self) -> dict[str, list[int]]:
        """Give the places of the triples in the list by their subjects."""
        found: dict[str, list[int]] = {}
        for number, triple in enumerate(self.triples):
            if isinstance(triple.subject, NamedNode):
                found.setdefault(triple.subject.value, []).append(number)
        return found

    def about(self, subject: str) -> Iterator[tuple[int, LocatedTriple]]:
        """Give the triples of a subject with their places in the list."""
        for number in self._numbers.get(subject, []):
            yield number, self.triples[number]

    def said(self, finding: Finding) -> tuple[int, LocatedTriple] | None:
        """Give the triple whose value a finding is about, with its place in the list."""
        if not finding.predicate and finding.term == f"<{finding.focus}>":
            return None  # what is wrong is the subject itself
        for number, triple in self.about(finding.focus):
            if _fits(triple, finding) and str(triple.object) == finding.term:
                return number, triple
        return None

    def part(self, finding: Finding) -> Region | None:
        """Give what a finding is about: its value, else its property, else its subject."""
        if found := self.said(finding):
            return self.of_span(found[1].spans.object)
        own = [triple for _, triple in self.about(finding.focus)]
        for triple in own:
            if finding.predicate and _fits(triple, finding):
                return self.of_span(triple.spans.predicate)
        return self.of_span(own[0].spans.subject) if own else None

    def of_span(self, span: Span) -> Region:
        """Give a part of the text as one of the file."""
        return Region(self._position(span.start), self._position(span.end))

    def _position(self, offset: int) -> Position:
        before = self.text.count("\n", 0, offset)
        margin = len(self.margins[before]) if before < len(self.margins) else 0
        return Position(before + 1, offset - self.text.rfind("\n", 0, offset) + margin)


def _fits(triple: LocatedTriple, finding: Finding) -> bool:
    return finding.predicate in ("", triple.predicate.value)


_TYPE = NamedNode(RDF + "type")
_INDENT = "    "


@dataclass(frozen=True)
class Edit:
    """A text in the place of a part of a file, and the terms in it as the file writes them."""

    part: Region
    text: str
    words: str


@dataclass(frozen=True)
class SourceEditor:
    """Edits a file."""

    layout: SourceMap

    def valued(self, triple: LocatedTriple, value: Term) -> Edit:
        """Have a triple say another value."""
        name = self._name(triple, value)
        return self._edit(triple.spans.object, name, name)

    def renamed(self, triple: LocatedTriple, predicate: str) -> Edit:
        """Have a triple say its value of another property."""
        name = self._name(triple, NamedNode(predicate))
        return self._edit(triple.spans.predicate, name, name)

    def with_value(self, subject: str, predicate: str, value: Term) -> Edit | None:
        """Have something said of a subject too, behind its class where that stands first."""
        own = self._statement(next((t for _, t in self.layout.about(subject)), None))
        if not own or self.layout.plain:
            return None
        said = f"{self._name(own[0], NamedNode(predicate))} {self._name(own[0], value)}"
        others = [t for t in own if t.spans.predicate != own[0].spans.predicate]
        behind = others[0] if others and own[0].predicate == _TYPE else own[0]
        start = behind.spans.predicate.start
        text = f"{said} ;\n{self._margin(start)}{self._indent(start)}"
        return self._edit(Span(start, start), text, said)

    def without(self, triple: LocatedTriple) -> Edit | None:
        """Take a triple out, with the mark that joins it to its neighbours; None for the only one.

        What stands alone in a statement is better looked at by a person.
        """
        own = self._statement(triple)
        place = own.index(triple)
        before = own[place - 1] if place else None
        after = own[place + 1] if place + 1 < len(own) else None
        words = self._name(triple, triple.object)
        if before and not (after and _opens(triple, before, after)):
            return self._edit(Span(before.spans.object.end, triple.spans.object.end), "", words)
        if after and after.spans.predicate == triple.spans.predicate:
            return self._edit(Span(triple.spans.object.start, after.spans.object.start), "", words)
        if after:
            return self._edit(
                Span(triple.spans.predicate.start, after.spans.predicate.start), "", words
            )
        return None

    def _statement(self, triple: LocatedTriple | None) -> list[LocatedTriple]:
        """Give the triples that share the place of their subject."""
        if triple is None:
            return []
        listed = self.layout.about(triple.subject.value)
        return [other for _, other in listed if other.spans.subject == triple.spans.subject]

    def _name(self, triple: LocatedTriple, term: Term) -> str:
        if self.layout.plain:
            return str(term)
        return "a" if term == _TYPE else TurtleWriter(triple.prefixes).term_writer(())(term)

    def _indent(self, offset: int) -> str:
        before = self.layout.text[self.layout.text.rfind("\n", 0, offset) + 1 : offset]
        return before if re.fullmatch(r"\s*", before) else _INDENT

    def _margin(self, offset: int) -> str:
        """Give what stands before each line, in a file where something does."""
        before = self.layout.text.count("\n", 0, offset)
        return self.layout.margins[before] if before < len(self.layout.margins) else ""

    def _edit(self, span: Span, text: str, words: str) -> Edit:
        return Edit(self.layout.of_span(span), text, words)


def _opens(triple: LocatedTriple, before: LocatedTriple, after: LocatedTriple) -> bool:
    """Tell whether a triple has the first of several values that share the place of a property."""
    return before.spans.predicate != triple.spans.predicate == after.spans.predicate


_LIKENESS = 0.6
_NOWHERE = SourceLocation(Path(), 0)
"""Of values that stand in no source."""
"""How like its replacement a word has to be, from 0 to 1, for a program to replace it."""
_LETTERS_A_MISTAKE = 4
_EXAMPLES = 50  # values among which an example is chosen
_ADDRESSES = 20_000  # among which, beside those of all concepts, the nearest one is sought
_WIDTH = 120  # characters of a text that is written or taken out
_BLANK = "…"

Edited = tuple[str, Edit] | None
"""The name of a phrase and the edit that it speaks of."""


@dataclass(frozen=True)
class FixFinder:
    """Finds mends by what the shapes, the vocabularies and the other things in the store say."""

    store: Store
    known: ValueParser
    reporter: FindingBuilder
    lifecycle: Lifecycle

    def mended(self, findings: Iterable[Finding], layout: SourceMap) -> Iterator[Finding]:
        """Give the findings about a file with the parts that they mean and with their mends."""
        for finding in findings:
            placed = replace(finding, part=finding.part or layout.part(finding))
            yield replace(placed, mend=self._mend(placed, layout))

    def _mend(self, finding: Finding, layout: SourceMap) -> Fix | None:
        edited = self._edited(finding, SourceEditor(layout))
        if edited is None:
            return None
        phrase, edit = edited
        words = shorten(edit.words, _WIDTH, placeholder=" …")
        said = self.reporter.say(phrase, text=words)
        return Fix(said, None, "") if layout.foreign else Fix(said, edit.part, edit.text)

    def _edited(self, finding: Finding, editor: SourceEditor) -> Edited:
        if finding.missing:
            return self._with(finding, editor, parse_term(finding.missing))
        mend = self._ways.get(finding.rule.removesuffix("ConstraintComponent"))
        return mend(finding, editor) if mend else None

    @cached_property
    def _ways(self) -> Mapping[str, Callable[[Finding, SourceEditor], Edited]]:
        """Give what mends a breach of each rule."""
        valued = dict.fromkeys(
            ("Node", "Class", "Or", "In", "Datatype", "NodeKind", "Pattern"), self._valued
        )
        return valued | {
            "MinCount": self._stated,
            "HasValue": self._demanded,
            "MaxCount": self._single,
            "UniqueLang": self._single,
            "Disjoint": self._withdrawn,
            "Closed": self._renamed,
            "SPARQL": self._by_value,
            "Dangling": self._led,
            "Deprecated": self._succeeded,
        }

    def _field(self, finding: Finding) -> Field | None:
        return self.known.shapes.fields.get(finding.shape)

    def _valued(self, finding: Finding, editor: SourceEditor) -> Edited:
        """Write the value as the field has it, or the nearest one of those that it may have."""
        field, said = self._field(finding), editor.layout.said(finding)
        if not field or not said or not finding.value:
            return None
        value = self._text(field, said[1], editor) if field.is_text else self._value(field, finding)
        if value is None or value == said[1].object:
            return None
        return "writeInstead", editor.valued(said[1], value)

    def _text(self, field: Field, triple: LocatedTriple, editor: SourceEditor) -> Term | None:
        """Give a text without a language in the first one in which the field is not yet filled."""
        if not isinstance(triple.object, Literal) or triple.object.language:
            return None
        others = (t for _, t in editor.layout.about(triple.subject.value))
        taken = {
            other.object.language
            for other in others
            if other.predicate == triple.predicate and isinstance(other.object, Literal)
        }
        free = (tag for tag in self.known.languages if tag not in taken)
        return next((Literal(triple.object.value, language=tag) for tag in free), None)

    def _value(self, field: Field, finding: Finding) -> Term | None:
        meant = self.known.parse(_NOWHERE, field, finding.value, self.known.languages)
        if not isinstance(meant, ParseProblem):
            return meant
        if not field.has_options:
            return self._identifier(field, finding)
        choices = dict(self.known.vocabularies.options(field))
        if field.scheme:
            for concept in self.known.vocabularies.scheme(field.scheme).concepts.values():
                node = NamedNode(concept.iri)
                choices |= {wording: node for _, wording in concept.all_labels}
        else:
            choices |= {_last(name): term for name, term in choices.items()}
        near = find_similar(_last(finding.value), choices, 1, _LIKENESS)
        return choices[near[0]] if near else None

    def _identifier(self, field: Field, finding: Finding) -> Term | None:
        """Give the last part of a thing's address where the field identifies it."""
        if field.role != "IDRole":
            return None
        value = self.known.parse(_NOWHERE, field, _last(finding.focus), ())
        return None if isinstance(value, ParseProblem) else value

    def _stated(self, finding: Finding, editor: SourceEditor) -> Edited:
        """State what is missing, with an example."""
        field = self._field(finding)
        value = self._example(field, finding) if field else None
        return self._with(finding, editor, value)

    def _with(self, finding: Finding, editor: SourceEditor, value: Term | None) -> Edited:
        if value is None or not finding.predicate:
            return None
        edit = editor.with_value(finding.focus, finding.predicate, value)
        return ("addSuch", edit) if edit else None

    def _example(self, field: Field, finding: Finding) -> Term | None:
        if field.is_text:
            return Literal(_BLANK, language=self.known.languages[0])
        if identifier := self._identifier(field, finding):
            return identifier
        quads = self.store.quads(None, NamedNode(finding.predicate)) if finding.predicate else ()
        values = (q.object for q in islice(quads, _EXAMPLES))
        return min((value for value in values if _may_have(field, value)), key=str, default=None)

    def _demanded(self, finding: Finding, editor: SourceEditor) -> Edited:
        """State the one value that the shape demands."""
        demanded = next(
            iter(shapes.read_parameter_values(self.store, finding.shape, finding.rule)), None
        )
        for _, triple in editor.layout.about(finding.focus):
            if demanded is not None and triple.predicate.value == finding.predicate:
                return "writeInstead", editor.valued(triple, demanded)
        return self._with(finding, editor, demanded)

    def _single(self, finding: Finding, editor: SourceEditor) -> Edited:
        """Take out the second of several values, of texts the second in a language."""
        languages: set[str | None] = set()
        for _, triple in editor.layout.about(finding.focus):
            if triple.predicate.value == finding.predicate:
                texts = finding.rule.startswith("UniqueLang")
                language = getattr(triple.object, "language", None) if texts else None
                if language in languages:
                    return self._out(editor.without(triple))
                languages.add(language)
        return None

    def _withdrawn(self, finding: Finding, editor: SourceEditor) -> Edited:
        said = editor.layout.said(finding)
        return self._out(editor.without(said[1])) if said else None

    def _out(self, edit: Edit | None) -> Edited:
        return ("takeThisOut", edit) if edit else None

    def _renamed(self, finding: Finding, editor: SourceEditor) -> Edited:
        """Say it of the nearest property of the kind; take out what other kinds have."""
        said = editor.layout.said(finding)
        kind = next((k for k in self.known.shapes.node_shapes if k.iri == finding.shape), None)
        if not said or not kind:
            return None
        names = {_last(name): name for name in kind.keys_by_predicate}
        near = find_similar(_last(finding.predicate), names, 1, _LIKENESS)
        if near:
            return "writeInstead", editor.renamed(said[1], names[near[0]])
        known = any(
            finding.predicate in other.keys_by_predicate for other in self.known.shapes.node_shapes
        )
        return self._out(editor.without(said[1])) if known else None

    def _by_value(self, finding: Finding, editor: SourceEditor) -> Edited:
        """Add the text in the language that is missing; or set an identifier right."""
        field, said = self._field(finding), editor.layout.said(finding)
        if not field:
            return None
        identifier = self._identifier(field, finding)
        if said and identifier and identifier != said[1].object:
            return "writeInstead", editor.valued(said[1], identifier)
        if not said and finding.value in self.known.languages:
            return self._with(finding, editor, Literal(_BLANK, language=finding.value))
        return None

    def _led(self, finding: Finding, editor: SourceEditor) -> Edited:
        """Lead to the nearest address that something describes."""
        said = editor.layout.said(finding)
        most = len(_last(finding.value)) // _LETTERS_A_MISTAKE
        near = process.extractOne(
            finding.value, self._described, scorer=OSA.distance, score_cutoff=most
        )
        if not said or not near:
            return None
        return "writeInstead", editor.valued(said[1], NamedNode(near[0]))

    @cached_property
    def _described(self) -> list[str]:
        schemes = self.known.vocabularies.schemes.values()
        found = {concept for scheme in schemes for concept in scheme.parents}
        typed = islice(self.store.quads(None, NamedNode(RDF + "type")), _ADDRESSES)
        return sorted(found | {q.subject.value for q in typed if isinstance(q.subject, NamedNode)})

    def _succeeded(self, finding: Finding, editor: SourceEditor) -> Edited:
        """Lead to the successor; take out what has none."""
        said, retired = editor.layout.said(finding), self.lifecycle.get(finding.value)
        if not said or not retired:
            return None
        if retired.successor:
            return "writeInstead", editor.valued(said[1], NamedNode(retired.successor))
        return self._out(editor.without(said[1]))


def _may_have(field: Field, value: Term) -> bool:
    """Tell whether a value is of the type of a field's values."""
    if isinstance(value, Literal):
        return value.datatype.value in field.datatypes
    return isinstance(value, NamedNode) and not field.datatypes


def _last(iri: str) -> str:
    return iri.rpartition("#")[2].rpartition("/")[2]
