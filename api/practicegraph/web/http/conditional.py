"""Answers that caches may keep: tags, days of change, and 304 where nothing is new (RFC 9110, 13).

A tag names the program, the release, the address and the choices of which an answer is made, so it
is the same in every process and after every start, and is known before the answer is. What may
change is kept, and asked for again each time (RFC 9111, section 5.2.2.4).

Entity tags (RFC 9110, section 8.8.3): one a representation, its content coding included.

Whether a reader takes coded answers (RFC 9110, section 12.5.3).

What a writer says of the state that is to be changed (RFC 9110, section 13; RFC 6585, 3).

A tag of any document of an entry begins with the state of the entry's own graph. A write compares
no more than that, so the tag of whatever document was read serves, in any form and language, and
what others do to other entries makes it no older.
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

_TAG = re.compile(r'(?:W/)?"[^"]*"')
_CODED = '-gzip"'
_BARE = (304, 412)


def matches(header: str, tag: str) -> bool:
    """Return whether an If-None-Match header matches the tag, in any coding (13.1.2)."""
    named = {found.removeprefix("W/").replace(_CODED, '"') for found in _TAG.findall(header)}
    return header.strip() == "*" or tag in named


class Coding(GZipMiddleware):
    """Codes answers with gzip, but not dumps, whose readers expect the length that is published."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and code the answer."""
        if scope["type"] == "http" and scope["path"].startswith(DUMP):
            await self.app(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


class CodedTags:
    """Middleware: an encoded answer has an entity tag of its own (RFC 9110, 8.8.3.3)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and mark the tag of a coded answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        asked = _CODED in Headers(scope=scope).get("if-none-match", "")

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                coded = "content-encoding" in headers or (asked and message["status"] in _BARE)
                if "etag" in headers and coded:
                    headers["etag"] = headers["etag"].removesuffix('"') + _CODED
            await send(message)

        await self._app(scope, receive, marked)


REVALIDATED = {"Cache-Control": "no-cache"}
LASTING = {"Cache-Control": "public, max-age=31536000, immutable"}
"""For what never changes under its address."""


@dataclass(frozen=True)
class Validators:
    """What tells an answer from a later one: its tag, and its day of change (ISO 8601) or ""."""

    tag: str
    day: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers; the day stands for its first second in UTC (section 8.8.2)."""
        changed = {"Last-Modified": http_date(self._changed)} if self._changed else {}
        return changed | ({"ETag": self.tag} if self.tag else {})

    def hold(self, request: Request) -> bool:
        """Return whether the reader has this answer: by the tag or, without one, by the day."""
        known = request.headers.getlist("if-none-match")
        if known:
            return bool(self.tag) and matches(", ".join(known), self.tag)
        since = _moment(request.headers.get("if-modified-since"))
        return bool(since and self._changed and self._changed <= since)

    @property
    def _changed(self) -> datetime | None:
        return datetime.fromisoformat(self.day).replace(tzinfo=UTC) if self.day else None


def validators(
    request: Request, release: str, choices: Sequence[str], day: str = "", state: str = ""
) -> Validators:
    """Return the validators of what is answered at an address at a release, by the choices made.

    Without a release, nothing tells one answer from another, and there is no tag. The state of what
    can be written stands before all that, for those who write (`preconditions`).
    """
    said = json.dumps([_program(), release, str(request.url), *choices])
    before = f"{state}." if state else ""
    tag = f'"{before}{hashlib.sha256(said.encode()).hexdigest()[:32]}"' if release else ""
    return Validators(tag, day)


def answer(
    request: Request,
    found: Validators,
    headers: Mapping[str, str],
    make: Callable[[], Response],
) -> Response:
    """Return what `make` gives, or with 304 where the reader has it; both with the headers."""
    kept = REVALIDATED | dict(headers) | found.headers
    if not found.hold(request):
        answered = make()
        answered.headers.update(kept)
        return answered
    unchanged = Response(status_code=304, headers=kept)
    unchanged.headers.add_vary_header("Accept-Encoding")
    return unchanged


def _moment(header: str | None) -> datetime | None:
    """Return an HTTP-date (RFC 9110, section 5.6.7); None for what is none, or beyond all years."""
    try:
        return parse_date(header)
    except OverflowError:
        return None


@cache
def _program() -> str:
    """Return a hash of the program's files, since another program gives other answers."""
    files = sorted(path for path in Path(__file__).parents[2].rglob("*") if _is_source(path))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def _is_source(path: Path) -> bool:
    return path.suffix in (".py", ".html", ".css")


_HEADER = "accept-encoding"


class Codings:
    """Says gzip in Accept-Encoding to those behind it, or identity where gzip weighs nothing."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with the coding that it takes."""
        if scope["type"] == "http":
            headers = MutableHeaders(raw=list(scope["headers"]))
            accepted = parse_accept_header(headers.get(_HEADER), Accept)
            headers[_HEADER] = "gzip" if accepted.quality("gzip") > 0 else "identity"
            scope = {**scope, "headers": headers.raw}
        await self._app(scope, receive, send)


_STRONG = re.compile(r'(?:^|,)\s*"([^".]*)\.[^"]*"')


def hold(request: Request, state: str) -> None:
    """Raise RequestError if a request names another state, or none; "" is that of nothing."""
    match, none_match = (
        ", ".join(request.headers.getlist(name)) for name in ("if-match", "if-none-match")
    )
    if match:
        _match(match, state)
    elif none_match.strip() != "*":
        hint = "needsMatch" if state else "needsNoneMatch"
        raise RequestError("needsCondition", hint)
    if none_match.strip() == "*" and state:
        raise RequestError("isThereAlready")


def _match(header: str, state: str) -> None:
    """Compare strongly: a weak tag is never the same (section 8.8.3.2)."""
    if not state:
        raise RequestError("isNotThere")
    if header.strip() != "*" and state not in _STRONG.findall(header):
        raise RequestError("hasChanged")
