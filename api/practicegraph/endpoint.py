"""A SPARQL 1.1 endpoint elsewhere, called through SPARQLWrapper; what is known of its kinds."""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import unquote, urlsplit, urlunsplit
from urllib.request import parse_http_list, parse_keqv_list

from SPARQLWrapper import BASIC, GET, INSERT, POST, SELECT, SPARQLWrapper
from SPARQLWrapper.SPARQLExceptions import (
    QueryBadFormed,
    SPARQLWrapperException,
    Unauthorized,
)

from . import sparql
from .snapshots import Snapshots
from .store import QueryRefusedError

SOLUTIONS = "application/sparql-results+json"
TRIPLES = "application/n-triples"
DEADLINE = "S1TAT"
"""The state by which Virtuoso tells that a query was stopped at its deadline."""

_CHECK = "ASK {}"
_SHORT = 2000  # characters of a query that still fits into any address
_SECONDS = 600
_WITHOUT_OPENING = {"GRAPH", "FROM", "ASK"}  # with it, Virtuoso takes these for something else
_PART = 1 << 16


class StoreError(RuntimeError):
    """A store that does not answer, or not as a SPARQL 1.1 store does."""


class IncompleteError(RuntimeError):
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
    "http://www.w3.org/ns/ldp#",
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
        """Tell that it can be read."""
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

    address: str
    updates: str = ""
    credentials: tuple[str, str] = field(default=("", ""), repr=False)

    @classmethod
    def of(cls, source: "Path | Endpoint | Snapshots") -> "Endpoint":
        """Give where a source is read now: elsewhere, or in a folder, which its path stands for."""
        if isinstance(source, Endpoint):
            return source
        return cls(str(source.newest() if isinstance(source, Snapshots) else source))

    @classmethod
    def at(cls, address: str, updates: str = "") -> "Endpoint":
        """Give the endpoint at an address in which a name and a password may stand."""
        parts = urlsplit(address)
        plain = parts._replace(netloc=parts.netloc.rpartition("@")[2])
        known = (unquote(parts.username or ""), unquote(parts.password or ""))
        return cls(urlunsplit(plain), updates, known)

    @cached_property
    def dialect(self) -> Dialect:
        """Find out what kind of store answers; raises StoreError where none does."""
        with self._answer(self._client(_CHECK), SOLUTIONS) as answer:
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
        """Give the result of a query as it comes, stopped by the store after the seconds.

        Raises QueryRefusedError, StoreError or IncompleteError.
        """
        dialect = self.dialect
        is_bare = not (default or named or sparql.words(text) & _WITHOUT_OPENING)
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
                raise IncompleteError(f"{name}: {said}")
        if not dialect.mends or accept != SOLUTIONS:
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
        """Give the scheme by which the store wants to know its users (RFC 9110, 11), its realm."""
        try:
            self._client(_CHECK, known=False).query().response.close()
        except Unauthorized as error:
            headers = getattr(error.__context__, "headers", {})
            said = parse_keqv_list(parse_http_list(headers["WWW-Authenticate"].partition(" ")[2]))
            scheme = headers["WWW-Authenticate"].partition(" ")[0].upper()
            return scheme, said.get("realm", "")
        return BASIC, ""

    def _client(self, text: str, *, known: bool = True) -> SPARQLWrapper:
        client = SPARQLWrapper(self.address, self.updates or None)
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
            raise StoreError(f"{self.address}: {_reason(error)}") from error
        return answer


def _reason(error: Exception) -> str:
    """Give the first line of what the store says, without the query that it repeats."""
    said = str(error).partition("Response:\n")[2] or str(error)
    return re.split(r"\n|\\n", said)[0].removeprefix("b'").strip("'\" ")
