"""The process that parses RDF which clients send, so that what a parser dies of is not the server.

Requests and responses are those of `sparql.pool`. The response says whether the triples follow, in
N-Quads, or why the text is not parsed.
"""

import json
import sys
from typing import BinaryIO

from pyoxigraph import Quad, RdfFormat, serialize

from ..rdf import untrusted
from ..rdf.untrusted import ContextError
from ..sparql.protocol import (
    Request,
    serve,
    start_worker,
    write_text,
)

MODULE = "practicegraph.editing.parser_process"
"""The module to run."""
QUADS, UNREADABLE = "quads", "unreadable"
"""The kinds of responses."""


def respond(request: Request, output: BinaryIO) -> None:
    """Parse the text of a request, and write its triples or what is wrong and where."""
    try:
        with untrusted.told(request["text"]):
            content = serialize(_parse(request), format=RdfFormat.N_QUADS)
    except SyntaxError as error:
        cause = error.__cause__
        address = cause.address if isinstance(cause, ContextError) else ""
        details = {"reason": error.msg, "line": error.lineno, "column": error.offset}
        details |= {"kind": type(cause).__name__, "address": address}
        write_text(output, UNREADABLE, json.dumps(details))
    else:
        assert content is not None
        write_text(output, QUADS, content.decode())


def _parse(request: Request) -> list[Quad]:
    text, syntax = request["text"], RdfFormat.from_media_type(request["form"])
    assert syntax
    values = untrusted.values(text, syntax)
    if syntax == RdfFormat.JSON_LD:
        is_known = request["contexts"].__contains__
        contexts = untrusted.contexts(values, text, is_known, request["context"])
        text = untrusted.with_others(text, contexts)
    return list(untrusted.parsed(text, syntax, request["base"]))


def main(memory: int) -> None:
    """Respond to requests until the input ends."""
    _, requests = start_worker(memory)
    serve(requests, respond)


if __name__ == "__main__":
    main(int(sys.argv[2]))
