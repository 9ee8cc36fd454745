"""The diagnosis of a parser's error: the phrase for a syntax error in Turtle or in SPARQL.

Oxigraph's parser of SPARQL (1.1, section 19.8) reports where the longest keyword that it has tried
would end, which is up to 14 characters behind the token at fault. So a query is parsed again with a
gap behind each token, in which that place falls. Its parser of Turtle reports the token itself.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate, pairwise
from typing import Any

from pyoxigraph import Store

Diagnosis = Mapping[str, Any]
"""Arguments of a CatalogueError: the phrase as `hint`, `line` and `column`, and its words."""
_TOKENS = re.compile(
    r"(?P<space>(?:[ \t\r\n]++|\#[^\r\n]*+)++)"
    r'|(?P<text>(?:"""(?:[^"\\]++|\\.|"(?!""))*+"""|\'\'\'(?:[^\'\\]++|\\.|\'(?!\'\'))*+\'\'\''
    r'|"(?!"")(?:[^"\\\r\n]++|\\.)*+"|\'(?!\'\')(?:[^\'\\\r\n]++|\\.)*+\')'
    r"(?:@[A-Za-z]+(?:-[A-Za-z0-9]+)*)?)"
    r"|(?P<quote>\"\"\"|'''|[\"'])"
    r"|(?P<iri><[^<>\"{}|^`\\\x00-\x20]*+>)"
    r"|(?P<variable>[?$]\w+)|(?P<blank>_:[\w.-]*\w)"
    r"|(?P<name>(?:[^\W\d_](?:[\w.-]*\w)?)?:(?:(?:[\w.:-]|%[0-9A-Fa-f]{2}|\\.)*(?:[\w:-]|\\.))?)"
    r"|(?P<number>[+-]?\d*\.?\d+(?:[eE][+-]?\d+)?)|(?P<word>@?[^\W\d]\w*)"
    r"|(?P<mark>\^\^|&&|\|\||[<>!]=|<<\(?|\)?>>|\{\||\|\}|.)",
    re.DOTALL,
)
_GAP = " " * 20
_TIGHT = {"COALESCE", "CONCAT"}  # of which the engine takes no space before the bracket
_PLACE = re.compile(r"error at (\d+):(\d+): ")
_EXPECTED = re.compile(r'expected "([^"]+)"\Z')
_FUNCTION = re.compile(r"custom function (<[^>]*>)")
_ESCAPE = re.compile(
    r"\\(?:u(?![Dd][89A-Fa-f])[0-9A-Fa-f]{4}|U00(?:0[0-9A-Fa-f]|10)[0-9A-Fa-f]{4}|[tbnrf\"'\\])"
    r"|(?P<wrong>\\(?:[uU][0-9A-Fa-f]*|.)?)",
    re.DOTALL,
)
_OPEN_IRI = re.compile(r"<[A-Za-z][\w+.-]*://[^>\n]*(?:\n|\Z)")
_LANGUAGE = re.compile(r"@[^\s.,;\]})]*")
_ADDRESS = re.compile(r"https?://[^\s<>\"{}|\\^`]*[^\s<>\"{}|\\^`.,;)]")
_TERMS = ("text", "iri", "variable", "blank", "name", "number")
_OPENINGS = {")": "(", "]": "[", "}": "{"}
_CLOSINGS = {opening: closing for closing, opening in _OPENINGS.items()}
_INVISIBLE = ("Zs", "Zl", "Zp", "Cf", "Cc")
_NAMED = {"\ufeff": "byteOrderMark", "\u00a0": "noBreakSpace"}
_QUOTES = "\u201c\u201d\u201e\u201f\u2018\u2019\u201a\u201b\u00ab\u00bb\u2039\u203a\u00b4`"
_FORMS = {"SELECT", "ASK", "CONSTRUCT", "DESCRIBE"}
_UPDATES = {"INSERT", "DELETE", "WITH", "LOAD", "CLEAR", "CREATE", "DROP", "COPY", "MOVE", "ADD"}
_SHOWN = 60  # characters of a token in a message


def diagnose_query(text: str, reason: str, base: str | None = None) -> Diagnosis:
    """Return the diagnosis of a query that Oxigraph refuses for a reason, or an empty one."""
    parse = partial(Store().query, base_iri=base)
    source = _Source.build(text)
    if function := _FUNCTION.search(reason):
        calls = [n for n, token in enumerate(source.tokens[1:]) if token.text == "("]
        number = next(n for n in calls if source.tokens[n].kind in ("iri", "name"))
        error = _SyntaxError(source, number, reason)
        return error.at(error.token, "unknownFunction", token=function[1])
    if not _PLACE.match(reason):
        return {}
    parts = [
        token.text.replace("\n", "\\n") + ("" if token.word in _TIGHT else _GAP)
        for token in source.tokens[:-1]
    ]
    try:
        parse("".join(parts))
    except SyntaxError as second:
        reason = str(second)
        place = int(_PLACE.match(reason)[2]) - 1  # type: ignore[index]
        number = bisect_right([*accumulate(map(len, parts))], place)
    else:
        number = source.number(*map(int, _PLACE.match(reason).groups()))  # type: ignore[union-attr]
    check_function = partial(_function, parse=parse)
    rules: list[_Rule] = [*_RULES, _variable, _form, check_function, *_STRUCTURE, _expected]
    return _SyntaxError(source, number, reason).diagnose(rules)


def diagnose_rdf(text: str, error: SyntaxError) -> Diagnosis:
    """Return the diagnosis of an error in Turtle, with its position."""
    source = _Source.build(text)
    number = source.number(error.lineno or 1, error.offset or 1)
    return _SyntaxError(source, number, error.msg).diagnose((*_RULES, *_STRUCTURE))


def known_prefix(words: Mapping[str, Any], prefixes: Mapping[str, str]) -> dict[str, Any]:
    """Return the words of a diagnosis, with the IRI of an undeclared prefix if it is known."""
    iri = prefixes.get(words.get("prefix", ""))
    return {**words, "iri": iri} if iri else dict(words)


@dataclass(frozen=True)
class _Token:
    """A token, the kind of it, and where it begins; the last one of a text is its end."""

    kind: str
    text: str
    start: int

    @property
    def word(self) -> str:
        """Return it in capitals."""
        return self.text.upper()


@dataclass(frozen=True)
class _Source:
    """A text and its tokens, without spaces and comments."""

    text: str
    tokens: Sequence[_Token]

    @classmethod
    def build(cls, text: str) -> "_Source":
        """Split a text."""
        matches = (match for match in _TOKENS.finditer(text) if not match["space"])
        tokens = [_Token(match.lastgroup or "", match[0], match.start()) for match in matches]
        return cls(text, [*tokens, _Token("end", "", len(text.rstrip()))])

    def number(self, line: int, column: int) -> int:
        """Return the number of the token at a position."""
        offset = sum(len(before) + 1 for before in self.text.split("\n")[: line - 1]) + column - 1
        ends = [token.start + len(token.text) for token in self.tokens[:-1]]
        return bisect_right(ends, offset)


@dataclass(frozen=True)
class _SyntaxError:
    """A text with the number of the token at fault, and the parser's reason."""

    source: _Source
    number: int
    reason: str

    @property
    def token(self) -> _Token:
        """Return the token at fault."""
        return self.source.tokens[self.number]

    @property
    def before(self) -> Sequence[_Token]:
        """Return the tokens before it."""
        return self.source.tokens[: self.number]

    def before_it(self, count: int = 1) -> str:
        """Return the token that stands so many before it, in capitals."""
        return self.before[-count].word if len(self.before) >= count else ""

    def diagnose(self, rules: Sequence["_Rule"]) -> Diagnosis:
        """Return what the first rule finds that finds something."""
        found = next(filter(None, (rule(self) for rule in rules)), None)
        if found or self.token.text:
            return found or self.at(self.token, "unexpectedToken")
        return self.at(self.token, "unexpectedEnd", before=self.before[-1].text)

    def at(self, token: _Token, hint: str, /, **words: str) -> Diagnosis:
        """Return a diagnosis with the position of a token."""
        return make_diagnosis(self.source.text, token.start, hint, **{"token": token.text} | words)


def make_diagnosis(text: str, offset: int, hint: str, /, **words: str) -> Diagnosis:
    """Return a diagnosis with the position of an offset."""
    line, column = text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)
    words = {key: _shortened(word) for key, word in words.items()}
    return {"hint": hint, "line": line, "column": column, **words}


def _shortened(word: str) -> str:
    return word if len(word) <= _SHOWN else word[:_SHOWN] + "…"


_Rule = Callable[[_SyntaxError], Diagnosis | None]


def _open_text(error: _SyntaxError) -> Diagnosis | None:
    tokens = (*error.before, error.token)
    quote = next((token for token in tokens if token.kind == "quote"), None)
    return error.at(quote, "unclosedText") if quote else None


def _open_iri(error: _SyntaxError) -> Diagnosis | None:
    """Find an IRI that does not end on its line."""
    marks = (t for t in (*error.before, error.token) if (t.kind, t.text) == ("mark", "<"))
    opened = (t for t in marks if _OPEN_IRI.match(error.source.text, t.start))
    token = next(opened, None)
    return error.at(token, "unclosedBracket", expected=">") if token else None


def _escape(error: _SyntaxError) -> Diagnosis | None:
    escapes = _ESCAPE.finditer(error.token.text) if error.token.kind == "text" else ()
    wrong = next((escape for escape in escapes if escape["wrong"]), None)
    if wrong is None:
        return None
    place = _Token("escape", wrong[0], error.token.start + wrong.start())
    return error.at(place, "invalidEscape")


def _language(error: _SyntaxError) -> Diagnosis | None:
    """Find a text with a language that is not well-formed, behind which no space stands."""
    texts = [token for token in (*error.before[-2:], error.token) if token.kind == "text"]
    for token in texts:
        start = token.start + max(token.text.rfind(quote) for quote in "\"'") + 1
        language = _LANGUAGE.match(error.source.text, start)
        if language and language.end() > token.start + len(token.text):
            return error.at(_Token("at", language[0], start), "invalidLanguage")
    return None


def _character(error: _SyntaxError) -> Diagnosis | None:
    token = error.token
    if token.kind != "mark" or len(token.text) > 1:
        return None
    if token.text in _QUOTES:
        return error.at(token, "typographicQuote")
    if unicodedata.category(token.text) not in _INVISIBLE:
        return None
    hint = _NAMED.get(token.text, "invisibleCharacter")
    return error.at(token, hint, token=f"U+{ord(token.text):04X}")


def _bare_iri(error: _SyntaxError) -> Diagnosis | None:
    address = _ADDRESS.match(error.source.text, error.token.start)
    return error.at(error.token, "bareIri", token=address[0]) if address else None


def _iri(error: _SyntaxError) -> Diagnosis | None:
    if not re.search("IRI parsing|Invalid IRI|absolute IRI", error.reason):
        return None
    text = error.source.text
    start = text.rfind("<", 0, error.token.start + 1)
    iri = text[start : text.find(">", start) + 1]
    hint = "relativeIri" if "absolute" in error.reason else "invalidIri"
    return error.at(_Token("iri", iri, start), hint)


def _prefix(error: _SyntaxError) -> Diagnosis | None:
    token = error.token
    if error.before_it() in ("PREFIX", "@PREFIX"):
        is_bare = token.kind == "word"
        return error.at(token, "expectedToken", expected=f"{token.text}:") if is_bare else None
    prefix, colon, _ = token.text.partition(":")
    is_used = token.kind == "name" and prefix not in _declared(error.before)
    return (
        error.at(token, "undeclaredPrefix", prefix=prefix, iri="…") if is_used and colon else None
    )


def _declared(tokens: Sequence[_Token]) -> Iterator[str]:
    for word, name in pairwise(tokens):
        if word.word in ("PREFIX", "@PREFIX"):
            yield name.text.removesuffix(":")


def _bracket(error: _SyntaxError) -> Diagnosis | None:
    opened, token = _opened(error.before), error.token
    opening = _OPENINGS.get(token.text)
    if opening and not opened:
        return error.at(token, "unopenedBracket")
    is_within_group = opened and opened[-1].text in "(["
    ends = token.kind == "end" or (opening and opening != opened[-1].text)
    breaks = token.text == "." or (token.text == "{" and '")"' in error.reason)
    is_unclosed = opened and (ends or (is_within_group and breaks))
    if not is_unclosed:
        return None
    return error.at(opened[-1], "unclosedBracket", expected=_CLOSINGS[opened[-1].text])


def _opened(tokens: Sequence[_Token]) -> list[_Token]:
    """Return the brackets that are open behind tokens."""
    opened: list[_Token] = []
    for token in tokens:
        if token.text in _OPENINGS.values():
            opened.append(token)
        elif opened and _OPENINGS.get(token.text) == opened[-1].text:
            opened.pop()
    return opened


def _separator(error: _SyntaxError) -> Diagnosis | None:
    """Find a term behind a whole triple."""
    opened = _opened(error.before)
    is_query = any(token.word in _FORMS for token in error.before)
    ends = error.token.kind == "end" or error.token.text in ("@prefix", "@base")
    is_term = error.token.kind in _TERMS or (ends and not is_query)
    follows = error.before and (error.before[-1].kind in _TERMS or error.before_it() in (")", "]"))
    is_statement = opened[-1].text != "(" if opened else not is_query
    count, needed = 0, 3
    for token in reversed(error.before):
        if token.text in (".", ";", ",", "{", "[", "}"):
            needed = {",": 1, ";": 2, "[": 2}.get(token.text, 3)
            break
        count += 1
    if not (is_term and follows and is_statement and count >= needed):
        return None
    return error.at(error.token, "missingSeparator", before=error.before[-1].text)


def _expected(error: _SyntaxError) -> Diagnosis | None:
    match = _EXPECTED.search(error.reason)
    expected = "(" if error.before_it() in ("FILTER", "BIND") else match and match[1]
    return (
        error.at(error.token, "expectedToken", expected=expected)
        if expected and error.token.text
        else None
    )


def _form(error: _SyntaxError) -> Diagnosis | None:
    """Find a text that is no query."""
    if any(token.word in _FORMS for token in (*error.before, error.token)):
        return None
    return error.at(error.token, "updateRefused" if error.token.word in _UPDATES else "notQuery")


def _function(error: _SyntaxError, parse: Callable[[str], object]) -> Diagnosis | None:
    token = error.token
    following = error.source.tokens[error.number + 1 : error.number + 2]
    if token.kind not in ("word", "name") or not following or following[0].text != "(":
        return None
    if not _is_function(token.text, parse):
        return error.at(token, "unknownFunction")
    is_listed = any(t.word == "SELECT" for t in error.before) and not _opened(error.before)
    return error.at(token, "bareExpression") if is_listed else None


def _is_function(name: str, parse: Callable[[str], object]) -> bool:
    """Return whether the parser goes on behind a name in the place of a function."""
    for text in (f"ASK {{ FILTER ({name}{_GAP}", f"ASK {{ FILTER ({name}({_GAP}"):
        try:
            parse(text)
        except SyntaxError as error:
            match = _PLACE.match(str(error))
            if match and int(match[2]) > len(text):
                return True
    return False


def _variable(error: _SyntaxError) -> Diagnosis | None:
    """Find what a query does with its variables that it may not."""
    tokens, reason = error.source.tokens, error.reason
    if "variable that is unbound" in reason:
        selected, grouped = _projection(tokens)
        token = next((token for token in selected if token.text not in grouped), error.token)
        return error.at(token, "ungroupedVariable")
    if "not authorized with GROUP BY" in reason:
        star = next(token for token in tokens if token.text == "*")
        return error.at(star, "groupedStar")
    is_bound_again = error.before_it() == ")" and error.before_it(3) == "AS"
    if is_bound_again or "Duplicated variable" in reason or "overrides an existing" in reason:
        named = [t for word, t in pairwise(tokens) if word.word == "AS"]
        names = [token.text for token in tokens if token.kind == "variable"]
        repeated = [token for token in named if names.count(token.text) > 1]
        return error.at(repeated[-1], "repeatedVariable") if repeated else None
    if "same number of values" in reason:
        return error.at(error.token, "valuesCount")
    return error.at(error.token, "blankNodeScope") if "<unreported>" in reason else None


def _projection(tokens: Sequence[_Token]) -> tuple[list[_Token], set[str]]:
    """Return the variables that a SELECT lists, but for those in brackets, and those grouped by."""
    words = [token.word for token in tokens]
    start = words.index("SELECT")
    head = tokens[start : words.index("{", start)]
    listed = [t for n, t in enumerate(head) if t.kind == "variable" and not _opened(head[:n])]
    end = words.index("GROUP") if "GROUP" in words else len(words)
    return listed, {token.text for token in tokens[end:]}


_IN_TOKENS: Sequence[_Rule] = (_open_text, _open_iri, _escape, _language, _character)
_RULES: Sequence[_Rule] = (*_IN_TOKENS, _bare_iri, _iri, _prefix)
_STRUCTURE: Sequence[_Rule] = (_bracket, _separator)
