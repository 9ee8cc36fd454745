"""Dumps over HTTP: files of the whole catalogue, whose sizes and checksums are published.

Until the dumps of the present release are made, those of an earlier one are served, with a link to
the latest version (RFC 5829), which is the one to come.
"""

import base64
import re
from dataclasses import dataclass

from fastapi import Request, Response

from ...application.background import DumpProcess
from ...errors import RequestError
from ...exchange.dumps import ARCHIVE_NAME, DUMP_NAMES, MAX_ARCHIVES, Dump, ReleaseDumps
from .. import urls
from ..context import Site
from ..http import conditional, responses
from ..http.negotiation import CSV, JSON_LD, N_QUADS, N_TRIPLES, TRIG, TURTLE, MediaType
from ..http.responses import Link, RangedFileResponse
from ..urls import DUMP

MEDIA_TYPES = {each.extension: each for each in (N_QUADS, TRIG, TURTLE, N_TRIPLES, JSON_LD, CSV)}
GZIP = "application/gzip"
_VERSION = re.compile(r"([0-9a-f][0-9a-f-]*)\." + re.escape(ARCHIVE_NAME))
_REVALIDATED = "no-cache"
_LASTING = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class DumpFiles:
    """Answers the addresses of dumps."""

    site: Site
    dumper: DumpProcess

    async def newest(self, request: Request, name: str) -> Response:
        """Return the newest dump; raises RequestError if there is none.

        An address that stays is the Content-Location (RFC 9110, section 8.7).
        """
        if name not in DUMP_NAMES:
            raise RequestError("notFound")
        made = self.dumper.newest()
        if made is None:
            raise RequestError("dumpPending")
        headers = {"Cache-Control": _REVALIDATED} | self._latest_version(request, made)
        if name == ARCHIVE_NAME:
            headers["Content-Location"] = _archive_url(responses.prefix(request), made.release)
        return self._answer(request, made, made.dumps[name], headers)

    async def version(self, request: Request, name: str) -> Response:
        """Return the dump of a release, which never changes.

        Raises RequestError: 404 if it was never made, 410 if it is no longer kept, 503 until that
        of the present release is made.
        """
        match = _VERSION.fullmatch(name)
        if match is None:
            raise RequestError("notFound")
        release = match[1]
        made = self.dumper.dumps.read(release)
        if made is None and release == self.dumper.services.catalogue.release:
            raise RequestError("dumpPending")
        if made is None:
            raise self._missing("unknownRelease", release)
        if ARCHIVE_NAME not in made.dumps:
            raise self._missing("dumpExpired", release)
        latest = Link(responses.root(request) + DUMP[0] + ARCHIVE_NAME, "latest-version", GZIP)
        headers = {"Cache-Control": _LASTING} | responses.header([latest])
        return self._answer(request, made, made.dumps[ARCHIVE_NAME], headers)

    def _missing(self, kind: str, asked: str) -> RequestError:
        """Return the error of a release without an archive, with the releases that have one."""
        release = self.dumper.services.catalogue.release
        address = f"{DUMP[1]}{release}.{ARCHIVE_NAME}"
        return RequestError(
            kind, requested=asked, count=MAX_ARCHIVES, release=release, address=address
        )

    def _latest_version(self, request: Request, made: ReleaseDumps) -> dict[str, str]:
        """Return the Link header of a dump of an earlier release."""
        catalogue, root = self.dumper.services.catalogue, responses.root(request)
        if made.release == catalogue.release:
            return {}
        links = [Link(_archive_url(root, catalogue.release), "latest-version", GZIP)]
        log = self.dumper.services.log
        if log and log.release:
            links.append(Link(root + urls.CHANGES, "version-history"))
        return responses.header(links)

    def _answer(
        self, request: Request, made: ReleaseDumps, dump: Dump, headers: dict[str, str]
    ) -> Response:
        validators = conditional.Validators(f'"{dump.checksum[:32]}"', made.day.isoformat())
        headers = headers | validators.headers
        if validators.hold(request):
            return Response(status_code=304, headers=headers)
        return RangedFileResponse(
            self.dumper.dumps.path(made.release, dump.name),
            headers=headers | _digests(request, dump) | {"Content-Length": str(dump.size)},
            media_type=content_type(dump),
            filename=f"{self.dumper.services.catalogue.name}-{made.release}.{dump.name}",
        )


def _archive_url(root: str, release: str) -> str:
    """Return the address of the dump of a release, which stays."""
    return f"{root}{DUMP[1]}{release}.{ARCHIVE_NAME}"


def content_type(dump: Dump) -> str:
    """Return the media type of a dump as a file."""
    return GZIP if dump.name.endswith(".gz") else MEDIA_TYPES[dump.form].content_type


def media_type(dump: Dump) -> MediaType:
    """Return the media type of a dump, once decompressed."""
    return MEDIA_TYPES[dump.form]


def _digests(request: Request, dump: Dump) -> dict[str, str]:
    """Return the digests (RFC 9530): of the file, and of content that is the whole file."""
    value = base64.b64encode(bytes.fromhex(dump.checksum)).decode()
    digest = f"sha-256=:{value}:"
    whole = request.method == "GET" and "range" not in request.headers
    return {"Repr-Digest": digest} | ({"Content-Digest": digest} if whole else {})
