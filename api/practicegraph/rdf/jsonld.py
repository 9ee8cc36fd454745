"""Graphs as JSON-LD with readable keys (https://www.w3.org/TR/json-ld11/).

The context comes from the shapes and the ontology. IRIs stand in full, so that a program can join
by them; a value for which the context has no key stands under its prefixed name and says itself
what it is. rdflib, which could write this too, loses blank nodes under keys that expect IRIs, and
takes ten times as long.

Graphs as JSON-LD nodes, compacted straight from their triples with a context of ours.

A context of ours has prefixes and terms of three sorts: texts by language, references, and
literals with or without a datatype (JSON-LD 1.1, sections 4.1 and 4.2). A value that its term
does not fit stands as an object, or under the full name of its property.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from pyoxigraph import BlankNode, Literal, NamedNode, Quad, Triple

from .namespaces import RDF, XSD
from .terms import Node, Term

_TYPE = NamedNode(RDF + "type")
_FIRST, _REST, _NIL = (NamedNode(RDF + name) for name in ("first", "rest", "nil"))
_DEEPEST = 50
_NATIVE = {XSD + "boolean": r"true|false", XSD + "integer": r"0|-?[1-9][0-9]{0,14}"}


def document(
    triples: Iterable[Triple], terms: Mapping[str, Any], *topics: str, address: str = ""
) -> bytes:
    """Give triples as compact JSON-LD, the topics first; the context in it, or its address."""
    listed = _Graph(triples, terms).things(topics)
    head = {"@context": address or terms}
    found = head | (listed[0] if len(listed) == 1 else {"@graph": listed})
    return json.dumps(found, ensure_ascii=False, indent=1).encode()


class _Graph:
    """A graph being written; a blank node stands where it is mentioned, if it is so once.

    Below the deepest level, things are named instead, so that no graph is too deep to be written.
    """

    def __init__(self, triples: Iterable[Triple], terms: Mapping[str, Any]) -> None:
        self._things: dict[Node, dict[NamedNode, list[Term]]] = {}
        mentions: Counter[Term] = Counter()
        for triple in triples:
            assert not isinstance(triple.subject, Triple)
            properties = self._things.setdefault(triple.subject, {})
            properties.setdefault(triple.predicate, []).append(triple.object)
            mentions[triple.object] += 1
        self._mentions = mentions
        self._written: set[Node] = set()
        self._level = 0
        names = {name: iri for name, iri in terms.items() if isinstance(iri, str)}
        self._prefixes = {name: iri for name, iri in names.items() if iri.endswith(("/", "#"))}
        self._keys: dict[str, list[tuple[str, Mapping[str, str]]]] = {}
        for key, term in terms.items():
            if not isinstance(term, str):
                self._keys.setdefault(term["@id"], []).append((key, term))

    def things(self, topics: Sequence[str]) -> list[dict[str, Any]]:
        """Give the things that do not stand in others, the topics first, then by name."""
        first = {topic: place for place, topic in enumerate(topics)}
        last = len(first)
        ordered = sorted(self._things, key=lambda n: (first.get(n.value, last), str(n)))
        nested = {node for node in ordered if self._mentions[node] == 1}
        tops = [node for node in ordered if isinstance(node, NamedNode) or node not in nested]
        listed = [self._thing(node) for node in tops]
        # Blank nodes in a ring, or too deep, stand in none that is written yet.
        rings = (node for node in ordered if node not in self._written)
        return [*listed, *({"id": _id(node)} | self._thing(node) for node in rings)]

    def _thing(self, node: Node) -> dict[str, Any]:
        self._written.add(node)
        named = isinstance(node, NamedNode) or self._mentions[node] != 1
        found: dict[str, Any] = {"id": _id(node)} if named else {}
        properties = self._things[node]
        classes = [term for term in properties.get(_TYPE, []) if isinstance(term, NamedNode)]
        if classes:
            found["type"] = _one([self._class(name.value) for name in classes])
        for predicate, values in properties.items():
            for value in values:
                if predicate != _TYPE or not isinstance(value, NamedNode):
                    self._put(found, predicate.value, value)
        return {key: _one(held) for key, held in found.items()}

    def _put(self, found: dict[str, Any], predicate: str, value: Term) -> None:
        for key, term in self._keys.get(predicate, []):
            text = value if isinstance(value, Literal) and not value.direction else None
            if term.get("@container") and text and text.language:
                found.setdefault(key, {}).setdefault(text.language, []).append(text.value)
                return
            if not term.get("@container") and (short := self._short(value, term)) is not None:
                found.setdefault(key, []).append(short)
                return
        found.setdefault(self._name(predicate), []).append(self._full(value))

    def _short(self, value: Term, term: Mapping[str, str]) -> Any:
        """Give a value as its key lets it stand; None where the key means other values."""
        expected = term.get("@type")
        if isinstance(value, NamedNode) and value != _NIL:
            return value.value if expected == "@id" else None
        if not isinstance(value, Literal) or value.language:
            return None
        return value.value if (expected or XSD + "string") == value.datatype.value else None

    def _full(self, value: Term) -> Any:
        """Give a value that says itself what it is."""
        if isinstance(value, Literal):
            return self._literal(value)
        assert isinstance(value, NamedNode | BlankNode)
        self._level += 1
        found = self._nested(value) if self._level < _DEEPEST else None
        self._level -= 1
        return found or {"id": _id(value)}

    def _nested(self, node: Node) -> dict[str, Any] | None:
        """Give a list, or a blank node that stands nowhere else; None for what is named."""
        if (members := self._members(node)) is not None:
            return {"@list": [self._full(member) for member in members]}
        alone = isinstance(node, BlankNode) and self._mentions[node] == 1
        held = alone and node in self._things and node not in self._written
        return self._thing(node) if held else None

    def _literal(self, value: Literal) -> Any:
        if value.language:
            direction = {"@direction": value.direction.value} if value.direction else {}
            return {"@value": value.value, "@language": value.language} | direction
        datatype = value.datatype.value
        if re.fullmatch(_NATIVE.get(datatype, r"(?!)"), value.value):
            return json.loads(value.value)
        text = datatype == XSD + "string"
        return value.value if text else {"@value": value.value, "type": self._name(datatype)}

    def _members(self, head: Term) -> list[Term] | None:
        """Give the members of a list of which each part is mentioned once; None for others."""
        members: list[Term] = []
        parts: set[Node] = set()
        while head != _NIL:
            properties = self._things.get(head, {}) if isinstance(head, BlankNode) else {}
            whole = properties.keys() == {_FIRST, _REST} and self._mentions[head] == 1
            if not whole or any(len(values) != 1 for values in properties.values()):
                return None
            assert isinstance(head, BlankNode)
            if head in parts or head in self._written:
                return None
            parts.add(head)
            members += properties[_FIRST]
            (head,) = properties[_REST]
        self._written |= parts
        return members

    def _class(self, iri: str) -> str:
        return next((key for key, _ in self._keys.get(iri, [])), self._name(iri))

    def _name(self, iri: str) -> str:
        """Give the prefixed name of an IRI, or the IRI where no prefix fits."""
        fitting = [
            (len(space), f"{prefix}:{iri[len(space) :]}")
            for prefix, space in self._prefixes.items()
            if iri.startswith(space) and iri != space and not iri[len(space) :].startswith("//")
        ]
        return max(fitting)[1] if fitting else iri


def _id(node: Node) -> str:
    return str(node) if isinstance(node, BlankNode) else node.value


def _one(values: Any) -> Any:
    """Give a single value by itself, and in a map of languages each one so."""
    if isinstance(values, dict) and all(isinstance(held, list) for held in values.values()):
        return {language: _one(held) for language, held in values.items()}
    return values[0] if isinstance(values, list) and len(values) == 1 else values


_NODES_TYPE = RDF + "type"
_ENDS = tuple(":/?#[]@")
_PLAIN = (XSD + "string", RDF + "langString")
_NO_TERM: Mapping[str, str] = {}
JsonNode = dict[str, Any]


class Compactor:
    """Writes nodes with the terms of a context (JSON-LD 1.1 API, compaction)."""

    def __init__(self, context: Mapping[str, Any]) -> None:
        simple = {name: value for name, value in context.items() if isinstance(value, str)}
        self._prefixes = {iri: name for name, iri in simple.items() if iri.endswith(_ENDS)}
        terms = {name: value for name, value in context.items() if isinstance(value, dict)}
        self._terms = {term["@id"]: (name, term) for name, term in reversed(terms.items())}
        self.short = lru_cache(maxsize=1 << 16)(self._short)

    def nodes(self, quads: Iterable[Quad]) -> list[JsonNode]:
        """Give the nodes of one graph, one a subject, in the order in which they come."""
        found: dict[str, JsonNode] = {}
        for quad in quads:
            subject = self.reference(quad.subject)
            self._add(found.setdefault(subject, {"id": subject}), quad.predicate, quad.object)
        return list(found.values())

    def reference(self, term: Any) -> str:
        """Give the compact IRI of a named node (section 4.1.5), or the name of a blank one."""
        return self.short(term.value) if isinstance(term, NamedNode) else str(term)

    def _add(self, node: JsonNode, predicate: NamedNode, value: Term) -> None:
        iri = predicate.value
        if iri == _NODES_TYPE and not isinstance(value, Literal):
            _append(node, "type", self.reference(value))
            return
        name, term = self._terms.get(iri, ("", _NO_TERM))
        by_language = term.get("@container") == "@language"
        if by_language and isinstance(value, Literal) and value.language:
            _append(node.setdefault(name, {}), value.language, value.value)
        elif not name or by_language:
            _append(node, self.short(iri), self._value(value, _NO_TERM))
        else:
            _append(node, name, self._value(value, term))

    def _value(self, value: Term, term: Mapping[str, str]) -> str | JsonNode:
        wanted = term.get("@type")
        if not isinstance(value, Literal):
            reference = self.reference(value)
            return reference if wanted == "@id" else {"id": reference}
        if value.language:
            return {"@value": value.value, "@language": value.language}
        datatype = value.datatype.value
        if datatype == (wanted or XSD + "string"):
            return value.value
        if datatype in _PLAIN:
            return {"@value": value.value}
        return {"@value": value.value, "@type": self.short(datatype)}

    def _short(self, iri: str) -> str:
        end = max(map(iri.rfind, _ENDS))
        while end > 0:
            name = self._prefixes.get(iri[: end + 1])
            local = iri[end + 1 :]
            if name and local and not local.startswith("//"):
                return f"{name}:{local}"
            end = max(iri.rfind(mark, 0, end) for mark in _ENDS)
        return iri


def _append(node: JsonNode, name: str, value: Any) -> None:
    """Add a value; a single one stands without a list."""
    if name not in node:
        node[name] = value
    elif isinstance(node[name], list):
        node[name].append(value)
    else:
        node[name] = [node[name], value]
