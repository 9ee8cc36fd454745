"""Graphs as JSON-LD, compacted straight from their triples (https://www.w3.org/TR/json-ld11/).

The terms of a context are of three sorts (sections 4.1 and 4.2): texts by language, references, and
literals of one datatype. A value that no term of its property fits stands under the compact IRI of
the property, as an object. References stand in full, so that a program can join by them. rdflib
loses blank nodes under terms for references, and takes ten times as long. JSON-LD that is read is
parsed by Oxigraph; here are its keys.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import msgspec
from pyoxigraph import BlankNode, Literal, NamedNode, Quad, Triple

from .terms import TYPE, XSD, Node, Term, parse_iri
from .turtle import Block, NestedGraph

JsonNode = dict[str, Any]

_NATIVE = {XSD + "boolean": r"true|false", XSD + "integer": r"0|-?[1-9][0-9]{0,14}"}
_GEN_DELIMS = tuple(":/?#[]@")  # a prefix ends in one of them (section 4.1.5)
_LANGUAGE, _REFERENCE = "@language", "@id"


class Compactor:
    """Writes nodes with the terms of a context."""

    def __init__(self, context: Mapping[str, Any]) -> None:
        names = {name: iri for name, iri in context.items() if isinstance(iri, str)}
        self._prefixes = {iri: name for name, iri in names.items() if iri.endswith(_GEN_DELIMS)}
        self._terms: dict[str, list[tuple[str, Mapping[str, str]]]] = {}
        for name, term in context.items():
            if not isinstance(term, str):
                self._terms.setdefault(term["@id"], []).append((name, term))
        self._context = context
        self._block_node = lru_cache(maxsize=1 << 12)(self._write_block)
        self._key = lru_cache(maxsize=1 << 12)(self._find_key)
        self._compact_iri = lru_cache(maxsize=1 << 12)(self._find_compact_iri)

    def write_document(
        self,
        triples: Iterable[Triple],
        *topics: str,
        blocks: Iterable[Block] = (),
        context_url: str = "",
    ) -> bytes:
        """Return a document with the topics first; the context stands in it, unless it has a URL.

        `blocks` are of subjects that the triples do not have; a node is made once.
        """
        nodes = _Document(self, triples).nodes_in_order(topics, map(self._block_node, blocks))
        head = {"@context": context_url or self._context}
        content = head | (nodes[0] if len(nodes) == 1 else {"@graph": nodes})
        return msgspec.json.format(msgspec.json.encode(content), indent=1)

    def nodes(self, quads: Iterable[Quad]) -> list[JsonNode]:
        """Return a node for each subject, in the order of the quads, none inside another."""
        nodes: dict[str, JsonNode] = {}
        for quad in quads:
            subject = _id(quad.subject)
            self.add(nodes.setdefault(subject, {"id": subject}), quad.predicate, quad.object)
        return list(nodes.values())

    def add(
        self,
        node: JsonNode,
        predicate: NamedNode,
        value: Term,
        write_object: Callable[[Term], Any] | None = None,
    ) -> None:
        """Add a value to a node; `write_object` writes one that no term of the context fits."""
        if predicate == TYPE and isinstance(value, NamedNode):
            terms = self._terms.get(value.value)
            _append(node, "type", terms[0][0] if terms else self._compact_iri(value.value))
            return
        sort = _sort(value)
        key = self._key(predicate.value, sort)
        if not key:
            _append(
                node, self._compact_iri(predicate.value), (write_object or self.write_object)(value)
            )
        elif sort == _LANGUAGE:
            assert isinstance(value, Literal) and value.language
            _append(node.setdefault(key, {}), value.language, value.value)
        else:
            assert isinstance(value, NamedNode | Literal)
            _append(node, key, value.value)

    def _write_block(self, block: Block) -> JsonNode:
        (node,) = _Document(self, block).nodes_in_order((), ())
        return node

    def _find_key(self, predicate: str, sort: str) -> str:
        """Return the term of a property that fits a sort of values, or "" if there is none."""
        for key, term in self._terms.get(predicate, ()):
            if sort == term.get("@container", term.get("@type", XSD + "string")):
                return key
        return ""

    def write_object(self, value: Term) -> Any:
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


class _Document:
    """Writes a graph in which blank nodes stand inside the nodes that refer to them."""

    def __init__(self, compactor: Compactor, triples: Iterable[Triple]) -> None:
        self._compactor, self._graph = compactor, NestedGraph(triples)

    def nodes_in_order(self, topics: Sequence[str], others: Iterable[JsonNode]) -> list[JsonNode]:
        """Return the nodes that stand in no other, the topics first, then all others by name."""
        nodes = [{"id": _id(n)} | self._node(n) for n in self._graph.subjects(topics)]
        rank = {topic: number for number, topic in enumerate(topics)}
        return sorted([*nodes, *others], key=lambda n: (rank.get(n["id"], len(rank)), n["id"]))

    def _node(self, node: Node) -> JsonNode:
        content: JsonNode = {}
        properties = self._graph.nodes[node]
        for predicate in sorted(properties, key=lambda predicate: predicate != TYPE):
            for value in properties[predicate]:
                self._compactor.add(content, predicate, value, self._object)
        return content

    def _object(self, value: Term) -> Any:
        if value in self._graph.lists:
            return {"@list": [self._object(member) for member in self._graph.lists[value]]}
        if isinstance(value, BlankNode) and self._graph.is_nested(value):
            return self._node(value)
        return self._compactor.write_object(value)


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


def replace_invalid_keys(content: Any, start: str) -> dict[str, str]:
    """Replace the keys that expand to no IRI by IRIs; return them by what is behind the start.

    Terms of a context, which may have any characters, remain.
    """
    inside = [node.get("@context") for node in objects(content)]
    known = {name for part in objects(inside, skipped="") for name in part}
    replaced: dict[str, str] = {}
    for node in objects(content):
        for key in [key for key in node if key[:1] != "@" and key not in known]:
            if not parse_iri(start + key):
                replaced[quote(key, safe="")] = key
                node[start + quote(key, safe="")] = node.pop(key)
    return replaced


def objects(value: Any, skipped: str = "@context") -> Iterator[dict[str, Any]]:
    """Yield the objects of JSON without those of contexts, the outer ones first."""
    if isinstance(value, dict):
        yield value
        value = [part for key, part in value.items() if key != skipped]
    for part in value if isinstance(value, list) else ():
        yield from objects(part, skipped)


def listed(value: Any) -> list[Any]:
    """Return a list of JSON itself, or one of its value."""
    return value if isinstance(value, list) else [value]
