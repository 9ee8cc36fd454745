"""An entry after somebody's change: what is said anew, and who changed it, when and why (PROV).

The history of an entry stands in its own file and is the program's to write: what others say of it
is not taken. So are the days on which the entry was issued and modified.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from pyoxigraph import Literal, NamedNode, Triple

from .changes import TOMBSTONE
from .importer import GENERATED, ISSUED, MODIFIED, PROV, day
from .permanence import DEPRECATED, REPLACED
from .recording import tombstone
from .shapes import PG, SKOS
from .store import RDF
from .turtle import XSD

_TYPE = NamedNode(RDF + "type")
_REVISION = NamedNode(PG + "Revision")
_AGENT = NamedNode(PROV + "Agent")
_ENDED, _BY = NamedNode(PROV + "endedAtTime"), NamedNode(PROV + "wasAssociatedWith")
_WHY = NamedNode(SKOS + "changeNote")
_NAME = NamedNode("http://xmlns.com/foaf/0.1/name")
_IDENTIFIER = NamedNode("http://purl.org/dc/terms/identifier")
_LASTING = (_IDENTIFIER.value, REPLACED)
_KEPT = 10  # deeds; the log of changes has all of them
_TRUE = Literal("true", datatype=NamedNode(XSD + "boolean"))


@dataclass(frozen=True)
class Deed:
    """Who changes an entry, when, and why: texts with a language each, or none."""

    name: str
    moment: datetime
    reasons: tuple[Literal, ...]


def revised(
    entry: NamedNode, before: Sequence[Triple], said: Iterable[Triple], deed: Deed
) -> list[Triple]:
    """Give the triples of an entry of which something is said anew, or those before if nothing is.

    An entry that is new has none before.
    """
    wanted = _own(entry, said)
    issued = [t for t in before if t.subject == entry and t.predicate == ISSUED]
    if issued or not any(t.predicate == ISSUED and t.subject == entry for t in wanted):
        wanted = [t for t in wanted if t.subject != entry or t.predicate != ISSUED]
        wanted += issued or [Triple(entry, ISSUED, day(deed.moment.date()))]
    if before and set(wanted) == set(_own(entry, before)):
        return list(before)
    modified = Triple(entry, MODIFIED, day(deed.moment.date()))
    return list(dict.fromkeys([*wanted, modified, *_history(entry, before, deed)]))


def withdrawn(
    entry: NamedNode, before: Sequence[Triple], deed: Deed, unsaid: Iterable[Literal]
) -> list[Triple]:
    """Give the tombstone of an entry, with its history (Activity Streams, as:Tombstone).

    Where no reason is given, it says what says so.
    """
    kept = [t for t in before if t.subject == entry and t.predicate.value in _LASTING]
    retired = [
        Triple(entry, NamedNode(DEPRECATED), _TRUE),
        Triple(entry, NamedNode(PG + "retired"), day(deed.moment.date())),
        *(Triple(entry, _WHY, reason) for reason in deed.reasons or unsaid),
    ]
    left = [*tombstone(entry.value, before), *kept, *retired, *_history(entry, before, deed)]
    return list(dict.fromkeys(left))


def is_buried(entry: NamedNode, triples: Iterable[Triple]) -> bool:
    """Tell whether the triples are those of a tombstone."""
    return Triple(entry, _TYPE, NamedNode(TOMBSTONE)) in set(triples)


def _own(entry: NamedNode, triples: Iterable[Triple]) -> list[Triple]:
    """Give triples without the history that they tell, and without the day of the last change."""
    past = re.compile(re.escape(f"<{entry.value}#") + r"(revision-\d+|by-[a-z0-9-]+)>")
    return [
        triple
        for triple in triples
        if (triple.subject, triple.predicate) != (entry, MODIFIED)
        and not past.fullmatch(str(triple.subject))
        and not past.fullmatch(str(triple.object))
    ]


def _history(entry: NamedNode, before: Sequence[Triple], deed: Deed) -> list[Triple]:
    """Give the last deeds of the history of an entry, of which this one is the newest."""
    start = f"{entry.value}#revision-"
    known = (str(t.subject)[1:-1] for t in before if t.predicate == _TYPE and t.object == _REVISION)
    numbers = sorted(int(iri.removeprefix(start)) for iri in known if iri.startswith(start))
    past = [NamedNode(f"{start}{number}") for number in numbers[-_KEPT + 1 :]]
    agents = [t.object for t in before if t.subject in past and t.predicate == _BY]
    kept = [t for t in before if t.subject in (*past, *agents) or t.object in past]
    number = numbers[-1] + 1 if numbers else 1
    return [*kept, *_told(entry, NamedNode(f"{start}{number}"), deed)]


def _told(entry: NamedNode, revision: NamedNode, deed: Deed) -> Iterator[Triple]:
    agent = NamedNode(f"{entry.value}#by-{deed.name}")
    ended = deed.moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    yield Triple(entry, GENERATED, revision)
    yield Triple(revision, _TYPE, _REVISION)
    yield Triple(revision, _ENDED, Literal(ended, datatype=NamedNode(XSD + "dateTime")))
    yield Triple(revision, _BY, agent)
    yield from (Triple(revision, _WHY, reason) for reason in deed.reasons)
    yield Triple(agent, _TYPE, _AGENT)
    yield Triple(agent, _NAME, Literal(deed.name))
