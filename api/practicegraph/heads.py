"""The head of a stored question: Turtle in comment lines, `#: `, above its SPARQL."""

import re
from collections.abc import Iterator, Sequence

from pyoxigraph import Literal, NamedNode, Quad

from . import sparql
from .store import Term

SUFFIX = ".rq"
"""How the names of such files end."""
_SH = "http://www.w3.org/ns/shacl#"
_EXECUTABLE = re.compile(re.escape(_SH) + "SPARQL(Select|Ask|Construct)Executable")
_HEAD = re.compile(r"(?:#:.*(?:\n|$))+")
_MARGIN = re.compile(r"#: ?")


def split(content: bytes) -> tuple[bytes, str]:
    """Give the head of a question as Turtle, its lines where they were, and the SPARQL below it."""
    text = content.decode()
    head = _HEAD.match(text)
    lines = head[0].splitlines() if head else []
    turtle = "\n".join(_MARGIN.sub("", line, count=1) for line in lines)
    return turtle.encode(), text[head.end() if head else 0 :].strip() + "\n"


def margins(content: bytes) -> list[str]:
    """Give what stands before the Turtle in each line of the head."""
    found = (_MARGIN.match(line) for line in content.decode().splitlines())
    return [margin[0] if margin else "" for margin in found]


def executable(quads: Sequence[Quad], body: str) -> Iterator[Quad]:
    """Give the statement that holds the SPARQL of a question (SHACL-SPARQL, SPARQL executables)."""
    text = Literal(sparql.with_terms(body, _defaults(quads)))
    for quad in quads:
        kind = _EXECUTABLE.fullmatch(getattr(quad.object, "value", ""))
        if kind:
            yield Quad(quad.subject, NamedNode(_SH + kind[1].lower()), text, quad.graph_name)


def _defaults(quads: Sequence[Quad]) -> dict[str, Term]:
    """Give the values of a question's parameters that hold where none is given, by name."""
    keys, defaults = (
        {quad.subject: quad.object for quad in quads if quad.predicate.value == _SH + name}
        for name in ("codeIdentifier", "defaultValue")
    )
    named = {node: key.value for node, key in keys.items() if isinstance(key, Literal)}
    return {named[node]: term for node, term in defaults.items() if node in named}
