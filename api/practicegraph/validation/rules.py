"""The rules of a catalogue beside SHACL.

Topics: a file describes its own, and is in its place. IRIs: none that others may link to vanishes.
Shapes of clients: each targets a node. Versions: a topic that states the checksum of all else in
its document, as of its version (`owl:versionInfo`), states the right one.

Stored queries with a severity: a row has the focus node as `?this`, and at `?path` a `?value` that
is wrong or a `?missing` one. In the query's message, `{?name}` stands for the row's term of that
name (SHACL, section 5.3.2).
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path

from pyoxigraph import BlankNode, Literal, NamedNode, Quad

from ..catalogue.documents import FOLDERS, TOPIC_SUFFIX, Document
from ..rdf.syntax_errors import known_prefix
from ..rdf.terms import OWL, PG, SKOS, TYPE, Term, as_text, local_name
from ..schema import vocabularies
from ..schema.fields import NodeShape, Shapes
from ..schema.shapes.constraints import (
    SPARQL_COMPONENT,
    ShapeReader,
    StoredCheck,
    read_stored_checks,
    shacl_term,
)
from ..schema.shapes.reader import ShapesError
from ..schema.text import pick_text
from ..storage import query_guard
from ..storage.base import QueryRefusedError, Solution, Store
from ..storage.oxigraph import OxigraphStore
from .findings import Finding, FindingBuilder
from .triples import LinkChecker, as_name, query_region

_CHECKSUM = NamedNode(PG + "checksum")
_VERSION = NamedNode(OWL + "versionInfo")
_IN_SCHEME = NamedNode(SKOS + "inScheme")
_PHRASE = NamedNode(PG + "Phrase")
_IDENTIFIER = r"[^\s/#?:]+"
_THIS = re.compile(r"[?$]this\b")
_VARIABLE = re.compile(r"\{[?$](\w+)\}")


@dataclass(frozen=True)
class TopicChecker:
    """Checks the topics of documents.

    `topics` are those of all files. `home` returns the file below the folder in which a record
    belongs. `context` is a store with all files.
    """

    shapes: Shapes
    context: Store
    topics: Set[str]
    base: str
    builder: FindingBuilder
    folder: Path
    home: Callable[[str], Path]

    def check(self, documents: Iterable[Document]) -> Iterator[Finding]:
        """Yield what is wrong with the topics of documents."""
        classes = {
            name for kind in self.shapes.node_shapes if kind.is_topic for name in kind.classes
        }
        first: dict[str, Path] = {}
        for document in documents:
            if not document.topics:
                yield self._finding(document, "NoTopic", "", self.builder.phrase("blankTopic"))
            for topic in document.topics:
                if topic in first:
                    detail = self.builder.phrase("SameTopic", other=first[topic])
                    yield self._finding(document, "SameTopic", topic, detail)
                first.setdefault(topic, document.path)
            described = _find_instances(document, classes)
            foreign = described | self._foreign_subjects(document)
            parts = {name for name in foreign if "#" in name and name.partition("#")[0] in foreign}
            for other in sorted(foreign - parts - set(document.topics)):
                detail = self.builder.phrase("OneTopic", topic=document.topics[0])
                yield self._finding(document, "OneTopic", other, detail)
            for topic in sorted(set(document.topics) - described):
                yield self._finding(document, "NoTopic", topic, "")
            yield from self._outside(document)
            yield from self._misplaced(document)

    def _outside(self, document: Document) -> Iterator[Finding]:
        """Yield the entries whose IRIs do not answer, since they begin with something else."""
        for start, kind in self.shapes.namespaces(self.base).items():
            for subject in sorted(_find_instances(document, kind.classes)):
                if not re.fullmatch(re.escape(start) + _IDENTIFIER, subject):
                    detail = self.builder.phrase("OutsideBase", start=start)
                    finding = self._finding(document, "OutsideBase", subject, detail)
                    identifier = _find_identifier(document, subject, kind)
                    right = str(NamedNode(start + identifier)) if identifier else ""
                    yield replace(finding, replacement=right)

    def _misplaced(self, document: Document) -> Iterator[Finding]:
        """Yield the topic of a file that is not where imports look for it."""
        home = path = document.path
        is_ours = any(path.is_relative_to(self.folder / name) for name in FOLDERS)
        if path.suffix != TOPIC_SUFFIX or not is_ours:
            return
        topic = document.topics[0]
        if any(map(topic.startswith, self.shapes.namespaces(self.base))):
            home = self.home(topic)
        elif path.is_relative_to(self.folder / FOLDERS[-1]) and self._is_of_domain(document):
            home = self.folder / FOLDERS[0] / path.name
        if home != path and not home.exists():
            place = home.relative_to(self.folder).as_posix()
            detail = self.builder.phrase("Misplaced", place=place)
            yield self.builder.as_warning(self._finding(document, "Misplaced", topic, detail))

    def _is_of_domain(self, document: Document) -> bool:
        """Return whether a document is of a kind that has no folder of its own."""
        kinds = (k for k in self.shapes.node_shapes if k.is_topic and not k.collection)
        classes = {name for kind in kinds for name in kind.classes}
        return document.topics[0] in _find_instances(document, classes)

    def _finding(self, document: Document, rule: str, focus_node: str, detail: str) -> Finding:
        return self.builder.violation(document.path, rule, focus_node, detail=detail)

    def _foreign_subjects(self, document: Document) -> set[str]:
        """Return the subjects that belong to another file: its topic, or an entry's IRI.

        Of these, what another file states too is left out, such as the labels in our documents.
        """
        subjects = {q.subject.value for q in document.quads if isinstance(q.subject, NamedNode)}
        wholes = {subject: subject.partition("#")[0] for subject in subjects}
        records = tuple(self.shapes.namespaces(self.base))
        return {
            subject
            for subject, whole in wholes.items()
            if whole not in document.topics
            and (whole.startswith(records) or (whole == subject and whole in self.topics))
            and not self._is_repeated(document, NamedNode(subject))
        }

    def _is_repeated(self, document: Document, subject: NamedNode) -> bool:
        return all(
            any(
                getattr(other.graph_name, "value", "") not in document.topics
                for other in self.context.quads(subject, quad.predicate, quad.object)
            )
            for quad in document.quads
            if quad.subject == subject
        )


def _find_identifier(document: Document, record: str, kind: NodeShape) -> str:
    """Return the identifier that a record states, else the end of its IRI, or ""."""
    properties = {field.predicate for field in kind.fields_with_role("IDRole")}
    stated = [
        as_text(quad.object)
        for quad in document.quads
        if quad.subject == NamedNode(record) and quad.predicate.value in properties
    ]
    names = (*stated, re.split("[/#:]", record)[-1])
    return next((name for name in names if re.fullmatch(_IDENTIFIER, name)), "")


def _find_instances(document: Document, classes: Iterable[str]) -> set[str]:
    nodes = {NamedNode(name) for name in classes}
    return {
        quad.subject.value
        for quad in document.quads
        if quad.predicate == TYPE and quad.object in nodes and isinstance(quad.subject, NamedNode)
    }


def find_published_iris(
    documents: Iterable[Document], base: str, shapes: Shapes
) -> dict[str, Path]:
    """Return the IRIs that others may link to, with their files.

    Those are the subjects below the base and the concepts of our schemes, whatever their base, but
    for the parts of an entry and the phrases of a page.
    """
    files: dict[str, Path] = {}
    records = tuple(shapes.namespaces(base))
    for document in documents:
        ours = {q.subject for q in document.quads if _is_ours(q, base)}
        phrases = {q.subject for q in document.quads if q.object == _PHRASE}
        for subject in ours - phrases:
            assert isinstance(subject, NamedNode)
            if not (subject.value.startswith(records) and "#" in subject.value):
                files.setdefault(subject.value, document.path)
    return files


def find_vanished_iris(
    builder: FindingBuilder,
    published: Mapping[str, Path],
    before: Iterable[Document],
    after: Iterable[Document],
) -> Iterator[Finding]:
    """Yield a violation for each published IRI that nothing describes now, by its former label."""
    store = OxigraphStore()
    store.add(quad for document in before for quad in document.quads)
    former = vocabularies.read_vocabularies(store)
    reader = replace(builder.reader, store=store, vocabularies=former)
    described = {
        q.subject.value for d in after for q in d.quads if isinstance(q.subject, NamedNode)
    }
    for iri in sorted(published.keys() - described):
        hint = builder.phrase("vanishedHint")
        yield replace(builder, reader=reader).violation(
            published[iri], "Vanished", iri, value=iri, hint=hint
        )


def _is_ours(quad: Quad, base: str) -> bool:
    if not isinstance(quad.subject, NamedNode):
        return False
    return quad.subject.value.startswith(base) or (
        quad.predicate == _IN_SCHEME
        and isinstance(quad.object, NamedNode)
        and quad.object.value.startswith(base)
    )


def find_outdated_versions(
    builder: FindingBuilder, documents: Iterable[Document]
) -> Iterator[Finding]:
    """Yield a warning for each stated checksum that is not that of the content."""
    for document in documents:
        for topic in map(NamedNode, document.topics):
            own = {q.predicate: q.object for q in document.quads if q.subject == topic}
            stated, version = own.get(_CHECKSUM), own.get(_VERSION)
            computed = compute_content_checksum(document) if stated else ""
            if not isinstance(stated, Literal) or stated.value == computed:
                continue
            words = version.value if isinstance(version, Literal) else ""
            detail = builder.phrase("Version", version=words)
            finding = builder.violation(
                document.path, "Version", topic.value, detail=detail, value=stated.value
            )
            path, right = _CHECKSUM.value, str(Literal(computed))
            yield builder.as_warning(
                replace(finding, result_path=path, value_term=str(stated), replacement=right)
            )


def compute_content_checksum(document: Document) -> str:
    """Return the SHA-256 of what a document says of others than its topic.

    These are the triples without blank nodes, as canonical N-Triples in order of code points.
    """
    topics = set(map(NamedNode, document.topics))
    others = (quad.triple for quad in document.quads if quad.subject not in topics)
    lines = sorted(
        f"{triple.subject} {triple.predicate} {triple.object} .\n"
        for triple in others
        if not isinstance(triple.subject, BlankNode) and not isinstance(triple.object, BlankNode)
    )
    return hashlib.sha256("".join(lines).encode()).hexdigest()


@dataclass(frozen=True)
class StoredChecks:
    """Runs the stored checks of a store but for faulty ones; `files` are those of focus nodes."""

    store: Store
    builder: FindingBuilder
    files: Mapping[str, Path]
    path_label: Callable[[str, str], str]
    faulty: Set[str] = frozenset()

    def check(self, files: Set[Path], link_checker: LinkChecker | None) -> Iterator[Finding]:
        """Yield the findings in some files; without a link checker, no link is followed.

        Raises ShapesError for a check that cannot be evaluated.
        """
        for check in read_stored_checks(self.store):
            if check.iri in self.faulty or (check.follows_links and not link_checker):
                continue
            rows = [row for row in _evaluate(self.store, check) if self._file(row) in files]
            if check.follows_links and link_checker:
                rows = list(_with_answers(rows, link_checker))
            yield from (self._finding(check, row) for row in rows)

    def _file(self, row: Solution) -> Path | None:
        return self.files.get(as_text(row["this"])) if isinstance(row["this"], NamedNode) else None

    def _finding(self, check: StoredCheck, row: Solution) -> Finding:
        focus_node, file = as_text(row["this"]), self._file(row)
        path = as_text(row["path"]) if "path" in row else ""
        value, missing = row.get("value"), row.get("missing")
        shown = value if value is not None else missing
        assert file is not None
        finding = self.builder.violation(
            file,
            local_name(SPARQL_COMPONENT),
            focus_node,
            detail=self._detail(check, row),
            path_label=self._label(focus_node, path),
            value=as_text(shown) if isinstance(shown, NamedNode | Literal) else "",
        )
        return replace(
            finding,
            source_constraint_component=SPARQL_COMPONENT,
            source_shape=check.iri,
            severity=check.severity,
            severity_label=self.builder.phrase(local_name(check.severity)),
            result_path=path,
            value_term="" if value is None else str(value),
            missing_term="" if missing is None else str(missing),
        )

    def _label(self, focus_node: str, path: str) -> str:
        label = self.path_label(focus_node, path) if path else ""
        return label if label != path else local_name(path)

    def _detail(self, check: StoredCheck, row: Solution) -> str:
        message = pick_text(check.messages, self.builder.languages)
        return _VARIABLE.sub(lambda match: self._name(row.get(match[1])), message)

    def _name(self, term: Term | None) -> str:
        if isinstance(term, NamedNode):
            return self.builder.reader.label(term.value, self.builder.languages) or term.value
        return term.value if isinstance(term, Literal) else ""


def find_faulty_queries(
    documents: Iterable[Document], builder: FindingBuilder, prefixes: Mapping[str, str]
) -> Iterator[Finding]:
    """Yield violations for the stored queries that cannot be run, where they are wrong."""
    for document in documents:
        error = _find_fault(document) if document.sparql else None
        if error is None:
            continue
        reason = builder.phrase(error.hint, **known_prefix(error.words, prefixes))
        detail = builder.phrase("FaultyQuery", reason=reason)
        finding = builder.violation(document.path, "FaultyQuery", document.topics[0], detail=detail)
        yield replace(finding, region=query_region(document, error.line, error.column))


def _find_fault(document: Document) -> QueryRefusedError | None:
    """Return the error of a stored query that is no SPARQL, calls others, or is no check."""
    try:
        query_guard.check_service_calls(document.sparql)
        OxigraphStore().results(document.sparql, "json")
    except QueryRefusedError as error:
        return error if error.hint else QueryRefusedError(hint="notQuery")
    is_check = any(quad.predicate == shacl_term("severity") for quad in document.quads)
    if is_check and not _THIS.search(document.sparql):
        return QueryRefusedError(hint="checkWithoutThis")
    return None


def _evaluate(store: Store, check: StoredCheck) -> list[Solution]:
    try:
        query_guard.check_service_calls(check.text)
        rows = list(store.select(check.text))
    except (QueryRefusedError, SyntaxError, ValueError) as error:
        raise ShapesError(f"{check.iri}: {error}") from error
    if not _THIS.search(check.text) or any("this" not in row for row in rows):
        raise ShapesError(f"{check.iri}: a check selects ?this, the focus node")
    return rows


def _with_answers(rows: Iterable[Solution], link_checker: LinkChecker) -> Iterator[Solution]:
    """Yield the rows whose values do not answer, with the reason as `?answer`."""
    links = [(row, value) for row in rows if isinstance(value := row.get("value"), NamedNode)]
    dead = link_checker({iri.value for _, iri in links})
    for row, iri in links:
        if iri.value in dead:
            yield {**row, "answer": Literal(dead[iri.value])}


def find_unused_shapes(
    documents: Sequence[Document], data: Store, builder: FindingBuilder
) -> Iterator[Finding]:
    """Yield warnings for the shapes of documents that target no node of a data graph."""
    store = OxigraphStore()
    store.add(quad for document in documents for quad in document.quads)
    shapes = ShapeReader(store)
    targeted = shapes.shapes_with_targets()
    if not targeted:
        yield builder.as_warning(builder.violation(documents[0].path, "NoTarget"))
    files = {quad.subject: document.path for document in documents for quad in document.quads}
    for shape in targeted:
        if not shapes.has_focus_node(shape, data):
            targets = ", ".join([*shapes.targets(shape), *shapes.inverse_targets(shape)])
            finding = builder.violation(files[shape], "NoFocusNode", as_name(shape), value=targets)
            yield builder.as_warning(finding)
