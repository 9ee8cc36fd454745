"""Tables that are given to be checked: entries as documents, and the cells that they come from."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pyoxigraph import BlankNode, NamedNode, Quad

from . import importer
from .catalogue import Catalogue
from .folder import Document, UnreadableError
from .importer import Import
from .places import Placed, Places, Span
from .store import Store, named
from .tables import Tables
from .values import Draft, Understanding, Values


@dataclass(frozen=True)
class Rows:
    """Reads rows as changes of the entries that a store has, as an import would make them."""

    catalogue: Catalogue
    store: Store
    values: Understanding
    made: Import

    def document(self, path: Path, content: bytes) -> Document:
        """Give the entries of a table; raises RefusedError with every cell that is not understood.

        Raises UnreadableError where there are none.
        """
        drafts = Tables(self.values).drafts(path, content)
        if not drafts:
            raise UnreadableError(path, "the table has no rows below its heading")
        grid = _Grid.of(drafts)
        placed = [
            cell
            for draft in drafts
            for cell in grid.cells(draft, self._entry(draft), self.catalogue.prefixes)
        ]
        return Document(
            path=path,
            quads=tuple(quad for draft in drafts for quad in self._changed(draft)),
            topics=tuple(self._entry(draft).value for draft in drafts),
            prefixes=self.catalogue.prefixes,
            content=grid.text.encode(),
            placed=tuple(placed),
        )

    def _entry(self, draft: Draft) -> NamedNode:
        return NamedNode(self.catalogue.entry(draft.identifier))

    def _changed(self, draft: Draft) -> Iterator[Quad]:
        entry, kind = self._entry(draft), self.catalogue.shapes.record
        before = [quad.triple for quad in self.store.graph(entry.value)]
        return named(importer.applied(draft, entry, before, kind, self.made), entry.value)


@dataclass(frozen=True)
class _Grid:
    """A table laid out as a text of one character a cell: line and column are row and cell."""

    width: int
    rows: int

    @classmethod
    def of(cls, drafts: Sequence[Draft]) -> "_Grid":
        places = [values.place for draft in drafts for values in draft.values if values.place]
        width = max(place.column for place in places)
        return cls(width, max(place.line for place in places))

    @property
    def text(self) -> str:
        return (" " * self.width + "\n") * self.rows

    def cells(
        self, draft: Draft, entry: NamedNode, prefixes: Mapping[str, str]
    ) -> Iterator[Placed]:
        """Give what a row says of an entry; an empty cell says something that has no name."""
        first = self._span(draft.values[0])
        for values in draft.values:
            span, predicate = self._span(values), values.field.predicate
            for term in values.terms or (BlankNode(),):
                if predicate:
                    at = Places(first, span, span)
                    yield Placed(entry, NamedNode(predicate), term, at, prefixes)

    def _span(self, values: Values) -> Span:
        assert values.place
        start = (values.place.line - 1) * (self.width + 1) + values.place.column - 1
        return Span(start, start + 1)
