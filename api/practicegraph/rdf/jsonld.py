"""Graphs as JSON-LD, compacted straight from their triples (https://www.w3.org/TR/json-ld11/).

The terms of a context are of three sorts (sections 4.1 and 4.2): texts by language, references, and
literals of one datatype. A value that no term of its property fits stands under the compact IRI of
the property, as an object. References stand in full, so that a program can join by them. rdflib
loses blank nodes under terms for references, and takes ten times as long.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from pyoxigraph import BlankNode, Literal, NamedNode, Quad, Triple

from .namespaces import XSD
from .terms import FIRST, NIL, REST, TYPE, Node, Term

JsonNode = dict[str, Any]

_MAX_DEPTH = 50
_NATIVE = {XSD + "boolean": r"true|false", XSD + "integer": r"0|-?[1-9][0-9]{0,14}"}
_GEN_DELIMS = tuple(":/?#[]@")  # a prefix ends in one of them (section 4.1.5)
_LANGUAGE, _REFERENCE = "@language", "@id"


def write_document(
    triples: Iterable[Triple], context: Mapping[str, Any], *topics: str, context_url: str = ""
) -> bytes:
    """Return a document with the topics first; the context stands in it, unless it has a URL."""
    nodes = _Document(triples, context).nodes_in_order(topics)
    head = {"@context": context_url or context}
    content = head | (nodes[0] if len(nodes) == 1 else {"@graph": nodes})
    return json.dumps(content, ensure_ascii=False, indent=1).encode()


class Compactor:
    """Writes nodes with the terms of a context."""

    def __init__(self, context: Mapping[str, Any]) -> None:
        names = {name: iri for name, iri in context.items() if isinstance(iri, str)}
        self._prefixes = {iri: name for name, iri in names.items() if iri.endswith(_GEN_DELIMS)}
        self._terms: dict[str, list[tuple[str, Mapping[str, str]]]] = {}
        for name, term in context.items():
            if not isinstance(term, str):
                self._terms.setdefault(term["@id"], []).append((name, term))
        self._key = lru_cache(maxsize=1 << 12)(self._find_key)
        self._compact_iri = lru_cache(maxsize=1 << 12)(self._find_compact_iri)

    def nodes(self, quads: Iterable[Quad]) -> list[JsonNode]:
        """Return a node for each subject, in the order of the quads, none inside another."""
        nodes: dict[str, JsonNode] = {}
        for quad in quads:
            subject = _id(quad.subject)
            self._add(nodes.setdefault(subject, {"id": subject}), quad.predicate, quad.object)
        return list(nodes.values())

    def _add(self, node: JsonNode, predicate: NamedNode, value: Term) -> None:
        if predicate == TYPE and isinstance(value, NamedNode):
            terms = self._terms.get(value.value)
            _append(node, "type", terms[0][0] if terms else self._compact_iri(value.value))
            return
        sort = _sort(value)
        key = self._key(predicate.value, sort)
        if not key:
            _append(node, self._compact_iri(predicate.value), self._object(value))
        elif sort == _LANGUAGE:
            assert isinstance(value, Literal) and value.language
            _append(node.setdefault(key, {}), value.language, value.value)
        else:
            assert isinstance(value, NamedNode | Literal)
            _append(node, key, value.value)

    def _find_key(self, predicate: str, sort: str) -> str:
        """Return the term of a property that fits a sort of values, or "" if there is none."""
        for key, term in self._terms.get(predicate, ()):
            if sort == term.get("@container", term.get("@type", XSD + "string")):
                return key
        return ""

    def _object(self, value: Term) -> Any:
        """Return a value that needs no term to be understood."""
        return self._literal(value) if isinstance(value, Literal) else {"id": _id(value)}

    def _literal(self, value: Literal) -> Any:
        if value.language:
            direction = {"@direction": value.direction.value} if value.direction else {}
            return {"@value": value.value, "@language": value.language} | direction
        datatype = value.datatype.value
        if datatype in _NATIVE and re.fullmatch(_NATIVE[datatype], value.value):
            return json.loads(value.value)
        if datatype == XSD + "string":
            return value.value
        return {"@value": value.value, "type": self._compact_iri(datatype)}

    def _find_compact_iri(self, iri: str) -> str:
        end = max(map(iri.rfind, _GEN_DELIMS))
        while end > 0:
            prefix = self._prefixes.get(iri[: end + 1])
            local = iri[end + 1 :]
            if prefix and local and not local.startswith("//"):
                return f"{prefix}:{local}"
            end = max(iri.rfind(delimiter, 0, end) for delimiter in _GEN_DELIMS)
        return iri


class _Document(Compactor):
    """A graph in which a blank node stands inside the one node that refers to it.

    Below the maximum depth, nodes are referred to by their names.
    """

    def __init__(self, triples: Iterable[Triple], context: Mapping[str, Any]) -> None:
        super().__init__(context)
        self._nodes: dict[Node, dict[NamedNode, list[Term]]] = {}
        self._references: Counter[Term] = Counter()
        for triple in triples:
            assert not isinstance(triple.subject, Triple)
            properties = self._nodes.setdefault(triple.subject, {})
            properties.setdefault(triple.predicate, []).append(triple.object)
            self._references[triple.object] += 1
        self._written: set[Node] = set()
        self._depth = 0

    def nodes_in_order(self, topics: Sequence[str]) -> list[JsonNode]:
        """Return the nodes that stand in no other, the topics first, then by name."""
        rank = {topic: number for number, topic in enumerate(topics)}
        ordered = sorted(self._nodes, key=lambda n: (rank.get(n.value, len(rank)), str(n)))
        tops = [n for n in ordered if isinstance(n, NamedNode) or self._references[n] != 1]
        nodes = [self._node(node) for node in tops]
        # Blank nodes in a ring, or too deep, stand in none that is written yet.
        rest = (node for node in ordered if node not in self._written)
        return [*nodes, *({"id": _id(node)} | self._node(node) for node in rest)]

    def _node(self, node: Node) -> JsonNode:
        self._written.add(node)
        is_named = isinstance(node, NamedNode) or self._references[node] != 1
        content: JsonNode = {"id": _id(node)} if is_named else {}
        properties = self._nodes[node]
        for predicate in sorted(properties, key=lambda predicate: predicate != TYPE):
            for value in properties[predicate]:
                self._add(content, predicate, value)
        return content

    def _object(self, value: Term) -> Any:
        if isinstance(value, Literal):
            return self._literal(value)
        self._depth += 1
        nested = self._nested(value) if self._depth < _MAX_DEPTH else None
        self._depth -= 1
        return {"id": _id(value)} if nested is None else nested

    def _nested(self, value: Term) -> JsonNode | None:
        """Return a list, or a blank node that nothing else refers to; None for other nodes."""
        if (members := self._members(value)) is not None:
            return {"@list": [self._object(member) for member in members]}
        is_alone = isinstance(value, BlankNode) and self._references[value] == 1
        is_open = is_alone and value in self._nodes and value not in self._written
        return self._node(value) if is_open and isinstance(value, BlankNode) else None

    def _members(self, head: Term) -> list[Term] | None:
        """Return the members of a list of which each cell is referred to once; None for others."""
        members: list[Term] = []
        cells: set[Node] = set()
        while head != NIL:
            properties = self._nodes.get(head, {}) if isinstance(head, BlankNode) else {}
            is_cell = properties.keys() == {FIRST, REST} and self._references[head] == 1
            if not is_cell or any(len(values) != 1 for values in properties.values()):
                return None
            assert isinstance(head, BlankNode)
            if head in cells or head in self._written:
                return None
            cells.add(head)
            members += properties[FIRST]
            (head,) = properties[REST]
        self._written |= cells
        return members


def _sort(value: Term) -> str:
    """Return what a term says of the values that it fits: `@id`, `@language` or a datatype."""
    if isinstance(value, NamedNode):
        return _REFERENCE
    if not isinstance(value, Literal) or value.direction:
        return ""
    return _LANGUAGE if value.language else value.datatype.value


def _id(node: Term) -> str:
    return node.value if isinstance(node, NamedNode) else str(node)


def _append(node: JsonNode, name: str, value: Any) -> None:
    """Add a value; a single one stands without a list."""
    if name not in node:
        node[name] = value
    elif isinstance(node[name], list):
        node[name].append(value)
    else:
        node[name] = [node[name], value]
