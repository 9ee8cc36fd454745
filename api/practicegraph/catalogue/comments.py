"""Comments of Turtle files that are written anew."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import accumulate, pairwise

from ..rdf.positions import Token, UnknownTokenError, tokenize

_COMMENT = re.compile(r"#[^\r\n]*")
_IRI = re.compile(r"<[^\s<>]*>")
_INDENT = re.compile(r"[ \t]*")


def keep_comments(before: str, after: str) -> str:
    """Return a file as it was written anew, with the comments that it had.

    Each stays beside its line; where that has gone, in its place.
    """
    if "#" not in _IRI.sub("", before):
        return after
    try:
        old = _CommentedText.parse(before)
        return _with_comments(old, after) if old.comments else after
    except UnknownTokenError:
        return after  # a syntax that is not Turtle 1.1


@dataclass(frozen=True)
class _Comment:
    """A comment at the end of a line, or above it; lines count from 0."""

    text: str
    line: int
    at_end: bool


@dataclass(frozen=True)
class _CommentedText:
    """The lines of a text without its comments, and these."""

    lines: Sequence[str]
    comments: Sequence[_Comment]

    @classmethod
    def parse(cls, text: str) -> "_CommentedText":
        """Split a text; raise UnknownTokenError."""
        starts = _line_starts(text)
        columns: dict[int, int] = {}
        for offset in _comment_offsets(text):
            number = _line_at(starts, offset)
            columns[number] = offset - starts[number]
        lines: list[str] = []
        comments: list[_Comment] = []
        for number, line in enumerate(text.split("\n")):
            code = line[: columns.get(number)].rstrip()
            if number in columns:
                comment = line[columns[number] :].rstrip()
                comments.append(_Comment(comment, len(lines), at_end=bool(code)))
            if code or number not in columns:
                lines.append(code)
        return cls(lines, comments)


def _comment_offsets(text: str) -> Iterator[int]:
    """Yield the offsets of comments, which stand between tokens."""
    end = Token("end", "", len(text), len(text))
    for before, after in pairwise([Token("start", "", 0, 0), *tokenize(text), end]):
        yield from (match.start() for match in _COMMENT.finditer(text, before.end, after.start))


def _with_comments(old: _CommentedText, text: str) -> str:
    lines = text.split("\n")
    in_literal = _lines_in_literals(text)
    places = _corresponding_lines(old.lines, lines)
    above: dict[int, list[str]] = {}
    for comment in old.comments:
        place = places[comment.line]
        if comment.at_end and lines[place] and place + 1 not in in_literal:
            lines[place] += f" {comment.text}"
            continue
        while place in in_literal:
            place -= 1
        indent = _INDENT.match(lines[place])
        above.setdefault(place, []).append((indent[0] if indent else "") + comment.text)
    return "\n".join(line for n, own in enumerate(lines) for line in (*above.get(n, ()), own))


def _corresponding_lines(old: Sequence[str], new: Sequence[str]) -> dict[int, int]:
    """Return for each old line, and for the end, the new line that is the same or in its place."""
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    places = {len(old): len(new) - 1}
    for _, start, end, new_start, new_end in matcher.get_opcodes():
        last = min(max(new_start, new_end - 1), len(new) - 1)
        places |= {n: min(new_start + n - start, last) for n in range(start, end)}
    return places


def _lines_in_literals(text: str) -> set[int]:
    """Return the lines that begin inside a literal."""
    starts = _line_starts(text)
    tokens = (t for t in tokenize(text) if "\n" in t.text)
    spans = ((_line_at(starts, t.start), _line_at(starts, t.end)) for t in tokens)
    return {number for first, last in spans for number in range(first + 1, last + 1)}


def _line_starts(text: str) -> list[int]:
    return [0, *accumulate(len(line) + 1 for line in text.split("\n")[:-1])]


def _line_at(starts: Sequence[int], offset: int) -> int:
    return bisect_right(starts, offset) - 1
