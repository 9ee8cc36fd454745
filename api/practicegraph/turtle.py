"""Turtle as we write it: one canonical order, so that a diff shows the change and no more."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pyoxigraph import Literal, NamedNode, Triple

from .store import RDF, Node, Term

XSD = "http://www.w3.org/2001/XMLSchema#"
_LOCAL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?")
_BARE = {XSD + "boolean": r"true|false", XSD + "integer": r"[+-]?[0-9]+"}


@dataclass
class Writer:
    """Writes triples with the prefixes; properties and languages in the order they are given in."""

    prefixes: Mapping[str, str]
    languages: Sequence[str] = ()
    properties: Sequence[str] = ()
    _used: set[str] = field(default_factory=set, init=False)

    def write(self, triples: Iterable[Triple], topic: str) -> str:
        """Give the Turtle text: the topic first, then the other subjects by name (Turtle 1.1)."""
        self._used = set()
        by_subject: dict[Node, list[Triple]] = {}
        for triple in triples:
            assert not isinstance(triple.subject, Triple)
            by_subject.setdefault(triple.subject, []).append(triple)
        subjects = sorted(by_subject, key=lambda node: (node.value != topic, str(node)))
        paragraphs = [self._paragraph(subject, by_subject[subject]) for subject in subjects]
        return "\n".join([self._heading(), *paragraphs])

    def _heading(self) -> str:
        used = sorted(self._used)
        return "".join(f"@prefix {prefix}: <{self.prefixes[prefix]}> .\n" for prefix in used)

    def _paragraph(self, subject: Node, triples: list[Triple]) -> str:
        by_property: dict[NamedNode, set[Term]] = {}
        for triple in triples:
            by_property.setdefault(triple.predicate, set()).add(triple.object)
        lines = [
            self._line(predicate, by_property[predicate])
            for predicate in sorted(by_property, key=self._place_of_property)
        ]
        return self._name(subject) + "\n    " + " ;\n    ".join(lines) + " .\n"

    def _line(self, predicate: NamedNode, values: set[Term]) -> str:
        name = "a" if predicate.value == RDF + "type" else self._name(predicate)
        ordered = [self._name(value) for value in sorted(values, key=self._place_of_value)]
        if len(ordered) == 1:
            return f"{name} {ordered[0]}"
        return name + "\n        " + " ,\n        ".join(ordered)

    def _place_of_property(self, predicate: NamedNode) -> tuple[int, str]:
        if predicate.value == RDF + "type":
            return (-1, "")
        return (_place(predicate.value, self.properties), self._name(predicate))

    def _place_of_value(self, value: Term) -> tuple[int, str]:
        language = value.language if isinstance(value, Literal) else None
        return (_place(language or "", self.languages), self._name(value))

    def _name(self, term: Term) -> str:
        if isinstance(term, NamedNode):
            return self._short(term.value)
        if isinstance(term, Literal):
            return self._literal(term)
        return str(term)

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
            for prefix, namespace in self.prefixes.items()
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
