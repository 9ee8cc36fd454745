"""The head of a stored question: Turtle in comment lines, `#: `, above its SPARQL."""

import re

SUFFIX = ".rq"
"""How the names of such files end."""
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
