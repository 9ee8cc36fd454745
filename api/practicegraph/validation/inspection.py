"""The process that validates submissions, so that it can be killed at a deadline.

A submission is validated beside the ontology, the shapes and the vocabularies, and the entries that
it mentions, and those that these mention. It replaces documents on the same topics, and is not
kept. Requests and responses are those of `sparql.protocol`: H says whether a report follows, or why
the submission is not parsed.
"""

import base64
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, BinaryIO

from pyoxigraph import NamedNode, Quad, Triple

from .. import __version__
from ..catalogue import catalogue
from ..catalogue import documents as catalogue_documents
from ..catalogue.catalogue import Catalogue
from ..catalogue.documents import Document, DocumentSet, UnreadableError
from ..exchange.importer import ImportContext
from ..exchange.table_reader import TABLE_EXTENSIONS
from ..rdf.terms import in_graph
from ..schema import vocabularies
from ..schema.shapes import ShapesError
from ..schema.value_parser import ImportFailedError, ParseProblem, ValueParser
from ..sparql.protocol import (
    Request,
    serve,
    start_worker,
    write_error,
    write_text,
)
from ..storage.base import Store
from ..storage.oxigraph import OxigraphStore
from ..storage.remote import Endpoint, RemoteStore, StoreError
from . import reports, submissions
from .checks import build_checker
from .findings import Finding, FindingBuilder, Position, Region, ValidationReport
from .shacl import ShapesGraph, read_shapes, to_turtle
from .submissions import GIVEN, Submission, SubmissionReader, TableReader

_MOST_MENTIONED = 1000


@dataclass(frozen=True)
class SubmissionValidator:
    """Checks what is given against the folder `root` and the entries in a store."""

    root: Path
    store: Store
    made: ImportContext

    def check(
        self,
        given: Sequence[Submission],
        shapes: Sequence[Submission],
        language: str,
        root: str = "",
    ) -> ValidationReport:
        """Return what is wrong; shapes that come along are applied instead of the catalogue's.

        `root` is the address at which the catalogue is served. Raises UnreadableError.
        """
        intake = SubmissionReader(self._known, root)
        own = submissions.rules(intake.document(each) for each in shapes)
        try:
            documents = [self._document(each, intake, language) for each in given]
        except ImportFailedError as error:
            return self._of_cells(error, language)
        others = DocumentSet(self._heads, ()).with_others([*self._mentioned(documents), *documents])
        opened = self._opened(others.documents)
        if own:
            return self._by_own_rules(opened, others, documents, own, language)
        return self._by_ours(opened, others, documents, language)

    @property
    def prefixes(self) -> Mapping[str, str]:
        """Return the prefixes of the catalogue."""
        return self._known.prefixes

    @cached_property
    def _heads(self) -> tuple[Document, ...]:
        return catalogue_documents.read_documents(
            catalogue_documents.list_files(self.root, catalogue_documents.FOLDERS[:3])
        ).documents

    @cached_property
    def _known(self) -> Catalogue:
        return catalogue.open_in_memory(self._heads, self.root)

    @cached_property
    def _rules(self) -> ShapesGraph:
        return read_shapes(self._known.store)

    def _opened(self, documents: Iterable[Document]) -> Catalogue:
        """Return the catalogue as the documents state it, except for its shapes."""
        store = OxigraphStore()
        store.add(quad for document in documents for quad in document.quads)
        known = vocabularies.read_vocabularies(store)
        return replace(self._known, store=store, vocabularies=known)

    @cached_property
    def _topics(self) -> set[str]:
        return {topic for document in self._heads for topic in document.topics}

    def _document(self, given: Submission, intake: SubmissionReader, language: str) -> Document:
        if f".{given.form}" not in TABLE_EXTENSIONS:
            return intake.document(given)
        shapes = replace(self._known.shapes, languages=self._known.preferred_languages(language))
        values = ValueParser(shapes, self._known.vocabularies, self._known.phrases)
        return TableReader(self._known, self.store, values, self.made).document(
            given.path, given.content
        )

    def _of_cells(self, error: ImportFailedError, language: str) -> ValidationReport:
        """Return the faulty cells of a table; a table that is none is unreadable."""
        for problem in error.problems:
            if not problem.location.column:
                raise UnreadableError(problem.location.path, problem.reason, problem.location.line)
        checker = build_checker(self._known, language, shapes_graph=self._rules)
        found = [_of_cell(checker.builder, problem) for problem in error.problems]
        return checker.report(found, (), {finding.file for finding in found})

    def _mentioned(self, documents: Iterable[Document]) -> list[Document]:
        """Return the graphs of the entries that are mentioned, and that these mention."""
        found = {topic: () for document in documents for topic in document.topics}
        kept: list[Document] = []
        waiting = [quad for document in documents for quad in document.quads]
        while waiting and len(kept) < _MOST_MENTIONED:
            name = self._entry(waiting.pop())
            if name and name not in found and name not in self._topics:
                found[name] = ()
                quads = tuple(self.store.graph_quads(name))
                waiting += quads
                if quads:
                    kept.append(Document(Path(name), quads, (name,), {}))
        return kept

    def _entry(self, quad: Quad) -> str:
        """Return the address of the entry that a statement leads to, or ""."""
        value = quad.object.value if isinstance(quad.object, NamedNode) else ""
        return value.partition("#")[0] if value.startswith(self._known.base) else ""

    def _by_ours(
        self, opened: Catalogue, all_: DocumentSet, documents: Sequence[Document], language: str
    ) -> ValidationReport:
        """Check by the shapes of the catalogue, which are only looked at if they may matter."""
        for document in documents:
            if not document.topics:
                reason = "nothing in it is about a thing with an IRI"
                raise UnreadableError(document.path, reason)
        parts = _parts(self.root, all_.documents)
        shapes = parts["shapes"]
        of_shapes = any(submissions.is_of_shapes(quad) for each in documents for quad in each.quads)
        data = [d for d in all_.documents if of_shapes or d not in (*shapes, *parts["queries"])]
        held = OxigraphStore()
        held.add(quad for document in data for quad in document.quads)
        applied = _rules(_triples([*shapes, *documents])) if of_shapes else self._rules
        checker = replace(
            build_checker(opened, language, shapes_graph=self._rules),
            data=held,
            shapes_graph=applied,
        )
        return checker.check(data, (), [document.path for document in documents])

    def _by_own_rules(
        self,
        opened: Catalogue,
        all_: DocumentSet,
        documents: Sequence[Document],
        own: Sequence[Triple],
        language: str,
    ) -> ValidationReport:
        parts = _parts(self.root, all_.documents)
        data = [d for d in all_.documents if d not in (*parts["shapes"], *parts["queries"])]
        store = OxigraphStore()
        store.add(quad for document in data for quad in document.quads)
        store.add(in_graph(own, GIVEN))
        checker = build_checker(opened, language, shapes_graph=self._rules)
        checker = replace(checker, store=store, context=store, shapes_graph=_rules(own))
        return checker.validate(data, [document.path for document in documents])


def _of_cell(builder: FindingBuilder, problem: ParseProblem) -> Finding:
    """Return what cannot be understood in a cell of a table, where it stands."""
    place = problem.location
    found = builder.violation(place.path, "Cell", detail=problem.reason)
    start = Position(place.line, place.column)
    return replace(
        found, path_label=problem.field, value=problem.value, region=Region(start, start)
    )


def _parts(root: Path, documents: Iterable[Document]) -> dict[str, list[Document]]:
    """Return the documents of the folder by the parts of it that they stand in."""
    found: dict[str, list[Document]] = {part: [] for part in catalogue_documents.FOLDERS}
    for document in documents:
        if document.path.is_relative_to(root):
            found[document.path.relative_to(root).parts[0]].append(document)
    return found


def _rules(triples: Iterable[Triple]) -> ShapesGraph:
    return ShapesGraph(to_turtle(triples))


def _triples(documents: Iterable[Document]) -> Sequence[Triple]:
    return [quad.triple for document in documents for quad in document.quads]


MODULE = "practicegraph.validation.inspection"
"""The module to run."""
REPORT, UNREADABLE = "report", "unreadable"
"""The kinds of answers."""
_CALLS = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "subprocess.Popen")


def answer(inspection: SubmissionValidator, request: Request, output: BinaryIO) -> None:
    """Check what a request gives, and write the report in the form that it asks for."""
    given, shapes = (_given(request[name]) for name in ("given", "shapes"))
    try:
        checked = inspection.check(given, shapes, request["language"], request["root"])
    except UnreadableError as error:
        _tell(output, error.path, error.reason, error.line, error.column)
    except ShapesError as error:
        _tell(output, (shapes or given)[0].path, str(error), 1, 1)
    except StoreError as error:
        write_error(output, type(error).__name__, str(error))
    else:
        report = reports.FORMATS[request["form"]].write(checked, inspection.prefixes)
        write_text(output, REPORT, report)


def _given(listed: Iterable[Mapping[str, str]]) -> list[Submission]:
    return [
        Submission(each["name"], each["form"], base64.b64decode(each["content"])) for each in listed
    ]


def _tell(output: BinaryIO, path: Path, reason: str, line: int, column: int) -> None:
    said = {"file": str(path), "reason": reason, "line": line, "column": column}
    write_text(output, UNREADABLE, json.dumps(said))


def main(source: str, memory: int) -> None:
    """Answer requests until the input ends; one that asks for another release opens it."""
    credentials, requests = start_worker(memory)
    if not source.startswith(("http://", "https://")):
        sys.addaudithook(_refuse_calls)
    os.chdir("/")  # so that no name of a file that is given leads to one of ours

    def respond(request: Request, output: BinaryIO) -> None:
        answer(_inspection(request["folder"], request["source"], credentials), request, output)

    serve(requests, respond)


@lru_cache(maxsize=1)
def _inspection(folder: str, source: str, credentials: tuple[str, str]) -> SubmissionValidator:
    return SubmissionValidator(Path(folder), _store(source, credentials), _circumstances())


def _store(source: str, credentials: tuple[str, str]) -> Store:
    if source.startswith(("http://", "https://")):
        return RemoteStore(Endpoint(source, credentials=credentials), OxigraphStore())
    return OxigraphStore.open_snapshot(Path(source))


def _circumstances() -> ImportContext:
    today = datetime.now(tz=UTC).date()
    return ImportContext(__version__, today, today)


def _refuse_calls(event: str, _: Any) -> None:
    """Refuse each call out of this process, whatever shapes that were sent make it do."""
    if event in _CALLS:
        raise PermissionError(f"{event}: nothing is fetched here")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
