"""The promise that every IRI answers for ever, as rules of a check.

What a later state of a catalogue no longer describes has vanished. What is no longer current is
still described, but nothing current ought to go on mentioning it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from pyoxigraph import NamedNode, Quad

from . import permanence, vocabularies
from .embedded import Embedded
from .findings import Finding, Reporter
from .folder import Document
from .permanence import DEPRECATED, REPLACED, Permanence, Retirement
from .shapes import PG, SKOS
from .store import Store, plain

_OUTDATED = f"""
SELECT DISTINCT ?subject ?property ?value
WHERE {{
    ?value <{DEPRECATED}> true .
    ?subject ?property ?value .
    FILTER (isIRI(?subject))
    FILTER (?property NOT IN (<{REPLACED}>, <{SKOS}hasTopConcept>, <{SKOS}narrower>))
    FILTER NOT EXISTS {{ ?subject <{DEPRECATED}> true }}
}}
ORDER BY ?subject ?property ?value
"""
_IN_SCHEME = NamedNode(SKOS + "inScheme")
_PHRASE = NamedNode(PG + "Phrase")


def outdated(store: Store, known: Permanence) -> Iterator[tuple[str, str, Retirement]]:
    """Give what is current and mentions what is not: thing, property, and what it mentions.

    The places that a concept keeps in its scheme do not count.
    """
    for row in store.select(_OUTDATED):
        retirement = known.of(plain(row["value"]))
        if retirement:
            yield plain(row["subject"]), plain(row["property"]), retirement


def warning(
    reporter: Reporter, path: Path, subject: str, field: str, retirement: Retirement
) -> Finding:
    """Give the warning that a thing mentions what is no longer current, with what to put there."""
    found = reporter.violation(path, "Deprecated", subject, field=field, value=retirement.iri)
    return reporter.as_warning(replace(found, hint=_instead(reporter, retirement.successor)))


def published(documents: Iterable[Document], base: str, entries: str) -> dict[str, Path]:
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


def vanished(
    reporter: Reporter,
    homes: Mapping[str, Path],
    before: Iterable[Document],
    after: Iterable[Document],
) -> Iterator[Finding]:
    """Give a violation for every published IRI that is no more described, as it was called."""
    store = Embedded()
    store.add(quad for document in before for quad in document.quads)
    known = vocabularies.read(store, permanence.read(store))
    former = replace(reporter, reader=replace(reporter.reader, store=store, vocabularies=known))
    described = {
        q.subject.value for d in after for q in d.quads if isinstance(q.subject, NamedNode)
    }
    for iri in sorted(homes.keys() - described):
        hint = reporter.say("vanishedHint")
        yield former.violation(homes[iri], "Vanished", iri, value=iri, hint=hint)


def _instead(reporter: Reporter, successor: str) -> str:
    if not successor:
        return reporter.say("takeOut")
    name = reporter.reader.name(successor, reporter.languages)
    return reporter.say("insteadOf", name=name or successor, iri=successor)


def _is_ours(quad: Quad, base: str) -> bool:
    if not isinstance(quad.subject, NamedNode):
        return False
    return quad.subject.value.startswith(base) or (
        quad.predicate == _IN_SCHEME
        and isinstance(quad.object, NamedNode)
        and quad.object.value.startswith(base)
    )
