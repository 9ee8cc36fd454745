"""Graphs as lines of N-Triples, in one canonical order, by which they are told from others."""

import hashlib
from collections.abc import Iterable, Iterator

from pyoxigraph import BlankNode, Quad, RdfFormat, Triple, parse, serialize

from .store import with_lasting_names

_NAMELESS = b"_:"
"""Stands where a line has a blank node, and seldom elsewhere."""


def written(triples: Iterable[Triple]) -> bytes:
    """Give triples as lines, in their order."""
    content = serialize(triples, format=RdfFormat.N_TRIPLES)
    assert isinstance(content, bytes)
    return content


def read(lines: bytes) -> list[Triple]:
    """Give the triples of lines."""
    return [quad.triple for quad in parse(lines, RdfFormat.N_TRIPLES)]


def ordered(lines: bytes) -> bytes:
    """Give lines in their order."""
    return b"".join(sorted(lines.splitlines(keepends=True)))


def canonical(lines: bytes) -> bytes:
    """Give the lines of a graph in order, blank nodes with the names that RDFC-1.0 gives them."""
    if _NAMELESS not in lines:
        return ordered(lines)
    quads = [Quad(triple.subject, triple.predicate, triple.object) for triple in read(lines)]
    return ordered(written(quad.triple for quad in with_lasting_names(quads)))


def digest(lines: bytes) -> str:
    """Give what tells canonical lines from others: 32 hexadecimal digits."""
    return hashlib.sha256(lines).hexdigest()[:32]


def apart(lines: bytes, number: int) -> bytes:
    """Give lines with names of blank nodes that no other number leads to."""
    return ordered(written(_renamed(read(lines), number))) if _NAMELESS in lines else lines


def _renamed(triples: Iterable[Triple], number: int) -> Iterator[Triple]:
    for triple in triples:
        subject, value = triple.subject, triple.object
        if isinstance(subject, BlankNode):
            subject = BlankNode(f"e{number}{subject.value}")
        if isinstance(value, BlankNode):
            value = BlankNode(f"e{number}{value.value}")
        yield Triple(subject, triple.predicate, value)
