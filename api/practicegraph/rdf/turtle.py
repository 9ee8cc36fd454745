"""Turtle 1.1 in one canonical order, so that a diff shows the change and no more."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pyoxigraph import BlankNode, Literal, NamedNode, Triple

from .terms import FIRST, NIL, REST, TYPE, XSD, Node, Term

_LOCAL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?")
_BARE = {XSD + "boolean": r"true|false", XSD + "integer": r"[+-]?[0-9]+"}
_MAX_NESTED = 30


class NestedGraph:
    """A graph in which a blank node stands inside the one node that refers to it.

    `labelled` are the blank nodes that need a label instead: those in rings, referred to twice, or
    nested too deep for a writer that recurses. `lists` are the members of well-formed lists.
    """

    def __init__(self, triples: Iterable[Triple]) -> None:
        self.nodes: dict[Node, dict[NamedNode, list[Term]]] = {}
        self._references: Counter[Term] = Counter()
        for triple in dict.fromkeys(triples):
            assert not isinstance(triple.subject, Triple)
            properties = self.nodes.setdefault(triple.subject, {})
            properties.setdefault(triple.predicate, []).append(triple.object)
            self._references[triple.object] += 1
        repeated = (term for term, count in self._references.items() if count > 1)
        self.labelled = {term for term in repeated if isinstance(term, BlankNode)}
        self.lists: dict[Term, list[Term]] = {}
        self._nested: set[Term] = set()
        self._nest([node for node in self.nodes if self._is_top(node)])
        in_rings = (node for node in self.nodes if not self._is_top(node))
        self.labelled |= {n for n in in_rings if isinstance(n, BlankNode)} - self._nested

    def subjects(self, topics: Sequence[str]) -> list[Node]:
        """Return the nodes that stand in no other, the topics first, then by name."""
        rank = {topic: number for number, topic in enumerate(topics)}
        tops = filter(self._is_top, self.nodes)
        return sorted(tops, key=lambda node: (rank.get(node.value, len(rank)), str(node)))

    def is_nested(self, term: Term) -> bool:
        """Return whether a term is a blank node that stands where it is referred to."""
        return isinstance(term, BlankNode) and term in self.nodes and term not in self.labelled

    def _is_top(self, node: Node) -> bool:
        is_alone = isinstance(node, NamedNode) or not self._references[node]
        return is_alone or node in self.labelled

    def _nest(self, tops: Iterable[Node]) -> None:
        """Find what stands in some nodes, and number its levels."""
        waiting = [value for node in tops for value in self._values(node, 0)]
        while waiting:
            term, level, is_tail = waiting.pop()
            if not self.is_nested(term):
                continue
            assert isinstance(term, BlankNode)
            self._nested.add(term)
            members = None if is_tail or level > _MAX_NESTED else self._members(term)
            if members is not None:
                self.lists[term] = members
                waiting += [(member, level + 1, False) for member in members]
            elif level > _MAX_NESTED:
                self.labelled.add(term)
                waiting += self._values(term, 0)
            else:
                waiting += self._values(term, level)

    def _values(self, node: Node, level: int) -> Iterator[tuple[Term, int, bool]]:
        """Yield the values of a node, their level, and whether they are the rest of no list."""
        for predicate, values in self.nodes[node].items():
            for value in values:
                yield value, level + 1, level > 0 and predicate == REST

    def _members(self, head: Term) -> list[Term] | None:
        """Return the members of a list of which each cell is referred to once, else None."""
        members, cells = list[Term](), list[Term]()
        while self.is_nested(head):
            assert isinstance(head, BlankNode)
            properties = self.nodes[head]
            if properties.keys() != {FIRST, REST} or any(len(v) > 1 for v in properties.values()):
                return None
            cells.append(head)
            members += properties[FIRST]
            (head,) = properties[REST]
        if head != NIL:
            return None
        self._nested.update(cells)
        return members


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
    """A text that is being written."""

    def __init__(self, writer: TurtleWriter, triples: Iterable[Triple]) -> None:
        self._writer = writer
        self._used: set[str] = set()
        self._graph = NestedGraph(triples)
        labelled = sorted(self._graph.labelled, key=str)
        self._labels: dict[Node, str] = {node: f"_:b{n}" for n, node in enumerate(labelled)}

    def document(self, topics: Sequence[str]) -> str:
        paragraphs = [self._paragraph(subject) for subject in self._graph.subjects(topics)]
        used = sorted(self._used)
        heading = [f"@prefix {prefix}: <{self._writer.prefixes[prefix]}> .\n" for prefix in used]
        return "\n".join(["".join(heading), *paragraphs])

    def _paragraph(self, subject: Node) -> str:
        label = self._labels.get(subject, "[]")
        name = self.name(subject) if isinstance(subject, NamedNode) else label
        lines = self._lines(self._graph.nodes[subject])
        return name + "\n    " + " ;\n    ".join(lines) + " .\n"

    def _lines(self, properties: Mapping[NamedNode, Sequence[Term]]) -> list[str]:
        ordered = sorted(properties, key=self._property_key)
        return [self._line(predicate, properties[predicate]) for predicate in ordered]

    def _line(self, predicate: NamedNode, values: Sequence[Term]) -> str:
        name = "a" if predicate == TYPE else self.name(predicate)
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
        if node in self._graph.lists:
            return "( " + " ".join(map(self.name, self._graph.lists[node])) + " )"
        return "[ " + " ; ".join(self._lines(self._graph.nodes.get(node, {}))) + " ]"

    def _property_key(self, predicate: NamedNode) -> tuple[int, str]:
        if predicate == TYPE:
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
