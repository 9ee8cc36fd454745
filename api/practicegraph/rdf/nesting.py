"""Limits on the depth of nested brackets in Turtle, TriG, N-Quads and SPARQL.

The parsers of these go down a level of the stack for each of them, and a stack that overflows ends
its process. A scan of the tokens in which a bracket is only text bounds the depth beforehand.
"""

import re

MAX_DEPTH = 100
"""The maximum depth of nested brackets, objects and elements."""
# A backslash outside of texts and IRIs escapes a character of a name (Turtle 1.1, section 6.4).
_TOKENS = re.compile(
    r'"""(?:[^"\\]++|\\.|"(?!""))*+"""|\'\'\'(?:[^\'\\]++|\\.|\'(?!\'\'))*+\'\'\''
    r'|"(?:[^"\\\r\n]++|\\.)*+"|\'(?:[^\'\\\r\n]++|\\.)*+\''
    r"|<[^\x00-\x20<>\"{}|^`]*+>|#[^\r\n]*+|\\."
    r"|(?P<opening><<\(?|\{\||[(\[{])|(?P<closing>\)?>>|\|\}|[)\]}])|(?P<unary>!+(?!=))",
    re.DOTALL,
)


class TooDeepError(ValueError):
    """A text that is nested too deep from an offset on."""

    def __init__(self, offset: int, most: int = MAX_DEPTH) -> None:
        super().__init__(f"nested more than {most} deep")
        self.offset, self.most = offset, most


def refuse_depth(text: str) -> None:
    """Raise TooDeepError where brackets, or signs of negation in a row, are too deep."""
    depth = 0
    for token in _TOKENS.finditer(text):
        depth += 1 if token["opening"] else -1 if token["closing"] else 0
        depth = max(depth, 0)
        if depth + len(token["unary"] or "") > MAX_DEPTH:
            raise TooDeepError(token.start())


def place(text: str, offset: int) -> tuple[int, int]:
    """Return the line and column of an offset in a text, both from 1 on."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)
