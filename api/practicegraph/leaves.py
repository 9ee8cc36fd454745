"""The values in texts of JSON (RFC 8259) and RDF/XML, and where they stand.

Both are walked token by token, so that no text is too deep to be walked, and what reads them
afterwards is spared the ones that are.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, pairwise

from .brackets import DEEPEST, TooDeepError
from .places import Span

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


def in_json(text: str, most: int = DEEPEST) -> Iterator[Leaf]:
    """Give the values of a text in JSON but for null; raises TooDeepError."""
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
    """Give the values of a text in RDF/XML: IRIs in attributes, and texts that stand alone.

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
    """Give a text with others in the place of parts of it."""
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
    """Tell whether a token opens an element that has content."""
    return token is not None and token["name"] is not None and not token[0].endswith("/>")


def _refuse_depth(depth: int, offset: int, most: int = DEEPEST) -> None:
    if depth > most:
        raise TooDeepError(offset, most)


def _refuse_entities(text: str) -> None:
    """Refuse entities that name others, are long, or stand elsewhere (XML 1.0, section 4.2)."""
    for found in _ENTITY.finditer(text):
        value = found[1]
        if value[:1] not in ('"', "'") or "&" in value or len(value) > _LONGEST_ENTITY:
            reason = "entities are short texts here: none stands elsewhere or names another"
            raise EntityError(found.start(), reason)
