"""The offsets of the subject, predicate and object of each triple in Turtle, TriG and N-Quads.

The texts have been parsed without an error before. They are split into tokens by the grammar of
Turtle 1.1 (https://www.w3.org/TR/turtle/, section 6.5); Oxigraph parses the terms. Triple terms of
RDF 1.2 are not supported.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

from pyoxigraph import BlankNode, NamedNode, RdfFormat, parse

from .terms import FIRST, NIL, REST, TYPE, Node, Term

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
_DIRECTIVES = frozenset({"prefix", "base", "version"})


class UnknownTokenError(ValueError):
    """A text with characters that are no token of Turtle 1.1, from an offset on."""

    def __init__(self, offset: int) -> None:
        super().__init__(f"no token of Turtle at character {offset}")
        self.offset = offset


@dataclass(frozen=True)
class Token:
    """A token, or a literal of several tokens: its kind, its text, its offsets.

    In a literal, spaces and comments before the language or datatype are left out.
    """

    kind: str
    text: str
    start: int
    end: int


def tokenize(text: str) -> Iterator[Token]:
    """Yield the tokens, a literal as one; raises UnknownTokenError."""
    literal: list[Token] = []  # a string, or a string and ^^, which may go on
    for token in _single(text):
        if literal and (token.kind in ("at", "type") or literal[-1].kind == "type"):
            literal.append(token)
            if token.kind == "type":
                continue
            yield _joined(literal)
            literal = []
            continue
        yield from literal
        literal = [token] if token.kind == "string" else []
        if not literal:
            yield token
    yield from literal


def _single(text: str) -> Iterator[Token]:
    offset = 0
    while offset < len(text):
        match = _TOKEN.match(text, offset)
        if match is None:
            raise UnknownTokenError(offset)
        kind, offset = match.lastgroup, match.end()
        assert kind
        if kind != "space":
            yield Token(kind, match[0], match.start(), offset)


def _joined(parts: list[Token]) -> Token:
    text = "".join(part.text for part in parts)
    return Token("string", text, parts[0].start, parts[-1].end)


class Span(NamedTuple):
    """A part of a text: the offset of its first character, and of the first one after it."""

    start: int
    end: int


class TripleSpans(NamedTuple):
    """The spans of the terms of a triple."""

    subject: Span
    predicate: Span
    object: Span


@dataclass(frozen=True)
class LocatedTriple:
    """A triple with the spans of its terms; a list has the span of its brackets.

    `prefixes` are those that are declared before it.
    """

    subject: Node
    predicate: NamedNode
    object: Term
    spans: TripleSpans
    prefixes: Mapping[str, str]


def locate_triples(text: str, base: str = "") -> list[LocatedTriple]:
    """Return the triples of Turtle or TriG with their positions; raises UnknownTokenError."""
    return _Walk(list(tokenize(text)), _Names(base and f"<{base}>")).triples()


def locate_n_quads(text: str) -> Iterator[LocatedTriple]:
    """Yield the triples of N-Quads with their positions; raises UnknownTokenError."""
    names = _Names()
    for ends, statement in groupby(tokenize(text), lambda token: token.kind == "mark"):
        if not ends:
            parts = [*statement][:3]
            yield _located_triple([*map(names.term, parts)], [*map(_span, parts)], {})


_LocatedTerm = tuple[Term, Span]


@dataclass
class _Names:
    """The terms that tokens stand for, by the directives so far."""

    base: str = ""
    prefixes: dict[str, str] = field(default_factory=dict)
    cache: dict[str, Term] = field(default_factory=dict)

    def declare(self, kind: str, name: str, iri: str) -> None:
        """Take a directive."""
        if kind == "prefix":
            full = self.term(Token("iri", iri, 0, 0))
            assert isinstance(full, NamedNode)
            self.prefixes = self.prefixes | {name.removesuffix(":"): full.value}
        if kind == "base":
            self.base = str(self.term(Token("iri", iri, 0, 0)))
        self.cache.clear()

    def term(self, token: Token) -> Term:
        """Return the term that a token stands for."""
        if token.text == "a":
            return TYPE
        if token.text not in self.cache:
            self.cache[token.text] = self._parsed(token)
        return self.cache[token.text]

    def _parsed(self, token: Token) -> Term:
        head = f"@base {self.base} . " if self.base else ""
        used = token.text.rpartition("^^")[2].partition(":")[0]
        if used in self.prefixes:
            head += f"@prefix {used}: {NamedNode(self.prefixes[used])} . "
        statement = f"{head}<x:s> <x:p> {token.text} ."
        term: Term = next(iter(parse(statement, RdfFormat.TURTLE))).object
        return term


_Triple = tuple[_LocatedTerm, _LocatedTerm, _LocatedTerm]


@dataclass
class _Statement:
    """A subject and its predicate so far: of a statement, or in brackets."""

    subject: _LocatedTerm | None = None
    predicate: _LocatedTerm | None = None
    start: int = -1

    def take(self, term: _LocatedTerm) -> Iterator[_Triple]:
        """Take the next term and yield the triple that it completes."""
        if self.subject is None:
            self.subject = term
        elif self.predicate is None:
            self.predicate = term
        else:
            yield self.subject, self.predicate, term


@dataclass
class _List:
    """A list with its last cell so far."""

    cell: _LocatedTerm
    start: int
    filled: bool = False

    def take(self, term: _LocatedTerm) -> Iterator[_Triple]:
        """Take the next member and yield the triples of its cell."""
        if self.filled:
            cell = BlankNode(), term[1]
            yield self.cell, (REST, term[1]), cell
            self.cell = cell
        self.filled = True
        yield self.cell, (FIRST, term[1]), term


class _Walk:
    """One pass over the tokens; open brackets are a stack, so that no nesting is too deep."""

    def __init__(self, tokens: Sequence[Token], names: _Names) -> None:
        self._tokens, self._next = tokens, 0
        self._names = names
        self._open: list[_Statement | _List] = [_Statement()]
        self._triples: list[tuple[_Triple, Mapping[str, str]]] = []
        self._ends: dict[int, int] = {}

    def triples(self) -> list[LocatedTriple]:
        """Return the triples in the order of their objects."""
        while self._next < len(self._tokens):
            token = self._next_token()
            word = token.text.lower().removeprefix("@")
            if token.kind == "mark":
                self._punctuation(token)
            elif token.kind in ("at", "word") and word in _DIRECTIVES:
                self._directive(word)
            elif word != "graph" or token.kind != "word":
                self._add_term((self._names.term(token), _span(token)))
        return [self._located(triple, prefixes) for triple, prefixes in self._triples]

    def _next_token(self) -> Token:
        token = self._tokens[self._next]
        self._next += 1
        return token

    def _directive(self, word: str) -> None:
        name = self._next_token().text if word == "prefix" else ""
        self._names.declare(word, name, self._next_token().text)

    def _add_term(self, term: _LocatedTerm) -> None:
        triples = self._open[-1].take(term)
        self._triples += [(triple, self._names.prefixes) for triple in triples]

    def _punctuation(self, token: Token) -> None:
        match token.text:
            case "[":
                node = BlankNode(), _span(token)
                self._add_term(node)
                self._open.append(_Statement(node, start=token.start))
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
                self._separator(mark)

    def _list(self, token: Token) -> None:
        if self._tokens[self._next].text == ")":
            self._add_term((NIL, Span(token.start, self._next_token().end)))
            return
        cell = BlankNode(), _span(token)
        self._add_term(cell)
        self._open.append(_List(cell, token.start))

    def _close(self, token: Token) -> None:
        closed = self._open.pop()
        self._ends[closed.start] = token.end
        if isinstance(closed, _List):
            triple = closed.cell, (REST, _span(token)), (NIL, _span(token))
            self._triples.append((triple, self._names.prefixes))

    def _separator(self, mark: str) -> None:
        statement = self._open[-1]
        if mark == "." or isinstance(statement, _List):
            self._open[-1] = _Statement()
        elif mark == ";":
            statement.predicate = None

    def _located(self, triple: _Triple, prefixes: Mapping[str, str]) -> LocatedTriple:
        """Return a triple, whose brackets end where they close."""
        spans = (span._replace(end=self._ends.get(span.start, span.end)) for _, span in triple)
        return _located_triple([term for term, _ in triple], [*spans], prefixes)


def _located_triple(
    terms: Sequence[Term], spans: Sequence[Span], prefixes: Mapping[str, str]
) -> LocatedTriple:
    subject, predicate, value = terms
    assert isinstance(subject, NamedNode | BlankNode)
    assert isinstance(predicate, NamedNode)
    return LocatedTriple(subject, predicate, value, TripleSpans(*spans), prefixes)


def _span(token: Token) -> Span:
    return Span(token.start, token.end)
