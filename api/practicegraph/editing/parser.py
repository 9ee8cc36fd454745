"""A process that parses what writers send, so that what a parser dies of is not the server.

It is spoken to as `worker` is. H says whether the triples follow, in N-Quads, or why the text is
not read.
"""

import json
import sys
from typing import BinaryIO

from pyoxigraph import Quad, RdfFormat, serialize

from ..rdf import untrusted
from ..rdf.untrusted import ContextError
from ..sparql.pool import Request, frame, reported, started, written

MODULE = "practicegraph.editing.parser"
"""What runs as the process."""
QUADS, UNREADABLE = "quads", "unreadable"
"""The kinds of answers."""


def answer(request: Request, output: BinaryIO) -> None:
    """Parse the text of a request, and write its triples or what is wrong and where."""
    try:
        with untrusted.told(request["text"]):
            found = serialize(_quads(request), format=RdfFormat.N_QUADS)
    except SyntaxError as error:
        said = {"reason": error.msg, "line": error.lineno, "column": error.offset}
        cause = error.__cause__
        address = cause.address if isinstance(cause, ContextError) else ""
        said |= {"kind": type(cause).__name__, "address": address}
        written(output, UNREADABLE, json.dumps(said))
    else:
        assert found is not None
        written(output, QUADS, found.decode())


def _quads(request: Request) -> list[Quad]:
    text, form = request["text"], RdfFormat.from_media_type(request["form"])
    assert form
    listed, known = untrusted.values(text, form), request["known"]
    if form == RdfFormat.JSON_LD:
        others = untrusted.contexts(listed, text, known.__contains__, request["context"])
        text = untrusted.with_others(text, others)
    return list(untrusted.parsed(text, form, request["base"]))


def main(memory: int) -> None:
    """Answer requests until the input ends."""
    _, requests = started(memory)
    output = sys.stdout.buffer
    frame(output, b"Z")
    for request in requests:
        with reported(output):
            answer(request, output)


if __name__ == "__main__":
    main(int(sys.argv[2]))
