"""Single errors in a catalogue's files, drawn at random."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pyoxigraph import BlankNode, Literal, NamedNode, Triple

from practicegraph.catalogue.documents import Document
from practicegraph.rdf.terms import RDF, XSD, Term

BASE = "https://w3id.org/practicegraph/"
_HEADS = ".rq"


@dataclass(frozen=True)
class WrongValue:
    """The wrong content of a file, and its description; None if the file is deleted."""

    path: Path
    description: str
    content: bytes | None


def _typed(text: str, name: str) -> Literal:
    return Literal(text, datatype=NamedNode(XSD + name))


_AGAIN = NamedNode(BASE + "practice/1788")
VALUES: Mapping[str, Sequence[Term]] = {
    "an impossible date": [
        _typed("2026-11-31", "date"),
        _typed("soon", "date"),
        _typed("20XX", "gYear"),
        _typed("2026-13", "gYearMonth"),
        _typed("99999-01-01", "date"),
        _typed("-0044", "gYear"),
        _typed("", "date"),
        _typed("2026-11-24T25:00:00Z", "dateTime"),
        _typed("２０２６-11-24", "date"),
    ],
    "another kind of date": [
        _typed("2026", "gYear"),
        _typed("2026-11-24Z", "date"),
        _typed("2026-11-24T10:00:00+02:00", "dateTime"),
        _typed("--11-24", "gMonthDay"),
        _typed("0000-01-01", "date"),
    ],
    "a text": [
        Literal("Hungary"),
        Literal(""),
        Literal("2026-11-31"),
        Literal("a\tb\n\u0001\u000b\ufffe{x}"),
        Literal("=1+1 <b> & \"'"),
    ],
    "a text in a language": [
        Literal("Hungary", language="en"),
        Literal("Ungarn", language="zz"),
        Literal("Hungary", language="en-GB"),
        Literal("{title} {0} {", language="en"),
        Literal("", language="en"),
    ],
    "a number": [
        _typed("12", "integer"),
        _typed("1.5", "decimal"),
        _typed("-3", "integer"),
        _typed("1e400", "double"),
        _typed("INF", "double"),
        _typed("NaN", "double"),
        _typed("1" + "0" * 5000, "integer"),
    ],
    "no number": [
        _typed("many", "integer"),
        _typed("1,5", "decimal"),
        _typed("", "integer"),
        _typed("½", "decimal"),
    ],
    "a truth": [_typed("true", "boolean"), _typed("1", "boolean"), _typed("maybe", "boolean")],
    "another datatype": [
        Literal("<p>x", datatype=NamedNode(RDF + "HTML")),
        Literal("<p>x", datatype=NamedNode(RDF + "XMLLiteral")),
        Literal("x", datatype=NamedNode("urn:x")),
        _typed("http://example.org/", "anyURI"),
    ],
    "an unknown concept": [
        NamedNode(BASE + "outcome/NOPE"),
        NamedNode(BASE + "country/HUN"),
        NamedNode("http://publications.europa.eu/resource/authority/country/XXX"),
    ],
    "another IRI": [
        NamedNode("http://example.org/"),
        NamedNode("urn:x"),
        NamedNode("mailto:a@example.org"),
        NamedNode("x:"),
        NamedNode("javascript:alert(1)"),
        NamedNode("http://[::1]/?q#"),
        NamedNode("https://пример.example/é"),
        NamedNode(BASE),
        NamedNode(BASE + "#"),
        NamedNode(BASE + "practice/1788"),
        NamedNode(BASE + "outcome"),
        NamedNode(BASE + "outcome/ACE"),
        NamedNode(BASE + "shapes#Practice"),
        NamedNode(BASE + "ontology"),
        NamedNode(RDF + "nil"),
    ],
    "a blank node": [BlankNode("slip")],
    "a triple": [Triple(_AGAIN, NamedNode("urn:p"), Literal("x"))],
}
_PREDICATES = (
    *(RDF + name for name in ("type", "first", "rest")),
    "http://www.w3.org/2000/01/rdf-schema#label",
    *(f"http://purl.org/dc/terms/{n}" for n in ("title", "modified", "identifier", "isReplacedBy")),
    *(
        f"http://www.w3.org/2004/02/skos/core#{name}"
        for name in ("broader", "narrower", "notation", "inScheme", "prefLabel", "exactMatch")
    ),
    "http://www.w3.org/2002/07/owl#deprecated",
    "http://www.w3.org/2002/07/owl#versionIRI",
    "http://www.w3.org/2002/07/owl#imports",
    *(f"{BASE}ontology#{n}" for n in ("country", "outcome", "retired", "facet", "combinedFacet")),
    "urn:p",
)
_TEXTS: Mapping[str, Callable[[bytes, random.Random], bytes | None]] = {
    "emptied": lambda _, __: b"",
    "deleted": lambda _, __: None,
    "cut off": lambda content, chance: content[: chance.randrange(len(content))],
    "a letter less": lambda content, chance: _remove_byte(content, chance.randrange(len(content))),
    "a line less": lambda content, chance: _remove_line(content, chance),
    "a line twice": lambda content, chance: _repeat_line(content, chance),
    "in UTF-16": lambda content, _: content.decode().encode("utf-16"),
    "in Latin-1": lambda content, _: content.decode().encode("latin-1", "replace"),
    "after a conflict": lambda content, _: b"<<<<<<< HEAD\n" + content + b"=======\n>>>>>>> x\n",
    "with a byte order mark": lambda content, _: b"\xef\xbb\xbf" + content,
    "another format": lambda _, __: b'{"@id": "x"}\n',
    "comments alone": lambda _, __: b"# nothing\n",
    "about a blank node first": lambda content, _: b"[] a <urn:x> .\n" + content,
    "about another thing first": lambda content, _: b"<urn:x> a <urn:y> .\n" + content,
    "about a thing of another file": lambda c, _: f"<{_AGAIN.value}> a <urn:y> .\n".encode() + c,
    "about a wrong address": lambda c, _: b"<http://[x> a <urn:y> .\n" + c,
}


def draw_wrong_values(documents: Sequence[Document], seed: int) -> Iterator[WrongValue]:
    """Yield errors without end, the same ones for the same seed."""
    chance = random.Random(seed)
    parts = sorted({document.path.parent for document in documents})
    while True:
        part = chance.choice(parts)
        document = chance.choice([d for d in documents if d.path.parent == part])
        if chance.random() < 0.15:
            name = chance.choice([n for n in _TEXTS if n != "deleted" or part.name != "shapes"])
            yield WrongValue(document.path, name, _TEXTS[name](document.content, chance))
        else:
            yield _change_triple(document, chance)


def _change_triple(document: Document, chance: random.Random) -> WrongValue:
    triples = [quad.triple for quad in document.quads]
    if document.path.suffix == _HEADS:
        triples = [t for t in triples if not t.predicate.value.endswith(("#select", "#construct"))]
    by_property: dict[str, list[int]] = {}
    for number, triple in enumerate(triples):
        by_property.setdefault(triple.predicate.value, []).append(number)
    number = chance.choice(by_property[chance.choice(list(by_property))])
    description, replacement = _replacement(triples, triples[number], chance)
    after = [*triples[:number], *replacement, *triples[number + 1 :]]
    return WrongValue(
        document.path, f"{triples[number]} {description}", _serialize(document, after)
    )


def _replacement(
    triples: Sequence[Triple], triple: Triple, chance: random.Random
) -> tuple[str, list[Triple]]:
    """Return the description of an error in a triple, and the triples in its place."""
    node, name = triple.subject, triple.predicate
    kind = chance.choice(list(VALUES))
    value = chance.choice(VALUES[kind])
    operation = chance.choice(
        ("other", "other", "other", "more", "less", "name", "node", "also", "loop")
    )
    match operation:
        case "other":
            return f"with {kind}, {value}", [Triple(node, name, value)]
        case "more":
            return f"and {kind}, {value}", [triple, Triple(node, name, value)]
        case "less":
            return "deleted", []
        case "name":
            other = NamedNode(chance.choice(_PREDICATES))
            return f"by {other}", [Triple(node, other, triple.object)]
        case "node":
            other_node = chance.choice([BlankNode("slip"), chance.choice(triples).subject, _AGAIN])
            return f"of {other_node}", [Triple(other_node, name, triple.object)]
        case "also":
            other = NamedNode(chance.choice(_PREDICATES))
            return f"and {other} {value}", [triple, Triple(node, other, value)]
        case _:
            assert not isinstance(node, Triple)
            return "with itself", [Triple(node, name, node)]


def _serialize(document: Document, triples: Sequence[Triple]) -> bytes:
    """Serialize a file as N-Triples, which are Turtle; its first subject stays the first."""
    head = [f"{triple} .".replace("<<(", "<<( ") for triple in triples]
    if document.path.suffix != _HEADS:
        return "".join(f"{line}\n" for line in head).encode()
    return ("".join(f"#: {line}\n" for line in head) + "\n" + document.sparql).encode()


def _remove_byte(content: bytes, place: int) -> bytes:
    return content[:place] + content[place + 1 :]


def _remove_line(content: bytes, chance: random.Random) -> bytes:
    lines = content.splitlines(keepends=True)
    del lines[chance.randrange(len(lines))]
    return b"".join(lines)


def _repeat_line(content: bytes, chance: random.Random) -> bytes:
    lines = content.splitlines(keepends=True)
    place = chance.randrange(len(lines))
    return b"".join([*lines[:place], lines[place], *lines[place:]])
