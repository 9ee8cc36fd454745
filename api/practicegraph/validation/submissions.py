"""Submissions: the RDF, tables and shapes that a client sends to be validated, and their process.

A submission is validated beside the ontology, the shapes and the vocabularies, and the entries that
it mentions, and those that these mention. It replaces documents on the same topics, and is not
kept. Nothing is fetched. Shapes of clients get IRIs for all their nodes, and may neither fetch nor
run scripts. The process that applies them can be killed at a deadline, and limits their memory; its
requests and responses are those of `sparql.protocol`.
"""

import base64
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

from pyoxigraph import BlankNode, NamedNode, Quad, RdfFormat, Triple

from .. import __version__
from ..catalogue import catalogue
from ..catalogue import documents as catalogue_documents
from ..catalogue.catalogue import Catalogue
from ..catalogue.documents import Document, DocumentSet, UnreadableError
from ..exchange import importer
from ..exchange.importer import ImportContext
from ..exchange.table_reader import TABLE_EXTENSIONS, TableParser
from ..rdf import untrusted
from ..rdf.positions import LocatedTriple, Span, TripleSpans
from ..rdf.terms import TYPE, in_graph
from ..rdf.untrusted import KnownContext
from ..schema import vocabularies
from ..schema.shapes import constraints
from ..schema.shapes.reader import ShapesError
from ..schema.value_parser import (
    Draft,
    ImportFailedError,
    ParseProblem,
    SourceLocation,
    ValueParser,
)
from ..sparql.protocol import Request, serve, start_worker, write_error, write_text
from ..storage import query_guard
from ..storage.base import QueryRefusedError, Store
from ..storage.oxigraph import OxigraphStore
from ..storage.remote import Endpoint, RemoteStore, StoreError
from . import reports
from .checks import Checker, build_checker
from .findings import Finding, FindingBuilder, Position, Region, ValidationReport
from .shacl import SUBMITTED_SHAPES, ShapesGraph, describe_fault, read_shapes, to_turtle

MODULE = "practicegraph.validation.submissions"
"""The module to run as the process."""
REPORT, UNREADABLE = "report", "unreadable"
"""The kinds of responses of the process."""
SYNTAXES = {
    "ttl": RdfFormat.TURTLE,
    "trig": RdfFormat.TRIG,
    "jsonld": RdfFormat.JSON_LD,
    "rdf": RdfFormat.RDF_XML,
    "nt": RdfFormat.N_TRIPLES,
    "nq": RdfFormat.N_QUADS,
}
"""The syntaxes of RDF by the extensions of files."""
_WITHOUT_POSITIONS = (RdfFormat.JSON_LD, RdfFormat.RDF_XML)
_MAX_NAME_LENGTH = 80
_MAX_MENTIONED = 1000
_DATA_GRAPH = "urn:submitted:data"
"""The graph of data without an IRI."""
_RULES = catalogue_documents.FOLDERS[1:3]
_CALLS = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "subprocess.Popen")


@dataclass(frozen=True)
class Submission:
    """A text or table to validate: its name, its extension, its bytes."""

    name: str
    extension: str
    content: bytes

    @property
    def path(self) -> Path:
        """The file of findings: the name without folders, with the extension."""
        last = re.split(r"[/\\]", self.name)[-1]
        stem = "".join(filter(str.isprintable, last)).rpartition(".")[0][:_MAX_NAME_LENGTH]
        return Path(f"{stem or 'data'}.{self.extension}")


@dataclass(frozen=True)
class SubmissionParser:
    """Parses submissions as documents of a catalogue, which is served at a URL."""

    catalogue: Catalogue
    url: str = ""

    def parse_rdf(self, submission: Submission) -> Document:
        """Parse RDF, whose base is the file's name below the catalogue's; raise UnreadableError."""
        syntax, path = SYNTAXES[submission.extension], submission.path
        context = KnownContext(self.catalogue.context, (self.catalogue.base, self.url))
        base = self.catalogue.base + quote(path.name)
        with catalogue_documents.reading_errors(path):
            parsed = untrusted.parse_rdf(submission.content, syntax, base, context)
        if not parsed.quads:
            raise UnreadableError(path, "the file has no triples", hint="emptyFile")
        topics = self._topics(parsed.quads)
        quads = tuple(_in_graphs(parsed.quads, topics or [_DATA_GRAPH]))
        content = b"" if syntax in _WITHOUT_POSITIONS else submission.content
        return Document(path, quads, tuple(topics), parsed.prefixes, content=content, base=base)

    def parse_shapes(self, submission: Submission, number: int) -> Document:
        """Parse shapes, the file of a number; raise UnreadableError for those not applied."""
        document = self.parse_rdf(submission)
        path, quads = document.path, document.quads
        if not any(map(constraints.is_part_of_shapes, quads)):
            raise UnreadableError(path, "no term of SHACL", hint="noShapes")
        for quad in quads:
            if constraints.is_script(quad):
                raise UnreadableError(path, "a constraint in JavaScript", hint="scriptRefused")
            if query := constraints.query_text(quad):
                _check_query(path, query)
        namespace = f"{SUBMITTED_SHAPES}{number}-" if number > 1 else SUBMITTED_SHAPES
        named = in_graph(constraints.name_shapes(quads, namespace), SUBMITTED_SHAPES)
        return replace(document, quads=tuple(named))

    def parse_table(
        self, submission: Submission, store: Store, values: ValueParser, context: ImportContext
    ) -> Document:
        """Parse a table: each row changes the entry that a store has, as an import would.

        Raises ImportFailedError with all cells that are not understood, and UnreadableError where
        there are none.
        """
        path, records = submission.path, self.catalogue.records
        drafts = TableParser(values).parse(path, submission.content)
        if not drafts:
            raise UnreadableError(path, "no rows below the heading", hint="noRows")
        quads: list[Quad] = []
        entries = [NamedNode(self.catalogue.entry_iri(draft.identifier)) for draft in drafts]
        for draft, entry in zip(drafts, entries, strict=True):
            before = [quad.triple for quad in store.graph_quads(entry.value)]
            after = importer.apply_draft(draft, entry, before, records, context)
            quads += in_graph(after, entry.value)
        grid = _Grid.build(drafts)
        return Document(
            path=path,
            quads=tuple(quads),
            topics=tuple(entry.value for entry in entries),
            prefixes=self.catalogue.prefixes,
            content=grid.text.encode(),
            sheets=dict(zip((entry.value for entry in entries), map(_sheet, drafts), strict=True)),
            placed=tuple(
                triple
                for draft, entry in zip(drafts, entries, strict=True)
                for triple in grid.locate(draft, entry, self.catalogue)
            ),
        )

    def _topics(self, quads: Sequence[Quad]) -> list[str]:
        """Return the instances of classes with files of their own, else the first subject."""
        kinds = self.catalogue.shapes.node_shapes
        classes = {NamedNode(name) for kind in kinds if kind.is_topic for name in kind.classes}
        typed = (q for q in quads if q.predicate == TYPE and q.object in classes)
        return _subjects(typed) or _subjects(quads)[:1]


def _subjects(quads: Iterable[Quad]) -> list[str]:
    nodes = (quad.subject for quad in quads)
    return list(dict.fromkeys(node.value for node in nodes if isinstance(node, NamedNode)))


def _in_graphs(quads: Iterable[Quad], topics: Sequence[str]) -> Iterator[Quad]:
    """Put quads into the graphs of their topics; blank nodes into that of the quad before."""
    names = {topic: NamedNode(topic) for topic in topics}
    graph = names[topics[0]]
    for quad in quads:
        if isinstance(quad.subject, NamedNode):
            whole = quad.subject.value.partition("#")[0]
            graph = names.get(quad.subject.value) or names.get(whole) or names[topics[0]]
        yield Quad(quad.subject, quad.predicate, quad.object, graph)


def _check_query(path: Path, query: str) -> None:
    """Raise UnreadableError for a query of shapes that is too deep, or would fetch."""
    try:
        query_guard.check_query_depth(query)
        query_guard.check_service_calls(query)
    except QueryRefusedError as error:
        raise UnreadableError(path, str(error), **error.phrase) from error
    if query_guard.query_words(query) & {"FROM", "LOAD"}:
        raise UnreadableError(path, "a query FROM other graphs", hint="fromRefused")


def _sheet(draft: Draft) -> str:
    return next((values.location.sheet for values in draft.values if values.location), "")


@dataclass(frozen=True)
class _Grid:
    """A table laid out as a text of one character a cell: line and column are row and cell."""

    width: int
    rows: int

    @classmethod
    def build(cls, drafts: Sequence[Draft]) -> "_Grid":
        cells = [values.location for draft in drafts for values in draft.values if values.location]
        return cls(max(cell.column for cell in cells), max(cell.line for cell in cells))

    @property
    def text(self) -> str:
        return (" " * self.width + "\n") * self.rows

    def locate(
        self, draft: Draft, entry: NamedNode, catalogue: Catalogue
    ) -> Iterator[LocatedTriple]:
        """Yield the triples of a row; an empty cell has a blank node."""
        records, prefixes = catalogue.records, catalogue.prefixes
        spans = [self._span(values.location) for values in draft.values if values.location]
        for values, span in zip(draft.values, spans, strict=True):
            for term in values.terms or (BlankNode(),):
                if place := records.place(values.field, entry):
                    yield LocatedTriple(*place, term, TripleSpans(spans[0], span, span), prefixes)

    def _span(self, cell: SourceLocation) -> Span:
        start = (cell.line - 1) * (self.width + 1) + cell.column - 1
        return Span(start, start + 1)


@dataclass(frozen=True)
class SubmissionValidator:
    """Validates submissions beside the folder `root` and the entries in a store."""

    root: Path
    store: Store
    context: ImportContext

    def validate(
        self,
        data: Sequence[Submission],
        own_shapes: Sequence[Submission],
        language: str,
        url: str = "",
    ) -> ValidationReport:
        """Return the report on data; shapes that come along are applied instead of ours.

        `url` is that at which the catalogue is served. Raises UnreadableError and ShapesError.
        """
        parser = SubmissionParser(self._domain, url)
        own = [parser.parse_shapes(each, number) for number, each in enumerate(own_shapes, 1)]
        try:
            documents = [self._parse(submission, parser, language) for submission in data]
        except ImportFailedError as error:
            return self._report_cells(error, language)
        if own:
            return self._validate_with_shapes(documents, own, language)
        others = [*self._mentioned_entries(documents), *documents]
        beside = DocumentSet(self._domain_documents, ()).with_others(others).documents
        checker = build_checker(self._with_data(beside), language, None, self._shapes_graph)
        return self._validate(checker, documents, beside)

    @property
    def prefixes(self) -> Mapping[str, str]:
        """The prefixes of the catalogue."""
        return self._domain.prefixes

    @cached_property
    def _domain(self) -> Catalogue:
        """The catalogue without data."""
        return catalogue.open_in_memory(self._domain_documents, self.root)

    @cached_property
    def _domain_documents(self) -> tuple[Document, ...]:
        folders = catalogue_documents.FOLDERS[:3]
        files = catalogue_documents.list_files(self.root, folders)
        return catalogue_documents.read_documents(files).documents

    @cached_property
    def _shapes_graph(self) -> ShapesGraph:
        return read_shapes(self._domain.store)

    def _parse(self, submission: Submission, parser: SubmissionParser, language: str) -> Document:
        if f".{submission.extension}" not in TABLE_EXTENSIONS:
            return parser.parse_rdf(submission)
        fields = replace(self._domain.shapes, languages=self._domain.preferred_languages(language))
        known = replace(self._domain.current).read(self.store, fields.listed_kinds)
        values = ValueParser(fields, known, self._domain.phrases)
        return parser.parse_table(submission, self.store, values, self.context)

    def _report_cells(self, error: ImportFailedError, language: str) -> ValidationReport:
        """Return the report on the faulty cells of a table; raise UnreadableError for no table."""
        for problem in error.problems:
            if not problem.location.column:
                raise UnreadableError(problem.location.path, problem.reason, problem.location.line)
        checker = build_checker(self._domain, language, shapes_graph=self._shapes_graph)
        findings = [_cell_finding(checker.builder, problem) for problem in error.problems]
        return checker.report(findings, (), {finding.file for finding in findings})

    def _mentioned_entries(self, documents: Iterable[Document]) -> list[Document]:
        """Return the graphs of the entries that are mentioned, and that these mention."""
        seen = {topic for document in documents for topic in document.topics}
        seen |= {topic for document in self._domain_documents for topic in document.topics}
        entries: list[Document] = []
        waiting = [quad.object for document in documents for quad in document.quads]
        while waiting and len(entries) < _MAX_MENTIONED:
            term = waiting.pop()
            name = term.value.partition("#")[0] if isinstance(term, NamedNode) else ""
            if name.startswith(self._domain.base) and name not in seen:
                seen.add(name)
                quads = tuple(self.store.graph_quads(name))
                waiting += [quad.object for quad in quads]
                entries += [Document(Path(name), quads, (name,), {})] if quads else []
        return entries

    def _validate_with_shapes(
        self, documents: Sequence[Document], shapes: Sequence[Document], language: str
    ) -> ValidationReport:
        """Validate by the shapes of a client: the data graph is what was sent, and no more."""
        catalogue = replace(self._domain, store=_store(documents))
        checker = build_checker(catalogue, language, None, ShapesGraph(to_turtle(_triples(shapes))))
        checker = replace(checker, data=_triples(documents), context=_store(shapes))
        return checker.validate(documents, shapes, self._domain.store)

    def _with_data(self, documents: Iterable[Document]) -> Catalogue:
        """Return the catalogue as documents state it, except for its shapes."""
        store = _store(documents)
        known = vocabularies.read_vocabularies(store)
        current = replace(self._domain.current, latest=known, release=None)
        return replace(self._domain, store=store, current=current)

    def _without_rules(self, documents: Iterable[Document]) -> list[Document]:
        """Return the documents without the shapes and stored queries of the catalogue."""
        return [document for document in documents if self._folder(document) not in _RULES]

    def _folder(self, document: Document) -> str:
        is_ours = document.path.is_relative_to(self.root)
        return document.path.relative_to(self.root).parts[0] if is_ours else ""

    def _validate(
        self, checker: Checker, documents: Sequence[Document], beside: Sequence[Document]
    ) -> ValidationReport:
        """Validate by the shapes of the catalogue, which are data only where some are sent."""
        files = [document.path for document in documents]
        if not any(
            constraints.is_part_of_shapes(quad) for each in documents for quad in each.quads
        ):
            data = self._without_rules(beside)
            stored = [quad.triple for quad in _store(data).quads()]
            return replace(checker, data=stored).check(data, (), files)
        changed = [each for each in beside if self._folder(each) == _RULES[0]]
        graph = ShapesGraph(to_turtle(_triples([*changed, *documents])))
        return replace(checker, shapes_graph=graph).check(beside, (), files)


def _store(documents: Iterable[Document]) -> OxigraphStore:
    store = OxigraphStore()
    store.add(quad for document in documents for quad in document.quads)
    return store


def _triples(documents: Iterable[Document]) -> list[Triple]:
    return [quad.triple for document in documents for quad in document.quads]


def _cell_finding(builder: FindingBuilder, problem: ParseProblem) -> Finding:
    """Return the finding about a cell of a table that is not understood."""
    cell = problem.location
    finding = builder.violation(
        cell.path,
        "Cell",
        detail=problem.reason,
        path_label=problem.field,
        value=problem.value,
    )
    start = Position(cell.line, cell.column)
    return replace(finding, region=Region(start, start), sheet=cell.sheet)


def respond(validator: SubmissionValidator, request: Request, output: BinaryIO) -> None:
    """Validate what a request has, and write the report in the format that it names."""
    data, own_shapes = (_submissions(request[name]) for name in ("data", "shapes"))
    try:
        report = validator.validate(data, own_shapes, request["language"], request["url"])
    except UnreadableError as error:
        _write_unreadable(output, error)
    except ShapesError as error:
        fault = UnreadableError((own_shapes or data)[0].path, str(error), **describe_fault(error))
        _write_unreadable(output, fault)
    except StoreError as error:
        write_error(output, type(error).__name__, str(error))
    else:
        report_format = reports.FORMATS[request["format"]]
        write_text(output, REPORT, report_format.write(report, validator.prefixes))


def _submissions(items: Iterable[Mapping[str, str]]) -> list[Submission]:
    return [
        Submission(item["name"], item["extension"], base64.b64decode(item["content"]))
        for item in items
    ]


def _write_unreadable(output: BinaryIO, error: UnreadableError) -> None:
    place = {"file": str(error.path), "line": error.line, "column": error.column}
    reason = {"reason": error.reason, "hint": error.hint}
    write_text(output, UNREADABLE, json.dumps(place | reason | error.words))


def main(source: str, memory: int) -> None:
    """Respond to requests until the input ends; one that names another release opens it."""
    credentials, requests = start_worker(memory)
    if not _is_remote(source):
        sys.addaudithook(_refuse_calls)
    os.chdir("/")  # so that the name of a submission is not the path of a file

    def respond_to(request: Request, output: BinaryIO) -> None:
        validator = _open(request["folder"], request["source"], credentials)
        respond(validator, request, output)

    serve(requests, respond_to)


@lru_cache(maxsize=1)
def _open(folder: str, source: str, credentials: tuple[str, str]) -> SubmissionValidator:
    today = datetime.now(tz=UTC).date()
    store: Store
    if _is_remote(source):
        store = RemoteStore(Endpoint(source, credentials=credentials), OxigraphStore())
    else:
        store = OxigraphStore.open_snapshot(Path(source))
    return SubmissionValidator(Path(folder), store, ImportContext(__version__, today, today))


def _is_remote(source: str) -> bool:
    return source.startswith(("http://", "https://"))


def _refuse_calls(event: str, _: Any) -> None:
    """Refuse each call out of this process, whatever the shapes of a client cause."""
    if event in _CALLS:
        raise PermissionError(f"{event}: nothing is fetched here")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
