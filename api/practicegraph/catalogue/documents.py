"""A catalogue's folder: which files belong to it, what each is about, what stands in it.

A file is about the subject of its first triple; that IRI names its graph. Larger sets come as
TriG or N-Quads, plain or gzipped, and name their graphs themselves. A stored question is SPARQL
under a head of comment lines, `#: ` and Turtle, that says what it asks. Its triples hold the SPARQL
with the defaults of its parameters filled in, so that whoever finds it can run it.

Files are read as streams of quads, in flat memory however large a set is. A document is held whole.

The head of a stored question: Turtle in comment lines, `#: `, above its SPARQL.
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

from pyoxigraph import Literal, NamedNode, Quad, RdfFormat, Triple, parse

from ..rdf import untrusted
from ..rdf.namespaces import SH
from ..rdf.positions import LocatedTriple
from ..rdf.terms import Term, in_graph
from ..storage import query_guard

QUERY_SUFFIX = ".rq"
"""How the names of such files end."""
_EXECUTABLE = re.compile(re.escape(SH) + "SPARQL(Select|Ask|Construct)Executable")
_HEAD = re.compile(r"(?:#:.*(?:\n|$))+")
_MARGIN = re.compile(r"#: ?")


def split_query_file(content: bytes) -> tuple[bytes, str]:
    """Give the head of a question as Turtle, its lines where they were, and the SPARQL below it."""
    text = content.decode()
    head = _HEAD.match(text)
    lines = head[0].splitlines() if head else []
    turtle = "\n".join(_MARGIN.sub("", line, count=1) for line in lines)
    return turtle.encode(), text[head.end() if head else 0 :].strip() + "\n"


def comment_prefixes(content: bytes) -> list[str]:
    """Give what stands before the Turtle in each line of the head."""
    found = (_MARGIN.match(line) for line in content.decode().splitlines())
    return [margin[0] if margin else "" for margin in found]


def executable(quads: Sequence[Quad], body: str) -> Iterator[Quad]:
    """Give the statement that holds the SPARQL of a question (SHACL-SPARQL, SPARQL executables)."""
    text = Literal(query_guard.bind_parameters(body, _defaults(quads)))
    for quad in quads:
        kind = _EXECUTABLE.fullmatch(getattr(quad.object, "value", ""))
        if kind:
            yield Quad(quad.subject, NamedNode(SH + kind[1].lower()), text, quad.graph_name)


def _defaults(quads: Sequence[Quad]) -> dict[str, Term]:
    """Give the values of a question's parameters that hold where none is given, by name."""
    keys, defaults = (
        {quad.subject: quad.object for quad in quads if quad.predicate.value == SH + name}
        for name in ("codeIdentifier", "defaultValue")
    )
    named = {node: key.value for node, key in keys.items() if isinstance(key, Literal)}
    return {named[node]: term for node, term in defaults.items() if node in named}


FOLDERS = ("ontology", "shapes", "queries", "data")
_FORMATS = {
    ".ttl": RdfFormat.TURTLE,
    ".trig": RdfFormat.TRIG,
    ".nq": RdfFormat.N_QUADS,
    QUERY_SUFFIX: RdfFormat.TURTLE,
}
_GIVEN = {".nt": RdfFormat.N_TRIPLES}
"""Syntaxes that are read where they are given, and in which no file of a catalogue is."""

_AT_ONCE = 1 << 20  # bytes of a packed file


class UnreadableError(ValueError):
    """A file that is no RDF; the position is where reading ended, in lines and columns from 1."""

    def __init__(self, path: Path, reason: str, line: int = 1, column: int = 1) -> None:
        super().__init__(f"{path}:{line}:{column}: {reason}")
        self.path, self.reason, self.line, self.column = path, reason, line, column

    def __reduce__(self) -> tuple[type["UnreadableError"], tuple[Path, str, int, int]]:
        return type(self), (self.path, self.reason, self.line, self.column)


@dataclass(frozen=True)
class Document:
    """A file as read: its quads in their order, its topics (one but in sets), its prefixes.

    A question also has its SPARQL as it stands in the file, with the parameters open. The content
    is the file's bytes, unpacked. What is given in a form that no file of a catalogue has brings
    the places of its triples with it.
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
        """Give the syntax of the file."""
        return _format(self.path) or _GIVEN.get(self.path.suffix)


@dataclass(frozen=True)
class DocumentSet:
    """The files of a catalogue as read, and those that cannot be read."""

    documents: tuple[Document, ...]
    unreadable: tuple[UnreadableError, ...]

    @property
    def paths(self) -> list[Path]:
        """Give all files, readable or not."""
        read = [document.path for document in self.documents]
        return [*read, *(error.path for error in self.unreadable)]

    def with_others(self, others: Sequence[Document]) -> "DocumentSet":
        """Give the contents with other documents in the place of those on their topics."""
        topics = {topic for document in others for topic in document.topics}
        kept = (document for document in self.documents if not topics & set(document.topics))
        return DocumentSet((*kept, *others), self.unreadable)


def list_files(folder: Path, parts: Sequence[str] = FOLDERS) -> Iterator[Path]:
    """Give the files of a catalogue, ontology and shapes first, each part in order of names."""
    for part in parts:
        yield from list_rdf_files(folder / part)


def list_rdf_files(place: Path) -> Iterator[Path]:
    """Give the files of RDF below a folder, in order of names; or the file itself."""
    if not place.is_dir():
        yield place
    else:
        yield from (path for path in sorted(place.rglob("*")) if path.is_file() and _format(path))


def is_catalogue_file(path: Path) -> bool:
    """Tell whether a file at that path, seen from a catalogue's folder, belongs to it."""
    return path.parts[0] in FOLDERS and _format(path) is not None


def is_catalogue(folder: Path) -> bool:
    """Tell whether the folder holds a catalogue: an ontology and shapes."""
    return all((folder / part).is_dir() for part in FOLDERS[:2])


def checksum(path: Path) -> str:
    """Give the SHA-256 of a file in hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_graphs(path: Path) -> Iterator[tuple[str, list[Quad]]]:
    """Give the graphs of a file as they come, by name; one whose quads lie apart, in pieces.

    Raises UnreadableError where reading ends, after what stands before it.
    """
    for _, run in groupby(_quads(path), attrgetter("graph_name")):
        quads = list(run)
        yield graph_name(path, quads[0]), quads


def read_document(path: Path) -> Document:
    """Read a file; raises UnreadableError with line and column where it is no RDF."""
    with reading_errors(path):
        content = path.read_bytes()
    return parse_file(path, content)


def parse_file(path: Path, content: bytes) -> Document:
    """Read the bytes of a file of that name, plain or gzipped; raises UnreadableError."""
    with reading_errors(path):
        return parse_document(path, gzip.decompress(content) if path.suffix == ".gz" else content)


def read_documents(paths: Iterable[Path]) -> DocumentSet:
    """Read files, those that cannot be read apart from the others."""
    documents: list[Document] = []
    unreadable: list[UnreadableError] = []
    for path in paths:
        try:
            documents.append(read_document(path))
        except UnreadableError as error:
            unreadable.append(error)
    return DocumentSet(tuple(documents), tuple(unreadable))


def parse_document(path: Path, content: bytes) -> Document:
    """Read what stands or would stand in a file of that name; raises UnreadableError."""
    form = _known_format(path)
    with reading_errors(path):
        head, body = split_query_file(content) if path.suffix == QUERY_SUFFIX else (content, "")
        untrusted.refuse_deep_file(head, form)
        reader = parse(head, form, rename_blank_nodes=True)
        said = tuple(_in_graphs(path, reader))
        quads = (*said, *executable(said, body))
    topics = dict.fromkeys(graph_name(path, quad) for quad in quads)
    return Document(path, quads, tuple(topics), reader.prefixes, body, content)


def _quads(path: Path) -> Iterator[Quad]:
    """Give the quads of a file in their order, in flat memory; raises UnreadableError."""
    if path.suffix == QUERY_SUFFIX:
        yield from read_document(path).quads
        return
    form = _known_format(path)
    with reading_errors(path), open_file(path) as stream:
        yield from _in_graphs(path, parse(stream, form, rename_blank_nodes=True))


def open_file(path: Path) -> IO[bytes]:
    """Open a file, plain or gzipped, to read what it says."""
    if path.suffix != ".gz":
        return path.open("rb")
    return BufferedReader(cast(RawIOBase, gzip.open(path)), _AT_ONCE)


@contextmanager
def reading_errors(path: Path) -> Iterator[None]:
    """Have what goes wrong in reading a file told as an UnreadableError."""
    try:
        yield
    except UnreadableError:
        raise
    except SyntaxError as error:
        raise UnreadableError(path, error.msg, error.lineno or 1, error.offset or 1) from error
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise UnreadableError(path, str(error)) from error


def _in_graphs(path: Path, quads: Iterator[Quad]) -> Iterator[Quad]:
    """Give quads in their graphs: in a set as they are, else in that of the first subject."""
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
    """Give the name of a quad's graph; raises UnreadableError where it has none."""
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
