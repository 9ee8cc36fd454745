"""Turtle as we write it: one canonical order, so that a diff shows the change and no more."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pyoxigraph import BlankNode, Literal, NamedNode, Triple

from .store import RDF, Node, Term

XSD = "http://www.w3.org/2001/XMLSchema#"
_FIRST, _REST = NamedNode(RDF + "first"), NamedNode(RDF + "rest")
_LOCAL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?")
_BARE = {XSD + "boolean": r"true|false", XSD + "integer": r"[+-]?[0-9]+"}


_Properties = dict[NamedNode, set[Term]]


@dataclass
class Writer:
    """Writes triples with the prefixes; properties and languages in the order they are given in."""

    prefixes: Mapping[str, str]
    languages: Sequence[str] = ()
    properties: Sequence[str] = ()

    def write(self, triples: Iterable[Triple], *topics: str) -> str:
        """Give the Turtle text: the topics first, then the other subjects by name (Turtle 1.1)."""
        return _Text(self, triples).document(topics)

    def naming(self, triples: Iterable[Triple]) -> Callable[[Term], str]:
        """Give what writes a term; a blank node with all that the triples say of it."""
        return _Text(self, triples).name


class _Text:
    """One text being written; blank nodes stand where they are mentioned."""

    def __init__(self, writer: Writer, triples: Iterable[Triple]) -> None:
        self._writer = writer
        self._used: set[str] = set()
        self._things: dict[Node, _Properties] = {}
        for triple in triples:
            assert not isinstance(triple.subject, Triple)
            properties = self._things.setdefault(triple.subject, {})
            properties.setdefault(triple.predicate, set()).add(triple.object)

    def document(self, topics: Sequence[str]) -> str:
        first = {topic: place for place, topic in enumerate(topics)}
        mentioned = {v for thing in self._things.values() for vs in thing.values() for v in vs}
        subjects = [n for n in self._things if isinstance(n, NamedNode) or n not in mentioned]
        subjects.sort(key=lambda node: (first.get(node.value, len(first)), str(node)))
        paragraphs = [self._paragraph(subject) for subject in subjects]
        used = sorted(self._used)
        heading = [f"@prefix {prefix}: <{self._writer.prefixes[prefix]}> .\n" for prefix in used]
        return "\n".join(["".join(heading), *paragraphs])

    def _paragraph(self, subject: Node) -> str:
        name = self.name(subject) if isinstance(subject, NamedNode) else "[]"
        lines = self._lines(self._things[subject])
        return name + "\n    " + " ;\n    ".join(lines) + " .\n"

    def _lines(self, properties: _Properties) -> list[str]:
        ordered = sorted(properties, key=self._place_of_property)
        return [self._line(predicate, properties[predicate]) for predicate in ordered]

    def _line(self, predicate: NamedNode, values: set[Term]) -> str:
        name = "a" if predicate.value == RDF + "type" else self.name(predicate)
        ordered = [text for _, text in sorted(map(self._placed, values))]
        if len(ordered) == 1:
            return f"{name} {ordered[0]}"
        return name + "\n        " + " ,\n        ".join(ordered)

    def _placed(self, value: Term) -> tuple[int, str]:
        language = value.language if isinstance(value, Literal) else None
        return _place(language or "", self._writer.languages), self.name(value)

    def _blank(self, node: BlankNode) -> str:
        properties = self._things.get(node, {})
        if _FIRST in properties:
            return "( " + " ".join(self._members(node)) + " )"
        return "[ " + " ; ".join(self._lines(properties)) + " ]"

    def _members(self, head: Term) -> Iterator[str]:
        while isinstance(head, BlankNode):
            properties = self._things[head]
            yield from map(self.name, properties[_FIRST])
            head = next(iter(properties[_REST]))

    def _place_of_property(self, predicate: NamedNode) -> tuple[int, str]:
        if predicate.value == RDF + "type":
            return (-1, "")
        return (_place(predicate.value, self._writer.properties), self.name(predicate))

    def name(self, term: Term) -> str:
        """Give a term as it stands in the text."""
        if isinstance(term, NamedNode):
            return self._short(term.value)
        if isinstance(term, Literal):
            return self._literal(term)
        assert isinstance(term, BlankNode)
        return self._blank(term)

    def _literal(self, literal: Literal) -> str:
        datatype = literal.datatype.value
        if re.fullmatch(_BARE.get(datatype, r"(?!)"), literal.value):
            return literal.value
        text = _quoted(literal.value)
        if literal.language:
            return f"{text}@{literal.language}"
        return text if datatype == XSD + "string" else f"{text}^^{self._short(datatype)}"

    def _short(self, iri: str) -> str:
        fitting = [
            (len(namespace), prefix)
            for prefix, namespace in self._writer.prefixes.items()
            if iri.startswith(namespace) and _LOCAL.fullmatch(iri[len(namespace) :])
        ]
        if not fitting:
            return str(NamedNode(iri))
        length, prefix = max(fitting)
        self._used.add(prefix)
        return f"{prefix}:{iri[length:]}"


def _place(value: str, order: Sequence[str]) -> int:
    return order.index(value) if value in order else len(order)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\r", "\\r")
    return f'"""{escaped}"""' if "\n" in escaped else f'"{escaped}"'
