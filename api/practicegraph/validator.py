"""A process that checks what readers give, so that it can be killed at a deadline.

It is spoken to as `worker` is: requests in JSON, line by line, and answers in frames. H says
whether a report follows, or why what is given is not read.
"""

import base64
import json
import os
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

from . import __version__, reports
from .embedded import Embedded
from .endpoint import Endpoint, StoreError
from .folder import UnreadableError
from .frames import Request, failed, frame, reported, started, written
from .given import Given
from .importer import Import
from .inspections import Inspection
from .remote import Remote
from .shapes import ShapesError
from .store import Store

MODULE = "practicegraph.validator"
"""What runs as the process."""
REPORT, UNREADABLE = "report", "unreadable"
"""The kinds of answers."""
_CALLS = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "subprocess.Popen")


def answer(inspection: Inspection, request: Request, output: BinaryIO) -> None:
    """Check what a request gives, and write the report in the form that it asks for."""
    given, shapes = (_given(request[name]) for name in ("given", "shapes"))
    try:
        checked = inspection.check(given, shapes, request["language"], request["root"])
    except UnreadableError as error:
        _tell(output, error.path, error.reason, error.line, error.column)
    except ShapesError as error:
        _tell(output, (shapes or given)[0].path, str(error), 1, 1)
    except StoreError as error:
        failed(output, type(error).__name__, str(error))
    else:
        report = reports.ANSWERS[request["form"]].write(checked, inspection.prefixes)
        written(output, REPORT, report)


def _given(listed: Iterable[Mapping[str, str]]) -> list[Given]:
    return [Given(each["name"], each["form"], base64.b64decode(each["content"])) for each in listed]


def _tell(output: BinaryIO, path: Path, reason: str, line: int, column: int) -> None:
    said = {"file": str(path), "reason": reason, "line": line, "column": column}
    written(output, UNREADABLE, json.dumps(said))


def main(source: str, memory: int) -> None:
    """Answer requests until the input ends; one that asks for another release opens it."""
    credentials, requests = started(memory)
    if not source.startswith(("http://", "https://")):
        sys.addaudithook(_refuse_calls)
    os.chdir("/")  # so that no name of a file that is given leads to one of ours
    output = sys.stdout.buffer
    frame(output, b"Z")
    for request in requests:
        with reported(output):
            answer(_inspection(request["folder"], request["source"], credentials), request, output)


@lru_cache(maxsize=1)
def _inspection(folder: str, source: str, credentials: tuple[str, str]) -> Inspection:
    return Inspection(Path(folder), _store(source, credentials), _circumstances())


def _store(source: str, credentials: tuple[str, str]) -> Store:
    if source.startswith(("http://", "https://")):
        return Remote(Endpoint(source, credentials=credentials), Embedded())
    return Embedded.of_snapshot(Path(source))


def _circumstances() -> Import:
    today = datetime.now(tz=UTC).date()
    return Import(__version__, today, today)


def _refuse_calls(event: str, _: Any) -> None:
    """Have no code of this process reach out of it, whatever shapes that were sent make it do."""
    if event in _CALLS:
        raise PermissionError(f"{event}: nothing is fetched here")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
