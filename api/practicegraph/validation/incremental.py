"""Incremental validation: one changed document beside a store of any size.

Only what is in the validation scope of the document is read from the store. So the cost does not
grow with the store, and the findings are those of a check of everything.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from functools import cache, cached_property, reduce
from itertools import chain, islice
from operator import or_
from pathlib import Path
from typing import Self

from pyoxigraph import BlankNode, DefaultGraph, NamedNode, Quad

from ..catalogue.catalogue import Catalogue
from ..catalogue.documents import Document
from ..rdf.terms import Node, Term
from ..schema.fields import Shapes
from ..schema.lifecycle import DEPRECATED, IS_REPLACED_BY, read_lifecycle
from ..schema.records import RecordReader
from ..schema.shapes import constraints
from ..schema.text import Phrases
from ..schema.vocabularies import Vocabularies
from ..storage.base import Store
from ..storage.oxigraph import OxigraphStore
from .checks import Checker
from .findings import Finding, ValidationReport
from .scope import (
    Scope,
    ValidationScopes,
    build_markers,
    find_classes_and_properties,
    nodes,
    read_scopes,
    with_marker_targets,
)
from .shacl import ShapesGraph, to_turtle


@dataclass(frozen=True)
class AffectedGraphs:
    """Follows the scopes against their direction, in a store as it was before a change."""

    store: Store
    scopes: ValidationScopes

    def find(self, before: Set[Quad], after: Set[Quad]) -> set[str]:
        """Return the names of the graphs that are affected where quads replace others."""
        changed = set(self._changed(before, after))
        subjects = {nodes(quad)[0] for quad in after}
        affected = {graph for node in subjects for graph in self._graphs(node)}
        names_of, statements_of = cache(self._names_of), cache(self._statements_of)
        scopes = {"": self.scopes.others, **self.scopes.targets}
        for name, scope in scopes.items():
            if any(scope.contains_anywhere(quad.predicate) for quad in before ^ after):
                return self.store.graph_names()
            terms = self._terms_in_scope(changed, scope | self.scopes.others)
            if not terms.isdisjoint(scope.constants):
                return self.store.graph_names()
            statements = (statement for term in terms for statement in statements_of(term))
            affected |= {g for g, node in statements if not name or name in names_of(node)}
        return affected

    def _changed(self, before: Set[Quad], after: Set[Quad]) -> Iterator[Term]:
        """Yield the terms from which something else is in scope, or which are described anew."""
        for quad in before ^ after:
            if self._all_scopes.contains(quad.predicate):
                yield quad.subject
            if self._all_scopes.follows_inversely(quad.predicate):
                yield quad.object
        yield from {quad.subject for quad in before} ^ {quad.subject for quad in after}

    def _terms_in_scope(self, changed: Set[Term], scope: Scope) -> set[Term]:
        """Return the terms that have a changed one in scope, and the changed ones."""
        waiting, terms = list(changed), set(changed)
        while waiting:
            new = set(self._step_back(waiting.pop(), scope)) - terms
            terms |= new
            waiting += new
        return terms

    def _statements_of(self, term: Term) -> set[tuple[str, Node]]:
        """Return the graph and the subject of each statement with a term."""
        quads = chain(self._quads(term), self.store.quads(None, None, term))
        return {(_graph(quad), nodes(quad)[0]) for quad in quads}

    def _step_back(self, term: Term, scope: Scope) -> Iterator[Term]:
        """Yield the terms that have a term in scope at one step."""
        for quad in self.store.quads(None, None, term):
            if scope.follows(quad.predicate):
                yield quad.subject
        for quad in self._quads(term) if scope.inverse else ():
            if scope.follows_inversely(quad.predicate):
                yield quad.object

    def _quads(self, term: Term) -> Iterable[Quad]:
        return self.store.quads(term) if isinstance(term, NamedNode | BlankNode) else ()

    def _graphs(self, node: Node) -> set[str]:
        return {_graph(quad) for quad in self.store.quads(node)}

    def _names_of(self, node: Node) -> set[str]:
        """Return the classes and properties of a node."""
        quads = self.store.quads(node)
        return self.scopes.with_superclasses(find_classes_and_properties(quads))

    @cached_property
    def _all_scopes(self) -> Scope:
        return reduce(or_, self.scopes.targets.values(), self.scopes.others)


def _graph(quad: Quad) -> str:
    assert isinstance(quad.graph_name, NamedNode), quad
    return quad.graph_name.value


_SUCCESSOR = NamedNode(IS_REPLACED_BY)


@dataclass(frozen=True)
class IncrementalValidator:
    """Validates a document beside a store that holds all others; `home` is the file of a topic.

    The shapes target nodes with markers.
    """

    store: Store
    shapes: Shapes
    phrases: Phrases
    vocabularies: Callable[[], Vocabularies]
    base: str
    folder: Path
    home: Callable[[str], Path]

    @classmethod
    def build(cls, catalogue: Catalogue) -> Self:
        """Return the validator of documents beside all that a catalogue's store holds."""
        return cls(
            store=catalogue.store,
            shapes=catalogue.shapes,
            phrases=catalogue.phrases,
            vocabularies=lambda: catalogue.vocabularies,
            base=catalogue.base,
            folder=catalogue.folder,
            home=catalogue.path_of_iri,
        )

    def check(self, document: Document, languages: Sequence[str]) -> ValidationReport:
        """Return the report on a document that is to replace the graphs of its topics.

        The findings that the change causes in other graphs follow; they have no region. The store
        is as before the change. Messages are in the first of the languages.
        """
        others = [self._stored(graph) for graph in sorted(self.affected_graphs(document))]
        before = self._check(others, languages).findings if others else ()
        after = self._check([*others, document], languages)
        known = set(map(str, before))
        own = [finding for finding in after.findings if _is_about(document, finding)]
        caused = [f for f in after.findings if not _is_about(document, f) and str(f) not in known]
        violations = sum(finding.is_violation for finding in own + caused)
        counts = {"violations": violations, "warnings": len(own + caused) - violations}
        summary = self.phrases.format("checked", languages, files=1, **counts)
        findings, files = (*own, *caused), (document.path,)
        return replace(after, findings=findings, files=files, summary=summary)

    def affected_graphs(self, document: Document) -> set[str]:
        """Return the names of the other graphs to which it matters that the document changes."""
        before = {quad for topic in document.topics for quad in self.store.graph_quads(topic)}
        return self._affected_graphs.find(before, set(document.quads)) - set(document.topics)

    def _check(self, documents: Sequence[Document], languages: Sequence[str]) -> ValidationReport:
        """Return the report on documents that replace the graphs of their topics."""
        store = OxigraphStore()
        store.add(quad for document in documents for quad in document.quads)
        markers = tuple(build_markers(list(store.quads()), self._scopes))
        store.add(list(self.in_scope(documents)))
        checker = Checker(
            store=store,
            context=self.store,
            shapes_graph=self._shapes_graph,
            shapes=self.shapes,
            phrases=self.phrases,
            reader=RecordReader(store, self.vocabularies(), self.shapes.label_properties),
            lifecycle=read_lifecycle(store),
            base=self.base,
            folder=self.folder,
            home=self.home,
            languages=languages,
            is_whole=False,
            markers=markers,
        )
        return checker.check(documents, (), [document.path for document in documents])

    def in_scope(self, documents: Sequence[Document]) -> Iterator[Quad]:
        """Return the quads of other graphs that are in the scope of documents."""
        topics = {NamedNode(topic) for document in documents for topic in document.topics}
        quads = [quad for document in documents for quad in document.quads]
        described = dict.fromkeys(node for quad in quads for node in nodes(quad))
        values = dict.fromkeys(quad.object for quad in quads)
        scope = self._scopes.combine(find_classes_and_properties(quads))
        stated = [q for q in scope.stated(self.store, quads) if q.graph_name not in topics]
        others = (node for quad in stated for node in nodes(quad))
        reached = [*stated, *scope.reach(self.store, [*described, *values, *others])]
        successors = dict.fromkeys(q.object for q in reached if q.predicate == _SUCCESSOR)
        subjects = {quad.subject for quad in (*quads, *reached)}
        ours = (node for node in described if node not in subjects and self._is_ours(node))
        mentions = (self._first_quad(node, topics) for node in ours)
        in_scope = chain(reached, *map(self._labels, successors), *mentions)
        return (quad for quad in in_scope if quad.graph_name not in topics)

    def _stored(self, graph: str) -> Document:
        return Document(self.home(graph), tuple(self.store.graph_quads(graph)), (graph,), {})

    def _labels(self, node: Term) -> Iterator[Quad]:
        """Return the labels of a successor, which messages name."""
        quads = self.store.quads(node) if isinstance(node, NamedNode) else ()
        return (quad for quad in quads if quad.predicate.value in self.shapes.label_properties)

    def _is_ours(self, node: Node) -> bool:
        return isinstance(node, NamedNode) and node.value.startswith(self.base)

    def _first_quad(self, node: Node, except_: Set[Node | DefaultGraph]) -> Iterable[Quad]:
        """Return a quad of a node in another graph, so that it is known to be described."""
        quads = self.store.quads(node)
        return islice((quad for quad in quads if quad.graph_name not in except_), 1)

    @cached_property
    def _shapes_graph(self) -> ShapesGraph:
        """Return the shapes, read when a document is first validated."""
        triples = with_marker_targets(constraints.read_shape_graphs(self.store))
        return ShapesGraph(to_turtle(triples))

    @cached_property
    def _scopes(self) -> ValidationScopes:
        return read_scopes(self.store, (DEPRECATED, IS_REPLACED_BY))

    @cached_property
    def _affected_graphs(self) -> AffectedGraphs:
        return AffectedGraphs(self.store, self._scopes)


def _is_about(document: Document, finding: Finding) -> bool:
    return finding.file in (document.path, Path())
