"""The stored questions: SPARQL with words in every language and typed parameters."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pyoxigraph import Literal, NamedNode

from ..rdf.namespaces import RDFS, SH
from ..rdf.terms import Term
from ..schema import shapes
from ..schema.fields import Field
from ..schema.shapes import ShapesError
from ..schema.text import Labels, find_similar, pick_text
from ..schema.value_parser import InvalidParameterError, ParseProblem, SourceLocation, ValueParser
from ..storage import query_guard
from ..storage.base import Store


@dataclass(frozen=True)
class Parameter:
    """A parameter of a question; an optional one that is not given leaves its variable open."""

    field: Field
    default: Term | None
    optional: bool

    @property
    def key(self) -> str:
        """Give its name."""
        return self.field.key


@dataclass(frozen=True)
class StoredQuery:
    """A question; in its text, parameters are variables that are written with a dollar."""

    iri: str
    labels: Labels
    comments: Labels
    text: str
    parameters: tuple[Parameter, ...]

    @property
    def returns_graph(self) -> bool:
        """Tell whether the answer is a graph."""
        return "CONSTRUCT" in query_guard.query_words(self.text)

    @property
    def name(self) -> str:
        """Give the last part of its address."""
        return self.iri.rpartition("/")[2]

    def bind(self, given: Iterable[tuple[str, str]], understanding: ValueParser) -> str:
        """Give the query with the parameters' values in it, as terms; raises BadChoiceError."""
        values = dict(given)
        known = {parameter.key: parameter for parameter in self.parameters}
        for name in values:
            if name not in known:
                raise InvalidParameterError(name, None, find_similar(name, known) or list(known))
        terms = {key: self._term(known[key], values.get(key), understanding) for key in known}
        return query_guard.bind_parameters(
            self.text, {key: term for key, term in terms.items() if term}
        )

    def _term(
        self, parameter: Parameter, text: str | None, understanding: ValueParser
    ) -> Term | None:
        if text is None:
            if parameter.default is None and not parameter.optional:
                hint = pick_text(parameter.field.hints, understanding.languages)
                raise InvalidParameterError(parameter.key, "", [hint])
            return parameter.default
        found = understanding.parse(
            SourceLocation(Path(), 0), parameter.field, text, understanding.languages
        )
        if isinstance(found, ParseProblem):
            raise InvalidParameterError(parameter.key, text, [found.reason])
        return found


def read_stored_queries(store: Store, texts: Mapping[str, str]) -> dict[str, StoredQuery]:
    """Read the questions out of the store, by name; their texts, parameters open, are by IRI.

    One with a parameter that makes no sense is left out, and a check tells of it.
    """
    found: dict[str, StoredQuery] = {}
    for iri, text in sorted(texts.items()):
        with suppress(ShapesError):
            question = _question(store, NamedNode(iri), text)
            found[question.name] = question
    return found


def _question(store: Store, node: NamedNode, text: str) -> StoredQuery:
    listed = [term for term in store.values(node, SH + "parameter") if isinstance(term, NamedNode)]
    return StoredQuery(
        iri=node.value,
        labels=store.labels(node, RDFS + "label"),
        comments=store.labels(node, RDFS + "comment"),
        text=text,
        parameters=tuple(sorted((_parameter(store, n) for n in listed), key=lambda p: p.key)),
    )


def _parameter(store: Store, node: NamedNode) -> Parameter:
    optional = store.value(node, SH + "optional")
    return Parameter(
        field=shapes.read_field(store, node),
        default=store.value(node, SH + "defaultValue"),
        optional=isinstance(optional, Literal) and optional.value == "true",
    )
