"""The triples: one named graph a topic, in an embedded Oxigraph store.

Queries see the union of all named graphs as their default graph.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from pyoxigraph import (
    BlankNode,
    Literal,
    NamedNode,
    Quad,
    QueryBoolean,
    QuerySolutions,
    QueryTriples,
    Triple,
)
from pyoxigraph import Store as Oxigraph

Term = NamedNode | BlankNode | Literal | Triple
Node = NamedNode | BlankNode
Row = Mapping[str, Term]
Result = QuerySolutions | QueryBoolean | QueryTriples

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_FIRST, _REST, _NIL = (NamedNode(RDF + name) for name in ("first", "rest", "nil"))

# The tokens of SPARQL 1.1 (section 19.8) in which a keyword is only text, and bare words.
_TOKENS = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*"""|\'\'\'(?:[^\'\\]|\\.|\'(?!\'\'))*\'\'\''
    r'|"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\''
    r"|<[^<>\"{}|^`\\\s]*>|#[^\n]*|[?$@]\w+|[\w.-]*:[\w.-]*|(?P<word>[A-Za-z]+)",
    re.DOTALL,
)


class QueryRefusedError(ValueError):
    """A query that is not run: it is malformed, or asks for what is not allowed."""


class Store:
    """Named graphs on disk, or in memory where no folder is given."""

    def __init__(self, folder: Path | None = None) -> None:
        self._store = Oxigraph(str(folder)) if folder else Oxigraph()

    def __len__(self) -> int:
        """Count the triples."""
        return len(self._store)

    def add(self, quads: Iterable[Quad]) -> None:
        """Add quads in bulk; ones that are there already stay as they are."""
        self._store.bulk_extend(quads)

    def replace(self, graphs: Iterable[str], quads: Iterable[Quad]) -> None:
        """Take the named graphs out and put the quads in."""
        for graph in graphs:
            self._store.remove_graph(NamedNode(graph))
        self._store.extend(quads)

    def clear(self) -> None:
        """Take everything out."""
        self._store.clear()

    def flush(self) -> None:
        """Have everything on disk."""
        self._store.flush()

    def query(self, query: str) -> Result:
        """Run a reader's SPARQL 1.1 query; calls to other endpoints are refused.

        Raises QueryRefusedError with the position where the query is malformed.
        """
        if any(match["word"].upper() == "SERVICE" for match in _words(query)):
            raise QueryRefusedError("SERVICE is not allowed: this endpoint calls no other one.")
        try:
            return self._store.query(query, use_default_graph_as_union=True)
        except (SyntaxError, ValueError) as error:
            raise QueryRefusedError(str(error)) from error

    def select(self, query: str) -> Iterator[Row]:
        """Give the solutions of one of our own SELECT queries."""
        solutions = self._store.query(query, use_default_graph_as_union=True)
        assert isinstance(solutions, QuerySolutions), query
        names = [variable.value for variable in solutions.variables]
        for solution in solutions:
            bound = zip(names, solution, strict=True)
            yield {name: term for name, term in bound if term is not None}

    def holds(self, node: str) -> bool:
        """Tell whether any triple is about the IRI."""
        return any(True for _ in self._store.quads_for_pattern(NamedNode(node), None, None, None))

    def graph(self, name: str) -> list[Quad]:
        """Give the quads of a named graph."""
        return list(self._store.quads_for_pattern(None, None, None, NamedNode(name)))

    def statements(self, subject: str) -> list[Quad]:
        """Give what is said of a thing, with the blank nodes that this leads to."""
        found: list[Quad] = []
        open_nodes: list[Node] = [NamedNode(subject)]
        seen: set[Node] = set()
        while open_nodes:
            node = open_nodes.pop()
            seen.add(node)
            for quad in self._store.quads_for_pattern(node, None, None, None):
                found.append(quad)
                if isinstance(quad.object, BlankNode) and quad.object not in seen:
                    open_nodes.append(quad.object)
        return found

    def subjects(self, predicate: str, value: Term | None = None) -> list[Node]:
        """Give the things that have the property, with the value if one is given."""
        quads = self._store.quads_for_pattern(None, NamedNode(predicate), value, None)
        nodes = (quad.subject for quad in quads)
        return list(dict.fromkeys(node for node in nodes if not isinstance(node, Triple)))

    def values(self, subject: Node, predicate: str) -> list[Term]:
        """Give the values of a property, each once."""
        quads = self._store.quads_for_pattern(subject, NamedNode(predicate), None, None)
        return list(dict.fromkeys(quad.object for quad in quads))

    def value(self, subject: Node, predicate: str) -> Term | None:
        """Give a value of a property, or None where it has none."""
        return next(iter(self.values(subject, predicate)), None)

    def items(self, head: Term | None) -> list[Term]:
        """Give the members of an RDF list."""
        members: list[Term] = []
        while isinstance(head, NamedNode | BlankNode) and head != _NIL:
            members += self.values(head, _FIRST.value)
            head = self.value(head, _REST.value)
        return members

    def labels(self, subject: Node, predicate: str) -> dict[str, str]:
        """Give the wordings of a property by language, the first one of each."""
        wordings: dict[str, str] = {}
        for term in sorted(self.values(subject, predicate), key=str):
            if isinstance(term, Literal) and term.language:
                wordings.setdefault(term.language, term.value)
        return wordings


def named(triples: Iterable[Triple], graph: str) -> Iterator[Quad]:
    """Put triples into a named graph."""
    name = NamedNode(graph)
    return (Quad(triple.subject, triple.predicate, triple.object, name) for triple in triples)


def _words(query: str) -> Iterator[re.Match[str]]:
    return (match for match in _TOKENS.finditer(query) if match["word"])
