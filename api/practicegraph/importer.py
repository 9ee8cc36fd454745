"""What a draft changes in an entry: the triples after it, with where they come from (PROV)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from pyoxigraph import Literal, NamedNode, Triple

from .kinds import Field, Kind
from .shapes import PG
from .store import RDF
from .turtle import XSD
from .values import Draft, Values

PROV = "http://www.w3.org/ns/prov#"
_DCT = "http://purl.org/dc/terms/"
_SOFTWARE_VERSION = NamedNode("https://schema.org/softwareVersion")
GENERATED = NamedNode(PROV + "wasGeneratedBy")
_SOURCE = NamedNode(_DCT + "source")
ISSUED, MODIFIED = NamedNode(_DCT + "issued"), NamedNode(_DCT + "modified")
_CHECKSUM = NamedNode(PG + "checksum")
OWN = frozenset(term.value for term in (GENERATED, ISSUED, MODIFIED))
"""The properties of an entry that an import states by itself."""


@dataclass(frozen=True)
class Import:
    """The circumstances of an import: the program's version, the day of reading, and today."""

    version: str
    retrieved: date
    today: date


def applied(
    draft: Draft, entry: NamedNode, before: Iterable[Triple], kind: Kind, made: Import
) -> list[Triple]:
    """Give the triples of the entry after the draft; the same ones where it says nothing new."""
    old = list(before)
    triples = [triple for triple in old if not any(_says(v, triple, entry) for v in draft.values)]
    triples += [Triple(entry, NamedNode(RDF + "type"), NamedNode(kind.classes[0]))]
    triples += [triple for values in draft.values for triple in _stated(values, entry)]
    if draft.page:
        triples += [Triple(entry, _SOURCE, NamedNode(draft.used))]
    activity = NamedNode(f"{entry.value}#{draft.part}")
    if set(triples) == set(old) and (_was_read(draft, activity, old) or not draft.page):
        return old
    triples = [triple for triple in triples if triple.subject != activity]
    triples += _provenance(draft, entry, activity, made)
    return _dated(triples, entry, made.today)


def _says(values: Values, triple: Triple, entry: NamedNode) -> bool:
    if triple.subject != entry or triple.predicate != _predicate(values.field):
        return False
    language = triple.object.language if isinstance(triple.object, Literal) else None
    return values.language is None or language == values.language


def _stated(values: Values, entry: NamedNode) -> Iterator[Triple]:
    return (Triple(entry, _predicate(values.field), term) for term in values.terms)


def _predicate(field: Field) -> NamedNode:
    assert field.predicate, f"{field.iri}: values of a longer path cannot be imported"
    return NamedNode(field.predicate)


def _was_read(draft: Draft, activity: NamedNode, triples: Iterable[Triple]) -> bool:
    return Triple(activity, _CHECKSUM, Literal(draft.checksum)) in set(triples)


def _provenance(
    draft: Draft, entry: NamedNode, activity: NamedNode, made: Import
) -> Iterator[Triple]:
    yield Triple(entry, GENERATED, activity)
    yield Triple(activity, NamedNode(RDF + "type"), NamedNode(PG + "Import"))
    for name, value in (
        (PROV + "used", NamedNode(draft.used)),
        (PG + "retrieved", day(made.retrieved)),
        (PROV + "wasAssociatedWith", NamedNode(PG + "importer")),
        (_SOFTWARE_VERSION.value, Literal(made.version)),
        (_CHECKSUM.value, Literal(draft.checksum)),
    ):
        yield Triple(activity, NamedNode(name), value)


def _dated(triples: list[Triple], entry: NamedNode, today: date) -> list[Triple]:
    dated = [triple for triple in triples if not _about(triple, entry, MODIFIED)]
    dated.append(Triple(entry, MODIFIED, day(today)))
    if not any(_about(triple, entry, ISSUED) for triple in dated):
        dated.append(Triple(entry, ISSUED, day(today)))
    return list(dict.fromkeys(dated))


def day(found: date) -> Literal:
    """Give a day as a value."""
    return Literal(found.isoformat(), datatype=NamedNode(XSD + "date"))


def _about(triple: Triple, subject: NamedNode, predicate: NamedNode) -> bool:
    return triple.subject == subject and triple.predicate == predicate
