"""Why the shapes do not admit something, in words: a rule's message, or what a limit demands."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pyoxigraph import BlankNode, Literal, NamedNode

from . import shapes as terms
from .kinds import Field, Kind, Shapes
from .phrases import Phrases
from .records import Reader
from .store import Store, Term
from .text import best
from .validation import Result

_VARIABLE = re.compile(r"\{[?$]\w+\}")
_OF_NODE = "NodeConstraintComponent"
_OF_DATATYPE = "DatatypeConstraintComponent"


@dataclass(frozen=True)
class Reasons:
    """Gives reasons in the first of the languages."""

    store: Store
    shapes: Shapes
    phrases: Phrases
    reader: Reader
    languages: Sequence[str]

    def reason(self, result: Result) -> str:
        """Give the reason of a validation result, a predicate of what it is about."""
        for wordings in terms.messages(self.store, result.shape):
            if said := _said(best(wordings, self.languages), result.messages):
                return said
        if result.component not in self.phrases.wordings:  # a component of a reader's own
            return " ".join(result.messages) or result.component
        field = self.shapes.fields.get(result.shape)
        limits = terms.limits(self.store, result.shape, result.component)
        names = sorted({self._named(limit, field, result.component) for limit in limits} - {""})
        return self.phrases.say(result.component, self.languages, limit=", ".join(names))

    def _named(self, limit: Term, field: Field | None, component: str) -> str:
        if isinstance(limit, Literal):
            return limit.value
        if isinstance(limit, BlankNode):
            inner = terms.limits(self.store, limit, _OF_DATATYPE)
            return ", ".join(self._named(term, field, _OF_DATATYPE) for term in inner)
        assert isinstance(limit, NamedNode), limit
        if name := self._field_name(limit.value, field) or self._kind_name(limit.value):
            return name
        name = self.reader.name(limit.value, self.languages)
        if not name and field and field.scheme and component == _OF_NODE:
            name = self.reader.name(field.scheme, self.languages)
        return name or limit.value.rpartition("#")[2].rpartition("/")[2]

    def _field_name(self, predicate: str, field: Field | None) -> str:
        """Give the name of the field beside this one that has the property."""
        for kind in self.shapes.kinds:
            if field in kind.fields and (found := field_of(kind, predicate)):
                return best(found.names, self.languages)
        return ""

    def _kind_name(self, class_iri: str) -> str:
        kind = self.shapes.kind_of([class_iri])
        return best(kind.labels, self.languages) if kind else ""


def _said(wording: str, messages: Sequence[str]) -> str:
    """Give the message that a wording has become, its variables filled in, or ""."""
    parts = map(re.escape, _VARIABLE.split(wording))
    form = re.compile(".*".join(parts), re.DOTALL)
    return next((message for message in messages if wording and form.fullmatch(message)), "")


def field_of(kind: Kind, predicate: str) -> Field | None:
    """Give the field of a kind that has a property."""
    return next((field for field in kind.fields if field.predicate == predicate), None)
