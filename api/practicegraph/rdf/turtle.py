"""Turtle 1.1 in one canonical order, so that a diff shows the change and no more."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from pyoxigraph import BlankNode, Literal, NamedNode, Triple

from .namespaces import RDF, XSD
from .terms import FIRST, NIL, REST, Node, Term

_LOCAL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?")
_BARE = {XSD + "boolean": r"true|false", XSD + "integer": r"[+-]?[0-9]+"}


_Properties = dict[NamedNode, set[Term]]


@dataclass
class TurtleWriter:
    """Writes triples with prefixes; properties and languages in an order of their own."""

    prefixes: Mapping[str, str]
    languages: Sequence[str] = ()
    properties: Sequence[str] = ()

    def write(self, triples: Iterable[Triple], *topics: str) -> str:
        """Return Turtle 1.1: the topics first, then the other subjects by name."""
        return _Text(self, triples).document(topics)

    def term_writer(self, triples: Iterable[Triple]) -> Callable[[Term], str]:
        """Return a function that writes a term, a blank node with its properties in brackets."""
        return _Text(self, triples).name


class _Text:
    """A text that is being written; a blank node stands where it is referred to."""

    def __init__(self, writer: TurtleWriter, triples: Iterable[Triple]) -> None:
        self._writer = writer
        self._used: set[str] = set()
        self._nodes: dict[Node, _Properties] = {}
        for triple in triples:
            assert not isinstance(triple.subject, Triple)
            properties = self._nodes.setdefault(triple.subject, {})
            properties.setdefault(triple.predicate, set()).add(triple.object)
        self._references = Counter(
            value
            for properties in self._nodes.values()
            for values in properties.values()
            for value in values
        )
        self._labels = {node: f"_:b{n}" for n, node in enumerate(sorted(self._labelled(), key=str))}

    def _labelled(self) -> set[Node]:
        """Return the blank nodes that need a label: those in rings, or referred to twice."""
        blank = [node for node in self._nodes if isinstance(node, BlankNode)]
        labelled: set[Node] = {node for node in blank if self._references[node] > 1}
        nested: set[Node] = set()
        waiting: list[Node] = [node for node in self._nodes if not self._references[node]]
        waiting += [node for node in self._nodes if isinstance(node, NamedNode)]
        waiting += labelled
        while waiting:
            for values in self._nodes[waiting.pop()].values():
                inner = [v for v in values if isinstance(v, BlankNode) and v in self._nodes]
                waiting += [node for node in inner if node not in labelled and node not in nested]
                nested.update(inner)
        return labelled | set(blank).difference(
            nested, (n for n in blank if not self._references[n])
        )

    def document(self, topics: Sequence[str]) -> str:
        rank = {topic: number for number, topic in enumerate(topics)}
        subjects = [
            node
            for node in self._nodes
            if isinstance(node, NamedNode) or node in self._labels or not self._references[node]
        ]
        subjects.sort(key=lambda node: (rank.get(node.value, len(rank)), str(node)))
        paragraphs = [self._paragraph(subject) for subject in subjects]
        used = sorted(self._used)
        heading = [f"@prefix {prefix}: <{self._writer.prefixes[prefix]}> .\n" for prefix in used]
        return "\n".join(["".join(heading), *paragraphs])

    def _paragraph(self, subject: Node) -> str:
        label = self._labels.get(subject, "[]")
        name = self.name(subject) if isinstance(subject, NamedNode) else label
        lines = self._lines(self._nodes[subject])
        return name + "\n    " + " ;\n    ".join(lines) + " .\n"

    def _lines(self, properties: _Properties) -> list[str]:
        ordered = sorted(properties, key=self._property_key)
        return [self._line(predicate, properties[predicate]) for predicate in ordered]

    def _line(self, predicate: NamedNode, values: set[Term]) -> str:
        name = "a" if predicate.value == RDF + "type" else self.name(predicate)
        ordered = [text for _, text in sorted(map(self._value_key, values))]
        if len(ordered) == 1:
            return f"{name} {ordered[0]}"
        return name + "\n        " + " ,\n        ".join(ordered)

    def _value_key(self, value: Term) -> tuple[int, str]:
        language = value.language if isinstance(value, Literal) else None
        return _rank(language or "", self._writer.languages), self.name(value)

    def _blank(self, node: BlankNode) -> str:
        if node in self._labels:
            return self._labels[node]
        members = self._members(node)
        if members is not None:
            return "( " + " ".join(map(self.name, members)) + " )"
        return "[ " + " ; ".join(self._lines(self._nodes.get(node, {}))) + " ]"

    def _members(self, head: Term) -> list[Term] | None:
        """Return the members of a list, or None for a node that is no well-formed list."""
        members: list[Term] = []
        while isinstance(head, BlankNode):
            properties = self._nodes.get(head, {})
            is_cell = properties.keys() == {FIRST, REST} and head not in self._labels
            if not is_cell or any(len(values) != 1 for values in properties.values()):
                return None
            members += properties[FIRST]
            (head,) = properties[REST]
        return members if head == NIL else None

    def _property_key(self, predicate: NamedNode) -> tuple[int, str]:
        if predicate.value == RDF + "type":
            return (-1, "")
        return (_rank(predicate.value, self._writer.properties), self.name(predicate))

    def name(self, term: Term) -> str:
        """Return a term in Turtle."""
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
        candidates = [
            (len(namespace), prefix)
            for prefix, namespace in self._writer.prefixes.items()
            if iri.startswith(namespace) and _LOCAL.fullmatch(iri[len(namespace) :])
        ]
        if not candidates:
            return str(NamedNode(iri))
        length, prefix = max(candidates)
        self._used.add(prefix)
        return f"{prefix}:{iri[length:]}"


def _rank(value: str, order: Sequence[str]) -> int:
    return order.index(value) if value in order else len(order)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\r", "\\r")
    return f'"""{escaped}"""' if "\n" in escaped else f'"{escaped}"'
