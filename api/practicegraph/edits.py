"""Edits of a file's text: a value or a property replaced, a statement added or taken out."""

import re
from dataclasses import dataclass

from pyoxigraph import NamedNode

from .findings import Part
from .layouts import Layout
from .places import Placed, Span
from .store import RDF, Term
from .turtle import Writer

_TYPE = NamedNode(RDF + "type")
_INDENT = "    "


@dataclass(frozen=True)
class Edit:
    """A text in the place of a part of a file, and the terms in it as the file writes them."""

    part: Part
    text: str
    words: str


@dataclass(frozen=True)
class Editor:
    """Edits a file."""

    layout: Layout

    def valued(self, triple: Placed, value: Term) -> Edit:
        """Have a triple say another value."""
        name = self._name(triple, value)
        return self._edit(triple.at.object, name, name)

    def renamed(self, triple: Placed, predicate: str) -> Edit:
        """Have a triple say its value of another property."""
        name = self._name(triple, NamedNode(predicate))
        return self._edit(triple.at.predicate, name, name)

    def with_value(self, subject: str, predicate: str, value: Term) -> Edit | None:
        """Have something said of a subject too, behind its class where that stands first."""
        own = self._statement(next((t for _, t in self.layout.about(subject)), None))
        if not own or self.layout.plain:
            return None
        said = f"{self._name(own[0], NamedNode(predicate))} {self._name(own[0], value)}"
        others = [t for t in own if t.at.predicate != own[0].at.predicate]
        behind = others[0] if others and own[0].predicate == _TYPE else own[0]
        start = behind.at.predicate.start
        text = f"{said} ;\n{self._margin(start)}{self._indent(start)}"
        return self._edit(Span(start, start), text, said)

    def without(self, triple: Placed) -> Edit | None:
        """Take a triple out, with the mark that joins it to its neighbours; None for the only one.

        What stands alone in a statement is better looked at by a person.
        """
        own = self._statement(triple)
        place = own.index(triple)
        before = own[place - 1] if place else None
        after = own[place + 1] if place + 1 < len(own) else None
        words = self._name(triple, triple.object)
        if before and not (after and _opens(triple, before, after)):
            return self._edit(Span(before.at.object.end, triple.at.object.end), "", words)
        if after and after.at.predicate == triple.at.predicate:
            return self._edit(Span(triple.at.object.start, after.at.object.start), "", words)
        if after:
            return self._edit(Span(triple.at.predicate.start, after.at.predicate.start), "", words)
        return None

    def _statement(self, triple: Placed | None) -> list[Placed]:
        """Give the triples that share the place of their subject."""
        if triple is None:
            return []
        listed = self.layout.about(triple.subject.value)
        return [other for _, other in listed if other.at.subject == triple.at.subject]

    def _name(self, triple: Placed, term: Term) -> str:
        if self.layout.plain:
            return str(term)
        return "a" if term == _TYPE else Writer(triple.prefixes).naming(())(term)

    def _indent(self, offset: int) -> str:
        before = self.layout.text[self.layout.text.rfind("\n", 0, offset) + 1 : offset]
        return before if re.fullmatch(r"\s*", before) else _INDENT

    def _margin(self, offset: int) -> str:
        """Give what stands before each line, in a file where something does."""
        before = self.layout.text.count("\n", 0, offset)
        return self.layout.margins[before] if before < len(self.layout.margins) else ""

    def _edit(self, span: Span, text: str, words: str) -> Edit:
        return Edit(self.layout.of_span(span), text, words)


def _opens(triple: Placed, before: Placed, after: Placed) -> bool:
    """Tell whether a triple has the first of several values that share the place of a property."""
    return before.at.predicate != triple.at.predicate == after.at.predicate
