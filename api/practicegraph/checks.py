"""What is wrong with a catalogue, said so that a steward can mend it.

Beside SHACL: files that are no RDF, files with several topics or none, links to IRIs of ours that
nothing describes, what `promises` says of what is no longer current, and the questions of `audits`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from pyoxigraph import Literal, NamedNode

from . import promises, validation
from .audits import Auditor, Fetch
from .findings import Checked, Finding, Part, Position, Reporter
from .folder import Document, UnreadableError
from .kinds import Shapes
from .layouts import Layout
from .mends import Mender
from .permanence import Permanence
from .phrases import Phrases
from .reasons import Reasons
from .records import Reader
from .store import Store, Term, term
from .text import best
from .topics import Topics
from .values import Understanding

_NOWHERE = Path()
"""Where findings about blank nodes are put, since nothing tells which file they are from."""
_ELSEWHERE = Path("..")
"""Where findings are put about things of which the store holds a part, beside the documents."""

_UNPLACED = Part(Position(0, 0), Position(0, 0))
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
    rules: validation.Rules | validation.Beside
    shapes: Shapes
    phrases: Phrases
    reader: Reader
    permanence: Permanence
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
    ) -> Checked:
        """Give what is wrong in the wanted ones of the documents, in order of files.

        What vanished since the documents of `before` is given too, and what was found by others.
        """
        homes = _homes(documents)
        found = [*self._topics.findings(documents), *self._shacl(homes), *self._dangling(homes)]
        found += [self._unreadable(error) for error in unreadable]
        found += [*self._outdated(homes), *others]
        files = {_NOWHERE, *wanted}
        if self.audited:
            auditor = Auditor(self.audited, self.reporter, homes, self._field_name)
            found += auditor.findings(files, self.fetch)
        wrong = [finding for finding in found if finding.path in files]
        if before:
            published = promises.published(before, self.base, self._entries)
            wrong += promises.vanished(self.reporter, published, before, documents)
        return self.checked(wrong, documents, files)

    def check_by_rules(self, documents: Sequence[Document], wanted: Iterable[Path]) -> Checked:
        """Give what the rules alone do not admit in the wanted ones of the documents."""
        files = {_NOWHERE, *wanted}
        found = self._shacl(_homes(documents))
        return self.checked((f for f in found if f.path in files), documents, files)

    def checked(
        self, wrong: Iterable[Finding], documents: Sequence[Document], files: Set[Path]
    ) -> Checked:
        """Give findings with their places in the documents and their mends, and the summary."""
        findings = sorted(self._placed(wrong, documents), key=_place)
        violations = sum(finding.violates for finding in findings)
        counts = {"violations": violations, "warnings": len(findings) - violations}
        listed = tuple(sorted(files - {_NOWHERE}))
        summary = self.reporter.say("checked", files=len(listed), **counts)
        title = self.reporter.say("checkReport")
        return Checked(tuple(findings), listed, title, summary, tuple(self.languages))

    @property
    def reporter(self) -> Reporter:
        """Give what words its findings."""
        return Reporter(self.phrases, self.reader, self.languages)

    @property
    def _mender(self) -> Mender:
        known = Understanding(self.shapes, self.reader.vocabularies, self.phrases)
        return Mender(self.context, known, self.reporter, self.permanence)

    @property
    def _entries(self) -> str:
        """Give how the addresses of entries begin."""
        return f"{self.base}{self.shapes.record.segment}/"

    @property
    def _topics(self) -> Topics:
        return Topics(self.shapes, self.store.graphs(), self._entries, self.reporter)

    @property
    def _reasons(self) -> Reasons:
        reader = replace(self.reader, store=self.context)
        return Reasons(self.context, self.shapes, self.phrases, reader, self.languages)

    def _placed(
        self, findings: Iterable[Finding], documents: Iterable[Document]
    ) -> Iterator[Finding]:
        """Give the findings with the parts of their files that they are about, and their mends."""
        read = {document.path: document for document in documents}
        for path, some in groupby(sorted(findings, key=_path), _path):
            if path in read and read[path].content:
                yield from self._mender.mended(some, Layout.of(read[path]))
            else:
                yield from some

    def _unreadable(self, error: UnreadableError) -> Finding:
        reason = self.reporter.say("Syntax", reason=error.reason)
        found = self.reporter.violation(error.path, "Syntax", reason=reason)
        start = Position(error.line, error.column)
        return replace(found, part=Part(start, start))

    def _shacl(self, homes: Mapping[str, Path]) -> Iterator[Finding]:
        held = self.held or self.store
        for result in self.rules.results(quad.triple for quad in held.quads()):
            path = self._home(result.focus.strip("<>"), homes)
            if path != _ELSEWHERE:
                yield self._of_result(result, path)

    def _home(self, thing: str, homes: Mapping[str, Path]) -> Path:
        if thing in homes or thing.startswith("_:") or not self.store.holds(thing):
            return homes.get(thing, _NOWHERE)
        return _ELSEWHERE

    def _of_result(self, result: validation.Result, path: Path) -> Finding:
        focus = result.focus.strip("<>")
        field, term = self.shapes.fields.get(result.shape), _term(result.value)
        return Finding(
            path=path,
            rule=result.component,
            shape=result.shape,
            severity=result.severity,
            level=self.reporter.say(result.severity),
            focus=focus,
            subject=self.reader.name(focus, self.languages),
            field=best(field.names, self.languages) if field else result.path.strip("<>"),
            value="" if term is None else term.value,
            reason=self._reasons.reason(result),
            hint=best(field.hints, self.languages) if field else "",
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
        for subject, predicate, retirement in promises.outdated(self.store, self.permanence):
            name, path = self._field_name(subject, predicate), self._home(subject, homes)
            found = promises.warning(self.reporter, path, subject, name, retirement)
            yield replace(found, predicate=predicate, term=str(NamedNode(retirement.iri)))

    def _field_name(self, subject: str, predicate: str) -> str:
        kind = self.shapes.kind_of(self.reader.classes(subject))
        field = self.shapes.field(kind, predicate)
        return best(field.names, self.languages) if field else predicate


def _term(value: str) -> NamedNode | Literal | None:
    """Give the value of a result, but None for a blank node, which has no name that lasts."""
    if not value or value.startswith("_:"):
        return None
    found = term(value)
    assert isinstance(found, NamedNode | Literal)
    return found


def _place(finding: Finding) -> tuple[str, Part, tuple[str, ...]]:
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
