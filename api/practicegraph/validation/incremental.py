"""What a changed document brings to a catalogue, checked beside a store of any size.

Of the store only that is read at which the shapes look from the document. So the cost does not
grow with the store, and the findings are those of a check of everything.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, islice
from pathlib import Path
from typing import Self

from pyoxigraph import DefaultGraph, NamedNode, Quad

from ..catalogue.catalogue import Catalogue
from ..catalogue.documents import Document
from ..rdf.terms import Node, Term
from ..schema import lifecycle, shapes
from ..schema.fields import Shapes
from ..schema.lifecycle import DEPRECATED, IS_REPLACED_BY
from ..schema.messages import Phrases
from ..schema.records import RecordReader
from ..schema.vocabularies import Vocabularies
from ..storage.base import Store
from ..storage.oxigraph import OxigraphStore
from . import scope
from .checks import Checker
from .findings import Finding, ValidationReport
from .scope import AffectedGraphs, ValidationScopes, ends, traits
from .shacl import ShapesGraph, turtle

_SUCCESSOR = NamedNode(IS_REPLACED_BY)


@dataclass(frozen=True)
class IncrementalValidator:
    """Checks documents beside a store that holds all others; `home` gives the file of a topic.

    The rules are aimed at what has marks.
    """

    store: Store
    rules: ShapesGraph
    shapes: Shapes
    phrases: Phrases
    vocabularies: Vocabularies
    base: str
    home: Callable[[str], Path]

    @classmethod
    def of(cls, catalogue: Catalogue) -> Self:
        """Return the validator of documents beside all that a catalogue's store holds."""
        aimed = ShapesGraph(turtle(scope.aimed(shapes.read_shape_graphs(catalogue.store))))
        return cls(
            catalogue.store,
            aimed,
            catalogue.shapes,
            catalogue.phrases,
            catalogue.vocabularies,
            catalogue.base,
            catalogue.path_of_iri,
        )

    def check(self, document: Document, languages: Sequence[str]) -> ValidationReport:
        """Give what is wrong in a document that is to stand in the place of its topics' graphs.

        After it comes what the change makes wrong in other graphs; they are not in lines. The
        store is as it was before the change. Messages are in the first of the languages.
        """
        others = [self._stored(graph) for graph in sorted(self.touched(document))]
        before = self.checked(others, languages) if others else None
        after = self.checked([*others, document], languages)
        known = set(map(str, before.findings)) if before else set()
        own = [found for found in after.findings if _is_of(document, found)]
        new = [f for f in after.findings if not _is_of(document, f) and str(f) not in known]
        violations = sum(finding.violates for finding in own + new)
        counts = {"violations": violations, "warnings": len(own + new) - violations}
        summary = self.phrases.format("checked", languages, files=1, **counts)
        return replace(after, findings=(*own, *new), files=(document.path,), summary=summary)

    def beside(self, documents: Sequence[Document]) -> Iterator[Quad]:
        """Give what other graphs say that matters to documents."""
        if not documents:
            return iter(())
        topics = {NamedNode(topic) for document in documents for topic in document.topics}
        quads = [quad for document in documents for quad in document.quads]
        things = dict.fromkeys(node for quad in quads for node in ends(quad))
        values = dict.fromkeys(quad.object for quad in quads)
        sight = self._sights.of(traits(quads))
        seen = list(sight.beyond(self.store, [*things, *values]))
        names = map(self._name, dict.fromkeys(q.object for q in seen if q.predicate == _SUCCESSOR))
        told = {quad.subject for quad in (*quads, *seen)}
        ours = (node for node in things if node not in told and self._is_ours(node))
        signs = (self._sign(node, topics) for node in ours)
        found = chain(seen, *names, *signs)
        return (quad for quad in found if quad.graph_name not in topics)

    def touched(self, document: Document) -> set[str]:
        """Give the names of the other graphs for which it matters that the document changes."""
        before = {quad for topic in document.topics for quad in self.store.graph_quads(topic)}
        return self._touches.of(before, set(document.quads)) - set(document.topics)

    def checked(
        self,
        documents: Sequence[Document],
        languages: Sequence[str],
        wanted: Iterable[Path] = (),
        audited: Store | None = None,
    ) -> ValidationReport:
        """Give what is wrong in documents that stand in the place of their topics."""
        store = OxigraphStore()
        store.add(quad for document in documents for quad in document.quads)
        marks = scope.marks(list(store.quads()), self._sights)
        store.add(list(self.beside(documents)))
        checker = Checker(
            store,
            self.store,
            self.rules.beside(marks),
            self.shapes,
            self.phrases,
            RecordReader(store, self.vocabularies, self.shapes.label_properties),
            lifecycle.read_lifecycle(store),
            self.base,
            languages,
            audited,
        )
        return checker.check(documents, (), wanted or [document.path for document in documents])

    def _stored(self, graph: str) -> Document:
        return Document(self.home(graph), tuple(self.store.graph_quads(graph)), (graph,), {})

    def _name(self, thing: Term) -> Iterator[Quad]:
        """Give what a successor is called, for words that speak of it."""
        quads = self.store.quads(thing) if isinstance(thing, NamedNode) else ()
        return (quad for quad in quads if quad.predicate.value in self.shapes.label_properties)

    def _is_ours(self, node: Node) -> bool:
        return isinstance(node, NamedNode) and node.value.startswith(self.base)

    def _sign(self, thing: Node, besides: Set[Node | DefaultGraph]) -> Iterable[Quad]:
        """Give a quad that tells that other graphs describe a thing, whatever it says."""
        quads = self.store.quads(thing)
        return islice((quad for quad in quads if quad.graph_name not in besides), 1)

    @cached_property
    def _sights(self) -> ValidationScopes:
        return scope.read(self.store, (DEPRECATED, IS_REPLACED_BY))

    @cached_property
    def _touches(self) -> AffectedGraphs:
        return AffectedGraphs(self.store, self._sights)


def _is_of(document: Document, finding: Finding) -> bool:
    return finding.path in (document.path, Path())
