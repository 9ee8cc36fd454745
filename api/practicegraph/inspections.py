"""What is given, checked beside as much of a catalogue as matters to it, however large that is.

That is all that the folder says but its data, and those entries that are mentioned, and what they
mention in turn. What is given stands in the place of what is about the same things. Nothing of it
is kept.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from pyoxigraph import NamedNode, Quad, Triple

from . import folder, opening, permanence, rules, vocabularies
from .catalogue import Catalogue
from .embedded import Embedded
from .findings import Checked, Finding, Part, Position, Reporter
from .folder import Contents, Document, UnreadableError
from .given import Given, Intake
from .grids import Rows
from .importer import Import
from .rules import GIVEN
from .store import Store, named
from .tables import FORMS
from .validation import Rules, turtle
from .values import Problem, RefusedError, Understanding

_MOST_MENTIONED = 1000


@dataclass(frozen=True)
class Inspection:
    """Checks what is given against the folder `root` and the entries in a store."""

    root: Path
    store: Store
    made: Import

    def check(
        self, given: Sequence[Given], shapes: Sequence[Given], language: str, root: str = ""
    ) -> Checked:
        """Give what is wrong; shapes that come along are applied instead of the catalogue's.

        `root` is the address at which the catalogue is served. Raises UnreadableError.
        """
        intake = Intake(self._known, root)
        own = rules.rules(intake.document(each) for each in shapes)
        try:
            documents = [self._document(each, intake, language) for each in given]
        except RefusedError as error:
            return self._of_cells(error, language)
        others = Contents(self._heads, ()).with_others([*self._mentioned(documents), *documents])
        opened = self._opened(others.documents)
        if own:
            return self._by_own_rules(opened, others, documents, own, language)
        return self._by_ours(opened, others, documents, language)

    @property
    def prefixes(self) -> Mapping[str, str]:
        """Give the prefixes of the catalogue."""
        return self._known.prefixes

    @cached_property
    def _heads(self) -> tuple[Document, ...]:
        return folder.contents(folder.files(self.root, folder.PARTS[:3])).documents

    @cached_property
    def _known(self) -> Catalogue:
        return opening.gather(self._heads, self.root)

    def _opened(self, documents: Iterable[Document]) -> Catalogue:
        """Give the catalogue as documents have it, but for shapes, which may be faulty in them."""
        store = Embedded()
        store.add(quad for document in documents for quad in document.quads)
        known = vocabularies.read(store, permanence.read(store))
        return replace(self._known, store=store, vocabularies=known)

    @cached_property
    def _topics(self) -> set[str]:
        return {topic for document in self._heads for topic in document.topics}

    def _document(self, given: Given, intake: Intake, language: str) -> Document:
        if f".{given.form}" not in FORMS:
            return intake.document(given)
        shapes = replace(self._known.shapes, languages=self._known.preferring(language))
        values = Understanding(shapes, self._known.vocabularies, self._known.phrases)
        return Rows(self._known, self.store, values, self.made).document(given.path, given.content)

    def _of_cells(self, error: RefusedError, language: str) -> Checked:
        """Give the faulty cells of a table; a table that is none is unreadable."""
        for problem in error.problems:
            if not problem.place.column:
                raise UnreadableError(problem.place.path, problem.reason, problem.place.line)
        checker = opening.checker_of(self._known, language)
        found = [_of_cell(checker.reporter, problem) for problem in error.problems]
        return checker.checked(found, (), {finding.path for finding in found})

    def _mentioned(self, documents: Iterable[Document]) -> list[Document]:
        """Give the graphs of the entries that are mentioned, and that these mention."""
        found = {topic: () for document in documents for topic in document.topics}
        kept: list[Document] = []
        waiting = [quad for document in documents for quad in document.quads]
        while waiting and len(kept) < _MOST_MENTIONED:
            name = self._entry(waiting.pop())
            if name and name not in found and name not in self._topics:
                found[name] = ()
                quads = tuple(self.store.graph(name))
                waiting += quads
                if quads:
                    kept.append(Document(Path(name), quads, (name,), {}))
        return kept

    def _entry(self, quad: Quad) -> str:
        """Give the address of the entry that a statement leads to, or ""."""
        value = quad.object.value if isinstance(quad.object, NamedNode) else ""
        return value.partition("#")[0] if value.startswith(self._known.base) else ""

    def _by_ours(
        self, opened: Catalogue, all_: Contents, documents: Sequence[Document], language: str
    ) -> Checked:
        """Check by the shapes of the catalogue, which are only looked at if they may matter."""
        for document in documents:
            if not document.topics:
                reason = "nothing in it is about a thing with an IRI"
                raise UnreadableError(document.path, reason)
        parts = _parts(self.root, all_.documents)
        shapes = parts["shapes"]
        of_shapes = any(rules.is_of_shapes(quad) for each in documents for quad in each.quads)
        data = [d for d in all_.documents if of_shapes or d not in (*shapes, *parts["queries"])]
        held = Embedded()
        held.add(quad for document in data for quad in document.quads)
        applied = _rules(_triples([*shapes, *documents])) if of_shapes else self._known.rules
        checker = replace(opening.checker_of(opened, language), held=held, rules=applied)
        return checker.check(data, (), [document.path for document in documents])

    def _by_own_rules(
        self,
        opened: Catalogue,
        all_: Contents,
        documents: Sequence[Document],
        own: Sequence[Triple],
        language: str,
    ) -> Checked:
        parts = _parts(self.root, all_.documents)
        data = [d for d in all_.documents if d not in (*parts["shapes"], *parts["queries"])]
        store = Embedded()
        store.add(quad for document in data for quad in document.quads)
        store.add(named(own, GIVEN))
        checker = opening.checker_of(opened, language)
        checker = replace(checker, store=store, context=store, rules=_rules(own))
        return checker.check_by_rules(data, [document.path for document in documents])


def _of_cell(reporter: Reporter, problem: Problem) -> Finding:
    """Give what cannot be understood in a cell of a table, where it stands."""
    place = problem.place
    found = reporter.violation(place.path, "Cell", reason=problem.reason)
    start = Position(place.line, place.column)
    return replace(found, field=problem.field, value=problem.value, part=Part(start, start))


def _parts(root: Path, documents: Iterable[Document]) -> dict[str, list[Document]]:
    """Give the documents of the folder by the parts of it that they stand in."""
    found: dict[str, list[Document]] = {part: [] for part in folder.PARTS}
    for document in documents:
        if document.path.is_relative_to(root):
            found[document.path.relative_to(root).parts[0]].append(document)
    return found


def _rules(triples: Iterable[Triple]) -> Rules:
    return Rules(turtle(triples))


def _triples(documents: Iterable[Document]) -> Sequence[Triple]:
    return [quad.triple for document in documents for quad in document.quads]
