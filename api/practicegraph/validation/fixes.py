"""Fixes: the edit of a file that mends a finding, where it can be known."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from functools import cached_property
from itertools import islice
from textwrap import shorten

from pyoxigraph import Literal, NamedNode
from rapidfuzz import process
from rapidfuzz.distance import OSA

from ..rdf.positions import LocatedTriple, Span
from ..rdf.terms import TYPE, Term, local_name
from ..rdf.turtle import TurtleWriter
from ..schema.fields import Field, NodeShape
from ..schema.lifecycle import Lifecycle
from ..schema.shapes import constraints
from ..schema.text import find_similar, fold
from ..schema.value_parser import NO_LOCATION, ParseProblem, ValueParser
from ..storage.base import Store, parse_term
from ..storage.oxigraph import find_rewritten_literals
from .findings import Finding, FindingBuilder, Fix, Region, SourceMap

_INDENT = "    "


@dataclass(frozen=True)
class Edit:
    """A text in the place of a region, and the terms that it is about as the file writes them."""

    region: Region
    text: str
    terms: str


@dataclass(frozen=True)
class SourceEditor:
    """Makes the edits of one file."""

    source: SourceMap

    def replace_object(self, triple: LocatedTriple, value: Term) -> Edit:
        """Return the edit that gives a triple another object."""
        text = self._write(triple, value)
        return self._edit(triple.spans.object, text, text)

    def replace_predicate(self, triple: LocatedTriple, predicate: str) -> Edit:
        """Return the edit that gives a triple another predicate."""
        text = self._write(triple, NamedNode(predicate))
        return self._edit(triple.spans.predicate, text, text)

    def replace_subject(self, subject: str, iri: str) -> Edit | None:
        """Return the edit that gives all triples of a subject another one.

        None where the subject, or a part of it, stands in several places.
        """
        triples = self.source.triples_of(subject)
        spans = {triple.spans.subject for triple in triples}
        if len(spans) != 1 or self.source.text.count(f"<{subject}#"):
            return None
        text = self._write(triples[0], NamedNode(iri))
        return self._edit(spans.pop(), text, text)

    def add(self, subject: str, predicate: str, value: Term) -> Edit | None:
        """Return the edit that adds a triple to a subject, after its class where that is first."""
        triples = self.source.triples_of(subject)
        if not triples or self.source.in_lines:
            return None
        own = self._statement(triples[0])
        terms = f"{self._write(own[0], NamedNode(predicate))} {self._write(own[0], value)}"
        others = [t for t in own if t.spans.predicate != own[0].spans.predicate]
        following = others[0] if others and own[0].predicate == TYPE else own[0]
        start = following.spans.predicate.start
        text = f"{terms} ;\n{self.source.margin(start)}{self._indent(start)}"
        return self._edit(Span(start, start), text, terms)

    def remove(self, triple: LocatedTriple) -> Edit | None:
        """Return the edit that removes a triple with its separator.

        None for the only triple of a statement, which a person should look at.
        """
        own = self._statement(triple)
        index = own.index(triple)
        before = own[index - 1] if index else None
        after = own[index + 1] if index + 1 < len(own) else None
        if before and not (after and _is_first_value(triple, before, after)):
            span = Span(before.spans.object.end, triple.spans.object.end)
        elif after and after.spans.predicate == triple.spans.predicate:
            span = Span(triple.spans.object.start, after.spans.object.start)
        elif after:
            span = Span(triple.spans.predicate.start, after.spans.predicate.start)
        else:
            return None
        return self._edit(span, "", self._write(triple, triple.object))

    def _statement(self, triple: LocatedTriple) -> Sequence[LocatedTriple]:
        """Return the triples that share the place of their subject."""
        triples = self.source.triples_of(getattr(triple.subject, "value", ""))
        return [other for other in triples if other.spans.subject == triple.spans.subject]

    def _write(self, triple: LocatedTriple, term: Term) -> str:
        if self.source.in_lines:
            return str(term)
        return "a" if term == TYPE else TurtleWriter(triple.prefixes).term_writer(())(term)

    def _indent(self, offset: int) -> str:
        before = self.source.text[self.source.text.rfind("\n", 0, offset) + 1 : offset]
        return before if re.fullmatch(r"\s*", before) else _INDENT

    def _edit(self, span: Span, text: str, terms: str) -> Edit:
        return Edit(self.source.region_of(span), text, terms)


def _is_first_value(triple: LocatedTriple, before: LocatedTriple, after: LocatedTriple) -> bool:
    """Whether a triple is the first of several that share the place of their predicate."""
    return before.spans.predicate != triple.spans.predicate == after.spans.predicate


_MIN_SIMILARITY = 0.6
"""The least similarity of a value and its replacement, from 0 to 1."""
_LETTERS_A_TYPO = 4
_MIN_LETTERS = 4
"""The least letters of a value that may be a misspelling; shorter ones are codes."""
_MAX_ADDRESSES = 20_000  # among which, beside all concepts, the nearest IRI is looked for
_WIDTH = 120  # characters of a text in a description
_BLANK = "…"

_PhraseAndEdit = tuple[str, Edit] | None
"""The name of the phrase that describes an edit, and the edit."""


@dataclass(frozen=True)
class FixFinder:
    """Finds fixes by the shapes, the vocabularies and what else the store holds."""

    store: Store
    values: ValueParser
    builder: FindingBuilder
    lifecycle: Lifecycle

    def with_fixes(self, findings: Iterable[Finding], source: SourceMap) -> Iterator[Finding]:
        """Yield the findings about a file with their regions and fixes."""
        for finding in findings:
            located = replace(finding, region=finding.region or source.region(finding))
            yield replace(located, fix=finding.fix or self._fix(located, source))

    def _fix(self, finding: Finding, source: SourceMap) -> Fix | None:
        result = self._find(finding, SourceEditor(source))
        if result is None:
            return None
        phrase, edit = result
        terms = shorten(edit.terms, _WIDTH, placeholder=" …")
        description = self.builder.phrase(phrase, text=terms)
        if not source.editable:
            return Fix(description, None, "")
        return Fix(description, edit.region, edit.text)

    def _find(self, finding: Finding, editor: SourceEditor) -> _PhraseAndEdit:
        if finding.missing_term:
            return self._add(finding, editor, parse_term(finding.missing_term))
        if finding.replacement:
            return _replacement(finding, editor, parse_term(finding.replacement))
        fix = self._by_component.get(finding.component_name.removesuffix("ConstraintComponent"))
        return fix(finding, editor) if fix else None

    @cached_property
    def _by_component(self) -> Mapping[str, Callable[[Finding, SourceEditor], _PhraseAndEdit]]:
        of_values = ("Node", "Class", "Or", "In", "Datatype", "NodeKind", "Pattern")
        return dict.fromkeys(of_values, self._replace_value) | {
            "MinCount": self._add_missing,
            "QualifiedMinCount": self._add_missing,
            "HasValue": self._set_required_value,
            "Disjoint": self._remove_value,
            "Closed": self._replace_property,
            "SPARQL": self._add_language_or_identifier,
            "Dangling": self._replace_by_nearest_iri,
            "Deprecated": self._replace_by_successor,
            "Rewritten": self._replace_by_kept_literal,
        }

    def _field(self, finding: Finding) -> Field | None:
        return self.values.shapes.fields.get(finding.source_shape)

    def _replace_value(self, finding: Finding, editor: SourceEditor) -> _PhraseAndEdit:
        """Write the value as the field has it, or the nearest value that is allowed."""
        field, triple = self._field(finding), editor.source.find_triple(finding)
        if not field or not triple or not finding.value:
            return None
        value = None if field.is_text else self._parse(field, finding)
        if value is None or value == triple.object:
            return None
        return "changeTo", editor.replace_object(triple, value)

    def _parse(self, field: Field, finding: Finding) -> Term | None:
        value = self.values.parse(NO_LOCATION, field, finding.value, self.values.languages)
        if not isinstance(value, ParseProblem):
            return value
        if not field.has_options:
            return self._identifier(field, finding)
        name = local_name(finding.value)
        value = self.values.parse(NO_LOCATION, field, name, self.values.languages)
        if not isinstance(value, ParseProblem):
            return value
        if finding.value_term.startswith("<") and self._has_class(finding.value):
            return None  # another value, not a misspelt one
        choices = dict(self.values.vocabularies.options(field))
        if field.scheme:
            for concept in self.values.vocabularies.scheme(field.scheme).concepts.values():
                node = NamedNode(concept.iri)
                choices |= {wording: node for _, wording in concept.all_labels}
        else:
            choices |= {local_name(name): term for name, term in choices.items()}
        near = find_similar(name, choices, 2, _MIN_SIMILARITY) if len(name) >= _MIN_LETTERS else []
        scores = [SequenceMatcher(None, fold(name), fold(word)).ratio() for word in near]
        is_tie = len({choices[word] for word in near}) > len(set(scores))
        return choices[near[0]] if near and not is_tie else None

    def _identifier(self, field: Field, finding: Finding) -> Term | None:
        """Return the last part of the focus node's IRI where the field identifies it."""
        if field.role != "IDRole":
            return None
        value = self.values.parse(NO_LOCATION, field, local_name(finding.focus_node), ())
        return None if isinstance(value, ParseProblem) else value

    def _has_class(self, iri: str) -> bool:
        return self.store.value(NamedNode(iri), TYPE.value) is not None

    def _add_missing(self, finding: Finding, editor: SourceEditor) -> _PhraseAndEdit:
        """Add the identifier, or a text to complete; other values only a person can know."""
        field = self._field(finding)
        if not field:
            return None
        text = Literal(_BLANK, language=self.values.languages[0])
        value = text if field.is_text else self._identifier(field, finding)
        return self._add(finding, editor, value)

    def _add(self, finding: Finding, editor: SourceEditor, value: Term | None) -> _PhraseAndEdit:
        if value is None or not finding.result_path or finding.path_triples:
            return None
        edit = editor.add(finding.focus_node, finding.result_path, value)
        return ("addExample", edit) if edit else None

    def _set_required_value(self, finding: Finding, editor: SourceEditor) -> _PhraseAndEdit:
        limits = constraints.read_parameter_values(
            self.store, finding.source_shape, finding.component_name
        )
        required = next(iter(limits), None)
        for triple in editor.source.triples_of(finding.focus_node):
            if required is not None and triple.predicate.value == finding.result_path:
                return "changeTo", editor.replace_object(triple, required)
        return self._add(finding, editor, required)

    def _remove_value(self, finding: Finding, editor: SourceEditor) -> _PhraseAndEdit:
        triple = editor.source.find_triple(finding)
        return _removal(editor.remove(triple)) if triple else None

    def _replace_property(self, finding: Finding, editor: SourceEditor) -> _PhraseAndEdit:
        """Write the nearest property of the kind; remove a property of other kinds."""
        triple = editor.source.find_triple(finding)
        node_shapes = self.values.shapes.node_shapes
        kind = next((k for k in node_shapes if k.iri == finding.source_shape), None)
        if not triple or not kind or _is_of_record(kind, finding):
            return None
        names = {local_name(name): name for name in kind.keys_by_predicate}
        near = find_similar(local_name(finding.result_path), names, 1, _MIN_SIMILARITY)
        if near:
            return "changeTo", editor.replace_predicate(triple, names[near[0]])
        is_known = any(finding.result_path in other.keys_by_predicate for other in node_shapes)
        return _removal(editor.remove(triple)) if is_known else None

    def _add_language_or_identifier(self, finding: Finding, editor: SourceEditor) -> _PhraseAndEdit:
        """Add the text in the language that is missing; or write the identifier of the IRI."""
        field, triple = self._field(finding), editor.source.find_triple(finding)
        if not field:
            return None
        identifier = self._identifier(field, finding)
        if triple and identifier and identifier != triple.object:
            return "changeTo", editor.replace_object(triple, identifier)
        if not triple and finding.value in self.values.languages:
            return self._add(finding, editor, Literal(_BLANK, language=finding.value))
        return None

    def _replace_by_nearest_iri(self, finding: Finding, editor: SourceEditor) -> _PhraseAndEdit:
        """Write the nearest IRI that something describes."""
        triple = editor.source.find_triple(finding)
        typos = len(local_name(finding.value)) // _LETTERS_A_TYPO
        near = process.extractOne(
            finding.value, self._described_iris, scorer=OSA.distance, score_cutoff=typos
        )
        if not triple or not near:
            return None
        return "changeTo", editor.replace_object(triple, NamedNode(near[0]))

    @cached_property
    def _described_iris(self) -> list[str]:
        schemes = self.values.vocabularies.schemes.values()
        concepts = {concept for scheme in schemes for concept in scheme.parents}
        typed = islice(self.store.quads(None, TYPE), _MAX_ADDRESSES)
        others = {q.subject.value for q in typed if isinstance(q.subject, NamedNode)}
        return sorted(concepts | others)

    def _replace_by_successor(self, finding: Finding, editor: SourceEditor) -> _PhraseAndEdit:
        """Write the successor; remove the value that has none."""
        triple = editor.source.find_triple(finding)
        deprecation = self.lifecycle.get(finding.value)
        if not triple or not deprecation:
            return None
        if deprecation.successor:
            return "changeTo", editor.replace_object(triple, NamedNode(deprecation.successor))
        return _removal(editor.remove(triple))

    def _replace_by_kept_literal(self, finding: Finding, editor: SourceEditor) -> _PhraseAndEdit:
        """Write the literal that the store keeps."""
        triple = editor.source.find_triple(finding)
        if not triple or not isinstance(triple.object, Literal):
            return None
        (value,) = find_rewritten_literals([triple.object]).values()
        return "changeTo", editor.replace_object(triple, value)


def _replacement(finding: Finding, editor: SourceEditor, term: Term) -> _PhraseAndEdit:
    """Write the term that a rule names instead of the value, the predicate or the subject."""
    iri, edit = getattr(term, "value", ""), None
    if not finding.result_path:
        edit = editor.replace_subject(finding.focus_node, iri)
    elif triple := editor.source.find_triple(finding):
        edit = editor.replace_object(triple, term)
    elif triple := editor.source.first_on_path(finding):
        edit = editor.replace_predicate(triple, iri)
    return ("changeTo", edit) if edit else None


def _is_of_record(kind: NodeShape, finding: Finding) -> bool:
    """Return whether a property belongs to the catalogue records of a kind."""
    return finding.result_path in {name for _, name in kind.keys_by_via}


def _removal(edit: Edit | None) -> _PhraseAndEdit:
    return ("removeValue", edit) if edit else None
