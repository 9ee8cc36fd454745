"""The text of a reader's query: the words in it, what it may not do, the terms put into it."""

import re
import sys
from collections.abc import Iterator, Mapping

from .store import QueryRefusedError, Term

# The tokens of SPARQL 1.1 (section 19.8) in which a keyword is only text, and bare words.
_TOKENS = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*"""|\'\'\'(?:[^\'\\]|\\.|\'(?!\'\'))*\'\'\''
    r'|"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\''
    r"|<[^<>\"{}|^`\\\s]*>|#[^\n]*|[?$@]\w+|(?P<prefix>[\w.-]*):[\w.-]*|(?P<word>[A-Za-z]+)",
    re.DOTALL,
)

_ESCAPE = re.compile(r"\\u([0-9A-Fa-f]{4})|\\U([0-9A-Fa-f]{8})")
_CHANGING = {"NOW", "RAND", "UUID", "STRUUID", "BNODE"}


def words(query: str) -> set[str]:
    """Give the bare words of a query in capitals: keywords and functions, but no names or texts."""
    return {match["word"].upper() for match in _tokens(query) if match["word"]}


def refuse_calls(query: str) -> None:
    """Raise QueryRefusedError if the query calls another endpoint, or may be read as if it did.

    The engine's parser needs no space around a keyword, so that SERVICE can stand at the end of
    another word, before SILENT, or before the colon of a name with a group behind it.
    """
    text = _unescaped(query)
    for match in _TOKENS.finditer(text):
        glued = (match["prefix"] or "").upper().endswith("SERVICE")
        group = text[match.end() :].lstrip().startswith("{")
        if "SERVICE" in (match["word"] or "").upper() or (glued and group):
            raise QueryRefusedError("SERVICE is not allowed: this endpoint calls no other one.")


def is_repeatable(query: str) -> bool:
    """Tell whether the query gives the same on the same data whenever it is run."""
    return not words(query) & _CHANGING


def _tokens(query: str) -> Iterator[re.Match[str]]:
    return _TOKENS.finditer(_unescaped(query))


def _unescaped(query: str) -> str:
    """Give the query with its codepoint escapes resolved (SPARQL 1.1, section 19.2)."""
    return _ESCAPE.sub(lambda match: _character(match[1] or match[2]), query)


def _character(digits: str) -> str:
    number = int(digits, 16)
    return chr(number) if number <= sys.maxunicode else "\ufffd"


def with_terms(query: str, terms: Mapping[str, Term]) -> str:
    """Give the query with terms in the place of the variables that are written with a dollar."""

    def replaced(match: re.Match[str]) -> str:
        token = match[0]
        return str(terms.get(token[1:], token)) if token.startswith("$") else token

    return _TOKENS.sub(replaced, query)
