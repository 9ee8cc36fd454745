"""RDF and JSON from files and clients, parsed within limits of depth and entities.

Every document from outside goes through `parse_rdf` or `parse_json`: it is UTF-8 with or without a
byte order mark, nothing is fetched, and the depth is limited before a parser recurses. All errors
are SyntaxError with line and column; those without a known position are at the start.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, pairwise
from typing import Any, NoReturn

from pyoxigraph import Quad, RdfFormat, Triple, parse

from .syntax_errors import Diagnosis, diagnose_rdf

MAX_BYTES = 4 << 20
"""The maximum size of a document that a client sends."""
MAX_DEPTH = 100
"""The maximum depth of nested brackets, objects and elements."""
_MAX_ENTITY_LENGTH = 200
# A backslash outside of texts and IRIs escapes a character of a name (Turtle 1.1, section 6.4).
_BRACKETS = re.compile(
    r'"""(?:[^"\\]++|\\.|"(?!""))*+"""|\'\'\'(?:[^\'\\]++|\\.|\'(?!\'\'))*+\'\'\''
    r'|"(?:[^"\\\r\n]++|\\.)*+"|\'(?:[^\'\\\r\n]++|\\.)*+\''
    r"|<[^\x00-\x20<>\"{}|^`]*+>|#[^\r\n]*+|\\."
    r"|(?P<opening><<\(?|\{\||[(\[{])|(?P<closing>\)?>>|\|\}|[)\]}])|(?P<unary>!+(?!=))",
    re.DOTALL,
)
_JSON = re.compile(r'"(?:[^"\\]++|\\.)*+"|(?P<opening>[{\[])|(?P<closing>[}\]])|[:,]', re.DOTALL)
_XML = re.compile(
    r"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>|<!DOCTYPE[^\[>]*(?:\[.*?\]\s*)?>|(?P<closing></)"
    r"|(?P<opening><[^\s/>!?](?:[^>\"']|\"[^\"]*+\"|'[^']*+')*+(?<!/)>)",
    re.DOTALL,
)
_TOKENS = {RdfFormat.JSON_LD: _JSON, RdfFormat.RDF_XML: _XML}
_ENTITY = re.compile(r"<!ENTITY\s+(?:%\s+)?\S+\s+(\"[^\"]*\"|'[^']*'|[^>]*)")
_CONTEXT_PATH = re.compile(r"/?context(/[0-9a-f]+)?\.jsonld")
_REMOTE_CONTEXT = "No LoadDocumentCallback has been set to load remote contexts"
"""The reason of Oxigraph for a context that is not in the text; those in JSON literals are data."""


class TooDeepError(SyntaxError):
    """A text that is nested more than MAX_DEPTH deep."""


class RemoteContextError(SyntaxError):
    """A JSON-LD context that is not fetched; `text` is its URL."""


class MalformedError(SyntaxError):
    """An error with its diagnosis."""

    def __init__(self, reason: str, diagnosis: Diagnosis) -> None:
        line, column = diagnosis.get("line", 1), diagnosis.get("column", 1)
        super().__init__(reason, ("", line, column, ""))
        self.diagnosis = diagnosis


@dataclass(frozen=True)
class KnownContext:
    """The JSON-LD context of a catalogue, and the base URLs below which it is."""

    content: Mapping[str, Any] = field(default_factory=dict)
    bases: tuple[str, ...] = ()

    def has_url(self, url: str) -> bool:
        """Return whether a URL, or a path alone, is that of a version of the context."""
        starts = [base.rstrip("/") + "/" for base in self.bases if base]
        paths = [url.removeprefix(start) for start in starts if url.startswith(start)]
        return any(_CONTEXT_PATH.fullmatch(path) for path in (*paths, url))


@dataclass(frozen=True)
class RdfContent:
    """The quads of an RDF document in their order, and the prefixes that it declares."""

    quads: tuple[Quad, ...]
    prefixes: Mapping[str, str]


def parse_rdf(
    content: bytes | str,
    syntax: RdfFormat,
    base: str | None = None,
    context: KnownContext | None = None,
) -> RdfContent:
    """Parse an RDF 1.1 document; without a base, relative IRIs are errors (RFC 3986, 5.1).

    JSON-LD and RDF/XML need a base: their parser drops relative IRIs without one.
    """
    text = content if isinstance(content, str) else decode(content)
    check_depth(text, _TOKENS.get(syntax, _BRACKETS))
    if syntax == RdfFormat.RDF_XML:
        _check_entities(text)
    assert base or syntax not in _TOKENS
    try:
        return _parse(text, syntax, base)
    except SyntaxError as error:
        if syntax not in _TOKENS and type(error) is SyntaxError and error.lineno:
            raise MalformedError(error.msg, diagnose_rdf(text, error)) from error
        if error.msg != _REMOTE_CONTEXT:
            raise
    return _parse(_with_context(text, context or KnownContext()), syntax, base)


def describe(error: SyntaxError) -> dict[str, Any]:
    """Return the kind of an error, its reason, its line and column, and the URL that it is about.

    Without a known position, line and column are those of the start.
    """
    place = {"line": error.lineno or 1, "column": error.offset or 1}
    reason = {"kind": type(error).__name__, "reason": error.msg, "url": error.text or ""}
    return reason | place | dict(diagnosis(error))


def diagnosis(error: SyntaxError) -> Diagnosis:
    """Return the diagnosis of an error, or an empty one."""
    if isinstance(error, TooDeepError):
        return {"hint": "tooDeep", "limit": MAX_DEPTH}
    return error.diagnosis if isinstance(error, MalformedError) else {}


def check_terms(quads: Iterable[Quad]) -> Iterator[Quad]:
    """Yield quads; raise SyntaxError for a triple term, which RDF 1.1 does not have."""
    for quad in quads:
        if isinstance(quad.object, Triple):
            reason = f"a triple term, which is of RDF 1.2: {quad.object}"
            raise MalformedError(reason, {"hint": "tripleTerm", "token": str(quad.object)})
        yield quad


def parse_json(content: bytes | str) -> Any:
    """Parse JSON (RFC 8259), without numbers and characters that are none."""
    text = content if isinstance(content, str) else decode(content)
    check_depth(text, _JSON)
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
        json.dumps(value, ensure_ascii=False).encode()  # halves of surrogate pairs are no text
    except json.JSONDecodeError as error:
        raise SyntaxError(error.msg, ("", error.lineno, error.colno, "")) from error
    except ValueError as error:
        raise SyntaxError(str(error)) from error
    return value


def decode(content: bytes) -> str:
    """Decode UTF-8, whatever encoding the text declares, without a byte order mark."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8-sig", "replace")
        line, column = _position(before, len(before))
        diagnosis = {"hint": "notUtf8", "line": line, "column": column}
        raise MalformedError(f"not UTF-8: {error.reason}", diagnosis) from error


def check_depth(text: str, tokens: re.Pattern[str] = _BRACKETS) -> None:
    """Raise TooDeepError where brackets, or signs of negation in a row, are nested too deep.

    The parsers of Turtle and SPARQL recurse at each bracket, and a stack that overflows ends its
    process.
    """
    openings = sum(map(text.count, ("(", "[", "{", "<<", "!")))
    if openings <= MAX_DEPTH and tokens is not _XML:
        return
    depth = 0
    for token in tokens.finditer(text):
        depth += {"opening": 1, "closing": -1}.get(token.lastgroup or "", 0)
        depth = max(depth, 0)
        negations = len(token[0]) if token.lastgroup == "unary" else 0
        if depth + negations > MAX_DEPTH:
            raise _error(TooDeepError, f"nested more than {MAX_DEPTH} deep", text, token.start())


def _parse(text: str, syntax: RdfFormat, base: str | None) -> RdfContent:
    reader = parse(text, syntax, base_iri=base, rename_blank_nodes=True)
    try:
        quads = tuple(check_terms(reader))
    except ValueError as error:
        raise SyntaxError(str(error)) from error
    return RdfContent(quads, reader.prefixes)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _check_entities(text: str) -> None:
    """Refuse entities that name others, are long, or stand elsewhere (XML 1.0, section 4.2)."""
    for entity in _ENTITY.finditer(text):
        value = entity[1]
        if value[:1] not in ('"', "'") or "&" in value or len(value) > _MAX_ENTITY_LENGTH:
            reason = "entities are short texts here: none stands elsewhere or names another"
            line, column = _position(text, entity.start())
            raise MalformedError(reason, {"hint": "entities", "line": line, "column": column})


def _with_context(text: str, context: KnownContext) -> str:
    """Return JSON-LD with the known context in the place of its URLs; raise for other URLs."""
    parts, end = list[str](), 0
    for token in _context_urls(text):
        url = json.loads(token[0])
        if not context.has_url(url):
            reason = f"the context {url} is not fetched; put it into the text"
            raise _error(RemoteContextError, reason, text, token.start(), url)
        parts += [text[end : token.start()], json.dumps(context.content)]
        end = token.end()
    return "".join([*parts, text[end:]])


def _context_urls(text: str) -> Iterator[re.Match[str]]:
    """Yield the strings that are values of `@context`, alone or in a list."""
    keys, key = list[str](), ""
    for token, following in pairwise(chain(_JSON.finditer(text), [None])):
        assert token
        if token.lastgroup == "opening":
            keys.append(key)
        elif token.lastgroup == "closing":
            key = keys.pop() if keys else ""
        elif following and following[0] == ":":
            key = token[0]
        elif key == '"@context"' and token[0][0] == '"':
            yield token


def _error(
    kind: type[SyntaxError], reason: str, text: str, offset: int, url: str = ""
) -> SyntaxError:
    """Return an error with the line and column of an offset."""
    return kind(reason, ("", *_position(text, offset), url))


def _position(text: str, offset: int) -> tuple[int, int]:
    """Return the line and column of an offset, both from 1."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)
