"""Answers that come in parts: small ones go out whole, others as they come.

Those are broken off for a reader who takes too little, since each of them occupies a process.

Typed links between a thing, its page and its documents (https://signposting.org/FAIR/).

They stand in the headers (RFC 8288), in the heads of pages, and in a link set of their own
(RFC 9264).

Answers that break off: their readers see a transfer without an end, and the log has one line.
"""

import asyncio
import hashlib
import logging
import time
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote

import msgspec
from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from ...application.services import Services
from ...catalogue.catalogue import Catalogue
from ...rdf.namespaces import SCHEMA
from ...sparql.pool import ResultTooLargeError
from ...sparql.process import DeadlineExceededError, IncidentError
from ...sparql.protocol import SMALL_RESULT
from ...storage.base import QueryRefusedError
from ...storage.remote import StoreError
from . import connections
from .negotiation import DOCUMENTS, HTML, LINKSET, Form

_PAGE = SCHEMA + "AboutPage"
_MOST = 20


@dataclass(frozen=True)
class Link:
    """A link: what it leads to, in which relations (with spaces between), the media type there."""

    href: str
    rel: str
    type: str = ""

    def __str__(self) -> str:
        """Return the link as it stands in a header."""
        kind = f'; type="{self.type}"' if self.type else ""
        return f'<{self.href}>; rel="{self.rel}"{kind}'


@dataclass(frozen=True)
class DocumentLinks:
    """The links of the documents about a resource; its path has no extension.

    They lead to the address at which a request has come, its root.
    """

    services: Services
    root: str
    iri: str
    path: str

    @property
    def catalogue(self) -> Catalogue:
        """Return the catalogue."""
        return self.services.catalogue

    def brief(self, form: Form) -> list[Link]:
        """Return the links of the document in a form, without long lists."""
        items = self._items()
        return [*self._own(form), *(items if len(items) <= _MOST else [])]

    def of_iri(self) -> list[Link]:
        """Return the links with which a redirect leads to what there is."""
        forms = [Link(self._at(form), "alternate", form.plain) for form in DOCUMENTS]
        return [*forms, self._linkset]

    def linkset(self) -> dict[str, Any]:
        """Return all links of all documents, as JSON (RFC 9264, section 4.2)."""
        sets = [_context(self._at(form), self._own(form)) for form in DOCUMENTS]
        page = next(found for found in sets if found["anchor"] == self._at(HTML))
        page |= _context(page["anchor"], self._items())
        return {"linkset": sets}

    def _own(self, form: Form) -> list[Link]:
        links = [Link(self.iri, "cite-as"), *self._about]
        links += [Link(_PAGE, "type")] if form == HTML else []
        for other in DOCUMENTS:
            if other != form:
                links.append(Link(self._at(other), _relations(form, other), other.plain))
        return [*links, self._linkset]

    @cached_property
    def _about(self) -> list[Link]:
        dataset = self.services.dataset
        classes = self.catalogue.reader.read_classes(self.iri)
        links = [Link(name, "type") for name in self.catalogue.ontology.align(classes)]
        links += [Link(name, "author") for name in dataset.creators]
        links += [Link(dataset.licence, "license")] if dataset.licence else []
        if self.services.log and self.services.log.release and self.iri == self.catalogue.base:
            links.append(Link(f"{self.root}/changes", "version-history"))
        concept = self.catalogue.vocabularies.concepts.get(self.iri)
        whole = concept.scheme if concept else self.catalogue.base
        return links if self.iri == whole else [*links, Link(whole, "collection")]

    def _items(self) -> list[Link]:
        """Return what a scheme or the whole catalogue consists of, but for the entries."""
        vocabularies = self.catalogue.vocabularies
        if self.iri == self.catalogue.base:
            return [Link(scheme, "item") for scheme in vocabularies.schemes]
        scheme = vocabularies.schemes.get(self.iri)
        concepts = scheme.concepts.values() if scheme else ()
        return [Link(concept.iri, "item") for concept in concepts]

    @property
    def _linkset(self) -> Link:
        return Link(self._at(LINKSET), "linkset", LINKSET.plain)

    def _at(self, form: Form) -> str:
        return f"{self.root}/{quote(self.path)}.{form.extension}"


def root(request: Request) -> str:
    """Return the address at which the service answers the request, without a slash at its end."""
    return str(request.base_url).rstrip("/")


def prefix(request: Request) -> str:
    """Return what stands before every path at the address at which the service answers."""
    path: str = request.scope.get("root_path", "")
    return path


def header(links: Sequence[Link]) -> dict[str, str]:
    """Return the links as a header (RFC 8288, section 3)."""
    return {"Link": ", ".join(map(str, links))} if links else {}


def json(value: Any, headers: Mapping[str, str] | None = None, media_type: str = "") -> Response:
    """Return a value as JSON."""
    content = msgspec.json.encode(value)
    return Response(content, headers=headers, media_type=media_type or "application/json")


def _relations(form: Form, other: Form) -> str:
    """Return in which relations a document in a form stands to one in another form."""
    if form == HTML and other.is_rdf:
        return "alternate describedby"
    return "alternate describes" if other == HTML else "alternate"


def _context(anchor: str, links: Iterable[Link]) -> dict[str, Any]:
    found: dict[str, Any] = {"anchor": anchor}
    for link in links:
        target = {"href": link.href} | ({"type": link.type} if link.type else {})
        for relation in link.rel.split():
            found.setdefault(relation, []).append(target)
    return found


_REASONS = (
    IncidentError,
    DeadlineExceededError,
    ResultTooLargeError,
    QueryRefusedError,
    StoreError,
)
_ENDS = (EOFError, OSError, ValueError)
# What uvicorn says of each request that is no HTTP, or asks for another protocol.
_OF_CLIENTS = ("Invalid HTTP request", "Unsupported upgrade", "No supported WebSocket")


class BrokenOffError(Exception):
    """An answer that ends before its end; the text says which one and why."""


async def named(
    first: bytes, parts: AsyncGenerator[bytes, None], path: str, query: str
) -> AsyncGenerator[bytes, None]:
    """Yield the first part of an answer and the others, of a query that was asked at a path.

    What breaks them off says to which path and query it happened.

    The server closes the connection of an answer that ends with an error, without the last chunk.
    """
    try:
        async with aclosing(parts):
            yield first
            async for part in parts:
                yield part
    except (*_REASONS, *_ENDS) as error:
        raise broken_off(path, query, str(error) or "its process has ended") from error


def broken_off(path: str, query: str, reason: str) -> BrokenOffError:
    """Return the error of an answer to a query that is broken off for a reason."""
    digest = hashlib.sha256(query.encode()).hexdigest()[:12]
    return BrokenOffError(f"{path}: the answer to query {digest} was broken off: {reason}")


def one_line(record: logging.LogRecord) -> bool:
    """Reduce the log record of an answer that was broken off to one line without a traceback.

    Of clients that leave before they have sent all, or send no HTTP, it says nothing.
    """
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, ClientDisconnect) or record.msg.startswith(_OF_CLIENTS):
        return False
    if isinstance(error, BrokenOffError):
        record.msg, record.args, record.exc_info = "%s", (str(error),), None
    return True


_RATE = 16_000
_PATIENCE = 10.0


async def response(
    parts: AsyncGenerator[bytes, None],
    headers: Mapping[str, str],
    media_type: str,
    path: str,
    query: str,
) -> Response:
    """Return the parts as the answer to a query at a path; raises what making the first raises."""
    first = b""
    async for part in parts:
        first += part
        if len(first) >= SMALL_RESULT:
            rest = named(first, parts, path, query)
            slow = broken_off(path, query, f"read at less than {_RATE // 1000} kB/s")
            return _Streamed(rest, headers, media_type, slow)
    return Response(first, headers=headers, media_type=media_type)


async def whole(parts: AsyncGenerator[bytes, None]) -> bytes:
    """Return all parts as one."""
    return b"".join([part async for part in parts])


class _Streamed(StreamingResponse):
    """Parts on their way; they are let go when all are out, or when the reader has left."""

    def __init__(
        self,
        parts: AsyncGenerator[bytes, None],
        headers: Mapping[str, str],
        media_type: str,
        slow: BrokenOffError,
    ) -> None:
        super().__init__(parts, headers=headers, media_type=media_type)
        self._parts, self._slow = parts, slow

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(self._parts):
            try:
                await super().__call__(scope, receive, _Paced(send))
            except _SlowError:
                connections.abort(scope)  # to close it would be to wait for the reader
                raise self._slow from None


class _SlowError(Exception):
    """A reader who takes less than an answer must be taken at."""


class _Paced:
    """Passes an answer on as its reader takes it; raises _SlowError below `_RATE` bytes a second.

    Each part may take its time at that rate, and all of them `_PATIENCE` seconds more, which
    readers get back by reading faster.
    """

    def __init__(self, send: Send) -> None:
        self._send, self._left = send, _PATIENCE

    async def __call__(self, message: Message) -> None:
        left = self._left + len(message.get("body", b"")) / _RATE
        start = time.monotonic()
        try:
            async with asyncio.timeout(left):
                await self._send(message)
        except TimeoutError:
            raise _SlowError from None
        self._left = min(_PATIENCE, left - time.monotonic() + start)
