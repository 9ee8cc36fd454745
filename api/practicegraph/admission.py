"""What a changed document brings to a catalogue, checked beside a store of any size.

Of the store only that is read at which the shapes look from the document. So the cost does not
grow with the store, and the findings are those of a check of everything.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from itertools import chain, islice
from operator import or_
from pathlib import Path

from pyoxigraph import DefaultGraph, NamedNode, Quad

from . import permanence, sights
from .checks import Checker
from .embedded import Embedded
from .findings import Checked, Finding
from .folder import Document
from .kinds import Shapes
from .permanence import DEPRECATED, REPLACED
from .phrases import Phrases
from .records import Reader
from .sights import Sight, Sights, ends
from .store import RDF, Node, Store
from .validation import Rules
from .vocabularies import Vocabularies


@dataclass(frozen=True)
class Admission:
    """Checks documents beside a store that holds all others; `home` gives the file of a topic."""

    store: Store
    rules: Rules
    shapes: Shapes
    phrases: Phrases
    vocabularies: Vocabularies
    base: str
    home: Callable[[str], Path]

    def check(self, document: Document, languages: Sequence[str]) -> Checked:
        """Give what is wrong in a document that is to stand in the place of its topics' graphs.

        After it comes what the change makes wrong in other graphs; they are not in lines. The
        store is as it was before the change. Messages are in the first of the languages.
        """
        others = self._touched(document)
        before = self._checked(others, languages) if others else None
        after = self._checked([*others, document], languages)
        known = set(map(str, before.findings)) if before else set()
        own = [found for found in after.findings if _is_of(document, found)]
        new = [f for f in after.findings if not _is_of(document, f) and str(f) not in known]
        violations = sum(finding.violates for finding in own + new)
        counts = {"violations": violations, "warnings": len(own + new) - violations}
        summary = self.phrases.say("checked", languages, files=1, **counts)
        return replace(after, findings=(*own, *new), files=(document.path,), summary=summary)

    def _touched(self, document: Document) -> list[Document]:
        """Give the other documents that speak of its things, or from which these can be seen."""
        waiting = list(self._changed(document))
        subjects = {ends(quad)[0] for quad in document.quads}
        about = (quad for subject in subjects for quad in self.store.quads(subject))
        seen, graphs = set(waiting), {_graph(quad): None for quad in about}
        while waiting:
            for quad in self.store.quads(None, None, waiting.pop()):
                graphs[_graph(quad)] = None
                node = ends(quad)[0]
                if self._all.sees(quad.predicate) and node not in seen:
                    seen.add(node)
                    waiting.append(node)
        return [self._stored(graph) for graph in graphs if graph not in document.topics]

    def _changed(self, document: Document) -> set[Node]:
        """Give the things of which something else can be seen than before."""
        before = {quad for topic in document.topics for quad in self.store.graph(topic)}
        after = set(document.quads)
        facts = {ends(quad)[0] for quad in before ^ after if self._all.sees(quad.predicate)}
        described, undescribed = ({ends(quad)[0] for quad in quads} for quads in (after, before))
        return facts | (described ^ undescribed)

    def _stored(self, graph: str) -> Document:
        return Document(self.home(graph), tuple(self.store.graph(graph)), (graph,), {})

    def _checked(self, documents: Sequence[Document], languages: Sequence[str]) -> Checked:
        store = Embedded()
        store.add(quad for document in documents for quad in document.quads)
        store.add(list(self._beside(documents)))
        checker = Checker(
            store,
            self.store,
            self.rules,
            self.shapes,
            self.phrases,
            Reader(store, self.vocabularies, self.shapes.labels),
            permanence.read(store),
            self.base,
            languages,
        )
        return checker.check(documents, (), [document.path for document in documents])

    def _beside(self, documents: Sequence[Document]) -> Iterator[Quad]:
        """Give what other graphs say that matters to documents."""
        topics = {NamedNode(topic) for document in documents for topic in document.topics}
        quads = [quad for document in documents for quad in document.quads]
        things = dict.fromkeys(node for quad in quads for node in ends(quad))
        seen = self._sight(quads).beyond(self.store, things)
        signs = (self._sign(thing, topics) for thing in things)
        return (quad for quad in chain(seen, *signs) if quad.graph_name not in topics)

    def _sight(self, quads: Iterable[Quad]) -> Sight:
        classes = {str(q.object)[1:-1] for q in quads if q.predicate.value == RDF + "type"}
        return self._sights.of(classes) | Sight(frozenset(self.shapes.labels))

    def _sign(self, thing: Node, besides: Set[Node | DefaultGraph]) -> Iterable[Quad]:
        """Give a quad that tells that other graphs describe a thing, whatever it says."""
        quads = self.store.quads(thing)
        return islice((quad for quad in quads if quad.graph_name not in besides), 1)

    @cached_property
    def _sights(self) -> Sights:
        return sights.read(self.store, (DEPRECATED, REPLACED))

    @cached_property
    def _all(self) -> Sight:
        return reduce(or_, self._sights.classes.values(), self._sights.others)


def _graph(quad: Quad) -> str:
    assert isinstance(quad.graph_name, NamedNode), quad
    return quad.graph_name.value


def _is_of(document: Document, finding: Finding) -> bool:
    return finding.path in (document.path, Path())
