"""RDF and JSON from clients, within limits on encoding, depth and entities; nothing is fetched.

The limits are checked before a parser reads, so that no text ends the process. All errors are
SyntaxError with line and column; a text without a base has no relative IRIs (RFC 3986, section
5.1). JSON (RFC 8259) and RDF/XML are scanned token by token for the positions of their values. The
positions of triples come from a second parse, in which each value is replaced by a mark.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Any

from pyoxigraph import Literal, Quad, QuadParser, RdfFormat, Triple, parse

from . import nesting
from .nesting import MAX_DEPTH, TooDeepError
from .positions import LocatedTriple, Span, TripleSpans

_JSON = re.compile(r'"(?:[^"\\]++|\\.)*+"|[{}\[\],:]|[^\s{}\[\],:"]++', re.DOTALL)
_XML = re.compile(
    r"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>|<!DOCTYPE[^\[>]*(?:\[.*?\]\s*)?>|</[^>]*+>"
    r"|<(?P<name>[^\s/>!?][^\s/>]*+)(?P<attributes>(?:[^>\"']|\"[^\"]*+\"|'[^']*+')*+)>|[^<]++",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r"([^\s=/\"']+)\s*=\s*(\"[^\"]*\"|'[^']*')")
_ENTITY = re.compile(r"<!ENTITY\s+(?:%\s+)?\S+\s+(\"[^\"]*\"|'[^']*'|[^>]*)")
_LONGEST_ENTITY = 200
_NO_VALUES = frozenset(
    {"datatype", "parseType", "nodeID", "ID", "lang", "base", "space", "version"}
)


class RefusedTextError(ValueError):
    """A text that is not read on, and why, from an offset."""

    def __init__(self, offset: int, reason: str) -> None:
        super().__init__(reason)
        self.offset, self.reason = offset, reason


class EntityError(RefusedTextError):
    """A declaration of an entity that is not read."""


class ContextError(RefusedTextError):
    """The address of a context that is not fetched."""

    def __init__(self, offset: int, address: str) -> None:
        super().__init__(offset, f"the context {address} is not fetched; put it into the text")
        self.address = address


@dataclass(frozen=True)
class Leaf:
    """A value in a text: its place, and that of the key, the element or attribute that has it.

    `keys` are the names of all that it stands in, the innermost last.
    """

    at: Span
    key: Span
    keys: tuple[str, ...]


def in_json(text: str, most: int = MAX_DEPTH) -> Iterator[Leaf]:
    """Yield the values of a text in JSON but for null; raises TooDeepError."""
    open_: list[tuple[Span, str]] = []
    key, name = Span(0, 0), ""
    for token, following in pairwise(chain(_JSON.finditer(text), [None])):
        assert token
        if token[0] in ("{", "["):
            open_.append((key, name))
            _refuse_depth(len(open_), token.start(), most)
        elif token[0] in ("}", "]"):
            key, name = open_.pop() if open_ else (key, name)
        elif following and following[0] == ":":
            key, name = Span(*token.span()), token[0][1:-1]
        elif token[0] not in (",", ":", "null"):
            yield Leaf(Span(*token.span()), key, (*(n for _, n in open_), name))


def in_xml(text: str) -> Iterator[Leaf]:
    """Yield the values of a text in RDF/XML: IRIs in attributes, and texts that stand alone.

    Raises TooDeepError, or EntityError where it declares entities that could grow.
    """
    _refuse_entities(text)
    open_: list[tuple[Span, str]] = []
    before: re.Match[str] | None = None
    for token, following in pairwise(chain(_XML.finditer(text), [None])):
        assert token
        if token["name"] is not None:
            yield from _attributes(token)
            if _opens(token):
                open_.append((Span(*token.span("name")), token["name"]))
                _refuse_depth(len(open_), token.start())
        elif token[0].startswith("</"):
            del open_[-1:]
        elif token[0][0] != "<" and _opens(before) and following and following[0][:2] == "</":
            yield Leaf(Span(*token.span()), open_[-1][0], tuple(n for _, n in open_))
        before = token


def with_others(text: str, others: Mapping[Span, str]) -> str:
    """Return a text with others in the place of parts of it."""
    parts, end = [], 0
    for span in sorted(others):
        parts += [text[end : span.start], others[span]]
        end = span.end
    return "".join([*parts, text[end:]])


def _attributes(element: re.Match[str]) -> Iterator[Leaf]:
    for found in _ATTRIBUTE.finditer(element["attributes"]):
        name = found[1]
        if not name.startswith("xmlns") and name.rpartition(":")[2] not in _NO_VALUES:
            start = element.start("attributes") + found.start(2) + 1
            at = Span(start, start + len(found[2]) - 2)
            is_own = name.rpartition(":")[2] in ("about", "resource")
            key = element.start("attributes") + found.start(1)
            whose = Span(*element.span("name")) if is_own else Span(key, key + len(name))
            yield Leaf(at, whose, (name,))


def _opens(token: re.Match[str] | None) -> bool:
    """Return whether a token opens an element that has content."""
    return token is not None and token["name"] is not None and not token[0].endswith("/>")


def _refuse_depth(depth: int, offset: int, most: int = MAX_DEPTH) -> None:
    if depth > most:
        raise TooDeepError(offset, most)


def _refuse_entities(text: str) -> None:
    """Refuse entities that name others, are long, or stand elsewhere (XML 1.0, section 4.2)."""
    for found in _ENTITY.finditer(text):
        value = found[1]
        if value[:1] not in ('"', "'") or "&" in value or len(value) > _LONGEST_ENTITY:
            reason = "entities are short texts here: none stands elsewhere or names another"
            raise EntityError(found.start(), reason)


_NO_BASE = "no-base:///"
"""Stands in for the base where there is none, so that relative IRIs are seen in every syntax."""
_IRI = re.compile("IRI '(.*?)'|@base '(.*?)'")


def decoded(content: bytes) -> str:
    """Return a text in UTF-8, whatever it says of itself; raise SyntaxError with the place."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line, column = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        reason = f"no text in UTF-8: {error.reason}"
        raise SyntaxError(reason, ("", line, column, "")) from error


def values(text: str, form: RdfFormat) -> list[Leaf]:
    """Return the values of a text in JSON-LD or RDF/XML, of no other; raise SyntaxError.

    Raises also where the text is nested too deep or declares entities, in whatever syntax.
    """
    with told(text):
        if form == RdfFormat.JSON_LD:
            return list(in_json(text))
        if form == RdfFormat.RDF_XML:
            return list(in_xml(text))
        nesting.refuse_depth(text)
        return []


def refuse_deep_file(content: bytes, form: RdfFormat) -> None:
    """Raise SyntaxError where a file in Turtle, TriG or N-Quads is too deep for its parser.

    Triple terms alone take it down its stack, and a file that has many of them is a rare one.
    """
    if content.count(b"<<(") > MAX_DEPTH:
        values(decoded(content), form)


def contexts(
    listed: Iterable[Leaf], text: str, known: Callable[[str], bool], context: Mapping[str, Any]
) -> dict[Span, str]:
    """Return a context for each known address of one in JSON-LD; raise SyntaxError for others."""
    found: dict[Span, str] = {}
    with told(text):
        for leaf in listed:
            if leaf.keys[-1:] == ("@context",) and text[leaf.at.start] == '"':
                address = text[leaf.at.start + 1 : leaf.at.end - 1]
                if not known(address):
                    raise ContextError(leaf.at.start, address)
                found[leaf.at] = json.dumps(context)
    return found


def parsed(text: str, form: RdfFormat, base: str | None = None) -> QuadParser:
    """Return what parses a text whose `values` have been looked at; iterate within `told`."""
    if base is None and form in (RdfFormat.JSON_LD, RdfFormat.RDF_XML):
        base = _NO_BASE
    return parse(text, form, base_iri=base, rename_blank_nodes=True)


def refuse_relative(quads: Iterable[Quad], placed: Iterable[LocatedTriple]) -> None:
    """Raise RefusedTextError for a relative IRI without a base, at its place if that is known."""
    for triple in placed:
        terms = (triple.subject, triple.predicate, triple.object)
        for term, span in zip(terms, triple.spans, strict=True):
            _refuse_relative(term, span.start)
    for quad in quads:
        for term in quad:
            _refuse_relative(term, 0)


@contextmanager
def told(text: str) -> Iterator[None]:
    """Raise a SyntaxError with line and column for errors of a text; its cause has the details."""
    try:
        yield
    except (TooDeepError, RefusedTextError) as error:
        raise _located(str(error), text, error.offset) from error
    except SyntaxError as error:
        if error.lineno:
            raise
        raise _located(error.msg, text, _offset(text, error)) from error
    except ValueError as error:
        raise _located(str(error), text, 0) from error


def json_value(text: str) -> Any:
    """Parse JSON (RFC 8259); raise ValueError where it is none or holds what is no Unicode."""
    try:
        found = json.loads(text, parse_constant=_no_number)
        json.dumps(found, ensure_ascii=False).encode()  # halves of surrogate pairs are no text
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    return found


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def _located(reason: str, text: str, offset: int) -> SyntaxError:
    return SyntaxError(reason, ("", *nesting.place(text, offset), ""))


def _offset(text: str, error: SyntaxError) -> int:
    """Return where an IRI stands of which a parser complains without saying where."""
    found = _IRI.search(error.msg)
    iri = found and (found[1] or found[2])
    quoted = re.search(rf"[\"']{re.escape(iri)}[\"']", text) if iri else None
    return quoted.start() + 1 if quoted else 0


def _refuse_relative(term: object, offset: int) -> None:
    iri = getattr(term.datatype if isinstance(term, Literal) else term, "value", "")
    if iri.startswith(_NO_BASE):
        reason = f"the IRI <{iri.removeprefix(_NO_BASE)}> is relative, and there is no base"
        raise RefusedTextError(offset, reason)


_MARK = "urn:place:"
_NO_PLACE = Span(0, 0)


def placed(
    text: str,
    leaves: Sequence[Leaf],
    quads: Sequence[Quad],
    read: Callable[[str], Iterable[Quad]],
    others: Mapping[Span, str],
    quoted: str = "{}",
) -> tuple[LocatedTriple, ...]:
    """Return the triples with their places; none where the marked text has other triples.

    `others` are what is read in the place of parts of the text; `quoted` is how a value stands.
    """
    marks = {leaf.at: quoted.format(f"{_MARK}{n}") for n, leaf in enumerate(leaves)}
    try:
        marked = list(read(with_others(text, marks | dict(others))))
    except SyntaxError:
        return ()
    if [quad.predicate for quad in quads] != [quad.predicate for quad in marked]:
        return ()
    pairs = zip(quads, marked, strict=True)
    return tuple(_placed(quad, other, leaves) for quad, other in pairs)


def _placed(quad: Quad, marked: Quad, leaves: Sequence[Leaf]) -> LocatedTriple:
    subject, value = _leaf(marked.subject, leaves), _leaf(marked.object, leaves)
    start = subject.at if subject else value.key if value else _NO_PLACE
    assert not isinstance(quad.subject, Triple)
    spans = TripleSpans(start, value.key if value else start, value.at if value else start)
    return LocatedTriple(quad.subject, quad.predicate, quad.object, spans, {})


def _leaf(term: object, leaves: Sequence[Leaf]) -> Leaf | None:
    before, mark, number = getattr(term, "value", "").partition(_MARK)
    is_mark = mark and not before and number.isdecimal() and int(number) < len(leaves)
    return leaves[int(number)] if is_mark else None
