"""The layout of a file that findings are about: which part of it each one means."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from pyoxigraph import NamedNode, RdfFormat

from . import heads, places
from .findings import Finding, Part, Position
from .folder import Document
from .places import Placed, Span
from .tokens import StrangeTokenError

_PLAIN = (RdfFormat.N_QUADS, RdfFormat.N_TRIPLES)


@dataclass(frozen=True)
class Layout:
    """A file's text with its triples in their order, and what stands before each line of it.

    In a plain one, N-Quads or N-Triples, each triple stands on a line of its own and terms have no
    short names. A foreign one is written in a syntax that no mend can be.
    """

    text: str
    triples: Sequence[Placed]
    margins: Sequence[str]
    plain: bool
    foreign: bool = False

    @classmethod
    def of(cls, document: Document) -> "Layout":
        """Give the layout of a file, without triples if its syntax is not known to the letter."""
        content, margins = document.content, list[str]()
        if document.placed is not None:
            return cls(content.decode(), document.placed, margins, plain=False, foreign=True)
        if document.path.suffix == heads.SUFFIX:
            margins, content = heads.margins(content), heads.split(content)[0]
        text, plain = content.decode(), document.form in _PLAIN
        listed = places.placed_in_lines if plain else places.placed
        try:
            return cls(text, tuple(listed(text)), margins, plain)
        except StrangeTokenError:
            return cls(text, (), margins, plain)

    @cached_property
    def _numbers(self) -> dict[str, list[int]]:
        """Give the places of the triples in the list by their subjects."""
        found: dict[str, list[int]] = {}
        for number, triple in enumerate(self.triples):
            if isinstance(triple.subject, NamedNode):
                found.setdefault(triple.subject.value, []).append(number)
        return found

    def about(self, subject: str) -> Iterator[tuple[int, Placed]]:
        """Give the triples of a subject with their places in the list."""
        for number in self._numbers.get(subject, []):
            yield number, self.triples[number]

    def said(self, finding: Finding) -> tuple[int, Placed] | None:
        """Give the triple whose value a finding is about, with its place in the list."""
        if not finding.predicate and finding.term == f"<{finding.focus}>":
            return None  # what is wrong is the subject itself
        for number, triple in self.about(finding.focus):
            if _fits(triple, finding) and str(triple.object) == finding.term:
                return number, triple
        return None

    def part(self, finding: Finding) -> Part | None:
        """Give what a finding is about: its value, else its property, else its subject."""
        if found := self.said(finding):
            return self.of_span(found[1].at.object)
        own = [triple for _, triple in self.about(finding.focus)]
        for triple in own:
            if finding.predicate and _fits(triple, finding):
                return self.of_span(triple.at.predicate)
        return self.of_span(own[0].at.subject) if own else None

    def of_span(self, span: Span) -> Part:
        """Give a part of the text as one of the file."""
        return Part(self._position(span.start), self._position(span.end))

    def _position(self, offset: int) -> Position:
        before = self.text.count("\n", 0, offset)
        margin = len(self.margins[before]) if before < len(self.margins) else 0
        return Position(before + 1, offset - self.text.rfind("\n", 0, offset) + margin)


def _fits(triple: Placed, finding: Finding) -> bool:
    return finding.predicate in ("", triple.predicate.value)
