"""The tokens of Turtle, TriG and N-Quads and where they stand (Turtle 1.1, section 6.5).

Where each triple of a file stands: the offsets of its subject, predicate and object.

Follows the grammars of Turtle 1.1 (https://www.w3.org/TR/turtle/, section 6.5), TriG and N-Quads in
texts that have been read without an error. What a term is, Oxigraph says. A text with triple terms
of RDF 1.2 has no places here.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

from pyoxigraph import BlankNode, NamedNode, RdfFormat, parse

from .namespaces import RDF
from .terms import Node, Term

_BASE = (
    "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c-\u200d\u2070-\u218f"
    "\u2c00-\u2fef\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
)
_CHARACTER = f"[-_0-9{_BASE}\u00b7\u0300-\u036f\u203f-\u2040]"
_PREFIX = rf"(?:[{_BASE}](?:\.*{_CHARACTER})*+)?+:"
_ESCAPE = r"%[0-9A-Fa-f]{2}|\\[-_~.!$&'()*+,;=/?#@%]"
_LOCAL = rf"(?:(?:[_0-9:{_BASE}]|{_ESCAPE})(?:\.*(?:{_CHARACTER}|:|{_ESCAPE}))*+)?+"
_EXPONENT = r"[eE][+-]?[0-9]+"
_STRINGS = (
    r'"""(?:[^"\\]++|\\.|"(?!""))*+"""',
    r"'''(?:[^'\\]++|\\.|'(?!''))*+'''",
    r'"(?:[^"\\\n\r]++|\\.)*+"',
    r"'(?:[^'\\\n\r]++|\\.)*+'",
)
_NUMBERS = (
    rf"[+-]?(?:[0-9]+\.[0-9]*{_EXPONENT}|\.?[0-9]+{_EXPONENT})",
    r"[+-]?[0-9]*\.[0-9]+",
    r"[+-]?[0-9]+",
)
_KINDS = {
    "space": r"(?:[ \t\r\n]++|\#[^\r\n]*+)++",
    "iri": r'<[^\x00-\x20<>"{}|^`]*+>',
    "string": "|".join(_STRINGS),
    "blank": rf"_:[_0-9{_BASE}](?:\.*{_CHARACTER})*+",
    "name": _PREFIX + _LOCAL,
    "number": "|".join(_NUMBERS),
    "at": "@[A-Za-z]+(?:-[A-Za-z0-9]+)*(?:--[a-z]+)?",
    "type": r"\^\^",
    "word": "[A-Za-z]+",
    "mark": r"[.,;\[\](){}]",
}
_TOKEN = re.compile("|".join(f"(?P<{kind}>{form})" for kind, form in _KINDS.items()), re.DOTALL)


class UnknownTokenError(ValueError):
    """A text with something that is no token of Turtle 1.1, at that offset."""

    def __init__(self, offset: int) -> None:
        super().__init__(f"no token of Turtle at character {offset}")
        self.offset = offset


@dataclass(frozen=True)
class Token:
    """A token, or a literal of several ones: its kind, what it means, its offsets in the text.

    In a literal, no spaces or comments are left between the string and its language or datatype.
    """

    kind: str
    text: str
    start: int
    end: int


def tokenize(text: str) -> Iterator[Token]:
    """Return the tokens, literals whole; raises UnknownTokenError."""
    held: list[Token] = []  # what may go on: a string, or a string and the sign of a datatype
    for token in _single(text):
        if held and (token.kind in ("at", "type") or held[-1].kind == "type"):
            held.append(token)
            if token.kind == "type":
                continue
            yield _joined(held)
            held = []
            continue
        yield from held
        held = [token] if token.kind == "string" else []
        if not held:
            yield token
    yield from held


def _single(text: str) -> Iterator[Token]:
    offset = 0
    while offset < len(text):
        found = _TOKEN.match(text, offset)
        if found is None:
            raise UnknownTokenError(offset)
        kind, offset = found.lastgroup, found.end()
        assert kind
        if kind != "space":
            yield Token(kind, found[0], found.start(), offset)


def _joined(parts: list[Token]) -> Token:
    text = "".join(part.text for part in parts)
    return Token("string", text, parts[0].start, parts[-1].end)


_TYPE, _FIRST, _REST, _NIL = (NamedNode(RDF + name) for name in ("type", "first", "rest", "nil"))
_DIRECTIVES = frozenset({"prefix", "base", "version"})


class Span(NamedTuple):
    """A part of a text, in characters from its start; the end is the first one after it."""

    start: int
    end: int


class TripleSpans(NamedTuple):
    """Where the terms of a triple stand."""

    subject: Span
    predicate: Span
    object: Span


@dataclass(frozen=True)
class LocatedTriple:
    """A triple, and the parts of the text that its terms stand in; a list stands at its bracket.

    `prefixes` are those that hold there.
    """

    subject: Node
    predicate: NamedNode
    object: Term
    spans: TripleSpans
    prefixes: Mapping[str, str]


def locate_triples(text: str) -> list[LocatedTriple]:
    """Return the triples of Turtle or TriG with their positions; raises UnknownTokenError."""
    return _Walk(list(tokenize(text))).triples()


def locate_n_quads(text: str) -> Iterator[LocatedTriple]:
    """Return the triples of a text in N-Quads with their places; raises UnknownTokenError."""
    names = _Names()
    for ends, statement in groupby(tokenize(text), lambda token: token.kind == "mark"):
        if not ends:
            parts = [*statement][:3]
            yield _placed([*map(names.term, parts)], [*map(_span, parts)], {})


_Found = tuple[Term, Span]


@dataclass
class _Names:
    """What tokens are called in full, as the directives so far have it."""

    base: str = ""
    prefixes: dict[str, str] = field(default_factory=dict)
    known: dict[str, Term] = field(default_factory=dict)

    def declare(self, kind: str, name: str, iri: str) -> None:
        """Follow a directive."""
        if kind == "prefix":
            full = self.term(Token("iri", iri, 0, 0))
            assert isinstance(full, NamedNode)
            self.prefixes = self.prefixes | {name.removesuffix(":"): full.value}
        if kind == "base":
            self.base = str(self.term(Token("iri", iri, 0, 0)))
        self.known.clear()

    def term(self, token: Token) -> Term:
        """Return the term that a token is."""
        if token.text == "a":
            return _TYPE
        if token.text not in self.known:
            self.known[token.text] = self._parsed(token)
        return self.known[token.text]

    def _parsed(self, token: Token) -> Term:
        head = f"@base {self.base} . " if self.base else ""
        used = token.text.rpartition("^^")[2].partition(":")[0]
        if used in self.prefixes:
            head += f"@prefix {used}: {NamedNode(self.prefixes[used])} . "
        statement = f"{head}<x:s> <x:p> {token.text} ."
        term: Term = next(iter(parse(statement, RdfFormat.TURTLE))).object
        return term


_Triple = tuple[_Found, _Found, _Found]


@dataclass
class _Statement:
    """A subject with its properties, as far as it has been read: a statement's or in brackets."""

    subject: _Found | None = None
    predicate: _Found | None = None
    start: int = -1

    def take(self, found: _Found) -> Iterator[_Triple]:
        """Take the next term and give the triple that it ends."""
        if self.subject is None:
            self.subject = found
        elif self.predicate is None:
            self.predicate = found
        else:
            yield self.subject, self.predicate, found


@dataclass
class _List:
    """A list with its last cell so far."""

    cell: _Found
    start: int
    filled: bool = False

    def take(self, found: _Found) -> Iterator[_Triple]:
        """Take the next member and give the triples that it brings."""
        if self.filled:
            cell = BlankNode(), found[1]
            yield self.cell, (_REST, found[1]), cell
            self.cell = cell
        self.filled = True
        yield self.cell, (_FIRST, found[1]), found


class _Walk:
    """One walk through the tokens of a text; what is open is a stack, so nothing is too deep."""

    def __init__(self, listed: Sequence[Token]) -> None:
        self._tokens, self._next = listed, 0
        self._names = _Names()
        self._open: list[_Statement | _List] = [_Statement()]
        self._found: list[tuple[_Triple, Mapping[str, str]]] = []
        self._ends: dict[int, int] = {}

    def triples(self) -> list[LocatedTriple]:
        """Return the triples in the order in which their objects begin."""
        while self._next < len(self._tokens):
            token = self._taken()
            word = token.text.lower().removeprefix("@")
            if token.kind == "mark":
                self._mark(token)
            elif token.kind in ("at", "word") and word in _DIRECTIVES:
                self._directive(word)
            elif word != "graph" or token.kind != "word":
                self._give((self._names.term(token), _span(token)))
        return [self._whole(triple, prefixes) for triple, prefixes in self._found]

    def _taken(self) -> Token:
        token = self._tokens[self._next]
        self._next += 1
        return token

    def _directive(self, word: str) -> None:
        name = self._taken().text if word == "prefix" else ""
        self._names.declare(word, name, self._taken().text)

    def _give(self, found: _Found) -> None:
        triples = self._open[-1].take(found)
        self._found += [(triple, self._names.prefixes) for triple in triples]

    def _mark(self, token: Token) -> None:
        match token.text:
            case "[":
                found = BlankNode(), _span(token)
                self._give(found)
                self._open.append(_Statement(found, start=token.start))
            case "(":
                self._list(token)
            case "]" | ")":
                self._close(token)
            case "{":
                self._open.append(_Statement())
            case "}":
                self._open.pop()
                self._open[-1] = _Statement()
            case mark:
                self._go_on(mark)

    def _list(self, token: Token) -> None:
        if self._tokens[self._next].text == ")":
            self._give((_NIL, Span(token.start, self._taken().end)))
            return
        cell = BlankNode(), _span(token)
        self._give(cell)
        self._open.append(_List(cell, token.start))

    def _close(self, token: Token) -> None:
        closed = self._open.pop()
        self._ends[closed.start] = token.end
        if isinstance(closed, _List):
            triple = closed.cell, (_REST, _span(token)), (_NIL, _span(token))
            self._found.append((triple, self._names.prefixes))

    def _go_on(self, mark: str) -> None:
        statement = self._open[-1]
        if mark == "." or isinstance(statement, _List):
            self._open[-1] = _Statement()
        elif mark == ";":
            statement.predicate = None

    def _whole(self, triple: _Triple, prefixes: Mapping[str, str]) -> LocatedTriple:
        """Return a triple, what is in brackets up to where they close."""
        spans = (span._replace(end=self._ends.get(span.start, span.end)) for _, span in triple)
        return _placed([term for term, _ in triple], [*spans], prefixes)


def _placed(
    terms: Sequence[Term], spans: Sequence[Span], prefixes: Mapping[str, str]
) -> LocatedTriple:
    subject, predicate, value = terms
    assert isinstance(subject, NamedNode | BlankNode)
    assert isinstance(predicate, NamedNode)
    return LocatedTriple(subject, predicate, value, TripleSpans(*spans), prefixes)


def _span(token: Token) -> Span:
    return Span(token.start, token.end)
