"""Dumps over HTTP: files of the whole catalogue, whose sizes and checksums are published."""

import asyncio
import base64
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from fastapi import Request, Response
from fastapi.responses import FileResponse
from werkzeug.http import http_date, parse_date

from ..dumper import Dumper
from ..dumps import LASTING, NAMES, Dump, Made
from . import tags
from .negotiation import CSV, JSON_LD, N_QUADS, N_TRIPLES, TRIG, TURTLE, Form
from .service import NeverMadeError, NoLongerError, NotYetError, Service, UnknownAddressError

FORMS = {form.extension: form for form in (N_QUADS, TRIG, TURTLE, N_TRIPLES, JSON_LD, CSV)}
GZIP = "application/gzip"
_VERSION = re.compile(r"([0-9a-f][0-9a-f-]*)\." + re.escape(LASTING))
_PATIENCE = 10.0
_STEP = 0.1
_REVALIDATED = "no-cache"
_LASTING = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class DumpFiles:
    """Answers the addresses of dumps."""

    service: Service
    dumper: Dumper

    async def newest(self, request: Request, name: str) -> Response:
        """Answer with a dump of the present release; raises UnknownAddressError or NotYetError."""
        if name not in NAMES:
            raise UnknownAddressError(request.url.path)
        made = await self._awaited(name)
        return self._answer(request, made, made.dumps[name], _REVALIDATED)

    async def version(self, request: Request, name: str) -> Response:
        """Answer with the dump of a release, which never changes.

        Raises UnknownAddressError, NotYetError, NeverMadeError or NoLongerError.
        """
        found = _VERSION.fullmatch(name)
        if found is None:
            raise UnknownAddressError(request.url.path)
        made = await self._of(found[1])
        if LASTING not in made.dumps:
            raise NoLongerError(made.release)
        return self._answer(request, made, made.dumps[LASTING], _LASTING)

    async def _of(self, release: str) -> Made:
        if release == self.dumper.catalogue.release:
            return await self._awaited(LASTING)
        made = self.dumper.dumps.made(release)
        if made is None:
            raise NeverMadeError(release)
        return made

    async def _awaited(self, name: str) -> Made:
        """Wait for a dump for as long as a small catalogue takes."""
        end = time.monotonic() + _PATIENCE
        while (made := self.dumper.made()) is None or name not in made.dumps:
            if time.monotonic() > end:
                raise NotYetError(name)
            await asyncio.sleep(_STEP)
        return made

    def _answer(self, request: Request, made: Made, dump: Dump, caching: str) -> Response:
        day = datetime.combine(made.day, datetime.min.time(), UTC)
        tag = f'"{dump.checksum[:32]}"'
        headers = {"ETag": tag, "Last-Modified": http_date(day), "Cache-Control": caching}
        if _is_known(request, tag, day):
            return Response(status_code=304, headers=headers)
        return FileResponse(
            self.dumper.dumps.path(made.release, dump.name),
            headers=headers | _digests(request, dump),
            media_type=media_type(dump),
            filename=f"{self.dumper.catalogue.name}-{made.release}.{dump.name}",
        )


def media_type(dump: Dump) -> str:
    """Give the media type of a dump as a file."""
    return GZIP if dump.name.endswith(".gz") else FORMS[dump.form].content_type


def form(dump: Dump) -> Form:
    """Give the form of a dump, once unpacked."""
    return FORMS[dump.form]


def _is_known(request: Request, tag: str, day: datetime) -> bool:
    """Tell whether the reader has the file: by its tag, or without one by the day (13.2.2)."""
    known = request.headers.getlist("if-none-match")
    if known:
        return tags.matches(", ".join(known), tag)
    since = parse_date(request.headers.get("if-modified-since"))
    return since is not None and day <= since


def _digests(request: Request, dump: Dump) -> dict[str, str]:
    """Give the digests (RFC 9530): of the file; and of the content where that is the whole file."""
    value = base64.b64encode(bytes.fromhex(dump.checksum)).decode()
    digest = f"sha-256=:{value}:"
    whole = request.method == "GET" and "range" not in request.headers
    return {"Repr-Digest": digest} | ({"Content-Digest": digest} if whole else {})
