"""A catalogue's folder: which files belong to it, what each is about, what stands in it.

A file is about the subject of its first triple; that IRI names its graph. Larger sets come as
TriG or N-Quads, plain or gzipped, and name their graphs themselves. A stored question is SPARQL
under a head of comment lines, `#: ` and Turtle, that says what it asks.
"""

import gzip
import hashlib
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pyoxigraph import Literal, NamedNode, Quad, RdfFormat, parse

from .store import named

PARTS = ("ontology", "shapes", "queries", "data")
_QUESTION = ".rq"
_HEAD = re.compile(r"(?:#:.*(?:\n|$))+")
_EXECUTABLE = re.compile(r"http://www\.w3\.org/ns/shacl#SPARQL(Select|Ask|Construct)Executable")
_FORMATS = {
    ".ttl": RdfFormat.TURTLE,
    ".trig": RdfFormat.TRIG,
    ".nq": RdfFormat.N_QUADS,
    _QUESTION: RdfFormat.TURTLE,
}


class UnreadableError(ValueError):
    """A file that is no RDF; the position is where reading ended, in lines and columns from 1."""

    def __init__(self, path: Path, reason: str, line: int = 1, column: int = 1) -> None:
        super().__init__(f"{path}:{line}:{column}: {reason}")
        self.path, self.reason, self.line, self.column = path, reason, line, column


@dataclass(frozen=True)
class Document:
    """A file as read: its quads in their order, its topics (one but in sets), its prefixes."""

    path: Path
    quads: tuple[Quad, ...]
    topics: tuple[str, ...]
    prefixes: Mapping[str, str]


@dataclass(frozen=True)
class Contents:
    """The files of a catalogue as read, and those that cannot be read."""

    documents: tuple[Document, ...]
    unreadable: tuple[UnreadableError, ...]

    @property
    def paths(self) -> list[Path]:
        """Give all files, readable or not."""
        read = [document.path for document in self.documents]
        return [*read, *(error.path for error in self.unreadable)]

    def with_others(self, others: Sequence[Document]) -> "Contents":
        """Give the contents with other documents in the place of those on their topics."""
        topics = {topic for document in others for topic in document.topics}
        kept = (document for document in self.documents if not topics & set(document.topics))
        return Contents((*kept, *others), self.unreadable)


def files(folder: Path, parts: Sequence[str] = PARTS) -> Iterator[Path]:
    """Give the files of a catalogue, ontology and shapes first, each part in order of names."""
    for part in parts:
        yield from below(folder / part)


def below(place: Path) -> Iterator[Path]:
    """Give the files of RDF below a folder, in order of names; or the file itself."""
    if not place.is_dir():
        yield place
    else:
        yield from (path for path in sorted(place.rglob("*")) if path.is_file() and _format(path))


def belongs(path: Path) -> bool:
    """Tell whether a file at that path, seen from a catalogue's folder, belongs to it."""
    return path.parts[0] in PARTS and _format(path) is not None


def is_catalogue(folder: Path) -> bool:
    """Tell whether the folder holds a catalogue: an ontology and shapes."""
    return all((folder / part).is_dir() for part in PARTS[:2])


def checksum(path: Path) -> str:
    """Give the SHA-256 of a file in hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read(path: Path) -> Document:
    """Read a file; raises UnreadableError with line and column where it is no RDF."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UnreadableError(path, str(error)) from error
    return stored(path, content)


def stored(path: Path, content: bytes) -> Document:
    """Read the bytes of a file of that name, plain or gzipped; raises UnreadableError."""
    try:
        return document(path, gzip.decompress(content) if path.suffix == ".gz" else content)
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableError(path, str(error)) from error


def contents(paths: Iterable[Path]) -> Contents:
    """Read files, those that cannot be read apart from the others."""
    documents: list[Document] = []
    unreadable: list[UnreadableError] = []
    for path in paths:
        try:
            documents.append(read(path))
        except UnreadableError as error:
            unreadable.append(error)
    return Contents(tuple(documents), tuple(unreadable))


def document(path: Path, content: bytes) -> Document:
    """Read what stands or would stand in a file of that name; raises UnreadableError."""
    form = _format(path)
    if form is None:
        known = ", ".join(_FORMATS)
        raise UnreadableError(path, f"not a file of RDF; the names of those end in {known}")
    head, body = _split(content) if path.suffix == _QUESTION else (content, "")
    try:
        reader = parse(head, form, rename_blank_nodes=True)
        quads = tuple(reader)
    except SyntaxError as error:
        line, column = error.lineno or 1, error.offset or 1
        raise UnreadableError(path, error.msg, line, column) from error
    except ValueError as error:
        raise UnreadableError(path, str(error)) from error
    return _document(path, (*quads, *_executable(quads, body)), reader.prefixes)


def _executable(quads: Sequence[Quad], body: str) -> Iterator[Quad]:
    """Give the statement that holds the SPARQL of a question (SHACL-SPARQL, SPARQL executables)."""
    for quad in quads:
        kind = _EXECUTABLE.fullmatch(getattr(quad.object, "value", ""))
        if kind:
            name = NamedNode("http://www.w3.org/ns/shacl#" + kind[1].lower())
            yield Quad(quad.subject, name, Literal(body))


def _split(content: bytes) -> tuple[bytes, str]:
    """Give the head of a question as Turtle, its lines where they were, and the SPARQL below it."""
    text = content.decode()
    head = _HEAD.match(text)
    lines = head[0].splitlines() if head else []
    turtle = "\n".join(line.removeprefix("#:").removeprefix(" ") for line in lines)
    return turtle.encode(), text[head.end() if head else 0 :].strip() + "\n"


def _document(path: Path, quads: tuple[Quad, ...], prefixes: Mapping[str, str]) -> Document:
    if not quads:
        raise UnreadableError(path, "the file says nothing")
    if isinstance(quads[0].graph_name, NamedNode):
        names = (quad.graph_name for quad in quads)
        topics = dict.fromkeys(name.value for name in names if isinstance(name, NamedNode))
        return Document(path, quads, tuple(topics), prefixes)
    topic = quads[0].subject
    if not isinstance(topic, NamedNode):
        raise UnreadableError(path, "the file opens with a blank node, not with what it is about")
    triples = (quad.triple for quad in quads)
    return Document(path, tuple(named(triples, topic.value)), (topic.value,), prefixes)


def _format(path: Path) -> RdfFormat | None:
    suffix = path.suffixes[-2] if path.suffix == ".gz" and path.suffixes[1:] else path.suffix
    return _FORMATS.get(suffix)
