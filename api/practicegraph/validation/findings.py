"""Findings: validation results in SHACL's terms, with labels, regions of files and fixes.

The source map of a file has the region that a finding is about.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from pyoxigraph import BlankNode, Literal, NamedNode, RdfFormat, Triple

from ..catalogue import documents
from ..catalogue.documents import Document, UnreadableError
from ..rdf import positions
from ..rdf.positions import LocatedTriple, Span, UnknownTokenError
from ..rdf.syntax_errors import known_prefix
from ..rdf.terms import PG, local_name
from ..schema.records import RecordReader
from ..schema.shapes.constraints import VIOLATION, WARNING
from ..schema.shapes.reader import SHAPE
from ..schema.text import Phrases
from ..schema.value_parser import SourceLocation
from ..storage.base import parse_term

PROGRAM_RULE = PG + "programRule"
"""The constraint component of the rules beside SHACL; their shapes are phrases."""
UNKNOWN_FILE = Path()
"""The file of blank nodes, which nothing tells."""
_PHRASE = SHAPE + "phrase-"


class Position(NamedTuple):
    """A line and a column of a file, both from 1, in characters."""

    line: int
    column: int


class Region(NamedTuple):
    """A part of a file; the end is the first character after it."""

    start: Position
    end: Position


@dataclass(frozen=True)
class Fix:
    """An edit that mends a finding: a text in the place of a region; without one, only words."""

    description: str
    region: Region | None
    text: str


@dataclass(frozen=True)
class Finding:
    """A validation result (SHACL, section 3.6.2) with its file, region, labels and fix.

    The component, the shape and the severity are IRIs, and so is the path, unless it has triples:
    then it is as SPARQL writes it. `detail` says what is wrong, and the labels name what it is
    about, in the language of the report; `messages` are those of the shape, in all languages. A
    focus node that is a literal is in N-Triples. `value_term` is the value in N-Triples;
    `missing_term` a value that the path should have, where it is known; `replacement` the term in
    place of the value, else of the path, else of the focus node.
    """

    file: Path
    focus_node: str
    source_constraint_component: str
    source_shape: str
    severity: str
    severity_label: str
    detail: str
    result_path: str = ""
    value: str = ""
    focus_label: str = ""
    path_label: str = ""
    hint: str = ""
    value_term: str = ""
    missing_term: str = ""
    replacement: str = ""
    messages: tuple[Literal, ...] = ()
    path_triples: tuple[Triple, ...] = ()
    region: Region | None = None
    sheet: str = ""
    fix: Fix | None = None

    @property
    def is_violation(self) -> bool:
        """Whether the catalogue rejects it; it accepts warnings and infos."""
        return self.severity == VIOLATION

    @property
    def severity_name(self) -> str:
        """The local name of the severity, such as `Violation`."""
        return local_name(self.severity)

    @property
    def component_name(self) -> str:
        """The local name of the constraint component; of a rule beside SHACL, its phrase's."""
        if self.source_constraint_component == PROGRAM_RULE:
            return self.source_shape.removeprefix(_PHRASE)
        return local_name(self.source_constraint_component)

    @property
    def shape_name(self) -> str:
        """The local name of the shape, "" for a rule beside SHACL."""
        is_ours = self.source_constraint_component == PROGRAM_RULE
        return "" if is_ours else local_name(self.source_shape)

    @property
    def rule_name(self) -> str:
        """The names of shape and component."""
        return " ".join(name for name in (self.shape_name, self.component_name) if name)

    @property
    def place(self) -> str:
        """The file, with line and column, or the cell of a sheet, where they are known."""
        if self.region and self.sheet:
            return str(SourceLocation(self.file, *self.region.start, self.sheet))
        return ":".join([str(self.file), *map(str, self.region.start if self.region else ())])

    @property
    def message(self) -> str:
        """The finding in words, without its place: focus node, path, value, detail."""
        about = [self.focus_label or self.focus_node, self.path_label]
        value = f"“{self.value}”" if self.value else ""
        return ": ".join([*(part for part in (*about, value) if part), self.detail])

    def __str__(self) -> str:
        """Return the finding on one line, with its place, hint, fix and rule."""
        text = ": ".join([self.place, self.severity_label, self.message])
        if self.hint:
            text += f" · {self.hint}"
        if self.fix:
            text += f" → {self.fix.description}"
        return f"{text} [{self.rule_name}]"


@dataclass(frozen=True)
class ValidationReport:
    """The findings of a check of files; the title and the summary are in the first language.

    Warnings about the shapes of a client are no results of validation.
    """

    findings: tuple[Finding, ...]
    files: tuple[Path, ...]
    title: str
    summary: str
    languages: tuple[str, ...]
    shape_warnings: tuple[Finding, ...] = ()

    @property
    def conforms(self) -> bool:
        """Whether there is no finding (SHACL, section 3.6.1.2)."""
        return not self.findings

    @property
    def all_findings(self) -> tuple[Finding, ...]:
        """The findings, and the warnings about shapes."""
        return (*self.findings, *self.shape_warnings)

    @property
    def violations(self) -> int:
        """The number of violations."""
        return sum(finding.is_violation for finding in self.findings)


@dataclass(frozen=True)
class FindingBuilder:
    """Builds findings of rules beside SHACL, in the first of the languages."""

    phrases: Phrases
    reader: RecordReader
    languages: Sequence[str]

    def violation(
        self,
        file: Path,
        rule: str,
        focus_node: str = "",
        *,
        detail: str = "",
        path_label: str = "",
        value: str = "",
        hint: str = "",
    ) -> Finding:
        """Return a violation of a rule, whose phrase is the detail where none is passed."""
        return Finding(
            file=file,
            focus_node=focus_node,
            source_constraint_component=PROGRAM_RULE,
            source_shape=_PHRASE + rule,
            severity=VIOLATION,
            severity_label=self.phrase("Violation"),
            detail=detail or self.phrase(rule),
            value=value,
            focus_label=self.reader.label(focus_node, self.languages) if focus_node else "",
            path_label=path_label,
            hint=hint,
        )

    def as_warning(self, finding: Finding) -> Finding:
        """Return a finding with the severity of a warning."""
        return replace(finding, severity=WARNING, severity_label=self.phrase("Warning"))

    def phrase(self, name: str, /, **words: object) -> str:
        """Return a phrase."""
        return self.phrases.format(name, self.languages, **words)


def syntax_finding(
    builder: FindingBuilder, error: UnreadableError, prefixes: Mapping[str, str]
) -> Finding:
    """Return the finding of an unreadable file, in the parser's words without phrases."""
    detail = error.reason
    if builder.phrases.labels:
        words = known_prefix(error.words, prefixes)
        reason = builder.phrase(error.hint, **words) if error.hint else error.reason
        detail = builder.phrase("Syntax", reason=reason)
    finding = builder.violation(error.path, "Syntax", detail=detail)
    start = Position(error.line, error.column)
    return replace(finding, region=Region(start, start))


_ANY_BLANK = "_:"
_LINE_SYNTAXES = (RdfFormat.N_QUADS, RdfFormat.N_TRIPLES)


def files_of_subjects(documents: Iterable[Document]) -> dict[str, Path]:
    """Return the files of subjects by their IRIs."""
    files: dict[str, Path] = {}
    for document in documents:
        for quad in document.quads:
            if isinstance(quad.subject, NamedNode):
                files.setdefault(quad.subject.value, document.path)
    return files


def file_of_literal(literal: str, documents: Iterable[Document]) -> Path:
    """Return the first file with a literal in N-Triples."""
    value = parse_term(literal)
    files = (d.path for d in documents for quad in d.quads if quad.object == value)
    return next(files, UNKNOWN_FILE)


@dataclass(frozen=True)
class SourceMap:
    """A text with the positions of its triples in their order, and what each line begins with.

    `margins` stand before the Turtle in the head of a stored query. In `in_lines` syntaxes
    (N-Quads, N-Triples) each triple has a line of its own, and terms have no prefixes. A text that
    is not `editable`, such as a table, gets no edits.
    """

    text: str
    triples: Sequence[LocatedTriple]
    margins: Sequence[str]
    in_lines: bool
    editable: bool = True

    @classmethod
    def build(cls, document: Document) -> "SourceMap":
        """Return the source map of a file, without triples if they cannot be located."""
        content, margins = document.content, list[str]()
        if document.placed is not None:
            return cls(content.decode(), document.placed, margins, in_lines=False, editable=False)
        if document.path.suffix == documents.QUERY_SUFFIX:
            margins = documents.comment_prefixes(content)
            content = documents.split_query_file(content)[0]
        text, in_lines = content.decode("utf-8-sig"), document.form in _LINE_SYNTAXES
        try:
            triples = (
                positions.locate_n_quads(text)
                if in_lines
                else positions.locate_triples(text, document.base)
            )
            return cls(text, tuple(triples), margins, in_lines)
        except UnknownTokenError:
            return cls(text, (), margins, in_lines)

    @cached_property
    def _by_subject(self) -> dict[str, list[LocatedTriple]]:
        triples: dict[str, list[LocatedTriple]] = {}
        for triple in self.triples:
            name = triple.subject.value if isinstance(triple.subject, NamedNode) else _ANY_BLANK
            triples.setdefault(name, []).append(triple)
        return triples

    @cached_property
    def _of_blank_nodes(self) -> list[LocatedTriple]:
        """The triples of blank nodes, whose labels differ from those of other readings."""
        return [triple for triple in self.triples if isinstance(triple.subject, BlankNode)]

    def triples_of(self, subject: str) -> Sequence[LocatedTriple]:
        """Return the triples of a subject, in their order; those of all blank nodes for one."""
        return self._by_subject.get(_ANY_BLANK if subject.startswith(_ANY_BLANK) else subject, ())

    def find_triple(self, finding: Finding) -> LocatedTriple | None:
        """Return the triple whose value a finding is about, None where it is the focus node."""
        if not finding.result_path and finding.value_term == f"<{finding.focus_node}>":
            return None
        return next(
            (t for t in self._on_path(finding) if str(t.object) == finding.value_term), None
        )

    def first_on_path(self, finding: Finding) -> LocatedTriple | None:
        """Return the first triple with the path of a finding, or None."""
        return next(self._on_path(finding), None)

    def region(self, finding: Finding) -> Region | None:
        """Return where the value of a finding stands, else its path, else its focus node.

        A literal that is the focus node stands where it is an object.

        A part that is not described, such as a record that a table implies, is where its whole is.
        """
        if triple := self.find_triple(finding):
            return self.region_of(triple.spans.object)
        if finding.result_path and (triple := self.first_on_path(finding)):
            return self.region_of(triple.spans.predicate)
        if finding.focus_node.startswith('"'):
            objects = (
                triple for triple in self.triples if str(triple.object) == finding.focus_node
            )
            return next((self.region_of(triple.spans.object) for triple in objects), None)
        whole = finding.focus_node.partition("#")[0]
        triples = self.triples_of(finding.focus_node) or self.triples_of(whole)
        return self.region_of(triples[0].spans.subject) if triples else None

    def region_of(self, span: Span) -> Region:
        """Return a span of the text as a region of the file."""
        return Region(self._position(span.start), self._position(span.end))

    def margin(self, offset: int) -> str:
        """Return what the line of an offset begins with."""
        line = self.text.count("\n", 0, offset)
        return self.margins[line] if line < len(self.margins) else ""

    def _on_path(self, finding: Finding) -> Iterator[LocatedTriple]:
        is_blank = finding.focus_node.startswith("_:")
        for triple in self._of_blank_nodes if is_blank else self.triples_of(finding.focus_node):
            if finding.result_path in ("", triple.predicate.value):
                yield triple

    def _position(self, offset: int) -> Position:
        column = offset - self.text.rfind("\n", 0, offset)
        return Position(self.text.count("\n", 0, offset) + 1, column + len(self.margin(offset)))
