"""Graphs as lines of N-Triples, in one canonical order, by which they are told from others.

Days and numbers that literals say, or none where their text has no such form.

Nothing keeps whoever edits a file from writing `"2026-11-31"^^xsd:date`. Such a literal is
ill-typed (RDF 1.1 Concepts, 3.3): it is shown as it is, and stands for no day.
"""

import hashlib
import math
import re
from collections.abc import Iterable, Iterator, Sequence

from pyoxigraph import (
    BlankNode,
    CanonicalizationAlgorithm,
    Dataset,
    Literal,
    NamedNode,
    Quad,
    RdfFormat,
    Triple,
    parse,
    serialize,
)

Term = NamedNode | BlankNode | Literal | Triple
Node = NamedNode | BlankNode


def canonicalize(quads: Sequence[Quad]) -> list[Quad]:
    """Return quads, blank nodes with the names to which any store leads (RDFC-1.0, section 4.4)."""
    nodes = (node for quad in quads for node in (quad.subject, quad.object))
    if not any(isinstance(node, BlankNode) for node in nodes):
        return list(quads)
    found = Dataset(quads)
    found.canonicalize(CanonicalizationAlgorithm.RDFC_1_0)
    return list(found)


def in_graph(triples: Iterable[Triple], graph: str) -> Iterator[Quad]:
    """Put triples into a named graph."""
    name = NamedNode(graph)
    return (Quad(triple.subject, triple.predicate, triple.object, name) for triple in triples)


def as_text(term: Term) -> str:
    """Return the IRI of a term, or the text of a literal."""
    assert isinstance(term, NamedNode | Literal), term
    return term.value


_MONTHS = "(0[13578]|1[02])(-(0[1-9]|[12][0-9]|3[01]))?|(0[469]|11)(-(0[1-9]|[12][0-9]|30))?"
_LEAP = "([0-9][0-9](0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29"
_YEAR = "([0-9]{3}[1-9]|[0-9]{2}[1-9][0-9]|[0-9][1-9][0-9]{2}|[1-9][0-9]{3})"
DATE_PATTERN = f"{_LEAP}|{_YEAR}(-({_MONTHS}|02(-(0[1-9]|1[0-9]|2[0-8]))?))?"
"""A year from 0001 on, a month or a day of the calendar, as XPath and Python read expressions."""
DATE_LENGTH = 10
"""How many letters a day of the calendar has (ISO 8601)."""
_DATE = re.compile(DATE_PATTERN, re.ASCII)


def is_date(text: str) -> bool:
    """Return whether a text is a year, a month or a day of the calendar (ISO 8601)."""
    return bool(_DATE.fullmatch(text))


def starts_with_date(text: str) -> bool:
    """Return whether a text begins with a day of the calendar, as dates and moments do."""
    return len(text) >= DATE_LENGTH and is_date(text[:DATE_LENGTH])


def parse_integer(text: str) -> int | None:
    """Return the number that a text is; None where it is none, or one that no reader expects."""
    return int(text) if re.fullmatch(r"[+-]?[0-9]{1,15}", text) else None


def parse_decimal(text: str) -> float | None:
    """Return the finite number that a text is, else None."""
    try:
        found = float(text)
    except ValueError:
        return None
    return found if math.isfinite(found) else None


_NAMELESS = b"_:"
"""Stands where a line has a blank node, and seldom elsewhere."""


def write_n_triples(triples: Iterable[Triple]) -> bytes:
    """Return triples as lines, in their order."""
    content = serialize(triples, format=RdfFormat.N_TRIPLES)
    assert isinstance(content, bytes)
    return content


def parse_n_triples(lines: bytes) -> list[Triple]:
    """Return the triples of lines."""
    return [quad.triple for quad in parse(lines, RdfFormat.N_TRIPLES)]


def sort_lines(lines: bytes) -> bytes:
    """Return lines in their order."""
    return b"".join(sorted(lines.splitlines(keepends=True)))


def canonical_n_triples(lines: bytes) -> bytes:
    """Return the lines of a graph in order, blank nodes with the names that RDFC-1.0 gives them."""
    if _NAMELESS not in lines:
        return sort_lines(lines)
    quads = [
        Quad(triple.subject, triple.predicate, triple.object) for triple in parse_n_triples(lines)
    ]
    return sort_lines(write_n_triples(quad.triple for quad in canonicalize(quads)))


def content_hash(lines: bytes) -> str:
    """Return what tells canonical lines from others: 32 hexadecimal digits."""
    return hashlib.sha256(lines).hexdigest()[:32]


def relabel_blank_nodes(lines: bytes, number: int) -> bytes:
    """Return lines with names of blank nodes that no other number leads to."""
    return (
        sort_lines(write_n_triples(_renamed(parse_n_triples(lines), number)))
        if _NAMELESS in lines
        else lines
    )


def _renamed(triples: Iterable[Triple], number: int) -> Iterator[Triple]:
    for triple in triples:
        subject, value = triple.subject, triple.object
        if isinstance(subject, BlankNode):
            subject = BlankNode(f"e{number}{subject.value}")
        if isinstance(value, BlankNode):
            value = BlankNode(f"e{number}{value.value}")
        yield Triple(subject, triple.predicate, value)
