"""Shapes that a reader sends along, made ready: named all through, and harmless.

They fetch nothing and run no scripts; how long they take and how much memory is for the process
that applies them to limit.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from pyoxigraph import BlankNode, NamedNode, Quad, Triple

from . import sparql
from .folder import Document, UnreadableError
from .shapes import SH
from .store import RDF, QueryRefusedError, Term, plain

GIVEN = "urn:given:shapes#"
"""What the names of shapes without one begin with."""
_TYPE, _PATH = NamedNode(RDF + "type"), NamedNode(SH + "path")
_TO_SHAPES = frozenset(SH + name for name in ("property", "node", "not", "qualifiedValueShape"))
_SHAPES = frozenset(NamedNode(SH + name) for name in ("NodeShape", "PropertyShape"))
_QUERIES = frozenset(SH + name for name in ("select", "ask", "construct", "update"))
_SCRIPTS = frozenset(SH + name for name in ("js", "jsFunctionName", "jsLibrary"))
_FETCHING = {"FROM", "LOAD"}


def rules(documents: Iterable[Document]) -> list[Triple]:
    """Give the shapes of documents, those without a name with one, so that results can tell it.

    Raises UnreadableError where there are none, and for what is not applied here.
    """
    found: list[Triple] = []
    for document in documents:
        if not any(is_of_shapes(quad) for quad in document.quads):
            raise UnreadableError(document.path, "no shapes: nothing in it is said in SHACL")
        for quad in document.quads:
            _refuse(document.path, quad)
        found += document_rules(document)
    return found


def is_of_shapes(quad: Quad) -> bool:
    """Tell whether a statement speaks of shapes."""
    terms = (quad.predicate, quad.object)
    return any(isinstance(term, NamedNode) and term.value.startswith(SH) for term in terms)


def document_rules(document: Document) -> Iterator[Triple]:
    """Give the shapes of a document, each with a name."""
    names = _names(document)
    for quad in document.quads:
        subject, value = names.get(quad.subject, quad.subject), names.get(quad.object, quad.object)
        assert not isinstance(subject, Triple)
        yield Triple(subject, quad.predicate, value)


def _names(document: Document) -> Mapping[Term, NamedNode]:
    """Give names for the shapes that have none: the last part of the path, and a number."""
    paths = {q.subject: q.object for q in document.quads if q.predicate == _PATH}
    nodes = [q.object for q in document.quads if q.predicate.value in _TO_SHAPES]
    typed = (q for q in document.quads if q.predicate == _TYPE and q.object in _SHAPES)
    nodes += [*paths, *(quad.subject for quad in typed)]
    nameless = dict.fromkeys(node for node in nodes if isinstance(node, BlankNode))
    return {
        node: NamedNode(f"{GIVEN}{_last(paths.get(node))}{number}")
        for number, node in enumerate(nameless, 1)
    }


def _last(path: Term | None) -> str:
    if not isinstance(path, NamedNode):
        return ""
    return path.value.rpartition("#")[2].rpartition("/")[2] + "-"


def _refuse(path: Path, quad: Quad) -> None:
    if quad.predicate.value in _SCRIPTS:
        raise UnreadableError(path, "constraints in JavaScript are not run here")
    if quad.predicate.value in _QUERIES and not isinstance(quad.object, BlankNode | Triple):
        try:
            sparql.refuse_depth(plain(quad.object))
            sparql.refuse_calls(plain(quad.object))
        except QueryRefusedError as error:
            raise UnreadableError(path, str(error)) from error
        if sparql.words(plain(quad.object)) & _FETCHING:
            raise UnreadableError(path, "queries of shapes are asked of the given data, not FROM")
