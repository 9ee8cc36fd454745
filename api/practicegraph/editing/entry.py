"""The triples of an entry in an edit: its identifier, its provenance (PROV), its tombstone.

The history of an entry stands in its own file and is written here alone: what clients say of it is
not taken. The same holds for the dates on which the entry was issued and modified.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count

from pyoxigraph import Literal, NamedNode, Triple

from ..catalogue.change_log import TOMBSTONE, tombstone
from ..rdf.terms import DCT, FOAF, PG, PROV, SKOS, TRUE, TYPE, date_literal, moment_literal
from ..schema.catalog_records import GENERATED, ISSUED, MODIFIED, CatalogRecords
from ..schema.fields import NodeShape
from ..schema.lifecycle import DEPRECATED, IS_REPLACED_BY
from ..schema.text import pick_text, strip_accents

PLACEHOLDER = "-"
"""Stands for an identifier that is not chosen yet; it is not a valid one."""
_SAFE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,126}[A-Za-z0-9])?")
NEW = "new"
"""Stands in place of an identifier in the path of the form of new entries."""
_RESERVED = (NEW,)
_MAX_LENGTH = 60  # characters of a proposed identifier
_REVISION = NamedNode(PG + "Revision")
_AGENT = NamedNode(PROV + "Agent")
_ENDED, _BY = NamedNode(PROV + "endedAtTime"), NamedNode(PROV + "wasAssociatedWith")
_CHANGE_NOTE = NamedNode(SKOS + "changeNote")
_NAME = NamedNode(FOAF + "name")
_PERMANENT = (DCT + "identifier", IS_REPLACED_BY)
_MAX_REVISIONS = 10  # in an entry's file; the change log has all of them


@dataclass(frozen=True)
class Revision:
    """Who edits an entry, when, and why: texts with a language each, or none."""

    name: str
    moment: datetime
    reasons: tuple[Literal, ...]


def is_valid(shape: NodeShape, identifier: str) -> bool:
    """Return whether an identifier suits a path, a file name, and the shapes."""
    patterns = (field.pattern for field in shape.fields_with_role("IDRole") if field.pattern)
    is_safe = bool(_SAFE.fullmatch(identifier)) and identifier not in _RESERVED
    return is_safe and all(re.search(pattern, identifier) for pattern in patterns)


def stated_identifier(shape: NodeShape, entry: NamedNode, triples: Iterable[Triple]) -> str:
    """Return the identifier that triples state of an entry, or ""."""
    properties = {field.predicate for field in shape.fields_with_role("IDRole")}
    values = (t.object for t in triples if t.subject == entry and t.predicate.value in properties)
    return next((value.value for value in values if isinstance(value, Literal)), "")


def with_identifier(
    shape: NodeShape, entry: NamedNode, triples: Sequence[Triple], identifier: str
) -> list[Triple]:
    """Return triples that state the identifier of an entry, if its shape has a field for it."""
    is_stated = stated_identifier(shape, entry, triples)
    missing = [] if is_stated else shape.fields_with_role("IDRole")
    properties = [NamedNode(field.predicate) for field in missing if field.predicate]
    return [*triples, *(Triple(entry, name, Literal(identifier)) for name in properties)]


def propose_identifiers(
    shape: NodeShape, entry: NamedNode, triples: Iterable[Triple], languages: Sequence[str]
) -> Iterator[str]:
    """Yield identifiers without end, made of the title in the first of the languages.

    None of them is a bare number, since those come from the source.
    """
    properties = {field.predicate for field in shape.fields_with_role("LabelRole")}
    values = [t.object for t in triples if t.subject == entry and t.predicate.value in properties]
    titles = {t.language or "": t.value for t in values if isinstance(t, Literal)}
    words = re.findall(r"[a-z0-9]+", strip_accents(pick_text(titles, languages)))
    slug = "-".join(words)[:_MAX_LENGTH].strip("-")
    if not re.search("[a-z]", slug):
        slug = "-".join(part for part in (shape.segment, slug) if part)
    if slug != shape.segment:
        yield slug
    yield from (f"{slug}-{number}" for number in count(2))


def with_new_iri(triples: Iterable[Triple], old: NamedNode, new: NamedNode) -> list[Triple]:
    """Return triples in which an entry and its parts have another IRI."""

    def rename(node: object) -> object:
        if not isinstance(node, NamedNode):
            return node
        whole, separator, fragment = node.value.partition("#")
        return NamedNode(new.value + separator + fragment) if whole == old.value else node

    return [Triple(rename(t.subject), t.predicate, rename(t.object)) for t in triples]  # type: ignore[arg-type]


def revise(
    entry: NamedNode,
    before: Sequence[Triple],
    sent: Sequence[Triple],
    records: CatalogRecords,
    edit: Revision,
) -> list[Triple]:
    """Return the triples of an entry after an edit, or those before if nothing differs.

    An entry that is new has none before.
    """
    subject = records.subject(entry)
    after = without_history(entry, subject, records.complete(entry, sent))
    if issued := [t for t in before if (t.subject, t.predicate) == (subject, ISSUED)]:
        after = [t for t in after if (t.subject, t.predicate) != (subject, ISSUED)] + issued
    if before and set(after) == set(without_history(entry, subject, before)):
        return list(before)
    history = _history(entry, subject, before, edit)
    return records.dated(entry, [*after, *history], edit.moment.date())


def withdraw(
    entry: NamedNode, before: Sequence[Triple], edit: Revision, no_reason: Iterable[Literal]
) -> list[Triple]:
    """Return the tombstone of an entry, with its history (Activity Streams, as:Tombstone).

    The tombstone is all that the catalogue still says, so there is no record beside it. Where the
    edit has no reasons, it has the texts that say so.
    """
    permanent = [t for t in before if t.subject == entry and t.predicate.value in _PERMANENT]
    retired = [
        Triple(entry, NamedNode(DEPRECATED), TRUE),
        Triple(entry, NamedNode(PG + "retired"), date_literal(edit.moment.date())),
        *(Triple(entry, _CHANGE_NOTE, reason) for reason in edit.reasons or no_reason),
    ]
    remains = [*tombstone(entry.value, before), *permanent, *retired]
    return list(dict.fromkeys([*remains, *_history(entry, entry, before, edit)]))


def is_tombstone(entry: NamedNode, triples: Iterable[Triple]) -> bool:
    """Return whether the triples are those of a tombstone."""
    return Triple(entry, TYPE, NamedNode(TOMBSTONE)) in set(triples)


def without_history(
    entry: NamedNode, subject: NamedNode, triples: Iterable[Triple]
) -> list[Triple]:
    """Return triples without the history of an entry and the date of its last change."""
    history = re.compile(re.escape(f"<{entry.value}#") + r"(revision-\d+|by-[a-z0-9-]+)>")
    return [
        triple
        for triple in triples
        if (triple.subject, triple.predicate) != (subject, MODIFIED)
        and not history.fullmatch(str(triple.subject))
        and not history.fullmatch(str(triple.object))
    ]


def _history(
    entry: NamedNode, subject: NamedNode, before: Sequence[Triple], edit: Revision
) -> list[Triple]:
    """Return the last revisions of an entry, of which this edit is the newest."""
    start = f"{entry.value}#revision-"
    iris = (str(t.subject)[1:-1] for t in before if t.predicate == TYPE and t.object == _REVISION)
    numbers = sorted(int(iri.removeprefix(start)) for iri in iris if iri.startswith(start))
    past = [NamedNode(f"{start}{number}") for number in numbers[-_MAX_REVISIONS + 1 :]]
    agents = [t.object for t in before if t.subject in past and t.predicate == _BY]
    remaining = [t for t in before if t.subject in (*past, *agents)]
    newest = NamedNode(f"{start}{numbers[-1] + 1 if numbers else 1}")
    generated = [Triple(subject, GENERATED, revision) for revision in (*past, newest)]
    return [*remaining, *generated, *_revision(entry, newest, edit)]


def _revision(entry: NamedNode, revision: NamedNode, edit: Revision) -> Iterator[Triple]:
    agent = NamedNode(f"{entry.value}#by-{edit.name}")
    yield Triple(revision, TYPE, _REVISION)
    yield Triple(revision, _ENDED, moment_literal(edit.moment))
    yield Triple(revision, _BY, agent)
    yield from (Triple(revision, _CHANGE_NOTE, reason) for reason in edit.reasons)
    yield Triple(agent, TYPE, _AGENT)
    yield Triple(agent, _NAME, Literal(edit.name))
