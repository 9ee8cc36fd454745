"""The triples: one named graph a topic, in an embedded Oxigraph store.

Queries see the union of all named graphs as their default graph.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from pyoxigraph import (
    BlankNode,
    Literal,
    NamedNode,
    Quad,
    QueryResultsFormat,
    QuerySolutions,
    QueryTriples,
    RdfFormat,
    Triple,
)
from pyoxigraph import Store as Oxigraph

Term = NamedNode | BlankNode | Literal | Triple
Node = NamedNode | BlankNode
Row = Mapping[str, Term]

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_FIRST, _REST, _NIL = (NamedNode(RDF + name) for name in ("first", "rest", "nil"))

_RESULTS = {
    "csv": QueryResultsFormat.CSV,
    "json": QueryResultsFormat.JSON,
    "tsv": QueryResultsFormat.TSV,
    "xml": QueryResultsFormat.XML,
}
_ALL = """
SELECT (COUNT(*) AS ?count)
WHERE {
    SELECT DISTINCT ?thing ?property ?value
    WHERE { ?thing ?property ?value }
}
"""
_SIZES = """
SELECT ?graph (COUNT(*) AS ?count)
WHERE {
    GRAPH ?graph { ?thing ?property ?value }
}
GROUP BY ?graph
ORDER BY ?graph
"""


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

    def snapshot(self, folder: Path) -> None:
        """Write what the store holds now to a folder that does not exist yet (hard links)."""
        self._store.backup(str(folder))

    def select(self, query: str) -> Iterator[Row]:
        """Give the solutions of one of our own SELECT queries."""
        solutions = self._store.query(query, use_default_graph_as_union=True)
        assert isinstance(solutions, QuerySolutions), query
        names = [variable.value for variable in solutions.variables]
        for solution in solutions:
            bound = zip(names, solution, strict=True)
            yield {name: term for name, term in bound if term is not None}

    def results(self, query: str, form: str) -> bytes:
        """Give the result of a query of our own as text: a graph in Turtle, else in the form."""
        try:
            result = self._store.query(query, use_default_graph_as_union=True)
        except (SyntaxError, ValueError) as error:
            raise QueryRefusedError(str(error)) from error
        if isinstance(result, QueryTriples):
            content = result.serialize(format=RdfFormat.TURTLE)
        else:
            content = result.serialize(format=_RESULTS[form])
        assert content is not None
        return content

    def triples(self) -> int:
        """Count the triples of the union of all graphs: one in several graphs counts once."""
        return next(int(plain(row["count"])) for row in self.select(_ALL))

    def sizes(self) -> dict[str, int]:
        """Give the number of triples of each named graph."""
        rows = self.select(_SIZES)
        return {plain(row["graph"]): int(plain(row["count"])) for row in rows}

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


def plain(term: Term) -> str:
    """Give the IRI of a term, or the text of a literal."""
    assert isinstance(term, NamedNode | Literal), term
    return term.value
