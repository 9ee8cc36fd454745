"""Turtle as we write it: one canonical order, so that a diff shows the change and no more."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from pyoxigraph import BlankNode, Literal, NamedNode, Triple

from .namespaces import RDF, XSD
from .terms import Node, Term

_FIRST, _REST, _NIL = (NamedNode(RDF + name) for name in ("first", "rest", "nil"))
_LOCAL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?")
_BARE = {XSD + "boolean": r"true|false", XSD + "integer": r"[+-]?[0-9]+"}


_Properties = dict[NamedNode, set[Term]]


@dataclass
class TurtleWriter:
    """Writes triples with the prefixes; properties and languages in the order they are given in."""

    prefixes: Mapping[str, str]
    languages: Sequence[str] = ()
    properties: Sequence[str] = ()

    def write(self, triples: Iterable[Triple], *topics: str) -> str:
        """Return Turtle 1.1: the topics first, then the other subjects by name."""
        return _Text(self, triples).document(topics)

    def term_writer(self, triples: Iterable[Triple]) -> Callable[[Term], str]:
        """Return what writes a term; a blank node with all that the triples say of it."""
        return _Text(self, triples).name


class _Text:
    """One text being written; blank nodes stand where they are mentioned."""

    def __init__(self, writer: TurtleWriter, triples: Iterable[Triple]) -> None:
        self._writer = writer
        self._used: set[str] = set()
        self._things: dict[Node, _Properties] = {}
        for triple in triples:
            assert not isinstance(triple.subject, Triple)
            properties = self._things.setdefault(triple.subject, {})
            properties.setdefault(triple.predicate, set()).add(triple.object)
        self._mentions = Counter(
            value
            for thing in self._things.values()
            for values in thing.values()
            for value in values
        )
        self._labels = {node: f"_:b{n}" for n, node in enumerate(sorted(self._apart(), key=str))}

    def _apart(self) -> set[Node]:
        """Return the blank nodes that cannot stand where they are mentioned: in rings, or twice."""
        blank = [node for node in self._things if isinstance(node, BlankNode)]
        apart: set[Node] = {node for node in blank if self._mentions[node] > 1}
        nested: set[Node] = set()
        waiting: list[Node] = [node for node in self._things if not self._mentions[node]]
        waiting += [node for node in self._things if isinstance(node, NamedNode)]
        waiting += apart
        while waiting:
            for values in self._things[waiting.pop()].values():
                inner = [v for v in values if isinstance(v, BlankNode) and v in self._things]
                waiting += [node for node in inner if node not in apart and node not in nested]
                nested.update(inner)
        return apart | set(blank).difference(nested, (n for n in blank if not self._mentions[n]))

    def document(self, topics: Sequence[str]) -> str:
        first = {topic: place for place, topic in enumerate(topics)}
        subjects = [
            node
            for node in self._things
            if isinstance(node, NamedNode) or node in self._labels or not self._mentions[node]
        ]
        subjects.sort(key=lambda node: (first.get(node.value, len(first)), str(node)))
        paragraphs = [self._paragraph(subject) for subject in subjects]
        used = sorted(self._used)
        heading = [f"@prefix {prefix}: <{self._writer.prefixes[prefix]}> .\n" for prefix in used]
        return "\n".join(["".join(heading), *paragraphs])

    def _paragraph(self, subject: Node) -> str:
        label = self._labels.get(subject, "[]")
        name = self.name(subject) if isinstance(subject, NamedNode) else label
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
        if node in self._labels:
            return self._labels[node]
        members = self._members(node)
        if members is not None:
            return "( " + " ".join(map(self.name, members)) + " )"
        return "[ " + " ; ".join(self._lines(self._things.get(node, {}))) + " ]"

    def _members(self, head: Term) -> list[Term] | None:
        """Return the members of a list, or None for what is no whole one."""
        members: list[Term] = []
        while isinstance(head, BlankNode):
            properties = self._things.get(head, {})
            whole = properties.keys() == {_FIRST, _REST} and head not in self._labels
            if not whole or any(len(values) != 1 for values in properties.values()):
                return None
            members += properties[_FIRST]
            (head,) = properties[_REST]
        return members if head == _NIL else None

    def _place_of_property(self, predicate: NamedNode) -> tuple[int, str]:
        if predicate.value == RDF + "type":
            return (-1, "")
        return (_place(predicate.value, self._writer.properties), self.name(predicate))

    def name(self, term: Term) -> str:
        """Return a term as it stands in the text."""
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
