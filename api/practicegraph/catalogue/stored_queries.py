"""Stored queries: SPARQL with typed parameters and labels in every language."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from pyoxigraph import NamedNode

from ..rdf.terms import RDFS, Term
from ..schema.fields import Group, Parameter
from ..schema.shapes.reader import ShapesError, read_parameters, read_query_group
from ..schema.text import Labels, find_similar, pick_text
from ..schema.value_parser import NO_LOCATION, InvalidParameterError, ParseProblem, ValueParser
from ..storage import query_guard
from ..storage.base import NodeReader


@dataclass(frozen=True)
class StoredQuery:
    """A stored query; parameters are the variables of its text that are written with a dollar."""

    iri: str
    labels: Labels
    comments: Labels
    text: str
    parameters: tuple[Parameter, ...]
    group: Group

    @property
    def returns_graph(self) -> bool:
        """Return whether the result is a graph."""
        return "CONSTRUCT" in query_guard.query_words(self.text)

    @property
    def name(self) -> str:
        """Return the last part of its IRI."""
        return self.iri.rpartition("/")[2]

    def bind(self, values: Iterable[tuple[str, str]], value_parser: ValueParser) -> str:
        """Return the query with the values of its parameters; raise InvalidParameterError."""
        texts = dict(values)
        parameters = {parameter.key: parameter for parameter in self.parameters}
        for name in texts:
            if name not in parameters:
                similar = find_similar(name, parameters) or list(parameters)
                raise InvalidParameterError(name, None, similar)
        terms = {
            key: _parse_value(parameter, texts.get(key), value_parser)
            for key, parameter in parameters.items()
        }
        bound = {key: term for key, term in terms.items() if term}
        return query_guard.bind_parameters(self.text, bound)


def read_stored_queries(store: NodeReader, texts: Mapping[str, str]) -> dict[str, StoredQuery]:
    """Return the stored queries of a store, by name; their texts are given by IRI.

    A query with an invalid parameter is left out; a check reports it.
    """
    queries: dict[str, StoredQuery] = {}
    for iri, text in sorted(texts.items()):
        node = NamedNode(iri)
        labels, comments = (store.labels(node, RDFS + name) for name in ("label", "comment"))
        with suppress(ShapesError):
            parameters, group = read_parameters(store, node), read_query_group(store, node)
            query = StoredQuery(iri, labels, comments, text, parameters, group)
            queries[query.name] = query
    return queries


def group_queries(queries: Iterable[StoredQuery]) -> list[tuple[Group, list[StoredQuery]]]:
    """Return stored queries by group, in the order of the groups; those without one come last."""
    groups: dict[str, tuple[Group, list[StoredQuery]]] = {}
    for query in queries:
        groups.setdefault(query.group.iri, (query.group, []))[1].append(query)
    return sorted(groups.values(), key=lambda pair: (not pair[0].iri, pair[0].order))


def _parse_value(parameter: Parameter, text: str | None, value_parser: ValueParser) -> Term | None:
    """Return the term of a parameter's value, or its default."""
    languages = value_parser.languages
    if text is None:
        if parameter.default is None and not parameter.is_optional:
            hint = pick_text(parameter.field.hints, languages)
            raise InvalidParameterError(parameter.key, "", [hint])
        return parameter.default
    term = value_parser.parse(NO_LOCATION, parameter.field, text, languages)
    if isinstance(term, ParseProblem):
        raise InvalidParameterError(parameter.key, text, [term.reason])
    return term
