"""The tokens of Turtle, TriG and N-Quads and where they stand (Turtle 1.1, section 6.5)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

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


class StrangeTokenError(ValueError):
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


def tokens(text: str) -> Iterator[Token]:
    """Give the tokens, literals whole; raises StrangeTokenError."""
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
            raise StrangeTokenError(offset)
        kind, offset = found.lastgroup, found.end()
        assert kind
        if kind != "space":
            yield Token(kind, found[0], found.start(), offset)


def _joined(parts: list[Token]) -> Token:
    text = "".join(part.text for part in parts)
    return Token("string", text, parts[0].start, parts[-1].end)
