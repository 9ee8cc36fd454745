"""The process that parses RDF which clients send, so that what a parser dies of is not the server.

Requests and responses are those of `sparql.pool`. The response says whether the triples follow, in
N-Quads, or why the text is not parsed.
"""

import json
import sys
from typing import BinaryIO

from pyoxigraph import RdfFormat, serialize

from ..rdf import untrusted
from ..rdf.untrusted import KnownContext
from ..sparql.protocol import Request, serve, start_worker, write_text

MODULE = "practicegraph.editing.parser_process"
"""The module to run."""
QUADS, UNREADABLE = "quads", "unreadable"
"""The kinds of responses."""


def respond(request: Request, output: BinaryIO) -> None:
    """Parse the text of a request, and write its triples or what is wrong and where."""
    syntax = RdfFormat.from_media_type(request["form"])
    assert syntax
    context = KnownContext(request["context"], tuple(request["bases"]))
    try:
        parsed = untrusted.parse_rdf(request["text"], syntax, request["base"], context)
    except SyntaxError as error:
        write_text(output, UNREADABLE, json.dumps(untrusted.describe(error)))
    else:
        content = serialize(parsed.quads, format=RdfFormat.N_QUADS)
        assert content is not None
        write_text(output, QUADS, content.decode())


def main(memory: int) -> None:
    """Respond to requests until the input ends."""
    _, requests = start_worker(memory)
    serve(requests, respond)


if __name__ == "__main__":
    main(int(sys.argv[2]))
