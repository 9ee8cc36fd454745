"""A SPARQL 1.1 endpoint elsewhere, called through SPARQLWrapper; what is known of its kinds.

The entries in a SPARQL 1.1 store elsewhere; what the folder is the truth of stays at hand.

The store holds everything, since queries join entries with the vocabularies. What is asked of a
single thing that the folder describes is answered from memory.
"""

import io
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import unquote, urlsplit, urlunsplit
from urllib.request import parse_http_list, parse_keqv_list

from pyoxigraph import (
    BlankNode,
    NamedNode,
    Quad,
    QueryResultsFormat,
    QuerySolutions,
    parse_query_results,
)
from SPARQLWrapper import BASIC, GET, INSERT, POST, SELECT, SPARQLWrapper
from SPARQLWrapper.SPARQLExceptions import QueryBadFormed, SPARQLWrapperException, Unauthorized

from ..rdf.namespaces import LDP
from ..rdf.terms import Node, Term
from . import query_guard
from .base import QueryRefusedError, Solution, Store
from .oxigraph import OxigraphStore, Snapshots, to_solutions

JSON_RESULTS = "application/sparql-results+json"
N_TRIPLES = "application/n-triples"
TIMEOUT_STATE = "S1TAT"
"""The state by which Virtuoso tells that a query was stopped at its deadline."""

_CHECK = "ASK {}"
_SHORT = 2000  # characters of a query that still fits into any address
_SECONDS = 600
_WITHOUT_OPENING = {"GRAPH", "FROM", "ASK"}  # with it, Virtuoso takes these for something else
_PART = 1 << 16


class StoreError(RuntimeError):
    """A store that does not answer, or not as a SPARQL 1.1 store does."""


class IncompleteResultError(RuntimeError):
    """A result that the store has cut off; the message says at what."""


@dataclass(frozen=True)
class Dialect:
    """What a kind of store needs beside the standard.

    Graphs of its own that are no data, text that keeps them out of queries that name no graphs, the
    parameter that stops a query with what a second is in its unit and the least that it takes, the
    headers that tell of a result that is not whole, and what must be written otherwise in results.
    """

    system: tuple[str, ...] = ()
    opening: str = ""
    timeout: str = ""
    second: int = 1
    least: int = 0
    cut: tuple[str, ...] = ()
    mends: tuple[tuple[bytes, bytes], ...] = ()


_SYSTEM = (
    "http://www.openlinksw.com/schemas/virtrdf#",
    LDP,
    "http://localuriqaserver/sparql",
)
_VIRTUOSO = Dialect(
    system=_SYSTEM,
    opening="".join(f"DEFINE input:default-graph-exclude <{name}>\n" for name in _SYSTEM),
    timeout="timeout",
    second=1000,
    least=1000,
    cut=("X-SQL-State", "X-SPARQL-MaxRows"),
    mends=(
        (rb'("type": "bnode", "value": ")nodeID://', rb"\1"),
        (rb'(XMLSchema#boolean", "value": ")1"', rb'\1true"'),
        (rb'(XMLSchema#boolean", "value": ")0"', rb'\1false"'),
    ),
)
_DIALECTS = {"Virtuoso": _VIRTUOSO}


class _Mended(io.RawIOBase):
    """Reads a result with patterns replaced; none of them goes over the end of a line."""

    def __init__(self, answer: HTTPResponse, mends: Sequence[tuple[bytes, bytes]]) -> None:
        self._answer = answer
        self._mends = [(re.compile(pattern), right) for pattern, right in mends]
        self._left = memoryview(b"")

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer with what comes next and give its length."""
        if not self._left:
            lines = self._answer.read(_PART) + self._answer.readline()
            for pattern, right in self._mends:
                lines = pattern.sub(right, lines)
            self._left = memoryview(lines)
        part = self._left[: len(buffer)]
        self._left = self._left[len(part) :]
        buffer[: len(part)] = part
        return len(part)

    def close(self) -> None:
        """Close the answer too."""
        self._answer.close()
        super().close()


@dataclass(frozen=True)
class Endpoint:
    """Where a store answers queries and, if elsewhere, takes updates; with name and password."""

    url: str
    update_url: str = ""
    credentials: tuple[str, str] = field(default=("", ""), repr=False)

    @classmethod
    def from_source(cls, source: "Path | Endpoint | Snapshots") -> "Endpoint":
        """Return where a source is read now: its URL, or the path of a snapshot."""
        if isinstance(source, Endpoint):
            return source
        return cls(str(source.latest() if isinstance(source, Snapshots) else source))

    @classmethod
    def from_url(cls, address: str, updates: str = "") -> "Endpoint":
        """Return the endpoint at an address in which a name and a password may stand."""
        parts = urlsplit(address)
        plain = parts._replace(netloc=parts.netloc.rpartition("@")[2])
        known = (unquote(parts.username or ""), unquote(parts.password or ""))
        return cls(urlunsplit(plain), updates, known)

    @cached_property
    def dialect(self) -> Dialect:
        """Find out what kind of store answers; raises StoreError where none does."""
        with self._answer(self._client(_CHECK), JSON_RESULTS) as answer:
            server = answer.headers.get("Server") or ""
        return next((known for name, known in _DIALECTS.items() if name in server), Dialect())

    def query(
        self,
        text: str,
        accept: str,
        seconds: float = _SECONDS,
        default: Sequence[str] = (),
        named: Sequence[str] = (),
    ) -> BinaryIO:
        """Return the result of a query as it comes, stopped by the store after the seconds.

        Raises QueryRefusedError, StoreError or IncompleteResultError.
        """
        dialect = self.dialect
        is_bare = not (default or named or query_guard.query_words(text) & _WITHOUT_OPENING)
        client = self._client(dialect.opening + text if is_bare else text)
        client.setTimeout(int(seconds) + 1)
        for name in default:
            client.addParameter("default-graph-uri", name)
        for name in named:
            client.addParameter("named-graph-uri", name)
        if dialect.timeout:
            units = max(dialect.least, int(seconds * dialect.second))
            client.addParameter(dialect.timeout, str(units))
        answer = self._answer(client, accept)
        for name in dialect.cut:
            if said := answer.headers.get(name):
                answer.close()
                raise IncompleteResultError(f"{name}: {said}")
        if not dialect.mends or accept != JSON_RESULTS:
            return cast(BinaryIO, answer)
        return cast(BinaryIO, io.BufferedReader(_Mended(answer, dialect.mends), _PART))

    def update(self, text: str) -> None:
        """Carry out an update; raises QueryRefusedError or StoreError."""
        client = self._client(text)
        client.queryType = INSERT
        client.setMethod(POST)
        client.setTimeout(_SECONDS)
        with self._answer(client, "*/*") as answer:
            answer.read()

    @cached_property
    def _challenge(self) -> tuple[str, str]:
        """Return the authentication scheme of the store (RFC 9110, section 11) and its realm."""
        try:
            self._client(_CHECK, known=False).query().response.close()
        except Unauthorized as error:
            headers = getattr(error.__context__, "headers", {})
            said = parse_keqv_list(parse_http_list(headers["WWW-Authenticate"].partition(" ")[2]))
            scheme = headers["WWW-Authenticate"].partition(" ")[0].upper()
            return scheme, said.get("realm", "")
        return BASIC, ""

    def _client(self, text: str, *, known: bool = True) -> SPARQLWrapper:
        client = SPARQLWrapper(self.url, self.update_url or None)
        client.setOnlyConneg(True)
        client.queryString, client.queryType = text, SELECT
        client.setMethod(POST if len(text) > _SHORT else GET)
        name, password = self.credentials
        if name and known:
            scheme, realm = self._challenge
            client.setHTTPAuth(scheme)
            client.setCredentials(name, password, realm)
        return client

    def _answer(self, client: SPARQLWrapper, accept: str) -> HTTPResponse:
        client.addCustomHttpHeader("Accept", accept)
        try:
            answer: HTTPResponse = client.query().response
        except QueryBadFormed as error:
            raise QueryRefusedError(_reason(error)) from error
        except (SPARQLWrapperException, HTTPException, OSError) as error:
            raise StoreError(f"{self.url}: {_reason(error)}") from error
        return answer


def _reason(error: Exception) -> str:
    """Return the first line of what the store says, without the query that it repeats."""
    said = str(error).partition("Response:\n")[2] or str(error)
    return re.split(r"\n|\\n", said)[0].removeprefix("b'").strip("'\" ")


_NAMES = ("subject", "predicate", "value", "graph")
_MOST, _MOST_BLANK = 5000, 1000  # triples in one request, without and with blank nodes
_FRESH = 1.0  # seconds for which the release is taken to be the one that was read


@dataclass
class RemoteStore(Store):
    """A store behind an endpoint, and the ontology, shapes and questions of the folder."""

    endpoint: Endpoint
    local: OxigraphStore
    is_derived = False
    batch_size = 50_000
    _read: tuple[float, str] = field(default=(-_FRESH, ""), init=False)
    _size: tuple[str, int] = field(default=("", 0), init=False)

    def __len__(self) -> int:
        """Count the triples of all graphs, once a release."""
        version = self.release()
        if not version or self._size[0] != version:
            self._size = (version, sum(self.graph_sizes().values()))
        return self._size[1]

    def select(self, query: str) -> Iterator[Solution]:
        """Return the solutions of one of our own SELECT queries; raises StoreError."""
        with self.endpoint.query(query, JSON_RESULTS) as answer:
            solutions = parse_query_results(answer, QueryResultsFormat.JSON)
            assert isinstance(solutions, QuerySolutions), query
            try:
                found = list(to_solutions(solutions))
            except (SyntaxError, OSError) as error:
                raise StoreError(f"{self.endpoint.url}: a result broke off: {error}") from error
        return iter(found)

    def quads(
        self,
        subject: Node | None = None,
        predicate: NamedNode | None = None,
        value: Term | None = None,
        graph: NamedNode | None = None,
    ) -> Iterator[Quad]:
        """Return the quads that have what is given."""
        if self._is_own(subject, graph):
            return self.local.quads(subject, predicate, value, graph)
        return self._elsewhere(subject, predicate, value, graph)

    def quads_of_subjects(self, subjects: Sequence[str]) -> Iterator[Quad]:
        """Return the quads about several things, those elsewhere in one request."""
        nodes = [NamedNode(subject) for subject in subjects]
        away = [node for node in nodes if not self._is_own(node, None)]
        yield from super().quads_of_subjects([node.value for node in nodes if node not in away])
        if away:
            things = " ".join(map(str, away))
            pattern = "GRAPH ?graph { ?subject ?predicate ?value }"
            query = f"SELECT * WHERE {{ VALUES ?subject {{ {things} }} {pattern} }}"
            yield from map(_quad, self.select(query))

    def graph_names(self) -> set[str]:
        """Return the names of all graphs but the store's own."""
        return set(self.graph_sizes())

    def graph_sizes(self) -> dict[str, int]:
        """Return the number of triples of each named graph but the store's own."""
        system = self.endpoint.dialect.system
        return {name: size for name, size in super().graph_sizes().items() if name not in system}

    def update(self, text: str) -> None:
        """Carry out one of our own updates."""
        self.endpoint.update(text)
        self._read = (-_FRESH, "")

    def remove_graphs(self, graphs: Iterable[str]) -> None:
        """Take the named graphs out, each in a request."""
        for graph in graphs:
            self.update(f"DROP SILENT GRAPH {NamedNode(graph)}")

    def add(self, quads: Iterable[Quad]) -> None:
        """Put quads in, a few thousand in a request."""
        for part in _parts(quads):
            self.update(_insertion(part))

    def clear(self) -> None:
        """Refuse: the store may hold what no folder has."""
        raise AssertionError("a store elsewhere is never emptied")

    def flush(self) -> None:
        """Write everything on disk: a store elsewhere sees to that itself."""

    def release(self) -> str:
        """Return the release that the store says it holds, as read within the last second."""
        read, version = self._read
        if time.monotonic() - read > _FRESH:
            version = super().release()
            self._read = (time.monotonic(), version)
        return version

    def _is_own(self, subject: Node | None, graph: NamedNode | None) -> bool:
        if isinstance(subject, BlankNode):
            return True
        if subject is not None:
            return any(True for _ in self.local.quads(subject))
        return graph is not None and any(True for _ in self.local.quads(graph=graph))

    def _elsewhere(self, *pattern: Term | None) -> Iterator[Quad]:
        subject, predicate, value, graph = (
            str(term) if term else f"?{name}" for term, name in zip(pattern, _NAMES, strict=True)
        )
        query = f"SELECT * WHERE {{ GRAPH {graph} {{ {subject} {predicate} {value} }} }}"
        given = {name: term for name, term in zip(_NAMES, pattern, strict=True) if term}
        for row in self.select(query):
            yield _quad({**given, **row})


def _quad(row: Solution) -> Quad:
    found: Mapping[str, Any] = row
    return Quad(*(found[name] for name in _NAMES))


def _parts(quads: Iterable[Quad]) -> Iterator[list[Quad]]:
    """Return the quads in parts for a request each; what hangs on a blank node stays together.

    A part with blank nodes is of one graph: Virtuoso takes no template of several.
    """
    blank: list[Quad] = []
    plain_ones: list[Quad] = []
    for quad in quads:
        (blank if _blanks(quad) else plain_ones).append(quad)
        if len(plain_ones) == _MOST:
            yield plain_ones
            plain_ones = []
    if plain_ones:
        yield plain_ones
    part: list[Quad] = []
    for piece in _pieces(blank):
        is_other = part and part[0].graph_name != piece[0].graph_name
        if is_other or (part and len(part) + len(piece) > _MOST_BLANK):
            yield part
            part = []
        part = part + piece
    if part:
        yield part


def _pieces(quads: Iterable[Quad]) -> Iterable[list[Quad]]:
    """Return quads in the smallest pieces of which no two have a blank node in common."""
    pieces: dict[BlankNode, list[Quad]] = {}
    for quad in quads:
        nodes = _blanks(quad)
        joined = {id(found): found for node in nodes if (found := pieces.get(node))}
        piece = [q for found in joined.values() for q in found] + [quad]
        pieces |= dict.fromkeys((node for q in piece for node in _blanks(q)), piece)
    return {id(piece): piece for piece in pieces.values()}.values()


def _blanks(quad: Quad) -> list[BlankNode]:
    return [node for node in (quad.subject, quad.object) if isinstance(node, BlankNode)]


def _insertion(quads: Sequence[Quad]) -> str:
    """Return an update that adds the quads: a template, where some stores know no blank data."""
    by_graph: dict[object, list[Quad]] = {}
    for quad in quads:
        by_graph.setdefault(quad.graph_name, []).append(quad)
    graphs = "\n".join(
        f"GRAPH {name} {{\n" + "\n".join(f"{quad.triple} ." for quad in found) + "\n}"
        for name, found in by_graph.items()
    )
    if any(map(_blanks, quads)):
        return f"INSERT {{\n{graphs}\n}}\nWHERE {{}}"
    return f"INSERT DATA {{\n{graphs}\n}}"
