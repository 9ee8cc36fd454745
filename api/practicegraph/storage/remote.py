"""A store behind a SPARQL 1.1 endpoint, called through SPARQLWrapper.

The endpoint has all triples, since queries join entries with the vocabularies. Patterns with a
subject of the folder's ontology, shapes or queries are matched in memory.
"""

import io
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from http.client import HTTPException, HTTPResponse
from itertools import chain
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

from ..errors import CatalogueError
from ..rdf.terms import LDP, Node, Term
from . import query_guard
from .base import QueryRefusedError, Solution, Store
from .oxigraph import OxigraphStore, Snapshots, to_solutions

JSON_RESULTS = "application/sparql-results+json"
N_TRIPLES = "application/n-triples"
TIMEOUT_STATE = "S1TAT"
"""The SQL state with which Virtuoso stops a query at its deadline."""

_CHECK = "ASK {}"
_SHORT = 2000  # characters of a query that still fits into any address
_SECONDS = 600
_WITHOUT_DEFINE = {"GRAPH", "FROM", "ASK"}  # with it, Virtuoso takes these for something else
_PART = 1 << 16
_SYSTEM_GRAPHS = (
    "http://www.openlinksw.com/schemas/virtrdf#",
    LDP,
    "http://localuriqaserver/sparql",
)
"""Virtuoso's own graphs, which are no part of a default graph."""
_WITHOUT_SYSTEM = "".join(f"DEFINE input:default-graph-exclude <{g}>\n" for g in _SYSTEM_GRAPHS)
_CUT_HEADERS = ("X-SQL-State", "X-SPARQL-MaxRows")
"""Headers with which Virtuoso says that a result is not complete."""
_CORRECTIONS = (
    (re.compile(rb'("type": "bnode", "value": ")nodeID://'), rb"\1"),
    (re.compile(rb'(XMLSchema#boolean", "value": ")1"'), rb'\1true"'),
    (re.compile(rb'(XMLSchema#boolean", "value": ")0"'), rb'\1false"'),
)
"""Corrections of the JSON results of Virtuoso; no pattern spans lines."""
_NAMES = ("subject", "predicate", "value", "graph")
_MAX_TRIPLES, _MAX_BLANK = 5000, 1000  # triples of a request, without and with blank nodes
_FRESH = 1.0  # seconds for which the release that was read is used


class StoreError(CatalogueError):
    """An endpoint that does not answer, or not as SPARQL 1.1 says."""

    kind = "storeUnavailable"


class IncompleteResultError(CatalogueError):
    """A result that the endpoint has cut off; the message says why."""


class _CorrectedResult(io.RawIOBase):
    """A result of Virtuoso in JSON, corrected."""

    def __init__(self, response: HTTPResponse) -> None:
        self._response = response
        self._left = memoryview(b"")

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer with the next bytes and return their number."""
        if not self._left:
            lines = self._response.read(_PART) + self._response.readline()
            for pattern, text in _CORRECTIONS:
                lines = pattern.sub(text, lines)
            self._left = memoryview(lines)
        chunk = self._left[: len(buffer)]
        self._left = self._left[len(chunk) :]
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        """Close the response too."""
        self._response.close()
        super().close()


@dataclass(frozen=True)
class Endpoint:
    """The URL of an endpoint, that of its updates if it has another, a name and a password."""

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
    def from_url(cls, url: str, update_url: str = "") -> "Endpoint":
        """Return the endpoint of a URL, which may have a name and a password."""
        url_parts = urlsplit(url)
        bare = url_parts._replace(netloc=url_parts.netloc.rpartition("@")[2])
        credentials = (unquote(url_parts.username or ""), unquote(url_parts.password or ""))
        return cls(urlunsplit(bare), update_url, credentials)

    @cached_property
    def is_virtuoso(self) -> bool:
        """Return whether the endpoint is Virtuoso, by its Server header; raise StoreError."""
        with self._send(self._client(_CHECK), JSON_RESULTS) as response:
            return "Virtuoso" in (response.headers.get("Server") or "")

    def query(
        self,
        text: str,
        accept: str,
        seconds: float = _SECONDS,
        default: Sequence[str] = (),
        named: Sequence[str] = (),
    ) -> BinaryIO:
        """Return the result of a query as a stream; the endpoint stops it after some seconds.

        Raises QueryRefusedError, StoreError or IncompleteResultError.
        """
        has_dataset = bool(default or named or query_guard.query_words(text) & _WITHOUT_DEFINE)
        needs_define = self.is_virtuoso and not has_dataset
        client = self._client(_WITHOUT_SYSTEM + text if needs_define else text)
        client.setTimeout(int(seconds) + 1)
        for name in default:
            client.addParameter("default-graph-uri", name)
        for name in named:
            client.addParameter("named-graph-uri", name)
        if self.is_virtuoso:
            client.addParameter("timeout", str(max(1000, int(seconds * 1000))))  # milliseconds
        return self._whole(self._send(client, accept), accept)

    def _whole(self, response: HTTPResponse, accept: str) -> BinaryIO:
        """Return a result, corrected; raise IncompleteResultError."""
        if not self.is_virtuoso:
            return cast(BinaryIO, response)
        for name in _CUT_HEADERS:
            if value := response.headers.get(name):
                response.close()
                raise IncompleteResultError(f"{name}: {value}")
        if accept != JSON_RESULTS:
            return cast(BinaryIO, response)
        return cast(BinaryIO, io.BufferedReader(_CorrectedResult(response), _PART))

    def update(self, text: str) -> None:
        """Run an update; raise QueryRefusedError or StoreError."""
        client = self._client(text)
        client.queryType = INSERT
        client.setMethod(POST)
        client.setTimeout(_SECONDS)
        with self._send(client, "*/*") as response:
            response.read()

    @cached_property
    def _challenge(self) -> tuple[str, str]:
        """Return the authentication scheme of the store (RFC 9110, section 11) and its realm."""
        try:
            self._client(_CHECK, authenticate=False).query().response.close()
        except Unauthorized as error:
            headers = getattr(error.__context__, "headers", {})
            scheme, _, challenge = headers["WWW-Authenticate"].partition(" ")
            parameters = parse_keqv_list(parse_http_list(challenge))
            return scheme.upper(), parameters.get("realm", "")
        return BASIC, ""

    def _client(self, text: str, *, authenticate: bool = True) -> SPARQLWrapper:
        client = SPARQLWrapper(self.url, self.update_url or None)
        client.setOnlyConneg(True)
        client.queryString, client.queryType = text, SELECT
        client.setMethod(POST if len(text) > _SHORT else GET)
        name, password = self.credentials
        if name and authenticate:
            scheme, realm = self._challenge
            client.setHTTPAuth(scheme)
            client.setCredentials(name, password, realm)
        return client

    def _send(self, client: SPARQLWrapper, accept: str) -> HTTPResponse:
        client.addCustomHttpHeader("Accept", accept)
        try:
            response: HTTPResponse = client.query().response
        except QueryBadFormed as error:
            raise QueryRefusedError(_reason(error)) from error
        except (SPARQLWrapperException, HTTPException, OSError) as error:
            raise StoreError(f"{self.url}: {_reason(error)}") from error
        return response


def _reason(error: Exception) -> str:
    """Return the first line of the endpoint's message, without the query that it repeats."""
    message = str(error).partition("Response:\n")[2] or str(error)
    return re.split(r"\n|\\n", message)[0].removeprefix("b'").strip("'\" ")


@dataclass
class RemoteStore(Store):
    """A store behind an endpoint, with the ontology, shapes and queries of the folder in memory."""

    endpoint: Endpoint
    local: OxigraphStore
    is_derived = False
    batch_size = 50_000
    _last_release: tuple[float, str] = field(default=(-_FRESH, ""), init=False)
    _size: tuple[str, int] = field(default=("", 0), init=False)

    def __len__(self) -> int:
        """Return the number of triples of all graphs, counted once a release."""
        release = self.release()
        if not release or self._size[0] != release:
            self._size = (release, sum(self.graph_sizes().values()))
        return self._size[1]

    def select(self, query: str) -> Iterator[Solution]:
        """Return the solutions of a SELECT query of our own; raise StoreError."""
        with self.endpoint.query(query, JSON_RESULTS) as response:
            solutions = parse_query_results(response, QueryResultsFormat.JSON)
            assert isinstance(solutions, QuerySolutions), query
            try:
                rows = list(to_solutions(solutions))
            except (SyntaxError, OSError) as error:
                raise StoreError(f"{self.endpoint.url}: a result broke off: {error}") from error
        return iter(rows)

    def quads(
        self,
        subject: Node | None = None,
        predicate: NamedNode | None = None,
        value: Term | None = None,
        graph: NamedNode | None = None,
    ) -> Iterator[Quad]:
        """Return the quads that match a pattern."""
        if self._is_local(subject, graph):
            return self.local.quads(subject, predicate, value, graph)
        return self._remote_quads(subject, predicate, value, graph)

    def quads_of_subjects(self, subjects: Sequence[str]) -> Iterator[Quad]:
        """Return the quads of several subjects, those of the endpoint by one request."""
        nodes = [NamedNode(subject) for subject in subjects]
        remote = [node for node in nodes if not self._is_local(node, None)]
        yield from super().quads_of_subjects([node.value for node in nodes if node not in remote])
        if remote:
            yield from self._quads_with("subject", remote)

    def quads_of_objects(self, predicate: str, objects: Sequence[str]) -> Iterator[Quad]:
        """Return the quads of a property with several objects, by one request."""
        if not objects:
            return iter(())
        values = f"VALUES ?predicate {{ {NamedNode(predicate)} }}"
        return self._quads_with("value", [NamedNode(each) for each in objects], values)

    def _quads_with(
        self, name: str, nodes: Iterable[NamedNode], condition: str = ""
    ) -> Iterator[Quad]:
        """Return the quads of the endpoint with one of some nodes in a position."""
        values = f"VALUES ?{name} {{ {' '.join(map(str, nodes))} }} {condition}"
        pattern = "GRAPH ?graph { ?subject ?predicate ?value }"
        return map(_quad, self.select(f"SELECT * WHERE {{ {values} {pattern} }}"))

    def graph_names(self) -> set[str]:
        """Return the names of all graphs but those of the endpoint itself."""
        return set(self.graph_sizes())

    def graph_sizes(self) -> dict[str, int]:
        """Return the number of triples of each named graph but those of the endpoint itself."""
        system = _SYSTEM_GRAPHS if self.endpoint.is_virtuoso else ()
        return {name: size for name, size in super().graph_sizes().items() if name not in system}

    def update(self, text: str) -> None:
        """Run an update of our own."""
        self.endpoint.update(text)
        self._last_release = (-_FRESH, "")

    def remove_graphs(self, graphs: Iterable[str]) -> None:
        """Remove named graphs, each by a request."""
        for graph in graphs:
            self.update(f"DROP SILENT GRAPH {NamedNode(graph)}")

    def add(self, quads: Iterable[Quad]) -> None:
        """Add quads, a few thousand a request."""
        for batch in _batches(quads):
            self.update(_insertion(batch))

    def repair(self) -> None:
        """Do nothing: an endpoint has no union beside the named graphs."""

    def clear(self) -> None:
        """Raise AssertionError: the endpoint may have triples that no folder has."""
        raise AssertionError("a remote store is never cleared")

    def flush(self) -> None:
        """Do nothing: the endpoint writes to disk by itself."""

    def release(self) -> str:
        """Return the release, as read within the last second."""
        since, release = self._last_release
        if time.monotonic() - since > _FRESH:
            release = super().release()
            self._last_release = (time.monotonic(), release)
        return release

    def _is_local(self, subject: Node | None, graph: NamedNode | None) -> bool:
        if isinstance(subject, BlankNode):
            return True
        if subject is not None:
            return any(True for _ in self.local.quads(subject))
        return graph is not None and any(True for _ in self.local.quads(graph=graph))

    def _remote_quads(self, *pattern: Term | None) -> Iterator[Quad]:
        subject, predicate, value, graph = (
            str(term) if term else f"?{name}" for term, name in zip(pattern, _NAMES, strict=True)
        )
        query = f"SELECT * WHERE {{ GRAPH {graph} {{ {subject} {predicate} {value} }} }}"
        bound = {name: term for name, term in zip(_NAMES, pattern, strict=True) if term}
        for row in self.select(query):
            yield _quad({**bound, **row})


def _quad(row: Solution) -> Quad:
    terms: Mapping[str, Any] = row
    return Quad(*(terms[name] for name in _NAMES))


def _batches(quads: Iterable[Quad]) -> Iterator[list[Quad]]:
    """Yield the quads in parts for a request each; quads that share a blank node stay together.

    A part with blank nodes is of one graph: Virtuoso accepts no template of several.
    """
    blank: list[Quad] = []
    others: list[Quad] = []
    for quad in quads:
        (blank if _blanks(quad) else others).append(quad)
        if len(others) == _MAX_TRIPLES:
            yield others
            others = []
    if others:
        yield others
    batch: list[Quad] = []
    for component in _components(blank):
        is_other = batch and batch[0].graph_name != component[0].graph_name
        if is_other or (batch and len(batch) + len(component) > _MAX_BLANK):
            yield batch
            batch = []
        batch = batch + component
    if batch:
        yield batch


def _components(quads: Iterable[Quad]) -> Iterable[list[Quad]]:
    """Return quads in the smallest groups of which no two share a blank node."""
    components: dict[BlankNode, list[Quad]] = {}
    for quad in quads:
        nodes = _blanks(quad)
        connected = [components[node] for node in nodes if node in components]
        joined = [*chain(*{id(component): component for component in connected}.values()), quad]
        components |= dict.fromkeys((node for q in joined for node in _blanks(q)), joined)
    return {id(component): component for component in components.values()}.values()


def _blanks(quad: Quad) -> list[BlankNode]:
    return [node for node in (quad.subject, quad.object) if isinstance(node, BlankNode)]


def _insertion(quads: Sequence[Quad]) -> str:
    """Return an update that adds quads: a template for blank nodes, which some refuse in DATA."""
    by_graph: dict[object, list[Quad]] = {}
    for quad in quads:
        by_graph.setdefault(quad.graph_name, []).append(quad)
    graphs = "\n".join(
        f"GRAPH {name} {{\n" + "\n".join(f"{quad.triple} ." for quad in group) + "\n}"
        for name, group in by_graph.items()
    )
    if any(map(_blanks, quads)):
        return f"INSERT {{\n{graphs}\n}}\nWHERE {{}}"
    return f"INSERT DATA {{\n{graphs}\n}}"
