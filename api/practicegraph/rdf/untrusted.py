"""RDF and JSON from files and clients, parsed within limits of depth and entities.

Every document from outside goes through `parse_rdf` or `parse_json`: it is UTF-8 with or without a
byte order mark, nothing is fetched, and the depth is limited before a parser recurses. All errors
are SyntaxError with line and column; those without a known position are at the start.

Oxigraph's parser of RDF/XML accepts XML that is not well-formed and reports no positions: an error
is at the element at which it stops reading. That of JSON-LD reads the whole text before it reports
one: it is at the keyword that the reason names.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain, pairwise
from typing import Any, NoReturn
from xml.parsers import expat

from pyoxigraph import Literal, Quad, RdfFormat, Triple, parse

from .jsonld import listed, objects, replace_invalid_keys
from .syntax_errors import Diagnosis, diagnose_rdf, make_diagnosis
from .terms import parse_iri

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
_CONTEXT_KEYS = ('"@context"', '"@import"')
_XML_PIECE = re.compile(r"[^>]*>|[^>]+")
_XML_NAME = re.compile(r"[^\s<>=/]+")
_XML_PREFIX = re.compile(r"[<\s]([^\s<>=/:\"']+):[^\s<>=/:]")
_XML_DECLARED = re.compile(r"\sxmlns:([^\s=]+)\s*=")
_XML_DETAIL = re.compile(r"'([^']+)'|^(\S+) (?:is not a valid|has already)")
_JSON_DETAIL = re.compile(r"Expecting '(.)'")
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"?|\\u?\w*|&[\w#]*;?|</?[^\s/>]*|[^\W_][\w.:-]*|.', re.DOTALL)
_LONG_NUMBER = re.compile(r"[0-9]{4300}")
_CONSTANT = re.compile(r'"(?:[^"\\]|\\.)*"|(?P<constant>NaN|-?Infinity)', re.DOTALL)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]\w\w")
_KEYWORD = re.compile(r"@\w+")
_LANGUAGE = re.compile(r'"@language"\s*:\s*"(?P<tag>[^"]*)"')
_TAG = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*|@none")
_NO_TERM = "urn:x-no-term:"
_ADDRESS = re.compile(r'"https?://(?:[^"\\]|\\.)*"')
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
        _check_xml(text)
    assert base or syntax not in _TOKENS
    try:
        return _parse(text, text, syntax, base)
    except SyntaxError as error:
        if error.msg != _REMOTE_CONTEXT:
            raise
    return _parse(_with_context(text, context or KnownContext()), text, syntax, base)


def describe(error: SyntaxError) -> dict[str, Any]:
    """Return the reason of an error, its line and column, and its diagnosis.

    Without a known position, line and column are those of the start.
    """
    place = {"line": error.lineno or 1, "column": error.offset or 1}
    return {"reason": error.msg} | place | dict(diagnosis(error))


def diagnosis(error: SyntaxError) -> Diagnosis:
    """Return the diagnosis of an error, or an empty one."""
    if isinstance(error, TooDeepError):
        return {"hint": "tooDeep", "limit": MAX_DEPTH}
    if isinstance(error, RemoteContextError):
        return {"hint": "remoteContext", "address": error.text}
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
        expected = _JSON_DETAIL.match(error.msg)
        diagnosis = _unexpected(text, error.pos, expected[1] if expected else "")
        raise MalformedError(error.msg, diagnosis) from error
    except UnicodeEncodeError as error:
        half = _SURROGATE.search(text)
        diagnosis = _unexpected(text, half.start() if half else 0)
        raise MalformedError(str(error), diagnosis) from error
    except ValueError as error:
        constants = (m.start() for m in _CONSTANT.finditer(text) if m["constant"])
        number = _LONG_NUMBER.search(text)  # which Python does not convert
        place = next(constants, number.start() if number else 0)
        raise MalformedError(str(error), _unexpected(text, place)) from error
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


def _parse(text: str, source: str, syntax: RdfFormat, base: str | None) -> RdfContent:
    """Parse a text, which differs from its source, where errors are located, in contexts alone."""
    reader = parse(text, syntax, base_iri=base, rename_blank_nodes=True)
    try:
        quads = tuple(check_terms(reader))
    except (SyntaxError, ValueError) as error:
        if isinstance(error, MalformedError) or str(error) == _REMOTE_CONTEXT:
            raise
        raise MalformedError(str(error), _diagnose(text, syntax, error)) from error
    if syntax == RdfFormat.JSON_LD:
        _check_addresses_and_languages(source, quads)
        _check_keys(text, source, base)
    return RdfContent(quads, reader.prefixes)


def _diagnose(text: str, syntax: RdfFormat, error: Exception) -> Diagnosis:
    if syntax == RdfFormat.RDF_XML:
        return _diagnose_rdf_xml(text, str(error))
    if syntax == RdfFormat.JSON_LD:
        return _diagnose_json_ld(text, str(error))
    return diagnose_rdf(text, error) if isinstance(error, SyntaxError) else {}


def _check_xml(text: str) -> None:
    """Raise MalformedError for XML that is not well-formed (XML 1.0, section 2.1).

    So does XML with a prefix that is not declared (Namespaces in XML 1.0, section 5).
    """
    parser, opened = expat.ParserCreate(namespace_separator=" "), list[int]()
    parser.StartElementHandler = lambda *_: opened.append(parser.CurrentByteIndex)
    parser.EndElementHandler = lambda _: opened.pop()
    try:
        parser.Parse(text, True)
    except expat.ExpatError as error:
        content = text.encode()
        start, *outer = (len(content[:n].decode()) for n in (parser.ErrorByteIndex, *opened[-1:]))
        diagnosis = _diagnose_xml(text, expat.errors.messages[error.code], start, outer)
        raise MalformedError(str(error), diagnosis) from error


def _diagnose_xml(text: str, reason: str, start: int, outer: Sequence[int]) -> Diagnosis:
    """Return the diagnosis of XML with an error of expat, in the element that is open."""
    name = next((match[0] for n in outer if (match := _XML_NAME.search(text, n))), "")
    if reason == expat.errors.XML_ERROR_TAG_MISMATCH:
        return make_diagnosis(
            text, start, "expectedToken", token=_token(text, start), expected=name
        )
    if reason == expat.errors.XML_ERROR_UNBOUND_PREFIX:
        tag = text[start : text.find(">", start)]
        used = (match[1] for match in _XML_PREFIX.finditer(tag) if match[1] not in ("xml", "xmlns"))
        prefix = next(
            (name for name in used if f"xmlns:{name}=" not in text[: start + len(tag)]), ""
        )
        return make_diagnosis(text, start, "undeclaredNamespace", prefix=prefix, iri="…")
    if reason == expat.errors.XML_ERROR_NO_ELEMENTS and outer:
        words = {"token": f"<{name}>", "expected": f"</{name}>"}
        return make_diagnosis(text, outer[0], "unclosedBracket", **words)
    return _unexpected(text, start - text.endswith("&", 0, start))


def _unexpected(text: str, start: int, expected: str = "") -> Diagnosis:
    """Return the diagnosis of a token, or of the end, in a place where another is expected."""
    token, before = _token(text, start), text[:start].rstrip()
    if token.startswith('"') and not token.endswith('"', 1):
        return make_diagnosis(text, start, "unclosedText", token=token[0])
    if not token.strip(" \t\r\n"):
        return make_diagnosis(text, len(before), "unexpectedEnd", before=before[-20:])
    shown = token if token.isprintable() else f"U+{ord(token[0]):04X}"
    hint = "expectedToken" if expected else "unexpectedToken"
    return make_diagnosis(text, start, hint, token=shown, expected=expected)


def _token(text: str, start: int) -> str:
    match = _TOKEN.match(text, start)
    return match[0] if match else ""


def _diagnose_rdf_xml(text: str, reason: str) -> Diagnosis:
    """Return the diagnosis of well-formed XML that is no RDF/XML for a reason."""
    reader = _PieceReader(match[0] for match in _XML_PIECE.finditer(text))
    with suppress(SyntaxError):
        for _ in parse(reader, RdfFormat.RDF_XML, base_iri="urn:base"):  # type: ignore[arg-type]
            pass
    start, detail = max(text.rfind("<", 0, reader.end), 0), _XML_DETAIL.search(reason)
    token = (detail[1] or detail[2]) if detail else _token(text, start)
    shown = (f'"{token}"', f"'{token}'", token)
    places = (text.find(each, start, reader.end) + (each != token) for each in shown)
    place = next((place for place in places if place > 0), start)
    if "language tag" in reason:
        return make_diagnosis(text, place, "invalidLanguage", token=token)
    if "IRI" in reason:
        return make_diagnosis(text, place, "invalidIri", token=f"<{token}>")
    return make_diagnosis(text, place, "unexpectedToken", token=token)


class _PieceReader:
    """A stream that is read piece by piece; `end` is where the last one ends."""

    def __init__(self, pieces: Iterator[str]) -> None:
        self._pieces, self._rest, self.end = pieces, b"", 0

    def read(self, size: int) -> bytes:
        """Return at most so many bytes of one piece."""
        if not self._rest:
            piece = next(self._pieces, "")
            self._rest, self.end = piece.encode(), self.end + len(piece)
        result, self._rest = self._rest[:size], self._rest[size:]
        return result


def _diagnose_json_ld(text: str, reason: str) -> Diagnosis:
    """Return the diagnosis of a text that is no JSON, or no JSON-LD for a reason."""
    try:
        parse_json(text)
    except MalformedError as error:
        return error.diagnosis
    keyword = _KEYWORD.search(reason)
    token = keyword[0] if keyword else "@context"
    faulty = re.search(rf'"{token}"\s*:\s*(?!["\s])', text)
    place = faulty.start() if faulty else max(text.find(f'"{token}"'), 0)
    return make_diagnosis(text, place, "invalidKeyword", token=token)


def _check_addresses_and_languages(text: str, quads: Iterable[Quad]) -> None:
    """Raise MalformedError for an invalid IRI or language: the parser leaves out its triples."""
    for match in _LANGUAGE.finditer(text):
        try:
            Literal("", language=match["tag"])
        except ValueError as error:
            place, tag = match.start("tag"), match["tag"]
            diagnosis = make_diagnosis(text, place, "invalidLanguage", token=tag)
            raise MalformedError(str(error), diagnosis) from error
    literals = {quad.object.value for quad in quads if isinstance(quad.object, Literal)}
    for match in _ADDRESS.finditer(text):
        address = json.loads(match[0])
        if not parse_iri(address) and address not in literals:
            diagnosis = make_diagnosis(text, match.start(), "invalidIri", token=f"<{address}>")
            raise MalformedError(f"no IRI: {address}", diagnosis)


def _check_keys(text: str, source: str, base: str | None) -> None:
    """Raise MalformedError for a key without meaning, or that is no language where one stands.

    The parser leaves out its values. With a vocabulary for all other keys (section 4.1.2), it tells
    them from those of JSON literals and from those that a context maps to null. A key that is no
    term of a context, and has characters that no IRI has, is none either.
    """
    content = parse_json(text)
    contexts = (part for node in objects(content) for part in objects(node.get("@context")))
    terms = (item for context in contexts for item in context.items() if isinstance(item[1], dict))
    by_language = {name for name, term in terms if "@language" in listed(term.get("@container"))}
    for node in objects(content):
        for name in by_language & node.keys():
            for tag in node[name] if isinstance(node[name], dict) else ():
                if not _TAG.fullmatch(tag):
                    raise _key_error(source, tag, "languageKey", name)
    replaced = replace_invalid_keys(content, _NO_TERM)
    for node in filter(lambda part: isinstance(part, dict), listed(content)):
        node["@context"] = [{"@vocab": _NO_TERM}, *listed(node.get("@context", {}))]
    for quad in parse(json.dumps(content), RdfFormat.JSON_LD, base_iri=base):
        if quad.predicate.value.startswith(_NO_TERM):
            key = quad.predicate.value[len(_NO_TERM) :]
            key = replaced.get(key, key)
            raise _key_error(source, key, "invalidIri" if ":" in key else "unmappedKey")


def _key_error(text: str, key: str, hint: str, owner: str = "") -> MalformedError:
    """Return the error of a key, behind that of its object."""
    start = max(text.find(f'"{owner}"'), 0)
    name = re.escape(json.dumps(key, ensure_ascii=False))
    place = next((m.start() for m in re.finditer(rf"{name}\s*:", text) if m.start() >= start), 0)
    diagnosis = make_diagnosis(text, place, hint, token=f"<{key}>" if hint == "invalidIri" else key)
    return MalformedError(f"the key {key} has no meaning", diagnosis)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _check_entities(text: str) -> None:
    """Refuse entities that name others, are long, or stand elsewhere (XML 1.0, section 4.2)."""
    for entity in _ENTITY.finditer(text):
        value = entity[1]
        if value[:1] not in ('"', "'") or "&" in value or len(value) > _MAX_ENTITY_LENGTH:
            reason = "entities are short texts here: none stands elsewhere or names another"
            raise MalformedError(reason, make_diagnosis(text, entity.start(), "entities"))


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
    """Yield the strings that are values of `@context`, alone or in a list, or of `@import`."""
    keys, key = list[str](), ""
    for token, following in pairwise(chain(_JSON.finditer(text), [None])):
        assert token
        if token.lastgroup == "opening":
            keys.append(key)
        elif token.lastgroup == "closing":
            key = keys.pop() if keys else ""
        elif following and following[0] == ":":
            key = token[0]
        elif key in _CONTEXT_KEYS and token[0][0] == '"':
            yield token


def _error(
    kind: type[SyntaxError], reason: str, text: str, offset: int, url: str = ""
) -> SyntaxError:
    """Return an error with the line and column of an offset."""
    return kind(reason, ("", *_position(text, offset), url))


def _position(text: str, offset: int) -> tuple[int, int]:
    """Return the line and column of an offset, both from 1."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)
