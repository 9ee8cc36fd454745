"""Conditional requests (RFC 9110, section 13).

An entity tag is a hash of the content; or of the program, the release, the URL and the negotiated
choices, which are known before the response is made. It is the same in every process and after
every start. Caches store responses that can change, and revalidate them each time (RFC 9111,
section 5.2.2.4).

The tag of a document about an entry begins with the state of the entry's own graph. A precondition
of a write compares this state alone. So the tag of any representation of the entry can be sent with
a write, and changes of other entries do not make it stale.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from fastapi import Request, Response
from werkzeug.datastructures import ETags
from werkzeug.http import http_date, is_resource_modified, parse_etags

from ...errors import RequestError

REVALIDATED = {"Cache-Control": "no-cache"}
"""The headers of a response that can change: caches revalidate it."""
LASTING = {"Cache-Control": "public, max-age=31536000, immutable"}
"""The headers of a response that never changes under its URL."""


@dataclass(frozen=True)
class Validators:
    """The validators of a response: its entity tag, and the second of its last change."""

    tag: str
    modified: datetime | None = None

    @property
    def headers(self) -> dict[str, str]:
        """Return ETag and Last-Modified (section 8.8)."""
        modified = {"Last-Modified": http_date(self.modified)} if self.modified else {}
        return modified | ({"ETag": self.tag} if self.tag else {})

    def hold(self, request: Request) -> bool:
        """Return whether the client has this response: by entity tag, or by date without a tag."""
        tags = _join(request, "if-none-match")
        since = None if tags else request.headers.get("if-modified-since")
        if not tags and since is None:
            return False
        conditions = {"HTTP_IF_NONE_MATCH": tags, "HTTP_IF_MODIFIED_SINCE": since}
        try:
            return not is_resource_modified(conditions, self.tag, last_modified=self.modified)
        except OverflowError:  # of a date out of range
            return False


def validators(
    request: Request,
    release: str,
    choices: Sequence[str],
    modified: datetime | None = None,
    state: str = "",
) -> Validators:
    """Return the validators of the response to a request at a release, by the negotiated choices.

    There is no tag without a release. The tag of an entry begins with its state, which the
    preconditions of a write compare.
    """
    key = json.dumps([_hash_program(), release, str(request.url), *choices])
    return Validators(entity_tag(key.encode(), state) if release else "", modified)


def entity_tag(content: bytes | memoryview, state: str = "") -> str:
    """Return the entity tag of content, with the state of an entry or ""."""
    prefix = f"{state}." if state else ""
    return f'"{prefix}{hashlib.sha256(content).hexdigest()[:32]}"'


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


def check_preconditions(request: Request, state: str) -> None:
    """Raise RequestError if a write has no precondition, or one that is false (RFC 6585, 3).

    The state "" is that of an entry that does not exist.
    """
    match, none_match = (
        parse_etags(_join(request, name)) for name in ("if-match", "if-none-match")
    )
    if match:
        _check_if_match(match, state)
    elif not none_match.star_tag:
        hint = "ifMatchHint" if state else "ifNoneMatchHint"
        raise RequestError("preconditionRequired", hint)
    if none_match.star_tag and state:
        raise RequestError("entryExists")


def _check_if_match(tags: ETags, state: str) -> None:
    """Raise RequestError if no tag has the state; weak tags never match (section 13.1.1)."""
    if not state:
        raise RequestError("entryNotFound")
    if not tags.star_tag and state not in {tag.partition(".")[0] for tag in tags}:
        raise RequestError("entryChanged")


def _join(request: Request, name: str) -> str:
    return ", ".join(request.headers.getlist(name))


@cache
def _hash_program() -> str:
    """Return a hash of the program's files: another version can give other responses."""
    files = sorted(Path(__file__).parents[2].rglob("*"))
    sources = (path.read_bytes() for path in files if path.suffix in (".py", ".html", ".css"))
    return hashlib.sha256(b"".join(sources)).hexdigest()
