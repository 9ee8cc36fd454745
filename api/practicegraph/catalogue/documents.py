"""The files of a catalogue's folder, read as RDF.

A file is about the subject of its first triple, its topic, and that IRI is the name of its graph.
Larger sets come as TriG or N-Quads, plain or gzipped, and name their graphs themselves. They are
read as streams of quads, in flat memory. A stored query is SPARQL below its description: Turtle in
comment lines that begin with `#: `. The graph of a stored query has the SPARQL with the defaults of
its parameters, so that whoever reads it can run it (SHACL-SPARQL, SPARQL executables).
"""

import gzip
import hashlib
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from io import BufferedReader, RawIOBase
from itertools import chain, groupby
from operator import attrgetter
from pathlib import Path
from typing import IO, cast

from pyoxigraph import NamedNode, Quad, RdfFormat, Triple, parse

from ..errors import CatalogueError
from ..rdf import untrusted
from ..rdf.positions import LocatedTriple
from ..rdf.terms import in_graph
from ..schema.shapes import executable_quads

QUERY_SUFFIX = ".rq"
"""The suffix of stored queries."""
_DESCRIPTION = re.compile(r"(?:#:.*(?:\n|$))+")
_COMMENT_PREFIX = re.compile(r"#: ?")
FOLDERS = ("ontology", "shapes", "queries", "data")
_FORMATS = {
    ".ttl": RdfFormat.TURTLE,
    ".trig": RdfFormat.TRIG,
    ".nq": RdfFormat.N_QUADS,
    QUERY_SUFFIX: RdfFormat.TURTLE,
}
_ALSO_READ = {".nt": RdfFormat.N_TRIPLES}  # but not as a file of a catalogue

_BUFFER_SIZE = 1 << 20  # bytes of a gzipped file


class UnreadableError(CatalogueError):
    """A file that is no RDF; lines and columns of the position count from 1."""

    def __init__(self, path: Path, reason: str, line: int = 1, column: int = 1) -> None:
        super().__init__(f"{path}:{line}:{column}: {reason}", line=line, column=column)
        self.path, self.reason = path, reason

    def __reduce__(self) -> tuple[type["UnreadableError"], tuple[Path, str, int, int]]:
        return type(self), (self.path, self.reason, self.line, self.column)


@dataclass(frozen=True)
class Document:
    """A file as read: its quads in their order, its topics (one but in sets), its prefixes.

    A stored query also has its SPARQL, with its parameters. The content is the bytes of the file,
    decompressed. A document in a syntax that no file of a catalogue has comes with located triples.
    """

    path: Path
    quads: tuple[Quad, ...]
    topics: tuple[str, ...]
    prefixes: Mapping[str, str]
    sparql: str = ""
    content: bytes = field(default=b"", repr=False, compare=False)
    placed: tuple[LocatedTriple, ...] | None = field(default=None, repr=False, compare=False)

    @property
    def form(self) -> RdfFormat | None:
        """Return the syntax of the file."""
        return _format(self.path) or _ALSO_READ.get(self.path.suffix)


@dataclass(frozen=True)
class DocumentSet:
    """Documents, and the errors of unreadable files."""

    documents: tuple[Document, ...]
    unreadable: tuple[UnreadableError, ...]

    @property
    def paths(self) -> list[Path]:
        """Return the paths of all files."""
        readable = [document.path for document in self.documents]
        return [*readable, *(error.path for error in self.unreadable)]

    def with_others(self, others: Sequence[Document]) -> "DocumentSet":
        """Return the set with other documents instead of those on the same topics."""
        topics = {topic for document in others for topic in document.topics}
        remaining = (each for each in self.documents if not topics & set(each.topics))
        return DocumentSet((*remaining, *others), self.unreadable)


def list_files(folder: Path, folders: Sequence[str] = FOLDERS) -> Iterator[Path]:
    """Yield the files of a catalogue, ontology and shapes first, each folder in order of names."""
    for name in folders:
        yield from list_rdf_files(folder / name)


def list_rdf_files(path: Path) -> Iterator[Path]:
    """Yield the files of RDF below a folder, in order of names; or the file itself."""
    if not path.is_dir():
        yield path
    else:
        yield from (each for each in sorted(path.rglob("*")) if each.is_file() and _format(each))


def is_catalogue_file(path: Path) -> bool:
    """Return whether a path, relative to a catalogue's folder, is that of a file of it."""
    return path.parts[0] in FOLDERS and _format(path) is not None


def is_catalogue(folder: Path) -> bool:
    """Return whether a folder is a catalogue: it has an ontology and shapes."""
    return all((folder / name).is_dir() for name in FOLDERS[:2])


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_graphs(path: Path) -> Iterator[tuple[str, list[Quad]]]:
    """Yield the graphs of a file in their order, with their names.

    A graph whose quads are not together comes in several pieces. Raises UnreadableError after what
    comes before the error.
    """
    for _, run in groupby(_quads(path), attrgetter("graph_name")):
        quads = list(run)
        yield graph_name(path, quads[0]), quads


def read_document(path: Path) -> Document:
    """Read a file; raise UnreadableError with line and column where it is no RDF."""
    with reading_errors(path):
        content = path.read_bytes()
    return parse_file(path, content)


def parse_file(path: Path, content: bytes) -> Document:
    """Parse the bytes of a file of that name, plain or gzipped; raise UnreadableError."""
    with reading_errors(path):
        return parse_document(path, gzip.decompress(content) if path.suffix == ".gz" else content)


def read_documents(paths: Iterable[Path]) -> DocumentSet:
    """Read files, and list the errors of those that are unreadable."""
    documents: list[Document] = []
    unreadable: list[UnreadableError] = []
    for path in paths:
        try:
            documents.append(read_document(path))
        except UnreadableError as error:
            unreadable.append(error)
    return DocumentSet(tuple(documents), tuple(unreadable))


def parse_document(path: Path, content: bytes) -> Document:
    """Parse the content of a file of that name; raise UnreadableError."""
    form = _known_format(path)
    with reading_errors(path):
        head, body = split_query_file(content) if path.suffix == QUERY_SUFFIX else (content, "")
        untrusted.refuse_deep_file(head, form)
        reader = parse(head, form, rename_blank_nodes=True)
        stated = tuple(_in_graphs(path, reader))
        quads = (*stated, *executable_quads(stated, body))
    topics = dict.fromkeys(graph_name(path, quad) for quad in quads)
    return Document(path, quads, tuple(topics), reader.prefixes, body, content)


def _quads(path: Path) -> Iterator[Quad]:
    """Yield the quads of a file in their order, in flat memory; raise UnreadableError."""
    if path.suffix == QUERY_SUFFIX:
        yield from read_document(path).quads
        return
    form = _known_format(path)
    with reading_errors(path), open_file(path) as stream:
        yield from _in_graphs(path, parse(stream, form, rename_blank_nodes=True))


def split_query_file(content: bytes) -> tuple[bytes, str]:
    """Return the description of a stored query, as Turtle with the same lines, and its SPARQL."""
    text = content.decode()
    head = _DESCRIPTION.match(text)
    lines = head[0].splitlines() if head else []
    turtle = "\n".join(_COMMENT_PREFIX.sub("", line, count=1) for line in lines)
    return turtle.encode(), text[head.end() if head else 0 :].strip() + "\n"


def comment_prefixes(content: bytes) -> list[str]:
    """Return what is before the Turtle in each line of a description."""
    matches = (_COMMENT_PREFIX.match(line) for line in content.decode().splitlines())
    return [match[0] if match else "" for match in matches]


def open_file(path: Path) -> IO[bytes]:
    """Open a file, plain or gzipped, to read its content."""
    if path.suffix != ".gz":
        return path.open("rb")
    return BufferedReader(cast(RawIOBase, gzip.open(path)), _BUFFER_SIZE)


@contextmanager
def reading_errors(path: Path) -> Iterator[None]:
    """Raise UnreadableError for the errors of reading a file."""
    try:
        yield
    except UnreadableError:
        raise
    except SyntaxError as error:
        raise UnreadableError(path, error.msg, error.lineno or 1, error.offset or 1) from error
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise UnreadableError(path, str(error)) from error


def _in_graphs(path: Path, quads: Iterator[Quad]) -> Iterator[Quad]:
    """Return quads in their graphs: in a set as they are, else in that of the first subject."""
    first = next(quads, None)
    if first is None:
        raise UnreadableError(path, "the file says nothing")
    everything = map(partial(_in_rdf_1_1, path), chain([first], quads))
    if isinstance(first.graph_name, NamedNode):
        return everything
    if not isinstance(first.subject, NamedNode):
        raise UnreadableError(path, "the file opens with a blank node, not with what it is about")
    return in_graph((quad.triple for quad in everything), first.subject.value)


def _in_rdf_1_1(path: Path, quad: Quad) -> Quad:
    if isinstance(quad.object, Triple):
        raise UnreadableError(path, f"a triple term, which is of RDF 1.2: {quad.object}")
    return quad


def graph_name(path: Path, quad: Quad) -> str:
    """Return the name of a quad's graph; raise UnreadableError where it has none."""
    if not isinstance(quad.graph_name, NamedNode):
        reason = f"a set of graphs with a statement in none that has an IRI: {quad.triple}"
        raise UnreadableError(path, reason)
    return quad.graph_name.value


def _known_format(path: Path) -> RdfFormat:
    form = _format(path)
    if form is None:
        known = ", ".join(_FORMATS)
        raise UnreadableError(path, f"not a file of RDF; the names of those end in {known}")
    return form


def _format(path: Path) -> RdfFormat | None:
    suffix = path.suffixes[-2] if path.suffix == ".gz" and path.suffixes[1:] else path.suffix
    return _FORMATS.get(suffix)
