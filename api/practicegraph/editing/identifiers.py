"""Identifiers of entries: which ones are valid, and which one a new entry gets."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import count

from pyoxigraph import Literal, NamedNode, Triple

from ..schema.fields import NodeShape
from ..schema.text import pick_text, strip_accents

PLACEHOLDER = "-"
"""Stands for an identifier that is not chosen yet; it is not a valid one."""
_SAFE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,126}[A-Za-z0-9])?")
_MAX_LENGTH = 60


def is_valid(shape: NodeShape, identifier: str) -> bool:
    """Return whether an identifier suits a path, a file name, and the shapes."""
    patterns = (field.pattern for field in shape.fields_with_role("IDRole") if field.pattern)
    is_safe = bool(_SAFE.fullmatch(identifier))
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
