"""A worker: a process that runs readers' queries, so that it can be killed at a deadline.

H says what kind of result follows, and in which format; M how many rows it may have, where it has
more and cannot state so. Rows are counted in the engine's serialisation by what stands between
them, a chunk at a time. JSON and XML can state that rows are missing, so those results are made to
end where a row ends.
"""

import io
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import chain, islice
from typing import Any, BinaryIO

from pyoxigraph import (
    BlankNode,
    DefaultGraph,
    NamedNode,
    Quad,
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
from ..rdf.syntax_errors import diagnose_query
from ..rdf.terms import Term, escape_xml
from ..storage import query_guard
from ..storage.base import QueryRefusedError
from ..storage.remote import JSON_RESULTS, N_TRIPLES, Endpoint
from .protocol import CHUNK_SIZE, Request, serve, start_worker, write_error, write_frame, write_head

ROWS = "rows"
"""The format in which a page gets rows: a line of names, then a line of terms each."""
TRIPLE_COLUMNS = ("subject", "predicate", "object")
"""The names of the columns of a graph, whose rows are its triples."""

_RESULT_FORMATS = {
    "json": QueryResultsFormat.JSON,
    "xml": QueryResultsFormat.XML,
    "csv": QueryResultsFormat.CSV,
    "tsv": QueryResultsFormat.TSV,
}
_RDF_FORMATS = {
    "ttl": RdfFormat.TURTLE,
    "nt": RdfFormat.N_TRIPLES,
    "rdf": RdfFormat.RDF_XML,
    "trig": RdfFormat.TRIG,
    "nq": RdfFormat.N_QUADS,
}
_XML_FORMATS = ("xml", "rdf")
Result = QuerySolutions | QueryBoolean | QueryTriples | Iterator[Triple]
Engine = Callable[[Request], Result]
# In JSON, `},{` stands between rows or in a string. A quotation mark in a string has a backslash
# before it, so that `"` behind `},{` and then no `,` or `}` opens a name, and never ends a string.
_SEPARATOR = re.compile(rb"\},\{")
_AMBIGUOUS = re.compile(rb'\},\{(?:[^"]|"[,}])')
_TOKENS = re.compile(rb'"[^"\\]*(?:\\[\s\S][^"\\]*)*(?:"|\\?\Z)|(\},\{)(?=[\s\S]{2})')
_LOOKAHEAD = 2


class RowLimitError(Exception):
    """A result has more rows than it may have; those that it may have have been passed on."""


class RowLimiter:
    """Counts the rows of one result; once it is `exceeded`, no more of it may be passed on.

    `is_stated` is whether the result itself states that it is cut off. This one has no limit: it is
    for a result without rows, or one whose rows are counted elsewhere.
    """

    exceeded = False
    is_stated = False

    def feed(self, chunk: bytes) -> bytes:
        """Take the next chunk of the result; return what may be passed on."""
        return chunk

    def finish(self) -> bytes:
        """Return what is still to be passed on behind the last chunk."""
        return b""


class TsvLimiter(RowLimiter):
    """TSV: a line for each row below a line of names; a line end in a value is escaped."""

    def __init__(self, maximum: int) -> None:
        self._remaining = maximum + 1

    def feed(self, chunk: bytes) -> bytes:
        """Return the chunk, or nothing if a row too many ends in it."""
        self._remaining -= self._line_ends(chunk)
        self.exceeded = self._remaining < 0
        return b"" if self.exceeded else chunk

    def _line_ends(self, chunk: bytes) -> int:
        return chunk.count(b"\n")


class CsvLimiter(TsvLimiter):
    """CSV (RFC 4180): a line end between quotation marks belongs to a value."""

    _is_quoted = False

    def _line_ends(self, chunk: bytes) -> int:
        pieces = chunk.split(b'"')
        unquoted = pieces[self._is_quoted :: 2]
        self._is_quoted ^= len(pieces) % 2 == 0
        return b"".join(unquoted).count(b"\n")


class XmlLimiter(RowLimiter):
    """XML; a result that is cut off has a processing instruction at its end."""

    is_stated = True
    separator = b"</result><result>"
    row_end = b"</result>"
    closing = b'</results></sparql><?truncated rows="%d"?>'

    def __init__(self, maximum: int) -> None:
        self._maximum = self._remaining = maximum
        self._buffer: list[bytes] = []
        self._next_size = 0

    def feed(self, chunk: bytes) -> bytes:
        """Return what ends with a whole row, and hold back the row that has begun."""
        self._buffer.append(chunk)
        if self._next_size and sum(map(len, self._buffer)) < self._next_size:
            return b""
        buffer = b"".join(self._buffer)
        count, last = self._count(buffer)
        self.exceeded = count >= self._remaining
        if self.exceeded:
            return self._cut(buffer)
        self._remaining -= count
        # A row that is longer than a chunk is looked through again when it is twice as long.
        self._next_size = 0 if count else 2 * len(buffer)
        end = last + len(self.row_end) if count else 0
        self._buffer = [buffer[end:]]
        return buffer[:end]

    def finish(self) -> bytes:
        """Return the last rows and the end of the result."""
        buffer = b"" if self.exceeded else b"".join(self._buffer)
        if not self.exceeded and buffer.count(self.separator) >= self._remaining:
            self.exceeded = len(self._separators(buffer)) >= self._remaining
        return self._cut(buffer) if self.exceeded and buffer else buffer

    def _cut(self, buffer: bytes) -> bytes:
        last = self._separators(buffer)[self._remaining - 1]
        return buffer[: last + len(self.row_end)] + self.closing.replace(
            b"%d", b"%d" % self._maximum
        )

    def _count(self, buffer: bytes) -> tuple[int, int]:
        """Return how many rows have another behind them, and where the last of them ends."""
        return buffer.count(self.separator), buffer.rfind(self.separator)

    def _separators(self, buffer: bytes) -> Sequence[int]:
        return [match.start() for match in re.finditer(self.separator, buffer)]


class JsonLimiter(XmlLimiter):
    """JSON; a result that is cut off has a further member, `"truncated": true`."""

    separator = b"},{"
    row_end = b"}"
    closing = b']},"truncated":true}'

    def _count(self, buffer: bytes) -> tuple[int, int]:
        if self.separator not in buffer:
            return 0, -1
        if _AMBIGUOUS.search(buffer):
            positions = self._separators(buffer)
            return len(positions), positions[-1] if positions else -1
        end = len(buffer) - _LOOKAHEAD
        return len(_SEPARATOR.findall(buffer, 0, end)), buffer.rfind(self.separator, 0, end)

    def _separators(self, buffer: bytes) -> Sequence[int]:
        """Return the places between rows, strings read as such; `held` begins outside of one."""
        return [match.start() for match in _TOKENS.finditer(buffer) if match[1]]


ROW_LIMITERS: Mapping[str, Callable[[int], RowLimiter]] = {
    "json": JsonLimiter,
    "xml": XmlLimiter,
    "csv": CsvLimiter,
    "tsv": TsvLimiter,
}
"""The limiters of solutions by format, each for one result."""


class FrameWriter(io.RawIOBase):
    """Writes content as D frames, up to the end of the last row that there may be."""

    def __init__(self, output: BinaryIO, limiter: RowLimiter, *, is_xml: bool) -> None:
        self._output, self._limiter, self._is_xml = output, limiter, is_xml

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, content: Any) -> int:
        """Write one frame, return the length of the content; raise RowLimitError, once."""
        if not self._limiter.exceeded:
            piece = escape_xml(bytes(content)) if self._is_xml else bytes(content)
            self._write(self._limiter.feed(piece))
            if self._limiter.exceeded:
                raise RowLimitError
        return len(content)

    def finish(self) -> None:
        """Write what the limiter has held back."""
        self._write(self._limiter.finish())

    def _write(self, content: bytes) -> None:
        if content:
            write_frame(self._output, b"D", content)


def snapshot_engine(source: str) -> Engine:
    """Return a function that queries a snapshot: the one that a request names, else the first.

    The dataset is the protocol's, else the query's own, else the union of all named graphs.
    """
    opened = {source: Store.read_only(source)}

    def run(request: Request) -> Result:
        path = request.get("source", source)
        if path not in opened:
            opened.clear()
            opened[path] = Store.read_only(path)
        base = request.get("base")
        text = _with_columns(query_guard.as_engine_reads(request["query"]), base)
        default, named = request.get("default", ()), request.get("named", ())
        if not default and not named:
            default, named = query_guard.parse_dataset(text, base)
        if not default and not named:
            return opened[path].query(text, base_iri=base)
        names = _nodes(named)
        if len(default) < 2:
            graphs: list[NamedNode | BlankNode | DefaultGraph] = [*_nodes(default)]
            return opened[path].query(text, base_iri=base, default_graph=graphs, named_graphs=names)
        merged = _merged(opened[path], default, named)
        return merged.query(text, base_iri=base, default_graph=DefaultGraph(), named_graphs=names)

    return run


def _with_columns(text: str, base: str | None) -> str:
    """Return a query with the columns of `SELECT *` in its own order; the engine sorts them.

    An empty store knows the columns, too.
    """

    def find_names() -> set[str]:
        result = Store().query(text, base_iri=base)
        columns = result.variables if isinstance(result, QuerySolutions) else ()
        return {variable.value for variable in columns}

    is_local = query_guard.CALL not in text.upper()
    return query_guard.name_columns(text, find_names) if "*" in text and is_local else text


def _merged(store: Store, default: Sequence[str], named: Sequence[str]) -> Store:
    """Return a store of named graphs, with the merge of others, each triple once, as the default.

    Oxigraph repeats a triple that stands in several graphs of a default graph.
    """
    merged = Store()
    for name in _nodes(default):
        quads = store.quads_for_pattern(None, None, None, name)
        merged.extend(Quad(quad.subject, quad.predicate, quad.object) for quad in quads)
    for name in _nodes(named):
        merged.extend(store.quads_for_pattern(None, None, None, name))
    return merged


def remote_engine(endpoint: Endpoint) -> Engine:
    """Return a function that queries an endpoint.

    Oxigraph parses the query first, so that a syntax error is the same for any store.
    """
    parser = Store()

    def run(request: Request) -> Result:
        kind, text = _parse(parser, request["query"], request.get("base"))
        content = endpoint.query(
            text,
            N_TRIPLES if kind is QueryTriples else JSON_RESULTS,
            request["seconds"],
            request.get("default", ()),
            request.get("named", ()),
        )
        if kind is QueryTriples:
            return (quad.triple for quad in parse(content, RdfFormat.N_TRIPLES))
        result = parse_query_results(content, QueryResultsFormat.JSON)
        if kind is QueryBoolean and isinstance(result, QuerySolutions):
            return _boolean(any(True for _ in result))
        return result

    return run


def _parse(parser: Store, text: str, base: str | None) -> tuple[type, str]:
    """Return the kind of a query's result, and its text with the base if it needs one."""
    try:
        return type(parser.query(text)), text
    except SyntaxError:
        return type(parser.query(text, base_iri=base)), f"BASE <{base}>\n{text}"


def _boolean(value: bool) -> QueryBoolean:
    """Return a boolean as a result; Virtuoso 7.2 answers an ASK with a row or none."""
    content = json.dumps({"head": {}, "boolean": value})
    result = parse_query_results(content, QueryResultsFormat.JSON)
    assert isinstance(result, QueryBoolean)
    return result


def run_query(engine: Engine, request: Request, output: BinaryIO) -> None:
    """Run a query and write its result; an error becomes an E frame."""
    try:
        result = engine(request)
        kind = _kind(result)
        format_name = request["graph" if kind == "graph" else "table"]
        write_head(output, kind, format_name)
        ends = format_name is None or _write_result(result, format_name, request, output)
        maximum = request["triples" if kind == "graph" else "rows"]
        write_frame(output, *((b"Z",) if ends else (b"M", str(maximum).encode())))
    except (SyntaxError, RuntimeError) as error:
        diagnosis = diagnose_query(request["query"], str(error), request.get("base"))
        write_error(output, type(error).__name__, str(error), **diagnosis)
    except QueryRefusedError as error:
        write_error(output, type(error).__name__, str(error), **error.phrase)
    except (CatalogueError, ValueError, OSError) as error:
        write_error(output, type(error).__name__, str(error))


def _nodes(names: Iterable[str]) -> list[NamedNode | BlankNode]:
    return [*map(_node, names)]


def _node(name: str) -> NamedNode:
    """Return the node of a graph's name; raise QueryRefusedError for one that is no IRI."""
    try:
        return NamedNode(name)
    except ValueError as error:
        hint = "relativeIri" if "absolute" in str(error) else "invalidIri"
        raise QueryRefusedError(str(error), hint=hint, token=f"<{name}>") from error


def _kind(result: Result) -> str:
    if isinstance(result, QuerySolutions):
        return "solutions"
    return "boolean" if isinstance(result, QueryBoolean) else "graph"


def _write_result(result: Result, format_name: str, request: Request, output: BinaryIO) -> bool:
    """Write a result; return whether it is whole or states itself that it is not."""
    is_limited = isinstance(result, QuerySolutions) and format_name != ROWS
    limiter = ROW_LIMITERS[format_name](request["rows"]) if is_limited else RowLimiter()
    writer = FrameWriter(output, limiter, is_xml=format_name in _XML_FORMATS)
    with suppress(RowLimitError), io.BufferedWriter(writer, CHUNK_SIZE) as buffer:
        _serialize(result, format_name, request, limiter, buffer)
    writer.finish()
    return limiter.is_stated or not limiter.exceeded


def _serialize(
    result: Result, format_name: str, request: Request, limiter: RowLimiter, output: BinaryIO
) -> None:
    if format_name == ROWS:
        output.writelines(line.encode() + b"\n" for line in _lines(result, request["lines"]))
    elif not isinstance(result, QuerySolutions | QueryBoolean):
        triples = chain(islice(result, request["triples"]), _end(result, limiter))
        rdf_format = _RDF_FORMATS[format_name]
        serialize(triples, output, format=rdf_format, prefixes=dict(request["prefixes"]))
    else:
        result.serialize(output, format=_RESULT_FORMATS[format_name])


def _end(triples: Iterator[Triple], limiter: RowLimiter) -> Iterator[Triple]:
    """Yield nothing; raise RowLimitError if there are triples left."""
    limiter.exceeded = next(triples, None) is not None
    if limiter.exceeded:
        raise RowLimitError
    yield from ()


def _lines(result: Result, maximum: int) -> Iterator[str]:
    """Yield a boolean, or the names of the columns and so many rows; a triple is a row."""
    if isinstance(result, QueryBoolean):
        yield json.dumps(bool(result))
        return
    variables = result.variables if isinstance(result, QuerySolutions) else None
    yield json.dumps([v.value for v in variables] if variables is not None else TRIPLE_COLUMNS)
    for row in islice(result, maximum):
        yield json.dumps([None if term is None else _text(term) for term in row])


def _text(term: Term) -> str:
    """Return a term as in N-Triples."""
    return f"<<( {term} )>>" if isinstance(term, Triple) else str(term)


def main(source: str, memory: int) -> None:
    """Answer requests until the input ends."""
    credentials, requests = start_worker(memory)
    if source.startswith(("http://", "https://")):
        engine = remote_engine(Endpoint(source, credentials=credentials))
    else:
        engine = snapshot_engine(source)
    serve(requests, partial(run_query, engine))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
