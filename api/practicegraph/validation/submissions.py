"""Submissions to validate, parsed as documents of the catalogue: RDF, tables, and shapes.

Nothing is fetched: a JSON-LD context is the catalogue's, or is part of the text. Shapes of clients
get names for all their nodes, and may neither fetch nor run scripts. The process that applies them
limits their time and memory.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from pyoxigraph import BlankNode, NamedNode, Quad, RdfFormat, Triple

from ..catalogue.catalogue import Catalogue
from ..catalogue.documents import Document, UnreadableError
from ..exchange import importer
from ..exchange.importer import ImportContext
from ..exchange.table_reader import TableParser
from ..rdf import untrusted
from ..rdf.namespaces import SH
from ..rdf.positions import LocatedTriple, Span, TripleSpans
from ..rdf.terms import TYPE, Term, as_text, in_graph, local_name
from ..rdf.untrusted import Leaf
from ..schema.value_parser import Draft, FieldValues, ValueParser
from ..storage import query_guard
from ..storage.base import QueryRefusedError, Store

RDF_FORMS = {
    "ttl": RdfFormat.TURTLE,
    "trig": RdfFormat.TRIG,
    "jsonld": RdfFormat.JSON_LD,
    "rdf": RdfFormat.RDF_XML,
    "nt": RdfFormat.N_TRIPLES,
    "nq": RdfFormat.N_QUADS,
}
"""The syntaxes by the extensions of files in them."""
_CONTEXT = re.compile(r"/?context(/[0-9a-f]+)?\.jsonld")
_FIXED = frozenset({"@language", "@direction", "@index", "@context"})
"""Keys of JSON-LD whose values mean something of their own."""
_LONGEST_NAME = 80


@dataclass(frozen=True)
class Submission:
    """A text or table to validate: its name, the extension of its format, its bytes."""

    name: str
    form: str
    content: bytes

    @property
    def path(self) -> Path:
        """Return what a report calls it: the name without folders, the extension the form's."""
        last = re.split(r"[/\\]", self.name)[-1]
        stem = "".join(filter(str.isprintable, last)).rpartition(".")[0][:_LONGEST_NAME]
        return Path(f"{stem or 'data'}.{self.form}")


@dataclass(frozen=True)
class SubmissionReader:
    """Reads RDF, in which IRIs are relative to its own base alone; `root` is where it is served."""

    catalogue: Catalogue
    root: str = ""

    def document(self, given: Submission) -> Document:
        """Read what is given; raises UnreadableError with line and column."""
        try:
            text = untrusted.decoded(given.content)
            with untrusted.told(text):
                document = self._read(given, text)
        except SyntaxError as error:
            place = error.lineno or 1, error.offset or 1
            raise UnreadableError(given.path, error.msg, *place) from error
        return self._by_topic(document)

    def _read(self, given: Submission, text: str) -> Document:
        form = RDF_FORMS[given.form]
        listed = untrusted.values(text, form)
        if form == RdfFormat.JSON_LD:
            context = self.catalogue.context
            others = untrusted.contexts(listed, text, self._is_ours, context)
            marked = [leaf for leaf in listed if not _FIXED.intersection(_own_keys(leaf))]
            return self._traced(given, text, marked, others)
        if form == RdfFormat.RDF_XML:
            return self._traced(given, text, listed, {})
        reader = untrusted.parsed(text, form)
        quads = tuple(reader)
        return Document(given.path, quads, (), reader.prefixes, "", text.encode())

    def _traced(
        self, given: Submission, text: str, marked: Sequence[Leaf], others: Mapping[Span, str]
    ) -> Document:
        form = RDF_FORMS[given.form]
        quoted = '"{}"' if form == RdfFormat.JSON_LD else "{}"
        read = partial(untrusted.parsed, form=form)
        quads = tuple(read(untrusted.with_others(text, others)))
        placed = untrusted.placed(text, marked, quads, read, others, quoted)
        untrusted.refuse_relative(quads, placed)
        prefixes = self.catalogue.prefixes
        placed = tuple(replace(triple, prefixes=prefixes) for triple in placed)
        return Document(given.path, quads, (), prefixes, "", text.encode(), placed)

    def _is_ours(self, address: str) -> bool:
        bases = [base.rstrip("/") + "/" for base in (self.catalogue.base, self.root) if base]
        below = [address.removeprefix(base) for base in bases if address.startswith(base)]
        return any(_CONTEXT.fullmatch(path) for path in (*below, address))

    def _by_topic(self, document: Document) -> Document:
        """Return each thing of a kind that has files a graph of its own, else all to the first."""
        kinds = self.catalogue.shapes.node_shapes
        classes = {NamedNode(name) for kind in kinds if kind.is_topic for name in kind.classes}
        typed = [q for q in document.quads if q.predicate == TYPE and q.object in classes]
        topics = _names(typed) or _names(document.quads)[:1]
        if not document.quads:
            raise UnreadableError(document.path, "it says nothing")
        if not topics:
            return document
        return replace(
            document, quads=tuple(_in_graphs(document.quads, topics)), topics=tuple(topics)
        )


def _own_keys(leaf: Leaf) -> tuple[str, ...]:
    """Return the key of a value, and all others if one of them opens a context."""
    return leaf.keys if "@context" in leaf.keys else leaf.keys[-1:]


def _names(quads: Iterable[Quad]) -> list[str]:
    found = (quad.subject for quad in quads)
    return list(dict.fromkeys(node.value for node in found if isinstance(node, NamedNode)))


def _in_graphs(quads: Iterable[Quad], topics: Sequence[str]) -> Iterator[Quad]:
    """Put quads into the graphs of what they are parts of; what has no IRI, where the last went."""
    names = {topic: NamedNode(topic) for topic in topics}
    graph = names[topics[0]]
    for quad in quads:
        if isinstance(quad.subject, NamedNode):
            whole = quad.subject.value.partition("#")[0]
            graph = names.get(quad.subject.value) or names.get(whole) or names[topics[0]]
        yield Quad(quad.subject, quad.predicate, quad.object, graph)


@dataclass(frozen=True)
class TableReader:
    """Reads rows as changes of the entries that a store has, as an import would make them."""

    catalogue: Catalogue
    store: Store
    values: ValueParser
    made: ImportContext

    def document(self, path: Path, content: bytes) -> Document:
        """Return the entries of a table; raise RefusedError with all cells that are not understood.

        Raises UnreadableError where there are none.
        """
        drafts = TableParser(self.values).parse(path, content)
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
        return NamedNode(self.catalogue.entry_iri(draft.identifier))

    def _changed(self, draft: Draft) -> Iterator[Quad]:
        entry, kind = self._entry(draft), self.catalogue.shapes.entry_shape
        before = [quad.triple for quad in self.store.graph_quads(entry.value)]
        return in_graph(importer.apply_draft(draft, entry, before, kind, self.made), entry.value)


@dataclass(frozen=True)
class _Grid:
    """A table laid out as a text of one character a cell: line and column are row and cell."""

    width: int
    rows: int

    @classmethod
    def of(cls, drafts: Sequence[Draft]) -> "_Grid":
        places = [values.location for draft in drafts for values in draft.values if values.location]
        width = max(place.column for place in places)
        return cls(width, max(place.line for place in places))

    @property
    def text(self) -> str:
        return (" " * self.width + "\n") * self.rows

    def cells(
        self, draft: Draft, entry: NamedNode, prefixes: Mapping[str, str]
    ) -> Iterator[LocatedTriple]:
        """Yield what a row says of an entry; an empty cell says something that has no name."""
        first = self._span(draft.values[0])
        for values in draft.values:
            span, predicate = self._span(values), values.field.predicate
            for term in values.terms or (BlankNode(),):
                if predicate:
                    at = TripleSpans(first, span, span)
                    yield LocatedTriple(entry, NamedNode(predicate), term, at, prefixes)

    def _span(self, values: FieldValues) -> Span:
        assert values.location
        start = (values.location.line - 1) * (self.width + 1) + values.location.column - 1
        return Span(start, start + 1)


GIVEN = "urn:given:shapes#"
"""The namespace of the names that shapes without one get."""
_PATH = NamedNode(SH + "path")
_TO_SHAPES = frozenset(SH + name for name in ("property", "node", "not", "qualifiedValueShape"))
_SHAPES = frozenset(NamedNode(SH + name) for name in ("NodeShape", "PropertyShape"))
_QUERIES = frozenset(SH + name for name in ("select", "ask", "construct", "update"))
_SCRIPTS = frozenset(SH + name for name in ("js", "jsFunctionName", "jsLibrary"))
_FETCHING = {"FROM", "LOAD"}


def rules(documents: Iterable[Document]) -> list[Triple]:
    """Return the shapes of documents, those without a name with one, so that results can tell it.

    Raises UnreadableError where there are none, and for what is not applied here.
    """
    found: list[Triple] = []
    for document in documents:
        if not any(is_of_shapes(quad) for quad in document.quads):
            raise UnreadableError(document.path, "no shapes: nothing in it is said in SHACL")
        for quad in document.quads:
            _refuse(document.path, quad)
        found += document_rules(document)
    return found


def is_of_shapes(quad: Quad) -> bool:
    """Return whether a statement speaks of shapes."""
    terms = (quad.predicate, quad.object)
    return any(isinstance(term, NamedNode) and term.value.startswith(SH) for term in terms)


def document_rules(document: Document) -> Iterator[Triple]:
    """Yield the shapes of a document, each with a name."""
    names = _shape_names(document)
    for quad in document.quads:
        subject, value = names.get(quad.subject, quad.subject), names.get(quad.object, quad.object)
        assert not isinstance(subject, Triple)
        yield Triple(subject, quad.predicate, value)


def _shape_names(document: Document) -> Mapping[Term, NamedNode]:
    """Return names for the shapes that have none: the last part of the path, and a number."""
    paths = {q.subject: q.object for q in document.quads if q.predicate == _PATH}
    nodes = [q.object for q in document.quads if q.predicate.value in _TO_SHAPES]
    typed = (q for q in document.quads if q.predicate == TYPE and q.object in _SHAPES)
    nodes += [*paths, *(quad.subject for quad in typed)]
    nameless = dict.fromkeys(node for node in nodes if isinstance(node, BlankNode))
    return {
        node: NamedNode(f"{GIVEN}{_last(paths.get(node))}{number}")
        for number, node in enumerate(nameless, 1)
    }


def _last(path: Term | None) -> str:
    if not isinstance(path, NamedNode):
        return ""
    return local_name(path.value) + "-"


def _refuse(path: Path, quad: Quad) -> None:
    if quad.predicate.value in _SCRIPTS:
        raise UnreadableError(path, "constraints in JavaScript are not run here")
    if quad.predicate.value in _QUERIES and not isinstance(quad.object, BlankNode | Triple):
        try:
            query_guard.check_query_depth(as_text(quad.object))
            query_guard.check_service_calls(as_text(quad.object))
        except QueryRefusedError as error:
            raise UnreadableError(path, str(error)) from error
        if query_guard.query_words(as_text(quad.object)) & _FETCHING:
            raise UnreadableError(path, "queries of shapes are asked of the given data, not FROM")
