"""Dumps over HTTP: files of the whole catalogue, whose sizes and checksums are published.

Until a dump of the present release is there, the newest one of an earlier release is given, and
says so: by a link to the latest version (RFC 5829), which is the one that is to come.
"""

import asyncio
import base64
import re
import time
from dataclasses import dataclass

from fastapi import Request, Response
from fastapi.responses import FileResponse

from ...application.dump_process import Dumper
from ...exchange.dumps import ARCHIVE_NAME, DUMP_NAMES, Dump, ReleaseDumps
from .. import urls
from ..context import Site
from ..http import conditional, responses
from ..http.errors import NeverMadeError, NoLongerError, NotYetError, UnknownAddressError
from ..http.negotiation import CSV, JSON_LD, N_QUADS, N_TRIPLES, TRIG, TURTLE, Form
from ..http.ranges import refuse_beyond
from ..http.responses import Link
from ..urls import DUMP

FORMS = {form.extension: form for form in (N_QUADS, TRIG, TURTLE, N_TRIPLES, JSON_LD, CSV)}
GZIP = "application/gzip"
_VERSION = re.compile(r"([0-9a-f][0-9a-f-]*)\." + re.escape(ARCHIVE_NAME))
_PATIENCE = 10.0
_STEP = 0.1
_REVALIDATED = "no-cache"
_LASTING = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class DumpFiles:
    """Answers the addresses of dumps."""

    site: Site
    dumper: Dumper

    async def newest(self, request: Request, name: str) -> Response:
        """Answer with the newest dump; raises UnknownAddressError, or NotYetError if none is there.

        Where the dump has an address that stays, it is said (RFC 9110, section 8.7).
        """
        if name not in DUMP_NAMES:
            raise UnknownAddressError(request.url.path)
        made = await self._awaited(name)
        headers = {"Cache-Control": _REVALIDATED} | self._later(request, made)
        if name == ARCHIVE_NAME:
            headers["Content-Location"] = _place(responses.prefix(request), made.release)
        return self._answer(request, made, made.dumps[name], headers)

    async def version(self, request: Request, name: str) -> Response:
        """Answer with the dump of a release, which never changes.

        Raises UnknownAddressError, NotYetError, NeverMadeError or NoLongerError.
        """
        found = _VERSION.fullmatch(name)
        if found is None:
            raise UnknownAddressError(request.url.path)
        made = await self._of(found[1])
        if ARCHIVE_NAME not in made.dumps:
            raise NoLongerError(made.release)
        latest = Link(responses.root(request) + DUMP[0] + ARCHIVE_NAME, "latest-version", GZIP)
        headers = {"Cache-Control": _LASTING} | responses.header([latest])
        return self._answer(request, made, made.dumps[ARCHIVE_NAME], headers)

    async def _of(self, release: str) -> ReleaseDumps:
        """Wait for the lasting dump of a release if it is to come, and take no other for it."""
        end = time.monotonic() + _PATIENCE
        while self._is_to_come(release):
            if time.monotonic() > end:
                raise NotYetError(ARCHIVE_NAME)
            await asyncio.sleep(_STEP)
        made = self.dumper.dumps.made(release)
        if made is None:
            raise NeverMadeError(release)
        return made

    def _is_to_come(self, release: str) -> bool:
        self.dumper.made()
        made, work = self.dumper.dumps.current(release), self.dumper.work
        if made and ARCHIVE_NAME in made.dumps:
            return False
        return release in (self.dumper.services.catalogue.release, work and work.release)

    async def _awaited(self, name: str) -> ReleaseDumps:
        """Wait for a dump as long as a small catalogue takes from the beginning of the work.

        Then, or where the work is of another release, an earlier one is given.
        """
        end = time.monotonic() + _PATIENCE
        while True:
            made, is_late = self.dumper.given().get(name), time.monotonic() > end
            if made and (is_late or not self._is_soon_to_follow(made)):
                return made
            if is_late:
                raise NotYetError(name)
            await asyncio.sleep(_STEP)

    def _is_soon_to_follow(self, made: ReleaseDumps) -> bool:
        release, work = self.dumper.services.catalogue.release, self.dumper.work
        is_new = work is not None and work.release == release and work.seconds < _PATIENCE
        return is_new and made.release != release

    def _later(self, request: Request, made: ReleaseDumps) -> dict[str, str]:
        """Return what leads from a dump of an earlier release, if it is one, to the present state."""
        catalogue, root = self.dumper.services.catalogue, responses.root(request)
        if made.release == catalogue.release:
            return {}
        found = [Link(_place(root, catalogue.release), "latest-version", GZIP)]
        log = self.dumper.services.log
        if log and log.release:
            found.append(Link(root + urls.CHANGES, "version-history"))
        return responses.header(found)

    def _answer(
        self, request: Request, made: ReleaseDumps, dump: Dump, headers: dict[str, str]
    ) -> Response:
        known = conditional.Validators(f'"{dump.checksum[:32]}"', made.day.isoformat())
        headers = headers | known.headers
        if known.hold(request):
            return Response(status_code=304, headers=headers)
        refuse_beyond(request.headers, headers, dump.size)
        return FileResponse(
            self.dumper.dumps.path(made.release, dump.name),
            headers=headers | _digests(request, dump),
            media_type=media_type(dump),
            filename=f"{self.dumper.services.catalogue.name}-{made.release}.{dump.name}",
        )


def _place(root: str, release: str) -> str:
    """Return the address that the dump of a release keeps."""
    return f"{root}{DUMP[1]}{release}.{ARCHIVE_NAME}"


def media_type(dump: Dump) -> str:
    """Return the media type of a dump as a file."""
    return GZIP if dump.name.endswith(".gz") else FORMS[dump.form].content_type


def form(dump: Dump) -> Form:
    """Return the form of a dump, once unpacked."""
    return FORMS[dump.form]


def _digests(request: Request, dump: Dump) -> dict[str, str]:
    """Return the digests (RFC 9530): of the file; and of the content where that is the whole file."""
    value = base64.b64encode(bytes.fromhex(dump.checksum)).decode()
    digest = f"sha-256=:{value}:"
    whole = request.method == "GET" and "range" not in request.headers
    return {"Repr-Digest": digest} | ({"Content-Digest": digest} if whole else {})
