"""Identifiers of entries: which ones fit, and which one a new entry gets."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import count

from pyoxigraph import Literal, NamedNode, Triple

from .kinds import Kind
from .text import best, letters

NONE = "-"
"""Stands in the place of an identifier that is not chosen yet; none is like it."""
_SAFE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,126}[A-Za-z0-9])?")
_LONGEST = 60


def fits(kind: Kind, identifier: str) -> bool:
    """Tell whether an entry may be called so: in a path, in a file's name, and by the shapes."""
    patterns = (field.pattern for field in kind.with_role("IDRole") if field.pattern)
    safe = bool(_SAFE.fullmatch(identifier))
    return safe and all(re.search(pattern, identifier) for pattern in patterns)


def stated(kind: Kind, entry: NamedNode, triples: Iterable[Triple]) -> str:
    """Give the identifier that triples say an entry has, or ""."""
    names = {field.predicate for field in kind.with_role("IDRole")}
    said = (t for t in triples if t.subject == entry and t.predicate.value in names)
    return next((t.object.value for t in said if isinstance(t.object, Literal)), "")


def identified(
    kind: Kind, entry: NamedNode, triples: Sequence[Triple], identifier: str
) -> list[Triple]:
    """Give triples that say the identifier of an entry, if its kind has a field for that."""
    missing = [] if stated(kind, entry, triples) else kind.with_role("IDRole")
    names = [NamedNode(field.predicate) for field in missing if field.predicate]
    return [*triples, *(Triple(entry, name, Literal(identifier)) for name in names)]


def proposals(
    kind: Kind, entry: NamedNode, triples: Iterable[Triple], languages: Sequence[str]
) -> Iterator[str]:
    """Give identifiers without end, made of the title in the first of the languages.

    Numbers alone are left to the source that gives them.
    """
    names = {field.predicate for field in kind.with_role("LabelRole")}
    said = [t.object for t in triples if t.subject == entry and t.predicate.value in names]
    titles = {t.language or "": t.value for t in said if isinstance(t, Literal)}
    words = re.findall(r"[a-z0-9]+", letters(best(titles, languages)))
    slug = "-".join(words)[:_LONGEST].strip("-")
    if not re.search("[a-z]", slug):
        slug = "-".join(part for part in (kind.segment, slug) if part)
    if slug != kind.segment:
        yield slug
    yield from (f"{slug}-{number}" for number in count(2))


def renamed(triples: Iterable[Triple], old: NamedNode, new: NamedNode) -> list[Triple]:
    """Give triples in which an entry and its parts have another address."""

    def name(node: object) -> object:
        if not isinstance(node, NamedNode):
            return node
        whole, mark, part = node.value.partition("#")
        return NamedNode(new.value + mark + part) if whole == old.value else node

    return [Triple(name(t.subject), t.predicate, name(t.object)) for t in triples]  # type: ignore[arg-type]
