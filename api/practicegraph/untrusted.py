"""RDF and JSON that others send: the one door through which their texts reach a parser.

No text ends the process or costs more than its size: encoding, depth and entities are looked at
before a parser reads, and nothing is fetched. Whatever is wrong is a SyntaxError with its line and
column; a text without a base has no relative IRIs (RFC 3986, section 5.1).
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pyoxigraph import Literal, Quad, QuadParser, RdfFormat, parse

from . import brackets, leaves
from .brackets import DEEPEST, TooDeepError
from .leaves import ContextError, Leaf, RefusedTextError
from .places import Placed, Span

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
            return list(leaves.in_json(text))
        if form == RdfFormat.RDF_XML:
            return list(leaves.in_xml(text))
        brackets.refuse_depth(text)
        return []


def refuse_depth(content: bytes, form: RdfFormat) -> None:
    """Raise SyntaxError where a file in Turtle, TriG or N-Quads is too deep for its parser.

    Triple terms alone take it down its stack, and a file that has many of them is a rare one.
    """
    if content.count(b"<<(") > DEEPEST:
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


def refuse_relative(quads: Iterable[Quad], placed: Iterable[Placed]) -> None:
    """Raise RefusedTextError for a relative IRI without a base, at its place if that is known."""
    for triple in placed:
        terms = (triple.subject, triple.predicate, triple.object)
        for term, span in zip(terms, triple.at, strict=True):
            _refuse_relative(term, span.start)
    for quad in quads:
        for term in quad:
            _refuse_relative(term, 0)


@contextmanager
def told(text: str) -> Iterator[None]:
    """Have what is wrong with a text told as a SyntaxError with its place; the cause says more."""
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
    return SyntaxError(reason, ("", *brackets.place(text, offset), ""))


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
