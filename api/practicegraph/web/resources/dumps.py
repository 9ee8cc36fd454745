"""Dumps over HTTP: files of the whole catalogue, whose sizes and checksums are published.

Until the dumps of the present release are made, those of an earlier one are served, with a link to
the latest version (RFC 5829), which is the one to come.
"""

import base64
import re
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response

from ...application.background import ReleasedDumps
from ...errors import RequestError
from ...exchange.export import ARCHIVE_NAME, DUMP_NAMES, MAX_ARCHIVES, Dump, ReleaseDumps
from .. import openapi, urls
from ..context import Site
from ..http import conditional, responses
from ..http.negotiation import CSV, JSON_LD, N_QUADS, N_TRIPLES, TRIG, TURTLE, MediaType
from ..http.responses import Link, RangedFileResponse
from ..openapi import Operation
from ..urls import DUMP

MEDIA_TYPES = {t.extension: t for t in (N_QUADS, TRIG, TURTLE, N_TRIPLES, JSON_LD, CSV)}
GZIP = "application/gzip"
_VERSION = re.compile(r"([0-9a-f][0-9a-f-]*)\." + re.escape(ARCHIVE_NAME))


@dataclass(frozen=True)
class DumpFiles:
    """Answers requests for dumps."""

    site: Site
    dumper: ReleasedDumps

    async def newest(self, request: Request) -> Response:
        """Return the newest dump; raise RequestError if there is none.

        An address that stays is the Content-Location (RFC 9110, section 8.7).
        """
        name = request.path_params["name"]
        if name not in DUMP_NAMES:
            raise RequestError("notFound")
        made = self.dumper.newest()
        if made is None:
            raise RequestError("dumpPending")
        headers = conditional.REVALIDATED | self._latest_version(request, made)
        if name == ARCHIVE_NAME:
            headers["Content-Location"] = _archive_url(responses.prefix(request), made.release)
        return self._answer(request, made, made.dumps[name], headers)

    async def version(self, request: Request) -> Response:
        """Return the dump of a release, which never changes.

        Raise RequestError: 404 if it was never made, 410 if it is no longer kept, 503 until that
        of the present release is made.
        """
        match = _VERSION.fullmatch(request.path_params["name"])
        if match is None:
            raise RequestError("notFound")
        release = match[1]
        made = self.dumper.dumps.read(release)
        if made is None and release == self.site.catalogue.release:
            raise RequestError("dumpPending")
        if made is None or ARCHIVE_NAME not in made.dumps:
            raise self._missing("dumpExpired" if made else "unknownRelease", release)
        latest = Link(responses.root(request) + DUMP[0] + ARCHIVE_NAME, "latest-version", GZIP)
        headers = conditional.LASTING | responses.header([latest])
        return self._answer(request, made, made.dumps[ARCHIVE_NAME], headers)

    def _missing(self, kind: str, requested: str) -> RequestError:
        """Return the error of a release without an archive, with the releases that have one."""
        release = self.site.catalogue.release
        address = f"{DUMP[1]}{release}.{ARCHIVE_NAME}"
        return RequestError(
            kind, requested=requested, count=MAX_ARCHIVES, release=release, address=address
        )

    def _latest_version(self, request: Request, made: ReleaseDumps) -> dict[str, str]:
        """Return the Link header of a dump of an earlier release."""
        catalogue, root = self.site.catalogue, responses.root(request)
        if made.release == catalogue.release:
            return {}
        links = [Link(_archive_url(root, catalogue.release), "latest-version", GZIP)]
        log = self.site.services.log
        if log and log.release:
            links.append(Link(root + urls.CHANGES, "version-history"))
        return responses.header(links)

    def _answer(
        self, request: Request, made: ReleaseDumps, dump: Dump, headers: dict[str, str]
    ) -> Response:
        validators = conditional.Validators(f'"{dump.checksum[:32]}"', made.made)
        headers = headers | validators.headers
        if validators.hold(request):
            return Response(status_code=304, headers=headers)
        return RangedFileResponse(
            self.dumper.dumps.path(made.release, dump.name),
            headers=headers | _digests(request, dump) | {"Content-Length": str(dump.size)},
            media_type=GZIP if dump.name != dump.form else MEDIA_TYPES[dump.form].content_type,
            filename=f"{self.site.catalogue.name}-{made.release}.{dump.name}",
        )


def _archive_url(root: str, release: str) -> str:
    """Return the address of the dump of a release, which stays."""
    return f"{root}{DUMP[1]}{release}.{ARCHIVE_NAME}"


def _digests(request: Request, dump: Dump) -> dict[str, str]:
    """Return the digests (RFC 9530): of the file, and of content that is the whole file."""
    value = base64.b64encode(bytes.fromhex(dump.checksum)).decode()
    digest = f"sha-256=:{value}:"
    whole = request.method == "GET" and "range" not in request.headers
    return {"Repr-Digest": digest} | ({"Content-Digest": digest} if whole else {})


def routes(site: Site, dumper: ReleasedDumps) -> APIRouter:
    """Return the routes of the newest dumps, and of the archives of releases."""
    router, files = APIRouter(), DumpFiles(site, dumper)
    summary, names = site.catalogue.phrase("downloads"), {"enum": [*DUMP_NAMES]}
    archives = {"pattern": rf"^[0-9a-f-]+\.{ARCHIVE_NAME}$"}
    for path, answer, operation in (
        (DUMP[0] + "{name}", files.newest, _operation("dump", summary, names, (404, 416, 503))),
        (
            DUMP[1] + "{name:path}",
            files.version,
            _operation("dumpOfRelease", summary, archives, (404, 410, 416, 503)),
        ),
    ):
        router.get(path, **operation.arguments())(answer)
        router.head(path, include_in_schema=False)(answer)
    return router


def _operation(
    name: str, summary: str, names: dict[str, Any], errors: tuple[int, ...]
) -> Operation:
    return Operation(
        name,
        "dataset",
        summary,
        media_types=(*MEDIA_TYPES.values(), MediaType("gz", (GZIP,))),
        statuses=(200, 206, 304),
        errors=errors,
        parameters=[openapi.parameter("name", "", openapi.TEXT | names, "path")],
    )
