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
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from io import BufferedReader, BytesIO, FileIO, RawIOBase
from itertools import chain, groupby
from operator import attrgetter
from pathlib import Path
from typing import IO, Any, cast

from pyoxigraph import NamedNode, Quad, RdfFormat, parse

from ..errors import CatalogueError
from ..rdf import untrusted
from ..rdf.positions import LocatedTriple
from ..rdf.terms import in_graph
from ..schema.shapes.constraints import executable_quads

QUERY_SUFFIX = ".rq"
"""The suffix of stored queries."""
TOPIC_SUFFIX = ".ttl"
"""The suffix of files on one topic, which imports and clients write."""
_DECLARATIONS = re.compile(r"(?:\s*(?:#.*|@prefix\s+[^\s<>]*\s+<[^<>]*>\s*\.))*")
_DECLARATION = re.compile(r"prefix\s+[^\s<>]*:", re.IGNORECASE)
_DESCRIPTION = re.compile(r"(?:#:.*(?:\n|$))+")
_COMMENT_PREFIX = re.compile(r"#: ?")
FOLDERS = ("ontology", "shapes", "queries", "data")
_FORMATS = {
    TOPIC_SUFFIX: RdfFormat.TURTLE,
    ".trig": RdfFormat.TRIG,
    ".nq": RdfFormat.N_QUADS,
    QUERY_SUFFIX: RdfFormat.TURTLE,
}
SUFFIXES = ", ".join(_FORMATS)
"""The suffixes of files that are read, in words; `.gz` may follow."""
_TEXTS = frozenset(_FORMATS)
"""The suffixes of texts, whose ends of lines depend on the system; packed files are no texts."""
_ALSO_READ = {".nt": RdfFormat.N_TRIPLES}  # but not as a file of a catalogue

_BUFFER_SIZE = 1 << 20


class UnreadableError(CatalogueError):
    """A file that is no RDF; lines and columns of the position count from 1."""

    def __init__(
        self, path: Path, reason: str, line: int = 1, column: int = 1, **words: Any
    ) -> None:
        super().__init__(f"{path}:{line}:{column}: {reason}", line=line, column=column, **words)
        self.path, self.reason = path, reason

    def __reduce__(self) -> tuple[Any, ...]:
        arguments = (self.path, self.reason, self.line, self.column)
        return type(self), arguments, self.__dict__


@dataclass(frozen=True)
class Document:
    """A file as read: its quads in their order, its topics (one but in sets), its prefixes.

    A stored query also has its SPARQL, with its parameters. The content is the bytes of the file,
    decompressed; a document whose triples have no position comes without. A table comes with
    located triples, and with the sheets of its topics if it is a workbook.
    """

    path: Path
    quads: tuple[Quad, ...]
    topics: tuple[str, ...]
    prefixes: Mapping[str, str]
    sparql: str = ""
    content: bytes = field(default=b"", repr=False, compare=False)
    placed: tuple[LocatedTriple, ...] | None = field(default=None, repr=False, compare=False)
    sheets: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    base: str = ""
    """The IRI against which relative IRIs in the content are resolved, where it declares none."""

    @property
    def form(self) -> RdfFormat | None:
        """Return the syntax of the file."""
        return _format(self.path) or _ALSO_READ.get(self.path.suffix)


@dataclass(frozen=True)
class DocumentSet:
    """Documents, the errors of unreadable files, and the files that are not read at all."""

    documents: tuple[Document, ...]
    unreadable: tuple[UnreadableError, ...]
    ignored: tuple[Path, ...] = ()

    @property
    def paths(self) -> list[Path]:
        """Return the paths of all files."""
        readable = [document.path for document in self.documents]
        return [*readable, *(error.path for error in self.unreadable), *self.ignored]

    def with_others(self, others: Sequence[Document]) -> "DocumentSet":
        """Return the set with other documents instead of those on the same topics."""
        topics = {topic for document in others for topic in document.topics}
        remaining = (d for d in self.documents if not topics & set(d.topics))
        return replace(self, documents=(*remaining, *others))


def list_files(folder: Path, folders: Sequence[str] = FOLDERS) -> Iterator[Path]:
    """Yield the files of a catalogue, ontology and shapes first, each folder in order of names."""
    for name in folders:
        yield from list_rdf_files(folder / name)


def list_rdf_files(path: Path) -> Iterator[Path]:
    """Yield the files of RDF below a folder, in order of names; or the file itself."""
    if not path.is_dir():
        yield path
    else:
        yield from (file for file in sorted(path.rglob("*")) if file.is_file() and _format(file))


def list_ignored_files(folder: Path) -> Iterator[Path]:
    """Yield the files in a catalogue's folders that are not read, but for hidden ones and pages.

    Those of RDF beside the folders are not read either, nor what symbolic links to nothing and to
    folders lead to.
    """
    yield from (path for path in sorted(folder.iterdir()) if path.is_file() and _format(path))
    for name in FOLDERS:
        for path in sorted((folder / name).rglob("*")):
            is_hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
            is_other = path.is_file() and path.suffix != ".md" and not _format(path)
            is_other |= path.is_symlink() and not path.is_file()
            if is_other and not is_hidden:
                yield path


def is_catalogue_file(path: Path) -> bool:
    """Return whether a path, relative to a catalogue's folder, is that of a file of it."""
    return path.parts[0] in FOLDERS and _format(path) is not None


def is_catalogue(folder: Path) -> bool:
    """Return whether a folder is a catalogue: it has an ontology and shapes."""
    return all((folder / name).is_dir() for name in FOLDERS[:2])


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal digits; ends of lines of texts are alike."""
    with _with_line_feeds(path, path.open("rb")) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class _LineFeeds(RawIOBase):
    """A stream with line feeds in the place of the ends of lines of Windows."""

    def __init__(self, stream: BufferedReader) -> None:
        self._stream = stream

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read at most as many bytes as the buffer has, and put them there."""
        piece = self._stream.read(len(buffer))
        if piece.endswith(b"\r") and self._stream.peek(1)[:1] == b"\n":
            piece += self._stream.read(1)
        piece = piece.replace(b"\r\n", b"\n")
        buffer[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        """Close the stream below, too."""
        self._stream.close()
        super().close()


def _with_line_feeds(path: Path, stream: BufferedReader) -> BufferedReader:
    """Return the content of a file with line feeds if all lines of a text end as on Windows."""
    is_from_windows = path.suffix in _TEXTS and stream.readline().endswith(b"\r\n")
    is_from_windows = is_from_windows and all(
        line.endswith(b"\r\n") or not line.endswith(b"\n") for line in stream
    )
    stream.seek(0)
    return BufferedReader(_LineFeeds(stream), _BUFFER_SIZE) if is_from_windows else stream


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


def read_prefixes(path: Path) -> Mapping[str, str]:
    """Return the prefixes that a file of RDF declares; raise UnreadableError."""
    with reading_errors(path), open_file(path) as stream:
        text = untrusted.decode(stream.read())
        head = _DECLARATIONS.match(text)
        end = head.end() if head else 0
        # All of a text is parsed where anything behind its first lines may be a declaration.
        declared = text if _DECLARATION.search(text, end) else text[:end]
        return untrusted.parse_rdf(declared, _require_format(path)).prefixes


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
    form = _require_format(path)
    if path.suffix in _TEXTS:
        content = _with_line_feeds(path, BufferedReader(BytesIO(content))).read()
    with reading_errors(path):
        head, body = split_query_file(content) if path.suffix == QUERY_SUFFIX else (content, "")
        parsed = untrusted.parse_rdf(head, form)
        asserted = tuple(_in_graphs(path, iter(parsed.quads)))
        quads = (*asserted, *executable_quads(asserted, body)) if body else asserted
    topics = dict.fromkeys(graph_name(path, quad) for quad in quads)
    return Document(path, quads, tuple(topics), parsed.prefixes, body, content)


def _quads(path: Path) -> Iterator[Quad]:
    """Yield the quads of a file in their order, in flat memory; raise UnreadableError."""
    if path.suffix == QUERY_SUFFIX:
        yield from read_document(path).quads
        return
    form = _require_format(path)
    with reading_errors(path), open_file(path) as stream:
        if form == RdfFormat.TURTLE:
            quads = iter(untrusted.parse_rdf(stream.read(), form).quads)
        else:
            quads = untrusted.check_terms(parse(stream, form, rename_blank_nodes=True))
        yield from _in_graphs(path, quads)


def split_query_file(content: bytes) -> tuple[bytes, str]:
    """Return the description of a stored query, as Turtle with the same lines, and its SPARQL."""
    text = untrusted.decode(content)
    head = _DESCRIPTION.match(text)
    lines = head[0].splitlines() if head else []
    turtle = "\n".join(_COMMENT_PREFIX.sub("", line, count=1) for line in lines)
    return turtle.encode(), text[head.end() if head else 0 :].strip() + "\n"


def comment_prefixes(content: bytes) -> list[str]:
    """Return what is before the Turtle in each line of a description."""
    matches = (_COMMENT_PREFIX.match(line) for line in untrusted.decode(content).splitlines())
    return [match[0] if match else "" for match in matches]


def open_file(path: Path) -> IO[bytes]:
    """Open a file, plain or gzipped, to read its content without a byte order mark.

    Its lines end with line feeds if those of a text all end as on Windows.
    """
    raw = cast(RawIOBase, gzip.GzipFile(path) if path.suffix == ".gz" else FileIO(path))
    stream = _with_line_feeds(path, BufferedReader(raw, _BUFFER_SIZE))
    if stream.peek(len(BOM_UTF8)).startswith(BOM_UTF8):
        stream.read(len(BOM_UTF8))
    return stream


@contextmanager
def reading_errors(path: Path) -> Iterator[None]:
    """Raise UnreadableError for the errors of reading a file."""
    try:
        yield
    except UnreadableError:
        raise
    except SyntaxError as error:
        place = {"line": error.lineno or 1, "column": error.offset or 1}
        arguments = place | dict(untrusted.diagnosis(error))
        raise UnreadableError(path, error.msg, **arguments) from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UnreadableError(path, str(error), hint="brokenGzip") from error
    except OSError as error:
        raise UnreadableError(path, str(error), hint="fileNotOpened") from error
    except ValueError as error:
        raise UnreadableError(path, str(error)) from error


def _in_graphs(path: Path, quads: Iterator[Quad]) -> Iterator[Quad]:
    """Return quads in their graphs: in a set as they are, else in that of the first subject."""
    first = next(quads, None)
    if first is None:
        raise UnreadableError(path, "the file has no triples", hint="emptyFile")
    everything = chain([first], quads)
    if isinstance(first.graph_name, NamedNode):
        return everything
    if not isinstance(first.subject, NamedNode):
        reason = "the file opens with a blank node, not with what it is about"
        raise UnreadableError(path, reason, hint="blankTopic")
    return in_graph(everything, first.subject.value)


def graph_name(path: Path, quad: Quad) -> str:
    """Return the name of a quad's graph; raise UnreadableError where it has none."""
    if not isinstance(quad.graph_name, NamedNode):
        reason = f"a set of graphs with a statement in none that has an IRI: {quad.triple}"
        raise UnreadableError(path, reason, hint="namelessGraph", token=str(quad.triple))
    return quad.graph_name.value


def _require_format(path: Path) -> RdfFormat:
    form = _format(path)
    if form is None:
        reason = f"not a file of RDF; the names of those end in {SUFFIXES}"
        raise UnreadableError(path, reason, hint="otherSuffix", suffixes=SUFFIXES)
    return form


def _format(path: Path) -> RdfFormat | None:
    suffix = path.suffixes[-2] if path.suffix == ".gz" and path.suffixes[1:] else path.suffix
    return _FORMATS.get(suffix)
