"""What is wrong with a catalogue, said so that a steward can mend it.

Beside SHACL: files that are no RDF, files with several topics or none, links to IRIs of ours that
nothing describes.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from pyoxigraph import Literal, NamedNode, RdfFormat, parse

from . import validation
from .folder import Document, UnreadableError
from .kinds import Shapes
from .phrases import Phrases
from .reasons import Reasons, field_of
from .records import Reader
from .store import RDF, Store, Term
from .text import best

_NOWHERE = Path()
"""Where findings about blank nodes are put, since nothing tells which file they are from."""

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
class Finding:
    """Something wrong, in words of the chosen language; rule and severity are SHACL's names."""

    path: Path
    line: int | None
    rule: str
    shape: str
    severity: str
    level: str
    focus: str
    subject: str
    field: str
    value: str
    reason: str
    hint: str

    @property
    def violates(self) -> bool:
        """Tell whether the catalogue does not admit it; warnings and notes it does."""
        return self.severity == "Violation"

    def __str__(self) -> str:
        """Give the finding on one line: file, entry, field, value, reason, rule."""
        place = f"{self.path}:{self.line}" if self.line else str(self.path)
        about = [self.subject or self.focus, self.field, self.value and f"“{self.value}”"]
        said = ": ".join([place, self.level, *(part for part in about if part), self.reason])
        if self.hint:
            said += f" · {self.hint}"
        return f"{said} [{' '.join(part for part in (self.shape, self.rule) if part)}]"


@dataclass(frozen=True)
class Checked:
    """What a check has found, with its summary in words."""

    findings: tuple[Finding, ...]
    summary: str

    @property
    def violations(self) -> int:
        """Count what the catalogue does not admit."""
        return sum(finding.violates for finding in self.findings)


@dataclass(frozen=True)
class Checker:
    """Checks documents against a store that holds them and all that they refer to."""

    store: Store
    shapes: Shapes
    phrases: Phrases
    reader: Reader
    base: str
    languages: Sequence[str]

    def check(
        self,
        documents: Sequence[Document],
        unreadable: Sequence[UnreadableError],
        wanted: Iterable[Path],
    ) -> Checked:
        """Give what is wrong in the wanted ones of the documents, in order of files."""
        homes = _homes(documents)
        found = [*self._topics(documents), *self._shacl(documents, homes), *self._dangling(homes)]
        found += [self._unreadable(error) for error in unreadable]
        files = {_NOWHERE, *wanted}
        findings = sorted((finding for finding in found if finding.path in files), key=_place)
        violations = sum(finding.violates for finding in findings)
        counts = {"violations": violations, "warnings": len(findings) - violations}
        return Checked(tuple(findings), self._say("checked", files=len(files) - 1, **counts))

    @property
    def _reasons(self) -> Reasons:
        return Reasons(self.store, self.shapes, self.phrases, self.reader, self.languages)

    def _unreadable(self, error: UnreadableError) -> Finding:
        reason = self._say("Syntax", reason=error.reason)
        return self._finding(error.path, "Syntax", reason=reason, line=error.line)

    def _topics(self, documents: Sequence[Document]) -> Iterator[Finding]:
        classes = {name for kind in self.shapes.kinds if kind.topic for name in kind.classes}
        owned = {topic for document in documents for topic in document.topics}
        first: dict[str, Path] = {}
        for document in documents:
            for topic in document.topics:
                if topic in first:
                    reason = self._say("SameTopic", other=first[topic])
                    yield self._finding(document.path, "SameTopic", topic, reason=reason)
                first.setdefault(topic, document.path)
            described = _of_classes(document, classes)
            strange = described | self._of_others(document, owned)
            for other in sorted(strange - set(document.topics)):
                reason = self._say("OneTopic", topic=document.topics[0])
                yield self._finding(document.path, "OneTopic", other, reason=reason)
            for topic in sorted(set(document.topics) - described):
                reason = self._say("NoTopic")
                yield self._finding(document.path, "NoTopic", topic, reason=reason)

    def _of_others(self, document: Document, owned: Set[str]) -> set[str]:
        """Give the subjects that belong to another file: its topic, or an entry's address."""
        entries = f"{self.base}{self.shapes.record.segment}/"
        subjects = {q.subject.value for q in document.quads if isinstance(q.subject, NamedNode)}
        whole = {subject: subject.partition("#")[0] for subject in subjects}
        return {
            subject
            for subject, thing in whole.items()
            if thing not in document.topics
            and (thing.startswith(entries) or (thing == subject and thing in owned))
        }

    def _shacl(self, documents: Sequence[Document], homes: Mapping[str, Path]) -> Iterator[Finding]:
        data = [quad.triple for document in documents for quad in document.quads]
        for result in validation.results(data, data):
            yield self._of_result(result, homes)

    def _of_result(self, result: validation.Result, homes: Mapping[str, Path]) -> Finding:
        focus = result.focus.strip("<>")
        field = self.shapes.fields.get(result.shape)
        return Finding(
            path=homes.get(focus, _NOWHERE),
            line=None,
            rule=result.component,
            shape=result.shape.rpartition("#")[2],
            severity=result.severity,
            level=self._say(result.severity),
            focus=focus,
            subject=self.reader.name(focus, self.languages),
            field=best(field.names, self.languages) if field else result.path.strip("<>"),
            value=self._shown(result.value),
            reason=self._reasons.reason(result),
            hint=best(field.hints, self.languages) if field else "",
        )

    def _dangling(self, homes: Mapping[str, Path]) -> Iterator[Finding]:
        for row in self.store.select(_DANGLING.format(base=Literal(self.base))):
            subject, predicate, value = (_plain(row[name]) for name in _LINK)
            kind = self.shapes.kind_of(self.reader.classes(subject))
            field = field_of(kind, predicate) if kind else None
            yield self._finding(
                homes.get(subject, _NOWHERE),
                "Dangling",
                subject,
                field=best(field.names, self.languages) if field else predicate,
                value=value,
                reason=self._say("Dangling"),
            )

    def _finding(
        self,
        path: Path,
        rule: str,
        focus: str = "",
        *,
        reason: str,
        field: str = "",
        value: str = "",
        line: int | None = None,
    ) -> Finding:
        return Finding(
            path=path,
            line=line,
            rule=rule,
            shape="",
            severity="Violation",
            level=self._say("Violation"),
            focus=focus,
            subject=self.reader.name(focus, self.languages) if focus else "",
            field=field,
            value=value,
            reason=reason,
            hint="",
        )

    def _say(self, name: str, /, **words: object) -> str:
        return self.phrases.say(name, self.languages, **words)

    def _shown(self, value: str) -> str:
        if not value or value.startswith("_:"):
            return ""
        term = next(iter(parse(f"<x:s> <x:p> {value} .", RdfFormat.N_TRIPLES))).object
        assert isinstance(term, NamedNode | Literal)
        return term.value


def _place(finding: Finding) -> tuple[str, ...]:
    return (str(finding.path), finding.focus, finding.field, finding.rule, finding.value)


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


def _of_classes(document: Document, classes: Iterable[str]) -> set[str]:
    wanted = {NamedNode(name) for name in classes}
    return {
        quad.subject.value
        for quad in document.quads
        if quad.predicate.value == RDF + "type"
        and quad.object in wanted
        and isinstance(quad.subject, NamedNode)
    }
