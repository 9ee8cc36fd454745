"""Graphs as JSON-LD nodes, compacted straight from their triples with a context of ours.

A context of ours has prefixes and terms of three sorts: texts by language, references, and
literals with or without a datatype (JSON-LD 1.1, sections 4.1 and 4.2). A value that its term
does not fit stands as an object, or under the full name of its property.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from pyoxigraph import Literal, NamedNode, Quad

from .store import RDF, Term
from .turtle import XSD

_TYPE = RDF + "type"
_ENDS = tuple(":/?#[]@")
_PLAIN = (XSD + "string", RDF + "langString")
_NO_TERM: Mapping[str, str] = {}
Node = dict[str, Any]


class Compactor:
    """Writes nodes with the terms of a context (JSON-LD 1.1 API, compaction)."""

    def __init__(self, context: Mapping[str, Any]) -> None:
        simple = {name: value for name, value in context.items() if isinstance(value, str)}
        self._prefixes = {iri: name for name, iri in simple.items() if iri.endswith(_ENDS)}
        terms = {name: value for name, value in context.items() if isinstance(value, dict)}
        self._terms = {term["@id"]: (name, term) for name, term in reversed(terms.items())}
        self.short = lru_cache(maxsize=1 << 16)(self._short)

    def nodes(self, quads: Iterable[Quad]) -> list[Node]:
        """Give the nodes of one graph, one a subject, in the order in which they come."""
        found: dict[str, Node] = {}
        for quad in quads:
            subject = self.reference(quad.subject)
            self._add(found.setdefault(subject, {"id": subject}), quad.predicate, quad.object)
        return list(found.values())

    def reference(self, term: Any) -> str:
        """Give the compact IRI of a named node (section 4.1.5), or the name of a blank one."""
        return self.short(term.value) if isinstance(term, NamedNode) else str(term)

    def _add(self, node: Node, predicate: NamedNode, value: Term) -> None:
        iri = predicate.value
        if iri == _TYPE and not isinstance(value, Literal):
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

    def _value(self, value: Term, term: Mapping[str, str]) -> str | Node:
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


def _append(node: Node, name: str, value: Any) -> None:
    """Add a value; a single one stands without a list."""
    if name not in node:
        node[name] = value
    elif isinstance(node[name], list):
        node[name].append(value)
    else:
        node[name] = [node[name], value]
