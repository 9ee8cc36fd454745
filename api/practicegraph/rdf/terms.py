"""RDF terms, namespaces, the dates and numbers of literals, and graphs as canonical N-Triples.

A file may have ill-typed literals such as `"2026-11-31"^^xsd:date` (RDF 1.1 Concepts, section 3.3).
They are shown as they are, and have no value here.
"""

import hashlib
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime

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

# Strings, not those of rdflib.namespace: a URIRef equals no string, so no IRI of a pyoxigraph term.
AS = "https://www.w3.org/ns/activitystreams#"
DCAT = "http://www.w3.org/ns/dcat#"
DCT = "http://purl.org/dc/terms/"
EARL = "http://www.w3.org/ns/earl#"
FOAF = "http://xmlns.com/foaf/0.1/"
HYDRA = "http://www.w3.org/ns/hydra/core#"
LDES = "https://w3id.org/ldes#"
LDP = "http://www.w3.org/ns/ldp#"
OWL = "http://www.w3.org/2002/07/owl#"
PG = "https://w3id.org/practicegraph/ontology#"
PROV = "http://www.w3.org/ns/prov#"
PTR = "http://www.w3.org/2009/pointers#"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
RDFS = "http://www.w3.org/2000/01/rdf-schema#"
SCHEMA = "https://schema.org/"
SD = "http://www.w3.org/ns/sparql-service-description#"
SH = "http://www.w3.org/ns/shacl#"
SKOS = "http://www.w3.org/2004/02/skos/core#"
SPDX = "http://spdx.org/rdf/terms#"
TREE = "https://w3id.org/tree#"
VCARD = "http://www.w3.org/2006/vcard/ns#"
VOID = "http://rdfs.org/ns/void#"
XSD = "http://www.w3.org/2001/XMLSchema#"

Term = NamedNode | BlankNode | Literal | Triple
Node = NamedNode | BlankNode
TYPE, FIRST, REST, NIL = (NamedNode(RDF + name) for name in ("type", "first", "rest", "nil"))
TRUE = Literal("true", datatype=NamedNode(XSD + "boolean"))
INTEGER = NamedNode(XSD + "integer")
_MONTHS = "(0[13578]|1[02])(-(0[1-9]|[12][0-9]|3[01]))?|(0[469]|11)(-(0[1-9]|[12][0-9]|30))?"
_LEAP = "([0-9][0-9](0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29"
_YEAR = "([0-9]{3}[1-9]|[0-9]{2}[1-9][0-9]|[0-9][1-9][0-9]{2}|[1-9][0-9]{3})"
DATE_PATTERN = f"{_LEAP}|{_YEAR}(-({_MONTHS}|02(-(0[1-9]|1[0-9]|2[0-8]))?))?"
"""A year from 0001 on, a month or a day of the calendar, as XPath and Python read expressions."""
DATE_LENGTH = 10
"""The length of `YYYY-MM-DD` (ISO 8601)."""
_DATE = re.compile(DATE_PATTERN, re.ASCII)
_NOT_XML = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]")
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}".encode()
_BLANK = b"_:"
"""Stands in every line with a blank node, and seldom elsewhere."""


def canonicalize(quads: Sequence[Quad]) -> list[Quad]:
    """Return quads with the canonical names of their blank nodes (RDFC-1.0, section 4.4)."""
    nodes = (node for quad in quads for node in (quad.subject, quad.object))
    if not any(isinstance(node, BlankNode) for node in nodes):
        return list(quads)
    dataset = Dataset(quads)
    dataset.canonicalize(CanonicalizationAlgorithm.RDFC_1_0)
    return list(dataset)


def in_graph(statements: Iterable[Triple | Quad], graph: str) -> Iterator[Quad]:
    """Return triples, or the triples of quads, as quads of a named graph."""
    name = NamedNode(graph)
    return (Quad(each.subject, each.predicate, each.object, name) for each in statements)


def parse_iri(text: str) -> NamedNode | None:
    """Return an IRI, or None where a text is none."""
    try:
        return NamedNode(text)
    except ValueError:
        return None


def local_name(iri: str) -> str:
    """Return what follows the last `#` or `/` of an IRI."""
    return iri.rpartition("#")[2].rpartition("/")[2]


def integer(value: int) -> Literal:
    """Return a number as a literal."""
    return Literal(str(value), datatype=INTEGER)


def date_literal(day: date) -> Literal:
    """Return a day as an xsd:date."""
    return Literal(day.isoformat(), datatype=NamedNode(XSD + "date"))


def moment_literal(moment: datetime) -> Literal:
    """Return a moment in UTC as a canonical xsd:dateTime, to the millisecond.

    Its fraction has no zeros at the end, with which a store would rewrite it.
    """
    text = moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds")
    value = text.rstrip("0").rstrip(".") + "Z"
    return Literal(value, datatype=NamedNode(XSD + "dateTime"))


def as_text(term: Term) -> str:
    """Return the IRI of a node, or the lexical form of a literal, as STR of SPARQL does."""
    assert isinstance(term, NamedNode | Literal), term
    return term.value


def is_date(text: str) -> bool:
    """Return whether a text is a year, a month or a day of the calendar (ISO 8601)."""
    return bool(_DATE.fullmatch(text))


def starts_with_date(text: str) -> bool:
    """Return whether a text begins with a day of the calendar, as dates and times of day do."""
    return len(text) >= DATE_LENGTH and is_date(text[:DATE_LENGTH])


def parse_integer(text: str) -> int | None:
    """Return the number that a text is, of at most 15 digits, else None."""
    return int(text) if re.fullmatch(r"[+-]?[0-9]{1,15}", text) else None


def parse_decimal(text: str) -> float | None:
    """Return the finite number that a text is, else None."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def escape_xml(xml: bytes) -> bytes:
    """Return XML with references for carriage returns, which parsers drop (XML 1.0, 2.11).

    A character that XML does not have (2.2), which `check` reports, becomes U+FFFD.
    """
    return _NOT_XML.sub(_REPLACEMENT, xml).replace(b"\r", b"&#xD;")


def write_n_triples(triples: Iterable[Triple]) -> bytes:
    """Return triples as N-Triples, in their order."""
    content = serialize(triples, format=RdfFormat.N_TRIPLES)
    assert isinstance(content, bytes)
    return content


def parse_n_triples(lines: bytes) -> list[Triple]:
    """Parse N-Triples."""
    return [quad.triple for quad in parse(lines, RdfFormat.N_TRIPLES)]


def sort_lines(lines: bytes) -> bytes:
    """Return lines in the order of their bytes."""
    return b"".join(sorted(lines.splitlines(keepends=True)))


def canonical_n_triples(lines: bytes) -> bytes:
    """Return the canonical N-Triples of a graph: sorted lines, blank nodes named by RDFC-1.0."""
    if _BLANK not in lines:
        return sort_lines(lines)
    quads = [
        Quad(triple.subject, triple.predicate, triple.object) for triple in parse_n_triples(lines)
    ]
    return sort_lines(write_n_triples(quad.triple for quad in canonicalize(quads)))


def content_hash(lines: bytes) -> str:
    """Return the first 32 hexadecimal digits of the SHA-256 of canonical lines."""
    return hashlib.sha256(lines).hexdigest()[:32]


def relabel_blank_nodes(lines: bytes, number: int) -> bytes:
    """Return lines whose blank nodes have names that contain a number."""
    return (
        sort_lines(write_n_triples(_renamed(parse_n_triples(lines), number)))
        if _BLANK in lines
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
