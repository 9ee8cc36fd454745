"""Answers that caches may keep: tags, days of change, and 304 where nothing is new (RFC 9110, 13).

A tag names the program, the release, the address and the choices of which an answer is made, so it
is the same in every process and after every start, and is known before the answer is. What may
change is kept, and asked for again each time (RFC 9111, section 5.2.2.4).
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from fastapi import Request, Response
from werkzeug.http import http_date, parse_date

from . import tags

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
        """Give the headers; the day stands for its first second in UTC (section 8.8.2)."""
        changed = {"Last-Modified": http_date(self._changed)} if self._changed else {}
        return changed | ({"ETag": self.tag} if self.tag else {})

    def hold(self, request: Request) -> bool:
        """Tell whether the reader has this answer: by the tag or, without one, by the day."""
        known = request.headers.getlist("if-none-match")
        if known:
            return bool(self.tag) and tags.matches(", ".join(known), self.tag)
        since = _moment(request.headers.get("if-modified-since"))
        return bool(since and self._changed and self._changed <= since)

    @property
    def _changed(self) -> datetime | None:
        return datetime.fromisoformat(self.day).replace(tzinfo=UTC) if self.day else None


def validators(
    request: Request, release: str, choices: Sequence[str], day: str = "", state: str = ""
) -> Validators:
    """Give the validators of what is answered at an address at a release, by the choices made.

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
    """Answer with what `make` gives, or with 304 where the reader has it; both with the headers."""
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
    """Give a hash of the program's files, since another program gives other answers."""
    files = sorted(path for path in Path(__file__).parents[1].rglob("*") if _is_source(path))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def _is_source(path: Path) -> bool:
    return path.suffix in (".py", ".html", ".css")
