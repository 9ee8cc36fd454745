"""A process that runs readers' queries, so that it can be killed at a deadline.

It is spoken to as `frames` has it. H says what kind of result follows, and M how many rows it may
have, where it has more and no room to say so.
"""

import io
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import chain, islice
from typing import Any, BinaryIO

from pyoxigraph import (
    NamedNode,
    QueryBoolean,
    QueryResultsFormat,
    QuerySolutions,
    QueryTriples,
    RdfFormat,
    Store,
    Triple,
    parse,
    parse_query_results,
    serialize,
)

from ..errors import CatalogueError
from ..rdf.terms import Term
from ..storage.remote import JSON_RESULTS, N_TRIPLES, Endpoint
from .limits import Endless, OverError, Rows, counted
from .pool import PART, Request, failed, frame, reported, started

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
Result = QuerySolutions | QueryBoolean | QueryTriples | Iterator[Triple]
Engine = Callable[[Request], Result]


class Frames(io.RawIOBase):
    """Writes what it is given as D frames, up to the end of the last row that there may be."""

    def __init__(self, output: BinaryIO, rows: Rows) -> None:
        self._output, self._rows = output, rows

    def writable(self) -> bool:
        """Tell that it can be written to."""
        return True

    def write(self, content: Any) -> int:
        """Write one frame and give the length of what came; raises OverError, once."""
        if not self._rows.over:
            self._pass_on(self._rows.passed(bytes(content)))
            if self._rows.over:
                raise OverError
        return len(content)

    def finish(self) -> None:
        """Write what the rows have held back."""
        self._pass_on(self._rows.rest())

    def _pass_on(self, content: bytes) -> None:
        if content:
            frame(self._output, b"D", content)


def at_hand(source: str) -> Engine:
    """Give what runs queries on a snapshot: the one that a request names, else the first one."""
    opened = {source: Store.read_only(source)}

    def run(request: Request) -> Result:
        wanted = request.get("source", source)
        if wanted not in opened:
            opened.clear()
            opened[wanted] = Store.read_only(wanted)
        text, base = request["query"], request.get("base")
        return opened[wanted].query(text, base_iri=base, **dataset(request))

    return run


def elsewhere(endpoint: Endpoint) -> Engine:
    """Give what runs queries at an endpoint.

    The engine at hand reads them first, so that a mistake is told in the same way for any store.
    """
    reader = Store()

    def run(request: Request) -> Result:
        kind, text = _read(reader, request["query"], request.get("base"))
        found = endpoint.query(
            text,
            N_TRIPLES if kind is QueryTriples else JSON_RESULTS,
            request["seconds"],
            request.get("default", ()),
            request.get("named", ()),
        )
        if kind is QueryTriples:
            return (quad.triple for quad in parse(found, RdfFormat.N_TRIPLES))
        result = parse_query_results(found, QueryResultsFormat.JSON)
        if kind is QueryBoolean and isinstance(result, QuerySolutions):
            return _boolean(any(True for _ in result))
        return result

    return run


def _read(reader: Store, text: str, base: str | None) -> tuple[type, str]:
    """Give the kind of a query's result, and its text with the base if it cannot do without."""
    try:
        return type(reader.query(text)), text
    except SyntaxError:
        return type(reader.query(text, base_iri=base)), f"BASE <{base}>\n{text}"


def _boolean(value: bool) -> QueryBoolean:
    """Give yes or no as a result; Virtuoso 7.2 answers an ASK with a row or none."""
    said = json.dumps({"head": {}, "boolean": value})
    result = parse_query_results(said, QueryResultsFormat.JSON)
    assert isinstance(result, QueryBoolean)
    return result


def answer(engine: Engine, request: Request, output: BinaryIO) -> None:
    """Run a query and write its result; what goes wrong becomes an E frame."""
    try:
        result = engine(request)
        kind = _kind(result)
        form = request["graph" if kind == "graph" else "table"]
        frame(output, b"H", json.dumps({"kind": kind, "form": form}).encode())
        whole = form is None or _written(result, form, request, output)
        most = request["triples" if kind == "graph" else "rows"]
        frame(output, *((b"Z",) if whole else (b"M", str(most).encode())))
    except (CatalogueError, SyntaxError, ValueError, RuntimeError, OSError) as error:
        failed(output, type(error).__name__, str(error))


def dataset(request: Request) -> dict[str, Any]:
    """Give the dataset of a request: the protocol's, else the query's own, else the union."""
    default, named = request.get("default", ()), request.get("named", ())
    if default or named:
        return {"default_graph": _nodes(default), "named_graphs": _nodes(named)}
    return {"use_default_graph_as_union": not request.get("from")}


def _nodes(names: Iterable[str]) -> list[NamedNode]:
    return [NamedNode(name) for name in names]


def _kind(result: Result) -> str:
    if isinstance(result, QuerySolutions):
        return "solutions"
    return "boolean" if isinstance(result, QueryBoolean) else "graph"


def _written(result: Result, form: str, request: Request, output: BinaryIO) -> bool:
    """Write a result, and tell whether it is whole or says itself that it is not."""
    counts = isinstance(result, QuerySolutions) and form != ROWS
    rows = counted(form, request["rows"]) if counts else Endless()
    frames = Frames(output, rows)
    with suppress(OverError), io.BufferedWriter(frames, PART) as parts:
        _write(result, form, request, rows, parts)
    frames.finish()
    return rows.told or not rows.over


def _write(result: Result, form: str, request: Request, rows: Rows, output: BinaryIO) -> None:
    if not isinstance(result, QuerySolutions | QueryBoolean):
        triples = chain(islice(result, request["triples"]), _no_more(result, rows))
        serialize(triples, output, format=_GRAPHS[form], prefixes=dict(request["prefixes"]))
    elif form == ROWS:
        output.writelines(line.encode() + b"\n" for line in _rows(result, request["most"]))
    else:
        result.serialize(output, format=_TABLES[form])


def _no_more(triples: Iterator[Triple], rows: Rows) -> Iterator[Triple]:
    """Give nothing, and raise OverError if there are triples left."""
    rows.over = next(triples, None) is not None
    if rows.over:
        raise OverError
    yield from ()


def _rows(result: QuerySolutions | QueryBoolean, most: int) -> Iterator[str]:
    if isinstance(result, QueryBoolean):
        yield json.dumps(bool(result))
        return
    yield json.dumps([variable.value for variable in result.variables])
    for solution in islice(result, most):
        yield json.dumps([None if term is None else _text(term) for term in solution])


def _text(term: Term) -> str:
    """Write a term as in N-Triples."""
    return f"<<( {term} )>>" if isinstance(term, Triple) else str(term)


def main(source: str, memory: int) -> None:
    """Answer requests until the input ends."""
    credentials, requests = started(memory)
    far = source.startswith(("http://", "https://"))
    engine = elsewhere(Endpoint(source, credentials=credentials)) if far else at_hand(source)
    output = sys.stdout.buffer
    frame(output, b"Z")
    for request in requests:
        with reported(output):
            answer(engine, request, output)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
