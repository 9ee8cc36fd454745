"""All checks of a catalogue's documents, as findings with regions and fixes.

Beside SHACL: unreadable files, topics, links to IRIs of ours that nothing describes, values that
are deprecated, literals that the store rewrites, IRIs that have vanished, and the stored checks.
"""

from collections import ChainMap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, groupby
from operator import attrgetter
from pathlib import Path

from pyoxigraph import Triple

from ..catalogue.catalogue import Catalogue, open_in_memory
from ..catalogue.documents import FOLDERS, SUFFIXES, Document, DocumentSet, UnreadableError
from ..rdf.terms import PG, Term, as_text, local_name
from ..schema.fields import Shapes
from ..schema.lifecycle import Lifecycle
from ..schema.records import RecordReader
from ..schema.shapes.reader import ShapesError
from ..schema.text import Phrases, pick_text, read_phrases
from ..schema.value_parser import ValueParser
from ..schema.vocabularies import Vocabularies
from ..storage.base import Store, parse_term
from ..storage.oxigraph import OxigraphStore
from .findings import (
    UNKNOWN_FILE,
    Finding,
    FindingBuilder,
    Position,
    Region,
    SourceMap,
    ValidationReport,
    file_of_literal,
    files_of_subjects,
    syntax_finding,
)
from .fixes import FixFinder
from .rules import (
    StoredChecks,
    TopicChecker,
    find_faulty_queries,
    find_outdated_versions,
    find_published_iris,
    find_unused_shapes,
    find_vanished_iris,
)
from .shacl import (
    SUBMITTED_SHAPES,
    MessageBuilder,
    ShapesGraph,
    ValidationResult,
    find_faulty_shapes,
    read_shapes,
    strip_brackets,
)
from .triples import (
    LinkChecker,
    TripleChecker,
    ValueChecker,
    has_blanks,
    trim_literal,
    without_blanks,
)

_OTHER_FILE = Path("..")
"""The file of nodes that the store holds beside the documents."""
_FALLBACK = "en"
"""The language of a report where the list of languages is unreadable."""
_CLOSED = "ClosedConstraintComponent"
_UNKNOWN_REGION = Region(Position(0, 0), Position(0, 0))


@dataclass(frozen=True)
class Checker:
    """Checks documents in a store that holds them and all that they refer to.

    `context` is a store with the shapes, and with values to take examples from. `data` is the data
    graph, where it is not all of the store, and `markers` are triples to add to it. Stored checks
    run where the store holds the whole catalogue. `home` returns the file of an entry.
    """

    store: Store
    context: Store
    shapes_graph: ShapesGraph
    shapes: Shapes
    phrases: Phrases
    reader: RecordReader
    lifecycle: Lifecycle
    base: str
    folder: Path
    home: Callable[[str], Path]
    languages: Sequence[str]
    is_whole: bool = True
    link_checker: LinkChecker | None = None
    data: Sequence[Triple] | None = None
    markers: Sequence[Triple] = ()

    def check(
        self,
        documents: Sequence[Document],
        unreadable: Sequence[UnreadableError],
        files: Iterable[Path],
        before: Sequence[Document] = (),
        others: Iterable[Finding] = (),
    ) -> ValidationReport:
        """Return the report on some files of the documents, in order of files.

        It includes what has vanished since the documents of `before`, and other findings. Where
        ontology or schemes of fields are missing, nothing else is judged.
        """
        files, by_node = {UNKNOWN_FILE, *files}, files_of_subjects(documents)
        faults: list[Finding] = []
        findings = [*self._topic_checker.check(documents)]
        try:
            results = [*self._validate(documents, by_node)]
            if any(map(has_blanks, (d for d in documents if d.path in files))):
                results = [*self._with_trimmed(results, documents, by_node)]
            findings += results
        except ShapesError as error:
            if not self.is_whole:
                raise
            faults += self._find_faults(error, by_node)
        values = ValueChecker(
            self.store, self.builder, partial(self._file, files=by_node), self._path_label
        )
        dangling = [*values.find_dangling(self.base)]
        absent = self._missing_documents
        located = (finding for finding in dangling if finding.file != UNKNOWN_FILE)
        of_documents = {finding.value.partition("#")[0]: finding for finding in located}
        if missing := absent & of_documents.keys():
            found = [of_documents[iri] for iri in missing]
            return self.report(found, documents, {*files, *(f.file for f in found)})
        broken = {error.path.stem for error in unreadable}
        findings += [finding for finding in dangling if local_name(finding.value) not in broken]
        findings += values.find_deprecated(self.lifecycle)
        findings += values.find_rewritten(documents)
        checked = [document for document in documents if document.path in files]
        findings += find_outdated_versions(self.builder, checked)
        findings += self._check_triples(checked, findings)
        prefixes = _prefixes(documents)
        errors = (syntax_finding(self.builder, error, prefixes) for error in unreadable)
        findings += [*others, *errors]
        if self.is_whole:
            faults += find_faulty_queries(documents, self.builder, prefixes)
            faulty = {finding.focus_node for finding in faults}
            stored = StoredChecks(self.store, self.builder, by_node, self._path_label, faulty)
            findings += stored.check(files, self.link_checker)
        findings = [*faults, *(finding for finding in findings if finding.file in files)]
        if before:
            published = find_published_iris(before, self.base, self.shapes)
            findings += find_vanished_iris(self.builder, published, before, documents)
        return self.report(findings, documents, files)

    def validate(
        self, documents: Sequence[Document], shapes: Sequence[Document], ontologies: Store
    ) -> ValidationReport:
        """Return the report on documents by SHACL alone, with warnings about the shapes.

        These are of shapes without focus nodes, and of terms that no ontology has.

        Raises UnreadableError with the place of a shape that the engine cannot read.
        """
        files = {UNKNOWN_FILE, *(document.path for document in documents)}
        try:
            results = self._validate(documents, files_of_subjects(documents))
            findings = [finding for finding in results if finding.file in files]
        except ShapesError as error:
            faults = self._locate(self._find_faults(error, files_of_subjects(shapes)), shapes)
            fault = next(iter(faults))
            place = fault.region.start if fault.region else Position(1, 1)
            raise UnreadableError(fault.file, fault.message, *place) from error
        unused = find_unused_shapes(shapes, self.store, self.builder)
        terms = replace(self, context=ontologies)._check_triples(shapes, ())
        unknown = (_of_shapes(f) for f in terms if f.component_name == "UnknownTerm")
        located = sorted(self._locate([*unused, *unknown], shapes), key=_sort_key)
        return self.report(findings, documents, files, located)

    def report(
        self,
        findings: Iterable[Finding],
        documents: Sequence[Document],
        files: Set[Path],
        shape_warnings: Sequence[Finding] = (),
    ) -> ValidationReport:
        """Return the report of findings, with their regions in the documents and their fixes."""
        located = sorted(self._locate(findings, documents), key=_sort_key)
        violations = sum(finding.is_violation for finding in located)
        warnings = len(located) - violations + len(shape_warnings)
        counts = {"violations": violations, "warnings": warnings}
        checked = tuple(sorted(files - {UNKNOWN_FILE}))
        summary = self.builder.phrase("checked", files=len(checked), **counts)
        about = (self.builder.phrase("checkReport"), summary, tuple(self.languages))
        return ValidationReport(tuple(located), checked, *about, tuple(shape_warnings))

    @property
    def builder(self) -> FindingBuilder:
        """The builder of its findings."""
        return FindingBuilder(self.phrases, self.reader, self.languages)

    @property
    def _fix_finder(self) -> FixFinder:
        values = ValueParser(self.shapes, self.reader.vocabularies, self.phrases)
        return FixFinder(self.context, values, self.builder, self.lifecycle)

    @property
    def _missing_documents(self) -> set[str]:
        """The ontology and the schemes of fields, where no document describes them."""
        if not self.is_whole:
            return set()
        schemes = {f.scheme for f in self.shapes.fields.values() if f.scheme}
        missing = schemes - self.reader.vocabularies.lists.keys()
        ontology = PG.removesuffix("#")
        return missing if self.store.is_subject(ontology) else {*missing, ontology}

    @property
    def _topic_checker(self) -> TopicChecker:
        topics, places = self.store.graph_names(), (self.folder, self.home)
        return TopicChecker(self.shapes, self.context, topics, self.base, self.builder, *places)

    @property
    def _message_builder(self) -> MessageBuilder:
        reader = replace(self.reader, store=self.context)
        return MessageBuilder(self.context, self.shapes, self.phrases, reader, self.languages)

    def _check_triples(
        self, documents: Iterable[Document], findings: Iterable[Finding]
    ) -> Iterator[Finding]:
        """Yield the findings about single triples, but for paths that a closed shape rejects."""
        rejected = {(f.focus_node, f.result_path) for f in findings if f.component_name == _CLOSED}
        checker = TripleChecker(
            self.context, self.builder, self.base, self.shapes.languages, self._path_label
        )
        for finding in checker.check(documents):
            if (finding.focus_node, finding.result_path) not in rejected:
                yield finding

    def _locate(
        self, findings: Iterable[Finding], documents: Iterable[Document]
    ) -> Iterator[Finding]:
        by_file = {document.path: document for document in documents}
        get_file = attrgetter("file")
        for file, some in groupby(sorted(findings, key=get_file), get_file):
            document = by_file.get(file)
            if document and document.content:
                for finding in self._fix_finder.with_fixes(some, SourceMap.build(document)):
                    topic = finding.focus_node.partition("#")[0]
                    yield replace(finding, sheet=document.sheets.get(topic, ""))
            else:
                yield from some

    def ignored_file(self, path: Path) -> Finding:
        """Return the finding about a file in a catalogue's folders that is not read."""
        if not path.exists():
            return self.builder.violation(path, "LinkBroken")
        folders = ", ".join(FOLDERS)
        detail = self.builder.phrase("FileIgnored", suffixes=SUFFIXES, folders=folders)
        return self.builder.as_warning(self.builder.violation(path, "FileIgnored", detail=detail))

    def _with_trimmed(
        self,
        results: Iterable[Finding],
        documents: Sequence[Document],
        files: Mapping[str, Path],
    ) -> Iterator[Finding]:
        """Yield results and those of data without blanks at ends; say which are of one alone."""
        before = {without_blanks(finding): finding for finding in results}
        after = {without_blanks(f): f for f in self._validate(documents, files, trim_literal)}
        for key, finding in before.items():
            term = parse_term(finding.value_term or '""')
            right = trim_literal(term)
            if key in after or right == term:
                yield finding
            else:
                detail = self.builder.phrase("OnlyBlanks", reason=finding.detail)
                yield replace(finding, detail=detail, replacement=str(right))
        for finding in (after[key] for key in after if key not in before):
            detail = self.builder.phrase("BehindBlanks", reason=finding.detail)
            yield replace(finding, detail=detail)

    def _validate(
        self,
        documents: Sequence[Document],
        files: Mapping[str, Path],
        change: Callable[[Term], Term] | None = None,
    ) -> Iterator[Finding]:
        """Yield the results of SHACL, where given for the data with changed objects."""
        stored = (quad.triple for quad in self.store.union())
        data: Iterable[Triple] = stored if self.data is None else self.data
        if change:
            data = (Triple(t.subject, t.predicate, change(t.object)) for t in data)
        for result in self.shapes_graph.validate(chain(data, self.markers)):
            node = result.focus_node
            is_literal = node.startswith('"')
            file = file_of_literal(node, documents) if is_literal else self._file(node, files)
            if file != _OTHER_FILE:
                yield self._finding(result, file)

    def _find_faults(self, error: ShapesError, files: Mapping[str, Path]) -> Iterator[Finding]:
        """Yield a violation for each shape that the engine cannot read, at least one."""
        for shape, reason in (find_faulty_shapes(self.context) or {"": str(error)}).items():
            detail = self._message_builder.describe_fault(reason)
            file = files.get(shape) or next(iter(files.values()), UNKNOWN_FILE)
            yield self.builder.violation(file, "FaultyShape", shape, detail=detail)

    def _file(self, node: str, files: Mapping[str, Path]) -> Path:
        node = strip_brackets(node)
        if node in files or not _is_iri(node) or not self.store.is_subject(node):
            return files.get(node, UNKNOWN_FILE)
        return _OTHER_FILE

    def _finding(self, result: ValidationResult, file: Path) -> Finding:
        focus_node, path = strip_brackets(result.focus_node), strip_brackets(result.result_path)
        field, severity = self.shapes.fields.get(result.source_shape), local_name(result.severity)
        return Finding(
            file=file,
            focus_node=focus_node,
            source_constraint_component=result.source_constraint_component,
            source_shape=result.source_shape,
            severity=result.severity,
            severity_label=self.builder.phrase(severity),
            detail=self._message_builder.message(result),
            result_path=path,
            value=_parse_value(result.value),
            focus_label=self.reader.label(focus_node, self.languages)
            if _is_iri(focus_node)
            else "",
            path_label=pick_text(field.names, self.languages) if field else path,
            hint=pick_text(field.hints, self.languages)
            if field
            else self._record_hint(result.source_shape, focus_node, path),
            value_term=result.value,
            messages=result.messages,
            path_triples=result.path_triples,
        )

    def _record_hint(self, shape: str, focus_node: str, path: str) -> str:
        """Return where a statement of an entry belongs if that is its catalogue record."""
        kind = next((kind for kind in self.shapes.node_shapes if kind.iri == shape), None)
        if not kind or path not in {name for _, name in kind.keys_by_via}:
            return ""
        return self.builder.phrase("belongsToRecord", record=kind.record_iri(focus_node))

    def _path_label(self, subject: str, predicate: str) -> str:
        kind = self.shapes.find_node_shape(self.reader.read_classes(subject))
        field = self.shapes.find_field(kind, predicate)
        return pick_text(field.names, self.languages) if field else predicate


def check(
    root: Path,
    contents: DocumentSet,
    files: Iterable[Path],
    language: str | None = None,
    link_checker: LinkChecker | None = None,
) -> ValidationReport:
    """Check some files of a catalogue, with messages in the language or the fallback.

    Links are followed by the link checker, or not at all. Raises UnknownLanguageError.
    """
    if report := check_syntax(root, contents, language):
        return report
    checker = build_checker(open_in_memory(contents.documents, root), language, link_checker)
    ignored = map(checker.ignored_file, contents.ignored)
    return checker.check(contents.documents, contents.unreadable, files, others=ignored)


def check_syntax(
    root: Path, contents: DocumentSet, language: str | None
) -> ValidationReport | None:
    """Return the report on the unreadable files of a catalogue's domain, or None.

    Without its ontology, shapes and stored queries, nothing else can be judged.
    """
    folders = [(root / name).resolve() for name in FOLDERS[:3]]
    errors = [e for e in contents.unreadable if set(folders) & set(e.path.resolve().parents)]
    return report_unreadable(replace(contents, unreadable=tuple(errors)), language)


def report_unreadable(contents: DocumentSet, language: str | None) -> ValidationReport | None:
    """Return the report on unreadable files, or None; the phrases are those that are readable."""
    errors = contents.unreadable
    if not errors:
        return None
    store = OxigraphStore()
    store.add(quad for document in contents.documents for quad in document.quads)
    phrases, languages = read_phrases(store), (language or _FALLBACK,)
    builder = FindingBuilder(phrases, RecordReader(store, Vocabularies({}, {}, ()), ()), languages)
    prefixes = _prefixes(contents.documents)
    findings = tuple(syntax_finding(builder, error, prefixes) for error in errors)
    files = tuple(error.path for error in errors)
    summary = builder.phrase("checked", files=len(files), violations=len(files), warnings=0)
    return ValidationReport(findings, files, builder.phrase("checkReport"), summary, languages)


def build_checker(
    catalogue: Catalogue,
    language: str | None = None,
    link_checker: LinkChecker | None = None,
    shapes_graph: ShapesGraph | None = None,
) -> Checker:
    """Return the checker of a catalogue, with messages in the language.

    Raises UnknownLanguageError.
    """
    return Checker(
        store=catalogue.store,
        context=catalogue.store,
        shapes_graph=shapes_graph or read_shapes(catalogue.store),
        shapes=catalogue.shapes,
        phrases=catalogue.phrases,
        reader=catalogue.reader,
        lifecycle=catalogue.lifecycle,
        base=catalogue.base,
        folder=catalogue.folder,
        home=catalogue.path_of_iri,
        languages=catalogue.preferred_languages(language),
        link_checker=link_checker,
    )


def _prefixes(documents: Iterable[Document]) -> Mapping[str, str]:
    return ChainMap(*(dict(document.prefixes) for document in documents))


def _of_shapes(finding: Finding) -> Finding:
    """Return a finding about shapes with the blank node that has none of their IRIs."""
    node = finding.focus_node.replace(SUBMITTED_SHAPES, "_:")
    return replace(finding, focus_node=node)


def _is_iri(node: str) -> bool:
    """Return whether a focus node is an IRI, not a blank node or a literal (section 1.5)."""
    return not node.startswith(("_:", '"'))


def _sort_key(finding: Finding) -> tuple[str, Region, tuple[str, ...]]:
    words = (finding.focus_node, finding.path_label, finding.component_name, finding.value)
    return str(finding.file), finding.region or _UNKNOWN_REGION, words


def _parse_value(value: str) -> str:
    """Return the value of a result; "" for a blank node, whose name does not last."""
    return "" if not value or value.startswith("_:") else as_text(parse_term(value))
