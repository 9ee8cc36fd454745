"""What is wrong with a catalogue, said so that a steward can mend it.

Beside SHACL: files that are no RDF, files with several topics or none, links to IRIs of ours that
nothing describes, what `promises` says of what is no longer current, and the questions of `audits`.

The promise that every IRI answers for ever, as rules of a check.

What a later state of a catalogue no longer describes has vanished. What is no longer current is
still described, but nothing current ought to go on mentioning it.

What each file is about: things that it describes, and that no other file is about.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from pyoxigraph import Literal, NamedNode, Quad

from ..catalogue.catalogue import Catalogue, open_in_memory
from ..catalogue.documents import Document, DocumentSet, UnreadableError
from ..rdf.namespaces import PG, RDF, SKOS
from ..rdf.terms import Term, as_text
from ..schema import lifecycle, vocabularies
from ..schema.fields import Shapes
from ..schema.lifecycle import DEPRECATED, IS_REPLACED_BY, Deprecation, Lifecycle
from ..schema.messages import Phrases
from ..schema.records import RecordReader
from ..schema.text import pick_text
from ..schema.value_parser import ValueParser
from ..storage.base import Store, parse_term
from ..storage.oxigraph import OxigraphStore
from . import shacl
from .findings import Finding, FindingBuilder, MessageBuilder, Position, Region, ValidationReport
from .fixes import FixFinder, SourceMap
from .shacl import ShapesGraph, compile_shapes
from .stored_checks import Fetch, StoredChecks

_OUTDATED = f"""
SELECT DISTINCT ?subject ?property ?value
WHERE {{
    ?value <{DEPRECATED}> true .
    ?subject ?property ?value .
    FILTER (isIRI(?subject))
    FILTER (?property NOT IN (<{IS_REPLACED_BY}>, <{SKOS}hasTopConcept>, <{SKOS}narrower>))
    FILTER NOT EXISTS {{ ?subject <{DEPRECATED}> true }}
}}
ORDER BY ?subject ?property ?value
"""
_IN_SCHEME = NamedNode(SKOS + "inScheme")
_PHRASE = NamedNode(PG + "Phrase")


def outdated(store: Store, known: Lifecycle) -> Iterator[tuple[str, str, Deprecation]]:
    """Give what is current and mentions what is not: thing, property, and what it mentions.

    The places that a concept keeps in its scheme do not count.
    """
    for row in store.select(_OUTDATED):
        deprecation = known.get(as_text(row["value"]))
        if deprecation:
            yield as_text(row["subject"]), as_text(row["property"]), deprecation


def warning(
    reporter: FindingBuilder, path: Path, subject: str, field: str, deprecation: Deprecation
) -> Finding:
    """Give the warning that a thing mentions what is no longer current, with what to put there."""
    found = reporter.violation(path, "Deprecated", subject, field=field, value=deprecation.iri)
    return reporter.as_warning(replace(found, hint=_instead(reporter, deprecation.successor)))


def find_published_iris(documents: Iterable[Document], base: str, entries: str) -> dict[str, Path]:
    """Give the IRIs that others may link to, with their files.

    Those are the subjects below the base and the concepts of our schemes, whatever their base.
    The parts of an entry come and go with it, and nobody links to the words of a page.
    """
    homes: dict[str, Path] = {}
    for document in documents:
        ours = {q.subject for q in document.quads if _is_ours(q, base)}
        words = {q.subject for q in document.quads if q.object == _PHRASE}
        for subject in ours - words:
            assert isinstance(subject, NamedNode)
            if not (subject.value.startswith(entries) and "#" in subject.value):
                homes.setdefault(subject.value, document.path)
    return homes


def find_vanished_iris(
    reporter: FindingBuilder,
    homes: Mapping[str, Path],
    before: Iterable[Document],
    after: Iterable[Document],
) -> Iterator[Finding]:
    """Give a violation for every published IRI that is no more described, as it was called."""
    store = OxigraphStore()
    store.add(quad for document in before for quad in document.quads)
    known = vocabularies.read_vocabularies(store, lifecycle.read_lifecycle(store))
    former = replace(reporter, reader=replace(reporter.reader, store=store, vocabularies=known))
    described = {
        q.subject.value for d in after for q in d.quads if isinstance(q.subject, NamedNode)
    }
    for iri in sorted(homes.keys() - described):
        hint = reporter.say("vanishedHint")
        yield former.violation(homes[iri], "Vanished", iri, value=iri, hint=hint)


def _instead(reporter: FindingBuilder, successor: str) -> str:
    if not successor:
        return reporter.say("takeOut")
    name = reporter.reader.label(successor, reporter.languages)
    return reporter.say("insteadOf", name=name or successor, iri=successor)


def _is_ours(quad: Quad, base: str) -> bool:
    if not isinstance(quad.subject, NamedNode):
        return False
    return quad.subject.value.startswith(base) or (
        quad.predicate == _IN_SCHEME
        and isinstance(quad.object, NamedNode)
        and quad.object.value.startswith(base)
    )


@dataclass(frozen=True)
class TopicChecker:
    """Checks topics, of which `owned` are all there are; `entries` is how entries' IRIs begin."""

    shapes: Shapes
    owned: Set[str]
    entries: str
    reporter: FindingBuilder

    def findings(self, documents: Iterable[Document]) -> Iterator[Finding]:
        """Give what is wrong with the topics of documents."""
        classes = {
            name for kind in self.shapes.node_shapes if kind.is_topic for name in kind.classes
        }
        first: dict[str, Path] = {}
        for document in documents:
            for topic in document.topics:
                if topic in first:
                    reason = self.reporter.say("SameTopic", other=first[topic])
                    yield self.reporter.violation(document.path, "SameTopic", topic, reason=reason)
                first.setdefault(topic, document.path)
            described = _of_classes(document, classes)
            strange = described | self._of_others(document)
            for other in sorted(strange - set(document.topics)):
                reason = self.reporter.say("OneTopic", topic=document.topics[0])
                yield self.reporter.violation(document.path, "OneTopic", other, reason=reason)
            for topic in sorted(set(document.topics) - described):
                reason = self.reporter.say("NoTopic")
                yield self.reporter.violation(document.path, "NoTopic", topic, reason=reason)

    def _of_others(self, document: Document) -> set[str]:
        """Give the subjects that belong to another file: its topic, or an entry's address."""
        subjects = {q.subject.value for q in document.quads if isinstance(q.subject, NamedNode)}
        whole = {subject: subject.partition("#")[0] for subject in subjects}
        return {
            subject
            for subject, thing in whole.items()
            if thing not in document.topics
            and (thing.startswith(self.entries) or (thing == subject and thing in self.owned))
        }


def _of_classes(document: Document, classes: Iterable[str]) -> set[str]:
    wanted = {NamedNode(name) for name in classes}
    return {
        quad.subject.value
        for quad in document.quads
        if quad.predicate.value == RDF + "type"
        and quad.object in wanted
        and isinstance(quad.subject, NamedNode)
    }


_NOWHERE = Path()
"""Where findings about blank nodes are put, since nothing tells which file they are from."""
_ELSEWHERE = Path("..")
"""Where findings are put about things of which the store holds a part, beside the documents."""

_UNPLACED = Region(Position(0, 0), Position(0, 0))
_DANGLING = """
SELECT DISTINCT ?subject ?property ?value
WHERE {{
    ?subject ?property ?value .
    FILTER (isIRI(?value) && STRSTARTS(STR(?value), {base}))
    FILTER (?property != <http://www.w3.org/2002/07/owl#versionIRI>)
    FILTER NOT EXISTS {{ ?value ?any ?thing }}
}}
ORDER BY ?subject ?property ?value
"""


@dataclass(frozen=True)
class Checker:
    """Checks documents in a store that holds them and all that they refer to.

    The context is a store with the shapes, and with values to take examples from; the questions
    of audits are asked of one that holds everything, or not at all.
    """

    store: Store
    context: Store
    rules: shacl.ShapesGraph | shacl.Beside
    shapes: Shapes
    phrases: Phrases
    reader: RecordReader
    lifecycle: Lifecycle
    base: str
    languages: Sequence[str]
    audited: Store | None
    fetch: Fetch | None = None
    held: Store | None = None
    """What is held against the rules, where that is not all of the store."""

    def check(
        self,
        documents: Sequence[Document],
        unreadable: Sequence[UnreadableError],
        wanted: Iterable[Path],
        before: Sequence[Document] = (),
        others: Iterable[Finding] = (),
    ) -> ValidationReport:
        """Give what is wrong in the wanted ones of the documents, in order of files.

        What vanished since the documents of `before` is given too, and what was found by others.
        """
        homes = _homes(documents)
        found = [*self._topics.findings(documents), *self._shacl(homes), *self._dangling(homes)]
        found += [self._unreadable(error) for error in unreadable]
        found += [*self._outdated(homes), *others]
        files = {_NOWHERE, *wanted}
        if self.audited:
            auditor = StoredChecks(self.audited, self.reporter, homes, self._field_name)
            found += auditor.findings(files, self.fetch)
        wrong = [finding for finding in found if finding.path in files]
        if before:
            published = find_published_iris(before, self.base, self._entries)
            wrong += find_vanished_iris(self.reporter, published, before, documents)
        return self.checked(wrong, documents, files)

    def check_by_rules(
        self, documents: Sequence[Document], wanted: Iterable[Path]
    ) -> ValidationReport:
        """Give what the rules alone do not admit in the wanted ones of the documents."""
        files = {_NOWHERE, *wanted}
        found = self._shacl(_homes(documents))
        return self.checked((f for f in found if f.path in files), documents, files)

    def checked(
        self, wrong: Iterable[Finding], documents: Sequence[Document], files: Set[Path]
    ) -> ValidationReport:
        """Give findings with their places in the documents and their mends, and the summary."""
        findings = sorted(self._placed(wrong, documents), key=_place)
        violations = sum(finding.violates for finding in findings)
        counts = {"violations": violations, "warnings": len(findings) - violations}
        listed = tuple(sorted(files - {_NOWHERE}))
        summary = self.reporter.say("checked", files=len(listed), **counts)
        title = self.reporter.say("checkReport")
        return ValidationReport(tuple(findings), listed, title, summary, tuple(self.languages))

    @property
    def reporter(self) -> FindingBuilder:
        """Give what words its findings."""
        return FindingBuilder(self.phrases, self.reader, self.languages)

    @property
    def _mender(self) -> FixFinder:
        known = ValueParser(self.shapes, self.reader.vocabularies, self.phrases)
        return FixFinder(self.context, known, self.reporter, self.lifecycle)

    @property
    def _entries(self) -> str:
        """Give how the addresses of entries begin."""
        return f"{self.base}{self.shapes.entry_shape.segment}/"

    @property
    def _topics(self) -> TopicChecker:
        return TopicChecker(self.shapes, self.store.graph_names(), self._entries, self.reporter)

    @property
    def _reasons(self) -> MessageBuilder:
        reader = replace(self.reader, store=self.context)
        return MessageBuilder(self.context, self.shapes, self.phrases, reader, self.languages)

    def _placed(
        self, findings: Iterable[Finding], documents: Iterable[Document]
    ) -> Iterator[Finding]:
        """Give the findings with the parts of their files that they are about, and their mends."""
        read = {document.path: document for document in documents}
        for path, some in groupby(sorted(findings, key=_path), _path):
            if path in read and read[path].content:
                yield from self._mender.mended(some, SourceMap.of(read[path]))
            else:
                yield from some

    def _unreadable(self, error: UnreadableError) -> Finding:
        reason = self.reporter.say("Syntax", reason=error.reason)
        found = self.reporter.violation(error.path, "Syntax", reason=reason)
        start = Position(error.line, error.column)
        return replace(found, part=Region(start, start))

    def _shacl(self, homes: Mapping[str, Path]) -> Iterator[Finding]:
        held = self.held or self.store
        for result in self.rules.results(quad.triple for quad in held.quads()):
            path = self._home(result.focus.strip("<>"), homes)
            if path != _ELSEWHERE:
                yield self._of_result(result, path)

    def _home(self, thing: str, homes: Mapping[str, Path]) -> Path:
        if thing in homes or thing.startswith("_:") or not self.store.is_subject(thing):
            return homes.get(thing, _NOWHERE)
        return _ELSEWHERE

    def _of_result(self, result: shacl.ValidationResult, path: Path) -> Finding:
        focus = result.focus.strip("<>")
        field, term = self.shapes.fields.get(result.shape), _term(result.value)
        return Finding(
            path=path,
            rule=result.component,
            shape=result.shape,
            severity=result.severity,
            level=self.reporter.say(result.severity),
            focus=focus,
            subject=self.reader.label(focus, self.languages),
            field=pick_text(field.names, self.languages) if field else result.path.strip("<>"),
            value="" if term is None else term.value,
            reason=self._reasons.reason(result),
            hint=pick_text(field.hints, self.languages) if field else "",
            predicate=result.path.strip("<>"),
            term="" if term is None else str(term),
        )

    def _dangling(self, homes: Mapping[str, Path]) -> Iterator[Finding]:
        for row in self.store.select(_DANGLING.format(base=Literal(self.base))):
            subject, predicate, value = (_plain(row[name]) for name in _LINK)
            name, path = self._field_name(subject, predicate), self._home(subject, homes)
            found = self.reporter.violation(path, "Dangling", subject, field=name, value=value)
            yield replace(found, predicate=predicate, term=str(row["value"]))

    def _outdated(self, homes: Mapping[str, Path]) -> Iterator[Finding]:
        for subject, predicate, deprecation in outdated(self.store, self.lifecycle):
            name, path = self._field_name(subject, predicate), self._home(subject, homes)
            found = warning(self.reporter, path, subject, name, deprecation)
            yield replace(found, predicate=predicate, term=str(NamedNode(deprecation.iri)))

    def _field_name(self, subject: str, predicate: str) -> str:
        kind = self.shapes.find_node_shape(self.reader.read_classes(subject))
        field = self.shapes.find_field(kind, predicate)
        return pick_text(field.names, self.languages) if field else predicate


def _term(value: str) -> NamedNode | Literal | None:
    """Give the value of a result, but None for a blank node, which has no name that lasts."""
    if not value or value.startswith("_:"):
        return None
    found = parse_term(value)
    assert isinstance(found, NamedNode | Literal)
    return found


def _place(finding: Finding) -> tuple[str, Region, tuple[str, ...]]:
    words = (finding.focus, finding.field, finding.rule, finding.value)
    return str(finding.path), finding.part or _UNPLACED, words


def _path(finding: Finding) -> Path:
    return finding.path


_LINK = ("subject", "property", "value")


def _plain(term: Term) -> str:
    return term.value if isinstance(term, NamedNode) else str(term)


def _homes(documents: Iterable[Document]) -> dict[str, Path]:
    homes: dict[str, Path] = {}
    for document in documents:
        for quad in document.quads:
            if isinstance(quad.subject, NamedNode):
                homes.setdefault(quad.subject.value, document.path)
    return homes


def check(
    root: Path,
    contents: DocumentSet,
    wanted: Iterable[Path],
    language: str | None = None,
    fetch: Fetch | None = None,
) -> ValidationReport:
    """Check the wanted ones of the files, with messages in the language or the fallback.

    Addresses elsewhere are asked with `fetch`, or not at all. Raises CatalogueError.
    """
    checker = build_checker(open_in_memory(contents.documents, root), language, fetch)
    return checker.check(contents.documents, contents.unreadable, wanted)


def build_checker(
    opened: Catalogue,
    language: str | None = None,
    fetch: Fetch | None = None,
    rules: ShapesGraph | None = None,
) -> Checker:
    """Return the checker of a catalogue, with messages in the language.

    Raises CatalogueError.
    """
    return Checker(
        opened.store,
        opened.store,
        rules or compile_shapes(opened.store),
        opened.shapes,
        opened.phrases,
        opened.reader,
        opened.lifecycle,
        opened.base,
        opened.preferred_languages(language),
        opened.store,
        fetch,
    )
