"""Conditional requests (RFC 9110, section 13), with an entity tag for each content coding (8.8.3).

An entity tag is a hash of the program, the release, the URL and the negotiated choices. It is the
same in every process and after every start, and is known before the response is made. Caches store
responses that can change, and revalidate them each time (RFC 9111, section 5.2.2.4).

The tag of a document about an entry begins with the state of the entry's own graph. A precondition
of a write compares this state alone. So the tag of any representation of the entry can be sent with
a write, and changes of other entries do not make it stale.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from fastapi import Request, Response
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from werkzeug.datastructures import Accept
from werkzeug.http import http_date, parse_accept_header, parse_date

from ...errors import RequestError
from ..urls import DUMP

REVALIDATED = {"Cache-Control": "no-cache"}
"""The headers of a response that can change: caches revalidate it."""
LASTING = {"Cache-Control": "public, max-age=31536000, immutable"}
"""The headers of a response that never changes under its URL."""
_ENTITY_TAG = re.compile(r'(?:W/)?"[^"]*"')
_STATE = re.compile(r'(?:^|,)\s*"([^".]*)\.[^"]*"')
_GZIP_SUFFIX = '-gzip"'
_STATUSES_WITHOUT_CONTENT = (304, 412)
_ACCEPT_ENCODING = "accept-encoding"


def matches(header: str, tag: str) -> bool:
    """Return whether an If-None-Match header matches a tag, in any content coding (13.1.2)."""
    tags = _ENTITY_TAG.findall(header)
    return header.strip() == "*" or tag in {
        other.removeprefix("W/").replace(_GZIP_SUFFIX, '"') for other in tags
    }


class GzipCoding(GZipMiddleware):
    """Middleware that codes responses with gzip; dumps keep their published length."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and code its response."""
        if scope["type"] == "http" and scope["path"].startswith(DUMP):
            await self.app(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


class CodedEntityTags:
    """Middleware that gives a coded response its own entity tag (RFC 9110, section 8.8.3.3)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and add the coding to the entity tag of its response."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        names_coded = _GZIP_SUFFIX in Headers(scope=scope).get("if-none-match", "")

        async def send_tagged(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                is_bare = message["status"] in _STATUSES_WITHOUT_CONTENT
                is_coded = "content-encoding" in headers or (names_coded and is_bare)
                if "etag" in headers and is_coded:
                    headers["etag"] = headers["etag"].removesuffix('"') + _GZIP_SUFFIX
            await send(message)

        await self._app(scope, receive, send_tagged)


@dataclass(frozen=True)
class Validators:
    """The validators of a response: its entity tag, and the day of its last change (ISO 8601)."""

    tag: str
    day: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """Return ETag and Last-Modified, the first second of the day in UTC (section 8.8.2)."""
        modified = {"Last-Modified": http_date(self._modified)} if self._modified else {}
        return modified | ({"ETag": self.tag} if self.tag else {})

    def hold(self, request: Request) -> bool:
        """Return whether the client has this response: by entity tag, or by day without a tag."""
        tags = request.headers.getlist("if-none-match")
        if tags:
            return bool(self.tag) and matches(", ".join(tags), self.tag)
        since = _parse_http_date(request.headers.get("if-modified-since"))
        return bool(since and self._modified and self._modified <= since)

    @property
    def _modified(self) -> datetime | None:
        return datetime.fromisoformat(self.day).replace(tzinfo=UTC) if self.day else None


def validators(
    request: Request, release: str, choices: Sequence[str], day: str = "", state: str = ""
) -> Validators:
    """Return the validators of the response to a request at a release, by the negotiated choices.

    There is no tag without a release. The tag of an entry begins with its state, which the
    preconditions of a write compare.
    """
    key = json.dumps([_hash_program(), release, str(request.url), *choices])
    prefix = f"{state}." if state else ""
    tag = f'"{prefix}{hashlib.sha256(key.encode()).hexdigest()[:32]}"' if release else ""
    return Validators(tag, day)


def answer(
    request: Request,
    validators: Validators,
    headers: Mapping[str, str],
    make: Callable[[], Response],
) -> Response:
    """Return the response that `make` returns, or 304 if the client has it; with the headers."""
    all_headers = REVALIDATED | dict(headers) | validators.headers
    if not validators.hold(request):
        response = make()
        response.headers.update(all_headers)
        return response
    not_modified = Response(status_code=304, headers=all_headers)
    not_modified.headers.add_vary_header("Accept-Encoding")
    return not_modified


def _parse_http_date(header: str | None) -> datetime | None:
    """Return an HTTP-date (RFC 9110, section 5.6.7); None if it is invalid or out of range."""
    try:
        return parse_date(header)
    except OverflowError:
        return None


@cache
def _hash_program() -> str:
    """Return a hash of the program's files: another version can give other responses."""
    files = sorted(path for path in Path(__file__).parents[2].rglob("*") if _is_source(path))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def _is_source(path: Path) -> bool:
    return path.suffix in (".py", ".html", ".css")


class AcceptedCodings:
    """Middleware that reduces Accept-Encoding to gzip or identity, by weight (section 12.5.3)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with the one coding that it accepts."""
        if scope["type"] == "http":
            headers = MutableHeaders(raw=list(scope["headers"]))
            accepted = parse_accept_header(headers.get(_ACCEPT_ENCODING), Accept)
            headers[_ACCEPT_ENCODING] = "gzip" if accepted.quality("gzip") > 0 else "identity"
            scope = {**scope, "headers": headers.raw}
        await self._app(scope, receive, send)


def check_preconditions(request: Request, state: str) -> None:
    """Raise RequestError if a write has no precondition, or one that is false (RFC 6585, 3).

    The state "" is that of an entry that does not exist.
    """
    match, none_match = (
        ", ".join(request.headers.getlist(name)) for name in ("if-match", "if-none-match")
    )
    if match:
        _check_if_match(match, state)
    elif none_match.strip() != "*":
        hint = "ifMatchHint" if state else "ifNoneMatchHint"
        raise RequestError("preconditionRequired", hint)
    if none_match.strip() == "*" and state:
        raise RequestError("entryExists")


def _check_if_match(header: str, state: str) -> None:
    """Raise RequestError if no tag of an If-Match header has the state; weak tags never match."""
    if not state:
        raise RequestError("entryNotFound")
    if header.strip() != "*" and state not in _STATE.findall(header):
        raise RequestError("entryChanged")
