"""What is wrong with a catalogue, said so that a steward can mend it.

Beside SHACL: files that are no RDF, files with several topics or none, links to IRIs of ours that
nothing describes, and what `promises` says of what is no longer current.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path

from pyoxigraph import Literal, NamedNode, RdfFormat, parse

from . import promises, validation
from .findings import Checked, Finding, Reporter
from .folder import Document, UnreadableError
from .kinds import Shapes
from .permanence import Permanence
from .phrases import Phrases
from .reasons import Reasons
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
class Checker:
    """Checks documents against a store that holds them and all that they refer to."""

    store: Store
    shapes: Shapes
    phrases: Phrases
    reader: Reader
    permanence: Permanence
    base: str
    languages: Sequence[str]

    def check(
        self,
        documents: Sequence[Document],
        unreadable: Sequence[UnreadableError],
        wanted: Iterable[Path],
        before: Sequence[Document] = (),
    ) -> Checked:
        """Give what is wrong in the wanted ones of the documents, in order of files.

        What vanished since the documents of `before` is given too, with the files it stood in.
        """
        homes = _homes(documents)
        found = [*self._topics(documents), *self._shacl(documents, homes), *self._dangling(homes)]
        found += [self._unreadable(error) for error in unreadable]
        found += self._outdated(homes)
        files = {_NOWHERE, *wanted}
        wrong = [finding for finding in found if finding.path in files]
        if before:
            published = promises.published(before, self.base, self._entries)
            wrong += promises.vanished(self._reporter, published, before, documents)
        findings = sorted(wrong, key=_place)
        violations = sum(finding.violates for finding in findings)
        counts = {"violations": violations, "warnings": len(findings) - violations}
        return Checked(
            tuple(findings), self._reporter.say("checked", files=len(files) - 1, **counts)
        )

    @property
    def _reporter(self) -> Reporter:
        return Reporter(self.phrases, self.reader, self.languages)

    @property
    def _entries(self) -> str:
        """Give how the addresses of entries begin."""
        return f"{self.base}{self.shapes.record.segment}/"

    @property
    def _reasons(self) -> Reasons:
        return Reasons(self.store, self.shapes, self.phrases, self.reader, self.languages)

    def _unreadable(self, error: UnreadableError) -> Finding:
        reason = self._reporter.say("Syntax", reason=error.reason)
        found = self._reporter.violation(error.path, "Syntax", reason=reason)
        return replace(found, line=error.line)

    def _topics(self, documents: Sequence[Document]) -> Iterator[Finding]:
        classes = {name for kind in self.shapes.kinds if kind.topic for name in kind.classes}
        owned = {topic for document in documents for topic in document.topics}
        first: dict[str, Path] = {}
        for document in documents:
            for topic in document.topics:
                if topic in first:
                    reason = self._reporter.say("SameTopic", other=first[topic])
                    yield self._reporter.violation(document.path, "SameTopic", topic, reason=reason)
                first.setdefault(topic, document.path)
            described = _of_classes(document, classes)
            strange = described | self._of_others(document, owned)
            for other in sorted(strange - set(document.topics)):
                reason = self._reporter.say("OneTopic", topic=document.topics[0])
                yield self._reporter.violation(document.path, "OneTopic", other, reason=reason)
            for topic in sorted(set(document.topics) - described):
                reason = self._reporter.say("NoTopic")
                yield self._reporter.violation(document.path, "NoTopic", topic, reason=reason)

    def _of_others(self, document: Document, owned: Set[str]) -> set[str]:
        """Give the subjects that belong to another file: its topic, or an entry's address."""
        subjects = {q.subject.value for q in document.quads if isinstance(q.subject, NamedNode)}
        whole = {subject: subject.partition("#")[0] for subject in subjects}
        return {
            subject
            for subject, thing in whole.items()
            if thing not in document.topics
            and (thing.startswith(self._entries) or (thing == subject and thing in owned))
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
            level=self._reporter.say(result.severity),
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
            name, path = self._field_name(subject, predicate), homes.get(subject, _NOWHERE)
            yield self._reporter.violation(path, "Dangling", subject, field=name, value=value)

    def _outdated(self, homes: Mapping[str, Path]) -> Iterator[Finding]:
        for subject, predicate, retirement in promises.outdated(self.store, self.permanence):
            name, path = self._field_name(subject, predicate), homes.get(subject, _NOWHERE)
            yield promises.warning(self._reporter, path, subject, name, retirement)

    def _field_name(self, subject: str, predicate: str) -> str:
        kind = self.shapes.kind_of(self.reader.classes(subject))
        field = self.shapes.field(kind, predicate)
        return best(field.names, self.languages) if field else predicate

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
