"""Graphs of files as they pass by, with values in the place of terms.

Large sets are N-Quads, and nearly all of their lines have the usual form (N-Quads 1.1, section 5):
they are taken apart as text, in a fifth of the time that terms take. Oxigraph reads whatever looks
otherwise, and every other syntax.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from pathlib import Path

from pyoxigraph import NamedNode, Quad, RdfFormat, parse

from . import folder
from .facts import Value, value
from .folder import UnreadableError

_AT_ONCE = 1 << 22  # bytes
_MOST_KNOWN = 100_000
_NO_LINE = b"\n"
_IRI = rb'[^<>"{}|^`\\\s]*'
_NAMED = re.compile(rb"<(%b)>" % _IRI)
_LITERAL = re.compile(rb'"([^"\\]*)"(?:@([A-Za-z]+(?:-[A-Za-z0-9]+)*)|\^\^<%b>)?' % _IRI)
_LINE = re.compile(rb'<(%b)> <(%b)> (<%b>|"[^"\\]*"\S*) <(%b)> \.' % (_IRI, _IRI, _IRI, _IRI))

_Statement = tuple[str, str, str, Value | None]
"""A graph, a subject ("" for a blank node), a property, a value (None for a blank node)."""


@dataclass(frozen=True)
class Piece:
    """What stands in one piece of a graph: of its topic by property, and of which other things."""

    topic: str
    said: dict[str, list[Value]] = field(default_factory=lambda: defaultdict(list))
    others: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Part:
    """Whole lines of a file of N-Quads, and the number of the first one."""

    path: Path
    number: int
    content: bytes


def parts(path: Path) -> Iterator[Part] | None:
    """Give a set of N-Quads in parts that end where a graph does, as far as that is seen.

    What is no such set is None. Raises UnreadableError.
    """
    if path.name.endswith((".nq", ".nq.gz")) and _names_graphs(path):
        return _parts(path)
    return None


def pieces(part: Part, properties: Set[str]) -> Iterator[Piece]:
    """Give the graphs of a part as they come, with those of the properties that their topics have.

    A graph whose statements lie apart comes in pieces. Raises UnreadableError where reading ends.
    """
    with folder.told(part.path):
        yield from _pieces(part, properties)


def _pieces(part: Part, properties: Set[str]) -> Iterator[Piece]:
    names, values = {f"<{name}>".encode(): name for name in properties}, _Values()
    piece, opening, closing = Piece(""), _NO_LINE, _NO_LINE
    said, start, end = piece.said, 0, 0
    for number, line in enumerate(_lines(part.content), part.number):
        if line.startswith(opening) and line.endswith(closing):
            name, _, term = line[start:end].partition(b" ")
            if name not in names:
                continue
            if one := values[term]:
                said[names[name]].append(one)
                continue
        for statement in _statements(part.path, line, number, values):
            if statement[0] != piece.topic:
                if piece.topic:
                    yield piece
                piece = Piece(statement[0])
                opening, closing = f"<{piece.topic}> ".encode(), f" <{piece.topic}> .".encode()
                said, start, end = piece.said, len(opening), -len(closing)
            _take(piece, statement, properties)
    if piece.topic:
        yield piece


def others(path: Path, properties: Set[str]) -> Iterator[Piece]:
    """Give the graphs of a file in whatever syntax, as `pieces` does."""
    for topic, quads in folder.runs(path):
        piece = Piece(topic)
        for quad in quads:
            _take(piece, _statement(path, quad), properties)
        yield piece


def _names_graphs(path: Path) -> bool:
    """Tell whether the first statement names its graph; a file of one thing need not."""
    with folder.told(path), folder.opened(path) as stream:
        first = next(parse(stream, RdfFormat.N_QUADS), None)
    return first is not None and isinstance(first.graph_name, NamedNode)


def _take(piece: Piece, statement: _Statement, properties: Set[str]) -> None:
    _, subject, name, one = statement
    if subject != piece.topic:
        piece.others.add(subject)
    elif one and name in properties:
        piece.said[name].append(one)


def _statements(path: Path, line: bytes, number: int, values: "_Values") -> Iterator[_Statement]:
    """Give the statements of a line; raises UnreadableError."""
    found = _LINE.fullmatch(line)
    one = values[found[3]] if found else None
    if found and one:
        yield found[4].decode(), found[1].decode(), found[2].decode(), one
        return
    try:
        for quad in parse(line, RdfFormat.N_QUADS):
            yield _statement(path, quad)
    except SyntaxError as error:
        raise UnreadableError(path, error.msg, number, error.offset or 1) from error


def _statement(path: Path, quad: Quad) -> _Statement:
    subject = quad.subject.value if isinstance(quad.subject, NamedNode) else ""
    return folder.graph(path, quad), subject, quad.predicate.value, value(quad.object)


class _Values(dict[bytes, Value | None]):
    """The values of terms in the usual form, None of any other; those of IRIs are kept."""

    def __missing__(self, term: bytes) -> Value | None:
        if not term.startswith(b"<"):
            return _literal(term)
        found = _NAMED.fullmatch(term)
        if len(self) >= _MOST_KNOWN:
            self.clear()
        self[term] = found and Value(found[1].decode())
        return self[term]


def _literal(term: bytes) -> Value | None:
    found = _LITERAL.fullmatch(term)
    if found is None:
        return None
    text, language = found.groups()
    tag = language.decode().lower() if language else None
    return Value(text.decode(), tag, is_literal=True)


def _parts(path: Path) -> Iterator[Part]:
    with folder.told(path), folder.opened(path) as stream:
        rest, number = b"", 1
        while read := stream.read(_AT_ONCE):
            content = rest + read
            end = _end(content)
            if end:
                yield Part(path, number, content[:end])
            number += content.count(b"\n", 0, end)
            rest = content[end:]
        yield Part(path, number, rest)


def _end(content: bytes) -> int:
    """Give where the last graph begins that may go on, or else where the last whole line ends."""
    whole = end = content.rfind(b"\n") + 1
    start = content.rfind(b"\n", 0, max(0, end - 1)) + 1
    closing = content[content.rfind(b" <", start, end) : end]
    while end and content.endswith(closing, 0, end):
        end = content.rfind(b"\n", 0, end - 1) + 1
    return end or whole


def _lines(content: bytes) -> list[bytes]:
    if b"\r" in content:
        content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return content.split(b"\n")
