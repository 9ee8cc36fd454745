"""The text of a client's query: its keywords, its parameters, the hosts it may call."""

import re
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address
from urllib.parse import urljoin

from ..errors import CatalogueError
from ..rdf import untrusted
from ..rdf.terms import Term
from ..rdf.untrusted import MAX_DEPTH, TooDeepError
from .base import QueryRefusedError

_HOST = r"(?P<name>[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{1,5}))?"
_LISTED = re.compile(_HOST, re.IGNORECASE | re.ASCII)
# Nothing but a host and a port stands between the slashes: no user, no escape, no other script.
_ADDRESS = re.compile(rf"(?P<scheme>https?)://{_HOST}(?:[/?#].*)?", re.IGNORECASE | re.ASCII)
_PORTS = {"http": 80, "https": 443}
# The tokens of SPARQL 1.1 (section 19.8) in which a keyword is only text, and bare words. They are
# as the engine reads them: codepoint escapes are resolved within texts and IRIs alone.
_TOKENS = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*"""|\'\'\'(?:[^\'\\]|\\.|\'(?!\'\'))*\'\'\''
    r'|"(?:[^"\\\r\n]|\\.)*"|\'(?:[^\'\\\r\n]|\\.)*\''
    r"|(?P<iri><(?:[^<>\"{}|^`\\\x00-\x20]|\\[uU][0-9A-Fa-f]+)*>)|#[^\r\n]*|[?$@]\w+"
    r"|(?P<prefix>[\w.-]*):(?:[\w.:-]|%[0-9A-Fa-f]{2}|\\.)*|(?P<word>[A-Za-z]+)",
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\u([0-9A-Fa-f]{4})|\\U([0-9A-Fa-f]{8})")
_LOCAL_ESCAPE = re.compile(r"\\(?=.)")
CALL = "SERVICE"
"""The keyword that calls another endpoint."""
_GAP = r"(?:\s|#[^\r\n]*[\r\n])"
_CALLED = re.compile(rf"SERVICE{_GAP}+(?:SILENT{_GAP}+)?<([^<>\"{{}}|^`\\\s]*)>", re.IGNORECASE)
_GROUP = re.compile(rf"[^\s{{]*{_GAP}*\{{")
# Behind a comparison, `<` and what follows may be no IRI, and then opens a text or a comment.
_UNSURE = re.compile(r"<(?![A-Za-z][A-Za-z0-9+.-]*://).*['#]", re.DOTALL)
_BOOLEAN = re.compile(r"\b(?!true\b|false\b)(?i:true|false)\b")
_SPACED = re.compile(rf"(?:BNODE|COALESCE|CONCAT)(?P<gap>{_GAP}+)\(", re.IGNORECASE)
_STAR = re.compile(rf"SELECT(?:{_GAP}+(?:DISTINCT|REDUCED))?{_GAP}*(?P<star>\*)", re.IGNORECASE)
_ABSOLUTE = r"<[A-Za-z][A-Za-z0-9+.-]*:[^<>\"{}|^`\\\x00-\x20]*>"
_NODE = rf"(?:{_ABSOLUTE}|[A-Za-z]\w*:[A-Za-z]\w*)"
_LOOKUP = re.compile(
    rf"\s*(?:PREFIX\s+[A-Za-z]\w*:\s*{_ABSOLUTE}\s*)*SELECT\s+\?\w+\s+(?:WHERE\s*)?\{{\s*"
    rf"{_NODE}\s+{_NODE}\s+\?\w+\s*\.?\s*\}}\s*LIMIT\s+(?P<limit>[1-9][0-9]?|100)\s*",
    re.ASCII | re.IGNORECASE,
)
_CHANGING = {"NOW", "RAND", "UUID", "STRUUID", "BNODE", CALL}


@dataclass(frozen=True)
class Host:
    """A host; without a port, every port of it."""

    name: str
    port: int | None = None

    def __str__(self) -> str:
        return self.name if self.port is None else f"{self.name}:{self.port}"


def parse_host(text: str) -> Host:
    """Parse HOST or HOST:PORT, an IPv6 address in brackets; raise CatalogueError."""
    match = _LISTED.fullmatch(text)
    if not match:
        raise CatalogueError(f"{text}: not a host, such as example.org or example.org:8080")
    return Host(_name(match["name"]), int(match["port"]) if match["port"] else None)


def is_allowed_host(hosts: Iterable[Host], iri: str) -> bool:
    """Return whether an IRI is http or https, written in full, and of one of the hosts."""
    match = _ADDRESS.fullmatch(iri)
    if not match:
        return False
    try:
        name = _name(match["name"])
    except CatalogueError:
        return False
    port = int(match["port"] or _PORTS[match["scheme"].lower()])
    return any(host.name == name and host.port in (None, port) for host in hosts)


def _name(text: str) -> str:
    """Return a name in lower case, an IPv6 address in its compressed form."""
    if not text.startswith("["):
        return text.lower()
    try:
        return f"[{IPv6Address(text[1:-1]).compressed}]"
    except ValueError as error:
        raise CatalogueError(f"{text}: not an IPv6 address") from error


def query_words(query: str) -> set[str]:
    """Return the keywords and functions of a query in capitals, but no names or texts."""
    return {match["word"].upper() for match in _TOKENS.finditer(query) if match["word"]}


def as_engine_reads(query: str) -> str:
    """Return a query without what SPARQL allows (section 19.8) and the engine refuses.

    These are TRUE and FALSE in capitals, and spaces between some functions and their brackets. All
    tokens keep their places but such a bracket, which comes before the spaces.
    """
    if _BOOLEAN.search(query):
        query = _TOKENS.sub(_lower_boolean, query)
    for word in _TOKENS.finditer(query) if _SPACED.search(query) else ():
        if word["word"] and (call := _SPACED.match(query, word.start())):
            query = query[: word.end()] + "(" + call["gap"] + query[call.end() :]
    return query


def _lower_boolean(match: re.Match[str]) -> str:
    return match[0].lower() if _BOOLEAN.fullmatch(match["word"] or "") else match[0]


def name_columns(query: str, find_names: Callable[[], Collection[str]]) -> str:
    """Return a query with its variables instead of `SELECT *`, in the order in which it has them.

    The names of its columns are found only where it has the star; it is the same if one of them is
    not in its text.
    """
    words = (match for match in _TOKENS.finditer(query) if match["word"])
    select = next((match for match in words if match["word"].upper() == "SELECT"), None)
    clause = select and _STAR.match(query, select.start())
    if not clause:
        return query
    names = find_names()
    variables = (match[0][1:] for match in _TOKENS.finditer(query) if match[0][0] in "?$")
    columns = [name for name in dict.fromkeys(variables) if name in names]
    if not columns or len(columns) < len(names):
        return query
    start, end = clause.span("star")
    return query[:start] + " ".join(f" ?{name}" for name in columns) + " " + query[end:]


def parse_dataset(query: str, base: str | None) -> tuple[list[str], list[str]]:
    """Return the default and the named graphs of a query's dataset clauses (section 13.2).

    Both are empty where it has none, or is none that can be parsed.
    """
    graphs: dict[str, list[str]] = {"FROM": [], "NAMED": []}
    for clause, iri, _ in _iris(query, base) if "FROM" in query.upper() else ():
        if clause in graphs:
            graphs[clause].append(iri)
    return graphs["FROM"], graphs["NAMED"]


def find_iris(query: str) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield the IRIs of a query but those of its prologue, each with its span."""
    return ((iri, span) for _, iri, span in _iris(query, None))


def _iris(query: str, base: str | None) -> Iterator[tuple[str, str, tuple[int, int]]]:
    """Yield the IRIs of a query but those of its prologue: the word before each, it, its span.

    The word is "" where another IRI is between, and for a NAMED that does not follow FROM.
    """
    prefixes: dict[str, str] = {}
    clause = prefix = ""
    for match in _TOKENS.finditer(query):
        if word := (match["word"] or "").upper():
            clause = word if word != "NAMED" or clause == "FROM" else ""
        elif match["prefix"] is not None and clause == "PREFIX":
            prefix = match["prefix"]
        elif match["prefix"] is not None or match["iri"]:
            iri = _resolve(match, base, prefixes)
            if clause == "PREFIX":
                prefixes[prefix] = iri
            elif clause == "BASE":
                base = iri
            elif iri:
                yield clause, iri, match.span()
            clause = ""


def _resolve(match: re.Match[str], base: str | None, prefixes: Mapping[str, str]) -> str:
    """Return the IRI of a token, or "" for a prefix that is not declared."""
    if match["iri"]:
        return urljoin(base or "", _unescaped(match["iri"][1:-1]))
    _, _, name = match[0].partition(":")
    start = prefixes.get(match["prefix"])
    return "" if start is None else start + _LOCAL_ESCAPE.sub("", name)


def check_query_depth(query: str) -> None:
    """Raise QueryRefusedError, with line and column, if a query is nested too deep to be parsed."""
    try:
        untrusted.check_depth(query)
    except TooDeepError as error:
        place = {"line": error.lineno, "column": error.offset}
        raise QueryRefusedError(error.msg, hint="tooDeep", limit=MAX_DEPTH, **place) from error


def check_service_calls(query: str, allowed: Collection[Host] = ()) -> None:
    """Raise QueryRefusedError if a query calls, or could be parsed to call, another host.

    The engine's parser needs no space around a keyword, so that SERVICE can stand at the end of
    another word, before SILENT, or before the colon of a name with a group behind it.
    """
    for text in {query, _unescaped(query)}:
        for match in _calls(text):
            called = _CALLED.match(text, match.start())
            if not called or not is_allowed_host(allowed, called[1]):
                raise _refuse_call(match["iri"], allowed)


def _calls(text: str) -> Iterator[re.Match[str]]:
    """Yield the tokens that call a host, might be parsed so, or hide whether others do."""
    for match in _TOKENS.finditer(text) if CALL in text.upper() else ():
        glued = CALL in (match["prefix"] or "").upper() and _GROUP.match(text, match.end())
        unsure = match["iri"] and _UNSURE.match(match["iri"])
        if CALL in (match["word"] or "").upper() or glued or unsure:
            yield match


def _refuse_call(iri: str | None, allowed: Collection[Host]) -> QueryRefusedError:
    if iri:
        return QueryRefusedError(f"SERVICE beside {iri}", hint="serviceUnclear")
    names = ", ".join(map(str, allowed))
    hint = "serviceHosts" if names else "serviceRefused"
    return QueryRefusedError(f"SERVICE, allowed for {names or 'no host'}", hint=hint, hosts=names)


def lookup_limit(query: str) -> int:
    """Return the LIMIT, up to 100, of a query for the values of one property of one node, else 0.

    Such a query reads one place of an index, so that it cannot take long.
    """
    match = _LOOKUP.fullmatch(query)
    return int(match["limit"]) if match else 0


def is_deterministic(query: str) -> bool:
    """Return whether a query has the same result on the same data."""
    text = query.upper()
    return not (any(word in text for word in _CHANGING) and query_words(query) & _CHANGING)


def _unescaped(query: str) -> str:
    """Return a query with its codepoint escapes resolved (SPARQL 1.1, section 19.2)."""
    return _ESCAPE.sub(lambda match: _character(match[1] or match[2]), query)


def _character(digits: str) -> str:
    number = int(digits, 16)
    return chr(number) if number <= sys.maxunicode else "\ufffd"


def bind_parameters(query: str, terms: Mapping[str, Term]) -> str:
    """Return a query with terms in the place of variables that are written with a dollar."""

    def bind(match: re.Match[str]) -> str:
        token = match[0]
        return str(terms.get(token[1:], token)) if token.startswith("$") else token

    return _TOKENS.sub(bind, query)
