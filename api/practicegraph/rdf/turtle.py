"""Turtle 1.1 in one canonical order, so that a diff shows the change and no more."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property, lru_cache

from pyoxigraph import BlankNode, Literal, NamedNode, Triple

from .terms import FIRST, NIL, REST, TYPE, XSD, Node, Term

_LOCAL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?")
_BARE = {XSD + "boolean": r"true|false", XSD + "integer": r"[+-]?[0-9]+"}
_MAX_NESTED = 30
_MAX_CACHED = 1 << 12  # terms, which many documents have
_MAX_CACHED_BLOCKS = 1 << 12
Block = tuple[Triple, ...]
"""Triples of one subject, such as its labels, that many documents have."""


class NestedGraph:
    """A graph in which a blank node stands inside the one node that refers to it.

    `labelled` are the blank nodes that need a label instead: those in rings, referred to twice, or
    nested too deep for a writer that recurses. `lists` are the members of well-formed lists.
    """

    def __init__(self, triples: Iterable[Triple]) -> None:
        self.nodes: dict[Node, dict[NamedNode, list[Term]]] = {}
        for triple in dict.fromkeys(triples):
            subject, predicate, value = triple
            assert not isinstance(subject, Triple)
            self.nodes.setdefault(subject, {}).setdefault(predicate, []).append(value)
        values = (v for several in self.nodes.values() for vs in several.values() for v in vs)
        self._references = Counter(value for value in values if isinstance(value, BlankNode))
        self.labelled: set[Term] = {node for node, n in self._references.items() if n > 1}
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

    def write(self, triples: Iterable[Triple], *topics: str, blocks: Iterable[Block] = ()) -> str:
        """Return Turtle 1.1: the topics first, then the other subjects by name.

        `blocks` are of subjects that the triples do not have; a paragraph is written once.
        """
        return _Text(self, triples).document(topics, map(self.write_block, blocks))

    @cached_property
    def write_block(self) -> Callable[[Block], tuple[str, str, Set[str]]]:
        """Return a cached function that returns a block's subject, paragraph and prefixes."""
        return lru_cache(_MAX_CACHED_BLOCKS)(lambda block: _Text(self, block).only_paragraph())

    def term_writer(self, triples: Iterable[Triple]) -> Callable[[Term], str]:
        """Return a function that writes a term, a blank node with its properties in brackets."""
        return _Text(self, triples).name

    @cached_property
    def rank_of_language(self) -> Mapping[str, int]:
        """Return the positions of languages."""
        return {language: number for number, language in enumerate(self.languages)}

    @cached_property
    def rank_of_property(self) -> Mapping[str, int]:
        """Return the positions of properties."""
        return {name: number for number, name in enumerate(self.properties)}

    @cached_property
    def write_term(self) -> Callable[[NamedNode | Literal], tuple[str, str]]:
        """Return a cached function that returns a term in Turtle, and the prefix in it or ""."""
        return lru_cache(_MAX_CACHED)(self._write_term)

    def _write_term(self, term: NamedNode | Literal) -> tuple[str, str]:
        if isinstance(term, NamedNode):
            return self._shorten(term.value)
        datatype = term.datatype.value
        if re.fullmatch(_BARE.get(datatype, r"(?!)"), term.value):
            return term.value, ""
        text = _quoted(term.value)
        if term.language:
            return f"{text}@{term.language}", ""
        if datatype == XSD + "string":
            return text, ""
        name, prefix = self._shorten(datatype)
        return f"{text}^^{name}", prefix

    def _shorten(self, iri: str) -> tuple[str, str]:
        candidates = [
            (len(namespace), prefix)
            for prefix, namespace in self.prefixes.items()
            if iri.startswith(namespace) and _LOCAL.fullmatch(iri[len(namespace) :])
        ]
        if not candidates:
            return str(NamedNode(iri)), ""
        length, prefix = max(candidates)
        return f"{prefix}:{iri[length:]}", prefix


class _Text:
    """A text that is being written."""

    def __init__(self, writer: TurtleWriter, triples: Iterable[Triple]) -> None:
        self._writer = writer
        self._used: set[str] = set()
        self._graph = NestedGraph(triples)
        labelled = enumerate(sorted(self._graph.labelled, key=str))
        self._labels: dict[Term, str] = {node: f"_:b{n}" for n, node in labelled}

    def document(self, topics: Sequence[str], blocks: Iterable[tuple[str, str, Set[str]]]) -> str:
        subjects = self._graph.subjects(topics)
        paragraphs = [self._paragraph(node) for node in subjects if node.value in topics]
        others = [(str(n), self._paragraph(n)) for n in subjects if n.value not in topics]
        for subject, paragraph, prefixes in blocks:
            others.append((subject, paragraph))
            self._used |= prefixes
        paragraphs += (paragraph for _, paragraph in sorted(others))
        used = sorted(filter(None, self._used))
        heading = [f"@prefix {prefix}: <{self._writer.prefixes[prefix]}> .\n" for prefix in used]
        return "\n".join(["".join(heading), *paragraphs])

    def only_paragraph(self) -> tuple[str, str, Set[str]]:
        (subject,) = self._graph.nodes
        return str(subject), self._paragraph(subject), self._used

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
        ranks = self._writer.rank_of_language
        language = value.language if isinstance(value, Literal) else None
        return ranks.get(language or "", len(ranks)), self.name(value)

    def _blank(self, node: BlankNode) -> str:
        if node in self._labels:
            return self._labels[node]
        if node in self._graph.lists:
            return "( " + " ".join(map(self.name, self._graph.lists[node])) + " )"
        return "[ " + " ; ".join(self._lines(self._graph.nodes.get(node, {}))) + " ]"

    def _property_key(self, predicate: NamedNode) -> tuple[int, str]:
        if predicate == TYPE:
            return (-1, "")
        ranks = self._writer.rank_of_property
        return (ranks.get(predicate.value, len(ranks)), self.name(predicate))

    def name(self, term: Term) -> str:
        """Return a term in Turtle."""
        if isinstance(term, BlankNode):
            return self._blank(term)
        assert isinstance(term, NamedNode | Literal)
        text, prefix = self._writer.write_term(term)
        self._used.add(prefix)
        return text


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\r", "\\r")
    return f'"""{escaped}"""' if "\n" in escaped else f'"{escaped}"'
