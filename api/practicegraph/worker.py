"""A process that runs readers' queries on a snapshot, so that it can be killed at a deadline.

It reads requests on its standard input, one a line, in JSON, and writes frames on its standard
output: a letter, the length in four bytes, the content. H opens an answer and says what kind of
result it is, D is a part of the result, Z ends it; E says in JSON why there is none.
"""

import io
import json
import os
import resource
import struct
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, BinaryIO

from pyoxigraph import (
    NamedNode,
    QueryBoolean,
    QueryResultsFormat,
    QuerySolutions,
    QueryTriples,
    RdfFormat,
    Store,
    serialize,
)

PART = 1 << 16
ROWS = "rows"
"""The form in which a page gets solutions: a line of names, then a line of terms each."""

_TABLES = {
    "json": QueryResultsFormat.JSON,
    "xml": QueryResultsFormat.XML,
    "csv": QueryResultsFormat.CSV,
    "tsv": QueryResultsFormat.TSV,
}
_GRAPHS = {
    "ttl": RdfFormat.TURTLE,
    "nt": RdfFormat.N_TRIPLES,
    "rdf": RdfFormat.RDF_XML,
    "trig": RdfFormat.TRIG,
    "nq": RdfFormat.N_QUADS,
}
_NICENESS = 5
Request = Mapping[str, Any]


class Frames(io.RawIOBase):
    """Writes what it is given as D frames."""

    def __init__(self, output: BinaryIO) -> None:
        self._output = output

    def writable(self) -> bool:
        """Tell that it can be written to."""
        return True

    def write(self, content: Any) -> int:
        """Write one frame and give the length of what it holds."""
        frame(self._output, b"D", bytes(content))
        return len(content)


def frame(output: BinaryIO, kind: bytes, content: bytes = b"") -> None:
    """Write one frame."""
    output.write(kind + struct.pack(">I", len(content)) + content)
    output.flush()


def answer(store: Store, request: Request, output: BinaryIO) -> None:
    """Run a query and write its result; a mistake of the reader's becomes an E frame."""
    try:
        result = store.query(request["query"], **dataset(request))
        kind = _kind(result)
        form = request["graph" if kind == "graph" else "table"]
        frame(output, b"H", json.dumps({"kind": kind, "form": form}).encode())
        if form is not None:
            with io.BufferedWriter(Frames(output), PART) as parts:
                _write(result, form, request, parts)
        frame(output, b"Z")
    except (SyntaxError, ValueError, RuntimeError, OSError) as error:
        frame(output, b"E", json.dumps({"reason": str(error)}).encode())


def dataset(request: Request) -> dict[str, Any]:
    """Give the dataset of a request: the protocol's, else the query's own, else the union."""
    default, named = request.get("default", ()), request.get("named", ())
    if default or named:
        return {"default_graph": _nodes(default), "named_graphs": _nodes(named)}
    return {"use_default_graph_as_union": not request.get("from")}


def _nodes(names: Iterable[str]) -> list[NamedNode]:
    return [NamedNode(name) for name in names]


def _kind(result: QuerySolutions | QueryBoolean | QueryTriples) -> str:
    if isinstance(result, QueryTriples):
        return "graph"
    return "boolean" if isinstance(result, QueryBoolean) else "solutions"


def _write(
    result: QuerySolutions | QueryBoolean | QueryTriples,
    form: str,
    request: Request,
    output: BinaryIO,
) -> None:
    if isinstance(result, QueryTriples):
        serialize(result, output, format=_GRAPHS[form], prefixes=dict(request["prefixes"]))
    elif form == ROWS:
        output.writelines(line.encode() + b"\n" for line in _rows(result, request["most"]))
    else:
        result.serialize(output, format=_TABLES[form])


def _rows(result: QuerySolutions | QueryBoolean, most: int) -> Iterator[str]:
    if isinstance(result, QueryBoolean):
        yield json.dumps(bool(result))
        return
    yield json.dumps([variable.value for variable in result.variables])
    for solution in islice(result, most):
        yield json.dumps([None if term is None else str(term) for term in solution])


def main(snapshot: str, memory: int) -> None:
    """Answer requests until the input ends; a server that dies takes a running query with it."""
    os.nice(_NICENESS)
    threading.Thread(target=_end_without, args=(os.getppid(),), daemon=True).start()
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    store = Store.read_only(snapshot)
    output = sys.stdout.buffer
    frame(output, b"Z")
    for line in sys.stdin.buffer:
        answer(store, json.loads(line), output)


def _end_without(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
